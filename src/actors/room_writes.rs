//! How a room writes: commands wait in order, at most one append is under way, and what waits
//! meanwhile is the next. The other half of [`super::room`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix::{ActorContext, ActorFutureExt, AsyncContext, Context, ContextFutureSpawner, WrapFuture};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::mail::{Append, Flush, Grown, HubId, LinkKey, Place, Submission, ToRoom, deliver};
use super::reply::Answers;
use super::room::{Phase, Room, unavailable};
use crate::bus::{Announcement, RoomNews, Shard};
use crate::domain::journey::Station;
use crate::domain::{Applied, ClientMsgId, Operation, Refusal, RoomBatch, UserId};
use crate::error::Fault;

/// What a room has to write.
#[derive(Default)]
pub(super) struct Writes {
    queue: VecDeque<Submission>,
    /// A [`Flush`] is on its way.
    pub(super) flushing: bool,
    appending: bool,
    /// Operations of the last append: more than one means that the room is busy.
    last_batch: usize,
    /// Sockets that were told `unavailable`, with the key they have to send again first: until
    /// then later sends are refused too, so that order holds.
    refused: BTreeMap<(usize, LinkKey), Refused>,
    /// Sockets that are being closed because an earlier actor of the room died with what they sent.
    cut_off: BTreeSet<Place>,
}

/// The first message that a socket has to send again.
struct Refused {
    author: UserId,
    key: ClientMsgId,
    at: Instant,
}

/// Who gave a message up is not held to it for ever.
const GIVEN_UP: Duration = Duration::from_secs(10);

impl Writes {
    /// `cut_off`: whose sends are not to be taken. An actor's replies are gone before the next is begun
    /// by the shard, which is of the same thread: those who lost something are all among them.
    pub(super) fn new(cut_off: BTreeSet<Place>) -> Self {
        Self { cut_off, ..Self::default() }
    }

    pub(super) fn is_busy(&self) -> bool {
        let owes = |first: &Refused| first.at.elapsed() < GIVEN_UP;
        self.appending || !self.queue.is_empty() || self.refused.values().any(owes)
    }
}

impl Room {
    pub(super) fn submit(&mut self, submission: Submission, ctx: &mut Context<Self>) {
        if matches!(self.phase, Phase::Absent) {
            return submission.reply.send(Err(Refusal::NotFound("room").into()));
        }
        let place = submission.reply.place();
        if place.is_some_and(|place| self.writes.cut_off.contains(&place)) {
            return submission.reply.send(Err(unavailable()));
        }
        let sender = place.map(|place| (place.hub.0, place.link));
        if let (Some(sender), Operation::Send { draft, .. }) = (sender, &submission.operation) {
            self.writes.refused.retain(|_, first| first.at.elapsed() < GIVEN_UP);
            if self.writes.refused.get(&sender).is_some_and(|first| first.key != draft.client_msg_id) {
                return submission.reply.send(Err(unavailable()));
            }
            if self.writes.queue.len() >= self.pod.settings.limits.room_inbox {
                self.note_refused(&submission);
                self.pod.telemetry.inbox_full();
                return submission.reply.send(Err(unavailable()));
            }
        } else if self.writes.queue.len() >= self.pod.settings.limits.room_inbox {
            self.pod.telemetry.inbox_full();
            return submission.reply.send(Err(unavailable()));
        }
        if let Operation::Send { author, draft, .. } = &submission.operation {
            // Sent again, by whichever way.
            let (author, key) = (*author, draft.client_msg_id);
            self.writes.refused.retain(|_, first| (first.author, first.key) != (author, key));
        }
        let by_request = submission.reply.place().is_none();
        self.pod.note_operation(&submission.operation, Station::Submitted { by_request });
        self.writes.queue.push_back(submission);
        self.flush_soon(ctx);
    }

