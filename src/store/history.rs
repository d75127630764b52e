//! The history of rooms from any place in it.

use super::{Answer, MessagePage};
use crate::domain::{Message, MessageId, Reaction, RoomId, Seq, Thread, Timestamp, UserId};

/// Where a page of history is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The newest.
    Newest,
    /// Strictly below this `seq`.
    Before(Seq),
    /// Strictly above this `seq`: the oldest of them.
    After(Seq),
    /// This message and what is about it.
    Around(MessageId),
    /// What is about the first message of that moment or later.
    At(Timestamp),
}

/// What people added to messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// The oldest first for each message.
    pub reactions: Vec<Reaction>,
    pub pinned: Vec<MessageId>,
    /// Of those that somebody answered.
    pub threads: Vec<Thread>,
}

/// Messages from any place.
pub trait History: Send + Sync + 'static {
    /// A page of what the viewer may see of the history, at this place.
    ///
    /// # Errors
    /// `NotFound`/`NotMember` when the viewer may not read the room; `NotFound` for a message of
    /// another room, or from before what he may read.
    fn messages_at(
        &self,
        room: RoomId,
        viewer: UserId,
        limit: usize,
        place: Place,
    ) -> Answer<'_, MessagePage>;

    /// What is pinned in a room, of what the viewer may see; the last pinned first.
    ///
    /// # Errors
    /// `NotFound`/`NotMember` when the viewer may not read the room.
    fn pins(&self, room: RoomId, viewer: UserId) -> Answer<'_, Vec<Message>>;

    /// The signs of these messages, which of them are pinned, and what there is to tell of the threads
    /// that they began, whoever may read them. One call, as every page of history asks for all of it.
    fn annotations(&self, messages: Vec<MessageId>, viewer: UserId) -> Answer<'_, Annotations>;
}

/// Which side of a position a page is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Older,
    Newer,
    Both,
}

/// A position in a room's history, and how much is wanted of it: what is older lies strictly below.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) at: Seq,
    pub(super) side: Side,
    pub(super) limit: usize,
}

impl Cut {
    pub(super) fn new(at: Seq, side: Side, limit: usize) -> Self {
        Self { at, side, limit: limit.max(1) }
    }

    /// How many older messages to read, and how many newer: one more than the page can hold, which
    /// tells whether another page follows.
    pub(super) const fn reads(self) -> (usize, usize) {
        let most = self.limit.saturating_add(1);
        match self.side {
            Side::Older => (most, 1),
            Side::Newer => (1, most),
            Side::Both => (most, most),
        }
    }

    /// The page of what was read: the older ones descending, the newer ones ascending.
    pub(super) fn page(self, mut older: Vec<Message>, mut newer: Vec<Message>) -> MessagePage {
        let above = match self.side {
            Side::Older => 0,
            Side::Newer => self.limit,
            // Where one side is short, the other fills the page.
            Side::Both => (self.limit - self.limit / 2).max(self.limit.saturating_sub(older.len())),
        };
        let above = above.min(newer.len());
        let below = match self.side {
            Side::Newer => 0,
            Side::Older | Side::Both => (self.limit - above).min(older.len()),
        };
        let (is_more_below, is_more_above) = (older.len() > below, newer.len() > above);
        older.truncate(below);
        newer.truncate(above);
        let messages: Vec<Message> = newer.into_iter().rev().chain(older).collect();
        let oldest = messages.last().map_or(self.at, |message| message.seq);
        let newest = messages.first().map_or(self.at.previous(), |message| message.seq);
        MessagePage {
            messages,
            next: is_more_below.then_some(oldest),
            newer: is_more_above.then_some(newest),
        }
    }
}

/// Looks for the first message of a moment or later by halves: clocks go forward with `seq`, but
/// for when one is set back, and then it is one of the places where that moment was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Halving {
    moment: Timestamp,
    low: Seq,
    high: Seq,
}

impl Halving {
    /// Among those from `first` on, up to and including `head`.
    pub(super) fn new(moment: Timestamp, first: Seq, head: Seq) -> Self {
        Self { moment, low: first, high: head.next().max(first) }
    }

    /// The first message of this stretch, the end excluded, is to be told next; `None`: it is found.
    pub(super) fn probe(&self) -> Option<(Seq, Seq)> {
        let (low, high) = (self.low.get(), self.high.get());
        (low < high).then(|| (self.low.plus((high - low) / 2), self.high))
    }

    /// What is there, if anything is.
    pub(super) fn told(&mut self, from: Seq, found: Option<(Seq, Timestamp)>) {
        match found {
            Some((seq, at)) if at < self.moment => self.low = seq.next(),
            _ => self.high = from,
        }
    }

    /// At or above this lies the message.
    pub(super) const fn place(&self) -> Seq {
        self.low
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seq(n: u64) -> Seq {
        Seq::new(n).expect("small")
    }

    proptest! {
        #[test]
        fn halving_finds_the_first_message_of_a_moment(
            gaps in prop::collection::vec((1_u64..4, 0_i64..3), 0..40), moment in -1_i64..80, first in 1_u64..9,
        ) {
            // Messages at some numbers only, at times that never go back.
            let mut messages = Vec::new();
            let (mut at, mut time) = (0, 0);
            for (step, passed) in gaps {
                (at, time) = (at + step, time + passed);
                messages.push((seq(at), Timestamp::from_millis(time)));
            }
            let moment = Timestamp::from_millis(moment);
            let mut halving = Halving::new(moment, seq(first), seq(at));
            let mut asked = 0;
            while let Some((from, to)) = halving.probe() {
                halving.told(from, messages.iter().find(|(seq, _)| (from..to).contains(seq)).copied());
                asked += 1;
            }
            prop_assert!(asked <= 9, "{}", asked);
            let visible = || messages.iter().filter(|(seq, _)| seq.get() >= first);
            let found = visible().find(|(seq, _)| *seq >= halving.place());
            prop_assert_eq!(found, visible().find(|(_, time)| *time >= moment));
        }
    }
}
