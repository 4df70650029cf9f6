//! Against fxtranslate: the same model, the same text, the same tokens, and a cause for each difference.
//!
//! The engines differ in two things. fxtranslate adds int8 products in 16 bits with saturation and takes the shift of its
//! activations off in float; ours are exact. And float steps round differently: own exponential and sums against the C
//! library's and plain loops. Log-probabilities are equal to about 5e-7, until a value that lies between two quantisation
//! steps falls to one side here and to the other there.
//!
//! So where a translation differs, [`peer`] runs fxtranslate's network with these parts exchanged one after the other. It
//! must give fxtranslate's tokens while all is fxtranslate's, also with its kernel written down in plain Rust, and ours
//! once both are exchanged. The exchange at which the tokens change is the cause.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    unreachable_pub,
    reason = "test code: it ends at the first surprise"
)]
#![cfg(target_arch = "x86_64")]

mod common;
mod peer;

use common::{Shape, model, sentences, spm};
use cuba_nmt::{Cancel, Model, Options, Source, Translation};
use fxtranslate::engine::Engine;
use peer::{Parts, Peer};

fn ours(model: &Model, texts: &[String], options: &Options) -> Vec<Translation> {
    let sources: Vec<Source> = texts.iter().map(Source::from).collect();
    model.translate_batch(&sources, options, &Cancel::new(), &|_| ()).unwrap()
}

/// Log-probabilities that fxtranslate gives to `tokens`.
fn log_probs(engine: &Engine, [dim, layers]: [usize; 2], source: &[u32], tokens: &[u32]) -> Vec<f32> {
    let context = engine.encode(source);
    let mut cells = vec![vec![0.0; dim]; layers + 1];
    let mut previous = 0;
    let step = |(step, &next): (usize, &u32)| {
        let top = engine.decode_step(previous, step, &context, source.len(), &mut cells);
        let logits = engine.project(&top);
        let max = logits.iter().copied().fold(f32::MIN, f32::max);
        let sum: f64 = logits.iter().map(|&l| f64::from(l - max).exp()).sum();
        previous = next;
        (f64::from(logits[next as usize] - max) - sum.ln()) as f32
    };
    tokens.iter().enumerate().map(step).collect()
}

/// What a comparison found.
#[derive(Debug, Default)]
struct Found {
    sentences: usize,
    /// Sentences whose tokens differ because integer sums do.
    by_sums: usize,
    /// Sentences whose tokens differ although integer sums are the same: float steps round differently.
    by_rounding: usize,
    /// Distances between the log-probabilities of the tokens both agree on.
    distances: Vec<f32>,
}

impl Found {
    fn median(&self) -> f32 {
        let mut sorted = self.distances.clone();
        sorted.sort_by(f32::total_cmp);
        sorted[sorted.len() / 2]
    }

    fn print(&self, what: &str) {
        println!(
            "{what}: {} sentences, {} differ by integer sums, {} by float rounding, median distance {:e}",
            self.sentences,
            self.by_sums,
            self.by_rounding,
            self.median()
        );
    }
}

/// A model file, opened by both.
struct Both {
    mine: Model,
    engine: Engine,
    file: Vec<u8>,
    sizes: [usize; 2],
    /// How fxtranslate's kernel adds products of this width.
    kernel: Parts,
    peer: std::cell::OnceCell<Peer>,
}

impl Both {
    fn new(file: Vec<u8>, vocab: &[u8], split: bool, [dim, layers]: [usize; 2]) -> Self {
        let mine = Model::from_bytes(file.clone(), vocab, split.then_some(vocab)).unwrap();
        let engine = Engine::from_bytes(&file, vocab, vocab).unwrap();
        let kernel = if dim % 32 == 0 { Parts::Saturating } else { Parts::Moved };
        Self { mine, engine, file, sizes: [dim, layers], kernel, peer: std::cell::OnceCell::new() }
    }

    fn random(shape: &Shape, seed: u64) -> Self {
        let sizes = [shape.dim, shape.decoder];
        Self::new(model(shape, seed), &spm(shape.vocab).write(), shape.split, sizes)
    }

    fn compare(&self, texts: &[String], found: &mut Found) {
        for (text, result) in texts.iter().zip(&ours(&self.mine, texts, &Options::default())) {
            let source = self.engine.src_ids(text);
            let mut own: Vec<u32> = result.source_tokens.iter().map(|t| t.id).collect();
            own.push(0);
            assert_eq!(own, source, "source tokens of {text}");
            let theirs = self.engine.greedy_batch(std::slice::from_ref(&source)).remove(0);
            let tokens: Vec<u32> = result.tokens.iter().map(|t| t.id).collect();
            let agreed = tokens.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
            let forced = log_probs(&self.engine, self.sizes, &source, &tokens[..agreed]);
            found.distances.extend(forced.iter().zip(&result.log_probs).map(|(a, b)| (a - b).abs()));
            found.sentences += 1;
            if tokens != theirs {
                self.explain(text, &source, &tokens, &theirs, found);
            }
        }
    }

