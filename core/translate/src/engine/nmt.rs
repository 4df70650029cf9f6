//! The neural engine, `cuba-nmt`, behind the trait.

use cuba_nmt::{Cancel as NmtCancel, Error, Model, ModelFiles, Options, Source};

use super::{Batch, Direction, Engine, EngineError, EngineKind, Hypothesis, Input};
use crate::Cancel;

/// A Marian/Bergamot model of one direction.
pub struct NmtEngine {
    id: String,
    direction: Direction,
    model: Model,
    threads: usize,
    beam: usize,
    resident: u64,
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
        })
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
        let options = Options { beam, threads: self.threads, alignment: true, ..Options::default() };
        let sources: Vec<Source> = batch.sentences.iter().map(source).collect();
        let cancel = NmtCancel::from_flag(cancel.flag().clone());
        let translations =
            self.model.translate_batch(&sources, &options, &cancel, &|_| ()).map_err(engine_error)?;
        Ok(translations.into_iter().map(hypothesis).collect())
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
