//! What teaching brought and what it cost, in chrF on sentences that were not learnt from.

use cuba_nmt::{Cancel, Model, Options, Source};
use cuba_translate::metrics::chrf;

use crate::{Pair, TrainError};

/// chrF (0 to 100) before and after, on the user's own kept-back pairs and on general ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Own pairs that were kept back.
    pub own: [f64; 2],
    /// General pairs.
    pub general: [f64; 2],
}

impl Comparison {
    /// Whether more was gained at home than lost elsewhere.
    pub fn is_a_gain(&self) -> bool {
        let [before, after] = self.own;
        let [general_before, general_after] = self.general;
        after > before && after - before > general_before - general_after
    }
}

/// Translates both sets with both models.
///
/// # Errors
/// A model that cannot translate; an empty set.
pub fn compare(
    before: &Model,
    after: &Model,
    own: &[Pair],
    general: &[Pair],
) -> Result<Comparison, TrainError> {
    let score = |model: &Model, pairs: &[Pair]| -> Result<f64, TrainError> {
        let sources: Vec<Source> = pairs.iter().map(|p| Source::from(p.source.as_str())).collect();
        let options = Options { log_probs: false, alignment: false, ..Options::default() };
        let done = model.translate_batch(&sources, &options, &Cancel::new(), &|_| ())?;
        let hypotheses: Vec<&str> = done.iter().map(|t| t.text.as_str()).collect();
        let references: Vec<&str> = pairs.iter().map(|p| p.target.as_str()).collect();
        chrf(&hypotheses, &references).ok_or(TrainError::TooFew { found: pairs.len(), needed: 1 })
    };
    Ok(Comparison {
        own: [score(before, own)?, score(after, own)?],
        general: [score(before, general)?, score(after, general)?],
    })
}
