//! The encoder, and what the decoder needs of it: cross-attention keys and values, computed once a sentence.

use std::ops::Range;

use super::{Transformer, Workspace, apply_blocks};
use crate::error::Error;
use crate::kernel::{Kernels, Keys};
use crate::options::Cancel;

/// Encoded sentences of one batch.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// Rows of each sentence in the ragged batch.
    places: Vec<Range<usize>>,
    /// One for each decoder layer.
    pub(super) cross: Vec<Cross>,
}

/// Keys (turned, a sentence each) and values (ragged rows) of one decoder layer.
#[derive(Debug)]
pub(super) struct Cross {
    pub(super) keys: Vec<Keys>,
    values: Vec<f32>,
    dim: usize,
}

impl Cross {
    pub(super) fn values(&self, rows: &Range<usize>) -> &[f32] {
        self.values.get(rows.start * self.dim..rows.end * self.dim).expect("rows of this batch")
    }
}

impl Encoded {
    pub(super) fn place(&self, sentence: usize) -> &Range<usize> {
        self.places.get(sentence).expect("a sentence of this batch")
    }
}

impl Transformer {
    /// Encodes sentences (token numbers with the end of sentence, none of them empty).
    pub(crate) fn encode(
        &self,
        kernels: Kernels,
        sentences: &[&[u32]],
        ws: &mut Workspace,
        cancel: &Cancel,
    ) -> Result<Encoded, Error> {
        let dim = self.config.dim;
        let mut places = Vec::with_capacity(sentences.len());
        let mut end = 0;
        for sentence in sentences {
            places.push(end..end + sentence.len());
            end += sentence.len();
        }
        ws.x.clear();
        ws.x.resize(end * dim, 0.0);
        let tokens = sentences.iter().flat_map(|sentence| sentence.iter().enumerate());
        for (out, (position, &id)) in ws.x.chunks_exact_mut(dim).zip(tokens) {
            self.embed(kernels, &self.layers.source, Some(id), position, out);
        }
        if let Some(norm) = &self.layers.encoder_embedding_norm {
            norm.apply(kernels, &mut ws.x);
        }
        for layer in &self.layers.encoder {
            self.self_attention(kernels, &layer.attention, &places, ws, cancel)?;
            self.feed_forward(kernels, &layer.ffn, ws, cancel)?;
        }
        if let Some(norm) = &self.layers.encoder_top {
            norm.apply(kernels, &mut ws.x);
        }
        let cross = self.cross(kernels, &places, ws, cancel)?;
        Ok(Encoded { places, cross })
    }

    fn self_attention(
        &self,
        kernels: Kernels,
        block: &super::weights::Attention,
        places: &[Range<usize>],
        ws: &mut Workspace,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let dim = self.config.dim;
        let Workspace { quantised, x, y, q, k, v, joined, normed, weights, .. } = ws;
        // Marian normalises only what the queries are made of, also in its pre-norm form.
        let input = block.wrap.enter(kernels, x, normed);
        apply_blocks(&block.q, kernels, input, dim, quantised, q, cancel)?;
        apply_blocks(&block.k, kernels, x, dim, quantised, k, cancel)?;
        apply_blocks(&block.v, kernels, x, dim, quantised, v, cancel)?;
        joined.resize(x.len(), 0.0);
        let scale = self.attention_scale();
        let mut keys = Keys::new(dim);
        for place in places {
            cancel.check()?;
            let part = place.start * dim..place.end * dim;
            keys.fill(k.get(part.clone()).expect("rows of this batch"), dim);
            weights.resize(self.config.heads * keys.capacity(), 0.0);
            let values = v.get(part.clone()).expect("rows of this batch");
            let queries = q.get(part.clone()).expect("rows of this batch").chunks_exact(dim);
            let outs = joined.get_mut(part).expect("rows of this batch").chunks_exact_mut(dim);
            for (query, out) in queries.zip(outs) {
                kernels.attend(query, &keys, values, self.config.heads, scale, weights, out);
            }
        }
        apply_blocks(&block.o, kernels, joined, dim, quantised, y, cancel)?;
        block.wrap.leave(kernels, y, x);
        std::mem::swap(x, y);
        Ok(())
    }

    fn cross(
        &self,
        kernels: Kernels,
        places: &[Range<usize>],
        ws: &mut Workspace,
        cancel: &Cancel,
    ) -> Result<Vec<Cross>, Error> {
        let dim = self.config.dim;
        let Workspace { quantised, x, k, .. } = ws;
        let mut all = Vec::with_capacity(self.layers.decoder.len());
        for layer in &self.layers.decoder {
            apply_blocks(&layer.context.k, kernels, x, dim, quantised, k, cancel)?;
            let mut values = Vec::new();
            apply_blocks(&layer.context.v, kernels, x, dim, quantised, &mut values, cancel)?;
            let keys = places
                .iter()
                .map(|place| {
                    let mut keys = Keys::new(dim);
                    keys.fill(k.get(place.start * dim..place.end * dim).expect("rows of this batch"), dim);
                    keys
                })
                .collect();
            all.push(Cross { keys, values, dim });
        }
        Ok(all)
    }
}
