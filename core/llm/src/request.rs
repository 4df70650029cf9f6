//! What goes in and what comes out: load options, requests, generations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::adapter::AdapterId;

/// How to load a model. The default suits a phone; every field may be set.
///
/// ```
/// use cuba_llm::LoadOptions;
/// let options = LoadOptions { context_tokens: 4096, max_sequences: 16, ..LoadOptions::default() };
/// assert!(options.available_memory.is_none());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LoadOptions {
    /// Cells of the key/value cache, shared by all sequences that run at once. A single request may use all of it, up
    /// to what the model was trained for. Default 2048.
    pub context_tokens: u32,
    /// Requests decoded together in one batch. Default 8. Further requests queue.
    pub max_sequences: u32,
    /// Threads for decoding; `None` takes the big cores ([`crate::threads::for_this_device`]).
    pub threads: Option<usize>,
    /// Prompt tokens computed in one step, and so the longest wait for a cancel while a prompt is read. Default 256.
    pub prompt_chunk: u32,
    /// Precision of the key/value cache. Default [`KvPrecision::F16`].
    pub kv: KvPrecision,
    /// Where the weights live. Default [`Weights::Mapped`].
    pub weights: Weights,
    /// Bytes that may be used. When given, a model that needs more is refused before it is loaded.
    pub available_memory: Option<u64>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            context_tokens: 2048,
            max_sequences: 8,
            threads: None,
            prompt_chunk: 256,
            kv: KvPrecision::F16,
            weights: Weights::Mapped,
            available_memory: None,
        }
    }
}

/// Precision of the key/value cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvPrecision {
    /// Two bytes a value.
    F16,
    /// Blocks of 8-bit integers: about half the memory, a little slower.
    Q8,
}

/// Where the weights live in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// Mapped from the file: the kernel can drop pages under pressure, and two processes share them. For 2 GB phones.
    Mapped,
    /// Copied into memory in the layout ggml likes best for the processor. The copy counts as anonymous memory and comes
    /// on top of the mapped file; on AVX2 it brought no speed (docs/speed.md), on ARM with dotprod it may.
    Repacked,
}

/// A flag that stops a running request: clone it, hand one to the request, call [`Cancel::cancel`] from any thread.
///
/// ```
/// use cuba_llm::Cancel;
/// let cancel = Cancel::new();
/// let for_the_button = cancel.clone();
/// for_the_button.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shares a flag that something else (a signal handler, a pipeline) sets.
    pub fn from_flag(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }

    /// Asks every request that holds a clone to stop after the token it is computing.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Who says a chat message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions that come before the conversation.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The answer of a tool the model called.
    Tool,
}

impl Role {
    /// The name chat templates use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What is said. Text that looks like a control token (`<|im_end|>`) stays text: it cannot end the turn.
    pub content: String,
}

impl ChatMessage {
    /// A message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }

    /// A message of the person.
    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }

    /// Instructions.
    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System, content)
    }

    /// An earlier answer of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new(Role::Assistant, content)
    }
}

/// What the model continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// Plain text, as for base models. Names of control tokens in it stay text. The model's begin token is put first
    /// when the model wants one.
    Text(String),
    /// A conversation, written out with the model's chat template, ending where the model's answer begins.
    Chat(Vec<ChatMessage>),
}

/// What to do with a prompt that does not fit the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// Fail with [`crate::LlmError::ContextFull`], which carries the numbers.
    #[default]
    Refuse,
    /// Keep the first `keep_first` tokens (instructions) and as many of the last ones as fit, drop the middle;
    /// [`Timings::dropped_tokens`] says how many went.
    DropMiddle {
        /// Tokens kept at the start.
        keep_first: usize,
    },
}

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Sampling {
    /// The most probable token (the lowest id on a tie).
    #[default]
    Greedy,
    /// Not a token at a time: the `width` most probable continuations are followed side by side, each a sequence of the batch,
    /// and of the answers the best is given. Text arrives when the search is over. Narrower when
    /// [`LoadOptions::max_sequences`] or the context have no room for it.
    Beam {
        /// Continuations followed: 1 to [`Sampling::MAX_BEAM`].
        width: usize,
        /// Answers are compared by the sum of their log-probabilities over `length ^ length_penalty`: above 1 favours long
        /// ones, 0 leaves the sum as it is.
        length_penalty: f32,
    },
    /// A random token; the same seed gives the same text on the same processor and build.
    Random {
        /// Divides the logits; 0 is the same as greedy.
        temperature: f32,
        /// Only the k most probable tokens; 0 for all.
        top_k: usize,
        /// Only the most probable tokens that together reach this probability; 1 for all.
        top_p: f32,
        /// Only tokens at least this fraction as probable as the best; 0 for all.
        min_p: f32,
        /// Start of the random sequence.
        seed: u64,
    },
}

