//! The fuzz targets on stable Rust: sound documents, the same with random damage, and noise. `fuzz/` holds the same for
//! cargo-fuzz.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

#[path = "../fuzz/bodies.rs"]
mod bodies;

const CATALOGUE: &[u8] = include_bytes!("../catalogue/builtin.json");
const REGISTRY: &[u8] = include_bytes!("data/registry.json");

type Edits = (Vec<(u16, u8)>, Option<u16>);

/// A sound document with some bytes replaced, so that the target starts deep inside the parser.
fn damage(sound: &[u8], (edits, cut): &Edits) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for (at, value) in edits {
        let at = usize::from(*at) % bytes.len();
        bytes[at] = *value;
    }
    if let Some(cut) = cut {
        bytes.truncate(usize::from(*cut));
    }
    bytes
}

#[track_caller]
fn run(target: fn(&[u8]), sound: &[u8], rounds: usize) {
    target(sound);
    bolero::check!()
        .with_type::<Edits>()
        .with_iterations(rounds)
        .for_each(|edits| target(&damage(sound, edits)));
    bolero::check!().with_iterations(rounds).for_each(target);
}

/// The manifest that begins a pack file, whose files are stored as they are.
fn manifest() -> Vec<u8> {
    let (pack, _) = bodies::sound_pack();
    let source = cuba_packs::ZipSource::read(std::io::Cursor::new(pack), "small").unwrap();
    let offer = cuba_packs::Source::offer(&source);
    let files = offer.files.iter().map(|file| cuba_packs::PackFile {
        path: file.path.clone(),
        role: file.role.clone(),
        size: file.size.unwrap(),
        sha256: file.sha256.unwrap(),
    });
    cuba_packs::Manifest { about: offer.about.clone(), files: files.collect() }.to_json()
}

/// For a phone, released models or not.
fn registry() -> Vec<u8> {
    [&[0], REGISTRY].concat()
}

#[test]
fn manifests() {
    run(bodies::manifest, &manifest(), 4000);
}

#[test]
fn pack_files() {
    run(bodies::pack_file, &bodies::sound_pack().0, 3000);
}

#[test]
fn catalogues() {
    run(bodies::catalogue, CATALOGUE, 1000);
}

#[test]
fn registries() {
    run(bodies::registry, &registry(), 2000);
}

#[test]
fn stored_records() {
    run(bodies::stored_record, &bodies::sound_pack().1, 1000);
}

#[test]
fn folders() {
    for seed in folders_to_begin_with() {
        run(bodies::folder, &seed, 60);
    }
}

/// Weights as they are, packed by gzip, and what a publisher says of a model.
fn folders_to_begin_with() -> Vec<Vec<u8>> {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&[7; 500]).unwrap();
    let gzip = gzip.finish().unwrap();
    // A frame of `zstd` 1.5 with the five bytes `cuba` and a line break.
    let zstd = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 5, 41, 0, 0, b'c', b'u', b'b', b'a', b'\n'];
    let info = br#"{"modelName":"small","srcTags":{"en":"English"},"trgTag":"es","version":1}"#;
    vec![
        [&[1][..], &gzip].concat(),
        [&[2][..], &gzip].concat(),
        [&[3][..], &zstd].concat(),
        [&[4][..], &info[..]].concat(),
        b"\x05GGUF weights".to_vec(),
    ]
}

/// Seeds for cargo-fuzz, beside its targets.
#[test]
#[ignore = "writes into fuzz/corpus: only before a run of cargo-fuzz, by `cargo test -p cuba-packs --test fuzz_smoke write_corpora -- --ignored`"]
fn write_corpora() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let (pack, record) = bodies::sound_pack();
    let seeds = [
        ("manifest", vec![manifest()]),
        ("pack_file", vec![pack]),
        ("catalogue", vec![CATALOGUE.to_vec()]),
        ("registry", vec![registry()]),
        ("stored_record", vec![record]),
        ("folder", folders_to_begin_with()),
    ];
    for (target, files) in seeds {
        std::fs::create_dir_all(corpus.join(target)).unwrap();
        for (number, bytes) in files.iter().enumerate() {
            std::fs::write(corpus.join(target).join(format!("seed{number}")), bytes).unwrap();
        }
    }
}
