//! The Marian binary container, version 1 (marian-dev `src/common/binary.cpp`).
//!
//! ```text
//! u64 version = 1 | u64 items
//! items x { u64 name_len, u64 type, u64 shape_len, u64 data_len }
//! items x name (name_len bytes, NUL-terminated)
//! items x shape (shape_len x i32)
//! u64 gap | gap bytes of padding, so that the data starts at a multiple of 256
//! items x data (data_len bytes each)
//! ```
//!
//! An `intgemm8` matrix that is logically `[k, n]` is stored as `[n, k]` row-major `i8`, followed by one `f32`: the
//! multiplier that was applied to the weights before rounding. `float32` matrices are stored `[k, n]`, not turned.
//! Embeddings are `[vocabulary, dim]` in both.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::bytes::{Bytes, Cursor, floats};
use crate::error::{Fault, damaged, unsupported};

/// The only version there is.
pub(crate) const VERSION: u64 = 1;
/// Marian's cache-line-and-page friendly alignment of the data.
pub(crate) const ALIGN: usize = 256;
/// Name of the item that carries the architecture as YAML text.
pub const CONFIG_ITEM: &str = "special:model.yml";

/// Type of an item. The numbers are Marian's (`src/common/types.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DType {
    /// Bytes, used for the YAML text.
    Int8,
    /// 32-bit floats.
    Float32,
    /// `i8` weights with one multiplier, independent of the processor.
    Intgemm8,
}

impl DType {
    /// Marian's code.
    pub(crate) fn code(self) -> u64 {
        match self {
            Self::Int8 => 0x0101,
            Self::Float32 => 0x0404,
            Self::Intgemm8 => 0x4101,
        }
    }

    fn from_code(code: u64, name: &str) -> Result<Self, Fault> {
        match code {
            0x0101 => Ok(Self::Int8),
            0x0404 => Ok(Self::Float32),
            0x4101 => Ok(Self::Intgemm8),
            0x4102 => Err(unsupported(format!(
                "tensor {name} is intgemm16; convert the model with --gemm-type intgemm8"
            ))),
            0x0402 => Err(unsupported(format!(
                "tensor {name} is float16; convert the model to float32 or intgemm8"
            ))),
            other if other & 0x0800 != 0 || other > 0x4102 => Err(unsupported(format!(
                "tensor {name} is packed for one processor family (type {other:#x}); convert the model with --gemm-type intgemm8"
            ))),
            other => Err(damaged(format!("tensor {name} has the unknown type {other:#x}"))),
        }
    }
}

/// One tensor of a container.
#[derive(Debug, Clone)]
pub struct Item {
    /// Parameter name, such as `encoder_l1_self_Wq`.
    pub name: String,
    /// Storage type.
    pub dtype: DType,
    /// Logical shape; for an `intgemm8` matrix the data is the transpose of it.
    pub shape: Vec<usize>,
    data: Range<usize>,
    elements: usize,
}

impl Item {
    /// Number of elements: the product of the shape.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// Where its first `len` bytes lie in the file; the directory was checked to hold all elements.
    pub(crate) fn place(&self, len: usize) -> Range<usize> {
        self.data.start..self.data.start + len
    }
}

/// A parsed container: the directory of items over the mapped bytes.
#[derive(Debug)]
pub struct Container {
    bytes: Arc<Bytes>,
    items: Vec<Item>,
    index: BTreeMap<String, usize>,
}

