//! New rooms and new conversations. Next: [`super::rooms`], which reads them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::append::insert_entries;
use super::fault::{self, Fault};
use super::rooms::room_row;
use super::rows::{Key, NewMember, NewRoomRow};
use super::schema::{members, rooms, users};
use super::{people, user_logs};
use crate::domain::{
    Change, Entry, HistoryVisibility, Member, Refusal, Role, RoomId, RoomKind, Seq, UserChange, UserId,
    policy,
};
use crate::store::plan::{KnownMember, LogRow};
use crate::store::{Direct, DirectMade, NewRoom, NewRoomMade};

/// People named in one statement; far below SQLite's limit of bound values.
const USERS_AT_ONCE: usize = 500;

pub(super) fn create_room(conn: &mut SqliteConnection, new: &NewRoom) -> Result<NewRoomMade, Fault> {
    fault::write(conn, |conn| {
        let mut people = vec![new.owner];
        let mut seen = HashSet::from([new.owner]);
        people.extend(new.members.iter().copied().filter(|user| seen.insert(*user)));
        let row = NewRoomRow {
            id: new.id.into(),
            name: new.name.as_str(),
            description: new.description.as_ref().map(|text| text.as_str()),
            is_private: new.is_private,
            created_by: new.owner.into(),
            created_at: new.now.millis(),
            last_seq: 0,
            first_retained: Seq::START.next().stored(),
            member_count: 0,
            last_activity: new.now.millis(),
            kind: RoomKind::Room.as_str(),
            topic: new.topic.as_ref().map(|text| text.as_str()),
            history: new.history.as_str(),
            direct_key: None,
        };
        let role = |user| if user == new.owner { Role::Owner } else { Role::Member };
        make(conn, row, &people, role, "members")
    })
}

/// One writer at a time: who comes second finds what the first has made.
pub(super) fn direct(conn: &mut SqliteConnection, direct: &Direct) -> Result<DirectMade, Fault> {
    fault::write(conn, |conn| {
        let key = direct.key();
        let found: Option<Key> = rooms::table
            .filter(rooms::direct_key.eq(key.as_slice()))
            .select(rooms::id)
            .get_result(conn)
            .optional()?;
        if let Some(room) = found {
            return Ok(DirectMade { room: room.into(), made: None });
        }
        let row = NewRoomRow {
            id: direct.id.into(),
            name: "",
            description: None,
            is_private: true,
            created_by: direct.by.into(),
            created_at: direct.now.millis(),
            last_seq: 0,
            first_retained: Seq::START.next().stored(),
            member_count: 0,
            last_activity: direct.now.millis(),
            kind: RoomKind::Direct.as_str(),
            topic: None,
            history: HistoryVisibility::All.as_str(),
            direct_key: Some(key.as_slice()),
        };
        let made = make(conn, row, &direct.people(), |_| Role::Member, "userIds")?;
        Ok(DirectMade { room: direct.id, made: Some(made) })
    })
}

/// Makes the room with these people in it, in their order.
fn make(
    conn: &mut SqliteConnection,
    row: NewRoomRow<'_>,
    people_in: &[UserId],
    role: impl Fn(UserId) -> Role,
    field: &'static str,
) -> Result<NewRoomMade, Fault> {
    let (room, by, at) = (RoomId::from(row.id), UserId::from(row.created_by), row.created_at);
    let now = crate::domain::Timestamp::from_millis(at);
    let names = usernames(conn, people_in)?;
    if !names.contains_key(&by) {
        return Err(Refusal::NotFound("user").into());
    }
    if let Some(user) = people::out_of_reach(conn, people_in, by)? {
        return Err(policy::not_to_be_added(field, user).into());
    }
    let count = i64::try_from(people_in.len()).unwrap_or(i64::MAX);
    diesel::insert_into(rooms::table)
        .values(NewRoomRow { last_seq: count, member_count: count, ..row })
        .execute(conn)?;
    let (mut seq, mut rows) = (Seq::START, Vec::with_capacity(people_in.len()));
    let (mut entries, mut told) = (Vec::new(), Vec::new());
    for user in people_in.iter().copied() {
        let username = names.get(&user).cloned().ok_or_else(|| policy::not_to_be_added(field, user))?;
        seq = seq.next();
        let member = Member { user, role: role(user), joined_at: now, joined_seq: seq };
        let newcomer = KnownMember::newcomer(member.clone());
        diesel::insert_into(members::table).values(NewMember::new(room, &newcomer)).execute(conn)?;
        let change = Change::MemberJoined { member, username };
        rows.push(LogRow::new(room, seq, now, &change));
        entries.push(Entry { room, seq, at: now, change });
        told.push(user_logs::tell(conn, user, now, UserChange::RoomAdded { room })?);
    }
    insert_entries(conn, &rows)?;
    let row = room_row(conn, room)?.ok_or(Refusal::NotFound("room"))?;
    Ok(NewRoomMade { room: row.into(), entries, told })
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
