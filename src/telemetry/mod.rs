//! What the server tells of itself. Metric names are an enum, so that no name is typed twice.
//!
//! No user or room ids as labels: their number has no bound.

pub mod http;
pub mod journal;
pub mod meter;
mod names;
mod sampled;
mod shapes;
pub mod trace;

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use sampled::{Sampled, SampledSpread};

use self::meter::{Meter, Meters};
pub use self::names::Metric;
pub use self::sampled::{Kind, Sample, SpreadSample};
pub use self::shapes::Spread;

use crate::domain::subscription::Answer;
use crate::domain::{Change, Committed};

/// Whether what lies on the path of a message is counted. It is; but a build with `CHAT_UNMETERED` in
/// its environment counts nothing there, for `.ci/costs.sh` to tell what counting costs.
pub const COUNTS: bool = option_env!("CHAT_UNMETERED").is_none();

/// The engine's own metrics, in one registry with those of HTTP.
pub struct Telemetry {
    registry: Registry,
    connections: IntGauge,
    committed: IntCounter,
    acked: IntCounter,
    lagged: IntCounter,
    turned_away: IntCounter,
    traces_dropped: IntCounter,
    swept: IntCounter,
    gaps: IntCounter,
    recounted: IntCounter,
    drift: IntCounter,
    backfilled: IntCounter,
    batches: IntCounter,
    batch_operations: Histogram,
    opened: IntCounter,
    closed: IntCounterVec,
    connects: IntCounterVec,
    draining: IntGauge,
    subscriptions: IntCounterVec,
    lookups: IntCounterVec,
    inbox: Histogram,
    inbox_full: IntCounter,
    outbox_rows: IntGauge,
    outbox_oldest: Gauge,
    meters: Meters,
}

/// What became of a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// Signed in, and welcomed.
    Ready,
    /// For a reason of the client's own: its credential, its origin, its number of connections.
    Refused,
    /// For one of the server's: too many at once, or the database does not answer.
    Failed,
}

