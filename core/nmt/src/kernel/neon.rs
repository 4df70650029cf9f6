//! ARMv8.0 NEON, for every 64-bit ARM CPU down to the Cortex-A53.
//!
//! `smull` and `smlal` put products of int8 into 16-bit lanes, `sadalp` adds pairs of these to 32-bit sums. Two products
//! always fit a lane (2 * 128 * 127 = 32,512). Four fit while their weights sum to at most 258 in size; a
//! [`Survey`](super::survey::Survey) of the weights says for each block of 64 whether they do.
//!
//! Bound: the ISA has no instruction with more than 8 int8 multiply-adds. When the lanes must be emptied after two
//! products that is 16 multiply-adds in 3 instructions, 5.33 each (16-bit products would give 4); after four it is 32 in
//! 5, 6.4 each. The 4x4 tile adds 8 paired loads to 80 such instructions for 512 multiply-adds; one row with four rows of
//! weights adds 10 paired loads and a count and a branch to 40 for 256.
#![allow(unsafe_code)]

use super::Isa;
use super::int8::{CHUNK, Int8Matrix, Quantised, Rows};
use super::portable::dot;
use super::survey::{BLOCK, Known};
use std::arch::aarch64::{
    int8x16_t, int32x4_t, vabsq_s8, vaddl_u8, vaddw_u8, vdupq_n_s32, vget_high_u8, vget_low_s8, vget_low_u8,
    vld1q_s8, vmaxvq_u16, vmlal_high_s8, vmlal_s8, vmull_s8, vpadalq_s16, vpaddq_s32, vreinterpretq_u8_s8,
    vst1q_s32,
};
use std::arch::asm;
use std::ops::Range;

/// Rows of activations of one tile, and of weights.
const MR: usize = 4;
const NR: usize = 4;

/// Bytes of a register.
const STEP: usize = 16;

/// The most that the sizes of four weights may sum to for their products with 127 to fit 16 bits: 258 * 127 = 32,766.
const FOUR_WEIGHTS: u16 = 258;

