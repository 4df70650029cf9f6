//! Where a sentence ends: rules and word lists by language.

use crate::LanguageCode;

/// Words before a full stop after which the sentence goes on: titles, references, units. Lower case, without the stop.
const GOES_ON: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "mr", "mrs", "ms", "dr", "prof", "st", "mt", "ft", "gen", "col", "capt", "lt", "sgt", "rev",
            "hon", "sen", "rep", "gov", "pres", "vs", "no", "nos", "fig", "figs", "vol", "pp", "ed", "eds",
            "eq", "approx", "e.g", "i.e", "cf", "viz", "dept", "messrs", "mx", "p",
        ],
    ),
    (
        "es",
        &[
            "sr", "sra", "srta", "sres", "sras", "d", "dª", "dña", "dr", "dra", "dres", "prof", "profa",
            "lic", "ing", "arq", "gral", "cnel", "cap", "sgto", "pbro", "fr", "sto", "sta", "ud", "uds",
            "vd", "vds", "núm", "nº", "pág", "págs", "p", "pp", "art", "arts", "fig", "figs", "vol", "ed",
            "tel", "av", "avda", "c", "p.ej", "p. ej", "ej", "cf", "aprox", "máx", "mín", "s.a", "ee",
            "excmo", "excma", "ilmo",
        ],
    ),
    (
        "fr",
        &[
            "m", "mm", "mme", "mmes", "mlle", "mlles", "dr", "drs", "pr", "me", "mgr", "st", "ste", "gén",
            "cap", "lt", "p", "pp", "fig", "art", "vol", "éd", "chap", "tél", "av", "bd", "cf", "env", "ex",
            "p.ex", "c.-à-d", "n°", "nº", "réf", "min", "max",
        ],
    ),
    (
        "pt",
        &[
            "sr", "sra", "srs", "sras", "srta", "dr", "dra", "drs", "dras", "prof", "profa", "eng", "d",
            "exmo", "exma", "gen", "cel", "cap", "sgt", "pe", "n", "nº", "núm", "pág", "págs", "p", "pp",
            "art", "arts", "fig", "vol", "ed", "tel", "av", "r", "cf", "p.ex", "ex", "aprox", "sto", "sta",
        ],
    ),
    (
        "it",
        &[
            "sig", "sigg", "sig.ra", "sig.na", "dott", "dott.ssa", "dr", "prof", "prof.ssa", "ing", "avv",
            "arch", "geom", "rag", "on", "sen", "gen", "col", "cap", "mons", "s", "ss", "n", "nn", "pag",
            "pagg", "p", "pp", "art", "artt", "fig", "vol", "ed", "tel", "cfr", "es", "p.es", "ca", "max",
            "min",
        ],
    ),
    (
        "de",
        &[
            "hr", "fr", "frl", "dr", "prof", "dipl", "ing", "st", "gen", "hptm", "nr", "nrn", "abb", "abs",
            "art", "bd", "bzw", "ca", "evtl", "ggf", "inkl", "jh", "kap", "max", "min", "mio", "mrd", "s",
            "sog", "str", "tel", "u.a", "v.a", "vgl", "z.b", "z. b", "d.h", "d. h", "zzgl", "geb", "gest",
            "hrsg", "aufl",
        ],
    ),
    (
        "ca",
        &[
            "sr", "sra", "srta", "srs", "dr", "dra", "prof", "núm", "pàg", "pàgs", "p", "pp", "art", "fig",
            "vol", "tel", "av", "c", "p.ex", "p. ex", "aprox", "st", "sta",
        ],
    ),
    (
        "nl",
        &[
            "dhr", "mevr", "mw", "dr", "drs", "prof", "ir", "ing", "mr", "ds", "st", "nr", "nrs", "blz", "p",
            "pag", "fig", "art", "bijv", "bv", "d.w.z", "o.a", "ca", "evt", "max", "min", "tel", "vgl",
        ],
    ),
    (
        "ru",
        &[
            "г", "гг", "гр", "д", "др", "им", "кв", "кг", "см", "стр", "с", "т.е", "т.к", "т", "тыс", "ул",
            "проф", "акад", "рис", "табл", "п", "пп", "ст", "руб",
        ],
    ),
    (
        "pl",
        &[
            "p", "pp", "dr", "prof", "mgr", "inż", "gen", "płk", "św", "ul", "al", "pl", "nr", "str", "s",
            "tzn", "tzw", "np", "ok", "ww", "por", "rys", "tab",
        ],
    ),
];

/// The same in every language with Latin letters.
const GOES_ON_ANYWHERE: &[&str] = &["dr", "prof", "st", "vs", "cf", "fig", "vol", "tel", "approx", "pp"];

