//! SentencePiece vocabularies: text to token numbers, with places in the source, and back.

mod normalizer;
mod proto;
mod segment;
mod trie;

use std::ops::Range;
use std::path::Path;

use normalizer::Normalizer;
pub use proto::{Algorithm, PieceKind, SpmFile};
use trie::Trie;

use crate::error::{Error, Fault, damaged, io, unsupported};

/// What SentencePiece writes for a space (U+2581).
pub(crate) const SPACE: &str = "\u{2581}";

/// A token and the bytes of the source text it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Number in the vocabulary.
    pub id: u32,
    /// Byte range in the text that was encoded; always on character boundaries, never overlapping backwards.
    pub range: Range<usize>,
}

/// A vocabulary, ready to encode and decode.
#[derive(Debug)]
pub struct Vocab {
    /// All pieces in one string; `ends[i]` is where piece `i` ends.
    text: String,
    ends: Vec<u32>,
    scores: Vec<f32>,
    kinds: Vec<PieceKind>,
    trie: Trie,
    user_defined: Option<Trie>,
    bytes: Option<Box<[u32; 256]>>,
    normalizer: Normalizer,
    algorithm: Algorithm,
    unk_surface: String,
    eos: u32,
    unk: u32,
    min_score: f32,
    max_score: f32,
}

impl Vocab {
    /// Reads a `.spm` file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|e| io(path, e))?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Reads a `.spm` file that is in memory; `file` is its name for errors.
    ///
    /// ```
    /// use cuba_nmt::vocab::Vocab;
    /// assert!(Vocab::from_bytes(b"not a vocabulary", "vocab.spm").is_err());
    /// ```
    pub fn from_bytes(bytes: &[u8], file: &str) -> Result<Self, Error> {
        SpmFile::parse(bytes).and_then(|spm| Self::new(&spm)).map_err(|fault| fault.of(file))
    }

    fn new(file: &SpmFile) -> Result<Self, Fault> {
        if file.pieces.is_empty() {
            return Err(damaged("it has no pieces; is it a SentencePiece .spm file?"));
        }
        if file.pieces.len() > 1 << 20 {
            return Err(unsupported(format!("it has {} pieces", file.pieces.len())));
        }
        if file.whitespace_suffix {
            return Err(unsupported("it puts spaces behind words (treat_whitespace_as_suffix)"));
        }
        if file.algorithm == Algorithm::Bpe && file.pieces.iter().any(|p| p.2 == PieceKind::Unused) {
            return Err(unsupported("it is a BPE vocabulary with unused pieces"));
        }
        let find = |what: &str, wanted: &dyn Fn(&(String, f32, PieceKind)) -> bool| {
            let id = file.pieces.iter().position(wanted).map(|id| id as u32);
            id.ok_or_else(|| damaged(format!("it has no {what} piece")))
        };
        let eos = find(&file.eos_piece, &|p| p.2 == PieceKind::Control && p.0 == file.eos_piece)?;
        let unk = find("unknown", &|p| p.2 == PieceKind::Unknown)?;
        refuse_twins(file)?;
        let is_text = |kind| matches!(kind, PieceKind::Normal | PieceKind::UserDefined | PieceKind::Unused);
        let keys = |keep: &dyn Fn(PieceKind) -> bool| -> Vec<(&[u8], u32)> {
            let numbered = file.pieces.iter().zip(0u32..).filter(|(piece, _)| keep(piece.2));
            numbered.map(|(piece, id)| (piece.0.as_bytes(), id)).collect()
        };
        let own = keys(&|kind| kind == PieceKind::UserDefined);
        let normal = || file.pieces.iter().filter(|p| p.2 == PieceKind::Normal).map(|p| p.1);
        let mut ends = Vec::with_capacity(file.pieces.len());
        let mut text = String::new();
        for piece in &file.pieces {
            text.push_str(&piece.0);
            ends.push(
                u32::try_from(text.len())
                    .map_err(|_| unsupported("its pieces are more than 4 GB of text"))?,
            );
        }
        Ok(Self {
            trie: Trie::new(&keys(&is_text)),
            user_defined: (!own.is_empty()).then(|| Trie::new(&own)),
            bytes: byte_pieces(file)?,
            normalizer: Normalizer::new(file)?,
            algorithm: file.algorithm,
            unk_surface: file.unk_surface.clone(),
            scores: file.pieces.iter().map(|p| p.1).collect(),
            kinds: file.pieces.iter().map(|p| p.2).collect(),
            min_score: normal().reduce(f32::min).unwrap_or(0.0),
            max_score: normal().reduce(f32::max).unwrap_or(0.0),
            text,
            ends,
            eos,
            unk,
        })
    }

