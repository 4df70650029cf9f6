//! The int8 layer: quantised activations times int8 weights, with exact sums.
//!
//! `y[m, n] = (quantise(x[m, k]) . w[n, k]^T) * unquant + bias[n]`, then the activation. Weights are read where they
//! lie (a mapped file): one row for each output, so that an embedding table serves as lookup, as full output
//! projection, and as projection onto a list of rows, with no second copy of it.
#![allow(clippy::indexing_slicing, reason = "shapes are asserted at the entry of each kernel")]
#![allow(
    clippy::inline_always,
    reason = "the bodies must take on the instruction set of the function they stand in"
)]

use super::sink::{ChunkIds, LogitSink};
use super::survey::Survey;
use super::{Isa, Kernels, float_kernel, portable};
use std::ops::Range;

/// Outputs of one pass of a kernel over a block of rows. A whole number of the column tiles of every kernel; fixed, as
/// sums over logits follow it.
pub const CHUNK: usize = 128;

/// Rows of one pass: their quantised values stay in the first two cache levels while the weights stream by.
const BLOCK: usize = 48;

/// int8 weights of a layer: `n` rows (outputs) of `k` values, borrowed. Every value of `i8` is right.
#[derive(Debug, Clone, Copy)]
pub struct Int8Matrix<'a> {
    data: &'a [i8],
    n: usize,
    k: usize,
    pub(super) survey: Option<&'a Survey>,
}

impl<'a> Int8Matrix<'a> {
    /// `None` when `data` is not `n * k` long or `k` is too large for exact 32-bit sums (over 65,536).
    pub fn new(data: &'a [i8], n: usize, k: usize) -> Option<Self> {
        (k > 0 && k <= 1 << 16 && n.checked_mul(k) == Some(data.len())).then_some(Self {
            data,
            n,
            k,
            survey: None,
        })
    }

    /// The same weights with what [`Kernels::survey`] found: without it each product looks at the weights again.
    #[must_use]
    pub fn with_survey(self, survey: &'a Survey) -> Self {
        Self { survey: Some(survey), ..self }
    }

    /// Outputs.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Inputs.
    pub fn k(&self) -> usize {
        self.k
    }

    /// The weights of output `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &'a [i8] {
        &self.data[i * self.k..(i + 1) * self.k]
    }

    /// The weights of the `N` outputs from `first` on; beyond `end` the last one again.
    #[inline(always)]
    pub(super) fn tile<const N: usize>(&self, rows: Rows<'_>, first: usize, end: usize) -> [*const i8; N] {
        if let Rows::All = rows
            && first + N <= end
        {
            let tile = &self.data[first * self.k..(first + N) * self.k];
            return std::array::from_fn(|i| tile[i * self.k..].as_ptr());
        }
        std::array::from_fn(|i| self.row(rows.at((first + i).min(end - 1))).as_ptr())
    }
}

/// Which rows of a matrix take part.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// All, in order.
    All,
    /// These, in this order. Every one must be below `n`.
    Ids(&'a [u32]),
}

impl Rows<'_> {
    /// How many rows of a matrix of `n` rows that is.
    pub fn count(self, n: usize) -> usize {
        match self {
            Self::All => n,
            Self::Ids(ids) => ids.len(),
        }
    }

    #[inline(always)]
    pub(super) fn at(self, i: usize) -> usize {
        match self {
            Self::All => i,
            Self::Ids(ids) => ids[i] as usize,
        }
    }
}

/// What follows the integer product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(y, 0)`.
    Relu,
}

/// From integer sums to floats: `sum * unquant + bias`, then the activation.
#[derive(Debug, Clone, Copy)]
pub struct Affine<'a> {
    /// `1 / (multiplier of the activations * multiplier of the weights)`.
    pub unquant: f32,
    /// One for each row of the whole matrix (also when only some rows take part).
    pub bias: Option<&'a [f32]>,
    /// The activation.
    pub activation: Activation,
}

/// Quantised activations, `[m, k]`, in the layout of one instruction set. Keep and refill it: the memory is reused.
#[derive(Debug, Clone, Default)]
pub struct Quantised {
    pub(super) m: usize,
    pub(super) k: usize,
    /// Row by row.
    pub(super) bytes: Vec<i8>,
    /// Whether no value is below zero.
    pub(super) nonnegative: bool,
    isa: Option<Isa>,
    sums: Vec<i32>,
}

