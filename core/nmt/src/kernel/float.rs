//! Float kernels: sums over eight virtual lanes, added as one fixed tree.
//!
//! The bodies are plain Rust without any choice of instructions; [`float_kernel`] compiles each for the baseline of the
//! target and for AVX2. Elementwise steps need no order; sums have the one written in [`sum_lanes`].
#![allow(clippy::indexing_slicing, reason = "shapes are asserted at the entry of each kernel")]
#![allow(
    clippy::inline_always,
    reason = "the bodies must take on the instruction set of the function they stand in"
)]

use super::float_kernel;
use super::math::{exp, ln, sigmoid};

/// Width of the virtual lanes: one AVX2 register, two NEON registers.
pub const LANES: usize = 8;

type Lanes = [f32; LANES];

/// The order in which the lanes of every sum are added.
#[inline(always)]
fn sum_lanes(v: Lanes) -> f32 {
    ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
}

#[inline(always)]
fn add_product(acc: &mut Lanes, a: &Lanes, b: &Lanes) {
    for i in 0..LANES {
        acc[i] += a[i] * b[i];
    }
}

#[inline(always)]
fn dot_body(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "dot of vectors of one length");
    let (ac, at) = a.as_chunks::<LANES>();
    let (bc, bt) = b.as_chunks::<LANES>();
    let mut acc = [0.0; LANES];
    for (x, y) in ac.iter().zip(bc) {
        add_product(&mut acc, x, y);
    }
    for (lane, (x, y)) in acc.iter_mut().zip(at.iter().zip(bt)) {
        *lane += x * y;
    }
    sum_lanes(acc)
}

#[inline(always)]
fn sum_body(x: &[f32]) -> f32 {
    let (chunks, tail) = x.as_chunks::<LANES>();
    let mut acc = [0.0; LANES];
    for c in chunks {
        for i in 0..LANES {
            acc[i] += c[i];
        }
    }
    for (lane, v) in acc.iter_mut().zip(tail) {
        *lane += v;
    }
    sum_lanes(acc)
}

#[inline(always)]
fn max_body(x: &[f32]) -> f32 {
    let (chunks, tail) = x.as_chunks::<LANES>();
    let mut acc = [f32::NEG_INFINITY; LANES];
    for c in chunks {
        for i in 0..LANES {
            acc[i] = if c[i] > acc[i] { c[i] } else { acc[i] };
        }
    }
    for (lane, &v) in acc.iter_mut().zip(tail) {
        *lane = if v > *lane { v } else { *lane };
    }
    acc.into_iter().fold(f32::NEG_INFINITY, |m, v| if v > m { v } else { m })
}

/// `x[i] = exp(x[i] - shift)`, returns the sum.
#[inline(always)]
fn exp_shifted_body(x: &mut [f32], shift: f32) -> f32 {
    for v in x.iter_mut() {
        *v = exp(*v - shift);
    }
    sum_body(x)
}

/// The sum of `exp(x[i] - shift)`, leaving `x` as it is.
#[inline(always)]
fn sum_exp_body(x: &[f32], shift: f32) -> f32 {
    let (chunks, tail) = x.as_chunks::<LANES>();
    let mut acc = [0.0; LANES];
    for c in chunks {
        for i in 0..LANES {
            acc[i] += exp(c[i] - shift);
        }
    }
    for (lane, v) in acc.iter_mut().zip(tail) {
        *lane += exp(v - shift);
    }
    sum_lanes(acc)
}

#[inline(always)]
fn softmax_body(x: &mut [f32]) {
    let max = max_body(x);
    let inverse = 1.0 / exp_shifted_body(x, max);
    for v in x.iter_mut() {
        *v *= inverse;
    }
}

#[inline(always)]
fn log_softmax_body(x: &mut [f32]) {
    let max = max_body(x);
    let shift = max + ln(sum_exp_body(x, max));
    for v in x.iter_mut() {
        *v -= shift;
    }
}

