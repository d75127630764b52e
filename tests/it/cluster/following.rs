//! Rooms that somebody only follows, on another process than the one where they grow.

use serde_json::{Value, json};

use super::{health, pod, pods};
use crate::postgres::{database, server};
use crate::support::{Person, TestClient, TestServer, eventually, number};
use crate::{postgres, redis};

/// Alice, who writes, and a room in which Bob is too.
fn people(here: &TestServer) -> (Person, Person, String) {
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.room(&alice, &[&bob]);
    (alice, bob, room)
}

/// Says something here, and waits until whoever follows there was told of it, with the count.
#[track_caller]
fn bumped(writer: &mut TestClient, room: &str, follower: &mut TestClient, messages: u64) {
    let head = number(&writer.say(room, "hello"), "seq");
    let wanted = json!({"head": head, "messages": messages});
    follower.until("the bump", |frame| frame["t"] == "room.bump" && frame["d"] == wanted);
}

#[test]
fn a_follower_is_told_while_redis_is_away_and_after_it_forgot_everything() {
    let mut bus = redis::server();
    let [here, there] = pods(&database(), Some(&bus.url()));
    let (alice, bob, room) = people(&here);
    let (mut writer, mut follower) = (here.connect(&alice), there.connect(&bob).hearing_bumps());
    bumped(&mut writer, &room, &mut follower, 1);
    bus.flush().expect("flushed");
    bumped(&mut writer, &room, &mut follower, 2);
    bus.kill().expect("killed");
    for messages in 3..5 {
        bumped(&mut writer, &room, &mut follower, messages);
    }
    bus.start_again().expect("a Redis");
    bumped(&mut writer, &room, &mut follower, 5);
}

#[test]
fn a_follower_is_told_without_redis() {
    let [here, there] = pods(&database(), None);
    let (alice, bob, room) = people(&here);
    let (mut writer, mut follower) = (here.connect(&alice), there.connect(&bob).hearing_bumps());
    bumped(&mut writer, &room, &mut follower, 1);
    // Who comes later knows more; that is no reason not to tell those who were there.
    let head = number(&writer.say(&room, "hello"), "seq");
    let _newcomer = there.connect(&bob);
    let wanted = json!({"head": head, "messages": 2});
    follower.until("the bump", |frame| frame["t"] == "room.bump" && frame["d"] == wanted);
}

/// The one that writes has no Redis, so it announces nothing; to the other all is well.
#[test]
fn a_bump_that_was_lost_is_sent_after_all() {
    let bus = redis::server();
    let url = server().url(&postgres::database());
    let (here, there) = (pod(&url, None), pod(&url, Some(&bus.url())));
    let (alice, bob, room) = people(&here);
    let (mut writer, mut follower) = (here.connect(&alice), there.connect(&bob).hearing_bumps());
    eventually("Redis is there", || health(&there) == "ready");
    bumped(&mut writer, &room, &mut follower, 1);
    // Once is enough.
    bumped(&mut writer, &room, &mut follower, 2);
    assert_eq!(health(&there), "ready");
}

/// Waits until the device is told so many unread messages and mentions.
#[track_caller]
fn counts(device: &mut TestClient, room: &str, unread: u64, mentions: u64) {
    let wanted = |frame: &Value| {
        let d = &frame["d"];
        frame["room"] == room && d["unread"] == json!(unread) && d["mentions"] == json!(mentions)
    };
    device.until("the counts", |frame| frame["t"] == "room.bump" && wanted(frame));
}

/// Another process tells whom a commit concerns, or nobody does and all who follow are counted for.
#[test]
fn what_counts_is_told_in_the_other_process_too() {
    let bus = redis::server();
    for url in [Some(bus.url()), None] {
        let [here, there] = pods(&database(), url.as_deref());
        let (alice, bob, room) = people(&here);
        let mut writer = here.connect(&alice);
        let [mut hers, mut his] = [&alice, &bob].map(|person| there.connect(person).hearing_bumps());
        let id = writer.say(&room, "hey @bob")["id"].clone();
        counts(&mut his, &room, 1, 1);
        counts(&mut hers, &room, 0, 0);
        writer.acked(json!({"t": "message.edit", "room": room, "d": {"id": id, "content": "hey"}}));
        counts(&mut his, &room, 1, 0);
        writer.acked(json!({"t": "message.delete", "room": room, "d": {"id": id}}));
        counts(&mut his, &room, 0, 0);
    }
}
