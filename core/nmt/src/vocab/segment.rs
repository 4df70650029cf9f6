//! Cutting normalised text into pieces: Viterbi for unigram models, ordered merges for BPE
//! (google/sentencepiece `src/unigram_model.cc`, `src/bpe_model.cc`).

use std::collections::BinaryHeap;
use std::ops::Range;

use super::{PieceKind, Vocab};

/// Below every piece, so that the unknown only wins where nothing covers a character.
const UNKNOWN_PENALTY: f32 = 10.0;

#[derive(Clone, Copy)]
struct Best {
    score: f32,
    start: usize,
    piece: u32,
}

const UNREACHED: usize = usize::MAX;

fn char_len(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
}

/// Best path through all pieces. Each result covers its byte range of `text`, in order, without gaps.
pub(super) fn unigram(vocab: &Vocab, text: &str) -> Vec<(u32, Range<usize>)> {
    let size = text.len();
    let bytes = text.as_bytes();
    let unknown = vocab.min_score - UNKNOWN_PENALTY;
    let mut best = vec![Best { score: 0.0, start: UNREACHED, piece: vocab.unk }; size + 1];
    // The reference adds in double and keeps single precision: ties fall the same way only if we do so too.
    let relax = |best: &mut Vec<Best>, from: usize, to: usize, score: f64, piece: u32| {
        let here = best.get(from).map_or(0.0, |b| b.score);
        let candidate = score + f64::from(here);
        if let Some(target) = best.get_mut(to)
            && (target.start == UNREACHED || candidate > f64::from(target.score))
        {
            *target = Best { score: candidate as f32, start: from, piece };
        }
    };
    let mut start = 0;
    while start < size {
        let one = char_len(text, start);
        let mut covered = false;
        let mut walk = vocab.trie.walk();
        for (at, &byte) in bytes.iter().enumerate().skip(start) {
            if !walk.step(byte) {
                break;
            }
            let Some(piece) = walk.piece() else { continue };
            let length = at + 1 - start;
            let score = match vocab.kind(piece) {
                PieceKind::Unused => continue,
                PieceKind::UserDefined => f64::from(length as f32 * vocab.max_score) - 0.1,
                _ => f64::from(vocab.score(piece)),
            };
            relax(&mut best, start, at + 1, score, piece);
            covered |= length == one;
        }
        if !covered {
            relax(&mut best, start, start + one, f64::from(unknown), vocab.unk);
        }
        start += one;
    }
    let mut pieces = Vec::new();
    let mut end = size;
    while end > 0 {
        let Some(step) = best.get(end).filter(|b| b.start != UNREACHED) else { break };
        pieces.push((step.piece, step.start..end));
        end = step.start;
    }
    pieces.reverse();
    pieces
}

#[derive(PartialEq)]
struct Merge {
    score: f32,
    left: usize,
    right: usize,
    length: usize,
}

impl Eq for Merge {}

impl Ord for Merge {
    /// Best score first; of equal ones the leftmost.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Merge {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

struct Symbol {
    range: Range<usize>,
    previous: Option<usize>,
    next: Option<usize>,
    /// User-defined: never merged with a neighbour.
    frozen: bool,
}

/// Merges neighbours in the order of the scores of what they make.
pub(super) fn bpe(vocab: &Vocab, text: &str) -> Vec<(u32, Range<usize>)> {
    let mut symbols: Vec<Symbol> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let own = vocab.user_defined.as_ref().and_then(|trie| trie.longest(rest));
        let len = own.unwrap_or_else(|| char_len(text, at));
        let index = symbols.len();
        symbols.push(Symbol {
            range: at..at + len,
            previous: index.checked_sub(1),
            next: (at + len < text.len()).then_some(index + 1),
            frozen: own.is_some(),
        });
        at += len;
    }
    let mut agenda = BinaryHeap::new();
    for left in 0..symbols.len() {
        propose(vocab, text, &symbols, left, &mut agenda);
    }
    while let Some(merge) = agenda.pop() {
        let (Some(left), Some(right)) = (symbols.get(merge.left), symbols.get(merge.right)) else { continue };
        let stale = left.range.is_empty()
            || right.range.is_empty()
            || left.next != Some(merge.right)
            || left.range.len() + right.range.len() != merge.length;
        if stale {
            continue;
        }
        let (end, next, previous) = (right.range.end, right.next, left.previous);
        if let Some(right) = symbols.get_mut(merge.right) {
            right.range = 0..0;
        }
        if let Some(left) = symbols.get_mut(merge.left) {
            left.range.end = end;
            left.next = next;
        }
        if let Some(after) = next.and_then(|n| symbols.get_mut(n)) {
            after.previous = Some(merge.left);
        }
        if let Some(previous) = previous {
            propose(vocab, text, &symbols, previous, &mut agenda);
        }
        propose(vocab, text, &symbols, merge.left, &mut agenda);
    }
    let name = |range: &Range<usize>| {
        let piece = text.get(range.clone()).and_then(|t| vocab.trie.get(t.as_bytes()));
        piece.unwrap_or(vocab.unk)
    };
    symbols.iter().filter(|s| !s.range.is_empty()).map(|s| (name(&s.range), s.range.clone())).collect()
}

fn propose(vocab: &Vocab, text: &str, symbols: &[Symbol], left: usize, agenda: &mut BinaryHeap<Merge>) {
    let Some(a) = symbols.get(left) else { return };
    let Some((right, b)) = a.next.and_then(|n| symbols.get(n).map(|s| (n, s))) else { return };
    if a.frozen || b.frozen {
        return;
    }
    let joined = text.get(a.range.start..b.range.end).and_then(|t| vocab.trie.get(t.as_bytes()));
    if let Some(piece) = joined {
        agenda.push(Merge { score: vocab.score(piece), left, right, length: a.range.len() + b.range.len() });
    }
}
