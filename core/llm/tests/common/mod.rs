//! Model files made by the tests: a GGUF writer, and a llama with random weights and a vocabulary of 330 tokens.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_for_each
)]

use std::path::{Path, PathBuf};

/// A header value in the making.
#[derive(Clone)]
pub enum V {
    U32(u32),
    F32(f32),
    Bool(bool),
    Str(String),
    Strs(Vec<String>),
    F32s(Vec<f32>),
    I32s(Vec<i32>),
}

/// A GGUF file in the making; tensors are `f32`.
#[derive(Clone, Default)]
pub struct Gguf {
    pub values: Vec<(String, V)>,
    pub tensors: Vec<(String, Vec<u64>, Vec<f32>)>,
}

impl Gguf {
    pub fn set(&mut self, key: &str, value: V) {
        self.values.retain(|(k, _)| k != key);
        self.values.push((key.to_owned(), value));
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.values.len() as u64).to_le_bytes());
        for (key, value) in &self.values {
            text(&mut out, key);
            write(&mut out, value);
        }
        let mut offset = 0u64;
        for (name, dims, data) in &self.tensors {
            text(&mut out, name);
            out.extend((dims.len() as u32).to_le_bytes());
            dims.iter().for_each(|d| out.extend(d.to_le_bytes()));
            out.extend(0u32.to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset += (data.len() as u64 * 4).next_multiple_of(32);
        }
        out.resize(out.len().next_multiple_of(32), 0);
        for (_, _, data) in &self.tensors {
            data.iter().for_each(|x| out.extend(x.to_le_bytes()));
            out.resize(out.len().next_multiple_of(32), 0);
        }
        out
    }

    pub fn save(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

fn text(out: &mut Vec<u8>, s: &str) {
    out.extend((s.len() as u64).to_le_bytes());
    out.extend(s.as_bytes());
}

fn write(out: &mut Vec<u8>, value: &V) {
    let head = |out: &mut Vec<u8>, kind: u32, len: usize| {
        out.extend(9u32.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend((len as u64).to_le_bytes());
    };
    match value {
        V::U32(n) => {
            out.extend(4u32.to_le_bytes());
            out.extend(n.to_le_bytes());
        }
        V::F32(x) => {
            out.extend(6u32.to_le_bytes());
            out.extend(x.to_le_bytes());
        }
        V::Bool(b) => {
            out.extend(7u32.to_le_bytes());
            out.push(u8::from(*b));
        }
        V::Str(s) => {
            out.extend(8u32.to_le_bytes());
            text(out, s);
        }
        V::Strs(list) => {
            head(out, 8, list.len());
            list.iter().for_each(|s| text(out, s));
        }
        V::F32s(list) => {
            head(out, 6, list.len());
            list.iter().for_each(|x| out.extend(x.to_le_bytes()));
        }
        V::I32s(list) => {
            head(out, 5, list.len());
            list.iter().for_each(|x| out.extend(x.to_le_bytes()));
        }
    }
}

/// Vigna's `SplitMix64`, so that every run of the tests sees the same model.
pub struct Rng(pub u64);

impl Rng {
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

    /// Roughly normal, standard deviation `s`.
    pub fn normal(&mut self, s: f32) -> f32 {
        let sum: f64 = (0..12).map(|_| (self.next() >> 11) as f64 / (1u64 << 53) as f64).sum();
        (sum - 6.0) as f32 * s
    }

    pub fn matrix(&mut self, count: usize, s: f32) -> Vec<f32> {
        (0..count).map(|_| self.normal(s)).collect()
    }
}

pub const EMBD: usize = 64;
const LAYERS: usize = 2;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const FF: usize = 128;
pub const TRAINED_CONTEXT: u32 = 512;

pub const CHATML: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                          {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// `(text, score, type)`: type 1 normal, 2 unknown, 3 control, 6 byte.
fn vocabulary() -> Vec<(String, f32, i32)> {
    let mut v = vec![
        ("<unk>".to_owned(), 0.0, 2),
        ("<s>".to_owned(), 0.0, 3),
        ("</s>".to_owned(), 0.0, 3),
        ("<|im_start|>".to_owned(), 0.0, 3),
        ("<|im_end|>".to_owned(), 0.0, 3),
    ];
    v.extend((0..256).map(|b| (format!("<0x{b:02X}>"), 0.0, 6)));
    let words = "▁ a b c d e f g h i j k l m n o p q r s t u v w x y z . , ? ! : 0 1 2 3 4 5 6 7 8 9 é ñ ▁a ▁t ▁th ▁the in \
                 on er ▁s ▁w es la ▁la ▁de os as";
    v.extend(words.split(' ').enumerate().map(|(i, w)| (w.to_owned(), -(i as f32), 1)));
    v
}

/// A llama with random weights, the same for the same seed.
pub fn tiny(seed: u64) -> Gguf {
    let vocabulary = vocabulary();
    let n = vocabulary.len();
    let mut g = Gguf::default();
    g.set("general.architecture", V::Str("llama".into()));
    g.set("general.name", V::Str("tiny test llama".into()));
    for (key, value) in [
        ("context_length", TRAINED_CONTEXT),
        ("embedding_length", EMBD as u32),
        ("block_count", LAYERS as u32),
        ("feed_forward_length", FF as u32),
        ("attention.head_count", HEADS as u32),
        ("attention.head_count_kv", KV_HEADS as u32),
        ("rope.dimension_count", (EMBD / HEADS) as u32),
    ] {
        g.set(&format!("llama.{key}"), V::U32(value));
    }
    g.set("llama.attention.layer_norm_rms_epsilon", V::F32(1e-5));
    g.set("tokenizer.ggml.model", V::Str("llama".into()));
    g.set("tokenizer.ggml.tokens", V::Strs(vocabulary.iter().map(|t| t.0.clone()).collect()));
    g.set("tokenizer.ggml.scores", V::F32s(vocabulary.iter().map(|t| t.1).collect()));
    g.set("tokenizer.ggml.token_type", V::I32s(vocabulary.iter().map(|t| t.2).collect()));
    for (key, id) in [("bos", 1), ("eos", 2), ("eot", 4), ("unknown", 0)] {
        g.set(&format!("tokenizer.ggml.{key}_token_id"), V::U32(id));
    }
    g.set("tokenizer.ggml.add_bos_token", V::Bool(true));
    g.set("tokenizer.chat_template", V::Str(CHATML.into()));

    let mut rng = Rng(seed);
    let mut add = |name: &str, cols: usize, rows: usize, scale: f32| {
        let data = rng.matrix(cols * rows, scale / (cols as f32).sqrt());
        g.tensors.push((name.to_owned(), vec![cols as u64, rows as u64], data));
    };
    add("token_embd.weight", EMBD, n, 8.0);
    add("output.weight", EMBD, n, 3.0);
    let kv = EMBD / HEADS * KV_HEADS;
    for layer in 0..LAYERS {
        for (name, cols, rows) in [
            ("attn_q", EMBD, EMBD),
            ("attn_k", EMBD, kv),
            ("attn_v", EMBD, kv),
            ("attn_output", EMBD, EMBD),
            ("ffn_gate", EMBD, FF),
            ("ffn_up", EMBD, FF),
            ("ffn_down", FF, EMBD),
        ] {
            add(&format!("blk.{layer}.{name}.weight"), cols, rows, 1.5);
        }
    }
    let mut norm = |name: String| g.tensors.push((name, vec![EMBD as u64], vec![1.0; EMBD]));
    norm("output_norm.weight".into());
    for layer in 0..LAYERS {
        norm(format!("blk.{layer}.attn_norm.weight"));
        norm(format!("blk.{layer}.ffn_norm.weight"));
    }
    g
}

/// A random rank-4 adapter for [`tiny`].
pub fn adapter(seed: u64) -> Gguf {
    let rank = 4;
    let mut g = Gguf::default();
    g.set("general.architecture", V::Str("llama".into()));
    g.set("general.type", V::Str("adapter".into()));
    g.set("adapter.type", V::Str("lora".into()));
    g.set("adapter.lora.alpha", V::F32(rank as f32));
    let mut rng = Rng(seed);
    for layer in 0..LAYERS {
        for (name, cols, rows) in
            [("attn_q", EMBD, EMBD), ("attn_output", EMBD, EMBD), ("ffn_down", FF, EMBD)]
        {
            let base = format!("blk.{layer}.{name}.weight");
            let a = rng.matrix(cols * rank, 1.0 / (cols as f32).sqrt());
            let b = rng.matrix(rank * rows, 1.0);
            g.tensors.push((format!("{base}.lora_a"), vec![cols as u64, rank as u64], a));
            g.tensors.push((format!("{base}.lora_b"), vec![rank as u64, rows as u64], b));
        }
    }
    g
}

/// Anonymous resident memory of this process in bytes.
pub fn rss_anon() -> u64 {
    status("RssAnon:")
}

/// File-mapped resident memory of this process in bytes.
pub fn rss_file() -> u64 {
    status("RssFile:")
}

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix(key)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
