//! The same translation on every CPU, to the bit: tokens, log-probabilities and alignment of a small trained model and of
//! random models of every architecture, on every instruction set this CPU has, must equal the golden file.
//!
//! The file is made by `CUBA_BLESS=1 cargo test -p cuba-nmt --test golden` and checked on x86-64, ARMv8 and ARMv7. All it
//! needs is inside the binary, so the test runs on a device or under an emulator as it is.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code: it ends at the first surprise"
)]
#![allow(clippy::print_stderr)]

mod common;

use std::fmt::Write;

use common::{Shape, model, sentences, spm};
use cuba_nmt::kernel::Isa;
use cuba_nmt::{Cancel, Model, Options, Source, Translation};

const GOLDEN: &str = include_str!("golden/outputs.txt");

/// A name, a model, its sentences and options.
struct Case {
    name: &'static str,
    model: Model,
    sources: Vec<Source>,
    options: Options,
}

fn cases() -> Vec<Case> {
    let vocab = include_bytes!("golden/enes.spm");
    let trained = || Model::from_bytes(include_bytes!("golden/enes.bin").to_vec(), vocab, None).unwrap();
    let texts = [
        "Hello.",
        "Where is the station?",
        "My daughter has had a fever of 39.5 °C since Monday.",
        "naïve café ☃",
    ];
    let texts = texts.map(Source::from).to_vec();
    let bound = vec![Source::from("The wheel is flat.").force("rueda", None).forbid("mi").prefix("La")];
    let beam = Options { beam: 4, n_best: 4, ..Options::default() };
    let mut cases = vec![
        Case { name: "trained", model: trained(), sources: texts.clone(), options: Options::default() },
        Case { name: "trained-beam", model: trained(), sources: texts, options: beam.clone() },
        Case { name: "trained-bound", model: trained(), sources: bound, options: beam },
    ];
    let small = Shape { dim: 72, ffn: 136, ..Shape::small() };
    let shapes = [
        ("random-ssru", small.clone()),
        ("random-wide", Shape { dim: 256, heads: 8, ffn: 512, vocab: 1200, ..small.clone() }),
        ("random-attention", Shape { ssru: false, swish: true, ..small.clone() }),
        ("random-prenorm", Shape { pre_norm: true, split: true, ..small.clone() }),
        ("random-float", Shape { float: true, ..small.clone() }),
        ("random-untied", Shape { untied: true, ..small }),
    ];
    for (seed, (name, shape)) in (100u64..).zip(shapes) {
        let vocab = spm(shape.vocab).write();
        let model =
            Model::from_bytes(model(&shape, seed), &vocab, shape.split.then_some(vocab.as_slice())).unwrap();
        let sources = sentences(6, 9, seed).iter().map(Source::from).collect();
        cases.push(Case { name, model, sources, options: Options::default() });
    }
    cases
}

/// FNV-1a over the bits: any bit that moves shows.
fn digest(values: impl IntoIterator<Item = f32>) -> u64 {
    let bytes = values.into_iter().flat_map(|v| v.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn describe(name: &str, translations: &[Translation]) -> String {
    let mut out = String::new();
    for (at, t) in translations.iter().enumerate() {
        let tokens: Vec<String> = t.tokens.iter().map(|t| t.id.to_string()).collect();
        let alignment = t.alignment.as_ref().unwrap();
        let rows = (0..t.tokens.len()).flat_map(|i| alignment.row(i).iter().copied());
        let others = t.alternatives.iter().map(|a| a.score);
        writeln!(
            out,
            "{name} {at} | {} | {:016x} {:08x} | {:016x} | {:016x}",
            tokens.join(" "),
            digest(t.log_probs.iter().chain(&t.end_log_probs).copied()),
            t.mean_log_prob().unwrap().to_bits(),
            digest(rows),
            digest(others),
        )
        .unwrap();
    }
    out
}

#[test]
fn every_instruction_set_gives_the_golden_output() {
    let bless = std::env::var_os("CUBA_BLESS").is_some();
    let mut blessed = String::new();
    for mut case in cases() {
        let wanted: String = GOLDEN
            .lines()
            .filter(|l| l.starts_with(&format!("{} ", case.name)))
            .fold(String::new(), |all, l| all + l + "\n");
        for isa in Isa::available() {
            assert!(case.model.use_isa(isa));
            for threads in [1, 2] {
                let options = Options { threads, ..case.options.clone() };
                let done =
                    case.model.translate_batch(&case.sources, &options, &Cancel::new(), &|_| ()).unwrap();
                let got = describe(case.name, &done);
                if bless && isa == Isa::Portable && threads == 1 {
                    blessed += &got;
                } else if bless {
                    assert!(blessed.ends_with(&got), "{} on {}", case.name, isa.name());
                } else {
                    assert_eq!(got, wanted, "{} on {} with {threads} threads", case.name, isa.name());
                }
            }
        }
    }
    let names: Vec<&str> = Isa::available().into_iter().map(Isa::name).collect();
    eprintln!("golden on {names:?}");
    if bless {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/outputs.txt"), blessed).unwrap();
    }
}
