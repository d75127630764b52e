//! Threads: what is told of one beside its messages.

use super::{MessageId, Timestamp, UserId};

/// A thread that has replies, as one person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    pub root: MessageId,
    /// That are not deleted.
    pub replies: u64,
    pub last_reply_at: Timestamp,
    /// Who wrote them, the last first; not all of many.
    pub participants: Vec<UserId>,
    /// Replies by others above his mark, since he joined.
    pub unread: u64,
}

impl Thread {
    /// People that are named.
    pub const NAMED: usize = 5;
}
