//! A reader for the header of GGUF files, so that a damaged or foreign file is named before any C++ sees it.
//!
//! Format: `magic u32 | version u32 | tensors u64 | keys u64 | key-values | tensor infos | padding | data`, little
//! endian (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>). Every length is checked against the bytes
//! that are really there, so memory stays bounded by the file's size and no input can make this panic.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::LlmError;

const MAGIC: [u8; 4] = *b"GGUF";
/// Longest key, string or tensor name that is kept; chat templates of known models are below 30 kB.
const MAX_STRING: u64 = 1 << 20;
const MAX_KEYS: u64 = 1 << 16;
const MAX_TENSORS: u64 = 1 << 18;
const MAX_DIMS: u32 = 4;

/// A value of the header. Arrays are skipped, but for their type, length and place in the file.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Any integer type.
    Int(i64),
    /// `f32` or `f64`.
    Float(f64),
    /// A flag.
    Bool(bool),
    /// Text.
    Text(String),
    /// An array.
    Array {
        /// GGUF type number of the elements.
        kind: u32,
        /// Number of elements.
        len: u64,
        /// Byte offset of the first element.
        at: u64,
    },
}

/// One tensor of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Name, as `blk.0.attn_q.weight`.
    pub name: String,
    /// Sizes, fastest-varying first; missing dimensions are 1.
    pub dims: [u64; 4],
    /// ggml type number.
    pub kind: u32,
    /// Bytes from the start of the data part.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: u64,
}

/// The header of a sound GGUF file.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Format version, 2 or 3.
    pub version: u32,
    /// Key-values, sorted by key.
    pub values: BTreeMap<String, Value>,
    /// Tensors in file order.
    pub tensors: Vec<Tensor>,
    /// Where the data part begins.
    pub data_start: u64,
    /// Length of the whole file.
    pub file_len: u64,
}

/// Why bytes are not a header. `Truncated` and `Damaged` mean: fetch the file again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    NotGguf,
    Truncated { need: u64, have: u64 },
    Damaged(String),
    Unsupported(String),
    Io(String),
}

