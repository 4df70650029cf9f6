//! Importing other apps' and devices' files.
//!
//! [`import`] takes a path (a file, an archive, or a folder), finds out by content what it is, and streams it into the
//! store: archives are not unpacked to disk, and memory does not grow with the file. What a file held and what
//! became of it is counted in the [`ImportReport`]; a second import of the same file stores nothing, because the store
//! itself drops exact duplicates.
//!
//! A person's own table is recognised when its header names a time and a metric; any other is imported with a
//! [`Mapping`] by [`import_csv`]. Databases of other apps are read in place; one inside an archive is held in memory up
//! to 64 MB and is otherwise unpacked to a private file beside the vault for the time of the import, which on Unix has
//! no name while it is used.
//!
//! # A format
//! Each format is a module with one `pub(super) const IMPORTER: Importer`, listed in [`IMPORTERS`]. `recognises` looks
//! at the content ([`Input::head`], [`Input::members`], heads of members), never at the file's extension alone, and is
//! cheap. `import` reads the input front to back, hands every record to the [`Batch`] (which counts it), and
//!
//! - calls [`Context::progress`] often (every few thousand records); its `?` is how a cancelled import ends;
//! - may call [`Context::checkpoint`] between records, and starts at [`Context::resume_at`];
//! - calls [`Context::incomplete`] when the file is damaged after some readable records: what was read stays;
//! - never panics, and puts no value of the file into an error.

mod apple;
mod csv;
mod fit;
#[doc(hidden)]
pub mod fuzzing;
mod gadgetbridge;
mod garmin;
mod health_connect;
mod input;
mod intake;
mod json;
mod loop_habits;
mod loop_table;
mod openscale;
mod openscale_table;
mod oura;
mod own;
mod samsung;
mod sqlite;
mod table;
mod takeout;
mod track;
mod when;
mod withings;
pub(crate) mod xml;

pub use csv::{MappedColumn, Mapping, import_csv, import_csv_input};
pub use input::Input;
pub(crate) use input::Member;

use std::ops::ControlFlow;
use std::path::Path;

use cuba_vault::VaultError;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::HealthError;
use crate::store::{Batch, ImportReport, Store};

/// A format that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names say it; Display gives the words")]
pub enum Format {
    Apple,
    HealthConnect,
    Gadgetbridge,
    Fit,
    Gpx,
    Tcx,
    Fitbit,
    GoogleTakeout,
    Garmin,
    Withings,
    Oura,
    Samsung,
    LoopHabits,
    OpenScale,
    CubaExport,
    Csv,
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Apple => "Apple Health export",
            Self::HealthConnect => "Health Connect export",
            Self::Gadgetbridge => "Gadgetbridge database",
            Self::Fit => "FIT file",
            Self::Gpx => "GPX track",
            Self::Tcx => "TCX workout",
            Self::Fitbit => "Fitbit export",
            Self::GoogleTakeout => "Google Takeout",
            Self::Garmin => "Garmin export",
            Self::Withings => "Withings export",
            Self::Oura => "Oura export",
            Self::Samsung => "Samsung Health export",
            Self::LoopHabits => "Loop Habit Tracker backup",
            Self::OpenScale => "openScale export",
            Self::CubaExport => "Cuba export",
            Self::Csv => "CSV table",
        })
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file read so far; of an archive, unpacked bytes.
    pub done_bytes: u64,
    /// Bytes in all, as far as the file says.
    pub total_bytes: u64,
}

/// What an import needs from outside.
pub struct Options<'a> {
    /// For files that give local times without their offset.
    pub zone: &'a TimeZone,
    /// Now, milliseconds since 1970 UTC: for files whose times lack a year or a date.
    pub now_ms: i64,
    /// Told often; `Break` cancels between records.
    pub progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

/// What one file became.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedFile {
    /// Its name without folders.
    pub name: String,
    /// What it is.
    pub format: Format,
    /// Counts; after a cancelled import, of what was read until then.
    pub report: ImportReport,
    /// Whether an interrupted import was taken up where it had ended; the counts are those since then.
    pub resumed: bool,
    /// What is wrong with the file after what could be read of it; everything before is stored.
    pub incomplete: Option<String>,
}

/// What an import did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Imported {
    /// Each file that was recognised, in order of name.
    pub files: Vec<ImportedFile>,
    /// Files of a folder or archive that are no format of ours, or could not be read: name and why.
    pub left_out: Vec<(String, String)>,
    /// All files together.
    pub report: ImportReport,
    /// Whether the user stopped it. What was stored stays; the next import goes on there.
    pub cancelled: bool,
}

/// Why an importer ends before the end of its file.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The user wants it.
    Cancelled,
    /// It cannot go on.
    Failed(HealthError),
}

macro_rules! stop_from {
    ($($error:ty),+) => { $(impl From<$error> for Stop {
        fn from(error: $error) -> Self {
            Self::Failed(error.into())
        }
    })+ };
}
stop_from!(HealthError, std::io::Error, VaultError, cuba_vault::rusqlite::Error);

