//! Recomputes the accuracy table: `cargo run --release -p cuba-signals --example eval_health -- --data DIR`.
#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::unwrap_used, reason = "a measuring tool, not the product")]

mod eval {
    pub(crate) mod pulse;
}

use std::path::PathBuf;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let data = args.iter().position(|a| a == "--data").and_then(|i| args.get(i + 1)).map(PathBuf::from).expect("--data DIR");
    eval::pulse::run(&data);
}
