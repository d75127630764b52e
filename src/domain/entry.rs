//! A room's log: the durable changes, each with its `seq`.

use std::borrow::Cow;

use super::{Emoji, Member, Message, MessageId, Mute, Role, RoomFacts, RoomId, Seq, Timestamp, UserId};

/// One durable change of a room. It exists because its transaction committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub room: RoomId,
    /// Its place in the log, for everyone the same.
    pub seq: Seq,
    pub at: Timestamp,
    pub change: Change,
}

impl Entry {
    /// As a reader gets it whose part of the log begins at `from`: nothing of a message from before.
    #[must_use]
    pub fn seen_from(self, from: Seq) -> Self {
        let is_hidden = self.change.about().is_some_and(|message| message.seq < from);
        if is_hidden { Self { change: Change::Hidden, ..self } } else { self }
    }
}

/// A message, and its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageAt {
    pub id: MessageId,
    pub seq: Seq,
}

/// What changed. Message changes carry the message as it was when the entry was read: at commit,
/// or as it is now when the entry is replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    MessageCreated(Message),
    MessageUpdated(Message),
    MessageDeleted(Message),
    MemberJoined {
        member: Member,
        username: String,
    },
    /// By himself, or put out by another; `is_banned`: he may not come back.
    MemberLeft {
        user: UserId,
        by: Option<UserId>,
        is_banned: bool,
    },
    /// A member has another role.
    MemberUpdated {
        user: UserId,
        role: Role,
    },
    /// A member, whose role is this, may not write for a time, or may again.
    MemberMuted {
        user: UserId,
        role: Role,
        mute: Mute,
    },
    /// Somebody who is no member may not become one.
    MemberBanned {
        user: UserId,
        by: UserId,
    },
    /// He may again.
    MemberUnbanned {
        user: UserId,
        by: UserId,
    },
    /// The room as it is from this entry on.
    RoomUpdated(RoomFacts),
    /// The same, closed for writing.
    RoomArchived(RoomFacts),
    ReactionAdded {
        message: MessageAt,
        user: UserId,
        emoji: Emoji,
    },
    ReactionRemoved {
        message: MessageAt,
        user: UserId,
        emoji: Emoji,
    },
    /// Those who look after the room keep it in view from now on.
    MessagePinned {
        message: MessageAt,
        user: UserId,
    },
    MessageUnpinned {
        message: MessageAt,
        user: UserId,
    },
    /// Something about a message from before the part of the log that its reader may see: it keeps its
    /// number, so that he sees no hole, and tells him nothing. Nobody writes it.
    Hidden,
    /// A kind that a newer version wrote: it keeps its number and its name, so that nobody sees a
    /// hole, and means nothing here.
    Other {
        kind: Cow<'static, str>,
    },
}

impl Change {
    /// The event's name on the wire and the kind in the database.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::MessageCreated(_) => "message.created",
            Self::MessageUpdated(_) => "message.updated",
            Self::MessageDeleted(_) => "message.deleted",
            Self::MemberJoined { .. } => "member.joined",
            Self::MemberLeft { .. } => "member.left",
            Self::MemberUpdated { .. } | Self::MemberMuted { .. } => "member.updated",
            Self::MemberBanned { .. } => "member.banned",
            Self::MemberUnbanned { .. } => "member.unbanned",
            Self::ReactionAdded { .. } => "reaction.added",
            Self::ReactionRemoved { .. } => "reaction.removed",
            Self::MessagePinned { .. } => "message.pinned",
            Self::MessageUnpinned { .. } => "message.unpinned",
            Self::RoomUpdated(_) => "room.updated",
            Self::RoomArchived(_) => "room.archived",
            Self::Hidden => "entry.hidden",
            Self::Other { kind } => kind,
        }
    }

    /// The message concerned, where there is one.
    #[must_use]
    pub const fn message(&self) -> Option<&Message> {
        match self {
            Self::MessageCreated(m) | Self::MessageUpdated(m) | Self::MessageDeleted(m) => Some(m),
            Self::MemberJoined { .. }
            | Self::MemberLeft { .. }
            | Self::MemberUpdated { .. }
            | Self::MemberMuted { .. }
            | Self::MemberBanned { .. }
            | Self::MemberUnbanned { .. }
            | Self::RoomUpdated(_)
            | Self::RoomArchived(_)
            | Self::ReactionAdded { .. }
            | Self::ReactionRemoved { .. }
            | Self::MessagePinned { .. }
            | Self::MessageUnpinned { .. }
            | Self::Hidden
            | Self::Other { .. } => None,
        }
    }

    /// The message that it is about: itself, or what somebody expressed about it.
    #[must_use]
    pub const fn about(&self) -> Option<MessageAt> {
        match self {
            Self::MessageCreated(m) | Self::MessageUpdated(m) | Self::MessageDeleted(m) => Some(m.at()),
            Self::ReactionAdded { message, .. }
            | Self::ReactionRemoved { message, .. }
            | Self::MessagePinned { message, .. }
            | Self::MessageUnpinned { message, .. } => Some(*message),
            _ => None,
        }
    }

    /// An earlier message that this entry changed, so that copies made before are out of date.
    #[must_use]
    pub const fn supersedes(&self) -> Option<MessageId> {
        match self {
            Self::MessageUpdated(m) | Self::MessageDeleted(m) => Some(m.id),
            _ => None,
        }
    }
}

/// A log of either sort, and a position in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogHead {
    Room(RoomId, Seq),
    User(UserId, Seq),
}

/// Where a room's log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub room: RoomId,
    pub head: Seq,
    pub first_retained: Seq,
}
