//! Reading: samples of a time, and charts from rollups.

use cuba_vault::rusqlite::{OptionalExtension as _, Transaction};

use super::chunk::{Scratch, rollup_of, unpack};
use super::rollup::unpack_hours;
use super::write::read_day;
use super::{Day, MERGED, Rollup, Sample, SourceId, Store, chunk_key};
use crate::HealthError;
use crate::metric::Metric;

/// How fine a chart is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// Local hours, for a day to a month. In the night when clocks go back, the doubled hour is one bucket.
    Hour,
    /// Local days.
    Day,
    /// Weeks from Monday.
    Week,
    /// Calendar months.
    Month,
}

/// One point of a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChartPoint {
    /// Day of the point; first day of the week or month.
    pub day: Day,
    /// Local hour, for hours only.
    pub hour: Option<u8>,
    /// Merged over sources.
    pub rollup: Rollup,
}

impl Store {
    /// Chart of a metric over the days `from..=to`, merged over its sources; buckets without samples are left out.
    ///
    /// Reads rollups only: for ten million samples under 10 ms for any length (see `examples/bench_store.rs`).
    pub fn chart(
        &self,
        metric: Metric,
        from: Day,
        to: Day,
        bucket: Bucket,
    ) -> Result<Vec<ChartPoint>, HealthError> {
        self.settle_if_stale(metric, from, to)?;
        self.vault.read(|tx| match bucket {
            Bucket::Hour => hours(tx, metric, from, to),
            _ => days(tx, metric, from, to, bucket),
        })
    }

    /// First and last day with samples of a metric (outer bounds after deletions).
    pub fn span(&self, metric: Metric) -> Result<Option<(Day, Day)>, HealthError> {
        self.vault.read(|tx| {
            let bounds: (Option<i32>, Option<i32>) = tx
                .prepare_cached("SELECT min(day), max(day) FROM day_rollup WHERE metric = ?1")?
                .query_row([metric.code()], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok(bounds.0.map(Day).zip(bounds.1.map(Day)))
        })
    }

    /// The samples of one source that start on the local days `from..=to`, in order of start within each day.
    pub fn samples(
        &self,
        metric: Metric,
        source: SourceId,
        from: Day,
        to: Day,
    ) -> Result<Vec<Sample>, HealthError> {
        self.vault.read(|tx| {
            let mut out = Vec::new();
            let mut scratch = Scratch::default();
            let mut statement = tx.prepare_cached(
                "SELECT first_ms, data FROM chunk WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
            )?;
            let mut rows =
                statement.query((chunk_key(metric, source, from), chunk_key(metric, source, to)))?;
            while let Some(row) = rows.next()? {
                let data = row.get_ref(1)?.as_blob().map_err(cuba_vault::rusqlite::Error::from)?;
                unpack(row.get(0)?, data, &mut scratch, &mut out)
                    .ok_or_else(|| HealthError::DamagedDay { metric: metric.id().to_owned() })?;
            }
            Ok(out)
        })
    }

    /// The rollup of one source's day, as stored with its samples.
    pub fn source_day(
        &self,
        metric: Metric,
        source: SourceId,
        day: Day,
    ) -> Result<Option<Rollup>, HealthError> {
        self.vault.read(|tx| {
            Ok(tx
                .prepare_cached(
                    "SELECT n, sum, low, high FROM day_rollup WHERE metric = ?1 AND day = ?2 AND source = ?3",
                )?
                .query_row((metric.code(), day.0, source.0), |r| {
                    let count: i64 = r.get(0)?;
                    Ok(Rollup { count: count as u64, sum: r.get(1)?, min: r.get(2)?, max: r.get(3)? })
                })
                .optional()?)
        })
    }
}

/// Rows of `day_rollup` in order of day; of several sources the merged one comes first and counts alone.
fn each_day(
    tx: &Transaction<'_>,
    metric: Metric,
    from: Day,
    to: Day,
    mut f: impl FnMut(Day, SourceId, Rollup),
) -> Result<(), HealthError> {
    let mut statement = tx.prepare_cached(
        "SELECT day, source, n, sum, low, high FROM day_rollup
         WHERE metric = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY day, source",
    )?;
    let mut rows = statement.query((metric.code(), from.0, to.0))?;
    let mut seen = None;
    while let Some(row) = rows.next()? {
        let day = Day(row.get(0)?);
        if seen == Some(day) {
            continue;
        }
        seen = Some(day);
        let count: i64 = row.get(2)?;
        let rollup = Rollup { count: count as u64, sum: row.get(3)?, min: row.get(4)?, max: row.get(5)? };
        f(day, SourceId(row.get(1)?), rollup);
    }
    Ok(())
}

fn days(
    tx: &Transaction<'_>,
    metric: Metric,
    from: Day,
    to: Day,
    bucket: Bucket,
) -> Result<Vec<ChartPoint>, HealthError> {
    let mut out: Vec<ChartPoint> = Vec::new();
    each_day(tx, metric, from, to, |day, _, rollup| {
        // A merged day in which everything was covered from the day before holds nothing of its own.
        if rollup.count == 0 {
            return;
        }
        let start = match bucket {
            // 1970-01-01 was a Thursday.
            Bucket::Week => day.plus(-(day.0 + 3).rem_euclid(7)),
            Bucket::Month => Day::from_date(day.date().first_of_month()),
            Bucket::Hour | Bucket::Day => day,
        };
        match out.last_mut() {
            Some(last) if last.day == start => last.rollup = last.rollup.and(rollup),
            _ => out.push(ChartPoint { day: start, hour: None, rollup }),
        }
    })?;
    Ok(out)
}

fn hours(tx: &Transaction<'_>, metric: Metric, from: Day, to: Day) -> Result<Vec<ChartPoint>, HealthError> {
    let mut present = Vec::new();
    each_day(tx, metric, from, to, |day, source, rollup| {
        if rollup.count > 0 {
            present.push((day, source));
        }
    })?;
    let damaged = || HealthError::DamagedDay { metric: metric.id().to_owned() };
    let mut scratch = Scratch::default();
    let mut out = Vec::new();
    for (day, source) in present {
        let table = if source == MERGED { "merged_hours" } else { "chunk" };
        let packed: Option<Option<Vec<u8>>> = tx
            .prepare_cached(&format!("SELECT hours FROM {table} WHERE key = ?1"))?
            .query_row([chunk_key(metric, source, day)], |r| r.get(0))
            .optional()?;
        let hours = if let Some(Some(packed)) = packed {
            unpack_hours(&packed).ok_or_else(damaged)?
        } else {
            let mut samples = Vec::new();
            read_day(tx, metric, source, day, &mut scratch, &mut samples)?;
            rollup_of(metric, &samples, &mut scratch).hours
        };
        out.extend(hours.into_iter().map(|(hour, rollup)| ChartPoint { day, hour: Some(hour), rollup }));
    }
    Ok(out)
}
