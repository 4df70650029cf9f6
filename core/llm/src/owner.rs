//! The thread that owns a model: loading it with errors one can act on, and handing requests to [`crate::serve`].

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{KvCacheType, LlamaContextParams};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaLoraAdapter, LlamaModel};

use crate::adapter::AdapterId;
use crate::gguf::Header;
use crate::memory::{self, MemoryNeed};
use crate::request::{Cancel, Generation, KvPrecision, LoadOptions, Request, Weights};
use crate::serve::{Exit, Server};
use crate::template::Rendered;
use crate::{LlmError, log, threads};

/// llama.cpp's own limit is 256; beyond 64 nothing was gained on any processor measured.
const MAX_SEQUENCES: u32 = 64;

/// Everything that loading needs, checked.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) path: PathBuf,
    pub(crate) options: LoadOptions,
    pub(crate) trained_context: u32,
    pub(crate) context_tokens: u32,
    pub(crate) max_sequences: u32,
    pub(crate) threads: usize,
    pub(crate) vocabulary: u32,
    pub(crate) memory: MemoryNeed,
}

impl Plan {
    pub(crate) fn new(path: &Path, header: &Header, options: &LoadOptions) -> Result<Self, LlmError> {
        let vocabulary = check_model(path, header)?;
        let trained =
            header.arch_uint("context_length").and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX);
        let max_sequences = options.max_sequences.clamp(1, MAX_SEQUENCES);
        let options = LoadOptions {
            context_tokens: options.context_tokens.clamp(64, 1 << 20),
            prompt_chunk: options.prompt_chunk.clamp(max_sequences.max(8), 4096),
            max_sequences,
            ..options.clone()
        };
        Ok(Self {
            path: path.to_owned(),
            trained_context: trained,
            context_tokens: options.context_tokens,
            max_sequences,
            threads: options.threads.unwrap_or_else(threads::for_this_device).clamp(1, 64),
            vocabulary,
            memory: memory::estimate(path, header, &options),
            options,
        })
    }
}

/// Refuses sound GGUF files that are no language model, and headers whose numbers contradict each other: llama.cpp
/// would assert or divide by them. Returns the size of the vocabulary.
fn check_model(path: &Path, header: &Header) -> Result<u32, LlmError> {
    let arch = header.architecture().ok_or_else(|| {
        LlmError::unsupported(
            path,
            "does not say which model family it is; use a file made by a current converter",
        )
    })?;
    match header.text("general.type") {
        None | Some("model") => {}
        Some(kind) => {
            return Err(LlmError::unsupported(
                path,
                format!("is a GGUF file of type {kind}, not a language model"),
            ));
        }
    }
    if header.uint("split.count").is_some_and(|n| n > 1) {
        return Err(LlmError::unsupported(path, "is one part of a model in several files; join them first"));
    }
    let damaged =
        |what: &str| LlmError::damaged(path, format!("{what}; the file is damaged: fetch it again"));
    let tokens =
        header.array_len("tokenizer.ggml.tokens").filter(|n| (1..=1 << 24).contains(n)).ok_or_else(|| {
            LlmError::unsupported(path, format!("({arch}) has no vocabulary; it is no language model"))
        })?;
    for key in ["tokenizer.ggml.token_type", "tokenizer.ggml.scores"] {
        if header.array_len(key).is_some_and(|n| n != tokens) {
            return Err(damaged(&format!("{key} does not fit the vocabulary")));
        }
    }
    if header.tokens_are_distinct(path) != Some(true) {
        return Err(damaged("a token is in its vocabulary twice"));
    }
    for key in ["bos", "eos", "eot", "unknown", "padding"] {
        let id = header.uint(&format!("tokenizer.ggml.{key}_token_id"));
        if id.is_some_and(|id| id >= tokens && id < u64::from(u32::MAX)) {
            return Err(damaged(&format!("the {key} token is not in the vocabulary")));
        }
    }
    let in_range =
        |key: &str, max: u64| header.arch_uint_max(path, key).is_some_and(|n| (1..=max).contains(&n));
    for (key, max) in [("block_count", 1024), ("embedding_length", 1 << 20), ("context_length", 1 << 30)] {
        if !in_range(key, max) {
            return Err(damaged(&format!("{arch}.{key} is missing or impossible")));
        }
    }
    if let Some(embeddings) = header.tensors.iter().find(|t| t.name == "token_embd.weight") {
        let width = header.arch_uint("embedding_length");
        if embeddings.dims.first().copied() != width
            || embeddings.dims.get(1).is_none_or(|rows| *rows < tokens)
        {
            return Err(damaged("the embedding table does not fit the vocabulary"));
        }
    }
    Ok(tokens as u32)
}

