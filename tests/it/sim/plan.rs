//! What goes wrong in one run, and when: a value that can be kept in a file and run again.
//!
//! Many short plans find more than few long ones, so a plan lasts seconds of virtual time, and a
//! fault that is possible is off in many plans: what always happens hides what needs silence.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chance::Chance;

/// One schedule of failures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// What it found, when it is kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// Where chance within the run comes from: what people write, which call it is that fails.
    pub seed: u64,
    pub servers: usize,
    pub people: usize,
    /// How long the faults last.
    pub lasts_ms: u64,
    pub sizes: Sizes,
    pub habits: Habits,
    pub faults: Faults,
    /// Ascending.
    pub schedule: Vec<Scheduled>,
}

/// Bounds of the servers, small enough to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sizes {
    pub replay_page: usize,
    pub replay_per_room: usize,
    pub replay_per_resume: usize,
    pub unanswered: usize,
    pub outbox_frames: usize,
    pub room_cache: usize,
    pub batch: usize,
    pub room_idle_ms: u64,
}

/// What people do, in times out of a hundred of their actions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Habits {
    /// The longest pause between two actions.
    pub pace_ms: u64,
    /// The longest time from one connection to the next.
    pub away_ms: u64,
    /// Cuts the connection.
    pub cuts: u64,
    /// Stops reading, for at most [`Self::stall_ms`].
    pub stalls: u64,
    pub stall_ms: u64,
    /// Edits or deletes.
    pub changes: u64,
    /// Moves marks.
    pub marks: u64,
    /// Leaves the public room, or joins it again.
    pub moves: u64,
    /// Opens a room, or only follows it.
    pub levels: u64,
    /// The last person goes at the end, and the others are told.
    pub last_goes: bool,
    /// Comings and goings are the owner's doing; he gives roles and changes rooms. Absent in older
    /// plans.
    #[serde(default)]
    pub manages: u64,
    /// Expresses a sign, or takes one back. Absent in older plans.
    #[serde(default)]
    pub reacts: u64,
}

/// What goes wrong by itself, in times out of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Faults {
    pub bus_loses: u64,
    pub bus_doubles: u64,
    pub bus_delays: u64,
    /// A call of the store that is not made.
    pub store_fails: u64,
    /// A writing call that is made, and answered as if it were not.
    pub answers_lost: u64,
    /// A call of the store that takes its time before or after it is made.
    pub store_dawdles: u64,
    /// An announcement that is lost before the bus took it. Absent in older plans.
    #[serde(default)]
    pub bus_refuses: u64,
    /// A room that read the store and dies of it. Absent in older plans.
    #[serde(default)]
    pub rooms_die: u64,
}

