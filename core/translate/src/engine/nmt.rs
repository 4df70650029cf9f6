//! The neural engine, `cuba-nmt`, behind the trait.

use std::ops::Range;

use cuba_nmt::{Cancel as NmtCancel, Error, Model, ModelFiles, Options, Source};
use unicode_segmentation::UnicodeSegmentation as _;

use super::typography::Typography;
use super::{Batch, Direction, Engine, EngineError, EngineKind, Hypothesis, Input, Lexicon, Spelling};
use crate::check::senses::misread;
use crate::metrics::chrf;
use crate::shape::in_case_of;
use crate::{Cancel, calendar};

/// How much less probable, a token, than the model's own translation a forced one may be. This and the next were chosen on
/// random lines of the evaluation sets, for chrF and BLEU.
const LESS_SURE_NATS: f32 = 0.3;
/// How much longer it may be, beside a quarter.
const RUNS_ON_CHARS: usize = 12;
/// Below this chrF to its own translation another engine's is disputed. A language model of a few hundred million weights exchanges
/// words as probable as the right ones; where it and a small translation model say the same, they are mostly right: docs/accuracy.md has the figures.
const AGREED_CHRF: f64 = 70.0;

/// A Marian/Bergamot model of one direction.
pub struct NmtEngine {
    id: String,
    direction: Direction,
    model: Model,
    threads: usize,
    beam: usize,
    length_penalty: f32,
    resident: u64,
    lexicon: Option<Lexicon>,
    spelling: Option<Spelling>,
    typography: Typography,
}

/// How the neural engine is to run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NmtSettings {
    /// Threads; the output does not depend on it.
    pub threads: usize,
    /// Beam width of a first try, 1 (greedy) to 6. A second try widens it.
    pub beam: usize,
    /// How much a beam makes up for length, 0 to 4: see [`Options::length_penalty`].
    pub length_penalty: f32,
}

impl Default for NmtSettings {
    fn default() -> Self {
        Self { threads: 1, beam: 1, length_penalty: 1.0 }
    }
}

impl NmtEngine {
    /// Opens the model files of one direction; under `id` the engine appears in results.
    pub fn open(
        id: impl Into<String>,
        direction: Direction,
        files: &ModelFiles,
        settings: NmtSettings,
    ) -> Result<Self, EngineError> {
        let model = Model::open(files).map_err(engine_error)?;
        let mut paths = vec![&files.model, &files.source_vocab];
        if files.target_vocab != files.source_vocab {
            paths.push(&files.target_vocab);
        }
        let sizes = paths.into_iter().chain(&files.shortlist).filter_map(|path| std::fs::metadata(path).ok());
        let resident = sizes.map(|file| file.len()).sum();
        Ok(Self {
            id: id.into(),
            direction,
            threads: settings.threads.clamp(1, 64),
            beam: settings.beam.clamp(1, Options::MAX_BEAM),
            length_penalty: settings.length_penalty.clamp(0.0, 4.0),
            resident,
            lexicon: None,
            spelling: None,
            typography: Typography::new(|c| model.source_vocab().covers(c)),
            model,
        })
    }

    /// With the pack's lexicon: rare words are forced to their listed translation where the model had another, words that
    /// came out untranslated are replaced by theirs, and a sentence with words that nothing vouches for is marked.
    #[must_use]
    pub fn with_lexicon(self, lexicon: Lexicon) -> Self {
        Self { lexicon: Some(lexicon), ..self }
    }

    /// With the words of the target language: a translation with made-up words is marked.
    #[must_use]
    pub fn with_spelling(self, spelling: Spelling) -> Self {
        Self { spelling: Some(spelling), ..self }
    }

    fn run(&self, sources: &[Source], beam: usize, cancel: &Cancel) -> Result<Vec<Hypothesis>, EngineError> {
        let (threads, length_penalty) = (self.threads, self.length_penalty);
        let options = Options { beam, threads, length_penalty, alignment: true, ..Options::default() };
        let cancel = NmtCancel::from_flag(cancel.flag().clone());
        let done = self.model.translate_batch(sources, &options, &cancel, &|_| ()).map_err(engine_error)?;
        Ok(done.into_iter().map(hypothesis).collect())
    }
}

/// The words that a translation has to hold.
#[derive(Default)]
struct Forced {
    /// Where each is translated from, and its form there.
    words: Vec<(Range<usize>, String)>,
    /// One of them is there since the model took it in a sense that misleads.
    misread: bool,
}

