//! People as they show themselves, find and avoid each other.

use super::Answer;
use crate::domain::{ProfileChange, RoomId, Timestamp, User, UserEntry, UserId};

/// Profiles, lookup and blocks.
pub trait People: Send + Sync + 'static {
    /// Changes what somebody tells of himself, and writes `profile.updated` into his own log when
    /// that changed anything; both in one transaction.
    ///
    /// # Errors
    /// `NotFound` when there is no such account.
    fn change_profile(
        &self,
        user: UserId,
        change: ProfileChange,
        now: Timestamp,
    ) -> Answer<'_, (User, Option<UserEntry>)>;

    /// Active accounts whose names begin so, without case, by name. `prefix` is the beginning of a
    /// name's key.
    fn users_by_prefix(&self, prefix: String, limit: usize) -> Answer<'_, Vec<User>>;

    /// Whom somebody blocks, the last blocked first.
    fn blocks_of(&self, user: UserId) -> Answer<'_, Vec<User>>;

    /// From now on `user` blocks `blocked`; again is no error. `most` is how many one may block.
    ///
    /// # Errors
    /// `NotFound` when there is no such account; `TooLarge` when there are as many already.
    fn block(&self, user: UserId, blocked: UserId, most: usize, now: Timestamp) -> Answer<'_, ()>;

    /// And no longer; not having blocked him is no error.
    fn unblock(&self, user: UserId, blocked: UserId) -> Answer<'_, ()>;

    /// Who of a conversation of two blocks the other, in no order; nobody in any other room.
    fn blockers(&self, room: RoomId) -> Answer<'_, Vec<UserId>>;

    /// Whether `blocker` blocks `blocked`: to be asked before somebody is put anywhere by another.
    fn is_blocked(&self, blocker: UserId, blocked: UserId) -> Answer<'_, bool>;
}
