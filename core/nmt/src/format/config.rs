//! `special:model.yml`: the architecture, as Marian saves it with the weights.
//!
//! Every option that changes the arithmetic is either honoured or refused by name. An option this engine has never
//! heard of is refused too if its name belongs to the architecture and it is not switched off: a wrong translation
//! that looks right is worse than none.

use std::collections::BTreeMap;

use crate::error::{Fault, damaged, unsupported};

/// What a decoder layer does in the place of self-attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Autoregression {
    /// Masked self-attention over the words so far.
    SelfAttention,
    /// Simpler simple recurrent unit (Kim et al. 2019): one state vector, whatever the length.
    Ssru,
}

/// Non-linearity inside the feed-forward blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    Relu,
    /// x * sigmoid(x).
    Swish,
}

/// One letter of `transformer-preprocess` / `-postprocess`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Adds the input of the block.
    Add,
    /// Layer normalisation.
    Norm,
}

/// Which matrices are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tying {
    /// Source and target embeddings are `Wemb`.
    pub(crate) sources: bool,
    /// The output projection is the target embedding.
    pub(crate) output: bool,
}

/// The architecture of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) dim: usize,
    pub(crate) heads: usize,
    pub(crate) encoder_layers: usize,
    pub(crate) decoder_layers: usize,
    pub(crate) encoder_ffn: Ffn,
    pub(crate) decoder_ffn: Ffn,
    pub(crate) vocab_sizes: Option<(usize, usize)>,
    pub(crate) activation: Activation,
    pub(crate) autoregression: Autoregression,
    pub(crate) tying: Tying,
    pub(crate) pre: Vec<Step>,
    pub(crate) post: Vec<Step>,
    pub(crate) post_embedding: Vec<Step>,
    pub(crate) post_top: Vec<Step>,
    /// Decoder layer (from 0) whose first head is the word alignment.
    pub(crate) alignment_layer: usize,
    pub(crate) output_bias: bool,
}

/// Width and depth of the feed-forward blocks of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ffn {
    pub(crate) dim: usize,
    pub(crate) depth: usize,
}

/// Options that only training, other architectures or other programs read.
const IRRELEVANT: &[&str] = &[
    "dim-rnn",
    "enc-cell",
    "enc-type",
    "enc-cell-depth",
    "dec-cell-base-depth",
    "dec-cell-high-depth",
    "skip",
    "transformer-dim-aan",
    "transformer-aan-depth",
    "transformer-aan-activation",
    "transformer-aan-nogate",
    "transformer-depth-scaling",
    "bert-type-vocab-size",
    "bert-train-type-embeddings",
    "ulr-dim-emb",
    "ulr-trainable-transformation",
    "char-stride",
    "char-highway",
    "char-conv-filters-num",
    "char-conv-filters-widths",
    "transformer-dropout",
    "transformer-dropout-attention",
    "transformer-dropout-ffn",
    "dec-cell",
    "special-vocab",
    "version",
    "original-type",
    "embedding-fix-src",
    "embedding-fix-trg",
    "factors-combine",
    "output-approx-knn",
];

/// Options that must be off, because what they switch on is not here.
const MUST_BE_OFF: &[&str] = &[
    "transformer-no-projection",
    "transformer-train-position-embeddings",
    "transformer-tied-layers",
    "transformer-pool",
    "transformer-rnn-projection",
    "transformer-no-bias",
    "transformer-no-affine",
    "right-left",
    "layer-normalization",
    "ulr",
    "lemma-dim-emb",
    "lemma-dependency",
    "factors-dim-emb",
];

/// Options that are read below.
const HONOURED: &[&str] = &[
    "type",
    "dim-emb",
    "dim-vocabs",
    "transformer-heads",
    "enc-depth",
    "dec-depth",
    "transformer-dim-ffn",
    "transformer-ffn-depth",
    "transformer-decoder-dim-ffn",
    "transformer-decoder-ffn-depth",
    "transformer-ffn-activation",
    "transformer-decoder-autoreg",
    "tied-embeddings",
    "tied-embeddings-src",
    "tied-embeddings-all",
    "transformer-preprocess",
    "transformer-postprocess",
    "transformer-postprocess-emb",
    "transformer-postprocess-top",
    "transformer-guided-alignment-layer",
    "output-omit-bias",
    "input-types",
];

