//! What a translation model thinks of another engine's translations, with the starter pack of the repository.
#![cfg(feature = "nmt")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use cuba_nmt::ModelFiles;
use cuba_translate::Cancel;
use cuba_translate::engine::nmt::{NmtEngine, NmtSettings};
use cuba_translate::engine::{Batch, Direction, Effort, Engine, Hypothesis, Input, Lexicon, Spelling};

fn english_to_spanish() -> NmtEngine {
    let starter = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/starter"));
    let pack = starter.join("en-es");
    let files = ModelFiles::shared(pack.join("model.enes.intgemm.alphas.bin"), pack.join("vocab.enes.spm"));
    let direction = Direction::new("en".parse().unwrap(), "es".parse().unwrap());
    let lexicon = Lexicon::open(&pack.join("lexicon.enes.tsv")).unwrap();
    let opposite = starter.join("es-en/lexicon.esen.tsv");
    let spelling = Spelling::open(&direction.to, &opposite, Some(&lexicon)).unwrap().unwrap();
    let engine = NmtEngine::open("nmt:en-es", direction, &files, NmtSettings::default()).unwrap();
    engine.with_spelling(spelling).with_lexicon(lexicon)
}

/// Whether a translation of `source` is disputed, and whether it has words that are none.
fn opinion(engine: &NmtEngine, source: &str, target: &str) -> (bool, bool) {
    let sentences = [Input::from(source)];
    let direction = engine.directions()[0];
    let batch = Batch { direction, sentences: &sentences, effort: Effort::FIRST };
    let mut hypotheses = [Hypothesis { text: target.into(), ..Hypothesis::default() }];
    engine.review(&batch, &mut hypotheses, &Cancel::new()).unwrap();
    let [reviewed] = hypotheses;
    assert_eq!(reviewed.text, target, "a reviewer changes no word");
    (reviewed.disputed, reviewed.unfamiliar)
}

#[test]
fn what_it_would_say_itself_is_agreed_to_and_the_rest_is_not() {
    let engine = english_to_spanish();
    let of = |source, target| opinion(&engine, source, target);
    assert_eq!(of("The dog is very big.", "El perro es muy grande."), (false, false));
    // Fluent, and something else.
    assert_eq!(of("Press hard on the wound.", "Lave la herida con agua y jabón."), (true, false));
    assert_eq!(of("The dog is very big.", ""), (true, false));
    // A word that was left in English, and one that is none.
    assert!(of("He has a broken rib on the left side.", "Tiene una rib rota en el lado izquierdo.").1);
    assert!(of("He has a broken rib on the left side.", "Tiene un ribro roto en el lado izquierdo.").1);
}
