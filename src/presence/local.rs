//! Leases within one process. They cannot lapse: what holds them dies with what they are about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;

use super::{Answer, Leases, People};
use crate::domain::presence::Presence;
use crate::domain::{PodId, Timestamp, UserId};

/// Where several engines within one process meet: the embedded default has one, a simulation three.
#[derive(Debug, Default)]
pub struct Lobby(Mutex<BTreeMap<PodId, People>>);

impl Lobby {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PodId, People>> {
        // Each person is written at once: a panic leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the lapse of a lease does to an engine that a simulation killed.
    pub fn lapse(&self, pod: PodId) {
        self.lock().remove(&pod);
    }
}

/// One engine's lease in a [`Lobby`].
#[derive(Debug)]
pub struct LocalLeases {
    lobby: Arc<Lobby>,
    pod: PodId,
}

impl LocalLeases {
    #[must_use]
    pub fn new(lobby: Arc<Lobby>, pod: PodId) -> Self {
        lobby.lock().entry(pod).or_default();
        Self { lobby, pod }
    }
}

impl Leases for LocalLeases {
    fn put(&self, changes: Vec<(UserId, Presence)>) -> Answer<'_, ()> {
        let mut pods = self.lobby.lock();
        let people = pods.entry(self.pod).or_default();
        for (user, presence) in changes {
            if presence.connections == 0 {
                people.remove(&user);
            } else {
                people.insert(user, presence);
            }
        }
        async { Ok(()) }.boxed()
    }

    fn all(&self) -> Answer<'_, BTreeMap<PodId, People>> {
        let all = self.lobby.lock().clone();
        async { Ok(all) }.boxed()
    }

    fn release(&self, now: Timestamp) -> Answer<'_, ()> {
        if let Some(people) = self.lobby.lock().get_mut(&self.pod) {
            people.values_mut().for_each(|presence| *presence = presence.ended(now));
        }
        async { Ok(()) }.boxed()
    }
}
