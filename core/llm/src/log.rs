//! llama.cpp's log: nothing of it reaches the terminal. What it says while a model loads becomes part of the error;
//! what it says later may speak of prompts and is dropped.

use std::sync::{Arc, Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Takes llama.cpp's log away from standard error. Safe to call often.
pub(crate) fn take() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| llama_cpp_2::send_logs_to_tracing(llama_cpp_2::LogOptions::default()));
}

/// Runs `work` with llama.cpp's warnings and errors caught; returns them with the result.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let result = tracing::subscriber::with_default(Catch(Arc::clone(&lines)), work);
    let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    (result, lines)
}

/// Runs `work` with everything dropped that llama.cpp logs on this thread.
pub(crate) fn silent<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), work)
}

struct Catch(Arc<Mutex<Vec<String>>>);

impl Subscriber for Catch {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Message<'a>(&'a mut Vec<String>);
        impl Visit for Message<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" && self.0.len() < 64 {
                    self.0.push(format!("{value:?}").trim_matches(['"', '\n', ' ']).to_owned());
                }
            }

            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "message" && self.0.len() < 64 {
                    self.0.push(value.trim().to_owned());
                }
            }
        }
        let mut lines = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        event.record(&mut Message(&mut lines));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
