//! A room: takes commands in order, has at most one append under way, and delivers its log.
//!
//! It never waits for a reader: what it sends goes to the workers' hubs, one message each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, ContextFutureSpawner, Handler,
    WrapFuture,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::log_view::LogView;
use super::mail::{
    Append, Attach, Flush, HubId, Idle, LinkKey, Place, RoomFrame, Stop, Submission, Subscribe, Tell, ToHub,
    ToRoom, deliver,
};
use super::pod::{Alive, Pod};
use super::reply::Reply;
use super::shard::RegistryShard;
use crate::bus::Shard;
use crate::domain::subscription::{Answer, ResetReason, plan};
use crate::domain::{ClientMsgId, Entry, Operation, Outcome, Refusal, RoomBatch, RoomId, Seq, policy};
use crate::error::{Code, Fault};
use crate::protocol::{Encoded, server};
use crate::store::{LogPage, RoomSnapshot, StoreError};

/// Entries read from the store in one go to fill a gap.
const BACKFILL: usize = 500;

enum Phase {
    /// The snapshot is being read; commands wait, bounded like the queue.
    Loading(VecDeque<ToRoom>),
    Open(Box<LogView>),
    /// There is no such room.
    Absent,
}

/// The actor of one room in this process.
pub struct Room {
    id: RoomId,
    pod: Arc<Pod>,
    shard: Addr<RegistryShard>,
    phase: Phase,
    queue: VecDeque<Submission>,
    loading: bool,
    /// A [`Flush`] is on its way.
    flushing: bool,
    /// Operations of the last append: more than one means that the room is busy.
    last_batch: usize,
    appending: bool,
    backfilling: bool,
    /// Readers beyond our cursor: they are answered once the store told where the log stands.
    ahead: Vec<Subscribe>,
    /// Sockets that were told `unavailable`, with the key they have to send again first: until
    /// then later sends are refused too, so that order holds.
    refused: BTreeMap<(usize, LinkKey), ClientMsgId>,
    handled: u64,
    busy_at: Instant,
    _alive: Alive,
}

impl Room {
    #[must_use]
    pub fn new(id: RoomId, pod: Arc<Pod>, shard: Addr<RegistryShard>) -> Self {
        let alive = pod.census();
        Self {
            id,
            pod,
            shard,
            phase: Phase::Loading(VecDeque::new()),
            queue: VecDeque::new(),
            loading: false,
            flushing: false,
            last_batch: 0,
            appending: false,
            backfilling: false,
            ahead: Vec::new(),
            refused: BTreeMap::new(),
            handled: 0,
            busy_at: Instant::now(),
            _alive: alive,
        }
    }

    fn load(&mut self, ctx: &mut Context<Self>) {
        if self.loading {
            return;
        }
        self.loading = true;
        let (store, id) = (self.pod.store.clone(), self.id);
        let snapshot = async move { store.room_snapshot(id).await }.into_actor(self);
        ctx.spawn(snapshot.map(|snapshot, room, ctx| room.loaded(snapshot, ctx)));
    }

    fn loaded(&mut self, snapshot: Result<Option<RoomSnapshot>, StoreError>, ctx: &mut Context<Self>) {
        self.loading = false;
        let (next, failed) = match snapshot {
            Ok(Some(snapshot)) => {
                let log = LogView::new(&snapshot, self.pod.settings.store.room_cache);
                (Phase::Open(Box::new(log)), false)
            }
            Ok(None) => (Phase::Absent, false),
            Err(error) => {
                log::warn!(room = self.id.to_string().as_str(); "room was not loaded: {error}");
                (Phase::Loading(VecDeque::new()), true)
            }
        };
        if let Phase::Loading(waiting) = std::mem::replace(&mut self.phase, next) {
            for command in waiting {
                // The next command tries again.
                if failed { fail(command) } else { self.command(command, ctx) }
            }
        }
    }

