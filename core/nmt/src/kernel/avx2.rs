//! AVX2: unsigned times signed bytes, added in 16 bits as far as that is exact.
//!
//! `vpmaddubsw` multiplies an unsigned with a signed byte and adds pairs in 16 bits, with saturation. Activations are
//! moved up by 127 (0..=254) and 127 times the sum of the weights is taken off at the end. Four such products fit 16 bits
//! unless the weights are large: 254 times the sum of the positive (or of the negative) ones must stay below 32,768. A
//! [`Survey`](super::survey::Survey) of the weights says for each block of 64 whether it does. Where it does not, even and
//! odd weights are multiplied apart: a single product always fits.
//!
//! Bound: 64 multiply-adds in 5 instructions (2 `vpmaddubsw`, `vpaddw`, `vpmaddwd`, `vpaddd`).
#![allow(unsafe_code)]

use super::int8::{CHUNK, Int8Matrix, Quantised, Rows};
use super::survey::{BLOCK, Known};
use std::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_shuffle_epi32, _mm256_abs_epi8, _mm256_add_epi16,
    _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256, _mm256_castsi256_si128, _mm256_cmpgt_epi16,
    _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_max_epi8, _mm256_max_epi16, _mm256_min_epi8, _mm256_movemask_epi8, _mm256_permute2x128_si256,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setzero_si256, _mm256_storeu_si256, _mm256_sub_epi16,
    _mm256_sub_epi32,
};
use std::ops::Range;

/// Rows of weights of one tile: two groups of four, each with its own mask of careful blocks.
const NR: usize = 8;

/// Bytes of a register.
const STEP: usize = 32;

/// By how much activations are moved up.
const SHIFT: i32 = 127;

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
    out: &mut [i32],
) {
    let (k, m) = (x.k, block.len());
    let a = &x.bytes[block.start * k..block.end * k];
    assert!(outputs.len() <= CHUNK && out.len() >= m * CHUNK, "room for the sums");
    let mut known = Known::EMPTY;
    w.known(super::Isa::Avx2, rows, outputs.clone(), &mut known);
    let blocks = k / BLOCK;
    for (j, first) in outputs.clone().step_by(NR).enumerate() {
        let weights = w.tile::<NR>(rows, first, outputs.end);
        let large = &known.large[j * NR..j * NR + NR];
        let large = [0, 4].map(|g| large[g] | large[g + 1] | large[g + 2] | large[g + 3]);
        let moved = known.moved[j * NR..].as_ptr();
        let out = &mut out[j * NR..];
        // SAFETY: AVX2 is there; each row of `a` and of the weights is `k >= blocks * BLOCK` bytes; `out` has `NR`
        // places in each of `m` rows of `CHUNK` and `moved` has them, as `CHUNK` is a multiple of `NR`.
        unsafe {
            if large == [0, 0] {
                for i in 0..m {
                    tile(
                        a.as_ptr().add(i * k).cast(),
                        blocks,
                        weights,
                        moved,
                        out.as_mut_ptr().add(i * CHUNK),
                    );
                }
            } else {
                for i in 0..m {
                    let (a, out) = (a.as_ptr().add(i * k).cast(), out.as_mut_ptr().add(i * CHUNK));
                    careful_tile(a, blocks, weights, large, moved, out);
                }
            }
        }
        if blocks * BLOCK < k {
            add_rest(
                a,
                blocks * BLOCK,
                std::array::from_fn(|i| w.row(rows.at((first + i).min(outputs.end - 1)))),
                out,
            );
        }
    }
}

/// The products beyond the last whole block.
fn add_rest(a: &[i8], from: usize, weights: [&[i8]; NR], out: &mut [i32]) {
    let k = weights[0].len();
    for (i, a) in a.chunks_exact(k).enumerate() {
        for (sum, w) in out[i * CHUNK..].iter_mut().zip(weights) {
            let rest = a[from..].iter().zip(&w[from..]);
            *sum += rest.map(|(&a, &w)| (i32::from(a.cast_unsigned()) - SHIFT) * i32::from(w)).sum::<i32>();
        }
    }
}

/// One row of activations with eight rows of weights that are nowhere large.
///
/// # Safety
/// AVX2; `a` and each of `w` good for `blocks * BLOCK` bytes, `moved` and `out` for `NR` places.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn tile(a: *const u8, blocks: usize, w: [*const i8; NR], moved: *const i32, out: *mut i32) {
    let ones = _mm256_set1_epi16(1);
    let mut acc = [_mm256_setzero_si256(); NR];
    let mut at = 0;
    while at < blocks * BLOCK {
        // SAFETY: `at + BLOCK <= blocks * BLOCK`.
        unsafe {
            let (a0, a1) = (load(a.add(at)), load(a.add(at + STEP)));
            for (acc, w) in acc.iter_mut().zip(w) {
                *acc = four_products(*acc, a0, a1, w.add(at), ones);
            }
        }
        at += BLOCK;
    }
    // SAFETY: as the caller promises.
    unsafe { write_sums(acc, moved, out) };
}

