//! A language model, `cuba-llm`, behind the trait.

use std::path::Path;
use std::sync::Arc;

use cuba_llm::{AdapterUse, ChatMessage, Finish, Generation, Llm, LlmError, LoadOptions, Request, Sampling};

use super::{Batch, Direction, Effort, Engine, EngineError, EngineKind, Hypothesis};
use crate::Cancel;
use crate::prompt::{self, Profile, Prompt, STOP, Speaker};

/// A prompted language model: every pair of the languages it knows.
pub struct LlmEngine {
    id: String,
    llm: Llm,
    profile: Profile,
    adapters: Vec<AdapterUse>,
    settings: LlmSettings,
}

/// How a model is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LlmSettings {
    /// Threads; `None` takes the big cores.
    pub threads: Option<usize>,
    /// Continuations followed side by side, 1 for greedy; a model that was trained to translate gets more on its second try.
    pub beam: usize,
    /// In a beam answers are compared by the sum of their log-probabilities over length ^ `length_penalty`.
    pub length_penalty: f32,
}

impl Default for LlmSettings {
    fn default() -> Self {
        Self { threads: None, beam: 1, length_penalty: 1.0 }
    }
}

/// The directions that the model with this name can be asked for. May be asked before it is loaded.
pub fn directions(model: &str) -> Vec<Direction> {
    prompt::profile(model).directions()
}

/// Loads a GGUF model as a translator, with the adapter that makes it one where there is such; `id` names it in results and
/// decides the prompt.
pub fn open(
    id: &str,
    model: &Path,
    adapter: Option<&Path>,
    settings: LlmSettings,
) -> Result<Arc<dyn Engine>, EngineError> {
    let options = LoadOptions { threads: settings.threads, ..LoadOptions::default() };
    let llm = Llm::load(model, &options).map_err(unusable)?;
    let adapter = adapter.map(|path| llm.load_adapter(path)).transpose().map_err(unusable)?;
    let adapters = adapter.map(|id| AdapterUse { id, scale: 1.0 }).into_iter().collect();
    Ok(Arc::new(LlmEngine { adapters, settings, ..LlmEngine::new(id, llm) }))
}

impl LlmEngine {
    /// An engine over a loaded model.
    pub fn new(id: &str, llm: Llm) -> Self {
        let (id, profile) = (id.to_owned(), prompt::profile(id));
        Self { id, llm, profile, adapters: Vec::new(), settings: LlmSettings::default() }
    }

    fn request(&self, batch: &Batch<'_>, sentence: &str) -> Request {
        let base = match self.profile.prompt(batch.direction, sentence, batch.effort) {
            Prompt::Text(text) => Request::text(text),
            Prompt::Chat(turns) => Request::chat(turns.into_iter().map(message).collect()),
        };
        let max_tokens = prompt::max_tokens(sentence, &batch.direction.to);
        let adapters = self.adapters.clone();
        let sampling = self.sampling(batch.effort);
        Request { max_tokens, sampling, stop: vec![STOP.to_owned()], logprobs: true, adapters, ..base }
    }

    /// A taught model has no other prompt for a second try: it searches twice as wide.
    fn sampling(&self, effort: Effort) -> Sampling {
        let again = effort.attempt > 0 && self.profile.taught;
        let width =
            if again { self.settings.beam.max(usize::from(effort.beam)) * 2 } else { self.settings.beam }
                .min(Sampling::MAX_BEAM);
        if width > 1 {
            Sampling::Beam { width, length_penalty: self.settings.length_penalty }
        } else {
            Sampling::Greedy
        }
    }
}

fn message((speaker, text): (Speaker, String)) -> ChatMessage {
    match speaker {
        Speaker::System => ChatMessage::system(text),
        Speaker::User => ChatMessage::user(text),
        Speaker::Assistant => ChatMessage::assistant(text),
    }
}

impl Engine for LlmEngine {
    fn id(&self) -> &str {
        &self.id
    }

    fn kind(&self) -> EngineKind {
        EngineKind::Llm
    }

    fn directions(&self) -> Vec<Direction> {
        self.profile.directions()
    }

    /// Mapped weights included: an upper bound that the kernel may take back.
    fn resident_bytes(&self) -> u64 {
        self.llm.info().memory.total()
    }

    fn translate(&self, batch: &Batch<'_>, cancel: &Cancel) -> Result<Vec<Hypothesis>, EngineError> {
        let requests = batch.sentences.iter().map(|s| self.request(batch, &s.text)).collect();
        let stop = cuba_llm::Cancel::from_flag(cancel.flag().clone());
        let results = self.llm.generate_batch(requests, &stop, |_| ()).map_err(unusable)?;
        let mut out = Vec::with_capacity(results.len());
        for (result, sentence) in results.into_iter().zip(batch.sentences) {
            out.push(match result {
                Ok(generation) if generation.finish == Finish::Cancelled => {
                    return Err(EngineError::Cancelled);
                }
                Ok(generation) => hypothesis(&generation, &sentence.text),
                // Too long for the context: this sentence has no translation, the others have.
                Err(LlmError::ContextFull { .. } | LlmError::Request(_)) => Hypothesis::default(),
                Err(error) => return Err(unusable(error)),
            });
        }
        Ok(out)
    }
}

fn hypothesis(generation: &Generation, sentence: &str) -> Hypothesis {
    Hypothesis {
        text: prompt::clean(&generation.text, sentence),
        mean_log_prob: generation.logprob_mean,
        min_log_prob: generation.logprob_min,
        coverage: None,
        truncated: matches!(generation.finish, Finish::Length | Finish::ContextFull),
        unfamiliar: false,
        disputed: false,
    }
}

#[allow(clippy::needless_pass_by_value)] // map_err hands it over
fn unusable(error: LlmError) -> EngineError {
    let reason = error.to_string();
    match error {
        LlmError::Damaged { .. } => EngineError::Damaged(reason),
        LlmError::Memory { .. } => EngineError::Memory(reason),
        _ => EngineError::Unusable(reason),
    }
}
