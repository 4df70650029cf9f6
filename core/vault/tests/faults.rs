//! Bad keys, bad files, bad disks, two processes: each gives a clear error and loses nothing.
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
use std::process::Stdio;

use common::{Home, NOTES_V1, NOTES_V2, OTHER, add, child, options, texts};
use cuba_vault::{KeyFile, Passphrase, Vault, VaultError, erase, key_protection, rewrap};

#[test]
fn nothing_readable_on_disk() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    let marker = "PLAINTEXT-MARKER-slept-badly";
    add(&vault, marker).unwrap();
    let secret = cuba_vault::BackupSecret::Passphrase("p");
    let mut go = |_| std::ops::ControlFlow::Continue(());
    cuba_vault::backup(&vault, &home.dir.path().join("b.backup"), &secret, options().now, &mut go).unwrap();
    // While open, so that the write-ahead log and its index are there too.
    let mut seen = Vec::new();
    for entry in walk(home.dir.path()) {
        let bytes = fs::read(&entry).unwrap();
        seen.push(entry.file_name().unwrap().to_str().unwrap().to_owned());
        for needle in [marker, "CREATE TABLE", "SQLite format 3", "note"] {
            let found = bytes.windows(needle.len()).any(|w| w == needle.as_bytes());
            assert!(!found, "{needle} in {}", entry.display());
        }
    }
    seen.sort();
    assert_eq!(
        seen,
        ["b.backup", "cuba.db", "cuba.db-shm", "cuba.db-wal", "cuba.db.key", "cuba.db.lock", "vault.kek"]
    );
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(walk(&path)) } else { out.push(path) }
    }
    out
}

#[test]
#[cfg(unix)]
fn key_files_are_private_and_are_made_so_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    drop(home.open(&[NOTES_V1]).unwrap());
    let kek = home.dir.path().join("keys/vault.kek");
    let mode = |p: &std::path::Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&kek), 0o600);
    assert_eq!(mode(&home.dir.path().join("cuba.db.key")), 0o600);
    fs::set_permissions(&kek, fs::Permissions::from_mode(0o644)).unwrap();
    drop(home.open(&[NOTES_V1]).unwrap());
    assert_eq!(mode(&kek), 0o600);
}

#[test]
fn wrong_and_missing_keys_leave_the_file_alone() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    add(&vault, "kept").unwrap();
    drop(vault);
    let before = fs::read(home.db()).unwrap();
    let names = home.names();
    let open =
        |keys: &dyn cuba_vault::KeyStore| Vault::open(&home.db(), keys, &[NOTES_V1], &options()).unwrap_err();

    assert!(matches!(open(&KeyFile::new(home.dir.path().join("nowhere"))), VaultError::KeyMissing));
    let other = Home::new();
    drop(other.open(&[NOTES_V1]).unwrap());
    assert!(matches!(open(&other.keys()), VaultError::KeyWrong));
    assert!(matches!(open(&Passphrase::new("x")), VaultError::KeyProtectedBy { kind } if kind == "file"));

    // The wrapped key of another database: opens, but does not belong to this file.
    let key = home.dir.path().join("cuba.db.key");
    let saved = fs::read(&key).unwrap();
    rewrap(&other.db(), &other.keys(), &home.keys()).unwrap();
    fs::copy(other.dir.path().join("cuba.db.key"), &key).unwrap();
    assert!(matches!(open(&home.keys()), VaultError::KeyWrong));
    fs::write(&key, b"garbage").unwrap();
    assert!(matches!(open(&home.keys()), VaultError::Damaged { .. }));
    fs::remove_file(&key).unwrap();
    assert!(matches!(open(&home.keys()), VaultError::KeyMissing));

    assert_eq!(fs::read(home.db()).unwrap(), before);
    fs::write(&key, saved).unwrap();
    assert_eq!(home.names(), names);
    assert_eq!(texts(&home.open(&[NOTES_V1]).unwrap()), ["kept"]);
}