    /// Finds the part of the network whose exchange turns their tokens into ours.
    fn explain(&self, text: &str, source: &[u32], tokens: &[u32], theirs: &[u32], found: &mut Found) {
        let peer = self.peer.get_or_init(|| Peer::new(&self.file));
        assert_eq!(peer.greedy(Parts::Its, source), theirs, "its parts are its network: {text}");
        assert_eq!(peer.greedy(self.kernel, source), theirs, "its kernel written down: {text}");
        assert_eq!(peer.greedy(Parts::Ours, source), tokens, "with all parts exchanged it is ours: {text}");
        if peer.greedy(Parts::ExactSums, source) == theirs {
            found.by_rounding += 1;
        } else {
            found.by_sums += 1;
        }
    }
}

/// 8 more than a multiple of 16: fxtranslate has no kernel for such a width and takes its plain loop, which is exact.
fn exact() -> Shape {
    Shape { dim: 72, heads: 4, ffn: 136, ..Shape::small() }
}

#[test]
fn int8_models_give_the_same_tokens() {
    let texts = sentences(40, 8, 1);
    let mut found = Found::default();
    for seed in 0..2 {
        Both::random(&exact(), seed).compare(&texts, &mut found);
    }
    found.print("int8 without its vector kernel");
    assert!((found.by_sums + found.by_rounding) * 10 <= found.sentences && found.median() < 1e-4);
}

#[test]
fn split_vocabularies_give_the_same_tokens() {
    let mut found = Found::default();
    Both::random(&Shape { split: true, ..exact() }, 7).compare(&sentences(40, 8, 2), &mut found);
    found.print("two vocabularies");
    assert!((found.by_sums + found.by_rounding) * 4 <= found.sentences && found.median() < 1e-4);
}

#[test]
fn float_models_give_the_same_tokens() {
    let shape = Shape { float: true, ..Shape::small() };
    let both = Both::random(&shape, 8);
    let texts = sentences(60, 12, 3);
    for (text, result) in texts.iter().zip(&ours(&both.mine, &texts, &Options::default())) {
        let source = both.engine.src_ids(text);
        let theirs = both.engine.greedy_batch(std::slice::from_ref(&source)).remove(0);
        let tokens: Vec<u32> = result.tokens.iter().map(|t| t.id).collect();
        assert_eq!(tokens, theirs, "{text}");
        let forced = log_probs(&both.engine, both.sizes, &source, &tokens);
        assert!(forced.iter().zip(&result.log_probs).all(|(a, b)| (a - b).abs() < 1e-3), "{text}");
    }
}

/// Random weights are heavier than trained ones: its pairs of products overflow in every sentence.
#[test]
fn its_vector_kernel_saturates() {
    let shape = Shape { dim: 128, heads: 8, ffn: 256, ..Shape::small() };
    let mut found = Found::default();
    Both::random(&shape, 9).compare(&sentences(60, 12, 4), &mut found);
    found.print("int8 with its vector kernel");
}

/// The shapes of released models.
#[test]
fn differences_in_real_shapes_have_a_cause() {
    for (name, shape) in
        [("tiny", Shape::tiny()), ("base-memory", Shape::base_memory()), ("base", Shape::base())]
    {
        let mut found = Found::default();
        Both::random(&shape, 11).compare(&sentences(2, 3, 5), &mut found);
        found.print(name);
    }
}

/// The tiny trained model of the training pipeline; with `CUBA_ORACLE` a folder that holds `model.bin`, `vocab.spm` and
/// `text`, that one.
#[test]
fn trained_models_give_the_same_tokens() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/training/fixtures");
    let (model, vocab, texts) = match std::env::var_os("CUBA_ORACLE").map(std::path::PathBuf::from) {
        Some(given) => {
            let text = std::fs::read_to_string(given.join("text")).unwrap();
            (given.join("model.bin"), given.join("vocab.spm"), text.lines().map(str::to_owned).collect())
        }
        None => {
            let texts = [
                "Good morning.",
                "Where is the station?",
                "I am tired.",
                "He gave me 25 euros, not 52.",
                "See you!",
            ];
            (
                fixtures.join("model.enes.intgemm.alphas.bin"),
                fixtures.join("vocab.enes.spm"),
                texts.map(str::to_owned).to_vec(),
            )
        }
    };
    let (model, vocab) = (std::fs::read(model).unwrap(), std::fs::read(vocab).unwrap());
    let container = cuba_nmt::format::Container::from_bytes(model.clone(), "model").unwrap();
    let student = container.student("model").unwrap().unwrap();
    let mut found = Found::default();
    Both::new(model, &vocab, false, [student.dim, student.decoder_layers]).compare(&texts, &mut found);
    found.print("trained");
}
