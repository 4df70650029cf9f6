//! The tensors of a container as the layers they form, each checked once when the model is opened.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::error::{Fault, damaged, unsupported};
use crate::format::bytes::{Bytes, floats};
use crate::format::config::{Activation, Autoregression, Config, Ffn, Step};
use crate::format::{Container, DType};
use crate::kernel::{Activation as Fused, Affine, Int8Matrix, Kernels, LogitSink, Quantised, Rows, Survey};

/// Floats that stay in the file where their place allows it.
#[derive(Debug)]
pub(crate) enum Floats {
    Mapped(Arc<Bytes>, Range<usize>),
    Owned(Vec<f32>),
}

impl Floats {
    fn new(container: &Container, item: &crate::format::Item) -> Self {
        let len = item.elements() * 4;
        let here = container.data(item).get(..len).unwrap_or_default();
        // The file is little-endian; where the CPU is too and the place is aligned, nothing needs a copy.
        if cfg!(target_endian = "little") && bytemuck::try_cast_slice::<u8, f32>(here).is_ok() {
            Self::Mapped(container.shared(), item.place(len))
        } else {
            Self::Owned(floats(here).collect())
        }
    }

    pub(crate) fn as_slice(&self) -> &[f32] {
        match self {
            Self::Mapped(bytes, range) => {
                let raw = bytes.as_slice().get(range.clone()).expect("checked when the file was read");
                bytemuck::try_cast_slice(raw).expect("checked when the model was opened")
            }
            Self::Owned(values) => values,
        }
    }
}

/// int8 rows that stay in the file: `[n, k]`.
#[derive(Debug)]
pub(crate) struct Int8 {
    bytes: Arc<Bytes>,
    range: Range<usize>,
    n: usize,
    k: usize,
    /// Made at the first product, so that opening a model reads no weights.
    survey: OnceLock<Survey>,
}

impl Int8 {
    fn new(bytes: Arc<Bytes>, range: Range<usize>, n: usize, k: usize) -> Self {
        Self { bytes, range, n, k, survey: OnceLock::new() }
    }

    /// For single rows.
    fn rows(&self) -> Int8Matrix<'_> {
        let raw = self.bytes.as_slice().get(self.range.clone()).expect("checked when the file was read");
        Int8Matrix::new(bytemuck::cast_slice(raw), self.n, self.k).expect("checked when the model was opened")
    }

    /// For products.
    fn view(&self, kernels: Kernels) -> Int8Matrix<'_> {
        let rows = self.rows();
        rows.with_survey(self.survey.get_or_init(|| kernels.survey(rows)))
    }
}

#[derive(Debug)]
enum Matrix {
    /// `[n, k]`, with the multiplier of the activations and the factor back to floats.
    Int8 { weights: Int8, multiplier: f32, unquant: f32 },
    /// `[k, n]`.
    Float(Floats),
}

/// `y = x . W + b`.
#[derive(Debug)]
pub(crate) struct Linear {
    matrix: Matrix,
    bias: Option<Vec<f32>>,
    k: usize,
    n: usize,
}

impl Linear {
    /// Outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.n
    }

    /// `y[m, n]` from `x[m, k]`; `relu` is applied on the way out.
    pub(crate) fn apply(
        &self,
        kernels: Kernels,
        x: &[f32],
        relu: bool,
        scratch: &mut Quantised,
        y: &mut [f32],
    ) {
        match &self.matrix {
            Matrix::Int8 { weights, multiplier, unquant } => {
                kernels.quantise(x, self.k, *multiplier, scratch);
                let activation = if relu { Fused::Relu } else { Fused::None };
                let affine = Affine { unquant: *unquant, bias: self.bias.as_deref(), activation };
                kernels.linear(scratch, weights.view(kernels), affine, y);
            }
            Matrix::Float(weights) => {
                kernels.matmul_nn(x, weights.as_slice(), self.k, self.n, self.bias.as_deref(), y);
                if relu {
                    kernels.relu(y);
                }
            }
        }
    }
}

/// Scale and shift of a layer normalisation.
#[derive(Debug)]
pub(crate) struct Norm {
    gamma: Vec<f32>,
    beta: Option<Vec<f32>>,
}

/// Marian's epsilon (`src/layers/generic.h`).
const EPSILON: f32 = 1e-6;

