//! An engine that opens its model at the first sentence, and can let go of it.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Batch, Direction, Engine, EngineError, EngineKind, Hypothesis};
use crate::Cancel;

type Open = Box<dyn Fn() -> Result<Arc<dyn Engine>, EngineError> + Send + Sync>;

/// Stands for an engine that is not open yet: knows what it will serve, costs nothing until it is asked to translate.
///
/// A list of ten installed models takes no memory; a pivot holds two; [`Engine::unload`] gives the memory of one back.
pub struct Lazy {
    id: String,
    kind: EngineKind,
    directions: Vec<Direction>,
    open: Open,
    // One lock for opening and for looking: two threads that ask first must not map the model twice.
    engine: Mutex<Option<Arc<dyn Engine>>>,
}

impl Lazy {
    /// An engine called `id` that serves `directions` once `open` has made it.
    pub fn new(
        id: impl Into<String>,
        kind: EngineKind,
        directions: Vec<Direction>,
        open: impl Fn() -> Result<Arc<dyn Engine>, EngineError> + Send + Sync + 'static,
    ) -> Self {
        Self { id: id.into(), kind, directions, open: Box::new(open), engine: Mutex::new(None) }
    }

    fn opened(&self) -> Result<Arc<dyn Engine>, EngineError> {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*engine {
            return Ok(engine.clone());
        }
        let fresh = (self.open)()?;
        *engine = Some(fresh.clone());
        Ok(fresh)
    }
}

impl Engine for Lazy {
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
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine.as_ref().map_or(0, |engine| engine.resident_bytes())
    }

    fn unload(&self) {
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn translate(&self, batch: &Batch<'_>, cancel: &Cancel) -> Result<Vec<Hypothesis>, EngineError> {
        // The lock is not held while translating: others may translate with the same model.
        self.opened()?.translate(batch, cancel)
    }

    fn review(
        &self,
        batch: &Batch<'_>,
        hypotheses: &mut [Hypothesis],
        cancel: &Cancel,
    ) -> Result<(), EngineError> {
        self.opened()?.review(batch, hypotheses, cancel)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Echo;

    impl Engine for Echo {
        fn id(&self) -> &'static str {
            "echo"
        }
        fn kind(&self) -> EngineKind {
            EngineKind::Nmt
        }
        fn directions(&self) -> Vec<Direction> {
            Vec::new()
        }
        fn resident_bytes(&self) -> u64 {
            7
        }
        fn translate(&self, batch: &Batch<'_>, _: &Cancel) -> Result<Vec<Hypothesis>, EngineError> {
            Ok(batch
                .sentences
                .iter()
                .map(|s| Hypothesis { text: s.text.clone(), ..Hypothesis::default() })
                .collect())
        }
    }

    #[test]
    fn opens_once_when_first_asked_and_again_after_unloading() {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let direction = Direction::new("en".parse().unwrap(), "es".parse().unwrap());
        let lazy = Lazy::new("nmt:en-es", EngineKind::Nmt, vec![direction], || {
            OPENED.fetch_add(1, Ordering::SeqCst);
            Ok(Arc::new(Echo))
        });
        assert_eq!((lazy.resident_bytes(), OPENED.load(Ordering::SeqCst)), (0, 0));
        let sentences = ["a".into()];
        let batch = Batch { direction, sentences: &sentences, effort: crate::engine::Effort::FIRST };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(lazy.translate(&batch, &Cancel::new()).unwrap()[0].text, "a"));
            }
        });
        assert_eq!((lazy.resident_bytes(), OPENED.load(Ordering::SeqCst)), (7, 1));
        lazy.unload();
        assert_eq!(lazy.resident_bytes(), 0);
        lazy.translate(&batch, &Cancel::new()).unwrap();
        assert_eq!(OPENED.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_failure_to_open_is_told_each_time_and_not_kept() {
        let lazy = Lazy::new("nmt:x", EngineKind::Nmt, vec![], || Err(EngineError::Unusable("gone".into())));
        let direction = Direction::new("en".parse().unwrap(), "es".parse().unwrap());
        let sentences = ["a".into()];
        let batch = Batch { direction, sentences: &sentences, effort: crate::engine::Effort::FIRST };
        for _ in 0..2 {
            assert_eq!(lazy.translate(&batch, &Cancel::new()), Err(EngineError::Unusable("gone".into())));
        }
    }
}
