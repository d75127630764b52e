//! How the entries of rooms' logs look in a stream; see [`super::wire`]. Those of users' logs:
//! [`super::wire_users`].

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::wire::{Unread, seq};
use crate::domain::policy::EditWindow;
use crate::domain::{
    Attachment, Change, ClientMsgId, Description, Emoji, Entry, FileId, FileName, HistoryVisibility, Member,
    Message, MessageAt, MessageId, Mute, Reason, Removal, Role, RoomFacts, RoomId, RoomName, SlowMode,
    Timestamp, Topic, UserId,
};

/// One entry of a room's log. The room is named once for all of them.
#[derive(Serialize, Deserialize)]
pub(super) struct EntryDto {
    s: u64,
    t: i64,
    /// The kind, as in the log.
    k: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    d: Option<Box<RawValue>>,
}

#[derive(Serialize, Deserialize)]
struct MessageDto {
    i: Uuid,
    s: u64,
    a: Uuid,
    c: Uuid,
    x: String,
    /// Files. Servers that do not know them pass over it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    g: Vec<FileDto>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    p: Option<Uuid>,
    /// Where its thread began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    h: Option<Uuid>,
    t: i64,
    u: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    z: Option<i64>,
    /// By whom it was taken away, and why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    y: Option<RemovalDto>,
}

#[derive(Serialize, Deserialize)]
struct RemovalDto {
    b: Uuid,
    r: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct FileDto {
    i: Uuid,
    n: String,
    /// The media type.
    m: String,
    /// Bytes.
    b: u64,
    /// Whether it has a thumbnail.
    t: bool,
}

#[derive(Serialize, Deserialize)]
struct JoinedDto {
    u: Uuid,
    r: String,
    t: i64,
    s: u64,
    n: String,
}

#[derive(Serialize, Deserialize)]
struct LeftDto {
    u: Uuid,
    /// By whom, and whether for good.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    b: Option<Uuid>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    x: bool,
}

#[derive(Serialize, Deserialize)]
struct RoleDto {
    u: Uuid,
    r: String,
    /// What is new is not the role.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    m: Option<MuteDto>,
}

#[derive(Serialize, Deserialize)]
struct MuteDto {
    u: Option<i64>,
    b: Uuid,
    r: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct BannedDto {
    u: Uuid,
    b: Uuid,
}

#[derive(Serialize, Deserialize)]
struct ReactionDto {
    i: Uuid,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    q: Option<u64>,
    u: Uuid,
    e: String,
}

#[derive(Serialize, Deserialize)]
struct PinDto {
    i: Uuid,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    q: Option<u64>,
    u: Uuid,
}

#[derive(Serialize, Deserialize)]
struct FactsDto {
    n: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    d: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    t: Option<String>,
    h: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    a: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    w: Option<i64>,
    /// Slow mode.
    #[serde(default)]
    s: i64,
}

impl FactsDto {
    fn new(facts: &RoomFacts) -> Self {
        Self {
            n: facts.name.as_str().to_owned(),
            d: facts.description.as_ref().map(|text| text.as_str().to_owned()),
            t: facts.topic.as_ref().map(|text| text.as_str().to_owned()),
            h: facts.history.as_str().to_owned(),
            a: facts.archived_at.map(Timestamp::millis),
            w: facts.edit_window.map(EditWindow::stored),
            s: facts.slow_mode.stored(),
        }
    }

    fn facts(self) -> RoomFacts {
        RoomFacts {
            name: RoomName::from_stored(self.n),
            description: self.d.map(Description::from_stored),
            topic: self.t.map(Topic::from_stored),
            history: HistoryVisibility::from_stored(&self.h),
            archived_at: self.a.map(Timestamp::from_millis),
            edit_window: self.w.map(EditWindow::from_stored),
            slow_mode: SlowMode::from_stored(self.s),
        }
    }
}

impl FileDto {
    fn new(file: &Attachment) -> Self {
        let Attachment { id, name, media_type, size, has_thumbnail } = file;
        Self { i: id.0, n: name.as_str().to_owned(), m: media_type.clone(), b: *size, t: *has_thumbnail }
    }

