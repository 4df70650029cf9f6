//! What goes into a translation and comes out, as records.

use cuba_translate::{Completion, Event, LanguageCode, NumberStyle, Settings, TextRequest};

use super::{code, codes};
use crate::task::State;
use crate::{CubaError, Stage};

/// Which family of engines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, uniffi::Enum)]
pub enum EngineChoice {
    /// Neural where a route exists, else a language model.
    #[default]
    Auto,
    /// Only neural engines.
    Nmt,
    /// Only language models.
    Llm,
}

/// A text to translate.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TranslateRequest {
    /// Any Unicode, any line breaks, any length.
    pub text: String,
    /// Target language: `es`, `pt-BR`.
    pub to: String,
    /// Source language; `None` to find it.
    #[uniffi(default = None)]
    pub from: Option<String>,
    /// Words and names that come out as they are.
    #[uniffi(default = [])]
    pub keep: Vec<String>,
    /// Languages the user is likely to write in, the likeliest first.
    #[uniffi(default = [])]
    pub likely: Vec<String>,
    /// Numbers in the target's way of writing them (`1,000.5` becomes `1.000,5`).
    #[uniffi(default = false)]
    pub localise_numbers: bool,
    /// Which engines.
    #[uniffi(default = None)]
    pub engine: Option<EngineChoice>,
}

impl TranslateRequest {
    /// A text in a language to be found.
    pub fn new(text: &str, to: &str) -> Self {
        Self {
            text: text.to_owned(),
            to: to.to_owned(),
            from: None,
            keep: Vec::new(),
            likely: Vec::new(),
            localise_numbers: false,
            engine: None,
        }
    }

    pub(super) fn to_core(&self) -> Result<TextRequest<'_>, CubaError> {
        let settings = settings(&self.keep, &self.likely, self.localise_numbers, self.engine)?;
        let from = self.from.as_deref().map(code).transpose()?;
        Ok(TextRequest { text: &self.text, from, to: code(&self.to)?, settings })
    }
}

/// Lines to translate.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct BatchRequest {
    /// The lines, without line breaks.
    pub lines: Vec<String>,
    /// Target language.
    pub to: String,
    /// Source language; `None`: the first lines decide.
    #[uniffi(default = None)]
    pub from: Option<String>,
    /// Words and names that come out as they are.
    #[uniffi(default = [])]
    pub keep: Vec<String>,
    /// Languages the user is likely to write in, the likeliest first.
    #[uniffi(default = [])]
    pub likely: Vec<String>,
    /// Numbers in the target's way of writing them.
    #[uniffi(default = false)]
    pub localise_numbers: bool,
    /// Which engines.
    #[uniffi(default = None)]
    pub engine: Option<EngineChoice>,
}

impl BatchRequest {
    pub(super) fn to_core(&self) -> Result<(Option<LanguageCode>, LanguageCode, Settings), CubaError> {
        let settings = settings(&self.keep, &self.likely, self.localise_numbers, self.engine)?;
        Ok((self.from.as_deref().map(code).transpose()?, code(&self.to)?, settings))
    }
}

fn settings(
    keep: &[String],
    likely: &[String],
    localise_numbers: bool,
    engine: Option<EngineChoice>,
) -> Result<Settings, CubaError> {
    Ok(Settings {
        engine: match engine.unwrap_or_default() {
            EngineChoice::Auto => cuba_translate::EngineChoice::Auto,
            EngineChoice::Nmt => cuba_translate::EngineChoice::Nmt,
            EngineChoice::Llm => cuba_translate::EngineChoice::Llm,
        },
        keep: keep.to_vec(),
        numbers: if localise_numbers { NumberStyle::Localise } else { NumberStyle::Keep },
        likely: codes(likely)?,
    })
}

/// How far a translation can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum Confidence {
    /// Look at it before use.
    Low,
    /// Probably right, with a sign of doubt.
    Medium,
    /// No sign of a fault.
    High,
}

impl From<cuba_translate::Confidence> for Confidence {
    fn from(confidence: cuba_translate::Confidence) -> Self {
        match confidence {
            cuba_translate::Confidence::Low => Self::Low,
            cuba_translate::Confidence::Medium => Self::Medium,
            cuba_translate::Confidence::High => Self::High,
        }
    }
}

macro_rules! doubts {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// A sign of doubt about a sentence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
        pub enum Doubt {
            $($(#[$doc])* $name,)*
            /// A sign that this version of the bindings has no name for.
            Other,
        }

        impl From<cuba_translate::Reason> for Doubt {
            fn from(reason: cuba_translate::Reason) -> Self {
                match reason {
                    $(cuba_translate::Reason::$name => Self::$name,)*
                    _ => Self::Other,
                }
            }
        }
    };
}
doubts! {
    /// No translation could be had: this is the source text.
    PassedThrough,
    /// The engine gave nothing.
    Empty,
    /// Numbers are missing, changed or added.
    Numbers,
    /// One side negates and the other does not.
    Negation,
    /// A protected word was put back in pieces.
    Rebuilt,
    /// Much longer or shorter than it should be.
    Length,
    /// The same words over and over.
    Repetition,
    /// The translation is the source.
    Copied,
    /// It does not look like the target language.
    WrongLanguage,
    /// The engine was unsure of the wording.
    Unsure,
    /// The engine wavered between wordings, less than when it is unsure, or another engine has quite another wording.
    Hesitant,
    /// Words that the engine has hardly met: it may have guessed them.
    Unfamiliar,
    /// Parts of the source are aligned to nothing.
    Uncovered,
    /// The engine stopped at its length limit.
    Truncated,
    /// One or two words: no context to decide the sense.
    Short,
    /// Translated in two steps.
    Pivot,
    /// Split inside the sentence.
    Split,
}

fn doubts_of(reasons: &[cuba_translate::Reason]) -> Vec<Doubt> {
    reasons.iter().map(|reason| Doubt::from(*reason)).collect()
}

/// One sentence, there and back.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SegmentView {
    /// The sentence.
    pub source: String,
    /// Its translation.
    pub target: String,
    /// How far to trust it.
    pub confidence: Confidence,
    /// Why, most severe first.
    pub doubts: Vec<Doubt>,
}