impl Faults {
    /// Whether entries may rightly take long to reach a live reader, and sockets be closed for a fault.
    pub const fn slow(&self) -> bool {
        self.store_fails > 0 || self.store_dawdles > 0 || self.answers_lost > 0 || self.rooms_die > 0
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scheduled {
    pub at_ms: u64,
    #[serde(rename = "do")]
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum What {
    /// A server dies with all that is in its memory, and another takes its place.
    Kill { server: usize },
    /// A server hears nothing of the bus, and does not know.
    Deafen { server: usize, for_ms: u64 },
    /// A server is told to end: it moves its people within the time, while another has taken its
    /// place.
    Drain { server: usize, within_ms: u64 },
    /// Nothing passes between servers, and they know.
    BusAway { for_ms: u64 },
    /// What is older is forgotten from the logs.
    Prune { older_ms: u64 },
    /// The history is declared another one.
    RenewEpoch,
}

impl Plan {
    /// The plan of a seed.
    pub fn draw(seed: u64, servers: usize) -> Self {
        let mut chance = Chance::new(seed);
        let c = &mut chance;
        let lasts_ms = 500 + c.below(2_000);
        let unanswered = 2 + c.index(8);
        let sizes = Sizes {
            replay_page: 1 + c.index(8),
            replay_per_room: 1 + c.index(20),
            replay_per_resume: 1 + c.index(30),
            unanswered,
            // All answers and half of it in entries must fit, or who is quick is found slow.
            outbox_frames: 2 * unanswered + 8 + c.index(12),
            room_cache: c.index(20),
            batch: 1 + c.index(16),
            room_idle_ms: [1_000, 4_000, 60_000][c.index(3)],
        };
        let mut habits = Habits {
            pace_ms: 150 + c.below(450),
            away_ms: 1 + c.below(1_200),
            cuts: sometimes(c, 25),
            stalls: sometimes(c, 12),
            stall_ms: 500 + c.below(2_500),
            changes: sometimes(c, 30),
            marks: sometimes(c, 40),
            moves: sometimes(c, 30),
            levels: sometimes(c, 30),
            last_goes: c.percent(15),
            manages: 0,
            reacts: 0,
        };
        let mut faults = Faults {
            bus_loses: sometimes(c, 60),
            bus_doubles: sometimes(c, 30),
            bus_delays: sometimes(c, 50),
            store_fails: sometimes(c, 10),
            answers_lost: sometimes(c, 12),
            store_dawdles: sometimes(c, 30),
            bus_refuses: 0,
            rooms_die: 0,
        };
        let mut schedule: Vec<Scheduled> = (0..c.below(4))
            .map(|_| Scheduled { at_ms: c.below(lasts_ms), what: What::draw(c, servers, lasts_ms) })
            .collect();
        let people = 2 + c.index(3);
        // What came to the simulation later is drawn last, so that a seed's other faults stay.
        faults.bus_refuses = sometimes(c, 40);
        if c.percent(50) {
            let what = What::BusAway { for_ms: 300 + c.below(lasts_ms) };
            schedule.push(Scheduled { at_ms: c.below(lasts_ms), what });
        }
        if c.percent(50) {
            let what = What::Drain { server: c.index(servers), within_ms: 300 + c.below(2_000) };
            schedule.push(Scheduled { at_ms: c.below(lasts_ms), what });
        }
        habits.manages = sometimes(c, 60);
        habits.reacts = sometimes(c, 40);
        faults.rooms_die = sometimes(c, 20);
        schedule.sort_by_key(|scheduled| scheduled.at_ms);
        Self { found: String::new(), seed, servers, people, lasts_ms, sizes, habits, faults, schedule }
    }

    /// All plans that are kept, by their files' names.
    pub fn kept() -> Vec<(String, Self)> {
        let folder = std::fs::read_dir(folder()).expect("the folder of plans is there");
        let mut plans: Vec<_> = folder
            .map(|file| file.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .map(|path| {
                let text = std::fs::read_to_string(&path).expect("readable");
                let plan = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                (path.file_name().expect("a file").to_string_lossy().into_owned(), plan)
            })
            .collect();
        plans.sort_by(|(a, _), (b, _)| a.cmp(b));
        plans
    }

    /// Keeps a plan that failed; answers where.
    pub fn keep(&self) -> PathBuf {
        let path = folder().join(format!("failed-{}-{}.json", self.servers, self.seed));
        let text = serde_json::to_string_pretty(self).expect("a plan is JSON");
        if let Err(error) = std::fs::write(&path, text.clone() + "\n") {
            eprintln!("{} was not written ({error}); the plan is:\n{text}", path.display());
        }
        path
    }

    pub fn lasts(&self) -> Duration {
        Duration::from_millis(self.lasts_ms)
    }
}

impl What {
    fn draw(c: &mut Chance, servers: usize, lasts_ms: u64) -> Self {
        match c.below(6) {
            0..=1 => Self::Kill { server: c.index(servers) },
            2 => Self::Deafen { server: c.index(servers), for_ms: c.below(lasts_ms) },
            3..=4 => Self::Prune { older_ms: c.below(700) },
            _ => Self::RenewEpoch,
        }
    }
}

/// Off in half of all plans, else up to `most`.
fn sometimes(c: &mut Chance, most: u64) -> u64 {
    if c.percent(50) { 0 } else { 1 + c.below(most) }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/sim/plans")
}
