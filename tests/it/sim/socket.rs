//! A simulated connection: what the client sends is read while the server may read, and what waits
//! in the server's outbox is taken when the client takes it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use actix::{Actor, AsyncContext};
use chat::actors::outbox::Next;
use chat::actors::{HubCore, Link};
use chat::domain::session::Identity;
use chat::domain::subscription::Level;
use chat::domain::{ConnId, RoomId, SessionId, Timestamp, User};
use chat::protocol::CloseCode;
use chat::ws::socket::Inbound;
use chat::ws::{Session, SessionParts};
use futures_util::Stream;
use futures_util::future::poll_fn;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use super::held::fingerprint;
use super::world::START;

/// What the client sends.
struct Wire {
    link: Rc<Link>,
    from: mpsc::UnboundedReceiver<String>,
    unanswered: usize,
}

impl Stream for Wire {
    type Item = Inbound;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        if self.link.is_finished() {
            return Poll::Ready(None);
        }
        if !self.link.may_read(self.unanswered, cx.waker()) {
            return Poll::Pending;
        }
        self.from.poll_recv(cx).map(|text| text.map(|text| Inbound::Text(text.into())))
    }
}

/// What the client knows of a room on this connection.
#[derive(Default)]
pub struct Subscription {
    /// A question is not answered.
    pub asked: bool,
    /// The position that the last question named: what comes before the answer is not in it.
    pub named: Option<u64>,
    /// How far this socket brought the log: from the position first named on.
    pub at: Option<u64>,
    /// A replay goes so far, and then the client has to ask on.
    pub more: Option<u64>,
    /// What the server last said.
    pub level: Option<Level>,
    /// Since when entries come as they are committed.
    pub live: Option<Timestamp>,
}

pub struct Socket {
    pub hub: Rc<HubCore>,
    /// The server's history was not the client's when it came.
    pub foreign: bool,
    /// The `resume` is answered.
    pub resumed: Cell<bool>,
    pub rooms: RefCell<BTreeMap<RoomId, Subscription>>,
    /// When the client goes elsewhere, because the server asked for it.
    pub move_at: Cell<Instant>,
    /// The client reads another socket too: entries may come from both.
    pub overlaps: Cell<bool>,
    /// So far entries may come that another socket brought before.
    pub repeats: RefCell<BTreeMap<RoomId, u64>>,
    /// The same of the user's own log.
    pub repeats_own: Cell<u64>,
    /// A fingerprint of the last frame.
    pub heard: Cell<u64>,
    name: String,
    link: Rc<Link>,
    to: mpsc::UnboundedSender<String>,
}

impl Socket {
    pub fn open(parts: SessionParts, user: User, foreign: bool) -> Self {
        let expires_at = Timestamp::from_millis(i64::MAX / 2);
        let identity = Identity { user: user.id, session: SessionId(user.id.0), expires_at };
        let hub = parts.hub.clone();
        let link = hub.enter(ConnId(hub.pod.clock.id()), Some(identity));
        let (to, from) = mpsc::unbounded_channel();
        let name = user.username.as_str().to_owned();
        let unanswered = hub.pod.settings.limits.unanswered;
        Session::create(|ctx| {
            ctx.add_stream(Wire { link: link.clone(), from, unanswered });
            Session::new(Rc::new(parts), link.clone(), Some(Box::new(user)), Vec::new())
        });
        Self {
            hub,
            foreign,
            resumed: Cell::default(),
            overlaps: Cell::default(),
            repeats: RefCell::default(),
            repeats_own: Cell::default(),
            heard: Cell::default(),
            // In a year: never.
            move_at: Cell::new(Instant::now() + Duration::from_secs(31_536_000)),
            name,
            rooms: RefCell::default(),
            link,
            to,
        }
    }

    pub fn send(&self, frame: &Value) {
        self.tell(">", &frame.to_string());
        // A socket that is gone takes nothing; the client notices when it reads.
        let _gone = self.to.send(frame.to_string());
    }

    /// Asks for a room, by a `ref` that tells which it was when it is refused.
    pub fn subscribe(&self, room: RoomId, level: Level, after: u64) {
        self.note(room, |known| {
            (known.asked, known.named) = (true, Some(after));
            known.at.get_or_insert(after);
        });
        let reference = format!("room {}", room.0);
        let d = json!({"level": level.as_str(), "after": after});
        self.send(&json!({"t": "room.subscribe", "ref": reference, "room": room.0, "d": d}));
    }

    /// Changes what is known of a room here.
    pub fn note(&self, room: RoomId, change: impl FnOnce(&mut Subscription)) {
        change(self.rooms.borrow_mut().entry(room).or_default());
    }

    /// The client does not read for a while: what it gets after that says nothing about the server.
    pub fn not_live(&self) {
        self.rooms.borrow_mut().values_mut().for_each(|room| room.live = None);
    }

    /// `SIM_TRACE=alice` prints what she sends and hears, and when.
    fn tell(&self, way: &str, frame: &str) {
        static WHO: OnceLock<Option<String>> = OnceLock::new();
        let who = WHO.get_or_init(|| std::env::var("SIM_TRACE").ok());
        if who.as_ref() == Some(&self.name) {
            let at = self.hub.pod.clock.now().since(START);
            eprintln!("{at:?} {} at {} {way} {frame}", self.name, self.hub.pod.id.0);
        }
    }

    /// The name that the server gave it.
    pub fn conn(&self) -> Uuid {
        self.link.conn.0
    }

    /// Whether another socket may have brought this entry of a room before.
    pub fn may_repeat(&self, room: RoomId, seq: u64) -> bool {
        self.overlaps.get() || self.repeats.borrow().get(&room).is_some_and(|to| seq <= *to)
    }

    /// Why the server closed it, if it did.
    pub fn closed(&self) -> Option<CloseCode> {
        self.link.closed()
    }

    /// The next text frame; `None` when the connection ended.
    pub async fn next(&self) -> Option<Value> {
        loop {
            let frame = poll_fn(|cx| match self.link.outbox.borrow_mut().next(cx.waker()) {
                Next::Frame(frame, _) => Poll::Ready(Some(frame)),
                Next::Empty => Poll::Pending,
                Next::Finished => Poll::Ready(None),
            })
            .await?;
            self.heard.set(fingerprint(&frame));
            match frame[0] {
                0x81 => {
                    let header = match frame[1] {
                        126 => 4,
                        127 => 10,
                        _ => 2,
                    };
                    self.tell("<", &String::from_utf8_lossy(&frame[header..]));
                    return Some(serde_json::from_slice(&frame[header..]).expect("JSON"));
                }
                // Close: answered by ending the connection.
                0x88 => {
                    self.tell("<", &format!("closed with {:?}", self.link.closed()));
                    self.link.finish();
                }
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
