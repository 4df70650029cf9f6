//! AVX-512 VNNI: 64 multiply-adds an instruction.
//!
//! `vpdpbusd` multiplies unsigned by signed bytes and adds four products to a 32-bit lane. Weights are moved up by 128
//! (their top bit is flipped) and 128 times each row's sum of activations is taken off: exact, and nothing has to be kept
//! for the weights.
//!
//! Two ways, by how often a weight is used. For a few rows of activations the lanes run along the rows of weights as
//! they lie, and are added at the end. For more rows, weights are first turned, so that the lanes are 16 outputs: then
//! four activations are loaded into all lanes, and no lanes are added. Turning 32 rows costs as much as multiplying
//! them with [`FEW`] rows of activations.
//!
//! Bound: one `vpdpbusd` for 64 multiply-adds.
#![allow(unsafe_code)]

use super::int8::{CHUNK, Int8Matrix, Quantised, Rows};
use super::portable::dot;
use std::arch::x86_64::{
    __m128i, __m256i, __m512i, __mmask64, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_set1_epi32,
    _mm256_storeu_si256, _mm256_sub_epi32, _mm512_add_epi32, _mm512_castsi128_si512, _mm512_castsi512_si256,
    _mm512_dpbusd_epi32, _mm512_inserti32x4, _mm512_loadu_si512, _mm512_maskz_loadu_epi8,
    _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_shuffle_i32x4,
    _mm512_storeu_si512, _mm512_sub_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
};
use std::mem::MaybeUninit;
use std::ops::Range;

/// 32-bit lanes of a register: outputs of one register.
const LANES: usize = 16;

/// Bytes of a register.
const STEP: usize = 64;

/// Rows of weights of a tile of those that lie, and how many rows are asked for ahead.
const NR: usize = 8;
const AHEAD: usize = 8;

/// Below this many rows of activations weights are not turned.
const FEW: usize = 4;

/// Outputs whose weights are turned together, and inputs: 16 KB, half of the first cache.
const TURNED: usize = 2 * LANES;
const DEPTH: usize = 512;

/// Inputs of a step of turning: a quarter of a register.
const QUARTER: usize = 16;

/// Turned weights: for each four inputs, two registers of 16 outputs.
type Panel = [[MaybeUninit<__m512i>; 2]; DEPTH / 4];

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
    if m < FEW {
        for (j, first) in outputs.clone().step_by(NR).enumerate() {
            let weights = w.tile::<NR>(rows, first, outputs.end);
            // SAFETY: the features are there. `a` holds `m` rows and each row of weights is `k` bytes; `out` has `NR`
            // places from `j * NR` on in each of `m` rows of `CHUNK`, a multiple of it.
            unsafe {
                let (a, out) = (a.as_ptr(), out.as_mut_ptr().add(j * NR));
                match m {
                    1 => lying::<1>(a, k, weights, out),
                    2 => lying::<2>(a, k, weights, out),
                    _ => lying::<{ FEW - 1 }>(a, k, weights, out),
                }
            }
        }
        return;
    }
    let whole = k - k % QUARTER;
    let mut panel: Panel = [[MaybeUninit::uninit(); 2]; DEPTH / 4];
    for (j, first) in outputs.clone().step_by(TURNED).enumerate() {
        let weights = w.tile::<TURNED>(rows, first, outputs.end);
        for at in (0..whole).step_by(DEPTH) {
            let depth = DEPTH.min(whole - at);
            // SAFETY: the features are there. Each row of weights and of `a` is good for `at + depth <= k` bytes,
            // `depth` is a multiple of `QUARTER` and at most `DEPTH`, and `turn` fills the quads that `tiles` reads;
            // `out` has `TURNED` places from `j * TURNED` on in each of `m` rows of `CHUNK`, a multiple of it.
            unsafe {
                turn(weights, at, depth, &mut panel);
                tiles(a, [m, k], at..at + depth, &panel, out.as_mut_ptr().add(j * TURNED));
            }
        }
        if whole < k {
            for (a, out) in a.chunks_exact(k).zip(out.chunks_exact_mut(CHUNK)) {
                for (i, sum) in out[j * TURNED..(j + 1) * TURNED].iter_mut().enumerate() {
                    let w = w.row(rows.at((first + i).min(outputs.end - 1)));
                    // Where there is no whole quarter, nothing was written yet.
                    *sum = if whole == 0 { 0 } else { *sum } + dot(&a[whole..], &w[whole..]);
                }
            }
        }
    }
}

