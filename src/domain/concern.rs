//! Whose counts in a room are not what its growth alone tells: who follows the room from afar counts
//! what is unread by the number of messages, which is right for everybody else.

use std::collections::BTreeSet;

use super::{Change, Entry, UserId, mention};

/// People told of by name; from one more on it is everyone.
const MOST: usize = 100;

/// Some people of a room, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    pub people: BTreeSet<UserId>,
    pub everyone: bool,
}

impl Whom {
    #[must_use]
    pub const fn everyone() -> Self {
        Self { people: BTreeSet::new(), everyone: true }
    }

    #[must_use]
    pub fn has(&self, user: UserId) -> bool {
        self.everyone || self.people.contains(&user)
    }

    #[must_use]
    pub fn is_nobody(&self) -> bool {
        !self.everyone && self.people.is_empty()
    }

    pub fn add(&mut self, people: impl IntoIterator<Item = UserId>) {
        if !self.everyone {
            self.people.extend(people);
        }
        if self.everyone || self.people.len() > MOST {
            *self = Self::everyone();
        }
    }

    fn join(&mut self, other: &Self) {
        self.everyone |= other.everyone;
        self.add(other.people.iter().copied());
    }
}

/// Whose counts have to be counted anew after a change of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concern {
    /// What is unread: whoever wrote has read all before it, and what is deleted is unread no more.
    pub unread: Whom,
    /// Who is mentioned, or no longer.
    pub mentions: Whom,
}

impl Concern {
    /// Nothing is known of the change but that there was one.
    #[must_use]
    pub const fn everyone() -> Self {
        Self { unread: Whom::everyone(), mentions: Whom::everyone() }
    }

    /// As far as these entries tell, which do not know what a text was before: rather one too many.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Self {
        let mut concern = Self::default();
        for entry in entries {
            match &entry.change {
                Change::MessageCreated(message) => {
                    concern.unread.add([message.author]);
                    if mention::names_somebody(&message.content) {
                        concern.mentions = Whom::everyone();
                    }
                }
                Change::MessageUpdated(_) => concern.mentions = Whom::everyone(),
                Change::MessageDeleted(_) => concern = Self::everyone(),
                _ => {}
            }
        }
        concern
    }

    #[must_use]
    pub fn is_nobodys(&self) -> bool {
        self.unread.is_nobody() && self.mentions.is_nobody()
    }

    /// That of both changes.
    pub fn join(&mut self, other: &Self) {
        self.unread.join(&other.unread);
        self.mentions.join(&other.mentions);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn of_many_people_it_is_everyone() {
        let mut whom = Whom::default();
        assert!(whom.is_nobody());
        whom.add((0..100).map(user));
        assert!(whom.has(user(99)) && !whom.has(user(100)));
        whom.add([user(100)]);
        assert_eq!(whom, Whom::everyone());
        whom.add([user(1)]);
        assert_eq!(whom, Whom::everyone());
    }

    #[test]
    fn two_changes_concern_whom_either_concerns() {
        let mut both = Concern::default();
        both.unread.add([user(1)]);
        let mut other = Concern::default();
        other.unread.add([user(2)]);
        other.mentions = Whom::everyone();
        both.join(&other);
        assert!(both.unread.has(user(1)) && both.unread.has(user(2)) && !both.unread.has(user(3)));
        assert!(both.mentions.has(user(3)) && !both.is_nobodys());
    }
}
