//! The seeded simulation: whole clusters in one thread on virtual time, judged by the promises.
//!
//! `SIM_SEEDS=20000 cargo test sim` runs as many; a failure keeps its [`plan`] in a file, and
//! `SIM_SEED=n cargo test sim` repeats a seed. Plans that once failed are run for ever. Next:
//! [`course`], then [`client`].

mod alone;
mod bus;
pub mod chance;
mod client;
mod course;
mod faulty_store;
mod hear;
mod held;
mod judge;
mod led;
mod managing;
mod moving;
mod outbox;
mod plan;
mod socket;
mod world;

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use held::Tally;
use plan::Plan;

#[test]
fn three_servers_under_every_fault_keep_the_promises() {
    run_seeds(3, 2_000);
}

#[test]
fn a_single_server_keeps_the_promises_through_crashes() {
    run_seeds(1, 200);
}

#[test]
fn plans_that_once_failed_pass() {
    for (name, plan) in Plan::kept() {
        eprintln!("{name}: {}", plan.found);
        course::run(&plan);
    }
}

#[test]
fn a_plan_runs_the_same_each_time_also_from_its_file() {
    for seed in [1, 2, 3, 4, 5, 6] {
        let plan = Plan::draw(seed, 3);
        let text = serde_json::to_string(&plan).expect("a plan is JSON");
        let read: Plan = serde_json::from_str(&text).expect("as it was written");
        assert_eq!(read, plan);
        assert_eq!(course::run(&plan).trace, course::run(&read).trace, "seed {seed}");
    }
}

/// The judge of the outbox, judged: what nobody sweeps is found within few runs.
#[test]
fn a_cluster_that_does_not_sweep_is_found_out() {
    let found = (0..36).any(|seed| {
        let plan = Plan::draw(seed, 3);
        let run = catch_unwind(AssertUnwindSafe(|| course::run_unswept(&plan)));
        let said = run.err().and_then(|panic| panic.downcast::<String>().ok());
        said.is_some_and(|said| said.contains("I25"))
    });
    assert!(found, "what was never announced has to be found");
}

/// What has to come about in so many runs, or the simulation does not simulate it.
const SEEN: &[&str] = &[
    "a room died",
    "acked again",
    "bumped",
    "came with another epoch",
    "closed: 4200",
    "drained",
    "joined",
    "lagged",
    "marked",
    "reaction.added",
    "reaction.removed",
    "member.updated",
    "came from both sockets",
    "moved",
    "moved without a pause",
    "replayed in parts",
    "reset: epoch",
    "reset: membership",
    "reset: retention",
    "sent again",
    "swept",
    "told while the bus was away",
    "room.updated",
    "was banned",
    "was put in",
    "was put out",
];

/// Runs so many seeds, on as many threads as there are cores: each run has one for itself, so that
/// a seed decides everything in it.
fn run_seeds(servers: usize, default: u64) {
    let setting = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (first, count) = match setting("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (0, setting("SIM_SEEDS").unwrap_or(default)),
    };
    let (next, failed, tally) = (AtomicU64::new(first), AtomicBool::new(false), Mutex::new(Tally::default()));
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let plan = Plan::draw(seed, servers);
                    match catch_unwind(AssertUnwindSafe(|| course::run(&plan))) {
                        Ok(outcome) => tally.lock().expect("not poisoned").add(&outcome.tally),
                        Err(_) => {
                            failed.store(true, Ordering::Relaxed);
                            let path = plan.keep();
                            eprintln!(
                                "{servers} servers, seed {seed} failed (SIM_SEED={seed} repeats it). Its plan is \
                                 in {}, where every run replays it: say in `found` what it found, and commit it \
                                 with the repair",
                                path.display()
                            );
                        }
                    }
                }
            });
        }
    });
    assert!(!failed.into_inner(), "a seed failed");
    let tally = tally.into_inner().expect("not poisoned");
    eprintln!(
        "{count} seeds of {servers} servers in {:?} on {threads} threads: {:?}",
        began.elapsed(),
        tally.0
    );
    if count >= 1_000 {
        let never: Vec<_> = SEEN.iter().filter(|what| !tally.0.contains_key(**what)).collect();
        assert!(never.is_empty(), "in {count} runs it never came to {never:?}");
    }
}
