//! How this process reaches Redis: one server or a cluster, TLS or not, and every time bounded.
//!
//! A multiplexed connection that was lost never comes back, so whoever holds one asks for another
//! here and waits between attempts as [`Backoff`] says.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use deadpool_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use deadpool_redis::redis::cluster::ClusterClient;
use deadpool_redis::redis::cluster_async::ClusterConnection;
use deadpool_redis::redis::io::tcp::TcpSettings;
use deadpool_redis::redis::{
    self, AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    Pipeline, RedisConnectionInfo, RedisError, RedisFuture, RedisResult, TlsCertificates, Value,
};

use crate::clock::SharedClock;
use crate::settings::{RedisSettings, RedisUrl};

/// Lanes on a cluster: so many slots share the work, and with them the masters.
const CLUSTER_LANES: u16 = 8;
/// The shortest and the longest wait between two attempts to connect.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// The oldest Redis that has every command used here (`GETDEL`).
const OLDEST: (u32, u32) = (6, 2);

/// Why Redis cannot be used. Shows as one line without a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisFault {
    /// It does not answer; later it may.
    Away(String),
    /// It will never answer as things are set: the address, the password, or what listens there.
    Misconfigured(String),
}

impl fmt::Display for RedisFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) | Self::Misconfigured(why) => f.write_str(why),
        }
    }
}

impl Error for RedisFault {}

