//! Rooms, members and messages as people look at them. Next: [`super::log`] for the logs.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::pipeline::Pipeline;
use super::rows::{MessageRow, NewRoomRow, RoomRow, UserColumns, UserRow, user_columns};
use super::schema::{members, messages, rooms, users};
use super::statements::statement;
use super::writes::{InsertEntries, InsertMembers, LockUsers, NoteGrowth, tell, user_growth};
use super::{people, transaction};
use crate::domain::{
    Change, ClientMsgId, Entry, LogHead, Member, Message, MessageId, Refusal, Role, Room, RoomId, Seq, User,
    UserChange, UserEntry, UserId, policy,
};
use crate::store::plan::{KnownMember, LogRow};
use crate::store::{
    DirectoryCursor, MemberCursor, MemberPage, MessagePage, NewRoom, NewRoomMade, RoomPage, RoomView,
};

pub(super) async fn room_row(conn: &mut AsyncPgConnection, room: RoomId) -> Result<Option<RoomRow>, Fault> {
    Ok(rooms::table.find(room.0).select(RoomRow::as_select()).get_result(conn).await.optional()?)
}

async fn is_member(conn: &mut AsyncPgConnection, room: RoomId, user: UserId) -> Result<bool, Fault> {
    let membership = members::table.find((room.0, user.0));
    let seq: Option<i64> = membership.select(members::joined_seq).get_result(conn).await.optional()?;
    Ok(seq.is_some())
}

/// The room, for someone who may read it. To be called within the transaction that reads.
pub(super) async fn readable(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    viewer: UserId,
) -> Result<RoomRow, Fault> {
    let row = room_row(conn, room).await?.ok_or(Refusal::NotFound("room"))?;
    if is_member(conn, room, viewer).await? { Ok(row) } else { Err(policy::outsider(row.is_private).into()) }
}

pub(super) async fn create_room(conn: &mut AsyncPgConnection, new: &NewRoom) -> Result<NewRoomMade, Fault> {
    transaction::write(conn, async |conn| {
        let mut people = vec![new.owner];
        let mut seen = HashSet::from([new.owner]);
        people.extend(new.members.iter().copied().filter(|user| seen.insert(*user)));
        let users = people.iter().map(|user| user.0).collect();
        let found: Vec<(Uuid, String, i64)> = LockUsers { users }.load(conn).await?;
        let found: HashMap<UserId, (String, i64)> =
            found.into_iter().map(|(id, name, seq)| (UserId(id), (name, seq))).collect();
        if !found.contains_key(&new.owner) {
            return Err(Refusal::NotFound("user").into());
        }
        if let Some(user) = people::out_of_reach(conn, &people, new.owner).await? {
            return Err(policy::not_to_be_added(user).into());
        }
        let mut made = Made::default();
        for user in people {
            let (username, user_seq) =
                found.get(&user).cloned().ok_or_else(|| policy::not_to_be_added(user))?;
            made.join(new, user, username, Seq::from_stored(user_seq));
        }
        made.store(conn, new).await
    })
    .await
}

/// A room while its members are put together.
#[derive(Default)]
struct Made {
    members: Vec<(RoomId, KnownMember)>,
    entries: Vec<Entry>,
    told: Vec<UserEntry>,
    head: Seq,
}

impl Made {
    fn join(&mut self, new: &NewRoom, user: UserId, username: String, user_seq: Seq) {
        self.head = self.head.next();
        let role = if user == new.owner { Role::Owner } else { Role::Member };
        let member = Member { user, role, joined_at: new.now, joined_seq: self.head };
        let change = Change::MemberJoined { member: member.clone(), username };
        self.entries.push(Entry { room: new.id, seq: self.head, at: new.now, change });
        let change = UserChange::RoomAdded { room: new.id };
        self.told.push(UserEntry { user, seq: user_seq.next(), at: new.now, change });
        self.members.push((new.id, KnownMember::newcomer(member)));
    }

    async fn store(self, conn: &mut AsyncPgConnection, new: &NewRoom) -> Result<NewRoomMade, Fault> {
        let count = self.head.stored();
        let row: RoomRow = diesel::insert_into(rooms::table)
            .values(NewRoomRow {
                id: new.id.0,
                name: new.name.as_str(),
                description: new.description.as_ref().map(|text| text.as_str()),
                is_private: new.is_private,
                created_by: new.owner.0,
                created_at: new.now.millis(),
                last_seq: count,
                first_retained: Seq::START.next().stored(),
                member_count: count,
                last_activity: new.now.millis(),
            })
            .returning(RoomRow::as_returning())
            .get_result(conn)
            .await?;
        let mut pipeline = Pipeline::new(conn);
        pipeline.add(self.members.len(), || InsertMembers::new(&self.members));
        let log: Vec<LogRow> = self
            .entries
            .iter()
            .map(|entry| LogRow::new(entry.room, entry.seq, entry.at, &entry.change))
            .collect();
        pipeline.add(log.len(), || InsertEntries::new(&log));
        tell(&mut pipeline, &self.told);
        let room = std::iter::once((LogHead::Room(new.id, self.head), new.now));
        pipeline.add(1, || NoteGrowth::new(room.chain(user_growth(&self.told))));
        pipeline.run().await?;
        Ok(NewRoomMade { room: row.into(), entries: self.entries, told: self.told })
    }
}

