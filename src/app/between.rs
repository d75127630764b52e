//! What connects this process with the others: Redis, or nothing. Without Redis the others, if the
//! database can have any, are known by what they commit.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::metered;
use crate::auth::Tickets;
use crate::bus::SharedBus;
use crate::bus::alone::AloneBus;
use crate::bus::local::{Exchange, LocalBus};
use crate::clock::SharedClock;
use crate::domain::PodId;
use crate::limits::Limiter;
use crate::presence::SharedLeases;
use crate::presence::local::{Lobby, LocalLeases};
#[cfg(feature = "torture")]
use crate::redis::bus::Faults;
use crate::redis::{LeaseTimes, Redis, RedisFault, RedisOptions};
use crate::settings::{Limits, Secret, Settings};
use crate::store::Store;
use crate::telemetry::Sample;

/// How long the last announcements and the lease may take at the end.
const CLOSE: Duration = Duration::from_secs(2);

/// The bus, the leases, and where tickets and rates are shared.
pub(super) struct Between {
    pub bus: SharedBus,
    pub leases: SharedLeases,
    redis: Option<Redis>,
    store: Arc<dyn Store>,
}

impl Between {
    /// `secret` is one that every process has.
    ///
    /// # Errors
    /// When the Redis of the settings can never be used. One that is away is no error.
    pub(super) async fn open(
        settings: &Settings,
        secret: &Secret,
        pod: PodId,
        clock: &SharedClock,
        store: Arc<dyn Store>,
    ) -> Result<Self, RedisFault> {
        let Some(url) = &settings.redis_url else {
            let leases = Arc::new(LocalLeases::new(Arc::new(Lobby::default()), pod));
            return Ok(Self { bus: unconnected(&*store), leases, redis: None, store });
        };
        let salt = Sha256::new().chain_update(b"rates").chain_update(secret.expose()).finalize().into();
        let options = RedisOptions {
            pod,
            clock: clock.clone(),
            salt,
            leases: LeaseTimes::default(),
            #[cfg(feature = "torture")]
            faults: Faults::from_env(),
        };
        let redis = Redis::start(url, &settings.redis, options).await?;
        Ok(Self { bus: redis.bus().clone(), leases: redis.leases().clone(), redis: Some(redis), store })
    }

    /// Tickets that work once in all processes.
    pub(super) fn tickets(&self, life: Duration) -> Arc<Tickets> {
        Arc::new(match &self.redis {
            Some(redis) => Tickets::shared(life, redis.drawer().clone(), self.store.clone()),
            // Another process may be the one that the socket is opened at.
            None if self.store.keeps_outbox() => Tickets::stored(life, self.store.clone()),
            None => Tickets::new(life),
        })
    }

    /// Rates that all processes hold together.
    pub(super) fn limiter(&self, limits: Limits) -> Arc<Limiter> {
        match &self.redis {
            Some(redis) => {
                let limiter = Arc::new(Limiter::shared(limits));
                redis.share(limiter.clone());
                limiter
            }
            None => Arc::new(Limiter::new(limits)),
        }
    }

    /// What it counts.
    pub(super) fn samples(&self) -> Vec<Sample> {
        self.redis.as_ref().map(|redis| metered::redis(redis.bus())).unwrap_or_default()
    }

    /// After the last commit: lets the others know of it, and that this process is gone.
    pub(super) async fn close(self) {
        if let Some(redis) = &self.redis {
            redis.close(CLOSE).await;
        }
    }
}

/// The bus without Redis. Whether there can be other processes is known by the store: one that
/// serves several keeps an outbox.
fn unconnected(store: &dyn Store) -> SharedBus {
    if store.keeps_outbox() {
        Arc::new(AloneBus::default())
    } else {
        Arc::new(LocalBus::new(Arc::new(Exchange::default()), 0))
    }
}
