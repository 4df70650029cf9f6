//! Stand-ins: what a model sees instead of a span it would garble.

use std::ops::Range;

use super::{Span, SpanKind, scan};

/// A sort of stand-in. Which of them a model copies differs, so there is a second to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Three-digit numbers that do not stand in the sentence: `731`.
    Numbers,
    /// A capital with a digit: `X7`.
    Letters,
}

/// A sentence with stand-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// What the model sees.
    pub text: String,
    /// The stand-ins, in order.
    pub stands: Vec<Stand>,
}

/// One stand-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// What the model sees.
    pub token: String,
    /// What it stands for.
    pub original: String,
    /// A space was put before it, after it: it must be a word of its own for the model.
    pub spaced: (bool, bool),
}

/// Replaces `spans` of `text` by stand-ins of the family.
///
/// ```
/// use cuba_translate::protect::{mask::{mask, Family}, scan};
/// let text = "Write to ana@example.org today.";
/// let masked = mask(text, &scan(text, &[]), Family::Numbers);
/// assert_eq!(masked.text, "Write to 731 today.");
/// assert_eq!(masked.restore("Escriba a 731 hoy.").as_deref(), Some("Escriba a ana@example.org hoy."));
/// assert_eq!(masked.restore("Escriba hoy."), None);
/// ```
pub fn mask(text: &str, spans: &[Span], family: Family) -> Masked {
    let mut out = String::with_capacity(text.len());
    let mut stands = Vec::with_capacity(spans.len());
    let (mut done, mut serial) = (0, 0);
    for (n, span) in spans.iter().enumerate() {
        out.push_str(text.get(done..span.range.start).unwrap_or_default());
        let before = out.chars().next_back().is_some_and(char::is_alphanumeric);
        // A span that follows directly puts its own space.
        let touching = spans.get(n + 1).is_some_and(|next| next.range.start == span.range.end);
        let next = text.get(span.range.end..).and_then(|t| t.chars().next());
        let after = !touching && next.is_some_and(char::is_alphanumeric);
        let token = fresh(text, family, &mut serial);
        out.push_str(if before { " " } else { "" });
        out.push_str(&token);
        out.push_str(if after { " " } else { "" });
        done = span.range.end;
        stands.push(Stand { token, original: span.of(text).to_owned(), spaced: (before, after) });
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Masked { text: out, stands }
}

/// The next stand-in that the text does not hold. The steps make neighbours look different (731, 748, 765 ...).
fn fresh(text: &str, family: Family, serial: &mut u32) -> String {
    loop {
        let n = *serial;
        *serial += 1;
        let token = match family {
            Family::Numbers => (731 + n * 17).to_string(),
            Family::Letters => {
                let letter = ['X', 'Z', 'K', 'Q', 'W'].get(n as usize % 5).copied().unwrap_or('X');
                format!("{letter}{}", 7 + n / 5)
            }
        };
        if !text.contains(&token) {
            return token;
        }
    }
}

impl Masked {
    /// Puts the spans back; `None` unless every stand-in occurs exactly once, as a word.
    pub fn restore(&self, translation: &str) -> Option<String> {
        let mut places: Vec<(Range<usize>, &str)> = Vec::with_capacity(self.stands.len());
        for stand in &self.stands {
            let mut found = translation.match_indices(stand.token.as_str());
            let (at, _) = found.next()?;
            if found.next().is_some() {
                return None;
            }
            let mut range = at..at + stand.token.len();
            let (left, right) = (translation.get(..range.start)?, translation.get(range.end..)?);
            if left.ends_with(char::is_alphanumeric) || right.starts_with(char::is_alphanumeric) {
                return None;
            }
            range.start -= usize::from(stand.spaced.0 && left.ends_with(' '));
            range.end += usize::from(stand.spaced.1 && right.starts_with(' '));
            places.push((range, &stand.original));
        }
        places.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(translation.len());
        let mut done = 0;
        for (range, original) in places {
            // Two neighbours may both claim the one space between them.
            out.push_str(translation.get(done..range.start.max(done))?);
            out.push_str(original);
            done = range.end;
        }
        out.push_str(translation.get(done..)?);
        Some(out)
    }
}

/// The part of a sentence that a model should see: without emoji and tags at its ends, which have no grammar.
pub fn core(text: &str, spans: &[Span]) -> Range<usize> {
    let bare = |span: &&Span| matches!(span.kind, SpanKind::Emoji | SpanKind::Tag);
    let (mut start, mut end) = (0, text.len());
    for span in spans {
        let gap = text.get(start..span.range.start).unwrap_or("x");
        if !bare(&span) || !gap.trim().is_empty() {
            break;
        }
        start = span.range.end;
    }
    for span in spans.iter().rev() {
        let gap = text.get(span.range.end..end).unwrap_or("x");
        if !bare(&span) || span.range.start < start || !gap.trim().is_empty() {
            break;
        }
        end = span.range.start;
    }
    let inside = text.get(start..end).unwrap_or_default();
    let left = inside.trim_start();
    start = end - left.len();
    start..start + left.trim_end().len()
}

/// A sentence cut around spans: what is between them is translated alone, the spans are copied.
///
/// Returns the stretches in order; `true` marks those to translate. Joined they are the text.
pub fn cut<'a>(text: &'a str, spans: &[Span]) -> Vec<(bool, &'a str)> {
    let mut out = Vec::with_capacity(spans.len() * 4 + 3);
    let mut done = 0;
    for span in spans {
        stretch(&mut out, text.get(done..span.range.start).unwrap_or_default());
        out.push((false, span.of(text)));
        done = span.range.end;
    }
    stretch(&mut out, text.get(done..).unwrap_or_default());
    out.retain(|(_, piece)| !piece.is_empty());
    out
}

/// Adds the text between two spans. Spaces and punctuation at its edges are copied: they belong to no sentence.
fn stretch<'a>(out: &mut Vec<(bool, &'a str)>, piece: &'a str) {
    let left = piece.trim_start_matches(|c: char| !c.is_alphanumeric());
    let body = left.trim_end_matches(|c: char| !c.is_alphanumeric());
    if body.chars().any(char::is_alphabetic) {
        let start = piece.len() - left.len();
        out.push((false, piece.get(..start).unwrap_or_default()));
        out.push((true, body));
        out.push((false, piece.get(start + body.len()..).unwrap_or_default()));
    } else {
        out.push((false, piece));
    }
}

/// The spans that a model should not see.
pub fn opaque(text: &str, keep: &[String]) -> Vec<Span> {
    scan(text, keep).into_iter().filter(|s| s.kind.is_opaque()).collect()
}
