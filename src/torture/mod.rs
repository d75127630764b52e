//! `chat torture`: real servers under every fault, real clients, and a judge.
//!
//! Starts server processes of this very program with a database and a Redis of their own, puts a
//! proxy that can cut before each, lets clients chat while things go wrong on a schedule drawn from a
//! seed, and afterwards compares what everybody was told and saw with what the tables hold. It knows
//! the servers from outside only: the wire, the tables, signals. Feature `torture`; not for
//! releases.
//!
//! Next: [`run`] (from the first process to the last), `plan` (the faults), `client` (who behaves as
//! the SDK has to), `door` (who comes and goes), `inspect` (looks at the end), `judge` (what was promised).

#![allow(
    clippy::indexing_slicing,
    reason = "indices are handed out by the lists that they index; a wrong one is a fault of the test, and loud"
)]

mod books;
mod calls;
mod chance;
mod client;
mod command;
mod crowd;
mod deeds;
mod door;
mod faults;
mod history;
mod inspect;
mod judge;
mod moment;
mod options;
mod outside;
mod plan;
mod pod;
pub mod postgres;
mod process;
mod proxy;
mod record;
pub mod redis;
mod report;
mod rest;
mod run;
mod targets;
mod watch;

pub use command::main;
pub use options::{Options, Size};
pub use process::kept_environment;
