//! What goes into a translation and what comes out of it.

use std::sync::Arc;
use std::time::Duration;

use crate::LanguageCode;
use crate::detect::Detection;
use crate::engine::EngineChoice;

/// One text to translate.
///
/// ```
/// use cuba_translate::TextRequest;
/// let request = TextRequest::new("Hello.", "es".parse().unwrap()).from_language("en".parse().unwrap());
/// assert_eq!(request.text, "Hello.");
/// ```
#[derive(Clone, Debug)]
pub struct TextRequest<'a> {
    /// The text: any Unicode, any line breaks, any length.
    pub text: &'a str,
    /// The language of the text; `None` to detect it.
    pub from: Option<LanguageCode>,
    /// The language wanted.
    pub to: LanguageCode,
    /// How it is to be done.
    pub settings: Settings,
}

impl<'a> TextRequest<'a> {
    /// A text of unknown language, with the usual settings.
    pub fn new(text: &'a str, to: LanguageCode) -> Self {
        Self { text, from: None, to, settings: Settings::default() }
    }

    /// Names the source language instead of detecting it.
    #[must_use]
    pub fn from_language(mut self, from: LanguageCode) -> Self {
        self.from = Some(from);
        self
    }

    /// Replaces the settings.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }
}

/// How texts are to be translated: shared by whole texts and lines.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which family of engines.
    pub engine: EngineChoice,
    /// Words and names that must come out as they are (exact case, whole words).
    pub keep: Vec<String>,
    /// What to do with the way numbers are written.
    pub numbers: NumberStyle,
    /// Languages the user is likely to write in, the likeliest first (last used, locale): a prior for detection.
    pub likely: Vec<LanguageCode>,
}

/// How numbers come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberStyle {
    /// Character for character as in the source.
    #[default]
    Keep,
    /// `1,000.5` becomes `1.000,5` where the target language writes so; dates and times stay.
    Localise,
}

/// Did everything get translated?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// To the end.
    Complete,
    /// Stopped on request; what is there is whole sentences.
    Cancelled,
}

/// How far a translation can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Look at it before use.
    Low,
    /// Probably right, with a sign of doubt.
    Medium,
    /// No sign of a fault.
    High,
}

impl Confidence {
    /// `low`, `medium` or `high`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A sign of doubt about a sentence, for the reader and for the second try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// No translation could be had: this is the source text.
    PassedThrough,
    /// The engine gave nothing.
    Empty,
    /// Numbers, dates or units of the source are missing, changed or added.
    Numbers,
    /// The source negates and the translation does not, or the other way round.
    Negation,
    /// A protected span did not survive by itself and was put back in pieces.
    Rebuilt,
    /// Much longer or shorter than such a translation should be.
    Length,
    /// The same words over and over.
    Repetition,
    /// The translation is the source.
    Copied,
    /// The translation does not look like the target language.
    WrongLanguage,
    /// The engine itself was unsure of the wording.
    Unsure,
    /// The engine wavered between wordings, less than when it is unsure, or another engine has quite another wording.
    Hesitant,
    /// Parts of the source are aligned to nothing.
    Uncovered,
    /// Words that the engine has hardly met, took in a sense they cannot have there, put in the place of others of their kind, or
    /// made up: it may have guessed them.
    Unfamiliar,
    /// The engine stopped at its length limit.
    Truncated,
    /// One or two words: there is no context to decide the sense.
    Short,
    /// Translated in two steps.
    Pivot,
    /// Too long for one go: split inside the sentence.
    Split,
}

