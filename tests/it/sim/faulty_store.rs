//! The real store, whose commits fail now and then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use chat::domain::*;
use chat::store::sqlite::SqliteStore;
use chat::store::*;

use super::chance::Chance;
use crate::support::wrapped::store_wrapper;

pub struct FaultyStore {
    inner: SqliteStore,
    chance: Mutex<Chance>,
    fails: u64,
    healed: Arc<AtomicBool>,
}

impl FaultyStore {
    pub fn new(inner: SqliteStore, chance: Chance, fails: u64, healed: Arc<AtomicBool>) -> Self {
        Self { inner, chance: Mutex::new(chance), fails, healed }
    }

    /// Whether this call of the store fails: those that rooms and readers live from do.
    fn refuses(&self, call: &str) -> bool {
        matches!(call, "append" | "room_snapshot" | "log_page" | "heads" | "move_marks" | "user_log_page")
            && !self.healed.load(Ordering::Relaxed)
            && self.chance.lock().expect("not poisoned").percent(self.fails)
    }
}

store_wrapper!(FaultyStore);
