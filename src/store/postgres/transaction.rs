//! Transactions: how they begin and end, and what holds in them.
//!
//! Writing ones are READ COMMITTED. That is enough because nothing is decided from a row that is
//! not locked by the statement that read it or guarded by a lock taken before: whoever appends
//! holds the room's row, whoever moves marks the user's, and each later statement sees everything
//! that was committed before its own beginning, so everything that earlier holders of these locks
//! wrote. What no lock guards (a sender's key used in two rooms at once, a name taken twice) a
//! unique index refuses, and the whole is made again. A stricter level would fail where this one
//! waits, on the row that everyone in a busy room wants.
//!
//! Locks are taken in one order everywhere, so nobody waits in a circle: rooms by id, then users
//! by id, then members by room and user, then files by id, then invitations, then rows of the
//! search by message, then the outbox by kind and id.
//! Next: [`super::append`].

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};

use super::fault::Fault;

/// Begins what writes.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Runs `work` in a transaction of its own and commits.
///
/// # Errors
/// `Again` for what the database said before the commit: nothing is stored. `Database` when the
/// commit itself got no answer.
pub(super) async fn write<T, F>(conn: &mut AsyncPgConnection, work: F) -> Result<T, Fault>
where
    F: AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Fault>,
{
    conn.batch_execute(BEGIN).await.map_err(Fault::Again)?;
    let result = work(conn).await;
    end(conn, result).await
}

/// Commits when `result` is one, rolls back otherwise.
pub(super) async fn end<T>(conn: &mut AsyncPgConnection, result: Result<T, Fault>) -> Result<T, Fault> {
    match result {
        Ok(value) => {
            conn.batch_execute("COMMIT").await?;
            Ok(value)
        }
        Err(fault) => {
            let fault = fault.before_commit();
            if fault.is_lost() {
                // It was rolled back by the server, or will be when it notices.
                return Err(fault);
            }
            // The connection is closed when it cannot even do this.
            match conn.batch_execute("ROLLBACK").await {
                Ok(()) => Err(fault),
                Err(error) => Err(Fault::Again(error)),
            }
        }
    }
}

/// Runs `work`, which reads with several statements, on one snapshot.
pub(super) async fn snapshot<T, F>(conn: &mut AsyncPgConnection, work: F) -> Result<T, Fault>
where
    F: AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Fault>,
{
    conn.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let result = work(conn).await;
    end(conn, result).await
}