impl NmtEngine {
    /// Looks after the words that a model gets wrong: rare ones and names, those it left as they were, those with a second
    /// sense.
    fn vouch(
        &self,
        inputs: &[Input],
        hypotheses: &mut [Hypothesis],
        beam: usize,
        cancel: &Cancel,
    ) -> Result<(), EngineError> {
        let mut again: Vec<(usize, Source, Forced)> = Vec::new();
        for (at, (input, hypothesis)) in inputs.iter().zip(hypotheses.iter_mut()).enumerate() {
            let forced = self.wanting(input, hypothesis);
            if !forced.words.is_empty() {
                let words = forced.words.iter().cloned();
                let bound = words.fold(source(input), |s, (place, phrase)| s.force(phrase, Some(place)));
                again.push((at, bound, forced));
            }
        }
        if again.is_empty() {
            return Ok(());
        }
        let sources: Vec<Source> = again.iter().map(|(_, source, _)| source.clone()).collect();
        for ((at, _, wanted), forced) in again.iter().zip(self.run(&sources, beam, cancel)?) {
            let Some(hypothesis) = hypotheses.get_mut(*at) else { continue };
            let lost = runs_on(hypothesis, &forced) || (!wanted.misread && less_sure(hypothesis, &forced));
            if lost || wanted.words.iter().any(|(_, phrase)| tacked_on(&forced.text, phrase)) {
                // The model found no place for it: its own sentence is better, but not to be believed.
                hypothesis.unfamiliar = true;
            } else {
                *hypothesis = Hypothesis { unfamiliar: hypothesis.unfamiliar, ..forced };
            }
        }
        Ok(())
    }

    /// The words that a translation should hold and does not; those that only have to take another's place take it.
    fn wanting(&self, input: &Input, hypothesis: &mut Hypothesis) -> Forced {
        let mut forced = Forced::default();
        if let Some(lexicon) = &self.lexicon {
            self.put_left_words(lexicon, input, hypothesis);
            let rare = lexicon.rare(&input.text);
            hypothesis.unfamiliar |= rare.iter().any(|word| word.translations.is_empty());
            let lost = rare.into_iter().filter(|word| !word.is_in(&hypothesis.text));
            forced
                .words
                .extend(lost.filter_map(|word| Some((word.place, (*word.translations.first()?).to_owned()))));
            let names = lexicon.names(&input.text).into_iter().filter(|name| !name.is_in(&hypothesis.text));
            forced.words.extend(names.filter_map(|name| {
                let like = input.text.get(name.place.clone())?;
                Some((name.place, in_case_of(like, name.translations.first()?)))
            }));
        }
        let Direction { from, to } = &self.direction;
        if let Some(sense) = misread(&input.text, &hypothesis.text, from, to) {
            forced
                .words
                .retain(|(place, _)| place.end <= sense.place.start || sense.place.end <= place.start);
            forced.words.push((sense.place, sense.right.to_owned()));
            forced.misread = true;
        }
        forced
    }

    /// Puts translations in the place of words that came out as they went in. They are guesses from the corpus, but for
    /// months and days.
    fn put_left_words(&self, lexicon: &Lexicon, input: &Input, hypothesis: &mut Hypothesis) {
        let Direction { from, to } = &self.direction;
        for found in calendar::find(&input.text, from) {
            let word = input.text.get(found.place).unwrap_or_default();
            if let Some(name) = calendar::name(found.which, to)
                && !calendar::find(&hypothesis.text, to).iter().any(|f| f.which == found.which)
            {
                replace_word(&mut hypothesis.text, word, |_| name.clone());
            }
        }
        for left in lexicon.left(&input.text, &hypothesis.text) {
            hypothesis.unfamiliar = true;
            let word = input.text.get(left.place).unwrap_or_default();
            if let Some(translation) = left.translations.first() {
                replace_word(&mut hypothesis.text, word, |like| in_case_of(like, translation));
            }
        }
    }
}

/// Replaces a word, whatever its case, wherever it stands.
fn replace_word(text: &mut String, word: &str, with: impl Fn(&str) -> String) {
    let lower = word.to_lowercase();
    let pieces = text.split_word_bounds();
    *text = pieces.map(|p| if p.to_lowercase() == lower { with(p) } else { p.to_owned() }).collect();
}

/// Whether a sentence lost its way over the words it was made to hold, and goes on and on.
fn runs_on(own: &Hypothesis, forced: &Hypothesis) -> bool {
    let length = |hypothesis: &Hypothesis| hypothesis.text.chars().count();
    length(forced) > length(own) * 5 / 4 + RUNS_ON_CHARS
}

