//! One server's way to the real store: calls fail, take their time, or are answered wrongly, and
//! end with the server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::domain::*;
use chat::store::*;

use super::chance::Chance;
use super::outbox::Announcing;
use super::plan::Faults;
use crate::support::wrapped::store_wrapper;

pub struct FaultyStore {
    inner: Announcing,
    chance: Mutex<Chance>,
    faults: Faults,
    healed: Arc<AtomicBool>,
    dead: Arc<AtomicBool>,
}

/// What becomes of one call.
struct Fate {
    before: Duration,
    after: Duration,
    answer_lost: bool,
}

impl FaultyStore {
    pub fn new(
        inner: Announcing,
        chance: Chance,
        faults: Faults,
        healed: Arc<AtomicBool>,
        dead: Arc<AtomicBool>,
    ) -> Self {
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
