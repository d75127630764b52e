//! Second factors and recovery codes. Sees sealed secrets and hashes only. Next:
//! [`crate::store::SecondFactors`] for the promises.

use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::Key;
use super::schema::{recovery_codes, second_factors};
use super::{SqliteStore, audit, letters};
use crate::domain::second_factor::{RecoveryHash, SealedSecret, SecondFactor};
use crate::domain::{Timestamp, UserId};
use crate::store::{Answer, Notes, SecondFactors};

fn stored(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

pub(super) fn begin(
    conn: &mut SqliteConnection,
    user: UserId,
    sealed: &SealedSecret,
    now: Timestamp,
) -> Result<bool, Fault> {
    let key = Key::from(user);
    fault::write(conn, |conn| {
        let pending = second_factors::table.find(key).filter(second_factors::confirmed_at.is_null());
        diesel::delete(pending).execute(conn)?;
        let made = diesel::insert_or_ignore_into(second_factors::table)
            .values((
                second_factors::user_id.eq(key),
                second_factors::sealed.eq(&sealed.bytes),
                second_factors::key_id.eq(&sealed.key_id),
                second_factors::created_at.eq(now.millis()),
            ))
            .execute(conn)?;
        Ok(made > 0)
    })
}

pub(super) fn read(conn: &mut SqliteConnection, user: UserId) -> Result<Option<SecondFactor>, Fault> {
    let row: Option<(Vec<u8>, String, Option<i64>, i64)> = second_factors::table
        .find(Key::from(user))
        .select((
            second_factors::sealed,
            second_factors::key_id,
            second_factors::confirmed_at,
            second_factors::last_step,
        ))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(bytes, key_id, confirmed_at, last_step)| SecondFactor {
        user,
        sealed: SealedSecret { key_id, bytes },
        confirmed_at: confirmed_at.map(Timestamp::from_millis),
        last_step: u64::try_from(last_step).unwrap_or(0),
    }))
}

pub(super) fn confirm(
    conn: &mut SqliteConnection,
    user: UserId,
    sealed: &SealedSecret,
    step: u64,
    codes: &[RecoveryHash],
    now: Timestamp,
    notes: &Notes,
) -> Result<bool, Fault> {
    let key = Key::from(user);
    fault::write(conn, |conn| {
        let pending = second_factors::table
            .find(key)
            .filter(second_factors::confirmed_at.is_null())
            .filter(second_factors::sealed.eq(&sealed.bytes));
        let set = (second_factors::confirmed_at.eq(now.millis()), second_factors::last_step.eq(stored(step)));
        if diesel::update(pending).set(set).execute(conn)? == 0 {
            return Ok(false);
        }
        put_codes(conn, key, codes)?;
        note(conn, user, notes)?;
        Ok(true)
    })
}

fn note(conn: &mut SqliteConnection, user: UserId, notes: &Notes) -> Result<(), Fault> {
    audit::insert(conn, notes.record.as_ref(), Some(user))?;
    notes.letter.as_ref().map_or(Ok(()), |letter| letters::insert(conn, letter))
}

fn put_codes(conn: &mut SqliteConnection, user: Key, codes: &[RecoveryHash]) -> Result<(), Fault> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user))).execute(conn)?;
    for code in codes {
        diesel::insert_into(recovery_codes::table)
            .values((recovery_codes::user_id.eq(user), recovery_codes::hash.eq(code.as_slice())))
            .execute(conn)?;
    }
    Ok(())
}

pub(super) fn use_step(conn: &mut SqliteConnection, user: UserId, step: u64) -> Result<bool, Fault> {
    fault::write(conn, |conn| {
        let unused = second_factors::table
            .find(Key::from(user))
            .filter(second_factors::confirmed_at.is_not_null())
            .filter(second_factors::last_step.lt(stored(step)));
        Ok(diesel::update(unused).set(second_factors::last_step.eq(stored(step))).execute(conn)? > 0)
    })
}

