//! One column of a packed day: the smallest of a few lossless encodings.
//!
//! A column is a tag byte and its body. Whole numbers are divided by the largest common power of ten first
//! (milliseconds that are all full seconds). Values with up to four decimals become whole numbers; all others keep
//! their 64 bits. Short columns are delta varints (pco's own tables cost more than they save there), long ones pco.

use pco::ChunkConfig;
use pco::{DeltaSpec, ModeSpec};

/// Below this many numbers varints are smaller and 20 times faster to write than pco.
const PCO_MIN: usize = 40;
/// pco's effort. Level 8 (its default) gains under 1 % on our columns for three times the time.
const PCO_LEVEL: usize = 4;
/// More decimals than any device reports; beyond, the number came out of a computation and keeps its 64 bits.
const MAX_DECIMALS: u32 = 4;

const TAG_CONSTANT: u8 = 0;
const TAG_VARINT: u8 = 1;
const TAG_PCO: u8 = 2;
const TAG_F64_PLAIN: u8 = 3;
const TAG_F64_PCO: u8 = 4;

pub(crate) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        let bits = u64::from(byte & 0x7F);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

pub(crate) fn push_signed(out: &mut Vec<u8>, value: i64) {
    push_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

pub(crate) fn take_signed(input: &mut &[u8]) -> Option<i64> {
    let z = take_varint(input)?;
    Some((z >> 1) as i64 ^ -((z & 1) as i64))
}

fn take_bytes<'a>(input: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, rest) = input.split_at_checked(len)?;
    *input = rest;
    Some(head)
}

/// Largest power of ten up to 1000 that divides every number; as its exponent.
fn common_power(values: &[i64]) -> u32 {
    let mut exponent = 3;
    let mut power = 1000;
    for &v in values {
        while v % power != 0 {
            exponent -= 1;
            power /= 10;
            if exponent == 0 {
                return 0;
            }
        }
    }
    exponent
}

/// Appends a column of whole numbers.
pub(crate) fn encode_ints(out: &mut Vec<u8>, values: &[i64], ascending: bool) {
    let exponent = common_power(values);
    let power = 10i64.pow(exponent);
    let scaled: Vec<i64>;
    let values = if power == 1 {
        values
    } else {
        scaled = values.iter().map(|v| v / power).collect();
        &scaled
    };
    let tag = |kind: u8| kind | (exponent as u8) << 4;
    let first = values.first().copied().unwrap_or(0);
    if values.iter().all(|&v| v == first) {
        out.push(tag(TAG_CONSTANT));
        push_signed(out, first);
        return;
    }
    if values.len() >= PCO_MIN {
        let delta =
            if ascending || follows_itself(values) { DeltaSpec::TryConsecutive(1) } else { DeltaSpec::NoOp };
        let config = ChunkConfig::default()
            .with_compression_level(PCO_LEVEL)
            .with_mode_spec(ModeSpec::Classic)
            .with_delta_spec(delta);
        if let Ok(bytes) = pco::standalone::simple_compress(values, &config) {
            out.push(tag(TAG_PCO));
            push_varint(out, bytes.len() as u64);
            out.extend_from_slice(&bytes);
            return;
        }
    }
    out.push(tag(TAG_VARINT));
    let mut last = 0i64;
    for &v in values {
        push_signed(out, v.wrapping_sub(last));
        last = v;
    }
}

/// Whether neighbours are closer to each other than to the column's mean: then differences pack better.
fn follows_itself(values: &[i64]) -> bool {
    let mean = (values.iter().map(|&v| i128::from(v)).sum::<i128>() / values.len().max(1) as i128) as i64;
    let spread: u128 = values.iter().map(|&v| u128::from(v.abs_diff(mean))).sum();
    let steps: u128 =
        values.iter().zip(values.iter().skip(1)).map(|(&a, &b)| u128::from(b.abs_diff(a))).sum();
    steps < spread
}

/// Reads a column of `n` whole numbers.
pub(crate) fn decode_ints(input: &mut &[u8], n: usize, out: &mut Vec<i64>) -> Option<()> {
    let (&tag, rest) = input.split_first()?;
    *input = rest;
    out.clear();
    match tag & 15 {
        TAG_CONSTANT => {
            let value = take_signed(input)?;
            out.resize(n, value);
        }
        TAG_VARINT => {
            // A varint is a byte at least: a lying count cannot make us reserve more than the input holds.
            (n <= input.len()).then_some(())?;
            let mut last = 0i64;
            for _ in 0..n {
                last = last.wrapping_add(take_signed(input)?);
                out.push(last);
            }
        }
        TAG_PCO => {
            let len = usize::try_from(take_varint(input)?).ok()?;
            let bytes = take_bytes(input, len)?;
            out.resize(n, 0);
            let progress = pco::standalone::simple_decompress_into(bytes, out).ok()?;
            (progress.n_processed == n && progress.finished).then_some(())?;
        }
        _ => return None,
    }
    let exponent = u32::from(tag >> 4);
    if exponent > 0 {
        let power = 10i64.checked_pow(exponent)?;
        for v in out.iter_mut() {
            *v = v.checked_mul(power)?;
        }
    }
    Some(())
}

