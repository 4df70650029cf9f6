//! The store: installed packs under one directory.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::blobs::Blobs;
use crate::device::Device;
use crate::digest::Digest;
use crate::error::PackError;
use crate::files::{self, Lock};
use crate::install::Plan;
use crate::manifest::{MAX_MANIFEST_BYTES, Manifest, PackFile, Role, compare_versions, json_of, parse_json};
use crate::watch::{Quiet, Watch};

/// How long a process waits for another's short critical section (renames, never a download).
const PATIENCE: Duration = Duration::from_secs(10);

/// Installed packs under one directory, shared safely by threads and processes.
///
/// ```text
/// packs/<id>/<version>.json   record: the manifest, its digest, whether its licence was accepted
/// packs/<id>/current          the version in use
/// blobs/sha256/ab/ab12...     content, named by its hash; ab12....ok is the stamp of its last hashing
/// staging/<id>@<version>/     an install on its way; resumable ones survive, others are swept at the next open
/// catalogues/                 signed catalogues, and the highest sequence seen of each
/// lock                        held for the moments in which the above changes
/// ```
///
/// A reader takes no lock: every change is a rename. Opening sweeps what a killed process left.
///
/// ```
/// use std::sync::Arc;
/// use cuba_packs::{Store, ThisDevice};
/// let dir = tempfile::tempdir().unwrap();
/// let store = Store::open(dir.path(), Arc::new(ThisDevice)).unwrap();
/// assert!(store.list().unwrap().packs.is_empty());
/// ```
pub struct Store {
    pub(crate) root: PathBuf,
    pub(crate) device: Arc<dyn Device>,
    pub(crate) blobs: Blobs,
    writable: bool,
}

/// A pack by name: `id` (the version in use) or `id@version`.
///
/// ```
/// let pack: cuba_packs::PackRef = "en-es@1.0".parse().unwrap();
/// assert_eq!((pack.id.as_str(), pack.version.as_deref()), ("en-es", Some("1.0")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackRef {
    /// The pack.
    pub id: String,
    /// The version; `None` for the one in use.
    pub version: Option<String>,
}

impl FromStr for PackRef {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('@') {
            Some((id, version)) => Self { id: id.into(), version: Some(version.into()) },
            None => Self { id: text.into(), version: None },
        })
    }
}

impl fmt::Display for PackRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}@{version}", self.id),
            None => f.write_str(&self.id),
        }
    }
}

/// An installed pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// Its manifest.
    pub manifest: Manifest,
    /// This version is the one in use.
    pub current: bool,
    /// Its terms were accepted at install (or ask for no acceptance).
    pub licence_accepted: bool,
}

/// What [`Store::list`] found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Readable packs, by id and version.
    pub packs: Vec<Installed>,
    /// Records that are damaged, each named; install the pack again to mend it.
    pub damaged: Vec<PackError>,
}

/// A pack whose files were found in order: what an engine is given.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its manifest.
    pub manifest: Manifest,
    files: Vec<(PackFile, PathBuf)>,
}

impl Loaded {
    /// The first file of this role. Fails with [`PackError::NotFound`] where the pack has none.
    pub fn path(&self, role: &Role) -> Result<&Path, PackError> {
        let first = self.paths(role).first().copied();
        first.ok_or_else(|| {
            PackError::not_found(format!("a file of role {} in {}", role.as_str(), self.manifest.reference()))
        })
    }

    /// All files of this role, in the manifest's order.
    pub fn paths(&self, role: &Role) -> Vec<&Path> {
        self.files.iter().filter(|(file, _)| file.role == *role).map(|(_, path)| path.as_path()).collect()
    }

    /// All files, in the manifest's order.
    pub fn files(&self) -> impl Iterator<Item = (&PackFile, &Path)> {
        self.files.iter().map(|(file, path)| (file, path.as_path()))
    }
}

/// An install that was interrupted and can be resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Which pack.
    pub pack: PackRef,
    /// Bytes that have arrived.
    pub arrived: u64,
}

/// The record of an installed pack. The manifest is kept byte for byte, with its digest, so that any damage to it shows.
#[derive(Serialize, Deserialize)]
struct Record {
    sha256: Digest,
    licence_accepted: bool,
    manifest: Box<RawValue>,
}