    fn attachment(self) -> Attachment {
        Attachment {
            id: FileId(self.i),
            name: FileName::from_stored(self.n),
            media_type: self.m,
            size: self.b,
            has_thumbnail: self.t,
        }
    }
}

impl RemovalDto {
    fn new(removal: &Removal) -> Self {
        Self { b: removal.by.0, r: removal.reason.as_ref().map(|reason| reason.as_str().to_owned()) }
    }

    fn removal(self) -> Removal {
        Removal { by: UserId(self.b), reason: self.r.map(Reason::from_stored) }
    }
}

impl MessageDto {
    fn new(message: &Message) -> Self {
        Self {
            i: message.id.0,
            s: message.seq.get(),
            a: message.author.0,
            c: message.client_msg_id.0,
            x: message.content.clone(),
            g: message.attachments.iter().map(FileDto::new).collect(),
            p: message.reply_to.map(|id| id.0),
            h: message.thread_root.map(|id| id.0),
            t: message.created_at.millis(),
            u: message.updated_at.millis(),
            z: message.deleted_at.map(Timestamp::millis),
            y: message.removal.as_ref().map(RemovalDto::new),
        }
    }

    fn message(self, room: RoomId) -> Result<Message, Unread> {
        Ok(Message {
            id: MessageId(self.i),
            room,
            seq: seq(self.s)?,
            author: UserId(self.a),
            client_msg_id: ClientMsgId(self.c),
            content: self.x,
            attachments: self.g.into_iter().map(FileDto::attachment).collect(),
            reply_to: self.p.map(MessageId),
            thread_root: self.h.map(MessageId),
            created_at: Timestamp::from_millis(self.t),
            updated_at: Timestamp::from_millis(self.u),
            deleted_at: self.z.map(Timestamp::from_millis),
            removal: self.y.map(RemovalDto::removal),
        })
    }
}

pub(super) fn raw<T: Serialize>(data: &T) -> Result<Option<Box<RawValue>>, serde_json::Error> {
    serde_json::value::to_raw_value(data).map(Some)
}

/// A version before this one does not say where a message stands, on which it depends who may be told
/// of it: that entry is read from the database.
fn place(id: Uuid, at: Option<u64>) -> Result<MessageAt, Unread> {
    Ok(MessageAt { id: MessageId(id), seq: seq(at.ok_or(Unread::Unknown)?)? })
}

impl EntryDto {
    pub(super) fn new(entry: &Entry) -> Result<Self, serde_json::Error> {
        let d = match &entry.change {
            Change::MessageCreated(message)
            | Change::MessageUpdated(message)
            | Change::MessageDeleted(message) => raw(&MessageDto::new(message))?,
            Change::MemberJoined { member, username } => raw(&JoinedDto {
                u: member.user.0,
                r: member.role.as_str().to_owned(),
                t: member.joined_at.millis(),
                s: member.joined_seq.get(),
                n: username.clone(),
            })?,
            Change::MemberLeft { user, by, is_banned } => {
                raw(&LeftDto { u: user.0, b: by.map(|by| by.0), x: *is_banned })?
            }
            Change::MemberUpdated { user, role } => {
                raw(&RoleDto { u: user.0, r: role.as_str().to_owned(), m: None })?
            }
            Change::MemberMuted { user, role, mute } => {
                let r = mute.reason.as_ref().map(|reason| reason.as_str().to_owned());
                let m = MuteDto { u: mute.until.map(Timestamp::millis), b: mute.by.0, r };
                raw(&RoleDto { u: user.0, r: role.as_str().to_owned(), m: Some(m) })?
            }
            Change::MemberBanned { user, by } | Change::MemberUnbanned { user, by } => {
                raw(&BannedDto { u: user.0, b: by.0 })?
            }
            Change::ReactionAdded { message, user, emoji }
            | Change::ReactionRemoved { message, user, emoji } => {
                let (q, e) = (Some(message.seq.get()), emoji.as_str().to_owned());
                raw(&ReactionDto { i: message.id.0, q, u: user.0, e })?
            }
            Change::MessagePinned { message, user } | Change::MessageUnpinned { message, user } => {
                raw(&PinDto { i: message.id.0, q: Some(message.seq.get()), u: user.0 })?
            }
            Change::RoomUpdated(facts) | Change::RoomArchived(facts) => raw(&FactsDto::new(facts))?,
            Change::Hidden | Change::Other { .. } => None,
        };
        Ok(Self { s: entry.seq.get(), t: entry.at.millis(), k: entry.change.kind().to_owned(), d })
    }

