//! Time as the judge sees it: one monotonic clock of this process, in microseconds since its start.

use std::fmt;
use std::time::{Duration, Instant};

/// A point in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    pub const START: Self = Self(0);
    /// Later than anything.
    pub const END: Self = Self(u64::MAX);

    #[cfg(test)]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }

    #[must_use]
    pub fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
    }

    /// Nothing when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", Duration::from_micros(self.0).as_secs_f64())
    }
}

/// Tells the time since it was started.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    #[must_use]
    pub fn now(self) -> Moment {
        Moment(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub from: Moment,
    pub to: Moment,
}

impl Span {
    #[must_use]
    pub const fn new(from: Moment, to: Moment) -> Self {
        Self { from, to }
    }

    #[must_use]
    pub fn holds(&self, at: Moment) -> bool {
        self.from <= at && at <= self.to
    }

    #[must_use]
    pub fn meets(&self, from: Moment, to: Moment) -> bool {
        self.from <= to && from <= self.to
    }

    /// Longer at its end.
    #[must_use]
    pub fn and(self, time: Duration) -> Self {
        Self { to: self.to.plus(time), ..self }
    }

    #[must_use]
    pub const fn length(&self) -> Duration {
        self.to.since(self.from)
    }
}

/// Stretches of time in which something was excused, as sorted and disjoint spans.
#[derive(Clone, Debug, Default)]
pub struct Spans(Vec<Span>);

impl Spans {
    #[must_use]
    pub fn new(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut sorted: Vec<Span> = spans.into_iter().collect();
        sorted.sort();
        let mut merged: Vec<Span> = Vec::new();
        for span in sorted {
            match merged.last_mut() {
                Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
                _ => merged.push(span),
            }
        }
        Self(merged)
    }

    /// These and those.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self::new(self.0.iter().chain(&other.0).copied())
    }

    #[must_use]
    pub fn hold(&self, at: Moment) -> bool {
        self.meet(at, at)
    }

    #[must_use]
    pub fn meet(&self, from: Moment, to: Moment) -> bool {
        self.last_before(to).is_some_and(|span| span.to >= from)
    }

    /// When a clock that ought to start at `from` starts, looked at from `to`: anew at the end of
    /// the last excuse between the two.
    #[must_use]
    pub fn restart(&self, from: Moment, to: Moment) -> Moment {
        match self.last_before(to) {
            Some(span) => from.max(span.to.min(to)),
            None => from,
        }
    }

    fn last_before(&self, to: Moment) -> Option<&Span> {
        let after = self.0.partition_point(|span| span.from <= to);
        after.checked_sub(1).and_then(|last| self.0.get(last))
    }

    #[must_use]
    pub fn total(&self) -> Duration {
        self.0.iter().map(Span::length).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Span> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_millis(millis)
    }

    fn spans(list: &[(u64, u64)]) -> Spans {
        Spans::new(list.iter().map(|(from, to)| Span::new(at(*from), at(*to))))
    }

    #[test]
    fn spans_that_touch_are_one() {
        assert_eq!(spans(&[(5, 9), (1, 3), (2, 4)]).0.len(), 2);
        assert_eq!(spans(&[(1, 3), (2, 4), (4, 8)]).total(), Duration::from_millis(7));
    }

    #[test]
    fn a_clock_starts_anew_when_an_excuse_ends() {
        let away = spans(&[(100, 200), (400, 500)]);
        assert_eq!(away.restart(at(10), at(50)), at(10), "none yet");
        assert_eq!(away.restart(at(90), at(300)), at(200));
        assert_eq!(away.restart(at(250), at(300)), at(250), "over before");
        assert_eq!(away.restart(at(90), at(450)), at(450), "not over yet");
        assert_eq!(away.restart(at(300), at(900)), at(500));
    }

    #[test]
    fn a_stretch_meets_what_it_touches() {
        let away = spans(&[(100, 200)]);
        assert!(away.meet(at(150), at(160)) && away.meet(at(50), at(100)) && away.meet(at(200), at(300)));
        assert!(!away.meet(at(50), at(99)) && !away.meet(at(201), at(300)));
    }
}
