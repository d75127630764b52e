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
        loop {
            let Some(redis) = &mut connection else {
                match self.server.connect(self.server.timeout()).await {
                    Ok(made) => {
                        self.pulse.answered();
                        backoff.reset();
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
            // Only what waits: the first announcement after a silence leaves alone and at once.
            if batch.is_empty() {
                attempts = 0;
                if self.queue.recv_many(&mut batch, MOST).await == 0 {
                    return;
                }
            }
            let pipeline = self.pipeline(&mut batch);
            match self.write(redis, &pipeline).await {
                Ok(()) => {
                    add(&self.counters.entries, pipeline.len());
                    self.done(&mut batch);
                }
                // What was written of them before the connection broke is written again: readers
                // know each entry by its number.
                Err(error) => {
                    self.complain(&error.to_string());
                    add(&self.counters.reconnects, 1);
                    connection = None;
                    attempts += 1;
                    self.give_up(&mut batch, &mut attempts);
                    if attempts > 1 {
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

    async fn write(&self, redis: &mut Connection, pipeline: &Pipeline) -> RedisResult<()> {
        if pipeline.is_empty() {
            return Ok(());
        }
        add(&self.counters.pipelines, 1);
        self.pulse.begin();
        pipeline.exec_async(redis).await
    }

    fn done(&self, batch: &mut Vec<Job>) {
        if self.pulse.answered() {
            log::info!("announcements are written to Redis again");
        }
        let written = batch.iter().filter_map(|job| match job {
            Job::Append(_, announcement) => Some(announcement),
            Job::Tell(_) => None,
        });
        self.announced.confirm(written);
        tell(batch);
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
