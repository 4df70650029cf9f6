//! What can go wrong in the health store.

use cuba_vault::{VaultError, rusqlite};

/// One variant for each thing a screen would do differently. `Display` never carries a health value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HealthError {
    /// The database: key, disk, damage, another process.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A stored block does not decode; the rest of the database is readable.
    #[error("a stored day of `{metric}` is damaged; restore a backup")]
    DamagedDay {
        /// The metric of the block.
        metric: String,
    },
    /// Something that was asked for does not exist.
    #[error("there is no such {what}")]
    NotFound {
        /// Kind of thing: `source`, `habit`.
        what: &'static str,
    },
    /// The request makes no sense; nothing was changed.
    #[error("{reason}")]
    Invalid {
        /// A sentence fragment without user data.
        reason: String,
    },
    /// A file offered for import cannot be read as what it claims to be.
    #[error("line {line}: {reason}")]
    Format {
        /// Line of the file, from 1.
        line: u64,
        /// A sentence fragment without user data.
        reason: String,
    },
    /// A file offered for import is of no format that Cuba reads.
    #[error(
        "this is no file that Cuba can import; choose the file as the other app exported it, unchanged and not unpacked"
    )]
    Unrecognised,
    /// A file offered for import is damaged, protected or a trap; nothing of it was stored.
    #[error("{reason}")]
    BrokenFile {
        /// A sentence fragment that says what to do, without user data.
        reason: String,
    },
    /// Reading or writing a file beside the database failed.
    #[error("the file cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
}

impl From<rusqlite::Error> for HealthError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Vault(error.into())
    }
}

impl HealthError {
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid { reason: reason.into() }
    }

    pub(crate) fn broken(reason: impl Into<String>) -> Self {
        Self::BrokenFile { reason: reason.into() }
    }
}
