//! Rooms, members and messages as people look at them. Next: [`super::log`] for the logs.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::conduct::{MutedColumns, MutedRow};
use super::fault::Fault;
use super::rows::{MessageRow, RoomRow, UserColumns, UserRow, user_columns};
use super::schema::{conduct, members, messages, rooms, users};
use super::statements::statement;
use super::transaction;
use crate::domain::room::search_words;
use crate::domain::{
    ClientMsgId, HistoryVisibility, Message, MessageId, Notifications, Refusal, Role, Room, RoomId,
    RoomSettings, Seq, Timestamp, UserId, policy,
};
use crate::store::memberships::{AT_ONCE, LOOKED_AT};
use crate::store::rooms::held;
use crate::store::{DirectoryCursor, Insider, MemberCursor, MemberPage, RoomPage, RoomView};

pub(super) async fn room_row(conn: &mut AsyncPgConnection, room: RoomId) -> Result<Option<RoomRow>, Fault> {
    Ok(rooms::table.find(room.0).select(RoomRow::as_select()).get_result(conn).await.optional()?)
}

/// The `seq` by which somebody joined, if he is inside.
pub(super) async fn joined(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    user: UserId,
) -> Result<Option<Seq>, Fault> {
    let membership = members::table.find((room.0, user.0));
    let seq: Option<i64> = membership.select(members::joined_seq).get_result(conn).await.optional()?;
    Ok(seq.map(Seq::from_stored))
}

/// The room, for someone who may read it, and from where on he may. To be called within the
/// transaction that reads.
pub(super) async fn readable(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    viewer: UserId,
) -> Result<(RoomRow, Seq), Fault> {
    let row = room_row(conn, room).await?.ok_or(Refusal::NotFound("room"))?;
    match joined(conn, room, viewer).await? {
        Some(joined) => {
            let visible_from = row.visible_from(joined);
            Ok((row, visible_from))
        }
        None => Err(policy::outsider(row.is_private).into()),
    }
}

/// Two statements, however many rooms.
pub(super) async fn rooms_of(
    conn: &mut AsyncPgConnection,
    user: UserId,
    embed: usize,
) -> Result<Vec<RoomView>, Fault> {
    transaction::snapshot(conn, async |conn| {
        let conduct_here = conduct::room_id.eq(members::room_id).and(conduct::user_id.eq(members::user_id));
        let rows: Vec<(RoomRow, MineRow, Option<MutedRow>)> = members::table
            .inner_join(rooms::table)
            .left_join(conduct::table.on(conduct_here))
            .filter(members::user_id.eq(user.0))
            .order((rooms::last_activity.desc(), rooms::id.desc()))
            .select((RoomRow::as_select(), MineRow::as_select(), Option::<MutedRow>::as_select()))
            .load(conn)
            .await?;
        let limit = i64::try_from(embed).unwrap_or(i64::MAX);
        let found: Vec<(Uuid, InsiderRow)> = FirstMembers { limit, user: user.0 }.load(conn).await?;
        let mut people = HashMap::<Uuid, Vec<Insider>>::new();
        for (room, row) in found {
            people.entry(room).or_default().push(insider(row));
        }
        let view = |(row, mine, muted): (RoomRow, MineRow, Option<MutedRow>)| {
            let (is_private, mine): (bool, (Role, RoomSettings)) = (row.is_private, mine.into());
            let muted = held(muted.and_then(MutedRow::muted), mine.0);
            let members = people.remove(&row.id).unwrap_or_default();
            let members = seen(members, user, mine.0, is_private);
            RoomView { room: row.into(), members, mine: Some(mine), muted }
        };
        Ok(rows.into_iter().map(view).collect())
    })
    .await
}

/// What somebody is in a room, and what he has set for himself.
#[derive(Queryable, Selectable)]
#[diesel(table_name = members, check_for_backend(diesel::pg::Pg))]
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
pub(super) async fn mine(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    user: UserId,
) -> Result<Option<(Role, RoomSettings)>, Fault> {
    let membership = members::table.find((room.0, user.0));
    let row: Option<MineRow> = membership.select(MineRow::as_select()).get_result(conn).await.optional()?;
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

statement! {
    /// The first members of each of a user's rooms, by `joined_seq`, read from the index.
    FirstMembers { limit: i64 => BigInt, user: Uuid => SqlUuid }
    -> (SqlUuid, (UserColumns, Text, Nullable<MutedColumns>)),
    concat!("SELECT mine.room_id, ", user_columns!(), ", first.role, c.muted_until, c.mute_reason \
     FROM members mine \
     CROSS JOIN LATERAL (SELECT user_id, role, joined_seq FROM members WHERE room_id = mine.room_id \
     ORDER BY joined_seq LIMIT ?) first JOIN users u ON u.id = first.user_id \
     LEFT JOIN conduct c ON c.room_id = mine.room_id AND c.user_id = first.user_id \
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
        let Some(mine) = mine(conn, id, viewer).await? else {
            if row.is_private {
                return Err(Refusal::NotFound("room").into());
            }
            return Ok(RoomView { room: row.into(), members: Vec::new(), mine: None, muted: None });
        };
        let rows = member_rows(conn, id, embed, None).await?;
        let members = rows.into_iter().map(|(_, row)| insider(row)).collect();
        let members = seen(members, viewer, mine.0, row.is_private);
        let conduct_here = conduct::table.find((id.0, viewer.0)).select(MutedRow::as_select());
        let muted: Option<MutedRow> = conduct_here.get_result(conn).await.optional()?;
        let muted = held(muted.and_then(MutedRow::muted), mine.0);
        Ok(RoomView { room: row.into(), members, mine: Some(mine), muted })
    })
    .await
}

