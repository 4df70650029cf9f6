//! Cuba's translation path: detect, plan, segment, protect, translate, check, restore.
//!
//! One pipeline for every engine. An [`Engine`](engine::Engine) only turns sentences into sentences; what makes a
//! translation trustworthy lives here, once: which language it is ([`detect`]), where sentences end (`segment`),
//! what must come out unchanged (`protect`), what went wrong ([`Reason`]) and what to try then.
//!
//! Border. This crate must not open files of its own, touch the network, know the vault, or log: engines
//! are handed in as [`Engines`], and only `installed` (feature `packs`) knows that they come from packs. No error and no event carries text of the user except the
//! result itself. Features `nmt` and `llm` add the adapters to `cuba-nmt` and `cuba-llm`; without them everything
//! here builds and is tested in seconds.
//!
//! Why this way. Small models fail in known ways (two sentences at once, all capitals, a lone word, a number
//! dropped). Each trap is met outside the model, so a better engine later makes results better and nothing else.

mod calendar;
mod cancel;
pub mod check;
pub mod detect;
pub mod engine;
mod error;
#[cfg(feature = "packs")]
pub mod installed;
mod lang;
mod leg;
mod marks;
pub mod metrics;
mod numerals;
mod progress;
pub mod prompt;
pub mod protect;
mod result;
mod router;
pub mod segment;
mod shape;
mod translator;

pub use cancel::Cancel;
pub use detect::Detection;
pub use engine::EngineChoice;
pub use error::TranslateError;
pub use lang::{BadLanguageCode, LanguageCode};
pub use progress::{Event, Progress, Quiet};
pub use result::{
    Completion, Confidence, LineTranslation, LinesSummary, NumberStyle, Reason, Segment, Settings,
    TextRequest, TextTranslation, Timings,
};
pub use router::{Engines, Leg, Route};
pub use translator::Translator;
