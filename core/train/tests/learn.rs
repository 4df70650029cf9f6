//! A tiny trained model is taught pairs: it learns them, resumes to the same bytes, and is read by the engine.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

use std::path::{Path, PathBuf};

use cuba_nmt::format::Container;
use cuba_nmt::vocab::Vocab;
use cuba_nmt::{Cancel, Model, ModelFiles, Options, Source};
use cuba_train::{Learned, Network, Pair, Settings, TrainError, compare, learn};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/training/fixtures")
}

fn container(name: &str) -> Container {
    Container::from_bytes(std::fs::read(fixtures().join(name)).unwrap(), name).unwrap()
}

fn pairs() -> Vec<Pair> {
    let text = [
        ("The pump is on.", "La bomba está encendida."),
        ("The pump is off.", "La bomba está apagada."),
        ("Open the valve.", "Abra la válvula."),
        ("Close the valve.", "Cierre la válvula."),
        ("The tank is full.", "El tanque está lleno."),
        ("The tank is empty.", "El tanque está vacío."),
    ];
    text.iter().map(|(s, t)| Pair { source: (*s).into(), target: (*t).into() }).collect()
}

const INT8: &str = "model.enes.intgemm.alphas.bin";

fn settings() -> Settings {
    Settings { passes: 300, rate: 1e-2, batch_tokens: 64, ..Settings::default() }
}

#[test]
fn it_learns_its_pairs_and_the_engine_reads_the_result() {
    let base = container(INT8);
    let vocab = Vocab::open(&fixtures().join("vocab.enes.spm")).unwrap();
    let mut network = Network::of(&base, INT8).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut losses = Vec::new();
    let ended = learn(&mut network, &vocab, &pairs(), &settings(), &dir.path().join("state"), &mut |p| {
        losses.push(p.loss);
        true
    });
    assert_eq!(ended.unwrap(), Learned::Finished);
    assert!(losses.last().unwrap() * 2.0 < losses[0], "{} to {}", losses[0], losses.last().unwrap());
    assert!(!dir.path().join("state").exists());

    let path = dir.path().join(INT8);
    std::fs::write(&path, network.export(&base).unwrap()).unwrap();
    let after = Model::open(&ModelFiles::shared(&path, fixtures().join("vocab.enes.spm"))).unwrap();
    let before =
        Model::open(&ModelFiles::shared(fixtures().join(INT8), fixtures().join("vocab.enes.spm"))).unwrap();
    let said = after
        .translate_batch(&[Source::from("Open the valve.")], &Options::default(), &Cancel::new(), &|_| ())
        .unwrap();
    assert_eq!(said[0].text, "Abra la válvula.");
    let comparison = compare(&before, &after, &pairs(), &pairs()[..2]).unwrap();
    assert!(comparison.own[1] > comparison.own[0] + 30.0 && comparison.is_a_gain(), "{comparison:?}");
}

#[test]
fn a_run_that_was_cancelled_goes_on_and_ends_in_the_same_bytes() {
    let base = container("model.enes.float32.bin");
    let vocab = Vocab::open(&fixtures().join("vocab.enes.spm")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { passes: 8, ..settings() };
    let run = |state: &str, stop_at: usize| {
        let mut network = Network::of(&base, "model").unwrap();
        let state = dir.path().join(state);
        let ended =
            learn(&mut network, &vocab, &pairs(), &settings, &state, &mut |p| p.done != stop_at).unwrap();
        (ended, network.export(&base).unwrap())
    };
    let (ended, whole) = run("whole", usize::MAX);
    assert_eq!(ended, Learned::Finished);
    assert_eq!(run("parts", 5).0, Learned::Cancelled);
    assert_eq!(run("parts", 11).0, Learned::Cancelled);
    let (ended, parts) = run("parts", usize::MAX);
    assert_eq!(ended, Learned::Finished);
    assert!(whole == parts, "resumed training ended elsewhere");
    // A checkpoint that is broken, or of another training, is as good as none.
    std::fs::write(dir.path().join("broken"), b"not a checkpoint").unwrap();
    assert!(run("broken", usize::MAX).1 == whole);
}

#[test]
fn a_model_of_another_kind_is_refused() {
    let other = cuba_nmt::format::write(&[cuba_nmt::format::NewItem::text(
        "special:model.yml",
        "type: transformer\ntransformer-decoder-autoreg: self-attention\ndim-emb: 8\ntransformer-heads: 2\n",
    )]);
    let other = Container::from_bytes(other, "other.bin").unwrap();
    assert!(matches!(Network::of(&other, "other.bin"), Err(TrainError::Architecture)));
}
