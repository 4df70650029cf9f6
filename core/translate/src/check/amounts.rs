//! Numbers written as words: `thirty-two` must not come out as `treinta`.
//!
//! A number is read where the language writes it plainly (cardinals up to the millions). Words that may mean a number
//! and may not (`both`, `dozen`, `los dos`, a year in two halves) count for the other side but ask nothing of it.

use std::collections::BTreeSet;

use crate::LanguageCode;
use crate::numerals::{Numerals, listed, value};

/// Whether a number that one side spells out is missing on the other. Languages without a table say nothing.
///
/// ```
/// use cuba_translate::check::amounts_differ;
/// let (en, es) = ("en".parse().unwrap(), "es".parse().unwrap());
/// assert!(amounts_differ("The room costs ninety euros.", "La habitación cuesta nueve euros.", &en, &es));
/// assert!(!amounts_differ("I am thirty-two weeks pregnant.", "Estoy embarazada de treinta y dos semanas.", &en, &es));
/// assert!(!amounts_differ("Wait twenty minutes.", "Espere 20 minutos.", &en, &es));
/// ```
pub fn amounts_differ(source: &str, target: &str, from: &LanguageCode, to: &LanguageCode) -> bool {
    let (Some(a), Some(b)) = (Numerals::reading(from), Numerals::reading(to)) else { return false };
    let (a, b) = (a.amounts(source), b.amounts(target));
    !a.sure.is_subset(&b.all) || !b.sure.is_subset(&a.all)
}

#[derive(Debug, Default)]
struct Amounts {
    /// Values that are surely meant as numbers and written in words, from two on: "one" is an article too.
    sure: BTreeSet<u64>,
    /// Every value that the text might name, digits included.
    all: BTreeSet<u64>,
}

/// What a word adds to the number that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Below thirty: `seven`, `veintidós`.
    Unit(u64),
    /// Twenty, thirty, ... ninety.
    Tens(u64),
    /// `hundred`: multiplies what stands before.
    Hundred,
    /// `doscientos`: stands for itself.
    Hundreds(u64),
    /// Thousand or million.
    Scale(u64),
}

/// The number that is being read, part by part.
#[derive(Debug, Default)]
struct Reading {
    millions: u64,
    below: u64,
    started: bool,
    /// Built of parts that might be two numbers after all: the halves of a year.
    doubtful: bool,
}

impl Reading {
    /// Whether `part` continues this number.
    fn fits(&self, part: Part, french: bool) -> bool {
        let last = self.below % 100;
        !self.started
            || match part {
                Part::Unit(n) => {
                    // "dix-sept", "soixante-dix", "soixante et onze"
                    let seventeen = french && last == 10 && (7..10).contains(&n);
                    let after_tens = last >= 20 && last.is_multiple_of(10) && (n < 10 || (french && n < 20));
                    last == 0 || after_tens || seventeen
                }
                Part::Tens(n) => last == 0 || (french && last == 4 && n == 20),
                Part::Hundred => (1..10).contains(&self.below),
                Part::Hundreds(_) => self.below == 0,
                Part::Scale(_) => self.below > 0,
            }
    }

    /// Adds `part` if it continues this number.
    fn add(&mut self, part: Part, french: bool) -> bool {
        if !self.fits(part, french) {
            return false;
        }
        self.started = true;
        match part {
            Part::Tens(20) if french && self.below % 100 == 4 => self.below += 76,
            Part::Unit(n) | Part::Tens(n) | Part::Hundreds(n) => self.below += n,
            Part::Hundred => self.below = self.below.max(1) * 100,
            Part::Scale(n) => {
                self.millions += self.below.max(1) * n;
                self.below = 0;
            }
        }
        true
    }

    fn value(&self) -> u64 {
        self.millions + self.below
    }
}

