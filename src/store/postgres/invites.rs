//! Invitations, bans, and what members set for themselves. Next: [`crate::store::Memberships`] for
//! the promises, [`super::append`] for who comes in by them.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::pipeline::Pipeline;
use super::rooms::{cut, joined, mine, one_more, room_row};
use super::rows::{RoomRow, UserRow};
use super::schema::{bans, invites, members, rooms, users};
use super::writes::{LockUsers, NoteGrowth, tell, user_growth};
use super::{people, transaction};
use crate::domain::{
    Invite, InviteId, Refusal, Role, Room, RoomId, RoomSettings, Seq, Timestamp, UserChange, UserEntry,
    UserId, policy,
};
use crate::store::memberships::{Inviting, manages_invites, may_see_bans};
use crate::store::{Ban, BanPage, NewInvite, PendingInvite};

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = invites, check_for_backend(Pg), treat_none_as_default_value = false)]
pub(super) struct InviteRow {
    id: Uuid,
    room_id: Uuid,
    invited_by: Uuid,
    user_id: Option<Uuid>,
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
            id: InviteId(row.id),
            room: RoomId(row.room_id),
            by: UserId(row.invited_by),
            user: row.user_id.map(UserId),
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
            id: invite.id.0,
            room_id: invite.room.0,
            invited_by: invite.by.0,
            user_id: invite.user.map(|user| user.0),
            token_hash: token_hash.map(Vec::from),
            created_at: invite.created_at.millis(),
            expires_at: invite.expires_at.map(Timestamp::millis),
            max_uses: invite.max_uses.map(i64::from),
            uses: i64::from(invite.uses),
        }
    }
}

/// Locks the room, as everybody does who changes what of it is asked in a group commit.
async fn lock(conn: &mut AsyncPgConnection, room: RoomId) -> Result<Room, Fault> {
    let row: Option<RoomRow> = rooms::table
        .find(room.0)
        .select(RoomRow::as_select())
        .for_no_key_update()
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.ok_or(Refusal::NotFound("room"))?.into())
}

/// Locks a user's log: where it stands, if there is such a user.
async fn lock_user(conn: &mut AsyncPgConnection, user: UserId) -> Result<Option<Seq>, Fault> {
    let rows: Vec<(Uuid, String, i64)> = LockUsers { users: vec![user.0] }.load(conn).await?;
    Ok(rows.into_iter().next().map(|(.., head)| Seq::from_stored(head)))
}

/// Writes the entry after `head` of a user's log that is locked.
async fn tell_user(
    conn: &mut AsyncPgConnection,
    user: UserId,
    head: Seq,
    at: Timestamp,
    change: UserChange,
) -> Result<UserEntry, Fault> {
    let told = [UserEntry { user, seq: head.next(), at, change }];
    let mut pipeline = Pipeline::new(conn);
    tell(&mut pipeline, &told);
    pipeline.add(told.len(), || NoteGrowth::new(user_growth(&told)));
    pipeline.run().await?;
    let [entry] = told;
    Ok(entry)
}

async fn find(conn: &mut AsyncPgConnection, id: InviteId) -> Result<Option<Invite>, Fault> {
    let row: Option<InviteRow> =
        invites::table.find(id.0).select(InviteRow::as_select()).get_result(conn).await.optional()?;
    Ok(row.map(Invite::from))
}

/// Whether it was there.
async fn delete(conn: &mut AsyncPgConnection, id: InviteId) -> Result<bool, Fault> {
    Ok(diesel::delete(invites::table.find(id.0)).execute(conn).await? > 0)
}

async fn is_banned(conn: &mut AsyncPgConnection, room: RoomId, user: UserId) -> Result<bool, Fault> {
    let found: Option<Uuid> =
        bans::table.find((room.0, user.0)).select(bans::user_id).get_result(conn).await.optional()?;
    Ok(found.is_some())
}

/// The room and the role of somebody inside.
async fn inside(conn: &mut AsyncPgConnection, room: RoomId, user: UserId) -> Result<(Room, Role), Fault> {
    let room: Room = room_row(conn, room).await?.ok_or(Refusal::NotFound("room"))?.into();
    match mine(conn, room.id, user).await? {
        Some((role, _)) => Ok((room, role)),
        None => Err(policy::outsider(room.is_private).into()),
    }
}

