//! AVX2: 16-bit products, two at a time, straight into 32-bit sums.
//!
//! `vpmaddubsw` would take twice the values at once, but its 16-bit sums saturate for large weights. Widened to 16 bits,
//! `vpmaddwd` adds two products in 32 bits, exactly, for every weight; the widening of the weights is paid once for
//! three rows (or once for a whole block of them).
//!
//! Bound: one `vpmaddwd` and one `vpaddd` for 16 multiply-adds.
#![allow(unsafe_code)]

use super::int8::{CHUNK, Int8Matrix, Quantised, Rows};
use std::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_loadu_si128, _mm_storeu_si128, _mm256_add_epi32, _mm256_castsi256_si128,
    _mm256_cvtepi8_epi16, _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_setzero_si256, _mm256_storeu_si256,
};
use std::ops::Range;

/// Rows of activations of one tile, and of weights.
const MR: usize = 3;
const NR: usize = 4;

/// 16-bit values of a register.
const STEP: usize = 16;

/// From this many rows on, the weights are widened once for all of them.
const WIDEN_FROM: usize = 2 * MR;

/// Exact sums of the rows `block` of `x` with the outputs `outputs`, [`CHUNK`] places a row.
///
/// # Safety
/// The CPU must have AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn sums(
    x: &Quantised,
    block: Range<usize>,
    w: Int8Matrix<'_>,
    rows: Rows<'_>,
    outputs: Range<usize>,
    panel: &mut Vec<i16>,
    out: &mut [i32],
) {
    let (k, m) = (x.k, block.len());
    let a = &x.words[block.start * k..block.end * k];
    assert!(outputs.len() <= CHUNK && out.len() >= m * CHUNK, "room for the sums");
    panel.resize(NR * k, 0);
    for (j, first) in outputs.clone().step_by(NR).enumerate() {
        let weights: [&[i8]; NR] = std::array::from_fn(|i| w.row(rows.at((first + i).min(outputs.end - 1))));
        let out = &mut out[j * NR..];
        let tail = k - k % STEP;
        // SAFETY: AVX2 is there. `a` holds `m` rows of `k` words, each weight row `k` bytes, `panel` `NR` rows of `k`
        // words; `out` has `NR` places in each of `m` rows of `CHUNK`, as `CHUNK` is a multiple of `NR`.
        unsafe {
            if m >= WIDEN_FROM {
                widen(weights, panel, tail);
                let w: [*const i16; NR] = std::array::from_fn(|i| panel.as_ptr().add(i * k));
                tiles(a, k, tail, w, out, |p| _mm256_loadu_si256(p.cast()));
            } else {
                let w = weights.map(<[i8]>::as_ptr);
                tiles(a, k, tail, w, out, |p| _mm256_cvtepi8_epi16(_mm_loadu_si128(p.cast())));
            }
        }
        if tail < k {
            for (i, a) in a.chunks_exact(k).enumerate() {
                for (j, w) in weights.iter().enumerate() {
                    let rest = a[tail..].iter().zip(&w[tail..]).map(|(&a, &w)| i32::from(a) * i32::from(w));
                    out[i * CHUNK + j] += rest.sum::<i32>();
                }
            }
        }
    }
}

/// The first `len` weights of each row as 16-bit values.
///
/// # Safety
/// AVX2; `len` a multiple of [`STEP`] within the rows.
#[target_feature(enable = "avx2")]
unsafe fn widen(rows: [&[i8]; NR], panel: &mut [i16], len: usize) {
    let k = rows[0].len();
    assert!(len <= k && panel.len() >= NR * k, "a panel of the width of the rows");
    for (row, to) in rows.iter().zip(panel.chunks_exact_mut(k)) {
        for at in (0..len).step_by(STEP) {
            // SAFETY: `at + STEP <= len <= k`, the length of both.
            unsafe {
                let v = _mm256_cvtepi8_epi16(_mm_loadu_si128(row.as_ptr().add(at).cast()));
                _mm256_storeu_si256(to.as_mut_ptr().add(at).cast(), v);
            }
        }
    }
}

/// All rows of `a` with four rows of weights, which `load` reads 16 at a time.
///
/// # Safety
/// AVX2; `a` is `[m, k]`, each pointer of `w` good for `len` values, `out` for `NR` in each of `m` rows of [`CHUNK`].
#[target_feature(enable = "avx2")]
unsafe fn tiles<T>(
    a: &[i16],
    k: usize,
    len: usize,
    w: [*const T; NR],
    out: &mut [i32],
    load: impl Fn(*const T) -> __m256i + Copy,
) {
    let m = a.len() / k;
    let mut i = 0;
    // SAFETY: as the caller promises; `i + M <= m` in each call.
    unsafe {
        while i + MR <= m {
            tile::<MR, T>(a.as_ptr().add(i * k), k, len, w, out.as_mut_ptr().add(i * CHUNK), load);
            i += MR;
        }
        match m - i {
            1 => tile::<1, T>(a.as_ptr().add(i * k), k, len, w, out.as_mut_ptr().add(i * CHUNK), load),
            2 => tile::<2, T>(a.as_ptr().add(i * k), k, len, w, out.as_mut_ptr().add(i * CHUNK), load),
            _ => {}
        }
    }
}

/// # Safety
/// As for [`tiles`], with `M` rows.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn tile<const M: usize, T>(
    a: *const i16,
    k: usize,
    len: usize,
    w: [*const T; NR],
    out: *mut i32,
    load: impl Fn(*const T) -> __m256i,
) {
    let mut acc = [[_mm256_setzero_si256(); NR]; M];
    for at in (0..len).step_by(STEP) {
        // SAFETY: `at + STEP <= len <= k`.
        unsafe {
            let w: [__m256i; NR] = std::array::from_fn(|j| load(w[j].add(at)));
            for (i, acc) in acc.iter_mut().enumerate() {
                let a = _mm256_loadu_si256(a.add(i * k + at).cast());
                for (acc, &w) in acc.iter_mut().zip(&w) {
                    *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(a, w));
                }
            }
        }
    }
    for (i, acc) in acc.iter().enumerate() {
        let pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(acc[0], acc[1]), _mm256_hadd_epi32(acc[2], acc[3]));
        let sums = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256::<1>(pairs));
        // SAFETY: `out` has `NR` places in row `i`.
        unsafe { _mm_storeu_si128(out.add(i * CHUNK).cast(), sums) };
    }
}
