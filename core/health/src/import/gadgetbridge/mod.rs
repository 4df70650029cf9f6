//! Gadgetbridge's database: every gadget family has tables of its own, with columns named alike.
//!
//! Readings are found by column name in any table that has a time and a device, so that a gadget newer than this code
//! gives its heart rate and steps too. What differs by family is written down here: stages of sleep, and the three
//! families whose steps are running totals since local midnight. Times are in seconds in some tables and in
//! milliseconds in others; their size tells.

mod kinds;

use std::collections::BTreeMap;

use kinds::{Sleep, kind_of, stage_codes, stage_of, summary, workout_kind};

use super::intake::Intake;
use super::sqlite::{Database, is_sqlite, member_named, quoted};
use super::{Format, Importer, Input, Stop};
use crate::HealthError;
use crate::metric::{Metric, SleepStage};
use crate::store::{Day, SkipReason, SourceId, Workout};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::Gadgetbridge,
    recognises,
    import: |input, batch, context| {
        let database = match member_named(input, "gadgetbridge") {
            Some(member) => Database::open_member(input, member, batch.store().vault().path())?,
            None => Database::open(input)?,
        };
        Reading { database: &database, intake: Intake::new(batch, context), devices: BTreeMap::new() }.all()
    },
};

fn recognises(input: &Input) -> bool {
    member_named(input, "gadgetbridge").is_some()
        || (is_sqlite(input.head())
            && Database::open(input).is_ok_and(|d| {
                d.has("device", "identifier")
                    && (d.has_table("base_activity_summary") || d.tables().any(|t| t.ends_with("_sample")))
            }))
}

struct Device {
    source: SourceId,
    first_miband: bool,
}

struct Reading<'d, 'a, 'b, 'c> {
    database: &'d Database,
    intake: Intake<'a, 'b, 'c>,
    devices: BTreeMap<i64, Device>,
}

/// Columns that hold a reading: name, metric, factor to the metric's unit, least and greatest real value.
const READINGS: &[(&str, Metric, f64, f64, f64)] = &[
    ("heart_rate", Metric::HeartRate, 1.0, 20.0, 250.0),
    ("spo2", Metric::OxygenSaturation, 1.0, 30.0, 100.0),
    ("spo", Metric::OxygenSaturation, 1.0, 30.0, 100.0),
    ("stress", Metric::Stress, 1.0, 1.0, 100.0),
    ("energy", Metric::BodyEnergy, 1.0, 1.0, 100.0),
    ("respiratory_rate", Metric::RespiratoryRate, 1.0, 3.0, 60.0),
    ("rr_millis", Metric::RrInterval, 1.0, 150.0, 6000.0),
    ("temperature", Metric::SkinTemperature, 1.0, 5.0, 46.0),
    ("weight_kg", Metric::Weight, 1.0, 1.0, 700.0),
    ("value_mg_dl", Metric::BloodGlucose, 1.0 / 18.015_588, 5.0, 1500.0),
    ("raw_intensity", Metric::ActivityCount, 1.0, 0.0, 32_767.0),
];

/// Tables whose steps, metres and energy are totals since local midnight, stamped at the end of the minute.
const RUNNING_TOTALS: [&str; 3] = ["garmin_activity_sample", "cmf_activity_sample", "fitbit_activity_sample"];

/// Tables that only sum up what others hold, or hold no readings.
fn is_summary(table: &str) -> bool {
    [
        "_daily_summary_sample",
        "_sleep_stats_sample",
        "_sleep_session_sample",
        "_hrv_summary_sample",
        "_heart_rate_max_sample",
        "_pai_sample",
        "_event_sample",
        "_summary_sample",
        "_workout_summary_sample",
    ]
    .iter()
    .any(|end| table.ends_with(end))
}

/// Milliseconds of a time in seconds or milliseconds.
fn millis(time: i64) -> i64 {
    if time.unsigned_abs() < 100_000_000_000 { time * 1000 } else { time }
}

const MINUTE: i64 = 60_000;

impl Reading<'_, '_, '_, '_> {
    fn all(&mut self) -> Result<(), Stop> {
        let mut whole = self.find_devices()?;
        let tables: Vec<String> = self.database.tables().map(str::to_owned).collect();
        let done = self.intake.context.resume_at().map(str::to_owned).unwrap_or_default();
        let share = self.intake.context.total_bytes / (tables.len() as u64 + 1);
        for (i, table) in tables.iter().enumerate() {
            if *table <= done {
                continue;
            }
            whole &= self.table(table)?;
            let Intake { context, batch, done_before, .. } = &mut self.intake;
            context.checkpoint(batch, table)?;
            *done_before = share * (i as u64 + 1);
            context.progress(*done_before)?;
        }
        if !whole {
            self.intake.skip(SkipReason::Broken, "database");
            self.intake
                .context
                .incomplete("a table of the database is damaged; what could be read is stored");
        }
        Ok(())
    }

