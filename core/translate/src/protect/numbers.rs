//! Numbers: the same value in another dress, number words, and local ways of writing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::patterns::ATTACHED;
use super::{Span, SpanKind, scan};
use crate::LanguageCode;
use crate::numerals::Numerals;

/// Puts numbers (and names with digits) of the source into a translation that writes them in another way: `1.000` or
/// `1 000` for `1,000`, `cien` for `100`, `Covid-19` for `COVID-19`. `None` if one is missing without a trace or there
/// are too many.
///
/// ```
/// use cuba_translate::protect::numbers::repair;
/// let es = "es".parse().unwrap();
/// let fixed = repair("It costs 1,000 euros in 100 shops.", "Cuesta 1.000 euros en cien tiendas.", &es, &[]);
/// assert_eq!(fixed.as_deref(), Some("Cuesta 1,000 euros en 100 tiendas."));
/// assert_eq!(repair("Take 5 mg.", "Tome 50 mg.", &es, &[]), None);
/// ```
pub fn repair(source: &str, target: &str, language: &LanguageCode, keep: &[String]) -> Option<String> {
    let wanted: Vec<String> = values(source, keep).into_iter().map(|s| s.of(source).to_owned()).collect();
    let found = values(target, keep);
    let mut surplus: Vec<&Span> = found.iter().collect();
    let mut missing: Vec<&String> = Vec::new();
    for text in &wanted {
        match surplus.iter().position(|s| s.of(target) == text) {
            Some(at) => drop(surplus.remove(at)),
            None => missing.push(text),
        }
    }
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    for text in missing {
        if let Some(at) = surplus.iter().position(|s| key(s.of(target)) == key(text)) {
            edits.push((surplus.remove(at).range.clone(), text));
        } else {
            let place = spelled_once(target, text, language)?;
            if edits.iter().any(|(range, _)| range.start < place.end && place.start < range.end) {
                return None;
            }
            edits.push((place, text));
        }
    }
    // One more of a number of the source is as wrong as one less.
    if surplus.iter().any(|s| wanted.iter().any(|text| s.of(target) == text)) {
        return None;
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(target.len());
    let mut done = 0;
    for (range, text) in edits {
        out.push_str(target.get(done..range.start)?);
        out.push_str(text);
        done = range.end;
    }
    out.push_str(target.get(done..)?);
    Some(out)
}

fn values(text: &str, keep: &[String]) -> Vec<Span> {
    scan(text, keep).into_iter().filter(|s| !s.kind.is_opaque()).collect()
}

/// Letters (small) and digits, without separators. A lone digit group keeps its length, so 5 is not 50.
fn key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Numbers in the translation that neither stand in the source nor are spelled out there.
pub fn invented(source: &str, target: &str, from: &LanguageCode) -> bool {
    let known: Vec<String> = values(source, &[]).iter().map(|s| key(s.of(source))).collect();
    let digits: String = source.chars().filter(|c| c.is_numeric()).collect();
    values(target, &[]).iter().any(|span| {
        let text = key(span.of(target));
        span.kind == SpanKind::Number
            && !known.contains(&text)
            && !digits.contains(&text)
            && !text.parse().is_ok_and(|n: u64| spelled(source, n, from))
    })
}

/// The one place where `number` is written as a word.
fn spelled_once(target: &str, number: &str, language: &LanguageCode) -> Option<Range<usize>> {
    let forms: Vec<&str> = Numerals::of(language)?.forms(number.parse().ok()?).collect();
    let mut places = words(target).filter(|(_, word)| forms.contains(&word.to_lowercase().as_str()));
    let (at, word) = places.next()?;
    places.next().is_none().then(|| at..at + word.len())
}

fn spelled(text: &str, value: u64, language: &LanguageCode) -> bool {
    let Some(table) = Numerals::of(language) else { return true };
    let forms: Vec<&str> = table.forms(value).collect();
    words(text).map(|(_, word)| word.to_lowercase()).any(|word| {
        // Of several words ("twenty-five", "two hundred"): any number word will do.
        if forms.is_empty() { table.knows(&word) } else { forms.contains(&word.as_str()) }
    })
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !c.is_alphabetic())
        .filter(|w| !w.is_empty())
        .map(move |w| (w.as_ptr() as usize - text.as_ptr() as usize, w))
}

/// True if a number of the source has another unit symbol behind it in the translation (`5 mg` and `5 g`).
pub fn unit_changed(source: &str, target: &str) -> bool {
    let units = |text: &str| -> BTreeMap<String, Vec<String>> {
        let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for span in values(text, &[]) {
            let rest = text.get(span.range.end..).unwrap_or_default();
            let rest = rest.trim_start_matches([' ', '\u{A0}', '\u{202F}']);
            let unit: String =
                rest.chars().take_while(|c| c.is_alphabetic() || matches!(c, '°' | '%')).collect();
            let lower = unit.to_lowercase();
            let metric = ATTACHED.contains(&lower.as_str())
                && !matches!(
                    lower.as_str(),
                    "a" | "m" | "s" | "x" | "am" | "pm" | "c" | "f" | "k" | "h" | "min"
                );
            if metric || matches!(lower.as_str(), "°c" | "°f" | "%") {
                map.entry(key(span.of(text))).or_default().push(lower.replace('μ', "µ"));
            }
        }
        map
    };
    let (source, target) = (units(source), units(target));
    source.iter().any(|(number, wanted)| {
        target.get(number).is_some_and(|found| found.iter().any(|unit| !wanted.contains(unit)))
    })
}

