//! A client on a real socket. What it reads is checked for its shape; what is not asked for yet is
//! kept for later, so a story need not know in which order an ack and its event come.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::SockRef;

use super::wire::{BINARY, CLOSE, PING, PONG, Seen, TEXT, Wire, encode, whole};
use super::{PATIENCE, number, shape, text};

/// What comes from a server.
#[derive(Debug)]
pub enum Event {
    Frame(Value),
    Pong(Vec<u8>),
    Close(u16, String),
    /// Nothing within the time.
    Silence,
    /// The connection ended.
    End,
}

/// One connection.
pub struct TestClient {
    pub wire: Wire,
    /// The subprotocol that the server chose.
    pub protocol: Option<String>,
    /// `d` of what came first.
    pub hello: Value,
    pub ready: Value,
    pub heads: Vec<Value>,
    inbox: VecDeque<Value>,
    next_ref: i64,
    /// Whether `room.bump` is of interest: it may come at any time, and most stories are not about it.
    hears_bumps: bool,
}

impl TestClient {
    pub fn new(wire: Wire, protocol: Option<String>) -> Self {
        let nothing = Value::Null;
        Self {
            wire,
            protocol,
            hello: nothing.clone(),
            ready: nothing,
            heads: Vec::new(),
            inbox: VecDeque::new(),
            next_ref: 1,
            hears_bumps: false,
        }
    }

    /// From now on `room.bump` is no longer passed over.
    pub fn hearing_bumps(mut self) -> Self {
        self.hears_bumps = true;
        self
    }