impl Reason {
    /// A stable name for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PassedThrough => "passed-through",
            Self::Empty => "empty",
            Self::Numbers => "numbers",
            Self::Negation => "negation",
            Self::Rebuilt => "rebuilt",
            Self::Length => "length",
            Self::Repetition => "repetition",
            Self::Copied => "copied",
            Self::WrongLanguage => "wrong-language",
            Self::Unsure => "unsure",
            Self::Hesitant => "hesitant",
            Self::Uncovered => "uncovered",
            Self::Unfamiliar => "unfamiliar",
            Self::Truncated => "truncated",
            Self::Short => "short",
            Self::Pivot => "pivot",
            Self::Split => "split",
        }
    }

    /// The best confidence that a sentence with this sign can have.
    pub fn limit(self) -> Confidence {
        match self {
            Self::PassedThrough
            | Self::Empty
            | Self::Numbers
            | Self::Negation
            | Self::Repetition
            | Self::WrongLanguage
            | Self::Unfamiliar
            | Self::Truncated => Confidence::Low,
            Self::Rebuilt
            | Self::Length
            | Self::Copied
            | Self::Unsure
            | Self::Hesitant
            | Self::Uncovered
            | Self::Short
            | Self::Pivot
            | Self::Split => Confidence::Medium,
        }
    }
}

/// One sentence, there and back.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// The sentence in the source, without the space around it.
    pub source: String,
    /// Where it starts in the source text, in bytes.
    pub start: usize,
    /// The translation; the source itself where [`Reason::PassedThrough`] is among the reasons.
    pub target: String,
    /// The text in the pivot language, if the route has one.
    pub pivot: Option<String>,
    /// How far to trust it.
    pub confidence: Confidence,
    /// Why, most severe first; empty when nothing is wrong.
    pub reasons: Vec<Reason>,
    /// The engine's mean log-probability per token, where it tells.
    pub log_prob: Option<f32>,
}

/// A whole text, translated.
#[derive(Clone, Debug)]
pub struct TextTranslation {
    /// The source language: the one given, or the one found.
    pub from: LanguageCode,
    /// What detection saw, when it ran.
    pub detection: Option<Detection>,
    /// The target language.
    pub to: LanguageCode,
    /// The translation: spaces, line breaks and list marks as in the source. On cancel: as far as it came.
    pub text: String,
    /// The engines used, joined with `+`.
    pub engine: String,
    /// The language in the middle, if two steps were needed.
    pub via: Option<LanguageCode>,
    /// The sentences in order.
    pub segments: Vec<Segment>,
    /// The lowest confidence of any sentence; high for a text without sentences.
    pub confidence: Confidence,
    /// Every reason that a sentence gave, once, most severe first.
    pub reasons: Vec<Reason>,
    /// Complete or cancelled.
    pub completion: Completion,
    /// Where the time went.
    pub timings: Timings,
}

/// Time by step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Language identification.
    pub detect: Duration,
    /// Splitting into sentences.
    pub segment: Duration,
    /// Finding and putting back protected spans.
    pub protect: Duration,
    /// Inside engines.
    pub engine: Duration,
    /// Checks.
    pub check: Duration,
    /// All of it.
    pub total: Duration,
}

/// One line of a stream, translated.
#[derive(Clone, Debug)]
pub struct LineTranslation {
    /// Its place in the stream, from 0.
    pub index: usize,
    /// The line as it came, without its line break.
    pub source: String,
    /// The source language: given or found.
    pub from: LanguageCode,
    /// The target language.
    pub to: LanguageCode,
    /// The engines used, joined with `+`.
    pub engine: Arc<str>,
    /// The translation, without line breaks of its own; empty for an empty line.
    pub text: String,
    /// The lowest confidence of any sentence in it; high for an empty line.
    pub confidence: Confidence,
    /// Reasons, most severe first.
    pub reasons: Vec<Reason>,
    /// The text in the pivot language, if the route has one.
    pub pivot: Option<String>,
    /// Mean of the sentences' log-probabilities, where the engine tells.
    pub log_prob: Option<f32>,
    /// Time spent on the batch this line was in, divided by the lines in it.
    pub time: Duration,
}

/// What a stream of lines came to.
#[derive(Clone, Debug)]
pub struct LinesSummary {
    /// The source language: given or found.
    pub from: LanguageCode,
    /// The target language.
    pub to: LanguageCode,
    /// The engines used, joined with `+`.
    pub engine: String,
    /// Lines handed to the sink.
    pub lines: usize,
    /// Sentences among them.
    pub segments: usize,
    /// Complete, or cancelled (by the flag or by the sink).
    pub completion: Completion,
    /// Where the time went.
    pub timings: Timings,
}
