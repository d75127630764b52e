//! Runs calls on connections without ever blocking the caller: threads of its own, two pools, a
//! bound on what waits.
//!
//! Knows neither tables nor rules. The threads are the store's own, so that it depends on nobody
//! else's runtime: the drivers of the connections live there. Writing and reading have a pool
//! each, so that no crowd of readers keeps a commit waiting. Next: [`super::transaction`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool::Runtime as PoolRuntime;
use deadpool::managed::TimeoutType;
use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, oneshot};

use super::connection::{Connector, LOCK_TIMEOUT, Purpose};
use super::fault::{Fault, OpenError};
use super::lookout::Lookout;
use super::order::{Order, Place};
use crate::domain::RoomId;
use crate::store::{Answer, CallKind, CallTimes, StoreError};

/// Threads that drive the connections. Their work is to move bytes; the database does the rest.
const THREADS: usize = 2;
/// How often a call that left nothing behind is made, and for how long it is begun anew.
const TRIES: usize = 3;
const TRY_WITHIN: Duration = LOCK_TIMEOUT;
/// How long the end waits for calls that are under way.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// How many connections and how long the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) connections: usize,
    pub(super) queue: usize,
    /// How long a call waits for a connection.
    pub(super) wait: Duration,
    /// How long it may take then.
    pub(super) longest: Duration,
}

/// How a pool of connections is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolStatus {
    pub used: usize,
    pub most: usize,
    /// Calls that wait for one.
    pub waiting: usize,
}

/// The store's own threads.
pub(super) struct Io(Option<Runtime>);

impl Io {
    pub(super) fn start() -> Result<Self, OpenError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("store-io")
            .enable_all()
            .build()
            .map_err(|error| OpenError::Threads(error.to_string()))?;
        Ok(Self(Some(runtime)))
    }

    /// Runs `work` there; it goes on when nobody waits for it any more.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, answered) = oneshot::channel();
        // Absent only while it is being dropped, when nobody can call.
        if let Some(runtime) = &self.0 {
            runtime.spawn(async move {
                let _nobody_waits = answer.send(work.await);
            });
        }
        answered
    }

    /// Waits here for `work`, from whatever thread this is.
    fn wait_for(&self, work: impl Future<Output = ()> + Send) {
        let Some(runtime) = &self.0 else { return };
        // A thread that belongs to a runtime may not wait for another.
        let waited = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(work)).join());
        if waited.is_err() {
            ::log::error!("the last wait for the database panicked");
        }
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for it is forbidden where stores are dropped: in asynchronous code.
            runtime.shutdown_background();
        }
    }
}

/// Where calls run.
pub(super) struct Executor {
    pools: Arc<Pools>,
    order: Arc<Order>,
    /// One permit for each call that is under way or waits.
    places: Arc<Semaphore>,
    queue: u32,
    pub(super) times: Arc<CallTimes>,
    // Last: everything above lives on its threads.
    io: Io,
}

struct Pools {
    writers: Pool<AsyncPgConnection>,
    readers: Pool<AsyncPgConnection>,
    connector: Connector,
    lookout: Lookout,
    longest: Duration,
    /// How many losses the idle connections were thrown away for.
    mourned: AtomicU64,
}

/// What goes from thread to thread.
pub(super) trait Shared: Send + Sync + 'static {}
impl<T: Send + Sync + 'static> Shared for T {}

/// What a call does with a connection, perhaps more than once.
pub(super) trait Work<A, T>:
    for<'c> Fn(&'c mut AsyncPgConnection, &'c A) -> BoxFuture<'c, Result<T, Fault>> + Shared
{
}
impl<A, T, F> Work<A, T> for F where
    F: for<'c> Fn(&'c mut AsyncPgConnection, &'c A) -> BoxFuture<'c, Result<T, Fault>> + Shared
{
}

impl Executor {
    /// The pool that writes, then the one that reads.
    pub(super) fn pools(&self) -> [PoolStatus; 2] {
        [&self.pools.writers, &self.pools.readers].map(|pool| {
            let status = pool.status();
            let used = status.size.saturating_sub(status.available);
            PoolStatus { used, most: status.max_size, waiting: status.waiting }
        })
    }

