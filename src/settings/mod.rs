//! Typed settings from the environment: each with its variables, unit, default, bounds and doc
//! in one table, from which `docs/reference/settings.md` is written too.
//!
//! Knows no other module. Next: [`Limits`], [`Timing`], then `crate::app`, which hands them out.

mod address;
mod files;
mod groups;
mod mail;
mod proxies;
mod reference;
mod table;
mod unknown;
mod value;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

pub use address::RedisUrl;
pub use files::{FilePlace, FileSettings};
pub use groups::{AccountSettings, Limits, RedisSettings, StoreSettings, Timing};
pub use mail::{MailSettings, MailTransport, SmtpSecurity, SmtpUrl};
pub use proxies::TrustedProxies;
pub use table::{Env, SettingError};
pub use unknown::Unknown;
pub use value::{EmailVerification, Environment, LogFormat, Secret};

use table::group;

group! {
    /// Everything that can be set.
    Settings {
        /// What the installation is for.
        environment: Environment = Environment::Development, ["CHAT_ENV", "NODE_ENV"], "";
        /// The address to listen on; `0.0.0.0` for all.
        host: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST), ["HOST"], "";
        /// The port to listen on; 0 takes a free one.
        port: u16 = 3_000, ["PORT"], "", 0..=65_535;
        /// A port for `/metrics` alone, which then is 404 at the other: for an inside that the API's port is not. 0 takes a free one.
        metrics_port: Option<u16> = None, ["CHAT_METRICS_PORT"], "", 0..=65_535;
        /// The address of that port; that of `HOST` when not set.
        metrics_host: Option<IpAddr> = None, ["CHAT_METRICS_HOST"], "";
        /// The folder of everything the server keeps.
        data_dir: PathBuf = PathBuf::from("./data"), ["CHAT_DATA_DIR"], "";
        /// `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE` with its parts percent-encoded and, where needed, `?sslmode=verify-full&sslrootcert=PATH`. The file `chat.db` in the data folder when not set.
        database_url: Option<String> = None, ["DATABASE_URL"], "";
        /// The Redis by which several processes of the server hear of each other: `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS; a Redis Cluster is `redis+cluster://host1,host2` (or `rediss+cluster://`), with some of its nodes. A single process needs none.
        redis_url: Option<RedisUrl> = None, ["REDIS_URL"], "";
        /// Where errors are reported: the DSN of a project at Sentry. Nothing is reported when not set.
        sentry_dsn: Option<Secret> = None, ["SENTRY_DSN"], "";
        /// Where traces are sent by OTLP over HTTP, such as `http://collector:4318`: of requests and messages as `CHAT_JOURNEY_ONE_IN` says. Nothing is sent when not set.
        otlp_endpoint: Option<String> = None, ["CHAT_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"], "";
        /// Headers of those requests, such as `authorization=Bearer …`, several by comma.
        otlp_headers: Option<Secret> = None, ["CHAT_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"], "";
        /// Secrets that sign access tokens: the current one, then previous ones that are still accepted, each of at least 32 bytes and without a comma. When not set, one is made at the first start and kept in `jwt-secret` in the data folder.
        jwt_secret: Vec<Secret> = Vec::new(), ["JWT_SECRET"], "";
        /// Files with Ed25519 keys (PKCS#8, PEM) that sign access tokens instead of the secret, or folders of such files by name: the first signs, all are accepted. Then `/.well-known/jwks.json` tells others what to check tokens with.
        jwt_keys: Vec<String> = Vec::new(), ["CHAT_JWT_KEYS"], "";
        /// Where people reach the server, such as `https://chat.example.com`.
        public_url: Option<String> = None, ["PUBLIC_URL"], "";
        /// Other origins whose pages may use the server, such as `https://app.example.com`.
        allowed_origins: Vec<String> = Vec::new(), ["CHAT_ALLOWED_ORIGINS"], "";
        /// Networks of proxies, such as `10.0.0.0/8`, whose `X-Forwarded-For` is believed. Limits by address count the client behind them.
        trusted_proxies: TrustedProxies = TrustedProxies::default(), ["CHAT_TRUSTED_PROXIES"], "";
        /// What is logged: a level, or levels by module, such as `info,chat=debug`.
        log: String = "info".to_owned(), ["CHAT_LOG", "RUST_LOG"], "";
        /// How log lines look: `text`, `json` (one ECS object a line), or `auto`: objects in staging and production.
        log_format: LogFormat = LogFormat::Auto, ["CHAT_LOG_FORMAT"], "";
        /// Of one message in so many is noted which way it takes, for `chat admin why`; 0 for none. The same in all processes.
        journey_one_in: u32 = 64, ["CHAT_JOURNEY_ONE_IN"], "messages", 0..=1_000_000;
        /// Threads that serve sockets and requests; 0 takes one per core.
        workers: usize = 0, ["CHAT_WORKERS"], "threads", 0..=1_024;
        /// Threads that run rooms; 0 takes one per core.
        room_threads: usize = 0, ["CHAT_ROOM_THREADS"], "threads", 0..=1_024;
    }
    groups {
        /// Sizes, rates and bounds.
        limits: Limits;
        /// Deadlines and intervals.
        timing: Timing;
        /// The database.
        store: StoreSettings;
        /// Signing in.
        accounts: AccountSettings;
        /// Redis.
        redis: RedisSettings;
        /// Mail.
        mail: MailSettings;
        /// Files that people send.
        files: FileSettings;
    }
}

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn from_env(env: Env<'_>) -> Result<Self, SettingError> {
        let settings = Self::read(env)?;
        settings.validate()?;
        Ok(settings)
    }

    /// What of an environment looks like a setting and is none.
    #[must_use]
    pub fn unknown(environment: impl IntoIterator<Item = (String, String)>) -> Vec<Unknown> {
        unknown::of(environment)
    }

    /// What one setting alone cannot tell: what this version does not offer, and pairs that
    /// contradict each other.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validate(&self) -> Result<(), SettingError> {
        let refuse = |name, why: &str| Err(SettingError::new(name, why));
        if self.database_url.as_deref().is_some_and(|url| sqlite_path(url).is_none() && !is_postgres(url)) {
            return refuse(
                "DATABASE_URL",
                "must be sqlite:PATH, postgres://…, or nothing for chat.db in the data folder",
            );
        }
        if self.redis.prefix.contains(|c: char| matches!(c, '{' | '}') || c.is_whitespace()) {
            return refuse("CHAT_REDIS_PREFIX", "may not hold braces or white space");
        }
        if self.redis.ca_file.is_some() && !self.redis_url.as_ref().is_some_and(|url| url.tls) {
            return refuse("CHAT_REDIS_CA_FILE", "is for a REDIS_URL that begins with rediss");
        }
        if self
            .otlp_endpoint
            .as_deref()
            .is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            return refuse("CHAT_OTLP_ENDPOINT", "must begin with http:// or https://");
        }
        if self.public_url.as_deref().is_some_and(|url| !is_origin(url.trim_end_matches('/'))) {
            return refuse("PUBLIC_URL", "must be scheme://host or scheme://host:port, with http or https");
        }
        if !self.allowed_origins.iter().all(|origin| is_origin(origin)) {
            return refuse(
                "CHAT_ALLOWED_ORIGINS",
                "each must be scheme://host or scheme://host:port, without a path",
            );
        }
        if self.limits.resume_frame_bytes < self.limits.frame_bytes {
            return refuse("CHAT_LIMIT_RESUME_FRAME_BYTES", "may not be below CHAT_LIMIT_FRAME_BYTES");
        }
        if self.limits.outbox_frames <= self.limits.unanswered {
            return refuse(
                "CHAT_LIMIT_OUTBOX_FRAMES",
                "must be above CHAT_LIMIT_UNANSWERED: answers wait there",
            );
        }
        if self.timing.idle_timeout <= self.timing.heartbeat {
            return refuse("CHAT_IDLE_TIMEOUT_SECONDS", "must be above CHAT_HEARTBEAT_SECONDS");
        }
        if self.accounts.refresh_token <= self.accounts.access_token {
            return refuse("CHAT_REFRESH_TOKEN_SECONDS", "must be above CHAT_ACCESS_TOKEN_SECONDS");
        }
        files::validate(self)?;
        mail::validate(self)
    }

    /// Where people reach the server, without a slash at its end: as it is set, else where it listens.
    #[must_use]
    pub fn public_base(&self) -> String {
        let set = self.public_url.as_deref().map(|url| url.trim_end_matches('/').to_owned());
        let host = if self.host.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { self.host };
        set.unwrap_or_else(|| format!("http://{}", SocketAddr::new(host, self.port)))
    }

    /// The address of a PostgreSQL database, where one is set.
    #[must_use]
    pub fn postgres_url(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| is_postgres(url))
    }

    /// The file of a SQLite database.
    #[must_use]
    pub fn database_path(&self) -> PathBuf {
        let given = self.database_url.as_deref().and_then(sqlite_path);
        given.map_or_else(|| self.data_dir.join("chat.db"), PathBuf::from)
    }

    /// Whether pages of this origin may use the server: the public one and those allowed.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        let same = |known: &str| known.trim_end_matches('/').eq_ignore_ascii_case(origin);
        self.public_url.as_deref().is_some_and(same) || self.allowed_origins.iter().any(|known| same(known))
    }

    /// Whether people reach the server over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// `docs/reference/settings.md`.
    #[must_use]
    pub fn reference() -> String {
        reference::render()
    }
}

