//! What can be seen from outside: signs that a translation is wrong, without knowing the right one.

mod amounts;
mod kinds;
pub(crate) mod senses;

pub use amounts::amounts_differ;

use std::collections::BTreeSet;

use crate::detect::detect;
use crate::engine::Hypothesis;
use crate::protect::numbers;
use crate::{LanguageCode, Reason, calendar};

/// Below this mean log-probability a token the engine is unsure of its wording (a probability of about 0.3).
const UNSURE_MEAN: f32 = -1.2;
/// Below this a neural engine hesitates: of such sentences of our own packs, half score a chrF under 45, of the others three
/// in ten. A language model's probabilities mean something else.
const HESITANT_MEAN: f32 = -0.6;
/// Below this share the engine has left source words unread.
const COVERED: f32 = 0.5;

/// Looks at a sentence and its translation. Sorted, each reason once.
///
/// ```
/// use cuba_translate::{check::check, Reason, engine::Hypothesis};
/// let (en, es) = ("en".parse().unwrap(), "es".parse().unwrap());
/// let found = |s: &str, t: &str| check(s, &Hypothesis { text: t.into(), ..Default::default() }, &en, &es);
/// assert_eq!(found("I strongly disagree, I do not agree.", "Estoy de acuerdo."), [Reason::Negation]);
/// assert_eq!(found("The dog is very big.", "El perro es muy muy muy muy grande."), [Reason::Repetition]);
/// assert!(found("The dog is very big.", "El perro es muy grande.").is_empty());
/// ```
pub fn check(source: &str, hypothesis: &Hypothesis, from: &LanguageCode, to: &LanguageCode) -> Vec<Reason> {
    let target = hypothesis.text.as_str();
    let mut reasons = BTreeSet::new();
    if !target.chars().any(char::is_alphanumeric) {
        reasons.insert(Reason::Empty);
        return reasons.into_iter().collect();
    }
    let (source_words, target_words) = (words(source), words(target));
    let mut sign = |reason: Reason, there: bool| {
        if there {
            reasons.insert(reason);
        }
    };
    sign(
        Reason::Numbers,
        numbers::invented(source, target, from)
            || numbers::unit_changed(source, target)
            || numbers::unit_lost(source, target)
            || calendar::differ(source, target, from, to)
            || amounts_differ(source, target, from, to),
    );
    sign(Reason::Negation, negation_differs(source, &source_words, &target_words, from, to));
    sign(Reason::Length, length_is_odd(source, target));
    sign(
        Reason::Repetition,
        repeats(&target_words) > repeats(&source_words).max(2) || stutters(target, source),
    );
    sign(Reason::Copied, copied(source, &source_words, &target_words));
    sign(Reason::WrongLanguage, wrong_language(target, &target_words, from, to));
    sign(Reason::Unsure, hypothesis.mean_log_prob.is_some_and(|p| p < UNSURE_MEAN));
    let neural = hypothesis.coverage.is_some();
    sign(
        Reason::Hesitant,
        neural && hypothesis.mean_log_prob.is_some_and(|p| (UNSURE_MEAN..HESITANT_MEAN).contains(&p)),
    );
    sign(Reason::Uncovered, source_words.len() > 3 && hypothesis.coverage.is_some_and(|c| c < COVERED));
    let misread = || senses::misread(source, target, from, to).is_some();
    // U+FFFD stands for a character that the engine could not write.
    let garbled = || target.contains('\u{FFFD}') && !source.contains('\u{FFFD}');
    let exchanged = || kinds::exchanged(source, target, from, to);
    sign(Reason::Unfamiliar, hypothesis.unfamiliar || misread() || garbled() || exchanged());
    sign(Reason::Truncated, hypothesis.truncated);
    sign(Reason::Short, source_words.len() < 2 && !to.is_spaceless() && !from.is_spaceless());
    reasons.into_iter().collect()
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’')))
        .filter(|w| w.chars().any(char::is_alphanumeric))
        .map(|w| w.to_lowercase().replace('’', "'"))
        .collect()
}

/// Characters as an alphabet would need them: a Chinese character stands for about three letters.
fn weight(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{20000}'..='\u{3FFFF}') {
                3
            } else {
                1
            }
        })
        .sum()
}

fn length_is_odd(source: &str, target: &str) -> bool {
    let (s, t) = (weight(source) * 10, weight(target) * 10);
    // Twice as long and then some: short sentences vary more.
    t > s * 2 + 200 || s > t * 2 + 200
}

/// The largest number of times that one to six words stand directly after each other.
fn repeats(words: &[String]) -> usize {
    let mut most = 1;
    for period in 1..=6 {
        let mut run = 0;
        for pair in words.iter().zip(words.iter().skip(period)) {
            run = if pair.0 == pair.1 { run + 1 } else { 0 };
            most = most.max(run / period + 1);
        }
    }
    most
}

