//! Reading the rooms' logs: snapshots, pages and heads. Writes nothing. Next: [`super::append`].

use std::collections::HashMap;

use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rooms::{readable, room_row};
use super::rows::{Key, MemberRow, MessageRow};
use super::schema::{conduct, log, members, messages, rooms, users};
use crate::domain::{
    Change, Entry, Head, Member, Message, Refusal, Role, Room, RoomId, Seq, Timestamp, UserId,
};
use crate::store::{LogPage, RoomSnapshot, entries};

/// Rooms named in one statement; far below SQLite's limit of bound values.
const ROOMS_AT_ONCE: usize = 500;

pub(super) fn room_snapshot(
    conn: &mut SqliteConnection,
    room: RoomId,
) -> Result<Option<RoomSnapshot>, Fault> {
    fault::read(conn, |conn| {
        let Some(row) = room_row(conn, room)? else { return Ok(None) };
        let members: Vec<MemberRow> = members::table
            .filter(members::room_id.eq(Key::from(room)))
            .order(members::joined_seq)
            .select(MemberRow::as_select())
            .load(conn)?;
        let members = members.into_iter().map(Member::from).collect();
        let inside = members::room_id.eq(conduct::room_id).and(members::user_id.eq(conduct::user_id));
        let muted: Vec<(Key, Option<i64>)> = conduct::table
            .inner_join(members::table.on(inside))
            .filter(conduct::room_id.eq(Key::from(room)))
            .filter(conduct::muted_until.is_not_null())
            .select((conduct::user_id, conduct::muted_until))
            .load(conn)?;
        let until = |(user, until): (Key, Option<i64>)| Some((user.into(), Timestamp::from_millis(until?)));
        let muted = muted.into_iter().filter_map(until).collect();
        Ok(Some(RoomSnapshot { room: row.into(), members, muted }))
    })
}

pub(super) fn log_page(
    conn: &mut SqliteConnection,
    room: RoomId,
    reader: Option<UserId>,
    after: Seq,
    limit: usize,
) -> Result<LogPage, Fault> {
    fault::read(conn, |conn| {
        let (row, visible_from) = match reader {
            Some(reader) => readable(conn, room, reader)?,
            None => (room_row(conn, room)?.ok_or(Refusal::NotFound("room"))?, Seq::START),
        };
        let Room { head, first_retained, .. } = row.into();
        let after = after.max(visible_from.previous());
        // Nobody is behind most of the time, and then there is nothing to ask for.
        let entries = if after < head { read(conn, room, after, limit)? } else { Vec::new() };
        let entries = entries.into_iter().map(|entry| entry.seen_from(visible_from)).collect();
        Ok(LogPage { entries, head, first_retained, visible_from })
    })
}

#[derive(Queryable)]
struct EntryRow {
    seq: i64,
    kind: String,
    at: i64,
    user: Option<Key>,
    data: Option<String>,
    message: Option<MessageRow>,
    username: Option<String>,
    role: Option<String>,
}

fn read(conn: &mut SqliteConnection, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Entry>, Fault> {
    let same_membership = members::room_id
        .eq(log::room_id)
        .and(members::user_id.nullable().eq(log::user_id))
        .and(members::joined_seq.eq(log::seq));
    let rows: Vec<EntryRow> = log::table
        .left_join(messages::table.on(messages::id.nullable().eq(log::message_id)))
        .left_join(users::table.on(users::id.nullable().eq(log::user_id)))
        .left_join(members::table.on(same_membership))
        .filter(log::room_id.eq(Key::from(room)))
        .filter(log::seq.gt(after.stored()))
        .order(log::seq)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((
            log::seq,
            log::kind,
            log::at,
            log::user_id,
            log::data,
            Option::<MessageRow>::as_select(),
            users::username.nullable(),
            members::role.nullable(),
        ))
        .load(conn)?;
    Ok(rows.into_iter().map(|row| row.into_entry(room)).collect())
}

impl EntryRow {
    fn into_entry(self, room: RoomId) -> Entry {
        let (seq, at) = (Seq::from_stored(self.seq), Timestamp::from_millis(self.at));
        let user = self.user.map(UserId::from);
        let message = self.message.map(Message::from);
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

type HeadRow = (Key, i64, i64);

fn head((room, head, first_retained): HeadRow) -> Head {
    Head { room: room.into(), head: Seq::from_stored(head), first_retained: Seq::from_stored(first_retained) }
}

pub(super) fn heads(conn: &mut SqliteConnection, asked: &[RoomId]) -> Result<Vec<Head>, Fault> {
    fault::read(conn, |conn| {
        let mut found = HashMap::with_capacity(asked.len());
        for some in asked.chunks(ROOMS_AT_ONCE) {
            let rows: Vec<HeadRow> = rooms::table
                .filter(rooms::id.eq_any(some.iter().copied().map(Key::from)))
                .select((rooms::id, rooms::last_seq, rooms::first_retained))
                .load(conn)?;
            found.extend(rows.into_iter().map(head).map(|head| (head.room, head)));
        }
        Ok(asked.iter().filter_map(|room| found.get(room).copied()).collect())
    })
}

pub(super) fn growth(
    conn: &mut SqliteConnection,
    asked: &[RoomId],
) -> Result<Vec<(RoomId, Seq, u64)>, Fault> {
    fault::read(conn, |conn| {
        let mut growth = Vec::with_capacity(asked.len());
        for some in asked.chunks(ROOMS_AT_ONCE) {
            let rows: Vec<(Key, i64, i64)> = rooms::table
                .filter(rooms::id.eq_any(some.iter().copied().map(Key::from)))
                .select((rooms::id, rooms::last_seq, rooms::message_count))
                .load(conn)?;
            growth.extend(rows.into_iter().map(|(room, head, messages)| {
                (room.into(), Seq::from_stored(head), u64::try_from(messages).unwrap_or(0))
            }));
        }
        Ok(growth)
    })
}
