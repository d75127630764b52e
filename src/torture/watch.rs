//! Looks at the cluster from outside while it runs: snapshots of the logs, the outbox, the
//! counters, and whether the machine lets the test itself run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use uuid::Uuid;

use super::books::{Database, OutboxRow};
use super::history::{Scrape, Waiting};
use super::moment::{Moment, Span, Stopwatch};
use super::proxy::Proxy;
use super::rest::Rest;

/// The counter that I23 is about.
pub const COMMITTED: &str = "messages_committed_total";
/// How often heads and outbox are looked at.
const LOOK: Duration = Duration::from_millis(400);
/// How often all logs are counted in one snapshot.
const SNAPSHOT: Duration = Duration::from_secs(2);
const SCRAPE: Duration = Duration::from_secs(1);
const BEAT: Duration = Duration::from_millis(20);
/// A beat that comes so much too late means that the machine was busy with others.
const LATE: Duration = Duration::from_millis(100);
/// A row that is gone at the next look was not waiting.
const MOMENT: Duration = Duration::from_millis(900);

/// What was seen.
#[derive(Default)]
pub struct Seen {
    pub starved: Vec<Span>,
    pub heads: Vec<(Moment, Vec<u64>)>,
    pub holes: Vec<(Moment, String)>,
    pub snapshots: usize,
    pub waiting: Vec<Waiting>,
    pub outbox_looks: usize,
    pub scrapes: Vec<Scrape>,
    present: BTreeMap<OutboxRow, Moment>,
}

impl Seen {
    /// The outbox holds these rows now: those that are new begin, those that are gone end.
    pub fn outbox(&mut self, at: Moment, rows: Vec<OutboxRow>) {
        self.outbox_looks += 1;
        let before = std::mem::take(&mut self.present);
        for row in rows {
            let since = before.get(&row).copied().unwrap_or(at);
            self.present.insert(row, since);
        }
        for (row, since) in before {
            if !self.present.contains_key(&row) {
                self.note(row, Span::new(since, at));
            }
        }
    }

    fn note(&mut self, row: OutboxRow, span: Span) {
        if span.length() > MOMENT {
            self.waiting.push(Waiting { row, span });
        }
    }

    /// The watch ends: what is still there waited until now.
    pub fn end(&mut self, at: Moment) {
        for (row, since) in std::mem::take(&mut self.present) {
            self.note(row, Span::new(since, at));
        }
    }
}

/// The watchers; dropped, they end.
pub struct Watchers {
    seen: Arc<Mutex<Seen>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Watchers {
    /// Starts to watch. `rooms` gives the order of the heads.
    #[must_use]
    pub fn start(
        watch: Stopwatch,
        database: Arc<Database>,
        rooms: Vec<Uuid>,
        pods: Vec<Arc<Proxy>>,
        rest: Rest,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let tasks = vec![
            tokio::spawn(beat(watch, seen.clone())),
            tokio::spawn(look(watch, database.clone(), rooms, seen.clone())),
            tokio::spawn(snapshots(watch, database, seen.clone())),
            tokio::spawn(scrape(watch, pods, rest, seen.clone())),
        ];
        Self { seen, tasks }
    }

    /// What was seen so far; the watch is over.
    #[must_use]
    pub fn end(mut self, at: Moment) -> Seen {
        self.tasks.drain(..).for_each(|task| task.abort());
        let mut seen = std::mem::take(&mut *lock(&self.seen));
        seen.end(at);
        seen
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn beat(watch: Stopwatch, seen: Arc<Mutex<Seen>>) {
    loop {
        let before = watch.now();
        tokio::time::sleep(BEAT).await;
        let now = watch.now();
        if now.since(before) > BEAT + LATE {
            lock(&seen).starved.push(Span::new(before, now));
        }
    }
}

async fn look(watch: Stopwatch, database: Arc<Database>, rooms: Vec<Uuid>, seen: Arc<Mutex<Seen>>) {
    loop {
        tokio::time::sleep(LOOK).await;
        // While the database is away there is nothing to see.
        if let Ok(rows) = database.outbox().await {
            lock(&seen).outbox(watch.now(), rows);
        }
        if let Ok(heads) = database.heads().await {
            let at = watch.now();
            let heads: BTreeMap<Uuid, u64> = heads.into_iter().collect();
            let heads = rooms.iter().map(|room| heads.get(room).copied().unwrap_or(0)).collect();
            lock(&seen).heads.push((at, heads));
        }
    }
}

async fn snapshots(watch: Stopwatch, database: Arc<Database>, seen: Arc<Mutex<Seen>>) {
    loop {
        tokio::time::sleep(SNAPSHOT).await;
        if let Ok(counts) = database.counts().await {
            let at = watch.now();
            let wrong: Vec<_> = counts.iter().filter_map(super::books::RoomCount::wrong).collect();
            let mut seen = lock(&seen);
            seen.snapshots += 1;
            seen.holes.extend(wrong.into_iter().map(|wrong| (at, wrong)));
        }
    }
}

async fn scrape(watch: Stopwatch, pods: Vec<Arc<Proxy>>, rest: Rest, seen: Arc<Mutex<Seen>>) {
    loop {
        tokio::time::sleep(SCRAPE).await;
        for (pod, proxy) in pods.iter().enumerate() {
            // What was counted before the answer; so the moment of asking.
            let (address, at) = (proxy.target(), watch.now());
            let asked = tokio::time::timeout(SCRAPE, rest.counter(address, COMMITTED)).await;
            if let Ok(Some(committed)) = asked {
                lock(&seen).scrapes.push(Scrape { at, pod, committed });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64) -> OutboxRow {
        OutboxRow { kind: "room".to_owned(), id: Uuid::nil(), seq }
    }

    #[test]
    fn a_row_waits_from_its_first_to_its_last_look_and_a_new_number_is_another_row() {
        let mut seen = Seen::default();
        let at = Moment::from_millis;
        seen.outbox(at(0), vec![row(1)]);
        seen.outbox(at(500), vec![row(2)]);
        seen.outbox(at(1_000), vec![row(2)]);
        seen.outbox(at(3_000), vec![row(2), row(3)]);
        seen.outbox(at(4_000), vec![row(3)]);
        seen.end(at(5_000));
        let waited: Vec<_> = seen.waiting.iter().map(|w| (w.row.seq, w.span.length().as_millis())).collect();
        assert_eq!(waited, [(2, 3_500), (3, 2_000)]);
    }
}
