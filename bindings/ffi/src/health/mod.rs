//! The health log: importing, asking, merging, backing up.

mod habits;
mod views;

pub use habits::{HabitRequest, HabitView};
pub use views::{
    BackupRequest, BackupSecret, Bucket, ChartPointView, ChartRequest, ImportView, ImportedFileView,
    MergeReasonView, MergedDayView, MergedPartView, MetricView, MoodView, NightView, ProtectionView,
    RecordRequest, SampleRecord, SkippedView, SourceView,
};

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use cuba_health::import::{self, Options};
use cuba_health::metric::Metric;
use cuba_health::store::{self, Day, NewSource, Sample, Store};
use cuba_vault::{KeyFile, KeyStore, OpenOptions, Passphrase, RecoveryKey};

use crate::cuba::Shared;
use crate::platform::AppKeyStore;
use crate::task::{Board, Lane, guard, progress, task};
use crate::{CubaError, ProgressListener, ProgressState};

task!(
    /// Importing files. What was stored before a cancel stays; importing again goes on there.
    ImportTask -> ImportView
);
task!(
    /// Writing or reading a backup or an export; gives the file's path.
    FileTask -> String
);

/// Cuba Health. The encrypted database is opened by the first call that needs it.
#[derive(uniffi::Object)]
pub struct Health {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    opened: Arc<Mutex<Option<Store>>>,
}

impl Health {
    pub(crate) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        // Two: a chart's export need not wait for an import.
        Arc::new(Self { shared: shared.clone(), lane: Lane::new(2), opened: Arc::default() })
    }

    pub(crate) fn shut_down(&self) {
        self.lane.cancel_all();
        guard(&self.opened).take();
    }

    fn store(&self) -> Result<Store, CubaError> {
        opened(&self.shared, &self.opened)
    }

    fn start_file(
        &self,
        listener: Option<Arc<dyn ProgressListener>>,
        work: impl FnOnce(Work<'_>) -> Result<String, CubaError> + Send + 'static,
    ) -> Arc<FileTask> {
        let (shared, opened) = (self.shared.clone(), self.opened.clone());
        FileTask::of(self.lane.start(progress(listener), move |cancel, board| {
            shared.open()?;
            work(Work { shared: &shared, opened: &opened, cancel, board })
        }))
    }
}

/// What a file task works with.
struct Work<'a> {
    shared: &'a Shared,
    opened: &'a Mutex<Option<Store>>,
    cancel: &'a AtomicBool,
    board: &'a Board<ProgressState>,
}

impl Work<'_> {
    fn store(&self) -> Result<Store, CubaError> {
        opened(self.shared, self.opened)
    }

    fn report(&self, done: u64, total: u64) -> ControlFlow<()> {
        report(self.cancel, self.board, done, total)
    }
}