#[test]
fn the_protection_of_the_key_can_change() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    assert_eq!(vault.protection(), "key file readable by its owner only");
    add(&vault, "kept").unwrap();
    drop(vault);
    assert_eq!(key_protection(&home.db()).unwrap().as_deref(), Some("file"));
    let passphrase = Passphrase::new("correct horse");
    rewrap(&home.db(), &home.keys(), &passphrase).unwrap();
    assert_eq!(key_protection(&home.db()).unwrap().as_deref(), Some("passphrase"));
    let wrong = Vault::open(&home.db(), &Passphrase::new("wrong"), &[NOTES_V1], &options());
    assert!(matches!(wrong, Err(VaultError::KeyWrong)));
    let vault = Vault::open(&home.db(), &passphrase, &[NOTES_V1], &options()).unwrap();
    assert_eq!(texts(&vault), ["kept"]);
}

#[test]
fn a_newer_file_is_refused_untouched() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V2, OTHER]).unwrap();
    add(&vault, "kept").unwrap();
    drop(vault);
    let before = fs::read(home.db()).unwrap();
    match home.open(&[NOTES_V1]) {
        Err(VaultError::IncompatibleVersion { schema, found, supported }) => {
            assert_eq!((schema.as_str(), found, supported), ("notes", 2, 1));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(home.db()).unwrap(), before);
    // A program without one of the features opens the file and leaves that feature's tables alone.
    assert_eq!(texts(&home.open(&[NOTES_V2]).unwrap()), ["kept"]);
}

#[test]
fn damage_is_moved_aside_and_reported() {
    for (what, damage) in [
        ("first page", Box::new(|b: &mut Vec<u8>| b[100..300].fill(7)) as Box<dyn Fn(&mut Vec<u8>)>),
        ("cut in half", Box::new(|b: &mut Vec<u8>| b.truncate(b.len() / 2))),
        ("cut to a few bytes", Box::new(|b: &mut Vec<u8>| b.truncate(100))),
        ("cut to nothing", Box::new(Vec::clear)),
    ] {
        let home = Home::new();
        let vault = home.open(&[NOTES_V1]).unwrap();
        for i in 0..200 {
            add(&vault, &format!("{i} {}", "x".repeat(200))).unwrap();
        }
        drop(vault);
        let mut bytes = fs::read(home.db()).unwrap();
        damage(&mut bytes);
        fs::write(home.db(), &bytes).unwrap();
        let vault = home.open(&[NOTES_V1]).unwrap_or_else(|e| panic!("{what}: {e}"));
        let aside = vault.set_aside().unwrap_or_else(|| panic!("{what}: not reported"));
        assert!(aside.moved_to.ends_with("cuba.db.damaged-20261123T010830Z"), "{what}");
        assert_eq!(fs::read(&aside.moved_to).unwrap(), bytes, "{what}: the damaged file is whole");
        assert_eq!(texts(&vault), Vec::<String>::new());
        add(&vault, "new").unwrap();
        drop(vault);
        // Reported once; and a second damage in the same second does not overwrite the first.
        let vault = home.open(&[NOTES_V1]).unwrap();
        assert_eq!(vault.set_aside(), None);
        assert_eq!(texts(&vault), ["new"]);
        drop(vault);
        fs::write(home.db(), b"not a database, but longer than its salt is").unwrap();
        assert!(matches!(home.open(&[NOTES_V1]), Err(VaultError::KeyWrong)), "{what}");
    }
}

#[test]
fn a_first_start_that_was_killed_is_no_damage() {
    let home = Home::new();
    drop(home.open(&[NOTES_V1]).unwrap());
    fs::write(home.db(), b"").unwrap();
    fs::write(home.dir.path().join("cuba.db.new"), b"").unwrap();
    let vault = home.open(&[NOTES_V1]).unwrap();
    assert_eq!(vault.set_aside(), None);
    drop(vault);
    assert_eq!(home.names(), ["cuba.db", "cuba.db.key", "keys"]);
}

