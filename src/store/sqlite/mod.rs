//! The store in one SQLite file: the embedded default, and what tests and simulations run on.
//!
//! Knows no actor, no protocol and no HTTP, and not the other adapters. One process has a file at
//! a time. Next: [`executor`] (threads), [`append`] (the hot path), `rows` and `schema` (tables).

mod accounts;
mod administration;
mod append;
mod audit;
mod conduct;
mod connection;
mod executor;
mod fault;
mod files;
mod groups;
mod history;
mod ids;
mod invites;
mod jobs;
mod letters;
mod load;
mod log;
mod making;
mod memberships;
mod migrate;
mod people;
mod pins;
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
mod statements;
mod threads;
mod traits;
mod user_logs;
mod witness;

use std::path::Path;
use std::sync::Arc;

use diesel::SqliteConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;

use self::connection::{FileLock, Location, Purpose, TemporaryDirectory};
use self::executor::{Executor, Size};
pub use self::fault::OpenError;
pub use self::migrate::{MigrationState, migrate, migrations};
use self::rows::Key;
use self::schema::meta;
use self::witness::Witness;
use crate::domain::Epoch;
use crate::domain::policy::EditWindow;
use crate::store::{CallTimes, StoreError};

/// How the store behaves.
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// Becomes the epoch of a database that has none, that is a new one, and of one that is not
    /// what was last used in its place.
    pub new_epoch: Epoch,
    /// How long authors may edit and delete.
    pub edit_window: EditWindow,
    /// Threads that read, each with a connection; at least one.
    pub readers: usize,
    /// Writing calls that may wait; one more is `Unavailable`.
    pub writer_queue: usize,
    /// Reading calls that may wait; one more is `Unavailable`.
    pub reader_queue: usize,
}

impl SqliteOptions {
    /// The defaults: 4 readers, 4,096 waiting calls of either kind, an edit window of 5 minutes.
    /// The epoch is to be random, and chance is the caller's.
    #[must_use]
    pub fn new(new_epoch: Epoch) -> Self {
        Self {
            new_epoch,
            edit_window: EditWindow::default(),
            readers: 4,
            writer_queue: 4_096,
            reader_queue: 4_096,
        }
    }
}

/// The store in SQLite.
///
/// A call takes its place in the queue when it is made, not when its answer is first polled: calls
/// made one after another are applied in that order. An answer that is dropped takes nothing back.
/// Dropping the store waits until everything queued is done.
pub struct SqliteStore {
    // Dropped in this order: the connections, then what they need.
    executor: Executor,
    _lock: Option<FileLock>,
    _directory: Option<TemporaryDirectory>,
    edit_window: EditWindow,
}

impl SqliteStore {
    /// Opens the database at `path`, made with its directories when absent, and brings its schema
    /// up to date. The file is this process's until the store is dropped or the process dies. A
    /// database that was restored or brought from elsewhere gets a new epoch.
    /// Blocks: for start-up.
    ///
    /// # Errors
    /// Each with one line that says what to do; see [`OpenError`].
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self, OpenError> {
        let location = Location::file(path)?;
        let lock = FileLock::take(location.path())?;
        let mut writer = prepare(&location, options)?;
        let mut witness = Witness::confront(&mut writer, location.path(), options.new_epoch)?;
        let after = Box::new(move |conn: &mut SqliteConnection| witness.follow(conn));
        let size = Size {
            readers: options.readers,
            writer_queue: options.writer_queue,
            reader_queue: options.reader_queue,
        };
        let executor = Executor::threads(&location, writer, Some(after), size)?;
        Ok(Self { executor, _lock: Some(lock), _directory: None, edit_window: options.edit_window })
    }

