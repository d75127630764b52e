//! The users' own logs, their marks, and what is unread. Next: [`super::append`], which writes to
//! them when people join and leave.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::fault::{self, Fault};
use super::rooms::{cut, one_more, readable, room_row};
use super::rows::Key;
use super::schema::{members, user_log, users};
use super::statements::{CountUnread, CountsOf, HeadsOf, NextOfUser, UpdateMarks};
use crate::domain::{
    Counts, Head, MarkMove, Marks, Notifications, Refusal, Room, RoomId, RoomSettings, RoomState, Seq,
    Timestamp, Unread, UserChange, UserEntry, UserId, policy,
};
use crate::store::{MarksPage, Moved, UserHeads, UserLogPage, entries};

/// Users named in one statement; far below SQLite's limit of bound values.
const USERS_AT_ONCE: usize = 500;

/// An entry of a user's own log, as it lies and as it is written.
#[derive(Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = user_log, check_for_backend(Sqlite), treat_none_as_default_value = false)]
pub(super) struct UserEntryRow {
    user_id: Key,
    seq: i64,
    kind: String,
    at: i64,
    room_id: Option<Key>,
    received_seq: Option<i64>,
    read_seq: Option<i64>,
    unread: Option<i64>,
    mentions: Option<i64>,
    data: Option<String>,
}

impl From<&UserEntry> for UserEntryRow {
    fn from(entry: &UserEntry) -> Self {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let moved = match entry.change {
            UserChange::MarkMoved { marks, unread, .. } => Some((marks, unread)),
            _ => None,
        };
        Self {
            user_id: entry.user.into(),
            seq: entry.seq.stored(),
            kind: entry.change.kind().to_owned(),
            at: entry.at.millis(),
            room_id: entry.change.room().map(Key::from),
            received_seq: moved.map(|(marks, _)| marks.received.stored()),
            read_seq: moved.map(|(marks, _)| marks.read.stored()),
            unread: moved.map(|(_, unread)| count(unread.messages)),
            mentions: moved.map(|(_, unread)| count(unread.mentions)),
            data: entries::user_data(&entry.change),
        }
    }
}

impl From<UserEntryRow> for UserEntry {
    fn from(row: UserEntryRow) -> Self {
        let room = row.room_id.map(RoomId::from);
        let marks = row.received_seq.zip(row.read_seq).map(|(received, read)| Marks {
            received: Seq::from_stored(received),
            read: Seq::from_stored(read),
        });
        let unread = row.unread.zip(row.mentions).map(unread);
        let change = entries::user_change(row.kind, room, marks.zip(unread), row.data.as_deref());
        Self {
            user: row.user_id.into(),
            seq: Seq::from_stored(row.seq),
            at: Timestamp::from_millis(row.at),
            change,
        }
    }
}

/// Counts, as the database has them.
fn unread((messages, mentions): (i64, i64)) -> Unread {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    Unread { messages: count(messages), mentions: count(mentions) }
}

/// Writes the next entry of a user's own log.
pub(super) fn tell(
    conn: &mut SqliteConnection,
    user: UserId,
    at: Timestamp,
    change: UserChange,
) -> Result<UserEntry, Fault> {
    let seq: i64 = NextOfUser(user.into()).get_result(conn)?;
    let entry = UserEntry { user, seq: Seq::from_stored(seq), at, change };
    diesel::insert_into(user_log::table).values(UserEntryRow::from(&entry)).execute(conn)?;
    Ok(entry)
}

type Numbers = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>);
type Set = (Option<String>, Option<i64>, Option<bool>);
type CountsRow = (i64, i64, (i64, i64), (i64, i64));
type HeadsRow = (i64, Option<Key>, Numbers, (i64, i64), Set);

pub(super) fn heads_of(conn: &mut SqliteConnection, user: UserId) -> Result<UserHeads, Fault> {
    let rows: Vec<HeadsRow> = HeadsOf(user.into()).load(conn)?;
    let mut heads = UserHeads::default();
    for (user_seq, room, numbers, counts, (notifications, muted_until, is_favourite)) in rows {
        let (head, first_retained, messages, received, read) = numbers;
        heads.user_seq = Seq::from_stored(user_seq);
        // All columns of a room are there, or none: who is in no room has one row without.
        let Some(room) = room else { continue };
        let seq = |value: Option<i64>| Seq::from_stored(value.unwrap_or(0));
        heads.rooms.push(RoomState {
            head: Head { room: room.into(), head: seq(head), first_retained: seq(first_retained) },
            messages: u64::try_from(messages.unwrap_or(0)).unwrap_or(0),
            marks: Marks { received: seq(received), read: seq(read) },
            unread: unread(counts),
            settings: RoomSettings {
                notifications: notifications.as_deref().map(Notifications::from_stored).unwrap_or_default(),
                muted_until: muted_until.map(Timestamp::from_millis),
                is_favourite: is_favourite.unwrap_or_default(),
            },
        });
    }
    Ok(heads)
}

/// Counted in the indexes alone; `mentions` holds none of deleted messages.
fn unread_above(conn: &mut SqliteConnection, room: RoomId, user: UserId, read: Seq) -> Result<Unread, Fault> {
    Ok(unread(CountUnread { room: room.into(), user: user.into(), read: read.stored() }.get_result(conn)?))
}

