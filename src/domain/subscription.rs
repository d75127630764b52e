//! Joining history to live: how a subscription is answered. No state of a reader is kept between
//! connections: the reader brings his position, and any process can serve him.

use super::Seq;

/// How much a connection is told of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Every event.
    Full,
    /// That it grew, at most once per second.
    Bump,
    /// Nothing.
    None,
}

impl Level {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Bump => "bump",
            Self::None => "none",
        }
    }

    /// From the word on the wire.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Full, Self::Bump, Self::None].into_iter().find(|level| level.as_str() == word)
    }
}

/// Why a client has to drop what it holds of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// The database's history is another one.
    Epoch,
    /// The log no longer reaches back so far.
    Retention,
    /// The position is beyond the head: the database was restored.
    AheadOfHead,
    /// The asker is no member (any more).
    Membership,
}

impl ResetReason {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Retention => "retention",
            Self::AheadOfHead => "aheadOfHead",
            Self::Membership => "membership",
        }
    }
}

/// What a subscription is answered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Live from the head on; nothing was missed.
    UpToDate,
    /// The entries `from..=to` follow; then live, unless `more`: ask again after `to`.
    Replay { from: Seq, to: Seq, more: bool },
    /// Drop the room's cache and page the history; live from the head on.
    Reset(ResetReason),
}

/// How a reader at `after` is served by a log that holds `first_retained..=head`, replaying at
/// most `limit` entries in one go. The reader may see it from `visible_from` on. It is always
/// explicit: either every entry after `after` will come, or the answer is a reset.
#[must_use]
pub fn plan(after: Seq, head: Seq, first_retained: Seq, visible_from: Seq, limit: u64) -> Answer {
    if after > head {
        return Answer::Reset(ResetReason::AheadOfHead);
    }
    if after.next() < visible_from {
        return Answer::Reset(ResetReason::Membership);
    }
    if after.next() < first_retained {
        return Answer::Reset(ResetReason::Retention);
    }
    let missed = head.since(after);
    if missed == 0 {
        return Answer::UpToDate;
    }
    let to = after.plus(missed.min(limit));
    Answer::Replay { from: after.next(), to, more: to < head }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seq(value: u64) -> Seq {
        Seq::new(value).expect("small")
    }

    #[test]
    fn a_reader_just_before_the_first_retained_entry_still_resumes() {
        assert_eq!(
            plan(seq(9), seq(12), seq(10), seq(0), 500),
            Answer::Replay { from: seq(10), to: seq(12), more: false }
        );
        assert_eq!(plan(seq(8), seq(12), seq(10), seq(0), 500), Answer::Reset(ResetReason::Retention));
    }

    #[test]
    fn without_budget_a_replay_promises_more_and_sends_nothing() {
        assert_eq!(
            plan(seq(3), seq(9), seq(1), seq(0), 0),
            Answer::Replay { from: seq(4), to: seq(3), more: true }
        );
    }

    #[test]
    fn who_may_read_since_joining_begins_there() {
        let plan = |after| plan(seq(after), seq(12), seq(1), seq(10), 500);
        assert_eq!(plan(8), Answer::Reset(ResetReason::Membership));
        assert_eq!(plan(9), Answer::Replay { from: seq(10), to: seq(12), more: false });
        assert_eq!(plan(12), Answer::UpToDate);
    }

    proptest! {
        /// Asking again after each answer reaches the head, in steps within the limit, without a
        /// hole, or says reset.
        #[test]
        fn asking_again_reaches_the_head_without_a_hole(
            after in 0..60_u64, head in 0..60_u64, first in 1..60_u64, limit in 1..20_u64,
        ) {
            let (mut at, head, first) = (seq(after), seq(head), seq(first));
            for _ in 0..100 {
                match plan(at, head, first, seq(0), limit) {
                    Answer::UpToDate => {
                        prop_assert_eq!(at, head);
                        return Ok(());
                    }
                    Answer::Reset(ResetReason::AheadOfHead) => {
                        prop_assert!(at > head);
                        return Ok(());
                    }
                    Answer::Reset(_) => {
                        prop_assert!(at.next() < first);
                        return Ok(());
                    }
                    Answer::Replay { from, to, more } => {
                        prop_assert_eq!(from, at.next());
                        prop_assert!(to.since(at) <= limit && to > at && to <= head);
                        prop_assert_eq!(more, to < head);
                        at = to;
                    }
                }
            }
            prop_assert!(false, "never reached the head");
        }
    }
}
