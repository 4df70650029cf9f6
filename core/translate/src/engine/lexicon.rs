//! A pack's lexicon: how often the model met each source word, and sure translations of those it hardly met.
//!
//! A model is most dangerous on words that it has hardly seen, and cannot know which these are: its probabilities look
//! the same. The corpus it learnt from does know. A line is `word TAB examples TAB translations`, translations with `|`
//! between them, words in lower case; a word that is not listed was never met.

use std::ops::Range;
use std::path::Path;

use unicode_segmentation::UnicodeSegmentation as _;

use super::EngineError;

/// Words met fewer times than this are not known well enough to be believed.
const FAMILIAR: u32 = 10;
/// Larger files are no lexicon.
const MAX_BYTES: u64 = 16 << 20;

/// Words with what is known of them: the file's text, and where each line begins in it, sorted by word. A map of strings
/// would take several times the memory, and longer to read than a sentence to translate.
#[derive(Debug, Default)]
pub struct Lexicon {
    text: String,
    lines: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    examples: u32,
    translations: &'a str,
}

impl<'a> Entry<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut columns = line.split('\t').skip(1);
        let examples = columns.next()?.parse().ok()?;
        Some(Self { examples, translations: columns.next().unwrap_or_default() })
    }

    fn translations(self) -> impl Iterator<Item = &'a str> {
        self.translations.split('|').filter(|t| !t.is_empty())
    }
}

/// A word of a sentence that the model hardly knows, and what it means if that is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rare<'a> {
    pub(super) place: Range<usize>,
    pub(super) translations: Vec<&'a str>,
}

