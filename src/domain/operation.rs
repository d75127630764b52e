//! What can be done to a room's log, and what came of it.

use super::{
    AuditRecord, Concern, Content, Draft, Emoji, Entry, InviteId, MessageId, Reason, Refusal, Role,
    RoomPatch, Timestamp, UserEntry, UserId, mention,
};

/// A wish to change a room, by someone whose identity is proven. Whether it is allowed is decided
/// inside the transaction that would store it, against the rows of that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Needs membership. A repeat of the draft's key answers the first outcome.
    Send { author: UserId, message: MessageId, draft: Draft },
    /// Own, within the window or by who looks after the room. Editing to the same content writes nothing.
    Edit { by: UserId, message: MessageId, content: Content },
    /// Own, within the window; what others wrote, for a reason, by who looks after the room. The record is
    /// kept with that. Deleting twice writes nothing.
    Delete { by: UserId, message: MessageId, reason: Option<Reason>, record: Box<AuditRecord> },
    /// Of what was reported, by who moderates the server: wherever it is, member or not, archived or not.
    TakeDown { by: UserId, message: MessageId, reason: Option<Reason>, record: Box<AuditRecord> },
    /// Of whoever ended his account: wherever it is, in the window or not, member or not. Erasing twice
    /// writes nothing.
    Erase { author: UserId, message: MessageId },
    /// A public room; joining twice writes nothing.
    Join { user: UserId },
    /// Leaving a room one is not in is a refusal, `notMember`/`notFound`.
    Leave { user: UserId },
    /// Expresses a sign, or takes it back. What is so already writes nothing.
    React { by: UserId, message: MessageId, emoji: Emoji, on: bool },
    /// Keeps a message in view, or no longer. What is so already writes nothing.
    Pin { by: UserId, message: MessageId, on: bool },
    /// By an invitation, which is used up by it. Joining twice uses nothing and writes nothing.
    Accept { user: UserId, invite: InviteId },
    /// Another name, description, topic or visibility. What is so already writes nothing.
    Update { by: UserId, patch: RoomPatch },
    /// Closes the room for writing, or opens it again.
    Archive { by: UserId, archived: bool },
    /// Puts somebody in. Who is in already is not written again.
    Add { by: UserId, user: UserId },
    /// Puts somebody out.
    Remove { by: UserId, user: UserId },
    /// Gives a role that is not the owner's.
    SetRole { by: UserId, user: UserId, role: Role },
    /// Makes another the owner, and the owner an administrator.
    Transfer { by: UserId, user: UserId },
    /// Puts somebody out, or keeps him out. Banning twice writes nothing.
    Ban { by: UserId, user: UserId },
    /// Lets somebody in again, who is not yet in by it.
    Unban { by: UserId, user: UserId },
    /// Keeps a member from writing. The record is kept with it.
    Mute { by: UserId, user: UserId, until: Timestamp, reason: Option<Reason>, record: Box<AuditRecord> },
    /// Lets him write again.
    Unmute { by: UserId, user: UserId, record: Box<AuditRecord> },
}

impl Operation {
    /// Who wishes it.
    #[must_use]
    pub const fn actor(&self) -> UserId {
        match self {
            Self::Send { author: user, .. }
            | Self::Edit { by: user, .. }
            | Self::Delete { by: user, .. }
            | Self::TakeDown { by: user, .. }
            | Self::Erase { author: user, .. }
            | Self::Join { user }
            | Self::Leave { user }
            | Self::Accept { user, .. }
            | Self::React { by: user, .. }
            | Self::Pin { by: user, .. }
            | Self::Update { by: user, .. }
            | Self::Archive { by: user, .. }
            | Self::Add { by: user, .. }
            | Self::Remove { by: user, .. }
            | Self::SetRole { by: user, .. }
            | Self::Transfer { by: user, .. }
            | Self::Ban { by: user, .. }
            | Self::Unban { by: user, .. }
            | Self::Mute { by: user, .. }
            | Self::Unmute { by: user, .. } => *user,
        }
    }

    /// Whether its text names those who are there now, so that somebody must say who is.
    #[must_use]
    pub fn names_present(&self) -> bool {
        match self {
            Self::Send { draft, .. } => mention::groups(draft.content.as_str()).present,
            Self::Edit { content, .. } => mention::groups(content.as_str()).present,
            _ => false,
        }
    }

    /// Whose membership it is about, where that is another's than of who wishes it.
    #[must_use]
    pub const fn subject(&self) -> Option<UserId> {
        match self {
            Self::Add { user, .. }
            | Self::Remove { user, .. }
            | Self::SetRole { user, .. }
            | Self::Transfer { user, .. }
            | Self::Ban { user, .. }
            | Self::Unban { user, .. }
            | Self::Mute { user, .. }
            | Self::Unmute { user, .. } => Some(*user),
            _ => None,
        }
    }
}

/// An operation that is in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The entry that answers the request: the one just written, or with `duplicate` the one that
    /// already stood there (its message as it is now).
    pub entry: Entry,
    /// What else was written by it, right after the entry: who became the owner by it.
    pub also: Vec<Entry>,
    /// Nothing was written now: a retry, or a change to what already is.
    pub duplicate: bool,
    /// What people are told in their own logs, committed with the entry: one joined or left, and to whom
    /// he had sent invitations that end by it.
    pub told: Vec<UserEntry>,
}

/// What came of one operation of a committed batch.
pub type Outcome = Result<Committed, Refusal>;

/// What came of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// One per operation, in their order.
    pub outcomes: Vec<Outcome>,
    /// Messages ever sent in the room, after the batch.
    pub messages: u64,
    /// Its members after the batch, where somebody came or went.
    pub members: Option<u64>,
    /// Whose counts it changed otherwise than by so many messages more.
    pub concern: Concern,
    /// What was recorded with it.
    pub records: Vec<AuditRecord>,
}

/// The operations of one room, in the order in which they are to be applied, all at `now`.
#[derive(Clone, Debug)]
pub struct RoomBatch {
    pub room: super::RoomId,
    pub now: Timestamp,
    pub operations: Vec<Operation>,
    /// Who of the room is there now, as the process knows that writes; only where a text names them.
    pub present: Vec<UserId>,
}
