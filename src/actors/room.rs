//! A room: takes commands in order, has at most one append under way, and delivers its log.
//!
//! It never waits for a reader: what it sends goes to the workers' hubs, one message each. Here it
//! loads, admits readers and delivers; how it writes stands in [`super::room_writes`].

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, WrapFuture};
use tokio::time::Instant;

use super::lives::{ActorId, Alive};
use super::log_view::LogView;
use super::mail::{
    Attach, Flush, HubId, Idle, Place, RoomFrame, Stop, Subscribe, Tell, ToHub, ToRoom, deliver,
};
use super::pod::Pod;
use super::reply::Answers;
use super::room_backfill::Missed;
use super::room_whispers::Whispers;
use super::room_writes::Writes;
use super::shard::RegistryShard;
use crate::domain::subscription::{Answer, Level, ResetReason, plan};
use crate::domain::{Entry, Refusal, RoomId, policy};
use crate::error::{Code, Fault};
use crate::protocol::server;
use crate::store::{RoomSnapshot, StoreError};

pub(super) enum Phase {
    /// The snapshot is being read; commands wait, bounded like the queue.
    Loading(VecDeque<ToRoom>),
    Open(Box<LogView>),
    /// There is no such room.
    Absent,
}

/// The actor of one room in this process.
pub struct Room {
    pub(super) id: RoomId,
    pub(super) actor: ActorId,
    pub(super) pod: Arc<Pod>,
    pub(super) shard: Addr<RegistryShard>,
    pub(super) phase: Phase,
    pub(super) writes: Writes,
    pub(super) whispers: Whispers,
    loading: bool,
    pub(super) missed: Missed,
    handled: u64,
    pub(super) stopping: bool,
    busy_at: Instant,
    _alive: Alive,
}