impl Norm {
    pub(crate) fn apply(&self, kernels: Kernels, x: &mut [f32]) {
        kernels.layer_norm(x, &self.gamma, self.beta.as_deref(), EPSILON);
    }
}

/// What stands around a block: normalisation before, and residual and normalisation behind.
#[derive(Debug)]
pub(crate) struct Wrap {
    pre: Option<Norm>,
    post: Vec<Post>,
}

#[derive(Debug)]
enum Post {
    Add,
    Norm(Norm),
}

impl Wrap {
    /// The input of the block: `x`, or its normalised copy in `scratch`.
    pub(crate) fn enter<'a>(&self, kernels: Kernels, x: &'a [f32], scratch: &'a mut Vec<f32>) -> &'a [f32] {
        let Some(norm) = &self.pre else { return x };
        scratch.clear();
        scratch.extend_from_slice(x);
        norm.apply(kernels, scratch);
        scratch
    }

    /// The output of the block, in place; `input` is what the block was given.
    pub(crate) fn leave(&self, kernels: Kernels, output: &mut [f32], input: &[f32]) {
        if let [Post::Add, Post::Norm(norm)] = self.post.as_slice() {
            kernels.add_layer_norm(output, input, &norm.gamma, norm.beta.as_deref(), EPSILON);
            return;
        }
        for step in &self.post {
            match step {
                Post::Add => kernels.add(output, input),
                Post::Norm(norm) => norm.apply(kernels, output),
            }
        }
    }
}

/// One attention block: projections and what stands around them.
#[derive(Debug)]
pub(crate) struct Attention {
    pub(crate) q: Linear,
    pub(crate) k: Linear,
    pub(crate) v: Linear,
    pub(crate) o: Linear,
    pub(crate) wrap: Wrap,
}

/// One feed-forward block.
#[derive(Debug)]
pub(crate) struct FeedForward {
    pub(crate) layers: Vec<Linear>,
    pub(crate) activation: Activation,
    pub(crate) wrap: Wrap,
}

/// One encoder layer.
#[derive(Debug)]
pub(crate) struct EncoderLayer {
    pub(crate) attention: Attention,
    pub(crate) ffn: FeedForward,
}

/// What a decoder layer knows of the words before.
#[derive(Debug)]
pub(crate) enum Recurrence {
    Attention(Box<Attention>),
    Ssru(Box<Ssru>),
}

/// One recurrent unit.
#[derive(Debug)]
pub(crate) struct Ssru {
    pub(crate) candidate: Linear,
    pub(crate) gate: Linear,
    pub(crate) wrap: Wrap,
}

/// One decoder layer.
#[derive(Debug)]
pub(crate) struct DecoderLayer {
    pub(crate) recurrence: Recurrence,
    pub(crate) context: Attention,
    pub(crate) ffn: FeedForward,
}

/// A table of word vectors, `[vocabulary, dim]`.
#[derive(Debug)]
pub(crate) enum Embedding {
    Int8 { rows: Int8, factor: f32 },
    Float { rows: Floats, dim: usize },
}

impl Embedding {
    /// The vector of a token into `out`; a number outside of the table gives zeros.
    pub(crate) fn row(&self, kernels: Kernels, id: u32, out: &mut [f32]) {
        match self {
            Self::Int8 { rows, factor } => {
                let view = rows.rows();
                if (id as usize) < view.n() {
                    kernels.dequantise_row(view.row(id as usize), *factor, out);
                } else {
                    out.fill(0.0);
                }
            }
            Self::Float { rows, dim } => {
                let start = id as usize * dim;
                match rows.as_slice().get(start..start + dim) {
                    Some(row) => out.copy_from_slice(row),
                    None => out.fill(0.0),
                }
            }
        }
    }
}

/// From the top of the decoder to logits.
#[derive(Debug)]
pub(crate) struct Output {
    matrix: OutputMatrix,
    bias: Option<Vec<f32>>,
    dim: usize,
}

#[derive(Debug)]
enum OutputMatrix {
    Int8 {
        weights: Int8,
        multiplier: f32,
        unquant: f32,
    },
    /// `[vocabulary, dim]`.
    Float(Floats),
}

