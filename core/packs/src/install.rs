//! Installing: from any source into the store, whole or not at all.
//!
//! Order of events, each safe to be the last one before a kill -9:
//! staging directory and plan; each file written, hashed, synced; then under the lock each file renamed to its blob, the
//! record written to a temporary name and renamed (from here on the pack is installed), `current` set, staging removed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::PackError;
use crate::files::{self, Lock};
use crate::manifest::{Manifest, PackFile};
use crate::offer::{Offer, OfferedFile};
use crate::source::Source;
use crate::staged::{Context, Staged};
use crate::store::{Installed, PackRef, Store};
use crate::watch::Watch;

/// Room left on the disk beyond what the pack needs: for the record, directories, and the user's next photograph.
const MARGIN: u64 = 4 << 20;

/// How to install.
#[derive(Debug, Clone, Default)]
pub struct InstallOptions {
    /// The terms were shown and accepted. Needed where [`Licence::must_accept`](crate::Licence::must_accept) is set.
    pub accept_licence: bool,
    /// Leave the version in use as it is.
    pub keep_current: bool,
}

/// What is being installed into a staging directory.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) pack: String,
    pub(crate) resumable: bool,
    /// Digest of the offer: what was staged for another offer is of no use.
    offer: Digest,
    /// Content of it that may be in the store already.
    pub(crate) blobs: Vec<Digest>,
}

impl Plan {
    fn new(source: &dyn Source) -> Self {
        let offer = source.offer();
        let json = serde_json::to_vec(offer).expect("an offer has string keys only");
        Self {
            pack: offer.about.reference(),
            resumable: source.resumable(),
            offer: Digest::of(&json),
            blobs: offer.files.iter().filter_map(|file| file.sha256).collect(),
        }
    }

    pub(crate) fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read_limited(&directory.join("plan.json"), 1 << 20).ok()?).ok()
    }
}

impl Store {
    /// Installs the pack that `source` has, or does nothing where that very content is installed and in order.
    ///
    /// Space is checked first. An interruption of any kind leaves the store as it was; where the source can resume, what
    /// arrived is kept and asking again goes on from there. A file that is not what the offer says is named and not
    /// installed.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use cuba_packs::{FolderSource, InstallOptions, Quiet, Store, ThisDevice};
    /// # let dir = tempfile::tempdir().unwrap();
    /// # std::fs::create_dir(dir.path().join("enes")).unwrap();
    /// # for name in ["model.enes.intgemm.alphas.bin", "vocab.enes.spm"] {
    /// #     std::fs::write(dir.path().join("enes").join(name), name).unwrap();
    /// # }
    /// let store = Store::open(dir.path().join("home"), Arc::new(ThisDevice)).unwrap();
    /// let source = FolderSource::open(dir.path().join("enes"), &Default::default()).unwrap();
    /// let pack = store.install(&source, &InstallOptions::default(), &Quiet).unwrap();
    /// assert_eq!(pack.manifest.about.id, "en-es");
    /// let loaded = store.load(&"en-es".parse().unwrap(), &Quiet).unwrap();
    /// assert!(loaded.path(&cuba_packs::Role::Model).unwrap().is_file());
    /// ```
    pub fn install(
        &self,
        source: &dyn Source,
        options: &InstallOptions,
        watch: &dyn Watch,
    ) -> Result<Installed, PackError> {
        let offer = source.offer();
        offer.check()?;
        let licence = &offer.about.licence;
        if licence.must_accept && !options.accept_licence {
            return Err(PackError::Licence {
                pack: offer.about.id.clone(),
                licence: Box::new(licence.clone()),
            });
        }
        if let Some(installed) = self.already_installed(offer, options, watch)? {
            return Ok(installed);
        }
        let staging = Staging::begin(self, source)?;
        let result = self.stage_and_commit(&staging, source, options, watch);
        // What cannot be resumed is removed at once; what can stays, unless it is of no more use.
        if result.is_ok() || !source.resumable() {
            // What stays behind is swept at the next open.
            let _ = staging.remove(self);
        }
        result
    }