impl Room {
    #[must_use]
    pub fn new(id: RoomId, pod: Arc<Pod>, shard: Addr<RegistryShard>) -> Self {
        let (alive, actor, writes) = (pod.census(), pod.new_actor(), Writes::new(pod.cut_off_places()));
        Self {
            id,
            actor,
            pod,
            shard,
            phase: Phase::Loading(VecDeque::new()),
            writes,
            whispers: Whispers::default(),
            loading: false,
            missed: Missed::default(),
            handled: 0,
            stopping: false,
            busy_at: Instant::now(),
            _alive: alive,
        }
    }

    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        if self.loading {
            return;
        }
        self.loading = true;
        let (store, id) = (self.pod.store.clone(), self.id);
        let snapshot = async move { store.room_snapshot(id).await }.into_actor(self);
        ctx.spawn(snapshot.map(|snapshot, room, ctx| room.loaded(snapshot, ctx)));
    }

    fn loaded(&mut self, snapshot: Result<Option<RoomSnapshot>, StoreError>, ctx: &mut Context<Self>) {
        let next = match snapshot {
            Ok(Some(snapshot)) => {
                let log = LogView::new(&snapshot, self.pod.settings.store.room_cache, self.pod.links.clone());
                Phase::Open(Box::new(log))
            }
            Ok(None) => Phase::Absent,
            Err(error) => {
                log::warn!(room = self.id.to_string().as_str(); "room was not loaded: {error}");
                // The next command tries again.
                self.loading = false;
                return self.fail_waiting();
            }
        };
        if let Phase::Loading(waiting) = std::mem::replace(&mut self.phase, next) {
            for command in waiting {
                self.command(command, ctx);
            }
        }
        self.loading = false;
        self.let_go_of_nothing();
    }

    fn command(&mut self, command: ToRoom, ctx: &mut Context<Self>) {
        if let Phase::Loading(waiting) = &mut self.phase {
            if waiting.len() < self.pod.settings.limits.room_inbox {
                waiting.push_back(command);
            } else {
                self.pod.telemetry.inbox_full();
                self.fail(command);
            }
            return self.load(ctx);
        }
        match command {
            ToRoom::Submit(submission) => self.submit(submission, ctx),
            ToRoom::Subscribe(subscribe) => self.subscribe(subscribe, false, ctx),
            ToRoom::Detached { hub, by } => {
                if let Phase::Open(log) = &mut self.phase
                    && by == self.actor
                {
                    log.detach(hub);
                    if log.hubs().next().is_none() {
                        self.pod.note_open(self.id, self.actor, false);
                    }
                }
            }
            ToRoom::Announce(news) => {
                self.accept(news.entries.iter().cloned(), Answers::new(self.pod.clone()), ctx)
            }
            ToRoom::Typing(typing) => self.typing(typing, ctx),
            ToRoom::Marked { user, marks } => self.marked(user, marks, ctx),
            ToRoom::HeadIs(head) => {
                if matches!(&self.phase, Phase::Open(log) if log.cursor() < head) {
                    self.missed.outdated = true;
                    self.backfill(ctx);
                }
            }
            ToRoom::AreYouIdle => self.say_if_idle(),
        }
    }

    /// Passes entries through the cursor rule and sends what is next to the hubs with readers,
    /// together with the answers for sockets there.
    pub(super) fn accept(
        &mut self,
        entries: impl IntoIterator<Item = Entry>,
        answers: Answers,
        ctx: &mut Context<Self>,
    ) {
        let (frames, gap) = match &mut self.phase {
            Phase::Open(log) => log.accept(entries),
            Phase::Loading(_) | Phase::Absent => (Arc::from(Vec::<RoomFrame>::new()), false),
        };
        let mut replies = answers.take();
        if !frames.is_empty()
            && let Phase::Open(log) = &self.phase
        {
            for hub in log.hubs() {
                replies.entry(hub.0).or_default();
            }
        }
        for (hub, replies) in replies {
            let message = ToHub::Deliver { room: self.id, frames: frames.clone(), replies };
            self.pod.tell_hub(HubId(hub), message);
        }
        if gap {
            self.pod.telemetry.gap_seen();
            self.backfill(ctx);
        }
    }

    pub(super) fn subscribe(&mut self, subscribe: Subscribe, verified: bool, ctx: &mut Context<Self>) {
        let Phase::Open(log) = &self.phase else {
            return subscribe.refuse(Refusal::NotFound("room").into());
        };
        let wish = &subscribe.wish;
        if !log.is_member(wish.user) {
            // He may have joined by another process, whose announcement got lost.
            if !verified && self.pod.bus.is_lossy() {
                return self.ask_store_first(subscribe, ctx);
            }
            return subscribe.refuse(policy::outsider(log.is_private()).into());
        }
        // What is read here is compared with the store; where nobody reads, it may have grown since it was
        // loaded. And who was put out is told so only once: he would follow it for ever.
        let is_compared = log.hubs().next().is_some() || self.loading;
        if !verified && (!is_compared || wish.level == Level::Bump) && self.pod.bus.is_lossy() {
            return self.ask_store_first(subscribe, ctx);
        }
        if wish.level == Level::Bump {
            return self.follow(subscribe);
        }
        let after = wish.after.unwrap_or(log.cursor());
        let how = match wish.reset {
            Some(reason) => Answer::Reset(reason),
            None => {
                let visible_from = log.visible_from(wish.user);
                plan(after, log.cursor(), log.first_retained(), visible_from, wish.limit)
            }
        };
        match how {
            Answer::Reset(ResetReason::AheadOfHead) if !verified => self.ask_store_first(subscribe, ctx),
            Answer::Replay { more, .. } => match log.recent_after(after).filter(|_| !more) {
                Some(backlog) => {
                    self.pod.telemetry.looked_up(true);
                    self.attach(subscribe, how, backlog);
                }
                None => {
                    self.pod.telemetry.looked_up(false);
                    let (link, room) = (wish.place.link, self.id);
                    subscribe.answer(ToHub::History { link, room });
                }
            },
            // Told before that it would be caught up: an unasked reset ends the subscription.
            Answer::Reset(reason) if wish.tell == Tell::Quietly => {
                let frame = server::reset(self.id, reason, log.cursor(), log.first_retained());
                let (link, room) = (wish.place.link, self.id);
                subscribe.answer(ToHub::LetGo { link, room, frame });
            }
            Answer::UpToDate | Answer::Reset(_) => self.attach(subscribe, how, Vec::new()),
        }
    }

    /// Someone who is only to be told that the room grows.
    fn follow(&self, subscribe: Subscribe) {
        let Phase::Open(log) = &self.phase else { return };
        let (link, room, head, messages) = (subscribe.wish.place.link, self.id, log.cursor(), log.messages());
        let reference = match &subscribe.wish.tell {
            Tell::Request(reference) => reference.as_ref(),
            Tell::Resume | Tell::Quietly => None,
        };
        let answer = server::subscribed(reference, room, Level::Bump, Answer::UpToDate, head);
        subscribe.answer(ToHub::Follow { link, room, answer, head, messages });
    }

    fn attach(&mut self, subscribe: Subscribe, how: Answer, backlog: Vec<RoomFrame>) {
        self.pod.note_open(self.id, self.actor, true);
        let Phase::Open(log) = &mut self.phase else { return };
        let Place { hub, link } = subscribe.wish.place;
        log.attach(hub);
        let (room, by, head, first_retained) = (self.id, self.actor, log.cursor(), log.first_retained());
        if subscribe.wish.tell != Tell::Quietly {
            self.pod.telemetry.subscribed(&how);
        }
        let answer = match (&subscribe.wish.tell, how) {
            (Tell::Request(reference), how) => {
                Some(server::subscribed(reference.as_ref(), room, Level::Full, how, head))
            }
            (Tell::Resume, how) => Some(server::subscribed(None, room, Level::Full, how, head)),
            // Told before; what follows is simply the next.
            (Tell::Quietly, _) => None,
        };
        subscribe.answer(ToHub::Attach(Attach { link, by, room, answer, backlog, head, first_retained }));
    }

    /// An id that names no room is worth no actor: anyone can make up any number of them.
    fn let_go_of_nothing(&self) {
        if matches!(self.phase, Phase::Absent) {
            deliver(&self.shard, Idle { room: self.id, handled: self.handled });
        }
    }

    fn say_if_idle(&self) {
        let has_readers = matches!(&self.phase, Phase::Open(log) if log.hubs().next().is_some());
        let busy = has_readers || self.loading || self.missed.is_read || self.writes.is_busy();
        if !busy && self.busy_at.elapsed() >= self.pod.settings.timing.room_idle {
            deliver(&self.shard, Idle { room: self.id, handled: self.handled });
        }
    }
}

pub(super) fn unavailable() -> Fault {
    Fault::new(Code::Unavailable, "not known to be stored; send it again with the same key")
}

impl Actor for Room {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // Readers of an earlier actor of this room (one that panicked) have to ask again.
        self.pod.tell_every_hub(|| ToHub::RoomStarted { room: self.id });
        self.load(ctx);
    }
}

impl Handler<ToRoom> for Room {
    type Result = ();

    fn handle(&mut self, command: ToRoom, ctx: &mut Context<Self>) {
        self.handled += 1;
        if !matches!(command, ToRoom::AreYouIdle) {
            self.busy_at = Instant::now();
        }
        self.command(command, ctx);
        self.let_go_of_nothing();
    }
}

impl Handler<Flush> for Room {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Context<Self>) {
        self.writes.flushing = false;
        self.flush(ctx);
    }
}

/// Stops when the append under way is answered; what still waits is told to come again.
impl Handler<Stop> for Room {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        self.stopping = true;
        self.stop_when_answered(ctx);
    }
}
