//! `cuba health import`.

use std::io::{ErrorKind, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use cuba_health::HealthError;
use cuba_health::import::{Imported, ImportedFile, Mapping, Options, import, import_csv};
use cuba_health::store::{ImportReport, Store};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::answer;
use super::open::Place;
use crate::exit::{Code, Failure, Outcome};
use crate::{interrupt, screen};

#[derive(Debug, Args)]
#[command(after_help = "\
What a file is is found out by its content. A second import of the same file adds nothing, and one that was stopped \
goes on where it ended. Archives are read as they are: do not unpack them.")]
pub(super) struct ImportArgs {
    /// Files, archives or folders as the other app exported them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Columns of an own table: "time=Date+Time; weight=Weight:lb; heart_rate=Pulse"
    #[arg(long, value_name = "SPEC")]
    columns: Option<String>,
}

#[derive(Serialize)]
struct Done {
    #[serde(flatten)]
    report: ImportReport,
    files: Vec<ImportedFile>,
    left_out: Vec<(String, String)>,
    cancelled: bool,
}

pub(super) fn run(place: &Place, args: &ImportArgs) -> Outcome {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    interrupt::on_interrupt(move || flag.store(true, Ordering::Relaxed))?;
    let mapping = args.columns.as_deref().map(Mapping::parse).transpose()?;
    let store = place.store()?;
    let mut all = Imported::default();
    let mut failed: Option<Failure> = None;
    for path in &args.paths {
        match import_one(place, &store, path, mapping.as_ref(), &stop) {
            Ok(one) => {
                all.files.extend(one.files);
                all.left_out.extend(one.left_out);
                all.cancelled |= one.cancelled;
                all.report.add(&one.report);
            }
            Err(error) => {
                // One file that cannot be read does not keep the others out; a fault of the database does.
                let is_last = matches!(error, HealthError::Vault(_));
                all.left_out.push((path.display().to_string(), error.to_string()));
                failed.get_or_insert(named(path, error));
                if is_last {
                    break;
                }
            }
        }
        if all.cancelled {
            break;
        }
    }
    if let Some(failure) = failed.take_if(|_| all.files.is_empty() && !all.cancelled) {
        return Err(failure);
    }
    let cancelled = all.cancelled;
    let broken =
        all.files.iter().find_map(|f| f.incomplete.as_ref().map(|why| (f.name.clone(), why.clone())));
    let done = Done { report: all.report, files: all.files, left_out: all.left_out, cancelled };
    answer(place, &done, |out| words(out, &done))?;
    if cancelled {
        return Err(Failure::new(Code::Cancelled, "cancelled; what was read until then is stored")
            .hint("the same command goes on from there"));
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    match broken {
        Some((name, why)) => Err(Failure::new(Code::BadInput, format_args!("{name}: {why}"))
            .hint("what stands before that place is stored; export the file again for the rest")),
        None => Ok(()),
    }
}

fn import_one(
    place: &Place,
    store: &Store,
    path: &Path,
    mapping: Option<&Mapping>,
    stop: &AtomicBool,
) -> Result<Imported, HealthError> {
    let bar = ProgressBar::no_length();
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let template =
        "{msg:<28!} {bar:24} {binary_bytes:>10}/{binary_total_bytes:<10} {binary_bytes_per_sec:>12} {eta:>4}";
    bar.set_style(ProgressStyle::with_template(template).expect("a fixed template"));
    bar.set_message(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let mut options = Options {
        zone: &place.setting.zone,
        now_ms: place.setting.now.as_millisecond(),
        progress: &mut |progress| {
            bar.set_length(progress.total_bytes);
            bar.set_position(progress.done_bytes);
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    };
    let imported = match mapping {
        Some(mapping) => import_csv(store, path, mapping, &mut options),
        None => import(store, path, &mut options),
    };
    bar.finish_and_clear();
    imported
}

/// The file's name stands before what is wrong with it; a fault of the database is not the file's.
fn named(path: &Path, error: HealthError) -> Failure {
    let code = match &error {
        HealthError::Io(e) if matches!(e.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            Code::NoRoom
        }
        _ => Code::BadInput,
    };
    match error {
        HealthError::Vault(e) => e.into(),
        other => Failure::new(code, format_args!("{}: {other}", path.display())),
    }
}

fn words(out: &mut dyn Write, done: &Done) -> std::io::Result<()> {
    for file in &done.files {
        let resumed = if file.resumed { ", taken up where it had stopped" } else { "" };
        writeln!(out, "{} ({}{resumed})", file.name, file.format)?;
        let r = &file.report;
        writeln!(
            out,
            "  {} records read: {} stored, {} there already, {} part of others, {} not taken",
            r.read,
            r.stored,
            r.duplicates,
            r.merged,
            r.skipped_total()
        )?;
        for (reason, kinds) in &r.skipped {
            let reason = serde_json::to_value(reason)
                .map_or_else(|_| String::new(), |v| v.as_str().unwrap_or("").replace('_', " "));
            let total: u64 = kinds.values().sum();
            let mut names: Vec<(&String, &u64)> = kinds.iter().collect();
            names.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
            let shown: Vec<String> = names.iter().take(4).map(|(k, n)| format!("{k} {n}")).collect();
            let more = if names.len() > 4 { ", ..." } else { "" };
            writeln!(out, "  not taken, {reason}: {total} ({}{more})", shown.join(", "))?;
        }
    }
    for (name, why) in &done.left_out {
        screen::note(format_args!("{name}: {why}"));
    }
    if done.files.iter().any(|f| f.report.stored > 0) {
        screen::note("`cuba health summary --week` shows what there is now");
    }
    Ok(())
}