    /// Writes what is there after everything that waits in the mailbox was taken in. A busy room
    /// gives those who write at the same time a moment more: their messages then share a commit,
    /// and, which is worth far more, a write to every socket.
    fn flush_soon(&mut self, ctx: &mut Context<Self>) {
        if self.writes.appending || std::mem::replace(&mut self.writes.flushing, true) {
            return;
        }
        let gather = self.pod.settings.timing.gather;
        if self.writes.last_batch > 1 && !gather.is_zero() {
            ctx.notify_later(Flush, gather);
        } else {
            ctx.notify(Flush);
        }
    }

    /// Starts the next append: everything that waits, in one batch.
    pub(super) fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.writes.appending || self.writes.queue.is_empty() {
            return;
        }
        let Some(writer) = self.pod.actors().map(|actors| &actors.writer) else { return };
        self.pod.telemetry.inbox(self.writes.queue.len());
        let most = self.writes.queue.len().min(self.pod.settings.store.batch);
        self.writes.last_batch = most;
        let (mut operations, mut pending) = (Vec::with_capacity(most), Vec::with_capacity(most));
        for submission in self.writes.queue.drain(..most) {
            self.pod.note_operation(&submission.operation, Station::Storing);
            operations.push(submission.operation.clone());
            pending.push(submission);
        }
        let (reply, outcomes) = oneshot::channel();
        let now = self.pod.clock.now();
        #[cfg(feature = "torture")]
        if let Phase::Open(log) = &self.phase {
            super::broken::stumble(&mut pending);
            super::broken::acknowledge_early(self.id, log.cursor(), now, &mut pending);
        }
        let present =
            if operations.iter().any(Operation::names_present) { self.present() } else { Vec::new() };
        let batch = RoomBatch { room: self.id, now, operations, present };
        deliver(writer, Append { batch, reply });
        self.writes.appending = true;
        outcomes
            .into_actor(self)
            .map(move |outcomes, room, ctx| {
                room.writes.appending = false;
                match outcomes {
                    Ok(Ok(applied)) => room.committed(pending, applied, ctx),
                    Ok(Err(_)) | Err(_) => room.not_committed(pending),
                }
                if room.stopping { room.stop_when_answered(ctx) } else { room.flush(ctx) }
            })
            .spawn(ctx);
    }

    /// Members who are online, as far as this process knows.
    fn present(&self) -> Vec<UserId> {
        let Phase::Open(log) = &self.phase else { return Vec::new() };
        let roster = self.pod.roster();
        log.members().filter(|user| roster.is_online(*user)).collect()
    }

    /// The moment of truth is over: acknowledge, deliver here, ring the bell elsewhere.
    fn committed(&mut self, pending: Vec<Submission>, applied: Applied, ctx: &mut Context<Self>) {
        applied.records.iter().for_each(|record| self.pod.audited.tell(record));
        let (mut entries, mut told) = (Vec::new(), Vec::new());
        let mut answers = Answers::new(self.pod.clone());
        for (submission, outcome) in pending.into_iter().zip(applied.outcomes) {
            self.pod.note_outcome(&submission.operation, &outcome);
            if let Ok(committed) = &outcome {
                self.pod.telemetry.committed(committed);
                if !committed.duplicate {
                    entries.push(committed.entry.clone());
                    entries.extend(committed.also.iter().cloned());
                }
                told.extend(committed.told.clone());
            }
            if let Some((place, frame)) = submission.reply.answer(outcome.map_err(Fault::from)) {
                answers.add(place, frame);
            }
        }
        if let Some(last) = entries.last() {
            let messages = match &mut self.phase {
                Phase::Open(log) => log.counted(applied.messages),
                Phase::Loading(_) | Phase::Absent => 0,
            };
            let (room, head) = (self.id, last.seq);
            let Applied { members, concern, .. } = applied;
            deliver(&self.shard, Grown { room, head, messages, members, concern: concern.clone() });
            let news = Arc::new(RoomNews { room, entries: entries.clone(), messages, members, concern });
            self.pod.bus.publish(Shard::of(room), Announcement::Room(news.clone()));
            entries.iter().for_each(|entry| self.pod.note_entry(entry, Station::Announced));
            // The snapshot that is being read may be older.
            if let Phase::Loading(waiting) = &mut self.phase {
                waiting.push_back(ToRoom::Announce(news));
            }
        }
        self.accept(entries, answers, ctx);
        self.pod.tell_users(told);
    }

    fn not_committed(&mut self, pending: Vec<Submission>) {
        for submission in pending {
            self.note_refused(&submission);
            submission.reply.send(Err(unavailable()));
        }
        // What the same sockets sent after it must not overtake it.
        for submission in std::mem::take(&mut self.writes.queue) {
            let sender = submission.reply.place().map(|place| (place.hub.0, place.link));
            let is_send = matches!(submission.operation, Operation::Send { .. });
            if is_send && sender.is_some_and(|sender| self.writes.refused.contains_key(&sender)) {
                submission.reply.send(Err(unavailable()));
            } else {
                self.writes.queue.push_back(submission);
            }
        }
    }

    /// Remembers, for a socket's send that is answered `unavailable`, that it comes first.
    pub(super) fn note_refused(&mut self, submission: &Submission) {
        let (Some(place), Operation::Send { author, draft, .. }) =
            (submission.reply.place(), &submission.operation)
        else {
            return;
        };
        // Sockets that never came back are forgotten together; those few that are still there
        // lose no message, only the order of what they sent while the room was overwhelmed.
        if self.writes.refused.len() >= self.pod.settings.limits.room_inbox {
            self.writes.refused.clear();
        }
        self.writes.refused.entry((place.hub.0, place.link)).or_insert(Refused {
            author: *author,
            key: draft.client_msg_id,
            at: Instant::now(),
        });
    }

    /// Answers who waited for the room to be loaded.
    pub(super) fn fail_waiting(&mut self) {
        if let Phase::Loading(waiting) = &mut self.phase {
            for command in std::mem::take(waiting) {
                self.fail(command);
            }
        }
    }

    pub(super) fn fail(&mut self, command: ToRoom) {
        match command {
            ToRoom::Submit(submission) => {
                self.note_refused(&submission);
                submission.reply.send(Err(unavailable()));
            }
            ToRoom::Subscribe(subscribe) => subscribe.refuse(unavailable()),
            ToRoom::Typing(typing) => {
                if let Some(reply) = typing.reply {
                    reply.send(Err(unavailable()));
                }
            }
            ToRoom::Detached { .. }
            | ToRoom::Announce(_)
            | ToRoom::HeadIs(_)
            | ToRoom::Marked { .. }
            | ToRoom::AreYouIdle => {}
        }
    }

    pub(super) fn stop_when_answered(&mut self, ctx: &mut Context<Self>) {
        if self.writes.appending {
            return;
        }
        for submission in std::mem::take(&mut self.writes.queue) {
            submission.reply.send(Err(unavailable()));
        }
        self.fail_waiting();
        // Who stops a room in good order has nothing against its sockets.
        self.writes.refused.clear();
        ctx.stop();
    }
}

/// One that panicked in the midst of its readers is begun anew at once, though nobody may ask it for
/// anything soon: any command makes its shard do so, and then they are told to ask again. One that
/// cannot even be loaded is not: that would never end.
impl Drop for Room {
    fn drop(&mut self) {
        self.pod.note_open(self.id, self.actor, false);
        // Only here is it known what these have to send first.
        for ((hub, link), first) in std::mem::take(&mut self.writes.refused) {
            if first.at.elapsed() < GIVEN_UP {
                self.pod.cut_off(Place { hub: HubId(hub), link });
            }
        }
        if matches!(&self.phase, Phase::Open(log) if log.hubs().next().is_some()) {
            self.pod.tell_room(self.id, ToRoom::AreYouIdle);
        }
    }
}
