//! Follows the messages with the index that finds them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::metered;
use crate::store::{Portion, Store, Turn, index_portion};
use crate::telemetry::Sample;

/// It pauses at least for so long.
const LEAST: Duration = Duration::from_millis(10);
/// How often it is counted what waits: where much does, counting costs.
const COUNTED: Duration = Duration::from_secs(5);
/// How long a commit that is under way may take at the end.
const CLOSE: Duration = Duration::from_secs(3);

/// The one follower of a process; of several, one works at a time.
pub(super) struct Following {
    stop: Arc<Notify>,
    follower: JoinHandle<()>,
    waiting: Arc<AtomicU64>,
}

impl Following {
    pub(super) fn start(store: Arc<dyn Store>, pause: Duration) -> Self {
        let stop = Arc::<Notify>::default();
        let waiting = Arc::<AtomicU64>::default();
        let follower = tokio::spawn(follow(store, pause, waiting.clone(), stop.clone()));
        Self { stop, follower, waiting }
    }

    /// What waits for it.
    pub(super) fn samples(&self) -> Vec<Sample> {
        metered::following(&self.waiting)
    }

    /// What waits is followed by whoever starts next.
    pub(super) async fn close(self) {
        let Self { stop, mut follower, .. } = self;
        stop.notify_one();
        if tokio::time::timeout(CLOSE, &mut follower).await.is_err() {
            follower.abort();
        }
    }
}

async fn follow(store: Arc<dyn Store>, pause: Duration, waiting: Arc<AtomicU64>, stop: Arc<Notify>) {
    let mut follows = true;
    let mut counted: Option<Instant> = None;
    loop {
        if counted.is_none_or(|at| at.elapsed() >= COUNTED) {
            counted = Some(Instant::now());
            match store.unindexed_count().await {
                Ok(changes) => waiting.store(changes, Ordering::Relaxed),
                Err(error) => log::debug!("what waits for the index was not counted: {error}"),
            }
        }
        let done = index_portion(&*store, Portion::USUAL).await;
        // Once for each time that it goes away.
        if let (true, Err(error)) = (follows, &done) {
            log::warn!("new messages are not found, as the index cannot follow: {error}");
        }
        follows = done.is_ok();
        // Most of the time nothing waits.
        let wait = match done {
            Ok(Turn { more: true, .. }) => Duration::ZERO,
            _ => pause.max(LEAST),
        };
        tokio::select! {
            () = stop.notified() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}
