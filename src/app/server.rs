//! Puts the parts together, serves, and ends without losing anything.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use paperclip::actix::OpenApiExt as _;
use thiserror::Error;

use super::between::Between;
use super::database::{self, Database, DatabaseError};
use super::filing::Filing;
use super::following::Following;
use super::mailing::Mailing;
use super::traces::{OtlpTracer, TracesError};
use super::{metered, metrics, sentry};
use crate::actors::{Adapters, Engine, HubCore, Pod};
use crate::auth::keys::{self, KeyError};
use crate::auth::{AccountFlows, Authenticator, Factors, Passwords, Post, Tickets, Tokens, secret};
use crate::clock::{SharedClock, SystemClock};
use crate::domain::PodId;
use crate::files::Intake;
use crate::http::{self, Http};
use crate::limits::Limiter;
use crate::presence::SharedLeases;
use crate::redis::RedisFault;
use crate::settings::{Environment, Secret, Settings};
use crate::telemetry::{self, Telemetry};
use crate::ws::{self, Admission, Realtime, SessionParts};

/// How long a connection is read on after its last answer was written, so that a peer still sending
/// gets it. A socket ends only then, and a browser tells its page only then. The HTTP library
/// counts from a clock that it reads twice a second: below half a second the end may lie in the
/// past, and such a timer never rings.
const LINGER: Duration = Duration::from_millis(600);

/// How long the start waits for who is connected elsewhere.
const LEASES: Duration = Duration::from_millis(500);

/// Why the server did not start: one line that says what to do.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("CHAT_DATA_DIR: {path}: {cause}")]
    DataDir { path: String, cause: io::Error },
    #[error("JWT_SECRET: the secret in the data folder: {0}")]
    Secret(io::Error),
    #[error("CHAT_JWT_KEYS: {0}")]
    Keys(#[from] KeyError),
    #[error("{0}")]
    Database(#[from] DatabaseError),
    #[error("{0}")]
    Redis(#[from] RedisFault),
    #[error("threads for passwords: {0}")]
    Threads(io::Error),
    #[error("metrics: {0}")]
    Metrics(String),
    #[error("{0}")]
    Traces(#[from] TracesError),
    #[error("{0}")]
    Mail(String),
    #[error("{0}")]
    Files(String),
    #[error("{settings}: {address}: {cause}")]
    Listen { settings: &'static str, address: SocketAddr, cause: io::Error },
}

impl StartError {
    /// Whether starting again would not help.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        match self {
            Self::Database(error) => error.is_configuration(),
            Self::Redis(fault) => matches!(fault, RedisFault::Misconfigured(_)),
            Self::Mail(_) | Self::Keys(_) | Self::Files(_) => true,
            _ => false,
        }
    }
}

/// A server that accepts connections.
pub struct Running {
    address: SocketAddr,
    engine: Engine,
    server: ServerHandle,
    /// Of the port that metrics have for themselves.
    metrics: Option<Listener>,
    drain_wait: Duration,
    between: Between,
    mailing: Mailing,
    filing: Filing,
    following: Following,
    drain: Duration,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where metrics have a port of their own.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|listener| listener.address)
    }

    #[must_use]
    pub const fn pod(&self) -> &Arc<Pod> {
        self.engine.pod()
    }

    /// Who is connected to which process.
    #[must_use]
    pub const fn leases(&self) -> &SharedLeases {
        &self.between.leases
    }

    /// Ends: tells the sockets, waits for them, commits what was accepted, stops every actor, and
    /// lets the other processes know. Metrics that have a port of their own are served until then.
    pub async fn stop(self) {
        self.engine.drain(self.drain_wait, self.drain).await;
        self.server.stop(true).await;
        self.engine.stop().await;
        self.mailing.close().await;
        self.filing.close().await;
        self.following.close().await;
        self.between.close().await;
        if let Some(metrics) = self.metrics {
            metrics.server.stop(true).await;
        }
    }
}

/// A port that is served.
pub(super) struct Listener {
    server: ServerHandle,
    address: SocketAddr,
}

impl Listener {
    pub(super) fn run(server: actix_web::dev::Server, address: SocketAddr) -> Self {
        let handle = server.handle();
        actix_web::rt::spawn(async move {
            if let Err(error) = server.await {
                log::error!("the listener at {address} ended: {error}");
            }
        });
        Self { server: handle, address }
    }
}

