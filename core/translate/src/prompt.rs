//! What language models are asked, per model, in one place.
//!
//! A base model continues a list of example pairs; an instruct model answers a request. In both the part that all
//! sentences of a direction share comes first, so that its keys and values are computed once. Examples come from a
//! small bank written for this ([`bank`]): some fixed, some chosen for being like the sentence.

pub mod bank;

use std::fmt::Write as _;

use crate::LanguageCode;
use crate::engine::{Direction, Effort};

/// How a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Example pairs, then the sentence: for base models.
    Continue,
    /// An instruction, then the sentence: for instruct models.
    Ask,
}

/// What is known about a model as a translator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// How it is asked.
    pub style: Style,
    /// Example pairs at the start that never change: they sit in the prompt cache.
    pub fixed: usize,
    /// Example pairs chosen for the sentence.
    pub chosen: usize,
    /// Whether it was trained to translate from this prompt as it is: then a second try searches wider, and examples, which it
    /// never saw in training, stay away.
    pub taught: bool,
    /// Languages it translates between, base codes.
    pub languages: &'static [&'static str],
}

/// A base model of 270 million parameters: nothing without examples.
const GEMMA_BASE: Profile =
    Profile { style: Style::Continue, fixed: 4, chosen: 2, taught: false, languages: bank::LANGUAGES };
/// The same with an adapter that taught it to translate (`models/gemma-translate`): asked as in its training.
const GEMMA_TRANSLATE: Profile = Profile { fixed: 0, chosen: 0, taught: true, ..GEMMA_BASE };
/// Qwen2.5-Coder 1.5B Instruct: best without examples.
const QWEN: Profile = Profile {
    style: Style::Ask,
    fixed: 0,
    chosen: 0,
    taught: false,
    languages: &["en", "es", "fr", "pt", "it", "de", "zh", "ja", "ko", "ru", "ar"],
};
/// Knows English only: not offered for any pair.
const ENGLISH_ONLY: Profile = Profile { languages: &[], ..OTHER };
/// Any other instruct model: the languages of the bank, with examples as earlier turns.
const OTHER: Profile =
    Profile { style: Style::Ask, fixed: 2, chosen: 1, taught: false, languages: bank::LANGUAGES };

/// The profile of a model by the name of its pack.
pub fn profile(model: &str) -> Profile {
    let name = model.to_lowercase();
    let base = !name.contains("instruct") && !name.contains("-it");
    if name.contains("gemma-translate") {
        GEMMA_TRANSLATE
    } else if name.contains("gemma") && base {
        GEMMA_BASE
    } else if name.contains("qwen") {
        QWEN
    } else if name.contains("smollm") {
        ENGLISH_ONLY
    } else {
        OTHER
    }
}

/// Who speaks in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The instruction.
    System,
    /// The sentence to translate.
    User,
    /// The translation.
    Assistant,
}

/// What is sent to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Text to continue.
    Text(String),
    /// Turns of a conversation; the model answers the last.
    Chat(Vec<(Speaker, String)>),
}

/// Generation ends at a line break: a sentence is one line.
pub const STOP: &str = "\n";

impl Profile {
    /// Every pair of the languages, sorted.
    pub fn directions(&self) -> Vec<Direction> {
        let codes: Vec<LanguageCode> = self.languages.iter().filter_map(|c| c.parse().ok()).collect();
        let mut out: Vec<Direction> = codes
            .iter()
            .flat_map(|from| codes.iter().map(move |to| Direction::new(*from, *to)))
            .filter(|d| d.from != d.to)
            .collect();
        out.sort();
        out
    }

    /// The prompt for a sentence. A second try adds or changes the examples chosen for it, unless the model is taught.
    ///
    /// ```
    /// use cuba_translate::{engine::{Direction, Effort}, prompt::{profile, Prompt}};
    /// let direction = Direction::new("en".parse().unwrap(), "es".parse().unwrap());
    /// let Prompt::Text(text) = profile("gemma-3-270m").prompt(direction, "Where is the bank?", Effort::FIRST) else { panic!() };
    /// assert!(text.starts_with("English: ") && text.ends_with("English: Where is the bank?\nSpanish:"));
    /// ```
    pub fn prompt(&self, direction: Direction, sentence: &str, effort: Effort) -> Prompt {
        let (from, to) = (name(&direction.from), name(&direction.to));
        // A model that needs no examples gets some when its first answer was bad; one that has them gets others.
        let again = usize::from(effort.attempt > 0 && !self.taught);
        let chosen = self.chosen + again * 2;
        let examples = bank::examples(direction, sentence, self.fixed, chosen);
        match self.style {
            Style::Continue => {
                let mut text = String::new();
                for (source, target) in &examples {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{from}: {source}\n{to}: {target}\n");
                }
                let _ = write!(text, "{from}: {sentence}\n{to}:");
                Prompt::Text(text)
            }
            Style::Ask => {
                let mut turns = vec![(
                    Speaker::System,
                    format!(
                        "You are a professional translator from {from} to {to}. Translate the text of the user into \
                         {to}. Keep numbers, names and symbols as they are. Reply with the translation only."
                    ),
                )];
                for (source, target) in examples {
                    turns.push((Speaker::User, source.to_owned()));
                    turns.push((Speaker::Assistant, target.to_owned()));
                }
                turns.push((Speaker::User, sentence.to_owned()));
                Prompt::Chat(turns)
            }
        }
    }
}

/// The name prompts use.
fn name(language: &LanguageCode) -> &str {
    language.english_name().unwrap_or_else(|| language.as_str())
}

