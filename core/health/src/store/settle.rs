//! Merged sums: made again for the days whose sources or order changed.

use cuba_vault::rusqlite::{OptionalExtension as _, Transaction};

use super::chunk::{Scratch, unpack};
use super::rollup::{Adder, DayRollup, pack_hours};
use super::write::write_rollup;
use super::{Day, MERGED, SourceId, Store, chunk_key, sources, split_key};
use crate::HealthError;
use crate::merge::{Merged, SleepDay, SourceSamples, merge, merge_sleep};
use crate::metric::{Kind, Metric, Overlap};

/// Days made again in one transaction: bounds what a kill can undo and how long a writer waits.
const DAYS_A_STEP: usize = 256;

impl Store {
    /// Makes the merged sums of all stale days. A batch does so when it ends; after a crash the next one, or the
    /// first chart that needs them.
    pub fn settle(&self) -> Result<(), HealthError> {
        while self.settle_step(None)? {}
        Ok(())
    }

    pub(crate) fn settle_if_stale(&self, metric: Metric, from: Day, to: Day) -> Result<(), HealthError> {
        let range = (metric.code(), from.0, to.0);
        let stale = self.vault.read(|tx| {
            Ok::<_, HealthError>(
                tx.prepare_cached(
                    "SELECT 1 FROM stale_day WHERE metric = ?1 AND day BETWEEN ?2 AND ?3 LIMIT 1",
                )?
                .exists(range)?,
            )
        })?;
        if stale {
            while self.settle_step(Some(metric))? {}
        }
        Ok(())
    }

    /// Returns whether there may be more.
    fn settle_step(&self, only: Option<Metric>) -> Result<bool, HealthError> {
        let code = only.map_or(0, Metric::code);
        let select =
            "SELECT metric, day FROM stale_day WHERE ?1 = 0 OR metric = ?1 ORDER BY metric, day LIMIT ?2";
        let any =
            self.vault.read(|tx| Ok::<_, HealthError>(tx.prepare_cached(select)?.exists((code, 1))?))?;
        if !any {
            return Ok(false);
        }
        self.vault.write(|tx| {
            let mut statement = tx.prepare_cached(select)?;
            let rows =
                statement.query_map((code, DAYS_A_STEP as i64), |r| Ok((r.get::<_, u16>(0)?, r.get(1)?)))?;
            let stale: Vec<(u16, i32)> = rows.collect::<Result<_, _>>()?;
            let mut settler = Settler::default();
            for &(code, day) in &stale {
                if let Some(metric) = Metric::from_code(code) {
                    settler.settle_day(tx, metric, Day(day))?;
                }
                tx.prepare_cached("DELETE FROM stale_day WHERE metric = ?1 AND day = ?2")?
                    .execute((code, day))?;
            }
            Ok(stale.len() == DAYS_A_STEP)
        })
    }

    /// What counts on a local day and why the rest does not, over all sources.
    ///
    /// The parts are those whose sample starts on the day, by its own offset.
    pub fn merged_day(&self, metric: Metric, day: Day) -> Result<Merged, HealthError> {
        self.vault.read(|tx| {
            let order = sources::order(tx, metric)?;
            let sources = Settler::default().load(tx, metric, day, &order)?;
            Ok(of_day(merge(metric, &sources), day))
        })
    }

    /// Nights and naps whose day of waking up is in `from..=to`.
    pub fn sleep(&self, from: Day, to: Day) -> Result<Vec<SleepDay>, HealthError> {
        let metric = Metric::SleepStage;
        let order = self.priority(metric)?;
        let mut sources = Vec::new();
        for source in order {
            // A session that ends on the first day may have begun two local days before.
            let mut samples = self.samples(metric, source, from.plus(-2), to.plus(1))?;
            samples.sort_by_key(super::Sample::order_key);
            if !samples.is_empty() {
                sources.push(SourceSamples { source, samples });
            }
        }
        let mut days = merge_sleep(&sources);
        days.retain(|d| from <= d.day && d.day <= to);
        Ok(days)
    }
}

fn of_day(mut merged: Merged, day: Day) -> Merged {
    merged.parts.retain(|p| p.sample.day() == day);
    merged
}

#[derive(Default)]
struct Settler {
    scratch: Scratch,
    order: Option<(Metric, Vec<SourceId>)>,
}

