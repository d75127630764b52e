//! Search in servers that run: what is written at one is found at all of them soon after, without
//! anybody asking for it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::redis;
use crate::support::{Person, TestServer, eventually};

fn found(server: &TestServer, who: &Person, query: &str) -> Vec<String> {
    let page = server.get(who, &format!("/messages/search?query={query}")).expect(200);
    let results = page["results"].as_array().expect("results").clone();
    let text = |result: &Value| result["message"]["content"].as_str().expect("a text").to_owned();
    results.iter().map(text).collect()
}

fn say(server: &TestServer, who: &Person, room: &str, text: &str) -> String {
    let sent = server.post(who, "/messages", &json!({"roomId": room, "content": text})).expect(201);
    sent["id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_server_finds_what_was_sent_edited_and_deleted() {
    let mut server = TestServer::start();
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let message = say(&server, &alice, &room, "needle in the hay");
    eventually("it is found", || found(&server, &alice, "needle") == ["needle in the hay"]);
    let path = format!("/messages/{message}");
    server.ask(Some(&alice), "PATCH", &path, Some(&json!({"content": "only hay"}))).expect(200);
    assert!(found(&server, &alice, "needle").is_empty(), "at once");
    eventually("it is found as it is now", || found(&server, &alice, "hay") == ["only hay"]);
    say(&server, &alice, &room, "the last straw");
    // Whatever was not followed yet, is by the server that comes after.
    server.restart();
    eventually("it is found after a restart", || found(&server, &alice, "straw").len() == 1);
    server.ask(Some(&alice), "DELETE", &path, None).expect(204);
    assert!(found(&server, &alice, "hay").is_empty());
}

#[test]
fn what_is_written_at_one_process_is_found_at_another() {
    let bus = redis::server();
    let [here, there] = crate::pods::pods(&bus.url(), |_| {});
    let (alice, bob) = (here.person("alice"), there.person("bob"));
    let room = here.room(&alice, &[&bob]);
    say(&here, &alice, &room, "needle one");
    say(&there, &bob, &room, "needle two");
    for (server, who) in [(&here, &alice), (&there, &bob)] {
        eventually("both are found", || found(server, who, "needle") == ["needle two", "needle one"]);
    }
}

#[test]
fn what_waits_for_the_index_is_counted_for_operators() {
    let mut server = TestServer::with(|s| s.timing.search = Duration::from_secs(3_600));
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    say(&server, &alice, &room, "needle");
    server.restart();
    // When a server starts it follows what is there; then this one pauses for an hour.
    eventually("it is found", || found(&server, &alice, "needle").len() == 1);
    for text in ["one straw", "another straw", "the last straw"] {
        say(&server, &alice, &room, text);
    }
    server.restart();
    let metrics = || server.ask(None, "GET", "/metrics", None).body;
    eventually("they were counted", || metrics().lines().any(|line| line == "search_queue_messages 3"));
    eventually("and followed", || found(&server, &alice, "straw").len() == 3);
}
