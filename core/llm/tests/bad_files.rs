//! Files that are no model, or no longer one: each is named, with what to do, and none reaches an abort.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Gguf, Rng, V};
use cuba_llm::gguf::Header;
use cuba_llm::{Cancel, Llm, LlmError, LoadOptions, Request};

fn options() -> LoadOptions {
    LoadOptions { context_tokens: 128, max_sequences: 1, threads: Some(1), ..LoadOptions::default() }
}

fn error(path: &Path) -> LlmError {
    let error = Llm::load(path, &options()).map(|_| "loaded").unwrap_err();
    assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
    error
}

#[test]
fn a_missing_file_and_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(error(&dir.path().join("none.gguf")), LlmError::Io { .. }));
    std::fs::create_dir(dir.path().join("folder.gguf")).unwrap();
    assert!(matches!(error(&dir.path().join("folder.gguf")), LlmError::Damaged { .. }));
}

#[test]
fn other_files() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("zip", b"PK\x03\x04aaaaaaaaaaaa"),
        ("html", b"<!DOCTYPE html>404"),
        ("three", b"GGU"),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let e = error(&path);
        assert!(matches!(e, LlmError::Damaged { .. }) && e.to_string().contains(".gguf"), "{e}");
    }
}

#[test]
fn a_file_cut_anywhere_is_called_cut() {
    let whole = common::tiny(1).bytes();
    let dir = tempfile::tempdir().unwrap();
    let mut rng = Rng(7);
    let mut places: Vec<usize> = (0..60).map(|_| 4 + rng.below(whole.len() - 64)).collect();
    places.extend([4, 8, 16, 24, whole.len() / 2]);
    for at in places {
        let path = dir.path().join("cut.gguf");
        std::fs::write(&path, &whole[..at]).unwrap();
        let e = error(&path);
        assert!(matches!(e, LlmError::Damaged { .. }), "{at}: {e}");
        assert!(e.to_string().contains("cut short") && e.to_string().contains("again"), "{at}: {e}");
    }
}

fn with(change: impl FnOnce(&mut Gguf)) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let mut g = common::tiny(1);
    change(&mut g);
    let path = g.save(dir.path(), "changed.gguf");
    (dir, path)
}

#[test]
fn an_unknown_architecture_is_named() {
    let (_dir, path) = with(|g| {
        let renamed: Vec<(String, V)> =
            g.values.drain(..).map(|(k, v)| (k.replace("llama.", "hal9000."), v)).collect();
        g.values = renamed;
        g.set("general.architecture", V::Str("hal9000".into()));
    });
    let e = error(&path);
    assert!(matches!(e, LlmError::Unsupported { .. }), "{e}");
    assert!(e.to_string().contains("hal9000") && e.to_string().contains("update"), "{e}");
}

#[test]
fn a_missing_tensor_is_named() {
    let (_dir, path) = with(|g| g.tensors.retain(|t| t.0 != "blk.1.ffn_up.weight"));
    let e = error(&path);
    assert!(e.to_string().contains("blk.1.ffn_up.weight"), "{e}");
}

type Change = Box<dyn FnOnce(&mut Gguf)>;

#[test]
fn headers_that_contradict_themselves() {
    let cases: Vec<(&str, Change)> = vec![
        ("no architecture", Box::new(|g| g.values.retain(|(k, _)| k != "general.architecture"))),
        ("no vocabulary", Box::new(|g| g.values.retain(|(k, _)| k != "tokenizer.ggml.tokens"))),
        ("zero width", Box::new(|g| g.set("llama.embedding_length", V::U32(0)))),
        ("no layers", Box::new(|g| g.set("llama.block_count", V::U32(0)))),
        ("many layers", Box::new(|g| g.set("llama.block_count", V::U32(60_000)))),
        ("no heads", Box::new(|g| g.set("llama.attention.head_count", V::U32(0)))),
        ("odd heads", Box::new(|g| g.set("llama.attention.head_count", V::U32(7)))),
        ("odd kv heads", Box::new(|g| g.set("llama.attention.head_count_kv", V::U32(3)))),
        ("few scores", Box::new(|g| g.set("tokenizer.ggml.scores", V::F32s(vec![0.0; 3])))),
        ("foreign bos", Box::new(|g| g.set("tokenizer.ggml.bos_token_id", V::U32(99_999)))),
        ("an adapter", Box::new(|g| g.set("general.type", V::Str("adapter".into())))),
        ("a part", Box::new(|g| g.set("split.count", V::U32(4)))),
        ("odd alignment", Box::new(|g| g.set("general.alignment", V::U32(3)))),
        ("rope wider than a head", Box::new(|g| g.set("llama.rope.dimension_count", V::U32(4096)))),
        ("a text for a number", Box::new(|g| g.set("llama.context_length", V::Str("many".into())))),
        (
            "no newline token",
            Box::new(|g| {
                let bytes = |(_, v): &mut (String, V)| {
                    if let V::Strs(list) = v {
                        list[5 + 10] = "<0xZZ>".into();
                    }
                };
                g.values.iter_mut().filter(|(k, _)| k == "tokenizer.ggml.tokens").for_each(bytes);
            }),
        ),
    ];
    for (name, change) in cases {
        let (_dir, path) = with(change);
        // Some of these load (llama.cpp has its own idea of what is missing); none may end the process.
        if let Err(e) = Llm::load(&path, &options()) {
            assert!(e.to_string().contains("changed.gguf"), "{name}: {e}");
        } else {
            assert!(["no newline token", "rope wider than a head"].contains(&name), "{name} was loaded");
        }
    }
}

