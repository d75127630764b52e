//! The time, read once for what happens at once: a message that a thousand sockets take costs no
//! thousand looks at the clock.

use std::cell::Cell;
use std::task::{Context, Poll, Waker};

use crate::clock::Clock;
use crate::domain::Timestamp;

/// So often a time is used: that many writes take less than the millisecond that is counted in.
const USES: u8 = 64;

/// The time of this turn of the thread.
#[derive(Default)]
pub(super) struct Moment {
    now: Cell<Timestamp>,
    /// How often it may be used yet.
    uses: Cell<u8>,
    /// Whether somebody ends the turns.
    ends: Cell<bool>,
    /// To be told that a turn has begun.
    end: Cell<Option<Waker>>,
}

impl Moment {
    /// The time: read in this turn, not more than so many uses ago.
    pub(super) fn now(&self, clock: &dyn Clock) -> Timestamp {
        if let Some(left) = self.uses.get().checked_sub(1) {
            self.uses.set(left);
            return self.now.get();
        }
        let now = clock.now();
        if self.ends.get() {
            self.now.set(now);
            self.uses.set(USES - 1);
            if let Some(end) = self.end.take() {
                end.wake();
            }
        }
        now
    }

    /// Ends each turn in which the time was read: whatever was ready before this runs before it. For a
    /// task of the same thread; never ready.
    pub(super) fn end(&self, cx: &Context<'_>) -> Poll<()> {
        self.uses.set(0);
        self.ends.set(true);
        self.end.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    /// Each look at it is a millisecond.
    #[derive(Debug, Default)]
    struct Looks(AtomicI64);

    impl Clock for Looks {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
        }

        fn random(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn times(moment: &Moment, clock: &Looks, count: usize) -> Vec<i64> {
        (0..count).map(|_| moment.now(clock).millis()).collect()
    }

    #[test]
    fn a_turn_has_one_time_and_the_next_another() {
        let (moment, clock) = (Moment::default(), Looks::default());
        let end = || assert_eq!(moment.end(&Context::from_waker(Waker::noop())), Poll::Pending);
        // As long as nobody ends turns, each look is one at the clock.
        assert_eq!(times(&moment, &clock, 2), [0, 1]);
        end();
        assert_eq!(times(&moment, &clock, 3), [2, 2, 2]);
        end();
        assert_eq!(times(&moment, &clock, 2), [3, 3]);
        assert_eq!(times(&moment, &clock, 63).last(), Some(&4));
    }
}
