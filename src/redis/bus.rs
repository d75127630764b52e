//! The bus on Redis Streams: one stream per shard, one writer and one reader per lane.
//!
//! Redis is a doorbell and no store: what it loses is found by gaps, by the comparison of heads and
//! by the sweeper of the outbox. So nothing here waits for Redis but the tasks of the lanes.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::connection::Server;
use super::health::{Counters, Counts, Lags, Pulse, add};
use super::lanes::Lanes;
use super::reader::Reader;
use super::writer::{Job, Writer};
use crate::bus::announced::Announced;
use crate::bus::{Announcement, Bus, SHARDS, Shard};
use crate::clock::SharedClock;
use crate::domain::{LogHead, PodId};

/// Announcements that may wait for one reader within this process before newer ones are dropped.
const WAITING: usize = 1_024;

/// What the lanes work with.
pub(super) struct BusOptions {
    pub(super) clock: SharedClock,
    pub pod: PodId,
    pub stream_length: usize,
    pub queue: usize,
    #[cfg(feature = "torture")]
    pub faults: Faults,
}

/// Faults on purpose, for a torture to find or to bear.
#[cfg(feature = "torture")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Readers ask for what is new at each read, and lose what came between two reads.
    pub dollar: bool,
    /// Percent of the announcements that get lost without a trace: a crash after the commit.
    pub fail_append: u64,
}

#[cfg(feature = "torture")]
impl Faults {
    /// `CHAT_BROKEN=dollar` and `CHAT_FAIL_APPEND=<percent>`.
    #[must_use]
    pub fn from_env() -> Self {
        let fail_append = std::env::var("CHAT_FAIL_APPEND").ok().and_then(|percent| percent.parse().ok());
        let dollar = std::env::var("CHAT_BROKEN").is_ok_and(|what| what.split(',').any(|w| w == "dollar"));
        Self { dollar, fail_append: fail_append.unwrap_or(0) }
    }
}

/// Who listens within this process, by shard.
pub(super) struct Listeners(Vec<RwLock<Vec<mpsc::Sender<Announcement>>>>);

impl Listeners {
    fn new() -> Self {
        Self((0..SHARDS).map(|_| RwLock::default()).collect())
    }

    fn add(&self, shard: Shard) -> mpsc::Receiver<Announcement> {
        let (sender, receiver) = mpsc::channel(WAITING);
        if let Some(listeners) = self.0.get(shard.index()) {
            listeners.write().unwrap_or_else(PoisonError::into_inner).push(sender);
        }
        receiver
    }

    /// A full listener keeps its place and loses this one; a gone one is forgotten.
    pub(super) fn tell(&self, shard: Shard, announcement: &Announcement, lost: &AtomicU64) {
        let Some(listeners) = self.0.get(shard.index()) else { return };
        let mut gone = false;
        for listener in listeners.read().unwrap_or_else(PoisonError::into_inner).iter() {
            match listener.try_send(announcement.clone()) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => add(lost, 1),
                Err(mpsc::error::TrySendError::Closed(_)) => gone = true,
            }
        }
        if gone {
            let mut listeners = listeners.write().unwrap_or_else(PoisonError::into_inner);
            listeners.retain(|listener| !listener.is_closed());
        }
    }
}

struct Lane {
    jobs: mpsc::Sender<Job>,
    writer: Arc<Pulse>,
    reader: Arc<Pulse>,
}

/// A [`Bus`] between processes. Dropping it ends its tasks.
pub struct RedisBus {
    lanes: Lanes,
    tasks: Vec<Lane>,
    listeners: Arc<Listeners>,
    announced: Arc<Announced>,
    counters: Arc<Counters>,
    lags: Arc<Lags>,
    #[cfg(feature = "torture")]
    failing: Failing,
}