#[test]
fn damage_in_the_middle_is_found_and_named() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    for i in 0..400 {
        add(&vault, &format!("{i} {}", "x".repeat(200))).unwrap();
    }
    vault.verify().unwrap();
    drop(vault);
    let mut bytes = fs::read(home.db()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(home.db(), &bytes).unwrap();
    let vault = home.open(&[NOTES_V1]).unwrap();
    assert!(matches!(vault.verify(), Err(VaultError::Damaged { .. })));
    let read = vault.read(|tx| {
        Ok::<_, VaultError>(tx.query_row("SELECT sum(length(text)) FROM note", [], |r| r.get::<_, i64>(0))?)
    });
    assert!(matches!(read, Err(VaultError::Damaged { .. })), "{read:?}");
}

#[test]
fn two_processes_take_turns_or_say_busy() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    add(&vault, "first").unwrap();
    let second = home.open(&[NOTES_V1]).unwrap();
    add(&second, "second").unwrap();
    assert_eq!(texts(&vault), ["first", "second"]);
    vault
        .write(|tx| {
            tx.execute("INSERT INTO note (text) VALUES ('held')", [])?;
            assert!(matches!(add(&second, "x"), Err(VaultError::Busy)));
            // Readers are not disturbed and do not see the unfinished write.
            assert_eq!(texts(&second), ["first", "second"]);
            Ok::<_, VaultError>(())
        })
        .unwrap();
    assert_eq!(texts(&second), ["first", "second", "held"]);
    assert!(matches!(erase(&home.db()), Err(VaultError::Busy)));
}

#[test]
fn eight_processes_create_one_vault() {
    let home = Home::new();
    let children: Vec<_> = (0..8)
        .map(|_| {
            child("child_creates").env("VAULT_DIR", home.dir.path()).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut c in children {
        assert!(c.wait().unwrap().success());
    }
    let vault = home.open(&[NOTES_V1]).unwrap();
    assert_eq!(texts(&vault).len(), 8);
    assert_eq!(vault.set_aside(), None);
}

#[test]
#[ignore = "run by eight_processes_create_one_vault"]
fn child_creates() {
    let dir = std::path::PathBuf::from(std::env::var("VAULT_DIR").unwrap());
    let keys = KeyFile::new(dir.join("keys/vault.kek"));
    let patient = cuba_vault::OpenOptions::at(options().now);
    let vault = Vault::open(&dir.join("cuba.db"), &keys, &[NOTES_V1], &patient).unwrap();
    add(&vault, "here").unwrap();
}

#[test]
fn a_failed_or_panicking_write_leaves_no_trace() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    let failed: Result<(), VaultError> = vault.write(|tx| {
        tx.execute("INSERT INTO note (text) VALUES ('half')", [])?;
        Err(VaultError::Cancelled)
    });
    assert!(matches!(failed, Err(VaultError::Cancelled)));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        vault.write(|tx| {
            tx.execute("INSERT INTO note (text) VALUES ('half')", [])?;
            assert!(tx.is_autocommit(), "on purpose");
            Ok::<_, VaultError>(())
        })
    }));
    assert!(panicked.is_err());
    add(&vault, "whole").unwrap();
    assert_eq!(texts(&vault), ["whole"]);
}

#[test]
fn erased_rows_are_gone_from_every_byte_and_erase_destroys_the_key() {
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    for i in 0..2000 {
        add(&vault, &format!("{i} {}", "x".repeat(300))).unwrap();
    }
    let big = fs::metadata(home.db()).unwrap().len();
    vault.write_erasing(|tx| Ok::<_, VaultError>(tx.execute("DELETE FROM note WHERE id > 10", [])?)).unwrap();
    assert_eq!(fs::metadata(home.dir.path().join("cuba.db-wal")).unwrap().len(), 0);
    vault.compact().unwrap();
    assert!(fs::metadata(home.db()).unwrap().len() < big / 4);
    assert_eq!(texts(&vault).len(), 10);
    drop(vault);
    fs::write(home.dir.path().join("cuba.db.damaged-20200101T000000Z"), b"old").unwrap();
    erase(&home.db()).unwrap();
    assert_eq!(home.names(), ["keys"]);
    assert_eq!(texts(&home.open(&[NOTES_V1]).unwrap()), Vec::<String>::new());
}

