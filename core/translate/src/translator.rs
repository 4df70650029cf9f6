//! The pipeline: what happens to a text between the request and the result.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use crate::detect::{Detection, detect};
use crate::engine::EngineKind;
use crate::leg::{Done, Runner};
use crate::protect::numbers::localise;
use crate::segment::{Piece, PieceKind, segment};
use crate::{
    Cancel, Completion, Confidence, Engines, Event, LanguageCode, LineTranslation, LinesSummary, NumberStyle,
    Progress, Reason, Route, Segment, Settings, TextRequest, TextTranslation, Timings, TranslateError,
};

/// Sentences that go through a neural engine together: enough to fill its batches.
const WINDOW_NMT: usize = 64;
/// The same for a language model, whose sequences share one context.
const WINDOW_LLM: usize = 8;
/// The first windows are small so that a screen shows something soon and a pipe is not held up.
const WINDOW_FIRST: usize = 8;
/// Lines looked at to find the language of a stream.
const LINES_TO_DETECT: usize = 32;
/// Characters of one line looked at for that.
const DETECT_CHARS: usize = 400;

/// Translates texts and streams of lines with the engines it was given.
///
/// Cheap to clone; may be shared between threads. The same engines, settings and text give the same result.
///
/// ```
/// use cuba_translate::{Cancel, Engines, Quiet, TextRequest, Translator};
/// let translator = Translator::new(Engines::new());
/// let request = TextRequest::new("Hello.", "es".parse().unwrap()).from_language("en".parse().unwrap());
/// let error = translator.translate(&request, &Cancel::new(), &mut Quiet).unwrap_err();
/// assert!(error.to_string().contains("install a pack for en-es"));
/// ```
#[derive(Clone)]
pub struct Translator {
    engines: Engines,
}

/// A language and the way from it.
struct Plan {
    from: LanguageCode,
    detection: Option<Detection>,
    route: Route,
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

    /// Says which of `among` the text is in (of all languages there is data for, if empty), or that it is unsure.
    /// `likely` are the user's usual languages, the likeliest first.
    pub fn detect(&self, text: &str, among: &[LanguageCode], likely: &[LanguageCode]) -> Detection {
        detect(text, among, likely)
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
        let start = Instant::now();
        let mut timings = Timings::default();
        let plan = self.plan(request.text, request.from, request.to, &request.settings)?;
        timings.detect = start.elapsed();
        if let Some(detection) = &plan.detection {
            progress.on(Event::Detected(detection));
        }
        let engine = plan.route.engine_id();
        let via = plan.route.via();
        progress.on(Event::Planned { from: plan.from, to: request.to, engine: &engine, via });
        let pass = Pass {
            plan: &plan,
            to: request.to,
            settings: &request.settings,
            cancel,
            engine: engine.as_str().into(),
        };
        let clock = Instant::now();
        let pieces =
            if matches!(plan.route, Route::Same) { Vec::new() } else { segment(request.text, &plan.from) };
        timings.segment = clock.elapsed();
        let of = pieces.iter().filter(|p| p.kind != PieceKind::Gap).count();
        progress.on(Event::Segmented { segments: of });
        let mut growing = Growing { text: String::new(), segments: Vec::with_capacity(of), of };
        let mut completion = Completion::Complete;
        for window in windows(&pieces, pass.window()) {
            let sentences: Vec<Piece<'_>> =
                window.iter().filter(|p| p.kind != PieceKind::Gap).copied().collect();
            let Some(done) = pass.sentences(&sentences, &mut timings)? else {
                completion = Completion::Cancelled;
                break;
            };
            growing.add(window, done, progress);
        }
        if matches!(plan.route, Route::Same) {
            request.text.clone_into(&mut growing.text);
        }
        timings.total = start.elapsed();
        let (confidence, reasons) = overall(&growing.segments);
        Ok(TextTranslation {
            from: plan.from,
            detection: plan.detection,
            to: request.to,
            text: growing.text,
            engine,
            via,
            segments: growing.segments,
            confidence,
            reasons,
            completion,
            timings,
        })
    }