    fn find_devices(&mut self) -> Result<bool, Stop> {
        let Self { database, intake, devices } = self;
        let columns = ["_id", "name", "alias", "identifier", "manufacturer", "type_name", "type"];
        database.rows("device", &columns, "_id", |row| {
            let Some(id) = row.integer(0) else { return Ok(()) };
            let name = row.text(2).or(row.text(1)).unwrap_or("gadget");
            let identifier = row.text(3).map_or_else(|| id.to_string(), str::to_owned);
            let source = intake.source(&format!("gadgetbridge:{identifier}"), name, kind_of(name))?;
            // 10 is the number of the first Mi Band, whose kinds of sleep are others.
            let first_miband = row.text(5) == Some("MIBAND") || row.integer(6) == Some(10);
            devices.insert(id, Device { source, first_miband });
            Ok(())
        })
    }

    fn table(&mut self, table: &str) -> Result<bool, Stop> {
        if table == "base_activity_summary" {
            return self.workouts();
        }
        if table == "pebble_health_activity_overlay" {
            return self.pebble_sleep(table);
        }
        if !table.ends_with("_sample") {
            return Ok(true);
        }
        if !self.database.has(table, "device_id") || !self.database.has(table, "timestamp") {
            let n = self.database.count(table);
            self.intake.batch.skip_many(SkipReason::UnknownType, table, n);
            return Ok(true);
        }
        if table.ends_with("_sleep_stage_sample") {
            return self.stages(table);
        }
        if table == "xiaomi_sleep_time_sample" {
            return self.nights_without_stages(table);
        }
        if table == "xiaomi_daily_summary_sample" {
            return self.column(table, "hr_resting", Metric::RestingHeartRate);
        }
        if table.ends_with("_heart_rate_resting_sample") {
            return self.column(table, "heart_rate", Metric::RestingHeartRate);
        }
        if table.ends_with("_hrv_value_sample") {
            return self.column(table, "value", Metric::HrvRmssd);
        }
        if table.ends_with("_respiratory_rate_sample") && self.database.has(table, "rate") {
            return self.column(table, "rate", Metric::RespiratoryRate);
        }
        if is_summary(table) {
            let n = self.database.count(table);
            self.intake.batch.skip_many(SkipReason::NotHealthData, table, n);
            return Ok(true);
        }
        self.readings(table)
    }

