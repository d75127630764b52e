//! How far people have received and read rooms: high-water marks, merged by maximum. They are
//! state, not log entries; what is unread is derived from them and never counted up.

use std::collections::HashMap;

use super::{Head, RoomId, RoomSettings, Seq, UserId};

/// One member's marks in one room. Who has read has received: `read <= received`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub received: Seq,
    pub read: Seq,
}

impl Marks {
    /// These marks after a device told of `received` and `read`; nothing ever moves back, nor
    /// beyond `head`.
    #[must_use]
    pub fn moved(self, received: Seq, read: Seq, head: Seq) -> Self {
        let read = self.read.max(read.min(head));
        Self { received: self.received.max(received.min(head)).max(read), read }
    }
}

/// A device's wish to move marks. [`Seq::START`] leaves a mark where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkMove {
    pub user: UserId,
    pub room: RoomId,
    pub received: Seq,
    pub read: Seq,
}

impl MarkMove {
    /// One move for each user and room, in the order in which they first come, and for each of
    /// `moves` the place of the one that it became part of.
    #[must_use]
    pub fn merge(moves: &[Self]) -> (Vec<Self>, Vec<usize>) {
        let mut places: HashMap<(UserId, RoomId), usize> = HashMap::with_capacity(moves.len());
        let mut merged: Vec<Self> = Vec::with_capacity(moves.len());
        let mut became = Vec::with_capacity(moves.len());
        for wish in moves {
            let place = *places.entry((wish.user, wish.room)).or_insert(merged.len());
            match merged.get_mut(place) {
                Some(first) => {
                    first.received = first.received.max(wish.received);
                    first.read = first.read.max(wish.read);
                }
                None => merged.push(*wish),
            }
            became.push(place);
        }
        (merged, became)
    }
}

/// What a member has not read: messages by others above `read` that are not deleted, and how many
/// of them name the member (`@username`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    pub messages: u64,
    pub mentions: u64,
}

/// Where a room stands for one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomState {
    pub head: Head,
    /// Messages ever sent in the room, deleted ones included: what lets a client count on from
    /// `unread` by subtraction.
    pub messages: u64,
    pub marks: Marks,
    pub unread: Unread,
    pub settings: RoomSettings,
}

/// What counts for one member of one room, as of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub room: RoomId,
    pub user: UserId,
    pub head: Seq,
    /// As in [`RoomState`].
    pub messages: u64,
    pub marks: Marks,
    pub unread: Unread,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn moves_of_one_member_in_one_room_become_one() {
        let seq = |n| Seq::new(n).expect("small");
        let wish = |user, room, received, read| MarkMove {
            user: UserId(Uuid::from_u128(user)),
            room: RoomId(Uuid::from_u128(room)),
            received: seq(received),
            read: seq(read),
        };
        let (merged, became) =
            MarkMove::merge(&[wish(1, 1, 5, 0), wish(2, 1, 1, 1), wish(1, 1, 3, 2), wish(1, 2, 4, 4)]);
        assert_eq!(merged, [wish(1, 1, 5, 2), wish(2, 1, 1, 1), wish(1, 2, 4, 4)]);
        assert_eq!(became, [0, 1, 0, 2]);
    }

    proptest! {
        #[test]
        fn marks_never_go_back_nor_beyond_the_head_and_merge_in_any_order(
            moves in proptest::collection::vec((0..40_u64, 0..40_u64), 0..8), head in 0..30_u64,
        ) {
            let seq = |n| Seq::new(n).expect("small");
            let step =
                |marks: Marks, (received, read): &(u64, u64)| marks.moved(seq(*received), seq(*read), seq(head));
            let forth = moves.iter().fold(Marks::default(), step);
            let back = moves.iter().rev().fold(Marks::default(), step);
            prop_assert_eq!(forth, back);
            prop_assert!(forth.read <= forth.received && forth.received <= seq(head));
        }
    }
}
