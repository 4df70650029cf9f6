//! From encoded sentences to the best translations: greedy, beam, and constrained beam search.
//!
//! Beams follow Marian: at each step the best continuations of all hypotheses of a sentence are kept; a finished one
//! leaves the beam one narrower; finished ones are ranked by log-probability over a power of the length. The unknown
//! token is never chosen.
//!
//! Forced phrases use dynamic beam allocation (Post & Vilar 2018): hypotheses are grouped by how much of the phrases
//! they hold, each group keeps its best, and only a hypothesis with all phrases may end. A greedy request with forced
//! phrases searches with a beam of [`FORCED_BEAM`] for that sentence.

mod hunt;
mod pick;
mod rules;

use hunt::Hunt;
use pick::{Ask, Picker};
pub(crate) use rules::{Phrase, Rules};

use crate::error::Error;
use crate::kernel::{Best, Kernels, Rows};
use crate::options::Cancel;
use crate::transformer::{Row, Transformer, Workspace};
use crate::vocab::Vocab;

/// Beam for sentences with forced phrases, where the caller asked for less.
pub(crate) const FORCED_BEAM: usize = 6;

/// One sentence to search a translation for.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Source tokens with the end of sentence.
    pub(crate) source: Vec<u32>,
    pub(crate) rules: Rules,
    /// The only target tokens allowed, sorted.
    pub(crate) shortlist: Option<Vec<u32>>,
    pub(crate) beam: usize,
    pub(crate) max_len: usize,
}

impl Job {
    /// Greedy and free: the best token is all there is to know.
    fn is_plain(&self) -> bool {
        self.beam == 1 && self.rules.is_free()
    }
}

/// A translation as tokens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// Without the end of sentence.
    pub(crate) tokens: Vec<u32>,
    /// One for each token and one for the end of sentence, if it was reached; empty if none were asked for.
    pub(crate) log_probs: Vec<f32>,
    /// Attention over the source for each of `tokens`; empty if none was asked for.
    pub(crate) alignment: Vec<Box<[f32]>>,
    /// What n-best lists are sorted by.
    pub(crate) score: f32,
    /// False when the length limit cut it off.
    pub(crate) ended: bool,
}

/// What all sentences of a batch have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wants {
    pub(crate) log_probs: bool,
    pub(crate) alignment: bool,
    pub(crate) length_penalty: f32,
    pub(crate) n_best: usize,
}

/// Searches translations for a batch; for each job the best `n_best` ones, best first, at least one.
pub(crate) fn search(
    model: &Transformer,
    kernels: Kernels,
    vocab: &Vocab,
    jobs: &[Job],
    wants: Wants,
    ws: &mut Workspace,
    cancel: &Cancel,
) -> Result<Vec<Vec<Found>>, Error> {
    let sources: Vec<&[u32]> = jobs.iter().map(|job| job.source.as_slice()).collect();
    let encoded = model.encode(kernels, &sources, ws, cancel)?;
    let mut hunts: Vec<Hunt<'_>> = jobs.iter().map(|job| Hunt::new(job, wants)).collect();
    let mut state = model.start(jobs.len());
    for step in 0.. {
        let rows = rows_of(&hunts);
        if rows.is_empty() {
            break;
        }
        cancel.check()?;
        let mut alignment = wants.alignment.then(Vec::new);
        model.step(kernels, &encoded, &rows, step, &mut state, ws, alignment.as_mut(), cancel)?;
        let choices = choose(model, kernels, vocab, &hunts, step, ws, wants.log_probs);
        let mut choices = choices.into_iter();
        let (mut parents, mut first) = (Vec::with_capacity(rows.len()), 0);
        for hunt in &mut hunts {
            let live = hunt.live();
            let choices: Vec<_> = choices.by_ref().take(live).collect();
            let alignment = alignment.as_deref().and_then(|rows| rows.get(first..first + live));
            parents.extend(
                hunt.advance(vocab, step, choices, alignment).into_iter().map(|parent| first + parent),
            );
            first += live;
        }
        state.select(&parents);
    }
    Ok(hunts.into_iter().map(|hunt| hunt.finish(wants.n_best)).collect())
}

fn rows_of(hunts: &[Hunt<'_>]) -> Vec<Row> {
    let tokens = hunts.iter().enumerate();
    tokens.flat_map(|(sentence, hunt)| hunt.last_tokens().map(move |token| Row { sentence, token })).collect()
}

/// Candidates of every row: tokens with log-probabilities (not-a-number where none were asked for).
fn choose(
    model: &Transformer,
    kernels: Kernels,
    vocab: &Vocab,
    hunts: &[Hunt<'_>],
    step: usize,
    ws: &mut Workspace,
    log_probs: bool,
) -> Vec<Vec<(u32, f32)>> {
    let live: usize = hunts.iter().map(Hunt::live).sum();
    let plain = hunts
        .iter()
        .all(|hunt| hunt.live() == 0 || (hunt.job().is_plain() && hunt.job().shortlist.is_none()));
    if plain {
        return choose_best(model, kernels, vocab, live, ws, log_probs);
    }
    if hunts.iter().all(|hunt| hunt.job().shortlist.is_none()) {
        let asks: Vec<Ask<'_>> = hunts.iter().flat_map(|hunt| hunt.asks(step)).collect();
        let mut picker = Picker::new(vocab, asks);
        model.project(kernels, ws, 0..live, Rows::All, &mut picker);
        return (0..live).map(|row| picker.row(row)).collect();
    }
    // Shortlists differ from sentence to sentence; a common one would let a sentence feel its neighbours.
    let mut choices = Vec::with_capacity(live);
    let mut first = 0;
    for hunt in hunts.iter().filter(|hunt| hunt.live() > 0) {
        let mut picker = Picker::new(vocab, hunt.asks(step).collect());
        let ids = hunt.job().shortlist.as_deref().map_or(Rows::All, Rows::Ids);
        model.project(kernels, ws, first..first + hunt.live(), ids, &mut picker);
        choices.extend((0..hunt.live()).map(|row| picker.row(row)));
        first += hunt.live();
    }
    choices
}

/// Greedy for every row.
fn choose_best(
    model: &Transformer,
    kernels: Kernels,
    vocab: &Vocab,
    live: usize,
    ws: &mut Workspace,
    log_probs: bool,
) -> Vec<Vec<(u32, f32)>> {
    let mut best = Best::new(live, log_probs);
    model.project(kernels, ws, 0..live, Rows::All, &mut best);
    (0..live)
        .map(|row| {
            if best.id(row) != vocab.unk() {
                return vec![(best.id(row), best.log_prob(row).unwrap_or(f32::NAN))];
            }
            // Rare: the best token is the one that may not be chosen. Ask that row again.
            let ask = Ask { best: 1, wanted: Vec::new(), rules: None };
            let mut picker = Picker::new(vocab, vec![ask]);
            model.project(kernels, ws, row..row + 1, Rows::All, &mut picker);
            picker.row(0)
        })
        .collect()
}
