//! Who is not heard is not seen typing either.

use std::time::Duration;

use chat::protocol::wire::rfc3339;
use serde_json::json;

use crate::support::{Person, TestServer, client::TestClient, text};

fn block(server: &TestServer, by: &Person, other: &Person, on: bool) {
    let method = if on { "PUT" } else { "DELETE" };
    server.ask(Some(by), method, &format!("/users/me/blocks/{}", other.id), None).expect(204);
}

#[test]
fn who_is_blocked_neither_types_nor_writes_to_the_other() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let open = server.post(&alice, "/direct-rooms", &json!({"userIds": [bob.id]})).expect(200);
    let room = text(&open, "id");
    let (mut hers, mut his) = (server.connect(&alice), server.connect(&bob));
    hers.subscribe(&room, None);
    his.subscribe(&room, None);
    let (start, stop) =
        (json!({"t": "typing.start", "room": room}), json!({"t": "typing.stop", "room": room}));
    his.acked(start.clone());
    hers.until_type("typing");
    his.acked(stop.clone());
    hers.until_type("typing");
    block(&server, &alice, &bob, true);
    assert_eq!(his.refused(start.clone()), "forbidden");
    let message =
        |n: u32| TestClient::message(&room, &uuid::Uuid::from_u128(n.into()).to_string(), "hear me");
    assert_eq!(his.refused(message(1)), "forbidden");
    // Whoever blocks does not write to whom he does not let answer.
    assert_eq!(hers.refused(start.clone()), "forbidden");
    assert_eq!(hers.refused(message(2)), "forbidden");
    assert!(hers.drained().is_empty() && his.drained().is_empty());
    his.acked(json!({"t": "mark.read", "room": room, "d": {"seq": 2}}));
    block(&server, &alice, &bob, false);
    his.acked(stop);
    his.acked(start);
    hers.until_type("typing");
    his.say(&room, "hear me");
}

#[test]
fn who_is_muted_is_not_seen_typing() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut hers, mut his) = (server.connect(&alice), server.connect(&bob));
    hers.subscribe(&room, None);
    his.subscribe(&room, None);
    let until = rfc3339(server.pod().clock.now().plus(Duration::from_secs(3_600)));
    let path = format!("/rooms/{room}/members/{}/mute", bob.id);
    server.ask(Some(&alice), "PUT", &path, Some(&json!({ "until": until }))).expect(204);
    hers.until_type("member.updated");
    assert_eq!(his.refused(json!({"t": "typing.start", "room": room})), "forbidden");
    assert!(hers.drained().is_empty());
    server.ask(Some(&alice), "DELETE", &path, None).expect(204);
    hers.until_type("member.updated");
    his.acked(json!({"t": "typing.stop", "room": room}));
    his.acked(json!({"t": "typing.start", "room": room}));
    hers.until_type("typing");
}
