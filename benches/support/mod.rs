//! What the benches of real sockets share: the server's process, the baseline, and the crowd of
//! clients.

#![allow(dead_code, reason = "each bench uses its part")]

pub mod bare;
pub mod callgrind;
pub mod client;
pub mod process;
pub mod storm;
