//! Teaching: Adam over the decoder, resumable, cancelled between steps.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};
use cuba_nmt::vocab::Vocab;
use sha2::{Digest as _, Sha256};

use crate::batch::{self, Example};
use crate::{Network, Pair, TrainError};

/// Adam's constants (Kingma and Ba 2015), the second as transformers like it (Vaswani et al. 2017).
const BETA1: f64 = 0.9;
const BETA2: f64 = 0.98;
const TINY: f64 = 1e-9;
/// Gradients longer than this are shortened to it.
const CLIP: f64 = 1.0;
const WARM_UP: usize = 20;
/// Steps between two checkpoints: under a minute of a phone's work.
const CHECKPOINT: usize = 50;

/// How a pack is taught. The defaults were found on a domain that no shipped pack was trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Times every pair is seen.
    pub passes: usize,
    /// Largest step of a weight, reached after a short warm-up and falling to nothing at the end.
    pub rate: f64,
    /// Target tokens of a batch, padding counted: decides the memory of a step.
    pub batch_tokens: usize,
    /// Share of the loss that is spread over all words.
    pub smoothing: f64,
    /// Decides the order of the pairs.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { passes: 4, rate: 3e-4, batch_tokens: 256, smoothing: 0.1, seed: 1 }
    }
}

/// Told after every step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps done, earlier runs counted.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// Cross entropy per token of the last batch, nats.
    pub loss: f64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// All passes are done.
    Finished,
    /// It was asked to stop; the checkpoint holds what was learnt, and the same call goes on from there.
    Cancelled,
}

/// Teaches `network` the pairs.
///
/// `state` is the checkpoint: replaced atomically as it goes, taken up where it belongs to the same model, pairs and
/// settings, and removed at the end. `watch` is told after every step and stops the run by returning false.
///
/// # Errors
/// Files that cannot be written; pairs of which none is usable.
pub fn learn(
    network: &mut Network,
    vocab: &Vocab,
    pairs: &[Pair],
    settings: &Settings,
    state: &Path,
    watch: &mut dyn FnMut(Progress) -> bool,
) -> Result<Learned, TrainError> {
    let examples = batch::encode(vocab, pairs);
    if examples.is_empty() {
        return Err(TrainError::TooFew { found: 0, needed: 1 });
    }
    let passes: Vec<Vec<Vec<usize>>> = (0..settings.passes)
        .map(|n| batch::pass(&examples, settings.batch_tokens, settings.seed, n))
        .collect();
    let total = passes.iter().map(Vec::len).sum();
    let mark = fingerprint(network, &examples, settings)?;
    let mut optimiser = Optimiser::new(network)?;
    let mut done = optimiser.load(network, state, &mark).unwrap_or(0);
    for chosen in passes.iter().flatten().skip(done) {
        let loss = network.loss(&batch::rows(&examples, chosen), settings.smoothing)?;
        optimiser.step(network, &loss, settings.rate * share(done, total))?;
        done += 1;
        let loss = f64::from(loss.to_scalar::<f32>()?);
        let go_on = watch(Progress { done, total, loss });
        if !go_on || done % CHECKPOINT == 0 {
            optimiser.save(network, state, &mark, done)?;
        }
        if !go_on && done < total {
            return Ok(Learned::Cancelled);
        }
    }
    match std::fs::remove_file(state) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(Learned::Finished),
    }
}

/// Warm-up, then a straight line to nothing.
fn share(step: usize, total: usize) -> f64 {
    let warm = (step + 1) as f64 / WARM_UP.min(total.max(2) / 2) as f64;
    warm.min(1.0) * (total - step) as f64 / total as f64
}

