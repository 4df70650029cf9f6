//! The one public error type: a variant for each thing a screen would treat differently.

use std::path::{Path, PathBuf};

/// Why a model could not be loaded or a request could not be run.
///
/// Messages name files and numbers, and say what to do; they never carry text of the user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// The file is missing or cannot be read. Remedy: choose another file or fix its permissions.
    #[error("cannot read the model file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is cut short, damaged, or no GGUF at all. Remedy: fetch it again.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A sound file that this build cannot run: unknown architecture, an adapter where a model belongs, a future
    /// version. Remedy: another model, or a newer Cuba.
    #[error("{}: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is not supported and what to do.
        reason: String,
    },
    /// Loading would need more memory than the caller says is free; nothing was loaded.
    #[error(
        "{} needs about {} MB of memory ({} MB of it weights mapped from the file) but {} MB are free: close other \
         apps, use a shorter context, or choose a smaller model",
        path.display(), needed / 1_000_000, mapped / 1_000_000, available / 1_000_000
    )]
    Memory {
        /// The model file.
        path: PathBuf,
        /// Estimated bytes, mapped weights included.
        needed: u64,
        /// The part of `needed` that the kernel may drop and read again from the file.
        mapped: u64,
        /// What the caller said is available.
        available: u64,
    },
    /// The prompt does not fit the context and the request did not allow truncation.
    #[error("the text has {prompt} tokens but at most {limit} fit: shorten it or split it into parts")]
    ContextFull {
        /// Tokens of the prompt.
        prompt: usize,
        /// The largest prompt this request may have (one token is left for the answer).
        limit: usize,
    },
    /// The request itself is wrong: grammar, chat template, adapter or sampling settings.
    #[error("{0}")]
    Request(String),
    /// This processor lacks instructions that this build of llama.cpp needs.
    #[error("{0}")]
    Processor(String),
    /// The model's thread has ended or the engine failed in a way it should not; load the model again.
    #[error("the language model stopped: {0}")]
    Stopped(String),
}

impl LlmError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }

    pub(crate) fn unsupported(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unsupported { path: path.to_owned(), reason: reason.into() }
    }
}
