//! Pins over sockets and HTTP; and what may be done to messages from before one joined.

use serde_json::json;

use crate::support::TestServer;

#[test]
fn everybody_sees_what_is_pinned() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut owner, mut reader) = (server.connect(&alice), server.connect(&bob));
    let id = owner.say(&room, "hi")["id"].take();
    reader.subscribe(&room, None);
    let pin = json!({"t": "message.pin", "room": room, "d": {"id": id}});
    assert_eq!(reader.refused(pin.clone()), "forbidden");
    owner.acked(pin.clone());
    assert_eq!(owner.acked(pin)["duplicate"], true);
    let event = reader.entry(&room);
    assert_eq!((&event["t"], &event["seq"]), (&json!("message.pinned"), &json!(4)));
    assert_eq!(event["d"], json!({"messageId": id, "userId": alice.id}));
    let pins = server.get(&bob, &format!("/rooms/{room}/pins")).expect(200);
    assert_eq!((&pins["messages"][0]["id"], &pins["messages"][0]["isPinned"]), (&id, &json!(true)));
    assert_eq!(server.history(&bob, &room)[0]["isPinned"], true);
    let path = format!("/messages/{}/pin", id.as_str().expect("an id"));
    server.ask(Some(&alice), "DELETE", &path, None).expect(204);
    assert_eq!(reader.entry(&room)["t"], "message.unpinned");
    assert!(server.history(&bob, &room)[0].get("isPinned").is_none());
    assert_eq!(server.ask(Some(&bob), "PUT", &path, None).problem(403), "forbidden");
    server.ask(Some(&alice), "PUT", &path, None).expect(204);
    assert_eq!(reader.entry(&room)["d"]["userId"], json!(alice.id));
    owner.acked(json!({"t": "message.unpin", "room": room, "d": {"id": id}}));
    assert_eq!(server.get(&bob, &format!("/rooms/{room}/pins")).expect(200)["messages"], json!([]));
}

#[test]
fn what_was_before_joining_is_refused_by_the_socket_as_over_http() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[]);
    let rule = json!({"historyVisibility": "sinceJoined"});
    server.ask(Some(&alice), "PATCH", &format!("/rooms/{room}"), Some(&rule)).expect(200);
    let id = server.connect(&alice).say(&room, "canary")["id"].take();
    server.ask(Some(&bob), "POST", &format!("/rooms/{room}/join"), None).expect(200);
    let path = format!("/messages/{}", id.as_str().expect("an id"));
    assert_eq!(
        server.ask(Some(&bob), "PUT", &format!("{path}/reactions/%F0%9F%91%8D"), None).problem(404),
        "notFound"
    );
    let mut late = server.connect(&bob);
    let add = json!({"t": "reaction.add", "room": room, "d": {"id": id, "emoji": "👍"}});
    assert_eq!(late.refused(add), "notFound");
    let admin = json!({"role": "administrator"});
    let role = format!("/rooms/{room}/members/{}/role", bob.id);
    server.ask(Some(&alice), "PUT", &role, Some(&admin)).expect(204);
    assert_eq!(late.refused(json!({"t": "message.pin", "room": room, "d": {"id": id}})), "notFound");
    assert_eq!(server.ask(Some(&bob), "PUT", &format!("{path}/pin"), None).problem(404), "notFound");
}
