//! Splitting text into sentences, made for translation.
//!
//! A text becomes [`Piece`]s: sentences to translate and gaps (spaces, line breaks, tabs, control characters, list
//! marks, things without a letter) that stay as they are. Joined together the pieces are the text again, byte for
//! byte: that is the invariant everything else builds on.
//!
//! Rules and not a model: small translation models go wrong on two sentences at once and on half sentences, so the
//! splitter is conservative (no split after a title, an initial, a decimal, before a small letter) and knows that
//! Arabic, Hebrew, Hindi, Georgian, Chinese or Japanese have no capitals to wait for.

mod rules;

use unicode_segmentation::UnicodeSegmentation;

use crate::LanguageCode;

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// Stays as it is.
    Gap,
    /// One sentence, trimmed, with at least one letter and no line break.
    Sentence,
    /// Part of a sentence that was too long for one go.
    Part,
}

/// A stretch of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// What to do with it.
    pub kind: PieceKind,
    /// The stretch itself; never empty.
    pub text: &'a str,
    /// Where it starts, in bytes.
    pub start: usize,
}

/// Longest sentence in characters that goes through an engine in one go. Models are trained on sentences of some
/// hundred tokens; 480 characters are about 110 tokens of a European language.
pub const MAX_CHARS: usize = 480;
/// The same for scripts that write a word in one or two characters.
pub const MAX_CHARS_DENSE: usize = 160;

/// Splits `text`, taken to be in `language`, into pieces.
///
/// ```
/// use cuba_translate::{LanguageCode, segment::{segment, PieceKind}};
/// let text = "  - Mr. Smith paid 3.50. Why?\n";
/// let pieces = segment(text, &LanguageCode::ENGLISH);
/// let sentences: Vec<&str> = pieces.iter().filter(|p| p.kind != PieceKind::Gap).map(|p| p.text).collect();
/// assert_eq!(sentences, ["Mr. Smith paid 3.50.", "Why?"]);
/// assert_eq!(pieces.iter().map(|p| p.text).collect::<String>(), text);
/// ```
pub fn segment<'a>(text: &'a str, language: &LanguageCode) -> Vec<Piece<'a>> {
    let mut pieces = Pieces { text, done: 0, out: Vec::new() };
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if is_break(c) {
            pieces.line(start, at, language);
            start = at + c.len_utf8();
        }
    }
    pieces.line(start, text.len(), language);
    pieces.gap_to(text.len());
    pieces.out
}

/// Line breaks, tabs (table cells) and control characters end whatever they stand in.
fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Space, or a mark that nobody sees, at the edge of a sentence.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

struct Pieces<'a> {
    text: &'a str,
    /// Everything before this byte is in `out`.
    done: usize,
    out: Vec<Piece<'a>>,
}

impl<'a> Pieces<'a> {
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn gap_to(&mut self, end: usize) {
        self.push(PieceKind::Gap, end);
    }

    fn push(&mut self, kind: PieceKind, end: usize) {
        let text = self.slice(self.done, end);
        if text.is_empty() {
            return;
        }
        if kind == PieceKind::Gap
            && let Some(last) = self.out.last_mut()
            && last.kind == PieceKind::Gap
        {
            last.text = self.text.get(last.start..end).unwrap_or_default();
        } else {
            self.out.push(Piece { kind, text, start: self.done });
        }
        self.done = end;
    }

    fn line(&mut self, start: usize, end: usize, language: &LanguageCode) {
        let line = self.slice(start, end);
        let body = start + rules::list_mark(line);
        let mut from = body;
        for boundary in rules::boundaries(self.slice(body, end), language) {
            self.sentence(from, body + boundary, language);
            from = body + boundary;
        }
        self.sentence(from, end, language);
    }

    fn sentence(&mut self, start: usize, end: usize, language: &LanguageCode) {
        let raw = self.slice(start, end);
        let left = raw.trim_start_matches(is_blank);
        let start = end - left.len();
        let trimmed = left.trim_end_matches(is_blank);
        if !trimmed.chars().any(char::is_alphabetic) {
            return;
        }
        self.gap_to(start);
        let end = start + trimmed.len();
        let limit = if language.is_spaceless() || dense(trimmed) { MAX_CHARS_DENSE } else { MAX_CHARS };
        if trimmed.len() <= limit || trimmed.chars().take(limit + 1).count() <= limit {
            self.push(PieceKind::Sentence, end);
        } else {
            self.parts(start, end, limit);
        }
    }

    /// Cuts a sentence that is too long: at the last strong clause mark that fits, else a comma, a space, a cluster.
    fn parts(&mut self, start: usize, end: usize, limit: usize) {
        let mut from = start;
        while from < end {
            let rest = self.slice(from, end);
            let cut = if rest.chars().take(limit + 1).count() <= limit {
                rest.len()
            } else {
                clause_cut(rest, limit)
            };
            let part = self.slice(from, from + cut);
            let body = part.trim_end_matches(is_blank);
            let lead = body.len() - body.trim_start_matches(is_blank).len();
            if body.chars().any(char::is_alphabetic) {
                self.gap_to(from + lead);
                self.push(PieceKind::Part, from + body.len());
            }
            from += cut;
        }
    }
}

/// True if at least half of the first letters are of a script that needs few characters a word.
fn dense(text: &str) -> bool {
    let letters = || text.chars().filter(|c| c.is_alphabetic()).take(40);
    let dense = letters().filter(|c| matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{20000}'..='\u{3FFFF}')).count();
    dense * 2 > letters().count()
}

/// Where to cut a text that has more than `limit` characters: a byte offset above 0.
fn clause_cut(text: &str, limit: usize) -> usize {
    // (strength, offset): a later cut of the same strength wins, so that parts are few.
    let mut best: Option<(u8, usize)> = None;
    let mut hard = text.len();
    let mut previous = ' ';
    for (n, (at, c)) in text.char_indices().enumerate() {
        if n >= limit {
            hard = at;
            break;
        }
        let strength = match previous {
            ';' | ':' | '—' | '–' | '；' | '：' if c.is_whitespace() => 4,
            '。' | '！' | '？' => 4,
            ',' | '،' | '、' | '，' if c.is_whitespace() || previous != ',' => 3,
            _ if c.is_whitespace() => 1,
            _ => 0,
        };
        // The first half must stay together, or a long enumeration falls into single words.
        let strength = if n * 2 < limit { strength.min(1) } else { strength };
        if strength > 0 && at > 0 && best.is_none_or(|(s, _)| strength >= s) {
            best = Some((strength, at));
        }
        previous = c;
    }
    best.map_or_else(|| cluster_floor(text, hard), |(_, at)| at)
}

/// The last grapheme boundary at or before `at`, or `at` itself if one cluster is that long.
fn cluster_floor(text: &str, at: usize) -> usize {
    let near = text.get(..at).unwrap_or(text);
    near.grapheme_indices(true)
        .next_back()
        .map(|(start, _)| start)
        .filter(|&start| start > 0)
        .unwrap_or(near.len())
}

#[cfg(test)]
mod tests;
