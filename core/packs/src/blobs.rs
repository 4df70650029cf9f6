//! Content named by its hash, and what it costs to trust it.
//!
//! A blob is hashed while it is written and again whenever its file is not, by size, modification time, change time and
//! inode, the very file that was hashed. Those four are kept in a stamp beside the blob, so that a load costs one `stat`
//! instead of reading 250 MB. On Unix no program can set the change time, so an edit, a torn write or a file put in place of
//! another is seen; not seen is damage below the file system (a dying flash cell), for which `verify` reads everything, and
//! whoever may rewrite the stamps, who could as well replace the program.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::PackError;
use crate::files;
use crate::manifest::PackFile;
use crate::staged::CHUNK;
use crate::watch::{Progress, Step, Watch};

/// The state of a file at the time it was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    modified_ns: i128,
    changed_ns: i128,
    inode: u64,
}

impl Stamp {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Self {
            size: metadata.len(),
            modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let modified_ns = since.map_or(0, |time| time.as_nanos() as i128);
        Self { size: metadata.len(), modified_ns, changed_ns: 0, inode: 0 }
    }
}

/// The directory of blobs.
#[derive(Debug)]
pub(crate) struct Blobs {
    root: PathBuf,
    /// What this process has hashed or found stamped; serves where stamps cannot be written.
    known: Mutex<BTreeMap<Digest, Stamp>>,
}

impl Blobs {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, known: Mutex::default() }
    }

    /// Where a blob is or would be.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.root.join(hex.get(..2).unwrap_or_default()).join(hex)
    }

    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// The path of a file that is what its manifest says: by its stamp, or else by hashing it now.
    pub(crate) fn trusted(&self, file: &PackFile, watch: &dyn Watch) -> Result<PathBuf, PackError> {
        let path = self.path(&file.sha256);
        let now = self.stat(file, &path)?;
        let stamped = || serde_json::from_slice::<Stamp>(&fs::read(stamp_path(&path)).ok()?).ok();
        let known = self.known.lock().ok().and_then(|known| known.get(&file.sha256).copied());
        if known == Some(now) || stamped() == Some(now) {
            return Ok(path);
        }
        self.hashed(file, watch)
    }

    /// As [`Blobs::trusted`], but always reads the whole file.
    pub(crate) fn hashed(&self, file: &PackFile, watch: &dyn Watch) -> Result<PathBuf, PackError> {
        let path = self.path(&file.sha256);
        let before = self.stat(file, &path)?;
        let digest = hash_file(&path, file, watch)?;
        if digest != file.sha256 {
            // Without its stamp no later load can take it for good, even if this process may not delete it.
            let _ = fs::remove_file(stamp_path(&path));
            self.forget(&file.sha256);
            return Err(PackError::corrupt(
                describe(file, &path),
                "its sha256 is not the one in the manifest",
            ));
        }
        // Stamped only if it stayed the same while it was read.
        if self.stat(file, &path)? == before {
            self.remember(file.sha256, before);
            let _ = write_stamp(&path, before);
        }
        Ok(path)
    }

    fn stat(&self, file: &PackFile, path: &Path) -> Result<Stamp, PackError> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.forget(&file.sha256);
                return Err(PackError::corrupt(describe(file, path), "it is missing"));
            }
            Err(error) => return Err(PackError::read(path, error)),
        };
        if metadata.len() != file.size {
            let reason = format!("it has {} bytes instead of {}", metadata.len(), file.size);
            return Err(PackError::corrupt(describe(file, path), reason));
        }
        Ok(Stamp::of(&metadata))
    }

    /// Moves a synced file whose digest is known into place, over a damaged one if need be.
    pub(crate) fn adopt(&self, staged: &Path, digest: &Digest) -> Result<(), PackError> {
        let path = self.path(digest);
        let directory = path.parent().expect("a blob lies in a directory");
        files::create_directories(directory)?;
        // A program that opens weights for writing by mistake should fail instead of damaging them.
        if let Ok(metadata) = fs::metadata(staged) {
            let mut permissions = metadata.permissions();
            permissions.set_readonly(true);
            let _ = fs::set_permissions(staged, permissions);
        }
        fs::rename(staged, &path).map_err(|error| PackError::io("moving into", &path, error))?;
        files::sync_directory(directory)?;
        files::sync_directory(&self.root)?;
        if let Ok(metadata) = fs::metadata(&path) {
            self.remember(*digest, Stamp::of(&metadata));
            let _ = write_stamp(&path, Stamp::of(&metadata));
        }
        Ok(())
    }

    /// Removes every blob that is not in `wanted`. Returns the bytes freed.
    pub(crate) fn retain(&self, wanted: &dyn Fn(&Digest) -> bool) -> Result<u64, PackError> {
        let mut freed = 0;
        for directory in files::entries(&self.root)? {
            for path in files::entries(&directory)? {
                let name = files::name_of(&path);
                let digest = name.strip_suffix(".ok").unwrap_or(name).parse::<Digest>().ok();
                if digest.is_some_and(|digest| wanted(&digest)) {
                    continue;
                }
                if digest.is_some() && !files::has_extension(&path, "ok") {
                    freed += fs::metadata(&path).map_or(0, |metadata| metadata.len());
                }
                files::remove_file(&path)?;
                if let Some(digest) = digest {
                    self.forget(&digest);
                }
            }
            // Fails unless empty, which is what is wanted.
            let _ = fs::remove_dir(&directory);
        }
        Ok(freed)
    }

    fn remember(&self, digest: Digest, stamp: Stamp) {
        if let Ok(mut known) = self.known.lock() {
            known.insert(digest, stamp);
        }
    }

    fn forget(&self, digest: &Digest) {
        if let Ok(mut known) = self.known.lock() {
            known.remove(digest);
        }
    }
}

fn stamp_path(blob: &Path) -> PathBuf {
    blob.with_extension("ok")
}

/// A stamp that is lost or torn costs one more hashing, so it is not synced.
fn write_stamp(blob: &Path, stamp: Stamp) -> std::io::Result<()> {
    let path = stamp_path(blob);
    let temporary = files::temporary_name(&path);
    fs::write(&temporary, serde_json::to_vec(&stamp)?)?;
    fs::rename(&temporary, &path).inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

/// Names a blob by what it is for, then by where it is.
fn describe(file: &PackFile, path: &Path) -> String {
    format!("{} ({})", file.path, path.display())
}

fn hash_file(path: &Path, file: &PackFile, watch: &dyn Watch) -> Result<Digest, PackError> {
    use std::io::Read;
    let failed = |error| PackError::read(path, error);
    let mut reader = File::open(path).map_err(failed)?;
    let mut hash = crate::digest::Hasher::new();
    let mut buffer = vec![0_u8; CHUNK];
    let mut done = 0;
    loop {
        if watch.cancelled() {
            return Err(PackError::Cancelled);
        }
        watch.progress(Progress { step: Step::Verify, file: &file.path, done, total: file.size });
        let n = reader.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            return Ok(hash.digest());
        }
        hash.update(buffer.get(..n).unwrap_or_default());
        done += n as u64;
    }
}