/// Beginnings of names that belong to the architecture.
const ARCHITECTURE: &[&str] = &[
    "transformer-",
    "dim-",
    "enc-",
    "dec-",
    "tied-",
    "output-",
    "lemma-",
    "factors-",
    "ulr",
    "char-",
    "input-",
];

impl Config {
    /// Reads the text of `special:model.yml`.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let options = Options::parse(text)?;
        options.refuse_what_is_not_here()?;
        let decoder_layers = options.number("dec-depth", 6, 1..=64)?;
        let encoder_ffn = Ffn {
            dim: options.number("transformer-dim-ffn", 2048, 1..=1 << 20)?,
            depth: options.number("transformer-ffn-depth", 2, 1..=8)?,
        };
        let config = Self {
            dim: options.number("dim-emb", 512, 2..=16_384)?,
            heads: options.number("transformer-heads", 8, 1..=256)?,
            encoder_layers: options.number("enc-depth", 6, 1..=64)?,
            decoder_layers,
            encoder_ffn,
            decoder_ffn: Ffn {
                dim: or_same(options.number("transformer-decoder-dim-ffn", 0, 0..=1 << 20)?, encoder_ffn.dim),
                depth: or_same(options.number("transformer-decoder-ffn-depth", 0, 0..=8)?, encoder_ffn.depth),
            },
            vocab_sizes: options.vocab_sizes()?,
            activation: options.activation()?,
            autoregression: options.autoregression()?,
            tying: options.tying(),
            pre: options.steps("transformer-preprocess", "", false)?,
            post: options.steps("transformer-postprocess", "dan", true)?,
            post_embedding: options.steps("transformer-postprocess-emb", "d", false)?,
            post_top: options.steps("transformer-postprocess-top", "", false)?,
            alignment_layer: options.alignment_layer(decoder_layers)?,
            output_bias: !options.is_on("output-omit-bias"),
        };
        if !config.dim.is_multiple_of(config.heads) || !config.dim.is_multiple_of(2) {
            return Err(damaged(format!(
                "special:model.yml gives {} heads to {} dimensions, which do not divide",
                config.heads, config.dim
            )));
        }
        Ok(config)
    }

    /// Width of one attention head.
    pub(crate) fn head_dim(&self) -> usize {
        self.dim / self.heads
    }
}

fn or_same(value: usize, other: usize) -> usize {
    if value == 0 { other } else { value }
}

struct Options(BTreeMap<String, Vec<String>>);