impl Store {
    /// Opens the store under `root`, creating it if need be, and sweeps what a killed process left. A directory that may be
    /// read but not written is opened for reading; one that is not there and cannot be made fails with
    /// [`PackError::ReadOnly`].
    pub fn open(root: impl Into<PathBuf>, device: Arc<dyn Device>) -> Result<Self, PackError> {
        let root = root.into();
        let blobs = Blobs::new(root.join("blobs").join("sha256"));
        let mut store = Self { root, device, blobs, writable: true };
        match store.prepare() {
            Ok(()) => Ok(store),
            Err(PackError::ReadOnly { .. } | PackError::NotEnoughSpace { .. }) if store.root.is_dir() => {
                store.writable = false;
                Ok(store)
            }
            Err(error) => Err(error),
        }
    }

    fn prepare(&self) -> Result<(), PackError> {
        for directory in ["packs", "blobs/sha256", "staging"] {
            files::create_directories(&self.root.join(directory))?;
        }
        // Another process at work sweeps by itself, or will be swept after.
        match Lock::try_take(&self.lock_path())? {
            Some(lock) => self.sweep(&lock),
            None => Ok(()),
        }
    }

    /// The directory this store lives in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `false` where the directory can only be read.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    fn lock_path(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Takes the lock that every change needs.
    pub(crate) fn lock(&self) -> Result<Lock, PackError> {
        if !self.writable {
            return Err(PackError::ReadOnly { path: self.root.clone() });
        }
        Lock::take(&self.lock_path(), PATIENCE)
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    fn pack_directory(&self, id: &str) -> PathBuf {
        self.root.join("packs").join(id)
    }

    fn record_path(&self, id: &str, version: &str) -> PathBuf {
        self.pack_directory(id).join(format!("{version}.json"))
    }

    /// All installed packs, by id and version, and whatever is damaged.
    pub fn list(&self) -> Result<Listing, PackError> {
        let mut listing = Listing::default();
        for directory in files::entries(&self.root.join("packs"))? {
            let id = files::name_of(&directory).to_owned();
            let current = self.current(&id);
            let mut versions = self.versions(&id)?;
            versions.sort_by(|a, b| compare_versions(a, b));
            for version in versions {
                match self.read_record(&id, &version) {
                    Ok(pack) => {
                        let current = current.as_deref() == Some(version.as_str());
                        listing.packs.push(Installed { current, ..pack });
                    }
                    // Removed by another process just now.
                    Err(PackError::NotFound { .. }) => {}
                    Err(error) => listing.damaged.push(error),
                }
            }
        }
        Ok(listing)
    }

    /// The manifest of one installed pack, without looking at its files.
    pub fn info(&self, pack: &PackRef) -> Result<Installed, PackError> {
        let current = self.current(&pack.id);
        let version = match (&pack.version, &current) {
            (Some(version), _) | (None, Some(version)) => version.clone(),
            (None, None) => return Err(PackError::not_found(format!("pack {:.64}", pack.id))),
        };
        // Names from outside become paths only after they are found in the directory listing.
        if !self.versions(&pack.id)?.contains(&version) {
            return Err(PackError::not_found(format!("pack {:.64}@{version:.64}", pack.id)));
        }
        let installed = self.read_record(&pack.id, &version)?;
        Ok(Installed { current: current.as_deref() == Some(version.as_str()), ..installed })
    }

    /// Checks memory and every file of a pack and gives their paths. A file is checked by its stamp (one `stat`), and by
    /// sha256 where the stamp does not fit: the first load after a copy or restore. Nothing is read into memory.
    ///
    /// Fails with [`PackError::NotEnoughMemory`], with [`PackError::Corrupt`] naming the file, or with
    /// [`PackError::Licence`].
    pub fn load(&self, pack: &PackRef, watch: &dyn Watch) -> Result<Loaded, PackError> {
        let installed = self.info(pack)?;
        let about = &installed.manifest.about;
        if about.licence.must_accept && !installed.licence_accepted {
            return Err(PackError::Licence {
                pack: about.id.clone(),
                licence: Box::new(about.licence.clone()),
            });
        }
        self.check_memory(about.needs.ram)?;
        let files = installed.manifest.files.iter();
        let files = files.map(|file| Ok((file.clone(), self.blobs.trusted(file, watch)?)));
        Ok(Loaded { files: files.collect::<Result<_, PackError>>()?, manifest: installed.manifest })
    }

    /// Fails with [`PackError::NotEnoughMemory`] where the device says it has less than `needed` bytes.
    pub fn check_memory(&self, needed: u64) -> Result<(), PackError> {
        match self.device.memory_available() {
            Some(available) if available < needed => Err(PackError::NotEnoughMemory { needed, available }),
            _ => Ok(()),
        }
    }

    /// Reads and hashes every file of a pack. Gives one error for each file that is not what the manifest says.
    pub fn verify(&self, pack: &PackRef, watch: &dyn Watch) -> Result<Vec<PackError>, PackError> {
        let installed = self.info(pack)?;
        let mut faults = Vec::new();
        for file in &installed.manifest.files {
            match self.blobs.hashed(file, watch) {
                Ok(_) => {}
                Err(error @ PackError::Corrupt { .. }) => faults.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok(faults)
    }

    /// Makes `pack` (with its version) the one that its id alone means.
    pub fn use_version(&self, pack: &PackRef) -> Result<(), PackError> {
        let _lock = self.lock()?;
        let installed = self.info(pack)?;
        self.write_current(&installed.manifest.about.id, &installed.manifest.about.version)
    }

    /// Removes one version of a pack (the one in use where none is named) and every file that no other pack uses. Returns the
    /// bytes freed. A process that has mapped a file keeps it until it is done. A damaged record is removed too.
    pub fn remove(&self, pack: &PackRef) -> Result<u64, PackError> {
        let lock = self.lock()?;
        let current = self.current(&pack.id);
        let version = match (&pack.version, &current) {
            (Some(version), _) | (None, Some(version)) => version.clone(),
            (None, None) => return Err(PackError::not_found(format!("pack {:.64}", pack.id))),
        };
        let mut versions = self.versions(&pack.id)?;
        if !versions.contains(&version) {
            return Err(PackError::not_found(format!("pack {:.64}@{version:.64}", pack.id)));
        }
        let directory = self.pack_directory(&pack.id);
        versions.retain(|other| *other != version);
        // `current` first: killed in between, the id means another version that is there.
        if current.as_ref() == Some(&version) {
            match versions.iter().max_by(|a, b| compare_versions(a, b)) {
                Some(next) => self.write_current(&pack.id, next)?,
                None => files::remove_file(&directory.join("current"))?,
            }
        }
        files::remove_file(&self.record_path(&pack.id, &version))?;
        files::sync_directory(&directory)?;
        let _ = fs::remove_dir(&directory);
        self.free_unused(&lock)
    }

    /// Installs that were interrupted and can be resumed by asking for the same pack again.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>, PackError> {
        let mut unfinished = Vec::new();
        for directory in files::entries(&self.staging())? {
            if let Some(plan) = Plan::read(&directory).filter(|plan| plan.resumable) {
                let name = plan.pack.parse::<PackRef>().unwrap_or_else(|never| match never {});
                unfinished.push(Unfinished { pack: name, arrived: size_below(&directory)? });
            }
        }
        Ok(unfinished)
    }

    /// Gives up an interrupted install and frees its space. Fails with [`PackError::Busy`] while a process is at it.
    pub fn discard(&self, pack: &PackRef) -> Result<(), PackError> {
        let lock = self.lock()?;
        for directory in files::entries(&self.staging())? {
            let Some(plan) = Plan::read(&directory) else { continue };
            let Ok(staged) = plan.pack.parse::<PackRef>();
            if staged.id == pack.id && (pack.version.is_none() || pack.version == staged.version) {
                let Some(_held) = Lock::try_take(&directory.join("lock"))? else {
                    return Err(PackError::Busy { what: plan.pack });
                };
                files::remove_directory(&directory)?;
            }
        }
        self.free_unused(&lock).map(|_| ())
    }

    /// The version in use.
    pub(crate) fn current(&self, id: &str) -> Option<String> {
        let listed = files::entries(&self.root.join("packs")).ok()?;
        let directory = listed.into_iter().find(|path| files::name_of(path) == id)?;
        let bytes = files::read_limited(&directory.join("current"), 256).ok();
        let named = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(|text| text.trim().to_owned());
        let versions = self.versions(id).ok()?;
        // Without a usable `current` (killed between record and pointer), the highest version it is.
        let highest = || versions.iter().max_by(|a, b| compare_versions(a, b)).cloned();
        named.filter(|version| versions.contains(version)).or_else(highest)
    }

    fn versions(&self, id: &str) -> Result<Vec<String>, PackError> {
        let listed = files::entries(&self.root.join("packs"))?;
        let Some(directory) = listed.into_iter().find(|path| files::name_of(path) == id) else {
            return Ok(Vec::new());
        };
        let records = files::entries(&directory)?.into_iter();
        Ok(records
            .filter_map(|path| files::name_of(&path).strip_suffix(".json").map(str::to_owned))
            .collect())
    }

    fn write_current(&self, id: &str, version: &str) -> Result<(), PackError> {
        files::write_atomically(&self.pack_directory(id).join("current"), format!("{version}\n").as_bytes())
    }

    fn read_record(&self, id: &str, version: &str) -> Result<Installed, PackError> {
        let path = self.record_path(id, version);
        let name = format!("{id}@{version} ({})", path.display());
        let limit = 2 * MAX_MANIFEST_BYTES;
        let record: Record = parse_json(&name, &files::read_limited(&path, limit)?, limit)?;
        let json = record.manifest.get().as_bytes();
        if Digest::of(json) != record.sha256 {
            return Err(PackError::corrupt(name, "its manifest was changed after it was installed"));
        }
        let manifest = Manifest::parse(json)?;
        if manifest.about.id != id || manifest.about.version != version {
            return Err(PackError::corrupt(name, "it is the record of another pack"));
        }
        Ok(Installed { manifest, current: false, licence_accepted: record.licence_accepted })
    }

    /// Writes the record that makes a pack installed, then the pointer to it.
    pub(crate) fn write_record(
        &self,
        _lock: &Lock,
        manifest: &Manifest,
        licence_accepted: bool,
        make_current: bool,
    ) -> Result<(), PackError> {
        let about = &manifest.about;
        let directory = self.pack_directory(&about.id);
        files::create_directories(&directory)?;
        files::sync_directory(&self.root.join("packs"))?;
        let json = String::from_utf8_lossy(&json_of(manifest)).into_owned();
        let record = Record {
            sha256: Digest::of(json.as_bytes()),
            licence_accepted,
            manifest: RawValue::from_string(json).expect("it was written as JSON just now"),
        };
        let bytes = json_of(&record);
        let had = self.current(&about.id);
        files::write_atomically(&self.record_path(&about.id, &about.version), &bytes)?;
        let version = if make_current { &about.version } else { had.as_ref().unwrap_or(&about.version) };
        self.write_current(&about.id, version)
    }

    /// Removes half-made things and content nobody uses.
    fn sweep(&self, lock: &Lock) -> Result<(), PackError> {
        for directory in files::entries(&self.staging())? {
            if Plan::read(&directory).is_some_and(|plan| plan.resumable) {
                continue;
            }
            if !directory.is_dir() {
                files::remove_file(&directory)?;
            } else if Lock::try_take(&directory.join("lock"))?.is_some() {
                files::remove_directory(&directory)?;
            }
        }
        for directory in files::entries(&self.root.join("packs"))? {
            for path in files::entries(&directory)? {
                if files::has_extension(&path, "tmp") {
                    files::remove_file(&path)?;
                }
            }
            let _ = fs::remove_dir(&directory);
        }
        self.free_unused(lock).map(|_| ())
    }

    /// Removes blobs that neither a pack nor an unfinished install uses. Where any record cannot be read nothing is removed:
    /// what it used is not known, and a flipped bit in it must not cost the weights.
    fn free_unused(&self, _lock: &Lock) -> Result<u64, PackError> {
        let listing = self.list()?;
        if !listing.damaged.is_empty() {
            return Ok(0);
        }
        let installed =
            listing.packs.iter().flat_map(|pack| pack.manifest.files.iter().map(|file| file.sha256));
        let mut wanted: BTreeSet<Digest> = installed.collect();
        for directory in files::entries(&self.staging())? {
            wanted.extend(Plan::read(&directory).into_iter().flat_map(|plan| plan.blobs));
        }
        self.blobs.retain(&|digest| wanted.contains(digest))
    }

    /// Where a blob of an installed pack is, hashed if its stamp does not fit. For export.
    pub(crate) fn trusted(&self, file: &PackFile) -> Result<PathBuf, PackError> {
        self.blobs.trusted(file, &Quiet)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("root", &self.root)
            .field("writable", &self.writable)
            .finish_non_exhaustive()
    }
}

/// Bytes of all files below a directory.
fn size_below(directory: &Path) -> Result<u64, PackError> {
    let mut sum = 0;
    for path in files::entries(directory)? {
        sum += match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => size_below(&path)?,
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        };
    }
    Ok(sum)
}
