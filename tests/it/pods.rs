//! What two processes hold together: how many sockets a user has, and who is online in a room.

use std::time::Duration;

use chat::domain::UserId;
use chat::settings::{RedisUrl, Secret, Settings};
use serde_json::json;

use crate::support::{Event, PATIENCE, Person, TestClient, TestServer, eventually, new_id, text};
use crate::{postgres, redis};

/// Two processes on one database and one Redis.
pub fn pods(redis: &str, adjust: impl Fn(&mut Settings)) -> [TestServer; 2] {
    let database = postgres::server().url(&postgres::database());
    [(); 2].map(|()| pod(&database, redis, &adjust))
}

fn pod(database: &str, redis: &str, adjust: impl Fn(&mut Settings)) -> TestServer {
    TestServer::with(|s: &mut Settings| {
        s.database_url = Some(database.to_owned());
        s.redis_url = Some(RedisUrl::parse(redis).expect("an address"));
        s.jwt_secret = vec![Secret::new("0123456789abcdef0123456789abcdef")];
        adjust(s);
    })
}

fn connections(server: &TestServer, person: &Person) -> u32 {
    server.pod().roster().connections(UserId(person.id.parse().expect("an id")))
}

#[test]
fn a_users_sockets_are_counted_over_all_processes() {
    let bus = redis::server();
    let [here, there] = pods(&bus.url(), |s| {
        s.limits.rates_on = true;
        s.limits.connections_per_user = 2;
    });
    let alice = here.person("alice");
    let first = here.connect(&alice);
    let mut second = here.connect(&alice);
    eventually("the other process knows of both", || connections(&there, &alice) == 2);
    there.upgrade().bearer(&alice.token).open().expect_close(4106);
    // Also for who signs in with the first frame.
    let mut late = there.upgrade().open();
    late.expect("hello");
    late.send(&json!({"t": "auth", "d": {"token": alice.token}}));
    late.expect_close(4106);
    second.expect_alive();
    // Somebody else is not concerned, and who makes room has room.
    there.connect(&there.person("bob"));
    first.cut();
    eventually("there is room again", || {
        let mut client = there.upgrade().bearer(&alice.token).open();
        matches!(client.event(PATIENCE), Event::Frame(_))
    });
}

#[test]
fn a_process_that_starts_knows_who_is_here_before_anybody_asks() {
    let (bus, database) = (redis::server(), postgres::server().url(&postgres::database()));
    let here = pod(&database, &bus.url(), |_| {});
    let alice = here.person("alice");
    let _phone = here.connect(&alice);
    let people = format!("presence:{{{}}}:people", here.pod().id);
    eventually("her lease is written", || !bus.ask(&["HGET", &people, &alice.id]).expect("Redis").is_empty());
    let there = pod(&database, &bus.url(), |_| {});
    assert_eq!(connections(&there, &alice), 1);
}

/// Whether the reader is told that the typist types. What is said after it comes after it.
fn is_told(typist: &mut TestClient, reader: &mut TestClient, room: &str) -> bool {
    typist.acked(json!({"t": "typing.start", "room": room}));
    typist.acked(json!({"t": "typing.stop", "room": room}));
    typist.say(room, "hi");
    reader.entry(room);
    reader.drained().iter().any(|frame| frame["t"] == "typing")
}

#[test]
fn typing_is_not_told_in_a_room_with_many_members_online_wherever_they_are() {
    let bus = redis::server();
    let [here, there] = pods(&bus.url(), |s| s.limits.typing_members = 2);
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| here.person(name));
    let room = here.room(&alice, &[&bob, &carol]);
    let (mut typist, mut reader) = (here.connect(&alice), there.connect(&bob));
    typist.subscribe(&room, None);
    reader.subscribe(&room, None);
    eventually("both are known to be online", || {
        [&here, &there].iter().all(|server| server.pod().roster().online().count() == 2)
    });
    assert!(is_told(&mut typist, &mut reader, &room), "two of three are online");
    // The third reads another room, if any.
    let _third = there.connect(&carol);
    eventually("nobody is told any more", || !is_told(&mut typist, &mut reader, &room));
    assert!(!is_told(&mut reader, &mut typist, &room), "in either direction");
}

#[test]
fn the_time_to_change_messages_is_that_of_the_settings() {
    let bus = redis::server();
    let [here, there] = pods(&bus.url(), |s| s.accounts.edit_window = Duration::ZERO);
    // A member: who looks after the room has all the time.
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.room(&alice, &[&bob]);
    let sent = here.send(&bob, &room, &new_id(), "for ever").expect(201);
    let path = format!("/messages/{}", text(&sent, "id"));
    let edit = |n: u32| {
        let body = json!({"content": format!("changed {n}")});
        there.ask(Some(&bob), "PATCH", &path, Some(&body)).status
    };
    // In the very millisecond in which it was sent it is open.
    assert!((0..3).map(edit).any(|status| status == 403));
}
