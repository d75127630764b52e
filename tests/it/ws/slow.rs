//! A client that stops reading loses its connection, and nobody else loses anything.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Event, TestClient, TestServer, contents, new_id};

#[test]
fn a_reader_who_stops_is_cut_and_the_others_go_on() {
    let server = TestServer::with(|s| {
        s.limits.outbox_frames = 16;
        s.limits.outbox_bytes = 65_536;
        s.timing.write_stall = Duration::from_secs(1);
    });
    let (alice, bob, sloth) = (server.person("alice"), server.person("bob"), server.person("sloth"));
    let room = server.room(&alice, &[&bob, &sloth]);
    let (mut writer, mut reader) = (server.connect(&alice), server.connect(&bob));
    reader.subscribe(&room, None);
    // Whatever the kernel buffers, some of them will not take it all.
    let mut stopped: Vec<_> =
        (0..6).map(|_| server.upgrade().bearer(&sloth.token).receive_buffer(4_096).ready()).collect();
    stopped.iter_mut().for_each(|client| drop(client.subscribe(&room, None)));
    server.wait_for_sockets(8);

    let large = "x".repeat(7_000);
    let mut slowest = Duration::ZERO;
    let mut rounds = 0;
    let telemetry = &server.pod().telemetry;
    let end = Instant::now() + Duration::from_secs(40);
    // Only the two that read remain.
    while telemetry.sockets() > 2 {
        assert!(Instant::now() < end, "{} sockets still there", telemetry.sockets());
        let content = format!("{rounds} {large}");
        let begun = Instant::now();
        writer.say(&room, &content);
        assert_eq!(contents(&reader.entries(&room, 1)), [content]);
        slowest = slowest.max(begun.elapsed());
        rounds += 1;
    }
    assert!(slowest < Duration::from_secs(2), "a delivery took {slowest:?}");
    // Those that were cut find an end, whether or not the close could still reach them.
    for mut client in stopped {
        loop {
            match client.event(Duration::from_secs(20)) {
                Event::Frame(_) | Event::Pong(_) => {}
                Event::Close(code, _) => {
                    assert_eq!(code, 4103);
                    break;
                }
                Event::End => break,
                Event::Silence => panic!("neither closed nor cut"),
            }
        }
    }
}

#[test]
fn a_reader_who_comes_back_to_life_resumes() {
    let server = TestServer::with(|s| {
        s.limits.outbox_frames = 8;
        s.timing.write_stall = Duration::from_secs(1);
    });
    let (alice, sloth) = (server.person("alice"), server.person("sloth"));
    let room = server.room(&alice, &[&sloth]);
    let mut writer = server.connect(&alice);
    let mut reader = server.upgrade().bearer(&sloth.token).receive_buffer(4_096).ready();
    reader.subscribe(&room, Some(0));
    server.wait_for_sockets(2);
    let large = "x".repeat(7_000);
    let telemetry = &server.pod().telemetry;
    let end = Instant::now() + Duration::from_secs(40);
    let mut said = 0;
    while telemetry.sockets() > 1 {
        assert!(Instant::now() < end, "never cut");
        writer.say(&room, &format!("{said} {large}"));
        said += 1;
    }
    let mut seqs = Vec::new();
    while let Event::Frame(frame) = reader.event(Duration::from_secs(20)) {
        seqs.extend(frame["seq"].as_u64());
    }
    let mut again = server.connect(&sloth);
    let head = again.head_of(&room).expect("a member");
    while seqs.last() != Some(&head) {
        let answer = again.subscribe(&room, seqs.last().copied());
        assert_eq!(answer["mode"], "replay", "{answer}");
        let to = answer["to"].as_u64().expect("to");
        let from = answer["from"].as_u64().expect("from");
        let entries = again.entries(&room, usize::try_from(to + 1 - from).expect("small"));
        seqs.extend(crate::support::seqs(&entries));
    }
    assert!(seqs.into_iter().eq(1..=head), "nothing lost, nothing twice");
}

/// Backpressure, not memory: commands beyond those that may wait are left in the connection.
#[test]
fn a_writer_who_does_not_read_its_answers_is_held_back() {
    let server = TestServer::with(|s| {
        s.limits.unanswered = 4;
        s.limits.outbox_frames = 64;
        s.timing.write_stall = Duration::from_secs(1);
    });
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let room = server.room(&alice, &[&bob]);
    let mut deaf = server.upgrade().bearer(&alice.token).receive_buffer(4_096).ready();
    let mut healthy = server.connect(&bob);
    // Pings need no room: each is answered by itself, and the answers pile up.
    let flood = thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let frame = {
                use crate::support::wire::{TEXT, encode, whole};
                let ping = json!({"t": "ping", "ref": "x".repeat(64)}).to_string();
                encode(whole(TEXT), ping.as_bytes()).repeat(1_000)
            };
            let mut rounds = 0;
            while deaf.wire.write(&frame).is_ok() {
                rounds += 1;
                assert!(rounds < 10_000, "it takes everything");
            }
        });
        while !flood.is_finished() {
            healthy.say(&room, "all is well");
        }
        flood.join()
    });
    flood.expect("the flood");
    healthy.acked(TestClient::message(&room, &new_id(), "and stays so"));
    server.wait_for_sockets(1);
}
