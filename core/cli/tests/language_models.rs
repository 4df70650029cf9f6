//! Language models that are none, or no longer whole, through the command: each is named with what to do and its exit code,
//! and none ends the process. The models are of the tests of `cuba-llm`: a llama with random weights.

#![cfg(feature = "llm")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends at the first surprise and shows what it measured"
)]

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

/// The most memory that a translation of so many short lines took, weights and all, in KiB.
#[cfg(target_os = "linux")]
fn peak(home: &Home, lines: usize) -> u64 {
    use std::io::{Read as _, Write as _};

    let asked =
        ["translate", "--from", "en", "--to", "es", "--engine", "llm", "--pack", PACK, "--threads", "1"];
    let mut command = home.command(&asked);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let feeder = std::thread::spawn(move || {
        for line in 0..lines {
            writeln!(stdin, "{line} tea.").unwrap();
        }
    });
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text.lines().count()
    });
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = high.and_then(|high| high.trim().trim_end_matches(" kB").parse().ok());
        peak = kib.unwrap_or(0).max(peak);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    feeder.join().unwrap();
    assert_eq!(reader.join().unwrap(), lines);
    peak
}

#[test]
#[cfg(target_os = "linux")]
fn many_lines_take_no_more_memory_than_some() {
    let many = std::env::var("CUBA_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(50);
    let home = Home::empty();
    let mut model = gguf::tiny(1);
    // Room for the examples, which this vocabulary spells letter by letter.
    model.set("llama.context_length", V::U32(4096));
    assert_eq!(add(&home, &model.save(home.path().parent().unwrap(), "model.gguf")).code, 0);
    let (some, all) = (peak(&home, many / 10), peak(&home, many));
    println!("peak of {} lines {some} KiB, of {many} {all} KiB", many / 10);
    assert!(all < some + (6 << 10), "{} lines took {some} KiB, {many} took {all} KiB", many / 10);
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
    // A folder whose manifest is that of the model, with one bit of the weights changed.
    let records = std::fs::read_dir(home.path().join("packs").join(PACK)).unwrap();
    let record =
        records.map(|entry| entry.unwrap().path()).find(|path| path.extension() == Some("json".as_ref()));
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(record.unwrap()).unwrap()).unwrap();
    let pack = folder.join("pack");
    std::fs::create_dir(&pack).unwrap();
    std::fs::write(pack.join("manifest.json"), record["manifest"].to_string()).unwrap();
    let mut bytes = std::fs::read(folder.join("model.gguf")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(pack.join("model.gguf"), &bytes).unwrap();
    let other = Home::empty();
    let added = other.cuba(&["packs", "add", pack.to_str().unwrap()], b"");
    assert_eq!(added.code, 6, "{}", added.err);
    assert!(added.err.contains("model.gguf") && added.err.contains("sha256"), "{}", added.err);

    // The same bit in the store.
    let blobs = home.path().join("blobs").join("sha256");
    let mut stored = Vec::new();
    let mut folders = vec![blobs];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { stored.push(path) }
        }
    }
    let weights = stored.into_iter().max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap();
    std::fs::remove_file(&weights).unwrap();
    std::fs::write(&weights, bytes).unwrap();
    let done = translate(&home);
    assert_eq!((done.code, done.out.as_str()), (6, ""), "{}", done.err);
    assert!(done.err.contains("model.gguf"), "{}", done.err);
}
