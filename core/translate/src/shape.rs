//! The outer form of a sentence: capitals and the final mark.
//!
//! Small models are trained on whole sentences in mixed case. All capitals, a lone word or a missing full stop bring
//! out nonsense. So such a sentence is given the usual form first, and its translation gets the form back.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::LanguageCode;
use crate::calendar::takes_a_capital;

/// What was done to a sentence before translation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Was all capitals, went in as a normal sentence.
    pub(crate) recased: bool,
    /// Had no final mark, went in with a full stop.
    pub(crate) stopped: bool,
}

impl Shape {
    /// The form that suits a neural model best, for the first or (`again`) another try.
    pub(crate) fn choose(text: &str, again: bool) -> Self {
        let words = text.split_whitespace().count();
        let capitals = all_capitals(text);
        let open = !has_final_mark(text);
        if again {
            // A lone word in capitals may be an acronym: it is recased only when it did not work as it is.
            Self { recased: capitals, stopped: open && words > 3 }
        } else {
            Self { recased: capitals && words > 1, stopped: open && words <= 3 }
        }
    }

    /// Gives `text`, which is in this language, the form.
    pub(crate) fn apply(self, text: &str, language: &LanguageCode) -> String {
        let mut out = if self.recased { sentence_case(text, language) } else { text.to_owned() };
        if self.stopped {
            let dense = out.chars().next_back().is_some_and(|c| matches!(c, '\u{3040}'..='\u{9FFF}'));
            out.push(if dense { '。' } else { '.' });
        }
        out
    }

    /// Gives a translation of `source` the form of the source.
    pub(crate) fn undo(self, source: &str, translation: &str) -> String {
        let mut text = translation.trim();
        if !has_final_mark(source) {
            let bare = text.strip_suffix(['.', '。']).unwrap_or(text);
            if !bare.ends_with(['.', '…']) && !bare.is_empty() {
                text = bare;
            }
        }
        if self.recased { text.to_uppercase() } else { text.to_owned() }
    }
}

/// At least four letters, all of them capitals.
fn all_capitals(text: &str) -> bool {
    let mut letters = 0;
    for c in text.chars() {
        if c.is_lowercase() {
            return false;
        }
        letters += usize::from(c.is_uppercase());
    }
    letters >= 4
}

/// Ends with a mark that ends or holds a sentence, perhaps inside quotes or brackets.
fn has_final_mark(text: &str) -> bool {
    text.trim_end()
        .trim_end_matches(|c: char| {
            matches!(
                c,
                ')' | ']'
                    | '"'
                    | '\''
                    | '»'
                    | '”'
                    | '’'
                    | '」'
                    | '』'
                    | '）'
                    | '}'
                    | ' '
                    | '\u{A0}'
                    | '\u{202F}'
            )
        })
        .ends_with(['.', '!', '?', '…', ':', ';', ',', '。', '！', '？', '؟', '।', '։', '۔', '—', '-'])
}

/// Small letters but for the first and for what the language always writes with a capital.
fn sentence_case(text: &str, language: &LanguageCode) -> String {
    let mut out = String::with_capacity(text.len());
    let mut first = true;
    for piece in text.split_word_bounds() {
        let small = piece.to_lowercase();
        let i =
            language.base() == "en" && (small == "i" || small.starts_with("i'") || small.starts_with("i’"));
        let word = piece.starts_with(char::is_alphabetic);
        if word && (first || i || takes_a_capital(&small, language)) {
            out.push_str(&capitalised(&small));
        } else {
            out.push_str(&small);
        }
        first &= !word;
    }
    out
}

/// With a capital first.
pub(crate) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next();
    first.into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// `word` in the case of `like`: all capitals, a first capital, or as it is.
#[cfg(any(test, feature = "nmt"))]
pub(crate) fn in_case_of(like: &str, word: &str) -> String {
    let letters = || like.chars().filter(|c| c.is_alphabetic());
    if letters().count() > 1 && letters().all(char::is_uppercase) {
        word.to_uppercase()
    } else if like.starts_with(char::is_uppercase) {
        capitalised(word)
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_go_in_as_a_sentence_and_come_back() {
        let source = "DO NOT ENTER";
        let shape = Shape::choose(source, false);
        assert_eq!(shape, Shape { recased: true, stopped: true });
        let en = "en".parse().expect("a code");
        assert_eq!(shape.apply(source, &en), "Do not enter.");
        assert_eq!(shape.apply("CLOSED ON MONDAYS, I'M AWAY", &en), "Closed on Mondays, I'm away.");
        assert_eq!(shape.undo(source, "No entrar."), "NO ENTRAR");
        assert_eq!(Shape::choose("NATO", false), Shape { recased: false, stopped: true });
        assert!(Shape::choose("STOP", true).recased);
    }

    #[test]
    fn a_word_takes_the_case_of_another() {
        assert_eq!(in_case_of("WARNING", "advertencia"), "ADVERTENCIA");
        assert_eq!(in_case_of("Bread", "pan"), "Pan");
        assert_eq!(in_case_of("bread", "pan"), "pan");
    }

    #[test]
    fn a_stop_is_lent_and_taken_back() {
        assert_eq!(Shape::choose("Hello", false).apply("Hello", &"en".parse().expect("a code")), "Hello.");
        assert_eq!(Shape::choose("He said “yes.”", false), Shape::default());
        let long = "A headline of many words";
        assert_eq!(Shape::choose(long, false), Shape::default());
        assert_eq!(
            Shape::default().undo(long, "Un titular de muchas palabras."),
            "Un titular de muchas palabras"
        );
        assert_eq!(Shape::default().undo("Well...", "Bueno..."), "Bueno...");
        assert_eq!(Shape::default().undo("Wait", "Espera..."), "Espera...");
    }
}
