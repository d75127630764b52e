//! The last steps of the messages whose way is noted, in memory: a ring, so that it costs what it
//! costs and no more.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::domain::MessageId;
use crate::domain::journey::{OneIn, Step};

/// Steps that are remembered: about a megabyte.
const STEPS: usize = 16_384;

/// What one process noted.
#[derive(Debug)]
pub struct Journal {
    one_in: OneIn,
    steps: Mutex<VecDeque<Step>>,
}

impl Journal {
    /// Of which messages the way is noted.
    #[must_use]
    pub fn new(one_in: OneIn) -> Self {
        Self { one_in, steps: Mutex::default() }
    }

    /// Whether this message's way is noted.
    #[must_use]
    pub fn follows(&self, message: MessageId) -> bool {
        self.one_in.follows(message)
    }

    /// Notes a step of a message whose way is noted.
    pub fn note(&self, step: Step) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if steps.len() == STEPS {
            steps.pop_front();
        }
        steps.push_back(step);
    }

    /// What is remembered of a message, in the order in which it happened here.
    #[must_use]
    pub fn of(&self, message: MessageId) -> Vec<Step> {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.iter().filter(|step| step.message == message).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::journey::Station;
    use crate::domain::{PodId, Timestamp};

    #[test]
    fn the_oldest_are_forgotten_first() {
        let journal = Journal::new(OneIn(1));
        let (pod, message) = (PodId(Uuid::nil()), |n| MessageId(Uuid::from_u128(n)));
        for n in 0..STEPS as u128 + 1 {
            let at = Timestamp::from_millis(0);
            journal.note(Step { message: message(n), at, pod, station: Station::Committed });
        }
        assert!(journal.of(message(0)).is_empty());
        assert_eq!(journal.of(message(1)).len(), 1);
    }
}
