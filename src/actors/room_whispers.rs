//! What a room tells its readers that is in no log: who types, and how far others have read. A part
//! of [`super::room`].

use std::collections::BTreeMap;
use std::time::Duration;

use actix::{AsyncContext, Context};
use tokio::time::Instant;

use super::log_view::LogView;
use super::mail::{ToHub, Typing};
use super::outbox::Topic;
use super::room::{Phase, Room};
use crate::bus::{Announcement, Shard, Whisper};
use crate::domain::{Marks, UserId, policy};
use crate::protocol::{Encoded, news};

/// Receipts are told in rooms of at most so many; elsewhere they are asked for.
pub const RECEIPTS_UP_TO: usize = 50;
/// Typing is told in rooms with at most so many readers here.
const TYPING_UP_TO: usize = 200;
/// How often receipts are told.
const RECEIPTS: Duration = Duration::from_secs(1);

/// Marks that moved since the last receipts.
#[derive(Default)]
pub(super) struct Receipts {
    moved: BTreeMap<UserId, Marks>,
    told_at: Option<Instant>,
    /// They are on their way.
    waiting: bool,
}

impl Room {
    /// Someone types, or has stopped. Told by a socket here it goes on to the other processes.
    pub(super) fn typing(&self, typing: Typing) {
        let Typing { user, until, reply } = typing;
        let is_own = reply.is_some();
        let judged = match &self.phase {
            Phase::Open(log) if log.is_member(user) => Ok(()),
            Phase::Open(log) => Err(policy::outsider(log.is_private()).into()),
            Phase::Loading(_) | Phase::Absent => Err(crate::domain::Refusal::NotFound("room").into()),
        };
        let allowed = judged.is_ok();
        if let Some(reply) = reply {
            reply.send(judged);
        }
        let Phase::Open(log) = &self.phase else { return };
        if !allowed || log.readers() > TYPING_UP_TO {
            return;
        }
        let topic = Topic::Typing(self.id, user);
        self.whisper(log, topic, &news::typing(self.id, user, until), Some(user));
        if is_own {
            let whisper = Whisper::Typing { room: self.id, user, until };
            self.pod.bus.publish(Shard::of(self.id), Announcement::Whisper(whisper));
        }
    }

    /// A member's marks moved: the others are told at most once per second.
    pub(super) fn marked(&mut self, user: UserId, marks: Marks, ctx: &mut Context<Self>) {
        let Phase::Open(log) = &self.phase else { return };
        if log.member_count() > RECEIPTS_UP_TO || log.readers() == 0 {
            return;
        }
        let moved = self.receipts.moved.entry(user).or_default();
        *moved = Marks { received: moved.received.max(marks.received), read: moved.read.max(marks.read) };
        if self.receipts.waiting {
            return;
        }
        let since = self.receipts.told_at.map_or(RECEIPTS, |at| at.elapsed());
        if since >= RECEIPTS {
            return self.tell_receipts();
        }
        self.receipts.waiting = true;
        ctx.run_later(RECEIPTS - since, |room, _| room.tell_receipts());
    }

    fn tell_receipts(&mut self) {
        self.receipts.waiting = false;
        self.receipts.told_at = Some(Instant::now());
        let moved = std::mem::take(&mut self.receipts.moved);
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
