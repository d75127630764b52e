//! `chat`: a self-hosted real-time chat server.
//!
//! Each room and each connected session is an actor; the database gives the order; the bus is a
//! doorbell. `docs/explanation/architecture.md` draws the picture; start reading at [`domain`].

pub mod actors;
pub mod app;
pub mod auth;
pub mod bus;
pub mod clock;
pub mod domain;
pub mod error;
pub mod files;
pub mod http;
pub mod limits;
pub mod mail;
pub mod presence;
pub mod protocol;
pub mod redis;
pub mod settings;
pub mod store;
pub mod telemetry;
#[cfg(feature = "torture")]
pub mod torture;
pub mod ws;

/// Two of actix-http's buffers of 8 KiB stand behind every socket, of which an idle one touches the
/// beginning only. This allocator puts them on pages of their own, so that the rest costs nothing;
/// the system's one spreads them over shared pages (`cargo bench --bench sockets memory`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
