//! The way of a file in: judged, shown to the scanner, noted, stored, and only then to be used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::clamd::{Clamd, Verdict};
use super::judge::{self, Judged, Rules, Thumbnail, Unfit};
use super::pool::{NotDone, Pool};
use super::{Blob, BlobError, Blobs, Labels, disposition};
use crate::clock::SharedClock;
use crate::domain::{Attachment, FileId, FileKind, FileName, Refusal, Timestamp, UserId};
use crate::error::{Code, Fault};
use crate::settings::FileSettings;
use crate::store::{FilePurpose, NewFile, Store, StoreError};

/// When to come back after the answer was that too many come at once.
const COME_BACK: Duration = Duration::from_secs(2);
const UNNAMED: &str = "file";

/// How uploads end, as a metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken.
    Stored,
    /// None of the sorts that are taken, or too large, or over the quota.
    Refused,
    /// The scanner found something.
    Infected,
    /// It ended before it was whole.
    Cut,
    /// Our own fault, or too many at once.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Stored, Self::Refused, Self::Infected, Self::Cut, Self::Failed];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Refused => "refused",
            Self::Infected => "infected",
            Self::Cut => "cut",
            Self::Failed => "failed",
        }
    }
}

/// Upper bounds of the time that an upload takes to be judged and stored, in milliseconds.
const TIMES: [u64; 9] = [10, 25, 50, 100, 250, 500, 1_000, 5_000, 30_000];

/// What becomes of uploads.
#[derive(Debug, Default)]
pub struct Counts {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    bytes: AtomicU64,
    thumbnails: AtomicU64,
    times: [AtomicU64; TIMES.len() + 1],
    time: AtomicU64,
}

