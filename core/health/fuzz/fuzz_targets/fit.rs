//! `cargo +nightly fuzz run fit`, from `core/health`.
#![no_main]

#[path = "../formats.rs"]
#[allow(dead_code, reason = "each target uses one")]
mod formats;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| formats::fit(bytes));
