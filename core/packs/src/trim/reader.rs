//! The parts of a GGUF file in their order, each checked against the bytes that are really there.

use std::io::{BufReader, Read, Seek};

use crate::error::PackError;
use crate::staged::CHUNK;

/// Longest key, text of a table or name; the longest known chat template has 30 kB.
const MAX_TEXT: u64 = 1 << 20;
const MAX_KEYS: u64 = 1 << 12;
const MAX_TENSORS: u64 = 1 << 14;
const MAX_ROW_BYTES: u64 = 1 << 30;

/// ggml type number, numbers a block, bytes a block (`ggml-common.h`): what quantised models are made of.
#[rustfmt::skip]
const BLOCKS: [(u32, u64, u64); 14] = [
    (0, 1, 4), (1, 1, 2), (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34), (10, 256, 84),
    (11, 256, 110), (12, 256, 144), (13, 256, 176), (14, 256, 210), (20, 32, 18), (30, 1, 2),
];

pub(super) struct Reader<'n, R> {
    source: BufReader<R>,
    pub(super) at: u64,
    len: u64,
    name: &'n str,
}

pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) tensors: u64,
    pub(super) keys: u64,
}

pub(super) enum Value {
    /// Type number and value, as they stand.
    Plain(Vec<u8>),
    /// Elements follow.
    Array { kind: u32, len: u64 },
}

pub(super) struct Tensor {
    pub(super) name: Vec<u8>,
    dims: Vec<u64>,
    kind: u32,
    pub(super) offset: u64,
    pub(super) row_bytes: u64,
    pub(super) rows: u64,
}

impl Tensor {
    /// Its entry in the header, with `rows` rows at `offset`. A tensor that keeps its rows keeps its dimensions.
    pub(super) fn info(&self, rows: u64, offset: u64) -> Vec<u8> {
        let row = self.dims.first().copied().unwrap_or(1);
        let dims = if rows == self.rows { self.dims.clone() } else { vec![row, rows] };
        let mut out = (self.name.len() as u64).to_le_bytes().to_vec();
        out.extend(&self.name);
        out.extend((dims.len() as u32).to_le_bytes());
        out.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
        out.extend(self.kind.to_le_bytes());
        out.extend(offset.to_le_bytes());
        out
    }
}

impl<'n, R: Read + Seek> Reader<'n, R> {
    pub(super) fn new(source: R, len: u64, name: &'n str) -> Self {
        Self { source: BufReader::with_capacity(CHUNK, source), at: 0, len, name }
    }

    pub(super) fn damaged(&self, reason: &str) -> PackError {
        PackError::corrupt(self.name, reason)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], PackError> {
        let mut out = [0; N];
        self.fill(&mut out)?;
        Ok(out)
    }

    fn vec(&mut self, len: u64) -> Result<Vec<u8>, PackError> {
        if len > MAX_TEXT {
            return Err(self.damaged("it holds a text of more than a megabyte"));
        }
        if len > self.len.saturating_sub(self.at) {
            return Err(self.damaged("it is cut short"));
        }
        let mut out = vec![0; len as usize];
        self.fill(&mut out)?;
        Ok(out)
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), PackError> {
        if out.len() as u64 > self.len.saturating_sub(self.at) {
            return Err(self.damaged("it is cut short"));
        }
        self.source.read_exact(out).map_err(|error| PackError::corrupt(self.name, error.to_string()))?;
        self.at += out.len() as u64;
        Ok(())
    }

    fn u32(&mut self) -> Result<u32, PackError> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, PackError> {
        self.bytes().map(u64::from_le_bytes)
    }

    pub(super) fn text(&mut self) -> Result<Vec<u8>, PackError> {
        let len = self.u64()?;
        self.vec(len)
    }

