//! All integration tests in one binary: it links once, and its tests share nothing but code.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]
#![allow(unreachable_pub, reason = "a binary has no outside; `pub` means: for the other files")]

mod contract;