impl Quantised {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rows.
    pub fn m(&self) -> usize {
        self.m
    }
}

/// Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, ties to even.
const ROUND: f32 = 12_582_912.0;

/// The nearest integer to `x * multiplier` (ties to even), held within -127..=127; not-a-number gives -127.
#[inline(always)]
fn quantise_one(x: f32, multiplier: f32) -> i32 {
    let v = x * multiplier;
    let v = if v > -127.0 { v } else { -127.0 };
    let v = if v < 127.0 { v } else { 127.0 };
    // The low bits of the shifted float are the integer, in two's complement from 0x4b400000 on.
    (v + ROUND).to_bits() as i32 - ROUND.to_bits() as i32
}

#[inline(always)]
fn quantise_bytes_body(x: &[f32], multiplier: f32, out: &mut [i8]) {
    for (o, &v) in out.iter_mut().zip(x) {
        *o = quantise_one(v, multiplier) as i8;
    }
}

#[inline(always)]
fn is_nonnegative_body(x: &[i8]) -> bool {
    x.iter().fold(0, |all, v| all | v) >= 0
}

#[inline(always)]
fn unquantise_body(sums: &[i32], affine: &Affine<'_>, rows: Rows<'_>, first: usize, y: &mut [f32]) {
    let n = sums.len();
    let y = &mut y[..n];
    match (affine.bias, rows) {
        (None, _) => {
            for (y, &s) in y.iter_mut().zip(sums) {
                *y = s as f32 * affine.unquant;
            }
        }
        (Some(bias), Rows::All) => {
            for ((y, &s), b) in y.iter_mut().zip(sums).zip(&bias[first..first + n]) {
                *y = s as f32 * affine.unquant + b;
            }
        }
        (Some(bias), Rows::Ids(ids)) => {
            for ((y, &s), &id) in y.iter_mut().zip(sums).zip(&ids[first..first + n]) {
                *y = s as f32 * affine.unquant + bias[id as usize];
            }
        }
    }
    if affine.activation == Activation::Relu {
        for y in y {
            *y = if *y > 0.0 { *y } else { 0.0 };
        }
    }
}

float_kernel! {
    /// Quantises into bytes: round half to even, held within -127..=127.
    quantise_bytes(x: &[f32], multiplier: f32, out: &mut [i8]) = quantise_bytes_body
}
float_kernel! {
    /// Whether no value is below zero.
    is_nonnegative(x: &[i8]) -> bool = is_nonnegative_body
}
float_kernel! {
    /// Integer sums of rows `first..` as floats.
    unquantise(sums: &[i32], affine: &Affine<'_>, rows: Rows<'_>, first: usize, y: &mut [f32]) = unquantise_body
}

impl Kernels {
    /// Quantises `x`, shape `[m, k]`, with `multiplier` (127 / alpha) into `out`.
    pub fn quantise(self, x: &[f32], k: usize, multiplier: f32, out: &mut Quantised) {
        assert!(k > 0 && x.len().is_multiple_of(k), "x of shape [m, k]");
        out.m = x.len() / k;
        out.k = k;
        out.isa = Some(self.isa());
        out.bytes.resize(x.len(), 0);
        self.quantise_bytes(x, multiplier, &mut out.bytes);
        out.nonnegative = self.is_nonnegative(&out.bytes);
    }

    /// `y[m, n] = x . w^T * unquant + bias`, then the activation, for all rows of `w`.
    pub fn linear(self, x: &mut Quantised, w: Int8Matrix<'_>, affine: Affine<'_>, y: &mut [f32]) {
        self.linear_rows(x, w, Rows::All, affine, y);
    }

    /// [`linear`](Self::linear) for the rows given: `y` is `[m, rows]`.
    pub fn linear_rows(
        self,
        x: &mut Quantised,
        w: Int8Matrix<'_>,
        rows: Rows<'_>,
        affine: Affine<'_>,
        y: &mut [f32],
    ) {
        let n = rows.count(w.n);
        assert_eq!(y.len(), x.m * n, "y of shape [m, rows]");
        self.chunks(x, w, rows, affine, |row, first, sums| {
            let at = row * n + first;
            self.unquantise(sums, &affine, rows, first, &mut y[at..at + sums.len()]);
        });
    }