/// The same within a word or in a script without spaces: one to four characters over and over.
fn stutters(target: &str, source: &str) -> bool {
    let longest = |text: &str| {
        let chars: Vec<char> = text.chars().collect();
        (1..=4)
            .map(|period| {
                let (mut run, mut most) = (0, 0);
                for pair in chars.iter().zip(chars.iter().skip(period)) {
                    run = if pair.0 == pair.1 && pair.0.is_alphabetic() { run + 1 } else { 0 };
                    most = most.max(run);
                }
                most / period
            })
            .max()
            .unwrap_or(0)
    };
    longest(target) > longest(source).max(4)
}

fn copied(source: &str, source_words: &[String], target_words: &[String]) -> bool {
    if source_words != target_words {
        return false;
    }
    // Names and cognates are rightly the same; a sentence is not.
    let small =
        source.split_whitespace().filter(|w| w.chars().next().is_some_and(char::is_lowercase)).count();
    small > 0
}

fn wrong_language(target: &str, words: &[String], from: &LanguageCode, to: &LanguageCode) -> bool {
    if words.len() < 3 && !from.is_spaceless() && !to.is_spaceless() {
        return false;
    }
    let detection = detect(target, &[*from, *to, LanguageCode::ENGLISH], &[*to]);
    detection.language.is_some_and(|found| !found.matches(to))
        || (detection.ranked.is_empty() && !same_script_possible(target, to))
}

/// False if the text has letters and none is of the script of `to`.
fn same_script_possible(target: &str, to: &LanguageCode) -> bool {
    detect(target, &[], &[]).ranked.iter().any(|(l, _)| l.matches(to))
        || !target.chars().any(char::is_alphabetic)
}

/// Words that negate, by language. A trailing star stands for any ending.
const NEGATION: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "not", "no", "never", "nobody", "nothing", "nowhere", "none", "neither", "nor", "without",
            "cannot", "non",
        ],
    ),
    (
        "es",
        &["no", "nunca", "nadie", "nada", "ningún", "ninguno", "ninguna", "ni", "sin", "jamás", "tampoco"],
    ),
    ("fr", &["ne", "pas", "jamais", "rien", "aucun", "aucune", "sans", "ni", "non", "n'*", "personne"]),
    ("pt", &["não", "nunca", "ninguém", "nada", "nenhum", "nenhuma", "nem", "sem", "jamais", "tampouco"]),
    (
        "it",
        &[
            "non", "no", "mai", "nessun", "nessuno", "nessuna", "niente", "nulla", "né", "senza", "neanche",
            "nemmeno",
        ],
    ),
    ("de", &["nicht", "kein*", "nie", "niemals", "niemand*", "nichts", "ohne", "weder", "nein", "nirgends"]),
    ("ca", &["no", "mai", "ningú", "cap", "res", "sense", "ni", "tampoc", "gens"]),
    ("nl", &["niet", "geen", "nooit", "niemand", "niets", "zonder", "nergens", "nee", "noch"]),
];

/// Word beginnings that carry a "not" inside (`impossible`, `unable`), so that one side may do without the word.
const IMPLICIT: &[&str] = &[
    "impos", "imposs", "unab", "unable", "incap", "insuf", "insuff", "fail", "refus", "den", "nieg", "neg",
    "lack", "falt", "carec", "manqu", "evit", "évit", "avoid", "prevent", "impid", "imped", "empêch", "dej",
    "stop", "cess", "un", "in", "im", "il", "ir", "des", "dis", "mé", "hardly", "apenas", "scarcely",
    "barely", "instead", "unless", "except", "excepto", "salvo", "sauf", "only", "seul", "solo", "sólo",
    "until", "hasta", "jusqu", "doubt", "dud",
];

fn negates(words: &[String], language: &LanguageCode) -> Option<bool> {
    let (_, list) = NEGATION.iter().find(|(code, _)| *code == language.base())?;
    Some(words.iter().any(|word| {
        (language.base() == "en" && word.ends_with("n't"))
            || list.iter().any(|entry| match entry.strip_suffix('*') {
                Some(stem) => word.starts_with(stem) && word.len() > stem.len() || word == stem,
                None => word == entry,
            })
    }))
}

fn negation_differs(
    source: &str,
    source_words: &[String],
    target_words: &[String],
    from: &LanguageCode,
    to: &LanguageCode,
) -> bool {
    let (Some(s), Some(t)) = (negates(source_words, from), negates(target_words, to)) else { return false };
    if s == t {
        return false;
    }
    // "Isn't it?", "Why don't we ...", "..., no?": politeness, not denial.
    if source.trim_end().ends_with(['?', '？']) {
        return false;
    }
    let plain = if s { target_words } else { source_words };
    !plain.iter().any(|w| {
        IMPLICIT.iter().any(|stem| w.starts_with(stem) && w.chars().count() > stem.chars().count().min(5))
    })
}

#[cfg(test)]
mod tests;
