//! What strangers send, led by coverage: `make fuzz`.
#![no_main]

// Each target holds one of them.
#[allow(dead_code)]
mod properties;

libfuzzer_sys::fuzz_target!(|input: (&str, &str)| {
    properties::query(input.0, input.1);
});
