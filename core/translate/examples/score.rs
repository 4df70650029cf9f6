//! Scores a file of translations against a file of references, line by line: `score HYPOTHESES REFERENCES` prints JSON.
//!
//! The figures are those of sacreBLEU's defaults (chrF2; BLEU with 13a tokens and exponential smoothing).
#![allow(clippy::print_stdout, reason = "a command")]

use std::process::ExitCode;

use cuba_translate::metrics::{bleu, chrf};

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [hypotheses, references] = paths.as_slice() else {
        println!("usage: score HYPOTHESES REFERENCES");
        return ExitCode::FAILURE;
    };
    match (read(hypotheses), read(references)) {
        (Ok(hypotheses), Ok(references)) if hypotheses.len() == references.len() => {
            println!(
                "{{\"chrf\": {:.3}, \"bleu\": {:.3}}}",
                chrf(&hypotheses, &references).unwrap_or_default(),
                bleu(&hypotheses, &references).unwrap_or_default()
            );
            ExitCode::SUCCESS
        }
        (Ok(hypotheses), Ok(references)) => {
            println!(
                "{} translations and {} references: not the same lines",
                hypotheses.len(),
                references.len()
            );
            ExitCode::FAILURE
        }
        (Err(error), _) | (_, Err(error)) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn read(path: &str) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).split('\n').map(str::to_owned).collect())
}
