//! Subscriptions of one session, one after the other: ask the room, read from the store what the
//! room no longer has in memory, page by page as the socket drains, then join the two by `seq`.
//!
//! The room answers atomically: what it hands over with its acceptance and what it sends later
//! leave no window between history and live.

use std::collections::VecDeque;
use std::task::Poll;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use futures_util::future::poll_fn;

use super::catch_up_jobs::{Job, Work};
use super::session::{Session, fault_of};
use crate::actors::mail::{Subscribe, Tell, ToRoom, Wish};
use crate::domain::subscription::{Answer, Level, ResetReason, plan};
use crate::domain::{Refusal, RoomId, Seq};
use crate::error::{Code, Fault};
use crate::protocol::client::Resume;
use crate::protocol::{CloseCode, Reference, server};
use crate::store::LogPage;

impl Session {
    pub(super) fn subscribe(
        &mut self,
        room: RoomId,
        level: Level,
        after: Option<Seq>,
        reference: Option<Reference>,
        ctx: &mut Context<Self>,
    ) {
        if level != Level::Full && self.lower(room, level, reference.as_ref()) {
            return;
        }
        let most = self.parts.hub.pod.settings.limits.subscriptions;
        let is_live = self.link.rooms.borrow().contains(&room);
        if !is_live && self.link.rooms.borrow().len() + self.catch_up.rooms_waiting() >= most {
            let fault = Refusal::TooLarge("the list of open rooms").into();
            return self.error(reference.as_ref(), &fault);
        }
        self.link.asked();
        let mut job = Job::new(room, after, Tell::Request(reference));
        job.level = level;
        self.catch_up.waiting.push_back(Work::Room(job));
        self.next_job(ctx);
    }

    /// Goes down to `level` and says so, where that needs no question to the room: false when it
    /// does, because the room is not followed yet.
    fn lower(&mut self, room: RoomId, level: Level, reference: Option<&Reference>) -> bool {
        let hub = self.parts.hub.clone();
        let head = hub.followed_head(&self.link, room);
        if level == Level::Bump && head.is_none() {
            return false;
        }
        self.unsubscribe(room);
        if level == Level::None {
            hub.unfollow(&self.link, room);
        }
        let head = head.unwrap_or(Seq::START);
        self.push(&server::subscribed(reference, room, level, Answer::UpToDate, head));
        true
    }

    pub(super) fn resume(&mut self, resume: &Resume, reference: Option<Reference>, ctx: &mut Context<Self>) {
        let hub = self.parts.hub.clone();
        let limits = &hub.pod.settings.limits;
        let live = self.link.rooms.borrow().len() + self.catch_up.rooms_waiting();
        let wanted = resume.rooms.iter().filter(|room| room.level == Level::Full).count();
        if live + wanted > limits.subscriptions {
            let fault = Refusal::TooLarge("the list of open rooms").into();
            return self.error(reference.as_ref(), &fault);
        }
        self.link.asked();
        let known = resume.epoch == Some(hub.pod.epoch());
        for wanted in &resume.rooms {
            if wanted.level != Level::Full && self.lower(wanted.room, wanted.level, None) {
                continue;
            }
            let mut job = Job::new(wanted.room, wanted.after, Tell::Resume);
            job.level = wanted.level;
            // A room without a position has no history that could be worthless.
            job.reset = (!known && wanted.after.is_some()).then_some(ResetReason::Epoch);
            self.catch_up.waiting.push_back(Work::Room(job));
        }
        // A position of another history says nothing, nor does one from beyond the head.
        if let Some(after) = resume.user_after.filter(|after| known && *after < self.link.user_log.at()) {
            self.link.user_log.read_from(after);
            self.catch_up.waiting.push_back(Work::UserLog);
        }
        self.catch_up.waiting.push_back(Work::Resumed(reference, resume.replaces));
        self.catch_up.budget = limits.replay_per_resume as u64;
        self.next_job(ctx);
    }

    pub(super) fn unsubscribe(&mut self, room: RoomId) {
        self.parts.hub.detach(&self.link, room);
        if let Some(job) = self.catch_up.current.as_mut().filter(|job| job.room == room) {
            job.cancelled = true;
        }
        for work in &mut self.catch_up.waiting {
            if let Work::Room(job) = work
                && job.room == room
            {
                job.cancelled = true;
            }
        }
    }

    /// The room cannot catch this reader up, and has told the client.
    pub(super) fn let_go(&mut self, room: RoomId, ctx: &mut Context<Self>) {
        if self.catch_up.current.as_ref().is_some_and(|job| job.room == room) {
            self.done(ctx);
        }
    }