/// Opens the store, starts the actors and listens. Needs a running actix system.
///
/// # Errors
/// See [`StartError`].
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let clock: SharedClock = Arc::new(SystemClock);
    let settings = Arc::new(settings);
    make_data_dir(&settings)?;
    let Database { store, samples, spreads } = database::open(&settings, &clock).await?;
    let epoch = store.epoch().await.map_err(DatabaseError::from)?;
    let telemetry = Arc::new(Telemetry::new().map_err(|error| StartError::Metrics(error.to_string()))?);
    let secrets = secrets(&settings, &clock)?;
    // Before anybody can be served: what is announced from now on is heard.
    let id = PodId(clock.id());
    let between = Between::open(&settings, &secrets.0, id, &clock, store.clone()).await?;
    telemetry
        .sample(samples.into_iter().chain(between.samples()))
        .and_then(|()| telemetry.sample_spreads(spreads))
        .map_err(|error| StartError::Metrics(error.to_string()))?;
    let (bus, leases) = (between.bus.clone(), between.leases.clone());
    let adapters = Adapters { store, bus, leases, clock };
    let pod = Arc::new(Pod::new(id, adapters, settings.clone(), telemetry.clone(), epoch));
    learn_who_is_here(&pod).await;
    telemetry.sample(metered::jobs(&pod)).map_err(|error| StartError::Metrics(error.to_string()))?;
    telemetry.sample(metered::pod(&pod)).map_err(|error| StartError::Metrics(error.to_string()))?;
    if let Some(tracer) = OtlpTracer::start(&settings, id, &telemetry)? {
        pod.trace(tracer);
    }
    let engine = Engine::start(pod.clone(), threads(settings.room_threads));
    let mailing = Mailing::start(&settings, pod.store.clone(), &pod.clock).map_err(StartError::Mail)?;
    telemetry.sample(mailing.samples()).map_err(|error| StartError::Metrics(error.to_string()))?;
    let filing = Filing::start(&settings, pod.store.clone(), &pod.clock).map_err(StartError::Files)?;
    let (samples, spreads) = filing.samples();
    telemetry
        .sample(samples)
        .and_then(|()| telemetry.sample_spreads(spreads))
        .map_err(|error| StartError::Metrics(error.to_string()))?;
    let parts = parts(&pod, &engine, &between, (mailing.post.clone(), filing.intake.clone()), secrets)?;
    let metrics = metrics::listen(&settings, &parts.http)?;
    let http = parts.http.clone();
    tokio::spawn(async move { http.accounts.reseal_second_factors().await });
    let Listener { server, address } = listen(&pod, parts)?;
    let following = Following::start(pod.store.clone(), settings.timing.search);
    telemetry.sample(following.samples()).map_err(|error| StartError::Metrics(error.to_string()))?;
    let timing = &settings.timing;
    let (drain_wait, drain) = (timing.drain_wait, timing.drain);
    Ok(Running { address, engine, server, metrics, between, mailing, filing, following, drain_wait, drain })
}

/// Before anybody asks: whoever is connected elsewhere would look gone until the leases are read.
async fn learn_who_is_here(pod: &Pod) {
    match tokio::time::timeout(LEASES, pod.leases.all()).await {
        Ok(Ok(all)) => pod.roster().read(&all, pod.clock.now()),
        Ok(Err(error)) => log::debug!("who is connected elsewhere is not known yet: {error}"),
        Err(_) => log::debug!("who is connected elsewhere is not known yet: the leases are slow"),
    }
}

/// What signs access tokens: the present secret, and those before it.
fn secrets(settings: &Settings, clock: &SharedClock) -> Result<(Secret, Vec<Secret>), StartError> {
    match settings.jwt_secret.split_first() {
        Some((current, previous)) => Ok((current.clone(), previous.to_vec())),
        None => {
            let made = secret::load_or_make(&settings.data_dir, &**clock).map_err(StartError::Secret)?;
            Ok((made, Vec::new()))
        }
    }
}

fn make_data_dir(settings: &Settings) -> Result<(), StartError> {
    let wrong = |cause| StartError::DataDir { path: settings.data_dir.display().to_string(), cause };
    fs::create_dir_all(&settings.data_dir).map_err(wrong)
}

/// What every worker shares.
#[derive(Clone)]
struct Parts {
    http: Data<Http>,
    authenticator: Arc<Authenticator>,
    tickets: Arc<Tickets>,
    limiter: Arc<Limiter>,
    admission: Arc<Admission>,
}