    /// Translates lines in their order, many at once, with bounded memory.
    ///
    /// Lines are taken from `lines` a batch at a time and handed to `sink` in order; an empty line stays an empty
    /// line. The sink ends the stream with `ControlFlow::Break` (for example on a closed pipe). Without a source
    /// language the first lines decide it for the whole stream. Memory: one batch of lines and their translations,
    /// so the longest line decides.
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
        let start = Instant::now();
        let mut timings = Timings::default();
        let mut lines = lines.into_iter();
        let first: Vec<String> =
            if from.is_none() { lines.by_ref().take(LINES_TO_DETECT).collect() } else { Vec::new() };
        let sample: String = first.iter().flat_map(|l| l.chars().take(DETECT_CHARS).chain(['\n'])).collect();
        let nothing = from.is_none() && first.is_empty();
        let plan = if nothing {
            // An empty stream is translated whatever its language.
            Plan { from: to, detection: None, route: Route::Same }
        } else {
            self.plan(&sample, from, to, settings)?
        };
        timings.detect = start.elapsed();
        let engine = plan.route.engine_id();
        let pass = Pass { plan: &plan, to, settings, cancel, engine: engine.as_str().into() };
        let mut lines = first.into_iter().chain(lines);
        let mut summary = LinesSummary {
            from: plan.from,
            to,
            engine,
            lines: 0,
            segments: 0,
            completion: Completion::Complete,
            timings,
        };
        let mut window = WINDOW_FIRST.min(pass.window());
        loop {
            let flow = pass.batch(&mut lines, window, &mut summary, &mut sink)?;
            if flow.is_break() {
                break;
            }
            window = (window * 2).min(pass.window());
        }
        summary.timings.total = start.elapsed();
        Ok(summary)
    }

    /// Finds the language, if need be, and the way.
    fn plan(
        &self,
        text: &str,
        from: Option<LanguageCode>,
        to: LanguageCode,
        settings: &Settings,
    ) -> Result<Plan, TranslateError> {
        let route = |from: &LanguageCode| self.engines.route(from, &to, settings.engine);
        if let Some(from) = from {
            return Ok(Plan { from, detection: None, route: route(&from)? });
        }
        let among = self.engines.sources_for(&to, settings.engine);
        let detection = detect(text, &among, &settings.likely);
        if let Some(from) = detection.language.or(detection.elsewhere) {
            let route = route(&from)?;
            return Ok(Plan { from, detection: Some(detection), route });
        }
        if !text.chars().any(char::is_alphabetic) {
            // Nothing to translate: numbers, emoji, spaces.
            return Ok(Plan { from: to, detection: Some(detection), route: Route::Same });
        }
        let candidates = detection.ranked.iter().take(3).map(|(l, _)| *l).collect();
        Err(TranslateError::LanguageUnsure { candidates })
    }
}

/// Groups of pieces that hold a window of sentences each; gaps go with what follows, the last ones with the last.
fn windows<'a, 'b>(pieces: &'b [Piece<'a>], size: usize) -> Vec<&'b [Piece<'a>]> {
    let mut out = Vec::new();
    let mut rest = pieces;
    let mut room = WINDOW_FIRST.min(size);
    while !rest.is_empty() {
        let mut count = 0;
        let end = rest
            .iter()
            .position(|p| {
                count += usize::from(p.kind != PieceKind::Gap);
                count > room
            })
            .unwrap_or(rest.len());
        // What stands between two sentences goes with the second: it is told together with it.
        let gap = |at: usize| rest.get(at).is_some_and(|p| p.kind == PieceKind::Gap);
        let end = if end < rest.len() && end > 1 && gap(end - 1) { end - 1 } else { end };
        let (window, after) = rest.split_at(end);
        out.push(window);
        rest = after;
        room = (room * 2).min(size);
    }
    out
}

/// A translation that grows sentence by sentence.
struct Growing {
    text: String,
    segments: Vec<Segment>,
    of: usize,
}

