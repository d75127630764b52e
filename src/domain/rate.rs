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

    #[must_use]
    pub const fn per_hour(per_hour: u32) -> Self {
        Self { burst: per_hour, per_period: per_hour, period: Duration::from_secs(3_600) }
    }

    /// One of `processes` equal parts of this rate, and at least one at once.
    #[must_use]
    pub fn divided(self, processes: u32) -> Self {
        let n = processes.max(1);
        Self { burst: (self.burst / n).max(1), per_period: self.per_period, period: self.period * n }
    }

    /// The time in which so many are refilled.
    #[must_use]
    pub fn millis(self, many: u32) -> Duration {
        self.period * many / self.per_period.max(1)
    }

    /// The time in which one is refilled, in milliseconds.
    #[must_use]
    pub fn millis_per_token(self) -> f64 {
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

    /// Moves the bucket forward to what all processes together took: it is full again in `full_in`
    /// at the earliest, and after that by what was taken here and is not among it yet. Never gives
    /// back what was taken here.
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
    pub fn catch_up(&mut self, rate: Rate, full_in: Duration, untold: u32, now: Timestamp) {
        let all = full_in.as_secs_f64() * 1_000.0 + rate.millis_per_token() * f64::from(untold);
        if all > 0.0 {
            self.full_at = self.full_at.max(now.millis() as f64 + all);
        }
    }

    /// How many of the last `taken` still matter: the others have been refilled since.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
    pub fn still_missing(&self, rate: Rate, taken: u32, now: Timestamp) -> u32 {
        let missing = ((self.full_at - now.millis() as f64) / rate.millis_per_token()).ceil();
        // Also for what is no number or far beyond: a cast saturates.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, which is meant"
        )]
        let missing = missing as u32;
        taken.min(missing)
    }

    /// How many may be taken at once now, and how long until it is full.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
    pub fn left(&self, rate: Rate, now: Timestamp) -> (u32, Duration) {
        let full_in = (self.full_at - now.millis() as f64).max(0.0);
        // A hundredth of a millisecond forgives rounding, as in `take`.
        let missing = ((full_in - 0.01) / rate.millis_per_token()).ceil().max(0.0);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, which is meant"
        )]
        let missing = missing as u32;
        (rate.burst.max(1).saturating_sub(missing), Duration::from_secs_f64(full_in / 1_000.0))
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
    fn what_others_took_is_missing_here_too() {
        let rate = Rate::per_second(5, 10);
        let mut bucket = Bucket::full();
        assert!(bucket.take(rate, at(0)).is_ok());
        // All together took nine, mine among them; one more here that they do not know of.
        bucket.catch_up(rate, Duration::from_millis(9 * 200), 1, at(0));
        assert!(bucket.take(rate, at(0)).is_err());
        assert!(bucket.take(rate, at(200)).is_ok());
        // An answer that knows less gives nothing back.
        bucket.catch_up(rate, Duration::ZERO, 0, at(200));
        assert!(bucket.take(rate, at(200)).is_err());
    }

    #[test]
    fn what_was_refilled_need_not_be_told() {
        let rate = Rate::per_second(5, 10);
        let mut bucket = Bucket::full();
        assert_eq!(bucket.still_missing(rate, 3, at(0)), 0);
        for _ in 0..6 {
            assert!(bucket.take(rate, at(0)).is_ok());
        }
        assert_eq!(bucket.still_missing(rate, 6, at(0)), 6);
        assert_eq!(bucket.still_missing(rate, 2, at(0)), 2);
        assert_eq!(bucket.still_missing(rate, 6, at(1_000)), 1);
        assert_eq!(bucket.still_missing(rate, 6, at(9_000)), 0);
    }

    #[test]
    fn the_parts_of_a_rate_are_together_no_more_than_the_rate() {
        let part = Rate::per_second(5, 10).divided(3);
        assert_eq!((part.burst, part.per_period, part.period), (3, 5, Duration::from_secs(3)));
        assert_eq!(Rate::per_minute(2).divided(5).burst, 1);
        assert_eq!(Rate::per_minute(2).divided(0), Rate::per_minute(2));
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

    proptest::proptest! {
        /// Several processes that tell each other after each take pass no more than the rate, whoever
        /// is asked.
        #[test]
        fn processes_that_tell_each_other_hold_one_rate(takes in proptest::collection::vec((0..3_usize, 0..300_i64), 1..200)) {
            let rate = Rate::per_second(5, 10);
            let (mut pods, mut one) = ([Bucket::full(); 3], Bucket::full());
            let mut now = 0;
            for (pod, wait) in takes {
                now += wait;
                let allowed = pods[pod].take(rate, at(now)).is_ok();
                proptest::prop_assert_eq!(allowed, one.take(rate, at(now)).is_ok());
                let full_in = Duration::from_secs_f64((one.full_at - at(now).millis() as f64).max(0.0) / 1_000.0);
                for pod in &mut pods {
                    pod.catch_up(rate, full_in, 0, at(now));
                }
            }
        }
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
