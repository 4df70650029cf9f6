//! The one error of this crate: a variant for each thing a screen treats differently.

use std::io;
use std::path::{Path, PathBuf};

use crate::manifest::Licence;

/// Why a pack could not be installed, loaded, removed or exported.
///
/// Each message says what was wrong and what can be done. No variant carries user text; paths are those of packs.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// No such pack, version, file or program.
    #[error("{what} was not found")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// The disk has too little room. Nothing was changed.
    #[error("not enough space: {}. Remove a pack or choose another directory", lack(*needed, *free))]
    NotEnoughSpace {
        /// Bytes the operation still needs; 0 where only the system's refusal is known.
        needed: u64,
        /// Bytes free on that disk; 0 where nobody could ask.
        free: u64,
    },
    /// The device has too little memory to run this pack now.
    #[error("not enough memory: {} needed, {} available. Close other programs or choose a smaller pack", bytes(*needed), bytes(*available))]
    NotEnoughMemory {
        /// Bytes the pack says it needs to run.
        needed: u64,
        /// Bytes the device says it can give.
        available: u64,
    },
    /// A file is damaged, tampered with, or breaks the format's rules. It was not installed or loaded.
    #[error(
        "{file} is damaged or not genuine: {reason}. It was not used; get it again from a source you trust"
    )]
    Corrupt {
        /// The file, or `pack file (blob)` for an installed one.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A catalogue without a valid signature of a trusted key, or older than the one already seen.
    #[error("{what} is not to be trusted: {reason}")]
    Untrusted {
        /// The catalogue.
        what: String,
        /// Why.
        reason: String,
    },
    /// The licence of this pack has to be shown and accepted first.
    #[error("{pack} comes under {}: read and accept its terms first", licence.title())]
    Licence {
        /// The pack.
        pack: String,
        /// Its licence, to be shown.
        licence: Box<Licence>,
    },
    /// The network or a server failed, after all retries and mirrors. What arrived is kept; asking again resumes.
    #[error("{what} could not be downloaded: {reason}. What has arrived is kept; try again to continue")]
    Network {
        /// The file.
        what: String,
        /// The last failure.
        reason: String,
    },
    /// The caller cancelled. What has arrived is kept where the source can resume.
    #[error("cancelled")]
    Cancelled,
    /// The data directory cannot be written.
    #[error("{} cannot be written: check its permissions, or choose another data directory", path.display())]
    ReadOnly {
        /// The directory or file.
        path: PathBuf,
    },
    /// Another process is at work on the same thing.
    #[error("{what} is in use by another process: wait until it is done")]
    Busy {
        /// What is locked.
        what: String,
    },
    /// Any other failure of the operating system.
    #[error("{doing}: {source}")]
    Other {
        /// What was being done.
        doing: String,
        /// What the operating system said.
        source: io::Error,
    },
}

impl PackError {
    pub(crate) fn corrupt(file: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Corrupt { file: file.into(), reason: reason.into() }
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// An I/O failure at `path`, sorted into what a screen treats differently.
    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        use io::ErrorKind as Kind;
        match source.kind() {
            Kind::NotFound => Self::NotFound { what: path.display().to_string() },
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => Self::ReadOnly { path: path.to_owned() },
            Kind::StorageFull | Kind::QuotaExceeded => Self::NotEnoughSpace { needed: 0, free: 0 },
            _ => Self::Other { doing: format!("{doing} {}", path.display()), source },
        }
    }

    /// As [`PackError::io`], for reading: a file that may not be read is not a read-only directory.
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::PermissionDenied {
            return Self::Other { doing: format!("reading {}", path.display()), source };
        }
        Self::io("reading", path, source)
    }
}

/// What is lacking, with numbers only where they say it: a full disk met without knowing the size, used-up inodes and quotas
/// have none that do.
fn lack(needed: u64, free: u64) -> String {
    if needed > free {
        format!("{} needed, {} free", bytes(needed), bytes(free))
    } else {
        "the disk is full, or your share of it is used up".to_owned()
    }
}

/// A size for people: binary units, one decimal.
///
/// ```
/// assert_eq!(cuba_packs::bytes(253_113_024), "241.4 MiB");
/// assert_eq!(cuba_packs::bytes(512), "512 B");
/// ```
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_real_numbers_or_none() {
        let full =
            PackError::io("creating", Path::new("packs"), io::ErrorKind::StorageFull.into()).to_string();
        assert!(full.contains("the disk is full") && !full.contains("0 B"), "{full}");
        let quota = PackError::NotEnoughSpace { needed: 10, free: 4096 }.to_string();
        assert!(quota.contains("share of it") && !quota.contains("4.0 KiB"), "{quota}");
        let known = PackError::NotEnoughSpace { needed: 2048, free: 1024 }.to_string();
        assert!(known.contains("2.0 KiB needed, 1.0 KiB free"), "{known}");
    }
}
