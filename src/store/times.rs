//! How long calls take: from the moment they are made to their answer, waiting included.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Upper bounds in microseconds.
const BOUNDS: [u64; 13] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallKind {
    Read,
    Write,
}

/// Calls of one kind.
#[derive(Debug, Default)]
struct Spread {
    /// Below each bound and above the one before; the last is above them all.
    counts: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
    failed: AtomicU64,
}

/// A call under way. Dropped without an answer, it failed.
#[derive(Debug)]
pub struct Watched {
    times: Arc<CallTimes>,
    kind: CallKind,
    asked: Instant,
    answered: bool,
}

impl Watched {
    /// It was answered. What a rule refused is an answer, too.
    pub fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.times.note(self.kind, self.asked.elapsed(), !self.answered);
    }
}

/// Calls of one kind, as they were when somebody looked.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSpread {
    /// Upper bounds in seconds.
    pub bounds: Vec<f64>,
    /// Below each bound and above the one before; one more than there are bounds.
    pub counts: Vec<u64>,
    /// Of all times, in seconds.
    pub sum: f64,
}

/// What an adapter notes of its calls.
#[derive(Debug, Default)]
pub struct CallTimes {
    read: Spread,
    write: Spread,
}

impl CallTimes {
    const fn of(&self, kind: CallKind) -> &Spread {
        match kind {
            CallKind::Read => &self.read,
            CallKind::Write => &self.write,
        }
    }

    /// A call is made.
    #[must_use]
    pub fn watch(self: &Arc<Self>, kind: CallKind) -> Watched {
        Watched { times: self.clone(), kind, asked: Instant::now(), answered: false }
    }

    fn note(&self, kind: CallKind, took: Duration, failed: bool) {
        let spread = self.of(kind);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = spread.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        spread.micros.fetch_add(micros, Ordering::Relaxed);
        if failed {
            spread.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Calls that the database did not answer, or that found no place in the queue.
    #[must_use]
    pub fn failed(&self, kind: CallKind) -> u64 {
        self.of(kind).failed.load(Ordering::Relaxed)
    }

    /// How long they took so far.
    #[must_use]
    pub fn spread(&self, kind: CallKind) -> CallSpread {
        let spread = self.of(kind);
        CallSpread {
            bounds: BOUNDS.iter().map(|micros| *micros as f64 / 1e6).collect(),
            counts: spread.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: spread.micros.load(Ordering::Relaxed) as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_kind_and_time() {
        let times = CallTimes::default();
        times.note(CallKind::Read, Duration::from_micros(250), false);
        times.note(CallKind::Read, Duration::from_micros(251), false);
        times.note(CallKind::Write, Duration::from_secs(60), true);
        let (reads, writes) = (times.spread(CallKind::Read), times.spread(CallKind::Write));
        assert_eq!(reads.counts.iter().take(3).copied().collect::<Vec<_>>(), [1, 1, 0]);
        assert_eq!((writes.counts.last().copied(), writes.sum), (Some(1), 60.0));
        assert_eq!((times.failed(CallKind::Read), times.failed(CallKind::Write)), (0, 1));
        assert_eq!(reads.counts.len(), reads.bounds.len() + 1);
    }

    #[test]
    fn a_call_without_an_answer_failed() {
        let times = Arc::new(CallTimes::default());
        times.watch(CallKind::Read).answered();
        drop(times.watch(CallKind::Read));
        assert_eq!(times.failed(CallKind::Read), 1);
        assert_eq!(times.spread(CallKind::Read).counts.iter().sum::<u64>(), 2);
    }
}
