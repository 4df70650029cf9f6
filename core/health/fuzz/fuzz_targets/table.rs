//! `cargo +nightly fuzz run table`, from `core/health`.
#![no_main]

#[path = "../formats.rs"]
#[allow(dead_code, reason = "each target uses one")]
mod formats;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| formats::table(bytes));
