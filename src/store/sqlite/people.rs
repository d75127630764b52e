//! Profiles, lookup and blocks. Next: [`crate::store::People`] for the promises.

use diesel::dsl::{exists, select};
use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::{Key, UserRow};
use super::schema::{blocks, members, rooms, users};
use super::{SqliteStore, accounts, user_logs};
use crate::domain::{
    ProfileChange, Refusal, RoomId, RoomKind, Timestamp, User, UserChange, UserEntry, UserId,
};
use crate::store::{Answer, People};

/// People named in one statement; far below SQLite's limit of bound values.
const AT_ONCE: usize = 500;

/// The row of somebody whose account was not deleted.
fn known(conn: &mut SqliteConnection, user: UserId) -> Result<User, Fault> {
    let found = accounts::user(conn, user)?.filter(User::is_somebody);
    found.ok_or_else(|| Refusal::NotFound("user").into())
}

fn change_profile(
    conn: &mut SqliteConnection,
    user: UserId,
    change: &ProfileChange,
    now: Timestamp,
) -> Result<(User, Option<UserEntry>), Fault> {
    fault::write(conn, |conn| {
        let before = known(conn, user)?;
        let profile = change.of(&before.profile);
        if profile == before.profile {
            return Ok((before, None));
        }
        diesel::update(users::table.find(Key::from(user)))
            .set((users::display_name.eq(&profile.display_name), users::status_text.eq(&profile.status_text)))
            .execute(conn)?;
        let told = user_logs::tell(conn, user, now, UserChange::ProfileUpdated)?;
        Ok((User { profile, ..before }, Some(told)))
    })
}

fn by_prefix(conn: &mut SqliteConnection, prefix: &str, limit: usize) -> Result<Vec<User>, Fault> {
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
        .load(conn)?;
    Ok(rows.into_iter().map(User::from).collect())
}

fn blocks_of(conn: &mut SqliteConnection, user: UserId) -> Result<Vec<User>, Fault> {
    let rows: Vec<UserRow> = blocks::table
        .inner_join(users::table.on(users::id.eq(blocks::blocked_id)))
        .filter(blocks::user_id.eq(Key::from(user)))
        .order((blocks::created_at.desc(), blocks::blocked_id))
        .select(UserRow::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(User::from).collect())
}

fn block(
    conn: &mut SqliteConnection,
    user: UserId,
    blocked: UserId,
    most: usize,
    now: Timestamp,
) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        known(conn, blocked)?;
        if is_blocked(conn, user, blocked)? {
            return Ok(());
        }
        let count: i64 =
            blocks::table.filter(blocks::user_id.eq(Key::from(user))).count().get_result(conn)?;
        if usize::try_from(count).unwrap_or(usize::MAX) >= most {
            return Err(Refusal::TooLarge("the list of those you block").into());
        }
        diesel::insert_into(blocks::table)
            .values((
                blocks::user_id.eq(Key::from(user)),
                blocks::blocked_id.eq(Key::from(blocked)),
                blocks::created_at.eq(now.millis()),
            ))
            .execute(conn)?;
        Ok(())
    })
}

fn is_blocked(conn: &mut SqliteConnection, blocker: UserId, blocked: UserId) -> Result<bool, Fault> {
    Ok(select(exists(blocks::table.find((Key::from(blocker), Key::from(blocked))))).get_result(conn)?)
}

/// Who of a conversation of two blocks the other.
pub(super) fn blockers(conn: &mut SqliteConnection, room: RoomId) -> Result<Vec<UserId>, Fault> {
    let pair = rooms::table
        .find(Key::from(room))
        .filter(rooms::kind.eq(RoomKind::Direct.as_str()))
        .filter(rooms::member_count.eq(2))
        .select(rooms::id);
    let people: Vec<Key> = members::table
        .filter(members::room_id.eq_any(pair))
        .order(members::joined_seq)
        .select(members::user_id)
        .load(conn)?;
    let mut blockers = Vec::new();
    for (user, other) in people.iter().zip(people.iter().rev()) {
        if is_blocked(conn, (*user).into(), (*other).into())? {
            blockers.push((*user).into());
        }
    }
    Ok(blockers)
}

/// One of these who may not be put anywhere by somebody, because he blocks him or is gone: to be asked
/// within the transaction that puts them anywhere.
pub(super) fn out_of_reach(
    conn: &mut SqliteConnection,
    people: &[UserId],
    blocked: UserId,
) -> Result<Option<UserId>, Fault> {
    for some in people.chunks(AT_ONCE) {
        let some = some.iter().copied().map(Key::from);
        let gone = users::table.filter(users::id.eq_any(some)).filter(users::deleted_at.is_not_null());
        if let Some(gone) = gone.select(users::id).first::<Key>(conn).optional()? {
            return Ok(Some(gone.into()));
        }
    }
    let of_blocked = blocks::table.filter(blocks::blocked_id.eq(Key::from(blocked))).select(blocks::user_id);
    let blockers: Vec<Key> = of_blocked.load(conn)?;
    Ok(people.iter().copied().find(|user| blockers.contains(&Key::from(*user))))
}

impl People for SqliteStore {
    fn change_profile(
        &self,
        user: UserId,
        change: ProfileChange,
        now: Timestamp,
    ) -> Answer<'_, (User, Option<UserEntry>)> {
        self.executor.write(move |conn| change_profile(conn, user, &change, now))
    }

    fn users_by_prefix(&self, prefix: String, limit: usize) -> Answer<'_, Vec<User>> {
        self.executor.read(move |conn| by_prefix(conn, &prefix, limit))
    }

    fn blocks_of(&self, user: UserId) -> Answer<'_, Vec<User>> {
        self.executor.read(move |conn| blocks_of(conn, user))
    }

    fn block(&self, user: UserId, blocked: UserId, most: usize, now: Timestamp) -> Answer<'_, ()> {
        self.executor.write(move |conn| block(conn, user, blocked, most, now))
    }

    fn unblock(&self, user: UserId, blocked: UserId) -> Answer<'_, ()> {
        self.executor.write(move |conn| {
            fault::write(conn, |conn| {
                let row = blocks::table.find((Key::from(user), Key::from(blocked)));
                diesel::delete(row).execute(conn)?;
                Ok(())
            })
        })
    }

    fn blockers(&self, room: RoomId) -> Answer<'_, Vec<UserId>> {
        self.executor.read(move |conn| fault::read(conn, |conn| blockers(conn, room)))
    }

    fn is_blocked(&self, blocker: UserId, blocked: UserId) -> Answer<'_, bool> {
        self.executor.read(move |conn| is_blocked(conn, blocker, blocked))
    }
}
