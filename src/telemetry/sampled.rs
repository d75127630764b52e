//! Numbers that somebody else keeps: read when somebody asks for the metrics.

use std::borrow::Cow;
use std::sync::Mutex;

use prometheus::core::{Collector, Desc, Describer as _};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, IntCounter, IntGauge, Opts};

use super::Metric;
use super::shapes::{self, Spread};

type Read = Box<dyn Fn() -> u64 + Send + Sync>;

/// How a number behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Never goes down.
    Counter,
    Gauge,
    /// A gauge that is read in milliseconds and shown in seconds.
    Seconds,
}

/// One such number.
pub struct Sample {
    pub metric: Metric,
    /// What sets it apart, where one metric has several.
    pub label: Option<(&'static str, Cow<'static, str>)>,
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
    Seconds(Gauge),
}

impl Sampled {
    pub(super) fn new(sample: Sample) -> Result<Self, prometheus::Error> {
        let mut named = Opts::new(sample.metric.as_str(), sample.metric.help());
        if let Some((name, value)) = sample.label {
            named = named.const_label(name, value.into_owned());
        }
        let shown = match sample.kind {
            Kind::Counter => Shown::Counter(IntCounter::with_opts(named)?),
            Kind::Gauge => Shown::Gauge(IntGauge::with_opts(named)?),
            Kind::Seconds => Shown::Seconds(Gauge::with_opts(named)?),
        };
        Ok(Self { shown, read: Mutex::new(sample.read) })
    }
}

impl Collector for Sampled {
    fn desc(&self) -> Vec<&Desc> {
        match &self.shown {
            Shown::Counter(counter) => counter.desc(),
            Shown::Gauge(gauge) => gauge.desc(),
            Shown::Seconds(gauge) => gauge.desc(),
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
            Shown::Seconds(gauge) => {
                // Times that fit into a float's exact range by far.
                gauge.set(read() as f64 / 1_000.0);
                gauge.collect()
            }
        }
    }
}

/// How something spreads that somebody else measures.
pub struct SpreadSample {
    pub metric: Metric,
    pub label: (&'static str, &'static str),
    pub read: Box<dyn Fn() -> Spread + Send + Sync>,
}

/// A [`SpreadSample`] as Prometheus' library knows it.
pub(super) struct SampledSpread {
    sample: SpreadSample,
    description: Desc,
}

impl SampledSpread {
    pub(super) fn new(sample: SpreadSample) -> Result<Self, prometheus::Error> {
        let named = Opts::new(sample.metric.as_str(), sample.metric.help());
        let description = named.const_label(sample.label.0, sample.label.1).describe()?;
        Ok(Self { sample, description })
    }
}

impl Collector for SampledSpread {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        vec![shapes::histogram(self.sample.metric, Some(self.sample.label), &(self.sample.read)())]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::Telemetry;
    use super::*;

    #[test]
    fn what_an_adapter_counts_is_read_when_it_is_asked_for() {
        let telemetry = Telemetry::new().expect("valid names");
        let count = Arc::new(AtomicU64::new(3));
        let samples = ["queue_full", "not_written"].map(|reason| {
            let count = count.clone();
            let read = Box::new(move || count.load(Ordering::Relaxed));
            Sample {
                metric: Metric::BusDropped,
                label: Some(("reason", reason.into())),
                kind: Kind::Counter,
                read,
            }
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
        let label = Some(("reason", "queue_full".into()));
        let twin = Sample { metric: Metric::BusDropped, label, kind: Kind::Counter, read: Box::new(|| 0) };
        assert!(telemetry.sample([twin]).is_err());
    }

    #[test]
    fn what_goes_up_and_down_is_read_too() {
        let telemetry = Telemetry::new().expect("valid names");
        let level = Arc::new(AtomicU64::new(3));
        let read = level.clone();
        let read = Box::new(move || read.load(Ordering::Relaxed));
        telemetry
            .sample([Sample { metric: Metric::BusUp, label: None, kind: Kind::Gauge, read }])
            .expect("one");
        let now = || {
            let families = telemetry.registry().gather();
            let family = families.iter().find(|family| family.name() == "bus_up").expect("it");
            family.get_metric()[0].get_gauge().get_value()
        };
        assert_eq!(now(), 3.0);
        level.store(1, Ordering::Relaxed);
        assert_eq!(now(), 1.0);
    }
}
