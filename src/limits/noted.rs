//! What the limits said of one request, for the headers of its answer.

use std::cell::RefCell;
use std::time::Duration;

use super::Key;
use crate::domain::rate::Rate;

tokio::task_local! {
    static NOTES: RefCell<Vec<Note>>;
}

/// What a limit said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which limit: a place in [`Key::KINDS`].
    pub kind: usize,
    /// At most so many at once.
    pub quota: u32,
    /// The time in which as many are refilled.
    pub window: Duration,
    /// How many may follow at once.
    pub left: u32,
    /// After how long all of them may again; for who was refused, after how long one may.
    pub reset: Duration,
}

impl Note {
    /// Of a limit that nothing was taken from yet.
    #[must_use]
    pub fn full(kind: usize, rate: Rate) -> Self {
        let quota = rate.burst.max(1);
        Self { kind, quota, window: rate.millis(quota), left: quota, reset: Duration::ZERO }
    }
}

/// Does something, and answers what the limits said meanwhile: of each the last word.
pub async fn noting<T>(work: impl Future<Output = T>) -> (T, Vec<Note>) {
    let scope = NOTES.scope(RefCell::default(), async move {
        let done = work.await;
        (done, NOTES.with(RefCell::take))
    });
    scope.await
}

/// Notes it, where somebody wants to know.
pub(super) fn note(make: impl FnOnce() -> Note) {
    let _nobody = NOTES.try_with(|notes| {
        let note = make();
        let mut notes = notes.borrow_mut();
        match notes.iter_mut().find(|known| known.kind == note.kind) {
            Some(known) => *known = note,
            None => notes.push(note),
        }
    });
}

/// A limit as people read of it.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// One of those that it counts.
    pub key: Key,
    /// What it counts by.
    pub by: &'static str,
    pub about: &'static str,
    /// Where it is set.
    pub setting: &'static str,
}

impl Policy {
    /// In headers, metrics and documents.
    #[must_use]
    pub fn name(&self) -> &'static str {
        Key::KINDS.get(self.key.kind()).copied().unwrap_or_default()
    }
}