#[inline(always)]
fn normalise_row(x: &mut [f32], gamma: &[f32], beta: Option<&[f32]>, epsilon: f32) {
    let n = x.len() as f32;
    let mean = sum_body(x) / n;
    let (chunks, tail) = x.as_chunks::<LANES>();
    let mut acc = [0.0; LANES];
    for c in chunks {
        for i in 0..LANES {
            let d = c[i] - mean;
            acc[i] += d * d;
        }
    }
    for (lane, v) in acc.iter_mut().zip(tail) {
        let d = v - mean;
        *lane += d * d;
    }
    let inverse = 1.0 / (sum_lanes(acc) / n + epsilon).sqrt();
    match beta {
        Some(beta) => {
            for ((v, g), b) in x.iter_mut().zip(gamma).zip(beta) {
                *v = (*v - mean) * inverse * g + b;
            }
        }
        None => {
            for (v, g) in x.iter_mut().zip(gamma) {
                *v = (*v - mean) * inverse * g;
            }
        }
    }
}

#[inline(always)]
fn layer_norm_body(x: &mut [f32], gamma: &[f32], beta: Option<&[f32]>, epsilon: f32) {
    let width = gamma.len();
    assert!(width > 0 && x.len().is_multiple_of(width), "rows of the width of gamma");
    assert!(beta.is_none_or(|b| b.len() == width), "beta of the width of gamma");
    for row in x.chunks_exact_mut(width) {
        normalise_row(row, gamma, beta, epsilon);
    }
}

#[inline(always)]
fn add_layer_norm_body(x: &mut [f32], residual: &[f32], gamma: &[f32], beta: Option<&[f32]>, epsilon: f32) {
    add_body(x, residual);
    layer_norm_body(x, gamma, beta, epsilon);
}

#[inline(always)]
fn add_body(x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len(), "sum of vectors of one length");
    for (a, b) in x.iter_mut().zip(y) {
        *a += b;
    }
}

#[inline(always)]
fn scale_body(x: &mut [f32], factor: f32) {
    for v in x {
        *v *= factor;
    }
}

#[inline(always)]
fn relu_body(x: &mut [f32]) {
    for v in x {
        *v = if *v > 0.0 { *v } else { 0.0 };
    }
}

#[inline(always)]
fn sigmoid_body(x: &mut [f32]) {
    for v in x {
        *v = sigmoid(*v);
    }
}

#[inline(always)]
fn swish_body(x: &mut [f32]) {
    for v in x {
        *v *= sigmoid(*v);
    }
}

#[inline(always)]
fn highway_body(a: &mut [f32], b: &[f32], gate: &[f32]) {
    assert!(a.len() == b.len() && a.len() == gate.len(), "highway of vectors of one length");
    for ((a, b), t) in a.iter_mut().zip(b).zip(gate) {
        let g = sigmoid(*t);
        *a = g * *a + (1.0 - g) * *b;
    }
}

#[inline(always)]
fn ssru_step_body(cell: &mut [f32], candidate: &[f32], gate: &[f32], out: &mut [f32]) {
    highway_body(cell, candidate, gate);
    assert_eq!(cell.len(), out.len(), "output of the length of the cell");
    for (o, c) in out.iter_mut().zip(&*cell) {
        *o = if *c > 0.0 { *c } else { 0.0 };
    }
}

#[inline(always)]
fn dequantise_row_body(row: &[i8], factor: f32, out: &mut [f32]) {
    assert_eq!(row.len(), out.len(), "output of the length of the row");
    for (o, &w) in out.iter_mut().zip(row) {
        *o = f32::from(w) * factor;
    }
}

/// Columns of the tile of [`Kernels::matmul_nn`](super::Kernels::matmul_nn).
const NN_COLUMNS: usize = 2 * LANES;

