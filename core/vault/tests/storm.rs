//! kill -9 during writes: every acknowledged commit is there afterwards. `CUBA_STORM=100` for the long storm.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg(unix)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use common::{Home, NOTES_V1, NOTES_V2, child, options};
use cuba_vault::{BackupSecret, KeyFile, OpenOptions, Vault, VaultError, backup, restore};

fn rounds() -> u64 {
    std::env::var("CUBA_STORM").ok().and_then(|v| v.parse().ok()).unwrap_or(12)
}

/// Same seed, same delays; prints the seed so that a failure can be repeated.
fn delay(round: u64) -> Duration {
    let seed: u64 = std::env::var("CUBA_STORM_SEED").ok().and_then(|v| v.parse().ok()).unwrap_or(1);
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ round.wrapping_mul(0xD1B5_4A32_D192_ED03);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    Duration::from_micros(2_000 + x % 120_000)
}

#[test]
fn every_acknowledged_write_survives_kill_9() {
    let home = Home::new();
    let mut acknowledged = 0i64;
    for round in 0..rounds() {
        let mut writer =
            child("child_writes").env("VAULT_DIR", home.dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let stored = |line: String| line.strip_prefix("stored ").and_then(|n| n.parse().ok());
        // Every other kill waits for a first commit: on a slow machine the rest hit the start of the process.
        if round % 2 == 1 {
            acknowledged = lines.by_ref().find_map(|l| stored(l.unwrap())).unwrap();
        }
        std::thread::sleep(delay(round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        for line in lines {
            acknowledged = stored(line.unwrap()).unwrap_or(acknowledged);
        }
        let vault = home.open(&[NOTES_V1]).unwrap();
        assert_eq!(vault.set_aside(), None, "round {round}");
        // Each commit holds five rows: all or none.
        let (rows, last): (i64, i64) = vault
            .read(|tx| {
                Ok::<_, VaultError>(tx.query_row(
                    "SELECT count(*), coalesce(max(text + 0), 0) FROM note",
                    [],
                    |r| Ok((r.get(0)?, r.get(1)?)),
                )?)
            })
            .unwrap();
        assert!(last >= acknowledged, "round {round}: {acknowledged} was acknowledged, {last} is there");
        assert_eq!(rows, last * 5, "round {round}");
        if round % 8 == 0 {
            vault.verify().unwrap();
        }
    }
    println!("{} kills, {acknowledged} commits acknowledged, none lost", rounds());
    assert!(acknowledged > 0);
}

#[test]
#[ignore = "run by every_acknowledged_write_survives_kill_9"]
fn child_writes() {
    let dir = PathBuf::from(std::env::var("VAULT_DIR").unwrap());
    let keys = KeyFile::new(dir.join("keys/vault.kek"));
    let vault =
        Vault::open(&dir.join("cuba.db"), &keys, &[NOTES_V1], &OpenOptions::at(options().now)).unwrap();
    let mut out = std::io::stdout();
    loop {
        let n: i64 = vault
            .write(|tx| {
                let n: i64 =
                    tx.query_row("SELECT coalesce(max(text + 0), 0) + 1 FROM note", [], |r| r.get(0))?;
                for _ in 0..5 {
                    tx.execute("INSERT INTO note (text) VALUES (?1)", [n.to_string()])?;
                }
                Ok::<_, VaultError>(n)
            })
            .unwrap();
        writeln!(out, "stored {n}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn kill_9_during_upgrade_backup_and_restore_loses_nothing() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    vault
        .write(|tx| {
            for i in 0..3000 {
                tx.execute("INSERT INTO note (text) VALUES (?1)", [format!("{i} {}", "z".repeat(300))])?;
            }
            Ok::<_, VaultError>(())
        })
        .unwrap();
    drop(vault);
    let before = common::Home::new();
    for round in 0..rounds() {
        let work = common::Home::new();
        common::copy_tree(home.dir.path(), work.dir.path());
        let mut worker = child("child_upgrades_backs_up_and_restores")
            .env("VAULT_DIR", work.dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(delay(round) * 3);
        let _ = worker.kill();
        worker.wait().unwrap();
        let vault = work.open(&[NOTES_V2]).unwrap();
        assert_eq!(vault.set_aside(), None, "round {round}");
        assert_eq!(common::texts(&vault).len(), 3000, "round {round}");
        vault.verify().unwrap();
        drop(vault);
        // A backup file is whole or not there.
        let file = work.dir.path().join("b");
        if file.exists() {
            let secret = BackupSecret::Passphrase("p");
            let target = before.dir.path().join(format!("r{round}/cuba.db"));
            let mut go = |_| ControlFlow::Continue(());
            restore(&target, &before.keys(), &[NOTES_V2], &file, &secret, &options(), &mut go).unwrap();
        }
    }
}

#[test]
#[ignore = "run by kill_9_during_upgrade_backup_and_restore_loses_nothing"]
fn child_upgrades_backs_up_and_restores() {
    let dir = PathBuf::from(std::env::var("VAULT_DIR").unwrap());
    let keys = KeyFile::new(dir.join("keys/vault.kek"));
    let (db, file) = (dir.join("cuba.db"), dir.join("b"));
    let patient = OpenOptions::at(options().now);
    let secret = BackupSecret::Passphrase("p");
    let mut go = |_| ControlFlow::Continue(());
    loop {
        let vault = Vault::open(&db, &keys, &[NOTES_V2], &patient).unwrap();
        backup(&vault, &file, &secret, patient.now, &mut go).unwrap();
        drop(vault);
        restore(&db, &keys, &[NOTES_V2], &file, &secret, &patient, &mut go).unwrap();
    }
}
