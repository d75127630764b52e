//! Rooms, members and messages as people look at them. Next: [`super::log`] for the logs.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use super::append::insert_entries;
use super::fault::{self, Fault};
use super::rows::{Key, MessageRow, NewMember, NewRoomRow, RoomRow, UserRow};
use super::schema::{members, messages, rooms, users};
use super::{people, user_logs};
use crate::domain::{
    Change, ClientMsgId, Entry, Member, Message, MessageId, Refusal, Role, Room, RoomId, Seq, User,
    UserChange, UserId, policy,
};
use crate::store::plan::{KnownMember, LogRow};
use crate::store::{
    DirectoryCursor, MemberCursor, MemberPage, MessagePage, NewRoom, NewRoomMade, RoomPage, RoomView,
};

/// People named in one statement; far below SQLite's limit of bound values.
const USERS_AT_ONCE: usize = 500;

pub(super) fn room_row(conn: &mut SqliteConnection, room: RoomId) -> Result<Option<RoomRow>, Fault> {
    Ok(rooms::table.find(Key::from(room)).select(RoomRow::as_select()).get_result(conn).optional()?)
}

fn is_member(conn: &mut SqliteConnection, room: RoomId, user: UserId) -> Result<bool, Fault> {
    let seq: Option<i64> = members::table
        .find((Key::from(room), Key::from(user)))
        .select(members::joined_seq)
        .get_result(conn)
        .optional()?;
    Ok(seq.is_some())
}

/// The room, for someone who may read it. To be called within the transaction that reads.
pub(super) fn readable(conn: &mut SqliteConnection, room: RoomId, viewer: UserId) -> Result<RoomRow, Fault> {
    let row = room_row(conn, room)?.ok_or(Refusal::NotFound("room"))?;
    if is_member(conn, room, viewer)? { Ok(row) } else { Err(policy::outsider(row.is_private).into()) }
}

pub(super) fn create_room(conn: &mut SqliteConnection, new: &NewRoom) -> Result<NewRoomMade, Fault> {
    fault::write(conn, |conn| {
        let mut people = vec![new.owner];
        let mut seen = HashSet::from([new.owner]);
        people.extend(new.members.iter().copied().filter(|user| seen.insert(*user)));
        let names = usernames(conn, &people)?;
        if !names.contains_key(&new.owner) {
            return Err(Refusal::NotFound("user").into());
        }
        if let Some(user) = people::out_of_reach(conn, &people, new.owner)? {
            return Err(policy::not_to_be_added(user).into());
        }
        let count = i64::try_from(people.len()).unwrap_or(i64::MAX);
        diesel::insert_into(rooms::table)
            .values(NewRoomRow {
                id: new.id.into(),
                name: new.name.as_str(),
                description: new.description.as_ref().map(|text| text.as_str()),
                is_private: new.is_private,
                created_by: new.owner.into(),
                created_at: new.now.millis(),
                last_seq: count,
                first_retained: Seq::START.next().stored(),
                member_count: count,
                last_activity: new.now.millis(),
            })
            .execute(conn)?;
        let (mut seq, mut rows) = (Seq::START, Vec::with_capacity(people.len()));
        let (mut entries, mut told) = (Vec::with_capacity(people.len()), Vec::with_capacity(people.len()));
        for user in people {
            let username = names.get(&user).cloned().ok_or_else(|| policy::not_to_be_added(user))?;
            seq = seq.next();
            let role = if user == new.owner { Role::Owner } else { Role::Member };
            let member = Member { user, role, joined_at: new.now, joined_seq: seq };
            let newcomer = KnownMember::newcomer(member.clone());
            diesel::insert_into(members::table).values(NewMember::new(new.id, &newcomer)).execute(conn)?;
            let change = Change::MemberJoined { member, username };
            rows.push(LogRow::new(new.id, seq, new.now, &change));
            entries.push(Entry { room: new.id, seq, at: new.now, change });
            told.push(user_logs::tell(conn, user, new.now, UserChange::RoomAdded { room: new.id })?);
        }
        insert_entries(conn, &rows)?;
        let row = room_row(conn, new.id)?.ok_or(Refusal::NotFound("room"))?;
        Ok(NewRoomMade { room: row.into(), entries, told })
    })
}

fn usernames(conn: &mut SqliteConnection, ids: &[UserId]) -> Result<HashMap<UserId, String>, Fault> {
    let mut names = HashMap::with_capacity(ids.len());
    for some in ids.chunks(USERS_AT_ONCE) {
        let rows: Vec<(Key, String)> = users::table
            .filter(users::id.eq_any(some.iter().copied().map(Key::from)))
            .filter(users::deleted_at.is_null())
            .select((users::id, users::username))
            .load(conn)?;
        names.extend(rows.into_iter().map(|(id, name)| (UserId::from(id), name)));
    }
    Ok(names)
}