    pub(super) fn entry(self, room: RoomId) -> Result<Entry, Unread> {
        let data = self.d.as_deref().map(RawValue::get).unwrap_or_default();
        let message = || serde_json::from_str::<MessageDto>(data)?.message(room);
        let change = match self.k.as_str() {
            "message.created" => Change::MessageCreated(message()?),
            "message.updated" => Change::MessageUpdated(message()?),
            "message.deleted" => Change::MessageDeleted(message()?),
            "member.joined" => {
                let JoinedDto { u, r, t, s, n } = serde_json::from_str(data)?;
                let member = Member {
                    user: UserId(u),
                    role: Role::from_stored(&r),
                    joined_at: Timestamp::from_millis(t),
                    joined_seq: seq(s)?,
                };
                Change::MemberJoined { member, username: n }
            }
            "member.left" => {
                let LeftDto { u, b, x } = serde_json::from_str(data)?;
                Change::MemberLeft { user: UserId(u), by: b.map(UserId), is_banned: x }
            }
            "member.updated" => {
                let RoleDto { u, r, m } = serde_json::from_str(data)?;
                let (user, role) = (UserId(u), Role::from_stored(&r));
                match m {
                    None => Change::MemberUpdated { user, role },
                    Some(MuteDto { u, b, r }) => {
                        let (until, reason) = (u.map(Timestamp::from_millis), r.map(Reason::from_stored));
                        Change::MemberMuted { user, role, mute: Mute { until, by: UserId(b), reason } }
                    }
                }
            }
            "member.banned" => {
                let BannedDto { u, b } = serde_json::from_str(data)?;
                Change::MemberBanned { user: UserId(u), by: UserId(b) }
            }
            "member.unbanned" => {
                let BannedDto { u, b } = serde_json::from_str(data)?;
                Change::MemberUnbanned { user: UserId(u), by: UserId(b) }
            }
            "reaction.added" => {
                let ReactionDto { i, q, u, e } = serde_json::from_str(data)?;
                let (message, user, emoji) = (place(i, q)?, UserId(u), Emoji::from_stored(e));
                Change::ReactionAdded { message, user, emoji }
            }
            "reaction.removed" => {
                let ReactionDto { i, q, u, e } = serde_json::from_str(data)?;
                let (message, user, emoji) = (place(i, q)?, UserId(u), Emoji::from_stored(e));
                Change::ReactionRemoved { message, user, emoji }
            }
            "message.pinned" => {
                let PinDto { i, q, u } = serde_json::from_str(data)?;
                Change::MessagePinned { message: place(i, q)?, user: UserId(u) }
            }
            "message.unpinned" => {
                let PinDto { i, q, u } = serde_json::from_str(data)?;
                Change::MessageUnpinned { message: place(i, q)?, user: UserId(u) }
            }
            "room.updated" => Change::RoomUpdated(serde_json::from_str::<FactsDto>(data)?.facts()),
            "room.archived" => Change::RoomArchived(serde_json::from_str::<FactsDto>(data)?.facts()),
            _ => Change::Other { kind: self.k.into() },
        };
        Ok(Entry { room, seq: seq(self.s)?, at: Timestamp::from_millis(self.t), change })
    }
}
