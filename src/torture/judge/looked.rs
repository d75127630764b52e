//! What people got in the end: the histories of rooms (I8, and I10 for who may not read them) and files,
//! whole for who may have them and absent for everybody else (I1, I10); and what files that were not
//! taken left behind (`upload`).

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Facts, Verdict, Violation};
use crate::torture::books::{FileRow, MessageRow};
use crate::torture::deeds::{Fate, LookSheet, Shown};
use crate::torture::history::History;
use crate::torture::record::said;

pub fn judge(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    histories(history, facts, verdict);
    uploads(history, facts, verdict);
    blobs(history, verdict);
    fetches(history, facts, verdict);
}

/// What of a room somebody may read in the end: from which entry on. Nothing for who is outside.
fn visible_from(history: &History, facts: &Facts<'_>, room: usize, client: usize) -> Option<u64> {
    let sheet = &history.rooms[room];
    if sheet.members.contains(&client) {
        return Some(0);
    }
    let last = facts.stays.get(&(room, client))?.last()?;
    let from = if sheet.since_joined { last.from } else { 0 };
    last.to.is_none().then_some(from)
}

/// I8, I10.
fn histories(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    let mut reactions: BTreeMap<Uuid, BTreeMap<String, u64>> = BTreeMap::new();
    for row in &history.books.reactions {
        *reactions.entry(row.message).or_default().entry(row.sign.clone()).or_default() += 1;
    }
    let mut rooms: BTreeMap<Uuid, Vec<&MessageRow>> = BTreeMap::new();
    for row in &history.books.messages {
        rooms.entry(row.room).or_default().push(row);
    }
    rooms.values_mut().for_each(|rows| rows.sort_by_key(|row| std::cmp::Reverse(row.seq)));
    let shown = |row: &&MessageRow| Shown {
        id: row.id,
        seq: row.seq,
        said: said(&row.content, row.is_deleted),
        reactions: reactions.get(&row.id).filter(|_| !row.is_deleted).cloned().unwrap_or_default(),
    };
    for look in &history.looks {
        let from = visible_from(history, facts, look.room, look.client);
        let (promise, wrong) = match (&look.seen, from) {
            (Ok(seen), Some(from)) => {
                let rows = rooms.get(&history.rooms[look.room].id).into_iter().flatten();
                let due: Vec<Shown> = rows.filter(|row| row.seq >= from).map(shown).collect();
                ("I8", first_difference(seen, &due))
            }
            (Ok(seen), None) => ("I10", Some(format!("{} messages are shown", seen.len()))),
            (Err(code), Some(_)) => ("I8", Some(format!("it is refused: {code}"))),
            (Err(code), None) => {
                let is_right = matches!(code.as_str(), "notMember" | "notFound");
                ("I10", (!is_right).then(|| format!("the refusal is {code}")))
            }
        };
        verdict.require(promise, wrong.is_none(), || {
            let LookSheet { room, client, at, .. } = *look;
            let name = &history.clients[client].name;
            let what =
                format!("{name} reads the history of room {room} in the end: {}", wrong.unwrap_or_default());
            Violation::new(promise, at, what).of_client(client).of_entry(room, from.unwrap_or(0))
        });
    }
}

fn first_difference(seen: &[Shown], due: &[Shown]) -> Option<String> {
    let differs = seen.iter().zip(due).find(|(seen, due)| seen != due);
    match differs {
        Some((seen, due)) => Some(format!("{seen:?} is shown where {due:?} is stored")),
        None if seen.len() == due.len() => None,
        None => Some(format!("{} messages are shown, and {} are stored", seen.len(), due.len())),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _never = write!(text, "{byte:02x}");
        text
    })
}

