//! The network in candle: a frozen encoder, frozen embeddings, and a decoder that learns.
//!
//! The same arithmetic as `cuba-nmt` in floats: a post-norm transformer encoder, an SSRU decoder (Kim et al. 2019), all
//! embeddings tied; positions are Marian's sinusoids.

use std::collections::BTreeMap;

use candle_core::{D, DType, Device, Result, Tensor, Var};
use cuba_nmt::format::{Container, DType as Stored, Student};

use crate::TrainError;

const EPSILON: f64 = 1e-6;
const SHUT: f32 = -1e9;

/// A batch of tokens: rows padded to the longest.
#[derive(Debug, Clone)]
pub struct Tokens {
    rows: usize,
    source_width: usize,
    target_width: usize,
    source: Vec<u32>,
    /// 0 where a source token is, [`SHUT`] where padding is.
    source_mask: Vec<f32>,
    /// The words before: shifted by one, the first of each row unused.
    before: Vec<u32>,
    target: Vec<u32>,
    /// 1 where a target token is to be predicted.
    live: Vec<f32>,
}

impl Tokens {
    /// From pairs of token rows, each closed by the end of sentence.
    pub fn new<'a>(pairs: impl ExactSizeIterator<Item = (&'a [u32], &'a [u32])> + Clone) -> Self {
        let rows = pairs.len();
        let source_width = pairs.clone().map(|p| p.0.len()).max().unwrap_or(0).max(1);
        let target_width = pairs.clone().map(|p| p.1.len()).max().unwrap_or(0).max(1);
        let mut tokens = Self {
            rows,
            source_width,
            target_width,
            source: Vec::with_capacity(rows * source_width),
            source_mask: Vec::with_capacity(rows * source_width),
            before: Vec::with_capacity(rows * target_width),
            target: Vec::with_capacity(rows * target_width),
            live: Vec::with_capacity(rows * target_width),
        };
        for (source, target) in pairs {
            let padded = |ids: &[u32], width: usize| {
                ids.iter().copied().chain(std::iter::repeat(0)).take(width).collect::<Vec<_>>()
            };
            let ones = |n: usize, width: usize, on: f32, off: f32| {
                (0..width).map(move |i| if i < n { on } else { off })
            };
            tokens.source.extend(padded(source, source_width));
            tokens.source_mask.extend(ones(source.len(), source_width, 0.0, SHUT));
            tokens.target.extend(padded(target, target_width));
            tokens.live.extend(ones(target.len(), target_width, 1.0, 0.0));
            tokens.before.push(0);
            tokens.before.extend(padded(target, target_width).into_iter().take(target_width - 1));
        }
        tokens
    }

    /// Target tokens that are predicted.
    pub fn count(&self) -> usize {
        self.live.iter().filter(|l| **l > 0.0).count()
    }
}

/// A student model whose decoder can learn.
#[derive(Debug)]
pub struct Network {
    pub(crate) shape: Student,
    frozen: BTreeMap<String, Tensor>,
    pub(crate) learned: BTreeMap<String, Var>,
}

impl Network {
    /// The network of a model file.
    ///
    /// # Errors
    /// [`TrainError::Architecture`] where the model is no student.
    pub fn of(container: &Container, file: &str) -> std::result::Result<Self, TrainError> {
        let shape = container.student(file)?.ok_or(TrainError::Architecture)?;
        let (mut frozen, mut learned) = (BTreeMap::new(), BTreeMap::new());
        for item in container.items() {
            let is_weight = matches!(item.dtype, Stored::Float32 | Stored::Intgemm8)
                && !item.name.ends_with("_QuantMultA");
            let Some(values) = is_weight.then(|| container.values(&item.name)).flatten() else { continue };
            let [rows, columns] = item.shape.as_slice() else { continue };
            let tensor = if item.dtype == Stored::Intgemm8 && item.name != "Wemb" {
                Tensor::from_vec(values, (*columns, *rows), &Device::Cpu)?.t()?.contiguous()?
            } else {
                Tensor::from_vec(values, (*rows, *columns), &Device::Cpu)?
            };
            if item.name.starts_with("decoder_") {
                learned.insert(item.name.clone(), Var::from_tensor(&tensor)?);
            } else {
                frozen.insert(item.name.clone(), tensor);
            }
        }
        Ok(Self { shape, frozen, learned })
    }

