//! What can go wrong, seen from a screen.

use std::io;

use rusqlite::ErrorCode;

/// One variant for each thing a screen would do differently. `Display` never carries a key, a value or a file name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The database is there but what unlocks it is not: the key file or the keyring entry is gone.
    #[error(
        "the key of the database is missing; put its key file or keyring entry back, or restore a backup"
    )]
    KeyMissing,
    /// The passphrase or key does not open this database or backup. Nothing was changed.
    #[error("this key or passphrase does not open the file")]
    KeyWrong,
    /// The key is protected in another way than the one that was offered (`kind` as in [`crate::KeyStore::kind`]).
    #[error("the key is protected by `{kind}`; open it that way")]
    KeyProtectedBy {
        /// Kind of the key store that wrapped the key.
        kind: String,
    },
    /// The key store could not be reached: locked, refused or absent.
    #[error("the key store cannot be used: {reason}")]
    KeyStoreUnavailable {
        /// What the key store said.
        reason: String,
    },
    /// A newer Cuba wrote this file. Nothing was changed.
    #[error(
        "`{schema}` has version {found}, this program knows up to {supported}; install the newer version and try again"
    )]
    IncompatibleVersion {
        /// Which part of the file is too new.
        schema: String,
        /// The version in the file.
        found: u32,
        /// The newest version this program knows.
        supported: u32,
    },
    /// The file's contents are broken; opening it again moves it aside and starts a fresh one.
    #[error("the file is damaged: {reason}")]
    Damaged {
        /// Which check failed.
        reason: String,
    },
    /// Another process is using the database and did not finish in time.
    #[error("the database is in use by another process; close it and try again")]
    Busy,
    /// The disk is full; what was being written was rolled back.
    #[error("the disk is full; free some space and try again")]
    DiskFull,
    /// The folder or file may not be written (or read).
    #[error("no permission to write here; choose another folder or change its permissions")]
    NotWritable,
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// Anything a screen can only show.
    #[error("{reason}")]
    Other {
        /// A sentence fragment without user data.
        reason: String,
    },
}

impl VaultError {
    pub(crate) fn other(reason: impl Into<String>) -> Self {
        Self::Other { reason: reason.into() }
    }

    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { reason: reason.into() }
    }
}

impl From<io::Error> for VaultError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable,
            // `io::Error` from std carries no path; the kind and OS text are safe to show.
            _ => Self::Other { reason: error.to_string() },
        }
    }
}

impl From<rusqlite::Error> for VaultError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi;
        let rusqlite::Error::SqliteFailure(code, message) = &error else {
            // Other variants can quote the value that did not convert; only their kind is passed on.
            return Self::other(match error {
                rusqlite::Error::QueryReturnedNoRows => "the query found no row",
                rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..) => {
                    "a column holds another type than expected"
                }
                rusqlite::Error::IntegralValueOutOfRange(..) => "a number in the database is out of range",
                _ => "the database query is not valid",
            });
        };
        match (code.code, code.extended_code) {
            (
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed,
                _,
            ) => Self::Busy,
            // Growing the shared-memory index of the log fails with this instead of SQLITE_FULL.
            (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Self::DiskFull,
            (ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen, _) => {
                Self::NotWritable
            }
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Self::damaged("the database"),
            (ErrorCode::OperationInterrupted | ErrorCode::OperationAborted, _) => Self::Cancelled,
            (ErrorCode::ConstraintViolation, _) => Self::other("a rule of the table was broken"),
            (_, extended) => Self::other(format!(
                "the database reported error {extended}: {}",
                message.as_deref().unwrap_or("no detail")
            )),
        }
    }
}