/// Symbols of measures with the beginnings of their names, which a translation may write instead.
const MEASURES: &[(&str, &[&str])] = &[
    ("mg", &["mil"]),
    ("kg", &["kil", "quil"]),
    ("g", &["gr"]),
    ("ml", &["mil"]),
    ("l", &["li"]),
    ("km", &["kil", "quil"]),
    ("m", &["me", "mè"]),
    ("cm", &["cen"]),
    ("mm", &["mil"]),
    ("mmhg", &["mil"]),
];

/// True if a number of the source is followed by a measure and the same number of the translation by none: `1.75 m tall`
/// must not become `1.75 alto`.
pub fn unit_lost(source: &str, target: &str) -> bool {
    let units = |text: &str| -> Vec<(String, String)> {
        values(text, &[])
            .into_iter()
            .map(|span| {
                let rest = text.get(span.range.end..).unwrap_or_default();
                let rest = rest.trim_start_matches([' ', '\u{A0}', '\u{202F}', '-']);
                let word: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
                (key(span.of(text)), word.to_lowercase())
            })
            .collect()
    };
    let found = units(target);
    units(source).iter().any(|(number, symbol)| {
        let Some((_, names)) = MEASURES.iter().find(|(s, _)| s == symbol) else { return false };
        let mut same = found.iter().filter(|(n, _)| n == number).peekable();
        same.peek().is_some()
            && !same.any(|(_, word)| word == symbol || names.iter().any(|name| word.starts_with(name)))
    })
}

/// Decimal mark and thousands mark of a language.
fn marks(language: &LanguageCode) -> (char, char) {
    match (language.as_str(), language.base()) {
        (
            "es-MX" | "es-US" | "es-419" | "es-PR" | "es-GT" | "es-HN" | "es-NI" | "es-SV" | "es-PA"
            | "es-DO",
            _,
        ) => ('.', ','),
        (
            _,
            "fr" | "ru" | "uk" | "be" | "bg" | "pl" | "cs" | "sk" | "sv" | "nb" | "nn" | "fi" | "et" | "lv"
            | "lt" | "hu",
        ) => (',', '\u{202F}'),
        (
            _,
            "es" | "pt" | "it" | "de" | "ca" | "gl" | "nl" | "da" | "id" | "tr" | "el" | "ro" | "sl" | "hr"
            | "bs" | "sr" | "mk" | "is" | "vi" | "sq" | "az" | "eu",
        ) => (',', '.'),
        _ => ('.', ','),
    }
}

/// Rewrites one number from the way of one language to that of another; `None` if it is not plainly a number (a date, a
/// version, a single group that could be either) or nothing changes.
///
/// ```
/// use cuba_translate::protect::numbers::localised;
/// let (en, es) = ("en".parse().unwrap(), "es".parse().unwrap());
/// assert_eq!(localised("1,000.5", &en, &es).as_deref(), Some("1.000,5"));
/// assert_eq!(localised("14:30", &en, &es), None);
/// ```
pub fn localised(number: &str, from: &LanguageCode, to: &LanguageCode) -> Option<String> {
    let ((decimal, group), (to_decimal, to_group)) = (marks(from), marks(to));
    let is_group = |c: char| c == group || (group == '\u{202F}' && matches!(c, '\u{A0}' | ' '));
    let mut halves = number.split(decimal);
    let (whole, fraction) = (halves.next()?, halves.next());
    let digits = |text: &str| !text.is_empty() && text.chars().all(char::is_numeric);
    if halves.next().is_some() || fraction.is_some_and(|f| !digits(f)) {
        return None;
    }
    let groups: Vec<&str> = whole.split(is_group).collect();
    let (first, others) = groups.split_first()?;
    let grouped = others.iter().all(|g| digits(g) && g.chars().count() == 3);
    if !digits(first) || !grouped || (!others.is_empty() && first.chars().count() > 3) {
        return None;
    }
    let mut out = groups.join(&to_group.to_string());
    if let Some(fraction) = fraction {
        out.push(to_decimal);
        out.push_str(fraction);
    }
    (out != number).then_some(out)
}

/// [`localised`] for every number of a translation that stands in it as in the source.
pub fn localise(target: &str, from: &LanguageCode, to: &LanguageCode) -> String {
    let mut out = String::with_capacity(target.len());
    let mut done = 0;
    for span in scan(target, &[]) {
        let text = span.of(target);
        // Of a measure its number.
        let number = match span.kind {
            SpanKind::Number => text,
            SpanKind::Measure => text.trim_end_matches(|c: char| !c.is_numeric()),
            _ => continue,
        };
        if let Some(local) = localised(number, from, to) {
            out.push_str(target.get(done..span.range.start).unwrap_or_default());
            out.push_str(&local);
            done = span.range.start + number.len();
        }
    }
    out.push_str(target.get(done..).unwrap_or_default());
    out
}
