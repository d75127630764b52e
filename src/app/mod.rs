//! The composition root: the only place that names concrete adapters, and the life of a process
//! from its first log line to its last.

mod accounts;
mod admin;
mod between;
pub mod cli;
mod database;
mod filing;
mod following;
mod https;
mod logs;
mod mailing;
mod metered;
mod metrics;
mod sentry;
mod server;
mod traces;

pub use database::DatabaseError;
pub use server::{Running, StartError, start};
