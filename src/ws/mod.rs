//! The realtime endpoint: the upgrade, the session actor, and the WebSocket itself.
//!
//! Knows actors, domain, protocol and auth; no concrete store or bus. [`socket`] is the only file
//! that names a WebSocket library, so leaving it would be one file's work. Read [`upgrade`], then
//! [`session`] with its parts [`entrance`], [`private`], [`catch_up`] and [`people`].

pub mod admission;
mod catch_up;
mod catch_up_jobs;
#[cfg(feature = "ws-echo")]
pub mod echo;
mod entrance;
mod people;
mod private;
mod session;
pub mod socket;
pub mod upgrade;

pub use admission::Admission;
pub use session::{Session, SessionParts};
pub use upgrade::{Realtime, configure};
