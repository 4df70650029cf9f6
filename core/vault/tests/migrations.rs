//! Old databases, kept for ever: an upgraded one must equal a fresh one.
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

use common::{Home, NOTES_V1, NOTES_V2, OTHER, add, options, texts};
use cuba_vault::{KeyStore, Vault, VaultError, Zeroizing, unwrap_with, wrap_with};

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
        wrap_with(&[42; 32], secret)
    }
    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        unwrap_with(&[42; 32], wrapped)
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn schema_of(vault: &Vault) -> Vec<(String, String)> {
    vault
        .read(|tx| {
            let mut s = tx.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")?;
            let rows = s.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok::<_, VaultError>(rows.collect::<Result<_, _>>()?)
        })
        .unwrap()
}

/// Writes the frozen version-1 fixture. Only for a new fixture: an old one is never written again.
#[test]
#[ignore = "writes tests/fixtures: cargo test -p cuba-vault --test migrations -- --ignored"]
fn write_fixture() {
    let db = fixtures().join("notes-v1.db");
    assert!(!db.exists(), "fixtures are frozen");
    let vault = Vault::open(&db, &FixedKey, &[NOTES_V1], &options()).unwrap();
    add(&vault, "from version 1").unwrap();
    drop(vault);
    fs::remove_file(fixtures().join("notes-v1.db.lock")).unwrap();
}

#[test]
fn the_version_1_database_upgrades_to_a_fresh_schema() {
    let home = Home::new();
    for name in ["notes-v1.db", "notes-v1.db.key"] {
        fs::copy(fixtures().join(name), home.dir.path().join(name)).unwrap();
    }
    let old = home.dir.path().join("notes-v1.db");
    let vault = Vault::open(&old, &FixedKey, &[NOTES_V2, OTHER], &options()).unwrap();
    assert_eq!(texts(&vault), ["from version 1"]);
    assert_eq!(vault.set_aside(), None);
    let fresh = home.open(&[NOTES_V2, OTHER]).unwrap();
    assert_eq!(schema_of(&vault), schema_of(&fresh));
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    add(&vault, "kept").unwrap();
    let before = schema_of(&vault);
    drop(vault);
    let broken =
        cuba_vault::Schema { name: "notes", migrations: &[common::V1, common::V2, "CREATE TABLE oops ("] };
    let error = home.open(&[OTHER, broken]).unwrap_err();
    assert!(error.to_string().contains("upgrading `notes` to version 3"), "{error}");
    let vault = home.open(&[NOTES_V1]).unwrap();
    assert_eq!(schema_of(&vault), before);
    assert_eq!(texts(&vault), ["kept"]);
}
