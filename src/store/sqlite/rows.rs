//! Rows as they lie in the tables, and what they mean in the domain. Makes no query.
//! Next: [`super::append`], which writes most of them.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Binary;
use diesel::sqlite::Sqlite;
use uuid::Uuid;

use super::schema::{logins, members, messages, refresh_tokens, rooms, users};
use crate::domain::policy::EditWindow;
use crate::domain::{
    AccountStatus, AuditId, ClientMsgId, Description, Email, Epoch, FileId, HistoryVisibility, InviteId,
    JobId, LetterId, Marks, Member, Message, MessageId, Profile, Reason, Removal, ReportId, Role, Room,
    RoomId, RoomKind, RoomName, Seq, ServerRole, SessionId, SlowMode, Timestamp, Topic, User, UserId,
    Username,
};
use crate::store::files::{listed, shown};
use crate::store::plan::{KnownMember, LogRow, NewMessage};

/// Any id, as its sixteen bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub(super) struct Key(Uuid);

impl ToSql<Binary, Sqlite> for Key {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Sqlite> for Key {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.read_blob())?))
    }
}

macro_rules! keys {
    ($($id:ident),*) => {$(
        impl From<$id> for Key {
            fn from(id: $id) -> Self {
                Self(id.0)
            }
        }

        impl From<Key> for $id {
            fn from(key: Key) -> Self {
                Self(key.0)
            }
        }
    )*};
}

keys!(
    UserId,
    RoomId,
    MessageId,
    SessionId,
    ClientMsgId,
    LetterId,
    InviteId,
    Epoch,
    AuditId,
    JobId,
    FileId,
    ReportId
);

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Sqlite))]
pub(super) struct UserRow {
    id: Key,
    username: String,
    email: String,
    avatar: Option<String>,
    created_at: i64,
    last_seen: Option<i64>,
    email_verified_at: Option<i64>,
    server_role: String,
    disabled_at: Option<i64>,
    deleted_at: Option<i64>,
    display_name: Option<String>,
    status_text: Option<String>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.into(),
            username: Username::from_stored(row.username),
            email: Email::from_stored(row.email),
            avatar: row.avatar,
            created_at: Timestamp::from_millis(row.created_at),
            last_seen: row.last_seen.map(Timestamp::from_millis),
            email_verified: row.email_verified_at.is_some(),
            server_role: ServerRole::from_stored(&row.server_role),
            status: AccountStatus::from_stored(row.disabled_at, row.deleted_at),
            profile: Profile { display_name: row.display_name, status_text: row.status_text },
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
pub(super) struct NewUser<'a> {
    pub(super) id: Key,
    pub(super) username: &'a str,
    pub(super) username_key: &'a str,
    pub(super) email: &'a str,
    pub(super) email_key: &'a str,
    pub(super) avatar: Option<&'a str>,
    pub(super) password_hash: &'a str,
    pub(super) created_at: i64,
    pub(super) last_seen: Option<i64>,
    pub(super) email_verified_at: Option<i64>,
    pub(super) server_role: &'static str,
}

#[derive(Insertable)]
#[diesel(table_name = logins, treat_none_as_default_value = false)]
pub(super) struct NewLogin<'a> {
    pub(super) id: Key,
    pub(super) user_id: Key,
    pub(super) created_at: i64,
    pub(super) device: Option<&'a str>,
    pub(super) network: Option<&'a str>,
    pub(super) last_used_at: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = refresh_tokens, treat_none_as_default_value = false)]
pub(super) struct NewRefreshToken<'a> {
    pub(super) hash: &'a [u8],
    pub(super) session_id: Key,
    pub(super) issued_at: i64,
    pub(super) expires_at: i64,
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = rooms, check_for_backend(Sqlite))]
pub(super) struct RoomRow {
    pub(super) id: Key,
    name: String,
    description: Option<String>,
    pub(super) is_private: bool,
    created_by: Key,
    created_at: i64,
    last_seq: i64,
    first_retained: i64,
    member_count: i64,
    kind: String,
    topic: Option<String>,
    pub(super) history: String,
    archived_at: Option<i64>,
    edit_window: Option<i64>,
    slow_mode: i64,
}

impl RoomRow {
    /// The first `seq` that a member may read who joined with this one.
    pub(super) fn visible_from(&self, joined: Seq) -> Seq {
        HistoryVisibility::from_stored(&self.history).visible_from(joined)
    }
}

impl From<RoomRow> for Room {
    fn from(row: RoomRow) -> Self {
        Self {
            id: row.id.into(),
            name: RoomName::from_stored(row.name),
            description: row.description.map(Description::from_stored),
            topic: row.topic.map(Topic::from_stored),
            kind: RoomKind::from_stored(&row.kind),
            is_private: row.is_private,
            history: HistoryVisibility::from_stored(&row.history),
            archived_at: row.archived_at.map(Timestamp::from_millis),
            edit_window: row.edit_window.map(EditWindow::from_stored),
            slow_mode: SlowMode::from_stored(row.slow_mode),
            created_by: row.created_by.into(),
            created_at: Timestamp::from_millis(row.created_at),
            head: Seq::from_stored(row.last_seq),
            first_retained: Seq::from_stored(row.first_retained),
            member_count: u64::try_from(row.member_count).unwrap_or(0),
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = rooms, treat_none_as_default_value = false)]
pub(super) struct NewRoomRow<'a> {
    pub(super) id: Key,
    pub(super) name: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) is_private: bool,
    pub(super) created_by: Key,
    pub(super) created_at: i64,
    pub(super) last_seq: i64,
    pub(super) first_retained: i64,
    pub(super) member_count: i64,
    pub(super) last_activity: i64,
    pub(super) kind: &'a str,
    pub(super) topic: Option<&'a str>,
    pub(super) history: &'a str,
    pub(super) direct_key: Option<&'a [u8]>,
}

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = members, check_for_backend(Sqlite))]
pub(super) struct MemberRow {
    user_id: Key,
    role: String,
    joined_at: i64,
    joined_seq: i64,
    received_seq: i64,
    read_seq: i64,
}

