//! The front door of the engine for everything that is not a socket.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::mail::{Mark, Submission, ToRoom};
use super::pod::Pod;
use super::reply::Reply;
use crate::bus::{Announcement, RoomNews, Shard};
use crate::domain::{Committed, Concern, Entry, MarkMove, Operation, RoomId, SessionId, UserEntry};
use crate::error::{Code, Fault};
use crate::store::Moved;

/// Submits operations to rooms. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    pod: Arc<Pod>,
}

impl Registry {
    #[must_use]
    pub const fn new(pod: Arc<Pod>) -> Self {
        Self { pod }
    }

    /// Applies an operation; answers when it is committed.
    ///
    /// # Errors
    /// The refusal of the rule, or `unavailable` when nothing was stored.
    pub async fn submit(&self, room: RoomId, operation: Operation) -> Result<Committed, Fault> {
        let (sender, answer) = oneshot::channel();
        let submission = Submission { operation, reply: Reply::caller(sender) };
        self.pod.tell_room(room, ToRoom::Submit(submission));
        // The sender is dropped unanswered only with the engine itself.
        answer.await.unwrap_or_else(|_| Err(Fault::new(Code::Unavailable, "the server is stopping")))
    }

    /// Moves a member's marks; answers when it is committed.
    ///
    /// # Errors
    /// The refusal of the rule, or `unavailable` when nothing was stored.
    pub async fn mark(&self, wish: MarkMove) -> Result<Moved, Fault> {
        let (sender, answer) = oneshot::channel();
        self.pod.mark(Mark { wish, reply: Reply::caller(sender) });
        answer.await.unwrap_or_else(|_| Err(Fault::new(Code::Unavailable, "the server is stopping")))
    }

    /// Tells everyone of a room that was made apart from its actor: of its first entries, and its
    /// members of what stands in their own logs.
    pub fn announce(&self, entries: Vec<Entry>, told: Vec<UserEntry>) {
        if let Some(room) = entries.first().map(|entry| entry.room) {
            // Its members are counted for by `room.added`.
            let concern = Concern::default();
            let news = Arc::new(RoomNews { room, entries, messages: 0, members: None, concern });
            self.pod.bus.publish(Shard::of(room), Announcement::Room(news.clone()));
            self.pod.tell_room(room, ToRoom::Announce(news));
        }
        self.pod.tell_users(told);
    }

    /// Closes every socket of a login that has ended, with 4303, in all processes.
    pub fn end_login(&self, session: SessionId) {
        self.pod.bus.publish(Shard::of_id(session.0), Announcement::LoginEnded(session));
        self.pod.login_ended(session);
    }
}