/// A folder without write permission. Root may write anywhere, so that a root test run becomes nobody for this.
#[test]
#[cfg(unix)]
fn a_read_only_folder_is_a_clear_error() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let home = Home::new();
    let vault = home.open(&[NOTES_V1]).unwrap();
    add(&vault, "kept").unwrap();
    drop(vault);
    let before = fs::read(home.db()).unwrap();
    let all = |mode| {
        for p in walk(home.dir.path()) {
            fs::set_permissions(&p, fs::Permissions::from_mode(mode & 0o666)).unwrap();
        }
        fs::set_permissions(home.dir.path().join("keys"), fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(home.dir.path(), fs::Permissions::from_mode(mode)).unwrap();
    };
    all(0o555);
    let mut command = child("child_opens_read_only");
    command.env("VAULT_DIR", home.dir.path()).stdout(Stdio::null());
    if fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0) {
        command.uid(65534);
    }
    assert!(command.status().unwrap().success());
    all(0o755);
    assert_eq!(fs::read(home.db()).unwrap(), before);
    assert_eq!(texts(&home.open(&[NOTES_V1]).unwrap()), ["kept"]);
}

#[test]
#[ignore = "run by a_read_only_folder_is_a_clear_error"]
fn child_opens_read_only() {
    let dir = std::path::PathBuf::from(std::env::var("VAULT_DIR").unwrap());
    let keys = KeyFile::new(dir.join("keys/vault.kek"));
    let result = Vault::open(&dir.join("cuba.db"), &keys, &[NOTES_V1], &options());
    assert!(matches!(result, Err(VaultError::NotWritable)), "{result:?}");
}

/// A disk of 1 MB (a tmpfs in a mount namespace of the child's own), filled by notes and then by a backup.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_rolls_back_and_keeps_what_was_stored() {
    let home = Home::new();
    let script = "mount -t tmpfs -o size=1m tmpfs \"$VAULT_DIR\" && exec \"$0\" \"$@\"";
    let exe = std::env::current_exe().unwrap();
    let mut command = std::process::Command::new("unshare");
    command
        .args(["-rm", "sh", "-c", script])
        .arg(exe)
        .args(["--exact", "child_fills_the_disk", "--ignored", "--nocapture"])
        .env("VAULT_DIR", home.dir.path());
    let out = match command.output() {
        Ok(out) => out,
        Err(e) => return eprintln!("skipped: no unshare here ({e})"),
    };
    let err = String::from_utf8_lossy(&out.stderr);
    if err.contains("unshare:") || err.contains("mount:") {
        return eprintln!("skipped: no small disk can be mounted here ({err})");
    }
    assert!(out.status.success(), "{err}\n{}", String::from_utf8_lossy(&out.stdout));
    assert!(String::from_utf8_lossy(&out.stdout).contains("disk was full"));
}

#[test]
#[ignore = "run by a_full_disk_rolls_back_and_keeps_what_was_stored"]
fn child_fills_the_disk() {
    let dir = std::path::PathBuf::from(std::env::var("VAULT_DIR").unwrap());
    let (db, keys) = (dir.join("cuba.db"), KeyFile::new(dir.join("keys/vault.kek")));
    let vault = Vault::open(&db, &keys, &[NOTES_V1], &options()).unwrap();
    let mut stored = 0;
    let full = loop {
        match add(&vault, &"x".repeat(9000)) {
            Ok(()) => stored += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(full, VaultError::DiskFull), "{full:?}");
    assert!(stored > 10, "{stored}");
    assert_eq!(texts(&vault).len(), stored);
    let secret = cuba_vault::BackupSecret::Passphrase("p");
    let mut go = |_| std::ops::ControlFlow::Continue(());
    let sealed = cuba_vault::backup(&vault, &dir.join("b"), &secret, options().now, &mut go);
    assert!(matches!(sealed, Err(VaultError::DiskFull)), "{sealed:?}");
    assert!(
        !dir.join("b").exists() && !dir.join("b.snapshot").exists() && !dir.join("b.unfinished").exists()
    );
    drop(vault);
    let vault = Vault::open(&db, &keys, &[NOTES_V1], &options()).unwrap();
    assert_eq!(texts(&vault).len(), stored);
    println!("disk was full after {stored} notes");
}
