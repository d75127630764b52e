//! Everything that lives in Redis, and nothing whose loss matters: the bus, single-use tickets,
//! shared rates, leases. Redis may be away, come back empty, or lie; what stays true is in the
//! database.
//!
//! It runs on threads of its own, so a Redis that hangs holds up no actor. Knows the traits that it
//! implements (bus, presence, auth, limits); nobody but the composition root knows it. Next:
//! [`connection`], then [`bus`] with its `writer` and `reader`.

pub mod bus;
pub mod connection;
mod desk;
mod health;
mod lanes;
pub mod leases;
mod rates;
mod reader;
pub mod tickets;
mod wire;
mod wire_journeys;
mod wire_logs;
mod wire_tests;
mod wire_users;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

pub use self::bus::RedisBus;
pub use self::connection::RedisFault;
pub use self::health::Counts;
pub use self::leases::{LeaseTimes, RedisLeases};
pub use self::tickets::RedisDrawer;

use self::bus::BusOptions;
use self::connection::Server;
use self::desk::Desk;
use self::lanes::Lanes;
use self::rates::Rates;
use crate::bus::Bus as _;
use crate::clock::SharedClock;
use crate::domain::PodId;
use crate::limits::Limiter;
use crate::presence::Leases as _;
use crate::settings::{RedisSettings, RedisUrl};

/// Threads that talk to Redis.
const THREADS: usize = 2;

/// What this process is, and how it times its leases.
#[derive(Clone)]
pub struct RedisOptions {
    pub pod: PodId,
    pub clock: SharedClock,
    /// Veils the keys that rates are counted by; a secret that every process has.
    pub salt: [u8; 32],
    pub leases: LeaseTimes,
    #[cfg(feature = "torture")]
    pub faults: bus::Faults,
}

/// The threads. They end with this value, and wait for nothing.
struct Io(Option<Runtime>);

impl Io {
    fn start() -> Result<Self, RedisFault> {
        let threads = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("redis-io")
            .enable_all()
            .build()
            .map_err(|error| RedisFault::Misconfigured(format!("threads for Redis: {error}")))?;
        Ok(Self(Some(threads)))
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        // A runtime that waited for its tasks here would block whoever drops it.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// This process's connections to Redis, and what goes over them. Dropping it ends them all; what
/// was handed out stays usable, and answers as when Redis is away.
pub struct Redis {
    bus: Arc<RedisBus>,
    drawer: Arc<RedisDrawer>,
    leases: Arc<RedisLeases>,
    desk: Desk,
    lanes: Lanes,
    options: RedisOptions,
    pods: Arc<AtomicU32>,
    handle: Handle,
    _io: Io,
}

impl Redis {
    /// Connects, and knows from then on from where it reads: whatever another process announces
    /// after this is read. Where Redis is away it starts all the same, degraded, and keeps trying.
    ///
    /// # Errors
    /// `Misconfigured` when waiting would not help: a wrong password, or something that is no Redis.
    pub async fn start(
        url: &RedisUrl,
        settings: &RedisSettings,
        options: RedisOptions,
    ) -> Result<Self, RedisFault> {
        let server = Arc::new(Server::new(url, settings, options.clock.clone())?);
        let io = Io::start()?;
        let handle = io.0.as_ref().map(Runtime::handle).cloned();
        let Some(handle) = handle else {
            return Err(RedisFault::Misconfigured("threads for Redis: gone".to_owned()));
        };
        let examined = {
            let server = server.clone();
            handle.spawn(async move { server.examine().await }).await
        };
        let away = match examined {
            Ok(Ok(())) => None,
            Ok(Err(fault @ RedisFault::Misconfigured(_))) => return Err(fault),
            Ok(Err(fault @ RedisFault::Away(_))) => Some(fault.to_string()),
            Err(error) => Some(error.to_string()),
        };
        let lanes = Lanes::new(&settings.prefix, server.lanes());
        let desk = Desk::new(&handle, server.clone())?;
        let bus_options = BusOptions {
            clock: options.clock.clone(),
            pod: options.pod,
            stream_length: settings.stream_length,
            queue: settings.queue,
            #[cfg(feature = "torture")]
            faults: options.faults,
        };
        let (bus, known) = RedisBus::start(&handle, &server, lanes.clone(), &bus_options);
        let is_known = match away {
            Some(why) => Err(why),
            None => match tokio::time::timeout(settings.timeout * 3, known).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err("it answers no reads".to_owned()),
            },
        };
        match is_known {
            Ok(()) => log::info!("Redis at {url}: connected"),
            Err(why) => log::warn!("Redis is away; started without it, degraded: {why}"),
        }
        let pods = Arc::new(AtomicU32::new(1));
        let (pod, clock) = (options.pod, options.clock.clone());
        let leases = RedisLeases::new(desk.clone(), lanes.clone(), pod, options.leases, clock, pods.clone());
        let leases = Arc::new(leases);
        handle.spawn(leases.clone().run());
        let drawer = Arc::new(RedisDrawer { desk: desk.clone(), lanes: lanes.clone() });
        Ok(Self { bus: Arc::new(bus), drawer, leases, desk, lanes, options, pods, handle, _io: io })
    }

    #[must_use]
    pub const fn bus(&self) -> &Arc<RedisBus> {
        &self.bus
    }

    /// Where the cluster keeps tickets.
    #[must_use]
    pub const fn drawer(&self) -> &Arc<RedisDrawer> {
        &self.drawer
    }

    #[must_use]
    pub const fn leases(&self) -> &Arc<RedisLeases> {
        &self.leases
    }

    /// Shares the rates of a limiter with the other processes, from now on.
    pub fn share(&self, limiter: Arc<Limiter>) {
        let rates = Rates {
            desk: self.desk.clone(),
            lanes: self.lanes.clone(),
            limiter,
            clock: self.options.clock.clone(),
            salt: self.options.salt,
            pods: self.pods.clone(),
        };
        self.handle.spawn(rates.run());
    }

    /// Whether Redis passes announcements right now; `degraded` when not.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.bus.is_up()
    }

    /// Processes whose lease held when they were last looked at, this one included.
    #[must_use]
    pub fn leases_seen(&self) -> u32 {
        self.pods.load(Ordering::Relaxed)
    }

    /// At the end of a drain: writes what waits and ends the lease, as far as that is done
    /// within `most`. What remains is found by the sweeper of the outbox, and by the lapse of the
    /// lease.
    pub async fn close(&self, most: Duration) {
        let end = async {
            self.bus.flush().await;
            if let Err(error) = self.leases.release(self.options.clock.now()).await {
                log::debug!("the lease lapses by itself: {error}");
            }
        };
        if tokio::time::timeout(most, end).await.is_err() {
            log::warn!("Redis did not take the last announcements; others find them in the database");
        }
    }
}