    /// The hub let go of this reader. What continues quietly ends; a wish of the client's own that
    /// came since is asked all the same, and judged by the room.
    pub(super) fn removed(&mut self, room: RoomId) {
        if let Some(job) = self.catch_up.current.as_mut()
            && job.room == room
            && job.tell == Tell::Quietly
        {
            job.cancelled = true;
        }
        self.catch_up
            .waiting
            .retain(|work| !matches!(work, Work::Room(job) if job.room == room && job.tell == Tell::Quietly));
    }

    /// The room went on without this session, which asks again from where it stands.
    pub(super) fn fell_behind(&mut self, room: RoomId, after: Seq, ctx: &mut Context<Self>) {
        self.catch_up.waiting.push_front(Work::Room(Job::new(room, Some(after), Tell::Quietly)));
        self.next_job(ctx);
    }

    /// The socket was too slow for the room: it goes on after `after` once what waits is written.
    pub(super) fn lagged(&mut self, room: RoomId, after: Seq, ctx: &mut Context<Self>) {
        let mut job = Job::new(room, Some(after), Tell::Quietly);
        job.after_drain = true;
        self.catch_up.waiting.push_back(Work::Room(job));
        self.next_job(ctx);
    }

    /// The user's own log is read to its end.
    pub(super) fn user_log_is_live(&mut self, ctx: &mut Context<Self>) {
        if std::mem::take(&mut self.catch_up.reading_user_log) {
            self.next_job(ctx);
        }
    }

    /// What was read of the user's own log begins elsewhere than is wanted by now.
    pub(super) fn read_user_log_on(&self, ctx: &mut Context<Self>) {
        if self.catch_up.reading_user_log {
            self.read_user_log(ctx);
        }
    }

    fn next_job(&mut self, ctx: &mut Context<Self>) {
        while self.catch_up.current.is_none() && !self.catch_up.reading_user_log {
            match self.catch_up.waiting.pop_front() {
                None => {
                    // An idle session keeps no queue.
                    self.catch_up.waiting = VecDeque::new();
                    return;
                }
                Some(Work::UserLog) => {
                    self.catch_up.reading_user_log = true;
                    self.read_user_log(ctx);
                }
                Some(Work::Resumed(reference, replaces)) => {
                    self.push(&server::resumed(reference.as_ref(), self.link.user_log.at()));
                    self.link.answered();
                    if let (Some(conn), Some(user)) = (replaces, self.user()) {
                        self.parts.hub.pod.replaced(user, conn);
                    }
                }
                Some(Work::Room(job)) if job.is_over() => {}
                Some(Work::Room(job)) => {
                    // Asking again for a live room begins anew.
                    self.parts.hub.detach(&self.link, job.room);
                    let full = self.link.outbox.borrow().is_full_of_replay();
                    if job.after_drain || full {
                        self.ask_when_drained(job.room, ctx);
                    } else {
                        self.ask_room(&job);
                    }
                    self.catch_up.current = Some(Box::new(job));
                }
            }
        }
    }

