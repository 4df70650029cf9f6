//! Choosing the next token from logits.
//!
//! Own code instead of llama.cpp's samplers: those draw with the C++ library's distributions, which differ between
//! platforms, and they copy the whole vocabulary for every token even when greedy.

use crate::LlmError;
use crate::request::Sampling;

/// Refuses settings that have no meaning.
pub(crate) fn check(sampling: Sampling) -> Result<(), LlmError> {
    let (temperature, top_p, min_p) = match sampling {
        Sampling::Greedy => return Ok(()),
        Sampling::Beam { width, length_penalty } => {
            let fine = (1..=Sampling::MAX_BEAM).contains(&width) && (0.0..=10.0).contains(&length_penalty);
            let why = || format!("a beam of {width} with length penalty {length_penalty} (1 to 16, 0 to 10)");
            return if fine { Ok(()) } else { Err(LlmError::Request(why())) };
        }
        Sampling::Random { temperature, top_p, min_p, .. } => (temperature, top_p, min_p),
    };
    let fine = temperature.is_finite()
        && (0.0..=100.0).contains(&temperature)
        && (0.0..=1.0).contains(&min_p)
        && top_p > 0.0
        && top_p <= 1.0;
    if fine {
        return Ok(());
    }
    Err(LlmError::Request(format!(
        "sampling settings out of range: temperature {temperature} (0 to 100), top_p {top_p} (above 0, to 1), min_p \
         {min_p} (0 to 1)"
    )))
}

/// Chooses tokens for one request.
#[derive(Debug)]
pub(crate) struct Sampler {
    sampling: Sampling,
    random: SplitMix64,
}

impl Sampler {
    pub(crate) fn new(sampling: Sampling) -> Self {
        let seed = match sampling {
            Sampling::Random { seed, .. } => seed,
            Sampling::Greedy | Sampling::Beam { .. } => 0,
        };
        Self { sampling, random: SplitMix64(seed) }
    }

    /// The next token among `logits` (index = token id); `None` if no logit is a number above minus infinity.
    pub(crate) fn choose(&mut self, logits: &[f32]) -> Option<usize> {
        match self.sampling {
            Sampling::Random { temperature, top_k, top_p, min_p, .. } if temperature > 0.0 => {
                self.random(logits, temperature, top_k, top_p, min_p)
            }
            _ => argmax(logits),
        }
    }