    /// Opens the database at `path` beside a server that may be using it: for what is done by hand.
    /// SQLite's own locks keep the two apart; the schema stays as it is.
    ///
    /// # Errors
    /// When there is none, or its schema is not this binary's.
    pub fn attend(path: &Path, options: SqliteOptions) -> Result<Self, OpenError> {
        if !path.exists() {
            return Err(OpenError::Absent { path: path.to_owned() });
        }
        let location = Location::file(path)?;
        let mut writer = location.connect(Purpose::Write)?;
        migrate::check(&mut writer, location.path())?;
        let size = Size { readers: 1, writer_queue: 16, reader_queue: 16 };
        let executor = Executor::threads(&location, writer, None, size)?;
        Ok(Self { executor, _lock: None, _directory: None, edit_window: options.edit_window })
    }

    /// A database of its own in the system's temporary directory, removed with the store. A real
    /// file, as SQLite has no write-ahead log in memory: what tests see here is what servers do.
    ///
    /// # Errors
    /// When the temporary directory cannot be written.
    pub fn temporary(options: SqliteOptions) -> Result<Self, OpenError> {
        let directory = TemporaryDirectory::new()?;
        let mut store = Self::open(&directory.path().join("chat.db"), options)?;
        store._directory = Some(directory);
        Ok(store)
    }

    /// A database in memory without threads: each call is done, on the caller's thread, when it
    /// returns, and its answer is ready. For simulations, which must repeat exactly.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn inline(options: SqliteOptions) -> Result<Self, OpenError> {
        let location = Location::memory();
        let writer = prepare(&location, options)?;
        let executor = Executor::inline(&location, writer)?;
        Ok(Self { executor, _lock: None, _directory: None, edit_window: options.edit_window })
    }

    /// How long its calls take.
    #[must_use]
    pub fn times(&self) -> Arc<CallTimes> {
        self.executor.times()
    }

    /// Runs `PRAGMA <pragma>` on the writer connection and answers its first value. For tests and
    /// diagnosis: an operator can see with it that commits are durable (`synchronous` is 2).
    ///
    /// # Errors
    /// `Unavailable` when there is no such pragma or no value.
    pub async fn writer_pragma(&self, pragma: &str) -> Result<String, StoreError> {
        let statement = format!("PRAGMA {pragma}");
        self.executor.write(move |conn| Ok(sql::<Text>(&statement).get_result(conn)?)).await
    }
}

/// Declares the history of the database at `path` another one, of the epoch `new`. Changes nothing
/// else: what is restored is not migrated by the way.
///
/// # Errors
/// When there is none, a server uses it, or its schema is not this binary's.
pub fn renew_epoch(path: &Path, new: Epoch) -> Result<(), OpenError> {
    if !path.exists() {
        return Err(OpenError::Absent { path: path.to_owned() });
    }
    let location = Location::file(path)?;
    let _lock = FileLock::take(location.path())?;
    let mut conn = location.connect(Purpose::Write)?;
    migrate::check(&mut conn, location.path())?;
    let failed = |cause: String| OpenError::Connection { path: location.path().to_owned(), cause };
    make_epoch(&mut conn, new).map_err(|error| failed(error.to_string()))?;
    // With the file beside it brought up to date, the next start finds nothing to complain of.
    let mut witness = Witness::confront(&mut conn, location.path(), new)?;
    repair::renew_epoch(&mut conn, new).map_err(|fault| failed(StoreError::from(fault).to_string()))?;
    witness.follow(&mut conn);
    Ok(())
}

/// The first connection, on a database that is ready to be used.
fn prepare(location: &Location, options: SqliteOptions) -> Result<SqliteConnection, OpenError> {
    let mut conn = location.connect(Purpose::Write)?;
    migrate::run(&mut conn, location.path())?;
    make_epoch(&mut conn, options.new_epoch).map_err(|error| OpenError::Connection {
        path: location.path().to_owned(),
        cause: error.to_string(),
    })?;
    Ok(conn)
}

/// Makes `new` the database's epoch if it has none.
fn make_epoch(conn: &mut SqliteConnection, new: Epoch) -> QueryResult<()> {
    diesel::insert_into(meta::table)
        .values((meta::name.eq("epoch"), meta::value.eq(Key::from(new))))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}
