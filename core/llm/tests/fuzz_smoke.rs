//! The fuzz targets on stable Rust with fixed seeds: what CI runs. `fuzz/` holds the same for cargo-fuzz.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::needless_for_each)]

mod common;

use common::Rng;
use cuba_llm::{gbnf, gguf::Header};

fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..=rng.below(12) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.below(bytes.len());
        match rng.below(6) {
            0 => bytes[at] = rng.next() as u8,
            1 => bytes[at] ^= 1 << rng.below(8),
            2 => bytes.truncate(at),
            3 => {
                let wild = [0u64, 1, u64::MAX, 1 << 63, 1 << 32, u64::MAX / 8][rng.below(6)].to_le_bytes();
                wild.iter().enumerate().for_each(|(i, b)| {
                    if let Some(x) = bytes.get_mut(at + i) {
                        *x = *b;
                    }
                });
            }
            4 => bytes.insert(at, rng.next() as u8),
            _ => {
                let end = (at + rng.below(24)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = rng.below(bytes.len());
                bytes.splice(to..to, copy);
            }
        }
    }
}

#[test]
fn headers_never_panic() {
    let whole = common::tiny(1).bytes();
    let data = Header::parse(&whole).unwrap().data_start as usize;
    let header = &whole[..data + 64];
    let mut rng = Rng(1);
    let mut sound = 0;
    for _ in 0..20_000 {
        let mut bytes = header.to_vec();
        mutate(&mut rng, &mut bytes);
        sound += usize::from(Header::parse(&bytes).is_ok());
    }
    assert_eq!(sound, 0, "the data part is missing in all of them");
    for _ in 0..200 {
        let mut bytes = whole.clone();
        mutate(&mut rng, &mut bytes);
        let _ = Header::parse(&bytes);
    }
}

#[test]
fn grammars_never_panic() {
    let seed =
        b"root ::= item (\",\" item)* # all\nitem ::= [a-z\\x41-]{2,5} | \"\\u00e9\" | . <[12]>\n".to_vec();
    let mut rng = Rng(2);
    let mut sound = 0;
    for _ in 0..50_000 {
        let mut bytes = seed.clone();
        mutate(&mut rng, &mut bytes);
        sound += usize::from(gbnf::check(&String::from_utf8_lossy(&bytes)).is_ok());
    }
    assert!(sound > 100, "only {sound} stayed sound: the mutations are too wild to test anything");
}

/// Every grammar that passes the check is one llama.cpp parses, or refuses with an error and without printing it.
#[test]
fn what_the_check_accepts_llama_parses() {
    let dir = tempfile::tempdir().unwrap();
    let path = common::tiny(1).save(dir.path(), "t.gguf");
    let options = cuba_llm::LoadOptions { threads: Some(1), context_tokens: 128, ..Default::default() };
    let llm = cuba_llm::Llm::load(&path, &options).unwrap();
    let seed =
        b"root ::= item (\",\" item)*\nitem ::= [a-z\\x41-]{2,5} | \"\\u00e9\" | ([0-9] \"a\"?)+\n".to_vec();
    let mut rng = Rng(3);
    let (mut ran, mut refused) = (0, 0);
    for _ in 0..3_000 {
        let mut bytes = seed.clone();
        mutate(&mut rng, &mut bytes);
        let grammar = String::from_utf8_lossy(&bytes).into_owned();
        if gbnf::check(&grammar).is_err() {
            continue;
        }
        let request = cuba_llm::Request {
            max_tokens: 3,
            grammar: Some(grammar.into()),
            ..cuba_llm::Request::text("x")
        };
        match llm.generate(request, &cuba_llm::Cancel::new(), |_| {}) {
            Ok(_) => ran += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(ran > 50 && refused < ran / 2, "{ran} ran, {refused} refused");
}