impl Numerals {
    /// The table of a language whose numbers can be read from text.
    fn reading(language: &LanguageCode) -> Option<&'static Self> {
        Self::of(language).filter(|table| table.separate)
    }

    fn part(&self, word: &str) -> Option<Part> {
        value(self.units, word)
            .map(Part::Unit)
            .or_else(|| value(self.tens, word).map(Part::Tens))
            .or_else(|| listed(self.hundred, word).then_some(Part::Hundred))
            .or_else(|| value(self.hundreds, word).map(Part::Hundreds))
            .or_else(|| value(self.scales, word).map(Part::Scale))
    }

    fn amounts(&self, text: &str) -> Amounts {
        let mut found = Amounts::default();
        let lower = text.to_lowercase();
        let words = tokens(&lower);
        let mut reading = Reading::default();
        let mut before = "";
        for (at, (word, touches)) in words.iter().enumerate() {
            let joins = listed(self.joint, word)
                && reading.started
                && words.get(at + 1).is_some_and(|(next, close)| *close && self.may_join(&reading, next));
            if joins && *touches {
                continue;
            }
            let percent = at > 0 && words.get(at - 1).is_some_and(|w| matches!(w.0, "por" | "pour"));
            let part =
                self.part(word).filter(|p| !percent || !matches!(p, Part::Hundred | Part::Hundreds(100)));
            // "neuf" alone is more often new than nine; inside a number it is nine.
            let nine = || {
                let part = Part::Unit(value(self.homonyms, word)?);
                (self.joint == "et" && *touches && reading.started && reading.fits(part, true))
                    .then_some(part)
            };
            let part = part.or_else(nine);
            let goes_on = *touches || !reading.started;
            if let (Some(part), true) = (part, goes_on)
                && reading.add(part, self.joint == "et")
            {
                before = if at == 0 { "" } else { words.get(at - 1).map_or(before, |w| w.0) };
                continue;
            }
            // A part that does not fit and yet follows at once: two halves of a year, or a telephone number.
            let follows = part.is_some() && *touches && reading.started;
            // "twenty-first" is no twenty.
            let ordinal = part.is_none() && *touches && reading.started && ordinal(word);
            let half = self.finish(&mut reading, follows || ordinal, before, &mut found);
            if let Some(part) = part {
                reading.add(part, self.joint == "et");
                reading.doubtful = half;
                before = if at == 0 { "" } else { words.get(at - 1).map_or("", |w| w.0) };
            } else if let Ok(number) = word.parse() {
                found.all.insert(number);
                // "2 million": named, but it is the digits' own check that asks for them.
                let scaled =
                    words.get(at + 1).is_some_and(|(w, close)| *close && value(self.scales, w).is_some());
                if scaled && number < 1_000_000 {
                    reading = Reading { below: number, started: true, doubtful: true, ..Reading::default() };
                }
            }
            found.all.extend(value(self.homonyms, word).into_iter().chain(value(self.loose, word)));
        }
        self.finish(&mut reading, false, before, &mut found);
        for number in grouped_digits(&lower) {
            found.all.insert(number);
        }
        found
    }

    /// Whether a joint between what was read and `next` stays inside one number: `treinta y dos`, `two hundred and six`.
    fn may_join(&self, reading: &Reading, next: &str) -> bool {
        let last = reading.below % 100;
        match self.part(next) {
            Some(Part::Unit(n)) => {
                let after_tens =
                    last >= 20 && last.is_multiple_of(10) && (n < 10 || (self.joint == "et" && n == 11));
                let after_hundred = last == 0 && self.joint != "y" && self.joint != "et";
                if self.joint == "and" { after_hundred } else { after_tens || after_hundred }
            }
            Some(Part::Tens(_) | Part::Hundreds(_)) => last == 0 && matches!(self.joint, "and" | "e"),
            _ => false,
        }
    }

    /// Ends the number that was read; returns whether it was doubtful.
    fn finish(&self, reading: &mut Reading, doubtful: bool, before: &str, found: &mut Amounts) -> bool {
        let done = std::mem::take(reading);
        if !done.started {
            return false;
        }
        let number = done.value();
        let doubtful = doubtful || done.doubtful;
        found.all.insert(number);
        let both = number == 2 && !self.articles.is_empty() && listed(self.articles, before);
        if number >= 2 && !doubtful && !both {
            found.sure.insert(number);
        }
        doubtful
    }
}

