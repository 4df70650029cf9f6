//! fxtranslate's network put together from its own parts, so that one part after the other can be exchanged for ours:
//! at one end it is fxtranslate to the token, at the other it is this crate, and each step between them is a cause.
//!
//! fxtranslate moves activations up by 127 to make them unsigned and multiplies with `vpmaddubsw`, which adds two products
//! in 16 bits **with saturation**: `a0 * w0 + a1 * w1` stops at 32,767 where the exact sum may reach 64,516. The move is
//! taken off in float (`prepare_bias`), which rounds. Its exponentials, sums and sines are those of the C library and of
//! plain loops, ours have an order and polynomials of their own.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test code: it ends at the first surprise"
)]

use std::collections::HashMap;

use cuba_nmt::kernel::{Kernels, Keys};
use fxtranslate::model::Model;
use fxtranslate::ops;
use fxtranslate::weights::Weights;

/// What of the network is whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// All is fxtranslate's, its kernel too.
    Its,
    /// Its kernel written down: activations moved up, pairs of products added in 16 bits with saturation.
    Saturating,
    /// As that, but without saturation: what its kernel does for widths that are no multiple of a register.
    Moved,
    /// Integer sums are exact, as ours; the float steps are its.
    ExactSums,
    /// Float steps are ours too, and the unknown token is not chosen.
    Ours,
}

/// An int8 matrix `[n, k]` and what belongs to it.
struct Matrix {
    rows: Vec<i8>,
    n: usize,
    k: usize,
    multiplier: f32,
    unquant: f32,
    bias: Vec<f32>,
}

/// The network.
pub struct Peer {
    weights: Weights,
    matrices: HashMap<String, Matrix>,
    output: &'static str,
    kernels: Kernels,
}

impl Peer {
    /// From an int8 model file with a recurrent decoder.
    pub fn new(model: &[u8]) -> Self {
        // Its own reader gives up the raw weights, so they are taken first.
        let raw = Model::from_bytes(model).unwrap();
        let output = if raw.get("Wemb").is_some() { "Wemb" } else { "decoder_Wemb" };
        let float = |name: &str| raw.get(name).and_then(|item| item.to_f32().ok());
        let weights = Weights::from_bytes(model).unwrap();
        let mut matrices = HashMap::new();
        for item in &raw.items {
            let name = item.name.as_str();
            let multiplier = if name == output {
                Some(weights.output_qa())
            } else {
                float(&format!("{name}_QuantMultA")).map(|value| value[0])
            };
            let (Some(multiplier), Ok(rows)) = (multiplier, item.int8_transposed()) else { continue };
            let (a, b) = (item.shape[0] as usize, item.shape[1] as usize);
            let (n, k) = if name == output { (a, b) } else { (b, a) };
            let bias = match name.rsplit_once("_W") {
                Some((layer, part)) if name != output => float(&format!("{layer}_b{part}")),
                _ => float("decoder_ff_logit_out_b"),
            };
            let unquant = 1.0 / (multiplier * item.quant_mult().unwrap());
            let (rows, bias) = (rows[..n * k].to_vec(), bias.unwrap_or_else(|| vec![0.0; n]));
            matrices.insert(name.to_owned(), Matrix { rows, n, k, multiplier, unquant, bias });
        }
        Self { weights, matrices, output, kernels: Kernels::detect() }
    }

    fn dim(&self) -> usize {
        self.weights.config().dim_emb
    }

    /// `x . W + b` of one layer.
    fn affine(&self, parts: Parts, name: &str, x: &[f32]) -> Vec<f32> {
        let matrix = &self.matrices[name];
        let m = x.len() / matrix.k;
        if parts == Parts::Its {
            if name == self.output {
                return self.weights.full_logits(x);
            }
            // The candidate of the recurrent unit has no bias.
            let bias = name.replacen("_W", "_b", 1);
            let bias = (!name.ends_with("_rnn_W")).then_some(bias.as_str());
            return self.weights.affine(name, x, m, bias);
        }
        let moved = ops::prepare_a(x, matrix.multiplier);
        let mut out = Vec::with_capacity(m * matrix.n);
        for a in moved.chunks_exact(matrix.k) {
            for (w, bias) in matrix.rows.chunks_exact(matrix.k).zip(&matrix.bias) {
                out.push(output(parts, a, w, matrix.unquant, *bias));
            }
        }
        out
    }

