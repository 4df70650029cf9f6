//! Translates standard input, line by line:
//! `cargo run --release -p cuba-nmt --example translate -- MODEL VOCAB [TARGET_VOCAB] [--beam N] [--threads N]`
//! with `--scores` for the mean and minimum log-probability and the coverage of each line.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use std::io::{BufRead, Write};
use std::process::ExitCode;

use cuba_nmt::{Cancel, Model, ModelFiles, Options, Source};

struct Request {
    files: ModelFiles,
    options: Options,
    scores: bool,
}

fn request() -> Result<Request, String> {
    let (mut files, mut options, mut scores) = (Vec::new(), Options::default(), false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|n| n.parse().ok()).ok_or(format!("{arg} needs a number"));
        match arg.as_str() {
            "--beam" => options.beam = number()?,
            "--threads" => options.threads = number()?,
            "--scores" => scores = true,
            _ => files.push(arg),
        }
    }
    let files = match files.as_slice() {
        [model, vocab] => ModelFiles::shared(model, vocab),
        [model, source, target] => ModelFiles::split(model, source, target),
        _ => return Err("give MODEL and VOCAB, or MODEL, SOURCE_VOCAB and TARGET_VOCAB".into()),
    };
    Ok(Request { files, options, scores })
}

fn run() -> Result<(), String> {
    let Request { files, options, scores } = request()?;
    let model = Model::open(&files).map_err(|e| e.to_string())?;
    let mut out = std::io::stdout().lock();
    let mut block: Vec<Source> = Vec::new();
    let mut lines = std::io::stdin().lock().lines();
    loop {
        let line = lines.next().transpose().map_err(|e| e.to_string())?;
        let last = line.is_none();
        block.extend(line.map(Source::from));
        if block.len() < 256 && !last {
            continue;
        }
        let done =
            model.translate_batch(&block, &options, &Cancel::new(), &|_| ()).map_err(|e| e.to_string())?;
        for translation in done {
            let text = &translation.text;
            let line = if scores {
                let number = |n: Option<f32>| n.map_or("-".to_owned(), |n| format!("{n:.3}"));
                let signs = [translation.mean_log_prob(), translation.min_log_prob(), translation.coverage()];
                format!("{text}\t{}", signs.map(number).join("\t"))
            } else {
                text.clone()
            };
            writeln!(out, "{line}").map_err(|e| e.to_string())?;
        }
        block.clear();
        if last {
            return Ok(());
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("translate: {error}");
            ExitCode::FAILURE
        }
    }
}
