//! Which engines there are, and which of them leads from one language to another.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::{Direction, Engine, EngineChoice, EngineKind};
use crate::{LanguageCode, TranslateError};

/// The engines a caller has put together. Order is preference: of two engines of one kind the first wins.
#[derive(Clone, Default)]
pub struct Engines {
    all: Vec<Arc<dyn Engine>>,
    /// Asked for opinions only: never on a route.
    reviewers: Vec<Arc<dyn Engine>>,
}

/// The way a text takes.
#[derive(Clone)]
pub enum Route {
    /// Source and target are the same language: the text stays as it is.
    Same,
    /// One engine.
    Direct(Leg),
    /// Two engines with a language between (English where possible).
    Pivot(Leg, Leg),
}

/// One step of a route.
#[derive(Clone)]
pub struct Leg {
    /// What translates.
    pub engine: Arc<dyn Engine>,
    /// The direction as the engine names it: `es` even where the user said `es-MX`.
    pub direction: Direction,
    /// Who is asked what it thinks of a language model's translations, which read well whether they are right or not.
    pub reviewer: Option<Box<Leg>>,
}

impl Leg {
    fn find(
        engines: &[Arc<dyn Engine>],
        kind: EngineKind,
        from: &LanguageCode,
        to: &LanguageCode,
    ) -> Option<Self> {
        let candidates = || {
            engines.iter().filter(|e| e.kind() == kind).flat_map(|engine| {
                engine.directions().into_iter().map(move |direction| Self {
                    engine: engine.clone(),
                    direction,
                    reviewer: None,
                })
            })
        };
        candidates().find(|leg| leg.direction.from == *from && leg.direction.to == *to).or_else(|| {
            candidates().find(|leg| leg.direction.from.matches(from) && leg.direction.to.matches(to))
        })
    }
}

impl Engines {
    /// No engines yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an engine after those already there.
    pub fn add(&mut self, engine: Arc<dyn Engine>) {
        self.all.push(engine);
    }

    /// Adds an engine that translates nothing, but is asked for its opinion of a language model's translations where none
    /// of those that translate can be.
    pub fn add_reviewer(&mut self, engine: Arc<dyn Engine>) {
        self.reviewers.push(engine);
    }

    /// The same as [`Engines::add`], for building in one expression.
    #[must_use]
    pub fn with(mut self, engine: Arc<dyn Engine>) -> Self {
        self.add(engine);
        self
    }

    /// The engines in order of preference.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Engine>> {
        self.all.iter()
    }

    /// Gives all memory back, that of reviewers too; the next call loads again.
    pub fn unload(&self) {
        self.all.iter().chain(&self.reviewers).for_each(|engine| engine.unload());
    }

    /// Memory that all engines hold now, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.all.iter().chain(&self.reviewers).map(|e| e.resident_bytes()).sum()
    }

    /// Every direction that some engine serves without a pivot, sorted, each once.
    pub fn directions(&self) -> Vec<Direction> {
        let set: BTreeSet<Direction> = self.all.iter().flat_map(|e| e.directions()).collect();
        set.into_iter().collect()
    }

    /// The languages a text for `to` can be in: what detection chooses among. Sorted, each once.
    pub fn sources_for(&self, to: &LanguageCode, choice: EngineChoice) -> Vec<LanguageCode> {
        let sources: BTreeSet<LanguageCode> = self.directions().into_iter().map(|d| d.from).collect();
        let mut reachable: BTreeSet<LanguageCode> =
            sources.into_iter().filter(|from| self.route(from, to, choice).is_ok()).collect();
        // A text that is already in the target language must be recognised as such.
        reachable.insert(*to);
        reachable.into_iter().collect()
    }

    /// Plans the way: direct neural, neural through a third language (English first), then a language model.
    ///
    /// ```
    /// use cuba_translate::{Engines, LanguageCode, engine::EngineChoice};
    /// let (en, es) = ("en".parse().unwrap(), "es".parse().unwrap());
    /// let missing = Engines::new().route(&en, &es, EngineChoice::Auto).err().unwrap();
    /// assert_eq!(missing.to_string(), "nothing installed translates en to es; install a pack for en-es");
    /// ```
    pub fn route(
        &self,
        from: &LanguageCode,
        to: &LanguageCode,
        choice: EngineChoice,
    ) -> Result<Route, TranslateError> {
        if from.matches(to) {
            return Ok(Route::Same);
        }
        let find = |kind: EngineKind| {
            if !choice.allows(kind) {
                return None;
            }
            Leg::find(&self.all, kind, from, to).map(|leg| Route::Direct(self.reviewed(leg)))
        };
        find(EngineKind::Nmt)
            .or_else(|| if choice.allows(EngineKind::Nmt) { self.pivot(from, to) } else { None })
            .or_else(|| find(EngineKind::Llm))
            .ok_or(TranslateError::NoRoute { from: *from, to: *to, choice })
    }

    /// With a second opinion, if there is one to be had: a neural engine takes a fraction of a language model's time.
    fn reviewed(&self, leg: Leg) -> Leg {
        if leg.engine.kind() == EngineKind::Nmt {
            return leg;
        }
        let Direction { from, to } = leg.direction;
        let find = |engines: &[_]| Leg::find(engines, EngineKind::Nmt, &from, &to).map(Box::new);
        Leg { reviewer: find(&self.all).or_else(|| find(&self.reviewers)), ..leg }
    }

    fn pivot(&self, from: &LanguageCode, to: &LanguageCode) -> Option<Route> {
        let through = |middle: &LanguageCode| {
            let first = Leg::find(&self.all, EngineKind::Nmt, from, middle)?;
            let second = Leg::find(&self.all, EngineKind::Nmt, &first.direction.to, to)?;
            Some(Route::Pivot(first, second))
        };
        through(&LanguageCode::ENGLISH).or_else(|| {
            self.directions()
                .iter()
                .filter(|d| d.from.matches(from) && !d.to.matches(to))
                .find_map(|d| through(&d.to))
        })
    }
}

impl Route {
    /// The ids of the engines, joined with `+`; `none` when nothing needs translating.
    pub fn engine_id(&self) -> String {
        match self {
            Self::Same => "none".into(),
            Self::Direct(leg) => leg.engine.id().into(),
            Self::Pivot(first, second) => format!("{}+{}", first.engine.id(), second.engine.id()),
        }
    }

    /// The language in the middle of a pivot.
    pub fn via(&self) -> Option<LanguageCode> {
        match self {
            Self::Pivot(first, _) => Some(first.direction.to),
            Self::Same | Self::Direct(_) => None,
        }
    }
}
