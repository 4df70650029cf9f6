//! ARMv8.6 int8 matrix multiply: `smmla` multiplies two rows of 8 with two rows of 8, 32 multiply-adds an instruction.
//!
//! Bound: 32 a instruction; the 8x8 tile takes 16 loads, 16 zips and 32 `smmla` for 1,024.
#![allow(unsafe_code)]

use super::int8::{CHUNK, Int8Matrix, Quantised, Rows};
use super::portable::dot;
use std::arch::aarch64::{
    int8x16_t, int32x4_t, vdupq_n_s32, vld1q_s8, vreinterpretq_s8_s64, vreinterpretq_s32_s64,
    vreinterpretq_s64_s8, vreinterpretq_s64_s32, vst1q_s32, vzip1q_s64, vzip2q_s64,
};
use std::arch::asm;
use std::ops::Range;

/// Pairs of rows of activations of one tile, and of weights.
const MP: usize = 4;
const NP: usize = 4;
const NR: usize = 2 * NP;

/// Bytes of a register.
const STEP: usize = 16;

/// Exact sums of the rows `block` of `x` with the outputs `outputs`, [`CHUNK`] places a row.
///
/// # Safety
/// The CPU must have i8mm and dotprod.
#[target_feature(enable = "neon,dotprod,i8mm")]
pub(super) unsafe fn sums(
    x: &Quantised,
    block: Range<usize>,
    w: Int8Matrix<'_>,
    rows: Rows<'_>,
    outputs: Range<usize>,
    out: &mut [i32],
) {
    let (k, m) = (x.k, block.len());
    if m == 1 {
        // Half of each smmla would be lost: the dot product is as fast.
        // SAFETY: dotprod is there.
        return unsafe { super::neon::sums_dotprod(x, block, w, rows, outputs, out) };
    }
    let a = &x.bytes[block.start * k..block.end * k];
    assert!(outputs.len() <= CHUNK && out.len() >= m * CHUNK, "room for the sums");
    for (j, first) in outputs.clone().step_by(NR).enumerate() {
        let weights: [&[i8]; NR] = std::array::from_fn(|i| w.row(rows.at((first + i).min(outputs.end - 1))));
        let w = weights.map(<[i8]>::as_ptr);
        let out = &mut out[j * NR..];
        for start in (0..m).step_by(2 * MP) {
            let end = m.min(start + 2 * MP);
            // SAFETY: the features are there. Every row pointer (the last one repeated) is good for `k` bytes; `out`
            // has `NR` places in each of the rows `start..end` of `CHUNK`, as `CHUNK` is a multiple of `NR`.
            unsafe {
                let row = |i: usize| a.as_ptr().add((start + i).min(m - 1) * k);
                let to = out.as_mut_ptr().add(start * CHUNK);
                match (end - start).div_ceil(2) {
                    1 => tile::<1>(row, end - start, k, w, to),
                    2 => tile::<2>(row, end - start, k, w, to),
                    3 => tile::<3>(row, end - start, k, w, to),
                    _ => tile::<MP>(row, end - start, k, w, to),
                }
            }
        }
        let tail = k - k % STEP;
        if tail < k {
            for (i, a) in a.chunks_exact(k).enumerate() {
                for (sum, w) in out[i * CHUNK..].iter_mut().zip(&weights) {
                    *sum += dot(&a[tail..], &w[tail..]);
                }
            }
        }
    }
}

/// # Safety
/// The features of [`sums`]; `row(0..2 * P)` and each of `w` good for `k` bytes, `out` for `NR` places in each of `rows`
/// rows of [`CHUNK`].
#[inline]
#[target_feature(enable = "neon,dotprod,i8mm")]
unsafe fn tile<const P: usize>(
    row: impl Fn(usize) -> *const i8,
    rows: usize,
    k: usize,
    w: [*const i8; NR],
    out: *mut i32,
) {
    let mut acc = [[vdupq_n_s32(0); NP]; P];
    let a: [[*const i8; 2]; P] = std::array::from_fn(|p| [row(2 * p), row(2 * p + 1)]);
    let mut at = 0;
    while at + STEP <= k {
        // SAFETY: `at + STEP <= k`.
        unsafe {
            let w: [[int8x16_t; 2]; NP] =
                std::array::from_fn(|q| pair(w[2 * q].add(at), w[2 * q + 1].add(at)));
            for (acc, a) in acc.iter_mut().zip(a) {
                let a = pair(a[0].add(at), a[1].add(at));
                for (acc, w) in acc.iter_mut().zip(w) {
                    matrix_multiply_add(acc, a[0], w[0]);
                    matrix_multiply_add(acc, a[1], w[1]);
                }
            }
        }
        at += STEP;
    }
    for (p, acc) in acc.iter().enumerate() {
        for q in 0..NP / 2 {
            let (left, right) = (vreinterpretq_s64_s32(acc[2 * q]), vreinterpretq_s64_s32(acc[2 * q + 1]));
            // SAFETY: `out` has `NR` places in each row below `rows`.
            unsafe {
                vst1q_s32(out.add(2 * p * CHUNK + 4 * q), vreinterpretq_s32_s64(vzip1q_s64(left, right)));
                if 2 * p + 1 < rows {
                    vst1q_s32(
                        out.add((2 * p + 1) * CHUNK + 4 * q),
                        vreinterpretq_s32_s64(vzip2q_s64(left, right)),
                    );
                }
            }
        }
    }
}

/// 16 values of two rows as two registers: the first eight of both, the last eight of both.
///
/// # Safety
/// Both good for 16 bytes.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn pair(a: *const i8, b: *const i8) -> [int8x16_t; 2] {
    // SAFETY: as the caller promises.
    let (a, b) = unsafe { (vreinterpretq_s64_s8(vld1q_s8(a)), vreinterpretq_s64_s8(vld1q_s8(b))) };
    [vreinterpretq_s8_s64(vzip1q_s64(a, b)), vreinterpretq_s8_s64(vzip2q_s64(a, b))]
}

#[inline]
#[target_feature(enable = "neon,i8mm")]
fn matrix_multiply_add(acc: &mut int32x4_t, a: int8x16_t, w: int8x16_t) {
    // The intrinsic is not in stable Rust yet.
    // SAFETY: register to register, and the feature is there.
    unsafe {
        asm!(
            "smmla {acc:v}.4s, {a:v}.16b, {w:v}.16b",
            acc = inout(vreg) *acc, a = in(vreg) a, w = in(vreg) w,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
}