    /// Connections that write.
    pub(super) fn writers(&self) -> usize {
        self.pools.writers.status().max_size
    }

    pub(super) fn new(
        io: Io,
        connector: &Connector,
        size: Size,
        lookout: Lookout,
    ) -> Result<Self, OpenError> {
        let writers = (size.connections / 4).max(1);
        let readers = size.connections.saturating_sub(writers).max(1);
        let pools = Pools {
            writers: pool(connector, writers, size.wait)?,
            readers: pool(connector, readers, size.wait)?,
            connector: connector.clone(),
            lookout,
            longest: size.longest,
            mourned: AtomicU64::new(0),
        };
        let queue = u32::try_from(size.queue.max(1)).unwrap_or(u32::MAX).min(Semaphore::MAX_PERMITS as u32);
        Ok(Self {
            pools: Arc::new(pools),
            order: Arc::default(),
            places: Arc::new(Semaphore::new(queue as usize)),
            queue,
            times: Arc::default(),
            io,
        })
    }

    /// Runs `work` with `args` on a connection that writes.
    pub(super) fn write<A: Shared, T: Shared>(&self, args: A, work: impl Work<A, T>) -> Answer<'static, T> {
        self.submit(true, None, args, work)
    }

    /// Runs `work` on a connection that writes, after every earlier call about one of `rooms`,
    /// whether or not its answer is awaited.
    pub(super) fn write_in_order<A: Shared, T: Shared>(
        &self,
        rooms: Vec<RoomId>,
        args: A,
        work: impl Work<A, T>,
    ) -> Answer<'static, T> {
        self.submit(true, Some(rooms), args, work)
    }

    /// Runs `work`, which changes nothing: it is made again when the database fails.
    pub(super) fn read<A: Shared, T: Shared>(&self, args: A, work: impl Work<A, T>) -> Answer<'static, T> {
        self.submit(false, None, args, work)
    }

    fn submit<A: Shared, T: Shared>(
        &self,
        writes: bool,
        rooms: Option<Vec<RoomId>>,
        args: A,
        work: impl Work<A, T>,
    ) -> Answer<'static, T> {
        let watched = self.times.watch(if writes { CallKind::Write } else { CallKind::Read });
        let Ok(permit) = self.places.clone().try_acquire_owned() else {
            let cause = format!("{} operations are waiting", self.queue);
            return futures_util::future::ready(Err(StoreError::Unavailable(cause))).boxed();
        };
        // Taken now, not when the call is first looked at: that is what its order means.
        let place = rooms.map(|rooms| self.order.place(rooms));
        let pools = self.pools.clone();
        let answered = self.io.run(async move {
            let result = pools.call(writes, place, &args, &work).await;
            drop(permit);
            if matches!(&result, Ok(_) | Err(Fault::Refused(_))) {
                watched.answered();
            }
            // Of what only reads nothing can be stored.
            if writes { result } else { result.map_err(Fault::before_commit) }
        });
        async move {
            match answered.await {
                Ok(result) => Ok(result?),
                // The sender is dropped unused when the call panicked or the store is gone.
                Err(_) => Err(StoreError::InDoubt("the operation was lost".into())),
            }
        }
        .boxed()
    }
}

impl Drop for Executor {
    /// Waits until everything that was asked for is done; a database that does not answer is
    /// waited for a little only.
    fn drop(&mut self) {
        let places = self.places.clone();
        let queue = self.queue;
        self.io.wait_for(async move {
            if tokio::time::timeout(LAST_WAIT, places.acquire_many(queue)).await.is_err() {
                ::log::warn!("calls of the store were given up after {} s", LAST_WAIT.as_secs());
            }
        });
    }
}

