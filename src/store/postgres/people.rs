//! Profiles, lookup and blocks. Next: [`crate::store::People`] for the promises.

use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::fault::Fault;
use super::pipeline::Pipeline;
use super::rows::UserRow;
use super::schema::{blocks, users};
use super::statements::statement;
use super::writes::{LockUsers, NoteGrowth, tell, user_growth};
use super::{PgStore, accounts, transaction};
use crate::domain::{ProfileChange, Refusal, RoomId, Seq, Timestamp, User, UserChange, UserEntry, UserId};
use crate::store::{Answer, People};

async fn known(conn: &mut AsyncPgConnection, user: UserId) -> Result<User, Fault> {
    let found = accounts::user(conn, user).await?.filter(User::is_somebody);
    found.ok_or_else(|| Refusal::NotFound("user").into())
}

async fn change_profile(
    conn: &mut AsyncPgConnection,
    user: UserId,
    change: &ProfileChange,
    now: Timestamp,
) -> Result<(User, Option<UserEntry>), Fault> {
    transaction::write(conn, async |conn| {
        // The user's row is held from here on.
        let held: Vec<(Uuid, String, i64)> = LockUsers { users: vec![user.0] }.load(conn).await?;
        let before = known(conn, user).await?;
        let profile = change.of(&before.profile);
        let Some((_, _, head)) = held.into_iter().next().filter(|_| profile != before.profile) else {
            return Ok((before, None));
        };
        diesel::update(users::table.find(user.0))
            .set((users::display_name.eq(&profile.display_name), users::status_text.eq(&profile.status_text)))
            .execute(conn)
            .await?;
        let seq = Seq::from_stored(head).next();
        let told = [UserEntry { user, seq, at: now, change: UserChange::ProfileUpdated }];
        let mut pipeline = Pipeline::new(conn);
        tell(&mut pipeline, &told);
        pipeline.add(1, || NoteGrowth::new(user_growth(&told)));
        pipeline.run().await?;
        let [told] = told;
        Ok((User { profile, ..before }, Some(told)))
    })
    .await
}

