//! The lexical shortlist of Bergamot models (`lex.50.50.*.s2t.bin`; marian-dev `src/data/shortlist.cpp`).
//!
//! ```text
//! u64 magic | u64 checksum | u64 first | u64 best | u64 offsets | u64 targets
//! offsets x u64   where the translations of each source piece begin
//! targets x u32   target pieces
//! ```
//!
//! A sentence may then only use the `first` most frequent target pieces and the translations of its own pieces. It
//! saves most of the output projection, and starves whatever the list has never seen: ALL CAPS, numbers, names.
//! Therefore it is off unless asked for, and dropped for short or odd input (see `crate::search`).

use std::collections::BTreeSet;
use std::ops::Range;

use super::bytes::{Bytes, Cursor};
use crate::error::{Fault, damaged};

const MAGIC: u64 = 0xF11A_48D5_0134_17F5;
const HEADER: usize = 48;

/// A shortlist over mapped bytes.
#[derive(Debug)]
pub(crate) struct Shortlist {
    bytes: Bytes,
    first: u32,
    offsets: Range<usize>,
    targets: Range<usize>,
}

impl Shortlist {
    /// Checks every offset and every target once, so that reading later cannot fail.
    ///
    /// `source` and `target` are the sizes of the vocabularies it must fit.
    pub(crate) fn parse(bytes: Bytes, source: usize, target: usize) -> Result<Self, Fault> {
        let all = bytes.as_slice();
        let mut cursor = Cursor::new(all);
        if cursor.u64("the magic number")? != MAGIC {
            return Err(damaged("it does not begin like a binary lexical shortlist"));
        }
        cursor.u64("the checksum")?;
        let first = cursor.size("the number of frequent words")?;
        cursor.size("the number of translations a word")?;
        let offset_count = cursor.size("the number of offsets")?;
        let target_count = cursor.size("the number of targets")?;
        let bytes_of = |count: usize, size: usize| count.saturating_mul(size);
        let (_, offsets) = cursor.take(bytes_of(offset_count, 8), "the offsets")?;
        let (_, targets) = cursor.take(bytes_of(target_count, 4), "the targets")?;
        if first > target {
            return Err(damaged(format!("it keeps {first} frequent words, but the vocabulary has {target}")));
        }
        if offset_count > source + 1 {
            return Err(damaged(format!(
                "it lists {offset_count} source words, but the vocabulary has {source}"
            )));
        }
        let list = Self { bytes, first: first as u32, offsets, targets };
        let mut last = 0;
        for word in 0..offset_count {
            let offset = list.offset(word).unwrap_or_default();
            if offset < last || offset > target_count as u64 {
                return Err(damaged(format!("the translations of word {word} lie outside the file")));
            }
            last = offset;
        }
        if let Some(bad) = list.slice(0, target_count as u64).find(|&t| t as usize >= target) {
            return Err(damaged(format!("it names word {bad}, but the vocabulary has {target}")));
        }
        Ok(list)
    }

    fn offset(&self, word: usize) -> Option<u64> {
        let table = self.bytes.as_slice().get(self.offsets.clone())?;
        let start = word.checked_mul(8)?;
        table.get(start..start.checked_add(8)?).map(|b| u64::from_le_bytes(b.try_into().expect("8 bytes")))
    }

    fn slice(&self, from: u64, to: u64) -> impl Iterator<Item = u32> + '_ {
        let table = self.bytes.as_slice().get(self.targets.clone()).unwrap_or_default();
        let range = (from as usize).saturating_mul(4)..(to as usize).saturating_mul(4);
        let bytes = table.get(range).unwrap_or_default();
        bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("chunks of 4")))
    }

    /// Sorted target pieces allowed for these source pieces: the frequent ones, the translations, the pieces
    /// themselves where both sides share a vocabulary, and as many more as make a multiple of 8.
    pub(crate) fn candidates(&self, source: &[u32], shared: bool, target: usize) -> Vec<u32> {
        let mut set: BTreeSet<u32> = (0..self.first).collect();
        for &piece in source {
            if shared {
                set.insert(piece);
            }
            if let (Some(from), Some(to)) = (self.offset(piece as usize), self.offset(piece as usize + 1)) {
                set.extend(self.slice(from, to));
            }
        }
        let mut next = self.first;
        while !set.len().is_multiple_of(8) && (next as usize) < target {
            set.insert(next);
            next += 1;
        }
        set.into_iter().collect()
    }
}

/// The bytes of a shortlist: `translations[s]` are the target pieces of source piece `s`. The checksum field is left
/// zero; Marian computes one over the lists, and readers differ in whether they look at it.
pub fn write_shortlist(first: u32, translations: &[Vec<u32>]) -> Vec<u8> {
    let targets: usize = translations.iter().map(Vec::len).sum();
    let mut out = Vec::with_capacity(HEADER + 8 * translations.len() + 4 * targets);
    for word in [MAGIC, 0, u64::from(first), u64::from(first), translations.len() as u64 + 1, targets as u64]
    {
        out.extend(word.to_le_bytes());
    }
    let mut at = 0u64;
    out.extend(at.to_le_bytes());
    for list in translations {
        at += list.len() as u64;
        out.extend(at.to_le_bytes());
    }
    for target in translations.iter().flatten() {
        out.extend(target.to_le_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        write_shortlist(2, &[vec![], vec![10, 12], vec![3]])
    }

    #[test]
    fn candidates_are_frequent_own_and_translated() {
        let list = Shortlist::parse(Bytes::Owned(sample()), 3, 20).unwrap();
        assert_eq!(list.candidates(&[1, 2], true, 20), [0, 1, 2, 3, 4, 5, 10, 12]);
        assert_eq!(list.candidates(&[1], false, 20), [0, 1, 2, 3, 4, 5, 10, 12]);
        assert_eq!(list.candidates(&[7000], false, 20).len(), 8);
    }

    #[test]
    fn a_list_of_another_model_is_named() {
        assert!(Shortlist::parse(Bytes::Owned(sample()), 3, 12).is_err());
        assert!(Shortlist::parse(Bytes::Owned(sample()), 1, 20).is_err());
        assert!(Shortlist::parse(Bytes::Owned(write_shortlist(30, &[])), 3, 20).is_err());
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = sample();
        for len in 0..whole.len() {
            assert!(Shortlist::parse(Bytes::Owned(whole[..len].to_vec()), 3, 20).is_err(), "cut at {len}");
        }
    }
}
