//! What can go wrong while a report is made.

use cuba_health::HealthError;
use cuba_vault::{VaultError, rusqlite};

/// One variant for each thing a screen would do differently. `Display` never carries a health value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The store beneath.
    #[error(transparent)]
    Health(#[from] HealthError),
    /// There is nothing to show for what was asked.
    #[error("there is no data of {what} in this time")]
    NoData {
        /// A metric's id, or `sleep`.
        what: String,
    },
    /// The request makes no sense.
    #[error("{reason}")]
    Invalid {
        /// A sentence fragment without user data.
        reason: String,
    },
}

impl ReportError {
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid { reason: reason.into() }
    }
}

impl From<VaultError> for ReportError {
    fn from(error: VaultError) -> Self {
        Self::Health(error.into())
    }
}

impl From<rusqlite::Error> for ReportError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Health(error.into())
    }
}