    fn stage_and_commit(
        &self,
        staging: &Staging,
        source: &dyn Source,
        options: &InstallOptions,
        watch: &dyn Watch,
    ) -> Result<Installed, PackError> {
        let offer = source.offer();
        // A blob that served instead of a download may be removed by another process before the commit: then once more.
        for _ in 0..3 {
            self.check_space(offer, source, staging)?;
            let mut files = Vec::with_capacity(offer.files.len());
            let mut before = 0;
            for (index, wanted) in offer.files.iter().enumerate() {
                let context = Context {
                    name: &wanted.path,
                    limit: wanted.limit(),
                    device: &*self.device,
                    watch,
                    before,
                    total: offer.size(),
                };
                let file = self.stage_file(staging, index, wanted, source, context)?;
                before += file.size;
                files.push(file);
            }
            let manifest = Manifest { about: offer.about.clone(), files };
            manifest.check()?;
            if self.commit(staging, &manifest, options)? {
                return self.info(&PackRef {
                    id: manifest.about.id.clone(),
                    version: Some(manifest.about.version.clone()),
                });
            }
        }
        Err(PackError::Busy { what: offer.about.reference() })
    }

    /// Brings one file to the staging directory, or finds it in the store.
    fn stage_file(
        &self,
        staging: &Staging,
        index: usize,
        wanted: &OfferedFile,
        source: &dyn Source,
        context: Context<'_>,
    ) -> Result<PackFile, PackError> {
        if let (Some(size), Some(sha256)) = (wanted.size, wanted.sha256) {
            let file = PackFile { path: wanted.path.clone(), role: wanted.role.clone(), size, sha256 };
            if self.blobs.contains(&sha256) && self.blobs.trusted(&file, context.watch).is_ok() {
                return Ok(file);
            }
        }
        let path = staging.file(index);
        let scratch = staging.directory.join(format!("scratch{index}"));
        files::create_directories(&scratch)?;
        let mut staged = Staged::open(path, scratch.clone(), context)?;
        let resumed = staged.len() > 0;
        if let Err(error) = bring(source, wanted, &mut staged) {
            // What an interrupted run left may be damaged (power loss): a fresh try decides.
            if !(resumed && matches!(error, PackError::Corrupt { .. })) {
                return Err(discard_if_corrupt(error, &mut staged));
            }
            staged.truncate(0)?;
            bring(source, wanted, &mut staged).map_err(|error| discard_if_corrupt(error, &mut staged))?;
        }
        staged.sync()?;
        files::remove_directory(&scratch)?;
        Ok(PackFile {
            path: wanted.path.clone(),
            role: wanted.role.clone(),
            size: staged.len(),
            sha256: staged.digest(),
        })
    }

    /// Makes a staged pack an installed one. `false` where a file it relied on was removed meanwhile.
    fn commit(
        &self,
        staging: &Staging,
        manifest: &Manifest,
        options: &InstallOptions,
    ) -> Result<bool, PackError> {
        let lock = self.lock()?;
        for (index, file) in manifest.files.iter().enumerate() {
            let staged = staging.file(index);
            if staged.is_file() {
                self.blobs.adopt(&staged, &file.sha256)?;
            } else if !self.blobs.contains(&file.sha256) {
                return Ok(false);
            }
        }
        let accepted = options.accept_licence || !manifest.about.licence.must_accept;
        self.write_record(&lock, manifest, accepted, !options.keep_current)?;
        Ok(true)
    }

    fn already_installed(
        &self,
        offer: &Offer,
        options: &InstallOptions,
        watch: &dyn Watch,
    ) -> Result<Option<Installed>, PackError> {
        let about = &offer.about;
        let pack = PackRef { id: about.id.clone(), version: Some(about.version.clone()) };
        let Ok(installed) = self.info(&pack) else { return Ok(None) };
        let same = |(offered, file): (&OfferedFile, &PackFile)| {
            offered.path == file.path
                && offered.role == file.role
                && offered.size.is_none_or(|size| size == file.size)
                && offered.sha256.is_none_or(|sha256| sha256 == file.sha256)
        };
        let files = &installed.manifest.files;
        let same = installed.manifest.about == *about
            && installed.licence_accepted
            && offer.files.len() == files.len()
            && offer.files.iter().zip(files).all(same);
        if !same || !files.iter().all(|file| self.blobs.trusted(file, watch).is_ok()) {
            return Ok(None);
        }
        if !installed.current && !options.keep_current && self.is_writable() {
            self.use_version(&pack)?;
        }
        self.info(&pack).map(Some)
    }