async fn member_rows(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    limit: usize,
    after: Option<MemberCursor>,
) -> Result<Vec<(i64, InsiderRow)>, Fault> {
    let conduct_here = conduct::room_id.eq(members::room_id).and(conduct::user_id.eq(members::user_id));
    Ok(members::table
        .inner_join(users::table)
        .left_join(conduct::table.on(conduct_here))
        .filter(members::room_id.eq(room.0))
        .filter(members::joined_seq.gt(after.unwrap_or(Seq::START).stored()))
        .order(members::joined_seq)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((members::joined_seq, (UserRow::as_select(), members::role, Option::<MutedRow>::as_select())))
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
        let row = room_row(conn, room).await?.ok_or(Refusal::NotFound("room"))?;
        let mine = mine(conn, room, viewer).await?;
        let (role, _) = mine.ok_or_else(|| policy::outsider(row.is_private))?;
        let mut rows = member_rows(conn, room, one_more(limit), after).await?;
        let more = cut(&mut rows, limit);
        let next = if more { rows.last().map(|(seq, _)| Seq::from_stored(*seq)) } else { None };
        let members = rows.into_iter().map(|(_, row)| insider(row)).collect();
        Ok(MemberPage { members: seen(members, viewer, role, row.is_private), next })
    })
    .await
}

pub(super) async fn directory(
    conn: &mut AsyncPgConnection,
    viewer: UserId,
    limit: usize,
    after: Option<DirectoryCursor>,
    search: Option<&str>,
) -> Result<RoomPage, Fault> {
    let Some(search) = search.map(search_words) else {
        let mut rooms = listed(conn, viewer, one_more(limit), after).await?;
        let more = cut(&mut rooms, limit);
        let next = rooms.last().map(DirectoryCursor::after).filter(|_| more);
        return Ok(RoomPage { rooms, next });
    };
    let (mut found, mut next, mut looked_at) = (Vec::new(), after, 0);
    while looked_at < LOOKED_AT {
        let rooms = listed(conn, viewer, AT_ONCE, next).await?;
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
async fn listed(
    conn: &mut AsyncPgConnection,
    viewer: UserId,
    limit: usize,
    after: Option<DirectoryCursor>,
) -> Result<Vec<Room>, Fault> {
    let mine = members::table.filter(members::user_id.eq(viewer.0)).select(members::room_id);
    let mut query = rooms::table
        .filter(diesel::dsl::not(rooms::is_private))
        .filter(rooms::archived_at.is_null().or(rooms::id.eq_any(mine)))
        .order((rooms::created_at.desc(), rooms::id.desc()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(RoomRow::as_select())
        .into_boxed();
    if let Some(after) = after {
        let (created_at, id) = (after.created_at.millis(), after.id.0);
        query = query
            .filter(rooms::created_at.le(created_at))
            .filter(rooms::created_at.lt(created_at).or(rooms::id.lt(id)));
    }
    let rows: Vec<RoomRow> = query.load(conn).await?;
    Ok(rows.into_iter().map(Room::from).collect())
}

pub(super) async fn message(
    conn: &mut AsyncPgConnection,
    id: MessageId,
    viewer: UserId,
) -> Result<Message, Fault> {
    let same_room = members::room_id.eq(messages::room_id).and(members::user_id.eq(viewer.0));
    let row: Option<(MessageRow, i64, String)> = messages::table
        .inner_join(members::table.on(same_room))
        .inner_join(rooms::table.on(rooms::id.eq(messages::room_id)))
        .filter(messages::id.eq(id.0))
        .select((MessageRow::as_select(), members::joined_seq, rooms::history))
        .get_result(conn)
        .await
        .optional()?;
    let (row, joined, history) = row.ok_or(Refusal::NotFound("message"))?;
    let message = Message::from(row);
    let visible_from = HistoryVisibility::from_stored(&history).visible_from(Seq::from_stored(joined));
    if message.seq < visible_from { Err(Refusal::NotFound("message").into()) } else { Ok(message) }
}

/// From where on somebody reads the room of a message that he perhaps may not read.
pub(super) async fn visible_from(
    conn: &mut AsyncPgConnection,
    message: MessageId,
    viewer: UserId,
) -> Result<Seq, Fault> {
    let same_room = members::room_id.eq(messages::room_id).and(members::user_id.eq(viewer.0));
    let row: Option<(i64, String)> = messages::table
        .inner_join(members::table.on(same_room))
        .inner_join(rooms::table.on(rooms::id.eq(messages::room_id)))
        .filter(messages::id.eq(message.0))
        .select((members::joined_seq, rooms::history))
        .get_result(conn)
        .await
        .optional()?;
    let (joined, history) = row.ok_or(Refusal::NotFound("message"))?;
    Ok(HistoryVisibility::from_stored(&history).visible_from(Seq::from_stored(joined)))
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
