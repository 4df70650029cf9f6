//! Translation.

mod views;

pub use views::{
    BatchRequest, BatchView, Confidence, DetectionView, Doubt, EngineChoice, LanguageGuess, LanguageView,
    LineView, RouteView, SegmentView, TranslateRequest, TranslationState, TranslationView,
};

use std::sync::{Arc, Mutex};

use cuba_translate::installed::{self, EngineSettings};
use cuba_translate::{Cancel, Completion, Event, LanguageCode, Translator};

use crate::cuba::Shared;
use crate::task::{Deliver, Lane, guard, progress, task};
use crate::{
    CubaError, Direction, ListenerError, Packs, PlatformError, Power, ProgressListener, ProgressState,
};

/// Hears a translation grow.
#[uniffi::export(rust, foreign)]
pub trait TranslationListener: Send + Sync {
    /// The present state: first when the task is made, then at most ten times a second, last with an end stage. Called
    /// on a thread of its own; a slow listener skips states and holds up nothing. One that throws is not called again.
    fn on_state(&self, state: TranslationState) -> Result<(), ListenerError>;
}

task!(
    /// Translating one text. Cancelled midway it gives the sentences that are done.
    TranslationTask -> TranslationView
);
task!(
    /// Translating many lines. Cancelled midway it gives the lines that are done.
    BatchTask -> BatchView
);

/// Lines translated between two looks at the progress; the engine fills its own batches.
const LINES_A_STEP: usize = 64;

/// Translation with whatever packs are installed.
#[derive(uniffi::Object)]
pub struct Translate {
    engines: Arc<Engines>,
    lane: Arc<Lane>,
}

/// The engines of the packs that are installed, made when they are first asked for and made anew when something changed.
struct Engines {
    shared: Arc<Shared>,
    packs: Arc<Packs>,
    /// At a count of changes, and for the power they were made for.
    current: Mutex<Option<(u64, Power, Translator)>>,
}

impl Engines {
    fn translator(&self) -> Result<Translator, CubaError> {
        self.shared.open()?;
        let (changes, power) = (self.packs.changes(), self.shared.platform.power());
        let mut current = guard(&self.current);
        if let Some((at, made_for, translator)) = &*current
            && (*at, *made_for) == (changes, power)
        {
            return Ok(translator.clone());
        }
        let settings = EngineSettings { threads: self.threads(power), ..EngineSettings::default() };
        let translator = Translator::new(installed::engines(self.packs.store(), &settings)?);
        *current = Some((changes, power, translator.clone()));
        Ok(translator)
    }

    fn threads(&self, power: Power) -> Option<usize> {
        let asked = self.shared.threads.map(|threads| threads.max(1) as usize);
        match power {
            Power::Normal => asked,
            Power::Saving => {
                let all = std::thread::available_parallelism().map_or(1, usize::from).min(4);
                Some(asked.unwrap_or(all).div_ceil(2))
            }
        }
    }
}

impl Translate {
    pub(crate) fn new(shared: &Arc<Shared>, packs: &Arc<Packs>) -> Arc<Self> {
        Arc::new(Self {
            engines: Arc::new(Engines {
                shared: shared.clone(),
                packs: packs.clone(),
                current: Mutex::new(None),
            }),
            // Two: a short text need not wait for a document.
            lane: Lane::new(2),
        })
    }

    pub(crate) fn shut_down(&self) {
        self.lane.cancel_all();
        guard(&self.engines.current).take();
    }
}

#[uniffi::export]
impl Translate {
    /// The languages that installed packs read or write, by code.
    pub fn languages(&self) -> Result<Vec<LanguageView>, CubaError> {
        let directions = self.engines.translator()?.engines().directions();
        let mut codes: Vec<LanguageCode> = directions.iter().flat_map(|d| [d.from, d.to]).collect();
        codes.sort_unstable();
        codes.dedup();
        Ok(codes.into_iter().map(LanguageView::from).collect())
    }

    /// The directions that installed packs translate without a language between.
    pub fn directions(&self) -> Result<Vec<Direction>, CubaError> {
        let directions = self.engines.translator()?.engines().directions();
        Ok(directions
            .into_iter()
            .map(|d| Direction { from: d.from.to_string(), to: d.to.to_string() })
            .collect())
    }

    /// The way from one language to the other, or [`CubaError::NoPackFor`].
    pub fn route(&self, from: String, to: String) -> Result<RouteView, CubaError> {
        let (from, to) = (code(&from)?, code(&to)?);
        let route =
            self.engines.translator()?.engines().route(&from, &to, cuba_translate::EngineChoice::Auto)?;
        Ok(RouteView { engine: route.engine_id(), via: route.via().map(|via| via.to_string()) })
    }

