//! What processes tell each other through Redis besides messages.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pods;
use crate::postgres::{database, server};
use crate::redis;
use crate::support::process::{complaint, run};
use crate::support::{Person, TestServer, number, text};

fn people(here: &TestServer) -> (Person, Person, String) {
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.room(&alice, &[&bob]);
    (alice, bob, room)
}

fn read_up_to(room: &str, seq: u64) -> Value {
    json!({"t": "mark.read", "room": room, "d": {"seq": seq}})
}

#[test]
fn a_login_that_ended_at_one_process_has_its_sockets_closed_at_another_at_once() {
    let bus = redis::server();
    let [here, there] = pods(&database(), Some(&bus.url()));
    let alice = here.person("alice");
    let other = here.login(&alice);
    let (mut ended, mut stays) = (there.connect(&alice), there.connect(&other));
    let begun = Instant::now();
    here.ask(Some(&alice), "POST", "/auth/logout", None).expect(204);
    let before = ended.expect_close(4303);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(before.last().expect("a word first")["t"], "session.revoked");
    stays.expect_alive();
}

#[test]
fn typing_is_seen_at_the_other_process() {
    let bus = redis::server();
    let [here, there] = pods(&database(), Some(&bus.url()));
    let (alice, bob, room) = people(&here);
    let (mut typist, mut reader) = (here.connect(&alice), there.connect(&bob));
    typist.subscribe(&room, None);
    reader.subscribe(&room, None);
    typist.acked(json!({"t": "typing.start", "room": room}));
    let started = reader.until_type("typing");
    assert_eq!((&started["room"], &started["d"]["userId"]), (&json!(room), &json!(alice.id)));
    typist.acked(json!({"t": "typing.stop", "room": room}));
    let stopped = reader.until_type("typing");
    assert!(text(&stopped["d"], "until") < text(&started["d"], "until"), "{stopped} after {started}");
}

#[test]
fn receipts_reach_the_writer_at_the_other_process() {
    let bus = redis::server();
    let [here, there] = pods(&database(), Some(&bus.url()));
    let (alice, bob, room) = people(&here);
    let (mut writer, mut reader) = (here.connect(&alice), there.connect(&bob));
    writer.subscribe(&room, None);
    reader.subscribe(&room, None);
    let seq = number(&writer.say(&room, "hello"), "seq");
    reader.entry(&room);
    reader.acked(read_up_to(&room, seq));
    let wanted = json!([{"userId": bob.id, "received": seq, "read": seq}]);
    writer.until("the receipt", |frame| frame["t"] == "receipts" && frame["d"]["users"] == wanted);
}

#[test]
fn a_mark_reaches_the_other_devices_at_the_other_process() {
    let bus = redis::server();
    let [here, there] = pods(&database(), Some(&bus.url()));
    let (alice, bob, room) = people(&here);
    let (mut phone, mut laptop) = (here.connect(&bob), there.connect(&bob));
    let before = number(&laptop.ready, "userSeq");
    let seq = number(&here.connect(&alice).say(&room, "hello"), "seq");
    phone.acked(read_up_to(&room, seq));
    let told = laptop.until_type("mark.moved");
    assert_eq!((number(&told, "useq"), &told["d"]["roomId"]), (before + 1, &json!(room)));
    assert_eq!((number(&told["d"], "read"), number(&told["d"], "unread")), (seq, 0));
}

#[test]
fn a_renewed_epoch_closes_the_sockets_of_every_process() {
    let bus = redis::server();
    let database = database();
    let [here, there] = pods(&database, Some(&bus.url()));
    let (alice, _, room) = people(&here);
    let mut sockets = [here.connect(&alice), there.connect(&alice)];
    sockets.iter_mut().for_each(|socket| drop(socket.subscribe(&room, None)));
    let before = sockets[0].hello["epoch"].clone();
    let renewed = run(&["admin", "new-epoch"], &[("DATABASE_URL", &server().url(&database))]);
    assert!(renewed.status.success(), "{}", complaint(&renewed));
    for socket in &mut sockets {
        socket.expect_close(4105);
    }
    for server in [&here, &there] {
        let mut back = server.connect(&alice);
        assert_ne!(back.hello["epoch"], before);
        let resume = json!({"t": "resume", "d": {"epoch": before, "rooms": [[room, "full", 2]]}});
        assert_eq!(back.request(resume)["t"], "resumed");
        let answer = back.until_type("room.subscribed");
        assert_eq!((&answer["d"]["mode"], &answer["d"]["reason"]), (&json!("reset"), &json!("epoch")));
    }
}
