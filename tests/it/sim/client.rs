//! A simulated person with a device that behaves as the protocol asks: keeps cursors, resumes,
//! sends again with the same key, and checks each frame strictly.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix::{Actor, AsyncContext};
use chat::actors::outbox::Next;
use chat::actors::{HubCore, Link};
use chat::domain::session::Identity;
use chat::domain::{ConnId, Email, RoomId, SessionId, Timestamp, User, UserId, Username};
use chat::ws::socket::Inbound;
use chat::ws::{Session, SessionParts};
use futures_util::Stream;
use futures_util::future::poll_fn;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use super::chance::Chance;
use super::world::Faults;

/// What a person wrote and has no answer for.
struct Composed {
    key: Uuid,
    room: RoomId,
    content: String,
    sent: bool,
}

/// What a client saw, to be judged at the end.
#[derive(Default)]
pub struct Record {
    /// Per room, every entry delivered: (seq, kind), in order of arrival.
    pub delivered: BTreeMap<RoomId, Vec<(u64, String)>>,
    /// Per room, the keys in the order in which they were composed.
    pub composed: BTreeMap<RoomId, Vec<Uuid>>,
    /// Key -> (message, seq).
    pub acked: BTreeMap<Uuid, (String, u64)>,
    /// The longest time from commit to delivery on a connection that was live all the while.
    pub slowest: Duration,
}

pub struct Client {
    pub user: UserId,
    pub record: RefCell<Record>,
    name: &'static str,
    rooms: Vec<RoomId>,
    outbox: RefCell<VecDeque<Composed>>,
    own: RefCell<Vec<(RoomId, String)>>,
    chance: RefCell<Chance>,
    faults: Faults,
    composing: Cell<bool>,
    next_ref: Cell<i64>,
}

/// Messages of the simulated socket, read only while the server may read.
struct Wire {
    link: Rc<Link>,
    from: mpsc::UnboundedReceiver<String>,
}

impl Stream for Wire {
    type Item = Inbound;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        if self.link.is_finished() {
            return Poll::Ready(None);
        }
        if !self.link.may_read(32, cx.waker()) {
            return Poll::Pending;
        }
        self.from.poll_recv(cx).map(|text| text.map(|text| Inbound::Text(text.into())))
    }
}

struct Socket {
    link: Rc<Link>,
    to: mpsc::UnboundedSender<String>,
    /// Per room, when it became live on this connection.
    live: RefCell<BTreeMap<RoomId, Timestamp>>,
}

impl Socket {
    fn open(parts: SessionParts, user: User) -> Self {
        let expires_at = Timestamp::from_millis(i64::MAX / 2);
        let identity = Identity { user: user.id, session: SessionId(user.id.0), expires_at };
        let conn = ConnId(parts.hub.pod.clock.id());
        let link = parts.hub.enter(conn, Some(identity));
        let (to, from) = mpsc::unbounded_channel();
        Session::create(|ctx| {
            ctx.add_stream(Wire { link: link.clone(), from });
            Session::new(parts, link.clone(), Some(user), Vec::new())
        });
        Self { link, to, live: RefCell::default() }
    }

    fn send(&self, frame: &Value) {
        // A socket that is gone takes nothing; the client notices when it reads.
        let _gone = self.to.send(frame.to_string());
    }

    /// The next text frame; `None` when the connection ended.
    async fn next(&self) -> Option<Value> {
        loop {
            let frame = poll_fn(|cx| match self.link.outbox.borrow_mut().next(cx.waker()) {
                Next::Frame(frame) => Poll::Ready(Some(frame)),
                Next::Empty => Poll::Pending,
                Next::Finished => Poll::Ready(None),
            })
            .await?;
            match frame[0] {
                0x81 => {
                    let header = match frame[1] {
                        126 => 4,
                        127 => 10,
                        _ => 2,
                    };
                    return Some(serde_json::from_slice(&frame[header..]).expect("JSON"));
                }
                // Close: answered by ending the connection.
                0x88 => self.link.finish(),
                _ => {}
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.link.finish();
    }
}

impl Client {
    pub fn new(
        name: &'static str,
        user: UserId,
        rooms: Vec<RoomId>,
        chance: Chance,
        faults: Faults,
    ) -> Rc<Self> {
        Rc::new(Self {
            user,
            record: RefCell::default(),
            name,
            rooms,
            outbox: RefCell::default(),
            own: RefCell::default(),
            chance: RefCell::new(chance),
            faults,
            composing: Cell::new(true),
            next_ref: Cell::new(1),
        })
    }

    fn person(&self) -> User {
        User {
            id: self.user,
            username: Username::parse(self.name).expect("a name"),
            email: Email::parse(&format!("{}@example.com", self.name)).expect("an address"),
            avatar: None,
            created_at: Timestamp::from_millis(0),
            last_seen: None,
        }
    }

    /// From now on only what is written already is brought to an end.
    pub fn stop_composing(&self) {
        self.composing.set(false);
    }

    pub fn has_everything(&self, heads: &BTreeMap<RoomId, u64>) -> bool {
        self.outbox.borrow().is_empty() && heads.iter().all(|(room, head)| self.last(*room) == *head)
    }

    /// Where the client stands, for the report of a failure.
    pub fn report(&self) -> String {
        let at: Vec<u64> = self.rooms.iter().map(|room| self.last(*room)).collect();
        format!("{} stands at {at:?} with {} unsent", self.name, self.outbox.borrow().len())
    }

    fn last(&self, room: RoomId) -> u64 {
        let record = self.record.borrow();
        record.delivered.get(&room).and_then(|seen| seen.last()).map_or(0, |(seq, _)| *seq)
    }

    fn chance<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.chance.borrow_mut())
    }

