//! Reading the rooms' logs: snapshots, pages and heads. Writes nothing. Next: [`super::append`].

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::rows::{MemberRow, MessageColumns, MessageRow, RoomRow};
use super::schema::{members, rooms};
use super::statements::statement;
use crate::domain::{
    Change, Entry, Head, Member, Message, Refusal, Role, RoomId, Seq, Timestamp, UserId, policy,
};
use crate::store::{LogPage, RoomSnapshot, entries};

/// One statement, so one snapshot; all that a room costs a process in which nobody was in it.
pub(super) async fn room_snapshot(
    conn: &mut AsyncPgConnection,
    room: RoomId,
) -> Result<Option<RoomSnapshot>, Fault> {
    let muted_until = sql::<Nullable<BigInt>>(
        "(SELECT c.muted_until FROM conduct c WHERE c.room_id = rooms.id AND c.user_id = members.user_id)",
    );
    let rows: Vec<(RoomRow, Option<MemberRow>, Option<i64>)> = rooms::table
        .left_join(members::table)
        .filter(rooms::id.eq(room.0))
        .order(members::joined_seq)
        .select((RoomRow::as_select(), Option::<MemberRow>::as_select(), muted_until))
        .load(conn)
        .await?;
    let (mut found, mut members, mut muted) = (None, Vec::new(), Vec::new());
    for (room, member, until) in rows {
        let member = member.map(Member::from);
        muted.extend(member.as_ref().and_then(|member| Some((member.user, Timestamp::from_millis(until?)))));
        members.extend(member);
        found = Some(room);
    }
    Ok(found.map(|row| RoomSnapshot { room: row.into(), members, muted }))
}

statement! {
    /// The room, whether the reader is inside, and the entries: one row each, or one row without.
    PageOfLog {
        reader: Option<Uuid> => Nullable<SqlUuid>,
        after: i64 => BigInt,
        anyone: bool => Bool,
        limit: i64 => BigInt,
        room: Uuid => SqlUuid,
    } -> (
        (Bool, BigInt, BigInt, Nullable<BigInt>),
        Nullable<(
            BigInt,
            Text,
            BigInt,
            Nullable<SqlUuid>,
            Nullable<Text>,
            Nullable<Text>,
            Nullable<Text>,
        )>,
        Nullable<MessageColumns>,
    ),
    "SELECT r.is_private, r.last_seq, r.first_retained, \
     CASE WHEN r.history = 'all' AND m.joined_seq IS NOT NULL THEN 0 ELSE m.joined_seq END, e.* FROM rooms r \
     LEFT JOIN members m ON m.room_id = r.id AND m.user_id = ? \
     LEFT JOIN LATERAL ( \
       SELECT l.seq, l.kind, l.at, l.user_id, l.data, u.username, n.role, x.id, x.room_id, x.seq AS first, \
         x.last_seq, x.author_id, x.client_msg_id, x.content, x.reply_to, x.created_at, x.updated_at, \
         x.deleted_at, x.attachments, x.thread_root, x.removed_by, x.removed_reason \
       FROM log l LEFT JOIN messages x ON x.id = l.message_id LEFT JOIN users u ON u.id = l.user_id \
       LEFT JOIN members n ON n.room_id = l.room_id AND n.user_id = l.user_id AND n.joined_seq = l.seq \
       WHERE l.room_id = r.id AND l.seq > greatest(?, \
         CASE WHEN r.history = 'all' THEN 0 ELSE coalesce(m.joined_seq, 1) - 1 END) \
         AND (? OR m.user_id IS NOT NULL) ORDER BY l.seq LIMIT ? \
     ) e ON true WHERE r.id = ? ORDER BY e.seq"
}

type Frame = (bool, i64, i64, Option<i64>);

#[derive(Queryable)]
struct EntryRow {
    seq: i64,
    kind: String,
    at: i64,
    user: Option<Uuid>,
    data: Option<String>,
    username: Option<String>,
    role: Option<String>,
}

