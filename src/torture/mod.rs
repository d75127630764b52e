//! Real servers under every fault, judged by what was promised. Only with the feature `torture`; never
//! in a release.

pub mod postgres;
pub mod redis;
