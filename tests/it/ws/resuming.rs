//! Coming back: what was missed is replayed, whole and in order, or a reset says that it is not.

use serde_json::{Value, json};

use crate::support::{TestClient, TestServer, contents, new_id, seqs, text};

fn resume(client: &mut TestClient, epoch: &Value, rooms: Value) -> Vec<Value> {
    client.send(&json!({"t": "resume", "ref": "r", "d": {"epoch": epoch, "rooms": rooms}}));
    let mut frames = Vec::new();
    loop {
        let frame = client.recv();
        if frame["t"] == "resumed" {
            assert_eq!(frame["ref"], "r");
            return frames;
        }
        frames.push(frame);
    }
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(|n| format!("number {n}"))
}

#[test]
fn a_member_who_reconnects_receives_what_was_missed() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut writer = server.connect(&alice);
    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    writer.say(&room, "seen");
    let last = reader.entry(&room)["seq"].clone();
    let epoch = reader.hello["epoch"].clone();
    reader.cut();
    numbered(5).for_each(|content| drop(writer.say(&room, &content)));

    let mut reader = server.connect(&bob);
    let frames = resume(&mut reader, &epoch, json!([[room, "full", last]]));
    assert_eq!(frames[0]["t"], "room.subscribed");
    assert_eq!(
        frames[0]["d"],
        json!({"level": "full", "mode": "replay", "from": 4, "to": 8, "more": false, "head": 8})
    );
    assert!(contents(&frames[1..]).into_iter().eq(numbered(5)));
    writer.say(&room, "live again");
    assert_eq!(reader.entry(&room)["d"]["content"], "live again");
}

#[test]
fn who_missed_nothing_is_told_so() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    assert_eq!(client.subscribe(&room, Some(1)), json!({"level": "full", "mode": "uptodate", "head": 1}));
    let epoch = client.hello["epoch"].clone();
    let frames = resume(&mut client, &epoch, json!([[room, "full", 1]]));
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0]["d"]["mode"], "uptodate");
}

#[test]
fn without_a_position_a_room_is_live_from_its_head() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    client.say(&room, "before");
    assert_eq!(client.subscribe(&room, None), json!({"level": "full", "mode": "uptodate", "head": 2}));
    client.say(&room, "after");
    assert_eq!(seqs(&[client.entry(&room)]), [3]);
}

#[test]
fn a_long_absence_is_paged_by_the_client() {
    for room_cache in [0, 256] {
        let server = TestServer::with(|s| {
            s.limits.replay_per_room = 10;
            s.limits.replay_page = 4;
            s.store.room_cache = room_cache;
        });
        let alice = server.person("alice");
        let room = server.room(&alice, &[]);
        server.send_many(&alice, &room, numbered(24));
        let mut client = server.connect(&alice);
        for (after, to, more) in [(0, 10, true), (10, 20, true), (20, 25, false)] {
            let answer = client.subscribe(&room, Some(after));
            let expected = json!({"level": "full", "mode": "replay", "from": after + 1, "to": to, "more": more, "head": 25});
            assert_eq!(answer, expected);
            let entries = client.entries(&room, usize::try_from(to - after).expect("small"));
            assert!(seqs(&entries).into_iter().eq(after + 1..=to));
            if more {
                // Not live yet.
                assert!(client.drained().is_empty());
            }
        }
        client.say(&room, "live");
        assert_eq!(seqs(&[client.entry(&room)]), [26]);
    }
}

#[test]
fn a_replay_longer_than_the_memory_of_the_room_comes_from_the_store() {
    let server = TestServer::with(|s| {
        s.store.room_cache = 5;
        s.limits.replay_page = 7;
    });
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    numbered(40).for_each(|content| drop(client.say(&room, &content)));
    for after in [0, 1, 20, 34, 35, 36, 40] {
        assert_eq!(client.subscribe(&room, Some(after))["mode"], "replay");
        let entries = client.entries(&room, usize::try_from(41 - after).expect("small"));
        assert!(seqs(&entries).into_iter().eq(after + 1..=41), "after {after}");
    }
    assert!(client.drained().is_empty(), "asking again began anew each time");
    client.say(&room, "live");
    assert_eq!(client.entries(&room, 1).len(), 1);
    assert!(client.drained().is_empty(), "live once, not seven times");
}

#[test]
fn several_rooms_are_resumed_in_one_go() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let rooms: Vec<_> = (0..5).map(|_| server.room(&alice, &[])).collect();
    for room in &rooms {
        server.send_many(&alice, room, numbered(3));
    }
    let mut client = server.connect(&alice);
    let epoch = client.hello["epoch"].clone();
    let wanted: Vec<_> = (0_u64..).zip(&rooms).map(|(after, room)| json!([room, "full", after])).collect();
    let frames = resume(&mut client, &epoch, json!(wanted));
    for (after, room) in (0..).zip(&rooms) {
        let of_room: Vec<Value> = frames.iter().filter(|f| f["room"] == room.as_str()).cloned().collect();
        assert_eq!(of_room[0]["t"], "room.subscribed");
        assert!(of_room[0].get("ref").is_none());
        assert!(seqs(&of_room[1..]).into_iter().eq(after + 1..=4), "the rest of the room behind its answer");
    }
    for room in &rooms {
        client.say(room, "live");
        assert_eq!(seqs(&[client.entry(room)]), [5]);
    }
}

