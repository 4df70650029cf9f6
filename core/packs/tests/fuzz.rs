//! Fuzz targets for everything that is parsed: run as a bounded smoke test by `cargo test`, and for as long as wanted by
//! `cargo bolero test -p cuba-packs --test fuzz <target>`. Whatever the bytes, the answer is a value or an error.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

mod common;

use std::io::{Cursor, Write};
use std::panic::AssertUnwindSafe;

use common::*;
use cuba_packs::{
    Catalogue, DeviceClass, Manifest, RegistryOptions, Role, Source, TrustedKey, ZipSource, read_registry,
};

/// A valid document with some bytes replaced, so that the fuzzer starts deep inside the parser.
fn mutate(valid: &[u8], edits: &[(u16, u8)], cut: Option<u16>) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for (at, value) in edits {
        let at = usize::from(*at) % bytes.len();
        bytes[at] = *value;
    }
    if let Some(cut) = cut {
        bytes.truncate(usize::from(cut));
    }
    bytes
}

type Edits = (Vec<(u16, u8)>, Option<u16>);

#[test]
fn manifest_target() {
    let valid = manifest("p", "1", &[("m.bin", Role::Model, b"x"), ("v.spm", Role::Vocab, b"y")]).to_json();
    bolero::check!().with_type::<Edits>().with_iterations(4000).for_each(|(edits, cut)| {
        if let Ok(manifest) = Manifest::parse(&mutate(&valid, edits, *cut)) {
            // What is accepted keeps the rules and survives a round trip.
            assert!(
                manifest.files.iter().all(|file| !file.path.contains("..") && !file.path.starts_with('/'))
            );
            assert_eq!(Manifest::parse(&manifest.to_json()).unwrap(), manifest);
        }
    });
}

#[test]
fn manifest_bytes_target() {
    bolero::check!().with_iterations(4000).for_each(|bytes| {
        let _ = Manifest::parse(bytes);
    });
}

#[test]
fn pack_file_target() {
    let model = noise(1, 300);
    let json = manifest("p", "1", &[("m.bin", Role::Model, &model)]).to_json();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("manifest.json", json.as_slice()), ("files/m.bin", &model)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    let valid = zip.finish().unwrap().into_inner();
    let dir = tempfile::tempdir().unwrap();
    let store = AssertUnwindSafe(open(dir.path()));
    bolero::check!().with_type::<Edits>().with_iterations(3000).for_each(|(edits, cut)| {
        let store: &cuba_packs::Store = &store;
        let Ok(source) = ZipSource::read(Cursor::new(mutate(&valid, edits, *cut)), "fuzz") else { return };
        let reference = source.offer().about.reference();
        if install(store, &source).is_ok() {
            // Installed means: loads as what the manifest says.
            assert!(content(store, &reference).is_ok());
            store.remove(&pack(&reference)).unwrap();
        }
    });
    bolero::check!().with_iterations(3000).for_each(|bytes| {
        let _ = ZipSource::read(Cursor::new(bytes.to_vec()), "fuzz");
    });
}

#[test]
fn catalogue_target() {
    let valid = include_bytes!("../catalogue/builtin.json");
    bolero::check!().with_type::<Edits>().with_iterations(1000).for_each(|(edits, cut)| {
        let bytes = mutate(valid, edits, *cut);
        if let Ok(catalogue) = Catalogue::parse(&bytes) {
            assert!(catalogue.offers.iter().all(|offer| offer.check().is_ok()));
        }
        // Unsigned is unread, whatever it holds.
        assert!(
            Catalogue::verified(&bytes, &String::from_utf8_lossy(&bytes), &[TrustedKey([7; 32])]).is_err()
        );
    });
}

#[test]
fn registry_target() {
    let valid = include_bytes!("data/registry.json");
    bolero::check!().with_type::<(Edits, bool)>().with_iterations(2000).for_each(|((edits, cut), phone)| {
        let device = if *phone { DeviceClass::Phone } else { DeviceClass::Desktop };
        let options = RegistryOptions { device, unreleased: true, mirrors: vec![] };
        if let Ok(offers) = read_registry(&mutate(valid, edits, *cut), &options) {
            assert!(offers.iter().all(|offer| offer.check().is_ok()));
        }
    });
}

#[test]
fn stored_record_target() {
    let dir = tempfile::tempdir().unwrap();
    let store = AssertUnwindSafe(open(dir.path()));
    let source = MemorySource::new("p", "1", &[("m.bin", Role::Model, &noise(1, 1000))]);
    install(&store, &source).unwrap();
    let record = dir.path().join("packs/p/1.json");
    let valid = std::fs::read(&record).unwrap();
    let before = store.info(&pack("p")).unwrap().manifest;
    bolero::check!().with_type::<Edits>().with_iterations(1000).for_each(|(edits, cut)| {
        std::fs::write(&record, mutate(&valid, edits, *cut)).unwrap();
        // Either the manifest that was installed, or an error: never another one.
        if let Ok(installed) = store.info(&pack("p")) {
            assert_eq!(installed.manifest, before);
        }
    });
}
