//! Group commit: what many rooms want to write while a transaction runs is the next transaction.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};

use super::lives::Vital;
use super::mail::{Append, Flush, Stop, ToRoom};
use super::pod::Pod;
use crate::domain::job::RESULT_KEPT;
use crate::domain::{Committed, Outcome, RoomId};
use crate::store::StoreError;

/// The one writer of a process. Each room has at most one batch here, so the queue is bounded by
/// the rooms that are busy at this moment.
pub struct Writer {
    pod: Arc<Pod>,
    queue: VecDeque<Append>,
    /// Transactions under way.
    in_flight: usize,
    /// A [`Flush`] is on its way.
    flushing: bool,
    pruning: bool,
    stopping: bool,
    _vital: Vital,
}

impl Writer {
    #[must_use]
    pub fn new(pod: Arc<Pod>) -> Self {
        let vital = pod.vital("writer");
        Self {
            pod,
            queue: VecDeque::new(),
            in_flight: 0,
            flushing: false,
            pruning: false,
            stopping: false,
            _vital: vital,
        }
    }

    /// Starts as many transactions as the store gains by. A room has at most one batch here, so
    /// those that run at the same time never write to one room.
    fn flush(&mut self, ctx: &mut Context<Self>) {
        while self.in_flight < self.pod.store.appends_at_once() && !self.queue.is_empty() {
            let (mut appends, mut operations) = (Vec::new(), 0);
            while let Some(append) = self.queue.front() {
                operations += append.batch.operations.len();
                // A room's own batch is within the bound, so the first always fits.
                if operations > self.pod.settings.store.batch && !appends.is_empty() {
                    break;
                }
                appends.extend(self.queue.pop_front());
            }
            self.commit(appends, ctx);
        }
    }

    fn commit(&mut self, appends: Vec<Append>, ctx: &mut Context<Self>) {
        self.in_flight += 1;
        let operations = appends.iter().map(|append| append.batch.operations.len()).sum();
        self.pod.telemetry.appending(operations);
        let (batches, replies): (Vec<_>, Vec<_>) =
            appends.into_iter().map(|append| (append.batch, append.reply)).unzip();
        #[cfg(feature = "torture")]
        super::broken::fall(&batches);
        let (store, copies) = (self.pod.store.clone(), batches.clone());
        let commit = async move { store.append(copies).await }.into_actor(self);
        ctx.spawn(commit.map(move |result, writer, ctx| {
            writer.in_flight -= 1;
            match result {
                Ok(applied) => {
                    for ((batch, reply), applied) in batches.iter().zip(replies).zip(applied) {
                        if let Err(Ok(applied)) = reply.send(Ok(applied)) {
                            writer.tell_successor(batch.room, &applied.outcomes);
                        }
                    }
                }
                // One room that cannot be written holds up only itself: each tries alone. Never what
                // may be stored already: an edit would be entered again, after later ones, and who
                // left would be told that he is no member.
                Err(error) if batches.len() > 1 && !matches!(error, StoreError::InDoubt(_)) => {
                    log::warn!("{} rooms are written apart: {error}", batches.len());
                    for (batch, reply) in batches.into_iter().zip(replies) {
                        writer.commit(vec![Append { batch, reply }], ctx);
                    }
                }
                Err(error) => {
                    log::warn!("a batch was not stored: {error}");
                    for reply in replies {
                        let _gone = reply.send(Err(error.clone()));
                    }
                }
            }
            writer.flush(ctx);
            writer.stop_when_idle(ctx);
        }));
    }

    /// A room that died before its answer came was perhaps begun anew before the commit: its
    /// successor is told how far the log goes.
    fn tell_successor(&self, room: RoomId, outcomes: &[Outcome]) {
        let last = |committed: &Committed| committed.also.last().unwrap_or(&committed.entry).seq;
        if let Some(head) = outcomes.iter().flatten().map(last).max() {
            self.pod.tell_room(room, ToRoom::HeadIs(head));
        }
    }

    fn stop_when_idle(&self, ctx: &mut Context<Self>) {
        if self.stopping && self.in_flight == 0 && self.queue.is_empty() {
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
        let results = pod.clock.now().minus(RESULT_KEPT);
        let audited = pod.clock.now().minus(pod.settings.store.audit_retention);
        let prune = async move {
            loop {
                let mut forgotten = pod.store.prune_log(before, PRUNE).await;
                if let Ok(0) = forgotten {
                    forgotten = pod.store.prune_user_logs(before, PRUNE).await;
                }
                if let Ok(0) = forgotten {
                    forgotten = pod.store.prune_audit(audited, PRUNE).await;
                }
                if let Ok(0) = forgotten {
                    forgotten = pod.store.prune_jobs(results, PRUNE).await;
                }
                match forgotten {
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
        let has_room = self.in_flight < self.pod.store.appends_at_once();
        if has_room && !std::mem::replace(&mut self.flushing, true) {
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
