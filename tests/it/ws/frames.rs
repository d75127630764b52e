//! RFC 6455 on a live socket: what breaks it closes with its code, and nobody else notices.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::wire::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode, header, whole};
use crate::support::{Event, PATIENCE, TestClient, TestServer};

const JSON_PING: &[u8] = br#"{"t":"ping","ref":"x"}"#;

fn scene() -> (TestServer, TestClient) {
    let server = TestServer::start();
    let alice = server.person("alice");
    let client = server.connect(&alice);
    (server, client)
}

/// Sends these bytes on a fresh socket, which must then close with this code.
#[track_caller]
fn closes(bytes: &[u8], code: u16) {
    let (server, mut client) = scene();
    client.send_raw(bytes);
    client.expect_close(code);
    drop(client);
    server.wait_for_sockets(0);
}

#[test]
fn after_a_close_the_connection_ends_even_for_a_peer_who_goes_on_sending() {
    let (server, mut client) = scene();
    client.send_raw(&[0xff; 64]);
    client.expect_close(1002);
    client.expect_end();
    server.wait_for_sockets(0);
}

#[test]
fn binary_is_not_taken() {
    closes(&encode(whole(BINARY), b"{}"), 1003);
}

#[test]
fn text_must_be_utf_8() {
    closes(&encode(whole(TEXT), b"{\"t\":\"\xff\"}"), 1007);
    let mut split = encode(TEXT, b"\xe2\x82");
    split.extend(encode(whole(CONTINUATION), b"("));
    closes(&split, 1007);
    let mut unfinished = encode(TEXT, b"x");
    unfinished.extend(encode(whole(CONTINUATION), b"\xe2\x82"));
    closes(&unfinished, 1007);
}

#[test]
fn an_unmasked_frame_is_a_violation() {
    let mut bytes = vec![whole(TEXT), 2];
    bytes.extend_from_slice(b"{}");
    closes(&bytes, 1002);
}

#[test]
fn reserved_bits_and_opcodes_are_violations() {
    for first in [0xc1, 0xa1, 0x91, 0x83, 0x8b, 0x8f] {
        closes(&encode(first, b"{}"), 1002);
    }
}

#[test]
fn odd_control_frames_are_violations() {
    closes(&encode(whole(PING), &[0; 126]), 1002);
    closes(&encode(PING, b""), 1002);
    closes(&encode(CLOSE, b""), 1002);
}

#[test]
fn fragments_out_of_order_are_violations() {
    closes(&encode(whole(CONTINUATION), b"{}"), 1002);
    closes(&encode(CONTINUATION, b"{}"), 1002);
    let mut twice = encode(TEXT, b"{");
    twice.extend(encode(TEXT, b"}"));
    closes(&twice, 1002);
    let mut whole_between = encode(TEXT, b"{");
    whole_between.extend(encode(whole(TEXT), b"{}"));
    closes(&whole_between, 1002);
}

#[test]
fn fragments_are_joined_and_control_frames_may_come_between() {
    let (_server, mut client) = scene();
    let (a, rest) = JSON_PING.split_at(5);
    let (b, c) = rest.split_at(9);
    client.send_raw(&encode(TEXT, a));
    client.send_raw(&encode(whole(PING), b"are you there"));
    client.send_raw(&encode(CONTINUATION, b));
    client.send_raw(&encode(whole(PONG), b"unasked"));
    client.send_raw(&encode(CONTINUATION, b""));
    client.send_raw(&encode(whole(CONTINUATION), c));
    match client.event(PATIENCE) {
        Event::Pong(payload) => assert_eq!(payload, b"are you there"),
        other => panic!("{other:?}"),
    }
    assert_eq!(client.expect("pong")["ref"], "x");
}

#[test]
fn a_frame_may_come_byte_by_byte() {
    let (_server, mut client) = scene();
    for byte in encode(whole(TEXT), JSON_PING) {
        client.send_raw(&[byte]);
    }
    assert_eq!(client.expect("pong")["ref"], "x");
}