    /// Number of pieces.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no pieces; never true for a vocabulary that was opened.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The end-of-sentence token.
    pub fn eos(&self) -> u32 {
        self.eos
    }

    /// The unknown token.
    pub fn unk(&self) -> u32 {
        self.unk
    }

    /// The text of a piece, with `▁` for spaces; empty for a number that is out of range.
    pub fn piece(&self, id: u32) -> &str {
        let id = id as usize;
        let start = id.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let (Some(start), Some(&end)) = (start, self.ends.get(id)) else { return "" };
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// What kind of piece it is; out of range counts as unused.
    pub fn kind(&self, id: u32) -> PieceKind {
        self.kinds.get(id as usize).copied().unwrap_or(PieceKind::Unused)
    }

    fn score(&self, id: u32) -> f32 {
        self.scores.get(id as usize).copied().unwrap_or_default()
    }

    /// Tokens of `text` without the end of sentence, each with its place in `text`.
    ///
    /// A character no piece covers becomes its bytes where the vocabulary has byte pieces (each with the place of
    /// the whole character), and the unknown token where it has none.
    pub fn encode(&self, text: &str) -> Vec<Token> {
        let normalized = self.normalizer.normalize(text, self.user_defined.as_ref());
        let cut = match self.algorithm {
            Algorithm::Unigram => segment::unigram(self, &normalized.text),
            Algorithm::Bpe => segment::bpe(self, &normalized.text),
        };
        let origin = |at: usize| normalized.origins.get(at).copied().unwrap_or(text.len());
        let mut tokens: Vec<Token> = Vec::with_capacity(cut.len() + 4);
        for (id, place) in cut {
            let range = origin(place.start)..origin(place.end);
            match (id == self.unk, &self.bytes) {
                (false, _) => tokens.push(Token { id, range }),
                (true, Some(table)) => {
                    let raw = normalized.text.as_bytes().get(place).unwrap_or_default();
                    let ids = raw.iter().filter_map(|&b| table.get(b as usize));
                    tokens.extend(ids.map(|&id| Token { id, range: range.clone() }));
                }
                (true, None) => match tokens.last_mut().filter(|last| last.id == self.unk) {
                    Some(last) => last.range.end = range.end,
                    None => tokens.push(Token { id, range }),
                },
            }
        }
        tokens
    }

    /// Token numbers of `text` without the end of sentence.
    pub fn ids(&self, text: &str) -> Vec<u32> {
        self.encode(text).into_iter().map(|token| token.id).collect()
    }

    /// Whether a character has pieces of its own, after the vocabulary's normalisation: no unknown token, no raw bytes.
    pub fn covers(&self, c: char) -> bool {
        self.ids(c.encode_utf8(&mut [0; 4]))
            .into_iter()
            .all(|id| id != self.unk && self.kind(id) != PieceKind::Byte)
    }

    /// Token numbers of `text` as it would stand inside a word: without the space that starts a sentence.
    pub(crate) fn ids_inside(&self, text: &str) -> Vec<u32> {
        let normalized = self.normalizer.normalize(text, self.user_defined.as_ref()).text;
        let inside = normalized.strip_prefix(SPACE).unwrap_or(&normalized);
        let cut = match self.algorithm {
            Algorithm::Unigram => segment::unigram(self, inside),
            Algorithm::Bpe => segment::bpe(self, inside),
        };
        let expand = |(id, place): (u32, Range<usize>)| match &self.bytes {
            Some(table) if id == self.unk => {
                let raw = inside.as_bytes().get(place).unwrap_or_default();
                raw.iter().filter_map(|&b| table.get(b as usize).copied()).collect()
            }
            _ => vec![id],
        };
        cut.into_iter().flat_map(expand).collect()
    }

    /// Text of the tokens. Control tokens are nothing, bytes are joined, broken bytes become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.decode_ranges(ids).0
    }

