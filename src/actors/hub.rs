//! A worker's hub: one per worker thread. A room's broadcast crosses threads once, to here; the
//! hub pushes it to the outboxes of its own sockets. It also looks after their deadlines.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler};

use super::link::Link;
use super::mail::{Attach, HubId, LinkKey, Place, RoomFrame, Stop, ToHub, ToRoom, ToSession};
use super::outbox::OutboxLimits;
use super::pod::{Alive, Pod};
use crate::domain::session::Identity;
use crate::domain::subscription::ResetReason;
use crate::domain::wheel::Wheel;
use crate::domain::{ConnId, Head, RoomId, Seq, SessionId, Timestamp, UserId};
use crate::protocol::{CloseCode, Encoded, server};

/// How often the wheel turns one tick.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// Slots of the wheel: a link is looked at at least once a turn.
const SLOTS: usize = 64;

struct Readers {
    /// The position up to which every live reader here has been served.
    cursor: Seq,
    first_retained: Seq,
    live: Vec<Rc<Link>>,
}

/// The part that sessions and sockets of this thread use directly.
pub struct HubCore {
    id: HubId,
    pub pod: Arc<Pod>,
    links: RefCell<BTreeMap<LinkKey, Rc<Link>>>,
    rooms: RefCell<HashMap<RoomId, Readers>>,
    pub(super) wheel: RefCell<Wheel<LinkKey>>,
    next_key: Cell<u64>,
}

impl HubCore {
    /// Starts the hub of this thread. Needs a running actix system.
    #[must_use]
    pub fn start(pod: &Arc<Pod>) -> Rc<Self> {
        let mut core = None;
        pod.add_hub(|id| {
            let hub = Rc::new(Self {
                id,
                pod: pod.clone(),
                links: RefCell::default(),
                rooms: RefCell::default(),
                wheel: RefCell::new(Wheel::new(SLOTS)),
                next_key: Cell::new(1),
            });
            core = Some(hub.clone());
            Hub { core: hub, _alive: pod.census() }.start()
        });
        // `add_hub` calls its argument exactly once.
        core.expect("the hub was started")
    }

    /// Where a link of this hub is found from other threads.
    #[must_use]
    pub fn place(&self, link: &Link) -> Place {
        Place { hub: self.id, link: link.key }
    }