impl Counts {
    /// An upload ended so.
    pub fn ended(&self, outcome: Outcome) {
        if let Some(count) = self.outcomes.get(outcome as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many ended so.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(outcome as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Bytes that were stored.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Thumbnails that were made.
    #[must_use]
    pub fn thumbnails(&self) -> u64 {
        self.thumbnails.load(Ordering::Relaxed)
    }

    fn took(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let place = TIMES.partition_point(|bound| *bound < millis);
        if let Some(count) = self.times.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.time.fetch_add(millis, Ordering::Relaxed);
    }

    /// How long uploads took that were stored: bounds in seconds, how many below each, their sum.
    #[must_use]
    pub fn times(&self) -> (Vec<f64>, Vec<u64>, f64) {
        let counts = self.times.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let bounds = TIMES.iter().map(|bound| *bound as f64 / 1_000.0).collect();
        (bounds, counts, self.time.load(Ordering::Relaxed) as f64 / 1_000.0)
    }
}

/// Takes files.
pub struct Intake {
    store: Arc<dyn Store>,
    blobs: Arc<dyn Blobs>,
    clock: SharedClock,
    pool: Pool,
    places: Arc<Semaphore>,
    scanner: Option<Clamd>,
    settings: FileSettings,
    counts: Arc<Counts>,
}

impl Intake {
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Arc<dyn Blobs>,
        clock: SharedClock,
        scanner: Option<Clamd>,
        settings: FileSettings,
    ) -> Self {
        let pool = Pool::new(settings.judges, settings.judge_queue);
        let places = Arc::new(Semaphore::new(settings.uploads));
        Self { store, blobs, clock, pool, places, scanner, settings, counts: Arc::default() }
    }

    /// What becomes of uploads.
    #[must_use]
    pub const fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Where the bytes lie.
    #[must_use]
    pub const fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.blobs
    }

    /// A place for an upload, to be held until it is taken: each may need its size in memory.
    ///
    /// # Errors
    /// `unavailable` when as many are under way as may.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        self.places.clone().try_acquire_owned().map_err(|_| {
            self.counts.ended(Outcome::Failed);
            come_back()
        })
    }

    /// Takes a file that a message may be sent with.
    ///
    /// # Errors
    /// `unsupportedMedia`, `tooLarge`, or `unavailable` with when to come back.
    pub async fn attachment(
        &self,
        owner: UserId,
        name: Option<&str>,
        bytes: Bytes,
    ) -> Result<Attachment, Fault> {
        let begun = self.clock.now();
        let taken = self.take_attachment(owner, name.unwrap_or(UNNAMED), bytes).await;
        self.count(begun, taken)
    }

    async fn take_attachment(&self, owner: UserId, name: &str, bytes: Bytes) -> Result<Attachment, Turned> {
        let rules = self.rules();
        let upload = bytes.clone();
        let Judged { kind, bytes: kept, thumbnail } =
            self.judge(move || judge::judge(&upload, &rules)).await?;
        self.scan(&bytes).await?;
        let attachment = Attachment {
            id: FileId(self.clock.id()),
            name: FileName::tidy(name, kind),
            media_type: kind.media_type().to_owned(),
            size: kept.len() as u64,
            has_thumbnail: thumbnail.is_some(),
        };
        let id = attachment.id;
        let shown = disposition(kind.is_image(), attachment.name.as_str());
        let mut parts = vec![(Blob::Attachment(id), kept, kind, shown)];
        if let Some(Thumbnail { kind, bytes }) = thumbnail {
            self.counts.thumbnails.fetch_add(1, Ordering::Relaxed);
            parts.push((Blob::Thumbnail(id), bytes, kind, "inline".to_owned()));
        }
        self.keep(owner, FilePurpose::Attachment, attachment.clone(), parts).await?;
        Ok(attachment)
    }

    /// Takes a picture of somebody, and shows it from now on.
    ///
    /// # Errors
    /// As for [`Intake::attachment`].
    pub async fn avatar(&self, owner: UserId, bytes: Bytes) -> Result<FileId, Fault> {
        let begun = self.clock.now();
        let taken = self.take_avatar(owner, bytes).await;
        self.count(begun, taken)
    }

    async fn take_avatar(&self, owner: UserId, bytes: Bytes) -> Result<FileId, Turned> {
        let rules = self.rules();
        let upload = bytes.clone();
        let Thumbnail { kind, bytes: kept } = self.judge(move || judge::avatar(&upload, &rules)).await?;
        self.scan(&bytes).await?;
        // Everybody who knows it sees the picture: nobody may guess it from when it was made.
        let mut random = [0; 16];
        self.clock.random(&mut random);
        let id = FileId(uuid::Builder::from_random_bytes(random).into_uuid());
        let shown = Attachment {
            id,
            name: FileName::tidy("avatar", kind),
            media_type: kind.media_type().to_owned(),
            size: kept.len() as u64,
            has_thumbnail: false,
        };
        let parts = vec![(Blob::Avatar(id), kept, kind, "inline".to_owned())];
        self.keep(owner, FilePurpose::Avatar, shown, parts).await?;
        self.store.set_avatar(owner, Some(id)).await.map_err(store_fault)?;
        Ok(id)
    }

    /// Row first, bytes after, and only then whole: whoever dies between leaves a row that the
    /// collector finds.
    async fn keep(
        &self,
        owner: UserId,
        purpose: FilePurpose,
        attachment: Attachment,
        parts: Vec<(Blob, Bytes, FileKind, String)>,
    ) -> Result<(), Fault> {
        let id = attachment.id;
        let stored_size = parts.iter().map(|(_, bytes, ..)| bytes.len() as u64).sum();
        let served = parts.first().map(|(_, bytes, ..)| bytes.clone()).unwrap_or_default();
        let sha256 = Sha256::digest(&served).into();
        let new = NewFile { owner, purpose, attachment, stored_size, sha256, now: self.clock.now() };
        self.store.reserve_file(new, self.settings.quota).await.map_err(store_fault)?;
        self.counts.bytes.fetch_add(stored_size, Ordering::Relaxed);
        for (blob, bytes, kind, disposition) in parts {
            let labels = Labels { media_type: kind.media_type().to_owned(), disposition };
            self.blobs.put(blob, bytes, labels).await.map_err(blob_fault)?;
        }
        if self.store.complete_file(id).await.map_err(store_fault)? { Ok(()) } else { Err(come_back()) }
    }

    async fn judge<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Unfit> + Send + 'static,
    ) -> Result<T, Fault> {
        match self.pool.run(work).await {
            Ok(Ok(judged)) => Ok(judged),
            Ok(Err(Unfit::Refused(why))) => Err(Fault::new(Code::UnsupportedMedia, why)),
            Ok(Err(Unfit::TooLarge(why))) => Err(Fault::new(Code::TooLarge, why)),
            Err(NotDone::Full) => Err(come_back()),
            Err(NotDone::Panicked) => {
                log::error!("judging a file panicked");
                Err(Fault::new(Code::UnsupportedMedia, judge::NONE_OF_THEM))
            }
        }
    }

    async fn scan(&self, bytes: &Bytes) -> Result<(), Turned> {
        let Some(clamd) = &self.scanner else { return Ok(()) };
        match clamd.scan(bytes).await {
            Ok(Verdict::Clean) => Ok(()),
            Ok(Verdict::Infected(name)) => {
                log::warn!("an upload was refused: {name}");
                let fault = Fault::new(Code::UnsupportedMedia, "the scanner found something in this file");
                Err(Turned { outcome: Outcome::Infected, fault })
            }
            Err(error) => {
                log::warn!("an upload was refused: {error}");
                Err(come_back().into())
            }
        }
    }

    fn count<T>(&self, begun: Timestamp, taken: Result<T, Turned>) -> Result<T, Fault> {
        match &taken {
            Ok(_) => {
                self.counts.ended(Outcome::Stored);
                self.counts.took(self.clock.now().since(begun));
            }
            Err(turned) => self.counts.ended(turned.outcome),
        }
        taken.map_err(|turned| turned.fault)
    }

    fn rules(&self) -> Rules {
        Rules {
            pixels: self.settings.pixels,
            frames: self.settings.frames,
            unpacked: self.settings.unpacked,
            thumbnail: THUMBNAIL,
            avatar: AVATAR,
        }
    }
}

/// The longer side of a thumbnail, in pixels.
const THUMBNAIL: u32 = 480;
/// The side of somebody's picture, in pixels.
const AVATAR: u32 = 256;

/// Turned away, and how it is counted.
struct Turned {
    outcome: Outcome,
    fault: Fault,
}

impl From<Fault> for Turned {
    fn from(fault: Fault) -> Self {
        let outcome = if fault.code.status() < 500 { Outcome::Refused } else { Outcome::Failed };
        Self { outcome, fault }
    }
}

fn come_back() -> Fault {
    let mut fault = Fault::from(Refusal::Unavailable);
    fault.retry_after = Some(COME_BACK);
    fault
}

fn store_fault(error: StoreError) -> Fault {
    match error {
        StoreError::Refused(refusal) => refusal.into(),
        StoreError::Unavailable(cause) | StoreError::InDoubt(cause) => {
            log::warn!("a file was not noted: {cause}");
            come_back()
        }
    }
}

fn blob_fault(error: BlobError) -> Fault {
    log::error!("a file was not stored: {error}");
    come_back()
}
