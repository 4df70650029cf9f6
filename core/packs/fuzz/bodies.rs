//! What each target does with its bytes. Shared by cargo-fuzz (`fuzz_targets/`) and by the smoke test on stable Rust
//! (`tests/fuzz_smoke.rs`). None may panic; every error is fine. Wheels have no target: they are hashed against a pinned sha256
//! before they are read.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared with the targets of cargo-fuzz, which end at a surprise"
)]

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use cuba_packs::{
    Catalogue, Device, DeviceClass, FolderSource, Hints, InstallOptions, Manifest, PackRef, Quiet,
    RegistryOptions, Source, Store, TrustedKey, ZipSource, read_registry,
};

/// A sound pack file with one small file of weights, and the record that a store keeps of it.
pub fn sound_pack() -> (Vec<u8>, Vec<u8>) {
    let scratch = Scratch::new();
    let model = scratch.folder.path().join("model.gguf");
    std::fs::write(&model, [&b"GGUF"[..], &[7; 300]].concat()).unwrap();
    let hints = Hints { id: Some("small".into()), ..Hints::default() };
    let installed = scratch.install(&FolderSource::open(&model, &hints).unwrap()).unwrap();
    let store = scratch.store.lock().unwrap();
    let file = scratch.folder.path().join("small.cubapack");
    store.export(&"small".parse().unwrap(), &file, &Quiet).unwrap();
    (std::fs::read(file).unwrap(), std::fs::read(record(&store, &installed.manifest)).unwrap())
}

fn record(store: &Store, manifest: &Manifest) -> PathBuf {
    store.root().join("packs").join(&manifest.about.id).join(format!("{}.json", manifest.about.version))
}

/// A manifest. What is accepted keeps the rules and survives a round trip.
pub fn manifest(bytes: &[u8]) {
    let Ok(manifest) = Manifest::parse(bytes) else { return };
    assert!(manifest.files.iter().all(|file| !file.path.contains("..") && !file.path.starts_with('/')));
    assert_eq!(Manifest::parse(&manifest.to_json()).unwrap(), manifest);
}

/// A `.cubapack`. Installed means: loads as what the manifest says.
pub fn pack_file(bytes: &[u8]) {
    static STORE: OnceLock<Scratch> = OnceLock::new();
    let Ok(source) = ZipSource::read(Cursor::new(bytes.to_vec()), "fuzz") else { return };
    STORE.get_or_init(Scratch::new).install_and_remove(&source);
}

/// A catalogue. Unsigned is unread, whatever it holds.
pub fn catalogue(bytes: &[u8]) {
    if let Ok(catalogue) = Catalogue::parse(bytes) {
        assert!(catalogue.offers.iter().all(|offer| offer.check().is_ok()));
    }
    assert!(Catalogue::verified(bytes, &String::from_utf8_lossy(bytes), &[TrustedKey([7; 32])]).is_err());
}

/// A registry of models, for a phone or a desktop after its first byte.
pub fn registry(bytes: &[u8]) {
    let (first, json) = bytes.split_first().unwrap_or((&0, &[]));
    let device = if first & 1 == 0 { DeviceClass::Phone } else { DeviceClass::Desktop };
    let options = RegistryOptions { device, unreleased: first & 2 == 0, mirrors: vec![] };
    if let Ok(offers) = read_registry(json, &options) {
        assert!(offers.iter().all(|offer| offer.check().is_ok()));
    }
}

/// What the store wrote about an installed pack, changed by something else: the manifest that was installed, or an error.
pub fn stored_record(bytes: &[u8]) {
    static INSTALLED: OnceLock<(Scratch, Manifest)> = OnceLock::new();
    let (scratch, manifest) = INSTALLED.get_or_init(|| {
        let scratch = Scratch::new();
        let source = ZipSource::read(Cursor::new(sound_pack().0), "small.cubapack").unwrap();
        let installed = scratch.install(&source).unwrap();
        (scratch, installed.manifest)
    });
    let store = scratch.store.lock().unwrap();
    std::fs::write(record(&store, manifest), bytes).unwrap();
    if let Ok(installed) = store.info(&"small".parse().unwrap()) {
        assert_eq!(&installed.manifest, manifest);
    }
}

/// A file of a folder in a known layout: its first byte says which, and how it is compressed.
pub fn folder(bytes: &[u8]) {
    const NAMES: [&str; 6] = [
        "model.enes.intgemm.alphas.bin",
        "model.enes.intgemm.alphas.bin.gz",
        "vocab.enes.spm.gz",
        "vocab.enes.spm.zst",
        "model_info.json",
        "model.gguf",
    ];
    static STORE: OnceLock<Scratch> = OnceLock::new();
    let (first, content) = bytes.split_first().unwrap_or((&0, &[]));
    let scratch = STORE.get_or_init(Scratch::new);
    let folder = scratch.folder.path().join("model");
    {
        let _alone = scratch.store.lock().unwrap();
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let name = NAMES.get(usize::from(*first) % NAMES.len()).unwrap();
        if name.strip_suffix(".gguf").is_none() {
            std::fs::write(folder.join("model.enes.intgemm.alphas.bin"), "weights").unwrap();
            std::fs::write(folder.join("vocab.enes.spm"), "words").unwrap();
            let plain = name.trim_end_matches(".gz").trim_end_matches(".zst");
            let _ = std::fs::remove_file(folder.join(plain));
        }
        std::fs::write(folder.join(name), content).unwrap();
    }
    if let Ok(source) = FolderSource::open(&folder, &Hints::default()) {
        scratch.install_and_remove(&source);
    }
}

/// A store for one run; gone at its end.
struct Scratch {
    folder: tempfile::TempDir,
    store: Mutex<Store>,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Mutex::new(Store::open(folder.path().join("home"), Arc::new(Roomy)).unwrap());
        Self { folder, store }
    }

    fn install(&self, source: &dyn Source) -> Option<cuba_packs::Installed> {
        self.store.lock().unwrap().install(source, &InstallOptions::default(), &Quiet).ok()
    }

    fn install_and_remove(&self, source: &dyn Source) {
        let Some(installed) = self.install(source) else { return };
        let store = self.store.lock().unwrap();
        let about = installed.manifest.about;
        let pack = PackRef { id: about.id, version: Some(about.version) };
        if !about.licence.must_accept {
            let loaded = store.load(&pack, &Quiet).unwrap();
            assert!(loaded.files().all(|(file, path)| std::fs::metadata(path).unwrap().len() == file.size));
        }
        store.remove(&pack).unwrap();
    }
}

/// Refuses nothing.
struct Roomy;

impl Device for Roomy {
    fn memory_available(&self) -> Option<u64> {
        None
    }

    fn disk_free(&self, _: &Path) -> std::io::Result<u64> {
        Ok(u64::MAX)
    }
}
