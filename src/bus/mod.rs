//! The doorbell. The bus tells other processes that a room's log grew; losing, doubling, delaying
//! or reordering an announcement may delay a reader, never lose, repeat or reorder a message.
//!
//! Names the domain only. Next: [`shard`], then [`local`].

pub mod local;
pub mod shard;

use std::sync::Arc;

pub use shard::{SHARDS, Shard};
use tokio::sync::mpsc;

use crate::domain::Entry;

/// Entries of one shard's rooms, as another process (or this one) committed them.
pub type Announcement = Arc<[Entry]>;

/// What carries announcements between processes.
pub trait Bus: Send + Sync + 'static {
    /// Announces committed entries of one shard. Never waits and never fails: what cannot be
    /// announced is counted by the adapter, and readers repair the silence from the store.
    fn publish(&self, shard: Shard, entries: Announcement);

    /// The announcements of one shard from now on; those that this engine published itself may or
    /// may not be among them. Bounded: a
    /// reader that lags loses announcements, which the repair of silence makes good.
    fn subscribe(&self, shard: Shard) -> mpsc::Receiver<Announcement>;

    /// Whether an announcement can get lost, so that rooms must compare heads with the store.
    fn is_lossy(&self) -> bool;
}

/// What actors hold.
pub type SharedBus = Arc<dyn Bus>;
