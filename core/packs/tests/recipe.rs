//! Packs made on the user's side: part of them lies in a folder, a large model is cut down.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::about;
use cuba_packs::{
    Base, Digest, InstallOptions, ListedSource, Offer, OfferedFile, Origin, PackError, Quiet, RecipeSource,
    Role, Source, WheelPart,
};

/// The smallest model there is: three tokens, an embedding of a block each. Row `i` is full of byte `i`.
fn model(tokens: &[u8]) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut out = b"GGUF\x03\0\0\0".to_vec();
    out.extend([1_u64.to_le_bytes(), 1_u64.to_le_bytes()].concat());
    out.extend(text("tokenizer.ggml.tokens"));
    out.extend([9_u32.to_le_bytes(), 8_u32.to_le_bytes()].concat());
    out.extend((tokens.len() as u64).to_le_bytes());
    for token in tokens {
        out.extend(text(&format!("t{token}")));
    }
    out.extend(text("token_embd.weight"));
    out.extend(2_u32.to_le_bytes());
    out.extend([32_u64.to_le_bytes(), (tokens.len() as u64).to_le_bytes()].concat());
    out.extend([&8_u32.to_le_bytes()[..], &0_u64.to_le_bytes()].concat());
    out.resize(out.len().next_multiple_of(32), 0);
    for token in tokens {
        out.extend([*token; 34]);
    }
    out.resize(out.len().next_multiple_of(32), 0);
    out
}

fn offered(path: &str, role: Role, content: &[u8], origin: Option<Origin>) -> OfferedFile {
    let (size, sha256) = (Some(content.len() as u64), Some(Digest::of(content)));
    OfferedFile { path: path.into(), role, size, sha256, origin }
}

/// A folder with a recipe for `small`, cut from a base that only pip could fetch.
fn recipe(folder: &Path, base: &[u8], small: &[u8], keep: &str) {
    let part = WheelPart {
        package: "no-such-package".into(),
        version: "1".into(),
        wheel_sha256: Digest::of(b"wheel"),
        wheel_size: 1,
        member: "part".into(),
        size: base.len() as u64,
        sha256: Digest::of(base),
    };
    let base = Base { size: base.len() as u64, sha256: Digest::of(base), parts: vec![part] };
    let files = vec![
        offered("small.gguf", Role::Model, small, Some(Origin::Trimmed { keep: keep.into(), base })),
        offered("adapter.gguf", Role::Adapter, b"adapter", None),
    ];
    let offer = Offer { about: about("small", "1"), files };
    fs::write(folder.join("recipe.json"), serde_json::to_vec(&offer).unwrap()).unwrap();
    fs::write(folder.join("adapter.gguf"), b"adapter").unwrap();
    fs::write(folder.join("kept-tokens.bin"), [0b101]).unwrap();
}

fn source(folder: &Path) -> RecipeSource {
    RecipeSource::open(folder, ListedSource::new).unwrap()
}

#[test]
fn a_model_is_cut_down_from_one_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let (base, small) = (model(&[0, 1, 2]), model(&[0, 2]));
    recipe(dir.path(), &base, &small, "kept-tokens.bin");
    fs::write(dir.path().join("other"), b"another model").unwrap();
    fs::write(dir.path().join("base"), &base).unwrap();
    let store = common::open(&dir.path().join("home"));
    let source = source(dir.path()).with_base(dir.path().join("other")).with_base(dir.path().join("base"));
    assert_eq!(source.offer().size(), small.len() as u64 + 7);
    let pack = store.install(&source, &InstallOptions::default(), &Quiet).unwrap();
    let loaded = store.load(&"small".parse().unwrap(), &Quiet).unwrap();
    assert_eq!(fs::read(loaded.path(&Role::Model).unwrap()).unwrap(), small);
    assert_eq!(fs::read(loaded.path(&Role::Adapter).unwrap()).unwrap(), b"adapter");
    assert!(pack.current && store.verify(&"small".parse().unwrap(), &Quiet).unwrap().is_empty());
}

#[test]
fn what_is_not_the_pinned_result_is_not_installed() {
    let dir = tempfile::tempdir().unwrap();
    let base = model(&[0, 1, 2]);
    recipe(dir.path(), &base, &model(&[0, 1]), "kept-tokens.bin");
    fs::write(dir.path().join("base"), &base).unwrap();
    let store = common::open(&dir.path().join("home"));
    let source = source(dir.path()).with_base(dir.path().join("base"));
    let error = store.install(&source, &InstallOptions::default(), &Quiet).unwrap_err();
    assert!(matches!(&error, PackError::Corrupt { file, .. } if file == "small.gguf"), "{error}");
    assert!(store.list().unwrap().packs.is_empty());
}

#[test]
fn a_base_that_cannot_be_had_is_named() {
    let dir = tempfile::tempdir().unwrap();
    recipe(dir.path(), &model(&[0, 1, 2]), &model(&[0, 2]), "kept-tokens.bin");
    let store = common::open(&dir.path().join("home"));
    let error = store.install(&source(dir.path()), &InstallOptions::default(), &Quiet).unwrap_err();
    assert!(matches!(error, PackError::NotFound { .. }), "{error}");
}

#[test]
fn a_list_outside_the_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    recipe(dir.path(), &model(&[0, 1, 2]), &model(&[0, 2]), "../kept-tokens.bin");
    let error = RecipeSource::open(dir.path(), ListedSource::new).unwrap_err();
    assert!(matches!(error, PackError::Corrupt { .. }), "{error}");
}
