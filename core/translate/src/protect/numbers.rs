//! Numbers: the same value in another dress, number words, and local ways of writing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::patterns::ATTACHED;
use super::{Span, SpanKind, scan};
use crate::LanguageCode;

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
            && !text.parse().is_ok_and(|n: u32| spelled(source, n, from))
    })
}

/// The one place where `number` is written as a word.
fn spelled_once(target: &str, number: &str, language: &LanguageCode) -> Option<Range<usize>> {
    let value: u32 = number.parse().ok()?;
    let forms = word_forms(value, language)?;
    let mut places = words(target).filter(|(_, word)| forms.contains(&word.to_lowercase().as_str()));
    let (at, word) = places.next()?;
    places.next().is_none().then(|| at..at + word.len())
}

fn spelled(text: &str, value: u32, language: &LanguageCode) -> bool {
    // Compounds ("twenty-five", "two hundred") and languages without a table: any number word will do.
    let Some(table) = table(language) else { return true };
    let lower: Vec<String> = words(text).map(|(_, w)| w.to_lowercase()).collect();
    let has = |forms: &str| forms.split('/').any(|f| lower.iter().any(|w| w == f));
    match word_forms(value, language) {
        Some(forms) => forms.iter().any(|f| lower.iter().any(|w| w == f)),
        None => table.iter().any(|(_, forms)| has(forms)),
    }
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !c.is_alphabetic())
        .filter(|w| !w.is_empty())
        .map(move |w| (w.as_ptr() as usize - text.as_ptr() as usize, w))
}

fn word_forms(value: u32, language: &LanguageCode) -> Option<Vec<&'static str>> {
    let (_, forms) = table(language)?.iter().find(|(n, _)| *n == value)?;
    Some(forms.split('/').collect())
}

fn table(language: &LanguageCode) -> Option<&'static [(u32, &'static str)]> {
    WORDS.iter().find(|(code, _)| *code == language.base()).map(|(_, table)| *table)
}

type Table = &'static [(u32, &'static str)];

/// Number words; forms that differ by gender are separated by a slash.
const WORDS: &[(&str, Table)] = &[
    (
        "en",
        &[
            (1, "one/a/an"),
            (2, "two"),
            (3, "three"),
            (4, "four"),
            (5, "five"),
            (6, "six"),
            (7, "seven"),
            (8, "eight"),
            (9, "nine"),
            (10, "ten"),
            (11, "eleven"),
            (12, "twelve"),
            (13, "thirteen"),
            (14, "fourteen"),
            (15, "fifteen"),
            (16, "sixteen"),
            (17, "seventeen"),
            (18, "eighteen"),
            (19, "nineteen"),
            (20, "twenty"),
            (30, "thirty"),
            (40, "forty"),
            (50, "fifty"),
            (60, "sixty"),
            (70, "seventy"),
            (80, "eighty"),
            (90, "ninety"),
            (100, "hundred"),
            (1000, "thousand"),
        ],
    ),
    (
        "es",
        &[
            (1, "un/una/uno"),
            (2, "dos"),
            (3, "tres"),
            (4, "cuatro"),
            (5, "cinco"),
            (6, "seis"),
            (7, "siete"),
            (8, "ocho"),
            (9, "nueve"),
            (10, "diez"),
            (11, "once"),
            (12, "doce"),
            (13, "trece"),
            (14, "catorce"),
            (15, "quince"),
            (16, "dieciséis"),
            (17, "diecisiete"),
            (18, "dieciocho"),
            (19, "diecinueve"),
            (20, "veinte"),
            (30, "treinta"),
            (40, "cuarenta"),
            (50, "cincuenta"),
            (60, "sesenta"),
            (70, "setenta"),
            (80, "ochenta"),
            (90, "noventa"),
            (100, "cien/ciento"),
            (1000, "mil"),
        ],
    ),
    (
        "fr",
        &[
            (1, "un/une"),
            (2, "deux"),
            (3, "trois"),
            (4, "quatre"),
            (5, "cinq"),
            (6, "six"),
            (7, "sept"),
            (8, "huit"),
            (9, "neuf"),
            (10, "dix"),
            (11, "onze"),
            (12, "douze"),
            (13, "treize"),
            (14, "quatorze"),
            (15, "quinze"),
            (16, "seize"),
            (20, "vingt"),
            (30, "trente"),
            (40, "quarante"),
            (50, "cinquante"),
            (60, "soixante"),
            (100, "cent"),
            (1000, "mille"),
        ],
    ),
    (
        "pt",
        &[
            (1, "um/uma"),
            (2, "dois/duas"),
            (3, "três"),
            (4, "quatro"),
            (5, "cinco"),
            (6, "seis"),
            (7, "sete"),
            (8, "oito"),
            (9, "nove"),
            (10, "dez"),
            (11, "onze"),
            (12, "doze"),
            (13, "treze"),
            (14, "quatorze/catorze"),
            (15, "quinze"),
            (16, "dezesseis/dezasseis"),
            (17, "dezessete/dezassete"),
            (18, "dezoito"),
            (19, "dezenove/dezanove"),
            (20, "vinte"),
            (30, "trinta"),
            (40, "quarenta"),
            (50, "cinquenta"),
            (60, "sessenta"),
            (70, "setenta"),
            (80, "oitenta"),
            (90, "noventa"),
            (100, "cem/cento"),
            (1000, "mil"),
        ],
    ),
    (
        "it",
        &[
            (1, "un/uno/una"),
            (2, "due"),
            (3, "tre"),
            (4, "quattro"),
            (5, "cinque"),
            (6, "sei"),
            (7, "sette"),
            (8, "otto"),
            (9, "nove"),
            (10, "dieci"),
            (11, "undici"),
            (12, "dodici"),
            (13, "tredici"),
            (14, "quattordici"),
            (15, "quindici"),
            (16, "sedici"),
            (17, "diciassette"),
            (18, "diciotto"),
            (19, "diciannove"),
            (20, "venti"),
            (30, "trenta"),
            (40, "quaranta"),
            (50, "cinquanta"),
            (60, "sessanta"),
            (70, "settanta"),
            (80, "ottanta"),
            (90, "novanta"),
            (100, "cento"),
            (1000, "mille"),
        ],
    ),
    (
        "de",
        &[
            (1, "ein/eine/einen/einem/einer/eins"),
            (2, "zwei"),
            (3, "drei"),
            (4, "vier"),
            (5, "fünf"),
            (6, "sechs"),
            (7, "sieben"),
            (8, "acht"),
            (9, "neun"),
            (10, "zehn"),
            (11, "elf"),
            (12, "zwölf"),
            (13, "dreizehn"),
            (14, "vierzehn"),
            (15, "fünfzehn"),
            (16, "sechzehn"),
            (17, "siebzehn"),
            (18, "achtzehn"),
            (19, "neunzehn"),
            (20, "zwanzig"),
            (30, "dreißig"),
            (40, "vierzig"),
            (50, "fünfzig"),
            (60, "sechzig"),
            (70, "siebzig"),
            (80, "achtzig"),
            (90, "neunzig"),
            (100, "hundert"),
            (1000, "tausend"),
        ],
    ),
];

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
        if span.kind == SpanKind::Number
            && let Some(local) = localised(span.of(target), from, to)
        {
            out.push_str(target.get(done..span.range.start).unwrap_or_default());
            out.push_str(&local);
            done = span.range.end;
        }
    }
    out.push_str(target.get(done..).unwrap_or_default());
    out
}
