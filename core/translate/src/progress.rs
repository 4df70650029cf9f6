//! What a translation tells while it runs.

use crate::LanguageCode;
use crate::detect::Detection;
use crate::result::Segment;

/// One step forward.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The language was looked for.
    Detected(&'a Detection),
    /// The way is known.
    Planned {
        /// Source language.
        from: LanguageCode,
        /// Target language.
        to: LanguageCode,
        /// Engines, joined with `+`.
        engine: &'a str,
        /// Language in the middle.
        via: Option<LanguageCode>,
    },
    /// The text was split.
    Segmented {
        /// Sentences to translate.
        segments: usize,
    },
    /// A sentence is done. Sentences come in their order, so a screen can show the text growing.
    Translated {
        /// Its number, from 0.
        index: usize,
        /// Of how many.
        of: usize,
        /// The sentence.
        segment: &'a Segment,
        /// The text between the sentence before (or the start) and this one: spaces, line breaks, list marks.
        before: &'a str,
    },
}

/// Someone who wants to know. Any `FnMut(Event)` is one; [`Quiet`] is nobody.
pub trait Progress {
    /// Called on the translating thread: return soon.
    fn on(&mut self, event: Event<'_>);
}

impl<F: FnMut(Event<'_>)> Progress for F {
    fn on(&mut self, event: Event<'_>) {
        self(event);
    }
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn on(&mut self, _event: Event<'_>) {}
}
