//! `cargo +nightly fuzz run gpx_route`, from `core/health`.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target uses one")]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::gpx_route(bytes));
