//! The judge: takes what happened and says which promises were broken, with the first proof.
//!
//! Numbers are those of `docs/explanation/ordering-and-delivery.md`. Each part looks at a few of them:
//! `stored` at the tables, `changed` at edits, deletions and reactions, `belonging` at who comes and
//! goes, `delivered` at sequences, `timely` at clocks, `drained` at ends, `counted` at counters and the
//! outbox, `looked` at histories and files as people got them in the end.

mod aligned;
mod belonging;
mod changed;
mod counted;
mod delivered;
mod drained;
mod facts;
mod looked;
mod present;
mod stored;
#[cfg(test)]
mod tests;
mod timely;

use std::collections::BTreeMap;

use uuid::Uuid;

pub use self::facts::Facts;
use super::history::History;
use super::moment::Moment;
use super::plan::Kind;
use super::record::Times;

/// A promise that was broken, once.
#[derive(Clone, Debug)]
pub struct Violation {
    /// `I1` and so on; `doorbell` for the time of deliveries while all is well, `crash` for a
    /// process that ended by itself, `progress` for what never came to an end, `upload` for what a file
    /// left that was not taken, `coverage` for what a full run never came to look at.
    pub promise: &'static str,
    pub at: Moment,
    pub what: String,
    pub client: Option<usize>,
    pub room: Option<usize>,
    pub seq: Option<u64>,
    pub key: Option<Uuid>,
}

impl Violation {
    #[must_use]
    pub const fn new(promise: &'static str, at: Moment, what: String) -> Self {
        Self { promise, at, what, client: None, room: None, seq: None, key: None }
    }

    #[must_use]
    pub fn of_client(self, client: usize) -> Self {
        Self { client: Some(client), ..self }
    }

    #[must_use]
    pub fn of_entry(self, room: usize, seq: u64) -> Self {
        Self { room: Some(room), seq: Some(seq), ..self }
    }

    #[must_use]
    pub fn of_key(self, key: Uuid) -> Self {
        Self { key: Some(key), ..self }
    }
}

/// Of one promise: how often it was looked at, and how often it was broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub checked: usize,
    pub broken: usize,
}

/// Proofs kept of one promise; all are counted.
const PROOFS: usize = 20;

/// Times that the report shows.
#[derive(Debug, Default)]
pub struct Figures {
    /// From commit to delivery, in the calm before the first fault.
    pub calm: Times,
    /// The same, to other processes than the committing one.
    pub calm_across: Times,
    /// Later, outside times of faults that delay.
    pub faulty: Times,
    pub redis_down: Times,
    /// From the sixth second after Redis came back, for ten seconds, unless it or the database goes
    /// again.
    pub redis_back: Times,
    /// To others, while somebody in the room did not read.
    pub beside_slow: Times,
    /// From a socket's `message.send` to its `ack`, in the calm.
    pub acknowledged: Times,
    /// From the beginning of an opening to `ready`.
    pub opening: Times,
    /// Nothing was live for so long when a process told its sockets to go.
    pub moving: Times,
    pub drains: Times,
    pub moves: usize,
    /// Of a client, on the average, while every process is exchanged.
    pub moves_per_rollout: Option<f64>,
    pub lagged: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Verdict {
    pub tallies: BTreeMap<&'static str, Tally>,
    pub violations: Vec<Violation>,
    pub figures: Figures,
}

impl Verdict {
    /// So many things were looked at.
    pub fn checked(&mut self, promise: &'static str, times: usize) {
        self.tallies.entry(promise).or_default().checked += times;
    }

    pub fn broken(&mut self, violation: Violation) {
        let tally = self.tallies.entry(violation.promise).or_default();
        tally.broken += 1;
        if tally.broken <= PROOFS {
            self.violations.push(violation);
        }
    }

    /// Looks at one thing.
    pub fn require(&mut self, promise: &'static str, holds: bool, violation: impl FnOnce() -> Violation) {
        self.checked(promise, 1);
        if !holds {
            self.broken(violation());
        }
    }

    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }

    /// The promises that were broken.
    pub fn named(&self) -> impl Iterator<Item = &'static str> {
        self.tallies.iter().filter(|(_, tally)| tally.broken > 0).map(|(promise, _)| *promise)
    }

    /// The earliest proof.
    #[must_use]
    pub fn first(&self) -> Option<&Violation> {
        self.violations.iter().min_by_key(|violation| violation.at)
    }
}

/// What a full run has to have looked at.
const PROMISES: [&str; 20] = [
    "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I13", "I14", "I15", "I16", "I17", "I22",
    "I23", "I25", "doorbell", "upload",
];
/// How often a full run has to have done each of its faults.
const FAULTS: usize = 10;

/// Adds what makes a full run one: nothing was left out.
pub fn demand_everything(history: &History, verdict: &mut Verdict) {
    for promise in PROMISES {
        let checked = verdict.tallies.get(promise).is_some_and(|tally| tally.checked > 0);
        verdict.require("coverage", checked, || {
            Violation::new("coverage", history.end, format!("nothing was seen that {promise} speaks of"))
        });
    }
    let back = verdict.figures.redis_back.count();
    verdict.require("coverage", back >= timely::ENOUGH, || {
        let what = format!("{back} deliveries were seen in the seconds after Redis came back");
        Violation::new("coverage", history.end, what)
    });
    for kind in Kind::ALL {
        let times = history.faults.iter().filter(|fault| fault.kind == kind).count();
        verdict.require("coverage", times >= FAULTS, || {
            Violation::new("coverage", history.end, format!("{kind} came {times} times, not {FAULTS}"))
        });
    }
}

/// Judges all that is known of a run.
#[must_use]
pub fn judge(history: &History) -> Verdict {
    let facts = Facts::new(history);
    let mut verdict = Verdict::default();
    stored::judge(history, &facts, &mut verdict);
    changed::judge(history, &facts, &mut verdict);
    belonging::judge(history, &facts, &mut verdict);
    looked::judge(history, &facts, &mut verdict);
    delivered::judge(history, &facts, &mut verdict);
    timely::judge(history, &facts, &mut verdict);
    drained::judge(history, &mut verdict);
    counted::judge(history, &facts, &mut verdict);
    present::judge(history, &mut verdict);
    for (client, sheet) in history.clients.iter().enumerate() {
        for wrong in &sheet.wrongs {
            let violation =
                Violation::new(wrong.promise, wrong.at, format!("{}: {}", sheet.name, wrong.what));
            verdict.broken(violation.of_client(client));
        }
    }
    for what in &history.unsettled {
        verdict.broken(Violation::new("progress", history.end, what.clone()));
    }
    verdict
}