/// Defines `sums` for a kernel whose tile adds 16 products of one row with one row of weights at a time.
macro_rules! sums_by_tiles {
    ($feature:literal, $isa:expr, $name:ident, $tile:ident, $multiply_add:ident, $four:expr) => {
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
            let mut known = Known::EMPTY;
            if $four {
                w.known($isa, rows, outputs.clone(), &mut known);
            }
            for (j, first) in outputs.clone().step_by(NR).enumerate() {
                let large = known.large[j * NR..(j + 1) * NR].iter().fold(0, |all, large| all | large);
                let mut i = 0;
                // SAFETY: the features are there. `a` holds `m` rows and each weight row is `k` bytes; `out` has `NR`
                // places in each of `m` rows of `CHUNK`, as `CHUNK` is a multiple of `NR`; `i + M <= m`.
                unsafe {
                    let w = w.tile::<NR>(rows, first, outputs.end);
                    while i + MR <= m {
                        $tile::<MR>(
                            a.as_ptr().add(i * k),
                            k,
                            w,
                            large,
                            out.as_mut_ptr().add(i * CHUNK + j * NR),
                        );
                        i += MR;
                    }
                    let (a, out) = (a.as_ptr().add(i * k), out.as_mut_ptr().add(i * CHUNK + j * NR));
                    match m - i {
                        1 => $tile::<1>(a, k, w, large, out),
                        2 => $tile::<2>(a, k, w, large, out),
                        3 => $tile::<3>(a, k, w, large, out),
                        _ => {}
                    }
                }
                let tail = k - k % STEP;
                if tail < k {
                    let weights: [&[i8]; NR] =
                        std::array::from_fn(|i| w.row(rows.at((first + i).min(outputs.end - 1))));
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
        unsafe fn $tile<const M: usize>(
            a: *const i8,
            k: usize,
            w: [*const i8; NR],
            large: u32,
            out: *mut i32,
        ) {
            let mut acc = [[vdupq_n_s32(0); NR]; M];
            let mut at = 0;
            let blocks = if $four { k / BLOCK } else { 0 };
            while at < blocks * BLOCK {
                let block = at / BLOCK;
                // Blocks from here on whose products fit.
                let run = if block < 32 { (large >> block).trailing_zeros() as usize } else { 0 };
                let run = run.min(32 - block.min(32)).min(blocks - block);
                if run == 0 {
                    for at in (at..at + BLOCK).step_by(STEP) {
                        // SAFETY: `at + STEP <= k`.
                        unsafe {
                            let w: [int8x16_t; NR] = std::array::from_fn(|j| vld1q_s8(w[j].add(at)));
                            for (i, acc) in acc.iter_mut().enumerate() {
                                $multiply_add(acc, vld1q_s8(a.add(i * k + at)), w);
                            }
                        }
                    }
                    at += BLOCK;
                    continue;
                }
                // SAFETY: `at + run * BLOCK <= k`.
                unsafe { run_of_blocks(&mut acc, a.add(at), k, w.map(|w| w.add(at)), run) };
                at += run * BLOCK;
            }
            while at + STEP <= k {
                // SAFETY: `at + STEP <= k`.
                unsafe {
                    let w: [int8x16_t; NR] = std::array::from_fn(|j| vld1q_s8(w[j].add(at)));
                    for (i, acc) in acc.iter_mut().enumerate() {
                        $multiply_add(acc, vld1q_s8(a.add(i * k + at)), w);
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

/// One row's 32 values with those of four rows of weights, of which four products fit 16 bits.
#[inline]
#[target_feature(enable = "neon")]
fn multiply_add_four(acc: &mut [int32x4_t; NR], a: [int8x16_t; 2], w: [[int8x16_t; 2]; NR]) {
    let one = w.map(|w| vmull_s8(vget_low_s8(a[0]), vget_low_s8(w[0])));
    let two: [_; NR] = std::array::from_fn(|j| vmlal_high_s8(one[j], a[0], w[j][0]));
    let three: [_; NR] = std::array::from_fn(|j| vmlal_s8(two[j], vget_low_s8(a[1]), vget_low_s8(w[j][1])));
    let four: [_; NR] = std::array::from_fn(|j| vmlal_high_s8(three[j], a[1], w[j][1]));
    for (acc, four) in acc.iter_mut().zip(four) {
        *acc = vpadalq_s16(*acc, four);
    }
}

/// Products of 8 values of one row with those of four rows of weights, into (`smull`) or on top of (`smlal`) `t0` to `t3`:
/// half `l` or `h` of 32 values, the low (`8b`) or the high (`16b`) 8 of its 16. The four chains stand side by side: each
/// instruction follows three others before it needs what the last of its chain made.
#[rustfmt::skip]
macro_rules! four {
    ($op:literal, $a:literal, $w:literal, $half:literal, $lanes:literal) => {
        concat!(
            $op, " {t0:v}.8h, {", $a, ":v}.", $lanes, ", {", $w, "0", $half, ":v}.", $lanes, "\n",
            $op, " {t1:v}.8h, {", $a, ":v}.", $lanes, ", {", $w, "1", $half, ":v}.", $lanes, "\n",
            $op, " {t2:v}.8h, {", $a, ":v}.", $lanes, ", {", $w, "2", $half, ":v}.", $lanes, "\n",
            $op, " {t3:v}.8h, {", $a, ":v}.", $lanes, ", {", $w, "3", $half, ":v}.", $lanes,
        )
    };
}

/// `t0` to `t3` into the 32-bit sums of a row.
#[rustfmt::skip]
macro_rules! gather {
    ($sums:literal) => {
        concat!(
            "sadalp {", $sums, "0:v}.4s, {t0:v}.8h\n", "sadalp {", $sums, "1:v}.4s, {t1:v}.8h\n",
            "sadalp {", $sums, "2:v}.4s, {t2:v}.8h\n", "sadalp {", $sums, "3:v}.4s, {t3:v}.8h",
        )
    };
}

/// `run` blocks, none of them large, of `M` rows with four rows of weights.
///
/// # Safety
/// `a` good for `M` rows of `k` bytes of which `run * BLOCK` are left in the last, each of `w` for `run * BLOCK`.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn run_of_blocks<const M: usize>(
    acc: &mut [[int32x4_t; NR]; M],
    a: *const i8,
    k: usize,
    w: [*const i8; NR],
    run: usize,
) {
    // SAFETY: as the caller promises; `run` is not 0.
    unsafe {
        if let [acc] = acc.as_mut_slice() {
            return one_by_four(acc, a, w, run);
        }
        for at in (0..run * BLOCK).step_by(BLOCK) {
            let w = w.map(|w| w.add(at));
            let a: [*const i8; M] = std::array::from_fn(|i| a.add(i * k + at));
            if let (Some(acc), Some(&a)) = (acc.first_chunk_mut::<MR>(), a.first_chunk::<MR>()) {
                four_by_four::<0>(acc, a, w);
                four_by_four::<{ 2 * STEP }>(acc, a, w);
                continue;
            }
            for half in [0, 2 * STEP] {
                let w = w.map(|w| [vld1q_s8(w.add(half)), vld1q_s8(w.add(half + STEP))]);
                for (acc, a) in acc.iter_mut().zip(a) {
                    multiply_add_four(acc, [vld1q_s8(a.add(half)), vld1q_s8(a.add(half + STEP))], w);
                }
            }
        }
    }
}

/// `run` blocks of one row with four rows of weights, the products of each four added in 16 bits. By hand: paired loads move
/// their pointers on, and the loads of a block's second half stand between the products of its first.
///
/// # Safety
/// Each pointer good for `run * BLOCK` bytes, `run` not 0.
#[rustfmt::skip]
#[inline]
#[target_feature(enable = "neon")]
unsafe fn one_by_four(acc: &mut [int32x4_t; NR], a: *const i8, w: [*const i8; NR], run: usize) {
    // SAFETY: reads what the caller promises, writes registers only.
    unsafe {
        asm!(
            "2:",
            "ldp {al:q}, {ah:q}, [{p}], #32",
            "ldp {w0l:q}, {w0h:q}, [{q0}], #32",
            "ldp {w1l:q}, {w1h:q}, [{q1}], #32",
            "ldp {w2l:q}, {w2h:q}, [{q2}], #32",
            "ldp {w3l:q}, {w3h:q}, [{q3}], #32",
            four!("smull", "al", "w", "l", "8b"),
            "ldp {bl:q}, {bh:q}, [{p}], #32",
            four!("smlal2", "al", "w", "l", "16b"),
            "ldp {v0l:q}, {v0h:q}, [{q0}], #32",
            four!("smlal", "ah", "w", "h", "8b"),
            "ldp {v1l:q}, {v1h:q}, [{q1}], #32",
            four!("smlal2", "ah", "w", "h", "16b"),
            "ldp {v2l:q}, {v2h:q}, [{q2}], #32",
            gather!("c"),
            "ldp {v3l:q}, {v3h:q}, [{q3}], #32",
            four!("smull", "bl", "v", "l", "8b"),
            four!("smlal2", "bl", "v", "l", "16b"),
            four!("smlal", "bh", "v", "h", "8b"),
            four!("smlal2", "bh", "v", "h", "16b"),
            "subs {n}, {n}, #1",
            gather!("c"),
            "b.ne 2b",
            c0 = inout(vreg) acc[0], c1 = inout(vreg) acc[1], c2 = inout(vreg) acc[2], c3 = inout(vreg) acc[3],
            p = inout(reg) a => _, n = inout(reg) run => _,
            q0 = inout(reg) w[0] => _, q1 = inout(reg) w[1] => _, q2 = inout(reg) w[2] => _, q3 = inout(reg) w[3] => _,
            w0l = out(vreg) _, w0h = out(vreg) _, w1l = out(vreg) _, w1h = out(vreg) _, w2l = out(vreg) _, w2h = out(vreg) _, w3l = out(vreg) _, w3h = out(vreg) _, v0l = out(vreg) _, v0h = out(vreg) _, v1l = out(vreg) _, v1h = out(vreg) _, v2l = out(vreg) _, v2h = out(vreg) _, v3l = out(vreg) _, v3h = out(vreg) _,
            al = out(vreg) _, ah = out(vreg) _, bl = out(vreg) _, bh = out(vreg) _,
            t0 = out(vreg) _, t1 = out(vreg) _, t2 = out(vreg) _, t3 = out(vreg) _,
            options(pure, readonly, nostack)
        );
    }
}

/// [`multiply_add_four`] of four rows with four rows of weights, in 30 of the 32 registers. By hand: the compiler moves the
/// loads up until registers run out.
///
/// # Safety
/// Each pointer good for the 32 bytes from `AT` on.
#[rustfmt::skip]
#[inline]
#[target_feature(enable = "neon")]
unsafe fn four_by_four<const AT: usize>(acc: &mut [[int32x4_t; NR]; MR], a: [*const i8; MR], w: [*const i8; NR]) {
    // SAFETY: reads what the caller promises, writes registers only.
    unsafe {
        asm!(
            "ldp {w0l:q}, {w0h:q}, [{q0}, #{at}]",
            "ldp {w1l:q}, {w1h:q}, [{q1}, #{at}]",
            "ldp {w2l:q}, {w2h:q}, [{q2}, #{at}]",
            "ldp {w3l:q}, {w3h:q}, [{q3}, #{at}]",
            "ldp {al:q}, {ah:q}, [{p0}, #{at}]",
            four!("smull", "al", "w", "l", "8b"),
            four!("smlal2", "al", "w", "l", "16b"),
            four!("smlal", "ah", "w", "h", "8b"),
            four!("smlal2", "ah", "w", "h", "16b"),
            gather!("c0"),
            "ldp {al:q}, {ah:q}, [{p1}, #{at}]",
            four!("smull", "al", "w", "l", "8b"),
            four!("smlal2", "al", "w", "l", "16b"),
            four!("smlal", "ah", "w", "h", "8b"),
            four!("smlal2", "ah", "w", "h", "16b"),
            gather!("c1"),
            "ldp {al:q}, {ah:q}, [{p2}, #{at}]",
            four!("smull", "al", "w", "l", "8b"),
            four!("smlal2", "al", "w", "l", "16b"),
            four!("smlal", "ah", "w", "h", "8b"),
            four!("smlal2", "ah", "w", "h", "16b"),
            gather!("c2"),
            "ldp {al:q}, {ah:q}, [{p3}, #{at}]",
            four!("smull", "al", "w", "l", "8b"),
            four!("smlal2", "al", "w", "l", "16b"),
            four!("smlal", "ah", "w", "h", "8b"),
            four!("smlal2", "ah", "w", "h", "16b"),
            gather!("c3"),
            c00 = inout(vreg) acc[0][0], c01 = inout(vreg) acc[0][1], c02 = inout(vreg) acc[0][2], c03 = inout(vreg) acc[0][3],
            c10 = inout(vreg) acc[1][0], c11 = inout(vreg) acc[1][1], c12 = inout(vreg) acc[1][2], c13 = inout(vreg) acc[1][3],
            c20 = inout(vreg) acc[2][0], c21 = inout(vreg) acc[2][1], c22 = inout(vreg) acc[2][2], c23 = inout(vreg) acc[2][3],
            c30 = inout(vreg) acc[3][0], c31 = inout(vreg) acc[3][1], c32 = inout(vreg) acc[3][2], c33 = inout(vreg) acc[3][3],
            p0 = in(reg) a[0], p1 = in(reg) a[1], p2 = in(reg) a[2], p3 = in(reg) a[3],
            q0 = in(reg) w[0], q1 = in(reg) w[1], q2 = in(reg) w[2], q3 = in(reg) w[3],
            w0l = out(vreg) _, w0h = out(vreg) _, w1l = out(vreg) _, w1h = out(vreg) _, w2l = out(vreg) _, w2h = out(vreg) _, w3l = out(vreg) _, w3h = out(vreg) _,
            al = out(vreg) _, ah = out(vreg) _, t0 = out(vreg) _, t1 = out(vreg) _, t2 = out(vreg) _, t3 = out(vreg) _,
            at = const AT,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
}

/// Whether four products of a block, as [`multiply_add_four`] adds them, could leave 16 bits.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn look(block: &[i8; BLOCK]) -> bool {
    let (halves, _) = block.as_chunks::<32>();
    halves.iter().any(|half| {
        // SAFETY: both registers lie in the half.
        let (low, high) = unsafe { (vld1q_s8(half.as_ptr()), vld1q_s8(half.as_ptr().add(STEP))) };
        // The size of -128 is 128 once the byte is read as unsigned.
        let (low, high) = (vreinterpretq_u8_s8(vabsq_s8(low)), vreinterpretq_u8_s8(vabsq_s8(high)));
        let sums = vaddl_u8(vget_low_u8(low), vget_high_u8(low));
        let sums = vaddw_u8(vaddw_u8(sums, vget_low_u8(high)), vget_high_u8(high));
        vmaxvq_u16(sums) > FOUR_WEIGHTS
    })
}

/// [`multiply_add`] with the dot product of ARMv8.2 (16 multiply-adds an instruction).
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

sums_by_tiles!("neon", Isa::Neon, sums, tile, multiply_add, true);
sums_by_tiles!("neon,dotprod", Isa::NeonDotprod, sums_dotprod, tile_dotprod, multiply_add_dot, false);
