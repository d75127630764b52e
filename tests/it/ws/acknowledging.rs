//! Sending: ack and event, the author's key, order, and what an ack promises.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{TestClient, TestServer, contents, new_id, number, seqs, text};

#[test]
fn a_message_is_acknowledged_and_reaches_every_reader_once() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob));
    assert_eq!(writer.subscribe(&room, None)["mode"], "uptodate");
    reader.subscribe(&room, None);
    let key = new_id();
    let ack = writer.acked(TestClient::message(&room, &key, "hi"));
    assert_eq!((&ack["seq"], &ack["duplicate"]), (&json!(3), &json!(false)));
    assert_eq!(ack["clientMsgId"], key.as_str());
    for client in [&mut writer, &mut reader] {
        let event = client.entry(&room);
        assert_eq!(event["t"], "message.created");
        assert_eq!((&event["seq"], &event["d"]["seq"]), (&json!(3), &json!(3)));
        assert_eq!((&event["d"]["id"], &event["ts"]), (&ack["id"], &ack["ts"]));
        assert_eq!(event["d"]["userId"], alice.id.as_str());
        assert!(client.drained().is_empty());
    }
}

#[test]
fn a_writer_need_not_be_a_reader() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut writer = server.connect(&alice);
    writer.say(&room, "into the blue");
    assert!(writer.drained().is_empty());
}

#[test]
fn a_request_without_a_ref_is_answered_without_one() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    client.send(&TestClient::message(&room, &new_id(), "hi"));
    assert!(client.expect("ack").get("ref").is_none());
}

#[test]
fn the_key_is_shown_on_the_sockets_of_its_author_only() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let phone = server.login(&alice);
    // Enough connections that both of the server's threads have some.
    let mut own: Vec<_> = (0..4).map(|_| server.connect(&alice)).chain([server.connect(&phone)]).collect();
    let mut others: Vec<_> = (0..4).map(|_| server.connect(&bob)).collect();
    own.iter_mut().chain(&mut others).for_each(|client| drop(client.subscribe(&room, None)));
    let key = new_id();
    let id = text(&own[0].acked(TestClient::message(&room, &key, "hi")), "id");
    own[1].acked(json!({"t": "message.edit", "room": room, "d": {"id": id, "content": "hello"}}));
    own[2].acked(json!({"t": "message.delete", "room": room, "d": {"id": id}}));
    for client in &mut own {
        let events = client.entries(&room, 3);
        assert!(events.iter().all(|event| event["d"]["clientMsgId"] == key.as_str()), "{events:?}");
    }
    for client in &mut others {
        let events = client.entries(&room, 3);
        assert!(events.iter().all(|event| event["d"].get("clientMsgId").is_none()), "{events:?}");
    }
    // In a replay it is the same.
    let mut late = server.connect(&bob);
    late.subscribe(&room, Some(2));
    assert!(late.entries(&room, 3).iter().all(|event| event["d"].get("clientMsgId").is_none()));
    let mut late = server.connect(&phone);
    late.subscribe(&room, Some(2));
    assert!(late.entries(&room, 3).iter().all(|event| event["d"]["clientMsgId"] == key.as_str()));
    assert_eq!(server.history(&alice, &room)[0]["clientMsgId"], key.as_str());
    assert!(server.history(&bob, &room)[0].get("clientMsgId").is_none());
}

/// I7.
#[test]
fn a_thousand_sends_without_waiting_keep_their_order() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob));
    reader.subscribe(&room, None);
    for n in 0..1_000 {
        let mut message = TestClient::message(&room, &new_id(), &format!("number {n}"));
        message["ref"] = json!(n);
        writer.send(&message);
    }
    let acks: Vec<Value> = (0..1_000).map(|_| writer.expect("ack")).collect();
    assert!(acks.iter().map(|ack| ack["ref"].as_u64()).eq((0..1_000).map(Some)), "answers in order");
    let acks: Vec<u64> = acks.iter().map(|ack| number(&ack["d"], "seq")).collect();
    assert!(acks.iter().copied().eq(3..1_003));
    let events = reader.entries(&room, 1_000);
    assert_eq!(seqs(&events), acks);
    assert!(contents(&events).into_iter().eq((0..1_000).map(|n| format!("number {n}"))));
}

/// I8.
#[test]
fn what_is_acknowledged_is_in_the_history_at_once() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    for n in 0..20 {
        let ack = client.say(&room, &format!("number {n}"));
        let page = server.get(&alice, &format!("/messages?roomId={room}&limit=1")).expect(200);
        assert_eq!(page["messages"][0]["id"], ack["id"]);
        assert_eq!(page["messages"][0]["seq"], ack["seq"]);
    }
}

#[test]
fn an_event_is_the_message_that_http_tells() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    client.subscribe(&room, None);
    let first = text(&client.say(&room, "hi"), "id");
    let reply = json!({"t": "message.send", "room": room,
        "d": {"clientMsgId": new_id(), "content": "hello", "replyTo": first}});
    client.acked(reply);
    for event in client.entries(&room, 2) {
        let id = text(&event["d"], "id");
        let mut told = server.get(&alice, &format!("/messages/{id}")).expect(200);
        let beside = told.as_object_mut().expect("a message");
        // Reactions come as events of their own, and what belongs to a thread is known by its root.
        assert_eq!(beside.remove("reactions"), Some(json!([])));
        assert_eq!(beside.remove("thread").is_some(), id == first);
        assert_eq!(told, event["d"]);
    }
}

#[test]
fn what_http_sends_comes_over_the_socket() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    let sent = server.send(&alice, &room, &new_id(), "by post").expect(201);
    let event = reader.entry(&room);
    assert_eq!((&event["d"]["id"], &event["seq"]), (&sent["id"], &sent["seq"]));
}

#[test]
fn many_writers_are_put_in_one_order_for_all() {
    let server = TestServer::start();
    let owner = server.person("owner");
    let people: Vec<_> = (0..8).map(|n| server.person(&format!("person-{n}"))).collect();
    let room = server.room(&owner, &people.iter().collect::<Vec<_>>());
    let mut clients: Vec<_> = people.iter().map(|person| server.connect(person)).collect();
    clients.iter_mut().for_each(|client| drop(client.subscribe(&room, None)));
    for n in 0..25 {
        for (writer, client) in clients.iter_mut().enumerate() {
            client.send(&TestClient::message(&room, &new_id(), &format!("{writer} says {n}")));
        }
    }
    let seen: Vec<_> = clients.iter_mut().map(|client| contents(&client.entries(&room, 200))).collect();
    assert!(seen.iter().all(|one| one == &seen[0]), "everyone sees the same");
    let distinct: BTreeSet<_> = seen[0].iter().collect();
    assert_eq!(distinct.len(), 200);
    assert_eq!(contents_of_history(&server.history(&owner, &room)), seen[0]);
}

fn contents_of_history(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| text(message, "content")).collect()
}