#[inline(always)]
fn matmul_nn_body(x: &[f32], w: &[f32], k: usize, n: usize, bias: Option<&[f32]>, y: &mut [f32]) {
    assert!(k > 0 && n > 0 && x.len().is_multiple_of(k), "x of shape [m, k]");
    assert_eq!(w.len(), k * n, "w of shape [k, n]");
    assert_eq!(y.len(), x.len() / k * n, "y of shape [m, n]");
    assert!(bias.is_none_or(|b| b.len() == n), "bias of length n");
    for (x4, y4) in x.chunks(4 * k).zip(y.chunks_mut(4 * n)) {
        let rows = x4.len() / k;
        let mut column = 0;
        while column < n {
            let width = NN_COLUMNS.min(n - column);
            let mut acc = [[0.0f32; NN_COLUMNS]; 4];
            if rows == 4 && width == NN_COLUMNS {
                for i in 0..k {
                    let wi = &w[i * n + column..i * n + column + NN_COLUMNS];
                    for (r, acc) in acc.iter_mut().enumerate() {
                        let a = x4[r * k + i];
                        for (s, b) in acc.iter_mut().zip(wi) {
                            *s += a * b;
                        }
                    }
                }
            } else {
                for (r, acc) in acc.iter_mut().enumerate().take(rows) {
                    for i in 0..k {
                        let a = x4[r * k + i];
                        for (s, b) in acc.iter_mut().zip(&w[i * n + column..i * n + column + width]) {
                            *s += a * b;
                        }
                    }
                }
            }
            for (r, acc) in acc.iter().enumerate().take(rows) {
                let out = &mut y4[r * n + column..r * n + column + width];
                for (c, (o, s)) in out.iter_mut().zip(acc).enumerate() {
                    *o = s + bias.map_or(0.0, |b| b[column + c]);
                }
            }
            column += width;
        }
    }
}

#[inline(always)]
fn matmul_nt_body(x: &[f32], w: &[f32], k: usize, n: usize, bias: Option<&[f32]>, y: &mut [f32]) {
    assert!(k > 0 && n > 0 && x.len().is_multiple_of(k), "x of shape [m, k]");
    assert_eq!(w.len(), n * k, "w of shape [n, k]");
    assert_eq!(y.len(), x.len() / k * n, "y of shape [m, n]");
    assert!(bias.is_none_or(|b| b.len() == n), "bias of length n");
    for (j, row) in w.chunks_exact(k).enumerate() {
        let b = bias.map_or(0.0, |b| b[j]);
        for (xi, yi) in x.chunks_exact(k).zip(y.chunks_exact_mut(n)) {
            yi[j] = dot_body(xi, row) + b;
        }
    }
}

/// Keys of one attention, turned so that eight keys stand side by side: `[dim][capacity]`.
///
/// The products of one query with many keys then need no sum across lanes. Keys can be appended one by one (decoder
/// self-attention) or all at once (encoder, cross-attention).
#[derive(Debug, Clone, Default)]
pub struct Keys {
    dim: usize,
    len: usize,
    capacity: usize,
    data: Vec<f32>,
}

impl Keys {
    /// No keys yet, each of `dim` values (all heads side by side).
    pub fn new(dim: usize) -> Self {
        Self { dim, len: 0, capacity: 0, data: Vec::new() }
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of keys there is room for: a multiple of [`LANES`].
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.data.capacity() * size_of::<f32>()
    }

    /// Forgets all keys, sets their width, and keeps the memory.
    pub fn clear(&mut self, dim: usize) {
        self.dim = dim;
        self.len = 0;
        self.capacity = 0;
        self.data.clear();
    }

    /// Replaces the keys by the rows of `rows`, shape `[len, dim]`.
    pub fn fill(&mut self, rows: &[f32], dim: usize) {
        assert!(dim > 0 && rows.len().is_multiple_of(dim), "rows of shape [len, dim]");
        self.clear(dim);
        self.grow(rows.len() / dim);
        self.len = rows.len() / dim;
        let capacity = self.capacity;
        for (j, row) in rows.chunks_exact(dim).enumerate() {
            for (c, &v) in row.iter().enumerate() {
                self.data[c * capacity + j] = v;
            }
        }
    }

    /// Appends one key of `dim` values.
    pub fn push(&mut self, key: &[f32]) {
        assert_eq!(key.len(), self.dim, "a key of the width of the others");
        if self.len == self.capacity {
            self.grow((self.len * 2).max(LANES));
        }
        for (c, &v) in key.iter().enumerate() {
            self.data[c * self.capacity + self.len] = v;
        }
        self.len += 1;
    }

