//! Server frames beside the rooms' logs: a user's own log, the coalesced bump, and ephemera.

use serde::Serialize;
use uuid::Uuid;

use super::Encoded;
use super::client::Reference;
use super::wire::{RoomSettings, rfc3339};
use crate::domain::{Counts, Marks, RoomId, Seq, Timestamp, Unread, UserChange, UserEntry, UserId};

#[derive(Serialize)]
struct Frame<'a, D> {
    t: &'a str,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    useq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<String>,
    d: D,
}

fn of_room<D: Serialize>(t: &str, room: RoomId, d: D) -> Encoded {
    Encoded::json(&Frame { t, reference: None, room: Some(room.0), useq: None, ts: None, d })
}

/// Marks and what is unread above them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<Uuid>,
    received: u64,
    read: u64,
    unread: u64,
    mentions: u64,
}

impl Standing {
    fn of(room: Option<RoomId>, marks: Marks, unread: Unread) -> Self {
        Self {
            room_id: room.map(|room| room.0),
            received: marks.received.get(),
            read: marks.read.get(),
            unread: unread.messages,
            mentions: unread.mentions,
        }
    }
}

/// An entry of a user's own log, for all his devices.
#[must_use]
pub fn user_entry(entry: &UserEntry) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Room {
        room_id: Uuid,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Settings {
        room_id: Uuid,
        #[serde(flatten)]
        settings: RoomSettings,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Invite {
        invite_id: Uuid,
        room_id: Uuid,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Uuid>,
    }
    #[derive(Serialize)]
    struct Nothing {}
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Data {
        Room(Room),
        Standing(Standing),
        Settings(Settings),
        Invite(Invite),
        Nothing(Nothing),
    }
    let d = match &entry.change {
        UserChange::RoomAdded { room } | UserChange::RoomRemoved { room } => {
            Data::Room(Room { room_id: room.0 })
        }
        UserChange::MarkMoved { room, marks, unread } => {
            Data::Standing(Standing::of(Some(*room), *marks, *unread))
        }
        UserChange::SettingsUpdated { room, settings } => {
            Data::Settings(Settings { room_id: room.0, settings: (*settings).into() })
        }
        UserChange::InviteReceived { invite, room, by } => {
            Data::Invite(Invite { invite_id: invite.0, room_id: room.0, by: Some(by.0) })
        }
        UserChange::InviteRevoked { invite, room } => {
            Data::Invite(Invite { invite_id: invite.0, room_id: room.0, by: None })
        }
        UserChange::ProfileUpdated | UserChange::Other { .. } => Data::Nothing(Nothing {}),
    };
    Encoded::json(&Frame {
        t: entry.change.kind(),
        reference: None,
        room: None,
        useq: Some(entry.seq.get()),
        ts: Some(rfc3339(entry.at)),
        d,
    })
}

/// A `mark.read` or `mark.received` is stored.
#[must_use]
pub fn marked(reference: Option<&Reference>, marks: Marks, unread: Unread) -> Encoded {
    let d = Standing::of(None, marks, unread);
    Encoded::json(&Frame { t: "ack", reference, room: None, useq: None, ts: None, d })
}

/// A room grew: the same for everyone, at most once per second. `messages` is the number of
/// messages ever sent there, `members` that of its members where somebody came or went.
#[must_use]
pub fn bump(room: RoomId, head: Seq, messages: u64, members: Option<u64>) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Bump {
        head: u64,
        messages: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        member_count: Option<u64>,
    }
    of_room("room.bump", room, Bump { head: head.get(), messages, member_count: members })
}

/// The same for one user, for whom growth alone does not tell what is unread.
#[must_use]
pub fn counts(counts: &Counts) -> Encoded {
    #[derive(Serialize)]
    struct Bump {
        head: u64,
        messages: u64,
        #[serde(flatten)]
        standing: Standing,
    }
    let Counts { room, head, messages, marks, unread, .. } = *counts;
    of_room(
        "room.bump",
        room,
        Bump { head: head.get(), messages, standing: Standing::of(None, marks, unread) },
    )
}

/// This connection reads too slowly: the room goes on from the log once the queue is empty.
#[must_use]
pub fn lagged(room: RoomId, head: Seq) -> Encoded {
    #[derive(Serialize)]
    struct Lagged {
        head: u64,
    }
    of_room("room.lagged", room, Lagged { head: head.get() })
}

/// Someone types until then, or has stopped where that is not in the future.
#[must_use]
pub fn typing(room: RoomId, user: UserId, until: Timestamp) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Typing {
        user_id: Uuid,
        until: String,
    }
    of_room("typing", room, Typing { user_id: user.0, until: rfc3339(until) })
}

/// How far members have received and read, those whose marks moved.
#[must_use]
pub fn receipts<'a>(room: RoomId, marks: impl IntoIterator<Item = (&'a UserId, &'a Marks)>) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Receipt {
        user_id: Uuid,
        received: u64,
        read: u64,
    }
    #[derive(Serialize)]
    struct Receipts {
        users: Vec<Receipt>,
    }
    let receipt = |(user, marks): (&UserId, &Marks)| Receipt {
        user_id: user.0,
        received: marks.received.get(),
        read: marks.read.get(),
    };
    of_room("receipts", room, Receipts { users: marks.into_iter().map(receipt).collect() })
}

/// Who is here, and when those who are not were last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    pub user: UserId,
    pub is_online: bool,
    pub last_seen: Option<Timestamp>,
}

/// A digest of presence.
#[must_use]
pub fn presence(people: &[Presence]) -> Encoded {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Person {
        user_id: Uuid,
        is_online: bool,
        last_seen: Option<String>,
    }
    #[derive(Serialize)]
    struct Digest {
        users: Vec<Person>,
    }
    let person = |p: &Presence| Person {
        user_id: p.user.0,
        is_online: p.is_online,
        last_seen: p.last_seen.map(rfc3339),
    };
    let d = Digest { users: people.iter().map(person).collect() };
    Encoded::json(&Frame { t: "presence", reference: None, room: None, useq: None, ts: None, d })
}
