//! Writing many samples: buffered by day, written as whole blocks, counted in and out.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::records::{self, Event, Recording, RoutePoint, Workout};
use super::sources::{self, NewSource};
use super::write::{Inserted, Writer};
use super::{Day, Sample, SourceId, Store, chunk_key, split_key};
use crate::HealthError;
use crate::log::cycle::Flow;
use crate::metric::Metric;

/// Samples held back before the days not touched for longest are written: 5 MB. Files are mostly in order of time, so
/// that a day is complete by then and is packed once.
const MAX_BUFFERED: usize = 160_000;

/// Longest span of one sample. A longer one is a mistake of its source (or a sum over weeks, which belongs to no day).
pub(crate) const MAX_SPAN_MS: i64 = 25 * 3_600_000;

/// Samples are between 1900 and 2200; other times come from broken clocks.
const PLAUSIBLE_MS: std::ops::RangeInclusive<i64> = -2_208_988_800_000..=7_258_118_400_000;

/// Why a record of a file was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// A type of record that Cuba does not know.
    UnknownType,
    /// A unit that does not fit the metric.
    UnknownUnit,
    /// No time, an impossible one, or an end before the start.
    BadTime,
    /// No value, or none that can be read.
    BadValue,
    /// A value that cannot be real.
    Implausible,
    /// Longer than a day.
    TooLong,
    /// Known, and left out on purpose (goals, settings, other people's data).
    NotHealthData,
    /// The file is broken at this place.
    Broken,
}

/// Count in = count out: `read` is the sum of all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Records read from the file.
    pub read: u64,
    /// Stored.
    pub stored: u64,
    /// Exactly there already, in the file or in the store.
    pub duplicates: u64,
    /// Part of another record that was stored (a correlation's members, a session's stages).
    pub merged: u64,
    /// Not stored, by reason and by the file's own name of the type.
    pub skipped: BTreeMap<SkipReason, BTreeMap<String, u64>>,
}

impl ImportReport {
    /// Number of records not stored.
    pub fn skipped_total(&self) -> u64 {
        self.skipped.values().flat_map(BTreeMap::values).sum()
    }

    /// Adds the counts of another file.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.stored += other.stored;
        self.duplicates += other.duplicates;
        self.merged += other.merged;
        for (reason, kinds) in &other.skipped {
            let mine = self.skipped.entry(*reason).or_default();
            for (kind, n) in kinds {
                *mine.entry(kind.clone()).or_default() += n;
            }
        }
    }

    /// Whether every record read is accounted for.
    pub fn balances(&self) -> bool {
        self.read == self.stored + self.duplicates + self.merged + self.skipped_total()
    }
}

enum Record {
    Workout(SourceId, Box<Workout>, Vec<RoutePoint>),
    Event(SourceId, Event),
    Flow(SourceId, Event, Flow),
    Recording(SourceId, Recording),
}

#[derive(Default)]
struct Buffer {
    samples: Vec<Sample>,
    touched: u64,
}

/// A run of inserts. What was not flushed or finished is not stored; what was, is stored whole and synced.
///
/// Inserting the same file again stores nothing: every sample or record that is exactly there is a duplicate.
pub struct Batch<'a> {
    store: &'a Store,
    writer: Writer,
    buffers: HashMap<i64, Buffer>,
    // The importer mostly stays with one series for a while.
    last: (Metric, SourceId, Day),
    pending: Buffer,
    buffered: usize,
    clock: u64,
    records: Vec<Record>,
    report: ImportReport,
}

impl Store {
    /// Starts a run of inserts.
    pub fn batch(&self) -> Batch<'_> {
        Batch {
            store: self,
            writer: Writer::default(),
            buffers: HashMap::new(),
            last: (Metric::HeartRate, super::MERGED, Day(0)),
            pending: Buffer::default(),
            buffered: 0,
            clock: 0,
            records: Vec::new(),
            report: ImportReport::default(),
        }
    }

    /// The value stored under `key` by [`Batch::checkpoint`].
    pub fn import_mark(&self, key: &str) -> Result<Option<String>, HealthError> {
        use cuba_vault::rusqlite::OptionalExtension as _;
        self.vault.read(|tx| {
            Ok(tx
                .query_row("SELECT value FROM import_mark WHERE key = ?1", [key], |r| r.get(0))
                .optional()?)
        })
    }
}

