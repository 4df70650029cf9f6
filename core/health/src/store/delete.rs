//! Deletion that really deletes, and editing of single days.

use cuba_vault::rusqlite::Transaction;

use super::chunk::Scratch;
use super::write::{Writer, mark_stale, read_day};
use super::{Day, Sample, SourceId, Store, chunk_key, split_key};
use crate::HealthError;
use crate::metric::Metric;

/// What to delete. Everything left open (`None`) means all; the default deletes all samples and records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Of one metric. Workouts, events and recordings are no metric: they stay when one is given.
    pub metric: Option<Metric>,
    /// Of one source.
    pub source: Option<SourceId>,
    /// From this local day.
    pub from: Option<Day>,
    /// To this local day, itself included.
    pub to: Option<Day>,
}

/// How much was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Samples.
    pub samples: u64,
    /// Workouts, events and recordings.
    pub records: u64,
}

impl Store {
    /// Deletes samples and records for good: their bytes are overwritten in the database, the log of recent writes is
    /// emptied and the file is rewritten. Older backups still hold them. Needs free space as large as the database.
    ///
    /// ```no_run
    /// # use cuba_health::{metric::Metric, store::{Scope, Store}};
    /// # fn f(store: &Store) -> Result<(), cuba_health::HealthError> {
    /// store.delete(Scope { metric: Some(Metric::BloodAlcohol), ..Scope::default() })?;
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, scope: Scope) -> Result<Deleted, HealthError> {
        let deleted = self.vault.write_erasing(|tx| {
            let mut deleted = Deleted { samples: delete_samples(tx, scope)?, records: 0 };
            if scope.metric.is_none() {
                deleted.records = delete_records(tx, scope)?;
                if let (Some(source), None, None) = (scope.source, scope.from, scope.to) {
                    tx.execute("DELETE FROM source WHERE id = ?1", [source.0])?;
                }
            }
            Ok::<_, HealthError>(deleted)
        })?;
        self.settle()?;
        self.vault.compact()?;
        Ok(deleted)
    }

    /// Changes one source's samples of one local day; rollups follow. What `edit` leaves is sorted and cleared of
    /// doubles. Returns how many samples the day has now.
    ///
    /// # Errors
    /// [`HealthError::Invalid`] if a sample then starts on another day or has an impossible value.
    pub fn edit_day(
        &self,
        metric: Metric,
        source: SourceId,
        day: Day,
        edit: impl FnOnce(&mut Vec<Sample>),
    ) -> Result<usize, HealthError> {
        let left = self.vault.write(|tx| {
            let mut samples = Vec::new();
            read_day(tx, metric, source, day, &mut Scratch::default(), &mut samples)?;
            edit(&mut samples);
            samples.sort_by_key(Sample::order_key);
            samples.dedup_by_key(|s| s.order_key());
            let fits = |s: &Sample| s.day() == day && s.end_ms >= s.start_ms && metric.accepts(s.value);
            if !samples.iter().all(fits) {
                return Err(HealthError::invalid("a sample does not belong to the day or cannot be real"));
            }
            Writer::default().write_day(tx, metric, source, day, &samples)?;
            Ok(samples.len())
        })?;
        self.settle()?;
        Ok(left)
    }
}

fn delete_samples(tx: &Transaction<'_>, scope: Scope) -> Result<u64, HealthError> {
    let mut statement = tx.prepare_cached("SELECT metric, source FROM series")?;
    let rows = statement.query_map([], |r| Ok((r.get::<_, u16>(0)?, SourceId(r.get(1)?))))?;
    let all: Vec<(u16, SourceId)> = rows.collect::<Result<_, _>>()?;
    let (from, to) = (scope.from.unwrap_or(Day(-Day::LIMIT)), scope.to.unwrap_or(Day(Day::LIMIT)));
    let mut samples = 0;
    for &(code, source) in &all {
        let Some(metric) = Metric::from_code(code) else { continue };
        if scope.metric.is_some_and(|m| m != metric) || scope.source.is_some_and(|s| s != source) {
            continue;
        }
        let range = (code, source.0, from.0, to.0);
        let n: i64 = tx
            .prepare_cached(
                "SELECT coalesce(sum(n), 0) FROM day_rollup WHERE metric = ?1 AND source = ?2 AND day BETWEEN ?3 AND ?4",
            )?
            .query_row(range, |r| r.get(0))?;
        samples += n as u64;
        let keys = (chunk_key(metric, source, from), chunk_key(metric, source, to));
        let mut statement = tx.prepare_cached("SELECT key FROM chunk WHERE key BETWEEN ?1 AND ?2")?;
        let days: Vec<i64> = statement.query_map(keys, |r| r.get(0))?.collect::<Result<_, _>>()?;
        for key in days {
            mark_stale(tx, metric, split_key(key).2)?;
        }
        tx.prepare_cached("DELETE FROM chunk WHERE key BETWEEN ?1 AND ?2")?.execute(keys)?;
        tx.prepare_cached(
            "DELETE FROM day_rollup WHERE metric = ?1 AND source = ?2 AND day BETWEEN ?3 AND ?4",
        )?
        .execute(range)?;
        let left: (Option<i32>, Option<i32>) = tx
            .prepare_cached("SELECT min(day), max(day) FROM day_rollup WHERE metric = ?1 AND source = ?2")?
            .query_row((code, source.0), |r| Ok((r.get(0)?, r.get(1)?)))?;
        if let (Some(first), Some(last)) = left {
            tx.execute(
                "UPDATE series SET first_day = ?3, last_day = ?4 WHERE metric = ?1 AND source = ?2",
                (code, source.0, first, last),
            )?;
        } else {
            tx.execute("DELETE FROM series WHERE metric = ?1 AND source = ?2", (code, source.0))?;
        }
    }
    Ok(samples)
}

fn delete_records(tx: &Transaction<'_>, scope: Scope) -> Result<u64, HealthError> {
    let mut records = 0;
    let source = scope.source.map(|s| s.0);
    for table in ["workout", "event", "recording"] {
        // Local days as for samples: the start shifted by its own offset, rounded down.
        let sql = format!(
            "DELETE FROM {table} WHERE (?1 IS NULL OR source = ?1)
             AND (?2 IS NULL OR start_ms + offset_min * 60000 >= ?2 * 86400000)
             AND (?3 IS NULL OR start_ms + offset_min * 60000 < (?3 + 1) * 86400000)"
        );
        records += tx.execute(&sql, (source, scope.from.map(|d| d.0), scope.to.map(|d| d.0)))? as u64;
    }
    Ok(records)
}
