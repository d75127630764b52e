//! Runs closures on connections without ever blocking the caller: one writer thread, some reader
//! threads, a bounded queue before each.
//!
//! Knows neither tables nor rules. One writer is no loss: SQLite lets one transaction write at a
//! time, and a queue of our own is fairer than its busy handler. Next: [`super::append`].

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use diesel::SqliteConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::connection::{Location, Purpose};
use super::fault::{Fault, OpenError};
use crate::store::{Answer, CallKind, CallTimes, StoreError, Watched};

type Job = Box<dyn FnOnce(&mut SqliteConnection) + Send>;

/// What is done after each writing call. Nobody waits for it.
pub(super) type Afterwards = Box<dyn FnMut(&mut SqliteConnection) + Send>;

/// How many threads and how long the queues.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) readers: usize,
    pub(super) writer_queue: usize,
    pub(super) reader_queue: usize,
}

/// Where closures run.
pub(super) enum Executor {
    /// In threads of their own, ended and joined when this is dropped; what was queued is done
    /// first.
    Threads { writer: Arc<Queue>, readers: Arc<Queue>, threads: Vec<JoinHandle<()>>, times: Arc<CallTimes> },
    /// At once, on the caller's thread, all on one connection: for simulations, where the order
    /// of everything must repeat.
    Inline {
        worker: Box<Mutex<Worker>>,
        /// Keeps a database in memory alive while the worker's connection is replaced.
        _keeper: Mutex<SqliteConnection>,
    },
}

impl Executor {
    /// Starts the threads on the connections of `location`; `writer` is the first of them, and
    /// `after` is done on it after each writing call, between transactions.
    pub(super) fn threads(
        location: &Location,
        writer: SqliteConnection,
        after: Option<Afterwards>,
        size: Size,
    ) -> Result<Self, OpenError> {
        let writers = Arc::new(Queue::new(size.writer_queue));
        let readers = Arc::new(Queue::new(size.reader_queue));
        // Made before the threads, so that a failure on the way ends those already started.
        let mut executor = Self::Threads {
            writer: writers.clone(),
            readers: readers.clone(),
            threads: Vec::new(),
            times: Arc::default(),
        };
        for n in 0..size.readers.max(1) {
            let conn = location.connect(Purpose::Read)?;
            let worker = Worker::new(location, Purpose::Read, conn);
            executor.start(format!("store-reader-{n}"), readers.clone(), worker)?;
        }
        // Last, so that it is joined last and the closing checkpoint is its own.
        let worker = Worker { after, ..Worker::new(location, Purpose::Write, writer) };
        executor.start("store-writer".to_owned(), writers, worker)?;
        Ok(executor)
    }

    /// Everything on one connection and the caller's thread.
    pub(super) fn inline(location: &Location, writer: SqliteConnection) -> Result<Self, OpenError> {
        let keeper = Mutex::new(location.connect(Purpose::Read)?);
        Ok(Self::Inline {
            worker: Box::new(Mutex::new(Worker::new(location, Purpose::Write, writer))),
            _keeper: keeper,
        })
    }

    /// How long calls take; nothing is noted inline.
    pub(super) fn times(&self) -> Arc<CallTimes> {
        match self {
            Self::Threads { times, .. } => times.clone(),
            Self::Inline { .. } => Arc::default(),
        }
    }

