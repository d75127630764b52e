//! Second factors and recovery codes. Sees sealed secrets and hashes only. What is more than one
//! statement holds the user's row first. Next: [`crate::store::SecondFactors`] for the promises.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::fault::Fault;
use super::schema::{recovery_codes, second_factors, users};
use super::{PgStore, audit, letters, transaction};
use crate::domain::second_factor::{RecoveryHash, SealedSecret, SecondFactor};
use crate::domain::{Timestamp, UserId};
use crate::store::{Answer, Notes, SecondFactors};

fn stored(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

async fn hold(conn: &mut AsyncPgConnection, user: UserId) -> Result<(), Fault> {
    let held = users::table.find(user.0).select(users::id).for_no_key_update();
    let _: Uuid = held.get_result(conn).await?;
    Ok(())
}

pub(super) async fn begin(
    conn: &mut AsyncPgConnection,
    user: UserId,
    sealed: &SealedSecret,
    now: Timestamp,
) -> Result<bool, Fault> {
    transaction::write(conn, async |conn| {
        hold(conn, user).await?;
        let pending = second_factors::table.find(user.0).filter(second_factors::confirmed_at.is_null());
        diesel::delete(pending).execute(conn).await?;
        let made = diesel::insert_into(second_factors::table)
            .values((
                second_factors::user_id.eq(user.0),
                second_factors::sealed.eq(&sealed.bytes),
                second_factors::key_id.eq(&sealed.key_id),
                second_factors::created_at.eq(now.millis()),
            ))
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
        Ok(made > 0)
    })
    .await
}

pub(super) async fn read(conn: &mut AsyncPgConnection, user: UserId) -> Result<Option<SecondFactor>, Fault> {
    let row: Option<(Vec<u8>, String, Option<i64>, i64)> = second_factors::table
        .find(user.0)
        .select((
            second_factors::sealed,
            second_factors::key_id,
            second_factors::confirmed_at,
            second_factors::last_step,
        ))
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(|(bytes, key_id, confirmed_at, last_step)| SecondFactor {
        user,
        sealed: SealedSecret { key_id, bytes },
        confirmed_at: confirmed_at.map(Timestamp::from_millis),
        last_step: u64::try_from(last_step).unwrap_or(0),
    }))
}

pub(super) async fn confirm(
    conn: &mut AsyncPgConnection,
    user: UserId,
    sealed: &SealedSecret,
    step: u64,
    codes: &[RecoveryHash],
    now: Timestamp,
    notes: &Notes,
) -> Result<bool, Fault> {
    transaction::write(conn, async |conn| {
        hold(conn, user).await?;
        let pending = second_factors::table
            .find(user.0)
            .filter(second_factors::confirmed_at.is_null())
            .filter(second_factors::sealed.eq(&sealed.bytes));
        let set = (second_factors::confirmed_at.eq(now.millis()), second_factors::last_step.eq(stored(step)));
        if diesel::update(pending).set(set).execute(conn).await? == 0 {
            return Ok(false);
        }
        put_codes(conn, user, codes).await?;
        note(conn, user, notes).await?;
        Ok(true)
    })
    .await
}

async fn note(conn: &mut AsyncPgConnection, user: UserId, notes: &Notes) -> Result<(), Fault> {
    audit::insert(conn, notes.record.as_ref(), Some(user)).await?;
    letters::insert(conn, notes.letter.as_slice()).await
}

async fn put_codes(conn: &mut AsyncPgConnection, user: UserId, codes: &[RecoveryHash]) -> Result<(), Fault> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user.0))).execute(conn).await?;
    if !codes.is_empty() {
        let row = |code: &RecoveryHash| {
            (recovery_codes::user_id.eq(user.0), recovery_codes::hash.eq(code.to_vec()))
        };
        let rows: Vec<_> = codes.iter().map(row).collect();
        diesel::insert_into(recovery_codes::table).values(rows).execute(conn).await?;
    }
    Ok(())
}

/// One statement.
pub(super) async fn use_step(conn: &mut AsyncPgConnection, user: UserId, step: u64) -> Result<bool, Fault> {
    let unused = second_factors::table
        .find(user.0)
        .filter(second_factors::confirmed_at.is_not_null())
        .filter(second_factors::last_step.lt(stored(step)));
    Ok(diesel::update(unused).set(second_factors::last_step.eq(stored(step))).execute(conn).await? > 0)
}

/// One statement.
pub(super) async fn use_code(
    conn: &mut AsyncPgConnection,
    user: UserId,
    code: &RecoveryHash,
) -> Result<bool, Fault> {
    let code = recovery_codes::table.find((user.0, code.as_slice()));
    Ok(diesel::delete(code).execute(conn).await? > 0)
}

