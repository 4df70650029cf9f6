//! Beam search: the continuations with the highest sum of log-probabilities are followed side by side.
//!
//! A continuation that ends takes its place in the beam with it (as in Marian), so a search never runs longer than its
//! longest hypothesis. What ended is compared by its sum over `length ^ length_penalty`. Nothing in here touches
//! llama.cpp: [`Beam::advance`] says which sequences of the cache become copies of which, [`crate::serve`] carries it out.

use crate::assemble::Assembler;
use crate::request::Finish;
use crate::sampler::{best, logprobs};

/// A beginning of the answer that is being followed, or an answer.
#[derive(Debug, Clone)]
pub(crate) struct Hypothesis {
    /// The sequence of the cache that holds it.
    pub(crate) slot: usize,
    /// Its last token, which the next step computes; `None` before the first.
    pub(crate) next: Option<i32>,
    pub(crate) text: Assembler,
    /// Tokens, the end not counted.
    pub(crate) tokens: usize,
    /// Sum of log-probabilities, that of the end included.
    sum: f64,
    /// Of the tokens alone.
    pub(crate) logprob_sum: f64,
    pub(crate) logprob_min: f32,
}

impl Hypothesis {
    fn score(&self, length_penalty: f32) -> f64 {
        self.sum / ((self.tokens + 1) as f64).powf(f64::from(length_penalty))
    }
}

/// Sequence `to` of the cache is to become a copy of `from`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// What the search asks of the model's vocabulary.
pub(crate) trait Words {
    fn ends(&self, token: i32) -> bool;
    fn piece(&self, token: i32) -> Vec<u8>;
}

/// One search.
#[derive(Debug)]
pub(crate) struct Beam {
    slots: Vec<usize>,
    length_penalty: f32,
    max_tokens: usize,
    live: Vec<Hypothesis>,
    done: Vec<(Hypothesis, Finish)>,
}

impl Beam {
    /// A search as wide as there are `slots`; the first of them holds the prompt.
    pub(crate) fn new(slots: Vec<usize>, text: Assembler, length_penalty: f32, max_tokens: usize) -> Self {
        let first = slots.first().map(|slot| Hypothesis {
            slot: *slot,
            next: None,
            text,
            tokens: 0,
            sum: 0.0,
            logprob_sum: 0.0,
            logprob_min: 0.0,
        });
        Self { slots, length_penalty, max_tokens, live: first.into_iter().collect(), done: Vec::new() }
    }

    /// What is followed now: the rows of [`Beam::advance`] belong to these, in order.
    pub(crate) fn live(&self) -> &[Hypothesis] {
        &self.live
    }

