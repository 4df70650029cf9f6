//! `cargo +nightly fuzz run xml`, from `core/health`.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target uses one")]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::xml(bytes));
