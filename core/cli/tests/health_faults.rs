//! `cuba health import` when things go wrong: full disk, wrong key, damaged or newer database, no permission, other
//! processes, kill -9, Ctrl-C. Each says what to do with its exit code, and nothing that was stored is lost.

#![cfg(all(unix, feature = "health"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::disk::Disk;
use common::health::{command, database, health, key_file, ok, read};
use common::{Home, run};
use cuba_vault::{KeyFile, OpenOptions, Schema, Vault};
use serde_json::Value;

/// Everything in the store, in the lossless form.
fn everything(home: &Home) -> String {
    let file = home.path().join("everything.jsonl");
    ok(home, &["export", file.to_str().unwrap()]);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    text
}

/// Every file of the vault and the keys with its bytes, but for those that only say who has it open.
fn files(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    for folder in ["vault", "keys"] {
        for entry in std::fs::read_dir(home.path().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            if !["-shm", "-wal", ".lock"].iter().any(|end| name.ends_with(end)) {
                out.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    out
}

/// An Apple export of so many days of heart rate, one a minute: 300 KB a day.
fn apple_export(home: &Home, name: &str, days: u32) -> String {
    let mut text = String::from("<?xml version=\"1.0\"?>\n<HealthData locale=\"en_GB\">\n");
    for day in 0..days {
        let (month, date) = (1 + day / 28 % 12, 1 + day % 28);
        for minute in 0..1440 {
            let at = format!(
                "{}-{month:02}-{date:02} {:02}:{:02}:00 +0100",
                2020 + day / 336,
                minute / 60,
                minute % 60
            );
            let _ = writeln!(
                text,
                " <Record type=\"HKQuantityTypeIdentifierHeartRate\" sourceName=\"My Watch\" unit=\"count/min\" startDate=\"{at}\" endDate=\"{at}\" value=\"{}\"/>",
                50 + (minute * 7 + day) % 80
            );
        }
    }
    text.push_str("</HealthData>\n");
    let file = home.path().parent().unwrap().join(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A Cuba export of values that nothing can pack: eight bytes each in the database.
fn noise(home: &Home, samples: i64) -> String {
    let mut text = String::from(
        "{\"cuba_health\":1}\n{\"source\":{\"id\":1,\"key\":\"w\",\"name\":\"My watch\",\"kind\":\"watch\"}}\n",
    );
    let mut random = 1u64;
    for day in 0..samples / 1000 {
        let (mut starts, mut values) = (Vec::new(), Vec::new());
        for i in 0..1000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            starts.push(if i == 0 { 1_600_000_000_000 + day * 86_400_000 } else { 60_000 }.to_string());
            values.push((40.0 + (random >> 11) as f64 / (1u64 << 53) as f64 * 100.0).to_string());
        }
        let _ = writeln!(
            text,
            r#"{{"samples":{{"metric":"heart_rate","source":1,"start":[{}],"length":0,"offset":0,"value":[{}]}}}}"#,
            starts.join(","),
            values.join(",")
        );
    }
    let file = home.path().parent().unwrap().join("noise.jsonl");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Starts an import and waits until it has written something.
fn importing(home: &Home, file: &str) -> std::process::Child {
    let log = database(home).with_file_name("cuba.db-wal");
    let state = || std::fs::metadata(&log).map(|m| (m.len(), m.modified().unwrap())).ok();
    let before = state();
    let child =
        command(home, &["import", file]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while state().is_none_or(|now| now.0 < 300_000 || Some(now) == before) {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing is written");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

fn signal(child: &std::process::Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_killed_and_a_stopped_import_go_on() {
    let whole = Home::empty();
    let file = apple_export(&whole, "export.xml", 400);
    ok(&whole, &["import", &file]);
    let expected = everything(&whole);
    let home = Home::empty();
    ok(&home, &[]);

    let mut killed = importing(&home, &file);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let stopped = importing(&home, &file);
    signal(&stopped, "-INT");
    let done = stopped.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    // It may have been done before the signal arrived.
    if done.status.code() != Some(0) {
        assert_eq!(done.status.code(), Some(130), "{said}");
        assert!(said.contains("is stored") && said.contains("the same command goes on"), "{said}");
    }
    ok(&home, &["import", &file]);
    assert!(everything(&home) == expected, "not the store of an undisturbed import");
    let again = read(&home, &["import", &file]);
    assert_eq!((&again["stored"], &again["read"]), (&0.into(), &(400 * 1440).into()));
}

#[test]
fn a_full_disk_loses_nothing_and_the_import_goes_on_when_there_is_room() {
    let home = Home::empty();
    std::fs::create_dir_all(home.path()).unwrap();
    let Some(disk) = Disk::mount(&home.path(), 64 << 20) else {
        eprintln!("not run: this needs the right to mount a small file system");
        return;
    };
    ok(&home, &["log", "70 kg", "--at", "2026-11-01T08:00"]);
    let kept = everything(&home);
    let file = noise(&home, 200_000);
    disk.resize(disk.used() + (300 << 10));
    let full = health(&home, &["import", &file]);
    assert_eq!(full.code, 5, "{}{}", full.out, full.err);
    assert!(full.err.contains("disk is full") && full.err.contains("free some space"), "{}", full.err);
    disk.resize(64 << 20);
    let then = everything(&home);
    assert!(kept.lines().all(|line| then.contains(line)), "what was stored before is gone");
    ok(&home, &["import", &file]);

    let undisturbed = Home::empty();
    ok(&undisturbed, &["log", "70 kg", "--at", "2026-11-01T08:00"]);
    ok(&undisturbed, &["import", &file]);
    assert!(everything(&home) == everything(&undisturbed));
}

fn with_a_day() -> (Home, String) {
    let home = Home::empty();
    ok(&home, &["log", "70 kg", "--at", "2026-11-01T08:00"]);
    let file = apple_export(&home, "export.xml", 1);
    (home, file)
}

#[test]
fn a_newer_database_is_refused_untouched() {
    let (home, file) = with_a_day();
    let newer: Vec<&'static str> = cuba_health::store::SCHEMA
        .migrations
        .iter()
        .copied()
        .chain(["CREATE TABLE of_tomorrow (id INTEGER PRIMARY KEY) STRICT;"])
        .collect();
    let schema = Schema { migrations: newer.leak(), ..cuba_health::store::SCHEMA };
    let keys = KeyFile::new(key_file(&home));
    let options = OpenOptions::at("2026-11-22T19:30:00Z".parse().unwrap());
    drop(Vault::open(&database(&home), &keys, &[schema], &options).unwrap());
    let before = files(&home);
    for args in [&["import", &file][..], &["summary"], &["log", "71 kg"]] {
        let refused = health(&home, args);
        assert_eq!(refused.code, 1, "{}", refused.err);
        assert!(
            refused.err.contains("has version") && refused.err.contains("install the newer version"),
            "{}",
            refused.err
        );
    }
    assert!(files(&home) == before, "the files were changed");
}

#[test]
fn a_wrong_key_changes_nothing() {
    let (home, file) = with_a_day();
    let key = key_file(&home);
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, [7u8; 32]).unwrap();
    let before = files(&home);
    let wrong = health(&home, &["import", &file]);
    assert_eq!(wrong.code, 1, "{}", wrong.err);
    assert!(
        wrong.err.contains("does not open") && wrong.err.contains("put the right key file back"),
        "{}",
        wrong.err
    );
    assert!(files(&home) == before, "the files were changed");
    std::fs::write(&key, right).unwrap();
    ok(&home, &["import", &file]);
}

#[test]
fn a_cut_database_is_kept_for_repair_and_nothing_is_imported_unseen() {
    let (home, file) = with_a_day();
    let db = database(&home);
    let bytes = std::fs::read(&db).unwrap();
    let _ = std::fs::remove_file(db.with_file_name("cuba.db-wal"));
    let cut = &bytes[..bytes.len() / 3];
    std::fs::write(&db, cut).unwrap();
    let refused = health(&home, &["import", &file]);
    assert_eq!(refused.code, 6, "{}", refused.err);
    assert!(
        refused.err.contains("nothing was deleted") && refused.err.contains("restore"),
        "{}",
        refused.err
    );
    assert!(refused.out.is_empty(), "{}", refused.out);
    assert!(files(&home).iter().any(|(path, b)| path.to_string_lossy().contains("damaged") && b == cut));
    ok(&home, &["import", &file]);
}

#[test]
fn a_home_that_may_not_be_written_is_said_and_left_alone() {
    let (home, file) = with_a_day();
    let parent = home.path().parent().unwrap().to_owned();
    let chmod = |mode: &str, path: &Path| {
        assert!(Command::new("chmod").args(["-R", mode]).arg(path).status().unwrap().success());
    };
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    chmod("a-w", &home.path());
    let before = files(&home);
    let refused = if root {
        // Rights do not bind root: an ordinary user owns the home and runs the command.
        assert!(Command::new("chown").args(["-R", "65534:65534"]).arg(&parent).status().unwrap().success());
        let binary = parent.join("cuba");
        // By another process: what a thread beside this one starts meanwhile would inherit the file open for writing.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_cuba")).arg(&binary).status().unwrap();
        assert!(copied.success());
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary);
        command.args(["health", "--zone", "UTC", "import", &file]);
        command.env_clear().env("CUBA_HOME", home.path()).env("PATH", "/usr/bin:/bin");
        run(command, b"")
    } else {
        health(&home, &["import", &file])
    };
    let after = files(&home);
    chmod("u+w", &home.path());
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.err.contains("no permission") && refused.err.contains("folder"), "{}", refused.err);
    assert!(after == before, "the files were changed");
}

#[test]
fn others_may_write_while_an_import_runs_but_not_erase() {
    // A fast machine may be done with a file before the others have started: then again with a longer one.
    assert!(
        [250_u32, 1000, 4000].into_iter().any(others_were_in_time),
        "every import ended before anything else began"
    );
}

/// Whether the import of so many days still ran when the other commands had ended.
fn others_were_in_time(days: u32) -> bool {
    let home = Home::empty();
    ok(&home, &["log", "70 kg", "--at", "2026-11-01T08:00"]);
    let (long, short) = (apple_export(&home, "long.xml", days), apple_export(&home, "short.xml", 3));
    let mut first = importing(&home, &long);
    let erase = health(&home, &["erase", "--all", "--yes"]);
    let second = health(&home, &["import", &short]);
    let noted = health(&home, &["log", "71 kg", "--at", "2026-11-02T08:00"]);
    let in_time = first.try_wait().unwrap().is_none();
    let done = first.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!((second.code, noted.code), (0, 0), "{}{}", second.err, noted.err);
    if !in_time {
        return false;
    }
    assert_eq!(erase.code, 1, "{}", erase.err);
    assert!(erase.err.contains("in use by another process"), "{}", erase.err);
    let all = everything(&home);
    let alone = Home::empty();
    ok(&alone, &["log", "70 kg", "--at", "2026-11-01T08:00"]);
    ok(&alone, &["import", &long]);
    ok(&alone, &["log", "71 kg", "--at", "2026-11-02T08:00"]);
    assert!(all == everything(&alone), "two imports at once gave another store");
    true
}

#[test]
fn a_file_that_cannot_be_read_does_not_keep_the_others_out() {
    let home = Home::empty();
    let file = apple_export(&home, "export.xml", 1);
    let junk = home.path().parent().unwrap().join("junk.bin");
    std::fs::write(&junk, b"\x00\x01nothing that anybody exports").unwrap();
    let done = health(&home, &["import", "/nonexistent.zip", junk.to_str().unwrap(), &file, "--json"]);
    assert_eq!(done.code, 4, "{}", done.err);
    assert!(done.err.contains("/nonexistent.zip"), "{}", done.err);
    let told: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&told["stored"], told["left_out"].as_array().unwrap().len()), (&1440.into(), 2), "{told}");
}

#[test]
fn the_exit_codes_are_documented() {
    let help = Home::empty().cuba(&["health", "import", "--help"], b"").out;
    let top = Home::empty().cuba(&["--help"], b"").out;
    for code in ["1 ", "4 ", "5 ", "6 ", "130"] {
        assert!(top.contains(&format!("\n  {code}")), "{top}");
    }
    assert!(help.contains("A second import"), "{help}");
}