    /// Ticks so far.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.wheel.borrow().now()
    }

    /// Takes in a new connection.
    pub fn enter(&self, conn: ConnId, identity: Option<Identity>) -> Rc<Link> {
        let key = LinkKey(self.next_key.get());
        self.next_key.set(key.0 + 1);
        let limits = &self.pod.settings.limits;
        let limits = OutboxLimits { frames: limits.outbox_frames, bytes: limits.outbox_bytes };
        let link = Link::new(key, conn, identity, limits, self.now());
        self.links.borrow_mut().insert(key, link.clone());
        self.watch(&link);
        self.pod.telemetry.socket_opened();
        link
    }

    /// The connection is gone.
    pub fn leave(&self, link: &Rc<Link>) {
        self.detach_all(link);
        if self.links.borrow_mut().remove(&link.key).is_some() {
            self.pod.telemetry.socket_closed();
        }
    }

    /// Connections on this worker.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.borrow().len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends a connection with a reason; its rooms are left at once.
    pub fn close(&self, link: &Rc<Link>, code: CloseCode) {
        link.close(code, self.now());
        self.watch(link);
        self.detach_all(link);
    }

    /// Cuts every connection without a word, as the death of the process would.
    pub fn cut_all(&self) {
        self.every_link().iter().for_each(|link| link.finish());
    }

    /// Queues a frame for one connection, and closes it when it takes too little.
    pub fn push(&self, link: &Rc<Link>, frame: &Encoded) {
        if link.push(frame).is_err() {
            self.close(link, CloseCode::SlowConsumer);
        }
    }

    /// Stops reading a room.
    pub fn detach(&self, link: &Link, room: RoomId) {
        let mut rooms = link.rooms.borrow_mut();
        if let Some(at) = rooms.iter().position(|r| *r == room) {
            rooms.swap_remove(at);
            self.forget_reader(room, link.key);
        }
    }

    fn detach_all(&self, link: &Link) {
        for room in link.rooms.take() {
            self.forget_reader(room, link.key);
        }
    }

    fn forget_reader(&self, room: RoomId, key: LinkKey) {
        let mut rooms = self.rooms.borrow_mut();
        let Some(readers) = rooms.get_mut(&room) else { return };
        let Some(at) = readers.live.iter().position(|link| link.key == key) else { return };
        readers.live.swap_remove(at);
        if readers.live.is_empty() {
            rooms.remove(&room);
        }
        self.pod.tell_room(room, ToRoom::Detached(self.id));
    }

    /// Where the rooms stand in which this connection is live.
    #[must_use]
    pub fn live_heads(&self, link: &Link) -> Vec<Head> {
        let rooms = self.rooms.borrow();
        let head = |room: &RoomId| {
            let readers = rooms.get(room)?;
            Some(Head { room: *room, head: readers.cursor, first_retained: readers.first_retained })
        };
        link.rooms.borrow().iter().filter_map(head).collect()
    }

    pub(super) fn link(&self, key: LinkKey) -> Option<Rc<Link>> {
        self.links.borrow().get(&key).cloned()
    }

    fn every_link(&self) -> Vec<Rc<Link>> {
        self.links.borrow().values().cloned().collect()
    }

    fn answer(&self, key: LinkKey, frame: &Encoded) {
        if let Some(link) = self.link(key) {
            link.answered();
            self.push(&link, frame);
        }
    }

    /// The hot path: every frame to every reader, one push each.
    fn fan_out(&self, room: RoomId, frames: &[RoomFrame]) {
        let mut slow = Vec::new();
        let mut outside = Vec::new();
        let mut behind = false;
        if let Some(readers) = self.rooms.borrow_mut().get_mut(&room) {
            for frame in frames {
                if frame.seq <= readers.cursor {
                    continue;
                }
                if frame.seq != readers.cursor.next() {
                    behind = true;
                    break;
                }
                if let Some(user) = frame.left {
                    outside.push((user, frame.seq));
                }
                push_to_all(&readers.live, frame, &outside, &mut slow);
                readers.cursor = frame.seq;
            }
        }
        for link in slow {
            self.close(&link, CloseCode::SlowConsumer);
        }
        for (user, seq) in outside {
            self.put_outside(room, user, seq);
        }
        if behind {
            self.ask_again(room, true);
        }
    }

    /// A former member gets nothing after his leaving, and is told so.
    fn put_outside(&self, room: RoomId, user: UserId, seq: Seq) {
        let links: Vec<_> = match self.rooms.borrow().get(&room) {
            Some(readers) => readers.live.iter().filter(|l| l.user() == Some(user)).cloned().collect(),
            None => return,
        };
        for link in links {
            self.detach(&link, room);
            self.push(&link, &server::reset(room, ResetReason::Membership, seq, Seq::START.next()));
            link.tell(ToSession::Removed { room });
        }
    }

    fn attach(&self, attach: Attach) {
        let Attach { link: key, room, answer, backlog, head, first_retained } = attach;
        let link = self.link(key).filter(|link| link.closed().is_none());
        let Some(link) = link else {
            return self.pod.tell_room(room, ToRoom::Detached(self.id));
        };
        if let Some(answer) = answer {
            self.push(&link, &answer);
        }
        {
            let mut outbox = link.outbox.borrow_mut();
            for frame in &backlog {
                let bytes = match &frame.own {
                    Some((user, own)) if link.user() == Some(*user) => own.frame(),
                    _ => frame.common.frame(),
                };
                outbox.push_replay(bytes.clone());
            }
        }
        let mut rooms = self.rooms.borrow_mut();
        let readers =
            rooms.entry(room).or_insert_with(|| Readers { cursor: head, first_retained, live: Vec::new() });
        readers.first_retained = first_retained;
        readers.live.push(link.clone());
        drop(rooms);
        link.rooms.borrow_mut().push(room);
        link.tell(ToSession::Attached { room, replayed: backlog.len() as u64 });
    }

    /// The room's actor is another one, or went on without us: each reader asks again, from where
    /// it stands. An actor that knows them is told that they are no longer live.
    fn ask_again(&self, room: RoomId, known: bool) {
        let Some(readers) = self.rooms.borrow_mut().remove(&room) else { return };
        for link in readers.live {
            link.rooms.borrow_mut().retain(|r| *r != room);
            if known {
                self.pod.tell_room(room, ToRoom::Detached(self.id));
            }
            link.tell(ToSession::Behind { room, after: readers.cursor });
        }
    }

    fn reset(&self, room: RoomId, frame: &Encoded) {
        let Some(readers) = self.rooms.borrow_mut().remove(&room) else { return };
        for link in readers.live {
            link.rooms.borrow_mut().retain(|r| *r != room);
            self.push(&link, frame);
            link.tell(ToSession::Removed { room });
        }
    }

    fn end_login(&self, session: SessionId) {
        for link in self.every_link() {
            if link.identity().is_some_and(|identity| identity.session == session) {
                self.push(&link, &server::session_revoked());
                self.close(&link, CloseCode::SessionRevoked);
            }
        }
    }

    fn drain(&self, spread_ms: u64, deadline: Timestamp) {
        for link in self.every_link() {
            let delay = self.pod.clock.below(spread_ms.max(1));
            self.push(&link, &server::draining(delay, deadline));
        }
    }

    fn handle(&self, message: ToHub) {
        match message {
            ToHub::Deliver { room, frames, replies } => {
                for (link, frame) in replies {
                    self.answer(link, &frame);
                }
                self.fan_out(room, &frames);
            }
            ToHub::Answer { link, frame } => self.answer(link, &frame),
            ToHub::Attach(attach) => self.attach(attach),
            ToHub::History { link, room } => self.tell(link, ToSession::History { room }),
            ToHub::Refuse { link, room, fault } => self.tell(link, ToSession::Refused { room, fault }),
            ToHub::LetGo { link, room, frame } => {
                if let Some(link) = self.link(link) {
                    self.push(&link, &frame);
                    link.tell(ToSession::LetGo { room });
                }
            }
            ToHub::Reset { room, reason, head, first_retained } => {
                self.reset(room, &server::reset(room, reason, head, first_retained));
            }
            ToHub::RoomStarted { room } => self.ask_again(room, false),
            ToHub::EndLogin { session } => self.end_login(session),
            ToHub::Drain { spread_ms, deadline } => self.drain(spread_ms, deadline),
            ToHub::CloseAll { code } => self.every_link().iter().for_each(|link| self.close(link, code)),
        }
    }

    fn tell(&self, key: LinkKey, message: ToSession) {
        if let Some(link) = self.link(key) {
            link.tell(message);
        }
    }
}

/// One frame to all live readers. The bytes are copied once per worker, so that the reference
/// count that every push changes is not fought over between threads.
fn push_to_all(live: &[Rc<Link>], frame: &RoomFrame, outside: &[(UserId, Seq)], slow: &mut Vec<Rc<Link>>) {
    let common = frame.common.detached();
    for link in live {
        let user = link.user();
        if !outside.is_empty() && outside.iter().any(|(gone, _)| user == Some(*gone)) {
            continue;
        }
        let encoded = match &frame.own {
            Some((author, own)) if user == Some(*author) => own,
            _ => &common,
        };
        if link.push(encoded).is_err() {
            slow.push(link.clone());
        }
    }
}

/// The actor that receives for [`HubCore`].
pub struct Hub {
    core: Rc<HubCore>,
    _alive: Alive,
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(TICK, |hub, _| hub.core.tick());
    }
}

impl Handler<ToHub> for Hub {
    type Result = ();

    fn handle(&mut self, message: ToHub, _: &mut Context<Self>) {
        self.core.handle(message);
    }
}

impl Handler<Stop> for Hub {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