pub(super) async fn invite(
    conn: &mut AsyncPgConnection,
    new: &NewInvite,
) -> Result<(Invite, Option<UserEntry>), Fault> {
    transaction::write(conn, async |conn| {
        let Invite { room, by, user, created_at: now, .. } = new.invite;
        let found = lock(conn, room).await?;
        let head = match user {
            Some(user) => lock_user(conn, user).await?,
            None => None,
        };
        let of_room = invites::table.filter(invites::room_id.eq(room.0));
        let over = invites::expires_at.le(now.millis()).or(invites::uses.nullable().ge(invites::max_uses));
        diesel::delete(of_room.filter(over)).execute(conn).await?;
        let links: i64 = of_room.filter(invites::user_id.is_null()).count().get_result(conn).await?;
        let (mut is_in_reach, mut is_member, mut banned) = (false, false, false);
        if let Some(user) = user {
            is_in_reach = head.is_some() && people::out_of_reach(conn, &[user], by).await?.is_none();
            is_member = joined(conn, room, user).await?.is_some();
            banned = is_banned(conn, room, user).await?;
        }
        let role = mine(conn, room, by).await?.map(|(role, _)| role);
        let links = usize::try_from(links).unwrap_or(usize::MAX);
        Inviting { room: &found, role, is_in_reach, is_member, is_banned: banned, links }.judge(new)?;
        let (Some(user), Some(head)) = (user, head) else {
            diesel::insert_into(invites::table).values(InviteRow::from(new)).execute(conn).await?;
            return Ok((new.invite.clone(), None));
        };
        let standing: Option<InviteRow> = of_room
            .filter(invites::user_id.eq(user.0))
            .select(InviteRow::as_select())
            .get_result(conn)
            .await
            .optional()?;
        if let Some(row) = standing {
            return Ok((row.into(), None));
        }
        diesel::insert_into(invites::table).values(InviteRow::from(new)).execute(conn).await?;
        let change = UserChange::InviteReceived { invite: new.invite.id, room, by };
        let told = tell_user(conn, user, head, now, change).await?;
        Ok((new.invite.clone(), Some(told)))
    })
    .await
}

pub(super) async fn of_room(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    viewer: UserId,
    now: Timestamp,
) -> Result<Vec<Invite>, Fault> {
    transaction::snapshot(conn, async |conn| {
        let (found, role) = inside(conn, room, viewer).await?;
        let rows: Vec<InviteRow> = invites::table
            .filter(invites::room_id.eq(room.0))
            .order((invites::created_at, invites::id))
            .select(InviteRow::as_select())
            .load(conn)
            .await?;
        let sees_all = manages_invites(role, &found);
        let open = rows.into_iter().map(Invite::from).filter(|invite| invite.is_open(now));
        Ok(open.filter(|invite| sees_all || invite.by == viewer).collect())
    })
    .await
}

pub(super) async fn revoke(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    by: UserId,
    id: InviteId,
    now: Timestamp,
) -> Result<Option<UserEntry>, Fault> {
    transaction::write(conn, async |conn| {
        lock(conn, room).await?;
        let (found, role) = inside(conn, room, by).await?;
        let may = |invite: &Invite| invite.room == room && (invite.by == by || manages_invites(role, &found));
        let gone = Refusal::NotFound("invitation");
        let invite = find(conn, id).await?.filter(may).ok_or(gone.clone())?;
        let head = match invite.user {
            Some(user) => lock_user(conn, user).await?,
            None => None,
        };
        // Who ends his account takes his invitations with him, without the room's lock.
        if !delete(conn, id).await? {
            return Err(gone.into());
        }
        let (Some(user), Some(head)) = (invite.user, head) else { return Ok(None) };
        let change = UserChange::InviteRevoked { invite: id, room };
        Ok(Some(tell_user(conn, user, head, now, change).await?))
    })
    .await
}

