//! Connections: how each is made and what holds on it. Knows no table. Next: [`super::executor`],
//! which keeps them.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use tokio_postgres::error::SqlState;

use super::address::{Address, full};
use super::meter::{Gauge, Meter};

/// How long a statement waits for a row that another transaction holds.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// After so long without a word in the middle of a transaction the server ends it: a process that
/// was stopped must not keep a room's lock.
pub const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);
/// Longest statement of a call. Migrations have no such limit.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// After so long without a word outside of a transaction the server ends who prepares it: he was
/// stopped, and holds the lock that all who start wait for. From version 14 on.
const IDLE_AT_START: Duration = Duration::from_secs(15);
/// How the server notices by itself that this process's machine is gone, within half a minute: else
/// what it locked stays locked for hours.
const DEAD_PEER: &str = "('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), \
                         ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '15000')";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Calls of the store.
    Serve,
    /// Checks and migrations at the start, which may take their time.
    Start,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NoConnection {
    /// Waiting would not help.
    Refused(String),
    Away(String),
}

impl NoConnection {
    pub(super) fn cause(self) -> String {
        match self {
            Self::Refused(cause) | Self::Away(cause) => cause,
        }
    }
}

/// Makes connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) address: Address,
    /// Longest attempt.
    pub(super) patience: Duration,
    /// Leave `synchronous_commit` as it is, even off.
    pub(super) allow_unsafe_commit: bool,
    pub(super) meter: Arc<Meter>,
    /// Connections that the server or the network ended.
    pub(super) losses: Arc<AtomicU64>,
}

impl Connector {
    /// A connection, set up.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<AsyncPgConnection, NoConnection> {
        match tokio::time::timeout(self.patience, self.attempt(purpose)).await {
            Ok(result) => result,
            Err(_) => Err(NoConnection::Away(format!("no answer within {} s", self.patience.as_secs_f64()))),
        }
    }

    async fn attempt(&self, purpose: Purpose) -> Result<AsyncPgConnection, NoConnection> {
        let (client, connection) =
            self.address.config.connect(self.address.tls.clone()).await.map_err(|e| judge(&e))?;
        let losses = self.losses.clone();
        // Ends when the client is dropped, or with an error when the other side ends it.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                ::log::debug!("a connection to the database was lost: {}", full(&error));
                losses.fetch_add(1, Ordering::Release);
            }
        });
        let away = |error: ConnectionError| NoConnection::Away(error.to_string());
        let mut conn = AsyncPgConnection::try_from(client).await.map_err(away)?;
        conn.set_instrumentation(Gauge::new(self.meter.clone()));
        conn.batch_execute(&self.session(purpose))
            .await
            .map_err(|error| NoConnection::Away(error.to_string()))?;
        Ok(conn)
    }

    /// What holds for the whole session. `SET` instead of start-up options, which poolers refuse.
    fn session(&self, purpose: Purpose) -> String {
        // A migration may take its time, and so may what it waits for.
        let (statement, lock) = match purpose {
            Purpose::Serve => (STATEMENT_TIMEOUT, LOCK_TIMEOUT),
            Purpose::Start => Default::default(),
        };
        let idle_session = match purpose {
            Purpose::Serve => String::new(),
            Purpose::Start => format!(", ('idle_session_timeout', '{}')", IDLE_AT_START.as_millis()),
        };
        let mut session = format!(
            "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
             SET jit = off; \
             SELECT set_config(name, value, false) FROM (VALUES {DEAD_PEER}{idle_session}) AS s (name, value) \
             WHERE current_setting(name, true) IS NOT NULL;",
            statement.as_millis(),
            lock.as_millis(),
            IDLE_IN_TRANSACTION.as_millis(),
        );
        // The start refused a database that says off; one that is told so later is not followed.
        // Never lowers what is stricter than `on`.
        if purpose == Purpose::Serve && !self.allow_unsafe_commit {
            session.push_str(
                " SELECT set_config('synchronous_commit', 'on', false) \
                 WHERE current_setting('synchronous_commit') = 'off';",
            );
        }
        session
    }
}

fn judge(error: &tokio_postgres::Error) -> NoConnection {
    let text = full(error);
    let refused = match error.code() {
        // Class 28 is "invalid authorization": a wrong password, a role that may not log in, no
        // line for this host.
        Some(code) => {
            code.code().starts_with("28")
                || *code == SqlState::INVALID_CATALOG_NAME
                || *code == SqlState::INSUFFICIENT_PRIVILEGE
        }
        None if text.starts_with("error performing TLS handshake") => is_distrust(error),
        // Among others a password that is asked for and was not given.
        None => text.starts_with("invalid configuration") || text.starts_with("authentication error"),
    };
    if refused { NoConnection::Refused(text) } else { NoConnection::Away(text) }
}

/// Whether TLS failed for a reason that stays: a certificate, or no TLS there. A connection that
/// broke during the handshake may come back.
fn is_distrust(error: &tokio_postgres::Error) -> bool {
    match error.source().and_then(|cause| cause.downcast_ref::<io::Error>()) {
        Some(cause) => cause.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()),
        None => true,
    }
}