    fn command(&mut self, command: ToRoom, ctx: &mut Context<Self>) {
        if let Phase::Loading(waiting) = &mut self.phase {
            if waiting.len() < self.pod.settings.limits.room_inbox {
                waiting.push_back(command);
            } else {
                fail(command);
            }
            return self.load(ctx);
        }
        match command {
            ToRoom::Submit(submission) => self.submit(submission, ctx),
            ToRoom::Subscribe(subscribe) => self.subscribe(subscribe, false, ctx),
            ToRoom::Detached(hub) => {
                if let Phase::Open(log) = &mut self.phase {
                    log.detach(hub);
                }
            }
            ToRoom::Announce(entries) => self.accept(entries.iter().cloned(), BTreeMap::new(), ctx),
            ToRoom::HeadIs(head) => {
                if matches!(&self.phase, Phase::Open(log) if log.cursor() < head) {
                    self.backfill(ctx);
                }
            }
            ToRoom::AreYouIdle => self.say_if_idle(),
        }
    }

    fn submit(&mut self, submission: Submission, ctx: &mut Context<Self>) {
        if matches!(self.phase, Phase::Absent) {
            return submission.reply.send(Err(Refusal::NotFound("room").into()));
        }
        let sender = submission.reply.place().map(|place| (place.hub.0, place.link));
        if let (Some(sender), Operation::Send { draft, .. }) = (sender, &submission.operation) {
            let key = draft.client_msg_id;
            match self.refused.get(&sender) {
                Some(first) if *first != key => return submission.reply.send(Err(unavailable())),
                Some(_) => {
                    self.refused.remove(&sender);
                }
                None => {}
            }
            if self.queue.len() >= self.pod.settings.limits.room_inbox {
                self.note_refused(sender, key);
                return submission.reply.send(Err(unavailable()));
            }
        } else if self.queue.len() >= self.pod.settings.limits.room_inbox {
            return submission.reply.send(Err(unavailable()));
        }
        self.queue.push_back(submission);
        self.flush_soon(ctx);
    }

    /// Writes what is there after everything that waits in the mailbox was taken in. A busy room
    /// gives those who write at the same time a moment more: their messages then share a commit,
    /// and, which is worth far more, a write to every socket.
    fn flush_soon(&mut self, ctx: &mut Context<Self>) {
        if self.appending || std::mem::replace(&mut self.flushing, true) {
            return;
        }
        let gather = self.pod.settings.timing.gather;
        if self.last_batch > 1 && !gather.is_zero() {
            ctx.notify_later(Flush, gather);
        } else {
            ctx.notify(Flush);
        }
    }

