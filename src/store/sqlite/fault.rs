//! Why a statement, or the opening of a database, did not succeed.
//!
//! Rules travel through a transaction as [`Fault::Refused`], so that it rolls back; what the
//! database itself says ends as `Unavailable`. Next: [`super::executor`].

use std::io;
use std::path::PathBuf;

use diesel::prelude::*;
use diesel::result::Error;
use thiserror::Error as ThisError;

use super::statements::CountCommit;
use crate::domain::Refusal;
use crate::domain::refusal::Invalid;
use crate::store::StoreError;

/// What ends a transaction without a commit.
#[derive(Debug)]
pub(super) enum Fault {
    Refused(Refusal),
    Database(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self::Refused(Refusal::Invalid(invalid))
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(refusal) => Self::Refused(refusal),
            Fault::Database(error) => Self::Unavailable(error.to_string()),
        }
    }
}

diesel::define_sql_function! {
    /// Rows that this connection has changed so far.
    fn total_changes() -> BigInt;
}

/// Runs `work` in a transaction that holds the write lock from its beginning, so what it reads is
/// what it changes. If it changes anything, the transaction is counted (see [`super::witness`]).
pub(super) fn write<T>(
    conn: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    // SQLite ends the transaction itself on a full disk and the like; diesel's own rollback then
    // fails and would hide the cause. What went wrong first is what the log must say.
    let mut cause = None;
    let result = conn.immediate_transaction(|conn| {
        counted(conn, work).map_err(|fault| match fault {
            Fault::Database(error) => {
                cause = Some(error);
                Fault::Database(Error::RollbackTransaction)
            }
            refused @ Fault::Refused(_) => refused,
        })
    });
    match (result, cause) {
        (Err(_), Some(cause)) => Err(Fault::Database(cause)),
        (result, _) => result,
    }
}

fn counted<T>(
    conn: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let changes = |conn: &mut SqliteConnection| diesel::select(total_changes()).get_result::<i64>(conn);
    let before = changes(conn)?;
    let value = work(conn)?;
    // What changes nothing costs no commit.
    if changes(conn)? != before {
        CountCommit.execute(conn)?;
    }
    Ok(value)
}

/// Runs `work` on one snapshot.
pub(super) fn read<T>(
    conn: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    conn.transaction(work)
}

/// Why a database could not be opened or migrated. Each is one line for the person who starts the
/// server.
#[derive(Debug, ThisError)]
pub enum OpenError {
    #[error("{} cannot be written: {cause}", path.display())]
    NotWritable { path: PathBuf, cause: io::Error },
    #[error("{} is not valid UTF-8, as a database's path must be", path.display())]
    PathNotUtf8 { path: PathBuf },
    #[error("{} is not a SQLite database", path.display())]
    NotADatabase { path: PathBuf },
    /// One SQLite file serves one process: only that process hears of what it commits.
    #[error("{} is in use by another process; one database file serves one server", path.display())]
    InUse { path: PathBuf },
    #[error(
        "the schema of {} is for newer servers: they must know migration {needed}, and this one ends \
         at {known}; run a newer version or restore a backup from before",
        path.display()
    )]
    NewerSchema { path: PathBuf, needed: String, known: String },
    /// For who may not change it.
    #[error("the schema of {} lacks migration {lacks}; run chat migrate first", path.display())]
    OlderSchema { path: PathBuf, lacks: String },
    #[error("there is no database at {}", path.display())]
    Absent { path: PathBuf },
    #[error("{} could not be migrated: {cause}", path.display())]
    Migration { path: PathBuf, cause: String },
    /// The file system cannot keep a write-ahead log, as network file systems cannot.
    #[error("{} does not support a write-ahead log (journal mode stays {mode})", path.display())]
    NoWriteAheadLog { path: PathBuf, mode: String },
    #[error("{} could not be opened: {cause}", path.display())]
    Connection { path: PathBuf, cause: String },
    #[error("a thread of the store could not be started: {0}")]
    Thread(io::Error),
}

impl OpenError {
    /// Whether the settings are wrong, or name the wrong file, and starting again would not help.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::PathNotUtf8 { .. }
                | Self::NotADatabase { .. }
                | Self::NewerSchema { .. }
                | Self::OlderSchema { .. }
                | Self::Absent { .. }
        )
    }
}