    fn grow(&mut self, keys: usize) {
        let capacity = keys.next_multiple_of(LANES);
        let mut data = vec![0.0; self.dim * capacity];
        if self.len > 0 {
            for (to, from) in data.chunks_exact_mut(capacity).zip(self.data.chunks_exact(self.capacity)) {
                to[..self.len].copy_from_slice(&from[..self.len]);
            }
        }
        self.capacity = capacity;
        self.data = data;
    }
}

/// Scores of `B * LANES` keys from `first` on, for one head: each a sum over the head's values in their order.
#[inline(always)]
fn score_block<const B: usize>(
    q: &[f32],
    columns: &[f32],
    capacity: usize,
    first: usize,
    scale: f32,
    out: &mut [f32],
) {
    let mut acc = [[0.0f32; LANES]; B];
    for (c, &qc) in q.iter().enumerate() {
        let at = c * capacity + first;
        let (keys, _) = columns[at..at + B * LANES].as_chunks::<LANES>();
        for b in 0..B {
            for i in 0..LANES {
                acc[b][i] += qc * keys[b][i];
            }
        }
    }
    let (chunks, _) = out[first..first + B * LANES].as_chunks_mut::<LANES>();
    for b in 0..B {
        for i in 0..LANES {
            chunks[b][i] = acc[b][i] * scale;
        }
    }
}

/// `out[c] = sum over j of p[j] * v[j][offset + c]`, for `B * LANES` columns, j in order.
#[inline(always)]
fn mix_block<const B: usize>(p: &[f32], v: &[f32], dim: usize, offset: usize, out: &mut [f32]) {
    let mut acc = [[0.0f32; LANES]; B];
    for (&pj, row) in p.iter().zip(v.chunks_exact(dim)) {
        let (values, _) = row[offset..offset + B * LANES].as_chunks::<LANES>();
        for b in 0..B {
            for i in 0..LANES {
                acc[b][i] += pj * values[b][i];
            }
        }
    }
    let (chunks, _) = out[offset..offset + B * LANES].as_chunks_mut::<LANES>();
    chunks[..B].copy_from_slice(&acc);
}

#[inline(always)]
fn attend_body(
    q: &[f32],
    keys: &Keys,
    v: &[f32],
    heads: usize,
    scale: f32,
    weights: &mut [f32],
    out: &mut [f32],
) {
    let (dim, len, capacity) = (keys.dim, keys.len, keys.capacity);
    assert!(heads > 0 && dim.is_multiple_of(heads), "heads that divide the width");
    assert!(len > 0, "attention needs a key");
    assert!(q.len() == dim && out.len() == dim, "one query and one output of the width of the keys");
    assert!(v.len() >= len * dim, "a value for each key");
    assert!(weights.len() >= heads * capacity, "room for the weights of each head");
    let width = dim / heads;
    let v = &v[..len * dim];
    let padded = len.next_multiple_of(LANES);
    for head in 0..heads {
        let from = head * width;
        let columns = &keys.data[from * capacity..(from + width) * capacity];
        let q = &q[from..from + width];
        let p = &mut weights[head * capacity..(head + 1) * capacity];
        let mut first = 0;
        while first + 4 * LANES <= padded {
            score_block::<4>(q, columns, capacity, first, scale, p);
            first += 4 * LANES;
        }
        match (padded - first) / LANES {
            1 => score_block::<1>(q, columns, capacity, first, scale, p),
            2 => score_block::<2>(q, columns, capacity, first, scale, p),
            3 => score_block::<3>(q, columns, capacity, first, scale, p),
            _ => {}
        }
        // Places without a key weigh nothing: exp of minus infinity is 0.
        p[len..].fill(f32::NEG_INFINITY);
        softmax_body(&mut p[..padded]);
        p[padded..].fill(0.0);
        let p = &p[..len];
        let mut c = from;
        while c + 4 * LANES <= from + width {
            mix_block::<4>(p, v, dim, c, out);
            c += 4 * LANES;
        }
        while c + 2 * LANES <= from + width {
            mix_block::<2>(p, v, dim, c, out);
            c += 2 * LANES;
        }
        while c + LANES <= from + width {
            mix_block::<1>(p, v, dim, c, out);
            c += LANES;
        }
        for c in c..from + width {
            out[c] = p.iter().zip(v.chunks_exact(dim)).fold(0.0, |s, (pj, row)| s + pj * row[c]);
        }
    }
}

