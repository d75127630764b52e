//! One server's way to the real store: calls fail, take their time, are answered wrongly, or are the
//! death of the room that made them, and end with the server.

use std::ops::Deref;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::domain::*;
use chat::store::*;

use super::chance::Chance;
use super::outbox::Announcing;
use super::plan::Faults;
use crate::support::wrapped::store_wrapper;

pub struct FaultyStore {
    inner: Deadly,
    chance: Mutex<Chance>,
    faults: Faults,
    healed: Arc<AtomicBool>,
    dead: Arc<AtomicBool>,
}

/// A room that reads its log may die of the answer, as it would of a panic. What is not said here
/// harms nobody.
struct Deadly {
    store: Announcing,
    chance: Mutex<Chance>,
    percent: u64,
    healed: Arc<AtomicBool>,
    deaths: Arc<AtomicUsize>,
}

impl Deref for Deadly {
    type Target = Announcing;

    fn deref(&self) -> &Announcing {
        &self.store
    }
}

impl Deadly {
    fn room_snapshot(&self, room: RoomId) -> Answer<'_, Option<RoomSnapshot>> {
        Box::pin(async move {
            let snapshot = self.store.room_snapshot(room).await;
            self.perhaps_die();
            snapshot
        })
    }

    /// Rooms ask for nobody, sessions for a reader.
    fn log_page(
        &self,
        room: RoomId,
        reader: Option<UserId>,
        after: Seq,
        limit: usize,
    ) -> Answer<'_, LogPage> {
        Box::pin(async move {
            let page = self.store.log_page(room, reader, after, limit).await;
            if reader.is_none() {
                self.perhaps_die();
            }
            page
        })
    }

    /// Without a word on stderr: thousands die.
    fn perhaps_die(&self) {
        if self.percent == 0 || self.healed.load(Ordering::Relaxed) {
            return;
        }
        let dies = self.chance.lock().expect("not poisoned").percent(self.percent);
        if dies {
            self.deaths.fetch_add(1, Ordering::Relaxed);
            resume_unwind(Box::new("a room dies"));
        }
    }
}

/// What becomes of one call.
struct Fate {
    before: Duration,
    after: Duration,
    answer_lost: bool,
}

impl FaultyStore {
    pub fn new(
        store: Announcing,
        mut chance: Chance,
        faults: Faults,
        healed: Arc<AtomicBool>,
        dead: Arc<AtomicBool>,
        deaths: Arc<AtomicUsize>,
    ) -> Self {
        // No chance is drawn where nobody dies, so that older plans stay what they are.
        let deadly = Mutex::new(if faults.rooms_die > 0 { chance.fork() } else { Chance::new(0) });
        let inner =
            Deadly { store, chance: deadly, percent: faults.rooms_die, healed: healed.clone(), deaths };
        Self { inner, chance: Mutex::new(chance), faults, healed, dead }
    }

    /// `None`: the call is not made.
    fn fate(&self, call: &str) -> Option<Fate> {
        let mut fate = Fate { before: Duration::ZERO, after: Duration::ZERO, answer_lost: false };
        if self.healed.load(Ordering::Relaxed) {
            return Some(fate);
        }
        let mut chance = self.chance.lock().expect("not poisoned");
        if chance.percent(self.faults.store_fails) {
            return None;
        }
        if chance.percent(self.faults.store_dawdles) {
            fate.before = Duration::from_millis(chance.below(150));
            fate.after = Duration::from_millis(chance.below(150));
        }
        let writes = matches!(call, "append" | "move_marks");
        fate.answer_lost = writes && chance.percent(self.faults.answers_lost);
        Some(fate)
    }

    fn around<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        make: impl FnOnce() -> Answer<'a, T> + Send + 'a,
    ) -> Answer<'a, T> {
        let unavailable = move |why: &str| Err(StoreError::Unavailable(format!("{call} {why}")));
        let Some(fate) = self.fate(call).filter(|_| !self.dead.load(Ordering::Relaxed)) else {
            return Box::pin(std::future::ready(unavailable("was made to fail")));
        };
        if fate.before.is_zero() && fate.after.is_zero() && !fate.answer_lost {
            return make();
        }
        Box::pin(async move {
            tokio::time::sleep(fate.before).await;
            if self.dead.load(Ordering::Relaxed) {
                return unavailable("came too late");
            }
            let answer = make().await;
            tokio::time::sleep(fate.after).await;
            if fate.answer_lost || self.dead.load(Ordering::Relaxed) {
                return Err(StoreError::InDoubt(format!("{call} was made, and its answer lost")));
            }
            answer
        })
    }
}

store_wrapper!(FaultyStore);
