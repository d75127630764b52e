//! The schema's versions, built into the binary. Knows no domain type. Next: [`super::schema`].

use std::collections::BTreeSet;
use std::path::Path;

use diesel::dsl::sql;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{FileLock, Location, Purpose};
use super::fault::OpenError;
use super::schema::meta;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// One version of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// Its directory's name, which begins with its version.
    pub name: String,
    pub applied: bool,
}

/// The migrations of this binary, oldest first, and which of them the database at `path` has. May
/// be asked while a server uses the database. An absent database has none and is not made.
///
/// # Errors
/// When there is something at `path` that is no database, or one that only newer versions may use.
pub fn migrations(path: &Path) -> Result<Vec<MigrationState>, OpenError> {
    if !path.exists() {
        let known = known(path)?;
        return Ok(known.iter().map(|m| MigrationState { name: name(m), applied: false }).collect());
    }
    let location = Location::file(path)?;
    let mut conn = location.connect(Purpose::Write)?;
    state(&mut conn, location.path())
}

/// Applies the pending migrations to the database at `path`, made when absent, and answers their
/// names. Each is a transaction of its own, so one that was killed can be run again.
///
/// # Errors
/// When a server uses the database, it cannot be written, or only newer versions may use it.
pub fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
    let location = Location::file(path)?;
    let _lock = FileLock::take(location.path())?;
    let mut conn = location.connect(Purpose::Write)?;
    run(&mut conn, location.path())
}

/// Brings the schema up to this binary's version; refuses one that this binary must not use.
pub(super) fn run(conn: &mut SqliteConnection, path: &Path) -> Result<Vec<String>, OpenError> {
    let pending: Vec<_> = state(conn, path)?.into_iter().filter(|m| !m.applied).map(|m| m.name).collect();
    conn.run_pending_migrations(MIGRATIONS)
        .map_err(|cause| OpenError::Migration { path: path.to_owned(), cause: cause.to_string() })?;
    Ok(pending)
}

/// Refuses a schema that is not this binary's, or a newer one that only added to it.
pub(super) fn check(conn: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    match state(conn, path)?.into_iter().find(|migration| !migration.applied) {
        Some(lacks) => Err(OpenError::OlderSchema { path: path.to_owned(), lacks: lacks.name }),
        None => Ok(()),
    }
}

fn state(conn: &mut SqliteConnection, path: &Path) -> Result<Vec<MigrationState>, OpenError> {
    let failed = |cause: String| OpenError::Migration { path: path.to_owned(), cause };
    let mut applied: BTreeSet<String> = conn
        .applied_migrations()
        .map_err(|error| failed(error.to_string()))?
        .into_iter()
        .map(|version| version.to_string())
        .collect();
    let known = known(path)?;
    let newest = known.last().map(|m| m.name().version().to_string()).unwrap_or_default();
    let states = known
        .iter()
        .map(|m| MigrationState { applied: applied.remove(&m.name().version().to_string()), name: name(m) })
        .collect();
    // What is left was applied by a binary that knows more than this one, and says itself which
    // binaries may go on beside it: those for which it only added something.
    let needed = min_binary_schema(conn).map_err(|error| failed(error.to_string()))?;
    match needed.or(applied.pop_last()).filter(|needed| *needed > newest) {
        Some(needed) => Err(OpenError::NewerSchema { path: path.to_owned(), needed, known: newest }),
        None => Ok(states),
    }
}

/// The migration that whoever uses the database must know; `None` where it does not say.
fn min_binary_schema(conn: &mut SqliteConnection) -> QueryResult<Option<String>> {
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    if sql::<BigInt>(tables).get_result::<i64>(conn)? == 0 {
        return Ok(None);
    }
    let row = meta::table.find("min_binary_schema").select(sql::<Text>("CAST(value AS TEXT)"));
    row.get_result(conn).optional()
}

fn known(path: &Path) -> Result<Vec<Box<dyn Migration<Sqlite>>>, OpenError> {
    let mut known = MigrationSource::<Sqlite>::migrations(&MIGRATIONS)
        .map_err(|cause| OpenError::Migration { path: path.to_owned(), cause: cause.to_string() })?;
    known.sort_unstable_by(|a, b| a.name().version().cmp(&b.name().version()));
    Ok(known)
}

#[allow(clippy::borrowed_box, reason = "what the list of migrations holds")]
fn name(migration: &Box<dyn Migration<Sqlite>>) -> String {
    migration.name().to_string()
}