impl Settler {
    fn settle_day(&mut self, tx: &Transaction<'_>, metric: Metric, day: Day) -> Result<(), HealthError> {
        let order = match self.order.take() {
            Some((m, order)) if m == metric => order,
            _ => sources::order(tx, metric)?,
        };
        let sources = self.load(tx, metric, day, &order)?;
        self.order = Some((metric, order));
        let on_day: Vec<&SourceSamples> =
            sources.iter().filter(|s| s.samples.iter().any(|x| x.day() == day)).collect();
        let key = chunk_key(metric, MERGED, day);
        let merged = if sources.len() > 1 && !on_day.is_empty() {
            let merged = merge(metric, &sources);
            // A single source that nothing from a neighbouring day reaches is its own truth.
            (on_day.len() > 1 || !merged.reasons.is_empty()).then(|| of_day(merged, day))
        } else {
            None
        };
        let Some(merged) = merged else {
            tx.prepare_cached("DELETE FROM day_rollup WHERE metric = ?1 AND day = ?2 AND source = 0")?
                .execute((metric.code(), day.0))?;
            tx.prepare_cached("DELETE FROM merged_hours WHERE key = ?1")?.execute([key])?;
            return Ok(());
        };
        let rollup = roll_up(metric, &merged);
        write_rollup(tx, metric, MERGED, day, &finite(rollup.day))?;
        tx.prepare_cached(
            "INSERT INTO merged_hours (key, hours) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET hours = excluded.hours",
        )?
        .execute((key, pack_hours(&rollup.hours, None)))?;
        Ok(())
    }

    /// Every source's samples of a day, with those of neighbouring days that reach into its time.
    fn load(
        &mut self,
        tx: &Transaction<'_>,
        metric: Metric,
        day: Day,
        order: &[SourceId],
    ) -> Result<Vec<SourceSamples>, HealthError> {
        let reach = match metric.info().overlap {
            Overlap::Span => 0,
            Overlap::Reach(ms) | Overlap::Echo(ms) => ms,
        };
        let mut blocks: Vec<(SourceId, Day, i64, i64)> = Vec::new();
        for &source in order {
            let mut statement =
                tx.prepare_cached("SELECT key, first_ms, last_ms FROM chunk WHERE key BETWEEN ?1 AND ?2")?;
            let keys = (chunk_key(metric, source, day.plus(-2)), chunk_key(metric, source, day.plus(2)));
            let mut rows = statement.query(keys)?;
            while let Some(row) = rows.next()? {
                let (_, _, d) = split_key(row.get(0)?);
                blocks.push((source, d, row.get(1)?, row.get(2)?));
            }
        }
        let extent = blocks.iter().filter(|b| b.1 == day).fold(None, |extent: Option<(i64, i64)>, b| {
            let (first, last) = extent.unwrap_or((b.2, b.3));
            Some((first.min(b.2), last.max(b.3)))
        });
        let Some((first, last)) = extent else { return Ok(Vec::new()) };
        let (first, last) = (first - reach, last + reach);
        let mut out: Vec<SourceSamples> = Vec::new();
        for (source, d, block_first, block_last) in blocks {
            if block_last < first || block_first > last {
                continue;
            }
            if out.last().is_none_or(|s| s.source != source) {
                out.push(SourceSamples { source, samples: Vec::new() });
            }
            let Some(samples) = out.last_mut().map(|s| &mut s.samples) else { continue };
            let before = samples.len();
            self.read(tx, metric, source, d, samples)?;
            if d != day {
                let tail = samples.split_off(before);
                samples.extend(tail.into_iter().filter(|s| s.end_ms >= first && s.start_ms <= last));
            }
        }
        for s in &mut out {
            s.samples.sort_by_key(super::Sample::order_key);
        }
        out.retain(|s| !s.samples.is_empty());
        Ok(out)
    }

    fn read(
        &mut self,
        tx: &Transaction<'_>,
        metric: Metric,
        source: SourceId,
        day: Day,
        out: &mut Vec<super::Sample>,
    ) -> Result<(), HealthError> {
        let mut statement = tx.prepare_cached("SELECT first_ms, data FROM chunk WHERE key = ?1")?;
        let read = statement
            .query_row([chunk_key(metric, source, day)], |row| {
                let first = row.get(0)?;
                Ok(unpack(first, row.get_ref(1)?.as_blob()?, &mut self.scratch, out))
            })
            .optional()?;
        match read {
            Some(None) => Err(HealthError::DamagedDay { metric: metric.id().to_owned() }),
            _ => Ok(()),
        }
    }
}

fn roll_up(metric: Metric, merged: &Merged) -> DayRollup {
    let interval = metric.info().kind == Kind::Interval;
    let mut hours = [Adder::EMPTY; 24];
    let mut day = Adder::EMPTY;
    for p in &merged.parts {
        let amount = if interval { (p.end_ms - p.start_ms) as f64 / 1000.0 } else { p.value };
        let hour = super::Sample { start_ms: p.start_ms, ..p.sample }.hour();
        day.add_float(amount, p.value);
        hours.get_mut(usize::from(hour)).expect("an hour is below 24").add_float(amount, p.value);
    }
    DayRollup::from_adders(&day, &hours, None)
}

/// Databases hold no infinities: a day wholly covered from its neighbours has zeros.
fn finite(r: super::Rollup) -> super::Rollup {
    if r.count == 0 { super::Rollup { min: 0.0, max: 0.0, ..r } } else { r }
}
