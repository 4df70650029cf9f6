//! Trains the two sleep models on all labelled nights and writes the weights:
//! `cargo run --release -p cuba-signals --example train_sleep -- --data DIR --out models/sleep`.
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a training tool, not the product"
)]

mod eval {
    pub(crate) mod boost;
    pub(crate) mod nights;
}

use cuba_signals::sleep::features::{FEATURES, HEART_FEATURES};
use std::path::PathBuf;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let option =
        |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).map(PathBuf::from);
    let (data, out) = (option("--data").expect("--data DIR"), option("--out").expect("--out DIR"));
    let nights = eval::nights::load(&data.join("sleep-walch"));
    let (rows, changes) = eval::nights::training_set(nights.iter());
    for (name, features) in [("heart.gbm", HEART_FEATURES), ("heart-clock.gbm", FEATURES)] {
        let bytes = eval::boost::train(&rows, &changes, features, 1);
        std::fs::write(out.join(name), &bytes).unwrap();
        println!("{name}: {} bytes, {} epochs", bytes.len(), rows.len());
    }
    println!("subjects: {}", nights.iter().map(|n| n.subject.as_str()).collect::<Vec<_>>().join(" "));
}
