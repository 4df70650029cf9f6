//! `cuba packs add` when things go wrong: full disk, kill -9, other processes, a file that is not what its pack says.
//! Each says what to do, and what is installed stays whole.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use common::disk::Disk;
use common::{Home, model_folder};

const DIRECTION: [&str; 4] = ["--from", "en", "--to", "es"];

/// A folder in the layout of a model whose weights are noise: the store does not interpret them.
fn large_folder(parent: &Path, bytes: usize) -> PathBuf {
    let folder = model_folder(parent);
    let noise: Vec<u8> = (0..bytes as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(folder.join("model.enes.intgemm.alphas.bin"), noise).unwrap();
    folder
}

fn add<'a>(folder: &'a Path, id: &'a str) -> Vec<&'a str> {
    [&["packs", "add", folder.to_str().unwrap(), "--id", id][..], &DIRECTION].concat()
}

#[track_caller]
fn sound(home: &Home, when: &str) {
    let verify = home.cuba(&["packs", "verify"], b"");
    assert_eq!(verify.code, 0, "{when}: {}{}", verify.out, verify.err);
}

#[test]
fn a_full_disk_is_told_with_what_to_do_and_what_was_there_stays() {
    let home = Home::empty();
    std::fs::create_dir_all(home.path()).unwrap();
    let Some(disk) = Disk::mount(&home.path(), 32 << 20) else {
        eprintln!("not run: this needs the right to mount a small file system");
        return;
    };
    let small = model_folder(home.path().parent().unwrap());
    let first = home.cuba(&add(&small, "small"), b"");
    assert_eq!(first.code, 0, "{}", first.err);
    let elsewhere = tempfile::tempdir().unwrap();
    let large = large_folder(elsewhere.path(), 8 << 20);

    disk.resize(disk.used() + (1 << 20));
    let full = home.cuba(&add(&large, "large"), b"");
    assert_eq!(full.code, 5, "{}", full.err);
    assert!(full.err.contains("needed") && full.err.contains("free"), "{}", full.err);
    assert!(full.err.contains("cuba packs remove") && full.err.contains("--home"), "{}", full.err);
    sound(&home, "after the disk was full");
    let translated = home.cuba(&["translate", "--from", "en", "--to", "es", "Good morning."], b"");
    assert_eq!(
        translated.code, 0,
        "a full disk does not keep installed packs from working: {}",
        translated.err
    );

    disk.resize(32 << 20);
    let again = home.cuba(&add(&large, "large"), b"");
    assert_eq!(again.code, 0, "{}", again.err);
    sound(&home, "after there was room again");
}

#[test]
fn kill_9_during_an_install_leaves_whole_packs_only() {
    let kills: u64 = std::env::var("CUBA_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let home = Home::with_model();
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = large_folder(elsewhere.path(), 24 << 20);
    let mut finished = 0;
    for round in 0..kills {
        let mut child = home
            .command(&add(&folder, "large"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(3 + round * 37 % 150));
        child.kill().unwrap();
        finished += u64::from(child.wait().unwrap().success());
        sound(&home, &format!("kill {round}"));
    }
    assert!(finished < kills, "no kill was in time");
    let done = home.cuba(&add(&folder, "large"), b"");
    assert_eq!(done.code, 0, "{}", done.err);
    sound(&home, "at the end");
    let list = home.cuba(&["packs", "list"], b"");
    assert!(list.out.contains("large") && list.out.contains("en-es"), "{}", list.out);
    assert!(!list.err.contains("not complete"), "{}", list.err);
}

#[test]
fn two_installs_at_once_end_with_one_whole_pack() {
    let home = Home::empty();
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = large_folder(elsewhere.path(), 16 << 20);
    let children: Vec<_> = (0..2)
        .map(|_| {
            let mut command = home.command(&add(&folder, "large"));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    assert!(outputs.iter().any(|o| o.status.success()), "{outputs:?}");
    for output in outputs.iter().filter(|o| !o.status.success()) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("in use by another process: wait"), "{said}");
    }
    sound(&home, "after two at once");
}

#[test]
fn a_file_with_another_hash_than_its_pack_says_is_named_and_not_installed() {
    let home = Home::with_model();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("en-es.cubapack");
    let exported = home.cuba(&["packs", "export", "en-es", file.to_str().unwrap()], b"");
    assert_eq!(exported.code, 0, "{}", exported.err);
    let mut bytes = std::fs::read(&file).unwrap();
    // Files lie in the archive as they are: one bit of the largest, which ends it but for the directory.
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();

    let other = Home::empty();
    let added = other.cuba(&["packs", "add", file.to_str().unwrap()], b"");
    assert_eq!(added.code, 6, "{}", added.err);
    assert!(added.err.contains("enes") && added.err.contains("get it again"), "{}", added.err);
    let list = other.cuba(&["packs", "list", "--json"], b"");
    assert!(!list.out.contains("\"en-es\""), "{}", list.out);
}
