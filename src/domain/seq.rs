//! Positions in a room's log.

use std::fmt;

/// A position in a room's log: gapless from 1. `Seq::START` (0) is the position before the first
/// entry. Stays below 2^53, so that every JSON reader keeps it exact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(u64);

impl Seq {
    /// Before the first entry.
    pub const START: Self = Self(0);
    /// The greatest number that a double keeps exact.
    pub const MAX: u64 = (1 << 53) - 1;

    /// `None` above [`Seq::MAX`].
    #[must_use]
    pub const fn new(value: u64) -> Option<Self> {
        if value <= Self::MAX { Some(Self(value)) } else { None }
    }

    /// From a stored column; negative or oversized values are clamped into range, which only a
    /// damaged database could hold.
    #[must_use]
    pub fn from_stored(value: i64) -> Self {
        Self(u64::try_from(value).unwrap_or(0).min(Self::MAX))
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// For a database column.
    #[must_use]
    pub const fn stored(self) -> i64 {
        self.0.cast_signed()
    }

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The position before this one; `START` stays.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How many entries lie after `earlier` up to and including this one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `count` entries further.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
