//! How the index follows the messages, turn by turn: what waits is read, cut into terms where nobody
//! waits for it, and written in a commit of its own that is short. Why, is decided in
//! `docs/adr/0022-the-index-follows-the-messages.md`. Next: [`super::Searching`] for the promises.

use std::collections::HashMap;

use super::{Searching, StoreError};
use crate::domain::search::Indexed;
use crate::domain::{Message, MessageId};

/// A message that waits for the index, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unindexed {
    pub(super) id: MessageId,
    /// What waits because of it: places in the queue.
    pub(super) changes: Vec<i64>,
    /// None when there is no such message.
    pub(super) message: Option<Message>,
}

impl Unindexed {
    /// Out of changes in the order of the queue and the messages that they are about.
    pub(super) fn of(changes: Vec<(i64, MessageId)>, messages: Vec<Message>) -> Vec<Self> {
        let mut messages: HashMap<_, _> = messages.into_iter().map(|message| (message.id, message)).collect();
        let mut places = HashMap::<MessageId, usize>::new();
        let mut waiting = Vec::<Self>::new();
        for (change, id) in changes {
            let place = *places.entry(id).or_insert(waiting.len());
            match waiting.get_mut(place) {
                Some(one) => one.changes.push(change),
                None => waiting.push(Self { id, changes: vec![change], message: messages.remove(&id) }),
            }
        }
        waiting
    }

    fn letters(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.content.chars().count())
    }
}

/// What the index is to have of a message, as long as it is as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub(super) read: Unindexed,
    /// None of a message that is gone.
    pub(super) indexed: Option<Indexed>,
}

impl From<Unindexed> for Cut {
    fn from(read: Unindexed) -> Self {
        let indexed = read.message.as_ref().and_then(Indexed::of);
        Self { read, indexed }
    }
}

/// How much a turn takes at most.
#[derive(Clone, Copy, Debug)]
pub struct Portion {
    pub changes: usize,
    /// Characters of all texts together. A text that is longer has a turn of its own.
    pub letters: usize,
}

impl Portion {
    /// Little, as on SQLite whoever sends waits until it is written.
    pub const USUAL: Self = Self { changes: 64, letters: 8_000 };

    /// As many of them as it holds, and one at least.
    #[must_use]
    pub fn of(self, mut waiting: Vec<Unindexed>) -> Vec<Unindexed> {
        let mut letters = 0_usize;
        let fits = |one: &&Unindexed| {
            letters = letters.saturating_add(one.letters());
            letters <= self.letters
        };
        let fit = waiting.iter().take_while(fits).count();
        waiting.truncate(fit.max(1));
        waiting
    }
}

/// What came of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Changes that do not wait any more.
    pub done: usize,
    /// Whether others waited already when it began.
    pub more: bool,
}

/// Brings the index up to date with a portion of what waits, the newest first. Cutting has a thread
/// of its own: whoever sends waits for the writing alone, and whoever called for nothing.
///
/// # Errors
/// As the store says. What was not done waits on.
pub async fn index_portion(store: &(impl Searching + ?Sized), most: Portion) -> Result<Turn, StoreError> {
    let waiting = store.unindexed(most.changes).await?;
    let count = |all: &[Unindexed]| all.iter().map(|one| one.changes.len()).sum::<usize>();
    let read = count(&waiting);
    if read == 0 {
        return Ok(Turn { done: 0, more: false });
    }
    let portion = most.of(waiting);
    let taken = count(&portion);
    let cut = tokio::task::spawn_blocking(|| portion.into_iter().map(Cut::from).collect());
    let cut = cut.await.map_err(|error| StoreError::Unavailable(format!("no terms were cut: {error}")))?;
    let done = store.index(cut).await?;
    // Where less was done than taken, another process is at it, or somebody writes at this moment.
    Ok(Turn { done, more: done >= taken && (read > taken || read >= most.changes) })
}