pub(super) async fn replace_codes(
    conn: &mut AsyncPgConnection,
    user: UserId,
    codes: &[RecoveryHash],
    notes: &Notes,
) -> Result<bool, Fault> {
    transaction::write(conn, async |conn| {
        hold(conn, user).await?;
        if read(conn, user).await?.is_none_or(|factor| factor.confirmed_at.is_none()) {
            return Ok(false);
        }
        put_codes(conn, user, codes).await?;
        note(conn, user, notes).await?;
        Ok(true)
    })
    .await
}

pub(super) async fn remove(conn: &mut AsyncPgConnection, user: UserId, notes: &Notes) -> Result<(), Fault> {
    transaction::write(conn, async |conn| {
        hold(conn, user).await?;
        put_codes(conn, user, &[]).await?;
        diesel::delete(second_factors::table.find(user.0)).execute(conn).await?;
        note(conn, user, notes).await
    })
    .await
}

pub(super) async fn sealed_otherwise(
    conn: &mut AsyncPgConnection,
    key_id: &str,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<(UserId, SealedSecret)>, Fault> {
    let mut query = second_factors::table
        .filter(second_factors::key_id.ne(key_id.to_owned()))
        .order(second_factors::user_id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((second_factors::user_id, second_factors::sealed, second_factors::key_id))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(second_factors::user_id.gt(after.0));
    }
    let rows: Vec<(Uuid, Vec<u8>, String)> = query.load(conn).await?;
    let row = |(user, bytes, key_id)| (UserId(user), SealedSecret { key_id, bytes });
    Ok(rows.into_iter().map(row).collect())
}

/// One statement.
pub(super) async fn reseal(
    conn: &mut AsyncPgConnection,
    user: UserId,
    before: &SealedSecret,
    after: &SealedSecret,
) -> Result<(), Fault> {
    let same = second_factors::table.find(user.0).filter(second_factors::sealed.eq(&before.bytes));
    diesel::update(same)
        .set((second_factors::sealed.eq(&after.bytes), second_factors::key_id.eq(&after.key_id)))
        .execute(conn)
        .await?;
    Ok(())
}

impl SecondFactors for PgStore {
    fn begin_second_factor(&self, user: UserId, sealed: SealedSecret, now: Timestamp) -> Answer<'_, bool> {
        self.executor.write(sealed, move |conn, sealed| begin(conn, user, sealed, now).boxed())
    }

    fn second_factor(&self, user: UserId) -> Answer<'_, Option<SecondFactor>> {
        self.executor.read((), move |conn, ()| read(conn, user).boxed())
    }

    fn confirm_second_factor(
        &self,
        user: UserId,
        sealed: SealedSecret,
        step: u64,
        codes: Vec<RecoveryHash>,
        now: Timestamp,
        notes: Notes,
    ) -> Answer<'_, bool> {
        self.executor.write((sealed, codes, notes), move |conn, (sealed, codes, notes)| {
            confirm(conn, user, sealed, step, codes, now, notes).boxed()
        })
    }

    fn use_step(&self, user: UserId, step: u64) -> Answer<'_, bool> {
        self.executor.write((), move |conn, ()| use_step(conn, user, step).boxed())
    }

    fn use_recovery_code(&self, user: UserId, code: RecoveryHash) -> Answer<'_, bool> {
        self.executor.write(code, move |conn, code| use_code(conn, user, code).boxed())
    }

    fn replace_recovery_codes(
        &self,
        user: UserId,
        codes: Vec<RecoveryHash>,
        notes: Notes,
    ) -> Answer<'_, bool> {
        self.executor.write((codes, notes), move |conn, (codes, notes)| {
            replace_codes(conn, user, codes, notes).boxed()
        })
    }

    fn remove_second_factor(&self, user: UserId, notes: Notes) -> Answer<'_, ()> {
        self.executor.write(notes, move |conn, notes| remove(conn, user, notes).boxed())
    }

    fn sealed_otherwise(
        &self,
        key_id: String,
        after: Option<UserId>,
        limit: usize,
    ) -> Answer<'_, Vec<(UserId, SealedSecret)>> {
        self.executor.read(key_id, move |conn, key_id| sealed_otherwise(conn, key_id, after, limit).boxed())
    }

    fn reseal(&self, user: UserId, before: SealedSecret, after: SealedSecret) -> Answer<'_, ()> {
        self.executor
            .write((before, after), move |conn, (before, after)| reseal(conn, user, before, after).boxed())
    }
}
