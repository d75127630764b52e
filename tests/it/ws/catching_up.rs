//! Replay and change at the same time: messages as they are now, and no gap between history and
//! live, however busy the room is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::{TestServer, contents, new_id, number, seqs, text};

/// Eight entries: three created, one edited, one deleted, one edited twice.
fn eventful(room_cache: usize) -> (TestServer, crate::support::Person, String) {
    let server = TestServer::with(|s| s.store.room_cache = room_cache);
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    let ids: Vec<_> =
        ["one", "two", "three"].iter().map(|content| client.say(&room, content)["id"].take()).collect();
    let edit = |id: &Value, content: &str| json!({"t": "message.edit", "room": room, "d": {"id": id, "content": content}});
    client.acked(edit(&ids[0], "one, edited"));
    client.acked(json!({"t": "message.delete", "room": room, "d": {"id": ids[1]}}));
    client.acked(edit(&ids[2], "three, edited"));
    client.acked(edit(&ids[2], "three, edited again"));
    (server, alice, room)
}

#[test]
fn a_replay_shows_messages_as_they_are_now() {
    // From the store only, from memory only, and from both.
    for (room_cache, restarted) in [(0, false), (256, false), (256, true), (2, false)] {
        let (mut server, alice, room) = eventful(room_cache);
        if restarted {
            server.restart();
        }
        let mut client = server.connect(&alice);
        for after in 0..8 {
            client.subscribe(&room, Some(after));
            let entries = client.entries(&room, usize::try_from(8 - after).expect("small"));
            assert!(seqs(&entries).into_iter().eq(after + 1..=8));
            for entry in entries.iter().filter(|entry| number(entry, "seq") > 1) {
                let now = match number(&entry["d"], "seq") {
                    2 => "one, edited",
                    3 => "",
                    _ => "three, edited again",
                };
                assert_eq!(entry["d"]["content"], now, "cache {room_cache}, after {after}: {entry}");
                assert_eq!(entry["d"].get("deletedAt").is_some(), now.is_empty());
            }
        }
    }
}

#[test]
fn a_reader_who_comes_and_goes_in_a_busy_room_has_no_gap_and_no_double() {
    for (room_cache, page) in [(256, 50), (8, 3)] {
        let server = TestServer::with(|s| {
            s.store.room_cache = room_cache;
            s.limits.replay_page = page;
            s.limits.replay_per_room = 40;
        });
        let (alice, bob) = (server.person("alice"), server.person("bob"));
        let room = server.room(&alice, &[&bob]);
        let done = AtomicBool::new(false);
        let (sent, seen) = thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut client = server.connect(&alice);
                let mut sent = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let content = format!("number {}", sent.len());
                    client.say(&room, &content);
                    sent.push(content);
                }
                sent
            });
            let end = EndOfWriting(&done);
            let seen = follow(&server, &bob, &room, 60);
            drop(end);
            (writer.join().expect("the writer"), seen)
        });
        // What came after the last look is fetched by one more.
        let mut client = server.connect(&bob);
        let mut seen = seen;
        let head = client.head_of(&room).expect("a member");
        while seen.last().map_or(0, |entry| number(entry, "seq")) < head {
            let after = seen.last().map_or(0, |entry| number(entry, "seq"));
            let to = number(&client.subscribe(&room, Some(after)), "to");
            seen.extend(client.entries(&room, usize::try_from(to - after).expect("small")));
        }
        assert!(seqs(&seen).into_iter().eq(1..=head), "each entry once, in order");
        assert_eq!(contents(&seen[2..]), sent);
    }
}

/// The writer stops when this goes, even if the reader failed.
struct EndOfWriting<'a>(&'a AtomicBool);

impl Drop for EndOfWriting<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Subscribes again and again, on new and on old connections, from where the last look ended.
fn follow(server: &TestServer, who: &crate::support::Person, room: &str, times: usize) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    let mut client = server.connect(who);
    for n in 0..times {
        if n % 3 == 2 {
            client = server.connect(who);
        }
        let mut after = seen.last().map_or(0, |entry| number(entry, "seq"));
        loop {
            let answer = client.subscribe(room, Some(after));
            // What an earlier subscription delivered is begun anew by this one.
            client.forget();
            if answer["mode"] == "uptodate" {
                break;
            }
            assert_eq!(answer["mode"], "replay", "{answer}");
            let to = number(&answer, "to");
            let entries = client.entries(room, usize::try_from(to - after).expect("small"));
            assert!(seqs(&entries).into_iter().eq(after + 1..=to), "after {after} came {entries:?}");
            seen.extend(entries);
            after = to;
            if answer["more"] == false {
                break;
            }
        }
        // Some live entries.
        for entry in client.entries(room, n % 4) {
            assert_eq!(number(&entry, "seq"), after + 1, "live after {after}");
            after += 1;
            seen.push(entry);
        }
    }
    seen
}

#[test]
fn two_rooms_asked_for_at_once_are_both_answered() {
    let server = TestServer::with(|s| s.store.room_cache = 0);
    let alice = server.person("alice");
    let rooms: Vec<_> = (0..10).map(|_| server.room(&alice, &[])).collect();
    let mut client = server.connect(&alice);
    for (n, room) in rooms.iter().enumerate() {
        client.send(&json!({"t": "room.subscribe", "ref": n, "room": room, "d": {"after": 0}}));
    }
    for (n, room) in rooms.iter().enumerate() {
        let answer = client.answer(&json!(n));
        assert_eq!((&answer["room"], &answer["d"]["mode"]), (&json!(room), &json!("replay")));
        assert_eq!(seqs(&[client.entry(room)]), [1]);
    }
    // And while one is read, another action is not held up by it.
    let key = new_id();
    client.send(&json!({"t": "room.subscribe", "ref": "s", "room": rooms[0], "d": {"after": 0}}));
    let ack = client.acked(crate::support::TestClient::message(&rooms[1], &key, "meanwhile"));
    assert_eq!(text(&ack, "clientMsgId"), key);
    client.answer(&json!("s"));
}
