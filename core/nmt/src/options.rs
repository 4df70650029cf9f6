//! What a caller asks for.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;

/// Settings of one call, for all its sentences.
///
/// ```
/// use cuba_nmt::Options;
/// let fast = Options::default();
/// let careful = Options { beam: 4, n_best: 3, ..Options::default() };
/// assert_eq!((fast.beam, careful.n_best), (1, 3));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Hypotheses kept at every step: 1 (greedy) to [`Options::MAX_BEAM`].
    pub beam: usize,
    /// Translations to return for each sentence: 1 to `beam`.
    pub n_best: usize,
    /// A hypothesis of `n` tokens is ranked by its log-probability divided by `n` to this power: 0 favours short
    /// ones, 1 (the default of the released models) compares means.
    pub length_penalty: f32,
    /// Threads: 1 or more. The output does not depend on it.
    pub threads: usize,
    /// A translation ends at this many tokens for each source token, plus four.
    pub max_length_factor: f32,
    /// A translation ends at this many tokens, whatever the source.
    pub max_output_tokens: usize,
    /// A sentence of more tokens is translated in windows, cut at punctuation or spaces.
    pub max_source_tokens: usize,
    /// Compute log-probabilities: one exponential for each word of the vocabulary and token. Always on for beams and
    /// constraints.
    pub log_probs: bool,
    /// Return the word alignment.
    pub alignment: bool,
    /// Use the lexical shortlist, if the model has one, for sentences it suits. Faster, and poorer on rare words.
    pub shortlist: bool,
}

impl Options {
    /// Widest beam.
    pub const MAX_BEAM: usize = 6;

    pub(crate) fn check(&self) -> Result<(), Error> {
        let within = |option: &'static str, value: usize, range: std::ops::RangeInclusive<usize>| {
            let (from, to) = (*range.start(), *range.end());
            let why = format!("{value} is not within {from} to {to}");
            if range.contains(&value) { Ok(()) } else { Err(Error::Request { option, why }) }
        };
        within("beam", self.beam, 1..=Self::MAX_BEAM)?;
        within("n_best", self.n_best, 1..=self.beam)?;
        within("threads", self.threads, 1..=64)?;
        within("max_output_tokens", self.max_output_tokens, 1..=1024)?;
        within("max_source_tokens", self.max_source_tokens, 8..=512)?;
        let numbers = [
            ("length_penalty", self.length_penalty, 4.0),
            ("max_length_factor", self.max_length_factor, 16.0),
        ];
        for (option, value, most) in numbers {
            if !(0.0..=most).contains(&value) {
                return Err(Error::Request { option, why: format!("{value} is not within 0 to {most}") });
            }
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            beam: 1,
            n_best: 1,
            length_penalty: 1.0,
            threads: 1,
            max_length_factor: 2.0,
            max_output_tokens: 256,
            max_source_tokens: 128,
            log_probs: true,
            alignment: true,
            shortlist: false,
        }
    }
}

/// One sentence to translate, with what must and must not stand in its translation.
///
/// ```
/// use cuba_nmt::Source;
/// let plain = Source::from("Good morning.");
/// let bound = Source::new("The wheel is flat.").force("rueda", Some(4..9)).forbid("llanta").prefix("La");
/// assert_eq!((plain.forced.len(), bound.forced.len()), (0, 1));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The text: one sentence, as a rule.
    pub text: String,
    /// Phrases that will stand in the translation, in any order, each as often as it is listed.
    pub forced: Vec<Forced>,
    /// Phrases that will not stand in the translation as whole words, in this spelling.
    pub forbidden: Vec<String>,
    /// How the translation begins.
    pub prefix: String,
}

/// A phrase that must stand in the translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forced {
    /// The phrase, in the spelling wanted.
    pub phrase: String,
    /// What it translates, as a byte range of the source. Tells the window it belongs to when a long text is cut.
    pub source: Option<Range<usize>>,
}

impl Source {
    /// A sentence without constraints.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Adds a phrase that must stand in the translation.
    #[must_use]
    pub fn force(mut self, phrase: impl Into<String>, source: Option<Range<usize>>) -> Self {
        self.forced.push(Forced { phrase: phrase.into(), source });
        self
    }

    /// Adds a phrase that must not.
    #[must_use]
    pub fn forbid(mut self, phrase: impl Into<String>) -> Self {
        self.forbidden.push(phrase.into());
        self
    }

    /// Fixes the first words.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }
}

impl<T: Into<String>> From<T> for Source {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// Stops a translation from another thread. Clones share one flag.
///
/// ```
/// let cancel = cuba_nmt::Cancel::new();
/// let other = cancel.clone();
/// other.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shares a flag that something else (a signal handler) sets.
    pub fn from_flag(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }

    /// Asks the translation to stop: it returns [`Error::Cancelled`] before its next block of arithmetic.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}