/// Abbreviations that may also end a sentence: only a capital tells.
const MAY_END: &[&str] = &[
    "etc", "inc", "ltd", "co", "corp", "jr", "bros", "a.m", "p.m", "b.c", "a.c", "a.d", "ph.d", "m.d", "usw",
    "ecc", "apr", "jan", "feb", "mar", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];

/// Abbreviations that are also words: they go on only before a number (`No. 5`, but "No. Never.").
const REFERENCES: &[&str] = &[
    "no", "nos", "nº", "n°", "núm", "nr", "nrs", "nrn", "n", "nn", "p", "pp", "pág", "págs", "pàg", "pàgs",
    "pag", "pagg", "fig", "figs", "art", "arts", "artt", "vol", "eq", "ch", "chap", "abb", "abs", "s", "blz",
    "str", "tel", "tél", "cap", "kap", "rys", "tab", "ok", "min", "max", "ed", "ex", "es", "rep", "ing",
];

/// Words that begin sentences: after an acronym with stops (`U.S.`) a capital alone says little.
const STARTERS: &[&str] = &[
    "the", "it", "he", "she", "they", "we", "i", "in", "a", "an", "this", "that", "these", "but", "and",
    "if", "when", "there", "however", "you", "el", "la", "los", "las", "en", "un", "una", "es", "no", "pero",
    "y", "si", "cuando", "este", "esta", "le", "les", "il", "elle", "on", "nous", "ils", "ce", "cette",
    "mais", "et", "dans", "o", "os", "as", "um", "uma", "ele", "ela", "mas", "e", "der", "die", "das", "er",
    "sie", "wir", "ich", "aber", "und", "lo", "gli", "ma",
];

/// Languages that write an ordinal as a number with a full stop (`3. Mai`).
const DOT_ORDINALS: &[&str] =
    &["de", "da", "nb", "nn", "fi", "is", "cs", "sk", "sl", "hr", "sr", "bs", "hu", "et", "lv", "pl", "tr"];

fn ends(c: char, language: &LanguageCode) -> bool {
    matches!(
        c,
        '.' | '!'
            | '?'
            | '…'
            | '‼'
            | '⁇'
            | '⁈'
            | '⁉'
            | '؟'
            | '۔'
            | '।'
            | '॥'
            | '։'
            | '።'
            | '፧'
            | '။'
            | '។'
    ) || ends_dense(c)
        || (c == ';' && language.base() == "el")
}

/// Marks of scripts that put no space after them.
fn ends_dense(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡' | '．')
}

fn closes(c: char) -> bool {
    matches!(
        c,
        ')' | ']'
            | '}'
            | '»'
            | '”'
            | '’'
            | '"'
            | '\''
            | '」'
            | '』'
            | '）'
            | '】'
            | '〉'
            | '》'
            | '›'
            | '“'
            | '*'
            | '_'
    )
}

fn opens(c: char) -> bool {
    matches!(
        c,
        '(' | '['
            | '{'
            | '«'
            | '“'
            | '„'
            | '‘'
            | '"'
            | '\''
            | '¿'
            | '¡'
            | '「'
            | '『'
            | '（'
            | '‹'
            | '—'
            | '–'
            | '-'
            | '*'
            | '_'
    )
}

/// Bytes at the start of a line that are indentation and list marks: `  - `, `3) `, `## `, `—`.
pub(super) fn list_mark(line: &str) -> usize {
    let mut at = blank(line);
    // A quote can hold a list that holds a heading.
    for _ in 0..4 {
        let rest = line.get(at..).unwrap_or_default();
        let mark = one_mark(rest);
        if mark == 0 {
            break;
        }
        at += mark;
        at += blank(line.get(at..).unwrap_or_default());
    }
    at
}

fn blank(text: &str) -> usize {
    text.len() - text.trim_start_matches(super::is_blank).len()
}

fn one_mark(rest: &str) -> usize {
    let mut chars = rest.char_indices();
    let Some((_, first)) = chars.next() else { return 0 };
    let spaced =
        |end: usize| rest.get(end..).is_some_and(|r| r.chars().next().is_none_or(char::is_whitespace));
    match first {
        '—' | '–' | '―' | '•' | '‣' | '◦' | '▪' | '●' | '○' | '■' | '□' | '☐' | '☑' | '✓' | '✗' | '·'
        | '➜' | '→' => first.len_utf8(),
        '-' | '*' | '+' | '>' if spaced(1) => 1,
        '#' => {
            let run = rest.len() - rest.trim_start_matches('#').len();
            if run <= 6 && spaced(run) { run } else { 0 }
        }
        '[' if ["[ ]", "[x]", "[X]"].iter().any(|b| rest.starts_with(b)) && spaced(3) => 3,
        '(' => {
            let close = rest.find(')').unwrap_or(0);
            if enumerator(rest.get(1..close).unwrap_or_default(), false) && spaced(close + 1) {
                close + 1
            } else {
                0
            }
        }
        _ => {
            let end = rest.find(['.', ')']).unwrap_or(0);
            let stop = rest.get(end..).is_some_and(|r| r.starts_with('.'));
            if enumerator(rest.get(..end).unwrap_or_default(), stop) && spaced(end + 1) { end + 1 } else { 0 }
        }
    }
}