impl Growing {
    fn add(&mut self, window: &[Piece<'_>], done: Vec<Segment>, progress: &mut dyn Progress) {
        let mut done = done.into_iter();
        let mut before = "";
        for piece in window {
            if piece.kind == PieceKind::Gap {
                before = piece.text;
                self.text.push_str(piece.text);
                continue;
            }
            let Some(segment) = done.next() else { break };
            self.text.push_str(&segment.target);
            progress.on(Event::Translated {
                index: self.segments.len(),
                of: self.of,
                segment: &segment,
                before,
            });
            self.segments.push(segment);
            before = "";
        }
    }
}

/// The lowest confidence, and every reason once, most severe first.
fn overall(segments: &[Segment]) -> (Confidence, Vec<Reason>) {
    let confidence = segments.iter().map(|s| s.confidence).min().unwrap_or(Confidence::High);
    let mut reasons: Vec<Reason> = segments.iter().flat_map(|s| s.reasons.iter().copied()).collect();
    sort_reasons(&mut reasons);
    (confidence, reasons)
}

fn sort_reasons(reasons: &mut Vec<Reason>) {
    reasons.sort_by_key(|r| (r.limit(), *r));
    reasons.dedup();
}

/// One plan being carried out.
struct Pass<'a> {
    plan: &'a Plan,
    to: LanguageCode,
    settings: &'a Settings,
    cancel: &'a Cancel,
    engine: Arc<str>,
}