/// Tokens a translation may have: about twice what the source should need, so that a loop ends early.
pub fn max_tokens(sentence: &str, to: &LanguageCode) -> usize {
    let chars = sentence.chars().count();
    let dense = sentence.chars().filter(|c| *c >= '\u{2E80}').count();
    let factor = if to.is_spaceless() || !matches!(to.base(), "en" | "es" | "fr" | "pt" | "it" | "de") {
        2
    } else {
        1
    };
    (chars * 2 / 3 * factor + dense * 2 + 24).min(640)
}

/// Takes chatter off an answer: prefaces, quotes around everything, notes behind it.
///
/// ```
/// use cuba_translate::prompt::clean;
/// assert_eq!(clean("Sure! Here is the translation: \"Buenos días.\"", "Good morning."), "Buenos días.");
/// assert_eq!(clean(" «Hola», dijo.", "\"Hello,\" he said."), "«Hola», dijo.");
/// assert_eq!(clean("Hola. (Note: informal)", "Hi."), "Hola.");
/// ```
pub fn clean(answer: &str, source: &str) -> String {
    let mut text = answer.trim().lines().next().unwrap_or_default().trim();
    text = without_preface(text, source);
    for note in ["(Note", "(note", "[Note", "(Nota", "(Translation", "(Literally"] {
        if let Some(at) = text.find(note)
            && at > 0
            && !source.contains('(')
        {
            text = text.get(..at).unwrap_or(text).trim_end();
        }
    }
    without_quotes(text, source).trim().to_owned()
}

/// `Spanish:`, `Translation:`, `Here is the translation:` and their like, if the source has no such beginning.
fn without_preface<'a>(text: &'a str, source: &str) -> &'a str {
    let Some(at) = text.find(':') else { return text };
    let (head, tail) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
    let lower = head.to_lowercase();
    let label = ["translation", "traducción", "traduction", "tradução", "translated"]
        .iter()
        .any(|w| lower.contains(w));
    let language = LanguageCode::known().filter_map(|l| l.english_name()).any(|n| n.to_lowercase() == lower);
    let announced = lower.split_whitespace().count() <= 9 && !source.contains(':');
    if announced && (label || language) && !tail.trim().is_empty() { tail.trim_start() } else { text }
}

fn without_quotes<'a>(text: &'a str, source: &str) -> &'a str {
    const PAIRS: [(char, char); 5] = [('"', '"'), ('“', '”'), ('«', '»'), ('\'', '\''), ('`', '`')];
    let quoted = source.trim().starts_with(|c| PAIRS.iter().any(|(open, _)| *open == c));
    for (open, close) in PAIRS {
        if !quoted
            && let Some(inner) = text.strip_prefix(open).and_then(|t| t.strip_suffix(close))
            && !inner.contains([open, close])
            && !inner.is_empty()
        {
            return inner;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direction(pair: &str) -> Direction {
        let (from, to) = pair.split_once('-').unwrap();
        Direction::new(from.parse().unwrap(), to.parse().unwrap())
    }

    #[test]
    fn prompts_of_each_model() {
        let mut all = String::new();
        for model in ["gemma-3-270m", "gemma-translate", "qwen2.5-coder-1.5b", "smollm2-135m"] {
            for effort in [Effort::FIRST, Effort::SECOND] {
                let prompt = profile(model).prompt(direction("en-es"), "Where does your chest hurt?", effort);
                writeln!(all, "== {model}, attempt {}", effort.attempt).unwrap();
                match prompt {
                    Prompt::Text(text) => writeln!(all, "{text}|").unwrap(),
                    Prompt::Chat(turns) => {
                        for (who, text) in turns {
                            writeln!(all, "{who:?}: {text}").unwrap();
                        }
                    }
                }
            }
        }
        insta::assert_snapshot!(all);
    }

    #[test]
    fn prompts_of_one_direction_share_their_beginning() {
        let profile = profile("gemma-3-270m");
        let of = |text: &str| match profile.prompt(direction("fr-en"), text, Effort::FIRST) {
            Prompt::Text(text) => text,
            Prompt::Chat(_) => String::new(),
        };
        let (a, b) = (of("Où est la gare ?"), of("Il pleut depuis trois jours."));
        let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
        assert!(same * 10 > a.len() * 4, "{same} of {}", a.len());
    }

    #[test]
    fn a_sentence_never_stands_among_its_own_examples() {
        for (source, _) in bank::examples(direction("en-es"), "", 100, 0) {
            let examples = bank::examples(direction("en-es"), source, 4, 2);
            assert!(examples.iter().all(|(s, _)| *s != source));
        }
    }

    #[test]
    fn chatter_goes_and_content_stays() {
        for (answer, source, want) in [
            ("Spanish: Hola.", "Hello.", "Hola."),
            ("The translation is: Hola.", "Hello.", "Hola."),
            ("Nota: hay pan.", "Note: there is bread.", "Nota: hay pan."),
            ("A las 10:30 hay pan.", "There is bread at half past ten.", "A las 10:30 hay pan."),
            ("“Hola”", "Hello", "Hola"),
            ("\"Hola\"", "\"Hello\"", "\"Hola\""),
            ("Hola\n\nI hope this helps", "Hello", "Hola"),
            ("", "Hello", ""),
        ] {
            assert_eq!(clean(answer, source), want, "{answer}");
        }
    }

    #[test]
    fn room_grows_with_the_sentence() {
        let es = "es".parse().unwrap();
        assert!(max_tokens("Hi", &es) >= 24);
        assert!(max_tokens(&"word ".repeat(80), &es) > 200);
        assert!(max_tokens(&"漢".repeat(160), &es) > 300);
        assert!(max_tokens(&"word ".repeat(8000), &es) <= 640);
    }
}