#[test]
fn one_resume_replays_so_much_and_promises_the_rest() {
    let server = TestServer::with(|s| s.limits.replay_per_resume = 6);
    let alice = server.person("alice");
    let rooms: Vec<_> = (0..3).map(|_| server.room(&alice, &[])).collect();
    for room in &rooms {
        server.send_many(&alice, room, numbered(4));
    }
    let mut client = server.connect(&alice);
    let epoch = client.hello["epoch"].clone();
    let wanted: Vec<_> = rooms.iter().map(|room| json!([room, "full", 0])).collect();
    let frames = resume(&mut client, &epoch, json!(wanted));
    let answers: Vec<_> = frames.iter().filter(|f| f["t"] == "room.subscribed").map(|f| &f["d"]).collect();
    assert_eq!(
        *answers[0],
        json!({"level": "full", "mode": "replay", "from": 1, "to": 5, "more": false, "head": 5})
    );
    assert_eq!(
        *answers[1],
        json!({"level": "full", "mode": "replay", "from": 1, "to": 1, "more": true, "head": 5})
    );
    assert_eq!(
        *answers[2],
        json!({"level": "full", "mode": "replay", "from": 1, "to": 0, "more": true, "head": 5})
    );
    assert_eq!(frames.len(), 3 + 6);
    assert_eq!(client.subscribe(&rooms[1], Some(1))["more"], false);
    assert_eq!(seqs(&client.entries(&rooms[1], 4)), [2, 3, 4, 5]);
    assert_eq!(client.subscribe(&rooms[2], Some(0))["more"], false);
    assert_eq!(seqs(&client.entries(&rooms[2], 5)), [1, 2, 3, 4, 5]);
}

#[test]
fn another_epoch_resets_and_the_room_is_live_from_its_head() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    server.send_many(&alice, &room, numbered(3));
    for epoch in [json!(new_id()), json!("nonsense"), Value::Null] {
        let mut client = server.connect(&alice);
        let frames = resume(&mut client, &epoch, json!([[room, "full", 1]]));
        assert_eq!(frames.len(), 1, "{frames:?}");
        assert_eq!(frames[0]["d"]["mode"], "reset");
        assert_eq!(frames[0]["d"]["reason"], "epoch");
        let head = frames[0]["d"]["head"].as_u64().expect("head");
        client.say(&room, "live");
        assert_eq!(seqs(&[client.entry(&room)]), [head + 1]);
    }
}

#[test]
fn a_position_beyond_the_head_resets() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    let answer = client.subscribe(&room, Some(99));
    assert_eq!(answer, json!({"level": "full", "mode": "reset", "reason": "aheadOfHead", "head": 1}));
    client.say(&room, "live");
    assert_eq!(seqs(&[client.entry(&room)]), [2]);
    let epoch = client.hello["epoch"].clone();
    let frames = resume(&mut client, &epoch, json!([[room, "full", 99]]));
    assert_eq!(frames[0]["d"]["reason"], "aheadOfHead");
}

#[test]
fn who_left_meanwhile_gets_nothing_of_the_room() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    server.send_many(&alice, &room, numbered(3));
    server.leave(&bob, &room);
    let mut client = server.connect(&bob);
    assert_eq!(client.head_of(&room), None);
    let epoch = client.hello["epoch"].clone();
    let frames = resume(&mut client, &epoch, json!([[room, "full", 2]]));
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert_eq!(frames[0]["d"]["reason"], "membership");
    server.send_many(&alice, &room, numbered(1));
    assert!(client.drained().is_empty());
}

#[test]
fn a_room_named_twice_is_live_once() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    let epoch = client.hello["epoch"].clone();
    let frames = resume(&mut client, &epoch, json!([[room, "full", 0], [room, "full", 0]]));
    assert_eq!(frames.len(), 4, "two answers, one entry behind each");
    client.say(&room, "once");
    assert_eq!(text(&client.entry(&room)["d"], "content"), "once");
    assert!(client.drained().is_empty());
}

#[test]
fn a_restart_of_the_server_is_survived() {
    let mut server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    server.connect(&alice).say(&room, "before");
    let epoch = reader.hello["epoch"].clone();
    let last = reader.entry(&room)["seq"].clone();
    reader.cut();
    server.restart();
    server.connect(&alice).say(&room, "after");
    let mut reader = server.connect(&bob);
    let frames = resume(&mut reader, &epoch, json!([[room, "full", last]]));
    assert_eq!(contents(&frames[1..]), ["after"]);
}
