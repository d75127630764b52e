//! Where files lie, who judges them, and who takes away what nobody shows.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::metered;
use crate::clock::SharedClock;
use crate::files::clamd::Clamd;
use crate::files::objects::{Bucket, Objects};
use crate::files::{Blobs, Collector, Intake};
use crate::settings::{FilePlace, Secret, Settings};
use crate::store::Store;
use crate::telemetry::{Sample, SpreadSample};

/// How long a file that is being taken away may take at the end.
const CLOSE: Duration = Duration::from_secs(3);

/// What the installation keeps files with.
pub(super) struct Filing {
    pub intake: Arc<Intake>,
    collected: Arc<AtomicU64>,
    stop: Arc<Notify>,
    collector: JoinHandle<()>,
}

impl Filing {
    /// Opens the store of files and starts the collector.
    ///
    /// # Errors
    /// One line that names the setting.
    pub(super) fn start(
        settings: &Settings,
        store: Arc<dyn Store>,
        clock: &SharedClock,
    ) -> Result<Self, String> {
        let blobs = blobs(settings)?;
        let files = settings.files.clone();
        if settings.redis_url.is_some() && files.url.is_none() {
            log::warn!("CHAT_FILES_URL is not set: files lie here, where other processes do not find them");
        }
        let scanner =
            files.clamd_address.clone().map(|address| Clamd { address, timeout: files.clamd_timeout });
        let intake =
            Arc::new(Intake::new(store.clone(), blobs.clone(), clock.clone(), scanner, files.clone()));
        let asked = blobs.clone();
        tokio::spawn(async move {
            // Nothing but uploads and reading them needs it, so the start does not wait.
            if let Err(error) = asked.ping().await {
                log::warn!("files cannot be stored or read now: {error}");
            }
        });
        let collected = Arc::<AtomicU64>::default();
        let stop = Arc::<Notify>::default();
        let collector =
            Collector { store, blobs, clock: clock.clone(), settings: files, collected: collected.clone() };
        let collector = tokio::spawn(collector.work(stop.clone()));
        Ok(Self { intake, collected, stop, collector })
    }

    /// What it counts.
    pub(super) fn samples(&self) -> (Vec<Sample>, Vec<SpreadSample>) {
        metered::files(self.intake.counts(), &self.collected)
    }

    /// Waits for what is under way.
    pub(super) async fn close(self) {
        let Self { stop, mut collector, .. } = self;
        stop.notify_one();
        if tokio::time::timeout(CLOSE, &mut collector).await.is_err() {
            // Its files are due again when the lease is over.
            collector.abort();
        }
    }
}

/// Reads what files need, as far as it can be known without storing any.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    match settings.file_place() {
        Some(FilePlace::Folder(_)) => Ok(()),
        _ => blobs(settings).map(drop),
    }
}

fn blobs(settings: &Settings) -> Result<Arc<dyn Blobs>, String> {
    let plain = |secret: &Option<Secret>| {
        secret
            .as_ref()
            .map(|secret| String::from_utf8_lossy(secret.expose()).into_owned())
            .unwrap_or_default()
    };
    let files = &settings.files;
    let objects = match settings.file_place() {
        None => Err("CHAT_FILES_URL: cannot be read".to_owned()),
        Some(FilePlace::Folder(path)) => {
            Objects::folder(&path).map_err(|cause| format!("CHAT_FILES_URL: {}: {cause}", path.display()))
        }
        Some(FilePlace::Bucket { name, prefix }) => {
            let roots = files.s3_ca_file.as_ref().map(|path| {
                fs::read(path).map_err(|cause| format!("CHAT_S3_CA_FILE: {}: {cause}", path.display()))
            });
            let bucket = Bucket {
                name,
                prefix,
                endpoint: files.s3_endpoint.clone(),
                region: files.s3_region.clone(),
                key_id: plain(&files.s3_key_id),
                secret: plain(&files.s3_secret),
                roots: roots.transpose()?,
                timeout: files.s3_timeout,
            };
            Objects::bucket(bucket).map_err(|cause| format!("CHAT_S3_ENDPOINT: {cause}"))
        }
    };
    Ok(Arc::new(objects?))
}
