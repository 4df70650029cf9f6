//! Errors: one small public enum, and one internal enum for what a parser knows before it knows the file's name.

use std::io;
use std::path::{Path, PathBuf};

/// Why a model cannot be opened or a translation not be made.
///
/// The variants are what a screen treats differently; the text says what is wrong and what to do. No variant holds
/// text of the user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused to give the file.
    #[error("cannot read {}: {source}; check that the file is there and may be read", path.display())]
    Io {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what its format says: truncated, overwritten, or another kind of file.
    #[error("{file} is damaged: {why}; copy or download it again")]
    Damaged {
        /// Path or name of the file.
        file: String,
        /// The first contradiction found.
        why: String,
    },
    /// The file is sound, but asks for arithmetic this engine does not have.
    #[error("{file} cannot be used: {why}")]
    Unsupported {
        /// Path or name of the file.
        file: String,
        /// The option or type in question.
        why: String,
    },
    /// Each file is sound, but they are not of one model.
    #[error("{file} does not belong to this model: {why}; take all files of a model from one place")]
    Mismatch {
        /// Path or name of the file.
        file: String,
        /// What does not fit.
        why: String,
    },
    /// A request that cannot be met, such as a beam of 0 or a constraint longer than the output may be.
    #[error("translation option {option}: {why}")]
    Request {
        /// Name of the field of [`crate::Options`].
        option: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The caller's [`crate::Cancel`] was set. Not a fault.
    #[error("cancelled")]
    Cancelled,
}

/// What a parser finds before anybody has told it the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The bytes contradict the format.
    Damaged(String),
    /// The bytes are right and the engine cannot do it.
    Unsupported(String),
}

impl Fault {
    /// Names the file and makes the public error.
    pub(crate) fn of(self, file: &str) -> Error {
        match self {
            Self::Damaged(why) => Error::Damaged { file: file.to_owned(), why },
            Self::Unsupported(why) => Error::Unsupported { file: file.to_owned(), why },
        }
    }
}

/// Shorthand for a damaged file.
pub(crate) fn damaged(why: impl Into<String>) -> Fault {
    Fault::Damaged(why.into())
}

/// Shorthand for a file this engine cannot use.
pub(crate) fn unsupported(why: impl Into<String>) -> Fault {
    Fault::Unsupported(why.into())
}

/// An I/O error with the path it happened on.
pub(crate) fn io(path: &Path, source: io::Error) -> Error {
    Error::Io { path: path.to_owned(), source }
}
