//! Writes Marian containers: for tests, for the training tools and for models of random weights in benches.

use super::container::{ALIGN, Container, DType, Item, VERSION};

/// One tensor to write.
#[derive(Debug, Clone)]
pub struct NewItem {
    name: String,
    dtype: DType,
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl NewItem {
    /// A `float32` tensor, row-major in its logical shape.
    pub fn floats(name: &str, shape: &[usize], values: &[f32]) -> Self {
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { name: name.to_owned(), dtype: DType::Float32, shape: shape.to_vec(), data }
    }

    /// An `intgemm8` tensor: `weights` as they are stored (transposed for `[k, n]` matrices, as they are for
    /// embeddings), each the rounded product of the true weight and `multiplier`.
    pub fn int8(name: &str, shape: &[usize], weights: &[i8], multiplier: f32) -> Self {
        let mut data: Vec<u8> = weights.iter().map(|&w| w.cast_unsigned()).collect();
        data.extend(multiplier.to_le_bytes());
        Self { name: name.to_owned(), dtype: DType::Intgemm8, shape: shape.to_vec(), data }
    }

    /// A tensor of another container, byte for byte.
    pub fn copy(container: &Container, item: &Item) -> Self {
        let data = container.data(item).to_vec();
        Self { name: item.name.clone(), dtype: item.dtype, shape: item.shape.clone(), data }
    }

    /// A text item, such as `special:model.yml`.
    pub fn text(name: &str, text: &str) -> Self {
        let mut data = text.as_bytes().to_vec();
        data.push(0);
        Self { name: name.to_owned(), dtype: DType::Int8, shape: vec![data.len()], data }
    }
}

/// The bytes of a container with these items, each at a multiple of 256 as Marian lays them out, so that mapped
/// matrices start on a cache line.
///
/// ```
/// use cuba_nmt::format::{NewItem, write};
/// let bytes = write(&[NewItem::floats("bias", &[1, 2], &[0.5, -1.0])]);
/// assert_eq!(bytes.len() % 256, 0);
/// ```
pub fn write(items: &[NewItem]) -> Vec<u8> {
    let mut out = Vec::new();
    let word = |out: &mut Vec<u8>, value: usize| out.extend((value as u64).to_le_bytes());
    out.extend(VERSION.to_le_bytes());
    word(&mut out, items.len());
    for item in items {
        word(&mut out, item.name.len() + 1);
        out.extend(item.dtype.code().to_le_bytes());
        word(&mut out, item.shape.len());
        word(&mut out, item.data.len().next_multiple_of(ALIGN));
    }
    for item in items {
        out.extend(item.name.as_bytes());
        out.push(0);
    }
    for item in items {
        for &dim in &item.shape {
            out.extend((dim as i32).to_le_bytes());
        }
    }
    let gap = (out.len() + 8).next_multiple_of(ALIGN) - (out.len() + 8);
    word(&mut out, gap);
    out.resize(out.len() + gap, 0);
    for item in items {
        out.extend(&item.data);
        out.resize(out.len().next_multiple_of(ALIGN), 0);
    }
    out
}
