//! The front door of the engine for everything that is not a socket.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::mail::{Submission, ToHub, ToRoom};
use super::pod::Pod;
use super::reply::Reply;
use crate::domain::{Committed, Entry, Operation, RoomId, SessionId};
use crate::error::{Code, Fault};

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

    /// Tells a room of entries that were committed apart from it, such as a new room's first
    /// members.
    pub fn announce(&self, entries: Vec<Entry>) {
        if let Some(room) = entries.first().map(|entry| entry.room) {
            self.pod.tell_room(room, ToRoom::Announce(entries.into()));
        }
    }

    /// Closes every socket of a login that has ended, with 4303.
    pub fn end_login(&self, session: SessionId) {
        self.pod.note_ended(session);
        self.pod.tell_every_hub(|| ToHub::EndLogin { session });
    }
}