    /// The output projection: like [`linear_rows`](Self::linear_rows), but each row's logits go to `sink` in pieces of
    /// at most [`CHUNK`], in order, and are never all held at once.
    pub fn project(
        self,
        x: &mut Quantised,
        w: Int8Matrix<'_>,
        rows: Rows<'_>,
        affine: Affine<'_>,
        sink: &mut dyn LogitSink,
    ) {
        let mut logits = [0.0; CHUNK];
        self.chunks(x, w, rows, affine, |row, first, sums| {
            let logits = &mut logits[..sums.len()];
            self.unquantise(sums, &affine, rows, first, logits);
            let ids = match rows {
                Rows::All => ChunkIds::From(first as u32),
                Rows::Ids(ids) => ChunkIds::List(&ids[first..first + sums.len()]),
            };
            sink.accept(self, row, ids, logits);
        });
    }

    /// [`project`](Self::project) for a float32 model: `w` is `[n, k]`, `x` is `[m, k]`.
    pub fn project_f32(
        self,
        x: &[f32],
        w: &[f32],
        k: usize,
        rows: Rows<'_>,
        bias: Option<&[f32]>,
        sink: &mut dyn LogitSink,
    ) {
        assert!(
            k > 0 && x.len().is_multiple_of(k) && w.len().is_multiple_of(k),
            "x of shape [m, k], w of [n, k]"
        );
        let n = rows.count(w.len() / k);
        let mut logits = [0.0; CHUNK];
        for first in (0..n).step_by(CHUNK) {
            let width = CHUNK.min(n - first);
            for (row, x) in x.chunks_exact(k).enumerate() {
                for (j, logit) in logits[..width].iter_mut().enumerate() {
                    let id = rows.at(first + j);
                    *logit = self.dot(x, &w[id * k..(id + 1) * k]) + bias.map_or(0.0, |b| b[id]);
                }
                let ids = match rows {
                    Rows::All => ChunkIds::From(first as u32),
                    Rows::Ids(ids) => ChunkIds::List(&ids[first..first + width]),
                };
                sink.accept(self, row, ids, &logits[..width]);
            }
        }
    }

    /// Runs the integer kernel block by block; `done(row, first output, sums)` gets each row's sums of each chunk.
    #[inline(always)]
    fn chunks(
        self,
        x: &mut Quantised,
        w: Int8Matrix<'_>,
        rows: Rows<'_>,
        affine: Affine<'_>,
        mut done: impl FnMut(usize, usize, &[i32]),
    ) {
        assert_eq!(x.k, w.k, "activations of the width of the weights");
        assert!(affine.bias.is_none_or(|b| b.len() == w.n), "a bias for each row");
        assert_eq!(x.isa, Some(self.isa()), "activations quantised by the same kernels");
        let n = rows.count(w.n);
        let mut sums = std::mem::take(&mut x.sums);
        sums.resize(BLOCK.min(x.m) * CHUNK, 0);
        for start in (0..x.m).step_by(BLOCK) {
            let end = x.m.min(start + BLOCK);
            for first in (0..n).step_by(CHUNK) {
                let width = CHUNK.min(n - first);
                self.sums(x, start..end, w, rows, first..first + width, &mut sums);
                for (i, sums) in sums.chunks_exact(CHUNK).take(end - start).enumerate() {
                    done(start + i, first, &sums[..width]);
                }
            }
        }
        x.sums = sums;
    }

    /// Exact sums of a block of rows with a chunk of outputs, each row's in [`CHUNK`] places of `out`.
    #[allow(unsafe_code)]
    fn sums(
        self,
        x: &Quantised,
        block: Range<usize>,
        w: Int8Matrix<'_>,
        rows: Rows<'_>,
        outputs: Range<usize>,
        out: &mut [i32],
    ) {
        // SAFETY: `Kernels` exist only for an instruction set that this CPU was found to have.
        match self.isa() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { super::avx2::sums(x, block, w, rows, outputs, out) },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => unsafe { super::avx512::sums(x, block, w, rows, outputs, out) },
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { super::neon::sums(x, block, w, rows, outputs, out) },
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDotprod => unsafe { super::neon::sums_dotprod(x, block, w, rows, outputs, out) },
            #[cfg(target_arch = "aarch64")]
            Isa::NeonI8mm => unsafe { super::neon_i8mm::sums(x, block, w, rows, outputs, out) },
            _ => portable::sums(x, block, w, rows, outputs, out),
        }
    }
}
