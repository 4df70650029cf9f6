//! Sealed backups: round trip, another device, wrong secret, damage, newer versions, cancellation.
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
use std::ops::ControlFlow;

use common::{Home, NOTES_V1, NOTES_V2, add, options, texts};
use cuba_vault::{BackupSecret, Progress, RecoveryKey, Vault, VaultError, backup, inspect_backup, restore};

fn go(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn filled(home: &Home, notes: usize) -> Vault {
    let vault = home.open(&[NOTES_V1]).unwrap();
    vault
        .write(|tx| {
            for i in 0..notes {
                tx.execute("INSERT INTO note (text) VALUES (?1)", [format!("note {i} {}", "y".repeat(400))])?;
            }
            Ok::<_, VaultError>(())
        })
        .unwrap();
    vault
}

#[test]
fn a_backup_restores_on_another_device_under_its_own_key() {
    let (home, phone) = (Home::new(), Home::new());
    let vault = filled(&home, 2000);
    let file = home.dir.path().join("my.backup");
    let recovery = RecoveryKey::generate().unwrap();
    let secret = BackupSecret::RecoveryKey(&recovery);
    let mut steps = Vec::new();
    let info = backup(&vault, &file, &secret, options().now, &mut |p| {
        steps.push(p.done);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(steps.len() > 10);
    assert_eq!(inspect_backup(&file).unwrap(), info);
    assert_eq!(info.created, options().now);
    // Written after the backup: not part of it.
    add(&vault, "later").unwrap();

    let aside =
        restore(&phone.db(), &phone.keys(), &[NOTES_V1], &file, &secret, &options(), &mut go).unwrap();
    assert_eq!(aside, None);
    let restored = phone.open(&[NOTES_V1]).unwrap();
    let mut expected = texts(&vault);
    expected.pop();
    assert_eq!(texts(&restored), expected);
    restored.verify().unwrap();
    assert_eq!(phone.names(), ["cuba.db", "cuba.db-shm", "cuba.db-wal", "cuba.db.key", "keys"]);
}

#[test]
fn restoring_over_a_database_replaces_it_only_at_the_end() {
    let home = Home::new();
    let vault = filled(&home, 500);
    let file = home.dir.path().join("my.backup");
    let secret = BackupSecret::Passphrase("correct horse");
    backup(&vault, &file, &secret, options().now, &mut go).unwrap();
    add(&vault, "after the backup").unwrap();
    let try_restore =
        |secret: &BackupSecret<'_>, schemas: &[_], progress: &mut dyn FnMut(Progress) -> ControlFlow<()>| {
            restore(&home.db(), &home.keys(), schemas, &file, secret, &options(), progress)
        };
    assert!(matches!(try_restore(&secret, &[NOTES_V1], &mut go), Err(VaultError::Busy)));
    drop(vault);

    let sealed = fs::read(&file).unwrap();
    assert!(matches!(
        try_restore(&BackupSecret::Passphrase("x"), &[NOTES_V1], &mut go),
        Err(VaultError::KeyWrong)
    ));
    let recovery = RecoveryKey::generate().unwrap();
    let other = try_restore(&BackupSecret::RecoveryKey(&recovery), &[NOTES_V1], &mut go);
    assert!(matches!(other, Err(VaultError::KeyProtectedBy { .. })));
    for cut in [0, 10, 59, 60, 1000, sealed.len() - 1] {
        fs::write(&file, &sealed[..cut]).unwrap();
        let result = try_restore(&secret, &[NOTES_V1], &mut go);
        assert!(matches!(result, Err(VaultError::Damaged { .. })), "{cut}: {result:?}");
    }
    fs::write(&file, &sealed).unwrap();
    let mut calls = 0;
    let cancelled = try_restore(&secret, &[NOTES_V1], &mut |_| {
        calls += 1;
        if calls == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(cancelled, Err(VaultError::Cancelled)));
    assert_eq!(home.names(), ["cuba.db", "cuba.db.key", "keys", "my.backup"]);
    let vault = home.open(&[NOTES_V1]).unwrap();
    assert_eq!(texts(&vault).len(), 501);
    drop(vault);

    try_restore(&secret, &[NOTES_V1], &mut go).unwrap();
    let vault = home.open(&[NOTES_V2]).unwrap();
    assert_eq!(texts(&vault).len(), 500);
    drop(vault);
    assert_eq!(home.names(), ["cuba.db", "cuba.db.key", "keys", "my.backup"]);
}

#[test]
fn a_backup_of_a_newer_program_is_refused() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V2]).unwrap();
    let file = home.dir.path().join("my.backup");
    let secret = BackupSecret::Passphrase("p");
    backup(&vault, &file, &secret, options().now, &mut go).unwrap();
    let phone = Home::new();
    let result = restore(&phone.db(), &phone.keys(), &[NOTES_V1], &file, &secret, &options(), &mut go);
    assert!(
        matches!(result, Err(VaultError::IncompatibleVersion { found: 2, supported: 1, .. })),
        "{result:?}"
    );
    let mut bytes = fs::read(&file).unwrap();
    bytes[8] = 9;
    fs::write(&file, bytes).unwrap();
    assert!(matches!(inspect_backup(&file), Err(VaultError::IncompatibleVersion { found: 9, .. })));
}

#[test]
fn a_lost_key_or_damaged_database_does_not_stop_a_restore() {
    let home = Home::new();
    let vault = filled(&home, 50);
    let file = home.dir.path().join("my.backup");
    let secret = BackupSecret::Passphrase("p");
    backup(&vault, &file, &secret, options().now, &mut go).unwrap();
    drop(vault);
    let do_restore = || restore(&home.db(), &home.keys(), &[NOTES_V1], &file, &secret, &options(), &mut go);
    fs::remove_dir_all(home.dir.path().join("keys")).unwrap();
    let aside = do_restore().unwrap().expect("the unreadable database is kept");
    assert!(aside.moved_to.exists());
    assert_eq!(texts(&home.open(&[NOTES_V1]).unwrap()).len(), 50);

    let mut bytes = fs::read(home.db()).unwrap();
    bytes[200] ^= 1;
    fs::write(home.db(), &bytes).unwrap();
    let aside = do_restore().unwrap().expect("the damaged database is kept");
    assert_eq!(fs::read(aside.moved_to).unwrap(), bytes);
    assert_eq!(texts(&home.open(&[NOTES_V1]).unwrap()).len(), 50);
}

#[test]
fn a_restore_that_died_between_its_renames_gives_the_old_database_back() {
    let home = Home::new();
    drop(filled(&home, 3));
    fs::rename(home.db(), home.dir.path().join("cuba.db.before-restore")).unwrap();
    assert_eq!(texts(&home.open(&[NOTES_V1]).unwrap()).len(), 3);
}
