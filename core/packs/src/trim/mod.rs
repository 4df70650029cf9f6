//! A GGUF language model without the tokens that its languages do not need.
//!
//! Two thirds of a small multilingual model are the rows of its vocabulary, most of them for scripts that a pack for
//! three languages never sees. Their rows are left out and the tokeniser's tables cut to match; nothing is requantised,
//! so what stays is bit for bit what the model's makers published, and the digest of the result can be pinned.
//! `models/training/cuba_training/gemma/trim.py` makes the same file.

mod reader;

use std::io::{Read, Seek};

use reader::{Reader, Value};

use crate::error::PackError;

/// The largest list of kept tokens that is read: eight million tokens.
pub(crate) const MAX_KEPT_BYTES: u64 = 1 << 20;
const ALIGNMENT: u64 = 32;
const TABLES: [&[u8]; 3] = [b"tokenizer.ggml.tokens", b"tokenizer.ggml.scores", b"tokenizer.ggml.token_type"];
const EMBEDDINGS: [&[u8]; 2] = [b"token_embd.weight", b"output.weight"];

/// The tokens that stay, as a bitmap: bit `i % 8` of byte `i / 8` is token `i`.
#[derive(Debug)]
pub(crate) struct Kept {
    bits: Vec<u8>,
    count: u64,
}

impl Kept {
    pub(crate) fn new(bits: Vec<u8>) -> Self {
        let count = bits.iter().map(|byte| u64::from(byte.count_ones())).sum();
        Self { bits, count }
    }

    fn contains(&self, token: u64) -> bool {
        let byte = usize::try_from(token / 8).ok().and_then(|at| self.bits.get(at));
        byte.is_some_and(|byte| byte >> (token % 8) & 1 == 1)
    }

    /// The number that a kept token has afterwards.
    fn place(&self, token: u64) -> Option<u64> {
        self.contains(token).then(|| (0..token).filter(|t| self.contains(*t)).count() as u64)
    }

    /// Whether this list is for a vocabulary of that size: its last byte is the vocabulary's last.
    fn is_for(&self, vocabulary: u64) -> bool {
        vocabulary.div_ceil(8) == self.bits.len() as u64
            && !(vocabulary..self.bits.len() as u64 * 8).any(|token| self.contains(token))
    }
}

/// Where the smaller model is written, in order.
pub(crate) type Put<'a> = dyn FnMut(&[u8]) -> Result<(), PackError> + 'a;

/// Writes the model at `source` (`len` bytes, called `name` in errors) without the tokens that are not `kept`.
///
/// Memory stays bounded whatever the file says: the header's small values and the list of tensors are kept, rows stream.
pub(crate) fn trim(
    source: impl Read + Seek,
    len: u64,
    name: &str,
    kept: &Kept,
    put: &mut Put<'_>,
) -> Result<(), PackError> {
    let mut reader = Reader::new(source, len, name);
    let mut out = Counted { put, written: 0 };
    let head = reader.head()?;
    out.write(&head.bytes)?;
    let mut vocabulary = None;
    for _ in 0..head.keys {
        cut_key(&mut reader, kept, &mut vocabulary, &mut out)?;
    }
    let vocabulary = vocabulary.ok_or_else(|| reader.damaged("it has no vocabulary"))?;
    let tensors = (0..head.tensors).map(|_| reader.tensor()).collect::<Result<Vec<_>, _>>()?;
    let start = reader.at.next_multiple_of(ALIGNMENT);
    let mut offset = 0;
    for tensor in &tensors {
        let rows = if is_embedding(tensor, vocabulary) { kept.count } else { tensor.rows };
        out.write(&tensor.info(rows, offset))?;
        offset += (tensor.row_bytes * rows).next_multiple_of(ALIGNMENT);
    }
    out.pad()?;
    for tensor in &tensors {
        let place =
            start.checked_add(tensor.offset).ok_or_else(|| reader.damaged("a tensor lies nowhere"))?;
        reader.seek(place)?;
        if is_embedding(tensor, vocabulary) {
            for row in 0..tensor.rows {
                if kept.contains(row) {
                    reader.copy(tensor.row_bytes, &mut |bytes| out.write(bytes))?;
                } else {
                    reader.skip(tensor.row_bytes)?;
                }
            }
        } else {
            // Checked when the tensor was read: this product is not too large.
            reader.copy(tensor.row_bytes * tensor.rows, &mut |bytes| out.write(bytes))?;
        }
        out.pad()?;
    }
    Ok(())
}

fn is_embedding(tensor: &reader::Tensor, vocabulary: u64) -> bool {
    EMBEDDINGS.contains(&tensor.name.as_slice()) && tensor.rows == vocabulary
}

/// Copies a key with its value, or what is left of it.
fn cut_key<R: Read + Seek>(
    reader: &mut Reader<'_, R>,
    kept: &Kept,
    vocabulary: &mut Option<u64>,
    out: &mut Counted<'_, '_>,
) -> Result<(), PackError> {
    let key = reader.text()?;
    out.write(&(key.len() as u64).to_le_bytes())?;
    out.write(&key)?;
    match reader.value()? {
        Value::Plain(bytes) if key == b"general.alignment" => {
            // Type, then the number: no known model has another alignment.
            if bytes.get(4..) != Some(&32_u32.to_le_bytes()) {
                return Err(reader.damaged("its alignment is not 32"));
            }
            out.write(&bytes)
        }
        Value::Plain(bytes) if key.starts_with(b"tokenizer.ggml.") && key.ends_with(b"_token_id") => {
            let id = bytes.get(4..).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
            let place = id.and_then(|id| kept.place(id.into())).and_then(|place| u32::try_from(place).ok());
            let place = place.ok_or_else(|| reader.damaged("a token with a role of its own is not kept"))?;
            out.write(bytes.get(..4).unwrap_or_default())?;
            out.write(&place.to_le_bytes())
        }
        Value::Plain(bytes) => out.write(&bytes),
        Value::Array { kind, len } => {
            let is_table = TABLES.contains(&key.as_slice());
            if is_table && (!kept.is_for(len) || vocabulary.replace(len).is_some_and(|other| other != len)) {
                return Err(reader.damaged("the kept tokens are those of another vocabulary"));
            }
            out.write(&9_u32.to_le_bytes())?;
            out.write(&kind.to_le_bytes())?;
            out.write(&(if is_table { kept.count } else { len }).to_le_bytes())?;
            for index in 0..len {
                let element = reader.element(kind)?;
                if !is_table || kept.contains(index) {
                    out.write(&element)?;
                }
            }
            Ok(())
        }
    }
}

/// Counts what is written, to align it.
struct Counted<'p, 'a> {
    put: &'p mut Put<'a>,
    written: u64,
}

impl Counted<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        self.written += bytes.len() as u64;
        (self.put)(bytes)
    }

    fn pad(&mut self) -> Result<(), PackError> {
        let missing = self.written.next_multiple_of(ALIGNMENT) - self.written;
        self.write([0; ALIGNMENT as usize].get(..missing as usize).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
