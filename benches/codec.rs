//! What a frame costs to read and to make, against the way of the tutorials in the same run.
//!
//! `cargo bench --bench codec`. The baseline of reading is serde_json's own tree, whose values
//! nobody has looked at yet; that of making is `serde_json::to_string` and the framing of
//! actix-http's codec, once for each socket. Both ways of making are held to write the same bytes
//! before anything is measured.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a bench says what is wrong by panicking"
)]

use std::hint::black_box;
use std::time::Duration;

use actix_codec::Encoder as _;
use actix_http::ws::{Codec, Message as WsMessage};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use chat::domain::{
    Change, ClientMsgId, Committed, Content, Entry, Message, MessageId, RoomId, Seq, Timestamp, UserId,
};
use chat::protocol::{Encoded, Limits, Links, Reference, client, server, wire};
use chat::settings::Settings;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Readers of the room whose frame is made.
const READERS: u64 = 1_000;

fn id(n: u128) -> Uuid {
    // Spread like real ones, so that none is shorter or simpler than another.
    Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

fn limits() -> Limits {
    let limits = Settings::default().limits;
    Limits {
        frame_bytes: limits.frame_bytes,
        resume_frame_bytes: limits.resume_frame_bytes,
        json_depth: limits.json_depth,
        content_chars: limits.content_chars,
        attachments: limits.attachments,
        subscriptions: limits.subscriptions,
        watched: limits.watched,
    }
}

/// A text of `characters`, with a quote and a line break now and then, as people write.
fn text(characters: usize) -> String {
    "she said \"see you at nine\", and left.\n".chars().cycle().take(characters - 1).chain(['.']).collect()
}

fn entry(characters: usize) -> Entry {
    let (room, at, seq) =
        (RoomId(id(1)), Timestamp::from_millis(1_800_000_000_123), Seq::from_stored(41_233));
    let message = Message {
        id: MessageId(id(2)),
        room,
        seq,
        author: UserId(id(3)),
        client_msg_id: ClientMsgId(id(4)),
        content: text(characters),
        attachments: Vec::new(),
        reply_to: None,
        thread_root: None,
        created_at: at,
        updated_at: at,
        deleted_at: None,
        removal: None,
    };
    Entry { room, seq, at, change: Change::MessageCreated(message) }
}

fn send() -> String {
    let d = serde_json::json!({ "clientMsgId": id(4), "content": text(200) });
    serde_json::json!({ "t": "message.send", "ref": 7, "room": id(1), "d": d }).to_string()
}

fn resume(rooms: u128) -> String {
    let rooms: Vec<_> = (1..=rooms).map(|n| serde_json::json!([id(n), "full", 41_000 + n as u64])).collect();
    let d = serde_json::json!({ "epoch": id(9), "userAfter": 0, "rooms": rooms });
    serde_json::json!({ "t": "resume", "ref": "r1", "d": d }).to_string()
}

fn decode(c: &mut Criterion) {
    let limits = limits();
    let mut group = c.benchmark_group("decode");
    for (name, frame) in [("message.send", send()), ("resume of 100 rooms", resume(100))] {
        assert!(client::decode(&frame, &limits).unwrap().command.is_ok(), "{frame}");
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_with_input(BenchmarkId::new("to a command", name), &frame, |b, frame| {
            b.iter(|| client::decode(black_box(frame), &limits));
        });
        group.bench_with_input(BenchmarkId::new("baseline: to a tree", name), &frame, |b, frame| {
            b.iter(|| serde_json::from_str::<Value>(black_box(frame)));
        });
    }
    // The part of reading a message.send that no parser of JSON does.
    let content = text(200);
    group.throughput(Throughput::Bytes(content.len() as u64));
    group.bench_function(BenchmarkId::new("of it: trim, normalise, count", "message.send"), |b| {
        b.iter(|| Content::parse(black_box(&content), limits.content_chars));
    });
    group.finish();
}

fn links() -> Links {
    Links::new("https://chat.example.com")
}

/// From what is stored to what is written: shapes, times and all.
fn encode(c: &mut Criterion) {
    let entry = entry(200);
    let author = entry.change.message().map(|message| message.author);
    let committed = Committed { entry: entry.clone(), also: Vec::new(), duplicate: false, told: Vec::new() };
    let reference = Reference::Number(7);
    let links = links();
    let mut group = c.benchmark_group("encode");
    group.bench_function("message.created, common", |b| {
        b.iter(|| server::entry(black_box(&entry), None, &links))
    });
    group.bench_function("message.created, own", |b| {
        b.iter(|| server::entry(black_box(&entry), author, &links))
    });
    group.bench_function("ack", |b| b.iter(|| server::ack(Some(&reference), black_box(&committed))));
    group.finish();
}

/// The envelope of `message.created`, for the baseline to write.
#[derive(Serialize)]
struct Envelope<'a> {
    t: &'a str,
    room: Uuid,
    seq: u64,
    ts: String,
    d: wire::Message,
}

impl Envelope<'_> {
    fn of(entry: &Entry) -> Self {
        let message = entry.change.message().unwrap();
        Self {
            t: "message.created",
            room: entry.room.0,
            seq: entry.seq.get(),
            ts: wire::rfc3339(entry.at),
            d: wire::Message::of(message, None, &links()),
        }
    }
}

fn framed(text: ByteString, codec: &mut Codec, buffer: &mut BytesMut) -> Bytes {
    codec.encode(WsMessage::Text(text), buffer).unwrap();
    buffer.split().freeze()
}

/// The same envelope to the same bytes: once, and for every reader of a room.
fn frame(c: &mut Criterion) {
    for characters in [40, 200, 4_000] {
        let entry = entry(characters);
        let envelope = Envelope::of(&entry);
        let mut codec = Codec::new();
        let mut buffer = BytesMut::new();
        let baseline = framed(serde_json::to_string(&envelope).unwrap().into(), &mut codec, &mut buffer);
        assert_eq!(*Encoded::json(&envelope).frame(), baseline);
        assert_eq!(*server::entry(&entry, None, &links()).frame(), baseline);

        let mut group = c.benchmark_group("frame for one");
        group.throughput(Throughput::Bytes(baseline.len() as u64));
        group.bench_function(BenchmarkId::new("Encoded", characters), |b| {
            b.iter(|| Encoded::json(black_box(&envelope)));
        });
        group.bench_function(BenchmarkId::new("baseline: to_string and codec", characters), |b| {
            b.iter(|| {
                let text = serde_json::to_string(black_box(&envelope)).unwrap();
                framed(text.into(), &mut codec, &mut buffer)
            });
        });
        group.finish();

        let mut group = c.benchmark_group("frame for 1,000 readers");
        group.throughput(Throughput::Elements(READERS));
        group.bench_function(BenchmarkId::new("Encoded", characters), |b| {
            b.iter(|| {
                let encoded = Encoded::json(black_box(&envelope));
                for _ in 0..READERS {
                    black_box(encoded.frame().clone());
                }
            });
        });
        group.bench_function(BenchmarkId::new("baseline: to_string and codec", characters), |b| {
            b.iter(|| {
                let text = ByteString::from(serde_json::to_string(black_box(&envelope)).unwrap());
                for _ in 0..READERS {
                    black_box(framed(text.clone(), &mut codec, &mut buffer));
                }
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
        .nresamples(10_000);
    targets = decode, encode, frame
}
criterion_main!(benches);
