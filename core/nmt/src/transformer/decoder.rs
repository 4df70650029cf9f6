//! One step of the decoder for many hypotheses at once.

use super::weights::{Attention, Recurrence, Ssru};
use super::{Encoded, Transformer, Workspace};
use crate::error::Error;
use crate::format::config::Autoregression;
use crate::kernel::{Kernels, Keys};
use crate::options::Cancel;

/// One hypothesis in a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Its sentence in the encoded batch.
    pub(crate) sentence: usize,
    /// The token before; none at the start.
    pub(crate) token: Option<u32>,
}

/// What the decoder remembers of each hypothesis.
#[derive(Debug)]
pub(crate) struct DecoderState {
    layers: Vec<Memory>,
    dim: usize,
}

#[derive(Debug)]
enum Memory {
    /// SSRU cells, `[rows, dim]`.
    Cells(Vec<f32>),
    /// Keys and values of the words so far, one a row.
    Past(Vec<(Keys, Vec<f32>)>),
}

impl DecoderState {
    /// Keeps the rows `parents`, in this order; a row may be kept several times or not at all.
    pub(crate) fn select(&mut self, parents: &[usize]) {
        let dim = self.dim;
        for layer in &mut self.layers {
            match layer {
                Memory::Cells(cells) => {
                    if parents.iter().enumerate().any(|(row, &parent)| row != parent) {
                        let old = std::mem::take(cells);
                        let row = |&parent: &usize| {
                            old.get(parent * dim..(parent + 1) * dim).expect("a row there was")
                        };
                        *cells = parents.iter().flat_map(row).copied().collect();
                    } else {
                        cells.truncate(parents.len() * dim);
                    }
                }
                Memory::Past(rows) => {
                    // The last use of a row takes it, so that a beam of one copies nothing.
                    let mut uses = vec![0usize; rows.len()];
                    for &parent in parents {
                        *uses.get_mut(parent).expect("a row there was") += 1;
                    }
                    let mut old = std::mem::take(rows);
                    *rows = parents
                        .iter()
                        .map(|&parent| {
                            let (left, row) =
                                uses.get_mut(parent).zip(old.get_mut(parent)).expect("a row there was");
                            *left -= 1;
                            if *left == 0 { std::mem::take(row) } else { row.clone() }
                        })
                        .collect();
                }
            }
        }
    }
}

impl Transformer {
    /// The state before the first word of `rows` hypotheses.
    pub(crate) fn start(&self, rows: usize) -> DecoderState {
        let dim = self.config.dim;
        let memory = || match self.config.autoregression {
            Autoregression::Ssru => Memory::Cells(vec![0.0; rows * dim]),
            Autoregression::SelfAttention => {
                Memory::Past((0..rows).map(|_| (Keys::new(dim), Vec::new())).collect())
            }
        };
        DecoderState { layers: self.layers.decoder.iter().map(|_| memory()).collect(), dim }
    }