    /// Which of `among` the text is in (any language, if empty); `likely` are the user's usual ones, best first.
    pub fn detect(
        &self,
        text: String,
        among: Vec<String>,
        likely: Vec<String>,
    ) -> Result<DetectionView, CubaError> {
        let found = cuba_translate::detect::detect(&text, &codes(&among)?, &codes(&likely)?);
        Ok(found.into())
    }

    /// Translates a text. The first translation with a pack loads its model.
    pub fn translate(
        &self,
        request: TranslateRequest,
        listener: Option<Arc<dyn TranslationListener>>,
    ) -> Arc<TranslationTask> {
        let engines = self.engines.clone();
        let deliver = listener.map(|l| Box::new(move |state| l.on_state(state)) as Deliver<TranslationState>);
        TranslationTask::of(self.lane.start(deliver, move |cancel, board| {
            let wanted = request.to_core()?;
            let translator = engines.translator()?;
            let done =
                translator.translate(&wanted, &Cancel::from(cancel.clone()), &mut |event: Event<'_>| {
                    board.update(|state| state.hear(event));
                })?;
            Ok(done.into())
        }))
    }

    /// Translates lines in their order with bounded memory; an empty line stays empty.
    pub fn batch(
        &self,
        request: BatchRequest,
        listener: Option<Arc<dyn ProgressListener>>,
    ) -> Arc<BatchTask> {
        let engines = self.engines.clone();
        BatchTask::of(self.lane.start(progress(listener), move |cancel, board| {
            let (from, to, settings) = request.to_core()?;
            let total = request.lines.len() as u64;
            board.update(|state: &mut ProgressState| state.total = total);
            let mut lines = Vec::with_capacity(request.lines.len());
            let summary = engines.translator()?.translate_lines(
                from,
                to,
                &settings,
                request.lines,
                |line| {
                    lines.push(LineView::from(line));
                    if lines.len() % LINES_A_STEP == 0 {
                        board.update(|state| state.done = lines.len() as u64);
                    }
                    std::ops::ControlFlow::Continue(())
                },
                &Cancel::from(cancel.clone()),
            )?;
            board.update(|state| state.done = lines.len() as u64);
            Ok(BatchView {
                from: summary.from.to_string(),
                engine: summary.engine,
                complete: summary.completion == Completion::Complete,
                lines,
            })
        }))
    }

    /// Loads what a pair needs, so that the first sentence comes sooner. Does nothing where it is loaded.
    pub fn prepare(&self, from: String, to: String) -> Arc<TranslationTask> {
        let request = TranslateRequest { from: Some(from), ..TranslateRequest::new("a", &to) };
        self.translate(request, None)
    }

    /// Bytes of memory that loaded engines hold, mapped weights included.
    pub fn memory(&self) -> u64 {
        guard(&self.engines.current)
            .as_ref()
            .map_or(0, |(_, _, translator)| translator.engines().resident_bytes())
    }

    /// Gives that memory back (on a memory warning); the next translation loads again.
    pub fn unload(&self) {
        if let Some((_, _, translator)) = &*guard(&self.engines.current) {
            translator.engines().unload();
        }
    }

    /// Speaks a translation with the platform's voice.
    pub fn speak(&self, text: String, language: String) -> Result<(), CubaError> {
        self.engines.shared.open()?;
        let none = || CubaError::bad_input("this app brings no voice");
        let speech = self.engines.shared.platform.speech.as_ref().ok_or_else(none)?;
        speech.speak(text, code(&language)?.to_string()).map_err(|error| match error {
            PlatformError::Missing => CubaError::bad_input("this device has no voice for the language"),
            other => CubaError::other(other.to_string()),
        })
    }

    /// Falls silent.
    pub fn hush(&self) {
        if let Some(speech) = &self.engines.shared.platform.speech {
            // Nothing to do about a voice that does not stop.
            let _ = speech.stop();
        }
    }
}

/// The languages Cuba has a name for, by code, whether or not a pack is installed.
#[uniffi::export]
pub fn known_languages() -> Vec<LanguageView> {
    LanguageCode::known().map(LanguageView::from).collect()
}

fn code(text: &str) -> Result<LanguageCode, CubaError> {
    text.parse().map_err(|error: cuba_translate::BadLanguageCode| CubaError::bad_input(error.to_string()))
}

fn codes(list: &[String]) -> Result<Vec<LanguageCode>, CubaError> {
    list.iter().map(|text| code(text)).collect()
}
