//! `cargo +nightly fuzz run segment`, from `core/translate`.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target uses one")]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::segment_text(bytes));
