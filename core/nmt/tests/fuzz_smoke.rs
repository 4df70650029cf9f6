//! The fuzz targets on stable Rust: sound files, then the same with random damage. Longer runs: `cargo +nightly fuzz run
//! model` (or `vocabulary`, `shortlist`, `text`) in this folder.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code: it ends at the first surprise"
)]

#[path = "../fuzz/bodies.rs"]
mod bodies;
mod common;

use common::{Random, Shape, model, spm};

const MODEL: &[u8] = include_bytes!("golden/enes.bin");
const VOCAB: &[u8] = include_bytes!("golden/enes.spm");

/// Damages a file in one of the ways files get damaged; `head` is where the structure lies.
fn damage(random: &mut Random, sound: &[u8], head: usize) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    let place = |random: &mut Random, len: usize| {
        let within = if random.below(4) > 0 { head.min(len) } else { len };
        random.below(within.max(1))
    };
    for _ in 0..1 + random.below(4) {
        let at = place(random, bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            3 => {
                let end = (at + 8).min(bytes.len());
                let value = [u64::MAX, 1 << 63, 1 << 32, 0, 255][random.below(5)].to_le_bytes();
                bytes[at..end].copy_from_slice(&value[..end - at]);
            }
            4 => {
                bytes.splice(at..at, (0..random.below(20)).map(|i| i as u8));
            }
            _ => {
                let end = (at + random.below(300)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

fn rounds(default: usize) -> usize {
    std::env::var("CUBA_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

#[test]
fn damaged_models_are_errors() {
    bodies::model(MODEL);
    let mut random = Random(1);
    for _ in 0..rounds(600) {
        bodies::model(&damage(&mut random, MODEL, 8_000));
    }
    // The architecture text stands at the end of the file of the generator.
    let shape = Shape { vocab: 600, ..Shape::small() };
    let sound = model(&shape, 1);
    let text = sound.len() - 1024..sound.len();
    for _ in 0..rounds(300) {
        let tail = damage(&mut random, &sound[text.clone()], 1024);
        bodies::model(&[&sound[..text.start], &tail].concat());
    }
}

#[test]
fn damaged_vocabularies_are_errors() {
    bodies::vocabulary(VOCAB);
    let mut random = Random(2);
    let plain = spm(700).write();
    let bpe = include_bytes!("golden/bpe.spm");
    for sound in [&plain[..], VOCAB, bpe] {
        for _ in 0..rounds(150) {
            bodies::vocabulary(&damage(&mut random, sound, sound.len()));
        }
    }
}

#[test]
fn damaged_shortlists_are_errors() {
    let lists: Vec<Vec<u32>> = (0..600).map(|id| vec![id / 2, 599 - id]).collect();
    let sound = cuba_nmt::format::write_shortlist(50, &lists);
    bodies::shortlist(&sound);
    let mut random = Random(3);
    for _ in 0..rounds(100) {
        bodies::shortlist(&damage(&mut random, &sound, 600));
    }
}

#[test]
fn any_text_and_constraints_are_taken() {
    let pool: Vec<char> = "aAñ€水😀\u{301}\u{200b}\u{feff}\n\t .,<>▁0½ﬁ\0\0".chars().collect();
    let mut random = Random(4);
    for _ in 0..rounds(150) {
        let text: String = (0..random.below(60)).map(|_| pool[random.below(pool.len())]).collect();
        bodies::text(text.as_bytes());
    }
    bodies::text(b"\xff\xfe broken \xc3");
}