fn parts(
    pod: &Arc<Pod>,
    engine: &Engine,
    between: &Between,
    (post, files): (Post, Arc<Intake>),
    (current, previous): (Secret, Vec<Secret>),
) -> Result<Parts, StartError> {
    let settings = &pod.settings;
    let keys = keys::load(&settings.jwt_keys)?;
    let tokens = Tokens::new(&current, &previous, settings.accounts.access_token).signed_with(&keys);
    let tokens = Arc::new(tokens);
    let authenticator = Arc::new(Authenticator::new(tokens.clone(), pod.store.clone(), pod.clock.clone()));
    let tickets = between.tickets(settings.accounts.ticket);
    let limiter = between.limiter(settings.limits.clone());
    let refusals = pod.telemetry.sample(metered::limiter(&limiter));
    refusals.map_err(|error| StartError::Metrics(error.to_string()))?;
    let audited = pod.audited.clone();
    let events = pod.telemetry.sample(metered::accounts(&audited));
    events.map_err(|error| StartError::Metrics(error.to_string()))?;
    let registry = engine.registry();
    let ended = registry.clone();
    let accounts = AccountFlows {
        store: pod.store.clone(),
        clock: pod.clock.clone(),
        passwords: Passwords::new(&settings.accounts).map_err(StartError::Threads)?,
        factors: Factors::new(&current, &previous, issuer(settings)),
        tokens,
        tickets: tickets.clone(),
        limiter: limiter.clone(),
        post,
        settings: settings.accounts.clone(),
        on_end: Arc::new(move |session| ended.end_login(session)),
        first_administers: settings.postgres_url().is_none(),
        audited,
    };
    let http = Data::new(Http {
        pod: pod.clone(),
        registry,
        accounts,
        authenticator: authenticator.clone(),
        tickets: tickets.clone(),
        limiter: limiter.clone(),
        files,
    });
    let admission = Arc::new(Admission::new(&settings.limits));
    Ok(Parts { http, authenticator, tickets, limiter, admission })
}

/// What an app that makes codes shows beside the account: where people find the page, or the server.
fn issuer(settings: &Settings) -> &str {
    let url = settings.mail.page_url.as_deref().or(settings.public_url.as_deref());
    let url = url.map(|url| url.trim_end_matches('/'));
    url.and_then(|url| url.split_once("://")).map_or("Chat", |(_, host)| host)
}

fn listen(pod: &Arc<Pod>, parts: Parts) -> Result<Listener, StartError> {
    let settings = pod.settings.clone();
    let address = SocketAddr::new(settings.host, settings.port);
    let metrics = telemetry::http::middleware(pod.telemetry.registry()).map_err(StartError::Metrics)?;
    let stall = settings.timing.write_stall;
    let worker_pod = pod.clone();
    let reports_refusals = settings.sentry_dsn.is_some() && settings.environment != Environment::Production;
    let server = HttpServer::new(move || {
        let Parts { http, authenticator, tickets, limiter, admission } = parts.clone();
        // Runs once on each worker's thread, so each gets a hub of its own.
        let hub = HubCore::start(&worker_pod);
        let parts = Rc::new(SessionParts::new(hub, authenticator, limiter));
        App::new()
            .app_data(Data::new(Realtime { parts, tickets, admission }))
            .wrap_api()
            .configure(http::configure_api(http))
            .build()
            .configure(ws::configure)
            .configure(http::configure_raw(&worker_pod.settings))
            .wrap(metrics.clone())
            .wrap(Compress::default())
            .wrap(Condition::new(reports_refusals, from_fn(sentry::report_refusals)))
            .wrap(sentry::middleware(&worker_pod.settings))
            .wrap(from_fn(http::headers::secure))
    })
    .workers(threads(settings.workers))
    .backlog(4_096)
    .disable_signals()
    .shutdown_timeout(3)
    .client_disconnect_timeout(LINGER)
    .on_connect(move |connection, _| {
        if let Some(stream) = connection.downcast_ref::<TcpStream>() {
            prepare(stream, stall);
        }
    })
    .bind(address)
    .map_err(|cause| StartError::Listen { settings: "HOST, PORT", address, cause })?;
    let address = server.addrs().first().copied().unwrap_or(address);
    Ok(Listener::run(server.run(), address))
}

/// A peer that takes nothing for so long is cut by the kernel: while a write is blocked the server
/// itself could not even send it a close. Small frames leave at once.
fn prepare(stream: &TcpStream, stall: Duration) {
    let socket = socket2::SockRef::from(stream);
    if let Err(error) = socket.set_tcp_user_timeout(Some(stall)).and_then(|()| socket.set_tcp_nodelay(true)) {
        log::debug!("a connection was gone before it was set up: {error}");
    }
}

fn threads(setting: usize) -> usize {
    match setting {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        given => given,
    }
}