impl Pass<'_> {
    fn window(&self) -> usize {
        match &self.plan.route {
            Route::Direct(leg) if leg.engine.kind() == EngineKind::Llm => WINDOW_LLM,
            _ => WINDOW_NMT,
        }
    }

    /// Takes up to `window` lines, translates them, hands them on. `Break` at the end of the stream or on cancel.
    fn batch(
        &self,
        lines: &mut impl Iterator<Item = String>,
        window: usize,
        summary: &mut LinesSummary,
        sink: &mut impl FnMut(LineTranslation) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, TranslateError> {
        let start = Instant::now();
        let taken: Vec<String> = lines.take(window).collect();
        if taken.is_empty() {
            return Ok(ControlFlow::Break(()));
        }
        let clock = Instant::now();
        let same = matches!(self.plan.route, Route::Same);
        let pieces: Vec<Vec<Piece<'_>>> =
            taken.iter().map(|line| if same { Vec::new() } else { segment(line, &self.plan.from) }).collect();
        summary.timings.segment += clock.elapsed();
        let sentences: Vec<Piece<'_>> =
            pieces.iter().flatten().filter(|p| p.kind != PieceKind::Gap).copied().collect();
        let mut done = Vec::with_capacity(sentences.len());
        for some in sentences.chunks(self.window()) {
            let Some(segments) = self.sentences(some, &mut summary.timings)? else {
                summary.completion = Completion::Cancelled;
                return Ok(ControlFlow::Break(()));
            };
            done.extend(segments);
        }
        let time = start.elapsed() / u32::try_from(taken.len()).unwrap_or(u32::MAX);
        let mut done = done.into_iter();
        summary.segments += sentences.len();
        for (source, pieces) in taken.iter().zip(pieces) {
            let count = pieces.iter().filter(|p| p.kind != PieceKind::Gap).count();
            let segments: Vec<Segment> = done.by_ref().take(count).collect();
            let line = self.line(summary.lines, source, &pieces, &segments, time);
            summary.lines += 1;
            if sink(line).is_break() {
                summary.completion = Completion::Cancelled;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn line(
        &self,
        index: usize,
        source: &str,
        pieces: &[Piece<'_>],
        segments: &[Segment],
        time: std::time::Duration,
    ) -> LineTranslation {
        let weave = |of: &dyn Fn(&Segment) -> String| {
            let mut next = segments.iter();
            let mut text = String::new();
            for piece in pieces {
                match piece.kind {
                    PieceKind::Gap => text.push_str(piece.text),
                    _ => text.push_str(&next.next().map(of).unwrap_or_default()),
                }
            }
            text
        };
        let (confidence, reasons) = overall(segments);
        let probs: Vec<f32> = segments.iter().filter_map(|s| s.log_prob).collect();
        let pivot = segments.iter().any(|s| s.pivot.is_some());
        LineTranslation {
            index,
            source: source.to_owned(),
            from: self.plan.from,
            to: self.to,
            engine: self.engine.clone(),
            text: if pieces.is_empty() { source.to_owned() } else { weave(&|s| s.target.clone()) },
            confidence,
            reasons,
            pivot: pivot.then(|| weave(&|s| s.pivot.clone().unwrap_or_else(|| s.source.clone()))),
            log_prob: (!probs.is_empty()).then(|| probs.iter().sum::<f32>() / probs.len() as f32),
            time,
        }
    }

    /// Translates sentences; `None` if cancelled.
    fn sentences(
        &self,
        pieces: &[Piece<'_>],
        timings: &mut Timings,
    ) -> Result<Option<Vec<Segment>>, TranslateError> {
        let sources: Vec<&str> = pieces.iter().map(|p| p.text).collect();
        let run = |leg, sentences: &[&str], timings: &mut Timings| {
            Runner { leg, keep: &self.settings.keep, cancel: self.cancel }.run(sentences, timings)
        };
        let (done, pivots): (Vec<Done>, Vec<Option<String>>) = match &self.plan.route {
            Route::Same => return Ok(Some(Vec::new())),
            Route::Direct(leg) => {
                let Some(done) = run(leg, &sources, timings)? else { return Ok(None) };
                let none = vec![None; done.len()];
                (done, none)
            }
            Route::Pivot(first, second) => {
                let Some(middle) = run(first, &sources, timings)? else { return Ok(None) };
                // What the first leg passed through is not in the language of the second.
                let onward: Vec<&str> =
                    middle.iter().filter(|d| !d.passed_through()).map(|d| d.text.as_str()).collect();
                let Some(last) = run(second, &onward, timings)? else { return Ok(None) };
                combine(&sources, middle, last)
            }
        };
        let built = pieces
            .iter()
            .zip(done)
            .zip(pivots)
            .map(|((piece, done), pivot)| self.segment(piece, done, pivot));
        Ok(Some(built.collect()))
    }

    fn segment(&self, piece: &Piece<'_>, mut done: Done, pivot: Option<String>) -> Segment {
        if piece.kind == PieceKind::Part {
            done.reasons.push(Reason::Split);
        }
        sort_reasons(&mut done.reasons);
        if self.settings.numbers == NumberStyle::Localise && !done.passed_through() {
            done.text = localise(&done.text, &self.plan.from, &self.to);
        }
        Segment {
            source: piece.text.to_owned(),
            start: piece.start,
            target: done.text,
            pivot,
            confidence: done.reasons.iter().map(|r| r.limit()).min().unwrap_or(Confidence::High),
            reasons: done.reasons,
            log_prob: done.log_prob,
        }
    }
}

/// Joins the two legs: reasons of both, log-probabilities added; a sentence that failed in one has failed.
fn combine(sources: &[&str], middle: Vec<Done>, last: Vec<Done>) -> (Vec<Done>, Vec<Option<String>>) {
    let mut last = last.into_iter();
    let mut pivots = Vec::with_capacity(middle.len());
    let mut out = Vec::with_capacity(middle.len());
    for (first, source) in middle.into_iter().zip(sources) {
        if first.passed_through() {
            pivots.push(None);
            out.push(first);
            continue;
        }
        let Some(mut second) = last.next() else { break };
        if second.passed_through() {
            // The user's own words are worth more than a language nobody asked for.
            (*source).clone_into(&mut second.text);
        }
        second.reasons.extend(first.reasons);
        second.reasons.push(Reason::Pivot);
        second.log_prob = second.log_prob.zip(first.log_prob).map(|(a, b)| a + b);
        pivots.push(Some(first.text));
        out.push(second);
    }
    (out, pivots)
}