/// What the handle asks of the thread.
pub(crate) enum Message {
    Run(Box<Job>),
    LoadAdapter { path: PathBuf, reply: Sender<Result<AdapterId, LlmError>> },
    CountTokens { text: String, reply: Sender<usize> },
}

/// What a request hears back.
#[derive(Debug)]
pub(crate) enum Event {
    Text(String),
    Done(Generation),
    Failed(LlmError),
}

pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) prompt: Rendered,
    pub(crate) cancel: Cancel,
    /// Set when nobody waits for the result any more.
    pub(crate) gone: Cancel,
    pub(crate) index: usize,
    pub(crate) events: Sender<(usize, Event)>,
    pub(crate) handed_in: Instant,
}

/// Starts the thread and waits until the model is loaded.
pub(crate) fn start(plan: Plan) -> Result<(Sender<Message>, JoinHandle<()>), LlmError> {
    log::take();
    let (sender, inbox) = channel();
    let (ready, loaded) = channel();
    let thread = std::thread::Builder::new()
        .name("cuba-llm".into())
        .stack_size(8 << 20)
        .spawn(move || log::silent(|| own(&plan, &inbox, &ready)))
        .map_err(|e| LlmError::Stopped(format!("no thread could be started: {e}")))?;
    match loaded.recv() {
        Ok(Ok(())) => Ok((sender, thread)),
        Ok(Err(error)) => {
            let _ = thread.join();
            Err(error)
        }
        Err(_) => Err(LlmError::Stopped("it failed while loading".into())),
    }
}

fn own(plan: &Plan, inbox: &Receiver<Message>, ready: &Sender<Result<(), LlmError>>) {
    let outcome = catch_unwind(AssertUnwindSafe(|| own_model(plan, inbox, ready)));
    if let Ok(Err(error)) = outcome {
        // Nobody listens any more once the model was loaded; requests in flight see their channel close.
        let _ = ready.send(Err(error));
    }
}

fn own_model(
    plan: &Plan,
    inbox: &Receiver<Message>,
    ready: &Sender<Result<(), LlmError>>,
) -> Result<(), LlmError> {
    let mut model = load_model(plan)?;
    let mut adapters: Vec<LlamaLoraAdapter> = Vec::new();
    let mut waiting = std::collections::VecDeque::new();
    let mut told = false;
    loop {
        let context = new_context(plan, &model)?;
        if !told {
            let _ = ready.send(Ok(()));
            told = true;
        }
        let exit = Server::new(plan, &model, context, &mut adapters, std::mem::take(&mut waiting)).run(inbox);
        match exit {
            Exit::Closed => return Ok(()),
            // An adapter must be there before the context is made: its graph reserves room for it.
            Exit::LoadAdapter { path, reply, queue } => {
                waiting = queue;
                let answer = load_adapter(&mut model, &path).map(|adapter| {
                    adapters.push(adapter);
                    AdapterId(adapters.len() as u32 - 1)
                });
                let _ = reply.send(answer);
            }
        }
    }
}

fn backend() -> Result<&'static LlamaBackend, LlmError> {
    static BACKEND: OnceLock<Option<LlamaBackend>> = OnceLock::new();
    let start = || {
        #[cfg(feature = "cpu-variants")]
        load_variants();
        LlamaBackend::init().ok()
    };
    BACKEND
        .get_or_init(start)
        .as_ref()
        .ok_or_else(|| LlmError::Stopped("another part of this program already uses llama.cpp".into()))
}

