//! What the adapter knows of itself: whether things pass, and how often what happened.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::bus::Shard;
use crate::clock::SharedClock;

/// Whether one task gets answers. A call that takes longer than `patience` counts as no answer while
/// it still runs, so that a Redis that hangs is noticed before the call gives up.
pub(super) struct Pulse {
    begun: Instant,
    patience: Duration,
    well: AtomicBool,
    /// Milliseconds after `begun` at which the running call started, plus one; 0 when none runs.
    running: AtomicU64,
}

impl Pulse {
    /// Not well before the first answer.
    pub(super) fn new(patience: Duration) -> Self {
        Self { begun: Instant::now(), patience, well: AtomicBool::new(false), running: AtomicU64::new(0) }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn begin(&self) {
        self.running.store(self.millis().saturating_add(1), Ordering::Relaxed);
    }

    /// True when it was not well before.
    pub(super) fn answered(&self) -> bool {
        self.running.store(0, Ordering::Relaxed);
        !self.well.swap(true, Ordering::AcqRel)
    }

    /// True when it was well before.
    pub(super) fn failed(&self) -> bool {
        self.running.store(0, Ordering::Relaxed);
        self.well.swap(false, Ordering::AcqRel)
    }

    pub(super) fn is_well(&self) -> bool {
        let running = self.running.load(Ordering::Relaxed);
        let since =
            Duration::from_millis(if running == 0 { 0 } else { self.millis().saturating_sub(running) });
        self.well.load(Ordering::Acquire) && since <= self.patience
    }
}

/// How old announcements are when they are read.
pub(super) struct Lags {
    clock: SharedClock,
    /// By shard, in milliseconds.
    millis: Vec<AtomicU64>,
}

impl Lags {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, millis: Shard::all().map(|_| AtomicU64::new(0)).collect() }
    }

    /// The last one was read that Redis took at this time, or there was none. Clocks differ: nothing
    /// is younger than new.
    pub(super) fn note(&self, shard: Shard, taken: Option<u64>) {
        let now = u64::try_from(self.clock.now().millis()).unwrap_or(0);
        if let Some(millis) = self.millis.get(shard.index()) {
            millis.store(taken.map_or(0, |taken| now.saturating_sub(taken)), Ordering::Relaxed);
        }
    }

    pub(super) fn of(&self, shard: Shard) -> u64 {
        self.millis.get(shard.index()).map_or(0, |millis| millis.load(Ordering::Relaxed))
    }
}

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => {
        /// What happened since the start, to be read at any time; each only grows.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub(super) $name: AtomicU64,)*
        }

        /// [`Counters`] at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: u64,)*
        }

        impl Counters {
            /// Each counter by itself is exact; together they are of about one moment.
            #[must_use]
            pub fn read(&self) -> Counts {
                Counts { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Announcements handed to `publish`.
    appends;
    /// Round trips that wrote announcements, failed ones included.
    pipelines;
    /// Announcements surely written.
    entries;
    /// Round trips that read announcements, those that found none included.
    reads;
    /// Announcements of other processes that were read.
    received;
    /// Announcements not written, because too many waited.
    dropped_full;
    /// Announcements not written, because Redis took none of several attempts.
    dropped_failed;
    /// Announcements read that a reader within this process had no room for.
    dropped_readers;
    /// Entries read of a kind or version that this version does not know.
    unknown;
    /// Entries read that were no announcement.
    malformed;
    /// Connections of readers and writers that were lost.
    reconnects;
    /// Streams found shorter than the position remembered in them, and read from their beginning.
    restarts;
}

pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_hangs_is_no_answer() {
        let pulse = Pulse::new(Duration::ZERO);
        assert!(!pulse.is_well());
        assert!(pulse.answered() && !pulse.answered() && pulse.is_well());
        pulse.begin();
        let end = Instant::now() + Duration::from_secs(10);
        while pulse.is_well() {
            assert!(Instant::now() < end, "it hangs and counts as well");
            std::thread::yield_now();
        }
        assert!(!pulse.answered() && pulse.is_well());
        assert!(pulse.failed() && !pulse.failed() && !pulse.is_well());
    }
}
