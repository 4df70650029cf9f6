//! Against the `NumPy` network that the training tools keep (`models/training/FORMAT.md`): the same model files, the same
//! tokens, the same probabilities.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code: it ends at the first surprise"
)]

use std::path::Path;

use cuba_nmt::{Cancel, Model, ModelFiles, Options, Source};
use serde_json::Value;

fn check(model: &str, golden: &str, tolerance: f64) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/training/fixtures");
    let model = Model::open(&ModelFiles::shared(dir.join(model), dir.join("vocab.enes.spm"))).unwrap();
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(dir.join(golden)).unwrap()).unwrap();
    let numbers =
        |v: &Value| -> Vec<f64> { v.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect() };
    let sentences = golden["sentences"].as_array().unwrap();
    assert!(sentences.len() > 3);
    for case in sentences {
        let text = case["text"].as_str().unwrap();
        let t = model.translate(&Source::from(text), &Options::default(), &Cancel::new()).unwrap();
        let mut source: Vec<f64> = t.source_tokens.iter().map(|t| f64::from(t.id)).collect();
        source.push(f64::from(model.source_vocab().eos()));
        assert_eq!(source, numbers(&case["source_ids"]), "{text}");
        let wanted = numbers(&case["greedy_ids"]);
        let ids: Vec<f64> = t.tokens.iter().map(|t| f64::from(t.id)).collect();
        // Its length limit is one token further than ours.
        let same = if t.reached_limit { &wanted[..ids.len()] } else { &wanted[..] };
        assert_eq!(ids, same, "{text}");
        let logits = numbers(&case["logits_0"]);
        let max = logits.iter().copied().fold(f64::MIN, f64::max);
        let sum = logits.iter().map(|l| (l - max).exp()).sum::<f64>().ln();
        let first = logits[ids.first().map_or(0, |&id| id as usize)] - max - sum;
        let ours = t.log_probs.first().or(t.end_log_probs.first()).unwrap();
        let distance = (first - f64::from(*ours)).abs();
        assert!(distance < tolerance, "{text}: {first} against {ours}");
    }
}

#[test]
fn int8_equals_the_reference() {
    check("model.enes.intgemm.alphas.bin", "golden.int8.json", 1e-4);
}

#[test]
fn float32_equals_the_reference() {
    check("model.enes.float32.bin", "golden.float32.json", 1e-4);
}
