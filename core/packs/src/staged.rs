//! A file on its way into the store.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::device::Device;
use crate::digest::{Digest, Hasher};
use crate::error::PackError;
use crate::watch::{Progress, Step, Watch};

/// Bytes that are written, hashed and reported at a time.
pub(crate) const CHUNK: usize = 256 * 1024;

/// Where a [`Source`](crate::Source) writes a file of a pack. Hashes while writing, refuses bytes beyond the limit, reports
/// progress, notices a cancel and a full disk. May hold what an earlier, interrupted run wrote.
pub struct Staged<'a> {
    file: File,
    path: PathBuf,
    scratch: PathBuf,
    len: u64,
    hash: Hasher,
    pub(crate) context: Context<'a>,
}

/// What is the same for every write of one file.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) name: &'a str,
    pub(crate) limit: u64,
    pub(crate) device: &'a dyn Device,
    pub(crate) watch: &'a dyn Watch,
    /// Bytes of the pack's files before this one.
    pub(crate) before: u64,
    /// Bytes of all the pack's files.
    pub(crate) total: u64,
}

impl Context<'_> {
    pub(crate) fn report(&self, step: Step, done: u64) -> Result<(), PackError> {
        if self.watch.cancelled() {
            return Err(PackError::Cancelled);
        }
        let done = self.before.saturating_add(done.min(self.limit)).min(self.total);
        self.watch.progress(Progress { step, file: self.name, done, total: self.total });
        Ok(())
    }

    /// A write failure at `path`; a full disk is told with its numbers.
    fn write_error(&self, path: &Path, have: u64, error: io::Error) -> PackError {
        match PackError::io("writing", path, error) {
            PackError::NotEnoughSpace { .. } => {
                self.full(path, self.total.saturating_sub(self.before).saturating_sub(have).max(1))
            }
            other => other,
        }
    }

    fn full(&self, path: &Path, needed: u64) -> PackError {
        let free = path.parent().and_then(|dir| self.device.disk_free(dir).ok()).unwrap_or(0);
        PackError::NotEnoughSpace { needed, free }
    }
}

impl<'a> Staged<'a> {
    /// Opens or creates the staged file at `path`; `scratch` is a directory for temporary files beside it.
    pub(crate) fn open(path: PathBuf, scratch: PathBuf, context: Context<'a>) -> Result<Self, PackError> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| context.write_error(&path, 0, error))?;
        let mut staged = Self { file, path, scratch, len: 0, hash: Hasher::new(), context };
        let len =
            staged.file.metadata().map_err(|error| PackError::io("reading", &staged.path, error))?.len();
        staged.truncate(if len > context.limit { 0 } else { len })?;
        Ok(staged)
    }

    /// Bytes written so far.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The most bytes this file may have.
    pub fn limit(&self) -> u64 {
        self.context.limit
    }

    /// A directory for temporary files. It survives an interruption and is removed once the pack is installed.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Digest of the bytes written so far.
    pub fn digest(&self) -> Digest {
        self.hash.digest()
    }

    /// Reports progress and fails with [`PackError::Cancelled`] when asked to stop. `done` counts bytes of this file.
    pub fn report(&self, step: Step, done: u64) -> Result<(), PackError> {
        self.context.report(step, done)
    }

    /// The error of a disk that was full for `needed` more bytes, with what is free on it now.
    #[cfg(feature = "wheels")]
    pub(crate) fn full(&self, needed: u64) -> PackError {
        self.context.full(&self.path, needed)
    }

    /// Appends `bytes`. Fails with [`PackError::Corrupt`] beyond the limit and with [`PackError::NotEnoughSpace`] on a full
    /// disk.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        let len = self.len.saturating_add(bytes.len() as u64);
        if len > self.context.limit {
            return Err(PackError::corrupt(
                self.context.name,
                format!("it is larger than {} bytes", self.context.limit),
            ));
        }
        let context = self.context;
        self.file.write_all(bytes).map_err(|error| context.write_error(&self.path, self.len, error))?;
        self.hash.update(bytes);
        self.len = len;
        Ok(())
    }

    /// Appends all that `reader` gives, reporting `step`. Read errors are passed to `on_error`.
    pub fn append_from(
        &mut self,
        reader: &mut dyn Read,
        step: Step,
        on_error: &dyn Fn(io::Error) -> PackError,
    ) -> Result<(), PackError> {
        let mut buffer = vec![0_u8; CHUNK];
        loop {
            self.report(step, self.len)?;
            let n = match reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(on_error(error)),
            };
            self.append(buffer.get(..n).unwrap_or_default())?;
        }
    }

    /// Keeps the first `len` bytes (no more than there are), and hashes them again.
    pub fn truncate(&mut self, len: u64) -> Result<(), PackError> {
        let failed = |path: &Path, error| PackError::io("writing", path, error);
        self.file.set_len(len).map_err(|error| failed(&self.path, error))?;
        self.file.seek(SeekFrom::Start(0)).map_err(|error| failed(&self.path, error))?;
        self.hash = Hasher::new();
        self.len = 0;
        let mut buffer = vec![0_u8; CHUNK];
        while self.len < len {
            self.report(Step::Verify, self.len)?;
            let n = self.file.read(&mut buffer).map_err(|error| failed(&self.path, error))?;
            if n == 0 {
                break;
            }
            self.hash.update(buffer.get(..n).unwrap_or_default());
            self.len += n as u64;
        }
        Ok(())
    }

    /// Makes sure the bytes are on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), PackError> {
        let context = self.context;
        self.file.sync_all().map_err(|error| context.write_error(&self.path, self.len, error))
    }
}
