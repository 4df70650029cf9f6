//! The handle: cheap to clone, usable from any thread; the model itself lives on one thread of its own.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::adapter::AdapterId;
use crate::gguf::Header;
use crate::memory::MemoryNeed;
use crate::owner::{self, Event, Job, Message};
use crate::request::{BatchEvent, Cancel, ChatMessage, Generation, LoadOptions, Prompt, Request};
use crate::template::{ChatTemplate, Rendered};
use crate::{LlmError, cpu, memory};

/// A loaded language model.
///
/// Clones share the model; it is unloaded when the last clone and the last [`Stream`] are gone. Requests of several
/// threads run together in one batch.
///
/// ```no_run
/// use cuba_llm::{Cancel, Llm, LoadOptions, Request};
/// let llm = Llm::load("gemma-3-270m.gguf".as_ref(), &LoadOptions::default())?;
/// let request = Request { max_tokens: 40, stop: vec!["\n".into()], ..Request::text("English: Good morning.\nSpanish:") };
/// let answer = llm.generate(request, &Cancel::new(), |piece| print!("{piece}"))?;
/// println!("\n{} tokens, {:?}", answer.tokens, answer.finish);
/// # Ok::<(), cuba_llm::LlmError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Llm(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    info: ModelInfo,
    template: Option<ChatTemplate>,
    /// `Option`, so that drop can close the channel before it waits for the thread.
    sender: Mutex<Option<Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Facts about a loaded model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// Model family, as `gemma3`.
    pub architecture: String,
    /// The name its makers gave it.
    pub name: Option<String>,
    /// Tokens it was trained to attend to.
    pub trained_context: u32,
    /// Cells of the key/value cache in use here.
    pub context_tokens: u32,
    /// Requests that run at once.
    pub max_sequences: u32,
    /// Threads it computes with.
    pub threads: usize,
    /// Size of its vocabulary.
    pub vocabulary: u32,
    /// Whether the file brings a chat template.
    pub has_chat_template: bool,
    /// Estimated memory.
    pub memory: MemoryNeed,
}

