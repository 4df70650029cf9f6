//! `cargo +nightly fuzz run gbnf`: no text makes the grammar check panic or loop.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &str| {
    let _ = cuba_llm::gbnf::check(data);
});