    /// Goes on from the logits after each live hypothesis. `None` if the model computed no usable number.
    pub(crate) fn advance(&mut self, rows: &[&[f32]], words: &impl Words) -> Option<Vec<Copy>> {
        let width = self.slots.len().saturating_sub(self.done.len());
        let mut candidates = Vec::with_capacity(rows.len() * width);
        for (parent, (hypothesis, row)) in self.live.iter().zip(rows).enumerate() {
            let ids = best(row, width);
            let found = logprobs(row, &ids);
            candidates.extend(
                ids.into_iter().zip(found).map(|(id, p)| (hypothesis.sum + f64::from(p), p, parent, id)),
            );
        }
        // Ties go to the better parent, then to the lower token: never to the order of a sort.
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)).then(a.3.cmp(&b.3)));
        candidates.truncate(width);
        if candidates.is_empty() {
            return None;
        }
        let parents = std::mem::take(&mut self.live);
        for (sum, p, parent, id) in candidates {
            let (Some(parent), Ok(token)) = (parents.get(parent), i32::try_from(id)) else { continue };
            self.follow(Hypothesis { sum, next: Some(token), ..parent.clone() }, token, p, words);
        }
        Some(self.assign())
    }

    fn follow(&mut self, mut hypothesis: Hypothesis, token: i32, p: f32, words: &impl Words) {
        if words.ends(token) {
            self.done.push((hypothesis, Finish::End));
            return;
        }
        hypothesis.tokens += 1;
        hypothesis.logprob_sum += f64::from(p);
        hypothesis.logprob_min = hypothesis.logprob_min.min(p);
        if hypothesis.text.push(&words.piece(token)).stopped {
            self.done.push((hypothesis, Finish::Stop));
        } else if hypothesis.tokens >= self.max_tokens {
            self.done.push((hypothesis, Finish::Length));
        } else {
            self.live.push(hypothesis);
        }
    }

    /// The first child of a hypothesis stays in its sequence, its other children get copies in sequences left over.
    fn assign(&mut self) -> Vec<Copy> {
        let mut taken: Vec<usize> = Vec::new();
        let mut moves: Vec<usize> = Vec::new();
        for (n, hypothesis) in self.live.iter().enumerate() {
            if taken.contains(&hypothesis.slot) {
                moves.push(n);
            } else {
                taken.push(hypothesis.slot);
            }
        }
        let mut free = self.slots.iter().copied().filter(|s| !taken.contains(s));
        let mut copies = Vec::new();
        for n in moves {
            // There are never more hypotheses than sequences.
            let (Some(hypothesis), Some(to)) = (self.live.get_mut(n), free.next()) else { continue };
            copies.push(Copy { from: hypothesis.slot, to });
            hypothesis.slot = to;
        }
        copies
    }

    /// The best answer, once nothing is followed any more, or now if it must end with `early`.
    pub(crate) fn best(&mut self, early: Option<Finish>) -> Option<(Hypothesis, Finish)> {
        if let Some(finish) = early {
            self.done.extend(self.live.drain(..).map(|h| (h, finish)));
        }
        let score = |h: &Hypothesis| h.score(self.length_penalty);
        let found = self
            .done
            .iter()
            .enumerate()
            .max_by(|a, b| score(&a.1.0).total_cmp(&score(&b.1.0)).then(b.0.cmp(&a.0)));
        found.map(|(at, _)| at).map(|at| self.done.swap_remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens: 0 ends, others are letters.
    struct Letters;

    impl Words for Letters {
        fn ends(&self, token: i32) -> bool {
            token == 0
        }
        fn piece(&self, token: i32) -> Vec<u8> {
            vec![b'a' + u8::try_from(token).unwrap() - 1]
        }
    }

    const RARE: f32 = -20.0;

    fn whole(text: &Assembler) -> String {
        let mut text = text.clone();
        text.finish();
        text.text
    }

    fn beam(width: usize, length_penalty: f32, stops: &[&str], max_tokens: usize) -> Beam {
        let stops: Vec<String> = stops.iter().map(|s| (*s).to_owned()).collect();
        Beam::new((3..3 + width).collect(), Assembler::new(&stops), length_penalty, max_tokens)
    }

    fn row(chances: &[f32]) -> Vec<f32> {
        chances.iter().map(|p| if *p == 0.0 { RARE } else { p.ln() }).collect()
    }

    /// Runs `model` (the tokens so far, as text, to the chances of the next) to the end.
    fn run(beam: &mut Beam, model: impl Fn(&str) -> Vec<f32>) -> (String, Finish, usize) {
        let mut steps = 0;
        while !beam.live().is_empty() {
            let rows: Vec<Vec<f32>> = beam.live().iter().map(|h| row(&model(&whole(&h.text)))).collect();
            let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            for copy in beam.advance(&rows, &Letters).unwrap() {
                assert!(beam.slots.contains(&copy.from) && copy.from != copy.to);
            }
            let mut held: Vec<usize> = beam.live().iter().map(|h| h.slot).collect();
            held.dedup();
            assert_eq!(held.len(), beam.live().len(), "two hypotheses in one sequence");
            steps += 1;
        }
        let (found, finish) = beam.best(None).unwrap();
        (whole(&found.text), finish, steps)
    }

    /// "a" looks best at first; what follows "b" is surer.
    fn garden_path(so_far: &str) -> Vec<f32> {
        match so_far {
            "" => vec![0.0, 0.55, 0.45],
            "a" => vec![0.0, 0.5, 0.5],
            "b" => vec![0.0, 0.95, 0.05],
            _ => vec![1.0, 0.0, 0.0],
        }
    }

    #[test]
    fn one_hypothesis_is_the_greedy_answer_and_two_find_the_better_one() {
        assert_eq!(run(&mut beam(1, 1.0, &[], 9), garden_path).0, "aa");
        assert_eq!(run(&mut beam(2, 1.0, &[], 9), garden_path).0, "ba");
    }

    #[test]
    fn a_length_penalty_prefers_longer_answers() {
        let model = |so_far: &str| match so_far {
            "" => vec![0.5, 0.5, 0.0],
            "aaa" => vec![1.0, 0.0, 0.0],
            _ => vec![0.0, 0.8, 0.0],
        };
        assert_eq!(run(&mut beam(2, 0.0, &[], 9), model).0, "");
        assert_eq!(run(&mut beam(2, 1.0, &[], 9), model).0, "aaa");
    }

    #[test]
    fn stop_strings_limits_and_ends_are_told_apart() {
        let endless = |_: &str| vec![0.0, 0.5, 0.5];
        assert_eq!(run(&mut beam(1, 1.0, &["aa"], 9), endless), (String::new(), Finish::Stop, 2));
        assert_eq!(run(&mut beam(1, 1.0, &[], 3), endless), ("aaa".into(), Finish::Length, 3));
        assert_eq!(run(&mut beam(1, 1.0, &[], 9), |_| vec![1.0, 0.0, 0.0]).1, Finish::End);
    }

    #[test]
    fn cut_short_it_gives_what_there_is() {
        let mut search = beam(2, 1.0, &[], 9);
        search.advance(&[&row(&[0.0, 0.6, 0.4])], &Letters).unwrap();
        let (found, finish) = search.best(Some(Finish::Cancelled)).unwrap();
        assert_eq!((whole(&found.text).as_str(), finish), ("a", Finish::Cancelled));
        assert!(search.live().is_empty());
    }

    #[test]
    fn a_model_of_no_numbers_is_noticed() {
        assert!(beam(2, 1.0, &[], 9).advance(&[&[f32::NAN, f32::NAN]], &Letters).is_none());
    }
}