float_kernel! {
    /// The dot product of two vectors of one length.
    dot(a: &[f32], b: &[f32]) -> f32 = dot_body
}
float_kernel! {
    /// The largest value; minus infinity for none. Not-a-number is passed over.
    max(x: &[f32]) -> f32 = max_body
}
float_kernel! {
    /// The sum of `exp(x[i] - shift)`.
    sum_exp(x: &[f32], shift: f32) -> f32 = sum_exp_body
}
float_kernel! {
    /// Softmax of one row, in place.
    softmax(x: &mut [f32]) = softmax_body
}
float_kernel! {
    /// Log-softmax of one row, in place.
    log_softmax(x: &mut [f32]) = log_softmax_body
}
float_kernel! {
    /// Layer normalisation of each row of `gamma.len()` values, in place:
    /// `gamma * (x - mean) / sqrt(variance + epsilon) + beta`. Marian's transformer uses an epsilon of 1e-6.
    layer_norm(x: &mut [f32], gamma: &[f32], beta: Option<&[f32]>, epsilon: f32) = layer_norm_body
}
float_kernel! {
    /// [`layer_norm`](Self::layer_norm) of `x + residual`, in place.
    add_layer_norm(x: &mut [f32], residual: &[f32], gamma: &[f32], beta: Option<&[f32]>, epsilon: f32)
        = add_layer_norm_body
}
float_kernel! {
    /// `x += y`.
    add(x: &mut [f32], y: &[f32]) = add_body
}
float_kernel! {
    /// `x *= factor`.
    scale(x: &mut [f32], factor: f32) = scale_body
}
float_kernel! {
    /// `x = max(x, 0)`.
    relu(x: &mut [f32]) = relu_body
}
float_kernel! {
    /// `x = 1 / (1 + exp(-x))`.
    sigmoid(x: &mut [f32]) = sigmoid_body
}
float_kernel! {
    /// `x = x * sigmoid(x)`.
    swish(x: &mut [f32]) = swish_body
}
float_kernel! {
    /// Marian's highway: `a = g * a + (1 - g) * b` with `g = sigmoid(gate)`.
    highway(a: &mut [f32], b: &[f32], gate: &[f32]) = highway_body
}
float_kernel! {
    /// One step of the SSRU: `cell = g * cell + (1 - g) * candidate` with `g = sigmoid(gate)`, `out = relu(cell)`.
    ssru_step(cell: &mut [f32], candidate: &[f32], gate: &[f32], out: &mut [f32]) = ssru_step_body
}
float_kernel! {
    /// `out = row * factor`: a row of an int8 matrix as floats (an embedding).
    dequantise_row(row: &[i8], factor: f32, out: &mut [f32]) = dequantise_row_body
}
float_kernel! {
    /// `y[m, n] = x[m, k] . w[k, n] + bias[n]`: the layers of a float32 model, whose weights stand as `[k, n]`.
    /// Each output is a sum over k in order.
    matmul_nn(x: &[f32], w: &[f32], k: usize, n: usize, bias: Option<&[f32]>, y: &mut [f32]) = matmul_nn_body
}
float_kernel! {
    /// `y[m, n] = x[m, k] . w[n, k]^T + bias[n]`: the output projection of a float32 model over its embedding.
    matmul_nt(x: &[f32], w: &[f32], k: usize, n: usize, bias: Option<&[f32]>, y: &mut [f32]) = matmul_nt_body
}
float_kernel! {
    /// Attention of one query over all `keys`, each head on its own: `out = softmax(q . K^T * scale) . V`.
    ///
    /// `q` and `out` have the width of the keys, `v` is `[len, dim]` row by row (longer is fine). `weights` needs room
    /// for `heads * keys.capacity()`: on return head h's weights stand from `h * keys.capacity()` on, one for each key.
    attend(q: &[f32], keys: &Keys, v: &[f32], heads: usize, scale: f32, weights: &mut [f32], out: &mut [f32])
        = attend_body
}
