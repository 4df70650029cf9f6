//! What each target does with its bytes. Shared by cargo-fuzz (`fuzz_targets/`) and by the smoke test on stable Rust
//! (`tests/fuzz_smoke.rs`). None may panic; every error is fine.

#![allow(unreachable_pub, reason = "shared with the targets of cargo-fuzz")]

use cuba_nmt::{Cancel, Model, Options, Source};

const MODEL: &[u8] = include_bytes!("../tests/golden/enes.bin");
const VOCAB: &[u8] = include_bytes!("../tests/golden/enes.spm");

fn translate(model: &Model, source: &Source, options: &Options) {
    let options = Options { max_output_tokens: 12, max_source_tokens: 32, ..options.clone() };
    let done = model.translate(source, &options, &Cancel::new());
    if let Ok(translation) = done {
        assert!(translation.tokens.iter().all(|t| translation.text.get(t.range.clone()).is_some()));
        assert!(translation.source_tokens.iter().all(|t| source.text.get(t.range.clone()).is_some()));
    }
}

/// A Marian container; what opens must translate.
pub fn model(bytes: &[u8]) {
    if let Ok(model) = Model::from_bytes(bytes.to_vec(), VOCAB, None) {
        translate(&model, &Source::from("Hello, 42."), &Options::default());
    }
}

/// A SentencePiece file; what opens must encode and decode.
pub fn vocabulary(bytes: &[u8]) {
    if let Ok(vocab) = cuba_nmt::vocab::Vocab::from_bytes(bytes, "vocab.spm") {
        for text in ["Hello, 42.", "\u{2581}ﬁ ½ 水\u{301} 😀", ""] {
            let tokens = vocab.encode(text);
            assert!(tokens.iter().all(|t| text.get(t.range.clone()).is_some()));
            vocab.decode(&vocab.ids(text));
        }
        vocab.decode_ranges(&[0, 1, 2, 3, u32::MAX]);
    }
}

/// A lexical shortlist for a sound model.
pub fn shortlist(bytes: &[u8]) {
    let model = Model::from_bytes(MODEL.to_vec(), VOCAB, None).expect("the model of the repository");
    if let Ok(model) = model.with_shortlist(bytes.to_vec()) {
        let options = Options { shortlist: true, ..Options::default() };
        translate(&model, &Source::from("Where is the station? I am tired."), &options);
    }
}

/// Text, constraints and options: fields are split at NUL.
pub fn text(bytes: &[u8]) {
    use std::sync::OnceLock;
    static SOUND: OnceLock<Model> = OnceLock::new();
    let model = SOUND
        .get_or_init(|| Model::from_bytes(MODEL.to_vec(), VOCAB, None).expect("the model of the repository"));
    let all = String::from_utf8_lossy(bytes);
    let mut fields = all.split('\0');
    let mut source = Source::from(fields.next().unwrap_or_default());
    source.prefix = fields.next().unwrap_or_default().to_owned();
    for (at, field) in fields.take(4).enumerate() {
        source = if at % 2 == 0 { source.force(field, None) } else { source.forbid(field) };
    }
    let beam = 1 + bytes.len() % 3;
    translate(model, &source, &Options { beam, ..Options::default() });
}