fn ordinal(word: &str) -> bool {
    matches!(
        word,
        "first" | "second" | "third" | "fourth" | "fifth" | "sixth" | "seventh" | "eighth" | "ninth"
    )
}

/// Words, and whether only a space or a hyphen stands between each and the one before.
fn tokens(text: &str) -> Vec<(&str, bool)> {
    let mut out = Vec::new();
    let mut end = 0;
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let gap = text.get(end..start).unwrap_or_default();
        out.push((word, !out.is_empty() && matches!(gap, " " | "-" | "\u{a0}" | "\u{2010}" | "\u{2011}")));
        end = start + word.len();
    }
    out
}

/// `1,000`, `1.000` and `1 000` as a thousand.
fn grouped_digits(text: &str) -> Vec<u64> {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '\u{a0}' | '\u{202f}')))
        .filter_map(|run| run.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(language: &str, text: &str) -> Vec<u64> {
        let tongue = Numerals::reading(&language.parse().expect("a code")).expect("a table");
        tongue.amounts(text).sure.into_iter().collect()
    }

    #[test]
    fn numbers_in_words_are_read() {
        for (language, text, want) in [
            ("en", "I am thirty-two weeks along, and he is sixty, not sixteen.", vec![16, 32, 60]),
            ("en", "one hundred and twenty-three thousand four hundred and six", vec![123_406]),
            ("en", "Two and three make five.", vec![2, 3, 5]),
            ("en", "a hundred, a thousand, two million", vec![100, 1000, 2_000_000]),
            ("en", "on the twenty-first, both of them, a dozen, number one", vec![]),
            ("en", "in nineteen eighty-four", vec![]),
            (
                "es",
                "treinta y dos semanas, dos y tres, ciento veinte mil cuatrocientas",
                vec![2, 3, 32, 120_400],
            ),
            ("es", "los dos tienen veintidós años, son las dos", vec![22]),
            ("es", "a las seis y veinte", vec![6, 20]),
            ("es", "quinientos cincuenta y un millones", vec![551_000_000]),
            (
                "fr",
                "quatre-vingt-dix-sept, soixante et onze, soixante-quinze, vingt et un",
                vec![21, 71, 75, 97],
            ),
            (
                "fr",
                "dix-sept, dix-neuf, vingt-neuf, quatre-vingt-dix-neuf, cent neuf",
                vec![17, 19, 29, 99, 109],
            ),
            ("fr", "soixante-dix, mille neuf cents", vec![70, 1900]),
            ("fr", "deux cent trois, trois mille quatre cents, un livre neuf", vec![203, 3400]),
            ("pt", "trinta e dois, cento e vinte e três, dois mil e seis", vec![32, 123, 2006]),
            ("pt", "vinte e três, três e vinte", vec![3, 20, 23]),
        ] {
            assert_eq!(sure(language, text), want, "{text}");
        }
    }

    #[test]
    fn what_differs_and_what_does_not() {
        let (en, es) = ("en".parse().expect("a code"), "es".parse().expect("a code"));
        for (a, b) in [
            ("There are seventeen people.", "Hay siete personas."),
            ("Take four tablets.", "Tome una pastilla."),
            ("Wait here.", "Espere aquí ocho días."),
            ("He is sixty, not sixteen.", "Tiene seisteen, no sesenta."),
        ] {
            assert!(amounts_differ(a, b, &en, &es), "{a}");
        }
        for (a, b) in [
            ("Both of them came at two o'clock.", "Los dos vinieron a las dos."),
            ("Take one tablet twice a day.", "Tome una pastilla dos veces al día."),
            ("It costs 1,000 euros.", "Cuesta mil euros."),
            ("Half past six.", "Las seis y media."),
            ("Two million people.", "2 millones de personas."),
            ("It has 2 million users.", "Tiene dos millones de usuarios."),
            ("A hundred percent.", "Cien por cien."),
            ("Three percent of those in their fifties.", "El tres por ciento de los de cincuenta años."),
            ("Nineteen eighty-four was long ago.", "Hace mucho de 1984."),
            ("One day I will go.", "Algún día iré."),
        ] {
            assert!(!amounts_differ(a, b, &en, &es), "{a}");
        }
    }
}