/// Kernels lie beside the executable in a shipped build and in the build folder while developing.
#[cfg(feature = "cpu-variants")]
fn load_variants() {
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("ggml-backends")));
    match std::env::var_os("CUBA_GGML_BACKENDS").map(PathBuf::from).or(beside).filter(|d| d.is_dir()) {
        Some(folder) => llama_cpp_2::llama_backend::load_backends_from_path(&folder),
        None => llama_cpp_2::llama_backend::load_backends(),
    }
}

fn load_model(plan: &Plan) -> Result<LlamaModel, LlmError> {
    let backend = backend()?;
    if plan.path.to_str().is_none() {
        return Err(LlmError::unsupported(&plan.path, "has a name that is not UTF-8; rename the file"));
    }
    let params = LlamaModelParams::default().with_n_gpu_layers(0).with_use_mmap(true).with_use_mlock(false);
    let mut params = std::pin::pin!(params);
    if plan.options.weights == Weights::Mapped {
        // Every tensor in the plain CPU buffer, which is the file mapping itself; otherwise ggml copies 4-bit
        // matrices into anonymous memory in another layout.
        params.as_mut().add_cpu_buft_override(c".*");
    }
    let (model, lines) = log::caught(|| LlamaModel::load_from_file(backend, &plan.path, &params));
    model.map_err(|_| explain(&plan.path, &lines))
}

fn load_adapter(model: &mut LlamaModel, path: &Path) -> Result<LlamaLoraAdapter, LlmError> {
    let (adapter, lines) = log::caught(|| model.lora_adapter_init(path));
    adapter.map_err(|_| {
        let why = lines.last().map_or("llama.cpp gave no reason", String::as_str);
        LlmError::unsupported(path, format!("cannot be used as an adapter of this model ({why})"))
    })
}

/// Turns llama.cpp's own words about a failed load into an error.
fn explain(path: &Path, lines: &[String]) -> LlmError {
    if let Some(arch) = lines.iter().find_map(|l| l.split_once("unknown model architecture: ").map(|p| p.1)) {
        return LlmError::unsupported(
            path,
            format!(
                "is a model of the family {}, which this version cannot run; update Cuba or choose another model",
                arch.trim_matches(['\'', '"', '\n', ' '])
            ),
        );
    }
    let wanted = |l: &&String| l.contains("error loading model") && !l.contains("failed to load model");
    let why = lines.iter().find(wanted).or(lines.last()).map_or("no reason given", String::as_str);
    LlmError::damaged(
        path,
        format!("llama.cpp could not load it ({why}); fetch the file again or choose another model"),
    )
}

fn new_context<'m>(plan: &Plan, model: &'m LlamaModel) -> Result<LlamaContext<'m>, LlmError> {
    let kv = match plan.options.kv {
        KvPrecision::F16 => KvCacheType::F16,
        KvPrecision::Q8 => KvCacheType::Q8_0,
    };
    let threads = i32::try_from(plan.threads).unwrap_or(1);
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(plan.context_tokens))
        .with_n_batch(plan.options.prompt_chunk)
        .with_n_ubatch(plan.options.prompt_chunk)
        .with_n_seq_max(plan.max_sequences)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_type_k(kv)
        .with_type_v(kv)
        // One pool of cells for all sequences, and no sliding windows that forget: a prefix can be shared and kept.
        .with_kv_unified(true)
        .with_swa_full(true)
        .with_offload_kqv(false)
        .with_op_offload(false)
        .with_no_perf(true);
    let (context, lines) =
        log::caught(|| model.new_context(backend()?, params).map_err(|_| explain_context(plan)));
    for line in lines {
        tracing::debug!(target: "cuba_llm", "{line}");
    }
    context
}

fn explain_context(plan: &Plan) -> LlmError {
    LlmError::Stopped(format!(
        "no room for a context of {} tokens with {}; use a shorter context or a smaller model",
        plan.context_tokens,
        plan.path.display()
    ))
}
