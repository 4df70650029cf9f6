//! What `cuba packs` prints: tables for people, JSON for programs.

use std::io::Write as _;
use std::path::Path;

use cuba_packs::{About, Installed, Offer, PackError, PackRef, Store, bytes};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Shelf, ShelfArgs};
use crate::exit::Outcome;
use crate::screen;

pub(crate) fn reference(about: &About) -> PackRef {
    PackRef { id: about.id.clone(), version: Some(about.version.clone()) }
}

pub(crate) fn installed(store: &Store, json: bool) -> Outcome {
    let listing = store.list()?;
    let unfinished = store.unfinished()?;
    if json {
        let unfinished =
            unfinished.iter().map(|u| json!({ "pack": u.pack.to_string(), "arrived": u.arrived }));
        return print(&json!({
            "packs": listing.packs.iter().map(record).collect::<Vec<_>>(),
            "damaged": listing.damaged.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "unfinished": unfinished.collect::<Vec<_>>(),
        }));
    }
    let rows: Vec<_> = listing
        .packs
        .iter()
        .map(|pack| row(&pack.manifest.about, pack.manifest.size(), pack.current))
        .collect();
    table(&rows)?;
    if rows.is_empty() {
        screen::note("no packs are installed; `cuba packs list --available` shows what can be fetched");
    }
    for damaged in &listing.damaged {
        screen::note(damaged);
    }
    for left in &unfinished {
        screen::note(format_args!(
            "{} is not complete ({}): `cuba packs get {}` goes on",
            left.pack,
            bytes(left.arrived),
            left.pack.id
        ));
    }
    Ok(())
}

pub(crate) fn available(store: &Store, shelf: &Shelf, as_json: bool) -> Outcome {
    let has = |offer: &Offer| store.info(&reference(&offer.about)).is_ok();
    if as_json {
        let offers = shelf.offers().map(|offer| {
            let mut value = json!(offer.about);
            set(&mut value, "size", offer.size());
            set(&mut value, "installed", has(offer));
            value
        });
        return print(&json!({ "available": offers.collect::<Vec<_>>() }));
    }
    let rows: Vec<_> = shelf.offers().map(|offer| row(&offer.about, offer.size(), has(offer))).collect();
    table(&rows)?;
    if !shelf.has_registry() {
        screen::note(
            "translation models are listed too with --registry (Mozilla's models.json, a file or an https address)",
        );
    }
    Ok(())
}

pub(crate) fn info(store: &Store, pack: &PackRef, shelf: &ShelfArgs, as_json: bool) -> Outcome {
    let installed = match store.info(pack) {
        Err(PackError::NotFound { .. }) => None,
        other => Some(other?),
    };
    let (about, files) = if let Some(installed) = &installed {
        if as_json {
            return print(&record(installed));
        }
        let files = installed.manifest.files.iter().map(|f| (f.path.clone(), Some(f.size), Some(f.sha256)));
        (installed.manifest.about.clone(), files.collect::<Vec<_>>())
    } else {
        let shelf = Shelf::open(store, shelf)?;
        let not_listed = || PackError::NotFound { what: format!("pack {pack}") };
        let offer = shelf.find(pack).ok_or_else(not_listed)?;
        if as_json {
            let mut value = json!(offer);
            set(&mut value, "installed", false);
            return print(&value);
        }
        let files = offer.files.iter().map(|f| (f.path.clone(), f.size, f.sha256));
        (offer.about.clone(), files.collect())
    };
    let state = match &installed {
        Some(pack) if pack.current => "installed, in use",
        Some(_) => "installed",
        None => "not installed",
    };
    let mut out = std::io::stdout().lock();
    let mut line = |name: &str, value: &str| {
        if value.is_empty() { Ok(()) } else { writeln!(out, "{name:<10} {value}") }
    };
    line("pack", &format!("{} ({state})", about.reference()))?;
    line("name", &about.name)?;
    line("kind", about.kind.as_str())?;
    line("languages", &about.languages.join(", "))?;
    line("disk", &bytes(about.needs.disk))?;
    line("memory", &bytes(about.needs.ram))?;
    line("source", &about.source)?;
    line(
        "licence",
        &format!("{} {}", about.licence.title(), about.licence.url.as_deref().unwrap_or_default()),
    )?;
    line("", about.licence.text.as_deref().unwrap_or_default())?;
    for (test, scores) in &about.metrics {
        let scores: Vec<_> = scores.iter().map(|(name, score)| format!("{name} {score}")).collect();
        line("scores", &format!("{test}: {}", scores.join(", ")))?;
    }
    for (path, size, sha256) in files {
        let size = size.map_or("size unknown".into(), bytes);
        let sha256 = sha256.map_or("sha256 not published".into(), |sha256| sha256.to_string());
        line("file", &format!("{path}  {size}  {sha256}"))?;
    }
    Ok(())
}

pub(crate) fn done(pack: &Installed, json: bool) -> Outcome {
    if json {
        return print(&record(pack));
    }
    let manifest = &pack.manifest;
    writeln!(std::io::stdout(), "{} is installed ({})", manifest.reference(), bytes(manifest.size()))?;
    Ok(())
}

pub(crate) fn verified(packs: &[PackRef], faults: &[String], json: bool) -> Outcome {
    if json {
        let packs: Vec<_> = packs.iter().map(ToString::to_string).collect();
        return print(&json!({ "verified": packs, "faults": faults }));
    }
    for fault in faults {
        writeln!(std::io::stdout(), "{fault}")?;
    }
    if faults.is_empty() {
        writeln!(std::io::stdout(), "{} verified, all in order", packs.len())?;
    }
    Ok(())
}

pub(crate) fn removed(pack: &PackRef, freed: u64, json: bool) -> Outcome {
    if json {
        return print(&json!({ "removed": pack.to_string(), "freed": freed }));
    }
    writeln!(std::io::stdout(), "{pack} is removed, {} freed", bytes(freed))?;
    Ok(())
}

pub(crate) fn exported(pack: &PackRef, file: &Path, json: bool) -> Outcome {
    if json {
        return print(&json!({ "exported": pack.to_string(), "file": file.display().to_string() }));
    }
    writeln!(std::io::stdout(), "{}", file.display())?;
    Ok(())
}

fn record(pack: &Installed) -> Value {
    let mut value = json!(pack.manifest);
    set(&mut value, "size", pack.manifest.size());
    set(&mut value, "installed", true);
    set(&mut value, "current", pack.current);
    value
}

fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value.into());
    }
}

fn print(value: &impl Serialize) -> Outcome {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Mark, id, version, kind, size, memory, licence.
fn row(about: &About, size: u64, marked: bool) -> [String; 7] {
    let mark = if marked { "*" } else { "" };
    let licence = about.licence.id.clone();
    [
        mark.into(),
        about.id.clone(),
        about.version.clone(),
        about.kind.as_str().into(),
        bytes(size),
        bytes(about.needs.ram),
        licence,
    ]
}

fn table(rows: &[[String; 7]]) -> Outcome {
    if rows.is_empty() {
        return Ok(());
    }
    let heads = ["", "pack", "version", "kind", "disk", "memory", "licence"].map(str::to_owned);
    let all: Vec<&[String; 7]> = std::iter::once(&heads).chain(rows).collect();
    let width =
        |column: usize| all.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let mut out = std::io::stdout().lock();
    for row in &all {
        let cells: Vec<_> = row.iter().enumerate().map(|(n, cell)| format!("{cell:<0$}", width(n))).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
