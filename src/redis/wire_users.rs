//! How the entries of users' logs look in a stream; see [`super::wire`].

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::wire::{Unread, seq};
use super::wire_logs::raw;
use crate::domain::{
    InviteId, Marks, Notifications, RoomId, RoomSettings, Timestamp, Unread as Unseen, UserChange, UserEntry,
    UserId,
};

/// One entry of a user's log.
#[derive(Serialize, Deserialize)]
pub(super) struct UserEntryDto {
    u: Uuid,
    s: u64,
    t: i64,
    k: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    d: Option<Box<RawValue>>,
}

#[derive(Serialize, Deserialize)]
struct InRoomDto {
    r: Uuid,
}

#[derive(Serialize, Deserialize)]
struct MovedDto {
    r: Uuid,
    /// Received.
    c: u64,
    /// Read.
    d: u64,
    /// Unread messages, and mentions among them.
    m: u64,
    n: u64,
}

#[derive(Serialize, Deserialize)]
struct SettingsDto {
    r: Uuid,
    n: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    m: Option<i64>,
    f: bool,
}

#[derive(Serialize, Deserialize)]
struct InviteDto {
    i: Uuid,
    r: Uuid,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    b: Option<Uuid>,
}

impl UserEntryDto {
    pub(super) fn new(entry: &UserEntry) -> Result<Self, serde_json::Error> {
        let d = match &entry.change {
            UserChange::RoomAdded { room } | UserChange::RoomRemoved { room } => {
                raw(&InRoomDto { r: room.0 })?
            }
            UserChange::MarkMoved { room, marks, unread } => raw(&MovedDto {
                r: room.0,
                c: marks.received.get(),
                d: marks.read.get(),
                m: unread.messages,
                n: unread.mentions,
            })?,
            UserChange::SettingsUpdated { room, settings } => raw(&SettingsDto {
                r: room.0,
                n: settings.notifications.as_str().to_owned(),
                m: settings.muted_until.map(Timestamp::millis),
                f: settings.is_favourite,
            })?,
            UserChange::InviteReceived { invite, room, by } => {
                raw(&InviteDto { i: invite.0, r: room.0, b: Some(by.0) })?
            }
            UserChange::InviteRevoked { invite, room } => {
                raw(&InviteDto { i: invite.0, r: room.0, b: None })?
            }
            UserChange::ProfileUpdated | UserChange::Other { .. } => None,
        };
        let k = entry.change.kind().to_owned();
        Ok(Self { u: entry.user.0, s: entry.seq.get(), t: entry.at.millis(), k, d })
    }

    pub(super) fn entry(self) -> Result<UserEntry, Unread> {
        let data = self.d.as_deref().map(RawValue::get).unwrap_or_default();
        let room = || serde_json::from_str::<InRoomDto>(data).map(|place| RoomId(place.r));
        let change = match self.k.as_str() {
            "room.added" => UserChange::RoomAdded { room: room()? },
            "room.removed" => UserChange::RoomRemoved { room: room()? },
            "mark.moved" => {
                let MovedDto { r, c, d, m, n } = serde_json::from_str(data)?;
                UserChange::MarkMoved {
                    room: RoomId(r),
                    marks: Marks { received: seq(c)?, read: seq(d)? },
                    unread: Unseen { messages: m, mentions: n },
                }
            }
            "settings.updated" => {
                let SettingsDto { r, n, m, f } = serde_json::from_str(data)?;
                let settings = RoomSettings {
                    notifications: Notifications::from_stored(&n),
                    muted_until: m.map(Timestamp::from_millis),
                    is_favourite: f,
                };
                UserChange::SettingsUpdated { room: RoomId(r), settings }
            }
            "invite.received" => {
                let InviteDto { i, r, b } = serde_json::from_str(data)?;
                let by = UserId(b.ok_or(Unread::Malformed)?);
                UserChange::InviteReceived { invite: InviteId(i), room: RoomId(r), by }
            }
            "invite.revoked" => {
                let InviteDto { i, r, .. } = serde_json::from_str(data)?;
                UserChange::InviteRevoked { invite: InviteId(i), room: RoomId(r) }
            }
            "profile.updated" => UserChange::ProfileUpdated,
            _ => UserChange::Other { kind: self.k },
        };
        Ok(UserEntry { user: UserId(self.u), seq: seq(self.s)?, at: Timestamp::from_millis(self.t), change })
    }
}
