//! Changing one packed day: read, change, pack, roll up, all in the caller's transaction.

use std::collections::BTreeMap;

use cuba_vault::rusqlite::{OptionalExtension as _, Transaction};

use super::chunk::{MAX_COUNT, Packed, Scratch, pack, unpack};
use super::{Day, Sample, SourceId, chunk_key};
use crate::HealthError;
use crate::metric::Metric;

/// Outer bounds of the days of each series, kept in memory while writing: most days of an import are new, and need
/// not be looked for.
#[derive(Default)]
pub(crate) struct SeriesBounds {
    loaded: bool,
    bounds: BTreeMap<(Metric, SourceId), (Day, Day)>,
}

impl SeriesBounds {
    /// Forgets everything: at the start of each transaction, since another process may have written in between, and
    /// a day believed new would be overwritten.
    pub(crate) fn reset(&mut self) {
        self.loaded = false;
        self.bounds.clear();
    }

    fn load(&mut self, tx: &Transaction<'_>) -> Result<(), HealthError> {
        if self.loaded {
            return Ok(());
        }
        let mut statement = tx.prepare_cached("SELECT metric, source, first_day, last_day FROM series")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(metric) = Metric::from_code(row.get(0)?) {
                self.bounds.insert((metric, SourceId(row.get(1)?)), (Day(row.get(2)?), Day(row.get(3)?)));
            }
        }
        self.loaded = true;
        Ok(())
    }

    fn may_hold(&self, metric: Metric, source: SourceId, day: Day) -> bool {
        self.bounds
            .get(&(metric, source))
            .is_some_and(|(first, last)| first.plus(-1) <= day && day <= last.plus(1))
    }

    fn other_source_near(&self, metric: Metric, source: SourceId, day: Day) -> bool {
        self.bounds
            .range((metric, SourceId(0))..=(metric, SourceId(u16::MAX)))
            .any(|(&(_, s), (first, last))| s != source && first.plus(-1) <= day && day <= last.plus(1))
    }

    fn note(
        &mut self,
        tx: &Transaction<'_>,
        metric: Metric,
        source: SourceId,
        day: Day,
    ) -> Result<(), HealthError> {
        let (first, last) = self.bounds.get(&(metric, source)).copied().unwrap_or((day, day));
        let wider = (first.min(day), last.max(day));
        if self.bounds.insert((metric, source), wider) != Some(wider) {
            tx.prepare_cached(
                "INSERT INTO series (metric, source, first_day, last_day) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (metric, source) DO UPDATE SET first_day = excluded.first_day, last_day = excluded.last_day",
            )?
            .execute((metric.code(), source.0, wider.0.0, wider.1.0))?;
        }
        Ok(())
    }
}

/// What an insert did with its samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inserted {
    pub(crate) stored: u64,
    pub(crate) duplicates: u64,
}

/// Reused buffers of a writer.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bounds: SeriesBounds,
    scratch: Scratch,
    old: Vec<Sample>,
}

impl Writer {
    /// Adds samples of one day to its block; those that are there already are dropped. `new` is emptied.
    pub(crate) fn insert(
        &mut self,
        tx: &Transaction<'_>,
        metric: Metric,
        source: SourceId,
        day: Day,
        new: &mut Vec<Sample>,
    ) -> Result<Inserted, HealthError> {
        self.bounds.load(tx)?;
        let offered = new.len() as u64;
        if !new.is_sorted_by_key(Sample::order_key) {
            // Stable and nearly linear on the mostly sorted runs that files hold.
            new.sort_by_key(Sample::order_key);
        }
        new.dedup_by_key(|s| s.order_key());
        self.old.clear();
        if self.bounds.may_hold(metric, source, day) {
            self.drop_known_in_neighbours(tx, metric, source, day, new)?;
            read_day(tx, metric, source, day, &mut self.scratch, &mut self.old)?;
        }
        let before = self.old.len();
        if before > 0 {
            merge_sorted(&mut self.old, new);
        } else {
            std::mem::swap(&mut self.old, new);
        }
        new.clear();
        let stored = (self.old.len() - before) as u64;
        if stored > 0 {
            if self.old.len() as u64 > MAX_COUNT {
                return Err(HealthError::invalid("a source has more samples in a day than can be stored"));
            }
            let samples = std::mem::take(&mut self.old);
            self.write_day(tx, metric, source, day, &samples)?;
            self.old = samples;
        }
        Ok(Inserted { stored, duplicates: offered - stored })
    }