impl Output {
    /// Logits of the rows of `x` over the whole vocabulary, or over `rows` of it, into `sink`.
    pub(crate) fn project(
        &self,
        kernels: Kernels,
        x: &[f32],
        rows: Rows<'_>,
        scratch: &mut Quantised,
        sink: &mut dyn LogitSink,
    ) {
        let bias = self.bias.as_deref();
        match &self.matrix {
            OutputMatrix::Int8 { weights, multiplier, unquant } => {
                kernels.quantise(x, self.dim, *multiplier, scratch);
                let affine = Affine { unquant: *unquant, bias, activation: Fused::None };
                kernels.project(scratch, weights.view(kernels), rows, affine, sink);
            }
            OutputMatrix::Float(weights) => {
                kernels.project_f32(x, weights.as_slice(), self.dim, rows, bias, sink);
            }
        }
    }
}

/// All layers of a model.
#[derive(Debug)]
pub(crate) struct Layers {
    pub(crate) source: Embedding,
    pub(crate) target: Embedding,
    pub(crate) encoder_embedding_norm: Option<Norm>,
    pub(crate) decoder_embedding_norm: Option<Norm>,
    pub(crate) encoder: Vec<EncoderLayer>,
    pub(crate) decoder: Vec<DecoderLayer>,
    pub(crate) encoder_top: Option<Norm>,
    pub(crate) decoder_top: Option<Norm>,
    pub(crate) output: Output,
    /// Rows of the source and of the target embedding.
    pub(crate) vocab: (usize, usize),
}

impl Layers {
    /// Finds every tensor the architecture asks for, and checks type, shape and multipliers.
    pub(crate) fn load(container: &Container, config: &Config) -> Result<Self, Fault> {
        Loader { container, config }.layers()
    }
}

struct Loader<'a> {
    container: &'a Container,
    config: &'a Config,
}

