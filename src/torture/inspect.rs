//! A look at what came of everything, when all is over: the histories of rooms and the files, as people get
//! them, those who may and those who may not.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use uuid::Uuid;

use super::chance::Chance;
use super::deeds::{FetchSheet, LookSheet};
use super::history::History;
use super::moment::Stopwatch;
use super::rest::{Person, Rest};

/// Requests at the same time.
const AT_ONCE: usize = 8;
/// Files that are looked at; of more, those that come first by chance.
const FILES: usize = 150;
/// Who gets no answer asks again so often.
const TRIES: usize = 5;

/// Looks at everything through any process, and notes it.
pub async fn inspect(
    history: &mut History,
    (watch, rest): (Stopwatch, &Rest),
    pods: &[SocketAddr],
    people: &[Person],
    seed: u64,
) {
    let mut chance = Chance::new(seed ^ 0x6c6f_6f6b);
    let mut pod = || pods[chance.index(pods.len())];
    let wishes: Vec<_> = readers(history).into_iter().map(|(room, client)| (room, client, pod())).collect();
    let ids: Vec<Uuid> = history.rooms.iter().map(|room| room.id).collect();
    let (ids, pod_count) = (&ids, pods.len());
    let looks = stream::iter(wishes)
        .map(|(room, client, at)| async move {
            let seen = again(|| rest.history(at, &people[client].token, ids[room])).await;
            seen.map(|seen| LookSheet { room, client, at: watch.now(), seen })
                .map_err(|why| format!("person-{client} cannot read the history of room {room}: {why}"))
        })
        .buffered(AT_ONCE);
    let looks: Vec<Result<LookSheet, String>> = looks.collect().await;
    for look in looks {
        match look {
            Ok(look) => history.looks.push(look),
            Err(why) => history.unsettled.push(why),
        }
    }
    let mut chance = Chance::new(seed ^ 0x6669_6c65);
    let wishes: Vec<_> = fetchers(history, &mut chance)
        .into_iter()
        .map(|(file, client)| (file, client, pods[chance.index(pod_count)]))
        .collect();
    let fetches = stream::iter(wishes)
        .map(|(file, client, at)| async move {
            let got = again(|| rest.fetch(at, &people[client].token, file)).await;
            got.map(|got| FetchSheet { file, client, at: watch.now(), got })
                .map_err(|why| format!("person-{client} gets no answer about the file {file}: {why}"))
        })
        .buffered(AT_ONCE);
    let fetches: Vec<Result<FetchSheet, String>> = fetches.collect().await;
    for fetch in fetches {
        match fetch {
            Ok(fetch) => history.fetches.push(fetch),
            Err(why) => history.unsettled.push(why),
        }
    }
}

/// Who reads which room: its first member, and all who come and go; and somebody who never was there.
fn readers(history: &History) -> Vec<(usize, usize)> {
    let mut readers = Vec::new();
    for (index, room) in history.rooms.iter().enumerate() {
        readers.extend(room.members.iter().take(1).chain(&room.guests).map(|client| (index, *client)));
        let stranger = (0..history.clients.len()).find(|client| !room.knows(*client));
        readers.extend(stranger.map(|client| (index, client)));
    }
    readers
}

/// Who gets which file: who sent it, some who know its room, and somebody who does not.
fn fetchers(history: &History, chance: &mut Chance) -> Vec<(Uuid, usize)> {
    let mut files: Vec<(usize, Uuid)> = Vec::new();
    for (client, sheet) in history.clients.iter().enumerate() {
        files.extend(sheet.uploads.iter().filter_map(|upload| Some((client, upload.stored()?))));
    }
    chance.shuffle(&mut files);
    files.truncate(FILES);
    let mut wishes = BTreeSet::new();
    for (owner, file) in files {
        wishes.insert((file, owner));
        let sends = &history.clients[owner].sends;
        let room =
            sends.iter().find(|send| send.attachment == Some(file)).map(|send| &history.rooms[send.room]);
        for _ in 0..2 {
            let near: Vec<usize> =
                room.iter().flat_map(|room| room.members.iter().chain(&room.guests)).copied().collect();
            wishes.extend(near.get(chance.index(near.len())).map(|client| (file, *client)));
            wishes.insert((file, chance.index(history.clients.len())));
        }
    }
    wishes.into_iter().collect()
}

async fn again<T, F: Future<Output = Result<T, String>>>(ask: impl Fn() -> F) -> Result<T, String> {
    let mut last = String::new();
    for _ in 0..TRIES {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(why) => last = why,
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err(last)
}
