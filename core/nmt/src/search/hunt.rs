//! The search for the translation of one sentence.

use super::pick::Ask;
use super::rules::Standing;
use super::{Found, Job, Wants};
use crate::vocab::Vocab;

/// No node: the start of the translation.
const ROOT: usize = usize::MAX;

/// One chosen token; a hypothesis is a path of nodes back to the root.
struct Node {
    parent: usize,
    token: u32,
    log_prob: f32,
    alignment: Option<Box<[f32]>>,
}

struct Hypothesis {
    node: usize,
    score: f32,
    standing: Standing,
}

struct Finished {
    node: usize,
    rank: f32,
    ended: bool,
}

/// One possible continuation.
struct Candidate {
    hypothesis: usize,
    token: u32,
    log_prob: f32,
    score: f32,
    standing: Standing,
}

pub(super) struct Hunt<'a> {
    job: &'a Job,
    wants: Wants,
    nodes: Vec<Node>,
    live: Vec<Hypothesis>,
    finished: Vec<Finished>,
}

impl<'a> Hunt<'a> {
    pub(super) fn new(job: &'a Job, wants: Wants) -> Self {
        let start = Hypothesis { node: ROOT, score: 0.0, standing: job.rules.start() };
        let live = if job.max_len == 0 { Vec::new() } else { vec![start] };
        Self { job, wants, nodes: Vec::new(), live, finished: Vec::new() }
    }

    pub(super) fn job(&self) -> &Job {
        self.job
    }

    /// Hypotheses that go on.
    pub(super) fn live(&self) -> usize {
        self.live.len()
    }

