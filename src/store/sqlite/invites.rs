//! Invitations, bans, and what members set for themselves. Next: [`crate::store::Memberships`] for
//! the promises, [`super::append`] for who comes in by them.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::fault::{self, Fault};
use super::rooms::{cut, joined, mine, one_more, room_row};
use super::rows::{Key, RoomRow, UserRow};
use super::schema::{bans, invites, members, rooms, users};
use super::user_logs::tell;
use super::{accounts, people};
use crate::domain::policy::EditWindow;
use crate::domain::{
    Invite, InviteId, Refusal, Role, Room, RoomId, RoomSettings, Timestamp, UserChange, UserEntry, UserId,
    policy,
};
use crate::store::memberships::{Inviting, manages_invites, may_see_bans};
use crate::store::plan::Writes;
use crate::store::{Ban, BanPage, NewInvite, PendingInvite};

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = invites, check_for_backend(Sqlite), treat_none_as_default_value = false)]
struct InviteRow {
    id: Key,
    room_id: Key,
    invited_by: Key,
    user_id: Option<Key>,
    token_hash: Option<Vec<u8>>,
    created_at: i64,
    expires_at: Option<i64>,
    max_uses: Option<i64>,
    uses: i64,
}

impl From<InviteRow> for Invite {
    fn from(row: InviteRow) -> Self {
        let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            id: row.id.into(),
            room: row.room_id.into(),
            by: row.invited_by.into(),
            user: row.user_id.map(UserId::from),
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_millis),
            max_uses: row.max_uses.map(count),
            uses: count(row.uses),
        }
    }
}

impl From<&NewInvite> for InviteRow {
    fn from(NewInvite { invite, token_hash, .. }: &NewInvite) -> Self {
        Self {
            id: invite.id.into(),
            room_id: invite.room.into(),
            invited_by: invite.by.into(),
            user_id: invite.user.map(Key::from),
            token_hash: token_hash.map(Vec::from),
            created_at: invite.created_at.millis(),
            expires_at: invite.expires_at.map(Timestamp::millis),
            max_uses: invite.max_uses.map(i64::from),
            uses: i64::from(invite.uses),
        }
    }
}

pub(super) fn find(conn: &mut SqliteConnection, id: InviteId) -> Result<Option<Invite>, Fault> {
    let row: Option<InviteRow> =
        invites::table.find(Key::from(id)).select(InviteRow::as_select()).get_result(conn).optional()?;
    Ok(row.map(Invite::from))
}

/// The invitations into a room that somebody made.
pub(super) fn made(conn: &mut SqliteConnection, room: RoomId, by: UserId) -> Result<Vec<Invite>, Fault> {
    let rows: Vec<InviteRow> = invites::table
        .filter(invites::room_id.eq(Key::from(room)))
        .filter(invites::invited_by.eq(Key::from(by)))
        .order(invites::id)
        .select(InviteRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Invite::from).collect())
}

fn delete(conn: &mut SqliteConnection, id: InviteId) -> Result<(), Fault> {
    diesel::delete(invites::table.find(Key::from(id))).execute(conn)?;
    Ok(())
}

pub(super) fn is_banned(conn: &mut SqliteConnection, room: RoomId, user: UserId) -> Result<bool, Fault> {
    let found: Option<Key> = bans::table
        .find((Key::from(room), Key::from(user)))
        .select(bans::user_id)
        .get_result(conn)
        .optional()?;
    Ok(found.is_some())
}

/// The rows of a group commit that are about rooms as a whole, bans and invitations.
pub(super) fn write(conn: &mut SqliteConnection, writes: &Writes) -> Result<(), Fault> {
    for (room, facts) in &writes.facts {
        diesel::update(rooms::table.find(Key::from(*room)))
            .set((
                rooms::name.eq(facts.name.as_str()),
                rooms::description.eq(facts.description.as_ref().map(|text| text.as_str())),
                rooms::topic.eq(facts.topic.as_ref().map(|text| text.as_str())),
                rooms::history.eq(facts.history.as_str()),
                rooms::archived_at.eq(facts.archived_at.map(Timestamp::millis)),
                rooms::edit_window.eq(facts.edit_window.map(EditWindow::stored)),
                rooms::slow_mode.eq(facts.slow_mode.stored()),
            ))
            .execute(conn)?;
    }
    for (room, user) in &writes.bans_deleted {
        diesel::delete(bans::table.find((Key::from(*room), Key::from(*user)))).execute(conn)?;
    }
    for ban in &writes.bans_inserted {
        diesel::insert_into(bans::table)
            .values((
                bans::room_id.eq(Key::from(ban.room)),
                bans::user_id.eq(Key::from(ban.user)),
                bans::banned_by.eq(Key::from(ban.by)),
                bans::banned_at.eq(ban.at.millis()),
            ))
            .execute(conn)?;
    }
    for (invite, uses) in &writes.invites_used {
        diesel::update(invites::table.find(Key::from(*invite)))
            .set(invites::uses.eq(i64::from(*uses)))
            .execute(conn)?;
    }
    for invite in &writes.invites_ended {
        delete(conn, *invite)?;
    }
    for room in &writes.conversations_lost {
        diesel::update(rooms::table.find(Key::from(*room)))
            .set(rooms::direct_key.eq(None::<&[u8]>))
            .execute(conn)?;
    }
    for (room, user) in writes.not_invited() {
        let his = invites::table.filter(invites::user_id.eq(Key::from(user)));
        diesel::delete(his.filter(invites::room_id.eq(Key::from(room)))).execute(conn)?;
    }
    Ok(())
}