impl RedisBus {
    /// Starts the tasks of all lanes on `io`. The receiver answers once every lane knows from where
    /// it reads: whatever is announced after that is read. It never answers while Redis is away.
    pub(super) fn start(
        io: &Handle,
        server: &Arc<Server>,
        lanes: Lanes,
        options: &BusOptions,
    ) -> (Self, oneshot::Receiver<()>) {
        let counters = Arc::new(Counters::default());
        let lags = Arc::new(Lags::new(options.clock.clone()));
        let listeners = Arc::new(Listeners::new());
        let announced = Arc::new(Announced::default());
        let (mut tasks, mut positions) = (Vec::new(), Vec::new());
        for lane in 0..usize::from(lanes.count()) {
            let (jobs, queue) = mpsc::channel(options.queue);
            let (known, position) = oneshot::channel();
            positions.push(position);
            let writer = Writer {
                server: server.clone(),
                lanes: lanes.clone(),
                lane,
                pod: options.pod,
                length: options.stream_length,
                queue,
                pulse: Arc::new(Pulse::new(Duration::from_secs(1))),
                announced: announced.clone(),
                counters: counters.clone(),
            };
            let reader = Reader::new(
                server.clone(),
                &lanes,
                lane,
                options.pod,
                listeners.clone(),
                counters.clone(),
                lags.clone(),
                known,
                #[cfg(feature = "torture")]
                options.faults.dollar,
            );
            let (write_pulse, read_pulse) = (writer.pulse.clone(), reader.pulse());
            io.spawn(writer.run());
            // A reader has no queue whose end could tell it to end.
            io.spawn(until_closed(jobs.clone().downgrade(), reader));
            tasks.push(Lane { jobs, writer: write_pulse, reader: read_pulse });
        }
        let (all, known) = oneshot::channel();
        io.spawn(async move {
            for position in positions {
                if position.await.is_err() {
                    return;
                }
            }
            // Who started the bus may have given up waiting.
            let _nobody_waits = all.send(());
        });
        let bus = Self {
            lanes,
            tasks,
            listeners,
            announced,
            counters,
            lags,
            #[cfg(feature = "torture")]
            failing: Failing { percent: options.faults.fail_append, count: AtomicU64::new(0) },
        };
        (bus, known)
    }

    /// What happened since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    /// How old the last announcement was, in milliseconds, when it was read here; 0 when a read found none.
    #[must_use]
    pub fn lag(&self, shard: Shard) -> u64 {
        self.lags.of(shard)
    }

    /// Answers when everything published before this call was written or given up.
    pub async fn flush(&self) {
        for lane in &self.tasks {
            let (done, written) = oneshot::channel();
            if lane.jobs.send(Job::Tell(done)).await.is_ok() {
                // A writer that ended has nothing left to write.
                let _ended = written.await;
            }
        }
    }
}

/// Ends with the last sender of the lane's jobs.
async fn until_closed(jobs: mpsc::WeakSender<Job>, reader: Reader) {
    let closed = async {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        while jobs.upgrade().is_some() {
            every.tick().await;
        }
    };
    tokio::select! {
        () = reader.run() => {}
        () = closed => {}
    }
}

impl Bus for RedisBus {
    fn publish(&self, shard: Shard, announcement: Announcement) {
        #[cfg(feature = "torture")]
        if self.failing.fails() {
            return;
        }
        add(&self.counters.appends, 1);
        let lane = self.tasks.get(self.lanes.lane_of(shard));
        if lane.is_none_or(|lane| lane.jobs.try_send(Job::Append(shard, announcement)).is_err()) {
            add(&self.counters.dropped_full, 1);
        }
    }

    fn take_announced(&self) -> Vec<LogHead> {
        self.announced.take()
    }

    fn is_up(&self) -> bool {
        self.tasks.iter().all(|lane| lane.writer.is_well() && lane.reader.is_well())
    }

    fn subscribe(&self, shard: Shard) -> mpsc::Receiver<Announcement> {
        self.listeners.add(shard)
    }

    fn is_lossy(&self) -> bool {
        true
    }
}

/// Loses announcements, spread evenly.
#[cfg(feature = "torture")]
struct Failing {
    percent: u64,
    count: AtomicU64,
}

#[cfg(feature = "torture")]
impl Failing {
    fn fails(&self) -> bool {
        let nth = self.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // 61 and 100 have no common divisor: each hundred loses exactly `percent`, not in a row.
        self.percent > 0 && nth.wrapping_mul(61) % 100 < self.percent
    }
}
