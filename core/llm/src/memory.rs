//! What a model will need, known from its header alone, so that it can be refused before it is loaded.

use std::path::Path;

use crate::gguf::Header;
use crate::request::{KvPrecision, LoadOptions, Weights};

/// Estimated memory of a loaded model in bytes. docs/speed.md compares it with what was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryNeed {
    /// Weights mapped from the file; under pressure the kernel drops and reads them again.
    pub mapped: u64,
    /// Everything else: key/value cache, work space, vocabulary, repacked weights.
    pub anonymous: u64,
}

impl MemoryNeed {
    /// Both together.
    pub fn total(self) -> u64 {
        self.mapped.saturating_add(self.anonymous)
    }
}

pub(crate) fn estimate(path: &Path, header: &Header, options: &LoadOptions) -> MemoryNeed {
    let n = |key| header.arch_uint_max(path, key).unwrap_or(0);
    let (embd, layers, heads, ff) =
        (n("embedding_length"), n("block_count"), n("attention.head_count"), n("feed_forward_length"));
    let kv_heads = header.arch_uint_max(path, "attention.head_count_kv").unwrap_or(heads);
    let per_head = embd.checked_div(heads).unwrap_or(0);
    let key = header.arch_uint("attention.key_length").unwrap_or(per_head);
    let value = header.arch_uint("attention.value_length").unwrap_or(per_head);
    let vocabulary = header.array_len("tokenizer.ggml.tokens").unwrap_or(0);

    let cells = u64::from(options.context_tokens).next_multiple_of(256);
    let values = product(&[cells, layers, kv_heads, key.saturating_add(value)]);
    let kv = match options.kv {
        KvPrecision::F16 => values.saturating_mul(2),
        KvPrecision::Q8 => values / 32 * 34,
    };
    // Work space: the widest activations of a prompt chunk, the attention mask, one row of logits a sequence.
    let chunk = u64::from(options.prompt_chunk.max(options.max_sequences));
    let activations = product(&[chunk, embd.saturating_mul(6).saturating_add(ff.saturating_mul(3)), 4]);
    let mask = product(&[chunk, cells, 6]);
    let logits = product(&[u64::from(options.max_sequences), vocabulary, 8]);
    // Token texts, their index and merges.
    let words = product(&[vocabulary, 150])
        .saturating_add(product(&[header.array_len("tokenizer.ggml.merges").unwrap_or(0), 130]));
    let copy = if options.weights == Weights::Repacked { repackable(header) } else { 0 };
    let fixed = 12_000_000;
    MemoryNeed {
        mapped: header.tensor_bytes(),
        anonymous: [kv, activations, mask, logits, words, copy, fixed]
            .iter()
            .fold(0, |a, b| a.saturating_add(*b)),
    }
}

/// Weights that ggml rearranges for the processor: 4-bit matrices and, on some, others; embeddings stay.
fn repackable(header: &Header) -> u64 {
    let matrix = |t: &&crate::gguf::Tensor| {
        matches!(t.kind, 2 | 8 | 10 | 12 | 13 | 14 | 20) && t.dims.get(1).is_some_and(|rows| *rows > 1)
    };
    header.tensors.iter().filter(matrix).filter(|t| !t.name.starts_with("token_embd")).map(|t| t.bytes).sum()
}

fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |a, b| a.saturating_mul(*b))
}