    /// Sends a text frame.
    #[track_caller]
    pub fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string());
    }

    #[track_caller]
    pub fn send_text(&mut self, text: &str) {
        self.send_raw(&encode(whole(TEXT), text.as_bytes()));
    }

    /// Sends any bytes.
    #[track_caller]
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.wire.write(bytes).expect("the server takes it");
    }

    /// What comes next. Pings are answered, as by every client.
    pub fn event(&mut self, within: Duration) -> Event {
        let end = Instant::now() + within;
        loop {
            let frame = match self.wire.read(end.saturating_duration_since(Instant::now())) {
                Seen::Frame(frame) => frame,
                Seen::Silence => return Event::Silence,
                Seen::End => return Event::End,
            };
            match frame.opcode {
                TEXT => {
                    let value: Value = serde_json::from_slice(&frame.payload).expect("JSON");
                    shape::check(&value);
                    if value["t"] == "room.bump" && !self.hears_bumps {
                        continue;
                    }
                    return Event::Frame(value);
                }
                // A server that is gone needs no answer.
                PING => drop(self.wire.write(&encode(whole(PONG), &frame.payload))),
                PONG => return Event::Pong(frame.payload),
                CLOSE => {
                    let code = frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                    let reason = frame.payload.get(2..).unwrap_or_default();
                    return Event::Close(code, String::from_utf8(reason.to_vec()).expect("UTF-8"));
                }
                BINARY => panic!("a binary frame: {frame:?}"),
                _ => panic!("an odd frame: {frame:?}"),
            }
        }
    }

    /// The next frame, in order.
    #[track_caller]
    pub fn recv(&mut self) -> Value {
        match self.inbox.pop_front() {
            Some(frame) => frame,
            None => self.fresh("a frame"),
        }
    }

    #[track_caller]
    fn fresh(&mut self, what: &str) -> Value {
        match self.event(PATIENCE) {
            Event::Frame(frame) => frame,
            other => panic!("waiting for {what}: {other:?}; kept: {:?}", self.inbox),
        }
    }

    /// The next frame, which must be of this type.
    #[track_caller]
    pub fn expect(&mut self, t: &str) -> Value {
        let frame = self.recv();
        assert_eq!(frame["t"], t, "{frame}");
        frame
    }

    /// The first frame for which `wanted` holds; the others are kept for later.
    #[track_caller]
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.inbox.iter().position(&wanted) {
            return self.inbox.remove(at).expect("it is there");
        }
        loop {
            let frame = self.fresh(what);
            if wanted(&frame) {
                return frame;
            }
            self.inbox.push_back(frame);
        }
    }

    /// The first frame of this type; the others are kept for later.
    #[track_caller]
    pub fn until_type(&mut self, t: &str) -> Value {
        self.until(t, |frame| frame["t"] == t)
    }

    /// `hello`, `ready` and every `heads`.
    #[track_caller]
    pub fn greeted(&mut self) {
        self.hello = self.expect("hello")["d"].take();
        self.ready = self.expect("ready")["d"].take();
        loop {
            let heads = self.expect("heads")["d"].take();
            let more = heads["more"] == true;
            self.heads.push(heads);
            if !more {
                return;
            }
        }
    }

    pub fn reference(&mut self) -> i64 {
        self.next_ref += 1;
        self.next_ref
    }

    /// The final answer to an action; what comes before it is kept for later.
    #[track_caller]
    pub fn request(&mut self, mut frame: Value) -> Value {
        let reference = self.reference();
        frame["ref"] = json!(reference);
        self.send(&frame);
        self.answer(&json!(reference))
    }

    /// The final answer to the request with this `ref`.
    #[track_caller]
    pub fn answer(&mut self, reference: &Value) -> Value {
        self.until(&format!("the answer to {reference}"), |frame| frame.get("ref") == Some(reference))
    }

    /// `d` of the answer to an action, which must be of this type.
    #[track_caller]
    fn asked(&mut self, frame: Value, t: &str) -> Value {
        let mut answer = self.request(frame);
        assert_eq!(answer["t"], t, "{answer}");
        answer["d"].take()
    }

    /// `d` of an action's ack.
    #[track_caller]
    pub fn acked(&mut self, frame: Value) -> Value {
        self.asked(frame, "ack")
    }

    /// The code of an action's error.
    #[track_caller]
    pub fn refused(&mut self, frame: Value) -> String {
        text(&self.asked(frame, "error"), "code")
    }

    /// `d` of the answer to `room.subscribe`.
    #[track_caller]
    pub fn subscribe(&mut self, room: &str, after: Option<u64>) -> Value {
        let frame = match after {
            Some(after) => json!({"t": "room.subscribe", "room": room, "d": {"after": after}}),
            None => json!({"t": "room.subscribe", "room": room}),
        };
        self.asked(frame, "room.subscribed")
    }

    /// A message to be sent, with its key.
    pub fn message(room: &str, key: &str, content: &str) -> Value {
        json!({"t": "message.send", "room": room, "d": {"clientMsgId": key, "content": content}})
    }

    /// `d` of the ack of a new message.
    #[track_caller]
    pub fn say(&mut self, room: &str, content: &str) -> Value {
        self.acked(Self::message(room, &super::new_id(), content))
    }

    /// The next entries of a room's log.
    #[track_caller]
    pub fn entries(&mut self, room: &str, count: usize) -> Vec<Value> {
        let entry = |frame: &Value| frame["room"] == room && frame["seq"].is_u64();
        (0..count).map(|_| self.until("an entry", entry)).collect()
    }

    /// The next entry of a room's log.
    #[track_caller]
    pub fn entry(&mut self, room: &str) -> Value {
        self.entries(room, 1).remove(0)
    }

    /// Everything that has come when the server has answered a ping and a little time is over: for
    /// proving that something did not come.
    #[track_caller]
    pub fn drained(&mut self) -> Vec<Value> {
        let pong = self.request(json!({"t": "ping"}));
        assert_eq!(pong["t"], "pong");
        let end = Instant::now() + Duration::from_millis(60);
        while let Event::Frame(frame) = self.event(end.saturating_duration_since(Instant::now())) {
            self.inbox.push_back(frame);
        }
        self.inbox.drain(..).collect()
    }

    /// Forgets what has come so far.
    pub fn forget(&mut self) {
        self.inbox.clear();
    }

    /// Waits for the close, and answers it as a client should. Answers the frames that came before.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) -> Vec<Value> {
        loop {
            match self.event(PATIENCE) {
                Event::Frame(frame) => self.inbox.push_back(frame),
                Event::Pong(_) => {}
                Event::Close(found, reason) => {
                    assert_eq!(found, code, "{reason}; before: {:?}", self.inbox);
                    break;
                }
                other => panic!("no close: {other:?}; before: {:?}", self.inbox),
            }
        }
        // The server may have cut the connection meanwhile.
        drop(self.wire.write(&encode(whole(CLOSE), &code.to_be_bytes())));
        self.inbox.drain(..).collect()
    }

    /// The connection ends without another frame.
    #[track_caller]
    pub fn expect_end(&mut self) {
        match self.event(PATIENCE) {
            Event::End => {}
            other => panic!("after the end: {other:?}"),
        }
    }

    /// Still open, and answering.
    #[track_caller]
    pub fn expect_alive(&mut self) {
        let pong = self.request(json!({"t": "ping"}));
        assert_eq!(pong["t"], "pong");
    }

    /// Ends the connection without a word, as the death of the machine's network would.
    pub fn cut(self) {
        // A reset instead of a farewell.
        SockRef::from(self.wire.stream()).set_linger(Some(Duration::ZERO)).expect("a socket");
    }

    /// The head of a room in what came first.
    pub fn head_of(&self, room: &str) -> Option<u64> {
        let rows = self.heads.iter().flat_map(|heads| heads["rooms"].as_array().into_iter().flatten());
        rows.into_iter().find(|row| row["room"] == room).map(|row| number(row, "head"))
    }
}