/// A column of values as whole numbers of `10^-decimals`, if none of them loses a bit.
pub(crate) fn as_decimals(values: &[f64], scaled: &mut Vec<i64>) -> Option<u32> {
    let mut decimals = 0;
    // Find the exponent on the first values, then check all; start over one higher where that fails.
    'exponent: while decimals <= MAX_DECIMALS {
        scaled.clear();
        let factor = 10f64.powi(decimals as i32);
        for &v in values {
            let Some(i) = scale(v, factor) else {
                decimals += 1;
                continue 'exponent;
            };
            scaled.push(i);
        }
        return Some(decimals);
    }
    None
}

fn scale(value: f64, factor: f64) -> Option<i64> {
    let i = (value * factor).round();
    // 2^53: beyond it whole numbers are no longer exact. Minus zero must come back as such.
    let whole = i as i64;
    (i.abs() < 9_007_199_254_740_992.0 && (whole as f64 / factor).to_bits() == value.to_bits())
        .then_some(whole)
}

/// Whole number of `10^-decimals` back to the value it came from.
pub(crate) fn unscale(scaled: i64, decimals: u32) -> f64 {
    scaled as f64 / 10f64.powi(decimals as i32)
}

/// Appends values that are not short decimals, bit for bit.
pub(crate) fn encode_floats(out: &mut Vec<u8>, values: &[f64]) {
    if values.len() >= PCO_MIN {
        let config =
            ChunkConfig::default().with_compression_level(PCO_LEVEL).with_delta_spec(DeltaSpec::NoOp);
        if let Ok(bytes) = pco::standalone::simple_compress(values, &config) {
            out.push(TAG_F64_PCO);
            push_varint(out, bytes.len() as u64);
            out.extend_from_slice(&bytes);
            return;
        }
    }
    out.push(TAG_F64_PLAIN);
    for v in values {
        out.extend_from_slice(&v.to_bits().to_le_bytes());
    }
}

/// Reads what [`encode_floats`] wrote.
pub(crate) fn decode_floats(input: &mut &[u8], n: usize, out: &mut Vec<f64>) -> Option<()> {
    let (&tag, rest) = input.split_first()?;
    *input = rest;
    out.clear();
    match tag {
        TAG_F64_PLAIN => {
            let bytes = take_bytes(input, n.checked_mul(8)?)?;
            out.extend(bytes.chunks_exact(8).filter_map(|c| c.try_into().ok()).map(f64::from_le_bytes));
        }
        TAG_F64_PCO => {
            let len = usize::try_from(take_varint(input)?).ok()?;
            let bytes = take_bytes(input, len)?;
            out.resize(n, 0.0);
            let progress = pco::standalone::simple_decompress_into(bytes, out).ok()?;
            (progress.n_processed == n && progress.finished).then_some(())?;
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whole_numbers_come_back(values in proptest::collection::vec(
            prop_oneof![any::<i64>(), -1000i64..1000, (0i64..100_000).prop_map(|v| v * 1000)], 1..200)) {
            let mut bytes = Vec::new();
            encode_ints(&mut bytes, &values, false);
            let (mut input, mut out) = (bytes.as_slice(), Vec::new());
            prop_assert_eq!(decode_ints(&mut input, values.len(), &mut out), Some(()));
            prop_assert!(input.is_empty());
            prop_assert_eq!(out, values);
        }

        #[test]
        fn decimals_come_back_bit_for_bit(values in proptest::collection::vec(
            prop_oneof![any::<f64>(), (-100_000i64..100_000).prop_map(|v| v as f64 / 100.0), Just(-0.0)], 1..100)) {
            let mut scaled = Vec::new();
            if let Some(decimals) = as_decimals(&values, &mut scaled) {
                for (&i, v) in scaled.iter().zip(&values) {
                    prop_assert_eq!(unscale(i, decimals).to_bits(), v.to_bits());
                }
            }
            let mut bytes = Vec::new();
            encode_floats(&mut bytes, &values);
            let (mut input, mut out) = (bytes.as_slice(), Vec::new());
            prop_assert_eq!(decode_floats(&mut input, values.len(), &mut out), Some(()));
            prop_assert!(out.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
        }

        #[test]
        fn any_bytes_decode_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64), n in 0usize..1000) {
            let _ = decode_ints(&mut bytes.as_slice(), n, &mut Vec::new());
            let _ = decode_floats(&mut bytes.as_slice(), n, &mut Vec::new());
        }
    }
}
