//! Words that no text of the target language holds: a model that writes pieces of words can make them up.
//!
//! `Callme 112`, `noving euros`, `dreamando`: the engine's probabilities do not show it, a list of the language's words
//! does. The list is what the packs' lexicons know of the target language, which is not all of it, so a word counts as
//! known too when it is a known stem with an ending of the language.

use std::path::Path;

use unicode_segmentation::UnicodeSegmentation as _;

use super::{EngineError, Lexicon};
use crate::LanguageCode;

/// Shorter words are not judged: names of units, abbreviations.
const SHORTEST: usize = 4;

const ENGLISH: &[&str] = &[
    "s", "es", "d", "ed", "ing", "ly", "er", "ers", "est", "ness", "less", "ful", "al", "ment", "able", "ity",
];
const SPANISH: &[&str] = &[
    "s", "es", "a", "as", "o", "os", "e", "en", "an", "ar", "er", "ir", "ando", "iendo", "ado", "ada",
    "ados", "adas", "ido", "ida", "idos", "idas", "é", "ó", "í", "aba", "aban", "ía", "ían", "rá", "rán",
    "ría", "rían", "ará", "arán", "aría", "ción", "ciones", "mente", "amos", "emos", "imos", "aron", "ieron",
    "ió", "ara", "iera", "me", "te", "se", "lo", "la", "le", "los", "las", "les", "ito", "ita", "itos",
    "itas", "ísimo", "ísima",
];

const FRENCH: &[&str] = &[
    "s", "x", "e", "es", "ent", "er", "é", "ée", "és", "ées", "ez", "ons", "ais", "ait", "aient", "iez",
    "ions", "ai", "as", "a", "âmes", "èrent", "era", "erai", "eras", "erez", "erons", "eront", "erait",
    "erais", "eraient", "ant", "ante", "ants", "antes", "ir", "i", "ie", "is", "ies", "it", "issent",
    "issait", "issant", "issons", "issez", "ira", "iront", "u", "ue", "us", "ues", "re", "ra", "ront",
    "ment", "tion", "tions", "ion", "eur", "eurs", "euse", "euses", "eux", "if", "ifs", "ive", "ives", "al",
    "ale", "ales", "aux", "elle", "elles", "ité", "ités", "ique", "iques", "able", "ables",
];

fn endings(language: &LanguageCode) -> Option<&'static [&'static str]> {
    match language.base() {
        "en" => Some(ENGLISH),
        "es" => Some(SPANISH),
        "fr" => Some(FRENCH),
        _ => None,
    }
}

/// The words of a language, as far as they are known.
#[derive(Debug)]
pub struct Spelling {
    /// The lexicon of the opposite direction: its words are the target's.
    words: Lexicon,
    /// Words that only stand among the translations of this direction, sorted.
    more: Vec<Box<str>>,
    endings: &'static [&'static str],
}

impl Spelling {
    /// From the lexicon of the opposite direction, whose words are the target's, and the translations that the lexicon of
    /// this direction lists. `None` for languages whose endings are not known here: too much would look made up.
    ///
    /// # Errors
    /// As [`Lexicon::open`].
    pub fn open(
        language: &LanguageCode,
        opposite: &Path,
        translations: Option<&Lexicon>,
    ) -> Result<Option<Self>, EngineError> {
        Ok(match endings(language) {
            Some(endings) => Some(Self::new(endings, Lexicon::open(opposite)?, translations)),
            None => None,
        })
    }

    fn new(endings: &'static [&'static str], words: Lexicon, translations: Option<&Lexicon>) -> Self {
        let listed = translations.into_iter().flat_map(Lexicon::translations).flat_map(str::split_whitespace);
        let mut more: Vec<Box<str>> = listed.filter(|word| !words.lists(word)).map(Into::into).collect();
        more.sort_unstable();
        more.dedup();
        Self { words, more, endings }
    }

    fn has(&self, word: &str) -> bool {
        self.words.lists(word) || self.more.binary_search_by(|known| (**known).cmp(word)).is_ok()
    }

    /// Whether `target` has a word that is neither of the language nor of the source. Capitals inside a sentence are
    /// names.
    pub(super) fn invented(&self, source: &str, target: &str) -> bool {
        target.unicode_words().enumerate().any(|(at, word)| {
            let name = at > 0 && word.starts_with(char::is_uppercase);
            let judged = !name && word.chars().count() >= SHORTEST && word.chars().all(char::is_alphabetic);
            judged && {
                let word = word.to_lowercase();
                !self.knows(&word) && !source.unicode_words().any(|w| w.to_lowercase() == word)
            }
        })
    }

    fn knows(&self, word: &str) -> bool {
        self.has(word) || self.endings.iter().any(|ending| self.ends(word, ending))
    }

    /// Whether the word is a known stem with this ending.
    fn ends(&self, word: &str, ending: &str) -> bool {
        let Some(stem) = word.strip_suffix(ending) else { return false };
        let letters = stem.chars().count();
        if letters < 3 {
            return false;
        }
        // Two other forms of the stem make it one.
        let forms =
            || self.endings.iter().filter(|other| self.has(&format!("{stem}{other}"))).take(2).count();
        self.has(stem) || (letters > 3 && forms() == 2) || self.english(stem)
    }

    /// `mak-ing`, `stopp-ed`, `happi-er`.
    fn english(&self, stem: &str) -> bool {
        if self.endings != ENGLISH {
            return false;
        }
        let mut letters = stem.chars();
        let (last, before) = (letters.next_back(), letters.next_back());
        let shorter = stem.get(..stem.len() - last.map_or(0, char::len_utf8)).unwrap_or_default();
        self.has(&format!("{stem}e"))
            || (last == before && self.has(shorter))
            || (last == Some('i') && self.has(&format!("{shorter}y")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(language: &str, words: &str) -> Spelling {
        let lines = words.replace(' ', "\t5\t\n") + "\t5\t\n";
        let translations = Lexicon::parse("ninety\t3\tnoventa\n").expect("a lexicon");
        let endings = endings(&language.parse().expect("a code")).expect("a known language");
        Spelling::new(endings, Lexicon::parse(lines).expect("a lexicon"), Some(&translations))
    }

    #[test]
    fn made_up_words_are_seen_and_inflected_ones_are_not() {
        let en = spelling("en", "the room costs ninety euros call make stop happy take tablet");
        for target in ["The room costs noving euros.", "Callme the room.", "It's ahogaing!"] {
            assert!(en.invented("La habitación cuesta noventa euros.", target), "{target}");
        }
        for target in
            ["Making calls, stopped, happier.", "The tablets of Bartholomew.", "Take tres habitaciones."]
        {
            assert!(!en.invented("tres habitaciones", target), "{target}");
        }
        let es = spelling("es", "hablar hablo comprimido comemos");
        assert!(!es.invented("", "Hablando comprimidos, comemos noventa."));
        assert!(es.invented("", "Hablo traowes."));
        let fr = spelling("fr", "parler parle comprimé choisir choisit grande");
        assert!(!fr.invented("", "Parlons, choisissez les grandes comprimés de Bartholomew."));
        assert!(fr.invented("", "Il parle traowant."));
    }

    #[test]
    fn every_listed_word_is_found() {
        let words = "a zebra mid café once öl";
        let list = spelling("en", words);
        assert!(words.split(' ').all(|word| list.has(word)));
        assert!(["", "b", "zebr", "zebras", "caf"].iter().all(|word| !list.has(word)));
    }

    #[test]
    fn languages_without_endings_are_not_judged() {
        assert!(endings(&"de".parse().expect("a code")).is_none());
    }
}