/// [`tile`] for weights that are large in some blocks: a mask for each group of four rows.
///
/// # Safety
/// As for [`tile`].
#[target_feature(enable = "avx2")]
unsafe fn careful_tile(
    a: *const u8,
    blocks: usize,
    w: [*const i8; NR],
    large: [u32; 2],
    moved: *const i32,
    out: *mut i32,
) {
    let ones = _mm256_set1_epi16(1);
    let mut acc = [_mm256_setzero_si256(); NR];
    for b in 0..blocks {
        let at = b * BLOCK;
        // SAFETY: `at + BLOCK <= blocks * BLOCK`.
        unsafe {
            let (a0, a1) = (load(a.add(at)), load(a.add(at + STEP)));
            for (g, large) in large.into_iter().enumerate() {
                let group = acc[g * 4..g * 4 + 4].iter_mut().zip(&w[g * 4..g * 4 + 4]);
                if b < 32 && large >> b & 1 == 0 {
                    for (acc, w) in group {
                        *acc = four_products(*acc, a0, a1, w.add(at), ones);
                    }
                } else {
                    for (acc, w) in group {
                        *acc = single_products(*acc, a0, load(w.add(at).cast()), ones);
                        *acc = single_products(*acc, a1, load(w.add(at + STEP).cast()), ones);
                    }
                }
            }
        }
    }
    // SAFETY: as the caller promises.
    unsafe { write_sums(acc, moved, out) };
}

/// The sum of each accumulator, less what the activations were moved by.
///
/// # Safety
/// AVX2; `moved` and `out` good for `NR` places.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn write_sums(acc: [__m256i; NR], moved: *const i32, out: *mut i32) {
    let left = _mm256_hadd_epi32(_mm256_hadd_epi32(acc[0], acc[1]), _mm256_hadd_epi32(acc[2], acc[3]));
    let right = _mm256_hadd_epi32(_mm256_hadd_epi32(acc[4], acc[5]), _mm256_hadd_epi32(acc[6], acc[7]));
    let low = _mm256_permute2x128_si256::<0x20>(left, right);
    let high = _mm256_permute2x128_si256::<0x31>(left, right);
    let sums = _mm256_add_epi32(low, high);
    // SAFETY: as the caller promises.
    unsafe {
        let moved = _mm256_loadu_si256(moved.cast());
        _mm256_storeu_si256(out.cast(), _mm256_sub_epi32(sums, moved));
    }
}

/// # Safety
/// AVX2; `at` good for [`STEP`] bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load(at: *const u8) -> __m256i {
    // SAFETY: as the caller promises.
    unsafe { _mm256_loadu_si256(at.cast()) }
}

/// 64 products, four of them added in 16 bits.
///
/// # Safety
/// AVX2; `w` good for `2 * STEP` bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn four_products(acc: __m256i, a0: __m256i, a1: __m256i, w: *const i8, ones: __m256i) -> __m256i {
    // SAFETY: as the caller promises.
    let (w0, w1) = unsafe { (load(w.cast()), load(w.add(STEP).cast())) };
    let sums = _mm256_add_epi16(_mm256_maddubs_epi16(a0, w0), _mm256_maddubs_epi16(a1, w1));
    _mm256_add_epi32(acc, _mm256_madd_epi16(sums, ones))
}

/// 32 products, none of them added in 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn single_products(acc: __m256i, a: __m256i, w: __m256i, ones: __m256i) -> __m256i {
    let even = _mm256_set1_epi16(0xff);
    let first = _mm256_madd_epi16(_mm256_maddubs_epi16(a, _mm256_and_si256(w, even)), ones);
    let second = _mm256_madd_epi16(_mm256_maddubs_epi16(a, _mm256_andnot_si256(even, w)), ones);
    _mm256_add_epi32(acc, _mm256_add_epi32(first, second))
}

/// Whether four products of a block could leave 16 bits, and the sum of its weights.
///
/// # Safety
/// The CPU must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn look(block: &[i8; BLOCK]) -> (bool, i32) {
    let (zero, ones) = (_mm256_setzero_si256(), _mm256_set1_epi8(1));
    let (mut positive, mut negative) = (zero, zero);
    for half in 0..2 {
        // SAFETY: both halves lie in the block.
        let w = unsafe { load(block.as_ptr().add(half * STEP).cast()) };
        positive = _mm256_add_epi16(positive, _mm256_maddubs_epi16(_mm256_max_epi8(w, zero), ones));
        let below = _mm256_abs_epi8(_mm256_min_epi8(w, zero));
        negative = _mm256_add_epi16(negative, _mm256_maddubs_epi16(below, ones));
    }
    // 254 * 129 = 32,766 is the most that fits.
    let over = _mm256_cmpgt_epi16(_mm256_max_epi16(positive, negative), _mm256_set1_epi16(129));
    let sums = _mm256_madd_epi16(_mm256_sub_epi16(positive, negative), _mm256_set1_epi16(1));
    let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b01_00_11_10>(sums));
    let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b10_11_00_01>(sums));
    (_mm256_movemask_epi8(over) != 0, _mm_cvtsi128_si32(sums))
}
