//! `cargo +nightly fuzz run gguf`: no bytes make the header reader panic, loop or take memory beyond the input's size.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = cuba_llm::gguf::Header::parse(data);
});
