//! `cargo +nightly fuzz run vocabulary`, from `core/nmt`.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target uses one")]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::vocabulary(bytes));