    pub(super) fn head(&mut self) -> Result<Head, PackError> {
        let bytes: [u8; 24] = self.bytes()?;
        let number =
            |from: usize| bytes.get(from..from + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
        let version_ok = matches!(bytes.get(..8), Some([b'G', b'G', b'U', b'F', 2 | 3, 0, 0, 0]));
        match (number(8), number(16)) {
            (Some(tensors), Some(keys)) if version_ok && tensors <= MAX_TENSORS && keys <= MAX_KEYS => {
                Ok(Head { bytes: bytes.to_vec(), tensors, keys })
            }
            _ => Err(self.damaged("it is not a GGUF file of version 2 or 3, or of too many parts")),
        }
    }

    pub(super) fn value(&mut self) -> Result<Value, PackError> {
        let kind = self.u32()?;
        if kind == 9 {
            let (kind, len) = (self.u32()?, self.u64()?);
            // Every element takes a byte at least: an impossible count is refused before it is counted to.
            if len > self.len.saturating_sub(self.at) {
                return Err(self.damaged("it is cut short"));
            }
            return Ok(Value::Array { kind, len });
        }
        let mut out = kind.to_le_bytes().to_vec();
        out.extend(self.element(kind)?);
        Ok(Value::Plain(out))
    }

    /// A value of a plain type, with its length where it is a text.
    pub(super) fn element(&mut self, kind: u32) -> Result<Vec<u8>, PackError> {
        match kind {
            0 | 1 | 7 => self.vec(1),
            2 | 3 => self.vec(2),
            4..=6 => self.vec(4),
            10..=12 => self.vec(8),
            8 => {
                let text = self.text()?;
                let mut out = (text.len() as u64).to_le_bytes().to_vec();
                out.extend(text);
                Ok(out)
            }
            _ => Err(self.damaged("it holds a value of an unknown type")),
        }
    }

    pub(super) fn tensor(&mut self) -> Result<Tensor, PackError> {
        let name = self.text()?;
        let count = self.u32()?;
        if !(1..=4).contains(&count) || name.len() > 64 {
            return Err(self.damaged("a tensor has an impossible name or shape"));
        }
        let dims = (0..count).map(|_| self.u64()).collect::<Result<Vec<_>, _>>()?;
        let (kind, offset) = (self.u32()?, self.u64()?);
        let (row, rest) = dims.split_first().map_or((0, &[][..]), |(row, rest)| (*row, rest));
        let block = BLOCKS.iter().find(|block| block.0 == kind && row % block.1 == 0);
        let row_bytes = block.and_then(|block| (row / block.1).checked_mul(block.2));
        let rows = rest.iter().try_fold(1_u64, |rows, dim| rows.checked_mul(*dim));
        let fits = |row_bytes: &u64, rows: &u64| {
            row_bytes.checked_mul(*rows).is_some_and(|bytes| bytes <= self.len) && *row_bytes <= MAX_ROW_BYTES
        };
        match (row_bytes, rows) {
            (Some(row_bytes), Some(rows)) if fits(&row_bytes, &rows) => {
                Ok(Tensor { name, dims, kind, offset, row_bytes, rows })
            }
            _ => Err(self.damaged("a tensor has an impossible shape, or an unknown number format")),
        }
    }

    pub(super) fn seek(&mut self, place: u64) -> Result<(), PackError> {
        // Relative, so that the buffer stays: tensors follow one another.
        let step = i128::from(place) - i128::from(self.at);
        let step = i64::try_from(step).ok().filter(|_| place <= self.len);
        let step = step.ok_or_else(|| self.damaged("it is cut short"))?;
        self.source.seek_relative(step).map_err(|error| PackError::corrupt(self.name, error.to_string()))?;
        self.at = place;
        Ok(())
    }

    pub(super) fn skip(&mut self, len: u64) -> Result<(), PackError> {
        let place = self.at.checked_add(len).ok_or_else(|| self.damaged("it is cut short"))?;
        self.seek(place)
    }

    /// Hands on `len` bytes, a piece at a time.
    pub(super) fn copy(
        &mut self,
        len: u64,
        put: &mut dyn FnMut(&[u8]) -> Result<(), PackError>,
    ) -> Result<(), PackError> {
        let mut buffer = vec![0; len.min(CHUNK as u64) as usize];
        let mut left = len;
        while left > 0 {
            let size = left.min(CHUNK as u64) as usize;
            let piece = buffer.get_mut(..size).unwrap_or_default();
            self.fill(piece)?;
            put(piece)?;
            left -= size as u64;
        }
        Ok(())
    }
}
