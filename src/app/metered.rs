//! What the adapters count, under the names of the metrics.

use std::sync::Arc;

use crate::redis::Counts;
use crate::redis::bus::RedisBus;
use crate::store::postgres::{Costs, PgStore};
use crate::telemetry::{Metric, Sample};

/// What the store costs PostgreSQL.
pub(super) fn postgres(store: &Arc<PgStore>) -> Vec<Sample> {
    let sample = |metric, of: fn(Costs) -> u64| {
        let store = store.clone();
        Sample { metric, reason: None, read: Box::new(move || of(store.costs())) }
    };
    vec![
        sample(Metric::StoreTransactions, |costs| costs.transactions),
        sample(Metric::StoreStatements, |costs| costs.statements),
        sample(Metric::StoreRoundTrips, |costs| costs.round_trips),
    ]
}

/// What the bus does with Redis, and what it could not do.
pub(super) fn redis(bus: &Arc<RedisBus>) -> Vec<Sample> {
    let sample = |metric, reason, of: fn(Counts) -> u64| {
        let bus = bus.clone();
        Sample { metric, reason, read: Box::new(move || of(bus.counts())) }
    };
    vec![
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
