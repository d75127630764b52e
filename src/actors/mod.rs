//! The engine: actors for rooms, shards, the writer and the workers' hubs.

pub mod registry;

pub use registry::Registry;
