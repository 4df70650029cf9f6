//! Several processes, killed processes, full disks and read-only directories: each with real processes.
//!
//! A test starts this very program again, to run the one ignored test `worker_main` with its orders in the environment.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use common::*;
use cuba_packs::{InstallOptions, PackError, Quiet, Role, Store, ThisDevice};

const FILES: usize = 4;

/// The pack of an id and a version: files of its own and one that all have.
fn source(id: &str, version: &str) -> MemorySource {
    let seed = id.bytes().chain(version.bytes()).fold(0, |sum, byte| sum * 31 + u64::from(byte));
    let own: Vec<Vec<u8>> = (0..FILES as u64 - 1).map(|n| noise(seed + n * 7919, 60_000)).collect();
    let shared = noise(42, 80_000);
    let mut files: Vec<(String, &[u8])> =
        own.iter().enumerate().map(|(n, c)| (format!("f{n}"), c.as_slice())).collect();
    files.push(("shared".into(), &shared));
    let files: Vec<(&str, Role, &[u8])> =
        files.iter().map(|(name, c)| (name.as_str(), Role::Model, *c)).collect();
    MemorySource::new(id, version, &files)
}

fn worker(orders: &str, home: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["worker_main", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("CUBA_TEST_ORDERS", orders).env("CUBA_TEST_HOME", home);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn worker_main() {
    let Ok(orders) = std::env::var("CUBA_TEST_ORDERS") else { return };
    let home = std::env::var_os("CUBA_TEST_HOME").unwrap();
    let home = Path::new(&home);
    match orders.as_str() {
        // Installs, switches and removes until it is killed.
        "storm" => loop {
            let store = Store::open(home, FakeDevice::roomy()).unwrap();
            for id in ["a", "b"] {
                for version in ["1", "2"] {
                    let _ = install(&store, &source(id, version));
                }
                let _ = store.use_version(&pack(&format!("{id}@1")));
                let _ = store.remove(&pack(&format!("{id}@2")));
            }
            let _ = store.remove(&pack("a"));
        },
        // One install, its outcome on standard output.
        "install" => {
            let result =
                Store::open(home, Arc::new(ThisDevice)).and_then(|store| install(&store, &source("a", "1")));
            println!("outcome: {}", name(result.map(|_| ())));
        }
        "install-unaware" => {
            // A device that promises room it does not have: the disk itself must say no.
            let result =
                Store::open(home, FakeDevice::roomy()).and_then(|store| install(&store, &source("a", "1")));
            println!("outcome: {}", name(result.map(|_| ())));
        }
        "read" => {
            let store = Store::open(home, Arc::new(ThisDevice)).unwrap();
            let loaded = store.load(&pack("a"), &Quiet).map(|loaded| {
                assert!(loaded.files().all(|(file, path)| fs::read(path).unwrap().len() as u64 == file.size));
            });
            let removed = store.remove(&pack("a")).map(|_| ());
            let accept = InstallOptions::default();
            let again = store.install(&source("b", "1"), &accept, &Quiet).map(|_| ());
            println!("outcome: {} {} {} {}", store.is_writable(), name(loaded), name(removed), name(again));
        }
        other => panic!("{other}"),
    }
}

fn name(result: Result<(), PackError>) -> &'static str {
    match result {
        Ok(()) => "done",
        Err(PackError::NotEnoughSpace { needed, .. }) if needed > 0 => "no-space",
        Err(PackError::ReadOnly { .. }) => "read-only",
        Err(PackError::Busy { .. }) => "busy",
        Err(error) => {
            println!("{error:?}");
            "other"
        }
    }
}

fn outcome(mut command: Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text
        .lines()
        .find_map(|line| line.split_once("outcome: ").map(|(_, outcome)| outcome.trim().to_owned()));
    line.unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

fn start(orders: &str, home: &Path) -> Child {
    let mut command = worker(orders, home);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Every pack that is listed is whole, nothing is damaged, and nothing lies about that nobody uses.
fn assert_sound(home: &Path, when: &str) {
    let store = open(home);
    let listing = store.list().unwrap();
    assert!(listing.damaged.is_empty(), "{when}: {:?}", listing.damaged);
    let mut wanted = std::collections::BTreeSet::new();
    for installed in &listing.packs {
        let reference = installed.manifest.reference();
        let expected = source(&installed.manifest.about.id, &installed.manifest.about.version);
        let found =
            content(&store, &reference).unwrap_or_else(|error| panic!("{when}: {reference}: {error}"));
        let expected: Vec<_> = expected.content.iter().collect();
        assert_eq!(found.values().collect::<Vec<_>>(), expected, "{when}: {reference}");
        assert_eq!(store.verify(&pack(&reference), &Quiet).unwrap().len(), 0);
        wanted.extend(installed.manifest.files.iter().map(|file| file.sha256));
        // The id alone means a version that is there.
        store.info(&pack(&installed.manifest.about.id)).unwrap();
    }
    let blobs = blobs_in(home);
    assert_eq!(blobs, wanted.len(), "{when}: content that nobody uses");
    assert!(
        files_below(home).iter().all(|name| !name.contains(".tmp") && !name.contains("staging")),
        "{when}"
    );
}

/// Kills at random points; `CUBA_KILLS` sets how often (20 in the normal run), `CUBA_SEED` another storm.
#[test]
fn a_killed_process_leaves_whole_packs_only() {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (kills, seed) = (number("CUBA_KILLS", 20), number("CUBA_SEED", 1));
    let dir = tempfile::tempdir().unwrap();
    let mut installed = 0;
    for kill in 0..kills {
        let mut child = start("storm", dir.path());
        let random = u64::from_le_bytes(noise(seed * 1000 + kill, 8).try_into().unwrap());
        std::thread::sleep(Duration::from_micros(10_000 + random % 190_000));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_sound(dir.path(), &format!("seed {seed}, kill {kill}"));
        installed += open(dir.path()).list().unwrap().packs.len();
    }
    assert!(installed > 0, "the storm never got as far as a pack: the test has proved nothing");
}

#[test]
fn processes_at_once_do_not_harm_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut children: Vec<Child> = (0..3).map(|_| start("storm", dir.path())).collect();
    let store = open(dir.path());
    let mut loads = 0;
    for _ in 0..60 {
        std::thread::sleep(Duration::from_millis(25));
        // A reader beside them sees whole packs or none; a file may be removed between listing and reading, no more.
        for id in ["a", "b"] {
            match store.load(&pack(id), &Quiet) {
                Ok(_) => loads += 1,
                Err(PackError::NotFound { .. }) => {}
                Err(PackError::Corrupt { reason, .. }) => assert_eq!(reason, "it is missing"),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(loads > 0);
    assert_sound(dir.path(), "after three at once");
}

/// The same command in a new mount and user namespace, if this system allows one; else `None`.
fn in_namespace(script: &str, orders: &str, home: &Path) -> Option<Command> {
    let allowed =
        Command::new("unshare").args(["-Urm", "true"]).status().is_ok_and(|status| status.success());
    if !allowed {
        println!("skipped: this system does not allow user namespaces");
        return None;
    }
    let inner = worker(orders, home);
    let mut command = Command::new("unshare");
    command.args(["-Urm", "sh", "-c", &format!("{script} && exec \"$0\" \"$@\"")]).arg(inner.get_program());
    command.args(inner.get_args()).env("CUBA_TEST_ORDERS", orders).env("CUBA_TEST_HOME", home);
    Some(command)
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o size=128k tmpfs '{}'", dir.path().display());
    // Asked before ...
    if let Some(command) = in_namespace(&mount, "install", dir.path()) {
        assert_eq!(outcome(command), "no-space");
    }
    // ... and, should the disk fill up in between, told when it happens.
    if let Some(command) = in_namespace(&mount, "install-unaware", dir.path()) {
        assert_eq!(outcome(command), "no-space");
    }
}

#[test]
fn a_read_only_directory_serves_reading() {
    let dir = tempfile::tempdir().unwrap();
    install(&open(dir.path()), &source("a", "1")).unwrap();
    let home = dir.path().display();
    let mount = format!("mount --bind '{home}' '{home}' && mount -o remount,bind,ro '{home}'");
    if let Some(command) = in_namespace(&mount, "read", dir.path()) {
        assert_eq!(outcome(command), "false done read-only read-only");
    }
    assert_sound(dir.path(), "after reading");
}