impl Batch<'_> {
    /// The source of this key, made if it is new. Sources are stored at once.
    pub fn source(&mut self, new: &NewSource<'_>) -> Result<SourceId, HealthError> {
        self.store.vault.write(|tx| sources::obtain(tx, new))
    }

    /// Takes a sample; counts it as read. Broken ones are counted as skipped, under the metric's id.
    ///
    /// # Errors
    /// Those of the database, when this sample filled the buffer.
    pub fn sample(&mut self, metric: Metric, source: SourceId, sample: Sample) -> Result<(), HealthError> {
        self.report.read += 1;
        if let Some(reason) = refusal(metric, &sample) {
            *self.report.skipped.entry(reason).or_default().entry(metric.id().to_owned()).or_default() += 1;
            return Ok(());
        }
        let at = (metric, source, sample.day());
        if at != self.last || self.pending.samples.is_empty() {
            self.put_back();
            self.last = at;
            self.pending = self.buffers.remove(&chunk_key(metric, source, at.2)).unwrap_or_default();
        }
        self.pending.samples.push(sample);
        self.buffered += 1;
        if self.buffered >= MAX_BUFFERED {
            self.write_oldest(MAX_BUFFERED / 2)?;
        }
        Ok(())
    }

    /// Takes a workout with its route (empty if there is none); counts one record.
    pub fn workout(
        &mut self,
        source: SourceId,
        workout: Workout,
        route: Vec<RoutePoint>,
    ) -> Result<(), HealthError> {
        if workout.end_ms < workout.start_ms || !plausible(workout.start_ms, workout.end_ms) {
            self.skip(SkipReason::BadTime, "workout");
            return Ok(());
        }
        let weight = route.len() + 16;
        self.record(Record::Workout(source, Box::new(workout), route), weight)
    }

    /// Takes an event; counts one record.
    pub fn event(&mut self, source: SourceId, event: Event) -> Result<(), HealthError> {
        if event.end_ms < event.start_ms || !plausible(event.start_ms, event.end_ms) {
            self.skip(SkipReason::BadTime, "event");
            return Ok(());
        }
        self.record(Record::Event(source, event), 8)
    }

    /// Takes a day of bleeding, as an event and for the cycle log, where the user's own entry of that day stays.
    pub fn flow(&mut self, source: SourceId, event: Event, flow: Flow) -> Result<(), HealthError> {
        if event.end_ms < event.start_ms || !plausible(event.start_ms, event.end_ms) {
            self.skip(SkipReason::BadTime, "event");
            return Ok(());
        }
        self.record(Record::Flow(source, event, flow), 8)
    }

    /// Takes a waveform; counts one record.
    pub fn recording(&mut self, source: SourceId, recording: Recording) -> Result<(), HealthError> {
        let weight = recording.values.len() / 2;
        self.record(Record::Recording(source, recording), weight)
    }

    fn record(&mut self, record: Record, weight: usize) -> Result<(), HealthError> {
        self.report.read += 1;
        self.records.push(record);
        self.buffered += weight;
        if self.buffered >= MAX_BUFFERED {
            self.write_oldest(MAX_BUFFERED / 2)?;
        }
        Ok(())
    }

    /// Counts a record that was read and not stored; `kind` is the file's name of its type, never a value.
    pub fn skip(&mut self, reason: SkipReason, kind: &str) {
        self.report.read += 1;
        let kinds = self.report.skipped.entry(reason).or_default();
        // A hostile file may hold a million type names; the report stays small.
        let kind = if kinds.len() < 200 || kinds.contains_key(kind) { kind } else { "others" };
        *kinds.entry(kind.chars().take(80).collect()).or_default() += 1;
    }

    /// Counts a record that is part of another one that was stored.
    pub fn merged(&mut self) {
        self.report.read += 1;
        self.report.merged += 1;
    }

    /// Counts records that were read and not stored, all for one reason.
    pub(crate) fn skip_many(&mut self, reason: SkipReason, kind: &str, n: u64) {
        if n > 0 {
            self.skip(reason, kind);
            let n = n - 1;
            self.report.read += n;
            let kinds = self.report.skipped.entry(reason).or_default();
            let short: String = kind.chars().take(80).collect();
            let kind = if kinds.contains_key(&short) { short } else { "others".to_owned() };
            *kinds.entry(kind).or_default() += n;
        }
    }

    /// Counts a record that went into the log (a habit's day, a cycle's day) and not through this batch.
    pub(crate) fn entered(&mut self, new: bool) {
        self.report.read += 1;
        if new {
            self.report.stored += 1;
        } else {
            self.report.duplicates += 1;
        }
    }

    /// The store written to.
    pub(crate) fn store(&self) -> &Store {
        self.store
    }

    /// Counts so far; samples still in the buffer are in `read` only.
    pub fn report(&self) -> &ImportReport {
        &self.report
    }

    /// Writes everything taken so far.
    pub fn flush(&mut self) -> Result<(), HealthError> {
        self.write_oldest(0)
    }

    /// Writes everything taken so far together with a mark, so that an interrupted import knows where to go on.
    pub fn checkpoint(&mut self, key: &str, value: &str) -> Result<(), HealthError> {
        self.write(0, Some((key, value)))
    }

    /// Writes everything taken so far and removes a mark: the import it belongs to is done.
    pub(crate) fn forget_checkpoint(&mut self, key: &str) -> Result<(), HealthError> {
        self.flush()?;
        self.store.vault.write(|tx| {
            tx.execute("DELETE FROM import_mark WHERE key = ?1", [key])?;
            Ok(())
        })
    }

    /// Writes the rest and returns the counts; merged sums wait for the next batch or chart. For a run that was
    /// cancelled, when the user waits.
    pub(crate) fn stop(mut self) -> Result<ImportReport, HealthError> {
        self.flush()?;
        Ok(self.report)
    }

    /// Writes the rest, makes the merged sums and returns the counts.
    pub fn finish(mut self) -> Result<ImportReport, HealthError> {
        self.flush()?;
        self.store.settle()?;
        Ok(self.report)
    }

    fn put_back(&mut self) {
        if self.pending.samples.is_empty() {
            return;
        }
        self.clock += 1;
        self.pending.touched = self.clock;
        let (metric, source, day) = self.last;
        self.buffers.insert(chunk_key(metric, source, day), std::mem::take(&mut self.pending));
    }

    fn write_oldest(&mut self, keep: usize) -> Result<(), HealthError> {
        self.write(keep, None)
    }

    /// Writes the days not touched for longest until `keep` samples remain, in one transaction.
    fn write(&mut self, keep: usize, mark: Option<(&str, &str)>) -> Result<(), HealthError> {
        self.put_back();
        let mut by_age: Vec<(u64, i64, usize)> =
            self.buffers.iter().map(|(&key, b)| (b.touched, key, b.samples.len())).collect();
        by_age.sort_unstable();
        let mut remaining: usize = by_age.iter().map(|b| b.2).sum();
        let mut keys = Vec::new();
        for (_, key, len) in by_age {
            if remaining <= keep {
                break;
            }
            remaining -= len;
            keys.push(key);
        }
        // In key order the table grows at its end instead of all over.
        keys.sort_unstable();
        let mut days: Vec<(i64, Vec<Sample>)> =
            keys.iter().filter_map(|key| self.buffers.remove(key).map(|b| (*key, b.samples))).collect();
        let Self { store, writer, records, .. } = self;
        if days.is_empty() && records.is_empty() && mark.is_none() {
            return Ok(());
        }
        let records = std::mem::take(records);
        writer.bounds.reset();
        let done = store.vault.write(|tx| {
            let mut done = Inserted::default();
            for (key, samples) in &mut days {
                let (code, source, day) = split_key(*key);
                let metric = Metric::from_code(code).expect("the key was made from a metric");
                let inserted = writer.insert(tx, metric, source, day, samples)?;
                done.stored += inserted.stored;
                done.duplicates += inserted.duplicates;
            }
            for record in &records {
                let new = match record {
                    Record::Workout(source, workout, route) => {
                        records::insert_workout(tx, *source, workout, route)?
                    }
                    Record::Event(source, event) => records::insert_event(tx, *source, event)?,
                    Record::Flow(source, event, flow) => {
                        tx.prepare_cached(
                            "INSERT OR IGNORE INTO cycle_day (day, flow, note) VALUES (?1, ?2, '')",
                        )?
                        .execute((Day::of(event.start_ms, event.offset_min).0, *flow as i64))?;
                        records::insert_event(tx, *source, event)?
                    }
                    Record::Recording(source, recording) => {
                        records::insert_recording(tx, *source, recording)?
                    }
                };
                if new { done.stored += 1 } else { done.duplicates += 1 }
            }
            if let Some(mark) = mark {
                tx.execute(
                    "INSERT INTO import_mark (key, value) VALUES (?1, ?2)
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    mark,
                )?;
            }
            Ok::<_, HealthError>(done)
        })?;
        self.buffered = remaining;
        self.report.stored += done.stored;
        self.report.duplicates += done.duplicates;
        Ok(())
    }
}

fn plausible(start_ms: i64, end_ms: i64) -> bool {
    PLAUSIBLE_MS.contains(&start_ms) && PLAUSIBLE_MS.contains(&end_ms)
}

fn refusal(metric: Metric, s: &Sample) -> Option<SkipReason> {
    if s.end_ms < s.start_ms || !plausible(s.start_ms, s.end_ms) || s.offset_min.unsigned_abs() > 18 * 60 {
        Some(SkipReason::BadTime)
    } else if s.end_ms - s.start_ms > MAX_SPAN_MS {
        Some(SkipReason::TooLong)
    } else if s.value.is_nan() {
        Some(SkipReason::BadValue)
    } else if metric.accepts(s.value) {
        None
    } else {
        Some(SkipReason::Implausible)
    }
}
