//! A worker's hub: one per worker thread. A room's broadcast crosses threads once, to here; the
//! hub pushes it to the outboxes of its own sockets. It also looks after their deadlines. Next:
//! [`rooms`] (delivery), [`people`] (users' own logs, rooms followed from afar, presence), [`counts`].

mod counts;
mod moment;
mod people;
mod rooms;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};

use self::counts::Owed;
use self::moment::Moment;
use self::people::Followed;
use self::rooms::Readers;
use crate::actors::link::Link;
use crate::actors::lives::Vital;
use crate::actors::mail::{HubId, LinkKey, Place, Stop, ToHub, ToSession};
use crate::actors::outbox::{News, OutboxLimits};
use crate::actors::pod::Pod;
use crate::domain::journey::{Device, Station};
use crate::domain::session::Identity;
use crate::domain::wheel::Wheel;
use crate::domain::{ConnId, MessageId, RoomId, Timestamp, UserId};
use crate::protocol::{CloseCode, Encoded, server};
use crate::telemetry::meter::Meter;
use crate::telemetry::{self, Connect};

/// How often the wheel turns one tick.
pub(in crate::actors) const TICK: Duration = Duration::from_millis(250);
/// Slots of the wheel: a link is looked at at least once a turn.
const SLOTS: usize = 64;
/// The target of a line for each socket that ended.
const ACCESS: &str = "chat::ws::access";
/// What RFC 6455 calls a connection that went without a close.
const ABNORMAL: u16 = 1006;

/// The part that sessions and sockets of this thread use directly.
pub struct HubCore {
    id: HubId,
    pub pod: Arc<Pod>,
    links: RefCell<BTreeMap<LinkKey, Rc<Link>>>,
    rooms: RefCell<HashMap<RoomId, Readers>>,
    users: RefCell<HashMap<UserId, Vec<Rc<Link>>>>,
    followed: RefCell<HashMap<RoomId, Followed>>,
    /// Who was too slow to be told that a room grew, and is told again.
    unbumped: RefCell<BTreeSet<(LinkKey, RoomId)>>,
    pub(in crate::actors) wheel: RefCell<Wheel<LinkKey>>,
    next_key: Cell<u64>,
    /// What this thread counts.
    pub meter: Arc<Meter>,
    moment: Moment,
    /// Whose counts are to be told.
    owed: Owed,
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
                users: RefCell::default(),
                followed: RefCell::default(),
                unbumped: RefCell::default(),
                wheel: RefCell::new(Wheel::new(SLOTS)),
                next_key: Cell::new(1),
                meter: pod.telemetry.meter(),
                moment: Moment::default(),
                owed: Owed::default(),
            });
            core = Some(hub.clone());
            Hub { core: hub, _vital: pod.vital("hub") }.start()
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
        self.unfollow_all(link);
        if self.links.borrow_mut().remove(&link.key).is_some() {
            self.sign_out(link);
            self.count_out(link);
            log_closed(link);
        }
    }

    fn count_out(&self, link: &Link) {
        let telemetry = &self.pod.telemetry;
        telemetry.socket_closed(link.closed().map(CloseCode::number));
        match link.closed() {
            Some(CloseCode::Internal) if !link.is_welcomed.get() => telemetry.connected(Connect::Failed),
            // Who comes while it ends is sent on, which is nobody's fault.
            None | Some(CloseCode::Draining) => {}
            Some(_) if !link.is_welcomed.get() => telemetry.connected(Connect::Refused),
            Some(_) => {}
        }
    }

    /// A connection took a frame: this news, or something else.
    pub fn took(&self, link: &Link, news: Option<News>) {
        if let Some(News { followed: Some(message), .. }) = news {
            self.note(message, link, Station::Written);
        }
        if !telemetry::COUNTS {
            return;
        }
        self.meter.sent();
        if let Some(News { at, .. }) = news {
            let now = self.moment.now(&*self.pod.clock);
            self.meter.delivered(now.millis_since(at));
        }
    }

    /// Notes what a message whose way is noted met at a connection.
    pub fn note(&self, message: MessageId, link: &Link, station: impl FnOnce(Device) -> Station) {
        if let Some(user) = link.user() {
            self.pod.note(message, station(Device { user, conn: link.conn }));
        }
    }

    /// Signed in, and told so.
    pub fn welcomed(&self, link: &Link) {
        link.is_welcomed.set(true);
        self.pod.telemetry.connected(Connect::Ready);
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
        self.unfollow_all(link);
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

    pub(in crate::actors) fn link(&self, key: LinkKey) -> Option<Rc<Link>> {
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
            ToHub::RoomStarted { room } => self.ask_again(room),
            ToHub::Follow { link, room, answer, head, messages } => {
                if let Some(link) = self.link(link) {
                    self.push(&link, &answer);
                    self.follow_one(&link, room, head, messages);
                    // What was there before, nobody has told it.
                    self.owe_newcomer(room, &link);
                    link.tell(ToSession::Attached { room, replayed: 0 });
                }
            }
            ToHub::Grew(grown) => self.bump(&grown),
            ToHub::Users(entries) => self.tell_users(&entries),
            ToHub::UserHead { user, head } => self.user_head(user, head),
            // Who asked waits no longer where there is no place.
            ToHub::ListUsers(to) => drop(to.try_send(self.users())),
            ToHub::ListFollowed(to) => drop(to.try_send(self.followed())),
            ToHub::Whisper { room, topic, frame, except } => self.whisper(room, topic, &frame, except),
            ToHub::WhisperTo { links, topic, frame } => self.whisper_to(&links, topic, &frame),
            ToHub::Replaced { user, conn } => self.replaced(user, conn),
            ToHub::CutOff { link } => {
                if let Some(link) = self.link(link) {
                    self.close(&link, CloseCode::Internal);
                }
            }
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

/// The actor that receives for [`HubCore`].
pub struct Hub {
    core: Rc<HubCore>,
    _vital: Vital,
}

impl Hub {
    /// Asks the store of those whose counts are to be told, if there are any.
    fn count(&self, ctx: &mut Context<Self>) {
        let Some(asked) = self.core.next_owed() else { return };
        let (store, places) = (self.core.pod.store.clone(), asked.keys().copied().collect());
        let answer = async move { store.counts_of(places).await };
        ctx.spawn(answer.into_actor(self).map(move |answer, hub, ctx| {
            hub.core.counted(asked, answer);
            hub.count(ctx);
        }));
    }
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(TICK, |hub, ctx| {
            hub.core.tick();
            hub.count(ctx);
        });
        let core = self.core.clone();
        ctx.spawn(poll_fn(move |cx| core.moment.end(cx)).into_actor(self));
    }
}

impl Handler<ToHub> for Hub {
    type Result = ();

    fn handle(&mut self, message: ToHub, ctx: &mut Context<Self>) {
        self.core.handle(message);
        self.count(ctx);
    }
}

impl Handler<Stop> for Hub {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

/// One line for those who want one for each socket that ended.
fn log_closed(link: &Link) {
    if !log::log_enabled!(target: ACCESS, log::Level::Debug) {
        return;
    }
    let (conn, close) = (link.conn.to_string(), link.closed().map_or(ABNORMAL, CloseCode::number));
    let conn = conn.as_str();
    match link.identity() {
        Some(Identity { user, session, .. }) => {
            let (user, session) = (user.to_string(), session.to_string());
            log::debug!(
                target: ACCESS, conn, close, user = user.as_str(), session = session.as_str();
                "a socket ended with {close}"
            );
        }
        None => log::debug!(target: ACCESS, conn, close; "a socket ended with {close}, never signed in"),
    }
}
