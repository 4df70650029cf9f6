//! `cuba packs get` from a model registry of Mozilla's form, served as its publisher lays the files out.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test ends at the first surprise"
)]

mod common;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests of cuba-packs; this one needs part of it"
)]
#[path = "../../packs/tests/common/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use common::Home;
use cuba_packs::Digest;
use server::{Answer, Server};

const MODEL: &str = "model.enes.intgemm.alphas.bin";
const VOCAB: &str = "vocab.enes.spm";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/training/fixtures").join(name))
        .unwrap()
}

/// What the server has: path to content. The tiny English-Spanish model stands for both directions.
fn publish(damaged: bool) -> BTreeMap<String, Vec<u8>> {
    let (mut model, vocab) = (fixture(MODEL), fixture(VOCAB));
    let (hash, size) = (Digest::of(&model).to_string(), model.len());
    if damaged {
        *model.last_mut().unwrap() ^= 1;
    }
    let mut files = BTreeMap::new();
    let mut models = serde_json::Map::new();
    for (from, to) in [("en", "es"), ("es", "en")] {
        let folder = format!("models/{from}-{to}/student/exported");
        let (model_path, vocab_path) = (
            format!("{folder}/model.{from}{to}.intgemm.alphas.bin.gz"),
            format!("{folder}/vocab.{from}{to}.spm.gz"),
        );
        files.insert(model_path.clone(), gzip(&model));
        files.insert(vocab_path.clone(), gzip(&vocab));
        let entry = serde_json::json!([{
            "architecture": "tiny", "releaseStatus": "Release", "sourceLanguage": from, "targetLanguage": to,
            "files": {
                "model": { "path": model_path, "uncompressedHash": hash, "uncompressedSize": size },
                "vocab": { "path": vocab_path },
            },
            "metrics": { "flores200-plus": { "bleu": 20.0, "chrf": 50.0 } },
        }]);
        models.insert(format!("{from}-{to}"), entry);
    }
    let registry = serde_json::json!({ "baseUrl": "https://models.invalid", "models": models });
    files.insert("models.json".to_owned(), registry.to_string().into_bytes());
    files
}

fn serve(files: BTreeMap<String, Vec<u8>>, drop_first: Option<usize>) -> Server {
    Server::start(move |request| match files.get(&request.path) {
        Some(content) => {
            let answer = Answer::file(request, content, "\"v1\"");
            match drop_first.filter(|_| request.earlier == 0 && request.path.contains("model.")) {
                Some(bytes) => answer.dropping(bytes),
                None => answer,
            }
        }
        None => Answer::new(404, b"not here"),
    })
}

#[test]
fn a_direction_comes_from_a_mirror_through_a_dropped_connection_and_translates() {
    let server = serve(publish(false), Some(20_000));
    let home = Home::empty();
    let (registry, mirror) = (server.url("models.json"), server.url(""));
    let shelf = ["--registry", registry.as_str(), "--mirror", mirror.trim_end_matches('/')];
    let listed = home.cuba(&[&["packs", "list", "--available"][..], &shelf].concat(), b"");
    assert!(listed.code == 0 && listed.out.contains("en-es"), "{} {}", listed.out, listed.err);
    let got = home.cuba(&[&["packs", "get", "en-es", "es-en"][..], &shelf].concat(), b"");
    assert_eq!(got.code, 0, "{}", got.err);
    assert!(got.err.contains("MPL-2.0") || got.err.contains("Mozilla"), "the licence is shown: {}", got.err);
    let again =
        server.requests().iter().filter(|r| r.path.contains("model.enes") && r.range().is_some()).count();
    assert_eq!(again, 1, "the rest of the model was asked for, not all of it again");
    let done = home.cuba(&["translate", "--from", "en", "--to", "es", "--json", "Good morning."], b"");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("\"nmt:en-es\""), "{}", done.out);
    // Equal content is kept once, whoever brought it.
    let verified = home.cuba(&["packs", "verify"], b"");
    assert_eq!(verified.code, 0, "{}", verified.err);
}

#[test]
fn a_model_that_is_not_what_the_registry_says_is_named_and_not_installed() {
    let server = serve(publish(true), None);
    let home = Home::empty();
    let (registry, mirror) = (server.url("models.json"), server.url(""));
    let got = home.cuba(
        &["packs", "get", "en-es", "--registry", &registry, "--mirror", mirror.trim_end_matches('/')],
        b"",
    );
    assert_eq!(got.code, 6, "{}", got.err);
    assert!(got.err.contains(MODEL), "{}", got.err);
    let list = home.cuba(&["packs", "list", "--json"], b"");
    assert!(!list.out.contains("\"en-es\""), "{}", list.out);
}

