//! Rows as they lie in the tables, and what they mean in the domain. Makes no query.
//! Next: [`super::append`], which writes most of them.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::schema::{logins, members, messages, refresh_tokens, rooms, users};
use crate::domain::policy::EditWindow;
use crate::domain::{
    AccountStatus, ClientMsgId, Description, Email, HistoryVisibility, Marks, Member, Message, MessageId,
    Profile, Reason, Removal, Role, Room, RoomId, RoomKind, RoomName, Seq, ServerRole, SlowMode, Timestamp,
    Topic, Unread, User, UserEntry, UserId, Username,
};
use crate::store::entries;
use crate::store::files::shown;
use crate::store::plan::KnownMember;

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub(super) struct UserRow {
    id: Uuid,
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

/// The columns of a [`UserRow`], for statements written out.
pub(super) type UserColumns = (
    SqlUuid,
    Text,
    Text,
    Nullable<Text>,
    BigInt,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Text,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
);

/// Their names, of a table `users u`.
macro_rules! user_columns {
    () => {
        "u.id, u.username, u.email, u.avatar, u.created_at, u.last_seen, u.email_verified_at, \
         u.server_role, u.disabled_at, u.deleted_at, u.display_name, u.status_text"
    };
}

pub(super) use user_columns;

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: UserId(row.id),
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
    pub(super) id: Uuid,
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
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) created_at: i64,
    pub(super) device: Option<&'a str>,
    pub(super) network: Option<&'a str>,
    pub(super) last_used_at: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = refresh_tokens, treat_none_as_default_value = false)]
pub(super) struct NewRefreshToken<'a> {
    pub(super) hash: &'a [u8],
    pub(super) session_id: Uuid,
    pub(super) issued_at: i64,
    pub(super) expires_at: i64,
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = rooms, check_for_backend(diesel::pg::Pg))]
pub(super) struct RoomRow {
    pub(super) id: Uuid,
    name: String,
    description: Option<String>,
    pub(super) is_private: bool,
    created_by: Uuid,
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
            id: RoomId(row.id),
            name: RoomName::from_stored(row.name),
            description: row.description.map(Description::from_stored),
            topic: row.topic.map(Topic::from_stored),
            kind: RoomKind::from_stored(&row.kind),
            is_private: row.is_private,
            history: HistoryVisibility::from_stored(&row.history),
            archived_at: row.archived_at.map(Timestamp::from_millis),
            edit_window: row.edit_window.map(EditWindow::from_stored),
            slow_mode: SlowMode::from_stored(row.slow_mode),
            created_by: UserId(row.created_by),
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
    pub(super) id: Uuid,
    pub(super) name: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) is_private: bool,
    pub(super) created_by: Uuid,
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
#[diesel(table_name = members, check_for_backend(diesel::pg::Pg))]
pub(super) struct MemberRow {
    user_id: Uuid,
    role: String,
    joined_at: i64,
    joined_seq: i64,
    received_seq: i64,
    read_seq: i64,
}

/// The columns of a [`MemberRow`], for statements written out.
pub(super) type MemberColumns = (SqlUuid, Text, BigInt, BigInt, BigInt, BigInt);

impl MemberRow {
    pub(super) const fn user(&self) -> UserId {
        UserId(self.user_id)
    }
}

impl From<MemberRow> for KnownMember {
    fn from(row: MemberRow) -> Self {
        let marks = marks((row.received_seq, row.read_seq));
        Self { member: row.into(), marks }
    }
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        Self {
            user: UserId(row.user_id),
            role: Role::from_stored(&row.role),
            joined_at: Timestamp::from_millis(row.joined_at),
            joined_seq: Seq::from_stored(row.joined_seq),
        }
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = messages, check_for_backend(diesel::pg::Pg))]
pub(super) struct MessageRow {
    id: Uuid,
    room_id: Uuid,
    seq: i64,
    last_seq: i64,
    author_id: Uuid,
    client_msg_id: Uuid,
    content: String,
    reply_to: Option<Uuid>,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    attachments: Option<String>,
    thread_root: Option<Uuid>,
    removed_by: Option<Uuid>,
    removed_reason: Option<String>,
}

/// The columns of a [`MessageRow`], for statements written out.
pub(super) type MessageColumns = (
    SqlUuid,
    SqlUuid,
    BigInt,
    BigInt,
    SqlUuid,
    SqlUuid,
    Text,
    Nullable<SqlUuid>,
    BigInt,
    BigInt,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<SqlUuid>,
    Nullable<SqlUuid>,
    Nullable<Text>,
);

impl MessageRow {
    /// The last entry about this message.
    pub(super) fn last_seq(&self) -> Seq {
        Seq::from_stored(self.last_seq)
    }
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        Self {
            id: MessageId(row.id),
            room: RoomId(row.room_id),
            seq: Seq::from_stored(row.seq),
            author: UserId(row.author_id),
            client_msg_id: ClientMsgId(row.client_msg_id),
            content: row.content,
            attachments: shown(row.attachments, row.deleted_at.is_some()),
            reply_to: row.reply_to.map(MessageId),
            thread_root: row.thread_root.map(MessageId),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            deleted_at: row.deleted_at.map(Timestamp::from_millis),
            removal: row
                .removed_by
                .map(|by| Removal { by: UserId(by), reason: row.removed_reason.map(Reason::from_stored) }),
        }
    }
}

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = super::schema::user_log, check_for_backend(diesel::pg::Pg))]
pub(super) struct UserEntryRow {
    user_id: Uuid,
    seq: i64,
    kind: String,
    at: i64,
    room_id: Option<Uuid>,
    received_seq: Option<i64>,
    read_seq: Option<i64>,
    unread: Option<i64>,
    mentions: Option<i64>,
    data: Option<String>,
}

impl From<UserEntryRow> for UserEntry {
    fn from(row: UserEntryRow) -> Self {
        let room = row.room_id.map(RoomId);
        let marks = row.received_seq.zip(row.read_seq).map(marks);
        let unread = row.unread.zip(row.mentions).map(unread);
        let moved = marks.zip(unread);
        let change = entries::user_change(row.kind, room, moved, row.data.as_deref());
        Self {
            user: UserId(row.user_id),
            seq: Seq::from_stored(row.seq),
            at: Timestamp::from_millis(row.at),
            change,
        }
    }
}

/// (received, read), as the database has them.
pub(super) fn marks((received, read): (i64, i64)) -> Marks {
    Marks { received: Seq::from_stored(received), read: Seq::from_stored(read) }
}

/// (messages, mentions), as the database has them.
pub(super) fn unread((messages, mentions): (i64, i64)) -> Unread {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    Unread { messages: count(messages), mentions: count(mentions) }
}
