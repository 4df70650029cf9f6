//! The one error that crosses the border.

/// Why something could not be done: a variant for each thing a screen treats differently.
///
/// `reason` is an English fragment for a log or a bug report; it holds no text of the user and no health value. Screens
/// write their own sentence from the variant and its other fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum CubaError {
    /// The task was cancelled before it had anything to give. Not a fault: show nothing.
    #[error("cancelled")]
    Cancelled,
    /// Nothing installed translates this pair: offer a pack.
    #[error("{reason}")]
    NoPackFor {
        /// Source language.
        from: String,
        /// Target language.
        to: String,
        /// What is missing.
        reason: String,
    },
    /// The language of the text is unclear: ask for it.
    #[error("{reason}")]
    LanguageUnclear {
        /// The likeliest languages, best first.
        candidates: Vec<String>,
        /// The same in words.
        reason: String,
    },
    /// The terms of a pack have to be shown and accepted first.
    #[error("{reason}")]
    TermsNotAccepted {
        /// Name of the terms.
        title: String,
        /// Where the full text is.
        url: Option<String>,
        /// The text, or the notice that has to be shown.
        text: Option<String>,
        /// The same in words.
        reason: String,
    },
    /// A file is damaged or not genuine: get the pack again, or restore a backup.
    #[error("{reason}")]
    Damaged {
        /// Which file and what is wrong with it.
        reason: String,
    },
    /// The disk is too full. Nothing was changed.
    #[error("{reason}")]
    NoSpace {
        /// Bytes needed; 0 where that is not known.
        needed: u64,
        /// Bytes free; 0 where that is not known.
        free: u64,
        /// The same in words.
        reason: String,
    },
    /// Too little memory for a pack now: close other apps or choose a smaller pack.
    #[error("{reason}")]
    NoMemory {
        /// The same in words, with the figures.
        reason: String,
    },
    /// The network failed. What has arrived is kept: try again.
    #[error("{reason}")]
    Network {
        /// What failed.
        reason: String,
    },
    /// This key, passphrase or recovery key does not open the data, or the key is gone: ask again, or restore a backup.
    #[error("{reason}")]
    KeyWrong {
        /// What does not fit.
        reason: String,
    },
    /// The key store cannot be reached: unlock the device and try again.
    #[error("{reason}")]
    Locked {
        /// What the key store said.
        reason: String,
    },
    /// The folder or file may not be written: choose another or change its permissions.
    #[error("{reason}")]
    NotWritable {
        /// Where.
        reason: String,
    },
    /// Somebody else is at work on the same thing: wait.
    #[error("{reason}")]
    Busy {
        /// On what.
        reason: String,
    },
    /// A newer Cuba wrote this data: update the app.
    #[error("{reason}")]
    TooNew {
        /// Which part of it.
        reason: String,
    },
    /// What was given makes no sense or is not there: an unknown pack or metric, a file of another kind.
    #[error("{reason}")]
    BadInput {
        /// What is wrong with it and what would be right.
        reason: String,
    },
    /// This Cuba was shut down.
    #[error("Cuba was shut down")]
    Closed,
    /// Anything a screen can only show.
    #[error("{reason}")]
    Other {
        /// What happened.
        reason: String,
    },
}

impl CubaError {
    pub(crate) fn bad_input(reason: impl Into<String>) -> Self {
        Self::BadInput { reason: reason.into() }
    }

    pub(crate) fn other(reason: impl Into<String>) -> Self {
        Self::Other { reason: reason.into() }
    }
}

#[cfg(feature = "packs")]
impl From<cuba_packs::PackError> for CubaError {
    fn from(error: cuba_packs::PackError) -> Self {
        use cuba_packs::PackError as E;
        let reason = error.to_string();
        match error {
            E::Cancelled => Self::Cancelled,
            E::NotFound { .. } => Self::BadInput { reason },
            E::NotEnoughSpace { needed, free } => Self::NoSpace { needed, free, reason },
            E::NotEnoughMemory { .. } => Self::NoMemory { reason },
            E::Corrupt { .. } | E::Untrusted { .. } => Self::Damaged { reason },
            E::Licence { licence, .. } => Self::TermsNotAccepted {
                title: licence.title().to_owned(),
                url: licence.url.clone(),
                text: licence.text.clone(),
                reason,
            },
            E::Network { .. } => Self::Network { reason },
            E::ReadOnly { .. } => Self::NotWritable { reason },
            E::Busy { .. } => Self::Busy { reason },
            E::Other { .. } => Self::Other { reason },
        }
    }
}

#[cfg(feature = "translate")]
impl From<cuba_translate::TranslateError> for CubaError {
    fn from(error: cuba_translate::TranslateError) -> Self {
        use cuba_translate::TranslateError as E;
        let reason = error.to_string();
        match error {
            E::NoRoute { from, to, .. } => {
                Self::NoPackFor { from: from.to_string(), to: to.to_string(), reason }
            }
            E::LanguageUnsure { candidates } => Self::LanguageUnclear {
                candidates: candidates.iter().map(ToString::to_string).collect(),
                reason,
            },
            E::Damaged { .. } => Self::Damaged { reason },
            E::Memory { .. } => Self::NoMemory { reason },
            _ => Self::Other { reason },
        }
    }
}

#[cfg(feature = "health")]
impl From<cuba_vault::VaultError> for CubaError {
    fn from(error: cuba_vault::VaultError) -> Self {
        use cuba_vault::VaultError as E;
        let reason = error.to_string();
        match error {
            E::Cancelled => Self::Cancelled,
            E::KeyMissing | E::KeyWrong | E::KeyProtectedBy { .. } => Self::KeyWrong { reason },
            E::KeyStoreUnavailable { .. } => Self::Locked { reason },
            E::IncompatibleVersion { .. } => Self::TooNew { reason },
            E::Damaged { .. } => Self::Damaged { reason },
            E::Busy => Self::Busy { reason },
            E::DiskFull => Self::NoSpace { needed: 0, free: 0, reason },
            E::NotWritable => Self::NotWritable { reason },
            _ => Self::Other { reason },
        }
    }
}

#[cfg(feature = "health")]
impl From<cuba_health::HealthError> for CubaError {
    fn from(error: cuba_health::HealthError) -> Self {
        use cuba_health::HealthError as E;
        let reason = error.to_string();
        match error {
            E::Vault(vault) => vault.into(),
            E::DamagedDay { .. } => Self::Damaged { reason },
            E::Io(io) => match io.kind() {
                std::io::ErrorKind::NotFound => Self::BadInput { reason },
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    Self::NoSpace { needed: 0, free: 0, reason }
                }
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    Self::NotWritable { reason }
                }
                _ => Self::Other { reason },
            },
            // All others say what is wrong with what was given.
            _ => Self::BadInput { reason },
        }
    }
}
