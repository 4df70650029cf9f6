//! What the tests share: packs made on the spot, a device with any figures, and a web server with bad manners.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]

pub mod server;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cuba_packs::{
    About, Device, Digest, InstallOptions, Kind, Licence, Manifest, Needs, Offer, OfferedFile, Origin,
    PackError, PackFile, PackRef, Quiet, Role, SCHEMA, Source, Staged, Step, Store,
};

/// Content that looks like weights: no two seeds or offsets alike, and the same everywhere (xorshift64*).
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

pub fn about(id: &str, version: &str) -> About {
    About {
        schema: SCHEMA,
        id: id.into(),
        version: version.into(),
        kind: Kind::Nmt,
        name: format!("test pack {id}"),
        languages: vec!["en".into(), "es".into()],
        directions: vec![],
        licence: Licence { id: "MPL-2.0".into(), name: None, url: None, text: None, must_accept: false },
        needs: Needs { ram: 1 << 20, disk: 1 << 10 },
        source: "made by a test".into(),
        metrics: BTreeMap::new(),
        extra: BTreeMap::new(),
    }
}

pub fn manifest(id: &str, version: &str, files: &[(&str, Role, &[u8])]) -> Manifest {
    let files = files.iter().map(|(path, role, content)| PackFile {
        path: (*path).into(),
        role: role.clone(),
        size: content.len() as u64,
        sha256: Digest::of(content),
    });
    Manifest { about: about(id, version), files: files.collect() }
}

/// A pack in memory.
pub struct MemorySource {
    pub offer: Offer,
    pub content: Vec<Vec<u8>>,
}

impl MemorySource {
    pub fn new(id: &str, version: &str, files: &[(&str, Role, &[u8])]) -> Self {
        let offer = Offer::from(&manifest(id, version, files));
        Self { offer, content: files.iter().map(|(_, _, content)| content.to_vec()).collect() }
    }
}

impl Source for MemorySource {
    fn offer(&self) -> &Offer {
        &self.offer
    }

    fn fetch(&self, wanted: &OfferedFile, into: &mut Staged<'_>) -> Result<(), PackError> {
        let index = self.offer.files.iter().position(|file| file.path == wanted.path).unwrap();
        into.truncate(0)?;
        for piece in self.content[index].chunks(4096) {
            into.report(Step::Copy, into.len())?;
            into.append(piece)?;
        }
        Ok(())
    }
}

/// Any figures.
pub struct FakeDevice {
    pub memory: Option<u64>,
    pub disk: AtomicU64,
}

impl FakeDevice {
    pub fn roomy() -> Arc<Self> {
        Arc::new(Self { memory: Some(1 << 40), disk: AtomicU64::new(1 << 40) })
    }
}

impl Device for FakeDevice {
    fn memory_available(&self) -> Option<u64> {
        self.memory
    }

    fn disk_free(&self, _path: &Path) -> io::Result<u64> {
        Ok(self.disk.load(Ordering::Relaxed))
    }
}

pub fn open(root: &Path) -> Store {
    Store::open(root, FakeDevice::roomy()).unwrap()
}

pub fn install(store: &Store, source: &dyn Source) -> Result<cuba_packs::Installed, PackError> {
    store.install(source, &InstallOptions::default(), &Quiet)
}

pub fn pack(text: &str) -> PackRef {
    text.parse().unwrap()
}

/// The content of a loaded pack's files by path: what an engine would see.
pub fn content(store: &Store, name: &str) -> Result<BTreeMap<String, Vec<u8>>, PackError> {
    let loaded = store.load(&pack(name), &Quiet)?;
    Ok(loaded.files().map(|(file, path)| (file.path.clone(), fs::read(path).unwrap())).collect())
}

/// All files below a directory that are not locks, as relative paths.
pub fn files_below(root: &Path) -> Vec<String> {
    fn walk(directory: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if entry.file_name() != "lock" {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort();
    found
}

/// How many blobs a store has.
pub fn blobs_in(root: &Path) -> usize {
    files_below(&root.join("blobs")).iter().filter(|name| Path::new(name).extension().is_none()).count()
}

/// The path of the only blob with this content.
pub fn blob(store: &Store, content: &[u8]) -> std::path::PathBuf {
    let hex = Digest::of(content).to_string();
    store.root().join("blobs/sha256").join(&hex[..2]).join(hex)
}

/// Overwrites a file even if it is marked read-only.
pub fn overwrite(path: &Path, bytes: &[u8]) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    #[allow(clippy::permissions_set_readonly_false)]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions).unwrap();
    fs::write(path, bytes).unwrap();
}

/// An offer of one file on the web.
pub fn web_offer(
    id: &str,
    content: &[u8],
    urls: Vec<String>,
    compression: Option<cuba_packs::Compression>,
) -> Offer {
    Offer {
        about: about(id, "1"),
        files: vec![OfferedFile {
            path: "model.bin".into(),
            role: Role::Model,
            size: Some(content.len() as u64),
            sha256: Some(Digest::of(content)),
            origin: Some(Origin::Web { urls, compression }),
        }],
    }
}