impl Connect {
    const ALL: [Self; 3] = [Self::Ready, Self::Refused, Self::Failed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl Telemetry {
    /// Registers everything in a registry of its own.
    ///
    /// # Errors
    /// When a name is not valid or stands twice, which the tests rule out.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let build = IntGaugeVec::new(opts(Metric::BuildInfo), &["version"])?;
        register(&registry, build)?.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let operations = HistogramOpts::from(opts(Metric::BatchOperations))
            .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]);
        let inbox = HistogramOpts::from(opts(Metric::RoomInbox))
            .buckets(vec![1.0, 4.0, 16.0, 64.0, 128.0, 256.0, 512.0, 1024.0]);
        let telemetry = Self {
            connections: gauge(&registry, Metric::ActiveConnections)?,
            batch_operations: register(&registry, Histogram::with_opts(operations)?)?,
            opened: counter(&registry, Metric::Opened)?,
            closed: counters(&registry, Metric::Closed, "code")?,
            connects: counters(&registry, Metric::Connects, "outcome")?,
            draining: gauge(&registry, Metric::Draining)?,
            subscriptions: counters(&registry, Metric::Subscriptions, "mode")?,
            lookups: counters(&registry, Metric::CacheLookups, "outcome")?,
            inbox: register(&registry, Histogram::with_opts(inbox)?)?,
            inbox_full: counter(&registry, Metric::RoomInboxFull)?,
            outbox_rows: gauge(&registry, Metric::OutboxRows)?,
            outbox_oldest: register(&registry, Gauge::with_opts(opts(Metric::OutboxOldest))?)?,
            meters: register(&registry, Meters::default())?,
            committed: counter(&registry, Metric::MessagesCommitted)?,
            acked: counter(&registry, Metric::MessagesAcked)?,
            lagged: counter(&registry, Metric::RoomsLagged)?,
            turned_away: counter(&registry, Metric::TurnedAway)?,
            traces_dropped: counter(&registry, Metric::TracesDropped)?,
            swept: counter(&registry, Metric::LogsSwept)?,
            gaps: counter(&registry, Metric::GapsSeen)?,
            recounted: counter(&registry, Metric::UnreadRecounted)?,
            drift: counter(&registry, Metric::UnreadDrift)?,
            backfilled: counter(&registry, Metric::Backfilled)?,
            batches: counter(&registry, Metric::AppendBatches)?,
            registry,
        };
        telemetry.begin_at_zero();
        Ok(telemetry)
    }

    /// A series that begins with its first event has no rate for it: those that are known are there
    /// from the start.
    fn begin_at_zero(&self) {
        for connect in Connect::ALL {
            self.connects.with_label_values(&[connect.as_str()]);
        }
        for mode in ["uptodate", "replay", "reset"] {
            self.subscriptions.with_label_values(&[mode]);
        }
        for outcome in ["hit", "miss"] {
            self.lookups.with_label_values(&[outcome]);
        }
        self.closed.with_label_values(&["none"]);
    }

    /// The codes with which sockets may be closed.
    pub fn expect_closes(&self, codes: impl IntoIterator<Item = u16>) {
        for code in codes {
            self.closed.with_label_values(&[&code.to_string()]);
        }
    }

    /// What one worker thread counts for itself, where every instruction is paid once per delivery.
    #[must_use]
    pub fn meter(&self) -> Arc<Meter> {
        self.meters.add()
    }

    /// Adds numbers that somebody else keeps.
    ///
    /// # Errors
    /// When one stands twice.
    pub fn sample(&self, samples: impl IntoIterator<Item = Sample>) -> Result<(), prometheus::Error> {
        samples.into_iter().try_for_each(|sample| self.registry.register(Box::new(Sampled::new(sample)?)))
    }

    /// Adds spreads that somebody else keeps.
    ///
    /// # Errors
    /// When one stands twice.
    pub fn sample_spreads(
        &self,
        samples: impl IntoIterator<Item = SpreadSample>,
    ) -> Result<(), prometheus::Error> {
        let mut samples = samples.into_iter();
        samples.try_for_each(|sample| self.registry.register(Box::new(SampledSpread::new(sample)?)))
    }

    /// The registry that `/metrics` shows.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn socket_opened(&self) {
        self.connections.inc();
        self.opened.inc();
    }

    /// A socket ended; `code` is the server's close code, where there was a close.
    pub fn socket_closed(&self, code: Option<u16>) {
        self.connections.dec();
        match code {
            Some(code) => self.closed.with_label_values(&[&code.to_string()]).inc(),
            None => self.closed.with_label_values(&["none"]).inc(),
        }
    }

    /// It is known what became of a new connection.
    pub fn connected(&self, outcome: Connect) {
        self.connects.with_label_values(&[outcome.as_str()]).inc();
    }

    pub fn start_draining(&self) {
        self.draining.set(1);
    }

    /// Somebody who wants to follow a room is answered.
    pub fn subscribed(&self, answer: &Answer) {
        let mode = match answer {
            Answer::UpToDate => "uptodate",
            Answer::Replay { .. } => "replay",
            Answer::Reset(_) => "reset",
        };
        self.subscriptions.with_label_values(&[mode]).inc();
    }

    /// Entries were wanted of a room's memory.
    pub fn looked_up(&self, found: bool) {
        if !COUNTS {
            return;
        }
        self.lookups.with_label_values(&[if found { "hit" } else { "miss" }]).inc();
    }

    /// So many logs are committed further than is known to be announced, the oldest for so long.
    pub fn outbox(&self, rows: u64, oldest: Duration) {
        self.outbox_rows.set(i64::try_from(rows).unwrap_or(i64::MAX));
        self.outbox_oldest.set(oldest.as_secs_f64());
    }

    /// So many commands wait for a room that begins to append.
    pub fn inbox(&self, commands: usize) {
        self.inbox.observe(commands as f64);
    }

    /// A room had too much waiting to take a command.
    pub fn inbox_full(&self) {
        self.inbox_full.inc();
    }

    /// WebSocket connections open now.
    #[must_use]
    pub fn sockets(&self) -> u64 {
        u64::try_from(self.connections.get()).unwrap_or(0)
    }

    /// An operation was committed and is being acknowledged.
    pub fn committed(&self, committed: &Committed) {
        if !COUNTS {
            return;
        }
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
        self.connected(Connect::Failed);
    }

    /// Something was told to nobody, because too much waited to be told.
    pub fn trace_dropped(&self) {
        self.traces_dropped.inc();
    }

    /// The sweeper announced a log.
    pub fn swept(&self) {
        self.swept.inc();
    }

    pub fn gap_seen(&self) {
        self.gaps.inc();
    }

    /// What was unread in a room was counted over its log.
    pub fn recounted(&self, is_right: bool) {
        self.recounted.inc();
        self.drift.inc_by(u64::from(!is_right));
    }

    /// The store is asked to append so many operations, in one transaction.
    pub fn appending(&self, operations: usize) {
        if !COUNTS {
            return;
        }
        self.batches.inc();
        // Far below where a float counts in other than ones.
        self.batch_operations.observe(operations as f64);
    }

    pub fn backfilled(&self, entries: usize) {
        self.backfilled.inc_by(entries as u64);
    }
}

fn opts(metric: Metric) -> Opts {
    Opts::new(metric.as_str(), metric.help())
}

fn counter(registry: &Registry, metric: Metric) -> Result<IntCounter, prometheus::Error> {
    register(registry, IntCounter::with_opts(opts(metric))?)
}

fn counters(registry: &Registry, metric: Metric, label: &str) -> Result<IntCounterVec, prometheus::Error> {
    register(registry, IntCounterVec::new(opts(metric), &[label])?)
}

fn gauge(registry: &Registry, metric: Metric) -> Result<IntGauge, prometheus::Error> {
    register(registry, IntGauge::with_opts(opts(metric))?)
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
        let of_others = [
            "store_",
            "bus_",
            "presence_",
            "rooms_open",
            "rate_limited_",
            "mail_",
            "jobs",
            "file",
            "account_",
            "search_",
        ];
        let of_adapters = |name: &str| of_others.iter().any(|start| name.starts_with(start));
        for metric in Metric::ALL.iter().filter(|metric| !of_adapters(metric.as_str())) {
            assert!(names.iter().any(|name| name == metric.as_str()), "{metric:?}");
        }
        assert_eq!(names.iter().collect::<std::collections::HashSet<_>>().len(), names.len());
    }
}
