//! How often the checks doubt translations that people made: the price of doubt.
//!
//! `cargo run --release -p cuba-translate --example doubted -- en es SOURCE.txt REFERENCE.txt` prints how many of the pairs
//! show each sign; with `--show unfamiliar` those pairs as well. Signs of the engine's own certainty need an engine and are
//! not looked at.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use cuba_translate::check::check;
use cuba_translate::engine::Hypothesis;

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let show = args.iter().position(|a| a == "--show").map(|at| args.drain(at..at + 2).next_back().unwrap());
    let [from, to, source, reference] = args.as_slice() else {
        panic!("usage: doubted FROM TO SOURCE.txt REFERENCE.txt [--show SIGN]");
    };
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    let (source, reference) =
        (std::fs::read_to_string(source).unwrap(), std::fs::read_to_string(reference).unwrap());
    let (mut pairs, mut counts) = (0, BTreeMap::<&str, usize>::new());
    for (sentence, translation) in source.lines().zip(reference.lines()) {
        pairs += 1;
        let hypothesis = Hypothesis { text: translation.to_owned(), ..Hypothesis::default() };
        for reason in check(sentence, &hypothesis, &from, &to) {
            *counts.entry(reason.as_str()).or_default() += 1;
            if show.as_deref() == Some(reason.as_str()) {
                println!("{sentence}\n    {translation}");
            }
        }
    }
    for (sign, count) in counts {
        println!("{sign}: {count} of {pairs}");
    }
}
