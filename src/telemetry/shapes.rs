//! Families of numbers as Prometheus' library writes them, for what it does not count itself.

use prometheus::proto::{Bucket, Counter, Histogram, Metric as Series, MetricFamily, MetricType};

use super::Metric;

/// How observations spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    pub bounds: Vec<f64>,
    /// Below each bound and above the one before; one more than there are bounds.
    pub counts: Vec<u64>,
    pub sum: f64,
}

impl Spread {
    fn histogram(&self) -> Histogram {
        let (mut buckets, mut count) = (Vec::new(), 0);
        for (bound, below) in self.bounds.iter().zip(&self.counts) {
            count += below;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(count);
            buckets.push(bucket);
        }
        let mut histogram = Histogram::default();
        histogram.set_sample_count(self.counts.iter().sum());
        histogram.set_sample_sum(self.sum);
        histogram.set_bucket(buckets);
        histogram
    }
}

fn family(metric: Metric, kind: MetricType, series: Series) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(metric.as_str().to_owned());
    family.set_help(metric.help().to_owned());
    family.set_field_type(kind);
    family.set_metric(vec![series]);
    family
}

pub(super) fn histogram(metric: Metric, label: Option<(&str, &str)>, spread: &Spread) -> MetricFamily {
    let mut series = Series::default();
    series.set_histogram(spread.histogram());
    if let Some((name, value)) = label {
        let mut pair = prometheus::proto::LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        series.set_label(vec![pair]);
    }
    family(metric, MetricType::HISTOGRAM, series)
}

pub(super) fn counter(metric: Metric, value: u64) -> MetricFamily {
    let mut counter = Counter::default();
    counter.set_value(value as f64);
    let mut series = Series::default();
    series.set_counter(counter);
    family(metric, MetricType::COUNTER, series)
}
