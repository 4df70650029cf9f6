//! AVX-512 VNNI: 64 multiply-adds an instruction.
//!
//! `vpdpbusd` multiplies unsigned by signed bytes. Weights are moved up by 128 (their top bit is flipped) and the
//! product of 128 with each row's sum of activations is taken off at the end: exact, and nothing has to be kept for
//! the weights.
//!
//! Bound: one `vpdpbusd` for 64 multiply-adds.
#![allow(unsafe_code)]

use super::int8::{CHUNK, Int8Matrix, Quantised, Rows};
use std::arch::x86_64::{
    __m512i, __mmask64, _mm512_dpbusd_epi32, _mm512_maskz_loadu_epi8, _mm512_reduce_add_epi32,
    _mm512_set1_epi8, _mm512_setzero_si512, _mm512_xor_si512,
};
use std::ops::Range;

/// Rows of activations of one tile, and of weights.
const MR: usize = 4;
const NR: usize = 4;

/// Bytes of a register.
const STEP: usize = 64;

/// Exact sums of the rows `block` of `x` with the outputs `outputs`, [`CHUNK`] places a row.
///
/// # Safety
/// The CPU must have AVX-512 F, BW and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn sums(
    x: &Quantised,
    block: Range<usize>,
    w: Int8Matrix<'_>,
    rows: Rows<'_>,
    outputs: Range<usize>,
    out: &mut [i32],
) {
    let (k, m) = (x.k, block.len());
    let a = &x.bytes[block.start * k..block.end * k];
    assert!(outputs.len() <= CHUNK && out.len() >= m * CHUNK, "room for the sums");
    for (j, first) in outputs.clone().step_by(NR).enumerate() {
        let weights = std::array::from_fn(|i| w.row(rows.at((first + i).min(outputs.end - 1))).as_ptr());
        let mut i = 0;
        // SAFETY: the features are there. `a` holds `m` rows and each weight row is `k` bytes; `out` has `NR` places
        // in each of `m` rows of `CHUNK`, as `CHUNK` is a multiple of `NR`; `i + M <= m`.
        unsafe {
            while i + MR <= m {
                tile::<MR>(a.as_ptr().add(i * k), k, weights, out.as_mut_ptr().add(i * CHUNK + j * NR));
                i += MR;
            }
            let (a, out) = (a.as_ptr().add(i * k), out.as_mut_ptr().add(i * CHUNK + j * NR));
            match m - i {
                1 => tile::<1>(a, k, weights, out),
                2 => tile::<2>(a, k, weights, out),
                3 => tile::<3>(a, k, weights, out),
                _ => {}
            }
        }
    }
}

/// # Safety
/// The features of [`sums`]; `a` good for `M` rows of `k` bytes, each of `w` for `k`, `out` for `NR` places in each
/// of `M` rows of [`CHUNK`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn tile<const M: usize>(a: *const i8, k: usize, w: [*const i8; NR], out: *mut i32) {
    let flip = _mm512_set1_epi8(i8::MIN);
    let ones = _mm512_set1_epi8(1);
    let mut acc = [[_mm512_setzero_si512(); NR]; M];
    let mut row_sums = [_mm512_setzero_si512(); M];
    for at in (0..k).step_by(STEP) {
        let mask: __mmask64 = if k - at >= STEP { !0 } else { (1 << (k - at)) - 1 };
        // SAFETY: the mask keeps the loads within `k` bytes of each row; masked activations are 0.
        unsafe {
            let w: [__m512i; NR] =
                std::array::from_fn(|j| _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, w[j].add(at)), flip));
            for i in 0..M {
                let a = _mm512_maskz_loadu_epi8(mask, a.add(i * k + at));
                row_sums[i] = _mm512_dpbusd_epi32(row_sums[i], ones, a);
                for j in 0..NR {
                    acc[i][j] = _mm512_dpbusd_epi32(acc[i][j], w[j], a);
                }
            }
        }
    }
    for i in 0..M {
        let moved = _mm512_reduce_add_epi32(row_sums[i]) * 128;
        for j in 0..NR {
            // SAFETY: `out` has `NR` places in row `i`.
            unsafe { out.add(i * CHUNK + j).write(_mm512_reduce_add_epi32(acc[i][j]) - moved) };
        }
    }
}