    /// Calls `take` with the rows of each device in order of time: its source, time in milliseconds, and columns.
    fn by_device(
        &mut self,
        table: &str,
        columns: &[&str],
        mut take: impl FnMut(&mut Intake<'_, '_, '_>, &Device, i64, &[Option<f64>]) -> Result<(), HealthError>,
        mut end: impl FnMut(&mut Intake<'_, '_, '_>, &Device) -> Result<(), HealthError>,
    ) -> Result<bool, Stop> {
        let Self { database, intake, devices } = self;
        let list: Vec<String> = columns
            .iter()
            .map(|c| if database.has(table, c) { quoted(c) } else { "NULL".to_owned() })
            .collect();
        // In order of the primary key: nothing is sorted. One device at a time.
        let sql = format!(
            "SELECT timestamp, {} FROM {} WHERE device_id = ?1 ORDER BY timestamp",
            list.join(", "),
            quoted(table)
        );
        let mut whole = true;
        let mut values = vec![None; columns.len()];
        let mut seen = 0;
        for (id, device) in &*devices {
            whole &= database.query(&sql, &[*id], |row| {
                seen += 1;
                let Some(time) = row.integer(0).filter(|t| t.unsigned_abs() < 10_000_000_000_000) else {
                    intake.skip(SkipReason::BadTime, table);
                    return Ok(());
                };
                for (i, value) in values.iter_mut().enumerate() {
                    *value = row.number(i + 1);
                }
                take(intake, device, millis(time), &values)?;
                intake.progress(0)
            })?;
            end(intake, device)?;
        }
        // Rows of devices that were deleted from the list.
        let orphans = database.count(table).saturating_sub(seen);
        intake.batch.skip_many(SkipReason::NotHealthData, table, orphans);
        Ok(whole)
    }

    /// A table of one reading.
    fn column(&mut self, table: &str, column: &str, metric: Metric) -> Result<bool, Stop> {
        self.by_device(
            table,
            &[column],
            |intake, device, ms, values| match values {
                [Some(value)] if *value > 0.0 && *value < 255.0 => {
                    intake.at(metric, device.source, ms, *value, None)
                }
                _ => {
                    intake.skip(SkipReason::BadValue, table);
                    Ok(())
                }
            },
            |_, _| Ok(()),
        )
    }

    /// A table of readings by the names of its columns.
    fn readings(&mut self, table: &str) -> Result<bool, Stop> {
        let totals = RUNNING_TOTALS.contains(&table);
        let found: Vec<_> = READINGS.iter().filter(|r| self.database.has(table, r.0)).collect();
        let mut columns = vec![
            "steps",
            "distance_cm",
            "active_calories",
            "raw_kind",
            "deep_sleep",
            "rem_sleep",
            "other_timestamp",
        ];
        let first = columns.len();
        columns.extend(found.iter().map(|r| r.0));
        if found.is_empty() && !self.database.has(table, "steps") {
            let n = self.database.count(table);
            self.intake.batch.skip_many(SkipReason::UnknownType, table, n);
            return Ok(true);
        }
        let mut sleep = Sleep::default();
        let mut before = [0.0; 3];
        let mut day = None;
        let mut kind_before = 0;
        let stage_table = format!("{}_sleep_stage_sample", table.split('_').next().unwrap_or_default());
        let own_stages = self.database.count(&stage_table) > 0;
        let sleep = std::cell::RefCell::new(&mut sleep);
        self.by_device(
            table,
            &columns,
            |intake, device, ms, values| {
                let value = |i: usize| values.get(i).copied().flatten();
                let read = intake.read();
                let (mut from, mut to) = if totals { (ms - MINUTE, ms) } else { (ms, ms + MINUTE) };
                if let Some(other) = value(6).map(|v| millis(v as i64)) {
                    // Huawei: each reading has a marker at its start and one at its end.
                    if other < ms {
                        intake.batch.merged();
                        return Ok(());
                    }
                    (from, to) = (ms, other.max(ms));
                }
                for (i, row) in found.iter().enumerate() {
                    let (_, metric, factor, low, high) = **row;
                    if let Some(v) = value(first + i).filter(|v| (low..=high).contains(v)) {
                        intake.at(metric, device.source, from, v * factor, None)?;
                    }
                }
                let today = Day::of(from, intake.offset(from));
                if day != Some(today) {
                    (day, before) = (Some(today), [0.0; 3]);
                }
                let amounts = [(Metric::Steps, 1.0), (Metric::Distance, 0.01), (Metric::ActiveEnergy, 1.0)];
                for (i, ((metric, factor), before)) in amounts.into_iter().zip(&mut before).enumerate() {
                    // Energy is in kilocalories in the tables of running totals only.
                    let given = value(i).filter(|v| *v > 0.0 && (totals || metric != Metric::ActiveEnergy));
                    let Some(mut amount) = given else { continue };
                    if totals {
                        let total = amount;
                        amount -= if total >= *before { *before } else { 0.0 };
                        *before = total;
                    }
                    if amount > 0.0 {
                        intake.over(metric, device.source, (from, to), amount * factor, None)?;
                    }
                }
                let kind = value(3).map_or(-1, |v| v as i64);
                let stage = if own_stages {
                    None
                } else {
                    stage_of(table, device, kind, &mut kind_before, value(4), value(5))
                };
                if table == "huawei_activity_sample" {
                    if let Some(stage) = stage {
                        intake.stage(device.source, (from, to), stage, None)?;
                    }
                } else if let Some((from, to, stage)) = sleep.borrow_mut().add(ms, stage) {
                    intake.stage(device.source, (from, to), stage, None)?;
                }
                if intake.read() == read {
                    // A minute in which the gadget measured nothing.
                    intake.batch.merged();
                }
                Ok(())
            },
            |intake, device| match sleep.borrow_mut().0.take() {
                Some((from, to, stage)) => intake.stage(device.source, (from, to), stage, None),
                None => Ok(()),
            },
        )
    }

    /// Tables of stages: each has a length, is a minute, or lasts until the next.
    fn stages(&mut self, table: &str) -> Result<bool, Stop> {
        let Some(codes) = stage_codes(table) else {
            let n = self.database.count(table);
            self.intake.batch.skip_many(SkipReason::UnknownType, table, n);
            return Ok(true);
        };
        let unit = if table.starts_with("cmf") { 1000.0 } else { 60_000.0 };
        let by_minute = table.starts_with("huawei");
        // The wake-up time ends the last stage of a night.
        let mut ends: Vec<i64> = Vec::new();
        for (nights, column) in [("xiaomi_sleep_time_sample", "wakeup_time")] {
            if table.starts_with("xiaomi") {
                self.database.rows(nights, &[column], column, |row| {
                    ends.extend(row.integer(0).map(millis));
                    Ok(())
                })?;
            }
        }
        let open: std::cell::RefCell<Option<(i64, i64)>> = std::cell::RefCell::new(None);
        let minutes = std::cell::RefCell::new(Sleep::default());
        let find = |code: i64| codes.iter().find(|c| c.0 == code).map(|c| c.1);
        let close = |intake: &mut Intake<'_, '_, '_>, device: &Device, next: Option<i64>| {
            let Some((from, code)) = open.borrow_mut().take() else { return Ok(()) };
            let Some(stage) = find(code) else {
                intake.batch.merged();
                return Ok(());
            };
            let woke = ends.iter().copied().find(|e| *e > from);
            let to = [next, woke].into_iter().flatten().min().unwrap_or(from + MINUTE);
            // No stage lasts four hours: the night ended without saying so.
            let to = if to.saturating_sub(from) > 4 * 3_600_000 { from + MINUTE } else { to };
            intake.stage(device.source, (from, to), stage, None)
        };
        self.by_device(
            table,
            &["stage", "duration"],
            |intake, device, ms, values| {
                let code = values.first().copied().flatten().map_or(-1, |v| v as i64);
                if by_minute {
                    if let Some((from, to, stage)) = minutes.borrow_mut().add(ms, find(code)) {
                        intake.stage(device.source, (from, to), stage, None)?;
                    }
                    intake.batch.merged();
                    return Ok(());
                }
                if let Some(length) = values.get(1).copied().flatten().filter(|v| *v > 0.0) {
                    if let Some(stage) = find(code) {
                        let to = ms.saturating_add((length * unit) as i64);
                        return intake.stage(device.source, (ms, to), stage, None);
                    }
                    intake.skip(SkipReason::BadValue, table);
                    return Ok(());
                }
                close(intake, device, Some(ms))?;
                *open.borrow_mut() = Some((ms, code));
                Ok(())
            },
            |intake, device| {
                if let Some((from, to, stage)) = minutes.borrow_mut().0.take() {
                    intake.stage(device.source, (from, to), stage, None)?;
                }
                close(intake, device, None)
            },
        )
    }

    /// Xiaomi's nights: stored as sleep only where the gadget told no stages.
    fn nights_without_stages(&mut self, table: &str) -> Result<bool, Stop> {
        let mut staged = Vec::new();
        self.database.rows("xiaomi_sleep_stage_sample", &["timestamp"], "timestamp", |row| {
            staged.extend(row.integer(0).map(millis));
            Ok(())
        })?;
        self.by_device(
            table,
            &["wakeup_time"],
            |intake, device, ms, values| {
                let Some(to) =
                    values.first().copied().flatten().map(|v| millis(v as i64)).filter(|t| *t > ms)
                else {
                    intake.skip(SkipReason::BadTime, table);
                    return Ok(());
                };
                let next = staged.partition_point(|t| *t < ms);
                if staged.get(next).is_some_and(|t| *t < to) {
                    intake.batch.merged();
                    return Ok(());
                }
                intake.stage(device.source, (ms, to), SleepStage::Asleep, None)
            },
            |_, _| Ok(()),
        )
    }

    fn pebble_sleep(&mut self, table: &str) -> Result<bool, Stop> {
        let Self { database, intake, devices } = self;
        database.rows(table, &["timestamp_from", "timestamp_to", "raw_kind", "device_id"], "rowid", |row| {
            let device = row.integer(3).and_then(|id| devices.get(&id));
            let span = row.integer(0).zip(row.integer(1)).map(|(a, b)| (millis(a), millis(b)));
            let stage = match row.integer(2) {
                Some(1 | 3) => Some(SleepStage::Asleep),
                Some(2 | 4) => Some(SleepStage::Deep),
                _ => None,
            };
            match (device, span, stage) {
                (Some(device), Some(span), Some(stage)) => intake.stage(device.source, span, stage, None)?,
                _ => intake.skip(SkipReason::NotHealthData, table),
            }
            Ok(())
        })
    }

    fn workouts(&mut self) -> Result<bool, Stop> {
        let Self { database, intake, devices } = self;
        let columns = ["start_time", "end_time", "activity_kind", "name", "device_id", "summary_data"];
        database.rows("base_activity_summary", &columns, "start_time", |row| {
            let device = row.integer(4).and_then(|id| devices.get(&id));
            let (Some(device), Some(from), Some(to)) = (device, row.integer(0), row.integer(1)) else {
                intake.skip(SkipReason::BadTime, "base_activity_summary");
                return Ok(());
            };
            let (start_ms, end_ms) = (millis(from), millis(to));
            let workout = Workout {
                kind: workout_kind(row.integer(2).unwrap_or(0)),
                start_ms,
                end_ms: end_ms.max(start_ms),
                offset_min: intake.offset(start_ms),
                title: row.text(3).unwrap_or_default().chars().take(200).collect(),
                values: row.text(5).map(summary).unwrap_or_default(),
            };
            Ok(intake.batch.workout(device.source, workout, Vec::new())?)
        })
    }
}