/// `12`, `1.2`, or (before a bracket) a single letter.
fn enumerator(text: &str, before_stop: bool) -> bool {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits || (!before_stop && text.len() == 1 && text.bytes().all(|b| b.is_ascii_lowercase()))
}

/// Byte offsets in `line` at which a new sentence begins (after the space between the two).
pub(super) fn boundaries(line: &str, language: &LanguageCode) -> Vec<usize> {
    let mut out = Vec::new();
    let mut chars = line.char_indices().peekable();
    let mut word_start = 0;
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() || opens(c) {
            word_start = at + c.len_utf8();
        }
        if !ends(c, language) {
            continue;
        }
        let mut run_end = at + c.len_utf8();
        let (mut dense, mut only_stops) = (ends_dense(c), matches!(c, '.' | '…'));
        let mut single = c == '.';
        while let Some(&(next, d)) = chars.peek() {
            if !ends(d, language) {
                break;
            }
            dense |= ends_dense(d);
            only_stops &= matches!(d, '.' | '…');
            single = false;
            run_end = next + d.len_utf8();
            chars.next();
        }
        let close = closers(line, run_end);
        let rest = line.get(close..).unwrap_or_default();
        let Some(next) = rest.chars().next() else { break };
        if !dense && !next.is_whitespace() {
            continue;
        }
        let start = close + blank(rest);
        let following = line.get(start..).unwrap_or_default();
        let word = line.get(word_start..at).unwrap_or_default();
        if dense || splits(word, single, only_stops, close > run_end, following, language) {
            out.push(start);
            // The peekable has already passed the run; closers and spaces are passed by the loop.
            word_start = start;
        }
    }
    out
}

/// Passes closing quotes and brackets, also ` »` with its space.
fn closers(line: &str, mut at: usize) -> usize {
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { return at };
        if closes(c) {
            at += c.len_utf8();
            continue;
        }
        let spaced = rest.trim_start_matches([' ', '\u{A0}', '\u{202F}']);
        if c.is_whitespace() && spaced.starts_with(['»', '›']) {
            at += rest.len() - spaced.len()
                + '»'.len_utf8().min(spaced.chars().next().map_or(0, char::len_utf8));
            continue;
        }
        return at;
    }
}

/// Decides about a mark that is followed by space and then `following`.
fn splits(
    word: &str,
    single: bool,
    only_stops: bool,
    closed: bool,
    following: &str,
    language: &LanguageCode,
) -> bool {
    let Some(next) = following.chars().find(|c| !opens(*c)) else { return false };
    // Georgian letters count as small since Unicode 11, but begin sentences.
    if next.is_lowercase() && !matches!(next, '\u{10D0}'..='\u{10FF}') {
        return false;
    }
    if !only_stops || !single || closed {
        return true;
    }
    let lower = word.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    if goes_on(&lower, language) {
        return REFERENCES.contains(&lower.as_str()) && !next.is_numeric();
    }
    if MAY_END.contains(&lower.as_str()) {
        return next.is_uppercase();
    }
    let mut letters = word.chars().filter(|c| c.is_alphanumeric());
    let (first, second) = (letters.next(), letters.next());
    let starter = || {
        let next_word: String = following
            .chars()
            .skip_while(|c| !c.is_alphanumeric())
            .take_while(|c| c.is_alphabetic())
            .flat_map(char::to_lowercase)
            .collect();
        STARTERS.contains(&next_word.as_str())
    };
    match (first, second) {
        // J. Smith, but not "so do I."
        (Some(initial), None) if initial.is_uppercase() && word != "I" => return starter(),
        _ => {}
    }
    if !lower.is_empty() && lower.len() <= 2 && lower.bytes().all(|b| b.is_ascii_digit()) {
        return !DOT_ORDINALS.contains(&language.base());
    }
    let acronym = lower.contains('.')
        && lower.split('.').all(|part| part.chars().count() <= 3 && part.chars().all(char::is_alphabetic));
    !acronym || starter()
}

fn goes_on(lower: &str, language: &LanguageCode) -> bool {
    GOES_ON_ANYWHERE.contains(&lower)
        || GOES_ON.iter().any(|(code, words)| *code == language.base() && words.contains(&lower))
}
