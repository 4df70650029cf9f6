//! Language identification that is right on short text when there are few candidates, and says so when it is unsure.
//!
//! The script decides where it can (Greek, Hebrew, Thai, Hangul ...). Latin and Cyrillic text is scored with a table
//! of character n-gram weights, trained discriminatively (`tools/language_table.py`) and committed as 0.3 MB. Scores
//! are compared among the candidates only: with two to four languages installed, one word is often enough.
//!
//! An own table and not a crate: see the figures in `README.md`.

mod script;
mod table;

use crate::LanguageCode;

/// What is known about a text's language.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The language, or `None` when the text does not show it clearly enough.
    pub language: Option<LanguageCode>,
    /// The candidates that the text can be in with their probabilities, likeliest first; empty if there is none.
    pub ranked: Vec<(LanguageCode, f32)>,
    /// A language that is no candidate, if the text is clearly in it.
    pub elsewhere: Option<LanguageCode>,
}

impl Detection {
    fn nothing() -> Self {
        Self { language: None, ranked: Vec::new(), elsewhere: None }
    }
}

/// Probability from which an answer is given. Chosen so that at least 95 of 100 answers on single words are right.
const SURE: f32 = 0.72;
/// From here on a language that is not a candidate counts as clearly there.
const ELSEWHERE: f32 = 0.9;
/// What being the user's first choice adds to a language's score (log-odds).
const FIRST_CHOICE: f32 = 1.0;
/// The same for the further ones.
const OTHER_CHOICE: f32 = 0.5;
/// Longer texts are judged by their beginning: more would change nothing and cost time.
const ENOUGH_CHARS: usize = 2_000;

/// Says which of `among` the text is in. `likely` are the user's usual languages, the likeliest first.
///
/// An empty `among` means every language there is data for.
///
/// ```
/// use cuba_translate::{detect::detect, LanguageCode};
/// let among: Vec<LanguageCode> = ["en", "es", "fr"].iter().map(|c| c.parse().unwrap()).collect();
/// assert_eq!(detect("¿Dónde está la farmacia?", &among, &[]).language.unwrap().as_str(), "es");
/// assert_eq!(detect("12:30", &among, &[]).language, None);
/// ```
pub fn detect(text: &str, among: &[LanguageCode], likely: &[LanguageCode]) -> Detection {
    let sample: String = text.chars().take(ENOUGH_CHARS).collect();
    let sample = without_spans(&sample);
    let Some(seen) = script::dominant(&sample) else { return Detection::nothing() };
    let all = ranked(&sample, seen, &[], &[]);
    if among.is_empty() {
        let all = if likely.is_empty() { all } else { ranked(&sample, seen, &[], likely) };
        return Detection { language: sure(&all), ranked: all, elsewhere: None };
    }
    let candidates = ranked(&sample, seen, among, likely);
    // Two words can be in any of forty languages; only a sentence shows that it is in none of the candidates.
    let enough = candidates.is_empty()
        || sample.split_whitespace().count() >= 4
        || !matches!(seen, script::Script::Latin);
    let mass: f32 =
        all.iter().filter(|(l, _)| among.iter().any(|a| a.base() == l.base())).map(|(_, p)| p).sum();
    let elsewhere = sure(&all).filter(|_| enough && mass < 1.0 - ELSEWHERE);
    Detection {
        language: if elsewhere.is_some() { None } else { sure(&candidates) },
        ranked: candidates,
        elsewhere,
    }
}

fn sure(ranked: &[(LanguageCode, f32)]) -> Option<LanguageCode> {
    ranked.first().filter(|(_, p)| *p >= SURE).map(|(l, _)| *l)
}

/// Addresses, code and the like say nothing about the language around them.
fn without_spans(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for span in crate::protect::scan(text, &[]) {
        if span.kind.is_opaque() {
            out.push_str(text.get(done..span.range.start).unwrap_or_default());
            out.push(' ');
            done = span.range.end;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Probabilities of the candidates (all languages if there are none), likeliest first.
fn ranked(
    text: &str,
    seen: script::Script,
    among: &[LanguageCode],
    likely: &[LanguageCode],
) -> Vec<(LanguageCode, f32)> {
    let scores: Vec<(LanguageCode, f32)> = if seen.needs_table() {
        let known = table::scores(text, seen);
        if among.is_empty() { known } else { narrowed(&known, among, seen) }
    } else {
        script::scores(text, seen)
            .into_iter()
            .filter_map(|(language, score)| {
                if among.is_empty() {
                    return Some((language, score));
                }
                among.iter().find(|a| a.matches(&language)).map(|a| (*a, score))
            })
            .collect()
    };
    softmax(scores, likely)
}

/// The candidates' scores, under the candidates' own codes (`es-MX` for `es`).
fn narrowed(
    known: &[(LanguageCode, f32)],
    among: &[LanguageCode],
    seen: script::Script,
) -> Vec<(LanguageCode, f32)> {
    let mut out: Vec<(LanguageCode, f32)> = Vec::new();
    for candidate in among {
        let base = table::stand_in(candidate.base());
        let score = known.iter().find(|(l, _)| l.base() == base).map(|(_, s)| *s);
        if let Some(score) = score
            && script::writes(candidate, seen)
            && !out.iter().any(|(l, _)| l.base() == candidate.base())
        {
            out.push((*candidate, score));
        }
    }
    out
}

fn softmax(mut scores: Vec<(LanguageCode, f32)>, likely: &[LanguageCode]) -> Vec<(LanguageCode, f32)> {
    for (language, score) in &mut scores {
        *score += match likely.iter().position(|l| l.base() == language.base()) {
            Some(0) => FIRST_CHOICE,
            Some(_) => OTHER_CHOICE,
            None => 0.0,
        };
    }
    let top = scores.iter().map(|(_, s)| *s).fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = scores.iter().map(|(_, s)| (s - top).exp()).sum();
    for (_, score) in &mut scores {
        *score = (*score - top).exp() / sum;
    }
    scores.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    scores
}

#[cfg(test)]
mod tests;
