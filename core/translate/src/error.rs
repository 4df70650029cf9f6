//! The one public error: a variant for each thing a screen would treat differently.

use crate::LanguageCode;
use crate::engine::EngineChoice;

/// Why nothing could be translated at all.
///
/// A sentence that fails is not an error: it is passed through and marked (see
/// [`Reason::PassedThrough`](crate::Reason)). No variant carries text of the user.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TranslateError {
    /// No engine and no pair of engines leads from one language to the other.
    #[error(
        "nothing installed translates {from} to {to}{}; install a pack for {from}-{to}{}",
        only(*.choice),
        via_english(.from, .to)
    )]
    NoRoute {
        /// The source language asked for or detected.
        from: LanguageCode,
        /// The target language asked for.
        to: LanguageCode,
        /// The engine that was asked for.
        choice: EngineChoice,
    },
    /// The source language was not given and the text does not show it clearly enough.
    #[error("the language of the text is unclear{}; name it (--from)", among(.candidates))]
    LanguageUnsure {
        /// The most likely languages, best first; empty when the text has no letters of a known language.
        candidates: Vec<LanguageCode>,
    },
    /// A file of the engine's model is damaged or not genuine. Remedy: get the pack again.
    #[error("the {engine} engine cannot work: {reason}")]
    Damaged {
        /// The engine's id, for example `nmt:en-es`.
        engine: String,
        /// Which file and what is wrong with it.
        reason: String,
    },
    /// Too little memory for the engine's model. Remedy: close other programs or choose a smaller pack.
    #[error("the {engine} engine cannot work: {reason}")]
    Memory {
        /// The engine's id.
        engine: String,
        /// How much is needed and how much there is.
        reason: String,
    },
    /// The engine cannot work for another reason (model missing, device fault): every sentence would fail.
    #[error("the {engine} engine cannot work: {reason}")]
    Engine {
        /// The engine's id, for example `nmt:en-es`.
        engine: String,
        /// What is wrong and what to do, without user text.
        reason: String,
    },
}

fn only(choice: EngineChoice) -> &'static str {
    match choice {
        EngineChoice::Auto => "",
        EngineChoice::Nmt => " with a neural engine",
        EngineChoice::Llm => " with a language model",
    }
}

fn via_english(from: &LanguageCode, to: &LanguageCode) -> String {
    if from.base() == "en" || to.base() == "en" {
        String::new()
    } else {
        format!(", or both {from}-en and en-{to}")
    }
}

fn among(candidates: &[LanguageCode]) -> String {
    if candidates.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = candidates.iter().map(LanguageCode::as_str).collect();
    format!(" (perhaps {})", names.join(", "))
}
