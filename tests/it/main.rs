//! All integration tests in one binary: it links once, and its tests share nothing but code.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what is wrong by panicking"
)]

mod administering;
mod architecture;
mod asyncapi;
mod building;
mod canary;
mod cluster;
mod contract;
mod costs;
mod docs;
mod files;
mod frames;
mod http;
mod journeys;
mod mail;
mod own_data;
mod pods;
mod postgres;
mod recounting;
mod redis;
mod searching;
mod sim;
mod strangers;
mod support;
mod threats;
mod torture;
mod traces;
mod ws;