/// `M` rows of activations with eight rows of weights as they lie.
///
/// # Safety
/// The features of [`sums`]; `a` good for `M` rows of `k` bytes, each of `w` for `k`, `out` for [`NR`] places in each of `M`
/// rows of [`CHUNK`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn lying<const M: usize>(a: *const i8, k: usize, w: [*const i8; NR], out: *mut i32) {
    let flip = _mm512_set1_epi8(i8::MIN);
    let whole = k - k % STEP;
    let mut acc = [[_mm512_setzero_si512(); NR]; M];
    // SAFETY: as the caller promises; the mask keeps the last loads within `k` bytes, and masked activations are 0.
    unsafe {
        // Row after row: the order that the processor's own prefetching follows.
        for (j, w) in w.into_iter().enumerate() {
            let mut sums = [_mm512_setzero_si512(); M];
            for at in (0..whole).step_by(STEP) {
                _mm_prefetch::<_MM_HINT_T0>(w.wrapping_add(at + AHEAD * k));
                let w = _mm512_xor_si512(_mm512_loadu_si512(w.add(at).cast()), flip);
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm512_dpbusd_epi32(*sum, w, _mm512_loadu_si512(a.add(i * k + at).cast()));
                }
            }
            if whole < k {
                let mask = first_bytes(k - whole);
                let w = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, w.add(whole)), flip);
                for (i, sum) in sums.iter_mut().enumerate() {
                    let a = _mm512_maskz_loadu_epi8(mask, a.add(i * k + whole));
                    *sum = _mm512_dpbusd_epi32(*sum, w, a);
                }
            }
            for (acc, sum) in acc.iter_mut().zip(sums) {
                acc[j] = sum;
            }
        }
        for (i, acc) in acc.iter().enumerate() {
            let sums = _mm256_sub_epi32(add_lanes(acc), _mm256_set1_epi32(moved(a.add(i * k), k)));
            _mm256_storeu_si256(out.add(i * CHUNK).cast(), sums);
        }
    }
}

/// A mask of the first `bytes` of a register.
#[inline]
fn first_bytes(bytes: usize) -> __mmask64 {
    if bytes >= STEP { !0 } else { (1 << bytes) - 1 }
}

/// What moving the weights up adds to each sum of a row of activations: 128 times the sum of the row.
///
/// # Safety
/// The features of [`sums`]; `a` good for `k` bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn moved(a: *const i8, k: usize) -> i32 {
    let mut sum = _mm512_setzero_si512();
    for at in (0..k).step_by(STEP) {
        // SAFETY: the mask keeps the load within `k` bytes.
        let a = unsafe { _mm512_maskz_loadu_epi8(first_bytes(k - at), a.add(at)) };
        sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(i8::MIN), a);
    }
    _mm512_reduce_add_epi32(sum)
}

/// The sum of the lanes of each accumulator.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_lanes(acc: &[__m512i; NR]) -> __m256i {
    let pairs: [__m512i; 4] = std::array::from_fn(|i| {
        let (a, b) = (acc[2 * i], acc[2 * i + 1]);
        _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b))
    });
    let fours: [__m512i; 2] = std::array::from_fn(|i| {
        let (a, b) = (pairs[2 * i], pairs[2 * i + 1]);
        _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b))
    });
    // Left to be added are the quarters of both registers: 0 + 1 and 2 + 3, then these.
    let halves = |a, b| {
        let (even, odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        _mm512_add_epi32(even, odd)
    };
    let eight = halves(fours[0], fours[1]);
    _mm512_castsi512_si256(halves(eight, eight))
}

