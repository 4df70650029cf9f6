//! Text normalisation as SentencePiece does it, run from the trie inside the vocabulary file.
//!
//! The `precompiled_charsmap` is a darts-clone double array whose keys are UTF-8 sequences and whose values are
//! offsets of NUL-terminated replacements. Running it, instead of Unicode code of our own, is what makes the tokens
//! equal to those the model was trained with: NFKC has changed between Unicode versions, the trie has not.

use super::SPACE;
use super::proto::SpmFile;
use super::trie::Trie;
use crate::error::{Fault, damaged};

/// Normalised text, with the place in the source where each byte of it comes from.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Normalized {
    pub(crate) text: String,
    /// `origins[i]`: byte offset in the source of byte `i`; one more entry than bytes, the last being the end.
    pub(crate) origins: Vec<usize>,
}

/// The rules of one vocabulary.
#[derive(Debug)]
pub(crate) struct Normalizer {
    units: Vec<u32>,
    replacements: Vec<u8>,
    add_dummy_prefix: bool,
    remove_extra: bool,
    escape: bool,
}

impl Normalizer {
    pub(crate) fn new(file: &SpmFile) -> Result<Self, Fault> {
        let (units, replacements) = split_charsmap(&file.charsmap)?;
        Ok(Self {
            units,
            replacements,
            add_dummy_prefix: file.add_dummy_prefix,
            remove_extra: file.remove_extra_whitespaces,
            escape: file.escape_whitespaces,
        })
    }

    /// Whether decoding drops the space at the start.
    pub(crate) fn strips_first_space(&self) -> (bool, bool) {
        (self.add_dummy_prefix || self.remove_extra, self.remove_extra)
    }

    fn space(&self) -> &'static str {
        if self.escape { SPACE } else { " " }
    }

    /// Normalises `text`. `user_defined` pieces pass unchanged.
    pub(crate) fn normalize(&self, text: &str, user_defined: Option<&Trie>) -> Normalized {
        let mut out = Normalized::default();
        let mut at = 0;
        let next = |at: usize| self.prefix(text.get(at..).unwrap_or_default(), user_defined);
        if self.remove_extra {
            while at < text.len() {
                let (piece, len) = next(at);
                if piece != " " {
                    break;
                }
                at += len;
            }
        }
        if at >= text.len() {
            return out;
        }
        if self.add_dummy_prefix {
            out.push(self.space(), at);
        }
        let mut after_space = self.remove_extra;
        while at < text.len() {
            let (mut piece, len) = next(at);
            if after_space {
                piece = piece.trim_start_matches(' ');
            }
            for (n, part) in piece.split(' ').enumerate() {
                if n > 0 {
                    out.push(self.space(), at);
                }
                out.push(part, at);
            }
            if !piece.is_empty() {
                after_space = piece.ends_with(' ');
            }
            at += len;
            if !self.remove_extra {
                after_space = false;
            }
        }
        let mut end = at;
        if self.remove_extra {
            while let Some(rest) = out.text.strip_suffix(self.space()) {
                let len = rest.len();
                end = out.origins.get(len).copied().unwrap_or(end);
                out.text.truncate(len);
                out.origins.truncate(len);
            }
        }
        out.origins.push(end);
        out
    }

    /// The replacement at the start of `rest`, and how many bytes of `rest` it stands for (at least 1).
    fn prefix<'a>(&'a self, rest: &'a str, user_defined: Option<&Trie>) -> (&'a str, usize) {
        if let Some(len) = user_defined.and_then(|trie| trie.longest(rest.as_bytes())) {
            return (rest.get(..len).unwrap_or(rest), len);
        }
        if let Some((value, len)) = self.longest(rest.as_bytes()) {
            let tail = self.replacements.get(value..).unwrap_or_default();
            let raw = tail.split(|&b| b == 0).next().unwrap_or_default();
            if let Ok(piece) = std::str::from_utf8(raw) {
                return (piece, len);
            }
        }
        let len = rest.chars().next().map_or(1, char::len_utf8);
        (rest.get(..len).unwrap_or(rest), len)
    }

    /// Longest key of the double array that starts `key`: its value and length. The key must end between characters.
    fn longest(&self, key: &[u8]) -> Option<(usize, usize)> {
        let offset = |unit: u32| ((unit >> 10) << ((unit & 0x200) >> 6)) as usize;
        let mut node = offset(*self.units.first()?);
        let mut best = None;
        for (at, &byte) in key.iter().enumerate() {
            node ^= byte as usize;
            let Some(&unit) = self.units.get(node) else { break };
            if unit & 0x8000_00ff != u32::from(byte) {
                break;
            }
            node ^= offset(unit);
            if (unit >> 8) & 1 == 1 {
                let boundary = key.get(at + 1).is_none_or(|&next| next & 0xc0 != 0x80);
                if let Some(&leaf) = self.units.get(node).filter(|_| boundary) {
                    best = Some(((leaf & 0x7fff_ffff) as usize, at + 1));
                }
            }
        }
        best
    }
}

impl Normalized {
    fn push(&mut self, text: &str, origin: usize) {
        self.text.push_str(text);
        self.origins.resize(self.text.len(), origin);
    }
}

fn split_charsmap(map: &[u8]) -> Result<(Vec<u32>, Vec<u8>), Fault> {
    if map.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let wrong = || damaged("its precompiled_charsmap is cut or of another kind");
    let (size, rest) = map.split_first_chunk::<4>().ok_or_else(wrong)?;
    let size = u32::from_le_bytes(*size) as usize;
    if size == 0 || !size.is_multiple_of(4) || size > rest.len() {
        return Err(wrong());
    }
    let (trie, replacements) = rest.split_at_checked(size).ok_or_else(wrong)?;
    if replacements.last().is_some_and(|&b| b != 0) {
        return Err(wrong());
    }
    let units =
        trie.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("chunks of 4"))).collect();
    Ok((units, replacements.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Normalizer {
        Normalizer::new(&SpmFile::default()).unwrap()
    }

    #[test]
    fn spaces_become_marks_and_are_not_repeated() {
        let n = plain().normalize("  a  b ", None);
        assert_eq!(n.text, "\u{2581}a\u{2581}b");
        assert_eq!(n.origins, [2, 2, 2, 2, 3, 3, 3, 5, 6]);
        assert_eq!(plain().normalize("   ", None), Normalized::default());
        assert_eq!(plain().normalize("", None), Normalized::default());
    }

    #[test]
    fn a_cut_charsmap_is_an_error() {
        for map in [vec![1], vec![8, 0, 0, 0, 1, 2, 3, 4], vec![4, 0, 0, 0, 1, 2, 3, 4, b'x']] {
            assert!(Normalizer::new(&SpmFile { charsmap: map, ..SpmFile::default() }).is_err());
        }
    }
}
