//! The outbox of the simulated store: what was committed and perhaps never announced.
//!
//! The store in memory serves one process and keeps none, so it is kept here, by the rules of
//! `src/store/postgres` (`writes.rs` and `repair.rs`): without it no sweeper would ever sweep.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chat::clock::Clock;
use chat::domain::{LogHead, MarkMove, Refusal, RoomBatch, RoomId, Seq, Timestamp, UserId};
use chat::store::sqlite::SqliteStore;
use chat::store::{Answer, Append, Log, Moved, UserLogs};
use uuid::Uuid;

use super::world::SimClock;

/// Of a room's or of a user's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Room,
    User,
}

/// One log that grew.
#[derive(Debug)]
struct Row {
    seq: Seq,
    /// As in the table: when it began to wait, or was last handed out.
    at: Timestamp,
    /// Each growth that no announcement covered, and since when: what is judged. The row may stay
    /// for what came later.
    waiting: Vec<(Seq, Timestamp)>,
}

#[derive(Default)]
struct Rows {
    rows: BTreeMap<(Kind, Uuid), Row>,
    /// When the faults ended.
    healed: Option<Timestamp>,
    /// The longest that a row waited while nothing went wrong.
    slowest: Duration,
    handed_out: u64,
}

/// One for all servers, as the store.
pub struct Outbox {
    rows: Mutex<Rows>,
    clock: Arc<SimClock>,
    /// Whether overdue rows are handed out: always, short of a check that the judge sees it.
    hands_out: bool,
}

impl Outbox {
    pub fn new(clock: Arc<SimClock>, hands_out: bool) -> Self {
        Self { rows: Mutex::default(), clock, hands_out }
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().expect("not poisoned")
    }

    /// In the transaction that grew them. A log that waits already keeps the time since when.
    fn grew(&self, heads: impl IntoIterator<Item = (LogHead, Timestamp)>) {
        let rows = &mut self.lock().rows;
        for (head, at) in heads {
            let (key, seq) = key(head);
            let row = rows.entry(key).or_insert(Row { seq, at, waiting: Vec::new() });
            row.seq = row.seq.max(seq);
            row.waiting.push((seq, at));
        }
    }

    fn take_away(&self, heads: &[LogHead]) {
        let rows = &mut self.lock().rows;
        for head in heads {
            let (key, seq) = key(*head);
            if rows.get(&key).is_some_and(|row| row.seq <= seq) {
                rows.remove(&key);
            }
        }
    }

    /// The bus surely took this: what waited for it waits no more, though its row may stay until
    /// some server sweeps.
    pub fn told(&self, heads: &[LogHead]) {
        let now = self.clock.now();
        let all = &mut *self.lock();
        for head in heads {
            let (key, seq) = key(*head);
            let Some(row) = all.rows.get_mut(&key) else { continue };
            let told = row.waiting.extract_if(.., |(grown, _)| *grown <= seq).map(|(_, since)| since);
            if let (Some(since), Some(healed)) = (told.min(), all.healed) {
                all.slowest = all.slowest.max(now.since(since.max(healed)));
            }
        }
    }

    fn hand_out(&self, before: Timestamp, now: Timestamp, limit: usize) -> Vec<LogHead> {
        if !self.hands_out {
            return Vec::new();
        }
        let all = &mut *self.lock();
        let mut due: Vec<_> = all.rows.iter_mut().filter(|(_, row)| row.at < before).collect();
        due.sort_by_key(|(_, row)| row.at);
        due.truncate(limit);
        all.handed_out += due.len() as u64;
        due.into_iter()
            .map(|(key, row)| {
                row.at = now;
                match key.0 {
                    Kind::Room => LogHead::Room(RoomId(key.1), row.seq),
                    Kind::User => LogHead::User(UserId(key.1), row.seq),
                }
            })
            .collect()
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.lock().healed = Some(self.clock.now());
    }

    /// Nothing waits to be announced.
    pub fn is_empty(&self) -> bool {
        self.lock().rows.is_empty()
    }

    /// The longest that something waited after the faults had ended.
    pub fn slowest(&self) -> Duration {
        self.lock().slowest
    }

    /// Whether a sweeper was ever handed something.
    pub fn was_swept(&self) -> bool {
        self.lock().handed_out > 0
    }
}

fn key(head: LogHead) -> ((Kind, Uuid), Seq) {
    match head {
        LogHead::Room(room, seq) => ((Kind::Room, room.0), seq),
        LogHead::User(user, seq) => ((Kind::User, user.0), seq),
    }
}

/// The store with its outbox. What is not said here is the store's own.
pub struct Announcing {
    pub store: Arc<SqliteStore>,
    pub outbox: Arc<Outbox>,
}

impl Deref for Announcing {
    type Target = SqliteStore;

    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

impl Announcing {
    pub fn append(&self, batches: Vec<RoomBatch>) -> Answer<'_, Append> {
        Box::pin(async move {
            let append = self.store.append(batches).await?;
            for committed in append.iter().flat_map(|applied| applied.outcomes.iter().flatten()) {
                let entry = &committed.entry;
                let grown = (LogHead::Room(entry.room, entry.seq), entry.at);
                self.outbox.grew((!committed.duplicate).then_some(grown));
                self.outbox.grew(
                    committed.told.iter().map(|entry| (LogHead::User(entry.user, entry.seq), entry.at)),
                );
            }
            Ok(append)
        })
    }

    pub fn move_marks(
        &self,
        moves: Vec<MarkMove>,
        now: Timestamp,
    ) -> Answer<'_, Vec<Result<Moved, Refusal>>> {
        Box::pin(async move {
            let moved = self.store.move_marks(moves, now).await?;
            let entries = moved.iter().flatten().filter_map(|moved| moved.entry.as_ref());
            self.outbox.grew(entries.map(|entry| (LogHead::User(entry.user, entry.seq), entry.at)));
            Ok(moved)
        })
    }

    pub const fn keeps_outbox(&self) -> bool {
        true
    }

    pub fn unannounced(&self, before: Timestamp, now: Timestamp, limit: usize) -> Answer<'_, Vec<LogHead>> {
        Box::pin(std::future::ready(Ok(self.outbox.hand_out(before, now, limit))))
    }

    pub fn announced(&self, heads: Vec<LogHead>) -> Answer<'_, ()> {
        self.outbox.take_away(&heads);
        Box::pin(std::future::ready(Ok(())))
    }
}
