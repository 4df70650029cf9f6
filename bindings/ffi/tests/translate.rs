//! Translating through the facade: text, batch, stream, cancel.

#![cfg(feature = "translate")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Home, english, long_text};
use cuba_ffi::{
    BatchRequest, CubaError, ListenerError, ProgressListener, ProgressState, Stage, TranslateRequest,
    TranslationListener, TranslationState,
};

#[derive(Default)]
struct Heard(Mutex<Vec<TranslationState>>);

impl TranslationListener for Heard {
    fn on_state(&self, state: TranslationState) -> Result<(), ListenerError> {
        self.0.lock().unwrap().push(state);
        Ok(())
    }
}

impl Heard {
    /// Waits for the end state and gives all of them.
    fn all(&self) -> Vec<TranslationState> {
        loop {
            let states = self.0.lock().unwrap().clone();
            if states.last().is_some_and(|state| state.stage.is_end()) {
                return states;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn text_is_translated_and_the_language_found() {
    let home = Home::new();
    let translate = home.with_model().translate();
    let given = translate.translate(english("Where is the nearest hospital?"), None).wait().unwrap();
    assert_eq!((given.from.as_str(), given.engine.as_str()), ("en", "nmt:en-es"));
    assert!(given.complete && !given.text.is_empty() && given.segments.len() == 1);
    let found = translate
        .translate(TranslateRequest::new("Where is the nearest hospital?", "es"), None)
        .wait()
        .unwrap();
    assert_eq!(found.text, given.text);
    assert_eq!(
        translate.languages().unwrap().iter().map(|l| l.own_name.as_str()).collect::<Vec<_>>(),
        ["English", "Español"]
    );
    assert_eq!(translate.route("en".into(), "es-MX".into()).unwrap().engine, "nmt:en-es");
    assert!(translate.memory() > 0);
    translate.unload();
    assert_eq!(
        translate.translate(english("Where is the nearest hospital?"), None).wait().unwrap().text,
        given.text
    );
}

#[test]
fn what_cannot_be_translated_says_what_a_screen_needs() {
    let home = Home::new();
    let translate = home.with_model().translate();
    let french = TranslateRequest { from: Some("en".into()), ..TranslateRequest::new("Good morning.", "fr") };
    let missing = translate.translate(french, None).wait().unwrap_err();
    assert!(
        matches!(&missing, CubaError::NoPackFor { from, to, .. } if from == "en" && to == "fr"),
        "{missing:?}"
    );
    let unclear = translate.translate(TranslateRequest::new("total", "es"), None).wait();
    assert!(matches!(unclear, Err(CubaError::LanguageUnclear { .. })), "{unclear:?}");
    let bad = translate.translate(TranslateRequest::new("Good morning.", "Spanish!"), None).wait();
    assert!(matches!(bad, Err(CubaError::BadInput { .. })), "{bad:?}");
}

#[test]
fn a_batch_keeps_its_lines() {
    let home = Home::new();
    let translate = home.with_model().translate();
    let request = BatchRequest {
        lines: ["Good morning.", "", "Good night.", "Good morning."].map(str::to_owned).to_vec(),
        to: "es".into(),
        from: Some("en".into()),
        keep: vec![],
        likely: vec![],
        localise_numbers: false,
        engine: None,
    };
    let done = translate.batch(request, None).wait().unwrap();
    assert!(done.complete);
    assert_eq!((done.lines.len(), done.lines[1].text.as_str()), (4, ""));
    assert_eq!(done.lines[0], done.lines[3]);
}

#[test]
fn a_stream_grows_by_whole_sentences() {
    let home = Home::new();
    let translate = home.with_model().translate();
    let heard = Arc::new(Heard::default());
    let text = long_text();
    let text: String = text.chars().take(12_000).collect();
    let done = translate.translate(english(&text), Some(heard.clone())).wait().unwrap();
    let states = heard.all();
    assert_eq!(states[0].text, "");
    for pair in states.windows(2) {
        assert!(pair[1].text.starts_with(&pair[0].text) && pair[0].done <= pair[1].done);
    }
    let last = states.last().unwrap();
    assert_eq!((last.stage, last.done, last.from.as_deref()), (Stage::Finished, last.total, Some("en")));
    assert!(done.text.starts_with(&last.text), "only space may follow the last sentence");
}

#[test]
fn cancelling_gives_whole_sentences() {
    let home = Home::new();
    let translate = home.with_model().translate();
    let heard = Arc::new(Heard::default());
    let task = translate.translate(english(&long_text()), Some(heard.clone()));
    while heard.0.lock().unwrap().last().is_none_or(|state| state.done == 0) {
        std::thread::sleep(Duration::from_millis(2));
    }
    task.cancel();
    let done = task.wait().unwrap();
    assert!(!done.complete && !done.segments.is_empty() && done.segments.len() < 3000);
    assert_eq!(heard.all().last().unwrap().stage, Stage::Cancelled);
}

#[test]
fn dropping_the_handle_cancels() {
    struct End(Mutex<Option<ProgressState>>);
    impl ProgressListener for End {
        fn on_state(&self, state: ProgressState) -> Result<(), ListenerError> {
            *self.0.lock().unwrap() = Some(state);
            Ok(())
        }
    }
    let home = Home::new();
    let translate = home.with_model().translate();
    let heard = Arc::new(Heard::default());
    drop(translate.translate(english(&long_text()), Some(heard.clone())));
    assert_eq!(heard.all().last().unwrap().stage, Stage::Cancelled);
    let end = Arc::new(End(Mutex::default()));
    let request = BatchRequest {
        lines: vec!["Good morning.".into(); 2000],
        to: "es".into(),
        from: Some("en".into()),
        keep: vec![],
        likely: vec![],
        localise_numbers: false,
        engine: None,
    };
    drop(translate.batch(request, Some(end.clone())));
    while !end.0.lock().unwrap().as_ref().is_some_and(|state| state.stage.is_end()) {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(end.0.lock().unwrap().as_ref().unwrap().stage, Stage::Cancelled);
}

#[test]
fn packs_that_come_and_go_are_noticed() {
    let home = Home::new();
    let cuba = home.open();
    assert!(cuba.translate().directions().unwrap().is_empty());
    cuba.packs().add(home.model(), None).wait().unwrap();
    assert_eq!(cuba.translate().directions().unwrap().len(), 1);
    cuba.packs().remove("en-es".into()).unwrap();
    assert!(cuba.translate().directions().unwrap().is_empty());
}
