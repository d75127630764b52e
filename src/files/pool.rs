//! Where files are judged: not on the threads of sockets and rooms, a few at once, and few waiting.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Turns for work that takes a core and much memory.
pub(super) struct Pool {
    /// Those at work and those who wait.
    places: Arc<Semaphore>,
    /// Those at work.
    turns: Arc<Semaphore>,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotDone {
    /// As many wait as may.
    Full,
    /// The work panicked.
    Panicked,
}

impl Pool {
    pub(super) fn new(at_once: usize, waiting: usize) -> Self {
        let turns = at_once.max(1);
        Self { places: Arc::new(Semaphore::new(turns + waiting)), turns: Arc::new(Semaphore::new(turns)) }
    }

    /// Does `work` on a thread that may be blocked. Whoever stops waiting in time takes his work
    /// along; what has begun is finished, and keeps its turn until then.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| NotDone::Full)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| NotDone::Full)?;
        let held = move || {
            let _held = (place, turn);
            work()
        };
        spawn_blocking(held).await.map_err(|_| NotDone::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn one_works_one_waits_and_one_is_told_to_come_back() {
        let pool = Arc::new(Pool::new(1, 1));
        let (release, released) = mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move || {
                    begin.send(()).expect("the test waits");
                    released.recv().expect("released");
                })
                .await
            }
        });
        begun.await.expect("it works");
        let mut second = Box::pin(pool.run(|| 2));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(pool.run(|| 3).await, Err(NotDone::Full));
        release.send(()).expect("it waits");
        assert_eq!(first.await.expect("no panic"), Ok(()));
        assert_eq!(second.await, Ok(2));
        assert_eq!(
            pool.run(|| std::panic::resume_unwind(Box::new("a bug"))).await,
            Err::<(), _>(NotDone::Panicked)
        );
        assert_eq!(pool.run(|| 4).await, Ok(4));
    }
}
