//! Small file operations that keep their promises across a crash.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::PackError;

/// A name no other process or thread uses at this time, ending in `.tmp`.
pub(crate) fn temporary_name(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{}.tmp", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

/// Replaces `path` by `bytes`: whoever opens it, whenever, sees the old content or the new, whole.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), PackError> {
    let temporary = temporary_name(path);
    let write = || -> io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&temporary);
        PackError::io("writing", path, error)
    })?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes renames and removals in `directory` last. A no-op where directories cannot be opened (Windows).
pub(crate) fn sync_directory(directory: &Path) -> Result<(), PackError> {
    if cfg!(unix) {
        let file = File::open(directory).map_err(|error| PackError::io("opening", directory, error))?;
        file.sync_all().map_err(|error| PackError::io("writing", directory, error))?;
    }
    Ok(())
}

pub(crate) fn create_directories(path: &Path) -> Result<(), PackError> {
    fs::create_dir_all(path).map_err(|error| PackError::io("creating", path, error))
}

/// Removes a file; one that is not there is fine.
pub(crate) fn remove_file(path: &Path) -> Result<(), PackError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PackError::io("removing", path, error)),
        _ => Ok(()),
    }
}

/// Removes a directory with all in it; one that is not there is fine.
pub(crate) fn remove_directory(path: &Path) -> Result<(), PackError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PackError::io("removing", path, error)),
        _ => Ok(()),
    }
}

/// The entries of a directory in order of name; none where it does not exist.
pub(crate) fn entries(directory: &Path) -> Result<Vec<PathBuf>, PackError> {
    let failed = |error| PackError::read(directory, error);
    let listing = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut paths = listing.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// The UTF-8 file name of `path`, empty where there is none.
pub(crate) fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// `true` where the name of `path` ends in a dot and `extension`, in that case: names this crate gave itself.
pub(crate) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, PackError> {
    use io::Read;
    let failed = |error| PackError::read(path, error);
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(PackError::corrupt(
            path.display().to_string(),
            format!("it is larger than {limit} bytes"),
        ));
    }
    Ok(bytes)
}

/// A lock on a file, held by one process (and one holder in it) until dropped. The system frees it when the process dies.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// `None` where another holds it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, PackError> {
        let failed = |error| PackError::io("locking", path, error);
        let file = File::options().write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Waits for at most `patience`, then fails with [`PackError::Busy`].
    pub(crate) fn take(path: &Path, patience: Duration) -> Result<Self, PackError> {
        let start = Instant::now();
        loop {
            if let Some(lock) = Self::try_take(path)? {
                return Ok(lock);
            }
            if start.elapsed() >= patience {
                return Err(PackError::Busy { what: "the pack store".into() });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would free it too; this frees it even while a child process still holds a copy.
        let _ = self.0.unlock();
    }
}