/// One format's way in; see the module's documentation.
#[derive(Clone, Copy)]
pub(crate) struct Importer {
    pub(crate) format: Format,
    pub(crate) recognises: fn(&Input) -> bool,
    pub(crate) import: fn(&Input, &mut Batch<'_>, &mut Context<'_>) -> Result<(), Stop>,
}

impl Importer {
    /// Whether files of it are parts of other services' exports too.
    fn is_of_many(&self) -> bool {
        matches!(self.format, Format::Fit | Format::Gpx | Format::Tcx)
    }
}

/// Every format, the most specific first: the first that recognises an input takes it.
const IMPORTERS: &[Importer] = &[
    apple::IMPORTER,
    own::IMPORTER,
    fit::IMPORTER,
    health_connect::IMPORTER,
    gadgetbridge::IMPORTER,
    loop_habits::IMPORTER,
    loop_table::IMPORTER,
    openscale::IMPORTER,
    garmin::IMPORTER,
    samsung::IMPORTER,
    withings::IMPORTER,
    takeout::FITBIT,
    takeout::GOOGLE,
    oura::IMPORTER,
    track::GPX,
    track::TCX,
    openscale_table::IMPORTER,
    csv::IMPORTER,
];

/// What an importer is given beside its file.
pub(crate) struct Context<'a> {
    /// For local times without an offset.
    pub(crate) zone: &'a TimeZone,
    progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    total_bytes: u64,
    mark: String,
    resume_at: Option<String>,
    incomplete: Option<String>,
}

impl Context<'_> {
    /// Tells how many bytes are done.
    ///
    /// # Errors
    /// [`Stop::Cancelled`] when the user wants to stop.
    pub(crate) fn progress(&mut self, done_bytes: u64) -> Result<(), Stop> {
        let progress =
            Progress { done_bytes: done_bytes.min(self.total_bytes), total_bytes: self.total_bytes };
        if (self.progress)(progress).is_break() { Err(Stop::Cancelled) } else { Ok(()) }
    }

    /// What the last [`Context::checkpoint`] of an interrupted import of this same file said.
    pub(crate) fn resume_at(&self) -> Option<&str> {
        self.resume_at.as_deref()
    }

    /// Stores everything taken so far together with the place to go on from.
    pub(crate) fn checkpoint(&self, batch: &mut Batch<'_>, place: &str) -> Result<(), Stop> {
        Ok(batch.checkpoint(&self.mark, place)?)
    }

    /// Notes that the file is damaged from here on (a fragment without user data: "the file ends early").
    pub(crate) fn incomplete(&mut self, reason: impl Into<String>) {
        self.incomplete.get_or_insert(reason.into());
    }
}

/// Imports a file, an archive or a folder.
///
/// # Errors
/// [`HealthError::Unrecognised`] when nothing in it is a format of ours, [`HealthError::BrokenFile`] when it is
/// damaged or a bomb, and those of the database. What was stored before an error stays, and is not stored twice.
pub fn import(store: &Store, path: &Path, options: &mut Options<'_>) -> Result<Imported, HealthError> {
    import_input(store, &Input::open(path)?, options)
}

/// As [`import`], of a file already opened or held in memory.
pub fn import_input(
    store: &Store,
    input: &Input,
    options: &mut Options<'_>,
) -> Result<Imported, HealthError> {
    let mut done = Imported::default();
    import_into(store, input, options, &mut done, 0)?;
    if done.files.is_empty() && !done.cancelled {
        return Err(HealthError::Unrecognised);
    }
    done.files.iter().for_each(|f| done.report.add(&f.report));
    Ok(done)
}

/// A zip in a zip in a folder is as deep as real exports go.
const MAX_DEPTH: u8 = 3;

fn import_into(
    store: &Store,
    input: &Input,
    options: &mut Options<'_>,
    done: &mut Imported,
    depth: u8,
) -> Result<(), HealthError> {
    if let Some(importer) = recogniser(input) {
        let others = others(input, importer, depth);
        if others.is_empty() {
            return take(importer, store, input, options, done);
        }
        // A folder of several exports: each for itself.
        let rest = input.without(&others);
        if let Some(importer) = recogniser(&rest) {
            take(importer, store, &rest, options, done)?;
        }
        return each(store, &others, &|entry| input.entry(entry), options, done, depth);
    }
    if depth >= MAX_DEPTH || input.members().is_empty() {
        done.left_out.push((input.name().to_owned(), HealthError::Unrecognised.to_string()));
        return Ok(());
    }
    // An archive or folder of no known kind: each file in it speaks for itself.
    let nested = |member: &&Member| input.nested(member);
    let members: Vec<&Member> = input.members().iter().collect();
    each(store, &members, &nested, options, done, depth)
}

