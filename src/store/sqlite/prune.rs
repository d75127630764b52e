//! Forgetting the oldest part of the logs. Messages stay: they have a table of their own.

use diesel::dsl::{exists, min};
use diesel::prelude::*;

use super::fault::{self, Fault};
use super::rows::Key;
use super::schema::{log, rooms, user_log, users};
use crate::domain::Timestamp;

/// Logs looked after in one transaction, so that no commit waits for long behind it.
const LOGS_AT_ONCE: i64 = 64;

/// Removes, from the beginning of each log, entries from before `before`; about `limit` at most.
pub(super) fn prune_log(
    conn: &mut SqliteConnection,
    before: Timestamp,
    limit: usize,
) -> Result<usize, Fault> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    fault::write(conn, |conn| {
        let first_is_old = exists(
            log::table
                .filter(log::room_id.eq(rooms::id))
                .filter(log::seq.eq(rooms::first_retained))
                .filter(log::at.lt(before.millis())),
        );
        let due: Vec<(Key, i64, i64)> = rooms::table
            .filter(first_is_old)
            .select((rooms::id, rooms::first_retained, rooms::last_seq))
            .limit(LOGS_AT_ONCE)
            .load(conn)?;
        let mut forgotten = 0;
        for (room, first, last) in due {
            if forgotten >= limit {
                break;
            }
            // The clock may have gone back: up to the first entry that is young, not to the last
            // that is old, so that what is removed is a prefix.
            let young: Option<i64> = log::table
                .filter(log::room_id.eq(room))
                .filter(log::at.ge(before.millis()))
                .select(min(log::seq))
                .get_result(conn)?;
            let until = young.unwrap_or(last + 1).min(first.saturating_add(limit - forgotten));
            diesel::delete(log::table.filter(log::room_id.eq(room)).filter(log::seq.lt(until)))
                .execute(conn)?;
            diesel::update(rooms::table.find(room)).set(rooms::first_retained.eq(until)).execute(conn)?;
            forgotten += until - first;
        }
        Ok(usize::try_from(forgotten).unwrap_or(0))
    })
}

/// The same for users' own logs.
pub(super) fn prune_user_logs(
    conn: &mut SqliteConnection,
    before: Timestamp,
    limit: usize,
) -> Result<usize, Fault> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    fault::write(conn, |conn| {
        let first_is_old = exists(
            user_log::table
                .filter(user_log::user_id.eq(users::id))
                .filter(user_log::seq.eq(users::user_first_retained))
                .filter(user_log::at.lt(before.millis())),
        );
        let due: Vec<(Key, i64, i64)> = users::table
            .filter(first_is_old)
            .select((users::id, users::user_first_retained, users::user_seq))
            .limit(LOGS_AT_ONCE)
            .load(conn)?;
        let mut forgotten = 0;
        for (user, first, last) in due {
            if forgotten >= limit {
                break;
            }
            let young: Option<i64> = user_log::table
                .filter(user_log::user_id.eq(user))
                .filter(user_log::at.ge(before.millis()))
                .select(min(user_log::seq))
                .get_result(conn)?;
            let until = young.unwrap_or(last + 1).min(first.saturating_add(limit - forgotten));
            diesel::delete(
                user_log::table.filter(user_log::user_id.eq(user)).filter(user_log::seq.lt(until)),
            )
            .execute(conn)?;
            diesel::update(users::table.find(user))
                .set(users::user_first_retained.eq(until))
                .execute(conn)?;
            forgotten += until - first;
        }
        Ok(usize::try_from(forgotten).unwrap_or(0))
    })
}