impl From<MemberRow> for KnownMember {
    fn from(row: MemberRow) -> Self {
        let marks =
            Marks { received: Seq::from_stored(row.received_seq), read: Seq::from_stored(row.read_seq) };
        Self { member: row.into(), marks }
    }
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self {
            user: row.user_id.into(),
            role: Role::from_stored(&row.role),
            joined_at: Timestamp::from_millis(row.joined_at),
            joined_seq: Seq::from_stored(row.joined_seq),
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = members)]
pub(super) struct NewMember {
    room_id: Key,
    user_id: Key,
    role: &'static str,
    joined_at: i64,
    joined_seq: i64,
    received_seq: i64,
    read_seq: i64,
}

impl NewMember {
    pub(super) fn new(room: RoomId, KnownMember { member, marks }: &KnownMember) -> Self {
        Self {
            room_id: room.into(),
            user_id: member.user.into(),
            role: member.role.as_str(),
            joined_at: member.joined_at.millis(),
            joined_seq: member.joined_seq.stored(),
            received_seq: marks.received.stored(),
            read_seq: marks.read.stored(),
        }
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = messages, check_for_backend(Sqlite))]
pub(super) struct MessageRow {
    id: Key,
    room_id: Key,
    seq: i64,
    last_seq: i64,
    author_id: Key,
    client_msg_id: Key,
    content: String,
    reply_to: Option<Key>,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    attachments: Option<String>,
    thread_root: Option<Key>,
    removed_by: Option<Key>,
    removed_reason: Option<String>,
}

impl MessageRow {
    /// The last entry about this message.
    pub(super) fn last_seq(&self) -> Seq {
        Seq::from_stored(self.last_seq)
    }
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.id.into(),
            room: row.room_id.into(),
            seq: Seq::from_stored(row.seq),
            author: row.author_id.into(),
            client_msg_id: row.client_msg_id.into(),
            content: row.content,
            attachments: shown(row.attachments, row.deleted_at.is_some()),
            reply_to: row.reply_to.map(Into::into),
            thread_root: row.thread_root.map(Into::into),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            deleted_at: row.deleted_at.map(Timestamp::from_millis),
            removal: row
                .removed_by
                .map(|by| Removal { by: by.into(), reason: row.removed_reason.map(Reason::from_stored) }),
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = messages, treat_none_as_default_value = false)]
pub(super) struct NewMessageRow<'a> {
    id: Key,
    room_id: Key,
    seq: i64,
    last_seq: i64,
    author_id: Key,
    client_msg_id: Key,
    body_hash: &'a [u8],
    content: &'a str,
    reply_to: Option<Key>,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    attachments: Option<String>,
    thread_root: Option<Key>,
    removed_by: Option<Key>,
    removed_reason: Option<&'a str>,
}

impl<'a> From<&'a NewMessage> for NewMessageRow<'a> {
    fn from(new: &'a NewMessage) -> Self {
        let message = &new.message;
        Self {
            id: message.id.into(),
            room_id: message.room.into(),
            seq: message.seq.stored(),
            last_seq: new.last_seq.stored(),
            author_id: message.author.into(),
            client_msg_id: message.client_msg_id.into(),
            body_hash: &new.body_hash,
            content: &message.content,
            reply_to: message.reply_to.map(Key::from),
            created_at: message.created_at.millis(),
            updated_at: message.updated_at.millis(),
            deleted_at: message.deleted_at.map(Timestamp::millis),
            attachments: listed(&message.attachments),
            thread_root: message.thread_root.map(Key::from),
            removed_by: message.removal.as_ref().map(|removal| removal.by.into()),
            removed_reason: message
                .removal
                .as_ref()
                .and_then(|removal| Some(removal.reason.as_ref()?.as_str())),
        }
    }
}

/// Written by [`super::statements::InsertEntries`].
pub(super) struct NewEntry<'a> {
    pub(super) room_id: Key,
    pub(super) seq: i64,
    pub(super) kind: &'a str,
    pub(super) at: i64,
    pub(super) message_id: Option<Key>,
    pub(super) user_id: Option<Key>,
    pub(super) data: Option<&'a str>,
}

impl<'a> From<&'a LogRow> for NewEntry<'a> {
    fn from(row: &'a LogRow) -> Self {
        Self {
            room_id: row.room.into(),
            seq: row.seq.stored(),
            kind: &row.kind,
            at: row.at.millis(),
            message_id: row.message.map(Key::from),
            user_id: row.user.map(Key::from),
            data: row.data.as_deref(),
        }
    }
}
