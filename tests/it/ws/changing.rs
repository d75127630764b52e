//! Editing and deleting: whose, how long, and what readers see of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestServer, text};

fn edit(room: &str, id: &Value, content: &str) -> Value {
    json!({"t": "message.edit", "room": room, "d": {"id": id, "content": content}})
}

fn delete(room: &str, id: &Value) -> Value {
    json!({"t": "message.delete", "room": room, "d": {"id": id}})
}

#[test]
fn an_edit_and_a_deletion_are_entries_of_their_own() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut author, mut reader) = (server.connect(&alice), server.connect(&bob));
    reader.subscribe(&room, None);
    let id = author.say(&room, "helo")["id"].take();
    let edited = author.acked(edit(&room, &id, "hello"));
    assert_eq!((&edited["id"], &edited["seq"]), (&id, &json!(4)));
    let deleted = author.acked(delete(&room, &id));
    assert_eq!((&deleted["id"], &deleted["seq"]), (&id, &json!(5)));

    let events = reader.entries(&room, 3);
    let kinds: Vec<_> = events.iter().map(|event| text(event, "t")).collect();
    assert_eq!(kinds, ["message.created", "message.updated", "message.deleted"]);
    assert!(events.iter().all(|event| event["d"]["seq"] == 3), "the place of its creation");
    assert_eq!(events[1]["d"]["content"], "hello");
    assert!(text(&events[1]["d"], "updatedAt") >= text(&events[1]["d"], "createdAt"));
    assert_eq!(events[2]["d"]["content"], "");
    assert!(events[2]["d"]["deletedAt"].is_string());
}

#[test]
fn nobody_changes_what_another_wrote() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let carol = server.person("carol");
    let room = server.room(&bob, &[&alice, &carol]);
    let id = server.connect(&alice).say(&room, "mine")["id"].take();
    let (mut owner, mut other) = (server.connect(&bob), server.connect(&carol));
    assert_eq!(other.refused(edit(&room, &id, "yours")), "forbidden");
    assert_eq!(other.refused(delete(&room, &id)), "forbidden");
    // Not even the owner of the room, who may delete it.
    assert_eq!(owner.refused(edit(&room, &id, "yours")), "forbidden");
    assert_eq!(server.history(&bob, &room)[0]["content"], "mine");
    owner.acked(delete(&room, &id));
    assert_eq!(server.history(&bob, &room)[0]["content"], "");
}

#[test]
fn what_is_so_already_writes_no_entry() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    client.subscribe(&room, None);
    let id = client.say(&room, "hi")["id"].take();
    client.acked(edit(&room, &id, "  hi "));
    client.acked(delete(&room, &id));
    client.acked(delete(&room, &id));
    assert_eq!(client.refused(edit(&room, &id, "back")), "conflict");
    let events = client.entries(&room, 2);
    assert_eq!((&events[0]["seq"], &events[1]["seq"]), (&json!(2), &json!(3)));
    assert!(client.drained().is_empty());
    assert_eq!(server.get(&alice, &format!("/rooms/{room}")).expect(200)["head"], 3);
}

#[test]
fn after_the_window_nothing_changes_any_more() {
    let server = TestServer::with(|s| s.accounts.edit_window = Duration::ZERO);
    let (alice, owner) = (server.person("alice"), server.person("owner"));
    let room = server.room(&owner, &[&alice]);
    let mut client = server.connect(&alice);
    assert_eq!(client.hello["limits"]["editWindowSeconds"], 0, "as it was set");
    let id = client.say(&room, "for ever")["id"].take();
    // The clock tells milliseconds: in the very same one the window is still open.
    let now = SystemMillis::now();
    crate::support::eventually("a millisecond is over", || SystemMillis::now() > now);
    assert_eq!(client.refused(edit(&room, &id, "changed")), "editWindowClosed");
    assert_eq!(client.refused(delete(&room, &id)), "editWindowClosed");
    let path = format!("/messages/{}", id.as_str().expect("an id"));
    let body = json!({"content": "changed"});
    assert_eq!(server.ask(Some(&alice), "PATCH", &path, Some(&body)).problem(403), "editWindowClosed");
    assert_eq!(server.ask(Some(&alice), "DELETE", &path, None).problem(403), "editWindowClosed");
    // The same content is no change.
    client.acked(edit(&room, &id, "for ever"));
}

#[test]
fn what_http_changes_comes_over_the_socket() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    let id = text(&server.send(&alice, &room, &crate::support::new_id(), "hi").expect(201), "id");
    let path = format!("/messages/{id}");
    server.ask(Some(&alice), "PATCH", &path, Some(&json!({"content": "hello"}))).expect(200);
    server.ask(Some(&alice), "DELETE", &path, None).expect(204);
    let events = reader.entries(&room, 3);
    let kinds: Vec<_> = events.iter().map(|event| text(event, "t")).collect();
    assert_eq!(kinds, ["message.created", "message.updated", "message.deleted"]);
}

#[test]
fn a_message_that_is_not_there_is_not_found() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let mut client = server.connect(&alice);
    let nothing = json!(crate::support::new_id());
    assert_eq!(client.refused(edit(&room, &nothing, "x")), "notFound");
    assert_eq!(client.refused(delete(&room, &nothing)), "notFound");
}

/// The wall clock, as the server reads it.
struct SystemMillis;

impl SystemMillis {
    fn now() -> i64 {
        use chat::clock::{Clock, SystemClock};
        SystemClock.now().millis()
    }
}
