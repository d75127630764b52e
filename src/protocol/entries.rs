//! The entries of rooms' logs as events: the other half of [`super::server`].

use serde::Serialize;
use uuid::Uuid;

use super::server::Frame;
use super::wire::{self, rfc3339};
use super::{Encoded, Links};
use crate::domain::{Change, Entry, Member, RoomFacts, UserId};

/// A log entry. `viewer` is told his own `clientMsgId`; everyone else gets the common frame of
/// `None`.
#[must_use]
pub fn entry(entry: &Entry, viewer: Option<UserId>, links: &Links) -> Encoded {
    let envelope = |d: Data<'_>| {
        Encoded::json(&Frame {
            t: entry.change.kind(),
            reference: None,
            room: Some(entry.room.0),
            seq: Some(entry.seq.get()),
            ts: Some(rfc3339(entry.at)),
            d,
        })
    };
    match &entry.change {
        Change::MessageCreated(m) | Change::MessageUpdated(m) | Change::MessageDeleted(m) => {
            envelope(Data::Message(Box::new(wire::Message::of(m, viewer, links))))
        }
        Change::MemberJoined { member, username } => envelope(Data::Joined(Joined::of(member, username))),
        Change::MemberLeft { user, by, is_banned } => {
            let by = by.map(|by| by.0);
            envelope(Data::Left { user_id: user.0, by, is_banned: *is_banned })
        }
        Change::MemberUpdated { user, role } => {
            envelope(Data::Updated { user_id: user.0, role: role.as_str() })
        }
        Change::MemberMuted { user, role, mute } => envelope(Data::Muted {
            user_id: user.0,
            role: role.as_str(),
            muted_until: mute.until.map(rfc3339),
            by: mute.by.0,
            reason: mute.reason.as_ref().map(|reason| reason.as_str()),
        }),
        Change::MemberBanned { user, by } | Change::MemberUnbanned { user, by } => {
            envelope(Data::Banned { user_id: user.0, by: by.0 })
        }
        Change::ReactionAdded { message, user, emoji } | Change::ReactionRemoved { message, user, emoji } => {
            envelope(Data::Reaction { id: message.id.0, user_id: user.0, emoji: emoji.as_str() })
        }
        Change::MessagePinned { message, user } | Change::MessageUnpinned { message, user } => {
            envelope(Data::Pin { message_id: message.id.0, user_id: user.0 })
        }
        Change::RoomUpdated(facts) | Change::RoomArchived(facts) => envelope(Data::Room(Facts::of(facts))),
        Change::Hidden | Change::Other { .. } => envelope(Data::Nothing {}),
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Message(Box<wire::Message>),
    Joined(Joined<'a>),
    #[serde(rename_all = "camelCase")]
    Left {
        user_id: Uuid,
        /// Who put him out; absent where he went by himself.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Uuid>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_banned: bool,
    },
    #[serde(rename_all = "camelCase")]
    Updated {
        user_id: Uuid,
        role: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    Muted {
        user_id: Uuid,
        role: &'static str,
        /// Null where he may write again.
        muted_until: Option<String>,
        by: Uuid,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    #[serde(rename_all = "camelCase")]
    Banned {
        user_id: Uuid,
        by: Uuid,
    },
    #[serde(rename_all = "camelCase")]
    Reaction {
        id: Uuid,
        user_id: Uuid,
        emoji: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    Pin {
        message_id: Uuid,
        user_id: Uuid,
    },
    Room(Facts<'a>),
    Nothing {},
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Joined<'a> {
    user_id: Uuid,
    username: &'a str,
    role: &'static str,
    joined_at: String,
}

impl<'a> Joined<'a> {
    fn of(member: &Member, username: &'a str) -> Self {
        Self {
            user_id: member.user.0,
            username,
            role: member.role.as_str(),
            joined_at: rfc3339(member.joined_at),
        }
    }
}

/// Everything that can be changed of a room, as it is from the entry on.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts<'a> {
    name: &'a str,
    description: Option<&'a str>,
    topic: Option<&'a str>,
    history_visibility: &'static str,
    archived_at: Option<String>,
    /// `None` where it is as everywhere.
    edit_window_seconds: Option<u64>,
    slow_mode_seconds: u64,
}

impl<'a> Facts<'a> {
    fn of(facts: &'a RoomFacts) -> Self {
        Self {
            name: facts.name.as_str(),
            description: facts.description.as_ref().map(|text| text.as_str()),
            topic: facts.topic.as_ref().map(|text| text.as_str()),
            history_visibility: facts.history.as_str(),
            archived_at: facts.archived_at.map(rfc3339),
            edit_window_seconds: facts.edit_window.map(|window| window.0.as_secs()),
            slow_mode_seconds: facts.slow_mode.seconds(),
        }
    }
}
