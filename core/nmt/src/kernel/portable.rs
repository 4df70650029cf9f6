//! The reference: plain Rust, which the compiler vectorises for the baseline of the target (SSE2).
#![allow(clippy::indexing_slicing, reason = "the caller asserted the shapes")]

use super::int8::{CHUNK, Int8Matrix, Quantised, Rows};
use std::ops::Range;

/// The exact dot product of two int8 vectors.
#[inline(always)]
#[allow(clippy::inline_always, reason = "every kernel uses it for the values beyond its last whole register")]
pub(super) fn dot(a: &[i8], w: &[i8]) -> i32 {
    a.iter().zip(w).map(|(&a, &w)| i32::from(i16::from(a) * i16::from(w))).sum()
}

pub(super) fn sums(
    x: &Quantised,
    block: Range<usize>,
    w: Int8Matrix<'_>,
    rows: Rows<'_>,
    outputs: Range<usize>,
    out: &mut [i32],
) {
    for (j, output) in outputs.enumerate() {
        let weights = w.row(rows.at(output));
        for (i, row) in block.clone().enumerate() {
            out[i * CHUNK + j] = dot(&x.bytes[row * x.k..(row + 1) * x.k], weights);
        }
    }
}
