//! Mail that waits.

use super::Answer;
use crate::domain::{Letter, LetterId, Timestamp};

/// The queue of mail. Other calls put letters in it with what they are about, in one transaction.
pub trait Letters: Send + Sync + 'static {
    /// Puts a letter into the queue.
    fn post(&self, letter: Letter) -> Answer<'_, ()>;

    /// Hands out at most `limit` letters that are due, the longest due first, and counts the
    /// attempt. Until `until` they are due for nobody: of several carriers one gets each. Letters
    /// of a kind that this server does not know stay where they are.
    fn take_letters(&self, now: Timestamp, until: Timestamp, limit: usize) -> Answer<'_, Vec<Letter>>;

    /// The letter is delivered, or nobody wants it any more.
    fn letter_done(&self, id: LetterId) -> Answer<'_, ()>;

    /// The letter is due again at `due`.
    fn letter_later(&self, id: LetterId, due: Timestamp) -> Answer<'_, ()>;

    /// How many letters wait, those under way included, and when the oldest was written.
    fn letters_waiting(&self) -> Answer<'_, (u64, Option<Timestamp>)>;
}
