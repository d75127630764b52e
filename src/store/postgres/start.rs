//! From nothing to a database that may be used: waiting for it, checking what it promises, its
//! schema, and whether it is still the one it was. Next: [`super::connection`].

use std::time::{Duration, Instant};

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Text};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::connection::{Connector, NoConnection, Purpose};
use super::fault::OpenError;
use super::repair::{fact, set_fact};
use crate::domain::Epoch;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Who holds this advisory lock may change the schema and the epoch. The number means nothing.
const LOCK: i64 = 0x6368_6174_0001;
/// How often it is asked for.
const LOCK_PAUSE: Duration = Duration::from_millis(200);
/// How long a change of a table waits for those who use it. They wait behind it.
const MIGRATION_LOCK_WAIT: &str = "SET lock_timeout = '5s'";
/// The oldest PostgreSQL with all that the statements use.
const OLDEST: i32 = 120_000;

type Checked<T> = Result<T, OpenError>;

/// Connects; while the database is away, again and again for as long as `patience`.
///
/// # Errors
/// `Refused` at once, `Away` at the end.
pub(super) async fn connect(connector: &Connector, patience: Duration) -> Checked<AsyncPgConnection> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(100);
    let mut said = String::new();
    loop {
        match connector.connect(Purpose::Start).await {
            Ok(conn) => return Ok(conn),
            Err(NoConnection::Refused(cause)) => {
                return Err(OpenError::Refused { address: connector.address.to_string(), cause });
            }
            Err(NoConnection::Away(cause)) if begun.elapsed() >= patience => {
                return Err(OpenError::Away {
                    address: connector.address.to_string(),
                    waited: begun.elapsed(),
                    cause,
                });
            }
            Err(NoConnection::Away(cause)) => {
                if cause != said {
                    ::log::warn!("waiting for the database at {}: {cause}", connector.address);
                    said = cause;
                }
            }
        }
        // The last attempt is made when the time is over.
        tokio::time::sleep(pause.min(patience.saturating_sub(begun.elapsed()))).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Whether the database keeps what it says it has, and is new enough.
pub(super) async fn check(connector: &Connector, conn: &mut AsyncPgConnection) -> Checked<()> {
    let address = || connector.address.to_string();
    let wrong = |error: diesel::result::Error| database(connector, &error);
    let number = diesel::dsl::sql::<Integer>("SELECT current_setting('server_version_num')::int");
    if number.get_result::<i32>(conn).await.map_err(wrong)? < OLDEST {
        let version = setting(conn, "server_version").await.map_err(wrong)?;
        return Err(OpenError::TooOld { address: address(), version });
    }
    for name in ["synchronous_commit", "fsync"] {
        if setting(conn, name).await.map_err(wrong)? == "off" {
            let setting = format!("{name} = off");
            if !connector.allow_unsafe_commit {
                return Err(OpenError::UnsafeCommit { address: address(), setting });
            }
            ::log::warn!("the database runs with {setting}: what is acknowledged may be lost");
        }
    }
    if setting(conn, "full_page_writes").await.map_err(wrong)? == "off" {
        ::log::warn!("the database runs with full_page_writes = off: a power cut may tear its pages");
    }
    Ok(())
}

async fn setting(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<String> {
    diesel::dsl::sql::<Text>("SELECT current_setting(").bind::<Text, _>(name).sql(")").get_result(conn).await
}

/// Takes the lock that only one starter has at a time; asks for it again and again for as long as
/// `patience`. It ends with the connection, so a crash gives it back.
///
/// # Errors
/// `Busy` at the end.
pub(super) async fn lock(
    connector: &Connector,
    conn: &mut AsyncPgConnection,
    patience: Duration,
) -> Checked<()> {
    let begun = Instant::now();
    let mut said = false;
    loop {
        let ask = diesel::dsl::sql::<Bool>("SELECT pg_try_advisory_lock(").bind::<BigInt, _>(LOCK).sql(")");
        if ask.get_result::<bool>(conn).await.map_err(|error| database(connector, &error))? {
            return Ok(());
        }
        if begun.elapsed() + LOCK_PAUSE >= patience {
            let address = connector.address.to_string();
            return Err(OpenError::Busy { address, waited: begun.elapsed() });
        }
        if !std::mem::replace(&mut said, true) {
            ::log::info!("another process prepares the database at {}; waiting for it", connector.address);
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

/// The same, for as long as `patience` at most. A server that was stopped answers nothing, and keeps
/// the connection.
///
/// # Errors
/// `Away` at the end.
pub(super) async fn within<T>(
    connector: &Connector,
    patience: Duration,
    work: impl Future<Output = Checked<T>>,
) -> Checked<T> {
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| {
        let address = connector.address.to_string();
        Err(OpenError::Away { address, waited: patience, cause: "it answers no question".into() })
    })
}

/// Gives it back before the connection ends.
pub(super) async fn unlock(connector: &Connector, conn: &mut AsyncPgConnection) -> Checked<()> {
    let unlock = format!("SELECT pg_advisory_unlock({LOCK})");
    conn.batch_execute(&unlock).await.map_err(|error| database(connector, &error))
}

/// The migrations of this binary that the database lacks, oldest first.
///
/// A database of a newer server is accepted while that server's migrations only added to it: the
/// row `min_binary_schema` says which migration a server must know at least.
pub(super) async fn pending(connector: &Connector, conn: &mut AsyncPgConnection) -> Checked<Vec<String>> {
    let wrong = |cause: String| OpenError::Migration { address: connector.address.to_string(), cause };
    let known = known().map_err(wrong)?;
    let newest = known.last().map(|migration| migration.version.clone()).unwrap_or_default();
    let needed = min_binary_schema(conn).await.map_err(|error| database(connector, &error))?;
    if let Some(needed) = needed.filter(|needed| *needed > newest) {
        return Err(OpenError::NewerSchema { address: connector.address.to_string(), needed, known: newest });
    }
    let applied = applied(conn).await.map_err(|error| database(connector, &error))?;
    let lacking = known.into_iter().filter(|migration| !applied.contains(&migration.version));
    Ok(lacking.map(|migration| migration.name).collect())
}

/// Applies what is pending, each migration in a transaction of its own, and answers the names.
/// Whoever holds the lock may be killed at any moment and begin again.
pub(super) async fn migrate(
    connector: &Connector,
    mut conn: AsyncPgConnection,
) -> Checked<(AsyncPgConnection, Vec<String>)> {
    let wrong = |cause: String| OpenError::Migration { address: connector.address.to_string(), cause };
    let pending = pending(connector, &mut conn).await?;
    // Who has nothing to change needs no right to change anything.
    if pending.is_empty() {
        return Ok((conn, pending));
    }
    conn.batch_execute(MIGRATION_LOCK_WAIT).await.map_err(|error| database(connector, &error))?;
    // Diesel's migrations are blocking code.
    let (conn, result) = tokio::task::spawn_blocking(move || {
        let mut conn = AsyncConnectionWrapper::<AsyncPgConnection>::from(conn);
        let result = conn.run_pending_migrations(MIGRATIONS).map(drop).map_err(|error| error.to_string());
        (conn.into_inner(), result)
    })
    .await
    .map_err(|error| wrong(error.to_string()))?;
    result.map_err(|cause| wrong(cause.replace('\n', " ")))?;
    Ok((conn, pending))
}

/// A migration of this binary.
struct Known {
    /// Digits, so that versions of one length compare as texts.
    version: String,
    /// Its directory's name.
    name: String,
}

/// Oldest first.
fn known() -> Result<Vec<Known>, String> {
    let migrations = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(|error| error.to_string())?;
    let described = migrations.iter().map(|migration| Known {
        version: migration.name().version().to_string(),
        name: migration.name().to_string(),
    });
    let mut known: Vec<Known> = described.collect();
    known.sort_unstable_by(|a, b| a.version.cmp(&b.version));
    Ok(known)
}

/// The versions that the database has.
async fn applied(conn: &mut AsyncPgConnection) -> QueryResult<Vec<String>> {
    if !exists(conn, "__diesel_schema_migrations").await? {
        return Ok(Vec::new());
    }
    diesel::dsl::sql::<Text>("SELECT version::text FROM __diesel_schema_migrations").load(conn).await
}

/// The migration that a server must know at least; `None` in a database without a schema.
async fn min_binary_schema(conn: &mut AsyncPgConnection) -> QueryResult<Option<String>> {
    if !exists(conn, "meta").await? {
        return Ok(None);
    }
    let value = fact(conn, "min_binary_schema").await?;
    Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

async fn exists(conn: &mut AsyncPgConnection, table: &str) -> QueryResult<bool> {
    let found = diesel::dsl::sql::<Bool>("SELECT to_regclass(").bind::<Text, _>(table).sql(") IS NOT NULL");
    found.get_result(conn).await
}

/// Gives the database an epoch if it has none, and another one when it is no longer the one it
/// was: a copy restored into another cluster, or a cluster that was wound back or whose standby
/// took over and so began a new timeline.
pub(super) async fn identify(
    conn: &mut AsyncPgConnection,
    new_epoch: &(dyn Fn() -> Epoch + Send + Sync),
) -> QueryResult<Option<String>> {
    let identity = identity(conn).await;
    let kept = fact(conn, "identity").await?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let has_epoch = fact(conn, "epoch").await?.is_some();
    let another = match (&identity, &kept) {
        (Some(identity), Some(kept)) => identity != kept,
        _ => false,
    };
    if another || !has_epoch {
        let epoch = new_epoch();
        if has_epoch {
            ::log::warn!(
                "the database is another one than before ({} is now {}), so its history may be too: \
                 epoch {epoch} begins and every client reads anew",
                kept.as_deref().unwrap_or_default(),
                identity.as_deref().unwrap_or_default(),
            );
        }
        set_fact(conn, "epoch", epoch.0.as_bytes().to_vec()).await?;
    }
    if let Some(identity) = identity.as_ref().filter(|identity| kept.as_ref() != Some(identity)) {
        set_fact(conn, "identity", identity.clone().into_bytes()).await?;
    }
    Ok(identity)
}

/// The cluster's identifier and its timeline; `None` where a role may not ask. The timeline is
/// taken from the name of the present log file: it is right from the moment a standby took over,
/// while the control file follows with the next checkpoint.
pub(super) async fn identity(conn: &mut AsyncPgConnection) -> Option<String> {
    let asked = diesel::dsl::sql::<Text>(
        "SELECT system_identifier::text || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) \
         FROM pg_control_system()",
    );
    match asked.get_result(conn).await {
        Ok(identity) => Some(identity),
        Err(error) => {
            static SAID: std::sync::Once = std::sync::Once::new();
            SAID.call_once(|| {
                ::log::warn!(
                    "the database does not tell its identity ({error}), so after a restore its epoch must be \
                     renewed by hand"
                );
            });
            None
        }
    }
}

pub(super) fn database(connector: &Connector, error: &diesel::result::Error) -> OpenError {
    OpenError::Database {
        address: connector.address.to_string(),
        cause: error.to_string().replace('\n', " "),
    }
}
