//! How people conduct themselves in rooms, and what keeps them from writing.

use std::time::Duration;

use unicode_normalization::UnicodeNormalization;

use super::refusal::Invalid;
use super::text::is_blank;
use super::{Timestamp, UserId};

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// When he last wrote where that was counted.
    pub sent_at: Option<Timestamp>,
    /// That he may not write, if he was muted; it may be over.
    pub muted: Option<Muted>,
}

impl Conduct {
    /// For how long he may still not write.
    #[must_use]
    pub fn muted_for(&self, now: Timestamp) -> Duration {
        self.muted.as_ref().map_or(Duration::ZERO, |muted| muted.until.since(now))
    }
}

/// Until when somebody may not write, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Muted {
    pub until: Timestamp,
    pub reason: Option<Reason>,
}

impl Muted {
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until <= now
    }
}

/// That a member may not write for a time, or may again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mute {
    /// `None`: he may again.
    pub until: Option<Timestamp>,
    pub by: UserId,
    pub reason: Option<Reason>,
}

impl Mute {
    /// The longest.
    pub const LONGEST: Duration = Duration::from_secs(28 * 86_400);

    /// For how long one until then holds.
    ///
    /// # Errors
    /// When that is over, or too far away.
    pub fn length(until: Timestamp, now: Timestamp) -> Result<Duration, Invalid> {
        let length = until.since(now);
        if length.is_zero() || length > Self::LONGEST {
            return Err(Invalid::new("until", "must be within the next 28 days"));
        }
        Ok(length)
    }
}

/// Why somebody who looks after others did something: 1 to 500 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Characters of a reason.
    pub const MAX: usize = 500;

    /// # Errors
    /// When it is empty, too long, or holds U+0000.
    pub fn parse(raw: &str) -> Result<Self, Invalid> {
        let text: String = raw.trim().nfc().collect();
        if is_blank(&text) || text.chars().count() > Self::MAX {
            return Err(Invalid::new("reason", format!("must have 1 to {} characters", Self::MAX)));
        }
        if text.contains('\0') {
            return Err(Invalid::new("reason", "may not hold U+0000"));
        }
        Ok(Self(text))
    }

    /// Where none need be given: a text that shows nothing is none.
    ///
    /// # Errors
    /// As there.
    pub fn optional(raw: Option<&str>) -> Result<Option<Self>, Invalid> {
        raw.filter(|text| !is_blank(text)).map(Self::parse).transpose()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// From a stored row, which was valid when it was written.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
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
    fn a_mute_ends_within_28_days() {
        let (now, longest) = (at(0), at(28 * 86_400));
        assert_eq!(Mute::length(longest, now), Ok(Mute::LONGEST));
        for until in [at(-1), now, longest.plus(Duration::from_millis(1))] {
            assert_eq!(Mute::length(until, now).expect_err("out of bounds").field, "until");
        }
    }

    #[test]
    fn a_reason_is_short_and_says_something() {
        assert_eq!(Reason::parse(" spam ").expect("valid").as_str(), "spam");
        assert!(Reason::parse(&"é".repeat(500)).is_ok());
        for bad in ["", " ", "a\0b", &"é".repeat(501)] {
            assert_eq!(Reason::parse(bad).expect_err("no reason").field, "reason");
        }
        assert_eq!(Reason::optional(Some(" ")), Ok(None));
    }

    #[test]
    fn slow_mode_is_at_most_six_hours() {
        assert!(SlowMode::of_room(21_600).is_ok());
        assert_eq!(SlowMode::of_room(21_601).expect_err("too long").field, "slowModeSeconds");
    }
}