    /// The same sample may lie on the day before or after under another offset: an export names every time in the
    /// zone where it was made.
    fn drop_known_in_neighbours(
        &mut self,
        tx: &Transaction<'_>,
        metric: Metric,
        source: SourceId,
        day: Day,
        new: &mut Vec<Sample>,
    ) -> Result<(), HealthError> {
        let (Some(first), Some(last)) = (new.first().map(|s| s.start_ms), new.last().map(|s| s.start_ms))
        else {
            return Ok(());
        };
        for neighbour in [day.plus(-1), day.plus(1)] {
            let key = chunk_key(metric, source, neighbour);
            let overlaps = tx
                .prepare_cached("SELECT 1 FROM chunk WHERE key = ?1 AND first_ms <= ?3 AND last_ms >= ?2")?
                .exists((key, first, last))?;
            if overlaps {
                let mut known = Vec::new();
                read_day(tx, metric, source, neighbour, &mut self.scratch, &mut known)?;
                new.retain(|s| known.binary_search_by_key(&s.order_key(), Sample::order_key).is_err());
            }
        }
        Ok(())
    }

    /// Writes a day's samples (sorted, without doubles) and its rollups; no samples remove the day.
    pub(crate) fn write_day(
        &mut self,
        tx: &Transaction<'_>,
        metric: Metric,
        source: SourceId,
        day: Day,
        samples: &[Sample],
    ) -> Result<(), HealthError> {
        self.bounds.load(tx)?;
        let key = chunk_key(metric, source, day);
        if samples.is_empty() {
            tx.prepare_cached("DELETE FROM chunk WHERE key = ?1")?.execute([key])?;
            tx.prepare_cached("DELETE FROM day_rollup WHERE metric = ?1 AND day = ?2 AND source = ?3")?
                .execute((metric.code(), day.0, source.0))?;
        } else {
            let Packed { first_ms, last_ms, hours, data, rollup } = pack(metric, samples, &mut self.scratch);
            tx.prepare_cached(
                "INSERT INTO chunk (key, first_ms, last_ms, hours, data) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (key) DO UPDATE SET first_ms = excluded.first_ms, last_ms = excluded.last_ms,
                 hours = excluded.hours, data = excluded.data",
            )?
            .execute((key, first_ms, last_ms, hours, data))?;
            write_rollup(tx, metric, source, day, &rollup.day)?;
            self.bounds.note(tx, metric, source, day)?;
        }
        if self.bounds.other_source_near(metric, source, day) {
            mark_stale(tx, metric, day)?;
        }
        Ok(())
    }
}

/// A day's merged sums also depend on what reaches over midnight, and, between sources of different offsets, on local
/// days that overlap in time: [`super::batch::MAX_SPAN_MS`] and 26 hours of offsets give these neighbours.
pub(crate) fn mark_stale(tx: &Transaction<'_>, metric: Metric, day: Day) -> Result<(), HealthError> {
    let mut statement = tx.prepare_cached("INSERT OR IGNORE INTO stale_day (metric, day) VALUES (?1, ?2)")?;
    for d in [day.plus(-1), day, day.plus(1), day.plus(2)] {
        statement.execute((metric.code(), d.0))?;
    }
    Ok(())
}

pub(crate) fn write_rollup(
    tx: &Transaction<'_>,
    metric: Metric,
    source: SourceId,
    day: Day,
    rollup: &super::Rollup,
) -> Result<(), HealthError> {
    tx.prepare_cached(
        "INSERT INTO day_rollup (metric, day, source, n, sum, low, high) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (metric, day, source) DO UPDATE SET n = excluded.n, sum = excluded.sum, low = excluded.low,
         high = excluded.high",
    )?
    .execute((metric.code(), day.0, source.0, rollup.count as i64, rollup.sum, rollup.min, rollup.max))?;
    Ok(())
}

/// Appends the samples of a day to `out`.
pub(crate) fn read_day(
    tx: &Transaction<'_>,
    metric: Metric,
    source: SourceId,
    day: Day,
    scratch: &mut Scratch,
    out: &mut Vec<Sample>,
) -> Result<(), HealthError> {
    let mut statement = tx.prepare_cached("SELECT first_ms, data FROM chunk WHERE key = ?1")?;
    let found = statement
        .query_row([chunk_key(metric, source, day)], |row| {
            let first: i64 = row.get(0)?;
            Ok(unpack(first, row.get_ref(1)?.as_blob()?, scratch, out))
        })
        .optional()?;
    match found {
        Some(None) => Err(HealthError::DamagedDay { metric: metric.id().to_owned() }),
        _ => Ok(()),
    }
}

/// Merges `new` into `old`, both sorted; equal samples once.
fn merge_sorted(old: &mut Vec<Sample>, new: &[Sample]) {
    let appends = match (old.last(), new.first()) {
        (Some(last), Some(first)) => last.order_key() < first.order_key(),
        _ => true,
    };
    old.extend_from_slice(new);
    if !appends {
        // The old sample comes first among equals, and stays.
        old.sort_by_key(Sample::order_key);
        old.dedup_by_key(|s| s.order_key());
    }
}
