//! The network: encoder, decoder step, projection. Knows tokens and numbers, no text.
//!
//! Rows of several sentences stand under each other without padding ("ragged"): linear layers and normalisation work
//! on single rows, attention on the rows of one sentence. So no row can feel what else is in the batch, to the bit.

mod decoder;
mod encoder;
mod positions;
mod weights;

pub(crate) use decoder::Row;
use encoder::Encoded;

use positions::Positions;
use weights::{Embedding, Layers, Linear};

use crate::error::{Error, Fault};
use crate::format::Container;
use crate::format::config::{Activation, Config};
use crate::kernel::{Kernels, LogitSink, Quantised, Rows};
use crate::options::Cancel;

/// Positions a model may be asked for: far more than one sentence has, and a bound on what a request can cost.
pub(crate) const MAX_POSITIONS: usize = 2048;

/// Rows that go through a wide layer at once: bounds the memory of feed-forward blocks, and the time between two looks
/// at the cancel flag (about 50 million multiply-adds: 30 ms on a Cortex-A53).
const BLOCK: usize = 144;

/// A loaded network.
#[derive(Debug)]
pub(crate) struct Transformer {
    config: Config,
    layers: Layers,
    positions: Positions,
}

/// Buffers of one thread, kept between steps.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    quantised: Quantised,
    x: Vec<f32>,
    y: Vec<f32>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    joined: Vec<f32>,
    normed: Vec<f32>,
    hidden: [Vec<f32>; 2],
    weights: Vec<f32>,
}

impl Transformer {
    pub(crate) fn load(container: &Container) -> Result<Self, Fault> {
        let config = Config::parse(&container.config_text()?)?;
        let layers = Layers::load(container, &config)?;
        let positions = Positions::new(config.dim, MAX_POSITIONS);
        Ok(Self { config, layers, positions })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Rows of the source and of the target embedding.
    pub(crate) fn vocab_sizes(&self) -> (usize, usize) {
        self.layers.vocab
    }

    /// Logits of the tops of the last decoder step into `sink`, for all rows or for a range of them.
    pub(crate) fn project(
        &self,
        kernels: Kernels,
        ws: &mut Workspace,
        rows: std::ops::Range<usize>,
        ids: Rows<'_>,
        sink: &mut dyn LogitSink,
    ) {
        let dim = self.config.dim;
        let x = ws.x.get(rows.start * dim..rows.end * dim).expect("rows of the last step");
        self.layers.output.project(kernels, x, ids, &mut ws.quantised, sink);
    }

    /// `sqrt(dim) * embedding + position` of one token; no token (the start of a translation) has a zero embedding.
    fn embed(
        &self,
        kernels: Kernels,
        table: &Embedding,
        token: Option<u32>,
        position: usize,
        out: &mut [f32],
    ) {
        match token {
            Some(id) => {
                table.row(kernels, id, out);
                kernels.scale(out, (self.config.dim as f32).sqrt());
            }
            None => out.fill(0.0),
        }
        kernels.add(out, self.positions.row(position));
    }

    /// `1 / sqrt(width of a head)`.
    fn attention_scale(&self) -> f32 {
        1.0 / (self.config.head_dim() as f32).sqrt()
    }

    /// One feed-forward block over the rows of `ws.x`, in place, block by block.
    fn feed_forward(
        &self,
        kernels: Kernels,
        ffn: &weights::FeedForward,
        ws: &mut Workspace,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let dim = self.config.dim;
        let Workspace { quantised, x, y, normed, hidden: [a, b], .. } = ws;
        for x in x.chunks_mut(BLOCK * dim) {
            cancel.check()?;
            let rows = x.len() / dim;
            let last = ffn.layers.len() - 1;
            let input = ffn.wrap.enter(kernels, x, normed);
            for (i, layer) in ffn.layers.iter().enumerate() {
                let out = if i == last { &mut *y } else { &mut *a };
                out.resize(rows * layer.outputs(), 0.0);
                let relu = i != last && ffn.activation == Activation::Relu;
                let from = if i == 0 { input } else { b.as_slice() };
                layer.apply(kernels, from, relu, quantised, out);
                if i != last {
                    if ffn.activation == Activation::Swish {
                        kernels.swish(out);
                    }
                    std::mem::swap(a, b);
                }
            }
            ffn.wrap.leave(kernels, y, x);
            x.copy_from_slice(y);
        }
        Ok(())
    }
}

/// A linear layer over many rows, in blocks between which the cancel flag is looked at.
fn apply_blocks(
    linear: &Linear,
    kernels: Kernels,
    x: &[f32],
    dim: usize,
    quantised: &mut Quantised,
    y: &mut Vec<f32>,
    cancel: &Cancel,
) -> Result<(), Error> {
    y.resize(x.len() / dim * linear.outputs(), 0.0);
    for (x, y) in x.chunks(BLOCK * dim).zip(y.chunks_mut(BLOCK * linear.outputs())) {
        cancel.check()?;
        linear.apply(kernels, x, false, quantised, y);
    }
    Ok(())
}