impl Llm {
    /// Loads the model file at `path`. Blocks until it is ready: seconds for a large model on a slow disk.
    ///
    /// # Errors
    /// [`LlmError::Io`], [`LlmError::Damaged`] and [`LlmError::Unsupported`] name the file and what to do;
    /// [`LlmError::Memory`] is given before anything is loaded; [`LlmError::Processor`] on machines this build cannot
    /// serve.
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self, LlmError> {
        cpu::check()?;
        let header = Header::open(path)?;
        let plan = owner::Plan::new(path, &header, options)?;
        if let Some(available) = options.available_memory
            && plan.memory.total() > available
        {
            return Err(LlmError::Memory {
                path: path.to_owned(),
                needed: plan.memory.total(),
                mapped: plan.memory.mapped,
                available,
            });
        }
        let template = header.text("tokenizer.chat_template").map(|source| {
            let text = |key: &str| header.token_text(path, header.uint(key)?);
            let bos = text("tokenizer.ggml.bos_token_id").unwrap_or_default();
            let eos = text("tokenizer.ggml.eos_token_id").unwrap_or_default();
            ChatTemplate::new(source, &bos, &eos)
        });
        let info = ModelInfo {
            architecture: header.architecture().unwrap_or_default().to_owned(),
            name: header.text("general.name").map(str::to_owned),
            trained_context: plan.trained_context,
            context_tokens: plan.context_tokens,
            max_sequences: plan.max_sequences,
            threads: plan.threads,
            vocabulary: plan.vocabulary,
            has_chat_template: template.is_some(),
            memory: plan.memory,
        };
        let (sender, thread) = owner::start(plan)?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            info,
            template,
            sender: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// What `path` would need with `options`, without loading it.
    ///
    /// ```no_run
    /// use cuba_llm::{Llm, LoadOptions};
    /// let need = Llm::memory_need("qwen.gguf".as_ref(), &LoadOptions::default())?;
    /// println!("{} MB mapped, {} MB anonymous", need.mapped / 1_000_000, need.anonymous / 1_000_000);
    /// # Ok::<(), cuba_llm::LlmError>(())
    /// ```
    pub fn memory_need(path: &Path, options: &LoadOptions) -> Result<MemoryNeed, LlmError> {
        Ok(memory::estimate(path, &Header::open(path)?, options))
    }

    /// Facts about the model.
    pub fn info(&self) -> &ModelInfo {
        &self.0.info
    }

    /// Runs one request; `on_text` sees the text as it grows, always whole characters.
    pub fn generate(
        &self,
        request: Request,
        cancel: &Cancel,
        mut on_text: impl FnMut(&str),
    ) -> Result<Generation, LlmError> {
        let mut stream = self.stream(request, cancel)?;
        for piece in stream.by_ref() {
            on_text(&piece);
        }
        stream.finish()
    }

    /// Runs many requests, up to [`LoadOptions::max_sequences`] of them in one batch; a place that becomes free is
    /// taken by the next. Results come back in the order of `requests`; one that fails does not stop the others.
    ///
    /// ```no_run
    /// # use cuba_llm::*;
    /// # let llm = Llm::load("m.gguf".as_ref(), &LoadOptions::default())?;
    /// let sentences = ["Good morning.", "Where does it hurt?"];
    /// let requests = sentences.iter().map(|s| Request::text(format!("English: {s}\nSpanish:"))).collect();
    /// for result in llm.generate_batch(requests, &Cancel::new(), |_event| {})? {
    ///     println!("{}", result?.text.trim());
    /// }
    /// # Ok::<(), LlmError>(())
    /// ```
    ///
    /// # Errors
    /// [`LlmError::Stopped`] when the model's thread has ended; every other failure belongs to one request.
    pub fn generate_batch(
        &self,
        requests: Vec<Request>,
        cancel: &Cancel,
        mut on_event: impl FnMut(BatchEvent<'_>),
    ) -> Result<Vec<Result<Generation, LlmError>>, LlmError> {
        let (events, inbox) = channel();
        let mut results: Vec<Option<Result<Generation, LlmError>>> = Vec::new();
        let mut open = 0;
        for (index, request) in requests.into_iter().enumerate() {
            match self.job(request, cancel, index, events.clone()) {
                Ok(job) => {
                    self.send(Message::Run(Box::new(job)))?;
                    results.push(None);
                    open += 1;
                }
                Err(error) => {
                    on_event(BatchEvent::Failed { index, error: &error });
                    results.push(Some(Err(error)));
                }
            }
        }
        drop(events);
        while open > 0 {
            let (index, event) = inbox.recv().map_err(|_| stopped())?;
            let slot = results.get_mut(index).ok_or_else(stopped)?;
            match event {
                Event::Text(text) => on_event(BatchEvent::Text { index, text: &text }),
                Event::Done(generation) => {
                    on_event(BatchEvent::Done { index, generation: &generation });
                    *slot = Some(Ok(generation));
                    open -= 1;
                }
                Event::Failed(error) => {
                    on_event(BatchEvent::Failed { index, error: &error });
                    *slot = Some(Err(error));
                    open -= 1;
                }
            }
        }
        Ok(results.into_iter().map(|r| r.unwrap_or_else(|| Err(stopped()))).collect())
    }

    /// Starts one request and returns at once; the text is read from the [`Stream`]. Dropping the stream cancels.
    pub fn stream(&self, request: Request, cancel: &Cancel) -> Result<Stream, LlmError> {
        let (events, inbox) = channel();
        let job = self.job(request, cancel, 0, events)?;
        let gone = job.gone.clone();
        self.send(Message::Run(Box::new(job)))?;
        Ok(Stream { inbox, outcome: None, gone, _model: self.clone() })
    }

    /// The prompt that the model's chat template makes of `messages`, up to where its answer begins.
    pub fn apply_template(&self, messages: &[ChatMessage]) -> Result<String, LlmError> {
        self.render(messages).map(|r| r.joint)
    }

    /// Loads a `LoRA` adapter for this model (GGUF, made by llama.cpp's converter or by Cuba's trainer). Waits for
    /// running requests and empties the prefix cache.
    pub fn load_adapter(&self, path: &Path) -> Result<AdapterId, LlmError> {
        let header = Header::open(path)?;
        if header.text("general.type") != Some("adapter") || header.text("adapter.type") != Some("lora") {
            return Err(LlmError::unsupported(
                path,
                "is a GGUF file but no LoRA adapter; choose an adapter file",
            ));
        }
        if header.architecture() != Some(self.0.info.architecture.as_str()) {
            return Err(LlmError::unsupported(
                path,
                format!(
                    "is an adapter for {} models but {} is a {} model; use an adapter made for it",
                    header.architecture().unwrap_or("unknown"),
                    self.0.path.display(),
                    self.0.info.architecture
                ),
            ));
        }
        let (reply, answer) = channel();
        self.send(Message::LoadAdapter { path: path.to_owned(), reply })?;
        answer.recv().map_err(|_| stopped())?
    }

    /// Number of tokens of `text` as a [`Prompt::Text`], the begin token included.
    pub fn count_tokens(&self, text: &str) -> Result<usize, LlmError> {
        let (reply, answer) = channel();
        self.send(Message::CountTokens { text: text.to_owned(), reply })?;
        answer.recv().map_err(|_| stopped())
    }

    fn job(
        &self,
        request: Request,
        cancel: &Cancel,
        index: usize,
        events: Sender<(usize, Event)>,
    ) -> Result<Job, LlmError> {
        crate::sampler::check(request.sampling)?;
        if let Some(grammar) = &request.grammar {
            crate::gbnf::check(grammar)?;
        }
        let prompt = match &request.prompt {
            Prompt::Text(text) => Rendered::plain(text.clone()),
            Prompt::Chat(messages) => self.render(messages)?,
        };
        Ok(Job {
            request,
            prompt,
            cancel: cancel.clone(),
            gone: Cancel::new(),
            index,
            events,
            handed_in: Instant::now(),
        })
    }

    fn render(&self, messages: &[ChatMessage]) -> Result<Rendered, LlmError> {
        let template = self.0.template.as_ref().ok_or_else(|| {
            LlmError::Request(
                "this model has no chat template: it continues text and does not chat; use a text prompt or an \
                 instruction-tuned model"
                    .into(),
            )
        })?;
        template.render(messages)
    }

    fn send(&self, message: Message) -> Result<(), LlmError> {
        let guard = self.0.sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        guard.as_ref().ok_or_else(stopped)?.send(message).map_err(|_| stopped())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic there was already reported to whoever waited for a result.
            let _ = thread.join();
        }
    }
}

fn stopped() -> LlmError {
    LlmError::Stopped("its thread has ended; load the model again".into())
}

/// A running request: an iterator over new text. Keeps the model loaded; dropping it cancels the request.
///
/// ```no_run
/// # use cuba_llm::*;
/// # let llm = Llm::load("m.gguf".as_ref(), &LoadOptions::default())?;
/// let mut stream = llm.stream(Request::text("Once upon a time"), &Cancel::new())?;
/// while let Some(piece) = stream.next() {
///     print!("{piece}");
/// }
/// println!("{:?}", stream.finish()?.timings);
/// # Ok::<(), LlmError>(())
/// ```
#[derive(Debug)]
pub struct Stream {
    inbox: Receiver<(usize, Event)>,
    outcome: Option<Result<Generation, LlmError>>,
    gone: Cancel,
    _model: Llm,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

impl Iterator for Stream {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.outcome.is_some() {
            return None;
        }
        match self.inbox.recv() {
            Ok((_, Event::Text(text))) => return Some(text),
            Ok((_, Event::Done(generation))) => self.outcome = Some(Ok(generation)),
            Ok((_, Event::Failed(error))) => self.outcome = Some(Err(error)),
            Err(_) => self.outcome = Some(Err(stopped())),
        }
        None
    }
}

impl Stream {
    /// Waits for the end and returns the whole result.
    pub fn finish(mut self) -> Result<Generation, LlmError> {
        while self.next().is_some() {}
        self.outcome.take().unwrap_or_else(|| Err(stopped()))
    }
}
