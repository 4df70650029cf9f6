//! Models of random weights in any shape, in the files that released models come in. The same bytes everywhere: the
//! generator uses no function of the C library.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code: it ends at the first surprise"
)]
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test uses a part")]

use cuba_nmt::format::{CONFIG_ITEM, NewItem, write};
use cuba_nmt::vocab::{PieceKind, SpmFile};

/// `SplitMix64` (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Uniform in -1..1, in steps a float holds exactly.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    /// A whole number in -127..=127, the sum of six: bell-shaped, with a deviation of about 31.
    pub fn bell(&mut self) -> f32 {
        let bits = self.next();
        let sum: i64 = (0..6).map(|i| ((bits >> (i * 10)) & 1023) as i64 % 43 - 21).sum();
        sum.clamp(-127, 127) as f32
    }
}

/// The architecture of a model to make.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "switches of an architecture")]
pub struct Shape {
    pub dim: usize,
    pub heads: usize,
    pub ffn: usize,
    pub encoder: usize,
    pub decoder: usize,
    pub vocab: usize,
    pub split: bool,
    pub ssru: bool,
    pub float: bool,
    pub pre_norm: bool,
    pub swish: bool,
    /// One projection of its own instead of the turned embedding.
    pub untied: bool,
}

impl Shape {
    /// Small enough for a test of every kind.
    pub fn small() -> Self {
        Self {
            dim: 32,
            heads: 4,
            ffn: 64,
            encoder: 2,
            decoder: 2,
            vocab: 700,
            split: false,
            ssru: true,
            float: false,
            pre_norm: false,
            swish: false,
            untied: false,
        }
    }

    /// 256/1536, 6-2: Mozilla's `tiny`.
    pub fn tiny() -> Self {
        Self { dim: 256, heads: 8, ffn: 1536, encoder: 6, decoder: 2, vocab: 32_000, ..Self::small() }
    }

    /// 384/1536, 6-4: `base-memory`.
    pub fn base_memory() -> Self {
        Self { dim: 384, decoder: 4, ..Self::tiny() }
    }

    /// 512/2048, 6-2: `base`.
    pub fn base() -> Self {
        Self { dim: 512, ffn: 2048, ..Self::tiny() }
    }

    fn config(&self) -> String {
        let (pre, post) = if self.pre_norm { ("n", "a") } else { ("\"\"", "dan") };
        let top = if self.pre_norm { "n" } else { "\"\"" };
        let (autoreg, cell) = if self.ssru { ("rnn", "ssru") } else { ("self-attention", "gru") };
        let act = if self.swish { "swish" } else { "relu" };
        let Self { dim, heads, ffn, encoder, decoder, vocab, split, untied, .. } = self;
        format!(
            "dec-cell: {cell}\ndec-depth: {decoder}\ndim-emb: {dim}\ndim-vocabs:\n  - {vocab}\n  - {vocab}\n\
             enc-depth: {encoder}\nlayer-normalization: false\noutput-omit-bias: false\nright-left: false\n\
             special-vocab:\n  []\ntied-embeddings: {}\ntied-embeddings-all: {}\ntied-embeddings-src: {}\n\
             transformer-decoder-autoreg: {autoreg}\ntransformer-dim-ffn: {ffn}\ntransformer-ffn-activation: {act}\n\
             transformer-ffn-depth: 2\ntransformer-guided-alignment-layer: last\ntransformer-heads: {heads}\n\
             transformer-postprocess: {post}\ntransformer-postprocess-emb: d\ntransformer-postprocess-top: {top}\n\
             transformer-preprocess: {pre}\ntransformer-train-position-embeddings: false\ntype: transformer\n",
            *split && !untied,
            !split && !untied,
            !split && *untied,
        )
    }
}

struct Maker<'a> {
    shape: &'a Shape,
    random: Random,
    items: Vec<NewItem>,
}

