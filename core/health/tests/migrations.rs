//! Databases of old versions, kept for ever: they open, upgrade to the schema of a fresh one, and read as they were.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::charts;
use cuba_health::HealthError;
use cuba_health::metric::Metric;
use cuba_health::store::{Day, NewSource, SCHEMA, Sample, SourceKind, Store};
use cuba_vault::{KeyStore, OpenOptions, Schema, Vault, VaultError, Zeroizing, unwrap_with, wrap_with};

/// A key store with a fixed wrapping key, so that a committed database can be opened.
struct FixedKey;

impl KeyStore for FixedKey {
    fn kind(&self) -> String {
        "fixed".to_owned()
    }
    fn describe(&self) -> String {
        "fixed key of a test".to_owned()
    }
    fn wrap(&self, secret: &[u8; 32]) -> Result<Vec<u8>, VaultError> {
        wrap_with(&[7; 32], secret)
    }
    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        unwrap_with(&[7; 32], wrapped)
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn options() -> OpenOptions {
    OpenOptions::at("2026-11-23T01:08:30Z".parse().unwrap())
}

/// What the fixtures hold.
fn samples() -> Vec<Sample> {
    (0..600).map(|i| Sample::at(1_700_000_000_000 + i * 61_000, 55.0 + ((i * 17) % 40) as f64, 60)).collect()
}

fn short() -> Vec<Sample> {
    vec![Sample::at(1_700_000_000_000, 80.55, 60), Sample::at(1_700_086_400_500, 1.0 / 3.0 + 80.0, -330)]
}

/// Writes the frozen version-1 fixture. Only for a new fixture: an old one is never written again.
#[test]
#[ignore = "writes tests/fixtures: cargo test -p cuba-health --test migrations -- --ignored"]
fn write_fixture() {
    let db = fixtures().join("health-v1.db");
    assert!(!db.exists(), "fixtures are frozen");
    let v1 = Schema { migrations: &SCHEMA.migrations[..1], ..SCHEMA };
    let store = Store::in_vault(Arc::new(Vault::open(&db, &FixedKey, &[v1], &options()).unwrap()));
    let mut batch = store.batch();
    let watch = batch.source(&NewSource::new("watch", "My watch", SourceKind::Watch)).unwrap();
    for s in samples() {
        batch.sample(Metric::HeartRate, watch, s).unwrap();
    }
    for s in short() {
        batch.sample(Metric::Weight, watch, s).unwrap();
    }
    batch.finish().unwrap();
    store.vault().compact().unwrap();
    drop(store);
    fs::remove_file(fixtures().join("health-v1.db.lock")).unwrap();
}

fn schema_of(store: &Store) -> Vec<(String, String)> {
    store
        .vault()
        .read(|tx| {
            let mut s = tx.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")?;
            let rows = s.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok::<_, HealthError>(rows.collect::<Result<_, _>>()?)
        })
        .unwrap()
}

#[test]
fn the_version_1_database_opens_upgraded_and_reads_the_same() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["health-v1.db", "health-v1.db.key"] {
        fs::copy(fixtures().join(name), dir.path().join(name)).unwrap();
    }
    let old = Store::open(&dir.path().join("health-v1.db"), &FixedKey, &options()).unwrap();
    assert_eq!(old.vault().set_aside(), None);
    let watch = old.sources().unwrap()[0].id;
    let read = |metric| old.samples(metric, watch, Day(0), Day(100_000)).unwrap();
    assert_eq!(read(Metric::HeartRate), samples());
    assert_eq!(read(Metric::Weight), short());

    let fresh = common::Home::new();
    assert_eq!(schema_of(&old), schema_of(&fresh.store));
    let again = fresh.source("watch", SourceKind::Watch);
    fresh.insert(Metric::HeartRate, again, &samples());
    assert_eq!(charts(&old, Metric::HeartRate), charts(&fresh.store, Metric::HeartRate));
}
