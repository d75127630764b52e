//! Real servers under every fault. Compiled with the feature `torture` only; never in a release.

pub mod postgres;
