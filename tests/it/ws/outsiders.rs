//! Whoever is no member is told of a public room that he is none, and of a private one nothing.

use serde_json::json;

use crate::support::{TestClient, TestServer, new_id, text};

#[test]
fn a_stranger_gets_nothing_out_of_a_room() {
    let server = TestServer::start();
    let (owner, stranger) = (server.person("owner"), server.person("stranger"));
    let mut client = server.connect(&stranger);
    let public = server.room(&owner, &[]);
    let private = server.private_room(&owner, &[]);
    for (room, code) in [(&public, "notMember"), (&private, "notFound"), (&new_id(), "notFound")] {
        let message = if *room == public || *room == private {
            text(&server.send(&owner, room, &new_id(), "a secret").expect(201), "id")
        } else {
            new_id()
        };
        let (room, id) = (room.as_str(), message.as_str());
        for frame in [
            json!({"t": "room.subscribe", "room": room}),
            json!({"t": "room.subscribe", "room": room, "d": {"after": 0}}),
            TestClient::message(room, &new_id(), "let me in"),
            json!({"t": "message.edit", "room": room, "d": {"id": id, "content": "changed"}}),
            json!({"t": "message.delete", "room": room, "d": {"id": id}}),
        ] {
            assert_eq!(client.refused(frame.clone()), code, "{frame}");
        }
        client.send(&json!({"t": "resume", "ref": "r", "d": {"rooms": [[room, "full", 0]]}}));
        let answer = client.until_type("room.subscribed");
        assert_eq!((&answer["d"]["mode"], &answer["d"]["reason"]), (&json!("reset"), &json!("membership")));
        client.until_type("resumed");
    }
    assert!(client.heads.iter().all(|heads| heads["rooms"] == json!([])), "nor are its heads told");
    server.send(&owner, &public, &new_id(), "another secret").expect(201);
    assert!(client.drained().is_empty());
    assert_eq!(server.history(&owner, &public).len(), 2, "nothing of it was stored");
}

#[test]
fn a_message_of_another_room_is_not_found() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let (one, two) = (server.room(&alice, &[]), server.room(&alice, &[]));
    let mut client = server.connect(&alice);
    let id = text(&client.say(&one, "in the first"), "id");
    let edit = json!({"t": "message.edit", "room": two, "d": {"id": id, "content": "moved"}});
    assert_eq!(client.refused(edit), "notFound");
    assert_eq!(client.refused(json!({"t": "message.delete", "room": two, "d": {"id": id}})), "notFound");
}
