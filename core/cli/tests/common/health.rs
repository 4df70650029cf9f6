//! `cuba health` in a home of a test's own, at one moment in one zone.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::{Done, Home, run};

/// A Sunday evening in Madrid.
const NOW: &str = "2026-11-22T19:30:00Z";

/// The command line of `cuba health`, not yet run.
pub(crate) fn command(home: &Home, args: &[&str]) -> Command {
    let mut command = home.command(&[&["health", "--zone", "Europe/Madrid"], args].concat());
    command.env("CUBA_NOW", NOW).env("CUBA_BACKUP_PASSPHRASE", "correct horse");
    command
}

pub(crate) fn health(home: &Home, args: &[&str]) -> Done {
    run(command(home, args), b"")
}

/// What a command that has to succeed prints.
#[track_caller]
pub(crate) fn ok(home: &Home, args: &[&str]) -> String {
    let done = health(home, args);
    assert_eq!(done.code, 0, "{args:?}: {}", done.err);
    done.out
}

/// The same as JSON.
#[track_caller]
pub(crate) fn read(home: &Home, args: &[&str]) -> Value {
    serde_json::from_str(&ok(home, &[args, &["--json"]].concat())).unwrap()
}

pub(crate) fn database(home: &Home) -> PathBuf {
    home.path().join("vault").join("cuba.db")
}

/// The file that keeps the database's key unless its owner chose another place.
pub(crate) fn key_file(home: &Home) -> PathBuf {
    home.path().join("keys").join("vault.kek")
}
