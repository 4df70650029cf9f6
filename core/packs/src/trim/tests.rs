use std::io::Cursor;

use super::*;
use crate::digest::Digest;

/// A model of `tokens` tokens with an embedding of 32 numbers in `Q8_0` and a vector; row `i` is full of byte `i`.
pub(crate) fn model(tokens: u8) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend(2_u64.to_le_bytes());
    out.extend(6_u64.to_le_bytes());
    out.extend(text("general.architecture"));
    out.extend([&8_u32.to_le_bytes()[..], &text("gemma3")].concat());
    for (key, kind) in [("tokens", 8_u32), ("scores", 6), ("token_type", 5)] {
        out.extend(text(&format!("tokenizer.ggml.{key}")));
        out.extend([9_u32.to_le_bytes(), kind.to_le_bytes()].concat());
        out.extend(u64::from(tokens).to_le_bytes());
        for i in 0..tokens {
            match kind {
                8 => out.extend(text(&format!("t{i}"))),
                6 => out.extend((0.0 - f32::from(i)).to_le_bytes()),
                _ => out.extend((i32::from(i) % 7).to_le_bytes()),
            }
        }
    }
    out.extend(text("tokenizer.ggml.eos_token_id"));
    out.extend([4_u32.to_le_bytes(), 5_u32.to_le_bytes()].concat());
    out.extend(text("tokenizer.ggml.add_bos_token"));
    out.extend([&7_u32.to_le_bytes()[..], &[1]].concat());
    let rows = u64::from(tokens) * 34;
    for (name, dims, kind, offset) in [
        ("output_norm.weight", vec![3_u64], 0_u32, 0_u64),
        ("token_embd.weight", vec![32, tokens.into()], 8, 32),
    ] {
        out.extend(text(name));
        out.extend((dims.len() as u32).to_le_bytes());
        for dim in dims {
            out.extend(dim.to_le_bytes());
        }
        out.extend([&kind.to_le_bytes()[..], &offset.to_le_bytes()].concat());
    }
    out.resize(out.len().next_multiple_of(32), 0);
    out.extend([7; 12]);
    out.resize(out.len() + 20, 0);
    (0..tokens).for_each(|i| out.extend([i; 34]));
    out.resize(out.len() + (rows.next_multiple_of(32) - rows) as usize, 0);
    out
}

fn kept(tokens: u8, wanted: impl Fn(u8) -> bool) -> Kept {
    let mut bits = vec![0; usize::from(tokens).div_ceil(8)];
    (0..tokens).filter(|i| wanted(*i)).for_each(|i| bits[usize::from(i / 8)] |= 1 << (i % 8));
    Kept::new(bits)
}

fn trimmed(model: &[u8], kept: &Kept) -> Result<Vec<u8>, PackError> {
    let mut out = Vec::new();
    let mut put = |bytes: &[u8]| {
        out.extend(bytes);
        Ok(())
    };
    trim(Cursor::new(model), model.len() as u64, "test.gguf", kept, &mut put)?;
    Ok(out)
}

#[test]
fn all_tokens_kept_is_the_same_file() {
    assert!(trimmed(&model(40), &kept(40, |_| true)).unwrap() == model(40));
}

#[test]
fn the_result_is_that_of_the_training_pipeline() {
    // The digest of `models/training/tests/test_gemma.py`, which builds the same model.
    let small = trimmed(&model(40), &kept(40, |i| i % 3 != 1)).unwrap();
    assert_eq!(Digest::of(&small).to_string(), GOLDEN);
}

const GOLDEN: &str = "700654e2d0cbcc4d13f7e44db29af105d0015b90f1b2bf7c1460e098fcb8445d";

#[test]
fn rows_tables_and_roles_agree() {
    let small = trimmed(&model(40), &kept(40, |i| i % 3 != 1)).unwrap();
    let mut reader = reader::Reader::new(Cursor::new(&small), small.len() as u64, "small");
    let head = reader.head().unwrap();
    assert_eq!((head.tensors, head.keys), (2, 6));
    assert!(small.windows(2).any(|pair| pair == b"t5") && !small.windows(2).any(|pair| pair == b"t4"));
    // Token 5 was the sixth; 1 and 4 went.
    let role = b"eos_token_id\x04\0\0\0\x03\0\0\0";
    assert!(small.windows(role.len()).any(|bytes| bytes == role));
    assert!(small.ends_with(&[39; 34]) || small.windows(34).any(|row| row == [39; 34]));
    assert!(!small.windows(34).any(|row| row == [4; 34]));
}

#[test]
fn lists_of_other_vocabularies_are_refused() {
    for kept in [kept(41, |_| true), kept(32, |_| true), Kept::new(Vec::new()), kept(40, |i| i != 5)] {
        assert!(matches!(trimmed(&model(40), &kept), Err(PackError::Corrupt { .. })));
    }
}

#[test]
fn every_cut_is_refused() {
    let (whole, kept) = (model(12), kept(12, |i| i < 9));
    let needed = whole.len() - 8; // the padding behind the last row is not read
    for len in 0..needed {
        let error = trimmed(&whole[..len], &kept).unwrap_err();
        assert!(matches!(error, PackError::Corrupt { .. }), "{len}: {error}");
    }
}

#[test]
fn no_changed_byte_makes_it_panic() {
    let (whole, kept) = (model(12), kept(12, |i| i < 9));
    for at in 0..whole.len() {
        for value in [0, 1, 9, 0x7F, 0xFF] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let _ = trimmed(&bytes, &kept);
        }
    }
}

#[test]
fn impossible_counts_end_at_once() {
    let whole = model(12);
    for at in [8, 16] {
        let mut bytes = whole.clone();
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(trimmed(&bytes, &kept(12, |_| true)).is_err());
    }
}
