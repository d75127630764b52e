//! A device that behaves as an SDK does: keeps its position and its outbox, comes back, resumes,
//! sends again with the same key; and judges every frame it gets.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use socket2::SockRef;

use crate::sim::chance::Chance;
use crate::support::upgrade::{Upgrade, Upgraded};
use crate::support::wire::{CLOSE, PING, PONG, Seen, TEXT, Wire, encode, whole};
use crate::support::{Person, http, new_id};

/// How often a server is killed: `TORTURE_KILLS`, or a few times.
pub fn kills() -> u32 {
    std::env::var("TORTURE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10)
}

/// The longest that a device takes for everything.
fn limit() -> Duration {
    Duration::from_secs(150) + Duration::from_secs(3) * kills()
}

/// What all devices are told together.
#[derive(Default)]
pub struct Orders {
    /// No more new messages and no more cuts.
    pub finish: AtomicBool,
    /// Devices with nothing left to send.
    pub settled: AtomicUsize,
    /// The head of the room when all had settled; 0 before.
    pub goal: AtomicU64,
    /// A device failed: the others need not go on.
    pub failed: AtomicBool,
}

/// How a device behaves.
#[derive(Clone, Copy)]
pub struct Habits {
    /// Cuts its own connection so many times in a hundred actions.
    pub cuts: u64,
    /// Sends over HTTP so many times in a hundred messages.
    pub by_http: u64,
    /// Waits up to so many milliseconds between actions.
    pub pause: u64,
    /// Composes so many messages at most.
    pub messages: usize,
}

/// What a device saw.
#[derive(Default)]
pub struct Record {
    /// `seq` and content (a key, or nothing for a joining), in the order of arrival.
    pub seen: Vec<(u64, String)>,
    /// Keys in the order of their composing, those over HTTP left out.
    pub composed: Vec<String>,
    /// Key -> id and `seq`.
    pub acked: BTreeMap<String, (String, u64)>,
    pub connections: u32,
}

pub struct Device<'a> {
    pub server: SocketAddr,
    pub person: &'a Person,
    pub room: &'a str,
    pub orders: &'a Orders,
    pub habits: Habits,
    pub chance: Chance,
    pub record: Record,
    outbox: VecDeque<(String, bool)>,
    posts: Vec<String>,
    composed: usize,
    settled: bool,
}

/// As much of a frame as matters here.
#[derive(Deserialize)]
struct Frame {
    t: String,
    seq: Option<u64>,
    #[serde(default)]
    d: Data,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Data {
    id: Option<String>,
    seq: Option<u64>,
    content: Option<String>,
    client_msg_id: Option<String>,
    mode: Option<String>,
    more: Option<bool>,
    to: Option<u64>,
    code: Option<String>,
    epoch: Option<String>,
}

impl<'a> Device<'a> {
    pub fn new(
        server: SocketAddr,
        person: &'a Person,
        room: &'a str,
        orders: &'a Orders,
        habits: Habits,
        chance: Chance,
    ) -> Self {
        Self {
            server,
            person,
            room,
            orders,
            habits,
            chance,
            record: Record::default(),
            outbox: VecDeque::new(),
            posts: Vec::new(),
            composed: 0,
            settled: false,
        }
    }

    /// Lives until it has everything.
    pub fn live(mut self) -> Record {
        let guard = Failing(self.orders);
        let end = Instant::now() + limit();
        while !self.is_done() && !self.orders.failed.load(Ordering::Relaxed) {
            assert!(
                Instant::now() < end,
                "{} stands at {} of {} with {} unsent",
                self.person.username,
                self.last(),
                self.orders.goal.load(Ordering::Relaxed),
                self.outbox.len() + self.posts.len(),
            );
            if let Ok(Upgraded::Open(client)) = Upgrade::new(self.server).bearer(&self.person.token).ask() {
                self.record.connections += 1;
                self.chat(client.wire);
            }
            thread::sleep(Duration::from_millis(self.chance.below(100)));
        }
        std::mem::forget(guard);
        self.record
    }

    fn last(&self) -> u64 {
        self.record.seen.last().map_or(0, |(seq, _)| *seq)
    }

    fn is_done(&self) -> bool {
        let goal = self.orders.goal.load(Ordering::Relaxed);
        self.settled && goal > 0 && self.last() >= goal
    }

    /// One connection's life.
    fn chat(&mut self, mut wire: Wire) {
        self.outbox.iter_mut().for_each(|(_, sent)| *sent = false);
        let mut next_action = Instant::now();
        while !self.is_done() && !self.orders.failed.load(Ordering::Relaxed) {
            let wait = next_action.saturating_duration_since(Instant::now());
            match wire.read(wait) {
                Seen::Frame(frame) => match frame.opcode {
                    TEXT => self.receive(&mut wire, &frame.payload),
                    PING => drop(wire.write(&encode(whole(PONG), &frame.payload))),
                    CLOSE => {
                        let code = frame.payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                        assert!((4100..4300).contains(&code), "{}: closed with {code}", self.person.username);
                        return;
                    }
                    _ => {}
                },
                Seen::Silence => {
                    next_action =
                        Instant::now() + Duration::from_millis(1 + self.chance.below(self.habits.pause));
                    if self.act(&mut wire).is_err() {
                        return;
                    }
                }
                Seen::End => return,
            }
        }
    }

    /// Does something; an error ends the connection.
    fn act(&mut self, wire: &mut Wire) -> std::io::Result<()> {
        if self.orders.finish.load(Ordering::Relaxed) {
            self.post();
            if !self.settled && self.outbox.is_empty() && self.posts.is_empty() {
                self.settled = true;
                self.orders.settled.fetch_add(1, Ordering::Relaxed);
            }
        } else {
            if self.chance.percent(self.habits.cuts) {
                if self.chance.percent(50) {
                    SockRef::from(wire.stream()).set_linger(Some(Duration::ZERO))?;
                }
                return Err(std::io::ErrorKind::ConnectionAborted.into());
            }
            self.compose();
            self.post();
        }
        self.send_waiting(wire)
    }

