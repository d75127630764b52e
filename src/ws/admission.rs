//! How many new sockets a process takes at once. Beyond it the answer is an HTTP 503 before the
//! upgrade: when thousands come back together, those who are let in are served at once, and the
//! database is asked no more than it can answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::rate::{Bucket, Rate};
use crate::error::{Code, Fault};
use crate::settings::Limits;

/// Whom is refused comes back within so many seconds, each at his own moment.
const SPREAD: u64 = 5;

/// The gate of one process.
#[derive(Debug)]
pub struct Admission {
    rate: Option<Rate>,
    most: usize,
    bucket: Mutex<Bucket>,
}

impl Admission {
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let rate = Rate::per_second(limits.admissions_per_second, limits.admissions_burst);
        Self {
            rate: limits.rates_on.then_some(rate),
            most: if limits.rates_on { limits.sockets } else { usize::MAX },
            bucket: Mutex::new(Bucket::full()),
        }
    }

    /// Lets one more in, where `open` are.
    ///
    /// # Errors
    /// `unavailable`, with a time to come back that differs from one to the next.
    pub fn enter(&self, open: u64, clock: &dyn Clock) -> Result<(), Fault> {
        let full = usize::try_from(open).unwrap_or(usize::MAX) >= self.most;
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let too_fast = !full && self.rate.is_some_and(|rate| bucket.take(rate, clock.now()).is_err());
        if !full && !too_fast {
            return Ok(());
        }
        let mut fault = Fault::new(Code::Unavailable, "this server is taking as many connections as it can");
        fault.retry_after = Some(Duration::from_secs(1 + clock.below(SPREAD)));
        Err(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn beyond_the_rate_and_beyond_the_room_there_is_is_told_when_to_come_back() {
        let limits =
            Limits { admissions_per_second: 1, admissions_burst: 2, sockets: 10, ..Limits::default() };
        let gate = Admission::new(&limits);
        assert!(gate.enter(0, &SystemClock).is_ok() && gate.enter(1, &SystemClock).is_ok());
        let refused = gate.enter(2, &SystemClock).expect_err("one too many at once");
        assert!(refused.retry_after.is_some_and(|wait| (1..=5).contains(&wait.as_secs())), "{refused:?}");
        let full = Admission::new(&limits).enter(10, &SystemClock).expect_err("no room");
        assert_eq!(full.code, Code::Unavailable);
    }
}