/// I1: a file that was taken is noted whole, and belongs to its message. `upload`: one that was not
/// taken is not noted.
fn uploads(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    let mut rows: BTreeMap<&str, Vec<&FileRow>> = BTreeMap::new();
    for row in &history.books.files {
        rows.entry(&row.name).or_default().push(row);
    }
    for (client, sheet) in history.clients.iter().enumerate() {
        for upload in &sheet.uploads {
            let noted = rows.get(upload.name.as_str()).map(Vec::as_slice).unwrap_or_default();
            let right = match upload.fate() {
                Fate::Done => {
                    noted.len() == 1
                        && noted.iter().all(|row| {
                            Some(row.id) == upload.stored()
                                && row.owner == sheet.user
                                && row.is_complete
                                && row.sha256 == hexadecimal(&upload.sha256)
                        })
                }
                Fate::Void => noted.is_empty(),
                // Who died before it was whole leaves a row, by which the rest is found.
                Fate::Open => noted.len() <= 1,
            };
            let promise = if upload.fate() == Fate::Done { "I1" } else { "upload" };
            verdict.require(promise, right, || {
                let what = format!("{}: of {upload:?} is noted {noted:?}", sheet.name);
                Violation::new(promise, upload.asked, what).of_client(client)
            });
        }
        for send in &sheet.sends {
            let (Some(file), Some(row)) = (send.attachment, facts.by_key.get(&(sheet.user, send.key))) else {
                continue;
            };
            let owned =
                history.books.files.iter().find(|noted| noted.id == file).and_then(|noted| noted.message);
            verdict.require("I1", owned == Some(row.id), || {
                let what =
                    format!("{}: {} was sent with {file}, which belongs to {owned:?}", sheet.name, row.id);
                Violation::new("I1", send.composed, what).of_client(client).of_key(send.key)
            });
        }
    }
}

/// `upload`: no bytes lie there that nothing is noted of. What is being written has a `#` in its name.
fn blobs(history: &History, verdict: &mut Verdict) {
    let Some(blobs) = &history.blobs else { return };
    let noted: BTreeSet<Uuid> = history.books.files.iter().map(|row| row.id).collect();
    for blob in blobs {
        let id = blob.split('#').next().and_then(|id| id.parse::<Uuid>().ok());
        verdict.require("upload", id.is_some_and(|id| noted.contains(&id)), || {
            Violation::new("upload", history.end, format!("{blob} lies there, and nothing is noted of it"))
        });
    }
    let there: BTreeSet<Uuid> = blobs.iter().filter_map(|blob| blob.parse().ok()).collect();
    for row in history.books.files.iter().filter(|row| row.is_complete) {
        verdict.require("I1", there.contains(&row.id), || {
            Violation::new("I1", history.end, format!("{row:?} is noted as whole, and its bytes are gone"))
        });
    }
}

/// I1, I10: who may read its message gets the whole file; until it is sent, its owner does; nobody else.
fn fetches(history: &History, facts: &Facts<'_>, verdict: &mut Verdict) {
    let places = history.places();
    let files: BTreeMap<Uuid, &FileRow> = history.books.files.iter().map(|row| (row.id, row)).collect();
    for fetch in &history.fetches {
        let Some(row) = files.get(&fetch.file) else { continue };
        let message = row.message.and_then(|message| facts.messages.get(&message));
        let may = match message {
            None => row.owner == history.clients[fetch.client].user,
            Some(message) => {
                let room = places.get(&message.room).copied();
                let from = room.and_then(|room| visible_from(history, facts, room, fetch.client));
                !message.is_deleted && from.is_some_and(|from| message.seq >= from)
            }
        };
        let (promise, right) = match &fetch.got {
            Ok(sha256) if may => ("I1", hexadecimal(sha256) == row.sha256),
            Err(_) if may => ("I1", false),
            Err(code) => ("I10", code == "notFound"),
            Ok(_) => ("I10", false),
        };
        verdict.require(promise, right, || {
            let name = &history.clients[fetch.client].name;
            let what = format!("{name} may have {row:?}: {may}; it got {:?}", fetch.got);
            let violation = Violation::new(promise, fetch.at, what).of_client(fetch.client);
            message.map_or(violation.clone(), |message| violation.of_key(message.key))
        });
    }
}
