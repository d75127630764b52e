//! Noise at a live server: whatever comes, it answers or closes with a numbered code, and nobody
//! else notices.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sim::chance::Chance;
use crate::support::wire::{TEXT, encode, header, whole};
use crate::support::{Event, PATIENCE, TestClient, TestServer, new_id};

/// Codes that a client can expect to be closed with for what it sent.
const CODES: [u16; 6] = [1002, 1003, 1007, 1009, 4000, 1000];

fn bytes(chance: &mut Chance, most: u64) -> Vec<u8> {
    let length = chance.below(most);
    (0..length).map(|_| u8::try_from(chance.below(256)).expect("a byte")).collect()
}

/// A JSON value of any shape.
fn value(chance: &mut Chance, room: &str, depth: u32) -> Value {
    match chance.below(if depth == 0 { 8 } else { 10 }) {
        0 => Value::Null,
        1 => json!(chance.percent(50)),
        2 => json!(chance.next()),
        3 => json!(-1.5e300),
        4 => json!(room),
        5 => json!(new_id()),
        6 => json!("full"),
        7 => json!("x\u{0}\u{10ffff}".repeat(chance.index(20))),
        8 => (0..chance.below(5)).map(|_| value(chance, room, depth - 1)).collect(),
        _ => object(chance, room, depth - 1),
    }
}

fn object(chance: &mut Chance, room: &str, depth: u32) -> Value {
    const NAMES: [&str; 12] = [
        "t",
        "ref",
        "room",
        "d",
        "clientMsgId",
        "content",
        "after",
        "rooms",
        "epoch",
        "id",
        "token",
        "level",
    ];
    let mut members = serde_json::Map::new();
    for _ in 0..chance.below(6) {
        members.insert(NAMES[chance.index(NAMES.len())].to_owned(), value(chance, room, depth));
    }
    Value::Object(members)
}

/// A frame that is nearly what it should be.
fn envelope(chance: &mut Chance, room: &str) -> Value {
    const ACTIONS: [&str; 10] = [
        "auth",
        "auth.refresh",
        "resume",
        "room.subscribe",
        "room.unsubscribe",
        "message.send",
        "message.edit",
        "message.delete",
        "ping",
        "unknown",
    ];
    let mut frame = object(chance, room, 3);
    frame["t"] = json!(ACTIONS[chance.index(ACTIONS.len())]);
    frame["room"] = json!(room);
    if chance.percent(80) {
        frame["d"] = object(chance, room, 3);
    }
    frame
}

/// Reads until the server has nothing more to say; whether it still lives.
fn settle(client: &mut TestClient) -> bool {
    let ping = json!({"t": "ping", "ref": "are you there"});
    if client.wire.write(&encode(whole(TEXT), ping.to_string().as_bytes())).is_err() {
        return false;
    }
    loop {
        match client.event(PATIENCE) {
            Event::Frame(frame) if frame["ref"] == "are you there" => return true,
            Event::Frame(_) | Event::Pong(_) => {}
            Event::Close(code, reason) => {
                assert!(CODES.contains(&code) || (4100..4400).contains(&code), "{code} {reason}");
                return false;
            }
            Event::End => return false,
            Event::Silence => panic!("neither an answer nor a close"),
        }
    }
}

fn scene() -> (TestServer, crate::support::Person, String, TestClient) {
    let server = TestServer::with(|s| s.timing.auth_deadline = Duration::from_secs(1));
    let (mallory, bob) = (server.person("mallory"), server.person("bob"));
    let room = server.room(&mallory, &[&bob]);
    let mut healthy = server.connect(&bob);
    healthy.subscribe(&room, None);
    (server, mallory, room, healthy)
}

fn still_chats(healthy: &mut TestClient, room: &str) {
    let id = healthy.say(room, "all is well")["id"].take();
    healthy.until("the own event", |frame| frame["d"]["id"] == id);
}

#[test]
fn strange_envelopes_are_answered() {
    let (server, mallory, room, mut healthy) = scene();
    let mut chance = Chance::new(1);
    let mut client = server.connect(&mallory);
    for n in 0..600 {
        let frame =
            if chance.percent(70) { envelope(&mut chance, &room) } else { object(&mut chance, &room, 4) };
        client.send(&frame);
        if n % 20 == 19 {
            if !settle(&mut client) {
                client = server.connect(&mallory);
            }
            still_chats(&mut healthy, &room);
        }
    }
}

#[test]
fn strange_texts_and_frames_are_answered_or_closed() {
    let (server, mallory, room, mut healthy) = scene();
    let mut chance = Chance::new(2);
    for n in 0..120 {
        let mut client = if chance.percent(80) { server.connect(&mallory) } else { server.upgrade().open() };
        for _ in 0..1 + chance.below(5) {
            let first = u8::try_from(chance.below(256)).expect("a byte");
            let noise = match chance.below(5) {
                0 => bytes(&mut chance, 300),
                1 => encode(whole(TEXT), &bytes(&mut chance, 300)),
                2 => encode(first, &bytes(&mut chance, 200)),
                3 => header(first, chance.next() >> chance.below(64)),
                _ => {
                    let text = envelope(&mut chance, &room).to_string();
                    let mut text = text.into_bytes();
                    let at = chance.index(text.len());
                    text[at] = b' ' + u8::try_from(chance.below(90)).expect("a byte");
                    encode(whole(TEXT), &text)
                }
            };
            if client.wire.write(&noise).is_err() {
                break;
            }
        }
        // A frame that was announced and does not come may swallow the question: then the client
        // goes, and the server lets it go.
        drop(client);
        if n % 10 == 9 {
            still_chats(&mut healthy, &room);
        }
    }
    server.wait_for_sockets(1);
}

#[test]
fn texts_that_are_cut_anywhere_are_answered() {
    let (server, mallory, room, mut healthy) = scene();
    let mut client = server.connect(&mallory);
    let whole_text = TestClient::message(&room, &new_id(), "h\u{e9}llo").to_string();
    for end in (0..whole_text.len()).filter(|end| whole_text.is_char_boundary(*end)) {
        client.send_text(&whole_text[..end]);
        if end % 8 == 7 {
            assert!(settle(&mut client), "fewer than ten");
            client = server.connect(&mallory);
        }
    }
    still_chats(&mut healthy, &room);
}
