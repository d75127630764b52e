//! How a room reads from the store what it missed, and lets wait who must be judged by what stands there.
//! A part of [`super::room`].

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::mail::{Subscribe, ToHub, ToRoom};
use super::reply::Answers;
use super::room::{Phase, Room, unavailable};
use crate::domain::Seq;
use crate::domain::subscription::ResetReason;
use crate::store::LogPage;

/// Entries read from the store in one go to fill a gap.
const BACKFILL: usize = 500;
/// How long after a failure the gap is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// What a room perhaps missed.
#[derive(Default)]
pub(super) struct Missed {
    /// It is being read just now.
    pub(super) is_read: bool,
    /// The log was said to go further while it was being read: what is read may be from before.
    pub(super) outdated: bool,
    /// Readers beyond our cursor, or of whom it is not known whether they are members: they are answered
    /// once the store, asked after they came, told where the log stands.
    ahead: Vec<Subscribe>,
    /// Those who came while it was being asked.
    ahead_later: Vec<Subscribe>,
}

impl Room {
    /// Judged once the store, asked from now on, told where the log stands.
    pub(super) fn ask_store_first(&mut self, subscribe: Subscribe, ctx: &mut Context<Self>) {
        let waiting = if self.missed.is_read { &mut self.missed.ahead_later } else { &mut self.missed.ahead };
        waiting.push(subscribe);
        self.backfill(ctx);
    }

    /// Reads what is missing after the cursor, until nothing is.
    pub(super) fn backfill(&mut self, ctx: &mut Context<Self>) {
        let Phase::Open(log) = &self.phase else { return };
        if self.missed.is_read {
            return;
        }
        (self.missed.is_read, self.missed.outdated) = (true, false);
        let (store, id, after, held) = (self.pod.store.clone(), self.id, log.cursor(), log.held());
        let page = async move { store.log_page(id, None, after, BACKFILL).await }.into_actor(self);
        ctx.spawn(page.map(move |page, room, ctx| {
            room.missed.is_read = false;
            match page {
                Ok(page) => room.backfilled(page, &held, ctx),
                Err(error) => {
                    log::warn!(room = id.to_string().as_str(); "a gap was not filled: {error}");
                    // Nobody else knows of the gap.
                    ctx.run_later(RETRY, |room, ctx| room.backfill(ctx));
                    for subscribe in room.missed.ahead.drain(..).chain(room.missed.ahead_later.drain(..)) {
                        subscribe.refuse(unavailable());
                    }
                }
            }
        }));
    }

    /// Takes what was read after entries were `held`.
    fn backfilled(&mut self, page: LogPage, held: &[Seq], ctx: &mut Context<Self>) {
        // What was missing when the page was asked for may have come by itself since.
        let Phase::Open(log) = &mut self.phase else { return };
        let after = log.cursor();
        log.forget_held(held.iter().copied().filter(|seq| *seq > page.head));
        if page.first_retained > after.next() && page.head > after {
            // What was missed is pruned: no reader here can be served without a hole.
            log::warn!(room = self.id.to_string().as_str(); "the log was pruned past this process");
            self.pod.tell_every_hub(|| ToHub::Reset {
                room: self.id,
                reason: ResetReason::Retention,
                head: page.head,
                first_retained: page.first_retained,
            });
            // Another begins in its place, by another name, for who leaves the former is no reader of it.
            // What was asked meanwhile is not lost.
            let waiting = self
                .missed
                .ahead
                .drain(..)
                .chain(self.missed.ahead_later.drain(..))
                .map(ToRoom::Subscribe)
                .collect();
            self.phase = Phase::Loading(waiting);
            self.pod.note_open(self.id, self.actor, false);
            self.actor = self.pod.new_actor();
            return self.load(ctx);
        }
        let whole = page.entries.len() < BACKFILL;
        self.pod.telemetry.backfilled(page.entries.len());
        self.accept(page.entries, Answers::new(self.pod.clone()), ctx);
        let gap = matches!(&self.phase, Phase::Open(log) if log.has_gap());
        if !whole || ((gap || self.missed.outdated) && !self.missed.is_read) {
            return self.backfill(ctx);
        }
        for subscribe in std::mem::take(&mut self.missed.ahead) {
            self.subscribe(subscribe, true, ctx);
        }
        self.missed.ahead = std::mem::take(&mut self.missed.ahead_later);
        if !self.missed.ahead.is_empty() {
            self.backfill(ctx);
        }
    }
}