pub(super) async fn of_user(
    conn: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<PendingInvite>, Fault> {
    let inside = members::room_id.eq(invites::room_id).and(members::user_id.eq(user.0));
    let rows: Vec<(InviteRow, RoomRow, Option<i64>)> = invites::table
        .inner_join(rooms::table)
        .left_join(members::table.on(inside))
        .filter(invites::user_id.eq(user.0))
        .order((invites::created_at.desc(), invites::id.desc()))
        .select((InviteRow::as_select(), RoomRow::as_select(), members::joined_seq.nullable()))
        .load(conn)
        .await?;
    let pending = rows.into_iter().filter(|(.., joined)| joined.is_none());
    let pending = pending.map(|(invite, room, _)| PendingInvite { invite: invite.into(), room: room.into() });
    let mut open = Vec::new();
    for pending in pending.filter(|pending: &PendingInvite| pending.invite.is_open(now)) {
        if !is_banned(conn, pending.room.id, user).await? {
            open.push(pending);
        }
    }
    Ok(open)
}

pub(super) async fn decline(
    conn: &mut AsyncPgConnection,
    user: UserId,
    id: InviteId,
    now: Timestamp,
) -> Result<UserEntry, Fault> {
    transaction::write(conn, async |conn| {
        let gone = Refusal::NotFound("invitation");
        let his = |invite: &Invite| invite.user == Some(user);
        let room = find(conn, id).await?.filter(his).ok_or(gone.clone())?.room;
        lock(conn, room).await?;
        // It may have been accepted before the lock was had.
        find(conn, id).await?.ok_or(gone.clone())?;
        let head = lock_user(conn, user).await?.ok_or(gone)?;
        delete(conn, id).await?;
        tell_user(conn, user, head, now, UserChange::InviteRevoked { invite: id, room }).await
    })
    .await
}

pub(super) async fn by_token(
    conn: &mut AsyncPgConnection,
    hash: &[u8; 32],
    viewer: UserId,
    now: Timestamp,
) -> Result<PendingInvite, Fault> {
    transaction::snapshot(conn, async |conn| {
        let row: Option<(InviteRow, RoomRow)> = invites::table
            .inner_join(rooms::table)
            .filter(invites::token_hash.eq(hash.as_slice()))
            .select((InviteRow::as_select(), RoomRow::as_select()))
            .get_result(conn)
            .await
            .optional()?;
        let gone = Refusal::NotFound("invitation");
        let (invite, room) = row.ok_or(gone.clone())?;
        let pending = PendingInvite { invite: invite.into(), room: room.into() };
        let is_in = joined(conn, pending.room.id, viewer).await?.is_some();
        if !is_in && (!pending.invite.is_open(now) || is_banned(conn, pending.room.id, viewer).await?) {
            return Err(gone.into());
        }
        Ok(pending)
    })
    .await
}

pub(super) async fn bans(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    viewer: UserId,
    limit: usize,
    after: Option<UserId>,
) -> Result<BanPage, Fault> {
    transaction::snapshot(conn, async |conn| {
        let (found, role) = inside(conn, room, viewer).await?;
        may_see_bans(role, &found)?;
        let mut query = bans::table
            .inner_join(users::table)
            .filter(bans::room_id.eq(room.0))
            .order(bans::user_id)
            .limit(i64::try_from(one_more(limit)).unwrap_or(i64::MAX))
            .select((UserRow::as_select(), bans::banned_by, bans::banned_at))
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(bans::user_id.gt(after.0));
        }
        let mut rows: Vec<(UserRow, Uuid, i64)> = query.load(conn).await?;
        let more = cut(&mut rows, limit);
        let ban = |(user, by, at): (UserRow, Uuid, i64)| Ban {
            user: user.into(),
            by: UserId(by),
            at: Timestamp::from_millis(at),
        };
        let bans: Vec<Ban> = rows.into_iter().map(ban).collect();
        let next = bans.last().map(|ban| ban.user.id).filter(|_| more);
        Ok(BanPage { bans, next })
    })
    .await
}

pub(super) async fn set_settings(
    conn: &mut AsyncPgConnection,
    room: RoomId,
    user: UserId,
    settings: RoomSettings,
    now: Timestamp,
) -> Result<Option<UserEntry>, Fault> {
    transaction::write(conn, async |conn| {
        let row = room_row(conn, room).await?.ok_or(Refusal::NotFound("room"))?;
        let head = lock_user(conn, user).await?;
        let (Some((_, before)), Some(head)) = (mine(conn, room, user).await?, head) else {
            return Err(policy::outsider(row.is_private).into());
        };
        if before == settings {
            return Ok(None);
        }
        diesel::update(members::table.find((room.0, user.0)))
            .set((
                members::notifications.eq(settings.notifications.as_str()),
                members::muted_until.eq(settings.muted_until.map(Timestamp::millis)),
                members::is_favourite.eq(settings.is_favourite),
            ))
            .execute(conn)
            .await?;
        let change = UserChange::SettingsUpdated { room, settings };
        Ok(Some(tell_user(conn, user, head, now, change).await?))
    })
    .await
}
