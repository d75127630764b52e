//! Which database the settings name: opens it, migrates it, checks its address.

use std::sync::Arc;

use thiserror::Error;

use super::metered;
use crate::clock::{SharedClock, SystemClock};
use crate::domain::Epoch;
use crate::domain::policy::EditWindow;
use crate::settings::Settings;
use crate::store::postgres::{self, Address, PgOptions, PgStore};
use crate::store::sqlite::{self, SqliteOptions, SqliteStore};
use crate::store::{CallTimes, Store, StoreError};
use crate::telemetry::{Sample, SpreadSample};

/// Why the database cannot be used: one line that says what to do.
#[derive(Debug, Error)]
pub enum DatabaseError {
    #[error(transparent)]
    Sqlite(#[from] sqlite::OpenError),
    #[error(transparent)]
    Postgres(#[from] postgres::OpenError),
    #[error("the database: {0}")]
    Store(#[from] StoreError),
}

impl DatabaseError {
    /// Whether starting again would not help.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.is_configuration(),
            Self::Postgres(error) => error.is_configuration(),
            Self::Store(_) => false,
        }
    }
}

/// Reads the address of a PostgreSQL database, with the file of roots it may name.
pub(super) fn check(settings: &Settings) -> Result<(), DatabaseError> {
    address(settings).map(drop)
}

fn address(settings: &Settings) -> Result<Option<Address>, DatabaseError> {
    let parsed = settings.postgres_url().map(Address::parse).transpose();
    Ok(parsed.map_err(postgres::OpenError::from)?)
}

/// An open database.
pub(super) struct Database {
    pub store: Arc<dyn Store>,
    /// What it counts.
    pub samples: Vec<Sample>,
    /// And measures.
    pub spreads: Vec<SpreadSample>,
}

impl Database {
    fn new(store: Arc<dyn Store>, times: &Arc<CallTimes>, mut samples: Vec<Sample>) -> Self {
        let (spreads, failed) = metered::calls(times);
        samples.extend(failed);
        Self { store, samples, spreads }
    }
}

/// Opens the database and brings its schema up to date.
pub(super) async fn open(settings: &Settings, clock: &SharedClock) -> Result<Database, DatabaseError> {
    if let Some(address) = address(settings)? {
        let store = Arc::new(PgStore::open(address, pg_options(settings, clock)).await?);
        let (times, samples) = (store.times().clone(), metered::postgres(&store));
        return Ok(Database::new(store, &times, samples));
    }
    let mut options = SqliteOptions::new(Epoch(clock.id()));
    options.edit_window = EditWindow(settings.accounts.edit_window);
    options.readers = settings.store.readers;
    options.writer_queue = settings.store.queue;
    options.reader_queue = settings.store.queue;
    let store = Arc::new(SqliteStore::open(&settings.database_path(), options)?);
    let times = store.times();
    Ok(Database::new(store, &times, Vec::new()))
}

/// Opens the database beside the servers that use it, for what is done by hand. Its schema stays as it
/// is.
pub(super) async fn attend(
    settings: &Settings,
    clock: &SharedClock,
) -> Result<Arc<dyn Store>, DatabaseError> {
    if let Some(address) = address(settings)? {
        let options = PgOptions { connections: 2, ..pg_options(settings, clock) };
        postgres::check(address.clone(), options.clone()).await?;
        return Ok(Arc::new(PgStore::open(address, options).await?));
    }
    let options = SqliteOptions::new(Epoch(clock.id()));
    Ok(Arc::new(SqliteStore::attend(&settings.database_path(), options)?))
}

fn pg_options(settings: &Settings, clock: &SharedClock) -> PgOptions {
    let clock = clock.clone();
    let mut options = PgOptions::new(Arc::new(move || Epoch(clock.id())));
    options.edit_window = EditWindow(settings.accounts.edit_window);
    options.connections = settings.store.connections;
    options.queue = settings.store.queue;
    options.wait = settings.store.connect;
    options.connect = settings.store.connect;
    options.start_wait = settings.store.start_wait;
    options.allow_unsafe_commit = settings.store.allow_unsafe_commit;
    options
}

/// Declares the history another one, which every client is told: for who restored a database that
/// cannot tell by itself. The schema stays as it is. Blocks.
pub(super) fn new_epoch(settings: &Settings) -> Result<Epoch, DatabaseError> {
    let clock: SharedClock = Arc::new(SystemClock);
    let epoch = Epoch(clock.id());
    match address(settings)? {
        None => sqlite::renew_epoch(&settings.database_path(), epoch)?,
        Some(address) => {
            let renewed = postgres::renew_epoch(address, pg_options(settings, &clock), epoch);
            actix_web::rt::System::new().block_on(renewed)?;
        }
    }
    Ok(epoch)
}

/// Applies the pending migrations and answers their names. Blocks.
pub(super) fn migrate(settings: &Settings) -> Result<Vec<String>, DatabaseError> {
    let Some(address) = address(settings)? else {
        return Ok(sqlite::migrate(&settings.database_path())?);
    };
    let clock: SharedClock = Arc::new(SystemClock);
    let migrated = postgres::migrate(address, pg_options(settings, &clock));
    // What is awaited goes on elsewhere; any runtime will do.
    Ok(actix_web::rt::System::new().block_on(migrated)?)
}
