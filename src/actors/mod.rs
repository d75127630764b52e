//! The engine: actors for rooms, registry shards, the writer, and the workers' hubs.
//!
//! Knows the domain, the protocol and the traits of store and bus; no database, no HTTP, no
//! WebSocket library. Read [`mail`] first, then follow a message: [`shard`] -> [`room`] ->
//! [`writer`] -> [`hub`] -> [`outbox`].

#[cfg(feature = "torture")]
mod broken;
mod clerk;
mod comparing;
mod deadlines;
pub mod engine;
pub mod hub;
pub mod journeys;
pub mod link;
pub mod lives;
mod log_view;
pub mod mail;
mod marker;
pub mod outbox;
pub mod pod;
mod presence;
mod recounting;
pub mod registry;
mod reply;
mod room;
mod room_backfill;
mod room_whispers;
mod room_writes;
mod shard;
mod sweeper;
mod writer;

pub use engine::Engine;
pub use hub::HubCore;
pub use link::Link;
pub use pod::{Adapters, Pod};
pub use registry::Registry;
pub use reply::Reply;