    /// Starts the next append: everything that waits, in one batch.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.appending || self.queue.is_empty() {
            return;
        }
        let Some(writer) = self.pod.writer() else { return };
        let most = self.queue.len().min(self.pod.settings.store.batch);
        self.last_batch = most;
        let (mut operations, mut pending) = (Vec::with_capacity(most), Vec::with_capacity(most));
        for submission in self.queue.drain(..most) {
            let key = match &submission.operation {
                Operation::Send { draft, .. } => Some(draft.client_msg_id),
                _ => None,
            };
            operations.push(submission.operation);
            pending.push((submission.reply, key));
        }
        let (reply, outcomes) = oneshot::channel();
        let batch = RoomBatch { room: self.id, now: self.pod.clock.now(), operations };
        deliver(writer, Append { batch, reply });
        self.appending = true;
        outcomes
            .into_actor(self)
            .map(move |outcomes, room, ctx| {
                room.appending = false;
                match outcomes {
                    Ok(Ok(outcomes)) => room.committed(pending, outcomes, ctx),
                    Ok(Err(_)) | Err(_) => room.not_committed(pending),
                }
                room.flush(ctx);
            })
            .spawn(ctx);
    }

    /// The moment of truth is over: acknowledge, deliver here, ring the bell elsewhere.
    fn committed(
        &mut self,
        pending: Vec<(Reply, Option<ClientMsgId>)>,
        outcomes: Vec<Outcome>,
        ctx: &mut Context<Self>,
    ) {
        let mut entries = Vec::new();
        let mut replies: BTreeMap<usize, Vec<(LinkKey, Encoded)>> = BTreeMap::new();
        for ((reply, _), outcome) in pending.into_iter().zip(outcomes) {
            if let Ok(committed) = &outcome {
                self.pod.telemetry.committed(committed);
                if !committed.duplicate {
                    entries.push(committed.entry.clone());
                }
            }
            if let Some((place, frame)) = reply.answer(outcome.map_err(Fault::from)) {
                replies.entry(place.hub.0).or_default().push((place.link, frame));
            }
        }
        if !entries.is_empty() {
            self.pod.bus.publish(Shard::of(self.id), entries.clone().into());
        }
        self.accept(entries, replies, ctx);
    }

    fn not_committed(&mut self, pending: Vec<(Reply, Option<ClientMsgId>)>) {
        for (reply, key) in pending {
            if let (Some(place), Some(key)) = (reply.place(), key) {
                self.note_refused((place.hub.0, place.link), key);
            }
            reply.send(Err(unavailable()));
        }
        // What the same sockets sent after it must not overtake it.
        for submission in std::mem::take(&mut self.queue) {
            let sender = submission.reply.place().map(|place| (place.hub.0, place.link));
            let is_send = matches!(submission.operation, Operation::Send { .. });
            if is_send && sender.is_some_and(|sender| self.refused.contains_key(&sender)) {
                submission.reply.send(Err(unavailable()));
            } else {
                self.queue.push_back(submission);
            }
        }
    }

    /// Remembers the first key that a socket has to send again.
    fn note_refused(&mut self, sender: (usize, LinkKey), key: ClientMsgId) {
        // Sockets that never came back are forgotten together; those few that are still there
        // lose no message, only the order of what they sent while the room was overwhelmed.
        if self.refused.len() >= self.pod.settings.limits.room_inbox {
            self.refused.clear();
        }
        self.refused.entry(sender).or_insert(key);
    }

    /// Passes entries through the cursor rule and sends what is next to the hubs with readers,
    /// together with the answers for sockets there.
    fn accept(
        &mut self,
        entries: impl IntoIterator<Item = Entry>,
        mut replies: BTreeMap<usize, Vec<(LinkKey, Encoded)>>,
        ctx: &mut Context<Self>,
    ) {
        let (frames, gap) = match &mut self.phase {
            Phase::Open(log) => log.accept(entries),
            Phase::Loading(_) | Phase::Absent => (Arc::from(Vec::<RoomFrame>::new()), false),
        };
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

    fn subscribe(&mut self, subscribe: Subscribe, verified: bool, ctx: &mut Context<Self>) {
        let Phase::Open(log) = &self.phase else {
            return subscribe.refuse(Refusal::NotFound("room").into());
        };
        let wish = &subscribe.wish;
        if !log.is_member(wish.user) {
            return subscribe.refuse(policy::outsider(log.is_private()).into());
        }
        let after = wish.after.unwrap_or(log.cursor());
        let how = match wish.reset {
            Some(reason) => Answer::Reset(reason),
            None => plan(after, log.cursor(), log.first_retained(), wish.limit),
        };
        match how {
            Answer::Reset(ResetReason::AheadOfHead) if !verified => {
                self.ahead.push(subscribe);
                self.backfill(ctx);
            }
            Answer::Replay { more, .. } => match log.recent_after(after).filter(|_| !more) {
                Some(backlog) => self.attach(subscribe, how, backlog),
                None => {
                    let (link, room) = (wish.place.link, self.id);
                    subscribe.answer(ToHub::History { link, room });
                }
            },
            Answer::UpToDate | Answer::Reset(_) => self.attach(subscribe, how, Vec::new()),
        }
    }

    fn attach(&mut self, subscribe: Subscribe, how: Answer, backlog: Vec<RoomFrame>) {
        let Phase::Open(log) = &mut self.phase else { return };
        let Place { hub, link } = subscribe.wish.place;
        log.attach(hub);
        let (room, head, first_retained) = (self.id, log.cursor(), log.first_retained());
        let answer = match (&subscribe.wish.tell, how) {
            (Tell::Request(reference), how) => Some(server::subscribed(reference.as_ref(), room, how, head)),
            (Tell::Resume, how) => Some(server::subscribed(None, room, how, head)),
            // Told before that it is live; only a reset is news.
            (Tell::Quietly, Answer::Reset(reason)) => Some(server::reset(room, reason, head, first_retained)),
            (Tell::Quietly, _) => None,
        };
        subscribe.answer(ToHub::Attach(Attach { link, room, answer, backlog, head, first_retained }));
    }

    /// Reads what is missing after the cursor, until nothing is.
    fn backfill(&mut self, ctx: &mut Context<Self>) {
        let Phase::Open(log) = &self.phase else { return };
        if self.backfilling {
            return;
        }
        self.backfilling = true;
        let (store, id, after) = (self.pod.store.clone(), self.id, log.cursor());
        let page = async move { store.log_page(id, None, after, BACKFILL).await }.into_actor(self);
        ctx.spawn(page.map(move |page, room, ctx| {
            room.backfilling = false;
            match page {
                Ok(page) => room.backfilled(after, page, ctx),
                Err(error) => {
                    log::warn!(room = id.to_string().as_str(); "a gap was not filled: {error}");
                    for subscribe in std::mem::take(&mut room.ahead) {
                        subscribe.refuse(unavailable());
                    }
                }
            }
        }));
    }

    fn backfilled(&mut self, after: Seq, page: LogPage, ctx: &mut Context<Self>) {
        if page.first_retained > after.next() && page.head > after {
            // What was missed is pruned: no reader here can be served without a hole.
            log::warn!(room = self.id.to_string().as_str(); "the log was pruned past this process");
            self.pod.tell_every_hub(|| ToHub::Reset {
                room: self.id,
                reason: ResetReason::Retention,
                head: page.head,
                first_retained: page.first_retained,
            });
            return ctx.stop();
        }
        let whole = page.entries.len() < BACKFILL;
        self.pod.telemetry.backfilled(page.entries.len());
        self.accept(page.entries, BTreeMap::new(), ctx);
        let gap = matches!(&self.phase, Phase::Open(log) if log.has_gap());
        if !whole || (gap && !self.backfilling) {
            return self.backfill(ctx);
        }
        for subscribe in std::mem::take(&mut self.ahead) {
            self.subscribe(subscribe, true, ctx);
        }
    }

    fn say_if_idle(&self) {
        let has_readers = matches!(&self.phase, Phase::Open(log) if log.hubs().next().is_some());
        let busy =
            has_readers || self.loading || self.appending || self.backfilling || !self.queue.is_empty();
        if !busy && self.busy_at.elapsed() >= self.pod.settings.timing.room_idle {
            deliver(&self.shard, Idle { room: self.id, handled: self.handled });
        }
    }
}

fn fail(command: ToRoom) {
    match command {
        ToRoom::Submit(submission) => submission.reply.send(Err(unavailable())),
        ToRoom::Subscribe(subscribe) => subscribe.refuse(unavailable()),
        ToRoom::Detached(_) | ToRoom::Announce(_) | ToRoom::HeadIs(_) | ToRoom::AreYouIdle => {}
    }
}

fn unavailable() -> Fault {
    Fault::new(Code::Unavailable, "not stored; send it again")
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
    }
}

impl Handler<Flush> for Room {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Context<Self>) {
        self.flushing = false;
        self.flush(ctx);
    }
}

impl Handler<Stop> for Room {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