pub(super) fn counts_of(
    conn: &mut SqliteConnection,
    asked: &[(RoomId, UserId)],
) -> Result<Vec<Counts>, Fault> {
    fault::read(conn, |conn| {
        let mut counted = Vec::with_capacity(asked.len());
        for (room, user) in asked.iter().copied() {
            let member = CountsOf { room: room.into(), user: user.into() };
            let row: Option<CountsRow> = member.get_result(conn).optional()?;
            let Some((head, messages, read, counts)) = row else { continue };
            let messages = u64::try_from(messages).unwrap_or(0);
            let (head, marks, unread) = (Seq::from_stored(head), marks(read), unread(counts));
            counted.push(Counts { room, user, head, messages, marks, unread });
        }
        Ok(counted)
    })
}

pub(super) fn move_marks(
    conn: &mut SqliteConnection,
    moves: &[MarkMove],
    now: Timestamp,
) -> Result<Vec<Result<Moved, Refusal>>, Fault> {
    fault::write(conn, |conn| {
        let (merged, became) = MarkMove::merge(moves);
        let mut moved = Vec::with_capacity(merged.len());
        for wish in merged {
            moved.push(match move_one(conn, wish, now) {
                Ok(moved) => Ok(moved),
                Err(Fault::Refused(refusal)) => Err(refusal),
                Err(fault) => return Err(fault),
            });
        }
        Ok(became.into_iter().filter_map(|place| moved.get(place).cloned()).collect())
    })
}

/// Every refusal comes before the first write.
fn move_one(conn: &mut SqliteConnection, wish: MarkMove, now: Timestamp) -> Result<Moved, Fault> {
    let row = room_row(conn, wish.room)?.ok_or(Refusal::NotFound("room"))?;
    let is_private = row.is_private;
    let Room { head, .. } = row.into();
    let membership = members::table.find((Key::from(wish.room), Key::from(wish.user)));
    let before: Option<(i64, i64)> =
        membership.select((members::received_seq, members::read_seq)).get_result(conn).optional()?;
    let before = before.map(marks).ok_or_else(|| policy::outsider(is_private))?;
    let marks = before.moved(wish.received, wish.read, head);
    let unread = unread_above(conn, wish.room, wish.user, marks.read)?;
    if marks == before {
        return Ok(Moved { marks, unread, entry: None });
    }
    UpdateMarks::new(wish.room, wish.user, marks).execute(conn)?;
    let entry = tell(conn, wish.user, now, UserChange::MarkMoved { room: wish.room, marks, unread })?;
    Ok(Moved { marks, unread, entry: Some(entry) })
}

pub(super) fn marks((received, read): (i64, i64)) -> Marks {
    Marks { received: Seq::from_stored(received), read: Seq::from_stored(read) }
}

pub(super) fn marks_of(
    conn: &mut SqliteConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    after: Option<Seq>,
) -> Result<MarksPage, Fault> {
    fault::read(conn, |conn| {
        readable(conn, room, viewer)?;
        let mut rows: Vec<(i64, Key, i64, i64)> = members::table
            .filter(members::room_id.eq(Key::from(room)))
            .filter(members::joined_seq.gt(after.unwrap_or(Seq::START).stored()))
            .order(members::joined_seq)
            .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
            .select((members::joined_seq, members::user_id, members::received_seq, members::read_seq))
            .load(conn)?;
        let more = cut(&mut rows, limit);
        let next = rows.last().filter(|_| more).map(|(joined, ..)| Seq::from_stored(*joined));
        let marks = rows
            .into_iter()
            .map(|(_, user, received, read)| (user.into(), marks((received, read))))
            .collect();
        Ok(MarksPage { marks, next })
    })
}

pub(super) fn user_log_page(
    conn: &mut SqliteConnection,
    user: UserId,
    after: Seq,
    limit: usize,
) -> Result<UserLogPage, Fault> {
    fault::read(conn, |conn| {
        let found: Option<(i64, i64)> = users::table
            .find(Key::from(user))
            .select((users::user_seq, users::user_first_retained))
            .get_result(conn)
            .optional()?;
        // Nobody's log is an empty one.
        let (head, first_retained) = found.unwrap_or((0, 1));
        let (head, first_retained) = (Seq::from_stored(head), Seq::from_stored(first_retained));
        let rows: Vec<UserEntryRow> = if after < head {
            user_log::table
                .filter(user_log::user_id.eq(Key::from(user)))
                .filter(user_log::seq.gt(after.stored()))
                .order(user_log::seq)
                .limit(i64::try_from(limit).unwrap_or(i64::MAX))
                .select(UserEntryRow::as_select())
                .load(conn)?
        } else {
            Vec::new()
        };
        Ok(UserLogPage { entries: rows.into_iter().map(UserEntry::from).collect(), head, first_retained })
    })
}

pub(super) fn user_heads(conn: &mut SqliteConnection, asked: &[UserId]) -> Result<Vec<(UserId, Seq)>, Fault> {
    fault::read(conn, |conn| {
        let mut heads = Vec::with_capacity(asked.len());
        for some in asked.chunks(USERS_AT_ONCE) {
            let rows: Vec<(Key, i64)> = users::table
                .filter(users::id.eq_any(some.iter().copied().map(Key::from)))
                .select((users::id, users::user_seq))
                .load(conn)?;
            heads.extend(rows.into_iter().map(|(user, seq)| (UserId::from(user), Seq::from_stored(seq))));
        }
        Ok(heads)
    })
}

pub(super) fn note_seen(conn: &mut SqliteConnection, seen: &[(UserId, Timestamp)]) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        for (user, at) in seen {
            let earlier = users::last_seen.is_null().or(users::last_seen.lt(at.millis()));
            diesel::update(users::table.find(Key::from(*user)).filter(earlier))
                .set(users::last_seen.eq(at.millis()))
                .execute(conn)?;
        }
        Ok(())
    })
}
