//! What strangers send, led by coverage: `make fuzz`.
#![no_main]

// Each target holds one of them.
#[allow(dead_code)]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    properties::file(bytes);
});