/// Lays files out in a folder of their own.
fn lay_out(parent: &Path, name: &str, files: &[(&str, &[u8])]) -> String {
    let folder = parent.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, content) in files {
        std::fs::write(folder.join(name), content).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}

#[test]
fn models_that_a_user_has_already_translate_in_every_layout() {
    let (model, vocab) = (fixture(MODEL), fixture(VOCAB));
    let (packed_model, packed_vocab) = (gzip(&model), gzip(&vocab));
    let info = br#"{"modelName": "English-Spanish tiny", "srcTags": {"en": "English"}, "trgTag": "es", "version": 1}"#;
    let firefox: &[(&str, &[u8])] = &[(MODEL, &model), (VOCAB, &vocab)];
    let bergamot: &[(&str, &[u8])] =
        &[("model.enes.intgemm.alphas.bin.gz", &packed_model), ("vocab.enes.spm.gz", &packed_vocab)];
    let translate_locally: &[(&str, &[u8])] = &[
        ("model.intgemm.alphas.bin", &model),
        ("vocab.spm", &vocab),
        ("config.intgemm8bitalpha.yml", b"beam-size: 1\n"),
        ("model_info.json", info),
    ];
    let mut outputs = Vec::new();
    for (name, files) in [("enes", firefox), ("bergamot", bergamot), ("en-es-tiny-1", translate_locally)] {
        let home = Home::empty();
        let folder = lay_out(home.path().parent().unwrap(), name, files);
        let added = home.cuba(&["packs", "add", &folder], b"");
        assert_eq!(added.code, 0, "{name}: {}", added.err);
        let done = home.cuba(&["translate", "--from", "en", "--to", "es", "--json", "Good morning."], b"");
        assert!(done.code == 0 && done.out.contains("\"nmt:en-es\""), "{name}: {} {}", done.out, done.err);
        outputs.push(home.cuba(&["translate", "--from", "en", "--to", "es", "Good morning."], b"").out);
    }
    assert!(outputs.iter().all(|out| *out == outputs[0] && !out.trim().is_empty()), "{outputs:?}");
}

#[test]
fn a_damaged_file_or_one_of_another_model_is_named_with_its_cause() {
    const SHORTLIST: &str = "lex.50.50.enes.s2t.bin";
    let (model, vocab) = (fixture(MODEL), fixture(VOCAB));
    let (half_model, half_vocab) = (&model[..model.len() / 2], &vocab[..vocab.len() / 2]);
    let other =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../nmt/tests/golden/plain.spm")).unwrap();
    let cases = [
        (MODEL, "is damaged", half_model, vocab.as_slice(), None),
        (VOCAB, "is damaged", model.as_slice(), half_vocab, None),
        (VOCAB, "does not belong to this model", &model, &other, None),
        (SHORTLIST, "is damaged", &model, &vocab, Some(b"not a shortlist".as_slice())),
    ];
    for (at, (file, wanted, model, vocab, shortlist)) in cases.into_iter().enumerate() {
        let home = Home::empty();
        let mut files = vec![(MODEL, model), (VOCAB, vocab)];
        files.extend(shortlist.map(|content| (SHORTLIST, content)));
        let folder = lay_out(home.path().parent().unwrap(), "enes", &files);
        let added = home.cuba(&["packs", "add", &folder], b"");
        let done = home.cuba(&["translate", "--from", "en", "--to", "es", "Good morning."], b"");
        let said = if added.code == 0 { &done } else { &added };
        assert!(said.code != 0 && done.out.is_empty(), "case {at}: {} {}", said.code, done.out);
        assert!(said.err.contains(&format!("{file} {wanted}")), "case {at}: {}", said.err);
    }
}

#[test]
fn the_packs_that_come_along_are_listed_before_anything_was_translated() {
    let home = Home::empty();
    let mut command = home.command(&["packs", "list"]);
    command.env("CUBA_STARTER_PACKS", concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/starter"));
    let done = common::run(command, b"");
    assert!(
        done.code == 0 && done.out.contains("en-es") && done.out.contains("es-en"),
        "{}{}",
        done.out,
        done.err
    );
}