    /// The last token of each of them.
    pub(super) fn last_tokens(&self) -> impl Iterator<Item = Option<u32>> + '_ {
        self.live.iter().map(|hypothesis| self.nodes.get(hypothesis.node).map(|node| node.token))
    }

    /// What each of them wants to know of its logits.
    pub(super) fn asks(&self, step: usize) -> impl Iterator<Item = Ask<'_>> + '_ {
        let rules = &self.job.rules;
        self.live.iter().map(move |hypothesis| {
            let standing = &hypothesis.standing;
            // Tokens left must suffice for what is missing, and the end of sentence.
            let hurry = step + rules.missing(standing) + 1 >= self.job.max_len;
            let bound = step < rules.prefix.len() || (hurry && !standing.is_complete());
            Ask {
                best: if bound { 0 } else { self.width() },
                wanted: rules.wanted(standing, step, hurry),
                rules: (!rules.is_free()).then_some((rules, standing)),
            }
        })
    }

    fn width(&self) -> usize {
        self.job.beam.saturating_sub(self.finished.len())
    }

    /// Takes the candidates of each live hypothesis; returns, for each hypothesis that lives on, the one it came from.
    pub(super) fn advance(
        &mut self,
        vocab: &Vocab,
        step: usize,
        choices: Vec<Vec<(u32, f32)>>,
        alignment: Option<&[Box<[f32]>]>,
    ) -> Vec<usize> {
        let chosen = self.select(vocab, choices);
        let old = std::mem::take(&mut self.live);
        let last = step + 1 >= self.job.max_len;
        let mut parents = Vec::with_capacity(chosen.len());
        for candidate in chosen {
            let Some(from) = old.get(candidate.hypothesis) else { continue };
            let row = alignment.and_then(|rows| rows.get(candidate.hypothesis)).cloned();
            let node = self.nodes.len();
            let Candidate { token, log_prob, score, standing, hypothesis } = candidate;
            self.nodes.push(Node { parent: from.node, token, log_prob, alignment: row });
            let ended = token == vocab.eos();
            if ended || last {
                self.finished.push(Finished { node, rank: self.rank(score, step + 1), ended });
            } else {
                self.live.push(Hypothesis { node, score, standing });
                parents.push(hypothesis);
            }
        }
        if self.finished.is_empty() && self.live.is_empty() {
            // Nothing may follow, as can happen with forbidden phrases only: what stands is all there will be.
            let rank = |h: &Hypothesis| self.rank(h.score, step.max(1));
            self.finished =
                old.iter().map(|h| Finished { node: h.node, rank: rank(h), ended: false }).collect();
        }
        parents
    }

    /// Log-probability over a power of the length.
    fn rank(&self, score: f32, length: usize) -> f32 {
        if self.wants.length_penalty == 0.0 {
            return score;
        }
        let power = libm::pow(length as f64, f64::from(self.wants.length_penalty));
        (f64::from(score) / power) as f32
    }

    fn select(&self, vocab: &Vocab, choices: Vec<Vec<(u32, f32)>>) -> Vec<Candidate> {
        let rules = &self.job.rules;
        let mut all = Vec::with_capacity(choices.iter().map(Vec::len).sum());
        for (index, (from, choices)) in self.live.iter().zip(choices).enumerate() {
            for (token, log_prob) in choices {
                let standing = if rules.is_free() {
                    Standing::default()
                } else {
                    rules.advance(vocab, &from.standing, token)
                };
                all.push(Candidate {
                    hypothesis: index,
                    token,
                    log_prob,
                    score: from.score + log_prob,
                    standing,
                });
            }
        }
        // Of equal scores the earlier hypothesis and its better token come first: the sort is stable.
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        if rules.forced.is_empty() {
            all.truncate(self.width());
            return all;
        }
        self.share_out(all)
    }

    /// Dynamic beam allocation: places are shared between groups of equal progress; what a group cannot fill goes to
    /// the groups that are further.
    fn share_out(&self, all: Vec<Candidate>) -> Vec<Candidate> {
        let (width, total) = (self.width(), self.job.rules.total());
        if width == 0 {
            return Vec::new();
        }
        let top = total.min(width.saturating_sub(1));
        let mut groups: Vec<Vec<Candidate>> = (0..=top).map(|_| Vec::new()).collect();
        for candidate in all {
            // Several counts share a group where there are more of them than places; the last is for all phrases met.
            let group = self.job.rules.count(&candidate.standing) * top / total;
            if let Some(group) = groups.get_mut(group) {
                group.push(candidate);
            }
        }
        let share = width / (top + 1);
        let mut places: Vec<usize> = groups.iter().map(|group| group.len().min(share)).collect();
        let mut spare = width - places.iter().sum::<usize>();
        for (place, group) in places.iter_mut().zip(&groups).rev() {
            let more = spare.min(group.len() - *place);
            *place += more;
            spare -= more;
        }
        let kept = groups.into_iter().zip(places).flat_map(|(group, places)| group.into_iter().take(places));
        let mut kept: Vec<Candidate> = kept.collect();
        kept.sort_by(|a, b| b.score.total_cmp(&a.score));
        kept
    }

    /// The best translations, best first.
    pub(super) fn finish(mut self, n_best: usize) -> Vec<Found> {
        // A translation that ended is better than one that was cut off, whatever the numbers say.
        self.finished.sort_by(|a, b| b.ended.cmp(&a.ended).then(b.rank.total_cmp(&a.rank)));
        self.finished.iter().take(n_best).map(|finished| self.found(finished)).collect()
    }

    fn found(&self, finished: &Finished) -> Found {
        let mut path = Vec::new();
        let mut at = finished.node;
        while let Some(node) = self.nodes.get(at) {
            path.push(node);
            at = node.parent;
        }
        path.reverse();
        let words = if finished.ended { path.len().saturating_sub(1) } else { path.len() };
        let scored = self.wants.log_probs || !self.job.is_plain();
        Found {
            tokens: path.iter().take(words).map(|node| node.token).collect(),
            log_probs: if scored { path.iter().map(|node| node.log_prob).collect() } else { Vec::new() },
            alignment: path.iter().take(words).filter_map(|node| node.alignment.clone()).collect(),
            score: finished.rank,
            ended: finished.ended,
        }
    }
}
