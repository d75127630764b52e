//! What the server tells of itself. Metric names are an enum, so that no name is typed twice.
//!
//! No user or room ids as labels: their number has no bound.

pub mod http;

use prometheus::core::Collector;
use prometheus::{IntCounter, IntGauge, Registry};

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
            registry,
        })
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
    use super::*;

    #[test]
    fn every_metric_is_registered_once_under_its_name() {
        let telemetry = Telemetry::new().expect("valid names");
        let names: Vec<_> =
            telemetry.registry().gather().iter().map(|family| family.name().to_owned()).collect();
        for metric in Metric::ALL {
            assert!(names.iter().any(|name| name == metric.as_str()), "{metric:?}");
        }
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
