//! The bus within one process: announcements go round in memory. Nothing between commit and
//! announcement can fail short of the process itself, so there is no outbox table to sweep: a
//! restarted process reads the store.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::{Announcement, Bus, Shard};
use crate::domain::LogHead;

/// Announcements that may wait for one reader before newer ones are dropped.
const WAITING: usize = 1_024;

/// Where several engines within one process meet: the embedded default has one, a simulation
/// three.
#[derive(Default)]
pub struct Exchange {
    readers: Mutex<Vec<Reader>>,
}

struct Reader {
    engine: usize,
    shard: Shard,
    sender: mpsc::Sender<Announcement>,
}

/// One engine's place at an [`Exchange`].
pub struct LocalBus {
    exchange: Arc<Exchange>,
    engine: usize,
}

impl LocalBus {
    /// `engine` tells the engines at one exchange apart.
    #[must_use]
    pub const fn new(exchange: Arc<Exchange>, engine: usize) -> Self {
        Self { exchange, engine }
    }
}

impl Bus for LocalBus {
    fn publish(&self, shard: Shard, announcement: Announcement) {
        let mut readers = self.exchange.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // Who published has delivered already. A full reader keeps its place and loses this one
        // announcement; a gone one is forgotten.
        readers.retain(|reader| {
            reader.engine == self.engine
                || reader.shard != shard
                || !matches!(
                    reader.sender.try_send(announcement.clone()),
                    Err(mpsc::error::TrySendError::Closed(_))
                )
        });
    }

    fn subscribe(&self, shard: Shard) -> mpsc::Receiver<Announcement> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let reader = Reader { engine: self.engine, shard, sender };
        self.exchange.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        receiver
    }

    /// A store that serves one process keeps no outbox.
    fn take_announced(&self) -> Vec<LogHead> {
        Vec::new()
    }

    fn is_up(&self) -> bool {
        true
    }

    fn is_lossy(&self) -> bool {
        false
    }
}