impl Maker<'_> {
    /// A matrix `[k, n]` of uniform values within `most`; `reach` is the largest input it is calibrated for.
    fn matrix(&mut self, name: &str, alpha: &str, k: usize, n: usize, most: f32, reach: f32) {
        // Sums of uniform values, as bell-shaped as trained weights are: large ones are rare.
        let most = most * 2.5;
        if self.shape.float {
            let values: Vec<f32> = (0..k * n).map(|_| self.random.bell() * most / 127.0).collect();
            self.items.push(NewItem::floats(name, &[k, n], &values));
            return;
        }
        let values: Vec<i8> = (0..k * n).map(|_| self.random.bell() as i8).collect();
        self.items.push(NewItem::int8(name, &[k, n], &values, 127.0 / most));
        if alpha == "decoder_Wemb" {
            // Models with two vocabularies store this one as a quantised value: 127 / multiplier.
            self.items.push(NewItem::int8("decoder_Wemb_QuantMultA", &[1, 1], &[127], reach));
        } else if !alpha.is_empty() {
            self.items.push(NewItem::floats(&format!("{alpha}_QuantMultA"), &[1, 1], &[127.0 / reach]));
        }
    }

    fn vector(&mut self, name: &str, len: usize, middle: f32, most: f32) {
        let values: Vec<f32> = (0..len).map(|_| middle + self.random.unit() * most).collect();
        self.items.push(NewItem::floats(name, &[1, len], &values));
    }

    fn dense(&mut self, prefix: &str, suffix: &str, k: usize, n: usize, reach: f32) {
        let name = format!("{prefix}_W{suffix}");
        // Glorot, with the square root in steps a float takes everywhere.
        let most = (6.0 / (k + n) as f32).sqrt();
        self.matrix(&name, &name, k, n, most, reach);
    }

    fn norm(&mut self, prefix: &str, suffix: &str, scale: f32) {
        let dim = self.shape.dim;
        if scale == SHARP {
            // Of either sign: with a turned embedding behind it, the last token would otherwise repeat itself.
            let scales: Vec<f32> =
                (0..dim).map(|_| if self.random.below(2) == 0 { scale } else { -scale }).collect();
            self.items.push(NewItem::floats(&format!("{prefix}_ln_scale{suffix}"), &[1, dim], &scales));
        } else {
            self.vector(&format!("{prefix}_ln_scale{suffix}"), dim, scale, scale / 8.0);
        }
        self.vector(&format!("{prefix}_ln_bias{suffix}"), dim, 0.0, 0.1);
    }

    /// The normalisations around a block.
    fn around(&mut self, pre: &str, post: &str, scale: f32) {
        if self.shape.pre_norm {
            self.norm(pre, "_pre", 1.0);
        } else {
            self.norm(post, "", scale);
        }
    }

    fn attention(&mut self, prefix: &str) {
        let dim = self.shape.dim;
        for part in ["q", "k", "v", "o"] {
            self.dense(prefix, part, dim, dim, if part == "o" { 4.0 } else { 6.0 });
            self.vector(&format!("{prefix}_b{part}"), dim, 0.0, 0.05);
        }
        let around = format!("{prefix}_Wo");
        self.around(&around, &around, 1.0);
    }

    fn feed_forward(&mut self, prefix: &str, scale: f32) {
        let (dim, ffn) = (self.shape.dim, self.shape.ffn);
        self.dense(prefix, "1", dim, ffn, 6.0);
        self.vector(&format!("{prefix}_b1"), ffn, 0.0, 0.05);
        self.dense(prefix, "2", ffn, dim, 4.0);
        self.vector(&format!("{prefix}_b2"), dim, 0.0, 0.05);
        let around = format!("{prefix}_ffn");
        self.around(&around, &around, scale);
    }
}

/// Sharpness of the output: how far logits of random models spread.
const SHARP: f32 = 3.0;

