//! Signals on files: pulse from a camera recording, heart-rate variability, sleep. Nothing is stored.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use cuba_signals::{commands, files};
use jiff::Timestamp;
use serde::Serialize;

use super::open::Place;
use super::{print_json, time};
use crate::exit::{Code, Failure, Outcome};

/// A little above what the readers accept, so that they, not this, say that a file is too large.
const MAX_BYTES: u64 = files::MAX_BYTES as u64 + 1;

/// Readings that count seconds from 1970 have passed this since 2001.
const UNIX_TIMES: f64 = 1e9;

#[derive(Debug, Args)]
pub(super) struct PulseArgs {
    /// Columns `time_ms,r,g,b`
    #[arg(long, value_name = "FILE")]
    rgb: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct HrvArgs {
    /// One interval a line, in milliseconds or seconds
    #[arg(long, value_name = "FILE")]
    rr: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct StageArgs {
    /// Columns seconds,bpm
    #[arg(long, value_name = "FILE")]
    hr: PathBuf,
    /// Raw acceleration, columns seconds,x,y,z on the same clock
    #[arg(long, value_name = "FILE")]
    motion: Option<PathBuf>,
    /// Bedtime, if it is known: the model then uses the hours since. Second 0 of the file is this moment; where the
    /// file counts seconds from 1970, readings before it are left out
    #[arg(long, value_name = "ISO")]
    start: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SleepwakeArgs {
    /// A device export, or one count a line
    #[arg(long, value_name = "FILE")]
    counts: PathBuf,
    /// Seconds of an epoch, where the file does not say it
    #[arg(long, value_name = "SECONDS")]
    epoch: Option<f64>,
}

pub(super) fn pulse(args: &PulseArgs) -> Outcome {
    print_json(&commands::pulse(&files::rgb(&read(&args.rgb)?).map_err(|e| bad(&args.rgb, &e))?))
}

pub(super) fn hrv(args: &HrvArgs) -> Outcome {
    let intervals = files::rr(&read(&args.rr)?).map_err(|e| bad(&args.rr, &e))?;
    print_json(&commands::hrv(&intervals).map_err(|e| bad(&args.rr, &e))?)
}

pub(super) fn sleepwake(args: &SleepwakeArgs) -> Outcome {
    let file = files::counts(&read(&args.counts)?).map_err(|e| bad(&args.counts, &e))?;
    print_json(&commands::sleep_wake(&file, args.epoch).map_err(|e| bad(&args.counts, &e))?)
}

/// A staged night with the moment of its first epoch.
#[derive(Serialize)]
struct Staged {
    start: Option<String>,
    #[serde(flatten)]
    report: commands::StageReport,
}

pub(super) fn stage(place: &Place, args: &StageArgs) -> Outcome {
    let mut readings = files::heart_rate(&read(&args.hr)?).map_err(|e| bad(&args.hr, &e))?;
    let bedtime = args.start.as_deref().map(|text| time::moment(place, text)).transpose()?;
    let mut from_1970 = false;
    if let Some(bedtime) = bedtime {
        let at = bedtime.as_millisecond() as f64 / 1000.0;
        from_1970 = readings.first().is_some_and(|r| r.seconds >= UNIX_TIMES);
        if from_1970 {
            readings.retain(|r| r.seconds >= at);
        }
        if readings.is_empty() {
            return Err(Failure::new(Code::BadInput, "the start is after the last reading of the file"));
        }
    }
    let moved = args.motion.as_deref().map(read).transpose()?;
    let report =
        commands::stage(&readings, moved.as_deref(), bedtime.is_some()).map_err(|e| bad(&args.hr, &e))?;
    if place.json {
        let epoch_0 = bedtime.and_then(|b| {
            let base = if from_1970 { 0 } else { b.as_millisecond() };
            Timestamp::from_millisecond(base + (report.start_s * 1000.0) as i64).ok()
        });
        let start = epoch_0.map(|t| t.to_zoned(place.setting.zone.clone()).strftime("%FT%T%:z").to_string());
        return print_json(&Staged { start, report });
    }
    writeln!(std::io::stdout().lock(), "{}", report.csv())?;
    Ok(())
}

pub(super) fn read(path: &Path) -> Result<String, Failure> {
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
