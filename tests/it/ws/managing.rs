//! What sockets are told when rooms change and people are put in and out; and that nothing of a room
//! reaches who may not read it (I10).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Person, TestClient, TestServer, contents, seqs};

#[track_caller]
fn put(server: &TestServer, who: &Person, path: &str, body: Value) {
    server.ask(Some(who), "PUT", path, Some(&body)).expect(204);
}

#[test]
fn everybody_in_a_room_is_told_what_becomes_of_it() {
    let server = TestServer::start();
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let room = server.room(&alice, &[&bob]);
    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    let path = format!("/rooms/{room}");
    let patch = json!({"topic": "Sunday"});
    server.ask(Some(&alice), "PATCH", &path, Some(&patch)).expect(200);
    put(&server, &alice, &format!("{path}/members/{}/role", bob.id), json!({"role": "administrator"}));
    put(&server, &alice, &format!("{path}/bans/{}", carol.id), json!({}));
    server.ask(Some(&alice), "DELETE", &format!("{path}/bans/{}", carol.id), None).expect(204);
    server.post(&alice, &format!("{path}/transfer"), &json!({"userId": bob.id})).expect(204);
    server.post(&alice, &format!("{path}/archive"), &json!({})).expect(200);
    let events = reader.entries(&room, 7);
    let told: Vec<_> = events.iter().map(|event| event["t"].as_str().expect("a name")).collect();
    assert_eq!(
        told,
        [
            "room.updated",
            "member.updated",
            "member.banned",
            "member.unbanned",
            "member.updated",
            "member.updated",
            "room.archived"
        ]
    );
    assert_eq!(events[0]["d"]["topic"], "Sunday");
    assert_eq!(events[1]["d"], json!({"userId": bob.id, "role": "administrator"}));
    assert_eq!(events[2]["d"], json!({"userId": carol.id, "by": alice.id}));
    assert_eq!(events[4]["d"], json!({"userId": alice.id, "role": "administrator"}));
    assert_eq!(events[5]["d"], json!({"userId": bob.id, "role": "owner"}));
    assert_eq!(reader.refused(TestClient::message(&room, &crate::support::new_id(), "late")), "roomArchived");
    // Replayed from the store they are the same.
    let mut later = server.connect(&alice);
    later.subscribe(&room, Some(2));
    assert_eq!(later.entries(&room, 7), events);
}

#[test]
fn who_is_put_out_hears_nothing_from_then_on() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.private_room(&alice, &[&bob]);
    let (mut stays, mut goes) = (server.connect(&alice), server.connect(&bob));
    stays.subscribe(&room, None);
    goes.subscribe(&room, None);
    let began = Instant::now();
    server.ask(Some(&alice), "DELETE", &format!("/rooms/{room}/members/{}", bob.id), None).expect(204);
    server.send_many(&alice, &room, ["canary".to_owned()]);
    assert_eq!(goes.until_type("room.reset")["d"]["reason"], "membership");
    goes.until_type("room.removed");
    assert!(began.elapsed() < Duration::from_secs(30), "told in time even on a busy machine");
    assert!(goes.drained().is_empty());
    assert_eq!(goes.refused(json!({"t": "room.subscribe", "room": room})), "notFound");
    assert_eq!(goes.refused(json!({"t": "typing.start", "room": room})), "notFound");
    assert_eq!(goes.refused(json!({"t": "mark.read", "room": room, "d": {"seq": 1}})), "notFound");
    let events = stays.entries(&room, 2);
    assert_eq!(events[0]["d"], json!({"userId": bob.id, "by": alice.id}));
    assert_eq!(contents(&events[1..]), ["canary"]);
    // Put in again he reads all of it, as this room shows all.
    server.post(&alice, &format!("/rooms/{room}/members"), &json!({"userId": bob.id})).expect(204);
    goes.until_type("room.added");
    goes.subscribe(&room, Some(2));
    assert_eq!(seqs(&goes.entries(&room, 3)), [3, 4, 5]);
}

#[test]
fn who_joined_later_reads_nothing_from_before_where_that_is_the_rule() {
    // With and without what the room has in memory.
    for cache in [0, 100] {
        let server = TestServer::with(|settings| settings.store.room_cache = cache);
        let (alice, bob) = (server.person("alice"), server.person("bob"));
        let body = json!({"name": "general", "historyVisibility": "sinceJoined"});
        let made = server.post(&alice, "/rooms", &body).expect(201);
        let room = made["id"].as_str().expect("an id");
        let mut writer = server.connect(&alice);
        writer.subscribe(room, None);
        writer.say(room, "canary");
        server.join(&bob, room);
        let mut reader = server.connect(&bob);
        let answer = reader.subscribe(room, Some(0));
        assert_eq!((&answer["mode"], &answer["reason"]), (&json!("reset"), &json!("membership")));
        writer.say(room, "welcome");
        assert_eq!(contents(&reader.entries(room, 1)), ["welcome"], "live from the head on");
        let history = server.history(&bob, room);
        assert_eq!((history.len(), &history[0]["content"]), (1, &json!("welcome")));
        // From his own joining on he resumes as anybody does.
        let answer = reader.subscribe(room, Some(2));
        assert_eq!((&answer["mode"], &answer["from"]), (&json!("replay"), &json!(3)));
        assert_eq!(seqs(&reader.entries(room, 2)), [3, 4]);
        let resume = json!({"t": "resume", "d": {"epoch": server.pod().epoch().to_string(), "rooms": [[room, "full", 1]]}});
        reader.send(&resume);
        let answer = reader.until_type("room.subscribed");
        assert_eq!((&answer["d"]["mode"], &answer["d"]["reason"]), (&json!("reset"), &json!("membership")));
    }
}

#[test]
fn who_is_invited_is_told_on_all_devices() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.private_room(&alice, &[]);
    let mut guest = server.connect(&bob);
    let invites = format!("/rooms/{room}/invites");
    let made = server.post(&alice, &invites, &json!({"userId": bob.id})).expect(201);
    let told = guest.until_type("invite.received");
    assert_eq!(told["d"], json!({"inviteId": made["id"], "roomId": room, "by": alice.id}));
    let id = made["id"].as_str().expect("an id");
    server.ask(Some(&alice), "DELETE", &format!("{invites}/{id}"), None).expect(204);
    assert_eq!(guest.until_type("invite.revoked")["d"], json!({"inviteId": id, "roomId": room}));
    let conversation = server.post(&alice, "/direct-rooms", &json!({"userIds": [bob.id]})).expect(200);
    assert_eq!(guest.until_type("room.added")["d"]["roomId"], conversation["id"]);
    let path = format!("/rooms/{}/settings", conversation["id"].as_str().expect("an id"));
    let wanted = json!({"notifications": "none", "mutedUntil": null, "isFavourite": true});
    server.ask(Some(&bob), "PUT", &path, Some(&wanted)).expect(200);
    let told = guest.until_type("settings.updated");
    assert_eq!((&told["d"]["roomId"], &told["d"]["isFavourite"]), (&conversation["id"], &json!(true)));
}
