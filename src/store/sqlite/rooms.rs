//! Rooms, members and messages as people look at them. Next: [`super::log`] for the logs.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::conduct::MutedRow;
use super::fault::{self, Fault};
use super::rows::{Key, MessageRow, RoomRow, UserRow};
use super::schema::{conduct, members, messages, rooms, users};
use crate::domain::room::search_words;
use crate::domain::{
    ClientMsgId, HistoryVisibility, Message, MessageId, Notifications, Refusal, Role, Room, RoomId,
    RoomSettings, Seq, Timestamp, UserId, policy,
};
use crate::store::memberships::{AT_ONCE, LOOKED_AT};
use crate::store::rooms::held;
use crate::store::{DirectoryCursor, Insider, MemberCursor, MemberPage, RoomPage, RoomView};

pub(super) fn room_row(conn: &mut SqliteConnection, room: RoomId) -> Result<Option<RoomRow>, Fault> {
    Ok(rooms::table.find(Key::from(room)).select(RoomRow::as_select()).get_result(conn).optional()?)
}

/// The `seq` by which somebody joined, if he is inside.
pub(super) fn joined(conn: &mut SqliteConnection, room: RoomId, user: UserId) -> Result<Option<Seq>, Fault> {
    let seq: Option<i64> = members::table
        .find((Key::from(room), Key::from(user)))
        .select(members::joined_seq)
        .get_result(conn)
        .optional()?;
    Ok(seq.map(Seq::from_stored))
}

/// The room, for someone who may read it, and from where on he may. To be called within the
/// transaction that reads.
pub(super) fn readable(
    conn: &mut SqliteConnection,
    room: RoomId,
    viewer: UserId,
) -> Result<(RoomRow, Seq), Fault> {
    let row = room_row(conn, room)?.ok_or(Refusal::NotFound("room"))?;
    match joined(conn, room, viewer)? {
        Some(joined) => {
            let visible_from = row.visible_from(joined);
            Ok((row, visible_from))
        }
        None => Err(policy::outsider(row.is_private).into()),
    }
}

/// Two statements, however many rooms.
pub(super) fn rooms_of(
    conn: &mut SqliteConnection,
    user: UserId,
    embed: usize,
) -> Result<Vec<RoomView>, Fault> {
    fault::read(conn, |conn| {
        let conduct_here = conduct::room_id.eq(members::room_id).and(conduct::user_id.eq(members::user_id));
        let rows: Vec<(RoomRow, MineRow, Option<MutedRow>)> = members::table
            .inner_join(rooms::table)
            .left_join(conduct::table.on(conduct_here))
            .filter(members::user_id.eq(Key::from(user)))
            .order((rooms::last_activity.desc(), rooms::id.desc()))
            .select((RoomRow::as_select(), MineRow::as_select(), Option::<MutedRow>::as_select()))
            .load(conn)?;
        let mut people = first_members(conn, user, embed)?;
        let view = |(row, mine, muted): (RoomRow, MineRow, Option<MutedRow>)| {
            let (is_private, mine): (bool, (Role, RoomSettings)) = (row.is_private, mine.into());
            let muted = held(muted.and_then(MutedRow::muted), mine.0);
            let members = people.remove(&row.id).unwrap_or_default();
            let members = seen(members, user, mine.0, is_private);
            RoomView { room: row.into(), members, mine: Some(mine), muted }
        };
        Ok(rows.into_iter().map(view).collect())
    })
}

/// What somebody is in a room, and what he has set for himself.
#[derive(Queryable, Selectable)]
#[diesel(table_name = members, check_for_backend(diesel::sqlite::Sqlite))]
pub(super) struct MineRow {
    role: String,
    notifications: String,
    muted_until: Option<i64>,
    is_favourite: bool,
}

impl From<MineRow> for (Role, RoomSettings) {
    fn from(row: MineRow) -> Self {
        let settings = RoomSettings {
            notifications: Notifications::from_stored(&row.notifications),
            muted_until: row.muted_until.map(Timestamp::from_millis),
            is_favourite: row.is_favourite,
        };
        (Role::from_stored(&row.role), settings)
    }
}

/// Of somebody inside.
pub(super) fn mine(
    conn: &mut SqliteConnection,
    room: RoomId,
    user: UserId,
) -> Result<Option<(Role, RoomSettings)>, Fault> {
    let row: Option<MineRow> = members::table
        .find((Key::from(room), Key::from(user)))
        .select(MineRow::as_select())
        .get_result(conn)
        .optional()?;
    Ok(row.map(Into::into))
}

type InsiderRow = (UserRow, String, Option<MutedRow>);

fn insider((user, role, muted): InsiderRow) -> Insider {
    let muted = muted.and_then(MutedRow::muted);
    Insider { user: user.into(), role: Role::from_stored(&role), muted }
}

