//! Deterministic engines for tests: a small word-by-word translator, and others that misbehave on purpose.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cuba_translate::engine::{Batch, Direction, Engine, EngineError, EngineKind, Hypothesis};
use cuba_translate::{Cancel, Engines, LanguageCode, Translator};

pub fn code(text: &str) -> LanguageCode {
    text.parse().unwrap()
}

type Rule = dyn Fn(&str, &Batch<'_>) -> Hypothesis + Send + Sync;

/// An engine whose output is a function of the sentence and the batch.
pub struct Scripted {
    pub id: String,
    pub kind: EngineKind,
    pub directions: Vec<Direction>,
    pub rule: Box<Rule>,
    /// Batches seen.
    pub calls: AtomicUsize,
    /// Every sentence seen, in order.
    pub seen: Mutex<Vec<String>>,
    /// Raise the flag after this many batches.
    pub cancel_after: Option<usize>,
    /// What it does when it is asked for a second opinion.
    pub opinion: Opinion,
}

/// A second opinion.
#[derive(Clone, Copy)]
pub enum Opinion {
    None,
    Dispute,
    Fail(fn() -> EngineError),
}

impl Scripted {
    pub fn new(
        pair: &str,
        kind: EngineKind,
        rule: impl Fn(&str, &Batch<'_>) -> Hypothesis + Send + Sync + 'static,
    ) -> Self {
        let (from, to) = pair.split_once('-').unwrap();
        Self {
            id: format!("{}:{pair}", kind.as_str()),
            kind,
            directions: vec![Direction::new(code(from), code(to))],
            rule: Box::new(rule),
            calls: AtomicUsize::new(0),
            seen: Mutex::new(Vec::new()),
            cancel_after: None,
            opinion: Opinion::None,
        }
    }

    pub fn nmt(pair: &str, rule: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::new(pair, EngineKind::Nmt, move |text, _| Hypothesis {
            text: rule(text),
            ..Hypothesis::default()
        })
    }
}

impl Engine for Scripted {
    fn id(&self) -> &str {
        &self.id
    }
    fn kind(&self) -> EngineKind {
        self.kind
    }
    fn directions(&self) -> Vec<Direction> {
        self.directions.clone()
    }
    fn resident_bytes(&self) -> u64 {
        0
    }
    fn translate(&self, batch: &Batch<'_>, cancel: &Cancel) -> Result<Vec<Hypothesis>, EngineError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if self.cancel_after.is_some_and(|n| call > n) {
            cancel.cancel();
            return Err(EngineError::Cancelled);
        }
        for sentence in batch.sentences {
            let text = &sentence.text;
            assert!(
                !text.trim().is_empty() && text.trim() == text && !text.contains(['\n', '\r', '\0']),
                "{text:?}"
            );
            self.seen.lock().unwrap().push(text.clone());
        }
        Ok(batch.sentences.iter().map(|s| (self.rule)(&s.text, batch)).collect())
    }
    fn review(
        &self,
        batch: &Batch<'_>,
        hypotheses: &mut [Hypothesis],
        _: &Cancel,
    ) -> Result<(), EngineError> {
        assert_eq!(batch.sentences.len(), hypotheses.len());
        match self.opinion {
            Opinion::None => Ok(()),
            Opinion::Dispute => {
                for hypothesis in hypotheses {
                    hypothesis.disputed = true;
                }
                Ok(())
            }
            Opinion::Fail(error) => Err(error()),
        }
    }
}

const WORDS: &[(&str, &str)] = &[
    ("the", "el"),
    ("dog", "perro"),
    ("cat", "gato"),
    ("is", "es"),
    ("big", "grande"),
    ("and", "y"),
    ("hello", "hola"),
    ("good", "buenos"),
    ("morning", "días"),
    ("take", "tome"),
    ("tablets", "comprimidos"),
    ("every", "cada"),
    ("hours", "horas"),
    ("do", ""),
    ("not", "no"),
    ("enter", "entrar"),
    ("write", "escriba"),
    ("to", "a"),
    ("or", "o"),
    ("today", "hoy"),
    ("see", "vea"),
    ("water", "agua"),
    ("drink", "beba"),
    ("in", "en"),
    ("house", "casa"),
    ("small", "pequeño"),
    ("people", "personas"),
    ("came", "vinieron"),
];

/// Word by word, English to Spanish, keeping what it does not know.
pub fn words_en_es(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphabetic() {
            word.push(c);
            continue;
        }
        let lower = word.to_lowercase();
        let spanish =
            WORDS.iter().find(|(en, _)| *en == lower).map_or(word.clone(), |(_, es)| (*es).to_owned());
        let capital = word.chars().next().is_some_and(char::is_uppercase);
        match spanish.chars().next() {
            Some(first) if capital => {
                out.extend(first.to_uppercase());
                out.push_str(&spanish[first.len_utf8()..]);
            }
            _ => out.push_str(&spanish),
        }
        word.clear();
        out.push(c);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn translator(engine: Scripted) -> (Translator, Arc<Scripted>) {
    let engine = Arc::new(engine);
    (Translator::new(Engines::new().with(engine.clone())), engine)
}
