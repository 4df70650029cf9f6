//! AVX2: unsigned times signed bytes, added in 16 bits as far as that is exact.
//!
//! `vpmaddubsw` multiplies unsigned with signed bytes and adds pairs in 16 bits, with saturation. Four products are added
//! there, in the cheapest of three ways that a [`Survey`](super::survey::Survey) of the weights finds exact:
//!
//! - activations that are nowhere negative (behind a `ReLU`) are unsigned already;
//! - activations are moved up by 127, and 127 times the sum of the weights is taken off at the end: exact where the
//!   positive (and the negative) ones of any four weights sum to at most 129 (254 * 129 < 32,768);
//! - the sign goes from the activation to the weight: exact where the sizes of any four sum to at most 258.
//!
//! Blocks of 64 weights that are larger than that, rare ones, are multiplied in 16 bits and added in 32.
//!
//! Bound: 64 multiply-adds in 5 instructions (2 `vpmaddubsw`, `vpaddw`, `vpmaddwd`, `vpaddd`), 8 where signs move.
#![allow(unsafe_code)]

use super::int8::{CHUNK, Int8Matrix, Quantised, Rows};
use super::portable::dot;
use super::survey::{BLOCK, Block, Known, NOT_MOVED};
use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_prefetch, _mm_shuffle_epi32,
    _mm256_abs_epi8, _mm256_add_epi8, _mm256_add_epi16, _mm256_add_epi32, _mm256_castsi256_si128,
    _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_cmpgt_epi16, _mm256_cvtepi8_epi16, _mm256_extracti128_si256,
    _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_max_epi8,
    _mm256_max_epi16, _mm256_min_epi8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setzero_si256, _mm256_sign_epi8, _mm256_storeu_si256,
    _mm256_sub_epi8, _mm256_sub_epi16, _mm256_sub_epi32, _mm256_xor_si256,
};
use std::ops::Range;

/// Rows of weights of one tile.
const NR: usize = 8;

/// Bytes of a register.
const STEP: usize = 32;

/// How activations become unsigned.
const PLAIN: u8 = 0;
const MOVED: u8 = 1;
const SIGNED: u8 = 2;

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
        let group = j * NR..j * NR + NR;
        let large = known.large[group.clone()].iter().fold(0, |all, large| all | large);
        let moved = &known.moved[group];
        let out = &mut out[j * NR..];
        let run = if x.nonnegative {
            tiles::<PLAIN>
        } else if moved.contains(&NOT_MOVED) {
            tiles::<SIGNED>
        } else {
            tiles::<MOVED>
        };
        // SAFETY: AVX2 is there; each row of `a` and of the weights is `k >= blocks * BLOCK` bytes; `out` has `NR`
        // places in each of `m` rows of `CHUNK` and `moved` has them, as `CHUNK` is a multiple of `NR`.
        unsafe { run(a.as_ptr(), m, [k, blocks], weights, large, moved.as_ptr(), out.as_mut_ptr()) };
        if blocks * BLOCK < k {
            for (i, a) in a.chunks_exact(k).enumerate() {
                for (j, sum) in out[i * CHUNK..i * CHUNK + NR].iter_mut().enumerate() {
                    let row = w.row(rows.at((first + j).min(outputs.end - 1)));
                    *sum += dot(&a[blocks * BLOCK..], &row[blocks * BLOCK..]);
                }
            }
        }
    }
}

/// All rows of `a` with eight rows of weights.
///
/// # Safety
/// AVX2; `a` is `m` rows of `k >= blocks * BLOCK` bytes, each of `w` good for as many, `moved` for `NR` places, `out` for
/// `NR` in each row of [`CHUNK`]. `KIND` must be exact for the weights outside of the blocks `large`.
#[target_feature(enable = "avx2")]
unsafe fn tiles<const KIND: u8>(
    a: *const i8,
    m: usize,
    [k, blocks]: [usize; 2],
    w: [*const i8; NR],
    large: u32,
    moved: *const i32,
    out: *mut i32,
) {
    for i in 0..m {
        let mut acc = [_mm256_setzero_si256(); NR];
        // SAFETY: as the caller promises; `moved` is taken off only where it was added.
        unsafe {
            let a = a.add(i * k);
            let ahead = NR * k;
            if m == 1 && (KIND == MOVED || large == 0) {
                // Each weight is used once and comes from far away: row after row is the order that the processor's
                // own prefetching follows, and costs nothing but looking at the activations again.
                for (acc, w) in acc.iter_mut().zip(w) {
                    for b in 0..blocks {
                        add_block::<KIND, 1>(std::array::from_mut(acc), a, [w], b * BLOCK, ahead);
                    }
                }
            } else if KIND == MOVED || large == 0 {
                for b in 0..blocks {
                    add_block::<KIND, NR>(&mut acc, a, w, b * BLOCK, ahead);
                }
            } else {
                for b in 0..blocks {
                    if b < 32 && large >> b & 1 == 0 {
                        add_block::<KIND, NR>(&mut acc, a, w, b * BLOCK, ahead);
                    } else {
                        add_large_block(&mut acc, a, w, b * BLOCK);
                    }
                }
            }
            let mut sums = add_lanes(acc);
            if KIND == MOVED {
                sums = _mm256_sub_epi32(sums, _mm256_loadu_si256(moved.cast()));
            }
            _mm256_storeu_si256(out.add(i * CHUNK).cast(), sums);
        }
    }
}