impl Options {
    /// The flat YAML that yaml-cpp writes: `key: value`, `key: [a, b]`, or `key:` followed by `- item` lines.
    fn parse(text: &str) -> Result<Self, Fault> {
        let mut options: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut open: Option<String> = None;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') || trimmed == "---" || trimmed == "..." {
                continue;
            }
            if let Some(item) = trimmed.strip_prefix("- ").or_else(|| (trimmed == "-").then_some("")) {
                let key =
                    open.as_ref().ok_or_else(|| damaged("special:model.yml has a list without a name"))?;
                options.entry(key.clone()).or_default().push(scalar(item));
                continue;
            }
            if let Some(list) = open.as_ref().and_then(|key| flow_list(trimmed).map(|list| (key, list))) {
                options.insert(list.0.clone(), list.1);
                continue;
            }
            if line.starts_with([' ', '\t']) {
                return Err(unsupported(format!(
                    "special:model.yml has the nested option {}",
                    short(trimmed)
                )));
            }
            let (key, value) = trimmed
                .split_once(':')
                .ok_or_else(|| damaged(format!("special:model.yml has the line {}", short(trimmed))))?;
            let value = value.trim();
            let values = match flow_list(value) {
                Some(list) => list,
                None if value.is_empty() => Vec::new(),
                None => vec![scalar(value)],
            };
            options.insert(key.trim().to_owned(), values);
            open = Some(key.trim().to_owned());
        }
        Ok(Self(options))
    }

    fn one(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|values| values.first()).map(String::as_str)
    }

    fn is_on(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|values| {
            !values.is_empty()
                && values
                    .iter()
                    .any(|v| !matches!(v.as_str(), "" | "false" | "0" | "none" | "None" | "~" | "null"))
        })
    }

    fn refuse_what_is_not_here(&self) -> Result<(), Fault> {
        let kind = self.one("type").unwrap_or("transformer");
        if kind != "transformer" {
            return Err(unsupported(format!("its type is {}, and only transformer models are", short(kind))));
        }
        if self.0.get("input-types").is_some_and(|types| types.iter().any(|t| t != "sequence")) {
            return Err(unsupported("it takes other inputs than text (input-types)"));
        }
        for key in self.0.keys().filter(|key| self.is_on(key)) {
            let key = key.as_str();
            let unknown = !HONOURED.contains(&key)
                && !IRRELEVANT.contains(&key)
                && ARCHITECTURE.iter().any(|start| key.starts_with(start));
            if MUST_BE_OFF.contains(&key) || unknown {
                return Err(unsupported(format!(
                    "its option {} changes the arithmetic in a way this engine does not have",
                    short(key)
                )));
            }
        }
        Ok(())
    }

    fn number(
        &self,
        key: &str,
        default: usize,
        range: std::ops::RangeInclusive<usize>,
    ) -> Result<usize, Fault> {
        let Some(value) = self.one(key) else { return Ok(default) };
        value.parse().ok().filter(|n| range.contains(n)).ok_or_else(|| {
            damaged(format!(
                "special:model.yml says {key}: {}, expected a number from {} to {}",
                short(value),
                range.start(),
                range.end()
            ))
        })
    }

    fn vocab_sizes(&self) -> Result<Option<(usize, usize)>, Fault> {
        let Some(sizes) = self.0.get("dim-vocabs") else { return Ok(None) };
        let sizes: Option<Vec<usize>> = sizes.iter().map(|size| size.parse().ok()).collect();
        match sizes.as_deref() {
            Some([source, target]) => Ok(Some((*source, *target))),
            Some([both]) => Ok(Some((*both, *both))),
            Some([]) => Ok(None),
            Some(more) => {
                Err(unsupported(format!("it has {} vocabularies; translation takes one or two", more.len())))
            }
            None => Err(damaged("special:model.yml has a dim-vocabs that is no list of numbers")),
        }
    }

    fn activation(&self) -> Result<Activation, Fault> {
        match self.one("transformer-ffn-activation").unwrap_or("swish") {
            "relu" => Ok(Activation::Relu),
            "swish" => Ok(Activation::Swish),
            other => Err(unsupported(format!("its transformer-ffn-activation is {}", short(other)))),
        }
    }

    fn autoregression(&self) -> Result<Autoregression, Fault> {
        match self.one("transformer-decoder-autoreg").unwrap_or("self-attention") {
            "self-attention" => Ok(Autoregression::SelfAttention),
            "rnn" => match self.one("dec-cell").unwrap_or("gru") {
                "ssru" => Ok(Autoregression::Ssru),
                other => Err(unsupported(format!("its dec-cell is {}, and only ssru is here", short(other)))),
            },
            other => Err(unsupported(format!("its transformer-decoder-autoreg is {}", short(other)))),
        }
    }

    fn tying(&self) -> Tying {
        let all = self.is_on("tied-embeddings-all");
        Tying {
            sources: all || self.is_on("tied-embeddings-src"),
            output: all || self.is_on("tied-embeddings"),
        }
    }

    /// `d` is dropout, which inference does not do.
    fn steps(&self, key: &str, default: &str, may_add: bool) -> Result<Vec<Step>, Fault> {
        let value = self.one(key).unwrap_or(if self.0.contains_key(key) { "" } else { default });
        value
            .chars()
            .filter(|&c| c != 'd')
            .map(|c| match c {
                'n' => Ok(Step::Norm),
                'a' if may_add => Ok(Step::Add),
                _ => Err(unsupported(format!("its {key} is {}", short(value)))),
            })
            .collect()
    }

    fn alignment_layer(&self, layers: usize) -> Result<usize, Fault> {
        match self.one("transformer-guided-alignment-layer").unwrap_or("last") {
            "last" => Ok(layers - 1),
            other => {
                other.parse().ok().filter(|n| (1..=layers).contains(n)).map(|n: usize| n - 1).ok_or_else(
                    || damaged(format!("its transformer-guided-alignment-layer is {}", short(other))),
                )
            }
        }
    }
}

/// `[a, b]`.
fn flow_list(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    Some(inner.split(',').map(scalar).filter(|v| !v.is_empty()).collect())
}

