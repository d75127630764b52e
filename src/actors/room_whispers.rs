//! What a room tells its readers that is in no log: who types, and how far others have read. A part
//! of [`super::room`].

use std::collections::BTreeMap;
use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::time::Instant;

use super::log_view::LogView;
use super::mail::{ToHub, Typing};
use super::outbox::Topic;
use super::reply::Reply;
use super::room::{Phase, Room, unavailable};
use crate::bus::{Announcement, Shard, Whisper};
use crate::domain::{Marks, Refusal, Timestamp, UserId, policy};
use crate::error::Fault;
use crate::protocol::{Encoded, news};

/// How often receipts are told.
const RECEIPTS: Duration = Duration::from_secs(1);
/// For how long it is taken for granted whether many members are online: counting them looks at each.
const COUNT: Duration = Duration::from_secs(1);

/// What a room remembers of what it whispers.
#[derive(Default)]
pub(super) struct Whispers {
    /// Marks that moved since the last receipts.
    moved: BTreeMap<UserId, Marks>,
    receipts_at: Option<Instant>,
    /// Receipts are on their way.
    waiting: bool,
    /// When members were counted last, and whether too many were online for typing to be told.
    crowd: Option<(Instant, bool)>,
    /// How often the store was asked who hears whom, and by which question for whom last: of two people.
    asked: u64,
    asked_for: BTreeMap<UserId, u64>,
}

impl Room {
    /// Someone types, or has stopped. Told by a socket here it is judged here, and goes on to the other
    /// processes.
    pub(super) fn typing(&mut self, typing: Typing, ctx: &mut Context<Self>) {
        let Typing { user, until, reply } = typing;
        let judged = self.may_type(user, reply.is_some());
        let asks = matches!(&self.phase, Phase::Open(log) if log.may_be_pair());
        match reply {
            Some(reply) if judged.is_ok() && asks => self.ask_whether_heard(user, until, reply, ctx),
            Some(reply) => {
                let allowed = judged.is_ok();
                reply.send(judged);
                if allowed {
                    self.tell_typing(user, until, true);
                }
            }
            None if judged.is_ok() => self.tell_typing(user, until, false),
            None => {}
        }
    }

    /// Who may not write does not type. Where it was not told by a socket here, that was judged before.
    fn may_type(&self, user: UserId, is_own: bool) -> Result<(), Fault> {
        let Phase::Open(log) = &self.phase else { return Err(Refusal::NotFound("room").into()) };
        if !log.is_member(user) {
            return Err(policy::outsider(log.is_private()).into());
        }
        let retry_after = log.muted_for(user, self.pod.clock.now());
        if is_own && !retry_after.is_zero() {
            return Err(Refusal::Muted { retry_after }.into());
        }
        Ok(())
    }

    /// Of a conversation of two only the store knows who blocks whom.
    fn ask_whether_heard(
        &mut self,
        user: UserId,
        until: Timestamp,
        reply: Reply<()>,
        ctx: &mut Context<Self>,
    ) {
        self.whispers.asked += 1;
        let asked = self.whispers.asked;
        self.whispers.asked_for.insert(user, asked);
        let (store, id) = (self.pod.store.clone(), self.id);
        let blockers = async move { store.blockers(id).await }.into_actor(self);
        ctx.spawn(blockers.map(move |blockers, room, _| {
            // What was said later, perhaps that he has stopped, may have been answered first.
            let is_last = room.whispers.asked_for.get(&user) == Some(&asked);
            if is_last {
                room.whispers.asked_for.remove(&user);
            }
            let judged = match blockers {
                Ok(blockers) => policy::may_speak(user, &blockers).map_err(Fault::from),
                Err(_) => Err(unavailable()),
            };
            let allowed = judged.is_ok();
            reply.send(judged);
            if allowed && is_last {
                room.tell_typing(user, until, true);
            }
        }));
    }

    fn tell_typing(&mut self, user: UserId, until: Timestamp, is_own: bool) {
        if self.is_crowd() {
            return;
        }
        let Phase::Open(log) = &self.phase else { return };
        let topic = Topic::Typing(self.id, user);
        self.whisper(log, topic, &news::typing(self.id, user, until), Some(user));
        if is_own {
            let whisper = Whisper::Typing { room: self.id, user, until };
            self.pod.bus.publish(Shard::of(self.id), Announcement::Whisper(whisper));
        }
    }

    /// Whether so many members are online, anywhere, that nobody is told who types.
    fn is_crowd(&mut self) -> bool {
        let most = self.pod.settings.limits.typing_members;
        let Phase::Open(log) = &self.phase else { return false };
        if log.member_count() <= most {
            return false;
        }
        if let Some((at, is_crowd)) = self.whispers.crowd
            && at.elapsed() < COUNT
        {
            return is_crowd;
        }
        let roster = self.pod.roster();
        let is_crowd = log.members().filter(|user| roster.is_online(*user)).nth(most).is_some();
        drop(roster);
        self.whispers.crowd = Some((Instant::now(), is_crowd));
        is_crowd
    }

    /// A member's marks moved: the others are told at most once per second.
    pub(super) fn marked(&mut self, user: UserId, marks: Marks, ctx: &mut Context<Self>) {
        let Phase::Open(log) = &self.phase else { return };
        if log.member_count() > self.pod.settings.limits.receipts_members || log.readers() == 0 {
            return;
        }
        let moved = self.whispers.moved.entry(user).or_default();
        *moved = Marks { received: moved.received.max(marks.received), read: moved.read.max(marks.read) };
        if self.whispers.waiting {
            return;
        }
        let since = self.whispers.receipts_at.map_or(RECEIPTS, |at| at.elapsed());
        if since >= RECEIPTS {
            return self.tell_receipts();
        }
        self.whispers.waiting = true;
        ctx.run_later(RECEIPTS - since, |room, _| room.tell_receipts());
    }

    fn tell_receipts(&mut self) {
        self.whispers.waiting = false;
        self.whispers.receipts_at = Some(Instant::now());
        let moved = std::mem::take(&mut self.whispers.moved);
        if let Phase::Open(log) = &self.phase {
            self.whisper(log, Topic::Receipts, &news::receipts(self.id, &moved), None);
        }
    }

    fn whisper(&self, log: &LogView, topic: Topic, frame: &Encoded, except: Option<UserId>) {
        for hub in log.hubs() {
            let message = ToHub::Whisper { room: self.id, topic, frame: frame.clone(), except };
            self.pod.tell_hub(hub, message);
        }
    }
}
