//! ARMv8.0 NEON, for every 64-bit ARM CPU down to the Cortex-A53.
//!
//! `smull` and `smlal2` put two products of int8 into each 16-bit lane (at most 2 * 128 * 127 = 32,512, so never too
//! large), `sadalp` adds pairs of these to 32-bit sums.
//!
//! Bound: the ISA has no instruction with more than 8 int8 multiply-adds, and after two of them the 16-bit lanes must be
//! emptied: 16 multiply-adds in 3 instructions, 5.33 each. (16-bit products, `smlal`, would give 4.) The 4x4 tile adds
//! 8 loads (`ldp`: fewer) to 48 such instructions.
#![allow(unsafe_code)]

use super::int8::{CHUNK, Int8Matrix, Quantised, Rows};
use super::portable::dot;
use std::arch::aarch64::{
    int8x16_t, int32x4_t, vdupq_n_s32, vget_low_s8, vld1q_s8, vmlal_high_s8, vmull_s8, vpadalq_s16,
    vpaddq_s32, vst1q_s32,
};
use std::arch::asm;
use std::ops::Range;

/// Rows of activations of one tile, and of weights.
const MR: usize = 4;
const NR: usize = 4;

/// Bytes of a register.
const STEP: usize = 16;

/// Defines `sums` for a kernel whose tile adds 16 products of one row with one row of weights at a time.
macro_rules! sums_by_tiles {
    ($feature:literal, $name:ident, $tile:ident, $multiply_add:ident) => {
        /// Exact sums of the rows `block` of `x` with the outputs `outputs`, [`CHUNK`] places a row.
        ///
        /// # Safety
        /// The CPU must have the features this is compiled for.
        #[target_feature(enable = $feature)]
        pub(super) unsafe fn $name(
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
                let weights: [&[i8]; NR] =
                    std::array::from_fn(|i| w.row(rows.at((first + i).min(outputs.end - 1))));
                let mut i = 0;
                // SAFETY: the features are there. `a` holds `m` rows and each weight row is `k` bytes; `out` has `NR`
                // places in each of `m` rows of `CHUNK`, as `CHUNK` is a multiple of `NR`; `i + M <= m`.
                unsafe {
                    let w = weights.map(<[i8]>::as_ptr);
                    while i + MR <= m {
                        $tile::<MR>(a.as_ptr().add(i * k), k, w, out.as_mut_ptr().add(i * CHUNK + j * NR));
                        i += MR;
                    }
                    let (a, out) = (a.as_ptr().add(i * k), out.as_mut_ptr().add(i * CHUNK + j * NR));
                    match m - i {
                        1 => $tile::<1>(a, k, w, out),
                        2 => $tile::<2>(a, k, w, out),
                        3 => $tile::<3>(a, k, w, out),
                        _ => {}
                    }
                }
                let tail = k - k % STEP;
                if tail < k {
                    for (i, a) in a.chunks_exact(k).enumerate() {
                        for (sum, w) in out[i * CHUNK + j * NR..].iter_mut().zip(&weights) {
                            *sum += dot(&a[tail..], &w[tail..]);
                        }
                    }
                }
            }
        }

        /// # Safety
        /// The features of the function above; `a` good for `M` rows of `k` bytes, each of `w` for `k`, `out` for
        /// `NR` places in each of `M` rows of [`CHUNK`].
        #[inline]
        #[target_feature(enable = $feature)]
        unsafe fn $tile<const M: usize>(a: *const i8, k: usize, w: [*const i8; NR], out: *mut i32) {
            let mut acc = [[vdupq_n_s32(0); NR]; M];
            let mut at = 0;
            while at + STEP <= k {
                // SAFETY: `at + STEP <= k`.
                unsafe {
                    let w: [int8x16_t; NR] = std::array::from_fn(|j| vld1q_s8(w[j].add(at)));
                    for (i, acc) in acc.iter_mut().enumerate() {
                        let a = vld1q_s8(a.add(i * k + at));
                        $multiply_add(acc, a, w);
                    }
                }
                at += STEP;
            }
            for (i, acc) in acc.iter().enumerate() {
                let sums = vpaddq_s32(vpaddq_s32(acc[0], acc[1]), vpaddq_s32(acc[2], acc[3]));
                // SAFETY: `out` has `NR` places in row `i`.
                unsafe { vst1q_s32(out.add(i * CHUNK), sums) };
            }
        }
    };
}

/// One row's 16 values with those of four rows of weights. The four chains stand side by side: the Cortex-A53 issues in
/// order and would wait for each result.
#[inline]
#[target_feature(enable = "neon")]
fn multiply_add(acc: &mut [int32x4_t; NR], a: int8x16_t, w: [int8x16_t; NR]) {
    let low = w.map(|w| vmull_s8(vget_low_s8(a), vget_low_s8(w)));
    let both: [_; NR] = std::array::from_fn(|j| vmlal_high_s8(low[j], a, w[j]));
    for (acc, both) in acc.iter_mut().zip(both) {
        *acc = vpadalq_s16(*acc, both);
    }
}

/// The same with the dot product of ARMv8.2 (16 multiply-adds an instruction).
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn multiply_add_dot(acc: &mut [int32x4_t; NR], a: int8x16_t, w: [int8x16_t; NR]) {
    for (acc, w) in acc.iter_mut().zip(w) {
        // The intrinsic is not in stable Rust yet.
        // SAFETY: register to register, and the feature is there.
        unsafe {
            asm!(
                "sdot {acc:v}.4s, {a:v}.16b, {w:v}.16b",
                acc = inout(vreg) *acc, a = in(vreg) a, w = in(vreg) w,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
    }
}

sums_by_tiles!("neon", sums, tile, multiply_add);
sums_by_tiles!("neon,dotprod", sums_dotprod, tile_dotprod, multiply_add_dot);
