//! What the log writers share: rows as arrays, one statement for each table. Knows no rule.
//! Next: [`super::append`].

use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::pipeline::Pipeline;
use super::statements::statement;
use crate::domain::{
    LogHead, Marks, MessageId, Removal, Role, RoomId, Timestamp, Unread, UserChange, UserEntry, UserId,
};
use crate::store::entries;
use crate::store::files::listed;
use crate::store::plan::{KnownMember, LogRow, MentionRow, NewMessage, Rewritten, Totals};

/// One column of many rows.
fn column<'r, R: 'r, T>(rows: impl IntoIterator<Item = &'r R>, value: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.into_iter().map(value).collect()
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

statement! {
    /// Locks these users' logs and answers where they stand.
    LockUsers { users: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, Text, BigInt),
    "SELECT id, username, user_seq FROM users WHERE id = ANY(?) ORDER BY id FOR NO KEY UPDATE"
}

fn remover(removal: Option<&Removal>) -> Option<Uuid> {
    removal.map(|removal| removal.by.0)
}

fn reason(removal: Option<&Removal>) -> Option<String> {
    Some(removal?.reason.as_ref()?.as_str().to_owned())
}

statement! {
    InsertMessages {
        ids: Vec<Uuid> => Array<SqlUuid>,
        rooms: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
        last_seqs: Vec<i64> => Array<BigInt>,
        authors: Vec<Uuid> => Array<SqlUuid>,
        keys: Vec<Uuid> => Array<SqlUuid>,
        hashes: Vec<Vec<u8>> => Array<Binary>,
        contents: Vec<String> => Array<Text>,
        replies: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        created: Vec<i64> => Array<BigInt>,
        updated: Vec<i64> => Array<BigInt>,
        deleted: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        attachments: Vec<Option<String>> => Array<Nullable<Text>>,
        threads: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        removers: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        reasons: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> (),
    "INSERT INTO messages (id, room_id, seq, last_seq, author_id, client_msg_id, body_hash, content, \
     reply_to, created_at, updated_at, deleted_at, attachments, thread_root, removed_by, removed_reason) \
     SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
}

impl InsertMessages {
    pub(super) fn new(rows: &[NewMessage]) -> Self {
        Self {
            ids: column(rows, |new| new.message.id.0),
            rooms: column(rows, |new| new.message.room.0),
            seqs: column(rows, |new| new.message.seq.stored()),
            last_seqs: column(rows, |new| new.last_seq.stored()),
            authors: column(rows, |new| new.message.author.0),
            keys: column(rows, |new| new.message.client_msg_id.0),
            hashes: column(rows, |new| new.body_hash.to_vec()),
            contents: column(rows, |new| new.message.content.clone()),
            replies: column(rows, |new| new.message.reply_to.map(|id| id.0)),
            created: column(rows, |new| new.message.created_at.millis()),
            updated: column(rows, |new| new.message.updated_at.millis()),
            deleted: column(rows, |new| new.message.deleted_at.map(Timestamp::millis)),
            attachments: column(rows, |new| listed(&new.message.attachments)),
            threads: column(rows, |new| new.message.thread_root.map(|id| id.0)),
            removers: column(rows, |new| remover(new.message.removal.as_ref())),
            reasons: column(rows, |new| reason(new.message.removal.as_ref())),
        }
    }
}

statement! {
    RewriteMessages {
        ids: Vec<Uuid> => Array<SqlUuid>,
        contents: Vec<String> => Array<Text>,
        updated: Vec<i64> => Array<BigInt>,
        deleted: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        last_seqs: Vec<i64> => Array<BigInt>,
        attachments: Vec<Option<String>> => Array<Nullable<Text>>,
        removers: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        reasons: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> (),
    "UPDATE messages x SET content = w.content, updated_at = w.updated, deleted_at = w.deleted, \
     last_seq = w.last, attachments = w.files, removed_by = w.remover, removed_reason = w.reason \
     FROM unnest(?, ?, ?, ?, ?, ?, ?, ?) \
     AS w (id, content, updated, deleted, last, files, remover, reason) WHERE x.id = w.id"
}

impl RewriteMessages {
    pub(super) fn new(rows: &[Rewritten]) -> Self {
        Self {
            ids: column(rows, |row| row.id.0),
            contents: column(rows, |row| row.content.clone()),
            updated: column(rows, |row| row.updated_at.millis()),
            deleted: column(rows, |row| row.deleted_at.map(Timestamp::millis)),
            last_seqs: column(rows, |row| row.last_seq.stored()),
            attachments: column(rows, |row| listed(&row.attachments)),
            removers: column(rows, |row| remover(row.removal.as_ref())),
            reasons: column(rows, |row| reason(row.removal.as_ref())),
        }
    }
}

statement! {
    ForgetMentions { messages: Vec<Uuid> => Array<SqlUuid> } -> (),
    "DELETE FROM mentions WHERE message_id = ANY(?)"
}

impl ForgetMentions {
    pub(super) fn new(messages: &[MessageId]) -> Self {
        Self { messages: column(messages, |message| message.0) }
    }
}

statement! {
    AddMentions {
        messages: Vec<Uuid> => Array<SqlUuid>,
        users: Vec<Uuid> => Array<SqlUuid>,
        rooms: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
    } -> (),
    "INSERT INTO mentions (message_id, user_id, room_id, seq) SELECT * FROM unnest(?, ?, ?, ?)"
}

impl AddMentions {
    pub(super) fn new(rows: &[MentionRow]) -> Self {
        Self {
            messages: column(rows, |row| row.message.0),
            users: column(rows, |row| row.user.0),
            rooms: column(rows, |row| row.room.0),
            seqs: column(rows, |row| row.seq.stored()),
        }
    }
}

statement! {
    InsertEntries {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
        kinds: Vec<String> => Array<Text>,
        ats: Vec<i64> => Array<BigInt>,
        messages: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        users: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        data: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> (),
    "INSERT INTO log (room_id, seq, kind, at, message_id, user_id, data) \
     SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?)"
}

impl InsertEntries {
    pub(super) fn new(rows: &[LogRow]) -> Self {
        Self {
            rooms: column(rows, |row| row.room.0),
            seqs: column(rows, |row| row.seq.stored()),
            kinds: column(rows, |row| row.kind.clone()),
            ats: column(rows, |row| row.at.millis()),
            messages: column(rows, |row| row.message.map(|id| id.0)),
            users: column(rows, |row| row.user.map(|id| id.0)),
            data: column(rows, |row| row.data.as_deref().map(str::to_owned)),
        }
    }
}

statement! {
    DeleteMembers { rooms: Vec<Uuid> => Array<SqlUuid>, users: Vec<Uuid> => Array<SqlUuid> } -> (),
    "DELETE FROM members m USING unnest(?, ?) AS w (room, person) \
     WHERE m.room_id = w.room AND m.user_id = w.person"
}

impl DeleteMembers {
    pub(super) fn new(rows: &[(RoomId, UserId)]) -> Self {
        Self { rooms: column(rows, |(room, _)| room.0), users: column(rows, |(_, user)| user.0) }
    }
}

statement! {
    InsertMembers {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        users: Vec<Uuid> => Array<SqlUuid>,
        roles: Vec<&'static str> => Array<Text>,
        joined_at: Vec<i64> => Array<BigInt>,
        joined_seq: Vec<i64> => Array<BigInt>,
        received: Vec<i64> => Array<BigInt>,
        read: Vec<i64> => Array<BigInt>,
    } -> (),
    "INSERT INTO members (room_id, user_id, role, joined_at, joined_seq, received_seq, read_seq) \
     SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?)"
}

impl InsertMembers {
    pub(super) fn new(rows: &[(RoomId, KnownMember)]) -> Self {
        Self {
            rooms: column(rows, |(room, _)| room.0),
            users: column(rows, |(_, known)| known.member.user.0),
            roles: column(rows, |(_, known)| known.member.role.as_str()),
            joined_at: column(rows, |(_, known)| known.member.joined_at.millis()),
            joined_seq: column(rows, |(_, known)| known.member.joined_seq.stored()),
            received: column(rows, |(_, known)| known.marks.received.stored()),
            read: column(rows, |(_, known)| known.marks.read.stored()),
        }
    }
}

statement! {
    ChangeRoles {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        users: Vec<Uuid> => Array<SqlUuid>,
        roles: Vec<&'static str> => Array<Text>,
    } -> (),
    "UPDATE members m SET role = w.role FROM unnest(?, ?, ?) AS w (room, person, role) \
     WHERE m.room_id = w.room AND m.user_id = w.person"
}

impl ChangeRoles {
    pub(super) fn new(rows: &[(RoomId, UserId, Role)]) -> Self {
        Self {
            rooms: column(rows, |(room, ..)| room.0),
            users: column(rows, |(_, user, _)| user.0),
            roles: column(rows, |(.., role)| role.as_str()),
        }
    }
}

statement! {
    /// Marks only ever rise.
    MoveMarks {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        users: Vec<Uuid> => Array<SqlUuid>,
        received: Vec<i64> => Array<BigInt>,
        read: Vec<i64> => Array<BigInt>,
    } -> (),
    "UPDATE members m SET received_seq = greatest(m.received_seq, w.received), \
     read_seq = greatest(m.read_seq, w.read) \
     FROM unnest(?, ?, ?, ?) AS w (room, person, received, read) \
     WHERE m.room_id = w.room AND m.user_id = w.person"
}

impl MoveMarks {
    pub(super) fn new(rows: &[(RoomId, UserId, Marks)]) -> Self {
        Self {
            rooms: column(rows, |(room, ..)| room.0),
            users: column(rows, |(_, user, _)| user.0),
            received: column(rows, |(.., marks)| marks.received.stored()),
            read: column(rows, |(.., marks)| marks.read.stored()),
        }
    }
}

statement! {
    UpdateRooms {
        rooms: Vec<Uuid> => Array<SqlUuid>,
        heads: Vec<i64> => Array<BigInt>,
        members: Vec<i64> => Array<BigInt>,
        messages: Vec<i64> => Array<BigInt>,
        activity: Vec<i64> => Array<BigInt>,
    } -> (),
    "UPDATE rooms r SET last_seq = w.head, member_count = w.members, message_count = w.messages, \
     last_activity = w.activity FROM unnest(?, ?, ?, ?, ?) AS w (id, head, members, messages, activity) \
     WHERE r.id = w.id"
}

impl UpdateRooms {
    pub(super) fn new(rows: &[(RoomId, Totals)]) -> Self {
        Self {
            rooms: column(rows, |(room, _)| room.0),
            heads: column(rows, |(_, totals)| totals.head.stored()),
            members: column(rows, |(_, totals)| count(totals.members)),
            messages: column(rows, |(_, totals)| count(totals.messages)),
            activity: column(rows, |(_, totals)| totals.last_activity.millis()),
        }
    }
}

statement! {
    MoveUserHeads { users: Vec<Uuid> => Array<SqlUuid>, seqs: Vec<i64> => Array<BigInt> } -> (),
    "UPDATE users SET user_seq = w.seq \
     FROM (SELECT id, max(seq) AS seq FROM unnest(?, ?) AS e (id, seq) GROUP BY id) w WHERE users.id = w.id"
}

statement! {
    InsertUserEntries {
        users: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
        kinds: Vec<String> => Array<Text>,
        ats: Vec<i64> => Array<BigInt>,
        rooms: Vec<Option<Uuid>> => Array<Nullable<SqlUuid>>,
        received: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        read: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        unread: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        mentions: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        data: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> (),
    "INSERT INTO user_log (user_id, seq, kind, at, room_id, received_seq, read_seq, unread, mentions, data) \
     SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
}

fn moved(entry: &UserEntry) -> Option<(Marks, Unread)> {
    match entry.change {
        UserChange::MarkMoved { marks, unread, .. } => Some((marks, unread)),
        _ => None,
    }
}

/// Writes entries of users' own logs whose rows are locked, and moves their heads.
pub(super) fn tell(pipeline: &mut Pipeline<'_>, told: &[UserEntry]) {
    pipeline.add(told.len(), || InsertUserEntries {
        users: column(told, |entry| entry.user.0),
        seqs: column(told, |entry| entry.seq.stored()),
        kinds: column(told, |entry| entry.change.kind().to_owned()),
        ats: column(told, |entry| entry.at.millis()),
        rooms: column(told, |entry| Some(entry.change.room()?.0)),
        received: column(told, |entry| Some(moved(entry)?.0.received.stored())),
        read: column(told, |entry| Some(moved(entry)?.0.read.stored())),
        unread: column(told, |entry| Some(count(moved(entry)?.1.messages))),
        mentions: column(told, |entry| Some(count(moved(entry)?.1.mentions))),
        data: column(told, |entry| entries::user_data(&entry.change)),
    });
    pipeline.add(told.len(), || MoveUserHeads {
        users: column(told, |entry| entry.user.0),
        seqs: column(told, |entry| entry.seq.stored()),
    });
}

statement! {
    /// A log that is not announced yet keeps the time since when: what grows all the time must
    /// not look young for ever.
    NoteGrowth {
        kinds: Vec<&'static str> => Array<Text>,
        ids: Vec<Uuid> => Array<SqlUuid>,
        seqs: Vec<i64> => Array<BigInt>,
        ats: Vec<i64> => Array<BigInt>,
    } -> (),
    "INSERT INTO outbox (kind, id, seq, at) SELECT kind, id, max(seq), min(at) \
     FROM unnest(?, ?, ?, ?) AS g (kind, id, seq, at) GROUP BY kind, id ORDER BY kind, id \
     ON CONFLICT (kind, id) DO UPDATE SET seq = excluded.seq"
}

impl NoteGrowth {
    pub(super) fn new(heads: impl IntoIterator<Item = (LogHead, Timestamp)>) -> Self {
        let mut rows = Self { kinds: Vec::new(), ids: Vec::new(), seqs: Vec::new(), ats: Vec::new() };
        for (head, at) in heads {
            let (kind, id, seq) = outbox_key(head);
            rows.kinds.push(kind);
            rows.ids.push(id);
            rows.seqs.push(seq);
            rows.ats.push(at.millis());
        }
        rows
    }
}

/// How the outbox names a log, and the position.
pub(super) const fn outbox_key(head: LogHead) -> (&'static str, Uuid, i64) {
    match head {
        LogHead::Room(room, seq) => (ROOM, room.0, seq.stored()),
        LogHead::User(user, seq) => (USER, user.0, seq.stored()),
    }
}

pub(super) const ROOM: &str = "room";
pub(super) const USER: &str = "user";

/// Where the users' logs stand after these entries, for the outbox.
pub(super) fn user_growth(told: &[UserEntry]) -> impl Iterator<Item = (LogHead, Timestamp)> {
    told.iter().map(|entry| (LogHead::User(entry.user, entry.seq), entry.at))
}
