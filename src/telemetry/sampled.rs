//! Counters that an adapter keeps for itself: read when somebody asks for the metrics.

use std::sync::Mutex;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, Opts};

use super::Metric;

/// One such counter. It never goes down.
pub struct Sample {
    pub metric: Metric,
    /// Why, where one metric counts several things apart.
    pub reason: Option<&'static str>,
    pub read: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// A [`Sample`] as Prometheus' library knows it.
pub(super) struct Sampled {
    counter: IntCounter,
    /// In a mutex, so that two scrapes at once do not add the same growth twice.
    read: Mutex<Box<dyn Fn() -> u64 + Send + Sync>>,
}

impl Sampled {
    pub(super) fn new(sample: Sample) -> Result<Self, prometheus::Error> {
        let mut named = Opts::new(sample.metric.as_str(), sample.metric.help());
        if let Some(reason) = sample.reason {
            named = named.const_label("reason", reason);
        }
        Ok(Self { counter: IntCounter::with_opts(named)?, read: Mutex::new(sample.read) })
    }
}

impl Collector for Sampled {
    fn desc(&self) -> Vec<&Desc> {
        self.counter.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Nothing is left half done by who panics in here.
        let read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.counter.inc_by(read().saturating_sub(self.counter.get()));
        self.counter.collect()
    }
}
