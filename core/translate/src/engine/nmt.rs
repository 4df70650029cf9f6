//! The neural engine, `cuba-nmt`, behind the trait.

use cuba_nmt::{Cancel as NmtCancel, Error, Model, ModelFiles, Options, Source};

use super::lexicon::Rare;
use super::{Batch, Direction, Engine, EngineError, EngineKind, Hypothesis, Input, Lexicon};
use crate::Cancel;

/// A Marian/Bergamot model of one direction.
pub struct NmtEngine {
    id: String,
    direction: Direction,
    model: Model,
    threads: usize,
    beam: usize,
    resident: u64,
    lexicon: Option<Lexicon>,
}

/// How the neural engine is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NmtSettings {
    /// Threads; the output does not depend on it.
    pub threads: usize,
    /// Beam width of a first try, 1 (greedy) to 6. A second try widens it.
    pub beam: usize,
}

impl Default for NmtSettings {
    fn default() -> Self {
        Self { threads: 1, beam: 1 }
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
            model,
            threads: settings.threads.clamp(1, 64),
            beam: settings.beam.clamp(1, Options::MAX_BEAM),
            resident,
            lexicon: None,
        })
    }

    /// With the pack's lexicon: rare words are forced to their listed translation where the model had another, so are words
    /// that came out untranslated, and a sentence with words that nothing vouches for is marked.
    #[must_use]
    pub fn with_lexicon(self, lexicon: Lexicon) -> Self {
        Self { lexicon: Some(lexicon), ..self }
    }

    fn run(&self, sources: &[Source], beam: usize, cancel: &Cancel) -> Result<Vec<Hypothesis>, EngineError> {
        let options = Options { beam, threads: self.threads, alignment: true, ..Options::default() };
        let cancel = NmtCancel::from_flag(cancel.flag().clone());
        let done = self.model.translate_batch(sources, &options, &cancel, &|_| ()).map_err(engine_error)?;
        Ok(done.into_iter().map(hypothesis).collect())
    }
}

impl NmtEngine {
    /// Looks after the rare words of every sentence.
    fn vouch(
        &self,
        lexicon: &Lexicon,
        inputs: &[Input],
        hypotheses: &mut [Hypothesis],
        beam: usize,
        cancel: &Cancel,
    ) -> Result<(), EngineError> {
        let rare: Vec<Vec<Rare<'_>>> = inputs.iter().map(|input| lexicon.rare(&input.text)).collect();
        let mut again: Vec<(usize, Source)> = Vec::new();
        for (at, (input, words)) in inputs.iter().zip(&rare).enumerate() {
            let Some(hypothesis) = hypotheses.get_mut(at) else { continue };
            let left = lexicon.left(&input.text, &hypothesis.text);
            // What takes the place of a word that came out untranslated is a guess from the corpus.
            hypothesis.unfamiliar = !left.is_empty() || words.iter().any(|word| word.translations.is_empty());
            let lost = words.iter().filter(|word| !word.is_in(&hypothesis.text));
            let lost = lost.chain(left.iter().filter(|l| words.iter().all(|word| word.place != l.place)));
            let forced = lost.filter_map(|word| Some((*word.translations.first()?, word.place.clone())));
            let plain = (0, source(input));
            let (count, bound) =
                forced.fold(plain, |(n, s), (phrase, place)| (n + 1, s.force(phrase, Some(place))));
            if count > 0 {
                again.push((at, bound));
            }
        }
        if again.is_empty() {
            return Ok(());
        }
        let (places, sources): (Vec<usize>, Vec<Source>) = again.into_iter().unzip();
        for (at, forced) in places.into_iter().zip(self.run(&sources, beam, cancel)?) {
            if let Some(hypothesis) = hypotheses.get_mut(at) {
                *hypothesis = Hypothesis { unfamiliar: hypothesis.unfamiliar, ..forced };
            }
        }
        Ok(())
    }
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
        let sources: Vec<Source> = batch.sentences.iter().map(source).collect();
        let mut hypotheses = self.run(&sources, beam, cancel)?;
        if let Some(lexicon) = &self.lexicon {
            self.vouch(lexicon, batch.sentences, &mut hypotheses, beam, cancel)?;
        }
        Ok(hypotheses)
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