impl Lexicon {
    /// Reads a file.
    ///
    /// # Errors
    /// [`EngineError::Damaged`] for what is no lexicon, [`EngineError::Unusable`] where it cannot be read.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        Self::parse(read(path)?)
            .ok_or_else(|| damaged(path, "a line is not word, tab, number, tab, translations"))
    }

    pub(super) fn parse(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let (mut lines, mut at) = (Vec::new(), 0);
        for line in text.split_inclusive('\n') {
            let shown = line.trim_end_matches(['\r', '\n']);
            if !shown.is_empty() {
                Entry::of(shown)?;
                lines.push(u32::try_from(at).ok()?);
            }
            at += line.len();
        }
        let mut lexicon = Self { text, lines: Vec::new() };
        // The pipeline writes them in order.
        if !lines.is_sorted_by_key(|at| lexicon.word(*at)) {
            lines.sort_by(|a, b| lexicon.word(*a).cmp(lexicon.word(*b)));
        }
        lexicon.lines = lines;
        Some(lexicon)
    }

    fn line(&self, at: u32) -> &str {
        self.text.get(at as usize..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    fn word(&self, at: u32) -> &str {
        self.line(at).split('\t').next().unwrap_or_default()
    }

    fn get(&self, word: &str) -> Option<Entry<'_>> {
        let found = self.lines.binary_search_by(|at| self.word(*at).cmp(word)).ok()?;
        Entry::of(self.line(*self.lines.get(found)?))
    }

    /// Whether the word, in lower case, is listed.
    pub(super) fn lists(&self, word: &str) -> bool {
        self.get(word).is_some()
    }

    /// All translations it lists.
    pub(super) fn translations(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|at| Entry::of(self.line(*at))).flat_map(Entry::translations)
    }

    /// The words of a sentence that the model hardly knows. Numbers, single letters and, inside a sentence, names are
    /// none of them: they are rightly rare.
    pub(super) fn rare(&self, sentence: &str) -> Vec<Rare<'_>> {
        let words = sentence.unicode_word_indices().enumerate();
        let rare = words.filter_map(|(at, (start, word))| {
            let is_name = at > 0 && word.starts_with(char::is_uppercase);
            let counts = word.chars().count() > 1
                && word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’'));
            if is_name || !counts {
                return None;
            }
            let entry = self.entry(&word.to_lowercase());
            let translations = entry.into_iter().flat_map(Entry::translations).collect();
            let examples = entry.map_or(0, |e| e.examples);
            (examples < FAMILIAR).then_some(Rare { place: start..start + word.len(), translations })
        });
        rare.collect()
    }

    /// Names inside a sentence that the model hardly knows, and how they are written in the other language: a word that is
    /// not listed at all, as it is; a rare one as its translation. A headline, whose words all have capitals, names nothing
    /// that could be told apart.
    pub(super) fn names<'a>(&'a self, sentence: &'a str) -> Vec<Rare<'a>> {
        let words: Vec<(usize, &str)> = sentence.unicode_word_indices().collect();
        let capital = |word: &str| word.starts_with(char::is_uppercase);
        if words.iter().filter(|(_, word)| capital(word)).count() * 2 > words.len() {
            return Vec::new();
        }
        let inside = words.into_iter().skip(1).filter(|(_, word)| capital(word) && word.chars().count() > 2);
        let names = inside.filter_map(|(start, word)| {
            let translations = match self.entry(&word.to_lowercase()) {
                None => vec![word],
                Some(entry) if entry.examples < FAMILIAR => entry.translations().collect(),
                Some(_) => Vec::new(),
            };
            (!translations.is_empty()).then_some(Rare { place: start..start + word.len(), translations })
        });
        names.collect()
    }

    /// What is known of a word in lower case. The corpus was counted with apostrophes as spaces: of `can't` or
    /// `l'hôpital` the part that was met least says how well the whole is known.
    fn entry(&self, word: &str) -> Option<Entry<'_>> {
        if !word.contains(['\'', '’']) {
            return self.get(word);
        }
        let mut parts =
            word.split(['\'', '’']).filter(|part| part.chars().count() > 1).map(|part| self.get(part));
        let first = parts.next()?;
        parts.fold(first, |least, part| match (least, part) {
            (Some(a), Some(b)) => Some(if b.examples < a.examples { b } else { a }),
            _ => None,
        })
    }

    /// Words that came out as they went in although this language pair does not share them: `Skip la dosis`. A word
    /// that is rightly the same in both lists itself among its translations; names are no words of the lexicon, and a
    /// word that was never met is [`Lexicon::rare`]'s matter.
    pub(super) fn left(&self, sentence: &str, target: &str) -> Vec<Rare<'_>> {
        let words = sentence.unicode_word_indices().enumerate();
        let left = words.filter_map(|(at, (start, word))| {
            let is_name = at > 0 && word.starts_with(char::is_uppercase);
            let lower = word.to_lowercase();
            let entry = self.get(&lower)?;
            let foreign = !is_name
                && lower.chars().count() > 2
                && entry.translations().all(|t| t != lower)
                && target.unicode_words().any(|w| w.to_lowercase() == lower);
            foreign.then(|| Rare {
                place: start..start + word.len(),
                translations: entry.translations().collect(),
            })
        });
        left.collect()
    }
}

/// The text of a lexicon's file.
fn read(path: &Path) -> Result<String, EngineError> {
    let unusable = |error: std::io::Error| EngineError::Unusable(format!("{}: {error}", path.display()));
    if std::fs::metadata(path).map_err(unusable)?.len() > MAX_BYTES {
        return Err(damaged(path, "it is too large for a lexicon"));
    }
    String::from_utf8(std::fs::read(path).map_err(unusable)?)
        .map_err(|_| damaged(path, "it is not UTF-8 text"))
}

fn damaged(path: &Path, what: &str) -> EngineError {
    EngineError::Damaged(format!("{} is damaged: {what}", path.display()))
}

