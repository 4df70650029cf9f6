//! One leg of a route: sentences through one engine, with protection, checks and further tries.
//!
//! Every sentence climbs a ladder until a translation holds: the usual way; another way (beam, other stand-ins or
//! forced spans, other form); cut around its protected spans; and, if nothing holds, the source itself, marked.
//! A round collects what all open sentences need, so engines see large batches even on the second try.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Instant;

use crate::check::check;
use crate::engine::{Batch, Effort, EngineError, EngineKind, Hypothesis, Input};
use crate::marks::mend;
use crate::protect::mask::{Family, Masked, core, cut, mask, opaque};
use crate::protect::{intact, numbers, scan};
use crate::shape::Shape;
use crate::{Cancel, Confidence, Leg, Reason, Timings, TranslateError};

/// What became of a sentence.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) text: String,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) log_prob: Option<f32>,
}

impl Done {
    pub(crate) fn passed_through(&self) -> bool {
        self.reasons.contains(&Reason::PassedThrough)
    }
}

/// A step of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    First,
    Second,
    Cut,
}

/// What was sent for a sentence in this round, and how its translation is put together again.
enum Sent {
    /// One text with stand-ins.
    Whole { core: Range<usize>, masked: Masked, shape: Shape },
    /// Stretches: those with an index were sent.
    Pieces(Vec<(Option<usize>, String)>),
}

struct Work<'a> {
    source: &'a str,
    step: Step,
    /// Acceptable translations so far.
    candidates: Vec<Done>,
    done: Option<Done>,
}

/// The leg's engine and what it is told.
pub(crate) struct Runner<'a> {
    pub(crate) leg: &'a Leg,
    pub(crate) keep: &'a [String],
    pub(crate) cancel: &'a Cancel,
}

