//! Writes the announcements of one lane: whatever waits leaves in one pipeline, at once.

use std::sync::Arc;

use deadpool_redis::redis::{self, Pipeline, RedisResult};
use tokio::sync::{mpsc, oneshot};

use super::connection::{Connection, Server};
use super::health::{Counters, Pulse, add};
use super::lanes::Lanes;
use super::wire;
use crate::bus::announced::Announced;
use crate::bus::{Announcement, Shard};
use crate::domain::PodId;

/// Most announcements in one pipeline.
const MOST: usize = 1_024;
/// Attempts to write the same announcements. Then they are dropped: later ones should not wait
/// behind them, and the outbox still knows them.
const ATTEMPTS: u32 = 4;

/// The members of an entry: who wrote it, and what.
pub(super) const BY: &str = "p";
pub(super) const WHAT: &str = "e";

/// What a lane's writer is asked to do, in order.
pub(super) enum Job {
    Append(Shard, Announcement),
    /// Say when everything before this is done.
    Tell(oneshot::Sender<()>),
}

/// The writer of one lane. Ends when nobody can send it a job any more.
pub(super) struct Writer {
    pub server: Arc<Server>,
    pub lanes: Lanes,
    pub lane: usize,
    pub pod: PodId,
    pub length: usize,
    pub queue: mpsc::Receiver<Job>,
    pub pulse: Arc<Pulse>,
    pub announced: Arc<Announced>,
    pub counters: Arc<Counters>,
}

impl Writer {
    pub(super) async fn run(mut self) {
        let mut backoff = self.server.backoff();
        let mut connection: Option<Connection> = None;
        let (mut batch, mut attempts) = (Vec::new(), 0);
        // Since the last write failed on a connection that stood: that there is another one does not
        // say that Redis writes. It may be full, or be no longer the one that is written to.
        let mut refused = false;
        loop {
            let Some(redis) = &mut connection else {
                match self.server.connect(self.server.timeout()).await {
                    Ok(made) => {
                        if !refused {
                            self.well();
                            backoff.reset();
                        }
                        connection = Some(made);
                    }
                    Err(error) => {
                        self.complain(&error.to_string());
                        attempts += 1;
                        self.give_up(&mut batch, &mut attempts);
                        if batch.is_empty() && self.queue.is_closed() && self.queue.is_empty() {
                            return;
                        }
                        backoff.wait().await;
                    }
                }
                continue;
            };
            // Only what waits: the first announcement after a silence leaves alone and at once. Where
            // nothing waits that would find out whether Redis writes again, it is asked.
            let asks = refused && batch.is_empty() && self.queue.is_empty() && !self.queue.is_closed();
            if batch.is_empty() && !asks {
                attempts = 0;
                if self.queue.recv_many(&mut batch, MOST).await == 0 {
                    return;
                }
            }
            let pipeline = if asks { self.question() } else { self.pipeline(&mut batch) };
            match self.write(redis, &pipeline).await {
                Ok(()) => {
                    if !pipeline.is_empty() {
                        refused = false;
                        self.well();
                        backoff.reset();
                    }
                    if !asks {
                        add(&self.counters.entries, pipeline.len());
                        self.done(&mut batch);
                    }
                }
                // What was written of them before the connection broke is written again: readers
                // know each entry by its number.
                Err(error) => {
                    self.complain(&error.to_string());
                    add(&self.counters.reconnects, 1);
                    connection = None;
                    attempts += 1;
                    self.give_up(&mut batch, &mut attempts);
                    // A connection that was lost is replaced at once.
                    if std::mem::replace(&mut refused, true) {
                        backoff.wait().await;
                    }
                }
            }
        }
    }

    /// What cannot be written at all is taken out of the batch.
    fn pipeline(&self, batch: &mut Vec<Job>) -> Pipeline {
        let mut pipeline = redis::pipe();
        batch.retain(|job| {
            let Job::Append(shard, announcement) = job else { return true };
            let bytes = match wire::encode(announcement) {
                Ok(bytes) => bytes,
                Err(error) => {
                    log::error!("an announcement was not written: {error}");
                    add(&self.counters.dropped_failed, 1);
                    return false;
                }
            };
            let append = pipeline.cmd("XADD").arg(self.lanes.stream(*shard));
            append.arg("MAXLEN").arg("~").arg(self.length).arg("*");
            append.arg(BY).arg(self.pod.0.as_bytes()).arg(WHAT).arg(bytes).ignore();
            true
        });
        pipeline
    }

    /// Changes nothing, and is refused where an entry would be: by a Redis that is full, a replica,
    /// one that cannot save.
    fn question(&self) -> Pipeline {
        let mut pipeline = redis::pipe();
        let key = self.lanes.question(self.lane);
        pipeline.cmd("SETRANGE").arg(key).arg(0).arg("").ignore();
        pipeline
    }

    async fn write(&self, redis: &mut Connection, pipeline: &Pipeline) -> RedisResult<()> {
        if pipeline.is_empty() {
            return Ok(());
        }
        add(&self.counters.pipelines, 1);
        self.pulse.begin();
        pipeline.exec_async(redis).await
    }

    fn done(&self, batch: &mut Vec<Job>) {
        let written = batch.iter().filter_map(|job| match job {
            Job::Append(_, announcement) => Some(announcement),
            Job::Tell(_) => None,
        });
        self.announced.confirm(written);
        tell(batch);
    }

    fn well(&self) {
        if self.pulse.answered() {
            log::info!("announcements are written to Redis");
        }
    }

    fn give_up(&self, batch: &mut Vec<Job>, attempts: &mut u32) {
        if *attempts >= ATTEMPTS {
            let lost = batch.iter().filter(|job| matches!(job, Job::Append(..))).count();
            add(&self.counters.dropped_failed, lost);
            tell(batch);
            *attempts = 0;
        }
    }

    /// Once per outage.
    fn complain(&self, why: &str) {
        if self.pulse.failed() {
            log::warn!("announcements are not written to Redis, readers look into the database: {why}");
        }
    }
}

fn tell(batch: &mut Vec<Job>) {
    for job in batch.drain(..) {
        if let Job::Tell(done) = job {
            // Who asked may have gone.
            let _gone = done.send(());
        }
    }
}
