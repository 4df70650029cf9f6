//! chrF and BLEU of an engine through the whole pipeline, on a test set.
//!
//! `cargo run --release -p cuba-translate --features llm --example quality -- llm MODEL.gguf FROM TO SOURCE REFERENCE [LINES]`
//! `cargo run --release -p cuba-translate --features nmt --example quality -- nmt MODEL,VOCAB[,TARGETVOCAB] FROM TO SOURCE REFERENCE [LINES]`
//!
//! The last line is one JSON object. `OUT=FILE` in the environment writes the translations.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use cuba_translate::engine::Engine;
use cuba_translate::{Cancel, Engines, LanguageCode, Settings, Translator, metrics};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, model, from, to, source, reference, rest @ ..] = args.as_slice() else {
        panic!("usage: quality llm|nmt MODEL FROM TO SOURCE REFERENCE [LINES]");
    };
    let (from, to): (LanguageCode, LanguageCode) = (from.parse().unwrap(), to.parse().unwrap());
    let limit = rest.first().map_or(200, |n| n.parse().unwrap());
    let read = |path: &str| -> Vec<String> {
        std::fs::read_to_string(path).unwrap().lines().take(limit).map(str::to_owned).collect()
    };
    let (sources, references) = (read(source), read(reference));
    let engine = open(kind, model, from, to);
    let id = engine.id().to_owned();
    let translator = Translator::new(Engines::new().with(engine));
    let mut lines = Vec::new();
    let mut confidence: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let sink = |line: cuba_translate::LineTranslation| {
        confidence.entry(line.confidence.as_str()).or_default().push(line.index);
        for reason in &line.reasons {
            *reasons.entry(reason.as_str()).or_default() += 1;
        }
        lines.push(line.text);
        ControlFlow::Continue(())
    };
    let summary = translator
        .translate_lines(Some(from), to, &Settings::default(), sources, sink, &Cancel::new())
        .unwrap();
    if let Some(out) = std::env::var_os("OUT") {
        std::fs::write(out, lines.join("\n") + "\n").unwrap();
    }
    for (level, indices) in &confidence {
        let pick = |all: &[String]| -> Vec<String> { indices.iter().map(|i| all[*i].clone()).collect() };
        let chrf = metrics::chrf(&pick(&lines), &pick(&references)).unwrap();
        println!("confidence {level:6} {:5} lines  chrF {chrf:.1}", indices.len());
    }
    println!("reasons {reasons:?}");
    println!("{:?}", summary.timings);
    println!(
        "{{\"engine\":\"{id}\",\"pair\":\"{from}-{to}\",\"lines\":{},\"bleu\":{:.2},\"chrf\":{:.2},\"seconds\":{:.1}}}",
        lines.len(),
        metrics::bleu(&lines, &references).unwrap(),
        metrics::chrf(&lines, &references).unwrap(),
        summary.timings.total.as_secs_f64()
    );
}

fn open(kind: &str, model: &str, from: LanguageCode, to: LanguageCode) -> Arc<dyn Engine> {
    let _ = (from, to, Path::new(model));
    match kind {
        #[cfg(feature = "llm")]
        "llm" => {
            use cuba_translate::engine::llm;

            let name = Path::new(model).file_stem().unwrap().to_string_lossy();
            // MODEL, or MODEL+ADAPTER and named after the adapter.
            let (model, adapter) =
                model.split_once('+').map_or((model, None), |(m, a)| (m, Some(Path::new(a))));
            let settings = llm::LlmSettings::default();
            llm::open(&format!("llm:{name}"), Path::new(model), adapter, settings).unwrap()
        }
        #[cfg(feature = "nmt")]
        "nmt" => {
            use cuba_translate::engine::Direction;
            use cuba_translate::engine::nmt::{NmtEngine, NmtSettings};
            let paths: Vec<&str> = model.split(',').collect();
            let files = match paths[..] {
                [model, vocab] => cuba_nmt::ModelFiles::shared(model, vocab),
                [model, source, target] => cuba_nmt::ModelFiles::split(model, source, target),
                _ => panic!("MODEL,VOCAB or MODEL,SOURCEVOCAB,TARGETVOCAB"),
            };
            let direction = Direction::new(from, to);
            Arc::new(
                NmtEngine::open(format!("nmt:{direction}"), direction, &files, NmtSettings::default())
                    .unwrap(),
            )
        }
        other => panic!("no engine {other} in this build: use --features nmt or llm"),
    }
}
