//! The store: installs, loads, damage, removal, limits.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

mod common;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use common::*;
use cuba_packs::{
    Digest, FolderSource, Hints, InstallOptions, PackError, Progress, Quiet, Role, Source, Store, Watch,
    ZipSource,
};

fn sample(id: &str, version: &str) -> MemorySource {
    let (model, vocab) = (noise(1, 300_000), noise(2, 5_000));
    MemorySource::new(id, version, &[("model.bin", Role::Model, &model), ("vocab.spm", Role::Vocab, &vocab)])
}

#[test]
fn an_installed_pack_is_loaded_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let source = sample("en-es", "1.0");
    let installed = install(&store, &source).unwrap();
    assert!(installed.current);
    let files = content(&store, "en-es").unwrap();
    assert_eq!(files["model.bin"], source.content[0]);
    assert_eq!(files["vocab.spm"], source.content[1]);
    let loaded = store.load(&pack("en-es@1.0"), &Quiet).unwrap();
    assert_eq!(fs::read(loaded.path(&Role::Vocab).unwrap()).unwrap(), source.content[1]);
    assert!(matches!(loaded.path(&Role::Shortlist), Err(PackError::NotFound { .. })));
    // Nothing is left of the way there.
    assert!(fs::read_dir(dir.path().join("staging")).unwrap().next().is_none());
    // A store opened anew sees the same.
    assert_eq!(content(&open(dir.path()), "en-es").unwrap(), files);
}

#[test]
fn equal_files_are_kept_once_and_freed_with_their_last_user() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let shared = noise(7, 100_000);
    let (a, b) = (noise(8, 1000), noise(9, 2000));
    install(&store, &MemorySource::new("a", "1", &[("m", Role::Model, &shared), ("v", Role::Vocab, &a)]))
        .unwrap();
    install(&store, &MemorySource::new("b", "1", &[("m", Role::Model, &shared), ("v", Role::Vocab, &b)]))
        .unwrap();
    let blobs = || blobs_in(dir.path());
    assert_eq!(blobs(), 3);
    assert_eq!(store.remove(&pack("a")).unwrap(), 1000);
    assert_eq!(content(&store, "b").unwrap()["m"], shared);
    assert_eq!(store.remove(&pack("b")).unwrap(), 102_000);
    assert_eq!(files_below(dir.path()), Vec::<String>::new());
    assert!(matches!(store.remove(&pack("b")), Err(PackError::NotFound { .. })));
}

#[test]
fn versions_stand_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for version in ["1.9", "1.10"] {
        let text = version.as_bytes();
        install(&store, &MemorySource::new("p", version, &[("m", Role::Model, text)])).unwrap();
    }
    let current = |store: &Store| store.info(&pack("p")).unwrap().manifest.about.version;
    assert_eq!(current(&store), "1.10");
    store.use_version(&pack("p@1.9")).unwrap();
    assert_eq!(current(&store), "1.9");
    assert!(matches!(store.use_version(&pack("p@2")), Err(PackError::NotFound { .. })));
    let keep = InstallOptions { keep_current: true, ..Default::default() };
    store.install(&MemorySource::new("p", "3", &[("m", Role::Model, b"3")]), &keep, &Quiet).unwrap();
    assert_eq!(current(&store), "1.9");
    let listed: Vec<_> =
        store.list().unwrap().packs.iter().map(|p| (p.manifest.reference(), p.current)).collect();
    assert_eq!(listed, [("p@1.9".into(), true), ("p@1.10".into(), false), ("p@3".into(), false)]);
    store.remove(&pack("p")).unwrap();
    assert_eq!(current(&store), "3", "the highest that is left");
}

#[test]
fn names_from_outside_never_become_paths() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("home"));
    fs::write(dir.path().join("secret.json"), "{}").unwrap();
    for name in ["../..", "..", "", "/", "../../secret", "a@../../secret", ".", "@", "a@b@c"] {
        assert!(matches!(store.info(&pack(name)), Err(PackError::NotFound { .. })), "{name}");
        assert!(matches!(store.remove(&pack(name)), Err(PackError::NotFound { .. })), "{name}");
    }
    assert!(dir.path().join("secret.json").exists());
}

