//! How people conduct themselves in rooms, and what keeps them from writing.

use std::time::Duration;

use super::Timestamp;
use super::refusal::Invalid;

/// How long members wait between two messages; zero where they need not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlowMode(Duration);

impl SlowMode {
    /// The longest: six hours.
    pub const MOST_SECONDS: u64 = 6 * 3_600;

    /// # Errors
    /// When it is longer than it may be.
    pub fn of_room(seconds: u64) -> Result<Self, Invalid> {
        if seconds > Self::MOST_SECONDS {
            return Err(Invalid::new("slowModeSeconds", format!("may be at most {}", Self::MOST_SECONDS)));
        }
        Ok(Self(Duration::from_secs(seconds)))
    }

    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0.as_secs()
    }

    #[must_use]
    pub const fn is_on(self) -> bool {
        !self.0.is_zero()
    }

    /// From a stored row, in seconds.
    #[must_use]
    pub fn from_stored(seconds: i64) -> Self {
        Self(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }

    /// For a row.
    #[must_use]
    pub fn stored(self) -> i64 {
        i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX)
    }

    /// Whether somebody may write at `now` who last wrote at `last`.
    ///
    /// # Errors
    /// How long he has to wait.
    pub fn check(self, last: Option<Timestamp>, now: Timestamp) -> Result<(), Duration> {
        let wait = last.map_or(Duration::ZERO, |last| last.plus(self.0).since(now));
        // Processes' clocks differ by a little; one that went back by more lets nobody wait for ever.
        if wait.is_zero() || wait > self.0 * 2 { Ok(()) } else { Err(wait) }
    }
}

/// What a room knows of somebody's conduct. Outlasts the membership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// When he last wrote where that was counted.
    pub sent_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn slow_mode_lets_one_message_pass_in_its_time() {
        let slow = SlowMode::of_room(60).expect("valid");
        assert_eq!(slow.check(None, at(0)), Ok(()));
        assert_eq!(slow.check(Some(at(0)), at(59)), Err(Duration::from_secs(1)));
        assert_eq!(slow.check(Some(at(0)), at(60)), Ok(()));
        assert_eq!(SlowMode::default().check(Some(at(0)), at(0)), Ok(()), "it is off");
    }

    #[test]
    fn a_clock_that_went_back_lets_nobody_wait_for_ever() {
        let slow = SlowMode::of_room(60).expect("valid");
        assert_eq!(slow.check(Some(at(2)), at(0)), Err(Duration::from_secs(62)));
        assert_eq!(slow.check(Some(at(86_400)), at(0)), Ok(()));
    }

    #[test]
    fn slow_mode_is_at_most_six_hours() {
        assert!(SlowMode::of_room(21_600).is_ok());
        assert_eq!(SlowMode::of_room(21_601).expect_err("too long").field, "slowModeSeconds");
    }
}
