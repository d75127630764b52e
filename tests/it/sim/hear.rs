//! How a simulated client takes what the server says. A part of [`super::client`].

use std::time::Duration;

use chat::domain::subscription::Level;
use chat::domain::{RoomId, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::client::Client;
use super::held::Membership;
use super::socket::Socket;

impl Client {
    pub(super) fn receive(&self, socket: &Socket, frame: &Value, now: Timestamp) {
        let kind = frame["t"].as_str().expect("t");
        if frame["seq"].is_u64() {
            return self.entry(socket, frame, now);
        }
        if frame["useq"].is_u64() {
            let useq = frame["useq"].as_u64().expect("useq");
            let mut own_log = self.own_log.borrow_mut();
            let again = socket.overlaps.get() || useq <= socket.repeats_own.get();
            if again && useq <= own_log.at {
                return;
            }
            return own_log.take(self.name, frame, socket.resumed.get());
        }
        match kind {
            // A position of another history says nothing.
            "ready" if socket.foreign => {
                self.own_log.borrow_mut().at = frame["d"]["userSeq"].as_u64().expect("userSeq");
                self.note("came with another epoch");
            }
            "heads" => self.heads(frame),
            "resumed" => socket.resumed.set(true),
            "room.subscribed" => self.subscribed(socket, frame, now),
            "room.reset" => self.reset(socket, frame),
            "room.bump" => {
                self.note("bumped");
                let head = frame["d"]["head"].as_u64().expect("head");
                self.held(room_of(frame), |held| held.head = held.head.max(head));
            }
            "room.lagged" => {
                // It goes on by itself: nothing is asked.
                self.note("lagged");
                socket.note(room_of(frame), |room| room.live = None);
            }
            "server.draining" => self.draining(socket, frame),
            "presence" => {
                for person in frame["d"]["users"].as_array().expect("users") {
                    let id = person["userId"].as_str().expect("userId").to_owned();
                    self.online.borrow_mut().insert(id, person["isOnline"] == true);
                }
            }
            "ack" => self.acked(frame),
            "error" => self.error(socket, frame),
            _ => {}
        }
    }

    fn entry(&self, socket: &Socket, frame: &Value, now: Timestamp) {
        let room = room_of(frame);
        let seq = frame["seq"].as_u64().expect("seq");
        socket.note(room, |known| known.at = Some(seq));
        if socket.may_repeat(room, seq) && seq <= self.held(room, |held| held.last) {
            self.note("came from both sockets");
            return self.ask_on(socket, room);
        }
        self.held(room, |held| held.take(self.name, frame));
        self.ask_on(socket, room);
        let at = chrono::DateTime::parse_from_rfc3339(frame["ts"].as_str().expect("ts")).expect("a time");
        let at = Timestamp::from_millis(at.timestamp_millis());
        let live = socket.rooms.borrow().get(&room).and_then(|room| room.live);
        if live.is_some_and(|since| since < at) {
            let lag = now.since(at);
            self.slowest.set(self.slowest.get().max(lag));
            let (mut still, mut back) = self.slowest_away.get();
            match self.exchange.away_since(at) {
                Some(true) => {
                    still = still.max(lag);
                    self.note("told while the bus was away");
                }
                Some(false) => back = back.max(lag),
                None => {}
            }
            self.slowest_away.set((still, back));
        }
        let kind = frame["t"].as_str().expect("t");
        let own = frame["d"]["userId"] == json!(self.user.0);
        if kind.starts_with("reaction.") && own {
            self.note(kind);
        }
        if kind == "message.created" && own {
            let key = frame["d"]["clientMsgId"].as_str().expect("the author's own event carries the key");
            let id = frame["d"]["id"].as_str().expect("id").to_owned();
            self.bubbles.borrow_mut().insert(key.parse().expect("a UUID"), (id.clone(), seq));
            self.note_own(room, id);
        } else if kind.starts_with("message.") && !own {
            assert!(frame["d"].get("clientMsgId").is_none(), "a key is shown to its author only");
        }
    }

    /// Asks on when the part that was promised has arrived.
    fn ask_on(&self, socket: &Socket, room: RoomId) {
        let (last, level) = self.held(room, |held| (held.last, held.level));
        let mut arrived = false;
        socket.note(room, |known| arrived = known.more.take_if(|to| *to <= last).is_some());
        if arrived {
            socket.subscribe(room, level, last);
        }
    }

    fn heads(&self, frame: &Value) {
        for row in frame["d"]["rooms"].as_array().expect("rooms") {
            let room = RoomId(row["room"].as_str().expect("room").parse().expect("a UUID"));
            let number = |name: &str| row[name].as_u64().expect("a number");
            self.held(room, |held| {
                held.head = held.head.max(number("head"));
                if row.get("unread").is_some() {
                    held.standing = Some((number("read"), number("unread"), number("mentions")));
                }
            });
        }
    }

    fn subscribed(&self, socket: &Socket, frame: &Value, now: Timestamp) {
        let (room, d) = (room_of(frame), &frame["d"]);
        let head = d["head"].as_u64().expect("head");
        if d["mode"] == "reset" {
            return self.start_anew(socket, room, d, head, Some(now));
        }
        self.held(room, |held| held.head = held.head.max(head));
        let level = Level::parse(d["level"].as_str().expect("level")).expect("a level");
        if d["more"] == true {
            self.note("replayed in parts");
            socket.note(room, |known| known.more = d["to"].as_u64());
            return self.ask_on(socket, room);
        }
        socket.note(room, |known| {
            known.asked = false;
            known.level = Some(level);
            known.live = (level == Level::Full).then_some(now);
        });
    }

    fn reset(&self, socket: &Socket, frame: &Value) {
        let d = &frame["d"];
        self.start_anew(socket, room_of(frame), d, d["head"].as_u64().expect("head"), None);
    }

    /// A reset, with what is live from its head on, or not.
    fn start_anew(&self, socket: &Socket, room: RoomId, d: &Value, head: u64, live: Option<Timestamp>) {
        let reason = d["reason"].as_str().expect("reason");
        self.note(&format!("reset: {reason}"));
        let outside = reason == "membership";
        let mut named = None;
        socket.note(room, |known| {
            // What nobody asked for is about what the socket brings, though another is further.
            named = if live.is_some() { known.named } else { known.at };
            known.asked = false;
            known.more = None;
            known.level = (live.is_some() && !outside).then_some(Level::Full);
            known.live = live.filter(|_| !outside);
        });
        match reason {
            // What was read while inside stays; it goes on from there when he is inside again.
            "membership" => {
                let held = |held: &mut super::held::Held| (held.membership, held.memberships);
                let (now, begun) = self.held(room, held);
                let moved = now != Membership::Inside || begun > 1;
                assert!(moved, "{} was never outside, but is told so: {d}", self.name);
            }
            "retention" => self.held(room, |held| held.reset(reason, head, named)),
            "epoch" if socket.foreign => self.held(room, |held| held.reset(reason, head, named)),
            _ => panic!("{}: a reset without a reason: {d}", self.name),
        }
    }

    /// Some move when they are asked to, others wait until they are closed: who has no other server.
    fn draining(&self, socket: &Socket, frame: &Value) {
        let delay = frame["d"]["delayMs"].as_u64().expect("delayMs");
        let moves = self.chance(|c| c.percent(70));
        if moves {
            socket.move_at.set(Instant::now() + Duration::from_millis(delay));
        }
    }

    /// The server ended the connection: none of the reasons may tell a well-behaved client to stop
    /// or to sign in again.
    pub(super) fn was_closed(&self, socket: &Socket) {
        let Some(code) = socket.closed() else { return };
        let number = code.number();
        assert!(
            number == 1000 || (4100..4300).contains(&number),
            "I16: {} was closed with {code:?}",
            self.name
        );
        self.note(&format!("closed: {number}"));
    }

    fn acked(&self, frame: &Value) {
        let d = &frame["d"];
        let Some(key) = d["clientMsgId"].as_str() else { return self.marked(frame) };
        let key: Uuid = key.parse().expect("a UUID");
        let now = (d["id"].as_str().expect("id").to_owned(), d["seq"].as_u64().expect("seq"));
        if d["duplicate"] == true {
            self.note("acked again");
        }
        if let Some(before) = self.acked.borrow_mut().insert(key, now.clone()) {
            assert_eq!(before, now, "I3: one key, two answers");
        }
        let mut outbox = self.outbox.borrow_mut();
        if let Some(at) = outbox.iter().position(|composed| composed.key == key) {
            let room = outbox.remove(at).expect("found").room;
            self.held(room, |held| held.read = held.read.max(now.1));
        }
    }

    fn marked(&self, frame: &Value) {
        let reference = frame["ref"].as_str().unwrap_or_default();
        let Some(rest) = reference.strip_prefix("mark.read ") else { return };
        let mut parts = rest.split(' ');
        let mut next = || parts.next().expect("as we wrote it");
        let membership: u64 = next().parse().expect("a number");
        let room = RoomId(next().parse().expect("a UUID"));
        let seq = next().parse().expect("a number");
        self.note("marked");
        self.held(room, |held| {
            if held.membership == Membership::Inside && held.memberships == membership {
                held.read = held.read.max(seq);
            }
        });
    }

    fn error(&self, socket: &Socket, frame: &Value) {
        let code = frame["d"]["code"].as_str().expect("code");
        let reference = frame["ref"].as_str().unwrap_or_default();
        if let Some(room) = reference.strip_prefix("room ") {
            // Asked again with the next action. A server may not have heard yet that one is inside.
            assert!(matches!(code, "unavailable" | "notMember"), "{}: {frame}", self.name);
            self.note("a room was refused");
            let room = RoomId(room.parse().expect("a UUID"));
            return socket.note(room, |known| known.asked = false);
        }
        match (code, reference.parse::<Uuid>()) {
            // `internal`: the room was lost with what waited in it, and it is not known what became of it.
            ("unavailable" | "internal", Ok(key)) => {
                // Sent again, with all that was sent after it, in order.
                self.note("sent again");
                for composed in self.outbox.borrow_mut().iter_mut().skip_while(|c| c.key != key) {
                    composed.sent = false;
                }
            }
            // Deleted meanwhile, or not stored: an edit is not repeated, nor is a mark.
            ("conflict" | "unavailable" | "internal" | "notMember", Err(_)) => {}
            _ => panic!("{}: an error without a reason: {frame}", self.name),
        }
    }
}

fn room_of(frame: &Value) -> RoomId {
    RoomId(frame["room"].as_str().expect("room").parse().expect("a UUID"))
}
