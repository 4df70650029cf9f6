//! Local language models: llama.cpp behind one safe, cancellable, batching handle.
//!
//! [`Llm::load`] reads a GGUF file's header in Rust, refuses what is damaged, foreign or too large with a message that
//! says what to do, and starts one thread that owns the model. [`Llm`] is a cheap, `Send + Sync` handle to it. Requests
//! from any number of threads are decoded together in one batch; they join and leave between tokens. What prompts share
//! at their start is computed once: between sentences, between turns of a conversation, within a batch. A beam is several
//! sequences of the batch that share the cells of what they have in common.
//!
//! Must not: know packs, languages, prompts or where files come from (it takes paths), open sockets, or write any text
//! of the user to a log. It has no `unsafe` of its own.
//!
//! Why one thread: a llama.cpp context is not `Sync`, and a batch is only as good as what is queued when it starts, so
//! a queue in front of one owner gives both safety and throughput. Why not the server of llama.cpp: it listens on a
//! port. Speed against llama.cpp's own loop, and which build runs on which processor: `docs/speed.md`.

mod active;
mod adapter;
mod assemble;
mod beam;
mod cpu;
mod error;
pub mod gbnf;
pub mod gguf;
mod llm;
mod log;
mod memory;
mod owner;
mod request;
mod sampler;
mod serve;
mod slots;
mod template;
pub mod threads;

pub use adapter::AdapterId;
pub use error::LlmError;
pub use llm::{Llm, ModelInfo, Stream};
pub use memory::MemoryNeed;
pub use request::{
    AdapterUse, BatchEvent, Cancel, ChatMessage, Finish, Generation, KvPrecision, LoadOptions, Overflow,
    Prompt, Request, Role, Sampling, Timings, Weights,
};
pub use template::ChatTemplate;