/// The room and the role of somebody inside.
fn inside(conn: &mut SqliteConnection, room: RoomId, user: UserId) -> Result<(Room, Role), Fault> {
    let room: Room = room_row(conn, room)?.ok_or(Refusal::NotFound("room"))?.into();
    match mine(conn, room.id, user)? {
        Some((role, _)) => Ok((room, role)),
        None => Err(policy::outsider(room.is_private).into()),
    }
}

pub(super) fn invite(
    conn: &mut SqliteConnection,
    new: &NewInvite,
) -> Result<(Invite, Option<UserEntry>), Fault> {
    fault::write(conn, |conn| {
        let Invite { room, by, user, created_at: now, .. } = new.invite;
        let of_room = invites::table.filter(invites::room_id.eq(Key::from(room)));
        let over = invites::expires_at.le(now.millis()).or(invites::uses.nullable().ge(invites::max_uses));
        diesel::delete(of_room.filter(over)).execute(conn)?;
        let links: i64 = of_room.filter(invites::user_id.is_null()).count().get_result(conn)?;
        let found: Room = room_row(conn, room)?.ok_or(Refusal::NotFound("room"))?.into();
        let (mut is_in_reach, mut is_member, mut banned) = (false, false, false);
        if let Some(user) = user {
            is_in_reach =
                accounts::user(conn, user)?.is_some() && people::out_of_reach(conn, &[user], by)?.is_none();
            is_member = joined(conn, room, user)?.is_some();
            banned = is_banned(conn, room, user)?;
        }
        let role = mine(conn, room, by)?.map(|(role, _)| role);
        let links = usize::try_from(links).unwrap_or(usize::MAX);
        Inviting { room: &found, role, is_in_reach, is_member, is_banned: banned, links }.judge(new)?;
        let Some(user) = user else {
            diesel::insert_into(invites::table).values(InviteRow::from(new)).execute(conn)?;
            return Ok((new.invite.clone(), None));
        };
        let standing: Option<InviteRow> = of_room
            .filter(invites::user_id.eq(Key::from(user)))
            .select(InviteRow::as_select())
            .get_result(conn)
            .optional()?;
        if let Some(row) = standing {
            return Ok((row.into(), None));
        }
        diesel::insert_into(invites::table).values(InviteRow::from(new)).execute(conn)?;
        let change = UserChange::InviteReceived { invite: new.invite.id, room, by };
        let told = tell(conn, user, now, change)?;
        Ok((new.invite.clone(), Some(told)))
    })
}

pub(super) fn of_room(
    conn: &mut SqliteConnection,
    room: RoomId,
    viewer: UserId,
    now: Timestamp,
) -> Result<Vec<Invite>, Fault> {
    fault::read(conn, |conn| {
        let (found, role) = inside(conn, room, viewer)?;
        let rows: Vec<InviteRow> = invites::table
            .filter(invites::room_id.eq(Key::from(room)))
            .order((invites::created_at, invites::id))
            .select(InviteRow::as_select())
            .load(conn)?;
        let sees_all = manages_invites(role, &found);
        let open = rows.into_iter().map(Invite::from).filter(|invite| invite.is_open(now));
        Ok(open.filter(|invite| sees_all || invite.by == viewer).collect())
    })
}

pub(super) fn revoke(
    conn: &mut SqliteConnection,
    room: RoomId,
    by: UserId,
    id: InviteId,
    now: Timestamp,
) -> Result<Option<UserEntry>, Fault> {
    fault::write(conn, |conn| {
        let (found, role) = inside(conn, room, by)?;
        let may = |invite: &Invite| invite.room == room && (invite.by == by || manages_invites(role, &found));
        let invite = find(conn, id)?.filter(may).ok_or(Refusal::NotFound("invitation"))?;
        delete(conn, id)?;
        let change = UserChange::InviteRevoked { invite: id, room };
        invite.user.map(|user| tell(conn, user, now, change)).transpose()
    })
}

