//! The store in PostgreSQL: what many processes serve together.
//!
//! Knows no actor, no protocol and no HTTP, and not the other adapters. Next: [`executor`]
//! (threads and pools), [`transaction`] (locks and their order), `append` (the hot path), `rows`
//! and `schema` (tables).

mod accounts;
mod address;
mod administration;
mod append;
mod audit;
#[cfg(feature = "torture")]
mod broken;
mod changes;
mod conduct;
mod connection;
mod executor;
mod fault;
mod files;
mod groups;
mod history;
mod indexing;
mod invites;
mod jobs;
mod letters;
mod load;
mod log;
mod lookout;
mod making;
mod memberships;
mod meter;
mod order;
mod people;
mod pins;
mod pipeline;
mod proofs;
mod prune;
mod reactions;
mod repair;
mod reports;
mod rooms;
mod rows;
mod schema;
mod search;
mod second_factors;
mod standing;
mod start;
mod statements;
mod threads;
mod traits;
mod transaction;
mod user_logs;
mod writes;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

pub use self::address::{Address, AddressError};
use self::connection::Connector;
pub use self::connection::{IDLE_IN_TRANSACTION, LOCK_TIMEOUT, STATEMENT_TIMEOUT};
pub use self::executor::PoolStatus;
use self::executor::{Executor, Io, Size};
pub use self::fault::OpenError;
use self::lookout::Lookout;
pub use self::meter::{Costs, Meter};
use crate::domain::Epoch;
use crate::domain::policy::EditWindow;
use crate::store::CallTimes;

/// Draws an epoch; chance is the caller's.
pub type NewEpoch = Arc<dyn Fn() -> Epoch + Send + Sync>;

/// How the store behaves.
#[derive(Clone)]
pub struct PgOptions {
    /// Draws the epoch of a database that has none, or that is another one than before.
    pub new_epoch: NewEpoch,
    /// How long authors may edit and delete.
    pub edit_window: EditWindow,
    /// Connections: a quarter of them writes, the others read; at least one each.
    pub connections: usize,
    /// Calls that may be under way or wait; one more is `Unavailable`.
    pub queue: usize,
    /// How long a call waits for a connection.
    pub wait: Duration,
    /// How long a call that has one waits for its answers. The server ends its statements long
    /// before, unless it was stopped or cannot be reached any more.
    pub longest: Duration,
    /// Longest attempt to make a connection.
    pub connect: Duration,
    /// How long the start waits for a database that does not answer, and then for another process
    /// that prepares it.
    pub start_wait: Duration,
    /// Use a database that answers commits before they are on the disk.
    pub allow_unsafe_commit: bool,
}

impl PgOptions {
    /// The defaults: 16 connections, 4,096 calls, an edit window of 5 minutes, 5 seconds for a
    /// connection or to make one, a minute for the start.
    #[must_use]
    pub fn new(new_epoch: NewEpoch) -> Self {
        Self {
            new_epoch,
            edit_window: EditWindow::default(),
            connections: 16,
            queue: 4_096,
            wait: Duration::from_secs(5),
            longest: STATEMENT_TIMEOUT + Duration::from_secs(10),
            connect: Duration::from_secs(5),
            start_wait: Duration::from_secs(60),
            allow_unsafe_commit: false,
        }
    }

    fn connector(&self, address: Address) -> Connector {
        Connector {
            address,
            patience: self.connect,
            allow_unsafe_commit: self.allow_unsafe_commit,
            meter: Arc::default(),
            losses: Arc::new(AtomicU64::new(0)),
        }
    }
}

/// The store in PostgreSQL.
///
/// Calls run on threads of the store's own. Appends to one room that are made one after another
/// are applied in that order; other calls may overtake each other. An answer that is dropped takes
/// nothing back. Dropping the store waits until everything asked for is done, ten seconds at most.
pub struct PgStore {
    executor: Executor,
    meter: Arc<Meter>,
    edit_window: EditWindow,
}