pub(super) fn use_code(
    conn: &mut SqliteConnection,
    user: UserId,
    code: &RecoveryHash,
) -> Result<bool, Fault> {
    fault::write(conn, |conn| {
        let code = recovery_codes::table.find((Key::from(user), code.as_slice()));
        Ok(diesel::delete(code).execute(conn)? > 0)
    })
}

pub(super) fn replace_codes(
    conn: &mut SqliteConnection,
    user: UserId,
    codes: &[RecoveryHash],
    notes: &Notes,
) -> Result<bool, Fault> {
    fault::write(conn, |conn| {
        if read(conn, user)?.is_none_or(|factor| factor.confirmed_at.is_none()) {
            return Ok(false);
        }
        put_codes(conn, user.into(), codes)?;
        note(conn, user, notes)?;
        Ok(true)
    })
}

pub(super) fn remove(conn: &mut SqliteConnection, user: UserId, notes: &Notes) -> Result<(), Fault> {
    let key = Key::from(user);
    fault::write(conn, |conn| {
        put_codes(conn, key, &[])?;
        diesel::delete(second_factors::table.find(key)).execute(conn)?;
        note(conn, user, notes)
    })
}

pub(super) fn sealed_otherwise(
    conn: &mut SqliteConnection,
    key_id: &str,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<(UserId, SealedSecret)>, Fault> {
    let mut query = second_factors::table
        .filter(second_factors::key_id.ne(key_id))
        .order(second_factors::user_id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((second_factors::user_id, second_factors::sealed, second_factors::key_id))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(second_factors::user_id.gt(Key::from(after)));
    }
    let rows: Vec<(Key, Vec<u8>, String)> = query.load(conn)?;
    Ok(rows.into_iter().map(|(user, bytes, key_id)| (user.into(), SealedSecret { key_id, bytes })).collect())
}

pub(super) fn reseal(
    conn: &mut SqliteConnection,
    user: UserId,
    before: &SealedSecret,
    after: &SealedSecret,
) -> Result<(), Fault> {
    fault::write(conn, |conn| {
        let same =
            second_factors::table.find(Key::from(user)).filter(second_factors::sealed.eq(&before.bytes));
        diesel::update(same)
            .set((second_factors::sealed.eq(&after.bytes), second_factors::key_id.eq(&after.key_id)))
            .execute(conn)?;
        Ok(())
    })
}

impl SecondFactors for SqliteStore {
    fn begin_second_factor(&self, user: UserId, sealed: SealedSecret, now: Timestamp) -> Answer<'_, bool> {
        self.executor.write(move |conn| begin(conn, user, &sealed, now))
    }

    fn second_factor(&self, user: UserId) -> Answer<'_, Option<SecondFactor>> {
        self.executor.read(move |conn| read(conn, user))
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
        self.executor.write(move |conn| confirm(conn, user, &sealed, step, &codes, now, &notes))
    }

    fn use_step(&self, user: UserId, step: u64) -> Answer<'_, bool> {
        self.executor.write(move |conn| use_step(conn, user, step))
    }

    fn use_recovery_code(&self, user: UserId, code: RecoveryHash) -> Answer<'_, bool> {
        self.executor.write(move |conn| use_code(conn, user, &code))
    }

    fn replace_recovery_codes(
        &self,
        user: UserId,
        codes: Vec<RecoveryHash>,
        notes: Notes,
    ) -> Answer<'_, bool> {
        self.executor.write(move |conn| replace_codes(conn, user, &codes, &notes))
    }

    fn remove_second_factor(&self, user: UserId, notes: Notes) -> Answer<'_, ()> {
        self.executor.write(move |conn| remove(conn, user, &notes))
    }

    fn sealed_otherwise(
        &self,
        key_id: String,
        after: Option<UserId>,
        limit: usize,
    ) -> Answer<'_, Vec<(UserId, SealedSecret)>> {
        self.executor.read(move |conn| sealed_otherwise(conn, &key_id, after, limit))
    }

    fn reseal(&self, user: UserId, before: SealedSecret, after: SealedSecret) -> Answer<'_, ()> {
        self.executor.write(move |conn| reseal(conn, user, &before, &after))
    }
}
