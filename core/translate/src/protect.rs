//! Spans that must come out of a translation exactly as they went in.
//!
//! [`scan`] finds them. Two families are treated differently:
//! - **opaque** spans (addresses, code, placeholders, tags, emoji, kept terms) mean nothing to a translation model and
//!   get garbled: the model sees a short stand-in that it copies ([`mask`]), or nothing at all (the sentence is cut);
//! - **numbers** (also dates, times, codes such as `B12`) are copied by models nearly always and carry grammar with
//!   them, so they stay in place, are compared afterwards and repaired ([`numbers`]).
//!
//! [`intact`] is the guarantee: every span of the source stands in the translation as often as in the source. The
//! pipeline hands out no translated sentence for which it is false; the source sentence is the last resort.

pub mod mask;
pub mod numbers;
mod patterns;

use std::collections::BTreeMap;
use std::ops::Range;

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanKind {
    /// A word or name the user wants kept.
    Kept,
    /// `` `code` ``, `snake_case`, `call()`, `--flag`.
    Code,
    /// `<b>`, `</b>`, `&amp;`, `<!-- -->`.
    Tag,
    /// `{name}`, `{{name}}`, `${name}`, `%s`, `%1$d`, `%(name)s`, ICU `{n, plural, ...}`.
    Placeholder,
    /// A web address or another URI.
    Url,
    /// An e-mail address.
    Email,
    /// `/usr/bin`, `C:\dir`, `report.pdf`.
    Path,
    /// `@name`.
    Mention,
    /// `#tag`.
    Hashtag,
    /// Emoji, flags, key caps, and `:-)`.
    Emoji,
    /// A line to write on, a rule: `____`, `-----`.
    Rule,
    /// A number with a sign that models garble: `37.5 °C`.
    Measure,
    /// A number, date, time (with its `a.m.`), telephone number, range.
    Number,
    /// Letters and digits that are one name: `B12`, `COVID-19`, `H1N1`.
    Token,
}

impl SpanKind {
    /// True for spans that a model should not see; false for those it copies.
    pub fn is_opaque(self) -> bool {
        !matches!(self, Self::Number | Self::Token)
    }
}

/// A protected span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it is, in bytes.
    pub range: Range<usize>,
    /// What it is.
    pub kind: SpanKind,
}

impl Span {
    /// Its text in the string it was found in.
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.range.clone()).unwrap_or_default()
    }
}

/// Finds the protected spans of a sentence: sorted, not overlapping. `keep` are words that must not be translated.
///
/// ```
/// use cuba_translate::protect::scan;
/// let text = "Mail ana@example.org 2.5 mg by 14:30, {name} 😀";
/// let spans: Vec<&str> = scan(text, &[]).iter().map(|s| s.of(text)).collect();
/// assert_eq!(spans, ["ana@example.org", "2.5", "14:30", "{name}", "😀"]);
/// ```
pub fn scan(text: &str, keep: &[String]) -> Vec<Span> {
    let mut spans = kept(text, keep);
    patterns::find(text, &mut spans);
    spans.sort_by_key(|s| s.range.start);
    spans
}

/// Whole-word occurrences of the kept terms; the longest of those that begin at one place.
fn kept(text: &str, keep: &[String]) -> Vec<Span> {
    let mut terms: Vec<&str> = keep.iter().map(|t| t.trim()).filter(|t| !t.is_empty()).collect();
    terms.sort_by_key(|t| std::cmp::Reverse(t.len()));
    let mut spans: Vec<Span> = Vec::new();
    for term in terms {
        for (at, found) in text.match_indices(term) {
            let range = at..at + found.len();
            let inside = |c: Option<char>, edge: Option<char>| {
                c.is_some_and(char::is_alphanumeric) && edge.is_some_and(char::is_alphanumeric)
            };
            let before = text.get(..range.start).and_then(|t| t.chars().next_back());
            let after = text.get(range.end..).and_then(|t| t.chars().next());
            let word = !inside(before, term.chars().next()) && !inside(after, term.chars().next_back());
            if word && free(&spans, &range) {
                spans.push(Span { range, kind: SpanKind::Kept });
            }
        }
    }
    spans
}

fn free(spans: &[Span], range: &Range<usize>) -> bool {
    spans.iter().all(|s| s.range.end <= range.start || range.end <= s.range.start)
}

/// How often each span text stands in `text`.
pub fn inventory(text: &str, keep: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for span in scan(text, keep) {
        *counts.entry(span.of(text).to_owned()).or_insert(0) += 1;
    }
    counts
}

/// True if every span of `source` stands in `target` exactly as often.
///
/// ```
/// use cuba_translate::protect::intact;
/// assert!(intact("Take 5 mg.", "Tome 5 mg.", &[]));
/// assert!(!intact("Take 5 mg.", "Tome 50 mg.", &[]));
/// assert!(!intact("See {url}.", "Vea {url} {url}.", &[]));
/// ```
pub fn intact(source: &str, target: &str, keep: &[String]) -> bool {
    let wanted = inventory(source, keep);
    if wanted.is_empty() {
        return true;
    }
    let found = inventory(target, keep);
    wanted.iter().all(|(text, count)| found.get(text) == Some(count))
}

#[cfg(test)]
mod tests;