    fn normalise(&self, parts: Parts, mut branch: Vec<f32>, residual: &[f32], name: &str) -> Vec<f32> {
        let (gamma, beta) = self.weights.layer_norm(name).unwrap();
        if parts == Parts::Ours {
            self.kernels.add_layer_norm(&mut branch, residual, gamma, beta, 1e-6);
            return branch;
        }
        let sum: Vec<f32> = branch.iter().zip(residual).map(|(a, b)| a + b).collect();
        ops::layer_normalization(&sum, gamma, beta, sum.len() / self.dim(), self.dim(), 1e-6)
    }

    fn embed(&self, parts: Parts, [source, target]: [Option<u32>; 2], position: usize) -> Vec<f32> {
        let dim = self.dim();
        let mut row = vec![0.0; dim];
        match (source, target) {
            (Some(id), _) => self.weights.src_embed_row_into(id, &mut row),
            (_, Some(id)) => self.weights.trg_embed_row_into(id, &mut row),
            _ => {}
        }
        let half = dim / 2;
        for (c, value) in row.iter_mut().enumerate() {
            let place = if parts == Parts::Ours {
                let rate = libm::exp(-((c % half) as f64) * libm::log(10_000.0) / (half as f64 - 1.0));
                let angle = position as f64 * rate;
                (if c < half { libm::sin(angle) } else { libm::cos(angle) }) as f32
            } else {
                let rate = 1e-4f32.powf((c % half) as f32 / (half as f32 - 1.0));
                (position as f32 * rate + (c / half) as f32 * std::f32::consts::FRAC_PI_2).sin()
            };
            *value = (dim as f32).sqrt() * *value + place;
        }
        row
    }

    fn attend(&self, parts: Parts, name: &str, x: &[f32], keys: &[f32], values: &[f32]) -> Vec<f32> {
        let (dim, heads) = (self.dim(), self.weights.config().heads);
        let scale = 1.0 / ((dim / heads) as f32).sqrt();
        let queries = self.affine(parts, &format!("{name}_Wq"), x);
        let mut joined = vec![0.0; x.len()];
        let mut turned = Keys::new(dim);
        turned.fill(keys, dim);
        let mut weights = vec![0.0; heads * turned.capacity()];
        for (query, out) in queries.chunks_exact(dim).zip(joined.chunks_exact_mut(dim)) {
            if parts == Parts::Ours {
                self.kernels.attend(query, &turned, values, heads, scale, &mut weights, out);
            } else {
                attend_plainly(query, keys, values, heads, scale, out);
            }
        }
        self.affine(parts, &format!("{name}_Wo"), &joined)
    }

    fn feed_forward(&self, parts: Parts, name: &str, x: &[f32]) -> Vec<f32> {
        let hidden = ops::relu(&self.affine(parts, &format!("{name}_W1"), x));
        let out = self.affine(parts, &format!("{name}_W2"), &hidden);
        self.normalise(parts, out, x, &format!("{name}_ffn"))
    }

    fn recur(&self, parts: Parts, name: &str, x: &[f32], cell: &mut Vec<f32>) -> Vec<f32> {
        let candidate = self.affine(parts, &format!("{name}_W"), x);
        let gate = self.affine(parts, &format!("{name}_Wf"), x);
        let mut out = vec![0.0; x.len()];
        if parts == Parts::Ours {
            self.kernels.ssru_step(cell, &candidate, &gate, &mut out);
        } else {
            *cell = ops::highway(cell, &candidate, &gate);
            out = ops::relu(cell);
        }
        self.normalise(parts, out, x, &format!("{name}_ffn"))
    }