impl Sampling {
    /// Widest beam.
    pub const MAX_BEAM: usize = 16;

    /// Sequences of the batch that a request takes.
    pub(crate) fn width(self) -> usize {
        if let Self::Beam { width, .. } = self { width } else { 1 }
    }

    /// Settings that suit most chat models.
    pub fn chat(seed: u64) -> Self {
        Self::Random { temperature: 0.7, top_k: 40, top_p: 0.95, min_p: 0.05, seed }
    }
}

/// An adapter and how strongly it acts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdapterUse {
    /// From [`crate::Llm::load_adapter`].
    pub id: AdapterId,
    /// 1 as trained, 0 not at all.
    pub scale: f32,
}

/// One piece of work.
///
/// ```
/// use cuba_llm::{ChatMessage, Request};
/// let request = Request {
///     max_tokens: 64,
///     stop: vec!["\n".into()],
///     ..Request::text("English: Good morning.\nSpanish:")
/// };
/// let chat = Request::chat(vec![ChatMessage::user("Where is the pharmacy?")]);
/// assert!(chat.grammar.is_none() && request.stop.len() == 1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What to continue. Whatever it shares at its start with earlier or concurrent requests (instructions, examples,
    /// the conversation so far) is not computed again.
    pub prompt: Prompt,
    /// At most this many tokens are generated. Default 256.
    pub max_tokens: usize,
    /// How tokens are chosen. Default greedy.
    pub sampling: Sampling,
    /// A GBNF grammar with a rule `root` that the text must follow.
    pub grammar: Option<Arc<str>>,
    /// Generation ends before any of these; they are not part of the text.
    pub stop: Vec<String>,
    /// The adapter for this request; requests with different adapters never share a batch. More than one with a scale other
    /// than 0 is refused: llama.cpp takes a list, but llama-cpp-2 (up to 0.1.160, the newest) hands it one that replaces the one
    /// before. A list here, so that this can change without changing callers.
    pub adapters: Vec<AdapterUse>,
    /// A prompt that is too long.
    pub overflow: Overflow,
    /// Compute [`Generation::logprob_mean`] and `logprob_min`, which costs one more pass over the vocabulary a token.
    pub logprobs: bool,
}

impl Request {
    /// Continue `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Prompt::Text(text.into()))
    }

    /// Answer a conversation.
    pub fn chat(messages: Vec<ChatMessage>) -> Self {
        Self::new(Prompt::Chat(messages))
    }

    fn new(prompt: Prompt) -> Self {
        Self {
            prompt,
            max_tokens: 256,
            sampling: Sampling::Greedy,
            grammar: None,
            stop: Vec::new(),
            adapters: Vec::new(),
            overflow: Overflow::Refuse,
            logprobs: false,
        }
    }
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model said it is done, or the grammar is complete.
    End,
    /// A stop string was reached.
    Stop,
    /// `max_tokens` were generated.
    Length,
    /// The context is full.
    ContextFull,
    /// [`Cancel`] was set: the text so far is kept. A result, not an error.
    Cancelled,
}

/// The outcome of a [`Request`].
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// The text, always valid UTF-8. Bytes that no token completed become U+FFFD.
    pub text: String,
    /// Tokens generated (the end token not counted).
    pub tokens: usize,
    /// Why it ended.
    pub finish: Finish,
    /// Mean natural-log probability of the chosen tokens, when [`Request::logprobs`] was set and there were any.
    pub logprob_mean: Option<f32>,
    /// The least probable chosen token.
    pub logprob_min: Option<f32>,
    /// Where the time went.
    pub timings: Timings,
}

/// Where the time of a request went. Times are wall time; in a batch they overlap with those of the other requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timings {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Those of them whose keys and values were already in the cache.
    pub cached_tokens: usize,
    /// Prompt tokens dropped by [`Overflow::DropMiddle`].
    pub dropped_tokens: usize,
    /// From hand-in until a place in the batch was free.
    pub queued: Duration,
    /// From then until the first token.
    pub prompt: Duration,
    /// From the first token to the end.
    pub generate: Duration,
}

/// What happens while a batch runs; `index` is the request's place in the list.
#[derive(Debug)]
pub enum BatchEvent<'a> {
    /// More text of one request.
    Text {
        /// Which request.
        index: usize,
        /// The new text.
        text: &'a str,
    },
    /// One request is done (also when cancelled).
    Done {
        /// Which request.
        index: usize,
        /// Its whole result.
        generation: &'a Generation,
    },
    /// One request failed; the others go on.
    Failed {
        /// Which request.
        index: usize,
        /// Why.
        error: &'a crate::LlmError,
    },
}