    /// Done when everything that waits is written.
    pub(super) fn drained(&self) -> impl Future<Output = ()> + use<> {
        let link = self.link.clone();
        poll_fn(
            move |cx| {
                if link.outbox.borrow_mut().drained(cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
            },
        )
    }

    fn ask_when_drained(&self, room: RoomId, ctx: &mut Context<Self>) {
        ctx.spawn(self.drained().into_actor(self).map(move |(), session, ctx| {
            if session.link.closed().is_none() {
                session.ask_current(room, ctx);
            }
        }));
    }

    /// Asks for the room that is wanted just now, if that is this one and it still is.
    fn ask_current(&mut self, room: RoomId, ctx: &mut Context<Self>) {
        match &self.catch_up.current {
            Some(job) if job.room == room && job.is_over() => self.done(ctx),
            Some(job) if job.room == room => self.ask_room(job),
            _ => {}
        }
    }

    fn limit(&self, job: &Job) -> u64 {
        let most = self.parts.hub.pod.settings.limits.replay_per_room as u64;
        if job.tell == Tell::Resume { most.min(self.catch_up.budget) } else { most }
    }

    fn ask_room(&self, job: &Job) {
        let Some(user) = self.user() else { return };
        let wish = Wish {
            room: job.room,
            place: self.parts.hub.place(&self.link),
            user,
            level: job.level,
            after: job.after,
            limit: self.limit(job),
            reset: job.reset,
            tell: job.tell.clone(),
        };
        let pod = &self.parts.hub.pod;
        pod.tell_room(job.room, ToRoom::Subscribe(Subscribe::new(pod.clone(), wish)));
    }

    pub(super) fn attached(&mut self, room: RoomId, replayed: u64, ctx: &mut Context<Self>) {
        let cancelled = match &self.catch_up.current {
            Some(job) if job.room == room => job.cancelled,
            _ => return,
        };
        self.catch_up.budget = self.catch_up.budget.saturating_sub(replayed);
        if cancelled {
            self.parts.hub.detach(&self.link, room);
        }
        self.done(ctx);
    }

    /// The current wish is answered.
    fn done(&mut self, ctx: &mut Context<Self>) {
        if self.catch_up.current.take().is_some_and(|job| job.counted) {
            self.link.answered();
        }
        self.next_job(ctx);
    }

    pub(super) fn refused(&mut self, room: RoomId, fault: &Fault, ctx: &mut Context<Self>) {
        let tell = match &self.catch_up.current {
            Some(job) if job.room == room => job.tell.clone(),
            _ => return,
        };
        let outside = matches!(fault.code, Code::NotFound | Code::NotMember);
        match tell {
            Tell::Request(reference) => self.error(reference.as_ref(), fault),
            Tell::Resume if outside => {
                let reset = Answer::Reset(ResetReason::Membership);
                self.tell_answer(None, room, reset, Seq::START);
            }
            Tell::Quietly if outside => {
                self.push(&server::reset(room, ResetReason::Membership, Seq::START, Seq::START.next()));
            }
            // The client was promised entries that cannot be read now: it comes back and resumes.
            Tell::Resume | Tell::Quietly => self.close(CloseCode::Internal),
        }
        self.done(ctx);
    }

    /// Reads the next page for the current job.
    pub(super) fn read_history(&mut self, room: RoomId, ctx: &mut Context<Self>) {
        let (Some(job), Some(user)) = (&self.catch_up.current, self.user()) else { return };
        if job.room != room {
            return;
        }
        let after = job.after.unwrap_or(Seq::START);
        let page = self.parts.hub.pod.settings.limits.replay_page;
        let store = self.parts.hub.pod.store.clone();
        let read = async move { store.log_page(room, Some(user), after, page).await };
        ctx.spawn(read.into_actor(self).map(move |page, session, ctx| match page {
            Ok(page) => session.replay(&page, ctx),
            Err(error) => session.refused(room, &fault_of(error), ctx),
        }));
    }

    fn replay(&mut self, page: &LogPage, ctx: &mut Context<Self>) {
        let Some(mut job) = self.catch_up.current.take().map(|job| *job) else { return };
        let after = job.after.unwrap_or(Seq::START);
        let told = job.tell == Tell::Quietly;
        let limit = if told { u64::MAX } else { self.limit(&job) };
        match plan(after, page.head, page.first_retained, page.visible_from, limit) {
            Answer::Reset(reason) => job.reset = Some(reason),
            answer @ Answer::Replay { to, more, .. } if !told => {
                let reference = match &job.tell {
                    Tell::Request(reference) => reference.as_ref(),
                    Tell::Resume | Tell::Quietly => None,
                };
                self.tell_answer(reference, job.room, answer, page.head);
                self.catch_up.budget = self.catch_up.budget.saturating_sub(to.since(after));
                job.until = more.then_some(to);
                job.tell = Tell::Quietly;
            }
            Answer::Replay { .. } | Answer::UpToDate => {}
        }
        let cancelled = job.is_over();
        if job.reset.is_some() || job.tell != Tell::Quietly {
            // The room answers: with the reset, or because it was behind the store for a moment.
            self.ask_room(&job);
            self.catch_up.current = Some(Box::new(job));
        } else if cancelled {
            self.catch_up.current = Some(Box::new(job));
            self.done(ctx);
        } else {
            self.send_page(job, page, ctx);
        }
    }

    fn send_page(&mut self, mut job: Job, page: &LogPage, ctx: &mut Context<Self>) {
        let until = job.until.unwrap_or(page.head);
        for entry in page.entries.iter().take_while(|entry| entry.seq <= until) {
            self.push_replay(entry);
            job.after = Some(entry.seq);
        }
        let at = job.after.unwrap_or(Seq::START);
        let (room, promised_more) = (job.room, job.until.is_some());
        self.catch_up.current = Some(Box::new(job));
        if promised_more && at >= until {
            // Not live: the client asks again after what it got.
            return self.done(ctx);
        }
        let caught_up = at >= page.head;
        ctx.spawn(self.drained().into_actor(self).map(move |(), session, ctx| {
            if session.link.closed().is_some() {
                return;
            }
            if caught_up {
                session.ask_current(room, ctx);
            } else {
                session.read_history(room, ctx);
            }
        }));
    }
}
