//! Files that are whole or absent: atomic writes, the lock beside the database, names of its companions.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::VaultError;

/// `path` with `suffix` added to its name: `cuba.db` + `.key` is `cuba.db.key`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Makes a rename or a new name in `path`'s folder survive a power cut. Not every file system can; that is no fault.
pub(crate) fn sync_folder(path: &Path) {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(parent) {
        let _ = folder.sync_all();
    }
}

/// Creates a file that only its owner may read.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).read(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Creates the folder of `path` (private to the owner where the system knows modes).
pub(crate) fn create_parent(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(parent)
}

/// Whether an existing file may be replaced by [`write_atomic`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Replace,
    /// Keep it: of two processes that start at once, the first one's key must win.
    Keep,
}

/// Writes `bytes` to a temporary name, syncs and renames: a reader sees the old file or the new one, never a part.
/// Returns `false` when the file existed and was kept.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8], existing: Existing) -> Result<bool, VaultError> {
    create_parent(path)?;
    let temporary = with_suffix(path, &format!(".tmp-{}", std::process::id()));
    let mut file = create_private(&temporary)?;
    let result = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| match existing {
        Existing::Replace => fs::rename(&temporary, path).map(|()| true),
        Existing::Keep => rename_new(&temporary, path),
    });
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    let created = result?;
    sync_folder(path);
    Ok(created)
}

/// Gives `from` the name `to` unless that exists. A hard link does so in one step; file systems without links
/// (FAT on an SD card) fall back to check and rename.
fn rename_new(from: &Path, to: &Path) -> io::Result<bool> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from).map(|()| true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(from).map(|()| false),
        Err(_) if to.exists() => fs::remove_file(from).map(|()| false),
        Err(_) => fs::rename(from, to).map(|()| true),
    }
}

/// The advisory lock `NAME.lock`: shared while a vault is open, exclusive while its file is moved or replaced.
#[derive(Debug)]
pub(crate) struct FileLock(
    #[expect(dead_code, reason = "held for its lock, released when dropped")] Option<File>,
);

#[derive(Clone, Copy)]
pub(crate) enum LockKind {
    Shared,
    Exclusive,
}

impl FileLock {
    /// Waits up to `patience`, then says [`VaultError::Busy`].
    pub(crate) fn acquire(database: &Path, kind: LockKind, patience: Duration) -> Result<Self, VaultError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(with_suffix(database, ".lock"))?;
        let started = Instant::now();
        loop {
            let outcome = match kind {
                LockKind::Shared => file.try_lock_shared(),
                LockKind::Exclusive => file.try_lock(),
            };
            match outcome {
                Ok(()) => return Ok(Self(Some(file))),
                Err(TryLockError::WouldBlock) if started.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(VaultError::Busy),
                Err(TryLockError::Error(error)) => {
                    // Some SD cards and network folders know no locks. SQLite's own locking still holds.
                    tracing::warn!(kind = ?error.kind(), "no file locks here; the vault goes on without");
                    return Ok(Self(None));
                }
            }
        }
    }
}

/// The database's main file and what `SQLite` keeps beside it.
pub(crate) const COMPANIONS: [&str; 3] = ["", "-wal", "-shm"];
