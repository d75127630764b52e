//! Retries: one key, one message, whatever the way and however often (I3).

use std::thread;

use serde_json::json;

use crate::support::{TestClient, TestServer, new_id, text};

#[test]
fn a_retry_gets_the_first_answer_again_and_writes_nothing() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    client.subscribe(&room, None);
    let message = TestClient::message(&room, &new_id(), "once");
    let first = client.acked(message.clone());
    let again = client.acked(message.clone());
    let mut other_device = server.connect(&alice);
    let elsewhere = other_device.acked(message);
    for retry in [&again, &elsewhere] {
        assert_eq!(retry["duplicate"], true);
        for member in ["id", "seq", "ts", "clientMsgId"] {
            assert_eq!(retry[member], first[member], "{member}");
        }
    }
    assert_eq!(client.entry(&room)["d"]["id"], first["id"]);
    assert!(client.drained().is_empty(), "one event");
    assert_eq!(server.history(&alice, &room).len(), 1);
}

#[test]
fn socket_and_http_share_one_key_space() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    let (key, other) = (new_id(), new_id());
    let over_socket = client.acked(TestClient::message(&room, &key, "socket first"));
    let answer = server.send(&alice, &room, &key, "socket first");
    assert_eq!(answer.expect(201)["id"], over_socket["id"]);
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));

    let answer = server.send(&alice, &room, &other, "http first");
    assert_eq!(answer.header("idempotent-replayed"), None);
    let over_http = answer.expect(201);
    let again = server.send(&alice, &room, &other, "http first");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.expect(201), over_http);
    let ack = client.acked(TestClient::message(&room, &other, "http first"));
    assert_eq!((&ack["id"], &ack["seq"]), (&over_http["id"], &over_http["seq"]));
    assert_eq!(ack["duplicate"], true);
    assert_eq!(server.history(&alice, &room).len(), 2);
}

#[test]
fn the_same_key_for_something_else_is_a_conflict() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let (room, other) = (server.room(&alice, &[]), server.room(&alice, &[]));
    let mut client = server.connect(&alice);
    let key = new_id();
    let first = text(&client.acked(TestClient::message(&room, &key, "hi")), "id");
    assert_eq!(client.refused(TestClient::message(&room, &key, "ho")), "idempotencyConflict");
    assert_eq!(client.refused(TestClient::message(&other, &key, "hi")), "idempotencyConflict");
    let reply = json!({"t": "message.send", "room": room,
        "d": {"clientMsgId": key, "content": "hi", "replyTo": first}});
    assert_eq!(client.refused(reply), "idempotencyConflict");
    assert_eq!(server.send(&alice, &room, &key, "ho").problem(409), "idempotencyConflict");
    assert_eq!(server.send(&alice, &other, &key, "hi").problem(409), "idempotencyConflict");
    // Compared is what is stored: trimmed and normalised.
    assert_eq!(client.acked(TestClient::message(&room, &key, "  hi "))["duplicate"], true);
    assert_eq!(server.history(&alice, &room).len() + server.history(&alice, &other).len(), 1);
}

#[test]
fn another_person_may_have_the_same_key() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let key = new_id();
    for person in [&alice, &bob] {
        let ack = server.connect(person).acked(TestClient::message(&room, &key, "hi"));
        assert_eq!(ack["duplicate"], false);
    }
}

#[test]
fn an_edit_does_not_change_what_a_retry_is_compared_with() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    let key = new_id();
    let first = client.acked(TestClient::message(&room, &key, "as first sent"));
    client.acked(json!({"t": "message.edit", "room": room, "d": {"id": first["id"], "content": "edited"}}));
    let again = client.acked(TestClient::message(&room, &key, "as first sent"));
    assert_eq!((&again["duplicate"], &again["id"]), (&json!(true), &first["id"]));
    assert_eq!(client.refused(TestClient::message(&room, &key, "edited")), "idempotencyConflict");
}

#[test]
fn a_deleted_message_keeps_its_key() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    let key = new_id();
    let first = client.acked(TestClient::message(&room, &key, "regretted"));
    client.acked(json!({"t": "message.delete", "room": room, "d": {"id": first["id"]}}));
    let again = client.acked(TestClient::message(&room, &key, "regretted"));
    assert_eq!((&again["duplicate"], &again["id"]), (&json!(true), &first["id"]));
    assert_eq!(client.refused(TestClient::message(&room, &key, "anew")), "idempotencyConflict");
    let history = server.history(&alice, &room);
    assert_eq!((history.len(), &history[0]["content"]), (1, &json!("")));
}

#[test]
fn a_failed_attempt_leaves_its_key_free() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&bob, &[]);
    let mut client = server.connect(&alice);
    let message = TestClient::message(&room, &new_id(), "too early");
    assert_eq!(client.refused(message.clone()), "notMember");
    server.join(&alice, &room);
    assert_eq!(client.acked(message)["duplicate"], false);
}

#[test]
fn a_key_outlives_a_restart() {
    let mut server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let message = TestClient::message(&room, &new_id(), "still here");
    let first = server.connect(&alice).acked(message.clone());
    server.restart();
    let again = server.connect(&alice).acked(message);
    assert_eq!((&again["duplicate"], &again["id"]), (&json!(true), &first["id"]));
}

#[test]
fn many_who_race_with_one_key_write_one_message() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let keys: Vec<_> = (0..5).map(|_| new_id()).collect();
    let answers: Vec<_> = thread::scope(|scope| {
        let racers: Vec<_> = (0..10)
            .map(|n| {
                let (server, alice, room, keys) = (&server, &alice, &room, &keys);
                scope.spawn(move || race(server, alice, room, keys, n % 2 == 0))
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("a racer")).collect()
    });
    for answer in &answers {
        let ids = |answer: &[(String, bool)]| answer.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(answer), ids(&answers[0]), "everyone is told the same");
    }
    for key in 0..keys.len() {
        let first = answers.iter().filter(|answer| !answer[key].1).count();
        assert_eq!(first, 1, "one was first");
    }
    assert_eq!(server.history(&alice, &room).len(), keys.len());
}

/// Sends with each key once, over socket or HTTP; answers ids, and whether it was a repetition.
fn race(
    server: &TestServer,
    alice: &crate::support::Person,
    room: &str,
    keys: &[String],
    by_socket: bool,
) -> Vec<(String, bool)> {
    if by_socket {
        let mut client = server.connect(alice);
        let say = |key| {
            let ack = client.acked(TestClient::message(room, key, "race"));
            (text(&ack, "id"), ack["duplicate"] == true)
        };
        return keys.iter().map(String::as_str).map(say).collect();
    }
    let say = |key: &String| {
        let answer = server.send(alice, room, key, "race");
        (text(&answer.expect(201), "id"), answer.header("idempotent-replayed").is_some())
    };
    keys.iter().map(say).collect()
}
