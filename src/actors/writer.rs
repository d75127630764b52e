//! Group commit: what many rooms want to write while a transaction runs is the next transaction.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};

use super::mail::{Append, Flush, Stop, ToRoom};
use super::pod::{Alive, Pod};
use crate::domain::{Applied, RoomId};
use crate::store::StoreError;

/// The one writer of a process. Each room has at most one batch here, so the queue is bounded by
/// the rooms that are busy at this moment.
pub struct Writer {
    pod: Arc<Pod>,
    queue: VecDeque<Append>,
    in_flight: bool,
    /// A [`Flush`] is on its way.
    flushing: bool,
    pruning: bool,
    stopping: bool,
    _alive: Alive,
}

impl Writer {
    #[must_use]
    pub fn new(pod: Arc<Pod>) -> Self {
        let alive = pod.census();
        Self {
            pod,
            queue: VecDeque::new(),
            in_flight: false,
            flushing: false,
            pruning: false,
            stopping: false,
            _alive: alive,
        }
    }

    fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight || self.queue.is_empty() {
            return;
        }
        let (mut batches, mut replies, mut operations) = (Vec::new(), Vec::new(), 0);
        while let Some(append) = self.queue.front() {
            operations += append.batch.operations.len();
            // A room's own batch is within the bound, so the first always fits.
            if operations > self.pod.settings.store.batch && !batches.is_empty() {
                operations -= append.batch.operations.len();
                break;
            }
            if let Some(append) = self.queue.pop_front() {
                replies.push((append.batch.room, append.reply));
                batches.push(append.batch);
            }
        }
        self.in_flight = true;
        let store = self.pod.store.clone();
        let commit = async move { store.append(batches).await }.into_actor(self);
        ctx.spawn(commit.map(move |result, writer, ctx| {
            match result {
                Ok(append) => {
                    for ((room, reply), applied) in replies.into_iter().zip(append) {
                        if let Err(Ok(applied)) = reply.send(Ok(applied)) {
                            writer.tell_successor(room, &applied);
                        }
                    }
                }
                Err(error) => {
                    log::warn!("nothing of {operations} operations was stored: {error}");
                    for (_, reply) in replies {
                        let _gone = reply.send(Err(StoreError::Unavailable(error.to_string())));
                    }
                }
            }
            writer.in_flight = false;
            writer.flush(ctx);
            writer.stop_when_idle(ctx);
        }));
    }

    /// A room that died before its answer came was perhaps begun anew before the commit: its
    /// successor is told how far the log goes.
    fn tell_successor(&self, room: RoomId, applied: &Applied) {
        if let Some(head) = applied.outcomes.iter().flatten().map(|committed| committed.entry.seq).max() {
            self.pod.tell_room(room, ToRoom::HeadIs(head));
        }
    }

    fn stop_when_idle(&self, ctx: &mut Context<Self>) {
        if self.stopping && !self.in_flight && self.queue.is_empty() {
            ctx.stop();
        }
    }
}

/// Entries forgotten in one transaction: few, since messages wait behind it.
const PRUNE: usize = 2_000;

impl Writer {
    /// Forgets log entries that are older than the retention. Readers who lack them are reset by
    /// the page that they read next; nobody needs to be told.
    fn prune(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.pruning, true) {
            return;
        }
        let pod = self.pod.clone();
        let before = pod.clock.now().minus(pod.settings.store.log_retention);
        let prune = async move {
            loop {
                match pod.store.prune_log(before, PRUNE).await {
                    Ok(0) => return,
                    Ok(forgotten) => log::debug!("{forgotten} old log entries were forgotten"),
                    Err(error) => return log::warn!("old log entries were not forgotten: {error}"),
                }
            }
        };
        ctx.spawn(prune.into_actor(self).map(|(), writer, _| writer.pruning = false));
    }
}

impl Actor for Writer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.pod.settings.store.prune_interval, |writer, ctx| writer.prune(ctx));
    }
}

impl Handler<Append> for Writer {
    type Result = ();

    fn handle(&mut self, append: Append, ctx: &mut Context<Self>) {
        self.queue.push_back(append);
        if !self.in_flight && !std::mem::replace(&mut self.flushing, true) {
            ctx.notify(Flush);
        }
    }
}

impl Handler<Flush> for Writer {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Context<Self>) {
        self.flushing = false;
        self.flush(ctx);
    }
}

/// Stops after what it was given is committed.
impl Handler<Stop> for Writer {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        self.stopping = true;
        self.stop_when_idle(ctx);
    }
}
