//! How the flows of accounts write to people: a letter for the queue, and a ring for the courier.
//! Next: [`super::courier`], who carries it.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::clock::SharedClock;
use crate::domain::{Email, Letter, LetterId, LetterKind, UserId};
use crate::error::{Code, Fault};

/// Writes letters, where this installation sends any. Cheap to clone.
#[derive(Clone)]
pub struct Post {
    clock: SharedClock,
    is_on: bool,
    bell: Arc<Notify>,
}

impl Post {
    /// `is_on` is whether mail goes anywhere.
    #[must_use]
    pub fn new(clock: SharedClock, is_on: bool) -> Self {
        Self { clock, is_on, bell: Arc::default() }
    }

    /// A letter for the queue; `None` where no mail is sent.
    #[must_use]
    pub fn letter(&self, kind: LetterKind, user: Option<UserId>, address: Email) -> Option<Letter> {
        let id = LetterId(self.clock.id());
        let created_at = self.clock.now();
        self.is_on.then_some(Letter { id, kind, user, address, created_at, attempts: 0 })
    }

    /// For what cannot be done without mail.
    ///
    /// # Errors
    /// `forbidden` where none is sent.
    pub fn needed(&self) -> Result<(), Fault> {
        if self.is_on {
            return Ok(());
        }
        Err(Fault::new(Code::Forbidden, "this server sends no mail; ask whoever runs it"))
    }

    /// A letter was put into the queue.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// When one was.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }
}