/// A model of random weights. Its vocabulary must be [`spm`] of the same size.
pub fn model(shape: &Shape, seed: u64) -> Vec<u8> {
    let mut maker = Maker { shape, random: Random(seed), items: Vec::new() };
    let (dim, vocab) = (shape.dim, shape.vocab);
    let most = (3.0 / dim as f32).sqrt();
    let reach = 6.0 * SHARP;
    if shape.split {
        maker.matrix("encoder_Wemb", "", vocab, dim, most, reach);
        maker.matrix("decoder_Wemb", if shape.untied { "" } else { "decoder_Wemb" }, vocab, dim, most, reach);
    } else {
        maker.matrix("Wemb", if shape.untied { "" } else { "none" }, vocab, dim, most, reach);
    }
    if shape.untied {
        maker.matrix("decoder_ff_logit_out_W", "decoder_ff_logit_out_W", dim, vocab, most, reach);
    }
    for layer in 1..=shape.encoder {
        maker.attention(&format!("encoder_l{layer}_self"));
        maker.feed_forward(&format!("encoder_l{layer}_ffn"), 1.0);
    }
    for layer in 1..=shape.decoder {
        if shape.ssru {
            let rnn = format!("decoder_l{layer}_rnn");
            maker.dense(&rnn, "", dim, dim, 6.0);
            maker.dense(&rnn, "f", dim, dim, 6.0);
            maker.vector(&format!("{rnn}_bf"), dim, 0.0, 1.0);
            maker.around(&rnn, &format!("{rnn}_ffn"), 1.0);
        } else {
            maker.attention(&format!("decoder_l{layer}_self"));
        }
        maker.attention(&format!("decoder_l{layer}_context"));
        let sharp = if layer == shape.decoder { SHARP } else { 1.0 };
        maker.feed_forward(&format!("decoder_l{layer}_ffn"), sharp);
    }
    if shape.pre_norm {
        maker.norm("encoder_top", "", 1.0);
        maker.norm("decoder_top", "", SHARP);
    }
    // The end is likely enough to come, the unknown token never.
    let bias =
        (0..vocab).map(|id| [7.0, -100.0].get(id).copied().unwrap_or_else(|| maker.random.unit() * 0.2));
    let bias = bias.collect::<Vec<f32>>();
    maker.items.push(NewItem::floats("decoder_ff_logit_out_b", &[1, vocab], &bias));
    maker.items.push(NewItem::text(CONFIG_ITEM, &shape.config()));
    write(&maker.items)
}

/// Letters that vocabularies have one by one.
const SINGLES: &str =
    "\u{2581}abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?'\"-()áéíóúñüß";

/// A vocabulary of `size` pieces: two special ones, 256 bytes, letters, and syllables.
pub fn spm(size: usize) -> SpmFile {
    let mut pieces: Vec<(String, f32, PieceKind)> =
        vec![("</s>".into(), 0.0, PieceKind::Control), ("<unk>".into(), 0.0, PieceKind::Unknown)];
    pieces.extend((0..256).map(|b| (format!("<0x{b:02X}>"), 0.0, PieceKind::Byte)));
    pieces.extend(SINGLES.chars().map(|c| (c.to_string(), -9.0, PieceKind::Normal)));
    let (consonants, vowels) = ("tnsrldmcpgbvfhkzjwqxy", "eaoiu");
    let syllable = |n: usize| -> String {
        let c = |i: usize| consonants.chars().nth(i % 21).unwrap();
        let v = |i: usize| vowels.chars().nth(i % 5).unwrap();
        match n {
            0..105 => [c(n), v(n / 21)].iter().collect(),
            105..2310 => [c(n - 105), v((n - 105) / 21), c((n - 105) / 105)].iter().collect(),
            _ => [c(n - 2310), v((n - 2310) / 21), c((n - 2310) / 105), v((n - 2310) / 2205)]
                .iter()
                .chain(&[c((n - 2310) / 11025)])
                .collect(),
        }
    };
    let mut n = 0;
    while pieces.len() < size {
        let text = if n % 2 == 0 { format!("\u{2581}{}", syllable(n / 2)) } else { syllable(n / 2) };
        pieces.push((text, -3.0 - (n as f32) * 4.0 / size as f32, PieceKind::Normal));
        n += 1;
    }
    pieces.truncate(size);
    SpmFile { pieces, byte_fallback: true, ..SpmFile::default() }
}

/// Sentences of made-up words, 1 to `most` of them.
pub fn sentences(count: usize, most: usize, seed: u64) -> Vec<String> {
    let mut random = Random(seed);
    let letters: Vec<char> = "etaoinshrdlucmfwypvbgk".chars().collect();
    (0..count)
        .map(|_| {
            let words: Vec<String> = (0..=random.below(most))
                .map(|_| (0..=random.below(8)).map(|_| letters[random.below(letters.len())]).collect())
                .collect();
            words.join(" ") + ["", ".", "?", " 42!", ", ñ€"][random.below(5)]
        })
        .collect()
}
