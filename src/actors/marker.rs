//! Moves marks: wishes of all sockets gather while a transaction runs and are the next one, merged
//! by user and room.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};

use super::lives::Vital;
use super::mail::{Flush, Mark, Stop, ToRoom};
use super::pod::Pod;
use super::reply::Reply;
use crate::bus::{Announcement, Shard, Whisper};
use crate::domain::{MarkMove, Refusal, RoomId, UserId};
use crate::error::{Code, Fault};
use crate::store::Moved;

/// Wishes that may wait; one more is `unavailable`.
const WAITING: usize = 10_000;
/// Moves in one transaction.
const BATCH: usize = 500;

struct Waiting {
    wish: MarkMove,
    replies: Vec<Reply<Moved>>,
}

/// The one marker of a process.
pub struct Marker {
    pod: Arc<Pod>,
    queue: BTreeMap<(UserId, RoomId), Waiting>,
    in_flight: bool,
    flushing: bool,
    stopping: bool,
    _vital: Vital,
}

impl Marker {
    #[must_use]
    pub fn new(pod: Arc<Pod>) -> Self {
        let vital = pod.vital("marker");
        Self {
            pod,
            queue: BTreeMap::new(),
            in_flight: false,
            flushing: false,
            stopping: false,
            _vital: vital,
        }
    }

    fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight || self.queue.is_empty() {
            return;
        }
        let (mut moves, mut replies) = (Vec::new(), Vec::new());
        while let Some((_, waiting)) = (moves.len() < BATCH).then(|| self.queue.pop_first()).flatten() {
            moves.push(waiting.wish);
            replies.push(waiting.replies);
        }
        self.in_flight = true;
        let (store, now, wishes) = (self.pod.store.clone(), self.pod.clock.now(), moves.clone());
        let commit = async move { store.move_marks(wishes, now).await }.into_actor(self);
        ctx.spawn(commit.map(move |result, marker, ctx| {
            match result {
                Ok(outcomes) => marker.moved(&moves, outcomes, replies),
                Err(error) => {
                    log::warn!("marks were not moved: {error}");
                    for reply in replies.into_iter().flatten() {
                        reply.send(Err(Fault::new(Code::Unavailable, "not stored; send it again")));
                    }
                }
            }
            marker.in_flight = false;
            marker.flush(ctx);
            marker.stop_when_idle(ctx);
        }));
    }

    fn moved(
        &self,
        moves: &[MarkMove],
        outcomes: Vec<Result<Moved, Refusal>>,
        replies: Vec<Vec<Reply<Moved>>>,
    ) {
        let mut entries = Vec::new();
        for ((wish, outcome), replies) in moves.iter().zip(outcomes).zip(replies) {
            if let Ok(Moved { marks, entry: Some(entry), .. }) = &outcome {
                let (room, user, marks) = (wish.room, wish.user, *marks);
                entries.push(entry.clone());
                self.pod.tell_room(room, ToRoom::Marked { user, marks });
                let whisper = Announcement::Whisper(Whisper::Marks { room, user, marks });
                self.pod.bus.publish(Shard::of(room), whisper);
            }
            for reply in replies {
                reply.send(outcome.clone().map_err(Fault::from));
            }
        }
        self.pod.tell_users(entries);
    }

    fn stop_when_idle(&self, ctx: &mut Context<Self>) {
        if self.stopping && !self.in_flight && self.queue.is_empty() {
            ctx.stop();
        }
    }
}

impl Actor for Marker {
    type Context = Context<Self>;
}

impl Handler<Mark> for Marker {
    type Result = ();

    fn handle(&mut self, mark: Mark, ctx: &mut Context<Self>) {
        let Mark { wish, reply } = mark;
        let key = (wish.user, wish.room);
        if self.queue.len() >= WAITING && !self.queue.contains_key(&key) {
            return reply.send(Err(Fault::new(Code::Unavailable, "too many marks wait; send it again")));
        }
        let waiting = self.queue.entry(key).or_insert(Waiting { wish, replies: Vec::new() });
        waiting.wish.received = waiting.wish.received.max(wish.received);
        waiting.wish.read = waiting.wish.read.max(wish.read);
        waiting.replies.push(reply);
        if !self.in_flight && !std::mem::replace(&mut self.flushing, true) {
            ctx.notify(Flush);
        }
    }
}

impl Handler<Flush> for Marker {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Context<Self>) {
        self.flushing = false;
        self.flush(ctx);
    }
}

/// Stops after what it was given is committed.
impl Handler<Stop> for Marker {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        self.stopping = true;
        self.stop_when_idle(ctx);
    }
}