impl PgStore {
    /// Waits for the database, checks what it promises, and brings its schema up to date; of
    /// several starters one does that while the others wait. May be awaited on any runtime.
    ///
    /// # Errors
    /// Each with one line that says what to do; see [`OpenError`].
    pub async fn open(address: Address, options: PgOptions) -> Result<Self, OpenError> {
        let io = Io::start()?;
        let connector = options.connector(address);
        let (start, new_epoch) = (connector.clone(), options.new_epoch.clone());
        let patience = (options.start_wait, options.longest);
        let prepared = io.run(async move { prepare(&start, patience, Some(new_epoch)).await.map(drop) });
        answered(prepared.await)?;
        let PgOptions { connections, queue, wait, longest, .. } = options;
        let size = Size { connections, queue, wait, longest };
        let meter = connector.meter.clone();
        let lookout = Lookout::new(&connector, options.new_epoch);
        let executor = Executor::new(io, &connector, size, lookout)?;
        Ok(Self { executor, meter, edit_window: options.edit_window })
    }

    /// What the store has cost its database since it was opened, its opening included.
    #[must_use]
    pub fn costs(&self) -> Costs {
        self.meter.costs()
    }

    /// How long its calls take.
    #[must_use]
    pub fn times(&self) -> &Arc<CallTimes> {
        &self.executor.times
    }

    /// The pool that writes, then the one that reads.
    #[must_use]
    pub fn pools(&self) -> [PoolStatus; 2] {
        self.executor.pools()
    }
}

/// Applies the pending migrations and answers their names: what `chat migrate` does. Any number of
/// processes may do it at once, and be killed while they do.
///
/// # Errors
/// As [`PgStore::open`].
pub async fn migrate(address: Address, options: PgOptions) -> Result<Vec<String>, OpenError> {
    let io = Io::start()?;
    let connector = options.connector(address);
    let patience = (options.start_wait, options.longest);
    answered(io.run(async move { prepare(&connector, patience, None).await }).await)
}

/// Whether the database has all that this binary needs, which changes nothing.
///
/// # Errors
/// As [`PgStore::open`], and when the schema lacks something.
pub async fn check(address: Address, options: PgOptions) -> Result<(), OpenError> {
    let io = Io::start()?;
    let connector = options.connector(address);
    let patience = options.start_wait;
    let checked = io.run(async move {
        let mut conn = start::connect(&connector, patience).await?;
        match start::pending(&connector, &mut conn).await?.into_iter().next() {
            Some(lacks) => Err(OpenError::OlderSchema { address: connector.address.to_string(), lacks }),
            None => Ok(()),
        }
    });
    answered(checked.await)
}

/// Declares the database's history another one, of the epoch `new`. Changes nothing else: what is
/// restored is not migrated by the way.
///
/// # Errors
/// As [`PgStore::open`], and when the schema lacks something.
pub async fn renew_epoch(address: Address, options: PgOptions, new: Epoch) -> Result<(), OpenError> {
    let io = Io::start()?;
    let connector = options.connector(address);
    let patience = options.start_wait;
    let renewed = io.run(async move {
        let mut conn = start::connect(&connector, patience).await?;
        if let Some(lacks) = start::pending(&connector, &mut conn).await?.into_iter().next() {
            return Err(OpenError::OlderSchema { address: connector.address.to_string(), lacks });
        }
        let set = repair::set_fact(&mut conn, "epoch", new.0.as_bytes().to_vec()).await;
        set.map_err(|error| start::database(&connector, &error))
    });
    answered(renewed.await)
}

fn answered<T>(
    result: Result<Result<T, OpenError>, tokio::sync::oneshot::error::RecvError>,
) -> Result<T, OpenError> {
    result.unwrap_or_else(|_| Err(OpenError::Threads("the start was lost".into())))
}

async fn prepare(
    connector: &Connector,
    (patience, longest): (Duration, Duration),
    new_epoch: Option<NewEpoch>,
) -> Result<Vec<String>, OpenError> {
    let mut conn = start::connect(connector, patience).await?;
    start::within(connector, longest, start::check(connector, &mut conn)).await?;
    start::within(connector, patience + longest, start::lock(connector, &mut conn, patience)).await?;
    // However long it takes.
    let (mut conn, applied) = start::migrate(connector, conn).await?;
    let end = async {
        if let Some(new_epoch) = new_epoch {
            let identified = start::identify(&mut conn, &*new_epoch).await;
            identified.map_err(|error| start::database(connector, &error))?;
        }
        start::unlock(connector, &mut conn).await
    };
    start::within(connector, longest, end).await?;
    Ok(applied)
}
