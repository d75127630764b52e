//! Following a message: what the actors note of its way, and the question to all processes what they
//! noted. What is remembered stands in [`Journal`]; what it means in [`crate::domain::journey`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::pod::Pod;
use crate::bus::{Announcement, Shard};
use crate::domain::journey::{OneIn, Station, Step};
use crate::domain::{Change, Committed, Entry, MessageId, Operation, UserId};
use crate::telemetry::journal::Journal;
use crate::telemetry::trace::Tracer;

/// How long the others have for an answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// Steps that an answer holds at most: the last.
pub const TOLD: usize = 100;
/// Answers that wait to be read.
const ANSWERS: usize = 64;

/// What a process noted, and what it asks the others.
pub(super) struct Journeys {
    journal: Journal,
    tracer: OnceLock<Arc<dyn Tracer>>,
    questions: Mutex<HashMap<Uuid, mpsc::Sender<Vec<Step>>>>,
}

impl Journeys {
    pub(super) fn new(one_in: u32) -> Self {
        Self { journal: Journal::new(OneIn(one_in)), tracer: OnceLock::new(), questions: Mutex::default() }
    }

    fn questions(&self) -> MutexGuard<'_, HashMap<Uuid, mpsc::Sender<Vec<Step>>>> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was noted here, without the connections of others than `user`.
    fn of(&self, message: MessageId, user: UserId) -> Vec<Step> {
        let mut steps = self.journal.of(message);
        steps.retain(|step| step.station.device().is_none_or(|device| device.user == user));
        steps.drain(..steps.len().saturating_sub(TOLD));
        steps
    }
}

/// A question is forgotten with whoever asked it, also when he does not wait for the answers.
struct Asked<'a> {
    journeys: &'a Journeys,
    question: Uuid,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.journeys.questions().remove(&self.question);
    }
}

impl Pod {
    /// Whether this message's way is noted.
    #[must_use]
    pub fn follows(&self, message: MessageId) -> bool {
        self.journeys.journal.follows(message)
    }

    /// Notes that a message passed a station here, if its way is noted.
    pub fn note(&self, message: MessageId, station: Station) {
        if self.follows(message) {
            let (at, pod) = (self.clock.now(), self.id);
            let step = Step { message, at, pod, station };
            self.journeys.journal.note(step);
            if let Some(tracer) = self.journeys.tracer.get() {
                tracer.passed(step);
            }
        }
    }

    /// From now on steps are told to this tracer too. There is at most one.
    pub fn trace(&self, tracer: Arc<dyn Tracer>) {
        let _first = self.journeys.tracer.set(tracer);
    }

    /// Whom spans are told, if anybody.
    #[must_use]
    pub fn tracer(&self) -> Option<&Arc<dyn Tracer>> {
        self.journeys.tracer.get()
    }

    /// Whether this trace is kept where nobody has decided before.
    #[must_use]
    pub fn samples(&self, trace: u128) -> bool {
        self.follows(MessageId(Uuid::from_u128(trace)))
    }

    /// The same for what begins a message.
    pub(super) fn note_operation(&self, operation: &Operation, station: Station) {
        if let Operation::Send { message, .. } = operation {
            self.note(*message, station);
        }
    }

    /// The same for what tells of a new message.
    pub fn note_entry(&self, entry: &Entry, station: Station) {
        if let Change::MessageCreated(message) = &entry.change {
            self.note(message.id, station);
        }
    }

    /// What became of an operation.
    pub(super) fn note_outcome<E>(&self, operation: &Operation, outcome: &Result<Committed, E>) {
        match outcome {
            Ok(committed) if committed.duplicate => {}
            Ok(committed) => self.note_entry(&committed.entry, Station::Committed),
            Err(_) => self.note_operation(operation, Station::Refused),
        }
    }

    /// What all processes noted of a message, but for the connections of others than `user`; of those
    /// that answer in half a second. By time.
    pub async fn journey(&self, message: MessageId, user: UserId) -> Vec<Step> {
        let mut steps = self.journeys.of(message, user);
        // Where nothing can get lost there is nobody else.
        if self.follows(message) && self.bus.is_lossy() && self.bus.passes() {
            let question = self.clock.id();
            let (answer, mut answers) = mpsc::channel(ANSWERS);
            self.journeys.questions().insert(question, answer);
            let _asked = Asked { journeys: &self.journeys, question };
            let asked = Announcement::Asked { question, message, user };
            self.bus.publish(Shard::of_id(question), asked);
            let end = Instant::now() + PATIENCE;
            while let Ok(Some(noted)) = timeout_at(end, answers.recv()).await {
                steps.extend(noted);
            }
        }
        steps.sort_by_key(|step| step.at);
        steps
    }

    /// Another process asks.
    pub(super) fn asked(&self, question: Uuid, message: MessageId, user: UserId) {
        // Its own question may come back to who asked.
        if self.journeys.questions().contains_key(&question) {
            return;
        }
        let steps = self.journeys.of(message, user);
        if !steps.is_empty() {
            self.bus.publish(Shard::of_id(question), Announcement::Noted { question, steps: steps.into() });
        }
    }

    /// Another process answers somebody.
    pub(super) fn noted(&self, question: Uuid, steps: &[Step]) {
        if let Some(asker) = self.journeys.questions().get(&question) {
            // More answers than there is room for are from more processes than there are.
            let _full = asker.try_send(steps.to_vec());
        }
    }
}
