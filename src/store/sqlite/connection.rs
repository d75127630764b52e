//! Connections: where the database is, how each is set up, and the lock that keeps other
//! processes out. Knows no table. Next: [`super::executor`], which owns them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::Text;
use diesel::{Connection, RunQueryDsl, SqliteConnection};

use super::fault::OpenError;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Write,
    Read,
}

/// Where a database is.
#[derive(Clone, Debug)]
pub(super) struct Location {
    /// For messages.
    path: PathBuf,
    url: String,
    in_memory: bool,
}

impl Location {
    /// A file, made when it is absent, as are its directories. Checked to be writable and, if it
    /// holds anything, to be a database.
    pub(super) fn file(path: &Path) -> Result<Self, OpenError> {
        let not_writable = |cause| OpenError::NotWritable { path: path.to_owned(), cause };
        // An absolute path can never be taken for one of SQLite's `file:` addresses.
        let path = std::path::absolute(path).map_err(not_writable)?;
        let not_writable = |cause| OpenError::NotWritable { path: path.clone(), cause };
        let url = path.to_str().ok_or_else(|| OpenError::PathNotUtf8 { path: path.clone() })?.to_owned();
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(not_writable)?;
        }
        // SQLite opens what it may not write as read-only and says so at the first write; better now.
        let mut file = create(&path).map_err(not_writable)?;
        let mut header = [0; 16];
        match file.read(&mut header).map_err(not_writable)? {
            0 => {}
            16 if &header == b"SQLite format 3\0" => {}
            _ => return Err(OpenError::NotADatabase { path }),
        }
        Ok(Self { path, url, in_memory: false })
    }

    /// A database in memory under a name of its own, shared by all connections of this process to
    /// this location and gone with the last.
    pub(super) fn memory() -> Self {
        let url = format!("file:/chat-{}?vfs=memdb", unique());
        Self { path: PathBuf::from(&url), url, in_memory: true }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection, set up.
    pub(super) fn connect(&self, purpose: Purpose) -> Result<SqliteConnection, OpenError> {
        let mut conn = SqliteConnection::establish(&self.url).map_err(|error| self.error(&error))?;
        conn.batch_execute("PRAGMA busy_timeout=5000").map_err(|error| self.error(&error))?;
        // A write-ahead log lets readers go on while the writer commits.
        let mode = sql::<Text>("PRAGMA journal_mode=WAL")
            .get_result::<String>(&mut conn)
            .map_err(|error| self.error(&error))?;
        if mode != "wal" && !self.in_memory {
            return Err(OpenError::NoWriteAheadLog { path: self.path.clone(), mode });
        }
        // FULL: a commit is on the disk before it is answered (I1).
        conn.batch_execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;")
            .map_err(|error| self.error(&error))?;
        if purpose == Purpose::Read {
            conn.batch_execute("PRAGMA query_only=ON").map_err(|error| self.error(&error))?;
        }
        Ok(conn)
    }

    fn error(&self, error: &impl ToString) -> OpenError {
        let cause = error.to_string();
        // SQLite's own text for SQLITE_NOTADB: the first page is damaged behind a sound header.
        if cause.contains("file is not a database") {
            OpenError::NotADatabase { path: self.path.clone() }
        } else {
            OpenError::Connection { path: self.path.clone(), cause }
        }
    }
}

/// Holds a database file for this process until dropped, or until the process dies.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
}

/// Closing the file would not do: a child that was just forked has it open, too, until it becomes
/// another program.
impl Drop for FileLock {
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            log::warn!("the lock of the database was not given back: {error}");
        }
    }
}

impl FileLock {
    /// Locks `<database>.lock`: a file of its own, as SQLite gives up locks of its file whenever
    /// any handle of it is closed.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = create(&path).map_err(|cause| OpenError::NotWritable { path: path.clone(), cause })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: database.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(OpenError::NotWritable { path, cause }),
        }
    }
}

/// A directory of its own that goes with its last user.
#[derive(Debug)]
pub(super) struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    pub(super) fn new() -> Result<Self, OpenError> {
        let base = std::env::temp_dir();
        loop {
            let path = base.join(format!("chat-{}", unique()));
            match create_directory(&path) {
                Ok(()) => return Ok(Self(path)),
                // Left by a dead process whose number came again: take the next name.
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(OpenError::NotWritable { path, cause }),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            log::warn!("{} was not removed: {error}", self.0.display());
        }
    }
}

/// Opens a file, made when it is absent. Only the server's own account may read a new one: there
/// are people's addresses and messages in it. SQLite gives its other files the same mode.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A name that no other database of any living process of this machine has.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