    fn compose(&mut self) {
        if self.composed >= self.habits.messages {
            return;
        }
        self.composed += 1;
        if self.chance.percent(self.habits.by_http) {
            self.posts.push(new_id());
        } else {
            let key = new_id();
            self.record.composed.push(key.clone());
            self.outbox.push_back((key, false));
        }
    }

    fn send_waiting(&mut self, wire: &mut Wire) -> std::io::Result<()> {
        for (key, sent) in self.outbox.iter_mut().filter(|(_, sent)| !*sent) {
            let frame = json!({"t": "message.send", "ref": key, "room": self.room,
                "d": {"clientMsgId": key, "content": key}});
            wire.write(&encode(whole(TEXT), frame.to_string().as_bytes()))?;
            *sent = true;
        }
        Ok(())
    }

    /// Sends one over HTTP; what fails is tried again.
    fn post(&mut self) {
        let Some(key) = self.posts.first().cloned() else { return };
        let bearer = format!("Bearer {}", self.person.token);
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", &key)];
        let body = json!({"roomId": self.room, "content": key});
        let Ok(answer) = http::ask(self.server, "POST", "/messages", &headers, Some(&body)) else { return };
        match answer.status {
            201 => {
                let message = answer.json();
                let id = crate::support::text(&message, "id");
                self.acked(key, id, crate::support::number(&message, "seq"));
                self.posts.remove(0);
            }
            503 => {}
            other => panic!("{other}: {}", answer.body),
        }
    }

    fn acked(&mut self, key: String, id: String, seq: u64) {
        let now = (id, seq);
        if let Some(before) = self.record.acked.insert(key, now.clone()) {
            assert_eq!(before, now, "one key, two answers");
        }
    }

    fn receive(&mut self, wire: &mut Wire, payload: &[u8]) {
        let frame: Frame = serde_json::from_slice(payload).expect("a frame");
        let name = &self.person.username;
        if let Some(seq) = frame.seq {
            let last = self.last();
            assert_eq!(seq, last + 1, "{name}: after {last} came {}", String::from_utf8_lossy(payload));
            return self.record.seen.push((seq, frame.d.content.unwrap_or_default()));
        }
        match frame.t.as_str() {
            "hello" => {
                let resume = json!({"t": "resume", "ref": 0,
                    "d": {"epoch": frame.d.epoch, "rooms": [[self.room, "full", self.last()]]}});
                // What cannot be sent is seen when reading.
                drop(wire.write(&encode(whole(TEXT), resume.to_string().as_bytes())));
            }
            "ack" => {
                let data = frame.d;
                let key = data.client_msg_id.expect("the ack of a message");
                self.outbox.retain(|(waiting, _)| *waiting != key);
                self.acked(key, data.id.expect("id"), data.seq.expect("seq"));
            }
            "room.subscribed" => {
                assert_ne!(frame.d.mode.as_deref(), Some("reset"), "{name}: a reset without a reason");
                if frame.d.more == Some(true) {
                    let on = json!({"t": "room.subscribe", "room": self.room, "d": {"after": frame.d.to}});
                    drop(wire.write(&encode(whole(TEXT), on.to_string().as_bytes())));
                }
            }
            "error" => {
                // Sent again, in order, with all that was sent after it.
                assert_eq!(
                    frame.d.code.as_deref(),
                    Some("unavailable"),
                    "{}",
                    String::from_utf8_lossy(payload)
                );
                self.outbox.iter_mut().for_each(|(_, sent)| *sent = false);
            }
            "room.reset" => panic!("{name}: {}", String::from_utf8_lossy(payload)),
            _ => {}
        }
    }
}

/// Tells the others when a device panics.
struct Failing<'a>(&'a Orders);

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        self.0.failed.store(true, Ordering::Relaxed);
    }
}

/// Ends the run: waits until every device has sent what it had, then tells them how far to read.
pub fn finish(orders: &Orders, devices: usize, head: impl FnOnce() -> u64) {
    orders.finish.store(true, Ordering::Relaxed);
    let end = Instant::now() + limit();
    while orders.settled.load(Ordering::Relaxed) < devices {
        if orders.failed.load(Ordering::Relaxed) || Instant::now() > end {
            // Its own panic says why.
            return orders.failed.store(true, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(10));
    }
    orders.goal.store(head(), Ordering::Relaxed);
}

/// Compares what the devices saw and were told with what is stored: `log` is the content of every
/// entry, from 1 on.
pub fn judge(records: &[Record], log: &[(u64, String)]) {
    assert!(log.iter().map(|(seq, _)| *seq).eq(1..=log.len() as u64), "the log has a gap");
    let mut places = BTreeMap::new();
    for (seq, key) in log.iter().filter(|(_, key)| !key.is_empty()) {
        assert!(places.insert(key.as_str(), *seq).is_none(), "{key} is stored twice");
    }
    for record in records {
        assert_eq!(record.seen, log, "everyone sees the whole log, once and in order");
        for (key, (_, seq)) in &record.acked {
            assert_eq!(places.get(key.as_str()), Some(seq), "{key} was acknowledged at {seq}");
        }
        let composed: Vec<_> = record.composed.iter().map(|key| places.get(key.as_str())).collect();
        assert!(composed.iter().all(Option::is_some), "everything composed is stored");
        assert!(composed.is_sorted(), "what one device sends keeps its order");
    }
}
