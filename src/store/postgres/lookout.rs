//! Whether what answers now is still the same database: asked whenever that is in doubt, until it
//! is known. Knows no table; what a look is, its maker says. Next: [`super::start`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::NewEpoch;
use super::connection::Connector;
use super::fault::OpenError;
use super::start;

/// The shortest and the longest wait after a look that told nothing.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a look waits for whoever prepares the database, who finds out the same.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// Longest look.
const ONE_LOOK: Duration = Duration::from_secs(30);

type Look = Arc<dyn Fn() -> BoxFuture<'static, Result<(), OpenError>> + Send + Sync>;

/// Looks again, one look at a time. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lookout {
    /// How often there was reason to look.
    doubts: Arc<AtomicU64>,
    /// Whether somebody looks just now.
    looking: Arc<AtomicBool>,
    look: Look,
}

impl Lookout {
    pub(super) fn new(connector: &Connector, new_epoch: NewEpoch) -> Self {
        let connector = connector.clone();
        Self::with(Arc::new(move || {
            let (connector, new_epoch) = (connector.clone(), new_epoch.clone());
            async move { look(&connector, new_epoch).await }.boxed()
        }))
    }

    fn with(look: Look) -> Self {
        Self { doubts: Arc::default(), looking: Arc::default(), look }
    }

    /// Another database may answer from now on. Called on the store's own threads.
    pub(super) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
        if !self.looking.swap(true, Ordering::AcqRel) {
            tokio::spawn(self.clone().run());
        }
    }

    /// Until a look succeeded that began after the last doubt.
    async fn run(self) {
        loop {
            let answered = self.until_known().await;
            // A swap, not a store: it sees the doubt of whoever found this at work.
            self.looking.swap(false, Ordering::AcqRel);
            if self.doubts.load(Ordering::Acquire) == answered || self.looking.swap(true, Ordering::AcqRel) {
                return;
            }
        }
    }

    /// Looks until it is known, however long that takes: a database that is away, refuses, or has
    /// no tables may be replaced by another one at any later time. Answers the doubts that are
    /// dispelled by that.
    async fn until_known(&self) -> u64 {
        let (mut pause, mut said) = (WAITS.0, String::new());
        loop {
            let answered = self.doubts.load(Ordering::Acquire);
            let error = match tokio::time::timeout(ONE_LOOK, (self.look)()).await {
                Ok(Ok(())) => return answered,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {} s", ONE_LOOK.as_secs()),
            };
            if error != said {
                ::log::warn!("whether the database is still the same is not known yet: {error}");
                said = error;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(WAITS.1);
        }
    }
}

async fn look(connector: &Connector, new_epoch: NewEpoch) -> Result<(), OpenError> {
    // One attempt: whoever looks comes again.
    let mut conn = start::connect(connector, Duration::ZERO).await?;
    start::lock(connector, &mut conn, LOCK_WAIT).await?;
    start::identify(&mut conn, &*new_epoch).await.map_err(|error| start::database(connector, &error))?;
    start::unlock(connector, &mut conn).await
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn refused() -> OpenError {
        OpenError::Refused { address: "db".into(), cause: "it does not exist".into() }
    }

    /// Looks that end as the test says, and are told of when they begin.
    fn lookout() -> (Lookout, mpsc::UnboundedReceiver<tokio::sync::oneshot::Sender<Result<(), OpenError>>>) {
        let (begun, looks) = mpsc::unbounded_channel();
        let look: Look = Arc::new(move || {
            let (end, ended) = tokio::sync::oneshot::channel();
            begun.send(end).expect("the test listens");
            async move { ended.await.expect("the test answers") }.boxed()
        });
        (Lookout::with(look), looks)
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_for_a_day_looks_again_and_again() {
        let (lookout, mut looks) = lookout();
        lookout.doubt();
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < Duration::from_secs(86_400) {
            looks.recv().await.expect("a look").send(Err(refused())).expect("it waits");
        }
        looks.recv().await.expect("a look").send(Ok(())).expect("it waits");
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        assert!(looks.try_recv().is_err(), "it is known");
    }

    #[tokio::test(start_paused = true)]
    async fn a_doubt_during_a_look_is_another_look() {
        let (lookout, mut looks) = lookout();
        lookout.doubt();
        let first = looks.recv().await.expect("a look");
        lookout.doubt();
        lookout.doubt();
        first.send(Ok(())).expect("it waits");
        looks.recv().await.expect("a second look").send(Ok(())).expect("it waits");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(looks.try_recv().is_err(), "both doubts were dispelled by it");
        lookout.doubt();
        assert!(looks.recv().await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_hangs_is_given_up() {
        let (lookout, mut looks) = lookout();
        lookout.doubt();
        let hangs = looks.recv().await.expect("a look");
        looks.recv().await.expect("another").send(Ok(())).expect("it waits");
        assert!(hangs.is_closed());
    }
}