/// Two statements, however many rooms.
pub(super) async fn rooms_of(
    conn: &mut AsyncPgConnection,
    user: UserId,
    embed: usize,
) -> Result<Vec<RoomView>, Fault> {
    transaction::snapshot(conn, async |conn| {
        let rows: Vec<RoomRow> = members::table
            .inner_join(rooms::table)
            .filter(members::user_id.eq(user.0))
            .order((rooms::last_activity.desc(), rooms::id.desc()))
            .select(RoomRow::as_select())
            .load(conn)
            .await?;
        let limit = i64::try_from(embed).unwrap_or(i64::MAX);
        let found: Vec<(Uuid, UserRow)> = FirstMembers { limit, user: user.0 }.load(conn).await?;
        let mut people = HashMap::<Uuid, Vec<User>>::new();
        for (room, user) in found {
            people.entry(room).or_default().push(user.into());
        }
        Ok(rows
            .into_iter()
            .map(|row| RoomView { members: people.remove(&row.id).unwrap_or_default(), room: row.into() })
            .collect())
    })
    .await
}

statement! {
    /// The first members of each of a user's rooms, by `joined_seq`, read from the index.
    FirstMembers { limit: i64 => BigInt, user: Uuid => SqlUuid } -> (SqlUuid, UserColumns),
    concat!("SELECT mine.room_id, ", user_columns!(), " FROM members mine CROSS JOIN LATERAL (SELECT user_id, joined_seq FROM members WHERE room_id = mine.room_id \
     ORDER BY joined_seq LIMIT ?) first JOIN users u ON u.id = first.user_id \
     WHERE mine.user_id = ? ORDER BY mine.room_id, first.joined_seq")
}

pub(super) async fn room(
    conn: &mut AsyncPgConnection,
    id: RoomId,
    viewer: UserId,
    embed: usize,
) -> Result<RoomView, Fault> {
    transaction::snapshot(conn, async |conn| {
        let row = room_row(conn, id).await?.ok_or(Refusal::NotFound("room"))?;
        if !is_member(conn, id, viewer).await? {
            if row.is_private {
                return Err(Refusal::NotFound("room").into());
            }
            return Ok(RoomView { room: row.into(), members: Vec::new() });
        }
        let members = member_rows(conn, id, embed, None).await?;
        Ok(RoomView { room: row.into(), members: members.into_iter().map(|(user, _)| user.into()).collect() })
    })
    .await
}

async fn member_rows(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    limit: usize,
    after: Option<MemberCursor>,
) -> Result<Vec<(UserRow, i64)>, Fault> {
    Ok(members::table
        .inner_join(users::table)
        .filter(members::room_id.eq(room.0))
        .filter(members::joined_seq.gt(after.unwrap_or(Seq::START).stored()))
        .order(members::joined_seq)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((UserRow::as_select(), members::joined_seq))
        .load(conn)
        .await?)
}

pub(super) async fn members(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    after: Option<MemberCursor>,
) -> Result<MemberPage, Fault> {
    transaction::snapshot(conn, async |conn| {
        readable(conn, room, viewer).await?;
        let mut rows = member_rows(conn, room, one_more(limit), after).await?;
        let more = cut(&mut rows, limit);
        let next = if more { rows.last().map(|(_, seq)| Seq::from_stored(*seq)) } else { None };
        Ok(MemberPage { members: rows.into_iter().map(|(user, _)| user.into()).collect(), next })
    })
    .await
}

pub(super) async fn directory(
    conn: &mut AsyncPgConnection,
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
        let (created_at, id) = (after.created_at.millis(), after.id.0);
        query = query
            .filter(rooms::created_at.le(created_at))
            .filter(rooms::created_at.lt(created_at).or(rooms::id.lt(id)));
    }
    let mut rows: Vec<RoomRow> = query.load(conn).await?;
    let more = cut(&mut rows, limit);
    let rooms: Vec<Room> = rows.into_iter().map(Room::from).collect();
    let last = rooms.last().map(|room| DirectoryCursor { created_at: room.created_at, id: room.id });
    Ok(RoomPage { rooms, next: last.filter(|_| more) })
}

pub(super) async fn messages(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    before: Option<Seq>,
) -> Result<MessagePage, Fault> {
    transaction::snapshot(conn, async |conn| {
        readable(conn, room, viewer).await?;
        let mut rows: Vec<MessageRow> = messages::table
            .filter(messages::room_id.eq(room.0))
            .filter(messages::seq.lt(before.map_or(i64::MAX, Seq::stored)))
            .order(messages::seq.desc())
            .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
            .select(MessageRow::as_select())
            .load(conn)
            .await?;
        let more = cut(&mut rows, limit);
        let messages: Vec<Message> = rows.into_iter().map(Message::from).collect();
        let next = messages.last().map(|message| message.seq).filter(|_| more);
        Ok(MessagePage { messages, next })
    })
    .await
}

pub(super) async fn message(
    conn: &mut AsyncPgConnection,
    id: MessageId,
    viewer: UserId,
) -> Result<Message, Fault> {
    let same_room = members::room_id.eq(messages::room_id).and(members::user_id.eq(viewer.0));
    let row: Option<MessageRow> = messages::table
        .inner_join(members::table.on(same_room))
        .filter(messages::id.eq(id.0))
        .select(MessageRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.ok_or(Refusal::NotFound("message"))?.into())
}

pub(super) async fn message_by_key(
    conn: &mut AsyncPgConnection,
    author: UserId,
    key: ClientMsgId,
) -> Result<Option<Message>, Fault> {
    let row: Option<MessageRow> = messages::table
        .filter(messages::author_id.eq(author.0))
        .filter(messages::client_msg_id.eq(key.0))
        .select(MessageRow::as_select())
        .get_result(conn)
        .await
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
