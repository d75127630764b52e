//! Follows the messages with the index that finds them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::store::Store;

/// It pauses at least for so long.
const LEAST: Duration = Duration::from_millis(10);
/// Changes of one commit: few, as on SQLite whoever sends waits behind it.
const AT_ONCE: usize = 64;
/// How long a commit that is under way may take at the end.
const CLOSE: Duration = Duration::from_secs(3);

/// The one follower of a process; of several, one works at a time.
pub(super) struct Following {
    stop: Arc<Notify>,
    follower: JoinHandle<()>,
}

impl Following {
    pub(super) fn start(store: Arc<dyn Store>, pause: Duration) -> Self {
        let stop = Arc::<Notify>::default();
        let follower = tokio::spawn(follow(store, pause, stop.clone()));
        Self { stop, follower }
    }

    /// What waits is followed by whoever starts next.
    pub(super) async fn close(self) {
        let Self { stop, mut follower } = self;
        stop.notify_one();
        if tokio::time::timeout(CLOSE, &mut follower).await.is_err() {
            follower.abort();
        }
    }
}

async fn follow(store: Arc<dyn Store>, pause: Duration, stop: Arc<Notify>) {
    let mut follows = true;
    loop {
        let done = store.index_messages(AT_ONCE).await;
        // Once for each time that it goes away.
        if let (true, Err(error)) = (follows, &done) {
            log::warn!("new messages are not found, as the index cannot follow: {error}");
        }
        follows = done.is_ok();
        // After a full turn there may be more. Most of the time nothing waits.
        let wait = if matches!(done, Ok(AT_ONCE)) { Duration::ZERO } else { pause.max(LEAST) };
        tokio::select! {
            () = stop.notified() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}