/// Turns `depth` inputs of 32 rows of weights, moved up by 128.
///
/// # Safety
/// The features of [`sums`]; each of `w` good for `at + depth` bytes, `depth` a multiple of [`QUARTER`], at most [`DEPTH`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn turn(w: [*const i8; TURNED], at: usize, depth: usize, panel: &mut Panel) {
    let flip = _mm512_set1_epi8(i8::MIN);
    for (quarter, quads) in (at..at + depth).step_by(QUARTER).zip(panel.as_chunks_mut::<4>().0) {
        for side in 0..2 {
            let w = &w[side * LANES..(side + 1) * LANES];
            // Rows 4 apart beside each other: turning four such registers in each quarter gives rows in order.
            let four: [__m512i; 4] = std::array::from_fn(|i| {
                // SAFETY: as the caller promises.
                let part = |row: usize| -> __m128i { unsafe { _mm_loadu_si128(w[row].add(quarter).cast()) } };
                let parts = _mm512_castsi128_si512(part(i));
                let parts = _mm512_inserti32x4::<1>(parts, part(i + 4));
                let parts = _mm512_inserti32x4::<2>(parts, part(i + 8));
                _mm512_xor_si512(_mm512_inserti32x4::<3>(parts, part(i + 12)), flip)
            });
            let [a, b, c, d] = four;
            let (ab, cd) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
            quads[0][side].write(_mm512_unpacklo_epi64(ab, cd));
            quads[1][side].write(_mm512_unpackhi_epi64(ab, cd));
            let (ab, cd) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
            quads[2][side].write(_mm512_unpacklo_epi64(ab, cd));
            quads[3][side].write(_mm512_unpackhi_epi64(ab, cd));
        }
    }
}

/// All rows of `a` with the turned weights of the inputs `part`: writes sums for the first part, adds for later ones.
///
/// # Safety
/// The features of [`sums`]; `a` is `m` rows of `k` bytes, `panel` is filled for `part`, and `out` good for [`TURNED`] places
/// in each of `m` rows of [`CHUNK`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn tiles(a: &[i8], [m, k]: [usize; 2], part: Range<usize>, panel: &Panel, out: *mut i32) {
    let mut i = 0;
    while i < m {
        // SAFETY: as the caller promises; no tile has more rows than are left.
        unsafe {
            let (a, out) = (a.as_ptr().add(i * k), out.add(i * CHUNK));
            let part = part.clone();
            i += match m - i {
                12.. => tile::<12>(a, k, part, panel, out),
                6.. => tile::<6>(a, k, part, panel, out),
                4.. => tile::<4>(a, k, part, panel, out),
                2.. => tile::<2>(a, k, part, panel, out),
                _ => tile::<1>(a, k, part, panel, out),
            };
        }
    }
}

/// [`tiles`] for `M` rows, which it returns.
///
/// # Safety
/// As for [`tiles`], with `M` rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn tile<const M: usize>(
    a: *const i8,
    k: usize,
    part: Range<usize>,
    panel: &Panel,
    out: *mut i32,
) -> usize {
    let mut acc = [[_mm512_setzero_si512(); 2]; M];
    // SAFETY: as the caller promises.
    unsafe {
        if part.start > 0 {
            for (i, acc) in acc.iter_mut().enumerate() {
                *acc = [0, LANES].map(|side| _mm512_loadu_si512(out.add(i * CHUNK + side).cast()));
            }
        }
        let a = a.add(part.start);
        for (quad, w) in panel.iter().take(part.len() / 4).enumerate() {
            let w = w.map(|w| w.assume_init());
            for (i, acc) in acc.iter_mut().enumerate() {
                let a = _mm512_set1_epi32(a.add(i * k + 4 * quad).cast::<i32>().read_unaligned());
                *acc = [_mm512_dpbusd_epi32(acc[0], w[0], a), _mm512_dpbusd_epi32(acc[1], w[1], a)];
            }
        }
        for (i, acc) in acc.iter().enumerate() {
            let moved = _mm512_set1_epi32(moved(a.add(i * k), part.len()));
            for (side, acc) in acc.iter().enumerate() {
                let to = out.add(i * CHUNK + side * LANES);
                _mm512_storeu_si512(to.cast(), _mm512_sub_epi32(*acc, moved));
            }
        }
    }
    M
}