impl Header {
    /// Reads and checks the header of the file at `path`, and that all tensor data it speaks of is there.
    ///
    /// ```no_run
    /// let header = cuba_llm::gguf::Header::open("gemma-3-270m.gguf".as_ref())?;
    /// println!("{:?} with {} tensors", header.text("general.architecture"), header.tensors.len());
    /// # Ok::<(), cuba_llm::LlmError>(())
    /// ```
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        let file = File::open(path).map_err(|e| LlmError::io(path, e))?;
        let meta = file.metadata().map_err(|e| LlmError::io(path, e))?;
        if !meta.is_file() {
            return Err(LlmError::damaged(path, "is not a file; give the path of a .gguf file"));
        }
        Self::read(BufReader::with_capacity(1 << 16, file), meta.len()).map_err(|fault| fault.at(path))
    }

    /// The same for bytes in memory, as the fuzzer does it.
    ///
    /// ```
    /// assert!(cuba_llm::gguf::Header::parse(b"PK\x03\x04 not a model").is_err());
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self, LlmError> {
        let name = Path::new("bytes in memory");
        Self::read(std::io::Cursor::new(bytes), bytes.len() as u64).map_err(|fault| fault.at(name))
    }

    fn read(source: impl Read + Seek, file_len: u64) -> Result<Self, Fault> {
        let mut r = Reader { source, at: 0, len: file_len };
        if file_len < 4 || r.bytes::<4>()? != MAGIC {
            return Err(Fault::NotGguf);
        }
        let version = r.u32()?;
        match version {
            2 | 3 => {}
            1 => return Err(Fault::Unsupported("is GGUF version 1, which is no longer read".into())),
            v if v.swap_bytes() <= 3 => return Err(Fault::Unsupported("is a big-endian GGUF file".into())),
            v => return Err(Fault::Unsupported(format!("is GGUF version {v}, newer than this Cuba knows"))),
        }
        let tensor_count = r.u64()?;
        let key_count = r.u64()?;
        if tensor_count > MAX_TENSORS || key_count > MAX_KEYS {
            return Err(Fault::Damaged(format!("claims {tensor_count} tensors and {key_count} keys")));
        }
        let values = r.values(key_count)?;
        let alignment = match values.get("general.alignment") {
            None => 32,
            Some(Value::Int(a)) if (1..=1 << 20).contains(a) && (*a as u64).is_power_of_two() => *a as u64,
            Some(_) => return Err(Fault::Damaged("has an impossible alignment".into())),
        };
        let tensors = r.tensors(tensor_count)?;
        let data_start = r.at.next_multiple_of(alignment);
        for t in &tensors {
            if t.offset % alignment != 0 {
                return Err(Fault::Damaged(format!("tensor {} is not aligned", t.name)));
            }
            let need = data_start.checked_add(t.offset).and_then(|v| v.checked_add(t.bytes));
            let need =
                need.ok_or_else(|| Fault::Damaged(format!("tensor {} has an impossible place", t.name)))?;
            if need > file_len {
                return Err(Fault::Truncated { need, have: file_len });
            }
        }
        Ok(Self { version, values, tensors, data_start, file_len })
    }

    /// A text value.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(s)) => Some(s),
            _ => None,
        }
    }

    /// An integer value that is not negative.
    pub fn uint(&self, key: &str) -> Option<u64> {
        match self.values.get(key) {
            Some(Value::Int(n)) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    /// A number.
    pub fn float(&self, key: &str) -> Option<f64> {
        match self.values.get(key) {
            Some(Value::Float(f)) => Some(*f),
            Some(Value::Int(n)) => Some(*n as f64),
            _ => None,
        }
    }

    /// A flag.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.values.get(key) {
            Some(Value::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// Length of an array value.
    pub fn array_len(&self, key: &str) -> Option<u64> {
        match self.values.get(key) {
            Some(Value::Array { len, .. }) => Some(*len),
            _ => None,
        }
    }

    /// The model family, as `llama` or `gemma3`.
    pub fn architecture(&self) -> Option<&str> {
        self.text("general.architecture")
    }

    /// A value of the model family: `context_length` reads `llama.context_length`.
    pub fn arch_uint(&self, key: &str) -> Option<u64> {
        self.uint(&format!("{}.{key}", self.architecture()?))
    }

    /// Like [`Header::arch_uint`], but where the value may also be an array with one number a layer: the largest.
    pub fn arch_uint_max(&self, path: &Path, key: &str) -> Option<u64> {
        let full = format!("{}.{key}", self.architecture()?);
        match self.values.get(&full)? {
            Value::Array { kind: 4 | 5, len, at } => {
                let mut file = BufReader::new(File::open(path).ok()?);
                file.seek(SeekFrom::Start(*at)).ok()?;
                let mut best = None;
                for _ in 0..(*len).min(4096) {
                    let mut b = [0; 4];
                    file.read_exact(&mut b).ok()?;
                    best = best.max(Some(u64::from(u32::from_le_bytes(b))));
                }
                best
            }
            _ => self.uint(&full),
        }
    }

    /// Bytes of all tensors.
    pub fn tensor_bytes(&self) -> u64 {
        self.tensors.iter().fold(0, |sum, t| sum.saturating_add(t.bytes))
    }

    /// Whether no two tokens of the vocabulary have the same text (llama.cpp asserts it). Reads the file at `path`.
    pub(crate) fn tokens_are_distinct(&self, path: &Path) -> Option<bool> {
        let Some(Value::Array { kind: 8, len, at }) = self.values.get("tokenizer.ggml.tokens") else {
            return None;
        };
        let mut source = BufReader::new(File::open(path).ok()?);
        source.seek(SeekFrom::Start(*at)).ok()?;
        let mut r = Reader { source, at: *at, len: self.file_len };
        // Hashes, not texts: 2 MB instead of 15 for a quarter of a million tokens.
        let mut hashes = Vec::with_capacity((*len).min(1 << 24) as usize);
        for _ in 0..*len {
            let text = r.raw_string().ok()?;
            // llama.cpp reads a token up to its first zero byte, and gives the empty ones names of their own.
            let text = text.split(|b| *b == 0).next().unwrap_or_default();
            if !text.is_empty() {
                hashes.push(fnv(text));
            }
        }
        hashes.sort_unstable();
        Some(hashes.windows(2).all(|w| w.first() != w.last()))
    }

    /// The text of token `id`, read from the file at `path` (the vocabulary is not kept in memory).
    pub fn token_text(&self, path: &Path, id: u64) -> Option<String> {
        let Some(Value::Array { kind: 8, len, at }) = self.values.get("tokenizer.ggml.tokens") else {
            return None;
        };
        if id >= *len {
            return None;
        }
        let mut source = BufReader::new(File::open(path).ok()?);
        source.seek(SeekFrom::Start(*at)).ok()?;
        let mut r = Reader { source, at: *at, len: self.file_len };
        for _ in 0..id {
            r.skip_string().ok()?;
        }
        r.string().ok()
    }
}

impl Fault {
    fn at(self, path: &Path) -> LlmError {
        let again = "the download is incomplete or damaged: remove it and fetch it again";
        match self {
            Self::NotGguf => {
                LlmError::damaged(path, "is not a GGUF model file; choose a file that ends in .gguf")
            }
            Self::Truncated { need, have } => LlmError::damaged(
                path,
                format!("is cut short ({have} bytes are there, at least {need} are needed); {again}"),
            ),
            Self::Damaged(what) => LlmError::damaged(path, format!("{what}; {again}")),
            Self::Unsupported(what) => LlmError::unsupported(path, format!("{what}; use another model file")),
            Self::Io(e) => LlmError::io(path, std::io::Error::other(e)),
        }
    }
}

struct Reader<R> {
    source: R,
    at: u64,
    len: u64,
}

impl<R: Read + Seek> Reader<R> {
    fn need(&self, n: u64) -> Result<(), Fault> {
        let need = self.at.saturating_add(n);
        if need > self.len { Err(Fault::Truncated { need, have: self.len }) } else { Ok(()) }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.need(N as u64)?;
        let mut out = [0; N];
        self.source.read_exact(&mut out).map_err(|e| Fault::Io(e.to_string()))?;
        self.at += N as u64;
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn skip(&mut self, n: u64) -> Result<(), Fault> {
        self.need(n)?;
        let step = i64::try_from(n).map_err(|_| Fault::Damaged("has an impossible length".into()))?;
        self.source.seek_relative(step).map_err(|e| Fault::Io(e.to_string()))?;
        self.at += n;
        Ok(())
    }

    fn raw_string(&mut self) -> Result<Vec<u8>, Fault> {
        let n = self.u64()?;
        self.need(n)?;
        if n > MAX_STRING {
            return Err(Fault::Damaged(format!("has a text of {n} bytes in its header")));
        }
        let mut out = vec![0; n as usize];
        self.source.read_exact(&mut out).map_err(|e| Fault::Io(e.to_string()))?;
        self.at += n;
        Ok(out)
    }

    fn string(&mut self) -> Result<String, Fault> {
        let out = self.raw_string()?;
        // Vocabularies hold raw bytes; a key that is not UTF-8 only fails to be found.
        Ok(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    fn skip_string(&mut self) -> Result<(), Fault> {
        let n = self.u64()?;
        self.skip(n)
    }

    fn values(&mut self, count: u64) -> Result<BTreeMap<String, Value>, Fault> {
        let mut values = BTreeMap::new();
        for _ in 0..count {
            let key = self.string()?;
            let kind = self.u32()?;
            let value = self.value(kind)?;
            if values.insert(key.clone(), value).is_some() {
                return Err(Fault::Damaged(format!("has the key {:?} twice", clip(&key))));
            }
        }
        Ok(values)
    }

    fn value(&mut self, kind: u32) -> Result<Value, Fault> {
        Ok(match kind {
            0 => Value::Int(self.bytes::<1>().map(u8::from_le_bytes)?.into()),
            1 => Value::Int(self.bytes::<1>().map(i8::from_le_bytes)?.into()),
            2 => Value::Int(self.bytes().map(u16::from_le_bytes)?.into()),
            3 => Value::Int(self.bytes().map(i16::from_le_bytes)?.into()),
            4 => Value::Int(self.u32()?.into()),
            5 => Value::Int(self.bytes().map(i32::from_le_bytes)?.into()),
            6 => Value::Float(self.bytes().map(f32::from_le_bytes)?.into()),
            7 => match self.bytes::<1>()? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                [b] => return Err(Fault::Damaged(format!("has the flag value {b}"))),
            },
            8 => Value::Text(self.string()?),
            9 => self.array()?,
            10 => Value::Int(self.u64()?.try_into().unwrap_or(i64::MAX)),
            11 => Value::Int(self.bytes().map(i64::from_le_bytes)?),
            12 => Value::Float(self.bytes().map(f64::from_le_bytes)?),
            k => return Err(Fault::Damaged(format!("has a value of unknown type {k}"))),
        })
    }

    fn array(&mut self) -> Result<Value, Fault> {
        let kind = self.u32()?;
        let len = self.u64()?;
        let at = self.at;
        let width: u64 = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 => {
                // Every text takes at least its eight length bytes: refuse an impossible count before looping over it.
                self.need(len.saturating_mul(8))?;
                for _ in 0..len {
                    self.skip_string()?;
                }
                return Ok(Value::Array { kind, len, at });
            }
            k => return Err(Fault::Damaged(format!("has an array of type {k}"))),
        };
        self.skip(len.saturating_mul(width))?;
        Ok(Value::Array { kind, len, at })
    }

    fn tensors(&mut self, count: u64) -> Result<Vec<Tensor>, Fault> {
        // Name length, dimension count, one dimension, type and offset: 28 bytes at least.
        self.need(count.saturating_mul(28))?;
        let mut tensors = Vec::with_capacity(count as usize);
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..count {
            let tensor = self.tensor()?;
            if !names.insert(tensor.name.clone()) {
                return Err(Fault::Damaged(format!("has the tensor {:?} twice", clip(&tensor.name))));
            }
            tensors.push(tensor);
        }
        Ok(tensors)
    }

    fn tensor(&mut self) -> Result<Tensor, Fault> {
        let name = self.string()?;
        if name.len() >= 64 {
            return Err(Fault::Damaged("has a tensor name of 64 bytes or more".into()));
        }
        let n_dims = self.u32()?;
        if n_dims == 0 || n_dims > MAX_DIMS {
            return Err(Fault::Damaged(format!("tensor {name} has {n_dims} dimensions")));
        }
        let mut dims = [1u64; 4];
        for d in dims.iter_mut().take(n_dims as usize) {
            *d = self.u64()?;
        }
        let kind = self.u32()?;
        let offset = self.u64()?;
        let Some((block, size)) = block_layout(kind) else {
            return Err(Fault::Unsupported(format!(
                "tensor {name} has the number format {kind}, unknown to this Cuba"
            )));
        };
        let impossible = || Fault::Damaged(format!("tensor {name} has impossible dimensions {dims:?}"));
        let row = dims.first().copied().unwrap_or(1);
        if dims.contains(&0) || row % block != 0 {
            return Err(impossible());
        }
        let count = dims.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).filter(|n| *n < 1 << 62);
        let bytes = count.and_then(|n| (n / block).checked_mul(size)).ok_or_else(impossible)?;
        Ok(Tensor { name, dims, kind, offset, bytes })
    }
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

fn clip(s: &str) -> String {
    s.chars().take(80).collect()
}

/// ggml type number, numbers a block, bytes a block (`ggml.h`, `ggml-common.h`).
#[rustfmt::skip]
const BLOCKS: [(u32, u64, u64); 35] = [
    (0, 1, 4), // F32
    (1, 1, 2), // F16
    (2, 32, 18), // Q4_0
    (3, 32, 20), // Q4_1
    (6, 32, 22), // Q5_0
    (7, 32, 24), // Q5_1
    (8, 32, 34), // Q8_0
    (9, 32, 36), // Q8_1
    (10, 256, 84), // Q2_K
    (11, 256, 110), // Q3_K
    (12, 256, 144), // Q4_K
    (13, 256, 176), // Q5_K
    (14, 256, 210), // Q6_K
    (15, 256, 292), // Q8_K
    (16, 256, 66), // IQ2_XXS
    (17, 256, 74), // IQ2_XS
    (18, 256, 98), // IQ3_XXS
    (19, 256, 50), // IQ1_S
    (20, 32, 18), // IQ4_NL
    (21, 256, 110), // IQ3_S
    (22, 256, 82), // IQ2_S
    (23, 256, 136), // IQ4_XS
    (24, 1, 1), // I8
    (25, 1, 2), // I16
    (26, 1, 4), // I32
    (27, 1, 8), // I64
    (28, 1, 8), // F64
    (29, 256, 56), // IQ1_M
    (30, 1, 2), // BF16
    (34, 256, 54), // TQ1_0
    (35, 256, 66), // TQ2_0
    (39, 32, 17), // MXFP4
    (40, 64, 36), // NVFP4
    (41, 128, 18), // Q1_0
    (42, 64, 18), // Q2_0
];

/// Numbers a block and bytes a block of a ggml type.
fn block_layout(kind: u32) -> Option<(u64, u64)> {
    BLOCKS.iter().find(|b| b.0 == kind).map(|b| (b.1, b.2))
}
