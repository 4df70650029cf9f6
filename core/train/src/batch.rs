//! Sentence pairs as tokens, shuffled and batched: all of it follows from the seed.

use cuba_nmt::vocab::Vocab;

use crate::network::Tokens;

/// A sentence and its translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// In the language that is read.
    pub source: String,
    /// In the language that is written.
    pub target: String,
}

/// A pair as token numbers, both sides closed by the end of sentence.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    pub(crate) source: Vec<u32>,
    pub(crate) target: Vec<u32>,
}

/// Longer sentences are left out: they cost memory with the square of their length and teach little more.
const LONGEST: usize = 120;

/// Tokens of the pairs that are short enough.
pub(crate) fn encode(vocab: &Vocab, pairs: &[Pair]) -> Vec<Example> {
    let closed = |text: &str| {
        let mut ids = vocab.ids(text);
        ids.push(vocab.eos());
        ids
    };
    pairs
        .iter()
        .map(|pair| Example { source: closed(&pair.source), target: closed(&pair.target) })
        .filter(|e| e.source.len() <= LONGEST && e.target.len() <= LONGEST)
        .collect()
}

/// Small, fast and the same everywhere (Steele, Lea and Flood 2014): randomness here decides an order, no secret.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Fisher and Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
    }
}

/// The batches of one pass: sentences of like length together, at most `tokens` target tokens (padding counted) each.
pub(crate) fn pass(examples: &[Example], tokens: usize, seed: u64, number: usize) -> Vec<Vec<usize>> {
    let mut random = SplitMix(seed ^ (number as u64).wrapping_mul(0x2545_F491_4F6C_DD1D));
    let mut order: Vec<usize> = (0..examples.len()).collect();
    random.shuffle(&mut order);
    let length = |&i: &usize| examples.get(i).map_or(0, |e| e.target.len().max(e.source.len()));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    // Sorted within stretches only: a pass over everything by length would be a curriculum nobody asked for.
    for stretch in order.chunks_mut(256) {
        stretch.sort_by_key(|i| (length(i), *i));
        let mut batch: Vec<usize> = Vec::new();
        for i in stretch.iter() {
            if !batch.is_empty() && (batch.len() + 1) * length(i) > tokens {
                batches.push(std::mem::take(&mut batch));
            }
            batch.push(*i);
        }
        batches.push(batch);
    }
    batches.retain(|b| !b.is_empty());
    random.shuffle(&mut batches);
    batches
}

/// A batch as rows padded to the longest.
pub(crate) fn rows(examples: &[Example], batch: &[usize]) -> Tokens {
    let chosen: Vec<&Example> = batch.iter().filter_map(|&i| examples.get(i)).collect();
    Tokens::new(chosen.iter().map(|e| (e.source.as_slice(), e.target.as_slice())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(lengths: &[usize]) -> Vec<Example> {
        lengths.iter().map(|&n| Example { source: vec![1; n], target: vec![1; n] }).collect()
    }

    #[test]
    fn a_pass_holds_every_sentence_once_and_follows_from_the_seed() {
        let examples = examples(&(0..700).map(|i| 1 + i * 7 % 60).collect::<Vec<_>>());
        let batches = pass(&examples, 200, 9, 0);
        let mut all: Vec<usize> = batches.concat();
        all.sort_unstable();
        assert_eq!(all, (0..700).collect::<Vec<_>>());
        assert_eq!(batches, pass(&examples, 200, 9, 0));
        assert_ne!(batches, pass(&examples, 200, 9, 1));
        assert_ne!(batches, pass(&examples, 200, 8, 0));
        for batch in &batches {
            let longest = batch.iter().map(|&i| examples[i].target.len()).max().unwrap();
            assert!(batch.len() == 1 || batch.len() * longest <= 200);
        }
    }
}