    fn check_space(&self, offer: &Offer, source: &dyn Source, staging: &Staging) -> Result<(), PackError> {
        let missing = |file: &OfferedFile| file.sha256.is_none_or(|sha256| !self.blobs.contains(&sha256));
        let still_needed = |(index, file): (usize, &OfferedFile)| {
            let have = staging.file(index).metadata().map_or(0, |metadata| metadata.len());
            let size = file.size.unwrap_or(crate::UNKNOWN_FILE_ALLOWANCE);
            if missing(file) { size.saturating_sub(have) } else { 0 }
        };
        let sum = offer.files.iter().enumerate().map(still_needed).fold(0, u64::saturating_add);
        let needed = sum.saturating_add(source.scratch_bytes()).saturating_add(MARGIN);
        let free = self
            .device
            .disk_free(&self.root)
            .map_err(|error| PackError::io("asking about", &self.root, error))?;
        if free < needed { Err(PackError::NotEnoughSpace { needed, free }) } else { Ok(()) }
    }
}

/// Fetches unless all is there, then checks size and hash.
fn bring(source: &dyn Source, wanted: &OfferedFile, staged: &mut Staged<'_>) -> Result<(), PackError> {
    let complete =
        wanted.sha256 == Some(staged.digest()) && wanted.size.is_none_or(|size| size == staged.len());
    if !complete {
        source.fetch(wanted, staged)?;
    }
    if let Some(size) = wanted.size.filter(|size| *size != staged.len()) {
        return Err(PackError::corrupt(
            &wanted.path,
            format!("it has {} bytes instead of {size}", staged.len()),
        ));
    }
    if wanted.sha256.is_some_and(|sha256| sha256 != staged.digest()) {
        return Err(PackError::corrupt(&wanted.path, "its sha256 is not the one expected"));
    }
    if staged.len() == 0 {
        return Err(PackError::corrupt(&wanted.path, "it is empty"));
    }
    Ok(())
}

/// Wrong content must not be the beginning of the next try.
fn discard_if_corrupt(error: PackError, staged: &mut Staged<'_>) -> PackError {
    if matches!(error, PackError::Corrupt { .. }) {
        let _ = staged.truncate(0);
        let _ = files::remove_directory(staged.scratch());
    }
    error
}

/// The staging directory of one install, locked against other processes.
struct Staging {
    directory: PathBuf,
    held: Lock,
}

impl Staging {
    fn begin(store: &Store, source: &dyn Source) -> Result<Self, PackError> {
        let plan = Plan::new(source);
        let directory = store.staging().join(&plan.pack);
        // Under the store's lock, so that nobody sweeps a directory between its making and its locking.
        let _lock = store.lock()?;
        files::create_directories(&directory)?;
        let lock_path = directory.join("lock");
        let held = Lock::try_take(&lock_path)?.ok_or_else(|| PackError::Busy { what: plan.pack.clone() })?;
        let usable = Plan::read(&directory).is_some_and(|old| old.offer == plan.offer && plan.resumable);
        if !usable {
            for path in files::entries(&directory)?.into_iter().filter(|path| *path != lock_path) {
                if path.is_dir() { files::remove_directory(&path)? } else { files::remove_file(&path)? }
            }
            let json = serde_json::to_vec(&plan).expect("a plan has string keys only");
            files::write_atomically(&directory.join("plan.json"), &json)?;
        }
        Ok(Self { directory, held })
    }

    fn file(&self, index: usize) -> PathBuf {
        self.directory.join(format!("f{index}"))
    }

    fn remove(self, store: &Store) -> Result<(), PackError> {
        let _lock = store.lock()?;
        let removed = files::remove_directory(&self.directory);
        drop(self.held);
        removed
    }
}