/// The path of `sqlite:PATH` and `sqlite://PATH`.
fn sqlite_path(url: &str) -> Option<&str> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.is_empty()).then_some(path)
}

/// Only the scheme: what else is wrong with an address, its reader tells.
fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty() && !host.contains(['/', '?', '#', '@', '*']) && !host.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::from_env(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn without_an_environment_everything_has_its_default() {
        let settings = with(&[]).expect("defaults are valid");
        assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
        assert_eq!(settings.database_path(), PathBuf::from("./data/chat.db"));
        assert_eq!((settings.port, settings.limits.frame_bytes), (3_000, 65_536));
    }

    #[test]
    fn aliases_count_after_the_first_name_and_empty_is_not_set() {
        let settings = with(&[("CHAT_ENV", ""), ("NODE_ENV", "production")]).expect("valid");
        assert_eq!(settings.environment, Environment::Production);
        let settings = with(&[("CHAT_LOG", "debug"), ("RUST_LOG", "trace")]).expect("valid");
        assert_eq!(settings.log, "debug");
    }

    #[test]
    fn durations_may_be_fractions_of_a_second() {
        let settings = with(&[("CHAT_DRAIN_SECONDS", "0.5")]).expect("valid");
        assert_eq!(settings.timing.drain, Duration::from_millis(500));
        assert!(with(&[("CHAT_DRAIN_SECONDS", "NaN")]).is_err());
    }

    #[test]
    fn a_wrong_value_is_one_line_that_names_the_variable() {
        let error = with(&[("PORT", "eighty")]).expect_err("no number").to_string();
        assert_eq!(error, "PORT: must be a whole number, not \"eighty\"");
        let error = with(&[("CHAT_BCRYPT_COST", "3")]).expect_err("too small").to_string();
        assert_eq!(error, "CHAT_BCRYPT_COST: must be 4 to 31, not \"3\"");
    }

    #[test]
    fn secrets_are_never_repeated() {
        let error = with(&[("JWT_SECRET", "hunter2")]).expect_err("too short").to_string();
        assert!(error.starts_with("JWT_SECRET: ") && !error.contains("hunter2"), "{error}");
        let error = with(&[("DATABASE_URL", "mysql://u:hunter2@h/db")]).expect_err("refused").to_string();
        assert!(error.contains("postgres://") && !error.contains("hunter2"), "{error}");
        let secret = "x".repeat(32);
        let settings = with(&[("JWT_SECRET", &format!("{secret}, {secret}"))]).expect("valid");
        assert_eq!(settings.jwt_secret.len(), 2);
        assert!(!format!("{settings:?}").contains(&secret));
    }

    #[test]
    fn secrets_may_stand_in_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path.to_str().expect("plain").to_owned()
        };
        let (secret, url) = ("x".repeat(32), "redis://:hunter2@localhost");
        let (one, two) = (file("one", &format!("{secret}\n")), file("two", url));
        let settings = with(&[("JWT_SECRET_FILE", &one), ("REDIS_URL_FILE", &two)]).expect("valid");
        assert_eq!(settings.jwt_secret, [Secret::new(secret.clone())]);
        assert!(settings.redis_url.is_some());
        // What is wrong in a file is told under the same name, and not repeated.
        let error = with(&[("JWT_SECRET_FILE", &two)]).expect_err("too short").to_string();
        assert!(error.starts_with("JWT_SECRET: ") && !error.contains("hunter2"), "{error}");
        // Both, an absent file, and one with nothing in it.
        let empty = file("empty", " \n");
        for pairs in [
            [("JWT_SECRET", secret.as_str()), ("JWT_SECRET_FILE", one.as_str())],
            [("JWT_SECRET", ""), ("JWT_SECRET_FILE", "/nowhere")],
            [("JWT_SECRET", ""), ("JWT_SECRET_FILE", empty.as_str())],
        ] {
            let error = with(&pairs).expect_err("refused").to_string();
            assert!(error.starts_with("JWT_SECRET: JWT_SECRET_FILE"), "{error}");
        }
        // Others are not looked for in files.
        assert_eq!(with(&[("PORT_FILE", &one)]).expect("valid").port, 3_000);
    }

    #[test]
    fn a_redis_is_accepted_and_a_wrong_address_refused() {
        let settings = with(&[("REDIS_URL", "redis://:hunter2@localhost")]).expect("valid");
        assert!(!format!("{settings:?}").contains("hunter2"));
        let error = with(&[("REDIS_URL", "localhost:6379")]).expect_err("no address");
        assert_eq!(error.name, "REDIS_URL");
        for (name, value) in [("CHAT_REDIS_PREFIX", "a{b}"), ("CHAT_REDIS_CA_FILE", "/ca.pem")] {
            assert_eq!(with(&[(name, value)]).expect_err(name).name, name);
        }
    }

    #[test]
    fn contradictions_are_found() {
        let error = with(&[("CHAT_HEARTBEAT_SECONDS", "90")]).expect_err("above the idle timeout");
        assert_eq!(error.name, "CHAT_IDLE_TIMEOUT_SECONDS");
        assert!(with(&[("CHAT_ALLOWED_ORIGINS", "https://a.example.com/path")]).is_err());
    }

    #[test]
    fn the_database_can_be_elsewhere() {
        let settings = with(&[("DATABASE_URL", "sqlite:/var/lib/chat.db")]).expect("valid");
        assert_eq!(settings.database_path(), PathBuf::from("/var/lib/chat.db"));
        assert_eq!(settings.postgres_url(), None);
        for url in ["postgres://chat@db/chat", "postgresql://chat@db/chat"] {
            assert_eq!(with(&[("DATABASE_URL", url)]).expect("valid").postgres_url(), Some(url));
        }
    }

    #[test]
    fn origins_are_compared_exactly() {
        let settings = with(&[
            ("PUBLIC_URL", "https://chat.example.com/"),
            ("CHAT_ALLOWED_ORIGINS", "https://a.example.com"),
        ])
        .expect("valid");
        assert!(settings.allows_origin("https://chat.example.com"));
        assert!(settings.allows_origin("https://a.example.com"));
        assert!(!settings.allows_origin("https://a.example.com.evil.example"));
        assert!(!settings.allows_origin("http://a.example.com"));
    }
}
