//! `cuba health` on files: pulse from a camera recording, heart-rate variability, sleep. Nothing is stored.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use cuba_signals::{commands, files};
use serde::Serialize;

use crate::exit::{Code, Failure, Outcome};

/// A little above what the readers accept, so that they, not this, say that a file is too large.
const MAX_BYTES: u64 = files::MAX_BYTES as u64 + 1;

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    #[command(subcommand)]
    command: HealthCommand,
}

#[derive(Debug, Subcommand)]
enum HealthCommand {
    /// Pulse from a recording of a fingertip on the camera, or why it cannot be measured
    Pulse {
        /// Columns `time_ms,r,g,b`
        #[arg(long, value_name = "FILE")]
        rgb: PathBuf,
    },
    /// Heart-rate variability of RR intervals, before and after artefact correction
    Hrv {
        /// One interval a line, in milliseconds or seconds
        #[arg(long, value_name = "FILE")]
        rr: PathBuf,
    },
    /// Sleep stages every 30 seconds from heart rate, with or without motion
    Stage {
        /// Columns seconds,bpm
        #[arg(long, value_name = "FILE")]
        hr: PathBuf,
        /// Raw acceleration, columns seconds,x,y,z on the same clock
        #[arg(long, value_name = "FILE")]
        motion: Option<PathBuf>,
        /// When the file starts, if that is bedtime: lets the model use the hours since
        #[arg(long, value_name = "ISO")]
        start: Option<String>,
        /// Print JSON, with the night's figures
        #[arg(long)]
        json: bool,
    },
    /// Sleep and wake from the counts of a wrist actigraph
    Sleepwake {
        /// A device export, or one count a line
        #[arg(long, value_name = "FILE")]
        counts: PathBuf,
        /// Seconds of an epoch, where the file does not say it
        #[arg(long, value_name = "SECONDS")]
        epoch: Option<f64>,
    },
}

pub(crate) fn run(_home: &Path, args: &HealthArgs) -> Outcome {
    match &args.command {
        HealthCommand::Pulse { rgb } => {
            print(&commands::pulse(&files::rgb(&read(rgb)?).map_err(|e| bad(rgb, &e))?))
        }
        HealthCommand::Hrv { rr } => {
            let intervals = files::rr(&read(rr)?).map_err(|e| bad(rr, &e))?;
            print(&commands::hrv(&intervals).map_err(|e| bad(rr, &e))?)
        }
        HealthCommand::Stage { hr, motion, start, json } => {
            stage(hr, motion.as_deref(), start.as_deref(), *json)
        }
        HealthCommand::Sleepwake { counts, epoch } => {
            let file = files::counts(&read(counts)?).map_err(|e| bad(counts, &e))?;
            print(&commands::sleep_wake(&file, *epoch).map_err(|e| bad(counts, &e))?)
        }
    }
}

fn stage(hr: &Path, motion: Option<&Path>, start: Option<&str>, json: bool) -> Outcome {
    let readings = files::heart_rate(&read(hr)?).map_err(|e| bad(hr, &e))?;
    let moved = motion.map(read).transpose()?;
    let report = commands::stage(&readings, moved.as_deref(), start.is_some()).map_err(|e| bad(hr, &e))?;
    if json {
        return print(&report);
    }
    writeln!(std::io::stdout().lock(), "{}", report.csv())?;
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Code::BadInput, format_args!("cannot read {}: {error}", path.display()))
    };
    let mut text = String::new();
    std::fs::File::open(path)
        .map_err(unreadable)?
        .take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}

/// Names the file; the reader's message names line and column, never a value.
fn bad(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(Code::BadInput, format_args!("{}: {error}", path.display()))
}

fn print(value: &impl Serialize) -> Outcome {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}