    /// Text of the tokens and the byte range of it that each token made. The bytes of one character each carry the
    /// range of the whole character.
    pub fn decode_ranges(&self, ids: &[u32]) -> (String, Vec<Range<usize>>) {
        let (strips, strips_all) = self.normalizer.strips_first_space();
        let mut text = String::new();
        let mut ranges: Vec<Range<usize>> = Vec::with_capacity(ids.len());
        let mut run: Vec<u8> = Vec::new();
        let mut stripped = false;
        for &id in ids {
            if let Some(byte) = self.byte(id) {
                run.push(byte);
                continue;
            }
            flush(&mut run, &mut text, &mut ranges);
            let start = text.len();
            match self.kind(id) {
                PieceKind::Control | PieceKind::Unused => {}
                PieceKind::Unknown => text.push_str(&self.unk_surface),
                _ => {
                    let mut piece = self.piece(id);
                    if strips
                        && text.is_empty()
                        && !stripped
                        && let Some(rest) = piece.strip_prefix(SPACE)
                    {
                        piece = rest;
                        stripped = !strips_all;
                    }
                    for (n, part) in piece.split(SPACE).enumerate() {
                        if n > 0 {
                            text.push(' ');
                        }
                        text.push_str(part);
                    }
                }
            }
            ranges.push(start..text.len());
        }
        flush(&mut run, &mut text, &mut ranges);
        (text, ranges)
    }

    /// The byte a byte token stands for.
    pub(crate) fn byte(&self, id: u32) -> Option<u8> {
        (self.kind(id) == PieceKind::Byte).then(|| byte_value(self.piece(id))).flatten()
    }
}

/// Turns a run of byte tokens into text: valid sequences into characters, each other byte into U+FFFD.
fn flush(run: &mut Vec<u8>, text: &mut String, ranges: &mut Vec<Range<usize>>) {
    let mut rest = run.as_slice();
    while !rest.is_empty() {
        let (len, valid) = first_char(rest);
        let start = text.len();
        match valid {
            Some(c) => text.push(c),
            None => text.push('\u{fffd}'),
        }
        ranges.extend(std::iter::repeat_n(start..text.len(), len));
        rest = rest.get(len..).unwrap_or_default();
    }
    run.clear();
}

fn first_char(bytes: &[u8]) -> (usize, Option<char>) {
    for len in 1..=bytes.len().min(4) {
        let c = bytes.get(..len).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next());
        if c.is_some() {
            return (len, c);
        }
    }
    (1, None)
}

fn byte_value(piece: &str) -> Option<u8> {
    let hex = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 2)
}

fn byte_pieces(file: &SpmFile) -> Result<Option<Box<[u32; 256]>>, Fault> {
    let mut table = [None; 256];
    for (piece, id) in file.pieces.iter().zip(0u32..) {
        if piece.2 == PieceKind::Byte {
            let byte = byte_value(&piece.0).ok_or_else(|| damaged(format!("piece {id} is no byte")))?;
            if let Some(slot) = table.get_mut(byte as usize) {
                *slot = Some(id);
            }
        }
    }
    if !file.byte_fallback {
        return Ok(None);
    }
    let mut all = Box::new([0; 256]);
    for (slot, id) in all.iter_mut().zip(table) {
        *slot =
            id.ok_or_else(|| damaged("it promises byte_fallback but lacks some of the 256 byte pieces"))?;
    }
    Ok(Some(all))
}

fn refuse_twins(file: &SpmFile) -> Result<(), Fault> {
    let mut sorted: Vec<&str> = file.pieces.iter().map(|piece| piece.0.as_str()).collect();
    sorted.sort_unstable();
    let twins = sorted.windows(2).any(|pair| pair.first() == pair.last());
    if twins { Err(damaged("two of its pieces are the same")) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