impl Container {
    /// Reads the directory and checks it against the length of the file.
    pub(crate) fn parse(bytes: Arc<Bytes>) -> Result<Self, Fault> {
        let items = directory(bytes.as_slice())?;
        let mut index = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            if index.insert(item.name.clone(), at).is_some() {
                return Err(damaged(format!("tensor {} appears twice", item.name)));
            }
        }
        Ok(Self { bytes, items, index })
    }

    /// Parses a container that is in memory.
    ///
    /// ```
    /// use cuba_nmt::format::{Container, NewItem, write};
    /// let bytes = write(&[NewItem::floats("bias", &[1, 2], &[0.5, -1.0])]);
    /// let container = Container::from_bytes(bytes, "model.bin").unwrap();
    /// assert_eq!(container.floats("bias"), Some(vec![0.5, -1.0]));
    /// assert!(Container::from_bytes(vec![9; 40], "model.bin").is_err());
    /// ```
    pub fn from_bytes(bytes: Vec<u8>, file: &str) -> Result<Self, crate::Error> {
        Self::parse(Arc::new(Bytes::Owned(bytes))).map_err(|fault| fault.of(file))
    }

    /// All items in file order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The item called `name`.
    pub fn get(&self, name: &str) -> Option<&Item> {
        self.index.get(name).and_then(|&at| self.items.get(at))
    }

    /// Data of an item, with the multiplier and padding that follow it.
    pub(crate) fn data(&self, item: &Item) -> &[u8] {
        self.bytes.as_slice().get(item.data.clone()).expect("ranges were checked when the directory was read")
    }

    /// The shared bytes, so that a matrix can live longer than the directory.
    pub(crate) fn shared(&self) -> Arc<Bytes> {
        Arc::clone(&self.bytes)
    }

    /// The floats of a `float32` item; `None` when there is no such item or it is of another type.
    pub fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let item = self.get(name).filter(|item| item.dtype == DType::Float32)?;
        Some(floats(self.data(item)).take(item.elements).collect())
    }

    /// The values of a tensor in the order they are stored: floats as they are, `intgemm8` weights divided by their
    /// multiplier. A stored `intgemm8` matrix other than an embedding is the transpose of its logical shape.
    pub fn values(&self, name: &str) -> Option<Vec<f32>> {
        let item = self.get(name)?;
        if item.dtype != DType::Intgemm8 {
            return self.floats(name);
        }
        let scale = 1.0 / self.multiplier(item)?;
        let stored = self.data(item).iter().take(item.elements);
        Some(stored.map(|&w| f32::from(w.cast_signed()) * scale).collect())
    }

    /// The multiplier behind the weights of an `intgemm8` item.
    pub(crate) fn multiplier(&self, item: &Item) -> Option<f32> {
        let tail = self.data(item).get(item.elements..)?;
        floats(tail.get(..4)?).next()
    }

    /// The architecture text.
    pub(crate) fn config_text(&self) -> Result<String, Fault> {
        let item = self.get(CONFIG_ITEM).ok_or_else(|| {
            unsupported(
                "it has no special:model.yml, so its architecture is unknown; convert it with marian-conv",
            )
        })?;
        let data = self.data(item);
        let text = data.split(|&b| b == 0).next().unwrap_or_default();
        String::from_utf8(text.to_vec()).map_err(|_| damaged("special:model.yml is not UTF-8 text"))
    }
}

struct Header {
    name_len: usize,
    code: u64,
    shape_len: usize,
    data_len: usize,
}

fn directory(bytes: &[u8]) -> Result<Vec<Item>, Fault> {
    let mut cursor = Cursor::new(bytes);
    let version = cursor.u64("the version")?;
    if version != VERSION {
        return Err(explain_version(version, bytes));
    }
    let count = cursor.size("the number of tensors")?;
    // 32 bytes of header each: a larger count is a lie, and must not make us reserve memory.
    if count == 0 || count > cursor.left() / 32 {
        return Err(damaged(format!("it claims {count} tensors in {} bytes", bytes.len())));
    }
    let mut headers = Vec::with_capacity(count);
    for _ in 0..count {
        headers.push(Header {
            name_len: cursor.size("a name length")?,
            code: cursor.u64("a type")?,
            shape_len: cursor.size("a shape length")?,
            data_len: cursor.size("a data length")?,
        });
    }
    let mut names = Vec::with_capacity(count);
    for header in &headers {
        let (raw, _) = cursor.take(header.name_len, "a tensor name")?;
        let raw = raw.split(|&b| b == 0).next().unwrap_or_default();
        names.push(String::from_utf8(raw.to_vec()).map_err(|_| damaged("a tensor name is not UTF-8"))?);
    }
    let mut shapes = Vec::with_capacity(count);
    for (header, name) in headers.iter().zip(&names) {
        shapes.push(shape(&mut cursor, header.shape_len, name)?);
    }
    let gap = cursor.size("the alignment gap")?;
    cursor.take(gap, "the alignment gap")?;
    let mut items = Vec::with_capacity(count);
    for ((header, name), shape) in headers.iter().zip(names).zip(shapes) {
        items.push(item(&mut cursor, header, name, shape)?);
    }
    Ok(items)
}

