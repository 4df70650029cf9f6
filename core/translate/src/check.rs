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
        hypothesis.disputed
            || neural && hypothesis.mean_log_prob.is_some_and(|p| (UNSURE_MEAN..HESITANT_MEAN).contains(&p)),
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
    ("fr", &["jamais", "rien", "aucun", "aucune", "sans", "ni", "non", "guère"]),
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

/// Word beginnings that carry a "not" inside (`impossible`, `unable`), so that one side may do without the word. Whole
/// stems: the prefix alone would let `insulin` and `una` pass for a denial.
#[rustfmt::skip]
const IMPLICIT: &[&str] = &[
    // verbs and other words that deny
    "unab", "incap", "insuf", "fail", "refus", "denied", "denies", "deny", "nieg", "nega", "néga", "lack", "falt", "carec", "manqu", "évit", "evit", "avoid",
    "prevent", "impid", "imped", "empêch", "stop", "cess", "hardly", "apenas", "scarcely", "barely", "instead", "unless", "except", "salvo", "sauf", "only",
    "seul", "solo", "sólo", "until", "hasta", "jusqu", "doubt", "dud", "ignor", "refrain", "absten", "prohib", "forbid", "interdi",
    "bans", "banned", "absen", "ausen", "ausên", "depriv", "non",
    // adjectives and others made with a prefix
    "imposs", "imposib", "imperm", "imprac", "impreci", "imprévu", "imprevis", "unav", "unaw", "unbe", "unce", "unch", "unclea", "unco", "undec", "undes",
    "undet", "undi", "uneas", "unemp", "unequ", "unev", "unexp", "unf", "unh", "unk", "unl", "unm", "unn", "unp", "unr", "uns", "untr", "unus", "unw", "inact",
    "inadec", "inadeq", "inadm", "inapr", "inappr", "incertain", "inciert", "incomp", "inconn", "inconsc", "inconv", "incorr", "increí", "increib", "incroy",
    "incur", "indep", "indép", "indes", "indiscut", "indisp", "inef", "ineff", "inel", "inesper", "inestab", "instab", "inev", "inév", "inexist", "inexp",
    "infin", "infrec", "infreq", "infréq", "inhab", "inhum", "injust", "inmort", "inmóv", "immob", "immor", "innec", "innomb", "inopin", "inofens",
    "inoffens", "insegur", "insens", "insign", "insól", "insop", "insup", "inusu", "inusit", "inút", "inutil", "invál", "invalid", "invis", "invol", "ileg",
    "illeg", "illég", "illim", "ilim", "irreg", "irrég", "irresp", "irrev", "irréel", "irreal", "desagr", "désagr", "desafort", "desap", "desac", "désacc",
    "descon", "desob", "désob", "descuid", "desempl", "desprov", "dépourvu", "disagr", "dislik", "disapp", "discont", "disob", "disab", "discap",
    "dispens", "méconn", "malhon", "maladr",
];

/// Whether a text without a word of denial may deny all the same.
fn implies_not(words: &[String]) -> bool {
    let mut before = "";
    words.iter().any(|word| {
        // "dejar de fumar" stops it, "dejar la pastilla" does not; "hace falta" is needed.
        let stops = before.starts_with("dej") && word == "de";
        let needed = word.starts_with("falt") && ["hac", "hic", "har"].iter().any(|h| before.starts_with(h));
        before = word;
        stops || (!needed && IMPLICIT.iter().any(|stem| word.starts_with(stem)))
    })
}

/// Words of denial that deny nothing before these.
const HARMLESS: &[(&str, &str, &str)] = &[
    ("es", "sin", "embargo|duda"),
    ("es", "no", "obstante|solo|sólo|solamente|olvid*"),
    ("fr", "non", "seulement"),
    ("fr", "sans", "doute"),
    ("en", "not", "only|forget"),
    ("en", "don't", "forget"),
    ("en", "no", "doubt"),
    ("en", "nothing", "but"),
];

fn negates(words: &[String], language: &LanguageCode) -> Option<bool> {
    let (_, list) = NEGATION.iter().find(|(code, _)| *code == language.base())?;
    if language.base() == "fr" && french(words) {
        return Some(true);
    }
    let harmless = |at: usize, word: &str| {
        let next = words.get(at + 1).map_or("", String::as_str);
        HARMLESS.iter().any(|(code, denial, before)| {
            *code == language.base() && *denial == word && senses::is_one_of(next, before)
        })
    };
    let denials = words.iter().enumerate().filter(|(at, word)| !harmless(*at, word));
    Some(denials.map(|(_, word)| word).any(|word| {
        (language.base() == "en" && word.ends_with("n't"))
            || list.iter().any(|entry| match entry.strip_suffix('*') {
                Some(stem) => word.starts_with(stem) && word.len() > stem.len() || word == stem,
                None => word == entry,
            })
    }))
}

/// What no list of words says: `pas` is a step as well, `ne` with `que` is "only", `n'importe` is "any", and a `personne`
/// is nobody beside `ne` alone.
fn french(words: &[String]) -> bool {
    const BEFORE_A_STEP: [&str; 12] =
        ["un", "ce", "ces", "ses", "mes", "tes", "nos", "vos", "leurs", "les", "des", "quelques"];
    let at = |n: usize| words.get(n).map_or("", String::as_str);
    let step = |n: usize| n > 0 && BEFORE_A_STEP.contains(&at(n - 1));
    if (0..words.len()).any(|n| at(n) == "pas" && !step(n)) {
        return true;
    }
    let ne = |word: &str| word == "ne" || (word.starts_with("n'") && word != "n'importe");
    let Some(first) = (0..words.len()).find(|n| ne(at(*n))) else { return false };
    let que = |word: &str| word == "que" || word.starts_with("qu'");
    let only = (first..words.len()).find(|n| que(at(*n)));
    let more = words.iter().any(|word| matches!(word.as_str(), "plus" | "personne"));
    only.is_none_or(|n| more && at(n - 1) != "plus")
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
    !implies_not(plain)
}

#[cfg(test)]
mod tests;
