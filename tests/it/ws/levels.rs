//! How much a socket is told of a room, and what it is told when it falls behind.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Event, TestClient, TestServer, contents, number, seqs};

fn subscribe_at(level: &str, room: &str) -> serde_json::Value {
    json!({"t": "room.subscribe", "room": room, "d": {"level": level}})
}

#[test]
fn who_only_follows_a_room_is_told_that_it_grew_and_nothing_else() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut follower) = (server.connect(&alice), server.connect(&bob).hearing_bumps());
    let head = (0..20).map(|n| number(&writer.say(&room, &n.to_string()), "seq")).max().expect("some");
    // The same frame for everyone, and in the end it names the head.
    let mut bumps = 0;
    loop {
        let bump = follower.until_type("room.bump");
        assert_eq!(bump["room"], room.as_str());
        bumps += 1;
        if bump["d"] == json!({"head": head, "messages": 20}) {
            break;
        }
    }
    assert!(bumps <= 3, "{bumps} bumps for what took a moment");
    assert!(follower.drained().iter().all(|frame| !frame["seq"].is_u64()), "events came all the same");
}

#[test]
fn a_room_that_is_read_is_not_bumped_and_going_back_goes_on_with_bumps() {
    let server = TestServer::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob).hearing_bumps());
    reader.subscribe(&room, None);
    writer.say(&room, "read");
    assert_eq!(contents(&[reader.entry(&room)]), ["read"]);
    assert!(reader.drained().iter().all(|frame| frame["t"] != "room.bump"));
    let answer = reader.request(subscribe_at("bump", &room));
    assert_eq!((&answer["t"], &answer["d"]["level"]), (&json!("room.subscribed"), &json!("bump")));
    writer.say(&room, "afar");
    assert_eq!(reader.until_type("room.bump")["d"]["messages"], 2);
    let answer = reader.request(subscribe_at("none", &room));
    assert_eq!(answer["d"]["level"], "none");
    writer.say(&room, "unheard");
    // What another socket of the same worker hears by now is not here.
    let mut other = server.connect(&alice).hearing_bumps();
    writer.say(&room, "still unheard");
    other.until_type("room.bump");
    assert!(reader.drained().is_empty());
    // And up again, from where it stood: nothing is missing.
    let answer = reader.subscribe(&room, Some(3));
    assert_eq!((number(&answer, "from"), number(&answer, "to")), (4, 6));
    assert_eq!(contents(&reader.entries(&room, 3)), ["afar", "unheard", "still unheard"]);
}

#[test]
fn a_resume_may_ask_for_each_room_at_its_level() {
    let server = TestServer::start();
    let alice = server.person("alice");
    let (open, far, mute) = (server.room(&alice, &[]), server.room(&alice, &[]), server.room(&alice, &[]));
    let mut client = server.connect(&alice);
    let epoch = client.hello["epoch"].clone();
    let rooms = json!([[open, "full", 0], [far, "bump", 1], [mute, "none", null]]);
    let resumed = client.request(json!({"t": "resume", "d": {"epoch": epoch, "rooms": rooms}}));
    assert_eq!(resumed["t"], "resumed", "{resumed}");
    let answers = client.drained();
    let level = |room: &str| {
        let of_room = |f: &&serde_json::Value| f["t"] == "room.subscribed" && f["room"] == room;
        answers.iter().find(of_room).map(|f| (f["d"]["level"].clone(), f["d"]["mode"].clone()))
    };
    assert_eq!(level(&open), Some((json!("full"), json!("replay"))));
    assert_eq!(level(&far), Some((json!("bump"), json!("uptodate"))));
    assert_eq!(level(&mute), Some((json!("none"), json!("uptodate"))));
}

#[test]
fn an_outsider_cannot_follow_a_room() {
    let server = TestServer::start();
    let (alice, eve) = (server.person("alice"), server.person("eve"));
    let (public, private) = (server.room(&alice, &[]), server.private_room(&alice, &[]));
    let mut client = server.connect(&eve).hearing_bumps();
    assert_eq!(client.refused(subscribe_at("bump", &public)), "notMember");
    assert_eq!(client.refused(subscribe_at("bump", &private)), "notFound");
    assert_eq!(client.refused(subscribe_at("half", &public)), "badRequest");
    // Who joins follows from then on.
    server.join(&eve, &public);
    client.until_type("room.added");
    server.send(&alice, &public, &crate::support::new_id(), "hello").expect(201);
    assert_eq!(client.until_type("room.bump")["room"], public.as_str());
}

/// The queue of a slow socket is bounded, the socket stays, and nothing is lost.
#[test]
fn a_socket_that_falls_behind_is_told_and_goes_on_from_the_log() {
    let server = TestServer::with(|s| {
        s.limits.outbox_frames = 16;
        // As long as the machine takes to write what is not read meanwhile.
        s.timing.write_stall = Duration::from_secs(120);
    });
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut writer = server.connect(&alice);
    let mut slow = server.upgrade().bearer(&bob.token).receive_buffer(4_096).ready();
    slow.subscribe(&room, Some(0));
    let large = "x".repeat(7_000);
    let lagged = &server.pod().telemetry;
    let end = Instant::now() + Duration::from_secs(30);
    let mut said = 0;
    while lagged.times_lagged() == 0 {
        assert!(Instant::now() < end, "never fell behind");
        writer.say(&room, &format!("{said} {large}"));
        said += 1;
    }
    // What is said meanwhile waits in the log alone.
    for _ in 0..20 {
        writer.say(&room, &format!("{said} {large}"));
        said += 1;
    }
    let (mut seen, mut told) = (Vec::new(), false);
    while seen.last() != Some(&(said + 2)) {
        match slow.event(Duration::from_secs(30)) {
            Event::Frame(frame) => {
                told |= frame["t"] == "room.lagged";
                seen.extend(frame["seq"].as_u64());
            }
            other => panic!("after {seen:?}: {other:?}"),
        }
    }
    assert!(told, "it was not told");
    assert!(seen.iter().copied().eq(1..=said + 2), "{seen:?}");
    // And it is live again.
    writer.say(&room, "caught up");
    assert_eq!(contents(&[slow.entry(&room)]), ["caught up"]);
}

#[test]
fn a_burst_beyond_the_queue_loses_nothing() {
    let server = TestServer::with(|s| {
        s.limits.outbox_frames = 16;
        s.limits.unanswered = 12;
    });
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob));
    reader.subscribe(&room, None);
    for n in 0..200 {
        writer.send(&TestClient::message(&room, &crate::support::new_id(), &n.to_string()));
    }
    assert!(seqs(&reader.entries(&room, 200)).into_iter().eq(3..=202));
}