/// Whether the model thinks far less of it than of its own sentence: then its own word may do as well, unless it is known to
/// mislead.
fn less_sure(own: &Hypothesis, forced: &Hypothesis) -> bool {
    own.mean_log_prob.zip(forced.mean_log_prob).is_some_and(|(own, forced)| forced < own - LESS_SURE_NATS)
}

/// Whether a forced phrase stands behind the end of the sentence, where a model puts what it has no place for.
fn tacked_on(text: &str, phrase: &str) -> bool {
    let (text, phrase) = (text.to_lowercase(), phrase.to_lowercase());
    let before = text.rfind(&phrase).and_then(|at| text.get(..at)).unwrap_or_default();
    before.trim_end().ends_with(['.', '!', '?'])
}

impl Engine for NmtEngine {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> EngineKind {
        EngineKind::Nmt
    }

    fn directions(&self) -> Vec<Direction> {
        vec![self.direction]
    }

    /// The files, which are mapped, not copied: an upper bound that the kernel may take back.
    fn resident_bytes(&self) -> u64 {
        self.resident
    }

    fn translate(&self, batch: &Batch<'_>, cancel: &Cancel) -> Result<Vec<Hypothesis>, EngineError> {
        let beam = self.beam.max(usize::from(batch.effort.beam)).min(Options::MAX_BEAM);
        let inputs: Vec<Input> = batch.sentences.iter().map(|input| self.typography.plain(input)).collect();
        let sources: Vec<Source> = inputs.iter().map(source).collect();
        let mut hypotheses = self.run(&sources, beam, cancel)?;
        self.vouch(&inputs, &mut hypotheses, beam, cancel)?;
        if let Some(spelling) = &self.spelling {
            for (input, hypothesis) in inputs.iter().zip(&mut hypotheses) {
                hypothesis.unfamiliar |= spelling.invented(&input.text, &hypothesis.text);
            }
        }
        Ok(hypotheses)
    }

    fn review(
        &self,
        batch: &Batch<'_>,
        hypotheses: &mut [Hypothesis],
        cancel: &Cancel,
    ) -> Result<(), EngineError> {
        let own = self.translate(batch, cancel)?;
        for ((input, own), other) in batch.sentences.iter().zip(own).zip(hypotheses) {
            let (source, target) = (input.text.as_str(), other.text.as_str());
            let left = self.lexicon.as_ref().is_some_and(|lexicon| !lexicon.left(source, target).is_empty());
            let invented = self.spelling.as_ref().is_some_and(|spelling| spelling.invented(source, target));
            other.disputed |= chrf(&[target], &[&own.text]).is_none_or(|chrf| chrf < AGREED_CHRF);
            other.unfamiliar |= left || invented;
        }
        Ok(())
    }
}

fn source(input: &Input) -> Source {
    let plain = Source::new(input.text.as_str());
    input
        .force
        .iter()
        .fold(plain, |source, (range, phrase)| source.force(phrase.as_str(), Some(range.clone())))
}

fn hypothesis(translation: cuba_nmt::Translation) -> Hypothesis {
    Hypothesis {
        mean_log_prob: translation.mean_log_prob(),
        min_log_prob: translation.min_log_prob(),
        coverage: translation.coverage(),
        truncated: translation.reached_limit,
        unfamiliar: false,
        disputed: false,
        text: translation.text,
    }
}

#[allow(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn engine_error(error: Error) -> EngineError {
    match error {
        Error::Cancelled => EngineError::Cancelled,
        Error::Request { .. } => EngineError::Batch(error.to_string()),
        Error::Damaged { .. } | Error::Unsupported { .. } | Error::Mismatch { .. } => {
            EngineError::Damaged(error.to_string())
        }
        Error::Io { .. } => EngineError::Unusable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hypothesis(text: &str, mean_log_prob: f32) -> Hypothesis {
        Hypothesis { text: text.into(), mean_log_prob: Some(mean_log_prob), ..Hypothesis::default() }
    }

    #[test]
    fn a_forced_sentence_that_runs_on_or_is_improbable_is_refused() {
        let own = hypothesis("El milero dijo que no sabe nada de esto.", -0.4);
        let good = hypothesis("Miller dijo que no sabe nada de todo esto.", -0.6);
        assert!(!runs_on(&own, &good) && !less_sure(&own, &good));
        assert!(less_sure(&own, &hypothesis("Miller dijo que no sabe nada de esto.", -0.8)));
        let on = "Miller dijo que no sabe nada de esto, de esto, de esto, de esto, de esto.";
        assert!(runs_on(&own, &hypothesis(on, -0.4)));
    }
}
