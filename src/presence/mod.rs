//! Which people are connected to which process, kept under leases: a process that dies tells nobody,
//! so what it kept ends by itself.
//!
//! Names the domain only. What follows for a person (online, or for how long not) is decided by
//! [`crate::domain::presence::Roster`]. Next: [`local`].

pub mod local;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::domain::presence::Presence;
use crate::domain::{PodId, Timestamp, UserId};

/// What each call answers: it never blocks the caller's thread.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, LeasesAway>>;

/// Who is connected to a process.
pub type People = BTreeMap<UserId, Presence>;

/// The leases gave no answer. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasesAway(pub String);

impl fmt::Display for LeasesAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leases: {}", self.0)
    }
}

impl std::error::Error for LeasesAway {}

/// Keeps one lease for all people of this process, and reads those of the others.
pub trait Leases: Send + Sync + 'static {
    /// Notes where people of this process stand now; with no connections, somebody is gone. Later
    /// calls replace what earlier ones said of the same person. Others see it at the latest when the
    /// lease is renewed next; what could not be written is written again, so nobody need repeat it.
    fn put(&self, changes: Vec<(UserId, Presence)>) -> Answer<'_, ()>;

    /// The people of every process whose lease holds, this one's too; a process without people is
    /// there with an empty map. Who is gone may be among them for a while, with no connections; so
    /// are all people of a process that ended in order.
    ///
    /// # Errors
    /// When nothing is known now. That is no reason to think that anybody left.
    fn all(&self) -> Answer<'_, BTreeMap<PodId, People>>;

    /// Ends the lease of this process, at the end of its drain: its people are gone since `now`, which
    /// others can read for as long as a lease lives. Nothing that is put after that is kept.
    fn release(&self, now: Timestamp) -> Answer<'_, ()>;
}

/// What actors hold.
pub type SharedLeases = Arc<dyn Leases>;
