//! All integration tests in one binary: it links once, and its tests share nothing but code.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what is wrong by panicking"
)]

#[cfg(feature = "torture")]
mod administering;
mod architecture;
mod asyncapi;
mod canary;
#[cfg(feature = "torture")]
mod cluster;
mod contract;
#[cfg(feature = "torture")]
mod costs;
mod docs;
mod files;
mod frames;
mod http;
mod journeys;
#[cfg(feature = "torture")]
mod mail;
#[cfg(feature = "torture")]
mod own_data;
#[cfg(feature = "torture")]
mod pods;
mod postgres;
#[cfg(feature = "torture")]
mod recounting;
mod redis;
#[cfg(feature = "torture")]
mod searching;
mod sim;
mod strangers;
mod support;
mod threats;
mod torture;
mod traces;
mod ws;
