//! Threads: a message and everything that answers it, or answers an answer.

use super::{Answer, MessagePage, Place};
use crate::domain::{Message, MessageId, Seq, Thread, Timestamp, UserId};

/// A page of a thread.
#[derive(Clone, Debug)]
pub struct ThreadPage {
    /// `None` where it is from before the viewer may read.
    pub root: Option<Message>,
    /// Replies, as far as he may.
    pub page: MessagePage,
}

/// Threads.
pub trait Threads: Send + Sync + 'static {
    /// A page of the thread that this message belongs to: its root, or one of its replies. `place` is
    /// the newest, or before or after a `seq`.
    ///
    /// # Errors
    /// `NotFound` when the message is absent or nothing that the viewer may read.
    fn thread(
        &self,
        message: MessageId,
        viewer: UserId,
        limit: usize,
        place: Place,
    ) -> Answer<'_, ThreadPage>;

    /// Moves a person's mark of a thread forward, not beyond the head of the room's log.
    ///
    /// # Errors
    /// As for [`Threads::thread`].
    fn read_thread(&self, message: MessageId, user: UserId, read: Seq) -> Answer<'_, ()>;
}

/// A thread that somebody opened.
pub(super) struct Opened {
    pub(super) root: MessageId,
    /// What he may read of where it began.
    pub(super) seen: Option<Message>,
    /// From here on there may be replies that he may read.
    pub(super) from: Seq,
    /// The head of the room's log.
    pub(super) head: Seq,
}

/// Where a thread begins that this message belongs to.
pub(super) fn root_of(message: &Message) -> MessageId {
    message.thread_root.unwrap_or(message.id)
}

/// What one person wrote in one thread, of what is not deleted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) root: MessageId,
    pub(super) author: UserId,
    pub(super) replies: i64,
    pub(super) last_at: Timestamp,
    pub(super) last_seq: Seq,
    /// Above the viewer's mark.
    pub(super) unread: i64,
}

/// Puts parts together, those of one thread beside each other: of everybody in it the last first.
pub(super) fn gathered(parts: impl Iterator<Item = Part>, viewer: UserId) -> Vec<Thread> {
    let mut all: Vec<(Thread, Vec<(Seq, UserId)>)> = Vec::new();
    for part in parts {
        if all.last().is_none_or(|(thread, _)| thread.root != part.root) {
            let (root, last_reply_at) = (part.root, part.last_at);
            all.push((Thread { root, replies: 0, last_reply_at, participants: vec![], unread: 0 }, vec![]));
        }
        let Some((thread, people)) = all.last_mut() else { continue };
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        thread.replies += count(part.replies);
        thread.last_reply_at = thread.last_reply_at.max(part.last_at);
        thread.unread += if part.author == viewer { 0 } else { count(part.unread) };
        people.push((part.last_seq, part.author));
    }
    let named = |(mut thread, mut people): (Thread, Vec<(Seq, UserId)>)| {
        people.sort_unstable_by(|a, b| b.cmp(a));
        thread.participants = people.into_iter().map(|(_, user)| user).take(Thread::NAMED).collect();
        thread
    };
    all.into_iter().map(named).collect()
}