    fn random(
        &mut self,
        logits: &[f32],
        temperature: f32,
        top_k: usize,
        top_p: f32,
        min_p: f32,
    ) -> Option<usize> {
        let max = logits.get(argmax(logits)?).copied()?;
        // Below this a token's probability is under 1e-9 of the best; with min_p the border is tighter still.
        let border = max - temperature * if min_p > 0.0 { (-min_p.ln()).min(20.0) } else { 20.0 };
        let mut kept: Vec<(usize, f32)> =
            logits.iter().copied().enumerate().filter(|(_, l)| *l >= border).collect();
        // Descending by logit; ids break ties, so that the order never depends on the sort.
        let order = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if top_k > 0 && top_k < kept.len() {
            kept.select_nth_unstable_by(top_k - 1, order);
            kept.truncate(top_k);
        }
        kept.sort_unstable_by(order);
        let weights: Vec<f64> = kept.iter().map(|(_, l)| f64::from((l - max) / temperature).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut nucleus = 0.0;
        let mut count = 0;
        for w in &weights {
            nucleus += w;
            count += 1;
            if nucleus >= f64::from(top_p) * total {
                break;
            }
        }
        let mut draw = self.random.unit() * nucleus;
        for ((id, _), w) in kept.iter().zip(&weights).take(count) {
            draw -= w;
            if draw < 0.0 {
                return Some(*id);
            }
        }
        kept.get(count.checked_sub(1)?).map(|(id, _)| *id)
    }
}

/// The largest logit; the lowest id on a tie; NaN never wins.
pub(crate) fn argmax(logits: &[f32]) -> Option<usize> {
    // Two passes: the maximum vectorises, the search for it is a plain scan.
    let max = logits.chunks(16).map(|c| c.iter().fold(f32::NEG_INFINITY, |m, l| if *l > m { *l } else { m }));
    let max = max.fold(f32::NEG_INFINITY, f32::max);
    if max == f32::NEG_INFINITY {
        return None;
    }
    logits.iter().position(|l| *l >= max)
}

/// The `count` largest logits, largest first; the lower id first on a tie; NaN and minus infinity never among them.
pub(crate) fn best(logits: &[f32], count: usize) -> Vec<usize> {
    let mut found: Vec<(f32, usize)> = Vec::with_capacity(count + 1);
    let mut border = f32::NEG_INFINITY;
    for (chunk, first) in logits.chunks(16).zip((0..).step_by(16)) {
        // Most chunks hold nothing of interest, and this fold vectorises.
        if chunk.iter().fold(f32::NEG_INFINITY, |m, l| if *l > m { *l } else { m }) <= border {
            continue;
        }
        for (logit, id) in chunk.iter().copied().zip(first..) {
            if logit > border {
                let at = found.partition_point(|f| f.0 >= logit);
                found.insert(at, (logit, id));
                found.truncate(count);
                if found.len() == count {
                    border = found.last().map_or(border, |f| f.0);
                }
            }
        }
    }
    found.into_iter().map(|f| f.1).collect()
}

/// Natural-log probability of token `id` under the softmax of `logits`, at temperature 1.
pub(crate) fn logprob(logits: &[f32], id: usize) -> f32 {
    logprobs(logits, &[id]).first().copied().unwrap_or(f32::NEG_INFINITY)
}

/// The same of several tokens.
pub(crate) fn logprobs(logits: &[f32], ids: &[usize]) -> Vec<f32> {
    let max = logits.iter().fold(f32::NEG_INFINITY, |m, l| if *l > m { *l } else { m });
    // Tokens 25 below the best add less than 1e-5 even if all 262,144 of them stand there; most chunks are skipped.
    let mut sum = 0.0f64;
    for chunk in logits.chunks(16) {
        let best = chunk.iter().fold(f32::NEG_INFINITY, |m, l| if *l > m { *l } else { m });
        if best > max - 25.0 {
            sum += chunk.iter().map(|l| f64::from((l - max).exp())).sum::<f64>();
        }
    }
    let total = sum.ln() as f32;
    ids.iter().map(|id| logits.get(*id).map_or(f32::NEG_INFINITY, |own| own - max - total)).collect()
}

/// Vigna's `SplitMix64`: small, seedable with any number, equal everywhere.
#[derive(Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(temperature: f32, top_k: usize, top_p: f32, min_p: f32, seed: u64) -> Sampler {
        Sampler::new(Sampling::Random { temperature, top_k, top_p, min_p, seed })
    }

    #[test]
    fn greedy_ties_and_bad_numbers() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0, f32::NAN]), Some(1));
        assert_eq!(argmax(&[f32::NAN, f32::NEG_INFINITY]), None);
        assert_eq!(argmax(&[]), None);
    }

    #[test]
    fn the_best_come_in_order_and_ties_go_to_the_lower_id() {
        let mut logits = vec![0.0f32; 40];
        (logits[7], logits[20], logits[33], logits[39]) = (2.0, 5.0, 2.0, f32::NAN);
        assert_eq!(best(&logits, 3), [20, 7, 33]);
        assert_eq!(best(&logits, 4), [20, 7, 33, 0]);
        assert_eq!(best(&[f32::NAN, f32::NEG_INFINITY, 1.0], 3), [2]);
        assert_eq!(best(&logits, 1), [argmax(&logits).unwrap()]);
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        let logits = [0.0f32, 1.0, 2.0];
        let mut s = random(1.0, 0, 1.0, 0.0, 7);
        let mut counts = [0u32; 3];
        for _ in 0..30_000 {
            counts[s.choose(&logits).unwrap()] += 1;
        }
        for (id, want) in [0.090, 0.245, 0.665].iter().enumerate() {
            let got = f64::from(counts[id]) / 30_000.0;
            assert!((got - want).abs() < 0.01, "{id}: {got} for {want}");
        }
    }

    #[test]
    fn filters_keep_what_they_say() {
        let logits = [0.0f32, 1.0, 2.0, 3.0, -50.0];
        let seen = |mut s: Sampler| {
            (0..2000).map(|_| s.choose(&logits).unwrap()).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(seen(random(1.0, 2, 1.0, 0.0, 1)), [2, 3].into());
        assert_eq!(seen(random(1.0, 0, 0.6, 0.0, 1)), [3].into());
        assert_eq!(seen(random(1.0, 0, 1.0, 0.3, 1)), [2, 3].into());
        assert_eq!(seen(random(1.0, 0, 1.0, 0.0, 1)), [0, 1, 2, 3].into());
        assert_eq!(seen(random(0.0, 0, 1.0, 0.0, 1)), [3].into());
    }

    #[test]
    fn the_same_seed_gives_the_same_tokens() {
        let logits: Vec<f32> = (0..1000).map(|i| ((i * 37) % 100) as f32 / 20.0).collect();
        let draw = |seed| {
            let mut s = random(0.8, 40, 0.95, 0.05, seed);
            (0..50).map(|_| s.choose(&logits).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
        // Fixed for all platforms: a change here changes every sampled text.
        assert_eq!(draw(3)[..4], [327, 581, 281, 227]);
    }

    #[test]
    fn logprobs_sum_to_one() {
        let logits = [0.5f32, -1.0, 4.0, 2.0, -30.0];
        let sum: f32 = (0..5).map(|i| logprob(&logits, i).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }

    #[test]
    fn nonsense_settings_are_refused() {
        for s in [
            Sampling::Beam { width: 0, length_penalty: 1.0 },
            Sampling::Beam { width: 4, length_penalty: f32::NAN },
            Sampling::Random { temperature: f32::NAN, top_k: 0, top_p: 1.0, min_p: 0.0, seed: 0 },
            Sampling::Random { temperature: 1.0, top_k: 0, top_p: 0.0, min_p: 0.0, seed: 0 },
            Sampling::Random { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: -1.0, seed: 0 },
        ] {
            assert!(check(s).is_err());
        }
        assert!(check(Sampling::chat(1)).is_ok());
    }
}
