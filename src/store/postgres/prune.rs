//! Forgetting the oldest part of the logs, few at a time, so that no commit waits for long behind
//! it. Messages stay: they have a table of their own.

use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::fault::Fault;
use super::statements::statement;
use super::transaction;
use crate::domain::Timestamp;

statement! {
    /// Rooms whose first entry is old, locked; one that is being written to is left for later.
    DueRooms { before: i64 => BigInt } -> (SqlUuid, BigInt),
    "SELECT r.id, r.first_retained FROM rooms r JOIN log l ON l.room_id = r.id AND l.seq = r.first_retained \
     WHERE l.at < ? LIMIT 16 FOR NO KEY UPDATE OF r SKIP LOCKED"
}

statement! {
    /// The clock may have gone back: up to the first entry that is young, not to the last that is
    /// old, so that what is removed is a prefix.
    PruneRoom {
        room: Uuid => SqlUuid,
        first: i64 => BigInt,
        limit: i64 => BigInt,
        before: i64 => BigInt,
        end: Uuid => SqlUuid,
        from: Uuid => SqlUuid,
    } -> BigInt,
    "WITH head AS MATERIALIZED (SELECT seq, at FROM log WHERE room_id = ? AND seq >= ? ORDER BY seq LIMIT ?), \
     cut AS MATERIALIZED (SELECT coalesce(min(seq) FILTER (WHERE at >= ?), max(seq) + 1) AS seq FROM head), \
     kept AS (UPDATE rooms SET first_retained = cut.seq FROM cut WHERE rooms.id = ? AND cut.seq IS NOT NULL), \
     gone AS (DELETE FROM log USING cut WHERE log.room_id = ? AND log.seq < cut.seq RETURNING 1) \
     SELECT count(*) FROM gone"
}

/// Removes, from the beginning of each room's log, entries from before `before`; at most `limit`.
pub(super) async fn prune_log(
    conn: &mut AsyncPgConnection,
    before: Timestamp,
    limit: usize,
) -> Result<usize, Fault> {
    let (before, limit) = (before.millis(), i64::try_from(limit).unwrap_or(i64::MAX));
    transaction::write(conn, async |conn| {
        let due: Vec<(Uuid, i64)> = DueRooms { before }.load(conn).await?;
        let mut forgotten: i64 = 0;
        for (room, first) in due {
            if forgotten >= limit {
                break;
            }
            let limit = limit - forgotten;
            let gone: i64 =
                PruneRoom { room, first, limit, before, end: room, from: room }.get_result(conn).await?;
            forgotten += gone;
        }
        Ok(usize::try_from(forgotten).unwrap_or(0))
    })
    .await
}

statement! {
    DueUsers { before: i64 => BigInt } -> (SqlUuid, BigInt),
    "SELECT u.id, u.user_first_retained FROM users u \
     JOIN user_log l ON l.user_id = u.id AND l.seq = u.user_first_retained \
     WHERE l.at < ? LIMIT 64 FOR NO KEY UPDATE OF u SKIP LOCKED"
}

statement! {
    /// As [`PruneRoom`], of a user's own log.
    PruneUser {
        user: Uuid => SqlUuid,
        first: i64 => BigInt,
        limit: i64 => BigInt,
        before: i64 => BigInt,
        end: Uuid => SqlUuid,
        from: Uuid => SqlUuid,
    } -> BigInt,
    "WITH head AS MATERIALIZED (SELECT seq, at FROM user_log WHERE user_id = ? AND seq >= ? \
       ORDER BY seq LIMIT ?), \
     cut AS MATERIALIZED (SELECT coalesce(min(seq) FILTER (WHERE at >= ?), max(seq) + 1) AS seq FROM head), \
     kept AS (UPDATE users SET user_first_retained = cut.seq FROM cut WHERE users.id = ? \
       AND cut.seq IS NOT NULL), \
     gone AS (DELETE FROM user_log USING cut WHERE user_log.user_id = ? AND user_log.seq < cut.seq \
       RETURNING 1) \
     SELECT count(*) FROM gone"
}

/// Removes, from the beginning of each user's own log, entries from before `before`; at most
/// `limit`.
pub(super) async fn prune_user_logs(
    conn: &mut AsyncPgConnection,
    before: Timestamp,
    limit: usize,
) -> Result<usize, Fault> {
    let (before, limit) = (before.millis(), i64::try_from(limit).unwrap_or(i64::MAX));
    transaction::write(conn, async |conn| {
        let due: Vec<(Uuid, i64)> = DueUsers { before }.load(conn).await?;
        let mut forgotten: i64 = 0;
        for (user, first) in due {
            if forgotten >= limit {
                break;
            }
            let limit = limit - forgotten;
            let gone: i64 =
                PruneUser { user, first, limit, before, end: user, from: user }.get_result(conn).await?;
            forgotten += gone;
        }
        Ok(usize::try_from(forgotten).unwrap_or(0))
    })
    .await
}