pub(super) fn of_user(
    conn: &mut SqliteConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<PendingInvite>, Fault> {
    let inside = members::room_id.eq(invites::room_id).and(members::user_id.eq(Key::from(user)));
    let rows: Vec<(InviteRow, RoomRow, Option<i64>)> = invites::table
        .inner_join(rooms::table)
        .left_join(members::table.on(inside))
        .filter(invites::user_id.eq(Key::from(user)))
        .order((invites::created_at.desc(), invites::id.desc()))
        .select((InviteRow::as_select(), RoomRow::as_select(), members::joined_seq.nullable()))
        .load(conn)?;
    let pending = rows.into_iter().filter(|(.., joined)| joined.is_none());
    let pending = pending.map(|(invite, room, _)| PendingInvite { invite: invite.into(), room: room.into() });
    let mut open = Vec::new();
    for pending in pending.filter(|pending: &PendingInvite| pending.invite.is_open(now)) {
        if !is_banned(conn, pending.room.id, user)? {
            open.push(pending);
        }
    }
    Ok(open)
}

pub(super) fn decline(
    conn: &mut SqliteConnection,
    user: UserId,
    id: InviteId,
    now: Timestamp,
) -> Result<UserEntry, Fault> {
    fault::write(conn, |conn| {
        let his = |invite: &Invite| invite.user == Some(user);
        let invite = find(conn, id)?.filter(his).ok_or(Refusal::NotFound("invitation"))?;
        delete(conn, id)?;
        tell(conn, user, now, UserChange::InviteRevoked { invite: id, room: invite.room })
    })
}

pub(super) fn by_token(
    conn: &mut SqliteConnection,
    hash: &[u8; 32],
    viewer: UserId,
    now: Timestamp,
) -> Result<PendingInvite, Fault> {
    fault::read(conn, |conn| {
        let row: Option<(InviteRow, RoomRow)> = invites::table
            .inner_join(rooms::table)
            .filter(invites::token_hash.eq(hash.as_slice()))
            .select((InviteRow::as_select(), RoomRow::as_select()))
            .get_result(conn)
            .optional()?;
        let gone = Refusal::NotFound("invitation");
        let (invite, room) = row.ok_or(gone.clone())?;
        let pending = PendingInvite { invite: invite.into(), room: room.into() };
        let is_in = joined(conn, pending.room.id, viewer)?.is_some();
        if !is_in && (!pending.invite.is_open(now) || is_banned(conn, pending.room.id, viewer)?) {
            return Err(gone.into());
        }
        Ok(pending)
    })
}

pub(super) fn bans(
    conn: &mut SqliteConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    after: Option<UserId>,
) -> Result<BanPage, Fault> {
    fault::read(conn, |conn| {
        let (found, role) = inside(conn, room, viewer)?;
        may_see_bans(role, &found)?;
        let mut query = bans::table
            .inner_join(users::table)
            .filter(bans::room_id.eq(Key::from(room)))
            .order(bans::user_id)
            .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
            .select((UserRow::as_select(), bans::banned_by, bans::banned_at))
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(bans::user_id.gt(Key::from(after)));
        }
        let mut rows: Vec<(UserRow, Key, i64)> = query.load(conn)?;
        let more = cut(&mut rows, limit);
        let ban = |(user, by, at): (UserRow, Key, i64)| Ban {
            user: user.into(),
            by: by.into(),
            at: Timestamp::from_millis(at),
        };
        let bans: Vec<Ban> = rows.into_iter().map(ban).collect();
        let next = bans.last().map(|ban| ban.user.id).filter(|_| more);
        Ok(BanPage { bans, next })
    })
}

pub(super) fn set_settings(
    conn: &mut SqliteConnection,
    room: RoomId,
    user: UserId,
    settings: RoomSettings,
    now: Timestamp,
) -> Result<Option<UserEntry>, Fault> {
    fault::write(conn, |conn| {
        let row = room_row(conn, room)?.ok_or(Refusal::NotFound("room"))?;
        let Some((_, before)) = mine(conn, room, user)? else {
            return Err(policy::outsider(row.is_private).into());
        };
        if before == settings {
            return Ok(None);
        }
        diesel::update(members::table.find((Key::from(room), Key::from(user))))
            .set((
                members::notifications.eq(settings.notifications.as_str()),
                members::muted_until.eq(settings.muted_until.map(Timestamp::millis)),
                members::is_favourite.eq(settings.is_favourite),
            ))
            .execute(conn)?;
        Ok(Some(tell(conn, user, now, UserChange::SettingsUpdated { room, settings })?))
    })
}