fn shape(cursor: &mut Cursor<'_>, len: usize, name: &str) -> Result<Vec<usize>, Fault> {
    if len > 8 {
        return Err(damaged(format!("tensor {name} has {len} dimensions")));
    }
    (0..len)
        .map(|_| {
            let dim = cursor.i32("a dimension")?;
            usize::try_from(dim)
                .ok()
                .filter(|&dim| dim > 0)
                .ok_or_else(|| damaged(format!("tensor {name} has a dimension of {dim}")))
        })
        .collect()
}

fn item(cursor: &mut Cursor<'_>, header: &Header, name: String, shape: Vec<usize>) -> Result<Item, Fault> {
    let dtype = DType::from_code(header.code, &name)?;
    let elements = shape
        .iter()
        .try_fold(1usize, |n, &dim| n.checked_mul(dim))
        .ok_or_else(|| damaged(format!("the shape of tensor {name} overflows")))?;
    let need = match dtype {
        DType::Int8 => Some(elements),
        DType::Float32 => elements.checked_mul(4),
        DType::Intgemm8 => elements.checked_add(4),
    };
    if need.is_none_or(|need| need > header.data_len) {
        return Err(damaged(format!(
            "tensor {name} of shape {shape:?} has only {} bytes of data",
            header.data_len
        )));
    }
    let (_, data) = cursor.take(header.data_len, &format!("tensor {name}"))?;
    Ok(Item { name, dtype, shape, data, elements })
}

/// The first eight bytes are wrong: say what the file is instead, where that is plain.
fn explain_version(version: u64, bytes: &[u8]) -> Fault {
    if bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\x28\xb5\x2f\xfd") {
        return unsupported("it is still compressed (gzip or zstd); unpack it first");
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return unsupported("it is a zip or .npz archive; convert the model with marian-conv to .bin");
    }
    if bytes.starts_with(b"<") {
        return damaged("it is a web page, not a model: the download went wrong");
    }
    if bytes.iter().all(|&b| b == 0) {
        return damaged("it is empty or all zeros: the copy went wrong");
    }
    damaged(format!("it does not begin like a Marian .bin model (version {version:#x}, expected 1)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{NewItem, write};

    fn parse(bytes: Vec<u8>) -> Result<Container, Fault> {
        Container::parse(Arc::new(Bytes::Owned(bytes)))
    }

    fn sample() -> Vec<u8> {
        write(&[
            NewItem::int8("W", &[2, 3], &[1, 2, 3, -4, -5, -6], 0.5),
            NewItem::floats("b", &[1, 3], &[1.0, 2.0, 3.0]),
            NewItem::text(CONFIG_ITEM, "dim-emb: 2\n"),
        ])
    }

    #[test]
    fn what_is_written_is_read() {
        let model = parse(sample()).unwrap();
        let w = model.get("W").unwrap();
        assert_eq!((w.dtype, w.shape.as_slice(), w.elements()), (DType::Intgemm8, &[2, 3][..], 6));
        assert_eq!(model.multiplier(w), Some(0.5));
        assert_eq!(w.place(6).start % ALIGN, 0);
        assert_eq!(model.floats("b").unwrap(), [1.0, 2.0, 3.0]);
        assert_eq!(model.floats("W"), None);
        assert_eq!(model.config_text().unwrap(), "dim-emb: 2\n");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = sample();
        for len in 0..whole.len() {
            assert!(parse(whole[..len].to_vec()).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn other_kinds_of_file_are_named() {
        for (bytes, word) in [
            (&b"\x1f\x8b\x08\0\0\0\0\0\0\0"[..], "gzip"),
            (b"PK\x03\x04aaaaaaaaaaaa", ".npz"),
            (b"<html><body>404 not found", "web page"),
            (&[0u8; 64], "zeros"),
        ] {
            let Err(Fault::Damaged(why) | Fault::Unsupported(why)) = parse(bytes.to_vec()) else {
                panic!("must fail")
            };
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn huge_counts_reserve_nothing() {
        let mut bytes = sample();
        bytes[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(parse(bytes), Err(Fault::Damaged(_))));
        let mut bytes = sample();
        bytes[16..24].copy_from_slice(&(u64::MAX - 3).to_le_bytes());
        assert!(matches!(parse(bytes), Err(Fault::Damaged(_))));
    }

    #[test]
    fn packed_weights_are_refused_by_name() {
        let mut bytes = sample();
        bytes[24..32].copy_from_slice(&0x1802u64.to_le_bytes());
        let Err(Fault::Unsupported(why)) = parse(bytes) else { panic!("must be unsupported") };
        assert!(why.contains("tensor W"), "{why}");
    }
}