/// A translated text.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TranslationView {
    /// The translation, spaces and line breaks as in the source; cancelled: as far as it came.
    pub text: String,
    /// Source language, given or found.
    pub from: String,
    /// Target language.
    pub to: String,
    /// The language between, if there were two steps.
    pub via: Option<String>,
    /// The engines, joined with `+`; `none` where nothing needed translating.
    pub engine: String,
    /// The lowest confidence of any sentence.
    pub confidence: Confidence,
    /// Every sign of doubt once, most severe first.
    pub doubts: Vec<Doubt>,
    /// The sentences in order.
    pub segments: Vec<SegmentView>,
    /// `false` where it was cancelled midway.
    pub complete: bool,
}

impl From<cuba_translate::TextTranslation> for TranslationView {
    fn from(done: cuba_translate::TextTranslation) -> Self {
        let segment = |s: cuba_translate::Segment| SegmentView {
            confidence: s.confidence.into(),
            doubts: doubts_of(&s.reasons),
            source: s.source,
            target: s.target,
        };
        Self {
            text: done.text,
            from: done.from.to_string(),
            to: done.to.to_string(),
            via: done.via.map(|via| via.to_string()),
            engine: done.engine,
            confidence: done.confidence.into(),
            doubts: doubts_of(&done.reasons),
            segments: done.segments.into_iter().map(segment).collect(),
            complete: done.completion == Completion::Complete,
        }
    }
}

/// A translated line.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LineView {
    /// The translation.
    pub text: String,
    /// The lowest confidence of any sentence in it.
    pub confidence: Confidence,
    /// Signs of doubt, most severe first.
    pub doubts: Vec<Doubt>,
}

impl From<cuba_translate::LineTranslation> for LineView {
    fn from(line: cuba_translate::LineTranslation) -> Self {
        Self { text: line.text, confidence: line.confidence.into(), doubts: doubts_of(&line.reasons) }
    }
}

/// Translated lines.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct BatchView {
    /// As many as were given, in their order; cancelled: the first ones.
    pub lines: Vec<LineView>,
    /// Source language, given or found.
    pub from: String,
    /// The engines, joined with `+`.
    pub engine: String,
    /// `false` where it was cancelled midway.
    pub complete: bool,
}

/// A translation while it grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct TranslationState {
    /// How far the task is.
    pub stage: Stage,
    /// The translation so far: whole sentences, all of them each time.
    pub text: String,
    /// Source language, once known.
    pub from: Option<String>,
    /// Sentences done.
    pub done: u32,
    /// Of how many; 0 while unknown.
    pub total: u32,
}

impl State for TranslationState {
    fn set_stage(&mut self, stage: Stage) {
        self.stage = stage;
    }

    fn stage(&self) -> Stage {
        self.stage
    }
}

impl TranslationState {
    pub(super) fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Planned { from, .. } => self.from = Some(from.to_string()),
            Event::Segmented { segments } => self.total = segments as u32,
            Event::Translated { index, segment, before, .. } => {
                self.text.push_str(before);
                self.text.push_str(&segment.target);
                self.done = index as u32 + 1;
            }
            _ => {}
        }
    }
}

/// A language for a list.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LanguageView {
    /// `es`, `pt-BR`.
    pub code: String,
    /// Its name in itself: `Español`; the code where Cuba has no name.
    pub own_name: String,
    /// Its English name; the code where Cuba has no name.
    pub english_name: String,
    /// Written from right to left.
    pub right_to_left: bool,
}

impl From<LanguageCode> for LanguageView {
    fn from(language: LanguageCode) -> Self {
        Self {
            code: language.to_string(),
            own_name: language.own_name().unwrap_or(language.as_str()).to_owned(),
            english_name: language.english_name().unwrap_or(language.as_str()).to_owned(),
            right_to_left: language.is_rtl(),
        }
    }
}

/// A language with its probability.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct LanguageGuess {
    /// Its code.
    pub language: String,
    /// From 0 to 1.
    pub probability: f32,
}

/// What is known about a text's language.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct DetectionView {
    /// The language, or `None` where the text does not show it clearly.
    pub language: Option<String>,
    /// The candidates, likeliest first.
    pub ranked: Vec<LanguageGuess>,
    /// A language that was no candidate, if the text is clearly in it.
    pub elsewhere: Option<String>,
}

impl From<cuba_translate::Detection> for DetectionView {
    fn from(found: cuba_translate::Detection) -> Self {
        let guess = |(language, probability): (LanguageCode, f32)| LanguageGuess {
            language: language.to_string(),
            probability,
        };
        Self {
            language: found.language.map(|language| language.to_string()),
            ranked: found.ranked.into_iter().map(guess).collect(),
            elsewhere: found.elsewhere.map(|language| language.to_string()),
        }
    }
}

/// The way from one language to another.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct RouteView {
    /// The engines, joined with `+`; `none` between equal languages.
    pub engine: String,
    /// The language between.
    pub via: Option<String>,
}