    /// Runs `work` on the writer connection. Queued before this returns, so calls made one after
    /// another run in that order, whether or not their answers are awaited.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, T> {
        match self {
            Self::Threads { writer, times, .. } => {
                Self::submit(Some(times.watch(CallKind::Write)), |job| writer.push(job), work)
            }
            Self::Inline { worker, .. } => Self::submit(None, |job| run_inline(worker, job), work),
        }
    }

    /// Runs `work` on a reader connection, which cannot write.
    pub(super) fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, T> {
        match self {
            Self::Threads { readers, times, .. } => {
                Self::submit(Some(times.watch(CallKind::Read)), |job| readers.push(job), work)
            }
            Self::Inline { worker, .. } => Self::submit(None, |job| run_inline(worker, job), work),
        }
    }

    fn submit<T: Send + 'static>(
        watched: Option<Watched>,
        queue: impl FnOnce(Job) -> Result<(), StoreError>,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            let outcome = work(conn).map_err(StoreError::from);
            if let (Some(watched), Ok(_) | Err(StoreError::Refused(_))) = (watched, &outcome) {
                watched.answered();
            }
            // Nobody waits any more when the caller went away; what was committed stays so.
            let _ = answer.send(outcome);
        });
        if let Err(error) = queue(job) {
            return futures_util::future::ready(Err(error)).boxed();
        }
        async move {
            // The sender is dropped unused when the closure panicked or no connection could be had.
            answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the operation was lost".into())))
        }
        .boxed()
    }

    fn start(&mut self, name: String, queue: Arc<Queue>, mut worker: Worker) -> Result<(), OpenError> {
        let thread = thread::Builder::new()
            .name(name)
            .spawn(move || {
                while let Some(job) = queue.pop() {
                    worker.run(job);
                }
            })
            .map_err(OpenError::Thread)?;
        if let Self::Threads { threads, .. } = self {
            threads.push(thread);
        }
        Ok(())
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if let Self::Threads { writer, readers, threads, .. } = self {
            readers.close();
            writer.close();
            for thread in threads.drain(..) {
                if thread.join().is_err() {
                    log::error!("a thread of the store had died");
                }
            }
        }
    }
}

fn run_inline(worker: &Mutex<Worker>, job: Job) -> Result<(), StoreError> {
    lock(worker).run(job);
    Ok(())
}

/// A connection and how to get another.
pub(super) struct Worker {
    location: Location,
    purpose: Purpose,
    connection: Option<SqliteConnection>,
    after: Option<Afterwards>,
}

impl Worker {
    fn new(location: &Location, purpose: Purpose, connection: SqliteConnection) -> Self {
        Self { location: location.clone(), purpose, connection: Some(connection), after: None }
    }

    /// Runs a job. A connection that is left in the middle of a transaction, by a panic or by an
    /// error that not even a rollback survived, is closed, which rolls back; the next job gets
    /// a new one.
    fn run(&mut self, job: Job) {
        let mut conn = match self.connection.take() {
            Some(conn) => conn,
            None => match self.location.connect(self.purpose) {
                Ok(conn) => conn,
                Err(error) => return log::error!("no connection to the database: {error}"),
            },
        };
        // The connection is the only thing a panic could leave half done, and it is dropped then.
        match catch_unwind(AssertUnwindSafe(|| job(&mut conn))) {
            Ok(()) if !is_broken(&mut conn) => {
                if let Some(after) = &mut self.after {
                    after(&mut conn);
                }
                self.connection = Some(conn);
            }
            Ok(()) => log::warn!("a connection to the database was given up"),
            Err(_) => log::error!("an operation of the store panicked"),
        }
    }
}

fn is_broken(conn: &mut SqliteConnection) -> bool {
    let status = AnsiTransactionManager::transaction_manager_status_mut(conn);
    !matches!(status.transaction_depth(), Ok(None))
}

/// Jobs waiting for a thread: bounded, never waited for by whoever adds one.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    bound: usize,
}

struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    fn new(bound: usize) -> Self {
        let waiting = Mutex::new(Waiting { jobs: VecDeque::new(), closed: false });
        Self { waiting, changed: Condvar::new(), bound: bound.max(1) }
    }

    fn push(&self, job: Job) -> Result<(), StoreError> {
        let mut waiting = lock(&self.waiting);
        if waiting.jobs.len() >= self.bound {
            return Err(StoreError::Unavailable(format!("{} operations are waiting", self.bound)));
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for a job; `None` when the queue is closed and everything in it was taken.
    fn pop(&self) -> Option<Job> {
        let mut waiting = lock(&self.waiting);
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        lock(&self.waiting).closed = true;
        self.changed.notify_all();
    }
}

/// Jobs never run while one of these is held except inline, where panics are caught inside, so a
/// poisoned lock guards nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use diesel::connection::SimpleConnection;
    use diesel::dsl::sql;
    use diesel::prelude::*;
    use diesel::sql_types::BigInt;
    use futures_util::FutureExt;

    use super::super::connection::TemporaryDirectory;
    use super::super::fault;
    use super::*;

    const SIZE: Size = Size { readers: 2, writer_queue: 1, reader_queue: 1 };

    fn block_on<T>(answer: Answer<'_, T>) -> Result<T, StoreError> {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(answer)
    }

    /// Threads on a file, with what keeps the file, and the caller's own thread on memory.
    fn each(story: impl Fn(&Executor)) {
        let directory = TemporaryDirectory::new().expect("a directory");
        let file = Location::file(&directory.path().join("test.db")).expect("a file");
        let writer = file.connect(Purpose::Write).expect("a connection");
        story(&Executor::threads(&file, writer, None, SIZE).expect("threads"));
        let memory = Location::memory();
        let writer = memory.connect(Purpose::Write).expect("a connection");
        story(&Executor::inline(&memory, writer).expect("a connection"));
    }

    fn make_table(executor: &Executor) {
        // Transactions are counted there.
        let tables = "CREATE TABLE t (n BIGINT NOT NULL); CREATE TABLE meta (name TEXT, value BIGINT);";
        let made = executor.write(move |conn| Ok(conn.batch_execute(tables)?));
        block_on(made).expect("made");
    }

    fn insert(conn: &mut SqliteConnection) -> Result<(), Fault> {
        Ok(conn.batch_execute("INSERT INTO t VALUES (1)")?)
    }

    fn count(executor: &Executor) -> i64 {
        let counted = executor.read(|conn| Ok(sql::<BigInt>("SELECT count(*) FROM t").get_result(conn)?));
        block_on(counted).expect("counted")
    }

    #[test]
    fn a_panic_is_an_answer_and_leaves_nothing_behind() {
        each(|executor| {
            make_table(executor);
            let lost = executor.write(|conn| {
                fault::write(conn, |conn| {
                    insert(conn)?;
                    std::panic::resume_unwind(Box::new("a bug"))
                })
            });
            let answer: Result<(), _> = block_on(lost);
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
            assert_eq!(count(executor), 0);
            block_on(executor.write(|conn| fault::write(conn, insert))).expect("goes on");
            assert_eq!(count(executor), 1);
        });
    }

    #[test]
    fn a_transaction_left_open_is_rolled_back_and_its_connection_replaced() {
        each(|executor| {
            make_table(executor);
            let left = executor.write(|conn| {
                AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?;
                insert(conn)
            });
            block_on(left).expect("nothing wrong so far");
            block_on(executor.write(|conn| fault::write(conn, insert))).expect("goes on");
            assert_eq!(count(executor), 1);
        });
    }

    #[test]
    fn the_cause_of_a_failure_is_what_the_log_says() {
        each(|executor| {
            let failed = executor.write(|conn| fault::write(conn, insert));
            let cause = block_on(failed).expect_err("no table").to_string();
            assert!(cause.contains("no such table"), "{cause}");
        });
    }

    #[test]
    fn readers_on_a_file_cannot_write() {
        let directory = TemporaryDirectory::new().expect("a directory");
        let file = Location::file(&directory.path().join("test.db")).expect("a file");
        let writer = file.connect(Purpose::Write).expect("a connection");
        let executor = Executor::threads(&file, writer, None, SIZE).expect("threads");
        make_table(&executor);
        assert!(block_on(executor.read(insert)).is_err());
        assert_eq!(count(&executor), 0);
    }

    #[test]
    fn a_full_queue_is_an_answer_and_never_a_wait() {
        let directory = TemporaryDirectory::new().expect("a directory");
        let file = Location::file(&directory.path().join("test.db")).expect("a file");
        let writer = file.connect(Purpose::Write).expect("a connection");
        let executor = Executor::threads(&file, writer, None, SIZE).expect("threads");
        let (started, has_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let first = executor.write(move |_| {
            started.send(()).expect("the test waits");
            released.recv().expect("the test releases");
            Ok(1)
        });
        has_started.recv().expect("the writer runs");
        let second = executor.write(|_| Ok(2));
        let third = executor.write(|_| Ok(3)).now_or_never().expect("no wait");
        assert!(matches!(third, Err(StoreError::Unavailable(_))), "{third:?}");
        // Readers go on while the writer is busy.
        assert_eq!(block_on(executor.read(|_| Ok(4))).expect("read"), 4);
        release.send(()).expect("the writer waits");
        assert_eq!(block_on(first).expect("first"), 1);
        assert_eq!(block_on(second).expect("second"), 2);
    }
}