impl Rare<'_> {
    /// Whether one of its translations, whatever its ending, stands in `target`.
    pub(super) fn is_in(&self, target: &str) -> bool {
        let lower = target.to_lowercase();
        let stem = |translation: &str| {
            let word = translation.split_whitespace().next().unwrap_or_default().to_lowercase();
            let keep = word.chars().count().saturating_sub(2).max(3);
            word.chars().take(keep).collect::<String>()
        };
        self.translations
            .iter()
            .map(|t| stem(t))
            .any(|stem| lower.unicode_words().any(|word| word.starts_with(&stem)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon {
        Lexicon::parse("the\t1000\t\ntake\t900\t\npenicillin\t4\tpenicilina\nchest\t50\tpecho\nstove\t3\t\n")
            .unwrap()
    }

    #[test]
    fn rare_words_are_found_with_their_place_and_meaning() {
        let lexicon = lexicon();
        let found = lexicon.rare("Take the penicillin, Bartholomew, 5 times.");
        assert_eq!(
            found,
            [
                Rare { place: 9..19, translations: vec!["penicilina"] },
                Rare { place: 36..41, translations: vec![] },
            ]
        );
        assert!(lexicon.rare("Take the chest").is_empty());
        // At the start of a sentence anything has a capital.
        assert_eq!(lexicon.rare("Penicillin!").len(), 1);
    }

    #[test]
    fn names_that_were_never_met_stay_as_they_are() {
        let lexicon =
            Lexicon::parse("said\t900\t\nring\t40\tanillo\nwales\t2\tgales\nscottish\t0\t\n").unwrap();
        let found = |sentence: &str| {
            let names = lexicon.names(sentence);
            names.into_iter().map(|name| name.translations.join("|")).collect::<Vec<_>>()
        };
        assert_eq!(found("It was said that Siminoff left Wales."), ["Siminoff", "gales"]);
        // At the start of a sentence anything has a capital; a headline has nothing else; the model knows the others.
        assert!(found("Siminoff said it.").is_empty());
        assert!(found("Siminoff Leaves the Bank of Wales").is_empty());
        assert!(found("He said that a Ring is a Scottish one.").is_empty());
    }

    #[test]
    fn an_apostrophe_makes_no_word_unknown() {
        let lexicon = Lexicon::parse("can\t1000\t\nt\t1000\t\nclock\t200\t\ndidn\t4\t\n").unwrap();
        assert!(lexicon.rare("can't o’clock").is_empty());
        assert_eq!(lexicon.rare("didn't").len(), 1);
    }

    #[test]
    fn endings_do_not_hide_a_translation() {
        let lexicon = lexicon();
        let found = lexicon.rare("penicillin");
        assert!(found[0].is_in("Dos PENICILINAS."));
        assert!(!found[0].is_in("La pensilla."));
    }

    #[test]
    fn words_left_as_they_were_are_seen() {
        let lexicon =
            Lexicon::parse("skip\t40\t\nthe\t1000\t\nplane\t90\tavión\nhospital\t60\thospital\nmark\t20\t\n")
                .unwrap();
        let left = |source, target| lexicon.left(source, target).len();
        assert_eq!(left("Skip the dose.", "Skip la dosis."), 1);
        assert_eq!(left("Skip the dose.", "Omita la dosis."), 0);
        assert_eq!(left("The hospital.", "El hospital."), 0);
        assert_eq!(left("I know Mark.", "Conozco a Mark."), 0);
        let plane = lexicon.left("Our plane leaves.", "Nuestro plane sale.");
        assert_eq!(plane, [Rare { place: 4..9, translations: vec!["avión"] }]);
    }

    #[test]
    fn what_is_no_lexicon_is_refused() {
        assert!(Lexicon::parse("word without a number").is_none());
        assert!(Lexicon::parse("word\tmany\t").is_none());
        assert!(Lexicon::parse("").is_some());
    }

    #[test]
    fn line_ends_of_other_systems_and_any_order_are_read() {
        let lexicon = Lexicon::parse("stove\t3\testufa\r\n\r\nchest\t50\r\n").unwrap();
        assert_eq!(lexicon.translations().collect::<Vec<_>>(), ["estufa"]);
        assert!(lexicon.lists("chest") && lexicon.lists("stove") && !lexicon.lists(""));
    }
}
