//! The engine trait: what the pipeline asks of whatever does the translating.
//!
//! An engine gets sentences (no line breaks) and gives back one [`Hypothesis`] for each, with the
//! signs of doubt it can see from the inside. Everything else (detecting, splitting, protecting, checking, a second
//! try) is done once, in the pipeline, so that a new engine inherits all of it.

mod lazy;
#[cfg(feature = "nmt")]
mod lexicon;
#[cfg(feature = "llm")]
pub mod llm;
#[cfg(feature = "nmt")]
pub mod nmt;
#[cfg(feature = "nmt")]
mod spelling;
#[cfg(feature = "nmt")]
mod typography;

pub use lazy::Lazy;
#[cfg(feature = "nmt")]
pub use lexicon::Lexicon;
#[cfg(feature = "nmt")]
pub use spelling::Spelling;

use std::ops::Range;

use crate::{Cancel, LanguageCode};

/// The family an engine belongs to. It decides how spans are protected and which traps are avoided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineKind {
    /// A neural translation model of one direction (Marian shapes): fast, the default.
    Nmt,
    /// A language model that is prompted: any pair it knows, slow.
    Llm,
}

impl EngineKind {
    /// `nmt` or `llm`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nmt => "nmt",
            Self::Llm => "llm",
        }
    }
}

/// Which family the user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// Neural if a route exists (direct, else through English), else a language model.
    #[default]
    Auto,
    /// Only neural engines.
    Nmt,
    /// Only language models.
    Llm,
}

impl EngineChoice {
    pub(crate) fn allows(self, kind: EngineKind) -> bool {
        matches!((self, kind), (Self::Auto, _) | (Self::Nmt, EngineKind::Nmt) | (Self::Llm, EngineKind::Llm))
    }
}

/// One direction of translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Direction {
    /// Source language.
    pub from: LanguageCode,
    /// Target language.
    pub to: LanguageCode,
}

impl Direction {
    /// `from` to `to`.
    pub fn new(from: LanguageCode, to: LanguageCode) -> Self {
        Self { from, to }
    }
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

/// How hard an engine should search. The pipeline raises the effort for a second try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// 1 is greedy. Engines without beam search treat any larger value as "another way than before".
    pub beam: u8,
    /// 0 for the first try, 1 for the next: a language model changes its examples with it.
    pub attempt: u8,
}

impl Effort {
    /// The first, greedy try.
    pub const FIRST: Self = Self { beam: 1, attempt: 0 };
    /// The second try, with a beam of four.
    pub const SECOND: Self = Self { beam: 4, attempt: 1 };
}

/// One sentence for an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Input {
    /// The sentence: trimmed, not empty, without line breaks.
    pub text: String,
    /// What should stand in the translation as it stands here, with its place in bytes. Engines with constrained
    /// decoding guarantee it, others may ignore it: the pipeline looks at the outcome either way.
    pub force: Vec<(Range<usize>, String)>,
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), force: Vec::new() }
    }
}

/// Sentences of one direction that go through an engine together.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The direction wanted; one of [`Engine::directions`].
    pub direction: Direction,
    /// The sentences.
    pub sentences: &'a [Input],
    /// How hard to search.
    pub effort: Effort,
}

/// What an engine made of one sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hypothesis {
    /// The translation, without line breaks; empty if the engine found nothing.
    pub text: String,
    /// Mean natural-log probability per target token, if the engine knows it.
    pub mean_log_prob: Option<f32>,
    /// The lowest natural-log probability of a target token.
    pub min_log_prob: Option<f32>,
    /// Share of source words (0 to 1) that some target word is aligned to.
    pub coverage: Option<f32>,
    /// The engine stopped at its length limit instead of at an end of sentence.
    pub truncated: bool,
    /// The source holds words that the engine has hardly met and that nothing else vouches for, or the translation words
    /// that are none.
    pub unfamiliar: bool,
    /// An engine that was asked for a second opinion says it in other words.
    pub disputed: bool,
}

/// Why an engine gave no hypotheses. No variant carries user text.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EngineError {
    /// The flag was raised.
    #[error("cancelled")]
    Cancelled,
    /// This batch cannot be translated, another may (for example: longer than the context).
    #[error("{0}")]
    Batch(String),
    /// A file of the model is damaged, foreign or of another model: it has to be fetched again.
    #[error("{0}")]
    Damaged(String),
    /// The device has too little memory for the model now.
    #[error("{0}")]
    Memory(String),
    /// The engine is of no use for any other reason (model file gone, processor lacks instructions).
    #[error("{0}")]
    Unusable(String),
}

/// Something that translates sentences. Shared between threads; calls may come from any of them.
pub trait Engine: Send + Sync {
    /// A stable name for logs and results, for example `nmt:en-es` or `llm:qwen2.5-coder-1.5b`.
    fn id(&self) -> &str;

    /// The family.
    fn kind(&self) -> EngineKind;

    /// Every direction it serves, in a fixed order. May be asked before the model is loaded.
    fn directions(&self) -> Vec<Direction>;

    /// Memory it holds right now, in bytes: 0 before loading.
    fn resident_bytes(&self) -> u64;

    /// Gives the memory back; the next call loads again. Engines that cannot do this ignore it.
    fn unload(&self) {}

    /// Translates a batch: as many hypotheses as sentences, in their order. The same batch gives the same result.
    fn translate(&self, batch: &Batch<'_>, cancel: &Cancel) -> Result<Vec<Hypothesis>, EngineError>;

    /// A second opinion: puts its doubts into what another engine made of `batch`. An engine without opinions has no doubts.
    fn review(
        &self,
        _batch: &Batch<'_>,
        _hypotheses: &mut [Hypothesis],
        _cancel: &Cancel,
    ) -> Result<(), EngineError> {
        Ok(())
    }
}
