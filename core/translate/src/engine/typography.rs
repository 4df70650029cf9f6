//! Characters that a vocabulary does not have, written as it has them.
//!
//! A model trained on plain text never met `’` or `…`; cut into bytes it never met either, they throw the whole sentence
//! off. Which characters these are, the model's own vocabulary says: another keeps its curly quotes.

use std::ops::Range;

use super::Input;

/// A character and how plain text writes it.
const PLAIN: [(char, &str); 22] = [
    ('‘', "'"),
    ('’', "'"),
    ('‚', "'"),
    ('‛', "'"),
    ('′', "'"),
    ('“', "\""),
    ('”', "\""),
    ('„', "\""),
    ('‟', "\""),
    ('″', "\""),
    ('«', "\""),
    ('»', "\""),
    ('‹', "'"),
    ('›', "'"),
    ('…', "..."),
    ('–', "-"),
    ('—', "-"),
    ('―', "-"),
    ('−', "-"),
    ('‐', "-"),
    ('‑', "-"),
    ('•', "-"),
];

/// The characters of the table that one vocabulary lacks.
#[derive(Clone, Debug, Default)]
pub(super) struct Typography {
    lacking: Vec<(char, &'static str)>,
}

impl Typography {
    /// For a vocabulary of which `has` tells whether a character is written without falling back to bytes.
    pub(super) fn new(has: impl Fn(char) -> bool) -> Self {
        Self { lacking: PLAIN.into_iter().filter(|(c, _)| !has(*c)).collect() }
    }

    /// The sentence in characters of the vocabulary; the places of what is forced move along.
    pub(super) fn plain(&self, input: &Input) -> Input {
        let mut text = String::with_capacity(input.text.len());
        // (end in the old text, end in the new one) of every replaced character.
        let mut moved: Vec<(usize, usize)> = Vec::new();
        for (at, c) in input.text.char_indices() {
            if let Some(plain) = self.of(c) {
                text.push_str(plain);
                moved.push((at + c.len_utf8(), text.len()));
            } else {
                text.push(c);
            }
        }
        let place = |at: usize| {
            let before = moved.iter().rev().find(|(old, _)| *old <= at);
            before.map_or(at, |(old, new)| new + (at - old))
        };
        let force = input.force.iter().map(|(range, phrase)| {
            let range: Range<usize> = place(range.start)..place(range.end);
            (range, phrase.clone())
        });
        Input { force: force.collect(), text }
    }

    fn of(&self, c: char) -> Option<&'static str> {
        self.lacking.iter().find(|(lacking, _)| *lacking == c).map(|(_, plain)| *plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(text: &str, force: &[&str]) -> Input {
        let force = force.iter().map(|p| {
            let at = text.find(p).unwrap();
            (at..at + p.len(), (*p).to_owned())
        });
        Input { text: text.to_owned(), force: force.collect() }
    }

    #[test]
    fn what_the_vocabulary_lacks_is_written_plainly_and_places_follow() {
        let bare = Typography::new(|c| c.is_ascii());
        let sent = input("It’s “B12” … at x.org", &["B12", "x.org"]);
        let plain = bare.plain(&sent);
        assert_eq!(plain.text, "It's \"B12\" ... at x.org");
        let forced: Vec<&str> =
            plain.force.iter().map(|(range, _)| plain.text.get(range.clone()).unwrap()).collect();
        assert_eq!(forced, ["B12", "x.org"]);
    }

    #[test]
    fn what_the_vocabulary_has_stays() {
        let sent = input("It’s “good” news…", &[]);
        assert_eq!(Typography::new(|_| true).plain(&sent), sent);
        let only_quotes = Typography::new(|c| c != '“' && c != '”');
        assert_eq!(only_quotes.plain(&sent).text, "It’s \"good\" news…");
    }
}
