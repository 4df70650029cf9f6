//! Months and days of the week by language: a wrong one is as bad as a wrong number.

use std::collections::BTreeSet;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::LanguageCode;

/// The names of a language: January to December, then Monday to Sunday. Forms are separated by a slash.
struct Names {
    language: &'static str,
    /// Written with a capital, which tells them from other words.
    capital: bool,
    words: [&'static str; 19],
}

/// A month or day in a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) place: Range<usize>,
    /// 0 to 11 the months, 12 to 18 the days.
    pub(crate) which: usize,
    /// It can be nothing else there.
    sure: bool,
}

/// The months and days of a text; none for languages without a table.
pub(crate) fn find(text: &str, language: &LanguageCode) -> Vec<Found> {
    let Some(table) = Names::of(language) else { return Vec::new() };
    let words: Vec<(usize, &str)> = text.unicode_word_indices().collect();
    let neighbour = |at: Option<usize>| at.and_then(|at| words.get(at)).map(|(_, word)| *word);
    let number = |word: Option<&str>| word.is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    let found = words.iter().enumerate().filter_map(|(n, (at, word))| {
        // "Thursday's"
        let word = word.strip_suffix("'s").or(word.strip_suffix("’s")).unwrap_or(word);
        let lower = word.to_lowercase();
        let which = table.words.iter().position(|forms| forms.split('/').any(|form| form == lower))?;
        let written = word.starts_with(char::is_uppercase) == table.capital;
        let (before, after) = (neighbour(n.checked_sub(1)), neighbour(Some(n + 1)));
        let dated = number(before) || number(after);
        let sure = match lower.as_str() {
            // "May I", "March on": words that stand before a month tell.
            "may" | "march" => {
                dated || (written && before.is_some_and(|w| leads_to_a_month(&w.to_lowercase())))
            }
            "mars" | "domingo" => dated || (written && n > 0 && lower != "mars"),
            // June Almeida, April Jones.
            "april" | "june" | "august" => {
                dated || (written && !after.is_some_and(|w| w.starts_with(char::is_uppercase)))
            }
            _ => written || n == 0,
        };
        Some(Found { place: *at..at + word.len(), which, sure })
    });
    found.collect()
}

fn leads_to_a_month(word: &str) -> bool {
    matches!(
        word,
        "in" | "of"
            | "last"
            | "next"
            | "this"
            | "since"
            | "until"
            | "till"
            | "by"
            | "from"
            | "to"
            | "early"
            | "late"
            | "mid"
    )
}

/// Whether one side names a month or day that the other does not.
///
/// Languages without a table say nothing.
pub(crate) fn differ(source: &str, target: &str, from: &LanguageCode, to: &LanguageCode) -> bool {
    if Names::of(from).is_none() || Names::of(to).is_none() {
        return false;
    }
    let (source, target) = (find(source, from), find(target, to));
    let missing = |a: &[Found], b: &[Found]| {
        let there: BTreeSet<usize> = b.iter().map(|f| f.which).collect();
        a.iter().any(|f| f.sure && !there.contains(&f.which))
    };
    missing(&source, &target) || missing(&target, &source)
}

/// How `language` writes it.
#[cfg(any(test, feature = "nmt"))]
pub(crate) fn name(which: usize, language: &LanguageCode) -> Option<String> {
    let table = Names::of(language)?;
    let form = table.words.get(which)?.split('/').next()?;
    Some(if table.capital { crate::shape::capitalised(form) } else { form.to_owned() })
}

/// Whether the word, in small letters, is written with a capital in this language.
pub(crate) fn takes_a_capital(word: &str, language: &LanguageCode) -> bool {
    let same = |forms: &&str| forms.split('/').any(|form| form == word);
    !matches!(word, "may" | "march")
        && Names::of(language).is_some_and(|t| t.capital && t.words.iter().any(same))
}

impl Names {
    fn of(language: &LanguageCode) -> Option<&'static Self> {
        TABLE.iter().find(|names| names.language == language.base())
    }
}

#[rustfmt::skip]
const TABLE: &[Names] = &[
    Names { language: "en", capital: true, words: [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
        "monday/mondays", "tuesday/tuesdays", "wednesday/wednesdays", "thursday/thursdays", "friday/fridays", "saturday/saturdays", "sunday/sundays",
    ] },
    Names { language: "es", capital: false, words: [
        "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre/setiembre", "octubre", "noviembre", "diciembre",
        "lunes", "martes", "miércoles", "jueves", "viernes", "sábado/sábados", "domingo/domingos",
    ] },
    Names { language: "fr", capital: false, words: [
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
        "lundi/lundis", "mardi/mardis", "mercredi/mercredis", "jeudi/jeudis", "vendredi/vendredis", "samedi/samedis", "dimanche/dimanches",
    ] },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn differs(source: &str, target: &str) -> bool {
        differ(source, target, &"en".parse().expect("a code"), &"es".parse().expect("a code"))
    }

    #[test]
    fn another_day_or_month_is_seen() {
        assert!(differs("Come back on Monday.", "Vuelva el jueves."));
        assert!(differs("It is on 12 March.", "Es el 12 de mayo."));
        assert!(differs("It is on 12 March.", "Es el 12 de March."));
        assert!(differs("See you there.", "Nos vemos el sábado."));
        assert!(!differs("On Mondays and 1 May.", "Los lunes y el 1 de mayo."));
    }

    #[test]
    fn words_that_only_look_like_months_ask_for_nothing() {
        assert!(!differs("May I come in?", "¿Puedo entrar?"));
        assert!(!differs("They march on.", "Siguen adelante."));
        assert!(!differs("Hello. May I come in?", "Hola. ¿Puedo entrar?"));
        assert!(!differs("They were imaged by June Almeida.", "Las fotografió June Almeida."));
        assert!(!differs("It was Thursday's news.", "Fue la noticia del jueves."));
        assert!(differs("It ends in May.", "Termina en marzo."));
        assert!(!differs("Plácido Domingo sings.", "Canta Plácido Domingo."));
    }

    #[test]
    fn names_are_written_as_the_language_does() {
        let en = "en".parse().expect("a code");
        assert_eq!(name(12, &en).as_deref(), Some("Monday"));
        assert_eq!(name(2, &"es".parse().expect("a code")).as_deref(), Some("marzo"));
        assert!(takes_a_capital("mondays", &en) && !takes_a_capital("may", &en));
    }
}
