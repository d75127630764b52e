//! A user's own log: what is not a room's business but his alone, on all his devices.

use super::{InviteId, Marks, RoomId, RoomSettings, Seq, Timestamp, Unread, UserId};

/// One durable change of a user's affairs. Numbered like a room's log: gapless from 1, under the
/// user's row lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEntry {
    pub user: UserId,
    /// Its place in the user's log: `useq` on the wire.
    pub seq: Seq,
    pub at: Timestamp,
    pub change: UserChange,
}

/// What changed for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// He is a member of this room from now on.
    RoomAdded { room: RoomId },
    /// He is no longer.
    RoomRemoved { room: RoomId },
    /// One of his devices received or read further; the counts are of the moment of the change.
    MarkMoved { room: RoomId, marks: Marks, unread: Unread },
    /// He set something for himself in a room.
    SettingsUpdated { room: RoomId, settings: RoomSettings },
    /// Somebody invites him.
    InviteReceived { invite: InviteId, room: RoomId, by: UserId },
    /// An invitation is no more: taken back, declined, or accepted.
    InviteRevoked { invite: InviteId, room: RoomId },
    /// He told something else of himself: his devices read it again.
    ProfileUpdated,
    /// A kind that a newer version wrote: it keeps its number and its name, and means nothing here.
    Other { kind: String },
}

impl UserChange {
    /// The event's name on the wire and the kind in the database.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::RoomAdded { .. } => "room.added",
            Self::RoomRemoved { .. } => "room.removed",
            Self::MarkMoved { .. } => "mark.moved",
            Self::SettingsUpdated { .. } => "settings.updated",
            Self::InviteReceived { .. } => "invite.received",
            Self::InviteRevoked { .. } => "invite.revoked",
            Self::ProfileUpdated => "profile.updated",
            Self::Other { kind } => kind,
        }
    }

    /// The room that it is about, if it is about one.
    #[must_use]
    pub const fn room(&self) -> Option<RoomId> {
        match self {
            Self::RoomAdded { room }
            | Self::RoomRemoved { room }
            | Self::MarkMoved { room, .. }
            | Self::SettingsUpdated { room, .. }
            | Self::InviteReceived { room, .. }
            | Self::InviteRevoked { room, .. } => Some(*room),
            Self::ProfileUpdated | Self::Other { .. } => None,
        }
    }
}
