//! Stand-ins: what a model sees instead of a span it would garble.

use std::ops::Range;

use super::{Span, scan};

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
    /// Stand-in and the text it stands for, in order.
    pub pairs: Vec<(String, String)>,
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
    let mut pairs = Vec::with_capacity(spans.len());
    let mut done = 0;
    let mut serial = 0;
    for span in spans {
        let token = fresh(text, family, &mut serial);
        out.push_str(text.get(done..span.range.start).unwrap_or_default());
        out.push_str(&token);
        done = span.range.end;
        pairs.push((token, span.of(text).to_owned()));
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Masked { text: out, pairs }
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
        let mut places: Vec<(Range<usize>, &str)> = Vec::with_capacity(self.pairs.len());
        for (token, original) in &self.pairs {
            let mut found = translation.match_indices(token.as_str());
            let (at, _) = found.next()?;
            if found.next().is_some() {
                return None;
            }
            let range = at..at + token.len();
            let joined = |c: Option<char>| c.is_some_and(char::is_numeric);
            if joined(translation.get(..at)?.chars().next_back())
                || joined(translation.get(range.end..)?.chars().next())
            {
                return None;
            }
            places.push((range, original));
        }
        places.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(translation.len());
        let mut done = 0;
        for (range, original) in places {
            out.push_str(translation.get(done..range.start)?);
            out.push_str(original);
            done = range.end;
        }
        out.push_str(translation.get(done..)?);
        Some(out)
    }
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