#[test]
fn a_damaged_file_is_named_and_not_loaded_and_a_new_install_mends_it() {
    type Damage = fn(&std::path::Path, &[u8]);
    let damages: [(&str, Damage); 4] = [
        ("one bit", |path, good| {
            let mut bad = good.to_vec();
            bad[12_345] ^= 1;
            overwrite(path, &bad);
        }),
        ("cut short", |path, good| overwrite(path, &good[..good.len() - 1])),
        ("longer", |path, good| overwrite(path, &[good, b"x"].concat())),
        ("gone", |path, _| fs::remove_file(path).unwrap()),
    ];
    for (name, damage) in damages {
        let dir = tempfile::tempdir().unwrap();
        let source = sample("en-es", "1");
        install(&open(dir.path()), &source).unwrap();
        let store = open(dir.path());
        damage(&blob(&store, &source.content[0]), &source.content[0]);
        // Both the store that is open and one opened anew refuse, by name.
        for store in [&store, &open(dir.path())] {
            match store.load(&pack("en-es"), &Quiet) {
                Err(PackError::Corrupt { file, .. }) => assert!(file.contains("model.bin"), "{name}: {file}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        let faults = store.verify(&pack("en-es"), &Quiet).unwrap();
        assert_eq!(faults.len(), 1, "{name}");
        install(&store, &source).unwrap();
        assert_eq!(content(&store, "en-es").unwrap()["model.bin"], source.content[0], "{name}");
        assert!(store.verify(&pack("en-es"), &Quiet).unwrap().is_empty());
    }
}

#[cfg(unix)]
#[test]
fn an_edit_that_keeps_size_and_time_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let source = sample("en-es", "1");
    install(&open(dir.path()), &source).unwrap();
    let store = open(dir.path());
    let path = blob(&store, &source.content[0]);
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    let mut bad = source.content[0].clone();
    bad[0] ^= 0x80;
    overwrite(&path, &bad);
    fs::File::options().append(true).open(&path).unwrap().set_modified(before).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    assert!(matches!(store.load(&pack("en-es"), &Quiet), Err(PackError::Corrupt { .. })));
}

/// Counts the bytes that were hashed.
#[derive(Default)]
struct Hashed(AtomicU64);

impl Watch for Hashed {
    fn progress(&self, progress: Progress<'_>) {
        self.0.fetch_add(u64::from(progress.done < progress.total), Ordering::Relaxed);
    }
}

#[test]
fn a_load_hashes_only_what_is_not_the_file_it_hashed_before() {
    let dir = tempfile::tempdir().unwrap();
    let source = sample("en-es", "1");
    install(&open(dir.path()), &source).unwrap();
    let hashed = |store: &Store| {
        let watch = Hashed::default();
        store.load(&pack("en-es"), &watch).unwrap();
        watch.0.load(Ordering::Relaxed)
    };
    assert_eq!(hashed(&open(dir.path())), 0, "stamped at install");
    // A copy of the directory (a new phone, a restored backup) has other inodes.
    let copy = tempfile::tempdir().unwrap();
    for name in files_below(dir.path()) {
        let to = copy.path().join(&name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(dir.path().join(&name), to).unwrap();
    }
    let store = open(copy.path());
    assert!(hashed(&store) > 0);
    assert_eq!(hashed(&store), 0);
    assert_eq!(hashed(&open(copy.path())), 0);
}

#[test]
fn a_changed_record_is_named_and_costs_no_content() {
    let dir = tempfile::tempdir().unwrap();
    let source = sample("en-es", "1");
    install(&open(dir.path()), &source).unwrap();
    let record = dir.path().join("packs/en-es/1.json");
    let good = fs::read(&record).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let less_memory = text.replace("\"ram\":1048576", "\"ram\":1000000");
    for bad in [&good[..good.len() / 2], b"", b"{}", less_memory.as_bytes(), b"\xff\xfe"] {
        assert_ne!(bad, good);
        fs::write(&record, bad).unwrap();
        let store = open(dir.path());
        assert!(matches!(store.load(&pack("en-es"), &Quiet), Err(PackError::Corrupt { .. })));
        let listing = store.list().unwrap();
        assert_eq!((listing.packs.len(), listing.damaged.len()), (0, 1));
        assert!(listing.damaged[0].to_string().contains("en-es@1"));
        assert!(blob(&store, &source.content[0]).exists(), "content survives a damaged record");
    }
    // A record of another pack is not taken for this one.
    fs::write(&record, &good).unwrap();
    fs::copy(&record, dir.path().join("packs/en-es/2.json")).unwrap();
    assert!(matches!(open(dir.path()).info(&pack("en-es@2")), Err(PackError::Corrupt { .. })));
    // It can be removed, and the pack installed again.
    let store = open(dir.path());
    store.remove(&pack("en-es@2")).unwrap();
    assert_eq!(content(&store, "en-es").unwrap()["model.bin"], source.content[0]);
}

#[test]
fn a_source_that_lies_is_refused_and_leaves_nothing() {
    type Lie = fn(&mut MemorySource);
    let lies: [(&str, Lie); 5] = [
        ("other bytes", |s| s.content[0][7] ^= 1),
        ("too few", |s| {
            s.content[1].pop();
        }),
        ("too many", |s| s.content[0].push(0)),
        ("nothing", |s| s.content[0].clear()),
        ("a wrong sha256", |s| s.offer.files[1].sha256 = Some(Digest::of(b"else"))),
    ];
    for (name, lie) in lies {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let mut source = sample("en-es", "1");
        lie(&mut source);
        match install(&store, &source) {
            Err(PackError::Corrupt { file, .. }) => {
                assert!(["model.bin", "vocab.spm"].contains(&file.as_str()), "{file}");
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(files_below(dir.path()), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_failed_update_leaves_the_installed_version() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let source = sample("en-es", "1");
    install(&store, &source).unwrap();
    let mut update = sample("en-es", "2");
    update.offer.files[0].sha256 = Some(Digest::of(b"what was promised"));
    assert!(install(&store, &update).is_err());
    assert_eq!(store.info(&pack("en-es")).unwrap().manifest.about.version, "1");
    assert_eq!(content(&store, "en-es").unwrap()["model.bin"], source.content[0]);
}

#[test]
fn terms_that_must_be_accepted_come_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut source = sample("gemma", "1");
    source.offer.about.licence.must_accept = true;
    source.offer.about.licence.text = Some("the terms".into());
    match install(&store, &source) {
        Err(PackError::Licence { pack, licence }) => {
            assert_eq!((pack.as_str(), licence.text.as_deref()), ("gemma", Some("the terms")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(files_below(dir.path()), Vec::<String>::new());
    let accept = InstallOptions { accept_licence: true, ..Default::default() };
    assert!(store.install(&source, &accept, &Quiet).unwrap().licence_accepted);
    store.load(&pack("gemma"), &Quiet).unwrap();
}

#[test]
fn space_and_memory_are_refused_with_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let device = Arc::new(FakeDevice { memory: Some(1000), disk: AtomicU64::new(5_000_000) });
    let store = Store::open(dir.path(), device.clone()).unwrap();
    let big = noise(3, 3_000_000);
    let source = MemorySource::new("big", "1", &[("m", Role::Model, &big)]);
    match install(&store, &source) {
        Err(PackError::NotEnoughSpace { needed, free }) => {
            assert_eq!((needed, free), (3_000_000 + (4 << 20), 5_000_000));
        }
        other => panic!("{other:?}"),
    }
    device.disk.store(10_000_000, Ordering::Relaxed);
    install(&store, &source).unwrap();
    let refused = store.load(&pack("big"), &Quiet).unwrap_err();
    assert!(matches!(refused, PackError::NotEnoughMemory { needed: 1_048_576, available: 1000 }));
    assert_eq!(
        refused.to_string(),
        "not enough memory: 1.0 MiB needed, 1000 B available. Close other programs or choose a smaller pack"
    );
    // What is in the store already needs no more room.
    device.disk.store(4 << 20, Ordering::Relaxed);
    let mut update = MemorySource::new("big", "2", &[("m", Role::Model, &big)]);
    update.content[0].clear();
    install(&store, &update).unwrap();
    device.disk.store(3 << 20, Ordering::Relaxed);
    let destination = dir.path().join("big.cubapack");
    let refused = store.export(&pack("big"), &destination, &Quiet);
    assert!(matches!(refused, Err(PackError::NotEnoughSpace { .. })));
    assert!(!destination.exists());
}

/// Cancels after some reports.
struct CancelAfter(AtomicU64);

impl Watch for CancelAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 0
    }
}

#[test]
fn a_cancel_at_any_point_leaves_nothing() {
    for point in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let watch = CancelAfter(AtomicU64::new(point));
        match store.install(&sample("en-es", "1"), &InstallOptions::default(), &watch) {
            Err(PackError::Cancelled) => assert_eq!(files_below(dir.path()), Vec::<String>::new()),
            Ok(_) => panic!("a pack of 75 pieces was installed in {point} reports"),
            Err(other) => panic!("{other:?}"),
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    install(&store, &sample("en-es", "1")).unwrap();
    let set = AtomicBool::new(true);
    assert!(matches!(store.verify(&pack("en-es"), &set), Err(PackError::Cancelled)));
    let destination = dir.path().join("x.cubapack");
    assert!(matches!(store.export(&pack("en-es"), &destination, &set), Err(PackError::Cancelled)));
    assert!(!destination.exists());
}

#[test]
fn an_export_is_the_same_anywhere_and_installs_as_the_same_pack() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open(&dir.path().join("one")), open(&dir.path().join("two")));
    let source = sample("en-es", "1");
    install(&one, &source).unwrap();
    let first = dir.path().join("first.cubapack");
    one.export(&pack("en-es"), &first, &Quiet).unwrap();
    let zip = ZipSource::open(&first).unwrap();
    install(&two, &zip).unwrap();
    assert_eq!(content(&two, "en-es").unwrap(), content(&one, "en-es").unwrap());
    assert_eq!(one.info(&pack("en-es")).unwrap(), two.info(&pack("en-es")).unwrap());
    let second = dir.path().join("second.cubapack");
    two.export(&pack("en-es"), &second, &Quiet).unwrap();
    let bytes = fs::read(&first).unwrap();
    assert_eq!(bytes, fs::read(&second).unwrap());
    // Stored as it is and aligned: it could be mapped where it lies.
    let at = bytes.windows(64).position(|window| window == &source.content[0][..64]).unwrap();
    assert_eq!(at % 64, 0);
    assert_eq!(&bytes[at..at + source.content[0].len()], source.content[0]);
}

#[test]
fn a_damaged_pack_is_not_handed_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("home"));
    let source = sample("en-es", "1");
    install(&store, &source).unwrap();
    let mut bad = source.content[0].clone();
    bad[1000] ^= 1;
    overwrite(&blob(&store, &source.content[0]), &bad);
    let destination = dir.path().join("x.cubapack");
    assert!(matches!(store.export(&pack("en-es"), &destination, &Quiet), Err(PackError::Corrupt { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no file, not even half of one");
}

#[test]
fn a_folder_with_a_manifest_is_a_pack() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder");
    fs::create_dir_all(folder.join("sub")).unwrap();
    let model = noise(5, 10_000);
    let manifest = manifest("p", "1", &[("sub/m.bin", Role::Model, &model)]);
    fs::write(folder.join("manifest.json"), manifest.to_json()).unwrap();
    let store = open(&dir.path().join("home"));
    let source = FolderSource::open(&folder, &Hints::default()).unwrap();
    assert!(matches!(install(&store, &source), Err(PackError::NotFound { .. })), "the file is missing");
    fs::write(folder.join("sub/m.bin"), &model).unwrap();
    install(&store, &source).unwrap();
    assert_eq!(content(&store, "p").unwrap()["sub/m.bin"], model);
    assert!(FolderSource::open(dir.path().join("nowhere"), &Hints::default()).is_err());
}

#[test]
fn what_a_killed_process_left_is_swept_at_the_next_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let source = sample("en-es", "1");
    install(&store, &source).unwrap();
    let before = files_below(dir.path());
    // A half-made directory without a plan, a plan that cannot resume, content nobody uses, temporary files.
    let orphan = blob(&store, b"orphan");
    for (path, bytes) in [
        (dir.path().join("staging/half/f0"), &b"half"[..]),
        (dir.path().join("staging/a@1/plan.json"), br#"{"pack":"a@1","resumable":false,"offer":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","blobs":[]}"#),
        (dir.path().join("staging/a@1/f0"), b"half"),
        (orphan.clone(), b"orphan"),
        (orphan.with_file_name("junk.1-1.tmp"), b"junk"),
        (dir.path().join("packs/en-es/1.json.77-0.tmp"), b"junk"),
    ] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let store = open(dir.path());
    assert_eq!(files_below(dir.path()), before);
    assert_eq!(content(&store, "en-es").unwrap()["model.bin"], source.content[0]);
}

#[test]
fn a_second_install_of_the_same_pack_at_the_same_time_is_told_so() {
    struct Nested<'a>(&'a Store, MemorySource);
    impl Source for Nested<'_> {
        fn offer(&self) -> &cuba_packs::Offer {
            self.1.offer()
        }
        fn fetch(
            &self,
            wanted: &cuba_packs::OfferedFile,
            into: &mut cuba_packs::Staged<'_>,
        ) -> Result<(), PackError> {
            assert!(matches!(install(self.0, &self.1), Err(PackError::Busy { .. })));
            self.1.fetch(wanted, into)
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    install(&store, &Nested(&store, sample("en-es", "1"))).unwrap();
    assert!(content(&store, "en-es").is_ok());
}