/// One connection, to a server or to a cluster.
pub(super) enum Connection {
    Single(MultiplexedConnection),
    /// Of a pool, to which it goes back.
    Pooled(deadpool_redis::Connection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Pooled(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Pooled(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Pooled(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// The Redis of the settings.
pub(super) struct Server {
    /// One for each node that the address names; the first is the server where there is no cluster.
    nodes: Vec<Client>,
    cluster: bool,
    tls: Option<TlsCertificates>,
    timeout: Duration,
    shown: String,
    clock: SharedClock,
}

impl Server {
    /// Connects to nothing yet.
    pub(super) fn new(
        url: &RedisUrl,
        settings: &RedisSettings,
        clock: SharedClock,
    ) -> Result<Self, RedisFault> {
        let wrong = |why: &dyn fmt::Display| RedisFault::Misconfigured(why.to_string());
        if url.tls {
            // Where two providers are compiled in, none is chosen by itself. That another part chose
            // before is as good.
            let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let root_cert = match &settings.ca_file {
            Some(file) => Some(std::fs::read(file).map_err(|cause| {
                RedisFault::Misconfigured(format!("CHAT_REDIS_CA_FILE: {}: {cause}", file.display()))
            })?),
            None => None,
        };
        let tls = url.tls.then_some(TlsCertificates { client_tls: None, root_cert });
        let mut nodes = Vec::new();
        for (host, port) in &url.nodes {
            let info = info(url, host, *port, settings.timeout).map_err(|error| wrong(&error))?;
            let client = match &tls {
                Some(tls) => Client::build_with_tls(info, tls.clone()),
                None => Client::open(info),
            };
            nodes.push(client.map_err(|error| wrong(&error))?);
        }
        let (cluster, timeout) = (url.cluster, settings.timeout);
        Ok(Self { nodes, cluster, tls, timeout, shown: url.to_string(), clock })
    }

    /// How many lanes the streams are grouped in.
    pub(super) const fn lanes(&self) -> u16 {
        if self.cluster { CLUSTER_LANES } else { 1 }
    }

    /// How long an answer may take that Redis does not hold back.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The client of the one server; `None` for a cluster.
    pub(super) fn single(&self) -> Option<&Client> {
        self.nodes.first().filter(|_| !self.cluster)
    }

    pub(super) fn connection_config(&self, response: Duration) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(response))
    }

    /// A connection of its own, on which an answer may take `response`. Blocking reads run one after
    /// the other on a connection, so each lane has its own.
    pub(super) async fn connect(&self, response: Duration) -> RedisResult<Connection> {
        match self.single() {
            Some(client) => {
                let config = self.connection_config(response);
                client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::Single)
            }
            None => {
                let nodes = self.nodes.iter().map(|node| node.get_connection_info().clone());
                let mut builder = ClusterClient::builder(nodes)
                    .connection_timeout(self.timeout)
                    .response_timeout(response)
                    .overall_response_timeout(Some(response))
                    .tcp_settings(tcp(self.timeout))
                    .retries(3)
                    .min_retry_wait(50)
                    .max_retry_wait(500);
                if let Some(tls) = &self.tls {
                    builder = builder.certs(tls.clone());
                }
                let client = builder.build()?;
                // Each node may take its time, and the list of slots is asked for after that.
                let most = self.timeout * 2;
                match tokio::time::timeout(most, client.get_async_connection()).await {
                    Ok(connection) => connection.map(Connection::Cluster),
                    Err(_) => Err((ErrorKind::Io, "the cluster did not answer in time").into()),
                }
            }
        }
    }

    /// Whether what listens there can be used at all: asked once, before the start.
    ///
    /// # Errors
    /// `Away` when no node answered.
    pub(super) async fn examine(&self) -> Result<(), RedisFault> {
        let mut fault = RedisFault::Away("no node is named".to_owned());
        for node in &self.nodes {
            match self.ask(node).await {
                Ok(()) => return Ok(()),
                Err(wrong @ RedisFault::Misconfigured(_)) => return Err(wrong),
                Err(away) => fault = away,
            }
        }
        Err(fault)
    }

    async fn ask(&self, node: &Client) -> Result<(), RedisFault> {
        let told = |error: RedisError| self.judged(&error);
        let config = self.connection_config(self.timeout);
        let mut connection =
            node.get_multiplexed_async_connection_with_config(&config).await.map_err(told)?;
        let pong: String = redis::cmd("PING").query_async(&mut connection).await.map_err(told)?;
        if pong != "PONG" {
            return Err(self.wrong("what answers there is not a Redis"));
        }
        let info: String = match redis::cmd("INFO").query_async(&mut connection).await {
            Ok(info) => info,
            // An account may be allowed what is needed and no more.
            Err(error) if error.code() == Some("NOPERM") => return Ok(()),
            Err(error) => return Err(told(error)),
        };
        if let Some(version) = field(&info, "redis_version").and_then(version)
            && version < OLDEST
        {
            let (major, minor) = OLDEST;
            return Err(self.wrong(&format!("this Redis is too old: {major}.{minor} or newer is needed")));
        }
        match (field(&info, "cluster_enabled"), self.cluster) {
            (Some("1"), false) => {
                Err(self.wrong("this is a node of a Redis Cluster: the address begins with redis+cluster://"))
            }
            (Some("0"), true) => {
                Err(self.wrong("this is no Redis Cluster: the address begins with redis:// or rediss://"))
            }
            _ => Ok(()),
        }
    }

    fn wrong(&self, why: &str) -> RedisFault {
        RedisFault::Misconfigured(format!("REDIS_URL: {}: {why}", self.shown))
    }

    /// Whether waiting can help.
    fn judged(&self, error: &RedisError) -> RedisFault {
        match error.kind() {
            ErrorKind::AuthenticationFailed => return self.wrong("the user or the password is refused"),
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
                return self.wrong("what answers there is not a Redis");
            }
            ErrorKind::InvalidClientConfig => return self.wrong(&error.to_string()),
            _ => {}
        }
        match error.code() {
            Some("NOAUTH") => return self.wrong("it asks for a password"),
            Some("WRONGPASS") => return self.wrong("the user or the password is refused"),
            Some("NOPERM") => return self.wrong("the user may not do what is needed"),
            Some("ERR") if error.to_string().contains("DB index") => {
                return self.wrong("it has no database of this number");
            }
            _ => {}
        }
        // The library keeps the cause behind a pointer, which is what its `source` shows.
        let cause = error.source().and_then(|cause| cause.downcast_ref::<Arc<dyn Error + Send + Sync>>());
        let cause = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
        if let Some(cause) = cause.filter(|cause| cause.kind() == io::ErrorKind::InvalidData) {
            return self.wrong(&format!("TLS: {cause}"));
        }
        RedisFault::Away(format!("REDIS_URL: {}: {error}", self.shown))
    }

    /// How long to wait after attempts that failed.
    pub(super) fn backoff(&self) -> Backoff {
        Backoff { clock: self.clock.clone(), next: WAITS.0 }
    }
}

/// 50 ms, doubling to 2 s, of which a random half.
pub(super) struct Backoff {
    clock: SharedClock,
    next: Duration,
}

impl Backoff {
    pub(super) async fn wait(&mut self) {
        let half = self.next / 2;
        let millis = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
        let jitter = Duration::from_millis(self.clock.below(millis.saturating_add(1)));
        tokio::time::sleep(half + jitter).await;
        self.next = (self.next * 2).min(WAITS.1);
    }

    pub(super) const fn reset(&mut self) {
        self.next = WAITS.0;
    }
}

fn tcp(timeout: Duration) -> TcpSettings {
    // Small pipelines leave at once; a peer that acknowledges nothing is given up by the kernel too.
    TcpSettings::default().set_nodelay(true).set_user_timeout(timeout * 2)
}

fn info(url: &RedisUrl, host: &str, port: u16, timeout: Duration) -> RedisResult<ConnectionInfo> {
    let host = host.to_owned();
    let addr = if url.tls {
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, port)
    };
    let mut login = RedisConnectionInfo::default().set_db(i64::from(url.db));
    if let Some(user) = &url.user {
        login = login.set_username(user);
    }
    if let Some(password) = &url.password {
        login = login.set_password(String::from_utf8_lossy(password.expose()));
    }
    Ok(addr.into_connection_info()?.set_tcp_settings(tcp(timeout)).set_redis_settings(login))
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.map(str::trim)
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_info_is_read() {
        let info = "# Server\r\nredis_version:7.0.15\r\n# Cluster\r\ncluster_enabled:0\r\n";
        assert_eq!(field(info, "redis_version").and_then(version), Some((7, 0)));
        assert_eq!(field(info, "cluster_enabled"), Some("0"));
        assert_eq!(field(info, "valkey_version"), None);
        assert_eq!(version("unknown"), None);
    }
}
