//! What the adapters count, under the names of the metrics.

use std::sync::Arc;

use crate::actors::Pod;
use crate::bus::Bus as _;
use crate::limits::{Key, Limiter};
use crate::redis::Counts;
use crate::redis::bus::RedisBus;
use crate::store::postgres::{Costs, PgStore, PoolStatus};
use crate::telemetry::{Kind, Metric, Sample};

/// What the store costs PostgreSQL.
pub(super) fn postgres(store: &Arc<PgStore>) -> Vec<Sample> {
    let sample = |metric, of: fn(Costs) -> u64| {
        let store = store.clone();
        Sample { metric, label: None, kind: Kind::Counter, read: Box::new(move || of(store.costs())) }
    };
    let pool = |metric, pool: (usize, &'static str), of: fn(PoolStatus) -> usize| {
        let store = store.clone();
        let read = Box::new(move || store.pools().get(pool.0).map_or(0, |status| of(*status) as u64));
        Sample { metric, label: Some(("pool", pool.1)), kind: Kind::Gauge, read }
    };
    let pools = [(0, "write"), (1, "read")].into_iter().flat_map(|of| {
        [
            pool(Metric::StoreConnectionsUsed, of, |status| status.used),
            pool(Metric::StoreConnectionsMost, of, |status| status.most),
            pool(Metric::StoreWaiting, of, |status| status.waiting),
        ]
    });
    let mut samples: Vec<_> = pools.collect();
    samples.extend([
        sample(Metric::StoreTransactions, |costs| costs.transactions),
        sample(Metric::StoreStatements, |costs| costs.statements),
        sample(Metric::StoreRoundTrips, |costs| costs.round_trips),
    ]);
    samples
}

/// What the engine knows without counting.
pub(super) fn pod(pod: &Arc<Pod>) -> Vec<Sample> {
    let sample = |metric, of: fn(&Pod) -> usize| {
        // The registry belongs to the pod.
        let pod = Arc::downgrade(pod);
        let read = Box::new(move || pod.upgrade().map_or(0, |pod| of(&pod) as u64));
        Sample { metric, label: None, kind: Kind::Gauge, read }
    };
    vec![
        sample(Metric::RoomsOpen, Pod::rooms_open),
        sample(Metric::PresencePods, |pod| pod.roster().pods()),
        sample(Metric::PresencePeople, |pod| pod.roster().online().count()),
    ]
}

/// How often each limit was reached.
pub(super) fn limiter(limiter: &Arc<Limiter>) -> impl Iterator<Item = Sample> {
    Key::KINDS.into_iter().enumerate().map(|(kind, word)| {
        let limiter = limiter.clone();
        let read = Box::new(move || limiter.refusals(kind));
        Sample { metric: Metric::RateLimited, label: Some(("limit", word)), kind: Kind::Counter, read }
    })
}

/// What the bus does with Redis, and what it could not do.
pub(super) fn redis(bus: &Arc<RedisBus>) -> Vec<Sample> {
    let sample = |metric, reason: Option<&'static str>, of: fn(Counts) -> u64| {
        let bus = bus.clone();
        let label = reason.map(|reason| ("reason", reason));
        Sample { metric, label, kind: Kind::Counter, read: Box::new(move || of(bus.counts())) }
    };
    let up = {
        let bus = bus.clone();
        let read = Box::new(move || u64::from(bus.is_up()));
        Sample { metric: Metric::BusUp, label: None, kind: Kind::Gauge, read }
    };
    vec![
        up,
        sample(Metric::BusAnnouncements, None, |counts| counts.appends),
        sample(Metric::BusPipelines, None, |counts| counts.pipelines),
        sample(Metric::BusWritten, None, |counts| counts.entries),
        sample(Metric::BusReads, None, |counts| counts.reads),
        sample(Metric::BusReceived, None, |counts| counts.received),
        sample(Metric::BusDropped, Some("queue_full"), |counts| counts.dropped_full),
        sample(Metric::BusDropped, Some("not_written"), |counts| counts.dropped_failed),
        sample(Metric::BusDropped, Some("reader_full"), |counts| counts.dropped_readers),
        sample(Metric::BusDropped, Some("unknown"), |counts| counts.unknown),
        sample(Metric::BusDropped, Some("malformed"), |counts| counts.malformed),
        sample(Metric::BusReconnects, None, |counts| counts.reconnects),
        sample(Metric::BusRestarts, None, |counts| counts.restarts),
    ]
}