#[test]
fn too_little_memory_is_refused_with_numbers_before_loading() {
    let dir = tempfile::tempdir().unwrap();
    let path = common::tiny(1).save(dir.path(), "t.gguf");
    let e = Llm::load(&path, &LoadOptions { available_memory: Some(1_000_000), ..options() }).unwrap_err();
    let LlmError::Memory { needed, mapped, available, .. } = e else { panic!("{e}") };
    assert!(needed > mapped && mapped > 300_000 && available == 1_000_000);
    assert!(Llm::load(&path, &LoadOptions { available_memory: Some(needed), ..options() }).is_ok());
    let wide = LoadOptions { context_tokens: 100_000, ..options() };
    assert!(Llm::memory_need(&path, &wide).unwrap().total() > needed);
}

#[test]
fn the_header_reader_agrees_with_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let g = common::tiny(1);
    let path = g.save(dir.path(), "t.gguf");
    let h = Header::open(&path).unwrap();
    assert_eq!(h.architecture(), Some("llama"));
    assert_eq!(h.arch_uint("embedding_length"), Some(64));
    assert_eq!(h.flag("tokenizer.ggml.add_bos_token"), Some(true));
    assert_eq!(h.token_text(&path, 1).as_deref(), Some("<s>"));
    assert_eq!(h.token_text(&path, 999_999), None);
    assert_eq!(h.tensors.len(), g.tensors.len());
    assert_eq!(h.tensor_bytes(), g.tensors.iter().map(|t| t.2.len() as u64 * 4).sum::<u64>());
    assert_eq!(Header::parse(&g.bytes()).unwrap().values, h.values);
}

/// Bytes changed at random in header and data. The loads run in a child process, so that an abort in C++ would be seen.
#[test]
fn damaged_files_never_end_the_process() {
    const ROUNDS: usize = 150;
    // `CUBA_LLM_DAMAGED=1000-5000` runs other rounds, to look for more.
    if let Ok(range) = std::env::var("CUBA_LLM_DAMAGED") {
        let (from, to) = range.split_once('-').unwrap();
        load_damaged(from.parse().unwrap(), to.parse().unwrap());
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "damaged_files_never_end_the_process", "--nocapture"])
        .env("CUBA_LLM_DAMAGED", format!("0-{ROUNDS}"))
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&child.stdout);
    let last = out.lines().rfind(|l| l.starts_with("round ")).unwrap_or("none");
    let err = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "ended at {last}: {}\n{err}", child.status);
    assert!(out.contains(&format!("round {} ", ROUNDS - 1)), "{out}");
}

fn load_damaged(from: usize, to: usize) {
    let sound = common::tiny(1);
    let bytes = sound.bytes();
    let header = Header::parse(&bytes).unwrap().data_start as usize;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("d.gguf");
    let mut loaded = 0;
    for round in from..to {
        let mut rng = Rng(round as u64);
        let mut b = bytes.clone();
        for _ in 0..=rng.below(6) {
            let at = if rng.below(8) == 0 { rng.below(b.len()) } else { 24 + rng.below(header - 24) };
            b[at] = match rng.below(3) {
                0 => b[at] ^ (1 << rng.below(8)),
                1 => [0, 1, 0x7f, 0x80, 0xff][rng.below(5)],
                _ => rng.next() as u8,
            };
        }
        std::fs::write(&path, &b).unwrap();
        println!("round {round} ");
        if let Ok(llm) = Llm::load(&path, &options()) {
            loaded += 1;
            let _ = llm.generate(
                Request { max_tokens: 3, ..Request::text("hola amigos") },
                &Cancel::new(),
                |_| {},
            );
        }
    }
    println!("{loaded} of {} loaded", to - from);
}

/// On an emulated processor of 2008 the program starts, and loading is refused by name instead of with SIGILL.
#[test]
#[cfg(all(target_arch = "x86_64", not(feature = "cpu-variants")))]
fn an_old_processor_gets_an_error_and_no_signal() {
    if std::env::var_os("CUBA_LLM_OLD_PROCESSOR").is_some() {
        let e = error_of_any(Path::new("any.gguf"));
        println!("refused: {e}");
        return;
    }
    let child = Command::new("qemu-x86_64-static")
        .args(["-cpu", "Nehalem"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "an_old_processor_gets_an_error_and_no_signal", "--nocapture"])
        .env("CUBA_LLM_OLD_PROCESSOR", "1")
        .output();
    let Ok(child) = child else {
        eprintln!("skipped: qemu-x86_64-static is not installed");
        return;
    };
    let out = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{}\n{out}", child.status);
    assert!(out.contains("refused: this processor lacks avx2, fma, f16c, bmi2"), "{out}");
}

fn error_of_any(path: &Path) -> LlmError {
    Llm::load(path, &options()).map(|_| "loaded").unwrap_err()
}
