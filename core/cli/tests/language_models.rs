//! Language models that are none, or no longer whole, through the command: each is named with what to do and its exit code,
//! and none ends the process. The models are of the tests of `cuba-llm`: a llama with random weights.

#![cfg(feature = "llm")]
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;
#[path = "../../llm/tests/common/mod.rs"]
mod gguf;

use std::path::{Path, PathBuf};

use common::{Done, Home};
use gguf::V;

/// Takes the prompt of a base model.
const PACK: &str = "gemma-test";

fn add(home: &Home, file: &Path) -> Done {
    home.cuba(&["packs", "add", file.to_str().unwrap(), "--id", PACK], b"")
}

fn translate(home: &Home) -> Done {
    let asked =
        ["translate", "--from", "en", "--to", "es", "--engine", "llm", "--pack", PACK, "--threads", "1"];
    home.cuba(&[&asked[..], &["Good morning."]].concat(), b"")
}

/// A file beside the home, not in it.
fn file(home: &Home, bytes: &[u8]) -> PathBuf {
    let path = home.path().parent().unwrap().join("model.gguf");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Adds the model and translates with it: one of the two refuses, and says this.
#[track_caller]
fn refused(bytes: &[u8], code: i32, words: &[&str]) {
    let home = Home::empty();
    let mut done = add(&home, &file(&home, bytes));
    if done.code == 0 {
        done = translate(&home);
    }
    assert_eq!(done.code, code, "{}", done.err);
    assert!(done.out.is_empty(), "{}", done.out);
    assert!(!done.err.contains("panicked"), "{}", done.err);
    for word in words {
        assert!(done.err.contains(word), "{word:?} is missing: {}", done.err);
    }
}

#[test]
fn a_sound_model_answers() {
    let home = Home::empty();
    let added = add(&home, &gguf::tiny(1).save(home.path().parent().unwrap(), "model.gguf"));
    assert_eq!(added.code, 0, "{}", added.err);
    let done = translate(&home);
    assert_eq!((done.code, done.out.lines().count()), (0, 1), "{}", done.err);
}

#[test]
fn a_model_cut_anywhere_is_called_cut() {
    let whole = gguf::tiny(1).bytes();
    for at in [4, 8, 24, 400, whole.len() / 2, whole.len() - 64] {
        refused(whole.get(..at).unwrap(), 6, &["model.gguf", "cut short", "again"]);
    }
    refused(b"", 1, &["model.gguf"]);
    refused(b"PK\x03\x04 some archive", 6, &["model.gguf", "GGUF"]);
}

#[test]
fn an_unknown_architecture_is_named() {
    let mut model = gguf::tiny(1);
    for (key, _) in &mut model.values {
        *key = key.replace("llama.", "hal9000.");
    }
    model.set("general.architecture", V::Str("hal9000".into()));
    refused(&model.bytes(), 1, &["model.gguf", "hal9000", "update"]);
}

#[test]
fn a_model_with_another_hash_than_its_pack_says_is_never_loaded() {
    let home = Home::empty();
    let folder = home.path().parent().unwrap().to_owned();
    assert_eq!(add(&home, &gguf::tiny(1).save(&folder, "model.gguf")).code, 0);
    let pack = folder.join("model.cubapack");
    assert_eq!(home.cuba(&["packs", "export", PACK, pack.to_str().unwrap()], b"").code, 0);

    // On the way: one bit of the weights.
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).unwrap() ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    let other = Home::empty();
    let added = other.cuba(&["packs", "add", pack.to_str().unwrap()], b"");
    assert_eq!(added.code, 6, "{}", added.err);
    assert!(added.err.contains("model.gguf") && added.err.contains("sha256"), "{}", added.err);

    // In the store: the same file with another bit.
    let blobs = home.path().join("blobs").join("sha256");
    let mut stored = Vec::new();
    let mut folders = vec![blobs];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { stored.push(path) }
        }
    }
    let weights = stored.into_iter().max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::remove_file(&weights).unwrap();
    std::fs::write(&weights, bytes).unwrap();
    let done = translate(&home);
    assert_eq!((done.code, done.out.as_str()), (6, ""), "{}", done.err);
    assert!(done.err.contains("model.gguf"), "{}", done.err);
}
