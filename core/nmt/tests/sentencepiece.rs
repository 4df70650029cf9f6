//! Against SentencePiece: the same pieces, the same places in the text, the same text back. The golden files are made by
//! `tests/golden/make_vocabularies.py`.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code: it ends at the first surprise"
)]

use std::path::Path;

use cuba_nmt::vocab::{PieceKind, Vocab};
use serde_json::Value;

fn golden(name: &str) -> (Vocab, Value) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let vocab = Vocab::open(&dir.join(format!("{name}.spm"))).unwrap();
    let json = std::fs::read_to_string(dir.join(format!("{name}.json"))).unwrap();
    (vocab, serde_json::from_str(&json).unwrap())
}

fn numbers(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as u32).collect()
}

fn check(name: &str) {
    let (vocab, golden) = golden(name);
    let mut wrong = Vec::new();
    for case in golden["encode"].as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let tokens = vocab.encode(text);
        let ids: Vec<u32> = tokens.iter().map(|t| t.id).collect();
        // Bytes of one character all have its place here; SentencePiece gives it to the last one.
        let last = |i: usize| {
            let byte = vocab.kind(tokens[i].id) == PieceKind::Byte;
            !byte || tokens.get(i + 1).is_none_or(|next| next.range != tokens[i].range)
        };
        let span = |i: usize| {
            let range = &tokens[i].range;
            vec![range.start as u32, if last(i) { range.end } else { range.start } as u32]
        };
        let spans: Vec<Vec<u32>> = (0..tokens.len()).map(span).collect();
        let expected: Vec<Vec<u32>> = case["spans"].as_array().unwrap().iter().map(numbers).collect();
        let decoded = vocab.decode(&ids);
        let (want, back) = (numbers(&case["ids"]), case["decoded"].as_str().unwrap());
        if ids != want || spans != expected || decoded != back {
            wrong
                .push(format!("{text:?}\n {ids:?} {want:?}\n {spans:?} {expected:?}\n {decoded:?} {back:?}"));
        }
        assert!(
            tokens.iter().all(|t| text.get(t.range.clone()).is_some()),
            "places on boundaries in {text:?}"
        );
    }
    for case in golden["decode"].as_array().unwrap() {
        let ids = numbers(&case["ids"]);
        let (decoded, ranges) = vocab.decode_ranges(&ids);
        assert_eq!(decoded, case["decoded"].as_str().unwrap(), "{ids:?}");
        assert_eq!(ranges.len(), ids.len());
        assert!(ranges.iter().all(|r| decoded.get(r.clone()).is_some()));
    }
    assert!(wrong.is_empty(), "{} of {name} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn unigram_with_nfkc_and_bytes() {
    check("unigram");
}

#[test]
fn unigram_without_normalisation_and_bytes() {
    check("plain");
}

#[test]
fn byte_pair_encoding() {
    check("bpe");
}
