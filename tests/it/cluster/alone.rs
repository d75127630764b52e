//! Processes that share a database and have no Redis: each learns from the database alone what the
//! other wrote.

use serde_json::json;

use super::{health, pods};
use crate::postgres::{ask, database, server};
use crate::support::process::{complaint, run};
use crate::support::{contents, eventually, new_id, text};

#[test]
fn a_reader_on_another_process_gets_every_message_and_nothing_stays_in_the_outbox() {
    let database = database();
    let [here, there] = pods(&database, None);
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (here.connect(&alice), there.connect(&bob));
    reader.subscribe(&room, None);
    for said in ["one", "two", "three"] {
        writer.say(&room, said);
        assert_eq!(contents(&[reader.entry(&room)]), [said]);
    }
    eventually("an empty outbox", || ask(&database, "SELECT count(*) FROM outbox") == "0");
    // A single process on a database of its own is the same, and is not ill.
    assert_eq!((health(&here).as_str(), health(&there).as_str()), ("ready", "ready"));
}

#[test]
fn what_a_process_that_died_left_in_the_outbox_is_taken_away_by_another() {
    let database = database();
    let [here, _there] = pods(&database, None);
    let alice = here.person("alice");
    here.room(&alice, &[]);
    ask(
        &database,
        "INSERT INTO outbox (kind, id, seq, at) SELECT 'room', id, last_seq, 0 FROM rooms \
         ON CONFLICT (kind, id) DO UPDATE SET at = 0",
    );
    eventually("an empty outbox", || ask(&database, "SELECT count(*) FROM outbox") == "0");
}

#[test]
fn a_persons_own_affairs_reach_his_device_on_another_process() {
    let database = database();
    let [here, there] = pods(&database, None);
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let mut device = there.connect(&bob);
    let room = here.room(&alice, &[&bob]);
    assert_eq!(device.until_type("room.added")["d"]["roomId"], room.as_str());
}

#[test]
fn a_ticket_of_one_process_opens_one_socket_at_another() {
    let database = database();
    let [here, there] = pods(&database, None);
    let alice = here.person("alice");
    let ticket = here.ticket(&alice, None);
    there.upgrade().ticket(&ticket).ready();
    for server in [&here, &there] {
        server.upgrade().ticket(&ticket).open().expect_close(4302);
    }
}

#[test]
fn a_login_that_ended_at_one_process_has_its_sockets_closed_at_another() {
    let database = database();
    let [here, there] = pods(&database, None);
    let alice = here.person("alice");
    let other = here.login(&alice);
    let (mut ended, mut stays) = (there.connect(&alice), there.connect(&other));
    here.ask(Some(&alice), "POST", "/auth/logout", None).expect(204);
    ended.expect_close(4303);
    stays.expect_alive();
}

#[test]
fn a_renewed_epoch_closes_the_sockets_of_every_process() {
    let database = database();
    let [here, there] = pods(&database, None);
    let alice = here.person("alice");
    let mut sockets = [here.connect(&alice), there.connect(&alice)];
    let before = sockets[0].hello["epoch"].clone();
    let renewed = run(&["admin", "new-epoch"], &[("DATABASE_URL", &server().url(&database))]);
    assert!(renewed.status.success(), "{}", complaint(&renewed));
    for socket in &mut sockets {
        socket.expect_close(4105);
    }
    for server in [&here, &there] {
        assert_ne!(server.connect(&alice).hello["epoch"], before);
    }
}

/// Rooms that nobody reads at a process are compared with nothing there, and stay for a while.
#[test]
fn who_was_put_out_elsewhere_does_not_follow_a_room_that_nobody_reads_here() {
    let database = database();
    let [here, there] = pods(&database, None);
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.private_room(&alice, &[&bob]);
    let mut device = there.connect(&bob);
    device.subscribe(&room, None);
    device.request(json!({"t": "room.unsubscribe", "room": room}));
    here.ask(Some(&alice), "DELETE", &format!("/rooms/{room}/members/{}", bob.id), None).expect(204);
    device.until_type("room.removed");
    let follow = json!({"t": "room.subscribe", "room": room, "d": {"level": "bump"}});
    assert_eq!(device.refused(follow), "notFound");
}

#[test]
fn what_was_deleted_elsewhere_is_not_replayed_from_memory() {
    let database = database();
    let [here, there] = pods(&database, None);
    let (alice, bob) = (here.person("alice"), here.person("bob"));
    let room = here.room(&alice, &[&bob]);
    let mut device = there.connect(&bob);
    device.subscribe(&room, None);
    let said = here.send(&alice, &room, &new_id(), "said too much").expect(201);
    assert_eq!(contents(&[device.entry(&room)]), ["said too much"]);
    device.request(json!({"t": "room.unsubscribe", "room": room}));
    here.ask(Some(&alice), "DELETE", &format!("/messages/{}", text(&said, "id")), None).expect(204);
    let answer = device.subscribe(&room, Some(2));
    assert_eq!(answer["mode"], "replay", "{answer}");
    let frames = device.entries(&room, answer["to"].as_u64().expect("to") as usize - 2);
    assert!(!json!(frames).to_string().contains("too much"), "{frames:?}");
}
