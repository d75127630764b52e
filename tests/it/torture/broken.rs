//! The cluster torture at a small size: servers as they are pass, and of servers that were broken
//! on purpose the judge names the promise that they break.

use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// One cluster at a time: each is three servers, a database and a Redis.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs `chat torture` to its end.
fn torture(arguments: &str) -> Output {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
    command.arg("torture").args(arguments.split_whitespace());
    command.output().expect("the binary runs")
}

/// Expects that servers broken like this are found out by this promise.
#[track_caller]
fn found_out(broken: &str, promise: &str, arguments: &str) {
    let output = torture(&format!("--small --broken {broken} {arguments}"));
    let said = String::from_utf8_lossy(&output.stdout);
    let verdict = said.lines().find_map(|line| line.strip_prefix("VERDICT: broken are "));
    let named = verdict.is_some_and(|named| named.split(", ").any(|name| name == promise));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(named, "{broken} should break {promise}:\n{said}\n{told}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_whole_cluster_keeps_its_promises_under_every_fault() {
    let output = torture("--small --seed 20 --patience 10");
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "\n{said}\n{told}");
    assert!(said.contains("VERDICT: every promise held"), "\n{said}");
}

#[test]
fn numbers_from_a_sequence_leave_holes() {
    found_out("sequence", "I2", "--seed 1 --seconds 11 --faults database-cut");
}

#[test]
fn a_key_burnt_by_a_failed_attempt_is_found() {
    found_out("burnt-key", "I3", "--seed 2 --seconds 11 --faults database-cut");
}

#[test]
fn an_ack_before_the_commit_is_a_lie() {
    found_out("early-ack", "I1", "--seed 3 --seconds 11 --faults database-cut,kill");
}

/// Rooms in which little is said: the next message would bring what was not announced.
#[test]
fn what_nobody_sweeps_stays_in_the_outbox() {
    found_out("no-sweeper", "I25", "--seed 4 --seconds 14 --rooms 60 --rate 20 --faults redis-kill");
}

#[test]
fn readers_that_begin_at_the_newest_entry_miss_the_doorbell() {
    found_out("dollar", "doorbell", "--seed 5 --seconds 10 --clients 24 --rooms 40 --rate 80 --faults none");
}

#[test]
fn what_cannot_run_proves_nothing() {
    let output = torture("--small --store sqlite --pods 3");
    assert_eq!(output.status.code(), Some(2));
}
