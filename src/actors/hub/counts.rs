//! What counts for those whom the growth of a room does not tell it: who wrote on another device, who
//! is mentioned, who had a message that is deleted. Each is told as the store has it, so that no
//! device counts for ever what is not so. The store is asked for many at once, once at a time, and
//! never because of a message that concerns nobody here.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::rc::Rc;

use uuid::Uuid;

use super::HubCore;
use crate::actors::link::Link;
use crate::actors::outbox::Topic;
use crate::domain::{Concern, Counts, RoomId, UserId};
use crate::protocol::news;
use crate::store::StoreError;

/// People counted for in one question; the others follow.
const PART: usize = 500;
/// Ticks until a store that did not answer is asked again, and a slow connection told again.
const AGAIN: u64 = 4;
/// Ticks for which what a mark counted may be ahead of the growth that is told.
const AHEAD: u64 = 8;

/// Somebody in a room.
type Place = (RoomId, UserId);

/// Whose counts are to be told, each with whether also to those of his connections that read the room.
pub(super) type Asked = BTreeMap<Place, bool>;

#[derive(Default)]
pub(super) struct Owed {
    asked: RefCell<Asked>,
    /// Those with a connection that was too slow to be told.
    late: RefCell<Asked>,
    /// Who moved a mark lately, and when: his counts have messages of which no bump told yet.
    marked: RefCell<HashMap<Place, u64>>,
    /// The store is being asked.
    asking: Cell<bool>,
    /// The last one of whom it was asked, so that each has his turn.
    last: Cell<Option<Place>>,
    /// Not before this tick.
    pause: Cell<u64>,
}

impl Owed {
    fn add(&self, place: Place, readers: bool) {
        *self.asked.borrow_mut().entry(place).or_default() |= readers;
    }

    fn part(&self) -> Asked {
        let mut asked = self.asked.borrow_mut();
        let last = self.last.get().unwrap_or((RoomId(Uuid::nil()), UserId(Uuid::nil())));
        let after = asked.range((Excluded(last), Unbounded)).chain(asked.range((Unbounded, Included(last))));
        let places: Vec<_> = after.take(PART).map(|(place, _)| *place).collect();
        self.last.set(places.last().copied());
        places.into_iter().filter_map(|place| asked.remove_entry(&place)).collect()
    }
}

impl HubCore {
    /// A change of a room concerns some who follow it here.
    pub(super) fn owe(&self, room: RoomId, links: &[Rc<Link>], concern: &Concern) {
        if concern.is_nobodys() && self.owed.marked.borrow().is_empty() {
            return;
        }
        for link in links {
            let Some(user) = link.user() else { continue };
            let mentions = concern.mentions.has(user);
            let unread = concern.unread.has(user) || self.has_marked(room, user);
            // Who reads the room counts by himself what is unread, and cannot know whom a text means.
            if mentions || (unread && !link.rooms.borrow().contains(&room)) {
                self.owed.add((room, user), mentions);
            }
        }
    }

    /// A mark was moved, and one of the user's connections was told what counts then.
    pub(super) fn note_marked(&self, room: RoomId, user: UserId) {
        self.owed.marked.borrow_mut().insert((room, user), self.now());
    }

    /// Whether growth may be in the counts of a mark already.
    pub(super) fn has_marked(&self, room: RoomId, user: UserId) -> bool {
        self.owed.marked.borrow().contains_key(&(room, user))
    }

    /// A connection came to follow a room of which it knows nothing yet.
    pub(super) fn owe_newcomer(&self, room: RoomId, link: &Link) {
        if let Some(user) = link.user() {
            self.owed.add((room, user), false);
        }
    }

    /// Whom the store is to be asked of now; nobody while it is being asked.
    pub(super) fn next_owed(&self) -> Option<Asked> {
        let owed = &self.owed;
        if owed.asking.get() || owed.asked.borrow().is_empty() || self.now() < owed.pause.get() {
            return None;
        }
        owed.asking.set(true);
        Some(owed.part())
    }

    /// The store answered.
    pub(super) fn counted(&self, asked: Asked, answer: Result<Vec<Counts>, StoreError>) {
        self.owed.asking.set(false);
        match answer {
            // Who is not among them is no member any more.
            Ok(counted) => counted.iter().for_each(|counts| {
                let readers = asked.get(&(counts.room, counts.user)).is_some_and(|readers| *readers);
                self.tell_counts(counts, readers);
            }),
            Err(error) => {
                log::warn!("what is unread was not told: {error}");
                self.owed.pause.set(self.now() + AGAIN);
                asked.into_iter().for_each(|(place, readers)| self.owed.add(place, readers));
            }
        }
    }

    fn tell_counts(&self, counts: &Counts, readers: bool) {
        let (room, mut frame) = (counts.room, None);
        for link in self.links_of(counts.user) {
            let reads = link.rooms.borrow().contains(&room);
            let is_told = if reads { readers } else { link.followed.borrow().contains(&room) };
            if is_told {
                let frame = frame.get_or_insert_with(|| news::counts(counts));
                if !link.push_ephemeral(Topic::Counts(room), frame) {
                    *self.owed.late.borrow_mut().entry((room, counts.user)).or_default() |= readers;
                }
            }
        }
    }

    /// Who was too slow is counted for again.
    pub(in crate::actors) fn count_again(&self) {
        self.owed.marked.borrow_mut().retain(|_, at| self.now() - *at < AHEAD);
        if self.now().is_multiple_of(AGAIN) {
            self.owed.late.take().into_iter().for_each(|(place, readers)| self.owed.add(place, readers));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(n: u128) -> Place {
        (RoomId(Uuid::from_u128(n)), UserId(Uuid::from_u128(1)))
    }

    #[test]
    fn each_has_his_turn_however_many_there_are() {
        let owed = Owed::default();
        let add = |from: u128, to: u128| (from..to).for_each(|n| owed.add(place(n), false));
        add(1, 801);
        let first = owed.part();
        assert_eq!((first.len(), first.keys().next().copied()), (PART, Some(place(1))));
        // The first ones come again, and wait until the others were counted for.
        add(1, 501);
        let second = owed.part();
        assert_eq!(second.keys().filter(|at| **at > place(500)).count(), 300);
        assert_eq!(second.len(), PART);
        assert_eq!(owed.part().len(), 300);
        assert!(owed.part().is_empty());
    }

    #[test]
    fn who_is_owed_twice_is_told_once_and_everywhere() {
        let owed = Owed::default();
        owed.add(place(1), true);
        owed.add(place(1), false);
        assert_eq!(owed.part(), BTreeMap::from([(place(1), true)]));
    }
}