fn recogniser(input: &Input) -> Option<&'static Importer> {
    IMPORTERS.iter().find(|i| (i.recognises)(input))
}

/// More entries at the top are no collection of exports, but the inside of one.
const MAX_EXPORTS: usize = 60;

/// What lies at the top of a folder or archive and is an export of another kind than the whole was taken for.
fn others(input: &Input, whole: &Importer, depth: u8) -> Vec<String> {
    let entries = input.entries();
    if depth >= MAX_DEPTH || !(2..=MAX_EXPORTS).contains(&entries.len()) {
        return Vec::new();
    }
    let is_other = |i: &Importer| i.format != whole.format && i.format != Format::Csv;
    let other = |entry: &&str| {
        let Ok(part) = input.entry(entry) else { return false };
        match recogniser(&part) {
            Some(importer) => is_other(importer),
            // A folder that is no export may hold files that are.
            None => samples(&part).iter().filter_map(recogniser).any(|i| is_other(i) && !i.is_of_many()),
        }
    };
    entries.into_iter().filter(other).map(str::to_owned).collect()
}

/// Some tables of a folder that are small enough to look at.
fn samples(folder: &Input) -> Vec<Input> {
    const MAX_SIZE: u64 = 16 << 20;
    let tables = folder.members().iter().filter(|m| {
        let name = m.name.to_ascii_lowercase();
        m.size <= MAX_SIZE && [".csv", ".json", ".db"].iter().any(|e| name.ends_with(e))
    });
    tables.take(3).filter_map(|m| folder.nested(m).ok()).collect()
}

/// Imports one after the other; a damaged one is told and the next is taken.
fn each<T: AsRef<str>>(
    store: &Store,
    parts: &[T],
    open: &dyn Fn(&T) -> Result<Input, HealthError>,
    options: &mut Options<'_>,
    done: &mut Imported,
    depth: u8,
) -> Result<(), HealthError> {
    for part in parts {
        if done.cancelled {
            break;
        }
        match open(part).and_then(|i| import_into(store, &i, options, done, depth + 1)) {
            Ok(()) => {}
            Err(error @ HealthError::Vault(_)) => return Err(error),
            Err(error) => {
                let name = part.as_ref().trim_end_matches('/');
                let name = name.rsplit('/').next().unwrap_or(name);
                done.left_out.push((name.to_owned(), error.to_string()));
            }
        }
    }
    Ok(())
}

fn take(
    importer: &Importer,
    store: &Store,
    input: &Input,
    options: &mut Options<'_>,
    done: &mut Imported,
) -> Result<(), HealthError> {
    let (file, cancelled) = import_as(importer.format, &importer.import, store, input, options)?;
    done.files.push(file);
    done.cancelled |= cancelled;
    Ok(())
}

/// Takes a file as the format that the caller knows it to be.
fn import_one(
    format: Format,
    store: &Store,
    input: &Input,
    options: &mut Options<'_>,
    run: &Run<'_>,
) -> Result<Imported, HealthError> {
    let (file, cancelled) = import_as(format, run, store, input, options)?;
    let report = file.report.clone();
    Ok(Imported { files: vec![file], report, cancelled, ..Imported::default() })
}

/// Whether a database was copied out of a running app, with what is not in it yet.
fn has_log(input: &Input) -> bool {
    let Some(path) = input.path().filter(|_| sqlite::is_sqlite(input.head())) else { return false };
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|m| m.len() > 0)
}

/// What reads one format.
type Run<'a> = dyn Fn(&Input, &mut Batch<'_>, &mut Context<'_>) -> Result<(), Stop> + 'a;

fn import_as(
    format: Format,
    run: &Run<'_>,
    store: &Store,
    input: &Input,
    options: &mut Options<'_>,
) -> Result<(ImportedFile, bool), HealthError> {
    let mark = input.fingerprint()?;
    let resume_at = store.import_mark(&mark)?;
    let resumed = resume_at.is_some();
    let mut context = Context {
        zone: options.zone,
        progress: &mut *options.progress,
        total_bytes: input.unpacked_size(),
        mark,
        resume_at,
        incomplete: None,
    };
    if has_log(input) {
        context.incomplete(
            "a file that ends in -wal lies beside the database and holds its newest records, which are not read; \
             use the app's own export",
        );
    }
    let mut batch = store.batch();
    let end = run(input, &mut batch, &mut context);
    let cancelled = match end {
        Ok(()) => {
            batch.forget_checkpoint(&context.mark)?;
            false
        }
        Err(Stop::Cancelled) => true,
        Err(Stop::Failed(error)) => {
            // What was read before is kept; where that fails too, the first fault is the one to tell.
            let _ = batch.stop();
            return Err(error);
        }
    };
    let incomplete = context.incomplete.take();
    let report = if cancelled { batch.stop()? } else { batch.finish()? };
    let name = input.name().to_owned();
    Ok((ImportedFile { name, format, report, resumed, incomplete }, cancelled))
}