fn scalar(raw: &str) -> String {
    let raw = raw.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = raw.strip_prefix(quote).and_then(|r| r.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    raw.to_owned()
}

/// Foreign text for an error message: printable and short.
fn short(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("\"{clean}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shape of the text that Marian writes into a released student model.
    const STUDENT: &str = "bert-train-type-embeddings: true\nbert-type-vocab-size: 2\ndec-cell: ssru\n\
        dec-cell-base-depth: 2\ndec-cell-high-depth: 1\ndec-depth: 2\ndim-emb: 256\ndim-rnn: 1024\ndim-vocabs:\n  \
        - 32000\n  - 32000\nenc-cell: gru\nenc-cell-depth: 1\nenc-depth: 6\nenc-type: bidirectional\n\
        input-types:\n  []\nlayer-normalization: false\nlemma-dim-emb: 0\noutput-omit-bias: false\nright-left: false\nskip: false\n\
        special-vocab:\n  []\ntied-embeddings: false\ntied-embeddings-all: true\ntied-embeddings-src: false\n\
        transformer-aan-activation: swish\ntransformer-aan-depth: 2\ntransformer-aan-nogate: false\n\
        transformer-decoder-autoreg: rnn\ntransformer-dim-aan: 2048\ntransformer-dim-ffn: 1536\n\
        transformer-ffn-activation: relu\ntransformer-ffn-depth: 2\ntransformer-guided-alignment-layer: last\n\
        transformer-heads: 8\ntransformer-no-projection: false\ntransformer-pool: false\ntransformer-postprocess: dan\n\
        transformer-postprocess-emb: d\ntransformer-postprocess-top: \"\"\ntransformer-preprocess: \"\"\n\
        transformer-tied-layers:\n  []\ntransformer-train-position-embeddings: false\ntype: transformer\nulr: false\n\
        ulr-dim-emb: 0\nulr-trainable-transformation: false\nversion: v1.9.56 2021-02-22\n";

    #[test]
    fn a_student_is_understood() {
        let config = Config::parse(STUDENT).unwrap();
        assert_eq!((config.dim, config.heads, config.encoder_layers, config.decoder_layers), (256, 8, 6, 2));
        assert_eq!(config.encoder_ffn, Ffn { dim: 1536, depth: 2 });
        assert_eq!(config.decoder_ffn, config.encoder_ffn);
        assert_eq!(config.vocab_sizes, Some((32000, 32000)));
        assert_eq!(config.autoregression, Autoregression::Ssru);
        assert_eq!(config.activation, Activation::Relu);
        assert_eq!(config.post, [Step::Add, Step::Norm]);
        assert!(config.pre.is_empty() && config.post_embedding.is_empty() && config.post_top.is_empty());
        assert_eq!(config.tying, Tying { sources: true, output: true });
        assert_eq!((config.alignment_layer, config.output_bias), (1, true));
    }

    #[test]
    fn what_changes_the_arithmetic_is_refused_by_name() {
        for (from, to, word) in [
            (
                "transformer-train-position-embeddings: false",
                "transformer-train-position-embeddings: true",
                "position",
            ),
            ("type: transformer", "type: s2s", "s2s"),
            ("dec-cell: ssru", "dec-cell: gru", "gru"),
            ("ulr: false", "transformer-mystery: 3", "transformer-mystery"),
            ("transformer-ffn-activation: relu", "transformer-ffn-activation: gelu", "gelu"),
            ("transformer-postprocess: dan", "transformer-postprocess: dhn", "dhn"),
            ("lemma-dim-emb: 0", "lemma-dim-emb: 16", "lemma-dim-emb"),
            ("right-left: false", "right-left: true", "right-left"),
        ] {
            let text = STUDENT.replace(from, to);
            assert_ne!(text, STUDENT);
            let Err(Fault::Unsupported(why)) = Config::parse(&text) else { panic!("{to} must be refused") };
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn an_unknown_option_that_is_off_is_harmless() {
        assert!(Config::parse(&format!("{STUDENT}transformer-mystery: false\nfriendly: 7\n")).is_ok());
    }

    #[test]
    fn nonsense_is_named() {
        for (from, to) in [
            ("transformer-heads: 8", "transformer-heads: 7"),
            ("dim-emb: 256", "dim-emb: many"),
            ("enc-depth: 6", "enc-depth: 0"),
            ("layer: last", "layer: 9"),
        ] {
            assert!(matches!(Config::parse(&STUDENT.replace(from, to)), Err(Fault::Damaged(_))), "{to}");
        }
        assert!(Config::parse("a line without a colon").is_err());
        assert!(Config::parse("- a list without a name").is_err());
    }
}
