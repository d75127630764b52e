//! The truth. Traits with the guarantee of each method; adapters stand beside them and pass one
//! contract suite (`tests/it/contract`), so a test on SQLite in memory means what it says.
//!
//! Names the domain only: no actor, no protocol, no HTTP. Next: [`Log`], then `sqlite`.

mod accounts;
mod administration;
mod audit;
mod entries;
mod files;
mod history;
mod indexing;
mod jobs;
mod letters;
mod log;
mod memberships;
mod people;
pub(crate) mod plan;
pub mod postgres;
mod proofs;
mod reactions;
mod repair;
mod reports;
mod rooms;
mod search;
mod second_factors;
pub mod sqlite;
mod threads;
mod times;
mod user_logs;

use std::fmt;

pub use accounts::{Accounts, Credentials, NewAccount};
pub use administration::Administration;
pub use audit::{AuditPage, Audits};
pub use files::{FilePurpose, Files, NewFile, ReadableFile, Unused};
use futures_util::future::BoxFuture;
pub use history::{Annotations, History, Place};
pub use indexing::{Cut, Portion, Turn, Unindexed, index_portion};
pub use jobs::Jobs;
pub use letters::Letters;
pub use log::{Append, Log, LogPage, RoomSnapshot};
pub use memberships::{Ban, BanPage, Direct, DirectMade, Memberships, NewInvite, PendingInvite};
pub use people::People;
pub use proofs::Proofs;
pub use repair::Repair;
pub use reports::{NewReport, ReportFilter, ReportPage, Reports};
pub use rooms::{
    DirectoryCursor, Insider, MemberCursor, MemberPage, Membership, MessagePage, NewRoom, NewRoomMade,
    RoomPage, RoomView, Rooms, Standing,
};
pub use search::{Hit, HitCursor, HitPage, Search, Searching};
pub use second_factors::{Notes, SecondFactors};
pub use threads::{ThreadPage, Threads};
pub use times::{CallKind, CallSpread, CallTimes, Watched};
pub use user_logs::{MarksPage, Moved, UserHeads, UserLogPage, UserLogs};

use crate::domain::{Epoch, Refusal};

/// What each call of the store returns: it never blocks the caller's thread.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Why a call gave no answer.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// A rule said no. Nothing was written.
    Refused(Refusal),
    /// The database did not answer or did not commit, and nothing of the call is in it; the same
    /// call may be made again. The text is for the log.
    Unavailable(String),
    /// The connection was lost during the commit: all of the call is in the database, or nothing.
    /// Made again it may be applied a second time, but for what carries a sender's key. The text is
    /// for the log.
    InDoubt(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unavailable(cause) => write!(f, "store unavailable: {cause}"),
            Self::InDoubt(cause) => write!(f, "whether it was stored is not known: {cause}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Everything the server keeps.
pub trait Store:
    Log
    + Rooms
    + History
    + Memberships
    + Accounts
    + Letters
    + Proofs
    + SecondFactors
    + Threads
    + UserLogs
    + Repair
    + Reports
    + Administration
    + Audits
    + People
    + Jobs
    + Files
    + Searching
{
    /// The identity of this database's history, as it is stored now. Another one means that what
    /// any process or client remembers of the logs is worthless.
    fn epoch(&self) -> Answer<'_, Epoch>;

    /// Answers when the database does: the readiness probe.
    fn ping(&self) -> Answer<'_, ()>;
}
