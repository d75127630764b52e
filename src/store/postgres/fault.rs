//! Why a statement, or the opening of a database, did not succeed.
//!
//! Rules travel through a transaction as [`Fault::Refused`], so that it rolls back; what the
//! database itself says ends as `Unavailable`, or as `InDoubt` when it was the commit's last word.
//! Next: [`super::executor`].

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error};
use thiserror::Error as ThisError;

use super::address::AddressError;
use crate::domain::Refusal;
use crate::domain::refusal::Invalid;
use crate::store::StoreError;

/// What ends a call without an answer.
#[derive(Debug)]
pub(super) enum Fault {
    Refused(Refusal),
    /// It is in the database as a whole or not at all; which of the two, nobody knows.
    Database(Error),
    /// Nothing of it is in the database, and the same may be tried again at once.
    Again(Error),
    /// No connection could be had.
    NoConnection(String),
}

impl Fault {
    /// The same where nothing was committed.
    pub(super) fn before_commit(self) -> Self {
        match self {
            Self::Database(error) => Self::Again(error),
            other => other,
        }
    }

    /// Whether the connection is of no more use: gone, or to a server that only reads now.
    pub(super) const fn is_lost(&self) -> bool {
        match self {
            Self::Database(error) | Self::Again(error) => is_lost(error),
            Self::Refused(_) | Self::NoConnection(_) => false,
        }
    }
}

const fn is_lost(error: &Error) -> bool {
    use DatabaseErrorKind::{ClosedConnection, ReadOnlyTransaction, UnableToSendCommand};
    matches!(
        error,
        Error::DatabaseError(ClosedConnection | ReadOnlyTransaction | UnableToSendCommand, _)
            | Error::BrokenTransactionManager
    )
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
            Fault::Database(error) => Self::InDoubt(error.to_string()),
            Fault::Again(error) => Self::Unavailable(error.to_string()),
            Fault::NoConnection(cause) => Self::Unavailable(cause),
        }
    }
}

/// Why a database could not be opened or migrated. Each is one line for the person who starts the
/// server.
#[derive(Debug, ThisError)]
pub enum OpenError {
    #[error("DATABASE_URL: {0}")]
    Address(#[from] AddressError),
    /// Waiting would not help: a wrong password, no such database, a certificate not to be
    /// trusted.
    #[error("the database at {address} refuses this server: {cause}")]
    Refused { address: String, cause: String },
    #[error("the database at {address} did not answer within {} s: {cause}", waited.as_secs())]
    Away { address: String, waited: Duration, cause: String },
    /// Whoever prepares it takes long, or hangs.
    #[error(
        "the database at {address} is being prepared by another process, for {} s already; start again \
         when that is done (a connection named chat in pg_stat_activity holds an advisory lock)",
        waited.as_secs()
    )]
    Busy { address: String, waited: Duration },
    #[error("the database at {address} is PostgreSQL {version}; 12 or newer is needed")]
    TooOld { address: String, version: String },
    /// A commit would be answered before it is on the disk, and lost when the machine fails.
    #[error(
        "the database at {address} runs with {setting}, so what was acknowledged could be lost; \
         set it to on, or set CHAT_ALLOW_UNSAFE_COMMIT=on if that is meant"
    )]
    UnsafeCommit { address: String, setting: String },
    #[error(
        "the schema of {address} is for newer servers: they must know migration {needed}, and this \
         one ends at {known}; run a newer version or restore a backup from before"
    )]
    NewerSchema { address: String, needed: String, known: String },
    /// For who may not change it.
    #[error("the schema of {address} lacks migration {lacks}; run chat migrate first")]
    OlderSchema { address: String, lacks: String },
    #[error("the database at {address} could not be migrated: {cause}")]
    Migration { address: String, cause: String },
    #[error("the database at {address}: {cause}")]
    Database { address: String, cause: String },
    #[error("threads of the store could not be started: {0}")]
    Threads(String),
}

impl OpenError {
    /// Whether the settings are wrong, and not the moment.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Address(_)
                | Self::Refused { .. }
                | Self::TooOld { .. }
                | Self::UnsafeCommit { .. }
                | Self::NewerSchema { .. }
                | Self::OlderSchema { .. }
        )
    }
}
