//! What comes back: text, tokens, alignment, and signs of quality.

use crate::vocab::Token;

/// The translation of one [`crate::Source`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Translation {
    /// The best translation.
    pub text: String,
    /// Its tokens, each with its byte range in `text`.
    pub tokens: Vec<Token>,
    /// Tokens of the source, each with its byte range in the source text, without the end of sentence.
    pub source_tokens: Vec<Token>,
    /// Natural logarithm of the probability of each of `tokens`. Empty where [`crate::Options::log_probs`] was off.
    pub log_probs: Vec<f32>,
    /// The same for the end of the sentence: one for each window that came to its end.
    pub end_log_probs: Vec<f32>,
    /// Which source token each target token looked at, where [`crate::Options::alignment`] was on.
    pub alignment: Option<Alignment>,
    /// Further translations of an n-best list, best first, without the best. Only for sentences of one window.
    pub alternatives: Vec<Alternative>,
    /// Windows the source was cut into; 1 for a sentence, 0 for text without words.
    pub windows: usize,
    /// Places in [`crate::Source::forced`] of phrases that do not stand in the text as they are spelled: the vocabulary
    /// cannot write them (see [`crate::Model::can_force`]). Empty in every other case.
    pub unmet: Vec<usize>,
    /// A length limit ended the translation before the model did: it is likely to repeat itself or to lack the end.
    pub reached_limit: bool,
}

/// Another translation of an n-best list.
#[derive(Debug, Clone, PartialEq)]
pub struct Alternative {
    /// The text.
    pub text: String,
    /// Log-probability over the length penalty: comparable within the list.
    pub score: f32,
}

impl Translation {
    /// Mean log-probability of a token, the ends of sentence included; `None` where there are none.
    ///
    /// ```
    /// let translation = cuba_nmt::Translation { log_probs: vec![-0.5, -1.5], ..Default::default() };
    /// assert_eq!(translation.mean_log_prob(), Some(-1.0));
    /// assert_eq!(translation.min_log_prob(), Some(-1.5));
    /// ```
    pub fn mean_log_prob(&self) -> Option<f32> {
        let count = self.log_probs.len() + self.end_log_probs.len();
        let sum: f32 = self.log_probs.iter().chain(&self.end_log_probs).sum();
        (count > 0).then(|| sum / count as f32)
    }

    /// Log-probability of the token the model was least sure of.
    pub fn min_log_prob(&self) -> Option<f32> {
        self.log_probs.iter().chain(&self.end_log_probs).copied().reduce(f32::min)
    }

    /// Share of the source that the translation looked at, 0 to 1: the mean over source tokens of
    /// `min(1, sum of the attention they got)` (the coverage of Wu et al. 2016). Low values mean left-out text.
    pub fn coverage(&self) -> Option<f32> {
        self.alignment.as_ref().and_then(Alignment::coverage)
    }
}

/// Attention of every target token over the source tokens.
///
/// Probabilities for the end of the source sentence are left out, so a row sums to 1 or less.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alignment {
    source: usize,
    weights: Vec<f32>,
}

impl Alignment {
    pub(crate) fn new(source: usize) -> Self {
        Self { source, weights: Vec::new() }
    }

    /// Appends a row that covers source tokens `first..first + row.len()`.
    pub(crate) fn push(&mut self, first: usize, row: &[f32]) {
        let start = self.weights.len();
        self.weights.resize(start + self.source, 0.0);
        if let Some(place) = self.weights.get_mut(start + first..start + first + row.len()) {
            place.copy_from_slice(row);
        }
    }

    /// Number of source tokens.
    pub fn source_len(&self) -> usize {
        self.source
    }

    /// The probabilities of one target token over all source tokens; empty for a token that is not there.
    pub fn row(&self, target: usize) -> &[f32] {
        self.weights.get(target * self.source..(target + 1) * self.source).unwrap_or_default()
    }

    /// The source token a target token looked at most, with the probability; the first of equal ones.
    pub fn best(&self, target: usize) -> Option<(usize, f32)> {
        let row = self.row(target).iter().copied().enumerate();
        row.reduce(|best, other| if other.1 > best.1 { other } else { best })
    }

    fn coverage(&self) -> Option<f32> {
        if self.source == 0 {
            return None;
        }
        let mut seen = vec![0.0f32; self.source];
        for row in self.weights.chunks_exact(self.source) {
            for (sum, weight) in seen.iter_mut().zip(row) {
                *sum += weight;
            }
        }
        Some(seen.iter().map(|sum| sum.min(1.0)).sum::<f32>() / self.source as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_what_was_looked_at() {
        let mut alignment = Alignment::new(4);
        alignment.push(0, &[0.75, 0.25]);
        alignment.push(0, &[0.75, 0.0]);
        alignment.push(2, &[0.0, 0.5]);
        assert_eq!(alignment.coverage(), Some((1.0 + 0.25 + 0.0 + 0.5) / 4.0));
        assert_eq!(
            (alignment.best(0), alignment.best(2), alignment.best(9)),
            (Some((0, 0.75)), Some((3, 0.5)), None)
        );
        assert_eq!(Alignment::new(0).coverage(), None);
    }
}
