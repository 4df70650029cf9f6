//! `cuba health`: the store, the reports made of it, and signals measured on files.

#![allow(
    clippy::doc_markdown,
    reason = "documentation of arguments is help that people read; they see no backticks"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::single_match_else,
    reason = "lists are handed over to be shown"
)]

mod card;
mod files;
mod habit;
mod import;
mod keep;
mod log;
mod medication;
pub(crate) mod open;
mod report;
mod show;
mod sources;
mod terminal;
mod time;

use std::io::Write as _;
use std::path::Path;

use clap::{Args, Subcommand};
use cuba_report::Language;
use serde::Serialize;

use crate::exit::{Code, Failure, Outcome};
use open::Place;

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    /// Time zone of local times, such as Europe/Berlin [default: the system's]
    #[arg(long, global = true, value_name = "TZ")]
    zone: Option<String>,
    /// Language of sentences, charts and reports: en, es, fr or pt [default: the system's]
    #[arg(long, global = true, value_name = "LANG")]
    lang: Option<Language>,
    /// The time to take for now, for tests
    #[arg(long, global = true, hide = true, env = "CUBA_NOW", value_name = "RFC3339")]
    now: Option<jiff::Timestamp>,
    #[command(subcommand)]
    command: Option<HealthCommand>,
}

#[derive(Debug, Subcommand)]
enum HealthCommand {
    /// Import exports of other apps and devices: files, archives or folders
    Import(import::ImportArgs),
    /// List the devices and apps that recorded something
    Sources,
    /// Show or set which source counts where several measured the same thing
    Priority(sources::PriorityArgs),
    /// What a day, week, month or year held
    Summary(show::SummaryArgs),
    /// A chart of a metric, here or as SVG
    Chart(show::ChartArgs),
    /// Why a value is what it is: which source counted at a time, and which did not
    Why(show::WhyArgs),
    /// Nights: times, stages, figures and the parts of the score
    Sleep(show::SleepArgs),
    /// Note something in plain words: "slept badly, 2 coffees, 80.5 kg"
    Log(log::LogArgs),
    /// Habits: add, list, done, skip
    Habit(habit::HabitArgs),
    /// Medication: add, list, taken, skipped, snooze, stock
    Med(medication::MedicationArgs),
    /// Trends of what is recorded, with how many were tested
    Trends(report::DayArgs),
    /// Habits and outcomes that go together, with how many pairs were tested
    Insights(report::DayArgs),
    /// A report to take to a doctor, as HTML or PDF
    Report(report::ReportArgs),
    /// The emergency card: show, fill in, print, QR, FHIR
    Card(card::CardArgs),
    /// Seal everything into one file that opens on another device
    Backup(keep::BackupArgs),
    /// Put a sealed backup in the place of what is here
    Restore(keep::RestoreArgs),
    /// Write everything to a file: the lossless own format, or CSV
    Export(keep::ExportArgs),
    /// Delete for good: a metric, a source, a time, or everything
    Erase(keep::EraseArgs),
    /// Pulse from a recording of a fingertip on the camera, or why it cannot be measured
    Pulse(files::PulseArgs),
    /// Heart-rate variability of RR intervals, before and after artefact correction
    Hrv(files::HrvArgs),
    /// Sleep stages every 30 seconds from heart rate, with or without motion
    Stage(files::StageArgs),
    /// Sleep and wake from the counts of a wrist actigraph
    Sleepwake(files::SleepwakeArgs),
}

pub(crate) fn run(home: &Path, args: &HealthArgs) -> Outcome {
    let place = Place::new(home, args.now, args.zone.as_deref(), args.lang, args.json)?;
    let Some(command) = &args.command else { return show::overview(&place) };
    match command {
        HealthCommand::Import(a) => import::run(&place, a),
        HealthCommand::Sources => sources::list(&place),
        HealthCommand::Priority(a) => sources::priority(&place, a),
        HealthCommand::Summary(a) => show::summary(&place, a),
        HealthCommand::Chart(a) => show::chart(&place, a),
        HealthCommand::Why(a) => show::why(&place, a),
        HealthCommand::Sleep(a) => show::sleep(&place, a),
        HealthCommand::Log(a) => log::run(&place, a),
        HealthCommand::Habit(a) => habit::run(&place, a),
        HealthCommand::Med(a) => medication::run(&place, a),
        HealthCommand::Trends(a) => report::trends(&place, a),
        HealthCommand::Insights(a) => report::insights(&place, a),
        HealthCommand::Report(a) => report::report(&place, a),
        HealthCommand::Card(a) => card::run(&place, a),
        HealthCommand::Backup(a) => keep::backup(&place, a),
        HealthCommand::Restore(a) => keep::restore(&place, a),
        HealthCommand::Export(a) => keep::export(&place, a),
        HealthCommand::Erase(a) => keep::erase(&place, a),
        HealthCommand::Pulse(a) => files::pulse(a),
        HealthCommand::Hrv(a) => files::hrv(a),
        HealthCommand::Stage(a) => files::stage(&place, a),
        HealthCommand::Sleepwake(a) => files::sleepwake(a),
    }
}

fn print_json(value: &impl Serialize) -> Outcome {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints the value as JSON, or what `words` writes.
fn answer(
    place: &Place,
    value: &impl Serialize,
    words: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> Outcome {
    if place.json {
        return print_json(value);
    }
    let mut out = std::io::stdout().lock();
    words(&mut out)?;
    Ok(())
}

/// Writes a whole file or none: to a name beside it, synced, renamed.
fn write_whole(path: &Path, write: impl FnOnce(&mut dyn std::io::Write) -> Outcome) -> Outcome {
    let unwritable = |error: std::io::Error| {
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::NoRoom,
            _ => Code::Failed,
        };
        Failure::new(code, format_args!("cannot write {}: {error}", path.display()))
            .hint("choose a folder that you may write to and that has room")
    };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".unfinished");
    let unfinished = path.with_file_name(name);
    let written = private_file(&unfinished).map_err(unwritable).and_then(|file| {
        let mut out = std::io::BufWriter::new(file);
        write(&mut out)?;
        let file = out.into_inner().map_err(|e| unwritable(e.into_error()))?;
        file.sync_all().map_err(unwritable)?;
        std::fs::rename(&unfinished, path).map_err(unwritable)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

/// A file that only its owner reads: it holds health data in the clear.
fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
