//! The doorbell. The bus tells other processes that a room's log grew; losing, doubling, delaying
//! or reordering an announcement may delay a reader, never lose, repeat or reorder a message.
//!
//! Names the domain only. Next: [`shard`], then [`local`] and [`alone`].

pub mod alone;
pub mod announced;
pub mod local;
pub mod shard;

use std::sync::Arc;

pub use shard::{SHARDS, Shard};
use tokio::sync::mpsc;

use uuid::Uuid;

use crate::domain::journey::Step;
use crate::domain::{
    Concern, Entry, LogHead, Marks, MessageId, PodId, RoomId, SessionId, Timestamp, UserEntry, UserId,
};

/// What processes tell each other. Cheap to clone: what is large is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// A room's log grew.
    Room(Arc<RoomNews>),
    /// Users' own logs grew; all of one shard.
    Users(Arc<[UserEntry]>),
    /// A log reaches so far, whoever wrote it: what the sweeper tells of what was committed and
    /// perhaps never announced.
    Head(LogHead),
    /// A login ended: its sockets are to be closed.
    LoginEnded(SessionId),
    /// Something that is in no log and may get lost.
    Whisper(Whisper),
    /// What did others note of the way of this message, and of this person's connections?
    Asked { question: Uuid, message: MessageId, user: UserId },
    /// What one noted.
    Noted { question: Uuid, steps: Arc<[Step]> },
}

/// What was committed to one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomNews {
    pub room: RoomId,
    /// Ascending, without a hole.
    pub entries: Vec<Entry>,
    /// Messages ever sent in the room, after these entries.
    pub messages: u64,
    /// Its members after them, where somebody came or went.
    pub members: Option<u64>,
    /// Whose counts are not those before and so many messages more.
    pub concern: Concern,
}

/// Ephemera: never stored, dropped when in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whisper {
    /// Someone is typing until then; not in the future: he stopped.
    Typing { room: RoomId, user: UserId, until: Timestamp },
    /// A member's marks, for the receipts of others.
    Marks { room: RoomId, user: UserId, marks: Marks },
    /// People came to or went from a process: how many of their connections it has now, and when
    /// they were last there.
    Presence { pod: PodId, people: Arc<[(UserId, u32, Timestamp)]> },
}

/// What carries announcements between processes.
pub trait Bus: Send + Sync + 'static {
    /// Announces something of one shard. Never waits and never fails: what cannot be announced is
    /// counted by the adapter, and readers repair the silence from the store.
    fn publish(&self, shard: Shard, announcement: Announcement);

    /// The logs whose growth was surely announced since this was last asked, so that the outbox
    /// may forget it. One position per log, the last.
    fn take_announced(&self) -> Vec<LogHead>;

    /// Whether it works as it is meant to right now, as far as this process knows.
    fn is_up(&self) -> bool;

    /// Whether announcements reach other processes at all. Where they never do, each learns of the
    /// others from the store alone, at the pace of a bus that is away.
    fn connects(&self) -> bool {
        true
    }

    /// Whether others hear of what is announced now.
    fn passes(&self) -> bool {
        self.connects() && self.is_up()
    }

    /// The announcements of one shard from now on; those that this engine published itself may or
    /// may not be among them. Bounded: a
    /// reader that lags loses announcements, which the repair of silence makes good.
    fn subscribe(&self, shard: Shard) -> mpsc::Receiver<Announcement>;

    /// Whether an announcement can get lost, so that rooms must compare heads with the store.
    fn is_lossy(&self) -> bool;
}

/// What actors hold.
pub type SharedBus = Arc<dyn Bus>;