/// What a checkpoint belongs to: the model as it was, the examples, the settings.
fn fingerprint(network: &Network, examples: &[Example], settings: &Settings) -> Result<String, TrainError> {
    let mut hash = Sha256::new();
    hash.update(format!("{settings:?} {:?}", network.shape));
    for (name, var) in &network.learned {
        hash.update(name);
        for value in var.as_tensor().flatten_all()?.to_vec1::<f32>()? {
            hash.update(value.to_le_bytes());
        }
    }
    for example in examples {
        for id in example.source.iter().chain(&example.target) {
            hash.update(id.to_le_bytes());
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    let (half, _) = digest.split_first_chunk::<16>().expect("32 bytes hold 16");
    Ok(format!("{:032x}", u128::from_be_bytes(*half)))
}

struct Optimiser {
    first: BTreeMap<String, Tensor>,
    second: BTreeMap<String, Tensor>,
    steps: i32,
}

impl Optimiser {
    fn new(network: &Network) -> Result<Self, TrainError> {
        let zeros = || -> candle_core::Result<BTreeMap<String, Tensor>> {
            network.learned.iter().map(|(n, v)| Ok((n.clone(), v.as_tensor().zeros_like()?))).collect()
        };
        Ok(Self { first: zeros()?, second: zeros()?, steps: 0 })
    }

    fn step(&mut self, network: &Network, loss: &Tensor, rate: f64) -> Result<(), TrainError> {
        let gradients = loss.backward()?;
        let mut length = 0.0;
        for var in network.learned.values() {
            if let Some(g) = gradients.get(var.as_tensor()) {
                length += f64::from(g.sqr()?.sum_all()?.to_scalar::<f32>()?);
            }
        }
        let scale = (CLIP / (length.sqrt() + TINY)).min(1.0);
        self.steps += 1;
        let (unbias1, unbias2) = (1.0 - BETA1.powi(self.steps), 1.0 - BETA2.powi(self.steps));
        for (name, var) in &network.learned {
            let Some(gradient) = gradients.get(var.as_tensor()) else { continue };
            // Detached, or every step would keep the one before alive.
            let gradient = (gradient.detach() * scale)?;
            let (Some(first), Some(second)) = (self.first.get_mut(name), self.second.get_mut(name)) else {
                continue;
            };
            *first = ((&*first * BETA1)? + (&gradient * (1.0 - BETA1))?)?;
            *second = ((&*second * BETA2)? + (gradient.sqr()? * (1.0 - BETA2))?)?;
            let deep = ((&*second / unbias2)?.sqrt()? + TINY)?;
            let change = ((&*first * (rate / unbias1))? / deep)?;
            var.set(&(var.as_tensor().detach() - change)?)?;
        }
        Ok(())
    }

    fn save(&self, network: &Network, path: &Path, mark: &str, done: usize) -> Result<(), TrainError> {
        let mut tensors: Vec<(String, Tensor)> = Vec::new();
        for (name, var) in &network.learned {
            tensors.push((format!("weight/{name}"), var.as_tensor().clone()));
        }
        tensors.extend(self.first.iter().map(|(n, t)| (format!("first/{n}"), t.clone())));
        tensors.extend(self.second.iter().map(|(n, t)| (format!("second/{n}"), t.clone())));
        let about =
            HashMap::from([("mark".to_owned(), mark.to_owned()), ("done".to_owned(), done.to_string())]);
        let bytes = safetensors::serialize(tensors, Some(about)).map_err(candle_core::Error::from)?;
        // Written beside and renamed: a kill leaves the old checkpoint or the new one.
        let partial = path.with_extension("partial");
        std::fs::write(&partial, bytes)?;
        std::fs::File::open(&partial)?.sync_all()?;
        Ok(std::fs::rename(&partial, path)?)
    }

    /// Takes up a checkpoint of the same training; any other, or a broken one, is as good as none.
    fn load(&mut self, network: &Network, path: &Path, mark: &str) -> Option<usize> {
        let bytes = std::fs::read(path).ok()?;
        let (_, about) = safetensors::SafeTensors::read_metadata(&bytes).ok()?;
        let about = about.metadata().as_ref()?.clone();
        if about.get("mark")? != mark {
            return None;
        }
        let done: usize = about.get("done")?.parse().ok()?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).ok()?;
        for (name, var) in &network.learned {
            let of = |kind: &str| {
                tensors.get(&format!("{kind}/{name}")).filter(|t| t.shape() == var.as_tensor().shape())
            };
            let (weight, first, second) = (of("weight")?, of("first")?, of("second")?);
            var.set(weight).ok()?;
            self.first.insert(name.clone(), first.clone());
            self.second.insert(name.clone(), second.clone());
        }
        self.steps = i32::try_from(done).ok()?;
        Some(done)
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn the_rate_rises_and_falls() {
        assert!(share(0, 1000) < share(10, 1000) && share(10, 1000) < share(20, 1000));
        assert!(share(500, 1000) < 0.51 && share(999, 1000) < 0.002);
        assert!((0..3).all(|s| share(s, 3).is_finite()));
    }
}