    /// Lives until it is aborted: connects to any server, chats, is cut, comes back.
    pub async fn live(
        self: Rc<Self>,
        servers: Rc<RefCell<Vec<Rc<HubCore>>>>,
        parts: impl Fn(Rc<HubCore>) -> SessionParts,
    ) {
        loop {
            let hub = {
                let servers = servers.borrow();
                let which = self.chance(|c| c.index(servers.len()));
                servers[which].clone()
            };
            let now = hub.pod.clock.clone();
            let epoch = hub.pod.epoch();
            let socket = Socket::open(parts(hub), self.person());
            let rooms: Vec<Value> =
                self.rooms.iter().map(|room| json!([room.0, "full", self.last(*room)])).collect();
            socket.send(&json!({"t": "resume", "ref": 0, "d": {"epoch": epoch.0, "rooms": rooms}}));
            self.outbox.borrow_mut().iter_mut().for_each(|composed| composed.sent = false);
            self.send_waiting(&socket);
            self.chat(&socket, &*now).await;
            drop(socket);
            let pause = self.chance(|c| c.below(800));
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    /// One connection's life.
    async fn chat(&self, socket: &Socket, clock: &dyn chat::clock::Clock) {
        let mut next_action = Instant::now();
        loop {
            tokio::select! {
                biased;
                frame = socket.next() => match frame {
                    Some(frame) => self.receive(socket, &frame, clock.now()),
                    None => return,
                },
                () = sleep_until(next_action) => {
                    if self.act(socket).await {
                        return;
                    }
                    let pause = self.chance(|c| 10 + c.below(400));
                    next_action = Instant::now() + Duration::from_millis(pause);
                }
            }
        }
    }

    /// Does something; true when it ends the connection.
    async fn act(&self, socket: &Socket) -> bool {
        let faulty = self.composing.get();
        if faulty && self.chance(|c| c.percent(self.faults.cuts)) {
            return true;
        }
        if faulty && self.chance(|c| c.percent(self.faults.stalls)) {
            socket.live.borrow_mut().clear();
            let stall = Duration::from_millis(self.chance(|c| c.below(12_000)));
            tokio::time::sleep(stall).await;
            socket.live.borrow_mut().clear();
            return false;
        }
        if faulty {
            match self.chance(|c| c.below(10)) {
                0 => self.change(socket, "message.edit"),
                1 => self.change(socket, "message.delete"),
                n => (0..=n % 4).for_each(|_| self.compose()),
            }
        }
        self.send_waiting(socket);
        false
    }

    fn compose(&self) {
        let (key, room) = self.chance(|c| {
            let key = (u128::from(c.next()) << 64) | u128::from(c.next());
            (Uuid::from_u128(key), self.rooms[c.index(self.rooms.len())])
        });
        self.record.borrow_mut().composed.entry(room).or_default().push(key);
        let content = format!("{} says {key}", self.name);
        self.outbox.borrow_mut().push_back(Composed { key, room, content, sent: false });
    }

    fn send_waiting(&self, socket: &Socket) {
        for composed in self.outbox.borrow_mut().iter_mut().filter(|composed| !composed.sent) {
            composed.sent = true;
            socket.send(&json!({
                "t": "message.send", "ref": composed.key, "room": composed.room.0,
                "d": {"clientMsgId": composed.key, "content": composed.content},
            }));
        }
    }

    fn change(&self, socket: &Socket, action: &str) {
        let own = self.own.borrow();
        if own.is_empty() {
            return;
        }
        let (room, message) = &own[self.chance(|c| c.index(own.len()))];
        let reference = self.next_ref.get();
        self.next_ref.set(reference + 1);
        let content = format!("{} changed it {reference} times", self.name);
        socket.send(
            &json!({"t": action, "ref": reference, "room": room.0, "d": {"id": message, "content": content}}),
        );
    }

    fn receive(&self, socket: &Socket, frame: &Value, now: Timestamp) {
        let kind = frame["t"].as_str().expect("t");
        if frame["seq"].is_u64() {
            return self.entry(socket, frame, now);
        }
        match kind {
            "ack" if frame["d"]["clientMsgId"].is_string() => self.acked(&frame["d"]),
            "error" => self.error(socket, frame),
            "room.subscribed" => {
                let room = room_of(frame);
                assert_ne!(frame["d"]["mode"], "reset", "{}: a reset without a reason: {frame}", self.name);
                if frame["d"]["more"] == true {
                    // Ask on when this part has arrived.
                    let to = frame["d"]["to"].as_u64().expect("to");
                    subscribe(socket, room, to);
                } else {
                    socket.live.borrow_mut().insert(room, now);
                }
            }
            "room.reset" => panic!("{}: reset without a reason: {frame}", self.name),
            _ => {}
        }
    }

    fn entry(&self, socket: &Socket, frame: &Value, now: Timestamp) {
        let room = room_of(frame);
        let seq = frame["seq"].as_u64().expect("seq");
        let last = self.last(room);
        assert_eq!(seq, last + 1, "{}: after {last} came {frame}", self.name);
        let kind = frame["t"].as_str().expect("t").to_owned();
        let mut record = self.record.borrow_mut();
        record.delivered.entry(room).or_default().push((seq, kind.clone()));
        let at = chrono::DateTime::parse_from_rfc3339(frame["ts"].as_str().expect("ts")).expect("a time");
        let at = Timestamp::from_millis(at.timestamp_millis());
        if socket.live.borrow().get(&room).is_some_and(|since| *since < at) {
            record.slowest = record.slowest.max(now.since(at));
        }
        if kind == "message.created" && frame["d"]["userId"] == json!(self.user.0) {
            assert!(frame["d"]["clientMsgId"].is_string(), "the author's own event carries the key");
            let id = frame["d"]["id"].as_str().expect("id").to_owned();
            self.own.borrow_mut().push((room, id));
        } else if kind.starts_with("message.") && frame["d"]["userId"] != json!(self.user.0) {
            assert!(frame["d"].get("clientMsgId").is_none(), "a key is shown to its author only");
        }
    }

    fn acked(&self, ack: &Value) {
        let key: Uuid = ack["clientMsgId"].as_str().expect("key").parse().expect("a UUID");
        let now = (ack["id"].as_str().expect("id").to_owned(), ack["seq"].as_u64().expect("seq"));
        let mut record = self.record.borrow_mut();
        if let Some(before) = record.acked.insert(key, now.clone()) {
            assert_eq!(before, now, "one key, two answers");
        }
        self.outbox.borrow_mut().retain(|composed| composed.key != key);
    }

    fn error(&self, socket: &Socket, frame: &Value) {
        let code = frame["d"]["code"].as_str().expect("code");
        let reference = frame["ref"].as_str().unwrap_or_default();
        let key = reference.parse::<Uuid>().ok();
        if let Some(room) = reference.strip_prefix("room ") {
            assert_eq!(code, "unavailable", "{}: {frame}", self.name);
            let room = RoomId(room.parse().expect("a UUID"));
            return subscribe(socket, room, self.last(room));
        }
        match (code, key) {
            ("unavailable", Some(key)) => {
                // Sent again, with all that was sent after it, in order.
                for composed in self.outbox.borrow_mut().iter_mut().skip_while(|c| c.key != key) {
                    composed.sent = false;
                }
            }
            // Deleted meanwhile, or not stored: an edit is not repeated.
            ("conflict" | "unavailable" | "editWindowClosed", None) => {}
            _ => panic!("{}: an error without a reason: {frame}", self.name),
        }
    }
}

/// Asks for a room, by a `ref` that tells which it was when the store does not serve it.
fn subscribe(socket: &Socket, room: RoomId, after: u64) {
    let reference = format!("room {}", room.0);
    socket.send(&json!({"t": "room.subscribe", "ref": reference, "room": room.0, "d": {"after": after}}));
}

fn room_of(frame: &Value) -> RoomId {
    RoomId(frame["room"].as_str().expect("room").parse().expect("a UUID"))
}

/// Waits on virtual time until `done`, and says whether it came to that.
pub async fn until(longest: Duration, mut done: impl AsyncFnMut() -> bool) -> bool {
    let wait = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(longest, wait).await.is_ok()
}