#[test]
fn many_frames_may_come_at_once() {
    let (_server, mut client) = scene();
    client.send_raw(&encode(whole(TEXT), JSON_PING).repeat(500));
    for _ in 0..500 {
        client.expect("pong");
    }
}

#[test]
fn fragments_count_together() {
    let mut bytes = encode(TEXT, &[b' '; 200_000]);
    bytes.extend(encode(CONTINUATION, &[b' '; 62_145]));
    closes(&bytes, 1009);
}

#[test]
fn a_huge_length_is_never_waited_for() {
    for length in [262_145, 1 << 40, (1 << 63) - 1, u64::MAX] {
        let (server, mut client) = scene();
        client.send_raw(&header(whole(TEXT), length));
        // What comes of it is cut at the limit, whatever was announced.
        let chunk = [b' '; 65_536];
        for _ in 0..5 {
            if client.wire.write(&chunk).is_err() {
                break;
            }
        }
        client.expect_close(1009);
        drop(client);
        server.wait_for_sockets(0);
    }
}

#[test]
fn a_close_is_answered_with_its_own_code() {
    for code in [1000_u16, 4999] {
        let (server, mut client) = scene();
        client.send_raw(&encode(whole(CLOSE), &code.to_be_bytes()));
        match client.event(PATIENCE) {
            Event::Close(echo, _) => assert_eq!(echo, code),
            other => panic!("{other:?}"),
        }
        client.expect_end();
        server.wait_for_sockets(0);
    }
}

#[test]
fn what_was_asked_before_a_close_is_answered_before_it() {
    let (_server, mut client) = scene();
    client.send_raw(&encode(whole(TEXT), JSON_PING));
    client.send_raw(&encode(whole(CLOSE), &1000_u16.to_be_bytes()));
    client.expect("pong");
    assert!(matches!(client.event(PATIENCE), Event::Close(1000, _)));
}

#[test]
fn a_socket_that_went_silent_is_closed() {
    let server = TestServer::with(|s| {
        s.timing.idle_timeout = Duration::from_millis(1_000);
        s.timing.heartbeat = Duration::from_millis(500);
    });
    let alice = server.person("alice");
    let (mut silent, mut lively) = (server.connect(&alice), server.connect(&alice));
    let begun = Instant::now();
    // It answers nothing, not even the server's pings.
    loop {
        match silent.wire.read(PATIENCE) {
            crate::support::wire::Seen::Frame(frame) if frame.opcode == CLOSE => {
                assert_eq!(frame.payload[..2], 4104_u16.to_be_bytes());
                break;
            }
            crate::support::wire::Seen::Frame(frame) => assert_eq!(frame.opcode, PING),
            other => panic!("{other:?}"),
        }
        lively.expect_alive();
    }
    // Deadlines are looked at four times a second.
    assert!(begun.elapsed() >= Duration::from_millis(700), "{:?}", begun.elapsed());
    lively.expect_alive();
    // Nor does it answer the close: the connection ends all the same.
    silent.expect_end();
    server.wait_for_sockets(1);
}

#[test]
fn a_client_that_answers_pings_may_stay_silent_otherwise() {
    let server = TestServer::with(|s| {
        s.timing.idle_timeout = Duration::from_millis(1_500);
        s.timing.heartbeat = Duration::from_millis(250);
    });
    let alice = server.person("alice");
    let mut client = server.connect(&alice);
    // Three times the idle timeout, in which it only answers.
    assert!(matches!(client.event(Duration::from_millis(4_500)), Event::Silence));
    client.expect_alive();
}

#[test]
fn a_broken_neighbour_is_not_noticed() {
    let (server, mut broken) = scene();
    let bob = server.person("bob");
    let room = server.room(&bob, &[]);
    let mut healthy = server.connect(&bob);
    healthy.subscribe(&room, None);
    broken.send_raw(&[0xff; 64]);
    healthy.say(&room, "all is well");
    assert_eq!(healthy.entry(&room)["d"]["content"], "all is well");
    broken.expect_close(1002);
    assert_eq!(healthy.request(json!({"t": "ping"}))["d"]["heads"], json!([[room, 2]]));
}
