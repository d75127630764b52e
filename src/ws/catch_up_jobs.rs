//! What a session still wants to read, and what is under way. A part of [`super::catch_up`].

use std::collections::VecDeque;

use crate::actors::mail::Tell;
use crate::domain::subscription::{Level, ResetReason};
use crate::domain::{ConnId, RoomId, Seq};
use crate::protocol::Reference;

/// One wish to read a room.
pub(super) struct Job {
    pub(super) room: RoomId,
    pub(super) after: Option<Seq>,
    pub(super) reset: Option<ResetReason>,
    pub(super) tell: Tell,
    /// How far a replay goes that promised `more`, once the client was told.
    pub(super) until: Option<Seq>,
    /// The client changed its mind meanwhile: it is told, and then nothing more follows.
    pub(super) cancelled: bool,
    /// It counts as a command without an answer.
    pub(super) counted: bool,
    /// How much is wanted of the room.
    pub(super) level: Level,
    /// Only once everything that waits is written: the socket was too slow.
    pub(super) after_drain: bool,
}

pub(super) enum Work {
    Room(Job),
    /// What a `resume` lacks of the user's own log.
    UserLog,
    /// The end of a `resume`, and the connection that this one replaces.
    Resumed(Option<Reference>, Option<ConnId>),
}

/// What is under way and what waits.
#[derive(Default)]
pub(super) struct CatchUp {
    pub(super) waiting: VecDeque<Work>,
    /// In a box of its own: most of the time there is none.
    pub(super) current: Option<Box<Job>>,
    /// The user's own log is being read for a `resume`.
    pub(super) reading_user_log: bool,
    /// Entries that the `resume` under way may still replay.
    pub(super) budget: u64,
}

impl CatchUp {
    pub(super) fn rooms_waiting(&self) -> usize {
        self.waiting.len() + usize::from(self.current.is_some())
    }
}

impl Job {
    pub(super) fn new(room: RoomId, after: Option<Seq>, tell: Tell) -> Self {
        let counted = matches!(tell, Tell::Request(_));
        Self {
            room,
            after,
            reset: None,
            tell,
            until: None,
            cancelled: false,
            counted,
            level: Level::Full,
            after_drain: false,
        }
    }

    /// Everything was told, and nothing is wanted any more.
    pub(super) fn is_over(&self) -> bool {
        self.cancelled && self.tell == Tell::Quietly
    }
}