fn seen(members: Vec<Insider>, viewer: UserId, role: Role, is_private: bool) -> Vec<Insider> {
    members.into_iter().map(|insider| insider.seen_by(viewer, role, is_private)).collect()
}

diesel::define_sql_function! {
    /// The value, or `other` where there is none.
    fn coalesce(value: Nullable<BigInt>, other: BigInt) -> BigInt;
}

/// The first `embed` members of each of a user's rooms, by `joined_seq`.
fn first_members(
    conn: &mut SqliteConnection,
    user: UserId,
    embed: usize,
) -> Result<HashMap<Key, Vec<Insider>>, Fault> {
    let Some(last) = embed.checked_sub(1) else { return Ok(HashMap::new()) };
    let (mine, other) = diesel::alias!(members as mine, members as other);
    // Where the stretch ends is looked up in the index, so a room of ten thousand costs no more
    // than a room of a hundred.
    let end = other
        .filter(other.field(members::room_id).eq(mine.field(members::room_id)))
        .order(other.field(members::joined_seq))
        .select(other.field(members::joined_seq))
        .limit(1)
        .offset(i64::try_from(last).unwrap_or(i64::MAX))
        .single_value();
    let conduct_here = conduct::room_id.eq(members::room_id).and(conduct::user_id.eq(members::user_id));
    let rows: Vec<(Key, InsiderRow)> = mine
        .inner_join(members::table.on(members::room_id.eq(mine.field(members::room_id))))
        .inner_join(users::table.on(users::id.eq(members::user_id)))
        .left_join(conduct::table.on(conduct_here))
        .filter(mine.field(members::user_id).eq(Key::from(user)))
        .filter(members::joined_seq.le(coalesce(end, i64::MAX)))
        .order((members::room_id, members::joined_seq))
        .select((members::room_id, (UserRow::as_select(), members::role, Option::<MutedRow>::as_select())))
        .load(conn)?;
    let mut people = HashMap::<Key, Vec<Insider>>::new();
    for (room, row) in rows {
        people.entry(room).or_default().push(insider(row));
    }
    Ok(people)
}

pub(super) fn room(
    conn: &mut SqliteConnection,
    id: RoomId,
    viewer: UserId,
    embed: usize,
) -> Result<RoomView, Fault> {
    fault::read(conn, |conn| {
        let row = room_row(conn, id)?.ok_or(Refusal::NotFound("room"))?;
        let Some(mine) = mine(conn, id, viewer)? else {
            if row.is_private {
                return Err(Refusal::NotFound("room").into());
            }
            return Ok(RoomView { room: row.into(), members: Vec::new(), mine: None, muted: None });
        };
        let rows = member_rows(conn, id, embed, None)?;
        let members = rows.into_iter().map(|(_, row)| insider(row)).collect();
        let members = seen(members, viewer, mine.0, row.is_private);
        let muted: Option<MutedRow> = conduct::table
            .find((Key::from(id), Key::from(viewer)))
            .select(MutedRow::as_select())
            .get_result(conn)
            .optional()?;
        let muted = held(muted.and_then(MutedRow::muted), mine.0);
        Ok(RoomView { room: row.into(), members, mine: Some(mine), muted })
    })
}

fn member_rows(
    conn: &mut SqliteConnection,
    room: RoomId,
    limit: usize,
    after: Option<MemberCursor>,
) -> Result<Vec<(i64, InsiderRow)>, Fault> {
    let conduct_here = conduct::room_id.eq(members::room_id).and(conduct::user_id.eq(members::user_id));
    Ok(members::table
        .inner_join(users::table)
        .left_join(conduct::table.on(conduct_here))
        .filter(members::room_id.eq(Key::from(room)))
        .filter(members::joined_seq.gt(after.unwrap_or(Seq::START).stored()))
        .order(members::joined_seq)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((members::joined_seq, (UserRow::as_select(), members::role, Option::<MutedRow>::as_select())))
        .load(conn)?)
}

pub(super) fn members(
    conn: &mut SqliteConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    after: Option<MemberCursor>,
) -> Result<MemberPage, Fault> {
    fault::read(conn, |conn| {
        let row = room_row(conn, room)?.ok_or(Refusal::NotFound("room"))?;
        let (role, _) = mine(conn, room, viewer)?.ok_or_else(|| policy::outsider(row.is_private))?;
        let mut rows = member_rows(conn, room, one_more(limit), after)?;
        let more = cut(&mut rows, limit);
        let next = if more { rows.last().map(|(seq, _)| Seq::from_stored(*seq)) } else { None };
        let members = rows.into_iter().map(|(_, row)| insider(row)).collect();
        Ok(MemberPage { members: seen(members, viewer, role, row.is_private), next })
    })
}

