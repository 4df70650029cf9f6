//! Shared by the integration tests: two schemas, a temporary home, child processes.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::new_without_default)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use cuba_vault::{KeyFile, OpenOptions, Schema, Vault, VaultError};
use jiff::Timestamp;

pub const V1: &str = "CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL) STRICT;";
pub const V2: &str =
    "ALTER TABLE note ADD COLUMN mood INTEGER NOT NULL DEFAULT 0; CREATE INDEX note_mood ON note (mood);";
pub const NOTES_V1: Schema = Schema { name: "notes", migrations: &[V1] };
pub const NOTES_V2: Schema = Schema { name: "notes", migrations: &[V1, V2] };
pub const OTHER: Schema =
    Schema { name: "other", migrations: &["CREATE TABLE other (id INTEGER PRIMARY KEY) STRICT;"] };

pub struct Home {
    pub dir: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn db(&self) -> PathBuf {
        self.dir.path().join("cuba.db")
    }

    pub fn keys(&self) -> KeyFile {
        KeyFile::new(self.dir.path().join("keys/vault.kek"))
    }

    pub fn open(&self, schemas: &[Schema]) -> Result<Vault, VaultError> {
        Vault::open(&self.db(), &self.keys(), schemas, &options())
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter(|n| n != "cuba.db.lock")
            .collect();
        names.sort();
        names
    }
}

pub fn options() -> OpenOptions {
    OpenOptions {
        patience: Duration::from_millis(400),
        ..OpenOptions::at("2026-11-23T01:08:30Z".parse::<Timestamp>().unwrap())
    }
}

pub fn add(vault: &Vault, text: &str) -> Result<(), VaultError> {
    vault.write(|tx| {
        tx.execute("INSERT INTO note (text) VALUES (?1)", [text])?;
        Ok(())
    })
}

pub fn texts(vault: &Vault) -> Vec<String> {
    vault
        .read(|tx| {
            let mut s = tx.prepare("SELECT text FROM note ORDER BY id")?;
            let rows = s.query_map([], |r| r.get(0))?;
            Ok::<_, VaultError>(rows.collect::<Result<_, _>>()?)
        })
        .unwrap()
}

pub fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs one ignored test of this same binary in a child process.
pub fn child(test: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}
