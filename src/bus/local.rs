//! The bus of a single process: announcements go round in memory. Nothing between commit and
//! announcement can fail short of the process itself, so there is no outbox table to sweep: a
//! restarted process reads the store.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::{Announcement, Bus, SHARDS, Shard};

/// Announcements that may wait for one reader before newer ones are dropped.
const WAITING: usize = 1_024;

/// The in-process bus.
pub struct LocalBus {
    readers: Vec<Mutex<Vec<mpsc::Sender<Announcement>>>>,
}

impl Default for LocalBus {
    fn default() -> Self {
        Self { readers: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Bus for LocalBus {
    fn publish(&self, shard: Shard, entries: Announcement) {
        let Some(readers) = self.readers.get(shard.index()) else { return };
        let mut readers = readers.lock().unwrap_or_else(PoisonError::into_inner);
        // A full reader keeps its place and loses this one announcement; a gone one is forgotten.
        readers.retain(|reader| {
            !matches!(reader.try_send(entries.clone()), Err(mpsc::error::TrySendError::Closed(_)))
        });
    }

    fn subscribe(&self, shard: Shard) -> mpsc::Receiver<Announcement> {
        let (sender, receiver) = mpsc::channel(WAITING);
        if let Some(readers) = self.readers.get(shard.index()) {
            readers.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        }
        receiver
    }

    fn is_lossy(&self) -> bool {
        false
    }
}
