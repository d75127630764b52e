//! Nothing is left behind by those who come and go.

use std::time::Duration;

use serde_json::json;

use crate::support::{TestClient, TestServer, eventually, new_id};

#[test]
fn hundreds_of_visits_leave_no_actor_behind() {
    let server = TestServer::with(|s| s.timing.room_idle = Duration::from_millis(200));
    let alice = server.person("alice");
    let rooms: Vec<_> = (0..10).map(|_| server.room(&alice, &[])).collect();
    let pod = server.pod().clone();
    eventually("rooms that nobody reads retire", || pod.telemetry.sockets() == 0);
    let mut baseline = pod.actors_alive();
    eventually("the actors that always are", || {
        let now = pod.actors_alive();
        baseline = baseline.min(now);
        // 64 shards, writer, marker, sweeper, presence, clerk, a hub for each of the two workers.
        now == 71
    });
    for n in 0..300 {
        let mut client = server.connect(&alice);
        let room = &rooms[n % rooms.len()];
        match n % 5 {
            0 => client.cut(),
            1 => client.send(&json!({"t": "room.subscribe", "room": room, "d": {"after": 0}})),
            2 => {
                client.subscribe(room, None);
                client.cut();
            }
            3 => client.send(&TestClient::message(room, &new_id(), "and gone")),
            _ => drop(client.say(room, "goodbye")),
        }
    }
    server.wait_for_sockets(0);
    eventually("all are gone again", || pod.actors_alive() == baseline);
}

#[test]
fn a_room_that_retired_comes_back_where_it_was() {
    let server = TestServer::with(|s| s.timing.room_idle = Duration::from_millis(50));
    let alice = server.person("alice");
    let room = server.room(&alice, &[]);
    let pod = server.pod().clone();
    for n in 0..5 {
        let mut client = server.connect(&alice);
        let answer = client.subscribe(&room, Some(0));
        assert_eq!(answer["head"], n + 1);
        client.entries(&room, n + 1);
        client.say(&room, "hello again");
        client.entry(&room);
        drop(client);
        eventually("the room retires", || pod.actors_alive() == 71);
    }
}

#[test]
fn a_reader_keeps_its_room() {
    let server = TestServer::with(|s| s.timing.room_idle = Duration::from_millis(20));
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut reader = server.connect(&bob);
    reader.subscribe(&room, None);
    for _ in 0..5 {
        // Ten times as long as an idle room lives.
        assert!(matches!(reader.event(Duration::from_millis(200)), crate::support::Event::Silence));
        server.send_many(&alice, &room, ["still there?".to_owned()]);
        assert_eq!(reader.entry(&room)["d"]["content"], "still there?");
    }
}