    /// Keys and values of each decoder layer.
    fn encode(&self, parts: Parts, source: &[u32]) -> Vec<[Vec<f32>; 2]> {
        let config = self.weights.config();
        let rows = source.iter().enumerate().map(|(at, &id)| self.embed(parts, [Some(id), None], at));
        let mut x: Vec<f32> = rows.flatten().collect();
        for layer in 1..=config.enc_depth {
            let name = format!("encoder_l{layer}_self");
            let [keys, values] = ["k", "v"].map(|part| self.affine(parts, &format!("{name}_W{part}"), &x));
            let joined = self.attend(parts, &name, &x, &keys, &values);
            x = self.normalise(parts, joined, &x, &format!("{name}_Wo"));
            x = self.feed_forward(parts, &format!("encoder_l{layer}_ffn"), &x);
        }
        let pair = |layer| {
            ["k", "v"].map(|part| self.affine(parts, &format!("decoder_l{layer}_context_W{part}"), &x))
        };
        (1..=config.dec_depth).map(pair).collect()
    }

    /// The best token at each step, until the end of sentence.
    pub fn greedy(&self, parts: Parts, source: &[u32]) -> Vec<u32> {
        let context = self.encode(parts, source);
        let mut cells = vec![vec![0.0; self.dim()]; context.len()];
        let mut tokens = Vec::new();
        for step in 0..(2 * source.len() + 4).min(256) {
            let mut x = self.embed(parts, [None, tokens.last().copied()], step);
            for (layer, (cell, [keys, values])) in (1..).zip(cells.iter_mut().zip(&context)) {
                let name = format!("decoder_l{layer}");
                x = self.recur(parts, &format!("{name}_rnn"), &x, cell);
                let joined = self.attend(parts, &format!("{name}_context"), &x, keys, values);
                x = self.normalise(parts, joined, &x, &format!("{name}_context_Wo"));
                x = self.feed_forward(parts, &format!("{name}_ffn"), &x);
            }
            let logits = self.affine(parts, self.output, &x);
            let allowed = (0..logits.len()).filter(|&id| id != 1 || parts != Parts::Ours);
            let best = allowed.reduce(|best, id| if logits[id] > logits[best] { id } else { best }).unwrap();
            if best == 0 {
                break;
            }
            tokens.push(best as u32);
        }
        tokens
    }
}

/// One output of a layer, `a` moved up by 127.
fn output(parts: Parts, a: &[u8], w: &[i8], unquant: f32, bias: f32) -> f32 {
    let total: i32 = w.iter().map(|&w| i32::from(w)).sum();
    let sum: i32 = if parts == Parts::Saturating {
        let (a, w) = (a.as_chunks::<2>().0, w.as_chunks::<2>().0);
        let pair = |(a, w): (&[u8; 2], &[i8; 2])| {
            let sum = i32::from(a[0]) * i32::from(w[0]) + i32::from(a[1]) * i32::from(w[1]);
            sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
        };
        a.iter().zip(w).map(pair).sum()
    } else {
        a.iter().zip(w).map(|(&a, &w)| i32::from(i16::from(a) * i16::from(w))).sum()
    };
    if matches!(parts, Parts::ExactSums | Parts::Ours) {
        return (sum - 127 * total) as f32 * unquant + bias;
    }
    sum as f32 * unquant + (bias - 127.0 * unquant * total as f32)
}

/// Attention of one query as fxtranslate adds it up.
fn attend_plainly(query: &[f32], keys: &[f32], values: &[f32], heads: usize, scale: f32, out: &mut [f32]) {
    let dim = query.len();
    let width = dim / heads;
    for head in (0..dim).step_by(width) {
        let part = head..head + width;
        let score = |key: &[f32]| -> f32 {
            query[part.clone()].iter().zip(&key[part.clone()]).map(|(a, b)| a * b).sum::<f32>() * scale
        };
        let mut scores: Vec<f32> = keys.chunks_exact(dim).map(score).collect();
        let len = scores.len();
        ops::softmax_in_place(&mut scores, 1, len);
        for (weight, value) in scores.iter().zip(values.chunks_exact(dim)) {
            for (out, value) in out[part.clone()].iter_mut().zip(&value[part.clone()]) {
                *out += weight * value;
            }
        }
    }
}