impl Runner<'_> {
    /// Translates sentences; `None` if cancelled. As many results as sentences, in order.
    pub(crate) fn run(
        &self,
        sentences: &[&str],
        timings: &mut Timings,
    ) -> Result<Option<Vec<Done>>, TranslateError> {
        let mut works: Vec<Work<'_>> = sentences
            .iter()
            .map(|source| Work {
                source,
                step: Step::First,
                candidates: Vec::new(),
                done: self.as_it_is(source),
            })
            .collect();
        for step in [Step::First, Step::Second, Step::Cut] {
            let open: Vec<&mut Work<'_>> =
                works.iter_mut().filter(|w| w.done.is_none() && w.step == step).collect();
            if !open.is_empty() && !self.round(step, open, timings)? {
                return Ok(None);
            }
        }
        Ok(Some(works.into_iter().map(Work::finish).collect()))
    }

    /// A sentence that is all protected spans needs no engine.
    fn as_it_is(&self, source: &str) -> Option<Done> {
        let translatable = cut(source, &scan(source, self.keep)).iter().any(|(translate, _)| *translate);
        (!translatable).then(|| Done { text: source.to_owned(), reasons: Vec::new(), log_prob: None })
    }

    /// One step for all sentences that are at it; false if cancelled.
    fn round(
        &self,
        step: Step,
        mut works: Vec<&mut Work<'_>>,
        timings: &mut Timings,
    ) -> Result<bool, TranslateError> {
        let clock = Instant::now();
        let mut inputs = Vec::new();
        let mut sent: Vec<(Sent, Range<usize>)> = Vec::with_capacity(works.len());
        for work in &works {
            let first = inputs.len();
            let how = self.prepare(step, work.source, &mut inputs);
            sent.push((how, first..inputs.len()));
        }
        timings.protect += clock.elapsed();
        let effort = if step == Step::Second { Effort::SECOND } else { Effort::FIRST };
        let Some(outputs) = self.engine(&inputs, effort, timings)? else { return Ok(false) };
        for (work, (how, range)) in works.iter_mut().zip(sent) {
            let clock = Instant::now();
            let outputs = outputs.get(range).unwrap_or_default();
            let joined = self.join(work.source, how, outputs);
            timings.protect += clock.elapsed();
            let clock = Instant::now();
            self.judge(work, step, joined);
            timings.check += clock.elapsed();
        }
        Ok(true)
    }

    /// Says what to send for a sentence.
    fn prepare(&self, step: Step, source: &str, inputs: &mut Vec<Input>) -> Sent {
        let neural = self.leg.engine.kind() == EngineKind::Nmt;
        if step == Step::Cut {
            let pieces = cut(source, &scan(source, self.keep));
            let pieces = pieces.into_iter().map(|(translate, piece)| {
                let index = translate.then(|| {
                    inputs.push(Input::from(piece));
                    inputs.len() - 1
                });
                (index, piece.to_owned())
            });
            return Sent::Pieces(pieces.collect());
        }
        let again = step == Step::Second;
        let mut spans = opaque(source, self.keep);
        let core = core(source, &spans);
        let inner = source.get(core.clone()).unwrap_or_default();
        spans.retain(|s| s.range.start >= core.start && s.range.end <= core.end);
        for span in &mut spans {
            span.range = span.range.start - core.start..span.range.end - core.start;
        }
        // A language model copies addresses well if it sees them; a neural one is forced to, where it can be.
        let masked = match (neural, again) {
            (true, false) => mask(inner, &spans, Family::Numbers),
            (false, true) => mask(inner, &spans, Family::Letters),
            (true, true) | (false, false) => mask(inner, &[], Family::Numbers),
        };
        let shape = if neural { Shape::choose(&masked.text, again) } else { Shape::default() };
        let text = shape.apply(&masked.text, &self.leg.direction.from);
        let force = if neural && again && !shape.recased {
            scan(inner, self.keep).into_iter().map(|s| (s.range.clone(), s.of(inner).to_owned())).collect()
        } else {
            Vec::new()
        };
        inputs.push(Input { text, force });
        Sent::Whole { core, masked, shape }
    }

    /// Calls the engine; `None` if cancelled. A sentence that the engine cannot take gets an empty hypothesis.
    fn engine(
        &self,
        inputs: &[Input],
        effort: Effort,
        timings: &mut Timings,
    ) -> Result<Option<Vec<Hypothesis>>, TranslateError> {
        if self.cancel.is_cancelled() {
            return Ok(None);
        }
        let clock = Instant::now();
        let result = self.attempt(inputs, effort);
        timings.engine += clock.elapsed();
        let engine = || self.leg.engine.id().to_owned();
        match result {
            Ok(outputs) => Ok(Some(outputs)),
            Err(EngineError::Cancelled) => Ok(None),
            Err(EngineError::Damaged(reason)) => Err(TranslateError::Damaged { engine: engine(), reason }),
            Err(EngineError::Memory(reason)) => Err(TranslateError::Memory { engine: engine(), reason }),
            Err(EngineError::Batch(reason) | EngineError::Unusable(reason)) => {
                Err(TranslateError::Engine { engine: engine(), reason })
            }
        }
    }

    fn attempt(&self, inputs: &[Input], effort: Effort) -> Result<Vec<Hypothesis>, EngineError> {
        // Tables, logs and lists repeat themselves; one translation serves all.
        let mut places: HashMap<&Input, usize> = HashMap::new();
        let mut once: Vec<Input> = Vec::new();
        let wanted: Vec<usize> = inputs
            .iter()
            .map(|input| {
                *places.entry(input).or_insert_with(|| {
                    once.push(input.clone());
                    once.len() - 1
                })
            })
            .collect();
        let outputs = self.attempt_all(&once, effort)?;
        Ok(wanted.into_iter().map(|at| outputs.get(at).cloned().unwrap_or_default()).collect())
    }

    fn attempt_all(&self, inputs: &[Input], effort: Effort) -> Result<Vec<Hypothesis>, EngineError> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let call = |sentences: &[Input]| {
            let batch = Batch { direction: self.leg.direction, sentences, effort };
            let mut outputs = self.leg.engine.translate(&batch, self.cancel)?;
            if outputs.len() == sentences.len() {
                self.review(sentences, &mut outputs)?;
                Ok(outputs)
            } else {
                Err(EngineError::Batch("another number of sentences came back than went in".into()))
            }
        };
        match call(inputs) {
            // One sentence may have spoilt it for the others.
            Err(EngineError::Batch(_)) => {
                let alone = |input: &Input| match call(std::slice::from_ref(input)) {
                    Err(EngineError::Batch(_)) => Ok(Hypothesis::default()),
                    other => other.map(|mut outputs| outputs.pop().unwrap_or_default()),
                };
                inputs.iter().map(alone).collect()
            }
            other => other,
        }
    }

    /// The second opinion, where there is one. A reviewer that cannot be asked takes nothing away but the trust it would have given.
    fn review(&self, sentences: &[Input], outputs: &mut [Hypothesis]) -> Result<(), EngineError> {
        let Some(reviewer) = &self.leg.reviewer else { return Ok(()) };
        let batch = Batch { direction: reviewer.direction, sentences, effort: Effort::FIRST };
        match reviewer.engine.review(&batch, outputs, self.cancel) {
            Err(EngineError::Cancelled) => Err(EngineError::Cancelled),
            Err(_) => {
                for output in outputs {
                    output.disputed = true;
                }
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Puts the translation together; `None` if a protected span is lost.
    fn join(&self, source: &str, how: Sent, outputs: &[Hypothesis]) -> Option<Hypothesis> {
        let mut joined = match how {
            Sent::Whole { core, masked, shape } => {
                let output = outputs.first()?.clone();
                let inner = source.get(core.clone())?;
                let text = masked.restore(&shape.undo(inner, &one_line(&output.text)))?;
                if text.is_empty() {
                    return None;
                }
                let text = format!("{}{text}{}", source.get(..core.start)?, source.get(core.end..)?);
                Hypothesis { text, ..output }
            }
            Sent::Pieces(pieces) => {
                let mut text = String::with_capacity(source.len() * 2);
                let mut outputs_left = outputs.iter();
                let mut probs = Vec::new();
                let (mut unfamiliar, mut disputed) = (false, false);
                for (index, piece) in pieces {
                    let output = if index.is_some() { outputs_left.next() } else { None };
                    let translated = output.map(|o| Shape::default().undo(&piece, &one_line(&o.text)));
                    probs.extend(output.and_then(|o| o.mean_log_prob));
                    unfamiliar |= output.is_some_and(|o| o.unfamiliar);
                    disputed |= output.is_some_and(|o| o.disputed);
                    text.push_str(translated.as_deref().filter(|t| !t.is_empty()).unwrap_or(&piece));
                }
                let mean = (!probs.is_empty()).then(|| probs.iter().sum::<f32>() / probs.len() as f32);
                Hypothesis { text, mean_log_prob: mean, unfamiliar, disputed, ..Hypothesis::default() }
            }
        };
        if joined.text.is_empty() {
            return None;
        }
        let to = &self.leg.direction.to;
        joined.text = numbers::repair(source, &mend(source, &joined.text, to), to, self.keep)?;
        intact(source, &joined.text, self.keep).then_some(joined)
    }

    /// Takes a translation, or sends the sentence to the next step.
    fn judge(&self, work: &mut Work<'_>, step: Step, joined: Option<Hypothesis>) {
        if let Some(hypothesis) = joined {
            let direction = self.leg.direction;
            let mut reasons = check(work.source, &hypothesis, &direction.from, &direction.to);
            if step == Step::Cut {
                reasons.push(Reason::Rebuilt);
            }
            let has = |reason| reasons.contains(&reason);
            let foreign = self.leg.engine.kind() == EngineKind::Llm && has(Reason::WrongLanguage);
            // A loop that only the length limit ended says nothing.
            let endless = has(Reason::Repetition) && has(Reason::Truncated);
            let usable = !foreign && !endless && !has(Reason::Empty);
            let candidate = Done { text: hypothesis.text, reasons, log_prob: hypothesis.mean_log_prob };
            if usable {
                if step != Step::First || !candidate.reasons.iter().any(|r| worth_another_try(*r)) {
                    work.candidates.push(candidate);
                    work.settle();
                    return;
                }
                work.candidates.push(candidate);
            }
        }
        let spans = || !scan(work.source, self.keep).is_empty();
        match step {
            Step::First => work.step = Step::Second,
            Step::Second if work.candidates.is_empty() && spans() => work.step = Step::Cut,
            Step::Second | Step::Cut => work.settle(),
        }
    }
}

impl Work<'_> {
    /// The candidate with the fewest and mildest signs; of equal ones the likelier, then the earlier.
    fn settle(&mut self) {
        let weight = |done: &Done| -> u32 {
            done.reasons.iter().map(|r| if r.limit() == Confidence::Low { 10 } else { 1 }).sum()
        };
        let mut best: Option<Done> = None;
        for candidate in std::mem::take(&mut self.candidates) {
            let better = best.as_ref().is_none_or(|b| weight(&candidate) < weight(b));
            if better {
                best = Some(candidate);
            }
        }
        self.done = Some(best.unwrap_or_else(|| self.pass()));
    }

    fn pass(&self) -> Done {
        Done { text: self.source.to_owned(), reasons: vec![Reason::PassedThrough], log_prob: None }
    }

    fn finish(self) -> Done {
        let pass = self.pass();
        self.done.unwrap_or(pass)
    }
}

fn worth_another_try(reason: Reason) -> bool {
    // Another try makes no word more familiar, and for a mere hesitation it costs more than it brings.
    !matches!(reason, Reason::Short | Reason::Pivot | Reason::Split | Reason::Unfamiliar | Reason::Hesitant)
}

/// Engines may put line breaks or control characters into their output; a sentence has none.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
