//! Rooms that show a member only what came since joining: of a message from before, nobody who came
//! later hears anything, however he listens.

use serde_json::{Value, json};

use crate::support::{Person, TestClient, TestServer, number, text};

const CANARY: &str = "canary";

/// A room that shows what came since joining, with one message in it.
fn room_with_a_past(server: &TestServer, alice: &Person, members: &[&Person]) -> (String, String) {
    let ids: Vec<&String> = members.iter().map(|person| &person.id).collect();
    let body = json!({"name": "late", "historyVisibility": "sinceJoined", "members": ids});
    let room = text(&server.post(alice, "/rooms", &body).expect(201), "id");
    let body = json!({"roomId": room, "content": CANARY});
    let old = text(&server.post(alice, "/messages", &body).expect(201), "id");
    (room, old)
}

/// Everything that may come of a message, six entries.
fn touch(server: &TestServer, alice: &Person, message: &str) {
    let path = format!("/messages/{message}");
    let sign = format!("{path}/reactions/%F0%9F%91%8D");
    let content = json!({"content": format!("{CANARY}, changed")});
    server.ask(Some(alice), "PATCH", &path, Some(&content)).expect(200);
    server.ask(Some(alice), "PUT", &sign, None).expect(204);
    server.ask(Some(alice), "DELETE", &sign, None).expect(204);
    server.ask(Some(alice), "PUT", &format!("{path}/pin"), None).expect(204);
    server.ask(Some(alice), "DELETE", &format!("{path}/pin"), None).expect(204);
    server.ask(Some(alice), "DELETE", &path, None).expect(204);
}

fn kinds(entries: &[Value]) -> Vec<&str> {
    entries.iter().filter_map(|entry| entry["t"].as_str()).collect()
}

#[track_caller]
fn tells_nothing(entries: &[Value], message: &str) {
    for entry in entries {
        assert_eq!((&entry["t"], &entry["d"]), (&json!("entry.hidden"), &json!({})));
        let told = entry.to_string();
        assert!(!told.contains(CANARY) && !told.contains(message), "{told}");
    }
}

fn reader(server: &TestServer, who: &Person, room: &str, after: u64) -> TestClient {
    let mut client = server.connect(who);
    assert_eq!(client.subscribe(room, Some(after))["mode"], "replay");
    client
}

#[test]
fn what_happens_to_a_message_from_before_is_not_told_to_who_came_later() {
    let server = TestServer::start();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| server.person(name));
    let (room, old) = room_with_a_past(&server, &alice, &[&bob]);
    server.post(&carol, &format!("/rooms/{room}/join"), &json!({})).expect(200);
    let (mut there, mut late) = (server.connect(&bob), server.connect(&carol));
    there.subscribe(&room, None);
    let joined = number(&late.subscribe(&room, None), "head");

    touch(&server, &alice, &old);
    let told = there.entries(&room, 6);
    assert_eq!(kinds(&told)[..2], ["message.updated", "reaction.added"]);
    assert!(told.iter().all(|entry| entry["t"] != "entry.hidden"));
    let live = late.entries(&room, 6);
    tells_nothing(&live, &old);
    let numbers: Vec<u64> = live.iter().map(|entry| number(entry, "seq")).collect();
    assert_eq!(numbers, (joined + 1..=joined + 6).collect::<Vec<_>>());

    // By the log, and by what the room has in memory.
    tells_nothing(&reader(&server, &carol, &room, joined).entries(&room, 6), &old);
    tells_nothing(&reader(&server, &carol, &room, joined + 5).entries(&room, 1), &old);
    // What comes now is as ever.
    late.say(&room, "and this?");
    assert_eq!(late.entry(&room)["t"], "message.created");
}

#[test]
fn who_was_there_hears_no_more_of_it_once_the_room_shows_less() {
    let server = TestServer::start();
    let [alice, carol] = ["alice", "carol"].map(|name| server.person(name));
    let (room, old) = room_with_a_past(&server, &alice, &[]);
    let shows = |visibility: &str| {
        let patch = json!({"historyVisibility": visibility});
        server.ask(Some(&alice), "PATCH", &format!("/rooms/{room}"), Some(&patch)).expect(200);
    };
    shows("all");
    server.post(&carol, &format!("/rooms/{room}/join"), &json!({})).expect(200);
    let mut late = server.connect(&carol);
    let before = number(&late.subscribe(&room, None), "head");
    server
        .ask(Some(&alice), "PATCH", &format!("/messages/{old}"), Some(&json!({"content": "canary 2"})))
        .expect(200);
    assert_eq!(late.entry(&room)["d"]["content"], "canary 2");
    shows("sinceJoined");
    assert_eq!(late.entry(&room)["t"], "room.updated");
    touch(&server, &alice, &old);
    tells_nothing(&late.entries(&room, 6), &old);
    // Nor what the room remembers from when it showed all.
    let again = reader(&server, &carol, &room, before).entries(&room, 2);
    assert_eq!(kinds(&again), ["entry.hidden", "room.updated"]);
}

#[test]
fn what_was_open_when_it_happened_is_not_replayed_once_it_is_hidden() {
    let server = TestServer::start();
    let (alice, carol) = (server.person("alice"), server.person("carol"));
    let room = server.room(&alice, &[]);
    let mut there = server.connect(&alice);
    there.subscribe(&room, None);
    let old = text(&there.say(&room, CANARY), "id");
    server.join(&carol, &room);
    let mut late = server.connect(&carol);
    let joined = number(&late.subscribe(&room, None), "head");
    let content = json!({"content": format!("{CANARY}, changed")});
    server.ask(Some(&alice), "PATCH", &format!("/messages/{old}"), Some(&content)).expect(200);
    assert_eq!(text(&late.entry(&room)["d"], "id"), old, "as long as the room shows all");
    let rule = json!({"historyVisibility": "sinceJoined"});
    server.ask(Some(&alice), "PATCH", &format!("/rooms/{room}"), Some(&rule)).expect(200);
    tells_nothing(&reader(&server, &carol, &room, joined).entries(&room, 1), &old);
}
