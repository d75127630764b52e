//! Reactions as people look at them. Next: [`super::History::annotations`], which tells of them.

use crate::domain::{MessageId, Reaction, UserId};

/// People named with each sign; the others are counted.
pub(super) const NAMED: i64 = 20;

/// Puts rows together: one for each of the first people of a sign, with how many they are in all.
pub(super) fn gathered(rows: impl Iterator<Item = (MessageId, String, UserId, i64, bool)>) -> Vec<Reaction> {
    let mut all: Vec<Reaction> = Vec::new();
    for (message, emoji, user, count, is_own) in rows {
        match all.last_mut() {
            Some(last) if last.message == message && last.emoji.as_str() == emoji => last.users.push(user),
            _ => all.push(Reaction {
                message,
                emoji: crate::domain::Emoji::from_stored(emoji),
                count: u64::try_from(count).unwrap_or(0),
                users: vec![user],
                is_own,
            }),
        }
    }
    all
}
