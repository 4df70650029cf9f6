//! What becomes of logits: the best token, its log-probability, or the best few, without holding a row of 32,000.
#![allow(clippy::indexing_slicing, reason = "rows are asserted by the kernel that calls")]

use super::Kernels;
use super::math::{exp, ln};

/// Token ids of a piece of a row of logits.
#[derive(Debug, Clone, Copy)]
pub enum ChunkIds<'a> {
    /// Consecutive, from this one on.
    From(u32),
    /// These.
    List(&'a [u32]),
}

impl ChunkIds<'_> {
    /// The id of the logit at place `i`.
    pub fn at(self, i: usize) -> u32 {
        match self {
            Self::From(first) => first + i as u32,
            Self::List(ids) => ids[i],
        }
    }
}

/// Takes the logits of a projection, piece by piece.
pub trait LogitSink {
    /// The next piece of row `row`; the pieces of one row come in order.
    fn accept(&mut self, kernels: Kernels, row: usize, ids: ChunkIds<'_>, logits: &[f32]);
}

/// ln(sum(exp)) of a row, as it comes in.
#[derive(Debug, Clone, Copy)]
struct LogSum {
    max: f32,
    sum: f32,
}

impl LogSum {
    const EMPTY: Self = Self { max: f32::NEG_INFINITY, sum: 0.0 };

    fn add(&mut self, kernels: Kernels, logits: &[f32], max: f32) {
        if max > self.max {
            self.sum *= exp(self.max - max);
            self.max = max;
        }
        self.sum += kernels.sum_exp(logits, self.max);
    }

    fn get(self) -> f32 {
        self.max + ln(self.sum)
    }
}

/// The best token of each row, with its log-probability over all rows of the projection if wanted.
///
/// Of equal logits the first wins.
#[derive(Debug, Clone)]
pub struct Best {
    best: Vec<(u32, f32)>,
    sums: Option<Vec<LogSum>>,
}

impl Best {
    /// For `m` rows. Log-probabilities cost one exponential per logit.
    pub fn new(m: usize, log_probs: bool) -> Self {
        Self { best: vec![(0, f32::NEG_INFINITY); m], sums: log_probs.then(|| vec![LogSum::EMPTY; m]) }
    }

    /// The best token of a row.
    pub fn id(&self, row: usize) -> u32 {
        self.best[row].0
    }

    /// The logit of the best token of a row.
    pub fn logit(&self, row: usize) -> f32 {
        self.best[row].1
    }

    /// The log-probability of the best token of a row, if these were asked for.
    pub fn log_prob(&self, row: usize) -> Option<f32> {
        self.sums.as_ref().map(|s| self.best[row].1 - s[row].get())
    }
}

impl LogitSink for Best {
    fn accept(&mut self, kernels: Kernels, row: usize, ids: ChunkIds<'_>, logits: &[f32]) {
        let max = kernels.max(logits);
        if max > self.best[row].1 {
            let place = logits.iter().position(|&l| l >= max).unwrap_or(0);
            self.best[row] = (ids.at(place), max);
        }
        if let Some(sums) = &mut self.sums {
            sums[row].add(kernels, logits, max);
        }
    }
}

/// The best `k` tokens of each row with their log-probabilities, best first; of equal logits the first comes first.
#[derive(Debug, Clone)]
pub struct TopK {
    k: usize,
    rows: Vec<Vec<(u32, f32)>>,
    sums: Vec<LogSum>,
}

impl TopK {
    /// For `m` rows.
    pub fn new(m: usize, k: usize) -> Self {
        Self { k, rows: vec![Vec::with_capacity(k + 1); m], sums: vec![LogSum::EMPTY; m] }
    }

    /// The best tokens of a row, best first, as (token, log-probability).
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, f32)> {
        let sum = self.sums[row].get();
        self.rows[row].iter().map(move |&(id, logit)| (id, logit - sum))
    }

    /// The natural logarithm of the sum over all logits of a row: `logit - log_sum` is a log-probability.
    pub fn log_sum(&self, row: usize) -> f32 {
        self.sums[row].get()
    }
}

impl LogitSink for TopK {
    fn accept(&mut self, kernels: Kernels, row: usize, ids: ChunkIds<'_>, logits: &[f32]) {
        let max = kernels.max(logits);
        self.sums[row].add(kernels, logits, max);
        let best = &mut self.rows[row];
        let worst = |best: &[(u32, f32)]| {
            best.last().filter(|_| best.len() == self.k).map_or(f32::NEG_INFINITY, |b| b.1)
        };
        if self.k == 0 || max <= worst(best) {
            return;
        }
        for (i, &logit) in logits.iter().enumerate() {
            if logit > worst(best) {
                let at = best.partition_point(|b| b.1 >= logit);
                best.insert(at, (ids.at(i), logit));
                best.truncate(self.k);
            }
        }
    }
}
