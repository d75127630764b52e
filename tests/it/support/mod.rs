//! What the tests against a real server are told with: a server on a free port, people, rooms,
//! requests, and clients on real sockets. Plain blocking code, so that a story reads from top to
//! bottom; nothing here sleeps and hopes, it waits for what must come.

// Each group of stories uses the part that it needs.
#![allow(dead_code, reason = "stories come and go")]

pub mod answers;
pub mod client;
pub mod http;
pub mod process;
pub mod server;
pub mod shape;
pub mod upgrade;
pub mod wire;
pub mod wrapped;

use std::thread;
use std::time::{Duration, Instant};

use chat::clock::{Clock, SystemClock};
use serde_json::Value;

pub use client::{Event, TestClient};
pub use server::{Person, TestServer};

/// How long is waited for what must come, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A new key, id or name.
pub fn new_id() -> String {
    SystemClock.id().to_string()
}

/// Waits until `done` says so.
#[track_caller]
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "never came true: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A text member of an object.
#[track_caller]
pub fn text(value: &Value, member: &str) -> String {
    match value[member].as_str() {
        Some(text) => text.to_owned(),
        None => panic!("no text {member:?} in {value}"),
    }
}

/// A number member of an object.
#[track_caller]
pub fn number(value: &Value, member: &str) -> u64 {
    match value[member].as_u64() {
        Some(number) => number,
        None => panic!("no number {member:?} in {value}"),
    }
}

/// The `seq` of each entry.
pub fn seqs(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|entry| number(entry, "seq")).collect()
}

/// The content of each message event.
pub fn contents(entries: &[Value]) -> Vec<String> {
    entries.iter().map(|entry| text(&entry["d"], "content")).collect()
}
