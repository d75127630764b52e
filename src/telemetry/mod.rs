//! What the server tells of itself. Metric names are an enum, so that no name is typed twice.
//!
//! No user or room ids as labels: their number has no bound.

pub mod http;
mod sampled;

use prometheus::core::Collector;
use prometheus::{IntCounter, IntGauge, Registry};
use sampled::Sampled;

pub use self::sampled::Sample;

use crate::domain::{Change, Committed};

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal;)*) => {
        /// Every metric that the engine counts itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $($(#[doc = $doc])* $name,)*
        }

        impl Metric {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in the exposition.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The help text.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

metrics! {
    /// WebSocket connections open now.
    ActiveConnections = "websocket_active_connections";
    /// Messages stored, retries not counted.
    MessagesCommitted = "messages_committed_total";
    /// Message operations whose commit was acknowledged, retries included.
    MessagesAcked = "messages_acked_total";
    /// Times that a room went on without a socket that read too slowly.
    RoomsLagged = "rooms_lagged_total";
    /// New sockets answered 503 because too many came at once.
    TurnedAway = "websocket_turned_away_total";
    /// Logs announced by the sweeper, because who committed to them did not in time.
    LogsSwept = "logs_swept_total";
    /// Holes seen in a room's log before they reached a reader.
    GapsSeen = "gaps_seen_total";
    /// Log entries read from the store to fill holes.
    Backfilled = "backfilled_entries_total";
    /// Calls of the store that append what was sent, one transaction each; several rooms and messages share one.
    AppendBatches = "append_batches_total";
    /// Writing transactions that PostgreSQL committed.
    StoreTransactions = "store_transactions_total";
    /// Statements sent to PostgreSQL, BEGIN, COMMIT and ROLLBACK included.
    StoreStatements = "store_statements_total";
    /// Times that PostgreSQL was waited for.
    StoreRoundTrips = "store_round_trips_total";
    /// Announcements handed to the bus.
    BusAnnouncements = "bus_announcements_total";
    /// Round trips that wrote announcements to Redis, failed ones included.
    BusPipelines = "bus_pipelines_total";
    /// Announcements surely written to Redis.
    BusWritten = "bus_written_total";
    /// Round trips that read announcements from Redis, those that found none included.
    BusReads = "bus_reads_total";
    /// Announcements of other processes that were read.
    BusReceived = "bus_received_total";
    /// Announcements that were lost on the way, by reason; readers repair it from the store.
    BusDropped = "bus_dropped_total";
    /// Connections of the bus to Redis that were lost.
    BusReconnects = "bus_reconnects_total";
    /// Streams found shorter than the position remembered in them, and read from their beginning.
    BusRestarts = "bus_restarts_total";
}

/// The engine's own metrics, in one registry with those of HTTP.
pub struct Telemetry {
    registry: Registry,
    connections: IntGauge,
    committed: IntCounter,
    acked: IntCounter,
    lagged: IntCounter,
    turned_away: IntCounter,
    swept: IntCounter,
    gaps: IntCounter,
    backfilled: IntCounter,
    batches: IntCounter,
}

impl Telemetry {
    /// Registers everything in a registry of its own.
    ///
    /// # Errors
    /// When a name is not valid or stands twice, which the tests rule out.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        Ok(Self {
            connections: register(
                &registry,
                IntGauge::new(Metric::ActiveConnections.as_str(), Metric::ActiveConnections.help())?,
            )?,
            committed: counter(&registry, Metric::MessagesCommitted)?,
            acked: counter(&registry, Metric::MessagesAcked)?,
            lagged: counter(&registry, Metric::RoomsLagged)?,
            turned_away: counter(&registry, Metric::TurnedAway)?,
            swept: counter(&registry, Metric::LogsSwept)?,
            gaps: counter(&registry, Metric::GapsSeen)?,
            backfilled: counter(&registry, Metric::Backfilled)?,
            batches: counter(&registry, Metric::AppendBatches)?,
            registry,
        })
    }

    /// Adds counters that somebody else keeps.
    ///
    /// # Errors
    /// When one stands twice.
    pub fn sample(&self, samples: impl IntoIterator<Item = Sample>) -> Result<(), prometheus::Error> {
        samples.into_iter().try_for_each(|sample| self.registry.register(Box::new(Sampled::new(sample)?)))
    }

    /// The registry that `/metrics` shows.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn socket_opened(&self) {
        self.connections.inc();
    }

    pub fn socket_closed(&self) {
        self.connections.dec();
    }

    /// WebSocket connections open now.
    #[must_use]
    pub fn sockets(&self) -> u64 {
        u64::try_from(self.connections.get()).unwrap_or(0)
    }

    /// An operation was committed and is being acknowledged.
    pub fn committed(&self, committed: &Committed) {
        if committed.entry.change.message().is_some() {
            self.acked.inc();
        }
        if !committed.duplicate && matches!(committed.entry.change, Change::MessageCreated(_)) {
            self.committed.inc();
        }
    }

    /// A room went on without a socket.
    pub fn lagged(&self) {
        self.lagged.inc();
    }

    /// Times that a room went on without a socket.
    #[must_use]
    pub fn times_lagged(&self) -> u64 {
        self.lagged.get()
    }

    /// A new socket was answered 503.
    pub fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// The sweeper announced a log.
    pub fn swept(&self) {
        self.swept.inc();
    }

    pub fn gap_seen(&self) {
        self.gaps.inc();
    }

    /// The store is asked to append, in one transaction.
    pub fn appending(&self) {
        self.batches.inc();
    }

    pub fn backfilled(&self, entries: usize) {
        self.backfilled.inc_by(entries as u64);
    }
}

fn counter(registry: &Registry, metric: Metric) -> Result<IntCounter, prometheus::Error> {
    register(registry, IntCounter::new(metric.as_str(), metric.help())?)
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn every_metric_is_registered_once_under_its_name() {
        let telemetry = Telemetry::new().expect("valid names");
        let names: Vec<_> =
            telemetry.registry().gather().iter().map(|family| family.name().to_owned()).collect();
        let of_adapters = |name: &str| name.starts_with("store_") || name.starts_with("bus_");
        for metric in Metric::ALL.iter().filter(|metric| !of_adapters(metric.as_str())) {
            assert!(names.iter().any(|name| name == metric.as_str()), "{metric:?}");
        }
        assert_eq!(names.iter().collect::<std::collections::HashSet<_>>().len(), names.len());
    }

    #[test]
    fn what_an_adapter_counts_is_read_when_it_is_asked_for() {
        let telemetry = Telemetry::new().expect("valid names");
        let count = Arc::new(AtomicU64::new(3));
        let samples = ["queue_full", "not_written"].map(|reason| {
            let count = count.clone();
            let read = Box::new(move || count.load(Ordering::Relaxed));
            Sample { metric: Metric::BusDropped, reason: Some(reason), read }
        });
        telemetry.sample(samples).expect("two reasons");
        let dropped = || {
            let families = telemetry.registry().gather();
            let family = families.iter().find(|family| family.name() == "bus_dropped_total").expect("it");
            family.get_metric().iter().map(|metric| metric.get_counter().get_value()).collect::<Vec<_>>()
        };
        assert_eq!(dropped(), [3.0, 3.0]);
        count.store(5, Ordering::Relaxed);
        assert_eq!(dropped(), [5.0, 5.0]);
        assert_eq!(dropped(), [5.0, 5.0]);
        let twin = Sample { metric: Metric::BusDropped, reason: Some("queue_full"), read: Box::new(|| 0) };
        assert!(telemetry.sample([twin]).is_err());
    }
}
