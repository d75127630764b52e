//! Real servers under every fault, judged by what was promised. Only with the feature `torture`.

pub mod redis;
