//! Numbers that somebody else keeps: read when somebody asks for the metrics.

use std::sync::Mutex;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntGauge, Opts};

use super::Metric;

type Read = Box<dyn Fn() -> u64 + Send + Sync>;

/// How a number behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Never goes down.
    Counter,
    Gauge,
}

/// One such number.
pub struct Sample {
    pub metric: Metric,
    /// What sets it apart, where one metric has several.
    pub label: Option<(&'static str, &'static str)>,
    pub kind: Kind,
    pub read: Read,
}

/// A [`Sample`] as Prometheus' library knows it.
pub(super) struct Sampled {
    shown: Shown,
    /// In a mutex, so that two scrapes at once do not add the same growth twice.
    read: Mutex<Read>,
}

enum Shown {
    Counter(IntCounter),
    Gauge(IntGauge),
}

impl Sampled {
    pub(super) fn new(sample: Sample) -> Result<Self, prometheus::Error> {
        let mut named = Opts::new(sample.metric.as_str(), sample.metric.help());
        if let Some((name, value)) = sample.label {
            named = named.const_label(name, value);
        }
        let shown = match sample.kind {
            Kind::Counter => Shown::Counter(IntCounter::with_opts(named)?),
            Kind::Gauge => Shown::Gauge(IntGauge::with_opts(named)?),
        };
        Ok(Self { shown, read: Mutex::new(sample.read) })
    }
}

impl Collector for Sampled {
    fn desc(&self) -> Vec<&Desc> {
        match &self.shown {
            Shown::Counter(counter) => counter.desc(),
            Shown::Gauge(gauge) => gauge.desc(),
        }
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Nothing is left half done by who panics in here.
        let read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &self.shown {
            Shown::Counter(counter) => {
                counter.inc_by(read().saturating_sub(counter.get()));
                counter.collect()
            }
            Shown::Gauge(gauge) => {
                gauge.set(i64::try_from(read()).unwrap_or(i64::MAX));
                gauge.collect()
            }
        }
    }
}