pub(super) fn directory(
    conn: &mut SqliteConnection,
    viewer: UserId,
    limit: usize,
    after: Option<DirectoryCursor>,
    search: Option<&str>,
) -> Result<RoomPage, Fault> {
    let Some(search) = search.map(search_words) else {
        let mut rooms = listed(conn, viewer, one_more(limit), after)?;
        let more = cut(&mut rooms, limit);
        let next = rooms.last().map(DirectoryCursor::after).filter(|_| more);
        return Ok(RoomPage { rooms, next });
    };
    let (mut found, mut next, mut looked_at) = (Vec::new(), after, 0);
    while looked_at < LOOKED_AT {
        let rooms = listed(conn, viewer, AT_ONCE, next)?;
        looked_at += rooms.len();
        let is_last = rooms.len() < AT_ONCE;
        for room in rooms {
            next = Some(DirectoryCursor::after(&room));
            if room.matches(&search) {
                found.push(room);
                if found.len() >= limit.max(1) {
                    return Ok(RoomPage { rooms: found, next });
                }
            }
        }
        if is_last {
            return Ok(RoomPage { rooms: found, next: None });
        }
    }
    Ok(RoomPage { rooms: found, next })
}

/// Public rooms in the order of the directory: those that can be joined, and the viewer's own.
fn listed(
    conn: &mut SqliteConnection,
    viewer: UserId,
    limit: usize,
    after: Option<DirectoryCursor>,
) -> Result<Vec<Room>, Fault> {
    let mine = members::table.filter(members::user_id.eq(Key::from(viewer))).select(members::room_id);
    let mut query = rooms::table
        .filter(diesel::dsl::not(rooms::is_private))
        .filter(rooms::archived_at.is_null().or(rooms::id.eq_any(mine)))
        .order((rooms::created_at.desc(), rooms::id.desc()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(RoomRow::as_select())
        .into_boxed();
    if let Some(after) = after {
        let (created_at, id) = (after.created_at.millis(), Key::from(after.id));
        query = query
            .filter(rooms::created_at.le(created_at))
            .filter(rooms::created_at.lt(created_at).or(rooms::id.lt(id)));
    }
    let rows: Vec<RoomRow> = query.load(conn)?;
    Ok(rows.into_iter().map(Room::from).collect())
}

pub(super) fn message(conn: &mut SqliteConnection, id: MessageId, viewer: UserId) -> Result<Message, Fault> {
    let same_room = members::room_id.eq(messages::room_id).and(members::user_id.eq(Key::from(viewer)));
    let row: Option<(MessageRow, i64, String)> = messages::table
        .inner_join(members::table.on(same_room))
        .inner_join(rooms::table.on(rooms::id.eq(messages::room_id)))
        .filter(messages::id.eq(Key::from(id)))
        .select((MessageRow::as_select(), members::joined_seq, rooms::history))
        .get_result(conn)
        .optional()?;
    let (row, joined, history) = row.ok_or(Refusal::NotFound("message"))?;
    let message = Message::from(row);
    let visible_from = HistoryVisibility::from_stored(&history).visible_from(Seq::from_stored(joined));
    if message.seq < visible_from { Err(Refusal::NotFound("message").into()) } else { Ok(message) }
}

/// From where on somebody reads the room of a message that he perhaps may not read.
pub(super) fn visible_from(
    conn: &mut SqliteConnection,
    message: MessageId,
    viewer: UserId,
) -> Result<Seq, Fault> {
    let same_room = members::room_id.eq(messages::room_id).and(members::user_id.eq(Key::from(viewer)));
    let row: Option<(i64, String)> = messages::table
        .inner_join(members::table.on(same_room))
        .inner_join(rooms::table.on(rooms::id.eq(messages::room_id)))
        .filter(messages::id.eq(Key::from(message)))
        .select((members::joined_seq, rooms::history))
        .get_result(conn)
        .optional()?;
    let (joined, history) = row.ok_or(Refusal::NotFound("message"))?;
    Ok(HistoryVisibility::from_stored(&history).visible_from(Seq::from_stored(joined)))
}

pub(super) fn message_by_key(
    conn: &mut SqliteConnection,
    author: UserId,
    key: ClientMsgId,
) -> Result<Option<Message>, Fault> {
    let row: Option<MessageRow> = messages::table
        .filter(messages::author_id.eq(Key::from(author)))
        .filter(messages::client_msg_id.eq(Key::from(key)))
        .select(MessageRow::as_select())
        .get_result(conn)
        .optional()?;
    Ok(row.map(Message::from))
}

/// A page is at least one row, and one row more tells whether another page follows.
pub(super) fn one_more(limit: usize) -> usize {
    limit.max(1).saturating_add(1)
}

/// Cuts what [`one_more`] asked for to a page; whether another follows.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: usize) -> bool {
    let more = rows.len() > limit.max(1);
    rows.truncate(limit.max(1));
    more
}
