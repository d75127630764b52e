//! The one delivery rule. Whatever its source (own commit, bus entry, backfill), an entry passes
//! here before it reaches a socket: the next one is delivered, a seen one dropped, and a gap is
//! held until the store has filled it.

use std::collections::BTreeMap;

use super::{Entry, Seq};

/// What became of an offered entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It was the next; it and what was held behind it wait in [`Timeline::take`].
    Delivered,
    /// Delivered before.
    Seen,
    /// Entries are missing before it: read the range after the cursor from the store.
    Gap,
}

/// The position of one room in one process.
#[derive(Debug)]
pub struct Timeline {
    cursor: Seq,
    ready: Vec<Entry>,
    held: BTreeMap<Seq, Entry>,
    hold_at_most: usize,
}

impl Timeline {
    /// `cursor` is the last position that counts as delivered; at most `hold_at_most` entries
    /// wait behind a gap. More are forgotten: the store still has them.
    #[must_use]
    pub const fn new(cursor: Seq, hold_at_most: usize) -> Self {
        Self { cursor, ready: Vec::new(), held: BTreeMap::new(), hold_at_most }
    }

    /// The last position delivered.
    #[must_use]
    pub const fn cursor(&self) -> Seq {
        self.cursor
    }

    /// Whether entries wait behind a gap.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        !self.held.is_empty()
    }

    /// The places of entries that wait behind a gap.
    #[must_use]
    pub fn held(&self) -> Vec<Seq> {
        self.held.keys().copied().collect()
    }

    /// Entries that wait no longer, for there are none at these places.
    pub fn forget_held(&mut self, seqs: impl IntoIterator<Item = Seq>) {
        for seq in seqs {
            self.held.remove(&seq);
        }
    }

    /// Offers an entry from any source, in any order, any number of times.
    pub fn offer(&mut self, entry: Entry) -> Offer {
        if entry.seq <= self.cursor {
            return Offer::Seen;
        }
        if entry.seq != self.cursor.next() {
            self.hold(entry);
            return Offer::Gap;
        }
        self.cursor = entry.seq;
        self.ready.push(entry);
        while let Some(entry) = self.held.remove(&self.cursor.next()) {
            self.cursor = entry.seq;
            self.ready.push(entry);
        }
        Offer::Delivered
    }

    /// What is to be delivered now, in order, without a hole, each entry once.
    pub fn take(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.ready)
    }

    fn hold(&mut self, entry: Entry) {
        self.held.insert(entry.seq, entry);
        if self.held.len() > self.hold_at_most {
            self.held.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Change, RoomId, Timestamp, UserId};

    fn entry(seq: u64) -> Entry {
        Entry {
            room: RoomId(Uuid::nil()),
            seq: Seq::new(seq).expect("small"),
            at: Timestamp::default(),
            change: Change::MemberLeft { user: UserId(Uuid::nil()), by: None, is_banned: false },
        }
    }

    fn numbers(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|e| e.seq.get()).collect()
    }

    #[test]
    fn the_next_is_delivered_the_seen_dropped_and_a_gap_held() {
        let mut timeline = Timeline::new(Seq::START, 8);
        assert_eq!(timeline.offer(entry(1)), Offer::Delivered);
        assert_eq!(timeline.offer(entry(1)), Offer::Seen);
        assert_eq!(timeline.offer(entry(3)), Offer::Gap);
        assert_eq!(numbers(&timeline.take()), [1]);
        assert!(timeline.has_gap());
        assert_eq!(timeline.offer(entry(2)), Offer::Delivered);
        assert_eq!(numbers(&timeline.take()), [2, 3]);
        assert!(!timeline.has_gap());
    }

    proptest! {
        /// Any shuffle with repeats, followed by one backfill of the whole range, delivers each
        /// entry once and in order, whatever the hold bound.
        #[test]
        fn any_schedule_then_a_backfill_delivers_everything_once_in_order(
            schedule in prop::collection::vec(1..=40_u64, 0..200),
            hold in 0..10_usize,
        ) {
            let mut timeline = Timeline::new(Seq::START, hold);
            let mut delivered = Vec::new();
            for seq in schedule {
                timeline.offer(entry(seq));
                delivered.extend(numbers(&timeline.take()));
            }
            for seq in 1..=40 {
                timeline.offer(entry(seq));
            }
            delivered.extend(numbers(&timeline.take()));
            prop_assert_eq!(delivered, (1..=40).collect::<Vec<_>>());
        }

        /// Never more than the bound waits behind a gap.
        #[test]
        fn what_is_held_is_bounded(seqs in prop::collection::vec(2..=1_000_u64, 0..300)) {
            let mut timeline = Timeline::new(Seq::START, 16);
            for seq in seqs {
                timeline.offer(entry(seq));
                prop_assert!(timeline.held.len() <= 16);
            }
        }
    }
}
