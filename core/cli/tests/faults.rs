//! Broken files, missing rights, no network, interruption: each says what to do, none loses data.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Home, model_folder, run};

const TRANSLATE: &[&str] = &["translate", "--from", "en", "--to", "es", "Good morning."];

/// A stored file: the largest blob, which is the vocabulary.
fn stored_file(home: &Home) -> PathBuf {
    let mut files = Vec::new();
    let mut folders = vec![home.path().join("blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.into_iter().max_by_key(|f| (f.extension().is_none(), std::fs::metadata(f).unwrap().len())).unwrap()
}

/// Makes a read-only blob writable and applies a change to its bytes.
fn tamper(path: &std::path::Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn tampered_files_are_named_and_never_loaded() {
    for (name, change) in [
        ("one bit", (|b: &mut Vec<u8>| b[60_000] ^= 1) as fn(&mut Vec<u8>)),
        ("cut short", |b| b.truncate(50_000)),
        ("empty", Vec::clear),
    ] {
        let home = Home::with_model();
        tamper(&stored_file(&home), change);
        let done = home.cuba(TRANSLATE, b"");
        assert_eq!(done.code, 6, "{name}: {}", done.err);
        assert!(done.out.is_empty() && done.err.contains("vocab.enes"), "{name}: {}", done.err);
        let verify = home.cuba(&["packs", "verify"], b"");
        assert_eq!(verify.code, 6, "{name}: {}{}", verify.out, verify.err);
    }
}

#[test]
fn a_model_that_is_not_one_is_refused() {
    let home = Home::empty();
    let folder = model_folder(home.path().parent().unwrap());
    std::fs::write(folder.join("model.enes.intgemm.alphas.bin"), vec![7_u8; 5000]).unwrap();
    let added = home.cuba(&["packs", "add", folder.to_str().unwrap(), "--from", "en", "--to", "es"], b"");
    // The store does not interpret models; the engine does, when it opens one.
    let done = home.cuba(TRANSLATE, b"");
    assert!(added.code != 0 || done.code == 6, "{} {}", done.code, done.err);
    assert!(done.out.is_empty());
}

#[test]
fn a_read_only_home_still_translates_and_says_that_it_cannot_install() {
    let home = Home::with_model();
    let args = format!("chmod -R a-w '{}'", home.path().display());
    assert!(Command::new("sh").args(["-c", &args]).status().unwrap().success());
    let translated = as_nobody(&home, TRANSLATE);
    let folder = model_folder(home.path().parent().unwrap());
    let install = as_nobody(
        &home,
        &["packs", "add", folder.to_str().unwrap(), "--id", "again", "--from", "en", "--to", "es"],
    );
    assert!(Command::new("sh").args(["-c", &args.replace("a-w", "u+w")]).status().unwrap().success());
    assert_eq!(translated.code, 0, "{}", translated.err);
    assert!(install.code != 0 && install.err.contains("permission"), "{}", install.err);
}

/// Rights do not bind root: drops to an ordinary user where the test runs as root.
fn as_nobody(home: &Home, args: &[&str]) -> common::Done {
    // The temporary directory itself is private to its maker.
    let parent = home.path().parent().unwrap().to_owned();
    assert!(Command::new("chmod").arg("a+rx").arg(&parent).status().unwrap().success());
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !root {
        return home.cuba(args, b"");
    }
    let binary = parent.join("cuba");
    if !binary.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_cuba"), &binary).unwrap();
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary).args(args);
    command.env_clear().env("CUBA_HOME", home.path()).env("PATH", "/usr/bin:/bin");
    run(command, b"")
}

#[test]
fn ctrl_c_ends_quickly_keeps_whole_lines_and_leaves_the_store_intact() {
    let home = Home::with_model();
    let mut child = home
        .command(&["translate", "--from", "en", "--to", "es"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feeder =
        std::thread::spawn(move || while stdin.write_all(b"Good morning, how are you?\n").is_ok() {});
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    let pid = child.id().to_string();
    let asked = Instant::now();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let rest: Vec<String> = out.lines().map(Result::unwrap).collect();
    let status = child.wait().unwrap();
    let took = asked.elapsed();
    feeder.join().unwrap();
    assert_eq!(status.code(), Some(130));
    // A bound on being stuck, not a measurement.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(rest.iter().all(|line| *line == first.trim_end()), "no line is cut");
    assert_eq!(home.cuba(&["packs", "verify"], b"").code, 0);
}

#[test]
fn ctrl_c_while_waiting_for_input() {
    let home = Home::with_model();
    let mut child = home
        .command(&["translate", "--from", "en", "--to", "es"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Held open: the end of input must not be what ends the command.
    let stdin = child.stdin.take();
    std::thread::sleep(Duration::from_millis(500));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(stdin);
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let home = Home::with_model();
    let script = format!(
        "yes 'Good morning.' | '{}' translate --from en --to es | head -n 2",
        env!("CARGO_BIN_EXE_cuba")
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).env_clear().env("CUBA_HOME", home.path()).env("PATH", "/usr/bin:/bin");
    let done = run(command, b"");
    assert_eq!((done.out.lines().count(), done.err.as_str()), (2, ""));
}

#[test]
fn without_a_network_everything_installed_works_and_nothing_connects() {
    let home = Home::with_model();
    let calls = home.path().parent().unwrap().join("calls");
    let mut command = Command::new("unshare");
    command.args(["-n", "strace", "-f", "-e", "trace=network", "-o"]).arg(&calls);
    command.arg(env!("CARGO_BIN_EXE_cuba")).args(TRANSLATE);
    command.env_clear().env("CUBA_HOME", home.path()).env("PATH", "/usr/bin:/bin");
    let usable =
        |program: &str| Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    let may = Command::new("unshare").args(["-n", "true"]).status().is_ok_and(|s| s.success());
    if !(may && usable("strace")) {
        eprintln!("not run: this machine lacks strace or the right to take the network away");
        return;
    }
    let done = run(command, b"");
    assert_eq!(done.code, 0, "{}", done.err);
    let trace = std::fs::read_to_string(calls).unwrap();
    let sockets: Vec<&str> =
        trace.lines().filter(|l| l.contains("socket(") || l.contains("connect(")).collect();
    assert!(sockets.is_empty(), "{sockets:?}");
}

#[test]
fn two_processes_at_once() {
    let home = Home::with_model();
    let children: Vec<_> = (0..2)
        .map(|_| home.command(TRANSLATE).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let outputs: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    assert!(outputs.iter().all(|o| o.status.success()));
    assert_eq!(outputs[0].stdout, outputs[1].stdout);
}

#[cfg(feature = "llm")]
#[test]
fn language_models_that_cannot_be_used_are_named() {
    let string = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    // GGUF version 3 without tensors and with one entry: the architecture, a string (type 8).
    let header = [&b"GGUF"[..], &3_u32.to_le_bytes(), &0_u64.to_le_bytes(), &1_u64.to_le_bytes()].concat();
    let unknown =
        [header, string("general.architecture"), 8_u32.to_le_bytes().to_vec(), string("frobnicator")]
            .concat();
    for (name, bytes, says, code) in [
        ("cut", &unknown[..30], "cut", 6),
        ("foreign", &unknown[..], "frobnicator", 1),
        ("text", &b"not a model at all"[..], "GGUF", 6),
    ] {
        let home = Home::empty();
        let file = home.path().parent().unwrap().join(format!("{name}.gguf"));
        std::fs::write(&file, bytes).unwrap();
        let added = home.cuba(&["packs", "add", file.to_str().unwrap()], b"");
        let done =
            home.cuba(&["translate", "--from", "en", "--to", "es", "--engine", "llm", "Good morning."], b"");
        assert!(done.out.is_empty());
        let refused_early = added.code != 0 && added.err.contains("GGUF");
        assert!(
            refused_early || (done.code == code && done.err.contains(says)),
            "{name}: {} {}",
            added.err,
            done.err
        );
    }
}
