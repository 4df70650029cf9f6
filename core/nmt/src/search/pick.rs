//! Which tokens may follow each hypothesis, chosen while the logits pass by.

use super::rules::{Rules, Standing};
use crate::kernel::{ChunkIds, Kernels, LogitSink, TopK};
use crate::vocab::Vocab;

/// What one row of a projection is asked for.
pub(super) struct Ask<'a> {
    /// How many of the best allowed tokens.
    pub(super) best: usize,
    /// Tokens whose log-probability is wanted wherever it stands, sorted.
    pub(super) wanted: Vec<u32>,
    /// What decides whether a token is allowed.
    pub(super) rules: Option<(&'a Rules, &'a Standing)>,
}

/// Takes the logits of a step.
pub(super) struct Picker<'a> {
    vocab: &'a Vocab,
    asks: Vec<Ask<'a>>,
    sums: TopK,
    best: Vec<Vec<(u32, f32)>>,
    wanted: Vec<Vec<(u32, f32)>>,
}

impl<'a> Picker<'a> {
    pub(super) fn new(vocab: &'a Vocab, asks: Vec<Ask<'a>>) -> Self {
        let rows = asks.len();
        Self {
            vocab,
            asks,
            sums: TopK::new(rows, 0),
            best: vec![Vec::new(); rows],
            wanted: vec![Vec::new(); rows],
        }
    }

    /// Tokens and log-probabilities of one row: the best ones, best first, then those wanted besides.
    pub(super) fn row(&self, row: usize) -> Vec<(u32, f32)> {
        let (Some(best), Some(wanted)) = (self.best.get(row), self.wanted.get(row)) else {
            return Vec::new();
        };
        let besides = wanted.iter().filter(|w| best.iter().all(|b| b.0 != w.0));
        let sum = self.sums.log_sum(row);
        best.iter().chain(besides).map(|&(id, logit)| (id, logit - sum)).collect()
    }
}

impl LogitSink for Picker<'_> {
    fn accept(&mut self, kernels: Kernels, row: usize, ids: ChunkIds<'_>, logits: &[f32]) {
        self.sums.accept(kernels, row, ids, logits);
        let (Some(ask), Some(best), Some(wanted)) =
            (self.asks.get(row), self.best.get_mut(row), self.wanted.get_mut(row))
        else {
            return;
        };
        for &id in &ask.wanted {
            let place = match ids {
                ChunkIds::From(first) => id.checked_sub(first).map(|place| place as usize),
                ChunkIds::List(list) => list.binary_search(&id).ok(),
            };
            if let Some(&logit) = place.and_then(|place| logits.get(place)) {
                wanted.push((id, logit));
            }
        }
        let worst = |best: &[(u32, f32)]| {
            best.last().filter(|_| best.len() == ask.best).map_or(f32::NEG_INFINITY, |b| b.1)
        };
        if ask.best == 0 || kernels.max(logits) <= worst(best) {
            return;
        }
        for (place, &logit) in logits.iter().enumerate() {
            if logit <= worst(best) {
                continue;
            }
            let id = ids.at(place);
            let allowed = id != self.vocab.unk()
                && ask.rules.is_none_or(|(rules, standing)| rules.allows(self.vocab, standing, id));
            if allowed {
                let at = best.partition_point(|b| b.1 >= logit);
                best.insert(at, (id, logit));
                best.truncate(ask.best);
            }
        }
    }
}