fn report(cancel: &AtomicBool, board: &Board<ProgressState>, done: u64, total: u64) -> ControlFlow<()> {
    board.update(|state| (state.done, state.total) = (done, total));
    if cancel.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

fn database(shared: &Shared) -> PathBuf {
    shared.home.join("vault").join("cuba.db")
}

fn keys(shared: &Shared) -> Result<Box<dyn KeyStore>, CubaError> {
    if let Some(keys) = &shared.platform.key_store {
        return Ok(Box::new(AppKeyStore::new(keys.clone())?));
    }
    Ok(match &shared.passphrase {
        Some(passphrase) => Box::new(Passphrase::new(passphrase.as_str())),
        None => Box::new(KeyFile::new(shared.home.join("keys").join("vault.kek"))),
    })
}

fn opened(shared: &Shared, slot: &Mutex<Option<Store>>) -> Result<Store, CubaError> {
    shared.open()?;
    let mut slot = guard(slot);
    if let Some(store) = &*slot {
        return Ok(store.clone());
    }
    let store = Store::open(&database(shared), &*keys(shared)?, &OpenOptions::at(shared.platform.now()))?;
    *slot = Some(store.clone());
    Ok(store)
}

#[uniffi::export]
impl Health {
    /// What protects the database, and whether a damaged one had to be moved aside. Opens it.
    pub fn protection(&self) -> Result<ProtectionView, CubaError> {
        let store = self.store()?;
        let aside = store.vault().set_aside();
        Ok(ProtectionView {
            protection: store.vault().protection().to_owned(),
            damaged_moved_to: aside.map(|aside| aside.moved_to.display().to_string()),
        })
    }

    /// Every metric Cuba knows, with its unit.
    pub fn metrics(&self) -> Vec<MetricView> {
        Metric::all().map(MetricView::from).collect()
    }

    /// The metrics that have samples.
    pub fn present(&self) -> Result<Vec<MetricView>, CubaError> {
        Ok(self.store()?.series()?.into_iter().map(|(metric, _)| MetricView::from(metric)).collect())
    }

    /// Every device and app that measured something, oldest first.
    pub fn sources(&self) -> Result<Vec<SourceView>, CubaError> {
        Ok(self.store()?.sources()?.into_iter().map(SourceView::from).collect())
    }

    /// Imports a file, an archive or a folder of any app that Cuba knows: found out by content. Importing the same file
    /// again stores nothing.
    pub fn import_file(&self, path: String, listener: Option<Arc<dyn ProgressListener>>) -> Arc<ImportTask> {
        let (shared, slot) = (self.shared.clone(), self.opened.clone());
        ImportTask::of(self.lane.start(progress(listener), move |cancel, board| {
            let store = opened(&shared, &slot)?;
            let mut options = Options {
                zone: &shared.platform.zone(),
                now_ms: shared.platform.now().as_millisecond(),
                progress: &mut |p: import::Progress| report(cancel, board, p.done_bytes, p.total_bytes),
            };
            Ok(import::import(&store, Path::new(&path), &mut options)?.into())
        }))
    }

    /// Stores samples that the app measured itself; gives the number that was new. A live recorder hands over some
    /// seconds at a time.
    pub fn record(&self, request: RecordRequest) -> Result<u64, CubaError> {
        let store = self.store()?;
        let metric = metric(&request.metric)?;
        let mut batch = store.batch();
        let new = NewSource::new(&request.source_key, &request.source_name, request.source_kind.parse()?);
        let source = batch.source(&new)?;
        for s in request.samples {
            let offset_min = i16::try_from(s.offset_minutes)
                .map_err(|_| CubaError::bad_input("an offset from UTC is out of range"))?;
            let sample = Sample { start_ms: s.start_ms, end_ms: s.end_ms, value: s.value, offset_min };
            batch.sample(metric, source, sample)?;
        }
        Ok(batch.finish()?.stored)
    }

    /// A chart of a metric, merged over its sources; buckets without samples are left out.
    pub fn chart(&self, request: ChartRequest) -> Result<Vec<ChartPointView>, CubaError> {
        let metric = metric(&request.metric)?;
        let (from, to) = (day(&request.from_day)?, day(&request.to_day)?);
        let points = self.store()?.chart(metric, from, to, request.bucket.into())?;
        Ok(points.into_iter().map(ChartPointView::from).collect())
    }

    /// What counts on a local day (`2026-11-23`) and why the rest does not: which source beat which, from when to when.
    pub fn merged_day(&self, metric_id: String, day_text: String) -> Result<MergedDayView, CubaError> {
        let store = self.store()?;
        let merged = store.merged_day(metric(&metric_id)?, day(&day_text)?)?;
        Ok(MergedDayView::new(&merged, &store.sources()?))
    }

    /// The keys of sources from the most to the least preferred for a metric.
    pub fn priority(&self, metric_id: String) -> Result<Vec<String>, CubaError> {
        let store = self.store()?;
        let sources = store.sources()?;
        let order = store.priority(metric(&metric_id)?)?;
        Ok(order.iter().filter_map(|id| Some(sources.iter().find(|s| s.id == *id)?.key.clone())).collect())
    }

    /// Sets the order of sources, by key, for one metric or for all (`None`); an empty order goes back to the default.
    pub fn set_priority(&self, metric_id: Option<String>, source_keys: Vec<String>) -> Result<(), CubaError> {
        let store = self.store()?;
        let sources = store.sources()?;
        let find = |key: &String| {
            let found = sources.iter().find(|source| source.key == *key).map(|source| source.id);
            found.ok_or_else(|| CubaError::bad_input("there is no such source"))
        };
        let order = source_keys.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        Ok(store.set_priority(metric_id.as_deref().map(metric).transpose()?, &order)?)
    }

    /// Nights whose day of waking up lies between two days.
    pub fn nights(&self, from_day: String, to_day: String) -> Result<Vec<NightView>, CubaError> {
        let nights = self.store()?.sleep(day(&from_day)?, day(&to_day)?)?;
        Ok(nights.iter().filter_map(NightView::of).collect())
    }

    /// Enters a mood; one at the same moment is replaced.
    pub fn enter_mood(&self, mood: MoodView) -> Result<(), CubaError> {
        Ok(self.store()?.enter_mood(&mood.to_core()?)?)
    }

    /// Moods that start in `from_ms..to_ms`, oldest first.
    pub fn moods(&self, from_ms: i64, to_ms: i64) -> Result<Vec<MoodView>, CubaError> {
        Ok(self.store()?.moods(from_ms, to_ms)?.into_iter().map(MoodView::from).collect())
    }

    /// Writes everything in the open format, readable by anyone: not sealed.
    pub fn export(&self, file: String, listener: Option<Arc<dyn ProgressListener>>) -> Arc<FileTask> {
        self.start_file(listener, move |work| {
            let store = work.store()?;
            let unfinished = PathBuf::from(format!("{file}.unfinished"));
            let written = write_export(&store, &unfinished)
                .and_then(|()| std::fs::rename(&unfinished, &file).map_err(cuba_health::HealthError::from));
            if let Err(error) = written {
                let _ = std::fs::remove_file(&unfinished);
                return Err(error.into());
            }
            Ok(file)
        })
    }

    /// Seals everything into one file that opens on another device.
    pub fn backup(
        &self,
        request: BackupRequest,
        listener: Option<Arc<dyn ProgressListener>>,
    ) -> Arc<FileTask> {
        self.start_file(listener, move |work| {
            let store = work.store()?;
            let now = work.shared.platform.now();
            request.secret.with(|secret| {
                let file = Path::new(&request.file);
                cuba_vault::backup(store.vault(), file, secret, now, &mut |p| work.report(p.done, p.total))
            })?;
            Ok(request.file)
        })
    }

    /// Replaces the database by a backup. The present one stays until the new one is proven, and is untouched by any error.
    pub fn restore(
        &self,
        request: BackupRequest,
        listener: Option<Arc<dyn ProgressListener>>,
    ) -> Arc<FileTask> {
        self.start_file(listener, move |work| {
            // Held until the end, so that nobody opens the old database meanwhile.
            let mut slot = guard(work.opened);
            slot.take();
            request.secret.with(|secret| {
                cuba_vault::restore(
                    &database(work.shared),
                    &*keys(work.shared)?,
                    &[store::SCHEMA],
                    Path::new(&request.file),
                    secret,
                    &OpenOptions::at(work.shared.platform.now()),
                    &mut |p| work.report(p.done, p.total),
                )
                .map_err(CubaError::from)
            })?;
            Ok(request.file)
        })
    }
}

/// A new recovery key in letters: to be shown once, written on paper, and used as [`BackupSecret::RecoveryKey`].
#[uniffi::export]
pub fn new_recovery_key() -> Result<String, CubaError> {
    Ok(RecoveryKey::generate()?.to_text().to_string())
}

fn write_export(store: &Store, to: &Path) -> Result<(), cuba_health::HealthError> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(to)?);
    store::export(store, &mut out)?;
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    Ok(file.sync_all()?)
}

fn metric(id: &str) -> Result<Metric, CubaError> {
    id.parse().map_err(|_| CubaError::bad_input("there is no such metric: metrics() lists them"))
}

fn day(text: &str) -> Result<Day, CubaError> {
    let date = text.parse::<jiff::civil::Date>();
    date.map(Day::from_date).map_err(|_| CubaError::bad_input("a day is written like 2026-11-23"))
}
