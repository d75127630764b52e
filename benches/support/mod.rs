//! What the benches of real sockets share: the server's process, the baseline, and the crowd of
//! clients.

pub mod bare;
pub mod client;
pub mod process;