    /// Runs one step; the tops are then in the workspace, for [`Transformer::project`].
    ///
    /// With `alignment`, the attention of each row over its source goes there: the first head of the layer that the
    /// model was trained to align with.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn step(
        &self,
        kernels: Kernels,
        encoded: &Encoded,
        rows: &[Row],
        position: usize,
        state: &mut DecoderState,
        ws: &mut Workspace,
        mut alignment: Option<&mut Vec<Box<[f32]>>>,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let dim = self.config.dim;
        ws.x.clear();
        ws.x.resize(rows.len() * dim, 0.0);
        for (out, row) in ws.x.chunks_exact_mut(dim).zip(rows) {
            self.embed(kernels, &self.layers.target, row.token, position, out);
        }
        if let Some(norm) = &self.layers.decoder_embedding_norm {
            norm.apply(kernels, &mut ws.x);
        }
        for (index, (layer, memory)) in self.layers.decoder.iter().zip(&mut state.layers).enumerate() {
            cancel.check()?;
            self.recur(kernels, &layer.recurrence, memory, ws);
            let wanted = alignment.as_deref_mut().filter(|_| index == self.config.alignment_layer);
            self.attend_source(kernels, &layer.context, encoded, index, rows, ws, wanted);
            self.feed_forward(kernels, &layer.ffn, ws, cancel)?;
        }
        if let Some(norm) = &self.layers.decoder_top {
            norm.apply(kernels, &mut ws.x);
        }
        Ok(())
    }

    fn recur(&self, kernels: Kernels, recurrence: &Recurrence, memory: &mut Memory, ws: &mut Workspace) {
        match (recurrence, memory) {
            (Recurrence::Ssru(unit), Memory::Cells(cells)) => {
                let Ssru { candidate, gate, wrap } = &**unit;
                let Workspace { quantised, x, y, q, k, normed, .. } = ws;
                let input = wrap.enter(kernels, x, normed);
                q.resize(x.len(), 0.0);
                k.resize(x.len(), 0.0);
                y.resize(x.len(), 0.0);
                candidate.apply(kernels, input, false, quantised, q);
                gate.apply(kernels, input, false, quantised, k);
                kernels.ssru_step(cells, q, k, y);
                wrap.leave(kernels, y, x);
                std::mem::swap(x, y);
            }
            (Recurrence::Attention(block), Memory::Past(past)) => self.attend_past(kernels, block, past, ws),
            _ => unreachable!("the state is made by the model that uses it"),
        }
    }

    fn attend_past(
        &self,
        kernels: Kernels,
        block: &Attention,
        past: &mut [(Keys, Vec<f32>)],
        ws: &mut Workspace,
    ) {
        let dim = self.config.dim;
        let Workspace { quantised, x, y, q, k, v, joined, normed, weights, .. } = ws;
        let input = block.wrap.enter(kernels, x, normed);
        for buffer in [&mut *q, &mut *k, &mut *v, &mut *joined, &mut *y] {
            buffer.resize(x.len(), 0.0);
        }
        block.q.apply(kernels, input, false, quantised, q);
        block.k.apply(kernels, x, false, quantised, k);
        block.v.apply(kernels, x, false, quantised, v);
        let queries = q.chunks_exact(dim).zip(k.chunks_exact(dim)).zip(v.chunks_exact(dim));
        for (((query, key), value), (out, (keys, values))) in
            queries.zip(joined.chunks_exact_mut(dim).zip(past))
        {
            keys.push(key);
            values.extend_from_slice(value);
            weights.resize(self.config.heads * keys.capacity(), 0.0);
            kernels.attend(query, keys, values, self.config.heads, self.attention_scale(), weights, out);
        }
        block.o.apply(kernels, joined, false, quantised, y);
        block.wrap.leave(kernels, y, x);
        std::mem::swap(x, y);
    }

    #[allow(clippy::too_many_arguments)]
    fn attend_source(
        &self,
        kernels: Kernels,
        block: &Attention,
        encoded: &Encoded,
        layer: usize,
        rows: &[Row],
        ws: &mut Workspace,
        mut alignment: Option<&mut Vec<Box<[f32]>>>,
    ) {
        let dim = self.config.dim;
        let cross = encoded.cross.get(layer).expect("one for each layer");
        let Workspace { quantised, x, y, q, joined, normed, weights, .. } = ws;
        let input = block.wrap.enter(kernels, x, normed);
        for buffer in [&mut *q, &mut *joined, &mut *y] {
            buffer.resize(x.len(), 0.0);
        }
        block.q.apply(kernels, input, false, quantised, q);
        let scale = self.attention_scale();
        for ((row, query), out) in rows.iter().zip(q.chunks_exact(dim)).zip(joined.chunks_exact_mut(dim)) {
            let keys = cross.keys.get(row.sentence).expect("a sentence of this batch");
            let values = cross.values(encoded.place(row.sentence));
            weights.resize(self.config.heads * keys.capacity(), 0.0);
            kernels.attend(query, keys, values, self.config.heads, scale, weights, out);
            if let Some(alignment) = alignment.as_deref_mut() {
                alignment.push(weights.get(..keys.len()).expect("a weight for each key").into());
            }
        }
        block.o.apply(kernels, joined, false, quantised, y);
        block.wrap.leave(kernels, y, x);
        std::mem::swap(x, y);
    }
}