    fn weight(&self, name: &str) -> Result<&Tensor> {
        self.learned
            .get(name)
            .map(Var::as_tensor)
            .or_else(|| self.frozen.get(name))
            .ok_or_else(|| candle_core::Error::Msg(format!("the model has no {name}")))
    }

    /// `x W`, with `b` added where there is one; `x` is `[rows, width, k]`.
    fn linear(&self, x: &Tensor, w: &str, b: Option<&str>) -> Result<Tensor> {
        let (rows, width, k) = x.dims3()?;
        let y = x.reshape((rows * width, k))?.matmul(self.weight(w)?)?;
        let y = match b {
            Some(b) => y.broadcast_add(self.weight(b)?)?,
            None => y,
        };
        let n = y.dim(1)?;
        y.reshape((rows, width, n))
    }

    fn norm(&self, x: &Tensor, base: &str) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let unit = centred.broadcast_div(&(variance + EPSILON)?.sqrt()?)?;
        unit.broadcast_mul(self.weight(&format!("{base}_ln_scale"))?)?
            .broadcast_add(self.weight(&format!("{base}_ln_bias"))?)
    }

    fn embed(&self, ids: &[u32], rows: usize, width: usize) -> Result<Tensor> {
        let ids = Tensor::from_slice(ids, rows * width, &Device::Cpu)?;
        let table = self.weight("Wemb")?;
        let picked = table.index_select(&ids, 0)?.reshape((rows, width, self.shape.dim))?;
        picked * (self.shape.dim as f64).sqrt()
    }

    fn positions(&self, width: usize) -> Result<Tensor> {
        let half = self.shape.dim / 2;
        let rate = |i: usize| (-(i as f64) * 10_000f64.ln() / (half as f64 - 1.0)).exp();
        let mut table = Vec::with_capacity(width * self.shape.dim);
        for at in 0..width {
            table.extend((0..half).map(|i| (at as f64 * rate(i)).sin() as f32));
            table.extend((0..half).map(|i| (at as f64 * rate(i)).cos() as f32));
        }
        Tensor::from_vec(table, (1, width, self.shape.dim), &Device::Cpu)
    }

    /// Attention of `x` to `context`, `mask` `[rows, 1, 1, context]` added to the scores; then residual and norm.
    fn attend(&self, base: &str, x: &Tensor, context: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let (heads, width) = (self.shape.heads, self.shape.dim / self.shape.heads);
        let split = |y: Tensor| -> Result<Tensor> {
            let (rows, length, _) = y.dims3()?;
            y.reshape((rows, length, heads, width))?.transpose(1, 2)?.contiguous()
        };
        let part = |y: &Tensor, x: char| {
            split(self.linear(y, &format!("{base}_W{x}"), Some(&format!("{base}_b{x}")))?)
        };
        let (q, k, v) = (part(x, 'q')?, part(context, 'k')?, part(context, 'v')?);
        let scores = (q.matmul(&k.t()?.contiguous()?)? * (width as f64).powf(-0.5))?.broadcast_add(mask)?;
        let mixed = softmax(&scores)?.matmul(&v)?.transpose(1, 2)?.contiguous()?;
        let (rows, length, _) = x.dims3()?;
        let mixed = mixed.reshape((rows, length, self.shape.dim))?;
        let y = self.linear(&mixed, &format!("{base}_Wo"), Some(&format!("{base}_bo")))?;
        self.norm(&(x + y)?, &format!("{base}_Wo"))
    }

    fn feed_forward(&self, base: &str, x: &Tensor) -> Result<Tensor> {
        let inner = self.linear(x, &format!("{base}_W1"), Some(&format!("{base}_b1")))?.relu()?;
        let y = self.linear(&inner, &format!("{base}_W2"), Some(&format!("{base}_b2")))?;
        self.norm(&(x + y)?, &format!("{base}_ffn"))
    }

    /// c = sigmoid(f) * c before + (1 - sigmoid(f)) * x W, and its `ReLU`; then residual and norm.
    fn recur(&self, base: &str, x: &Tensor) -> Result<Tensor> {
        let gate = self.linear(x, &format!("{base}_Wf"), Some(&format!("{base}_bf")))?;
        let gate = (gate.neg()?.exp()? + 1.0)?.recip()?;
        let fresh = ((1.0 - &gate)? * self.linear(x, &format!("{base}_W"), None)?)?;
        let mut cells: Vec<Tensor> = Vec::with_capacity(x.dim(1)?);
        for t in 0..x.dim(1)? {
            let new = fresh.narrow(1, t, 1)?;
            let cell = match cells.last() {
                Some(cell) => ((gate.narrow(1, t, 1)? * cell)? + new)?,
                None => new,
            };
            cells.push(cell);
        }
        let y = Tensor::cat(&cells, 1)?.relu()?;
        self.norm(&(x + y)?, &format!("{base}_ffn"))
    }

    /// The encoder's output `[rows, width, dim]`: nothing in it learns.
    fn encode(&self, tokens: &Tokens, mask: &Tensor) -> Result<Tensor> {
        let embedded = self.embed(&tokens.source, tokens.rows, tokens.source_width)?;
        let mut x = embedded.broadcast_add(&self.positions(tokens.source_width)?)?;
        for layer in 1..=self.shape.encoder_layers {
            x = self.attend(&format!("encoder_l{layer}_self"), &x, &x, mask)?;
            x = self.feed_forward(&format!("encoder_l{layer}_ffn"), &x)?;
        }
        Ok(x)
    }

    /// Cross entropy per target token (nats), with a share `smoothing` spread over all words.
    pub fn loss(&self, tokens: &Tokens, smoothing: f64) -> Result<Tensor> {
        let Tokens { rows, source_width, target_width: width, .. } = *tokens;
        let mask = Tensor::from_slice(&tokens.source_mask, (rows, 1, 1, source_width), &Device::Cpu)?;
        let context = self.encode(tokens, &mask)?;
        // The first word of a sentence has none before it: its embedding is nothing but the position.
        let starts: Vec<f32> = (0..width).map(|t| if t == 0 { 0.0 } else { 1.0 }).collect();
        let starts = Tensor::from_vec(starts, (1, width, 1), &Device::Cpu)?;
        let mut y = self.embed(&tokens.before, rows, width)?.broadcast_mul(&starts)?;
        y = y.broadcast_add(&self.positions(width)?)?;
        for layer in 1..=self.shape.decoder_layers {
            y = self.recur(&format!("decoder_l{layer}_rnn"), &y)?;
            y = self.attend(&format!("decoder_l{layer}_context"), &y, &context, &mask)?;
            y = self.feed_forward(&format!("decoder_l{layer}_ffn"), &y)?;
        }
        let tops = y.reshape((rows * width, self.shape.dim))?;
        let logits = tops.matmul(&self.weight("Wemb")?.t()?)?;
        let logits = logits.broadcast_add(self.weight("decoder_ff_logit_out_b")?)?;
        let normaliser = log_sum_exp(&logits)?;
        let target = Tensor::from_slice(&tokens.target, (rows * width, 1), &Device::Cpu)?;
        let likely = (&normaliser - logits.gather(&target, 1)?.squeeze(1)?)?;
        let spread = (&normaliser - logits.mean(1)?)?;
        let live = Tensor::from_slice(&tokens.live, rows * width, &Device::Cpu)?;
        let each = ((likely * (1.0 - smoothing))? + (spread * smoothing)?)?;
        (each * live)?.sum_all()? / tokens.count().max(1) as f64
    }
}

impl Network {
    /// The derivative of a loss by every weight that learns, row by row.
    pub fn gradients(&self, loss: &Tensor) -> Result<BTreeMap<String, Vec<f32>>> {
        let gradients = loss.backward()?;
        let of = |var: &Var| match gradients.get(var.as_tensor()) {
            Some(g) => g.flatten_all()?.to_vec1(),
            None => Ok(vec![0.0; var.as_tensor().elem_count()]),
        };
        self.learned.iter().map(|(name, var)| Ok((name.clone(), of(var)?))).collect()
    }
}

fn softmax(x: &Tensor) -> Result<Tensor> {
    // The largest is taken off for the range of the exponential alone; no derivative goes that way.
    let e = x.broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?.exp()?;
    e.broadcast_div(&e.sum_keepdim(D::Minus1)?)
}

fn log_sum_exp(x: &Tensor) -> Result<Tensor> {
    let top = x.max_keepdim(D::Minus1)?.detach();
    let sum = x.broadcast_sub(&top)?.exp()?.sum_keepdim(D::Minus1)?;
    (sum.log()? + top)?.squeeze(D::Minus1)?.to_dtype(DType::F32)
}