fn pool(connector: &Connector, size: usize, wait: Duration) -> Result<Pool<AsyncPgConnection>, OpenError> {
    let patience = connector.patience;
    let connector = connector.clone();
    let mut config = ManagerConfig::default();
    // A lost connection is noticed by its driver, so none needs to be asked before each use.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let connector = connector.clone();
        async move {
            let made = connector.connect(Purpose::Serve).await;
            made.map_err(|none| ConnectionError::BadConnection(none.cause()))
        }
        .boxed()
    });
    Pool::builder(AsyncDieselConnectionManager::new_with_config("", config))
        .max_size(size)
        .runtime(PoolRuntime::Tokio1)
        .wait_timeout(Some(wait))
        .create_timeout(Some(patience))
        .build()
        .map_err(|error| OpenError::Threads(error.to_string()))
}

impl Pools {
    async fn call<A: Shared, T: Shared>(
        &self,
        writes: bool,
        // Kept to the end: the next in line goes when it is dropped.
        mut place: Option<Place>,
        args: &A,
        work: &impl Work<A, T>,
    ) -> Result<T, Fault> {
        if let Some(place) = &mut place {
            place.first().await;
        }
        let begun = Instant::now();
        for _ in 1..TRIES {
            let fault = match self.attempt(writes, args, work).await {
                Err(fault) if begun.elapsed() < TRY_WITHIN => fault,
                result => return result,
            };
            if !(matches!(fault, Fault::Again(_)) || (!writes && matches!(fault, Fault::Database(_)))) {
                return Err(fault);
            }
            ::log::debug!("a call of the store is made again: {fault:?}");
        }
        self.attempt(writes, args, work).await
    }

    async fn attempt<A: Shared, T: Shared>(
        &self,
        writes: bool,
        args: &A,
        work: &impl Work<A, T>,
    ) -> Result<T, Fault> {
        self.mourn();
        let pool = if writes { &self.writers } else { &self.readers };
        let object = pool.get().await.map_err(|error| {
            // Nothing is lost where nothing was, and yet the next to answer may be another one.
            if !matches!(error, PoolError::Timeout(TimeoutType::Wait)) {
                self.lookout.doubt();
            }
            Fault::NoConnection(no_connection(&error))
        })?;
        let mut lease = Lease(Some(object));
        let Some(conn) = &mut lease.0 else {
            return Err(Fault::NoConnection("the connection was given back".into()));
        };
        // The server ends what takes too long, unless it was stopped itself, or the way there is cut
        // and its end not told: then nobody would ever hear of this call again.
        let result = match tokio::time::timeout(self.longest, work(conn, args)).await {
            Ok(result) => result,
            Err(_) => Err(no_answer(self.longest)),
        };
        match &result {
            Err(fault) if fault.is_lost() => {
                self.connector.losses.fetch_add(1, Ordering::Release);
            }
            // Outside of a transaction that could be rolled back: perhaps its last word.
            Err(Fault::Database(_)) => {}
            Ok(_) if writes => {
                self.connector.meter.committed();
                lease.give_back();
            }
            _ => lease.give_back(),
        }
        result
    }

    /// Where one connection was lost, the server was, most of the time: what lies in the pools is
    /// thrown away, so that no call finds out for each of them. And what answers next may be
    /// another database than before.
    fn mourn(&self) {
        let losses = self.connector.losses.load(Ordering::Acquire);
        if self.mourned.swap(losses, Ordering::AcqRel) == losses {
            return;
        }
        ::log::warn!("connections to {} were lost; making others", self.connector.address);
        for pool in [&self.writers, &self.readers] {
            pool.retain(|_, _| false);
        }
        self.lookout.doubt();
    }
}

/// What was asked may still be done, by a server that goes on later.
fn no_answer(within: Duration) -> Fault {
    let cause = format!("no answer from the database within {} s", within.as_secs_f64());
    Fault::Database(Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(cause)))
}

fn no_connection(error: &PoolError) -> String {
    format!("no connection to the database: {error}").replace('\n', " ")
}

/// A connection of a pool. Unless it is given back it is closed, which rolls back: after a panic,
/// or when the threads end in the middle of a call.
struct Lease(Option<Object<AsyncPgConnection>>);

impl Lease {
    fn give_back(mut self) {
        self.0 = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.0.take() {
            drop(Object::take(object));
        }
    }
}
