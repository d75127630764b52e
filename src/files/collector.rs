//! Takes away files that nothing shows: what was uploaded and never sent, what was never finished,
//! pictures that were replaced, and, some time after, files of messages that were deleted.
//!
//! The database says first that a file is gone for everybody; then its bytes go; its row goes last.
//! Whoever dies on the way leaves a row by which another finds the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Blob, BlobError, Blobs};
use crate::clock::SharedClock;
use crate::domain::FileId;
use crate::settings::FileSettings;
use crate::store::{FilePurpose, Store, StoreError, Unused};

/// Files of one round.
const AT_ONCE: usize = 100;
/// For how long a file is one collector's: if he dies, another takes it then.
const LEASE: Duration = Duration::from_secs(300);

/// What a collector works with.
pub struct Collector {
    pub store: Arc<dyn Store>,
    pub blobs: Arc<dyn Blobs>,
    pub clock: SharedClock,
    pub settings: FileSettings,
    /// Files taken away.
    pub collected: Arc<AtomicU64>,
}

impl Collector {
    /// Collects until `stop` rings.
    pub async fn work(self, stop: Arc<Notify>) {
        loop {
            let pause = match self.round().await {
                // There may be more.
                Ok(AT_ONCE) => Duration::ZERO,
                Ok(_) => self.settings.collect_interval,
                Err(error) => {
                    log::warn!("files that nothing shows were not looked for: {error}");
                    self.settings.collect_interval
                }
            };
            tokio::select! {
                () = stop.notified() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Takes away what is due, and answers how many files were.
    ///
    /// # Errors
    /// When the database could not be asked.
    pub async fn round(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let due =
            Unused { never_sent: now.minus(self.settings.unsent), deleted: now.minus(self.settings.deleted) };
        let found = self.store.take_unused_files(due, now, now.plus(LEASE), AT_ONCE).await?;
        let count = found.len();
        for (id, purpose) in found {
            match self.take_away(id, purpose).await {
                Ok(()) => {
                    self.store.file_gone(id).await?;
                    self.collected.fetch_add(1, Ordering::Relaxed);
                }
                // It is due again when the lease is over.
                Err(error) => log::warn!("file {id} was not taken away: {error}"),
            }
        }
        Ok(count)
    }

    async fn take_away(&self, id: FileId, purpose: FilePurpose) -> Result<(), BlobError> {
        for blob in Blob::all_of(id, purpose) {
            self.blobs.delete(blob).await?;
        }
        Ok(())
    }
}