/// 64 products with each of `N` rows, four at a time added in 16 bits.
///
/// # Safety
/// AVX2; `a` and each of `w` good for `at + BLOCK` bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn add_block<const KIND: u8, const N: usize>(
    acc: &mut [__m256i; N],
    a: *const i8,
    w: [*const i8; N],
    at: usize,
    ahead: usize,
) {
    let ones = _mm256_set1_epi16(1);
    // SAFETY: as the caller promises.
    unsafe {
        let (a0, a1) = (load(a.add(at)), load(a.add(at + STEP)));
        let (u0, u1) = match KIND {
            PLAIN => (a0, a1),
            MOVED => (_mm256_add_epi8(a0, _mm256_set1_epi8(127)), _mm256_add_epi8(a1, _mm256_set1_epi8(127))),
            _ => (_mm256_abs_epi8(a0), _mm256_abs_epi8(a1)),
        };
        // Below zero: all ones.
        let below = _mm256_cmpgt_epi8(_mm256_setzero_si256(), a1);
        for (acc, w) in acc.iter_mut().zip(w) {
            // A block is one cache line of each row; with one row of activations the weights are not in the first cache.
            _mm_prefetch::<_MM_HINT_T0>(w.wrapping_add(at + ahead));
            let (mut w0, mut w1) = (load(w.add(at)), load(w.add(at + STEP)));
            if KIND == SIGNED {
                // Once by the instruction and once by hand: the former shares its two ports with the products.
                w0 = _mm256_sign_epi8(w0, a0);
                w1 = _mm256_sub_epi8(_mm256_xor_si256(w1, below), below);
            }
            let four = _mm256_add_epi16(_mm256_maddubs_epi16(u0, w0), _mm256_maddubs_epi16(u1, w1));
            *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(four, ones));
        }
    }
}

/// 64 products with each of eight rows, for weights of any size.
///
/// # Safety
/// As for [`add_block`].
#[target_feature(enable = "avx2")]
unsafe fn add_large_block(acc: &mut [__m256i; NR], a: *const i8, w: [*const i8; NR], at: usize) {
    for at in (at..at + BLOCK).step_by(STEP / 2) {
        // SAFETY: as the caller promises.
        unsafe {
            let a = _mm256_cvtepi8_epi16(_mm_loadu_si128(a.add(at).cast()));
            for (acc, w) in acc.iter_mut().zip(w) {
                let w = _mm256_cvtepi8_epi16(_mm_loadu_si128(w.add(at).cast()));
                *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(a, w));
            }
        }
    }
}

/// The sum of the lanes of each accumulator.
#[inline]
#[target_feature(enable = "avx2")]
fn add_lanes(acc: [__m256i; NR]) -> __m256i {
    let left = _mm256_hadd_epi32(_mm256_hadd_epi32(acc[0], acc[1]), _mm256_hadd_epi32(acc[2], acc[3]));
    let right = _mm256_hadd_epi32(_mm256_hadd_epi32(acc[4], acc[5]), _mm256_hadd_epi32(acc[6], acc[7]));
    let low = _mm256_permute2x128_si256::<0x20>(left, right);
    _mm256_add_epi32(low, _mm256_permute2x128_si256::<0x31>(left, right))
}

/// # Safety
/// AVX2; `at` good for [`STEP`] bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load(at: *const i8) -> __m256i {
    // SAFETY: as the caller promises.
    unsafe { _mm256_loadu_si256(at.cast()) }
}

/// Looks at the weights of a block.
///
/// # Safety
/// The CPU must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn look(block: &[i8; BLOCK]) -> Block {
    let (zero, ones) = (_mm256_setzero_si256(), _mm256_set1_epi8(1));
    let (mut positive, mut negative, mut lowest) = (zero, zero, zero);
    for half in 0..2 {
        // SAFETY: both halves lie in the block.
        let w = unsafe { load(block.as_ptr().add(half * STEP)) };
        positive = _mm256_add_epi16(positive, _mm256_maddubs_epi16(_mm256_max_epi8(w, zero), ones));
        let below = _mm256_abs_epi8(_mm256_min_epi8(w, zero));
        negative = _mm256_add_epi16(negative, _mm256_maddubs_epi16(below, ones));
        lowest = _mm256_or_si256(lowest, _mm256_cmpeq_epi8(w, _mm256_set1_epi8(i8::MIN)));
    }
    let most = _mm256_max_epi16(positive, negative);
    let size = _mm256_add_epi16(positive, negative);
    // -128 has no opposite in a byte, so its sign cannot move.
    let large = _mm256_or_si256(_mm256_cmpgt_epi16(size, _mm256_set1_epi16(258)), lowest);
    let sums = _mm256_madd_epi16(_mm256_sub_epi16(positive, negative), _mm256_set1_epi16(1));
    let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b01_00_11_10>(sums));
    let sums = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b10_11_00_01>(sums));
    Block {
        large: _mm256_movemask_epi8(large) != 0,
        fixed: _mm256_movemask_epi8(_mm256_cmpgt_epi16(most, _mm256_set1_epi16(129))) != 0,
        sum: _mm_cvtsi128_si32(sums),
    }
}