async fn by_prefix(conn: &mut AsyncPgConnection, prefix: &str, limit: usize) -> Result<Vec<User>, Fault> {
    // Beyond every key that begins so: no character is greater.
    let beyond = format!("{prefix}\u{10ffff}");
    let rows: Vec<UserRow> = users::table
        .filter(users::username_key.ge(prefix))
        .filter(users::username_key.lt(beyond))
        .filter(users::disabled_at.is_null())
        .filter(users::deleted_at.is_null())
        .order(users::username_key)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(UserRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

async fn blocks_of(conn: &mut AsyncPgConnection, user: UserId) -> Result<Vec<User>, Fault> {
    let rows: Vec<UserRow> = blocks::table
        .inner_join(users::table.on(users::id.eq(blocks::blocked_id)))
        .filter(blocks::user_id.eq(user.0))
        .order((blocks::created_at.desc(), blocks::blocked_id))
        .select(UserRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

async fn block(
    conn: &mut AsyncPgConnection,
    user: UserId,
    blocked: UserId,
    most: usize,
    now: Timestamp,
) -> Result<(), Fault> {
    transaction::write(conn, async |conn| {
        // Held, so that of two at once the second counts the first.
        let held = users::table.find(user.0).select(users::id).for_no_key_update();
        let _: Uuid = held.get_result(conn).await?;
        known(conn, blocked).await?;
        if is_blocked(conn, user, blocked).await? {
            return Ok(());
        }
        let count: i64 = blocks::table.filter(blocks::user_id.eq(user.0)).count().get_result(conn).await?;
        if usize::try_from(count).unwrap_or(usize::MAX) >= most {
            return Err(Refusal::TooLarge("the list of those you block").into());
        }
        diesel::insert_into(blocks::table)
            .values((
                blocks::user_id.eq(user.0),
                blocks::blocked_id.eq(blocked.0),
                blocks::created_at.eq(now.millis()),
            ))
            .execute(conn)
            .await?;
        Ok(())
    })
    .await
}

async fn is_blocked(conn: &mut AsyncPgConnection, blocker: UserId, blocked: UserId) -> Result<bool, Fault> {
    Ok(select(exists(blocks::table.find((blocker.0, blocked.0)))).get_result(conn).await?)
}

async fn unblock(conn: &mut AsyncPgConnection, user: UserId, blocked: UserId) -> Result<(), Fault> {
    diesel::delete(blocks::table.find((user.0, blocked.0))).execute(conn).await?;
    Ok(())
}

statement! {
    /// Who of a conversation of two blocks the other.
    ReadBlockers { rooms: Vec<Uuid> => Array<SqlUuid> } -> (SqlUuid, SqlUuid),
    "SELECT r.id, m.user_id FROM rooms r JOIN members m ON m.room_id = r.id \
     JOIN members o ON o.room_id = r.id AND o.user_id <> m.user_id \
     JOIN blocks b ON b.user_id = m.user_id AND b.blocked_id = o.user_id \
     WHERE r.id = ANY(?) AND r.kind = 'direct' AND r.member_count = 2 \
     ORDER BY r.id, m.joined_seq"
}

async fn blockers(conn: &mut AsyncPgConnection, room: RoomId) -> Result<Vec<UserId>, Fault> {
    let rows: Vec<(Uuid, Uuid)> = ReadBlockers { rooms: vec![room.0] }.load(conn).await?;
    Ok(rows.into_iter().map(|(_, blocker)| UserId(blocker)).collect())
}

/// One of these who may not be put anywhere by somebody, because he blocks him or is gone: to be asked
/// within the transaction that puts them anywhere.
pub(super) async fn out_of_reach(
    conn: &mut AsyncPgConnection,
    people: &[UserId],
    blocked: UserId,
) -> Result<Option<UserId>, Fault> {
    let people: Vec<Uuid> = people.iter().map(|user| user.0).collect();
    let gone = users::table.filter(users::id.eq_any(&people)).filter(users::deleted_at.is_not_null());
    let gone: Option<Uuid> = gone.select(users::id).first(conn).await.optional()?;
    if let Some(gone) = gone {
        return Ok(Some(UserId(gone)));
    }
    let of_blocked = blocks::table.filter(blocks::blocked_id.eq(blocked.0));
    let first = of_blocked.filter(blocks::user_id.eq_any(&people)).select(blocks::user_id);
    let found: Option<Uuid> = first.first(conn).await.optional()?;
    Ok(found.map(UserId))
}

impl People for PgStore {
    fn change_profile(
        &self,
        user: UserId,
        change: ProfileChange,
        now: Timestamp,
    ) -> Answer<'_, (User, Option<UserEntry>)> {
        self.executor.write(change, move |conn, change| change_profile(conn, user, change, now).boxed())
    }

    fn users_by_prefix(&self, prefix: String, limit: usize) -> Answer<'_, Vec<User>> {
        self.executor.read(prefix, move |conn, prefix| by_prefix(conn, prefix, limit).boxed())
    }

    fn blocks_of(&self, user: UserId) -> Answer<'_, Vec<User>> {
        self.executor.read((), move |conn, ()| blocks_of(conn, user).boxed())
    }

    fn block(&self, user: UserId, blocked: UserId, most: usize, now: Timestamp) -> Answer<'_, ()> {
        self.executor.write((), move |conn, ()| block(conn, user, blocked, most, now).boxed())
    }

    fn unblock(&self, user: UserId, blocked: UserId) -> Answer<'_, ()> {
        self.executor.write((), move |conn, ()| unblock(conn, user, blocked).boxed())
    }

    fn blockers(&self, room: RoomId) -> Answer<'_, Vec<UserId>> {
        self.executor.read((), move |conn, ()| blockers(conn, room).boxed())
    }

    fn is_blocked(&self, blocker: UserId, blocked: UserId) -> Answer<'_, bool> {
        self.executor.read((), move |conn, ()| is_blocked(conn, blocker, blocked).boxed())
    }
}
