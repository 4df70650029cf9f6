//! `cuba status`.

use std::io::Write as _;
use std::path::Path;

use cuba_packs::{Device as _, ThisDevice, bytes};
use serde::Serialize;

use crate::args::JsonArgs;
use crate::exit::Outcome;

#[derive(Serialize)]
struct Status {
    version: &'static str,
    home: String,
    writable: bool,
    features: Vec<&'static str>,
    memory_available: Option<u64>,
    packs: Vec<String>,
    pack_bytes: u64,
    damaged: Vec<String>,
    unfinished: Vec<String>,
    keys: String,
}

pub(crate) fn run(home: &Path, args: &JsonArgs) -> Outcome {
    let status = gather(home)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &status).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    let mut row = |name: &str, value: &str| writeln!(out, "{name:<10} {value}");
    row("version", status.version)?;
    row("home", &format!("{}{}", status.home, if status.writable { "" } else { " (read-only)" }))?;
    row("built with", &status.features.join(", "))?;
    row(
        "memory",
        &status.memory_available.map_or_else(|| "unknown".into(), |b| format!("{} available", bytes(b))),
    )?;
    row("packs", &format!("{} ({})", status.packs.len(), bytes(status.pack_bytes)))?;
    for pack in &status.packs {
        row("", pack)?;
    }
    for damaged in &status.damaged {
        row("damaged", damaged)?;
    }
    for unfinished in &status.unfinished {
        row("unfinished", unfinished)?;
    }
    row("keys", &status.keys)?;
    Ok(())
}

fn gather(home: &Path) -> Result<Status, crate::exit::Failure> {
    let store = crate::engines::store(home)?;
    let listing = store.list()?;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        home: home.display().to_string(),
        writable: store.is_writable(),
        features: features(),
        memory_available: ThisDevice.memory_available(),
        pack_bytes: listing.packs.iter().map(|pack| pack.manifest.size()).sum(),
        packs: listing.packs.iter().map(|pack| pack.manifest.reference()).collect(),
        damaged: listing.damaged.iter().map(ToString::to_string).collect(),
        unfinished: store
            .unfinished()?
            .iter()
            .map(|u| {
                format!("{}: {} arrived; `cuba packs get {}` goes on", u.pack, bytes(u.arrived), u.pack.id)
            })
            .collect(),
        keys: keys(home)?,
    })
}

fn features() -> Vec<&'static str> {
    let all = [
        ("nmt", cfg!(feature = "nmt")),
        ("llm", cfg!(feature = "llm")),
        ("health", cfg!(feature = "health")),
        ("keyring", cfg!(feature = "keyring")),
        ("train", cfg!(feature = "train")),
    ];
    all.into_iter().filter_map(|(name, built)| built.then_some(name)).collect()
}

#[cfg(feature = "health")]
fn keys(home: &Path) -> Result<String, crate::exit::Failure> {
    crate::keys::describe(home)
}

#[cfg(not(feature = "health"))]
#[expect(clippy::unnecessary_wraps, reason = "the build with the encrypted store can fail here")]
fn keys(_home: &Path) -> Result<String, crate::exit::Failure> {
    Ok("this build has no encrypted store".into())
}
