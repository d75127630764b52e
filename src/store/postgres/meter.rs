//! What the store costs its database, counted by the driver itself and not by those who write the
//! statements. Next: [`super::executor`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// Counters since the store was opened.
#[derive(Debug, Default)]
pub struct Meter {
    transactions: AtomicU64,
    statements: AtomicU64,
    prepared: AtomicU64,
    round_trips: AtomicU64,
}

/// What was counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Writing transactions that committed.
    pub transactions: u64,
    /// Statements, `BEGIN`, `COMMIT` and `ROLLBACK` included.
    pub statements: u64,
    /// Statements that had to be prepared first, each a further round trip.
    pub prepared: u64,
    /// Times that the database was waited for with everything sent that could be.
    pub round_trips: u64,
}

impl Meter {
    /// What was counted so far.
    #[must_use]
    pub fn costs(&self) -> Costs {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Costs {
            transactions: read(&self.transactions),
            statements: read(&self.statements),
            prepared: read(&self.prepared),
            round_trips: read(&self.round_trips),
        }
    }

    pub(super) fn committed(&self) {
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }
}

/// The counting end of one connection.
pub(super) struct Gauge {
    meter: Arc<Meter>,
    /// Statements sent and not answered yet. Who sends while others wait waits together with them.
    under_way: u32,
}

impl Gauge {
    pub(super) const fn new(meter: Arc<Meter>) -> Self {
        Self { meter, under_way: 0 }
    }
}

impl Instrumentation for Gauge {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let count = |counter: &AtomicU64| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                count(&self.meter.statements);
                if self.under_way == 0 {
                    count(&self.meter.round_trips);
                }
                self.under_way += 1;
            }
            InstrumentationEvent::FinishQuery { .. } => self.under_way = self.under_way.saturating_sub(1),
            InstrumentationEvent::CacheQuery { .. } => {
                count(&self.meter.prepared);
                count(&self.meter.round_trips);
            }
            _ => {}
        }
    }
}