impl Loader<'_> {
    fn layers(&self) -> Result<Layers, Fault> {
        let config = self.config;
        // The tensors decide where there is doubt: options of converted models do not always match them.
        let shared = self.container.get("Wemb").is_some() || config.tying.sources;
        let (source_name, target_name) =
            if shared { ("Wemb", "Wemb") } else { ("encoder_Wemb", "decoder_Wemb") };
        let (source, source_rows) = self.embedding(source_name)?;
        let (target, target_rows) = self.embedding(target_name)?;
        let emb_norm = |prefix: &str| {
            let wanted = !config.post_embedding.is_empty();
            wanted.then(|| self.norm(&format!("{prefix}_emb"), "_pre")).transpose()
        };
        let top = |prefix: &str| {
            (!config.post_top.is_empty()).then(|| self.norm(&format!("{prefix}_top"), "")).transpose()
        };
        Ok(Layers {
            source,
            target,
            encoder_embedding_norm: emb_norm("encoder")?,
            decoder_embedding_norm: emb_norm("decoder")?,
            encoder: (1..=config.encoder_layers).map(|l| self.encoder_layer(l)).collect::<Result<_, _>>()?,
            decoder: (1..=config.decoder_layers).map(|l| self.decoder_layer(l)).collect::<Result<_, _>>()?,
            encoder_top: top("encoder")?,
            decoder_top: top("decoder")?,
            output: self.output(target_name, target_rows)?,
            vocab: (source_rows, target_rows),
        })
    }

    fn encoder_layer(&self, layer: usize) -> Result<EncoderLayer, Fault> {
        Ok(EncoderLayer {
            attention: self.attention(&format!("encoder_l{layer}_self"))?,
            ffn: self.feed_forward(&format!("encoder_l{layer}_ffn"), self.config.encoder_ffn)?,
        })
    }

    fn decoder_layer(&self, layer: usize) -> Result<DecoderLayer, Fault> {
        let dim = self.config.dim;
        let recurrence = match self.config.autoregression {
            Autoregression::SelfAttention => {
                Recurrence::Attention(Box::new(self.attention(&format!("decoder_l{layer}_self"))?))
            }
            Autoregression::Ssru => {
                let rnn = format!("decoder_l{layer}_rnn");
                Recurrence::Ssru(Box::new(Ssru {
                    candidate: self.linear(&format!("{rnn}_W"), dim, dim, None)?,
                    gate: self.linear(&format!("{rnn}_Wf"), dim, dim, Some(&format!("{rnn}_bf")))?,
                    wrap: self.wrap(&rnn, &format!("{rnn}_ffn"))?,
                }))
            }
        };
        Ok(DecoderLayer {
            recurrence,
            context: self.attention(&format!("decoder_l{layer}_context"))?,
            ffn: self.feed_forward(&format!("decoder_l{layer}_ffn"), self.config.decoder_ffn)?,
        })
    }

    fn attention(&self, prefix: &str) -> Result<Attention, Fault> {
        let dim = self.config.dim;
        let part =
            |x: &str| self.linear(&format!("{prefix}_W{x}"), dim, dim, Some(&format!("{prefix}_b{x}")));
        let around = format!("{prefix}_Wo");
        Ok(Attention {
            q: part("q")?,
            k: part("k")?,
            v: part("v")?,
            o: part("o")?,
            wrap: self.wrap(&around, &around)?,
        })
    }

    fn feed_forward(&self, prefix: &str, ffn: Ffn) -> Result<FeedForward, Fault> {
        let layers = (1..=ffn.depth)
            .map(|i| {
                let k = if i == 1 { self.config.dim } else { ffn.dim };
                let n = if i == ffn.depth { self.config.dim } else { ffn.dim };
                self.linear(&format!("{prefix}_W{i}"), k, n, Some(&format!("{prefix}_b{i}")))
            })
            .collect::<Result<_, _>>()?;
        let around = format!("{prefix}_ffn");
        Ok(FeedForward { layers, activation: self.config.activation, wrap: self.wrap(&around, &around)? })
    }

    /// `pre` and `post` are the beginnings of the parameter names: they differ for the recurrent unit.
    fn wrap(&self, pre: &str, post: &str) -> Result<Wrap, Fault> {
        let post_step = |step: &Step| match step {
            Step::Add => Ok(Post::Add),
            Step::Norm => self.norm(post, "").map(Post::Norm),
        };
        Ok(Wrap {
            pre: (!self.config.pre.is_empty()).then(|| self.norm(pre, "_pre")).transpose()?,
            post: self.config.post.iter().map(post_step).collect::<Result<_, _>>()?,
        })
    }

    fn norm(&self, prefix: &str, suffix: &str) -> Result<Norm, Fault> {
        let beta = format!("{prefix}_ln_bias{suffix}");
        Ok(Norm {
            gamma: self.vector(&format!("{prefix}_ln_scale{suffix}"), self.config.dim)?,
            beta: self.container.get(&beta).map(|_| self.vector(&beta, self.config.dim)).transpose()?,
        })
    }

    fn item(&self, name: &str) -> Result<&crate::format::Item, Fault> {
        self.container.get(name).ok_or_else(|| damaged(format!("tensor {name} is missing")))
    }

    fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>, Fault> {
        let item = self.item(name)?;
        let values =
            self.container.floats(name).ok_or_else(|| damaged(format!("tensor {name} is not float32")))?;
        if values.len() != len {
            return Err(damaged(format!("tensor {name} has shape {:?}, expected {len} values", item.shape)));
        }
        if values.iter().any(|v| !v.is_finite()) {
            return Err(damaged(format!("tensor {name} holds values that are no numbers")));
        }
        Ok(values)
    }

    fn linear(&self, name: &str, k: usize, n: usize, bias: Option<&str>) -> Result<Linear, Fault> {
        let item = self.item(name)?;
        if item.shape != [k, n] {
            return Err(damaged(format!("tensor {name} has shape {:?}, expected [{k}, {n}]", item.shape)));
        }
        let matrix = match item.dtype {
            DType::Intgemm8 => {
                let multiplier = self.activation_multiplier(&[name])?;
                let weights = self.int8(item, n, k)?;
                let unquant = 1.0 / (multiplier * self.weight_multiplier(item)?);
                Matrix::Int8 { weights, multiplier, unquant }
            }
            DType::Float32 => Matrix::Float(self.finite(item)?),
            DType::Int8 => return Err(damaged(format!("tensor {name} is text"))),
        };
        Ok(Linear { matrix, bias: bias.map(|bias| self.vector(bias, n)).transpose()?, k, n })
    }

    fn finite(&self, item: &crate::format::Item) -> Result<Floats, Fault> {
        let values = Floats::new(self.container, item);
        if values.as_slice().iter().all(|v| v.is_finite()) {
            Ok(values)
        } else {
            Err(damaged(format!("tensor {} holds values that are no numbers", item.name)))
        }
    }

    fn int8(&self, item: &crate::format::Item, n: usize, k: usize) -> Result<Int8, Fault> {
        let range = item.place(item.elements());
        if n.checked_mul(k) != Some(range.len()) || k > 1 << 16 {
            return Err(damaged(format!("tensor {} has shape {:?}", item.name, item.shape)));
        }
        Ok(Int8::new(self.container.shared(), range, n, k))
    }

    fn weight_multiplier(&self, item: &crate::format::Item) -> Result<f32, Fault> {
        let value = self.container.multiplier(item).unwrap_or(f32::NAN);
        usable(value).ok_or_else(|| damaged(format!("tensor {} has the multiplier {value}", item.name)))
    }

    /// The multiplier of the activations that meet a weight, under the first of `names` that has one. Marian stores it
    /// as a float, or, for split vocabularies, as one more quantised value.
    fn activation_multiplier(&self, names: &[&str]) -> Result<f32, Fault> {
        for name in names {
            let full = format!("{name}_QuantMultA");
            let Some(item) = self.container.get(&full) else { continue };
            let value = match item.dtype {
                DType::Float32 => self.container.floats(&full).and_then(|v| v.first().copied()),
                DType::Intgemm8 => {
                    let raw = self.container.data(item).first().map(|&b| f32::from(b.cast_signed()));
                    raw.zip(self.container.multiplier(item)).map(|(raw, multiplier)| raw / multiplier)
                }
                DType::Int8 => None,
            };
            let value = value.unwrap_or(f32::NAN);
            return usable(value).ok_or_else(|| damaged(format!("{full} is {value}")));
        }
        Err(unsupported(format!(
            "it has no activation multiplier for {}; convert it with alphas (a .intgemm.alphas.bin file)",
            names.first().copied().unwrap_or_default()
        )))
    }

    fn embedding(&self, name: &str) -> Result<(Embedding, usize), Fault> {
        let item = self.item(name)?;
        let dim = self.config.dim;
        let [rows, width] = item.shape.as_slice() else {
            return Err(damaged(format!("tensor {name} has shape {:?}", item.shape)));
        };
        if *width != dim || *rows > 1 << 22 {
            return Err(damaged(format!(
                "tensor {name} has shape {:?}, expected [vocabulary, {dim}]",
                item.shape
            )));
        }
        let embedding = match item.dtype {
            DType::Intgemm8 => Embedding::Int8 {
                rows: self.int8(item, *rows, dim)?,
                factor: 1.0 / self.weight_multiplier(item)?,
            },
            DType::Float32 => Embedding::Float { rows: self.finite(item)?, dim },
            DType::Int8 => return Err(damaged(format!("tensor {name} is text"))),
        };
        Ok((embedding, *rows))
    }

    fn output(&self, embedding: &str, vocab: usize) -> Result<Output, Fault> {
        let dim = self.config.dim;
        let bias =
            self.config.output_bias.then(|| self.vector("decoder_ff_logit_out_b", vocab)).transpose()?;
        let own = "decoder_ff_logit_out_W";
        let tied = self.config.tying.output || self.container.get(own).is_none();
        let (name, turned) = if tied { (embedding, false) } else { (own, true) };
        let item = self.item(name)?;
        let expected = if turned { [dim, vocab] } else { [vocab, dim] };
        if item.shape != expected {
            return Err(damaged(format!("tensor {name} has shape {:?}, expected {expected:?}", item.shape)));
        }
        let matrix = match item.dtype {
            DType::Intgemm8 => {
                // Marian calls the turned embedding "none" in graphs with one vocabulary.
                let names: &[&str] = if turned { &[own] } else { &["none", embedding] };
                let multiplier = self.activation_multiplier(names)?;
                let unquant = 1.0 / (multiplier * self.weight_multiplier(item)?);
                OutputMatrix::Int8 { weights: self.int8(item, vocab, dim)?, multiplier, unquant }
            }
            DType::Float32 if turned => {
                let there = self.finite(item)?;
                let there = there.as_slice();
                let at =
                    |row: usize, column: usize| there.get(column * vocab + row).copied().unwrap_or_default();
                let turned = (0..vocab).flat_map(|row| (0..dim).map(move |column| at(row, column))).collect();
                OutputMatrix::Float(Floats::Owned(turned))
            }
            DType::Float32 => OutputMatrix::Float(self.finite(item)?),
            DType::Int8 => return Err(damaged(format!("tensor {name} is text"))),
        };
        Ok(Output { matrix, bias, dim })
    }
}

/// Multipliers are positive numbers; anything else would turn every output into nonsense.
fn usable(value: f32) -> Option<f32> {
    (value.is_finite() && value > 1e-20).then_some(value)
}
