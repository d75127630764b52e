//! Who may read when: joining, leaving, unsubscribing (I10).

use serde_json::json;

use crate::support::{TestServer, contents, seqs};

#[test]
fn who_unsubscribes_hears_no_more() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let (room, other) = (server.room(&alice, &[&bob]), server.room(&alice, &[&bob]));
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob));
    reader.subscribe(&room, None);
    reader.subscribe(&other, None);
    reader.acked(json!({"t": "room.unsubscribe", "room": room}));
    writer.say(&room, "unheard");
    writer.say(&other, "heard");
    assert_eq!(reader.entry(&other)["d"]["content"], "heard");
    assert!(reader.drained().is_empty());
    // Twice is no error, and coming back is possible.
    reader.acked(json!({"t": "room.unsubscribe", "room": room}));
    assert_eq!(reader.subscribe(&room, Some(2))["mode"], "replay");
    assert_eq!(contents(&reader.entries(&room, 1)), ["unheard"]);
}

#[test]
fn who_subscribes_twice_hears_once() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    for _ in 0..3 {
        client.subscribe(&room, None);
    }
    client.say(&room, "once");
    assert_eq!(seqs(&[client.entry(&room)]), [2]);
    assert!(client.drained().is_empty());
}

#[test]
fn a_newcomer_is_seen_and_may_read_at_once() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[]);
    let mut member = server.connect(&alice);
    member.subscribe(&room, None);
    let mut newcomer = server.connect(&bob);
    assert_eq!(newcomer.refused(json!({"t": "room.subscribe", "room": room})), "notMember");
    server.join(&bob, &room);
    let event = member.entry(&room);
    assert_eq!(event["t"], "member.joined");
    assert_eq!((&event["d"]["userId"], &event["d"]["username"]), (&json!(bob.id), &json!("bob")));
    newcomer.until_type("room.added");
    newcomer.subscribe(&room, Some(0));
    assert_eq!(seqs(&newcomer.entries(&room, 2)), [1, 2]);
    newcomer.say(&room, "hello");
    assert_eq!(member.entry(&room)["d"]["content"], "hello");
    // Joining twice writes nothing.
    server.join(&bob, &room);
    assert_eq!(newcomer.entry(&room)["d"]["content"], "hello");
    assert!(newcomer.drained().is_empty());
}

#[test]
fn who_leaves_is_told_so_and_hears_nothing_afterwards() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut stays, mut writer) = (server.connect(&alice), server.connect(&alice));
    // Enough connections that both of the server's threads have some.
    let mut leavers: Vec<_> = (0..4).map(|_| server.connect(&bob)).collect();
    stays.subscribe(&room, None);
    leavers.iter_mut().for_each(|client| drop(client.subscribe(&room, None)));
    writer.say(&room, "before");
    server.leave(&bob, &room);
    writer.say(&room, "after");

    let events = stays.entries(&room, 3);
    assert_eq!(events[1]["t"], "member.left");
    assert_eq!(events[1]["d"], json!({"userId": bob.id}));
    for client in &mut leavers {
        assert_eq!(contents(&client.entries(&room, 1)), ["before"]);
        let reset = client.until_type("room.reset");
        assert_eq!(reset["d"]["reason"], "membership");
        client.until_type("room.removed");
        assert!(client.drained().is_empty());
        assert_eq!(client.refused(json!({"t": "room.subscribe", "room": room})), "notMember");
        let message = crate::support::TestClient::message(&room, &crate::support::new_id(), "from outside");
        assert_eq!(client.refused(message), "notMember");
    }
    assert_eq!(server.get(&bob, &format!("/messages?roomId={room}")).problem(403), "notMember");
}

#[test]
fn who_inherits_a_room_is_named_to_all_at_once() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    server.leave(&alice, &room);
    let events = reader.entries(&room, 2);
    assert_eq!(events[0]["d"], json!({"userId": alice.id}));
    assert_eq!(events[1]["d"], json!({"userId": bob.id, "role": "owner"}));
}

#[test]
fn who_comes_back_reads_on() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut client = server.connect(&bob);
    client.subscribe(&room, None);
    for _ in 0..10 {
        server.leave(&bob, &room);
        server.join(&bob, &room);
        // At once, without waiting for the reset.
        client.subscribe(&room, None);
        server.send_many(&alice, &room, ["hello again".to_owned()]);
        assert_eq!(contents(&client.entries(&room, 1)), ["hello again"]);
    }
}

#[test]
fn what_is_asked_before_and_taken_back_stays_silent() {
    let server = TestServer::with(|s| {
        s.store.room_cache = 0;
        s.limits.replay_page = 2;
    });
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    server.send_many(&alice, &room, (0..20).map(|n| n.to_string()));
    let mut client = server.connect(&alice);
    client.send(&json!({"t": "room.subscribe", "ref": "in", "room": room, "d": {"after": 0}}));
    client.send(&json!({"t": "room.unsubscribe", "ref": "out", "room": room}));
    client.answer(&json!("in"));
    client.answer(&json!("out"));
    client.drained();
    server.send_many(&alice, &room, ["unheard".to_owned()]);
    assert!(client.drained().is_empty());
    client.subscribe(&room, None);
    client.say(&room, "heard");
    assert_eq!(contents(&client.entries(&room, 1)), ["heard"]);
}