/// Two statements, however many rooms.
pub(super) fn rooms_of(
    conn: &mut SqliteConnection,
    user: UserId,
    embed: usize,
) -> Result<Vec<RoomView>, Fault> {
    fault::read(conn, |conn| {
        let rows: Vec<RoomRow> = members::table
            .inner_join(rooms::table)
            .filter(members::user_id.eq(Key::from(user)))
            .order((rooms::last_activity.desc(), rooms::id.desc()))
            .select(RoomRow::as_select())
            .load(conn)?;
        let mut people = first_members(conn, user, embed)?;
        Ok(rows
            .into_iter()
            .map(|row| RoomView { members: people.remove(&row.id).unwrap_or_default(), room: row.into() })
            .collect())
    })
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
) -> Result<HashMap<Key, Vec<User>>, Fault> {
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
    let rows: Vec<(Key, UserRow)> = mine
        .inner_join(members::table.on(members::room_id.eq(mine.field(members::room_id))))
        .inner_join(users::table.on(users::id.eq(members::user_id)))
        .filter(mine.field(members::user_id).eq(Key::from(user)))
        .filter(members::joined_seq.le(coalesce(end, i64::MAX)))
        .order((members::room_id, members::joined_seq))
        .select((members::room_id, UserRow::as_select()))
        .load(conn)?;
    let mut people = HashMap::<Key, Vec<User>>::new();
    for (room, user) in rows {
        people.entry(room).or_default().push(user.into());
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
        if !is_member(conn, id, viewer)? {
            if row.is_private {
                return Err(Refusal::NotFound("room").into());
            }
            return Ok(RoomView { room: row.into(), members: Vec::new() });
        }
        let members = member_rows(conn, id, embed, None)?.into_iter().map(|(user, _)| user.into()).collect();
        Ok(RoomView { room: row.into(), members })
    })
}

fn member_rows(
    conn: &mut SqliteConnection,
    room: RoomId,
    limit: usize,
    after: Option<MemberCursor>,
) -> Result<Vec<(UserRow, i64)>, Fault> {
    Ok(members::table
        .inner_join(users::table)
        .filter(members::room_id.eq(Key::from(room)))
        .filter(members::joined_seq.gt(after.unwrap_or(Seq::START).stored()))
        .order(members::joined_seq)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((UserRow::as_select(), members::joined_seq))
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
        readable(conn, room, viewer)?;
        let mut rows = member_rows(conn, room, one_more(limit), after)?;
        let more = cut(&mut rows, limit);
        let next = if more { rows.last().map(|(_, seq)| Seq::from_stored(*seq)) } else { None };
        Ok(MemberPage { members: rows.into_iter().map(|(user, _)| user.into()).collect(), next })
    })
}

pub(super) fn directory(
    conn: &mut SqliteConnection,
    limit: usize,
    after: Option<DirectoryCursor>,
) -> Result<RoomPage, Fault> {
    let mut query = rooms::table
        .filter(diesel::dsl::not(rooms::is_private))
        .order((rooms::created_at.desc(), rooms::id.desc()))
        .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
        .select(RoomRow::as_select())
        .into_boxed();
    if let Some(after) = after {
        let (created_at, id) = (after.created_at.millis(), Key::from(after.id));
        query = query
            .filter(rooms::created_at.le(created_at))
            .filter(rooms::created_at.lt(created_at).or(rooms::id.lt(id)));
    }
    let mut rows: Vec<RoomRow> = query.load(conn)?;
    let more = cut(&mut rows, limit);
    let rooms: Vec<Room> = rows.into_iter().map(Room::from).collect();
    let last = rooms.last().map(|room| DirectoryCursor { created_at: room.created_at, id: room.id });
    Ok(RoomPage { rooms, next: last.filter(|_| more) })
}

pub(super) fn messages(
    conn: &mut SqliteConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    before: Option<Seq>,
) -> Result<MessagePage, Fault> {
    fault::read(conn, |conn| {
        readable(conn, room, viewer)?;
        let mut rows: Vec<MessageRow> = messages::table
            .filter(messages::room_id.eq(Key::from(room)))
            .filter(messages::seq.lt(before.map_or(i64::MAX, Seq::stored)))
            .order(messages::seq.desc())
            .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
            .select(MessageRow::as_select())
            .load(conn)?;
        let more = cut(&mut rows, limit);
        let messages: Vec<Message> = rows.into_iter().map(Message::from).collect();
        let next = messages.last().map(|message| message.seq).filter(|_| more);
        Ok(MessagePage { messages, next })
    })
}

pub(super) fn message(conn: &mut SqliteConnection, id: MessageId, viewer: UserId) -> Result<Message, Fault> {
    let same_room = members::room_id.eq(messages::room_id).and(members::user_id.eq(Key::from(viewer)));
    let row: Option<MessageRow> = messages::table
        .inner_join(members::table.on(same_room))
        .filter(messages::id.eq(Key::from(id)))
        .select(MessageRow::as_select())
        .get_result(conn)
        .optional()?;
    Ok(row.ok_or(Refusal::NotFound("message"))?.into())
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
