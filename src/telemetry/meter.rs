//! What is counted once per delivery: by each worker thread for itself, without a locked
//! instruction, and added up when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::Opts;
use prometheus::core::{Collector, Desc, Describer as _};
use prometheus::proto::MetricFamily;

use super::shapes::{self, Spread};
use super::{COUNTS, Metric};

/// Upper bounds in milliseconds; 500 is that of the objective.
const DELAYS: [u64; 13] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];
/// Upper bounds in sockets.
const WIDTHS: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 20_000];

/// Adds to what one thread writes and others only read.
fn add(cell: &AtomicU64, by: u64) {
    if COUNTS {
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
    }
}

/// Observations below each bound, and above all of them.
#[derive(Debug)]
struct Tally<const N: usize> {
    bounds: &'static [u64; N],
    below: [AtomicU64; N],
    above: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Tally<N> {
    fn new(bounds: &'static [u64; N]) -> Self {
        let below = std::array::from_fn(|_| AtomicU64::new(0));
        Self { bounds, below, above: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    fn observe(&self, value: u64) {
        if !COUNTS {
            return;
        }
        let place = self.bounds.partition_point(|bound| *bound < value);
        add(self.below.get(place).unwrap_or(&self.above), 1);
        add(&self.sum, value);
    }
}

/// What one thread counts. Only that thread may write.
#[derive(Debug)]
pub struct Meter {
    delays: Tally<13>,
    widths: Tally<11>,
    received: AtomicU64,
    held_back: AtomicU64,
    sent: AtomicU64,
}

impl Meter {
    fn new() -> Self {
        let (received, held_back, sent) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { delays: Tally::new(&DELAYS), widths: Tally::new(&WIDTHS), received, held_back, sent }
    }

    /// A connection took a log entry so many milliseconds after its time.
    pub fn delivered(&self, millis: u64) {
        self.delays.observe(millis);
    }

    /// A log entry goes to so many connections.
    pub fn fanned_out(&self, sockets: usize) {
        self.widths.observe(sockets as u64);
    }

    /// A connection took a frame.
    pub fn sent(&self) {
        add(&self.sent, 1);
    }

    /// A message was read from a connection.
    pub fn received(&self) {
        add(&self.received, 1);
    }

    /// A connection is not read on until some of its commands are answered.
    pub fn held_back(&self) {
        add(&self.held_back, 1);
    }
}

/// The meters of all threads as Prometheus' library knows them.
#[derive(Clone)]
pub(super) struct Meters {
    all: Arc<Mutex<Vec<Arc<Meter>>>>,
    descriptions: Arc<Vec<Desc>>,
}

const SHOWN: [Metric; 6] = [
    Metric::DeliveryMs,
    Metric::DeliverySeconds,
    Metric::FanOut,
    Metric::FramesReceived,
    Metric::HeldBack,
    Metric::FramesSent,
];

impl Default for Meters {
    fn default() -> Self {
        // Their names are constants that the tests register.
        let described =
            SHOWN.iter().filter_map(|m| Opts::new(m.as_str(), m.help()).describe().ok()).collect();
        Self { all: Arc::default(), descriptions: Arc::new(described) }
    }
}

impl Meters {
    pub(super) fn add(&self) -> Arc<Meter> {
        let meter = Arc::new(Meter::new());
        self.lock().push(meter.clone());
        meter
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Meter>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One spread of many tallies; values are divided by `unit`.
fn spread<const N: usize>(tallies: &[&Tally<N>], unit: f64) -> Spread {
    let total = |of: &dyn Fn(&Tally<N>) -> &AtomicU64| {
        tallies.iter().map(|tally| of(tally).load(Ordering::Relaxed)).sum::<u64>()
    };
    let bounds = tallies.first().map(|tally| tally.bounds.as_slice()).unwrap_or_default();
    let below = (0..bounds.len()).map(|place| total(&|tally| tally.below.get(place).unwrap_or(&tally.above)));
    Spread {
        counts: below.chain([total(&|tally| &tally.above)]).collect(),
        bounds: bounds.iter().map(|bound| *bound as f64 / unit).collect(),
        sum: total(&|tally| &tally.sum) as f64 / unit,
    }
}

impl Collector for Meters {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // One without a thread, so that the families are there before the first thread is.
        let mut meters = vec![Arc::new(Meter::new())];
        meters.extend(self.lock().iter().cloned());
        let delays: Vec<_> = meters.iter().map(|meter| &meter.delays).collect();
        let widths: Vec<_> = meters.iter().map(|meter| &meter.widths).collect();
        let sum = |of: fn(&Meter) -> &AtomicU64| {
            meters.iter().map(|meter| of(meter).load(Ordering::Relaxed)).sum::<u64>()
        };
        vec![
            shapes::histogram(Metric::DeliveryMs, None, &spread(&delays, 1.0)),
            shapes::histogram(Metric::DeliverySeconds, None, &spread(&delays, 1_000.0)),
            shapes::histogram(Metric::FanOut, None, &spread(&widths, 1.0)),
            shapes::counter(Metric::FramesReceived, sum(|meter| &meter.received)),
            shapes::counter(Metric::HeldBack, sum(|meter| &meter.held_back)),
            shapes::counter(Metric::FramesSent, sum(|meter| &meter.sent)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Encoder as _, TextEncoder};

    use crate::telemetry::Telemetry;

    #[test]
    fn what_threads_counted_is_added_up_in_both_units() {
        let telemetry = Telemetry::new().expect("valid names");
        let (one, two) = (telemetry.meter(), telemetry.meter());
        for (meter, millis) in [(&one, 0), (&one, 3), (&two, 3), (&two, 600), (&two, 60_000)] {
            meter.delivered(millis);
            meter.sent();
        }
        one.fanned_out(2);
        two.received();
        let mut text = Vec::new();
        TextEncoder::new().encode(&telemetry.registry().gather(), &mut text).expect("valid");
        let text = String::from_utf8(text).expect("UTF-8");
        for line in [
            "message_delivery_time_ms_bucket{le=\"1\"} 1",
            "message_delivery_time_ms_bucket{le=\"5\"} 3",
            "message_delivery_time_ms_bucket{le=\"500\"} 3",
            "message_delivery_time_ms_bucket{le=\"1000\"} 4",
            "message_delivery_time_ms_bucket{le=\"+Inf\"} 5",
            "message_delivery_time_ms_sum 60606",
            "message_delivery_time_ms_count 5",
            "message_delivery_time_seconds_bucket{le=\"0.005\"} 3",
            "message_delivery_time_seconds_bucket{le=\"0.5\"} 3",
            "message_delivery_time_seconds_sum 60.606",
            "fan_out_sockets_bucket{le=\"2\"} 1",
            "websocket_frames_sent_total 5",
            "websocket_frames_received_total 1",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }
}
