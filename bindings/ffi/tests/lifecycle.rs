//! Listeners that misbehave, and Cuba after it was shut down.

#![cfg(feature = "translate")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Home, english, long_text};
use cuba_ffi::{Config, Cuba, CubaError, ListenerError, Platform, TranslationListener, TranslationState};

/// Calls a function.
struct Listener<F>(F);

impl<F: Fn(TranslationState) -> Result<(), ListenerError> + Send + Sync> TranslationListener for Listener<F> {
    fn on_state(&self, state: TranslationState) -> Result<(), ListenerError> {
        (self.0)(state)
    }
}

#[test]
fn a_listener_that_throws_is_left_alone_and_the_work_goes_on() {
    let home = Home::new();
    let translate = home.with_model().translate();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let throws = Arc::new(Listener(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Err(ListenerError::Failed)
    }));
    let done = translate.translate(english("Good morning. Good night."), Some(throws)).wait().unwrap();
    assert!(done.complete);
    let panics = Arc::new(Listener(|_| panic!("as foreign code might")));
    assert!(translate.translate(english("Good morning."), Some(panics)).wait().unwrap().complete);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_slow_listener_holds_up_nothing() {
    let home = Home::new();
    let translate = home.with_model().translate();
    let (block, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let slow = Arc::new(Listener(move |_| {
        let _ = gate.lock().unwrap().recv();
        Ok(())
    }));
    let text: String = long_text().chars().take(4000).collect();
    // The listener sits in its first call until the sender goes; the result comes before.
    let done = translate.translate(english(&text), Some(slow)).wait().unwrap();
    assert!(done.complete);
    drop(block);
}

#[test]
fn a_listener_hears_the_present_state_first_and_then_seldom() {
    let home = Home::new();
    let translate = home.with_model().translate();
    let times = Arc::new(Mutex::new(Vec::new()));
    let noted = times.clone();
    let listener = Arc::new(Listener(move |state: TranslationState| {
        noted.lock().unwrap().push((Instant::now(), state.stage));
        Ok(())
    }));
    let text: String = long_text().chars().take(12_000).collect();
    translate.translate(english(&text), Some(listener)).wait().unwrap();
    while !times.lock().unwrap().last().is_some_and(|(_, stage)| stage.is_end()) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let times = times.lock().unwrap();
    assert!(!times[0].1.is_end(), "the state of a task that was only just made");
    for pair in times.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(99));
    }
}

#[test]
fn one_listener_of_many_tasks_is_called_from_many_threads_and_let_go() {
    let home = Home::new();
    let translate = home.with_model().translate();
    let ends = Arc::new(AtomicUsize::new(0));
    let count = ends.clone();
    let listener = Arc::new(Listener(move |state: TranslationState| {
        count.fetch_add(usize::from(state.stage.is_end()), Ordering::SeqCst);
        Ok(())
    }));
    let weak = Arc::downgrade(&listener);
    let tasks: Vec<_> =
        (0..16).map(|_| translate.translate(english("Good morning."), Some(listener.clone()))).collect();
    drop(listener);
    assert!(tasks.iter().all(|task| task.wait().unwrap().complete));
    while weak.upgrade().is_some() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(ends.load(Ordering::SeqCst), 16);
}

#[test]
fn many_threads_share_one_cuba() {
    let home = Home::new();
    let cuba = home.with_model();
    let expected = cuba.translate().translate(english("Good morning."), None).wait().unwrap().text;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let done = cuba.translate().translate(english("Good morning."), None).wait().unwrap();
                assert_eq!(done.text, expected);
                assert_eq!(cuba.packs().list().unwrap().packs.len(), 1);
            });
        }
    });
}

#[test]
fn after_shut_down_everything_says_so() {
    let home = Home::new();
    let cuba = home.with_model();
    let (translate, packs) = (cuba.translate(), cuba.packs());
    let running = translate.translate(english(&long_text()), None);
    cuba.shut_down();
    match running.wait() {
        Ok(view) => assert!(!view.complete),
        Err(error) => assert_eq!(error, CubaError::Closed),
    }
    assert_eq!(translate.languages(), Err(CubaError::Closed));
    assert_eq!(translate.translate(english("Hi."), None).wait(), Err(CubaError::Closed));
    assert_eq!(packs.list(), Err(CubaError::Closed));
    assert_eq!(packs.verify("en-es".into(), None).wait(), Err(CubaError::Closed));
    cuba.shut_down();
    assert_eq!(home.open().packs().list().unwrap().packs.len(), 1, "the data is still there");
}

#[test]
fn a_home_that_cannot_be_is_refused() {
    let nameless = Cuba::open(Config::at(""), Platform::default()).err().unwrap();
    assert!(matches!(nameless, CubaError::BadInput { .. }));
    let home = Home::new();
    std::fs::write(home.path("file"), b"").unwrap();
    let error = Cuba::open(Config::at(&home.path("file/home")), Platform::default()).err().unwrap();
    assert!(!matches!(error, CubaError::Closed | CubaError::Cancelled), "{error:?}");
}