/// One statement, so one snapshot.
pub(super) async fn log_page(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    reader: Option<UserId>,
    after: Seq,
    limit: usize,
) -> Result<LogPage, Fault> {
    let page = PageOfLog {
        reader: reader.map(|reader| reader.0),
        after: after.stored(),
        anyone: reader.is_none(),
        limit: i64::try_from(limit).unwrap_or(i64::MAX),
        room: room.0,
    };
    let rows: Vec<(Frame, Option<EntryRow>, Option<MessageRow>)> = page.load(conn).await?;
    let [(frame, ..), ..] = rows.as_slice() else { return Err(Refusal::NotFound("room").into()) };
    let (is_private, head, first_retained, visible_from) = *frame;
    if reader.is_some() && visible_from.is_none() {
        return Err(policy::outsider(is_private).into());
    }
    let visible_from = Seq::from_stored(visible_from.unwrap_or_default());
    let entries = rows
        .into_iter()
        .filter_map(|(_, entry, message)| Some(entry?.into_entry(room, message.map(Message::from))))
        .map(|entry| entry.seen_from(visible_from))
        .collect();
    let (head, first_retained) = (Seq::from_stored(head), Seq::from_stored(first_retained));
    Ok(LogPage { entries, head, first_retained, visible_from })
}

impl EntryRow {
    fn into_entry(self, room: RoomId, message: Option<Message>) -> Entry {
        let (seq, at) = (Seq::from_stored(self.seq), Timestamp::from_millis(self.at));
        let user = self.user.map(UserId);
        let about = message.as_ref().map(Message::at);
        let change = match (self.kind.as_str(), message, user) {
            ("message.created", Some(message), _) => Change::MessageCreated(message),
            ("message.deleted", Some(message), _) => Change::MessageDeleted(message),
            ("message.updated", Some(message), _) => Change::MessageUpdated(message),
            ("member.joined", _, Some(user)) => {
                // As it is now while the membership lasts, as it was on joining afterwards.
                let role = self.role.or(self.data).map_or(Role::Member, |word| Role::from_stored(&word));
                let member = Member { user, role, joined_at: at, joined_seq: seq };
                Change::MemberJoined { member, username: self.username.unwrap_or_default() }
            }
            (..) => entries::change(self.kind, about, user, self.data.as_deref()),
        };
        Entry { room, seq, at, change }
    }
}

statement! {
    HeadsOfRooms { rooms: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, BigInt, BigInt),
    "SELECT id, last_seq, first_retained FROM rooms WHERE id = ANY(?)"
}

/// One statement.
pub(super) async fn heads(conn: &mut AsyncPgConnection, asked: &[RoomId]) -> Result<Vec<Head>, Fault> {
    let rooms = asked.iter().map(|room| room.0).collect();
    let rows: Vec<(Uuid, i64, i64)> = HeadsOfRooms { rooms }.load(conn).await?;
    let found: HashMap<RoomId, Head> = rows.into_iter().map(|row| (RoomId(row.0), head(row))).collect();
    Ok(asked.iter().filter_map(|room| found.get(room).copied()).collect())
}

statement! {
    GrowthOfRooms { rooms: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, BigInt, BigInt),
    "SELECT id, last_seq, message_count FROM rooms WHERE id = ANY(?)"
}

/// One statement.
pub(super) async fn growth(
    conn: &mut AsyncPgConnection,
    asked: &[RoomId],
) -> Result<Vec<(RoomId, Seq, u64)>, Fault> {
    let rooms = asked.iter().map(|room| room.0).collect();
    let rows: Vec<(Uuid, i64, i64)> = GrowthOfRooms { rooms }.load(conn).await?;
    let growth =
        |(room, head, messages)| (RoomId(room), Seq::from_stored(head), u64::try_from(messages).unwrap_or(0));
    Ok(rows.into_iter().map(growth).collect())
}

pub(super) fn head((room, head, first_retained): (Uuid, i64, i64)) -> Head {
    Head {
        room: RoomId(room),
        head: Seq::from_stored(head),
        first_retained: Seq::from_stored(first_retained),
    }
}
