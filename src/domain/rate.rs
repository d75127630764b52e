//! Rates: token buckets, strikes, and growing delays.

use std::time::Duration;

use super::Timestamp;

/// How much is allowed: `burst` at once, refilled evenly with `per_period` in `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub burst: u32,
    pub per_period: u32,
    pub period: Duration,
}

impl Rate {
    #[must_use]
    pub const fn per_second(per_second: u32, burst: u32) -> Self {
        Self { burst, per_period: per_second, period: Duration::from_secs(1) }
    }

    #[must_use]
    pub const fn per_minute(per_minute: u32) -> Self {
        Self { burst: per_minute, per_period: per_minute, period: Duration::from_secs(60) }
    }

    fn millis_per_token(self) -> f64 {
        self.period.as_secs_f64() * 1_000.0 / f64::from(self.per_period.max(1))
    }
}

/// A token bucket. Holds no clock: `now` comes with each call.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// The moment at which the bucket would be full again, in fractional milliseconds. One number
    /// is the whole state (the generic cell rate algorithm), so a limiter may hold millions.
    full_at: f64,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub const fn full() -> Self {
        Self { full_at: f64::MIN }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// How long until one is there; nothing is taken.
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
    pub fn take(&mut self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let now = now.millis() as f64;
        let token = rate.millis_per_token();
        let full_at = self.full_at.max(now) + token;
        let wait = full_at - now - token * f64::from(rate.burst.max(1));
        // A hundredth of a millisecond forgives rounding and nothing else.
        if wait > 0.01 {
            return Err(Duration::from_secs_f64(wait / 1_000.0).max(Duration::from_millis(1)));
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Whether nothing is remembered: a limiter may forget this bucket.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.full_at <= now.millis() as f64
    }
}

/// Counts offences within a sliding stretch of time.
#[derive(Clone, Debug, Default)]
pub struct Strikes(Vec<Timestamp>);

impl Strikes {
    /// Notes one; true when it makes `limit` within `within`.
    pub fn strike(&mut self, now: Timestamp, limit: usize, within: Duration) -> bool {
        self.0.retain(|at| now.since(*at) < within);
        self.0.push(now);
        let out = self.0.len() >= limit;
        if out {
            self.0 = Vec::new();
        }
        out
    }
}

/// Grows with each failure beyond a free allowance: doubling from one second to a ceiling.
#[must_use]
pub fn penalty(failures: u32, free: u32, ceiling: Duration) -> Duration {
    if failures < free {
        return Duration::ZERO;
    }
    Duration::from_secs(1_u64 << (failures - free).min(16)).min(ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    #[test]
    fn a_burst_is_allowed_then_the_rate() {
        let rate = Rate::per_second(5, 10);
        let mut bucket = Bucket::full();
        for _ in 0..10 {
            assert_eq!(bucket.take(rate, at(0)), Ok(()));
        }
        let wait = bucket.take(rate, at(0)).expect_err("the burst is spent");
        assert_eq!(wait, Duration::from_millis(200));
        assert!(bucket.take(rate, at(199)).is_err());
        assert_eq!(bucket.take(rate, at(200)), Ok(()));
        assert!(bucket.take(rate, at(200)).is_err());
    }

    #[test]
    fn a_bucket_is_full_again_after_its_period() {
        let rate = Rate::per_minute(2);
        let mut bucket = Bucket::full();
        assert!(bucket.take(rate, at(0)).is_ok() && bucket.take(rate, at(0)).is_ok());
        assert!(!bucket.is_full(at(59_999)));
        assert!(bucket.is_full(at(60_000)));
    }

    #[test]
    fn three_strikes_within_the_stretch_are_out() {
        let mut strikes = Strikes::default();
        let within = Duration::from_secs(10);
        assert!(!strikes.strike(at(0), 3, within));
        assert!(!strikes.strike(at(5_000), 3, within));
        assert!(!strikes.strike(at(10_000), 3, within), "the first is forgotten");
        assert!(strikes.strike(at(10_001), 3, within));
    }

    #[test]
    fn the_penalty_doubles_up_to_its_ceiling() {
        let ceiling = Duration::from_secs(60);
        assert_eq!(penalty(4, 5, ceiling), Duration::ZERO);
        assert_eq!(penalty(5, 5, ceiling), Duration::from_secs(1));
        assert_eq!(penalty(8, 5, ceiling), Duration::from_secs(8));
        assert_eq!(penalty(u32::MAX, 5, ceiling), ceiling);
    }
}
