//! Health Connect's own export: a zip with one `SQLite` database.
//!
//! Every record has its app, device and zone; times are milliseconds of UTC, zones are seconds. Values are in the
//! platform's base units (energy in calories, mass in grams), not in those its library shows.

mod tables;

use std::collections::BTreeMap;

use super::intake::Intake;
use super::sqlite::{Database, Fields, is_sqlite, member_named, quoted};
use super::{Format, Importer, Input, Member, Stop};
use crate::HealthError;
use crate::log::cycle::Flow;
use crate::metric::{Metric, SleepStage};
use crate::store::{Batch, Day, Event, RoutePoint, SkipReason, SourceId, SourceKind, Workout};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::HealthConnect,
    recognises,
    import: |input, batch, context| {
        let database = open(input, batch)?;
        let mut reading = Reading::new(&database, Intake::new(batch, context));
        reading.all()
    },
};

fn member(input: &Input) -> Option<&Member> {
    member_named(input, "health_connect")
}

fn recognises(input: &Input) -> bool {
    if member(input).is_some() {
        return true;
    }
    is_sqlite(input.head())
        && Database::open(input).is_ok_and(|d| {
            d.has_table("application_info_table") && d.tables().any(|t| t.ends_with("_record_table"))
        })
}

fn open(input: &Input, batch: &Batch<'_>) -> Result<Database, HealthError> {
    match member(input) {
        Some(member) => Database::open_member(input, member, batch.store().vault().path()),
        None => Database::open(input),
    }
}

/// Smallest positive number: what the platform writes for "not recorded".
const NOTHING: f64 = 1e-300;

struct Reading<'d, 'a, 'b, 'c> {
    database: &'d Database,
    intake: Intake<'a, 'b, 'c>,
    apps: BTreeMap<i64, (String, String)>,
    devices: BTreeMap<i64, (String, SourceKind)>,
    sources: BTreeMap<(Option<i64>, Option<i64>), SourceId>,
}

impl<'d, 'a, 'b, 'c> Reading<'d, 'a, 'b, 'c> {
    fn new(database: &'d Database, intake: Intake<'a, 'b, 'c>) -> Self {
        Self { database, intake, apps: BTreeMap::new(), devices: BTreeMap::new(), sources: BTreeMap::new() }
    }

    fn all(&mut self) -> Result<(), Stop> {
        let mut whole = self.names()?;
        // What is done already when an import goes on.
        let done = self.intake.context.resume_at().and_then(|place| place.parse::<usize>().ok()).unwrap_or(0);
        let steps = tables::INSTANT.len() + tables::INTERVAL.len() + tables::SERIES.len();
        for step in 0..steps + 6 {
            if step < done {
                continue;
            }
            let in_intervals = step.wrapping_sub(tables::INSTANT.len());
            let in_series = in_intervals.wrapping_sub(tables::INTERVAL.len());
            whole &= if let Some(row) = tables::INSTANT.get(step) {
                self.instant(row)?
            } else if let Some(row) = tables::INTERVAL.get(in_intervals) {
                self.interval(row)?
            } else if let Some(row) = tables::SERIES.get(in_series) {
                self.series(row)?
            } else {
                match step - steps {
                    0 => self.sleep()?,
                    1 => self.workouts()?,
                    2 => self.meals()?,
                    3 => self.cycle()?,
                    4 => self.events()?,
                    _ => {
                        self.rest();
                        true
                    }
                }
            };
            let Intake { context, batch, done_before, .. } = &mut self.intake;
            context.checkpoint(batch, &(step + 1).to_string())?;
            *done_before = context.total_bytes / (steps as u64 + 6) * (step as u64 + 1);
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

    fn names(&mut self) -> Result<bool, Stop> {
        let (apps, devices) = (&mut self.apps, &mut self.devices);
        let first = self.database.rows(
            "application_info_table",
            &["row_id", "package_name", "app_name"],
            "row_id",
            |row| {
                if let Some(id) = row.integer(0) {
                    let package = row.text(1).unwrap_or("unknown").to_owned();
                    let name = row.text(2).map_or_else(|| package.clone(), str::to_owned);
                    apps.insert(id, (package, name));
                }
                Ok(())
            },
        )?;
        let columns = ["row_id", "manufacturer", "model", "device_type", "type"];
        let second = self.database.rows("device_info_table", &columns, "row_id", |row| {
            let name = [row.text(1), row.text(2)].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let kind = match row.integer(3).or(row.integer(4)) {
                Some(1) => SourceKind::Watch,
                Some(2) => SourceKind::Phone,
                Some(3) => SourceKind::Scale,
                Some(4) => SourceKind::Ring,
                Some(6) => SourceKind::Band,
                Some(7) => SourceKind::Strap,
                _ => SourceKind::App,
            };
            if let Some(id) = row.integer(0) {
                devices.insert(id, (name, kind));
            }
            Ok(())
        })?;
        Ok(first && second)
    }

    fn source(&mut self, app: Option<i64>, device: Option<i64>) -> Result<SourceId, HealthError> {
        if let Some(id) = self.sources.get(&(app, device)) {
            return Ok(*id);
        }
        let unknown = ("unknown".to_owned(), "Health Connect".to_owned());
        let (package, app_name) = app.and_then(|a| self.apps.get(&a)).unwrap_or(&unknown);
        let no_device = (String::new(), SourceKind::App);
        let (device_name, kind) = device.and_then(|d| self.devices.get(&d)).unwrap_or(&no_device);
        let (key, name) = if device_name.is_empty() {
            (format!("health_connect:{package}"), app_name.clone())
        } else {
            (format!("health_connect:{package}:{device_name}"), format!("{app_name} ({device_name})"))
        };
        let kind = *kind;
        let id = self.intake.source(&key, &name, kind)?;
        self.sources.insert((app, device), id);
        Ok(id)
    }

    /// Readings at a moment.
    fn instant(&mut self, row: &(&str, &[&str], Metric, &str)) -> Result<bool, Stop> {
        let (table, names, metric, unit) = *row;
        let Some(column) = self.database.either(table, names) else {
            self.unknown_columns(table);
            return Ok(true);
        };
        let columns = ["app_info_id", "device_info_id", "time", "zone_offset", column];
        self.database.rows(table, &columns, "row_id", |row| {
            let source = self.source(row.integer(0), row.integer(1))?;
            self.reading(metric, source, row.integer(2), row.integer(3), row.number(4), unit)
        })
    }

    fn reading(
        &mut self,
        metric: Metric,
        source: SourceId,
        ms: Option<i64>,
        zone_s: Option<i64>,
        value: Option<f64>,
        unit: &str,
    ) -> Result<(), Stop> {
        let value = value.and_then(|v| metric.info().unit.convert(v, unit));
        match (ms, value) {
            (None, _) => self.intake.skip(SkipReason::BadTime, metric.id()),
            (_, None) => self.intake.skip(SkipReason::BadValue, metric.id()),
            (Some(ms), Some(value)) => self.intake.at(metric, source, ms, value, minutes(zone_s))?,
        }
        self.intake.progress(0)
    }

    /// Amounts over a span.
    fn interval(&mut self, row: &(&str, &[&str], Metric, &str)) -> Result<bool, Stop> {
        let (table, names, metric, unit) = *row;
        let Some(column) = self.database.either(table, names) else {
            self.unknown_columns(table);
            return Ok(true);
        };
        let columns =
            ["app_info_id", "device_info_id", "start_time", "end_time", "start_zone_offset", column];
        self.database.rows(table, &columns, "row_id", |row| {
            let source = self.source(row.integer(0), row.integer(1))?;
            let value = row.number(5).and_then(|v| metric.info().unit.convert(v, unit));
            match (row.integer(2), row.integer(3), value) {
                (Some(from), Some(to), Some(value)) => {
                    self.intake.over(metric, source, (from, to), value, minutes(row.integer(4)))?;
                }
                (_, _, None) => self.intake.skip(SkipReason::BadValue, metric.id()),
                _ => self.intake.skip(SkipReason::BadTime, metric.id()),
            }
            self.intake.progress(0)
        })
    }

    /// A newer version called its column otherwise: its rows are counted, not lost in silence.
    fn unknown_columns(&mut self, table: &str) {
        let n = self.database.count(table);
        self.intake.batch.skip_many(SkipReason::UnknownType, table, n);
    }

    /// Readings that belong to a record which has their app and zone.
    fn series(&mut self, row: &(&str, &str, &str, Metric)) -> Result<bool, Stop> {
        let (parent, child, column, metric) = *row;
        if !self.database.has(child, column) || !self.database.has(parent, "row_id") {
            self.unknown_columns(child);
            return Ok(true);
        }
        let optional = |column: &str| {
            if self.database.has(parent, column) {
                format!("p.{}", quoted(column))
            } else {
                "NULL".to_owned()
            }
        };
        let sql = format!(
            "SELECT {}, {}, c.epoch_millis, {}, c.{} FROM {} c LEFT JOIN {} p ON p.row_id = c.parent_key
             ORDER BY c.rowid",
            optional("app_info_id"),
            optional("device_info_id"),
            optional("start_zone_offset"),
            quoted(column),
            quoted(child),
            quoted(parent),
        );
        let database = self.database;
        let whole = database.query(&sql, &[], |row| {
            let source = self.source(row.integer(0), row.integer(1))?;
            let unit = metric.info().unit.symbol();
            self.reading(metric, source, row.integer(2), row.integer(3), row.number(4), unit)
        })?;
        if metric != Metric::SkinTemperatureDelta {
            return Ok(whole);
        }
        let columns = ["app_info_id", "device_info_id", "start_time", "start_zone_offset", "baseline"];
        Ok(whole
            & database.rows(parent, &columns, "row_id", |row| {
                let source = self.source(row.integer(0), row.integer(1))?;
                if row.number(4).is_none_or(|v| v.abs() < NOTHING) {
                    self.intake.batch.merged();
                    return Ok(());
                }
                self.reading(
                    Metric::SkinTemperature,
                    source,
                    row.integer(2),
                    row.integer(3),
                    row.number(4),
                    "°C",
                )
            })?)
    }

    fn sleep(&mut self) -> Result<bool, Stop> {
        let database = self.database;
        let stages_sql = "SELECT stage_start_time, stage_end_time, stage_type FROM sleep_stages_table
                          WHERE parent_key = ?1 ORDER BY stage_start_time";
        let columns = [
            "row_id",
            "app_info_id",
            "device_info_id",
            "start_time",
            "end_time",
            "start_zone_offset",
            "end_zone_offset",
        ];
        database.rows("sleep_session_record_table", &columns, "row_id", |row| {
            let source = self.source(row.integer(1), row.integer(2))?;
            let offset = minutes(row.integer(5)).or(minutes(row.integer(6)));
            let (Some(from), Some(to)) = (row.integer(3), row.integer(4)) else {
                self.intake.skip(SkipReason::BadTime, Metric::SleepStage.id());
                return Ok(());
            };
            let mut staged = false;
            database.query(stages_sql, &[row.integer(0).unwrap_or(-1)], |stage| {
                let span = stage.integer(0).zip(stage.integer(1));
                match (span, stage.integer(2).and_then(stage_of)) {
                    (Some(span), Some(kind)) => {
                        staged = true;
                        self.intake.stage(source, span, kind, offset)?;
                    }
                    (None, _) => self.intake.skip(SkipReason::BadTime, Metric::SleepStage.id()),
                    (_, None) => self.intake.skip(SkipReason::BadValue, Metric::SleepStage.id()),
                }
                Ok(())
            })?;
            if staged {
                self.intake.batch.merged();
            } else {
                self.intake.stage(source, (from, to), SleepStage::Asleep, offset)?;
            }
            self.intake.progress(0)
        })
    }

    fn workouts(&mut self) -> Result<bool, Stop> {
        let database = self.database;
        let columns = [
            "row_id",
            "app_info_id",
            "device_info_id",
            "start_time",
            "end_time",
            "start_zone_offset",
            "exercise_type",
            "title",
        ];
        let route_sql = {
            let optional = |c: &'static str| {
                if database.has("exercise_route_table", c) { c } else { "NULL" }
            };
            let time = database.either("exercise_route_table", &["timestamp_millis", "time_millis", "time"]);
            time.map(|time| {
                format!(
                    "SELECT {time}, latitude, longitude, {}, {} FROM exercise_route_table WHERE parent_key = ?1
                     ORDER BY {time} LIMIT 600000",
                    optional("altitude"),
                    optional("horizontal_accuracy"),
                )
            })
        };
        database.rows("exercise_session_record_table", &columns, "row_id", |row| {
            let source = self.source(row.integer(1), row.integer(2))?;
            let (Some(start_ms), Some(end_ms)) = (row.integer(3), row.integer(4)) else {
                self.intake.skip(SkipReason::BadTime, "exercise_session_record_table");
                return Ok(());
            };
            let mut route = Vec::new();
            if let Some(sql) = &route_sql {
                database.query(sql, &[row.integer(0).unwrap_or(-1)], |point| {
                    route.extend(point_of(point));
                    Ok(())
                })?;
            }
            let workout = Workout {
                kind: tables::workout(row.integer(6).unwrap_or(0)),
                start_ms,
                end_ms: end_ms.max(start_ms),
                offset_min: minutes(row.integer(5)).unwrap_or_else(|| self.intake.offset(start_ms)),
                title: row.text(7).unwrap_or_default().chars().take(200).collect(),
                values: Vec::new(),
            };
            self.intake.batch.workout(source, workout, route)?;
            self.intake.progress(0)
        })
    }

    /// Meals: one record holds up to forty nutrients, in grams, and energy in calories.
    fn meals(&mut self) -> Result<bool, Stop> {
        let database = self.database;
        let found: Vec<(&str, Metric)> = database
            .columns(tables::MEALS)
            .filter_map(|column| {
                let name = format!("NutritionRecord.{}", camel(column));
                Metric::from_health_connect(&name).map(|m| (column, m))
            })
            .collect();
        let mut columns =
            vec!["app_info_id", "device_info_id", "start_time", "end_time", "start_zone_offset", "meal_name"];
        let first = columns.len();
        columns.extend(found.iter().map(|f| f.0));
        database.rows(tables::MEALS, &columns, "row_id", |row| {
            let source = self.source(row.integer(0), row.integer(1))?;
            let (Some(from), Some(to)) = (row.integer(2), row.integer(3)) else {
                self.intake.skip(SkipReason::BadTime, tables::MEALS);
                return Ok(());
            };
            let offset = minutes(row.integer(4));
            let before = self.intake.read();
            for (i, (column, metric)) in found.iter().enumerate() {
                // Zero and the smallest positive number both mean that the app did not say.
                let Some(value) = row.number(first + i).filter(|v| v.abs() > NOTHING) else { continue };
                let unit = if *column == "energy" { "cal" } else { "g" };
                if let Some(value) = metric.info().unit.convert(value, unit) {
                    self.intake.over(*metric, source, (from, to), value, offset)?;
                } else {
                    self.intake.skip(SkipReason::UnknownUnit, metric.id());
                }
            }
            if let Some(name) = row.text(5) {
                let event = Event {
                    kind: "meal".to_owned(),
                    start_ms: from,
                    end_ms: to.max(from),
                    offset_min: offset.unwrap_or_else(|| self.intake.offset(from)),
                    text: name.chars().take(200).collect(),
                    ..Event::default()
                };
                self.intake.batch.event(source, event)?;
            }
            if self.intake.read() == before {
                self.intake.skip(SkipReason::BadValue, tables::MEALS);
            }
            self.intake.progress(0)
        })
    }

    /// Days of the cycle go into its log; a day that the user entered by hand stays as it is.
    fn cycle(&mut self) -> Result<bool, Stop> {
        let store = self.intake.batch.store().clone();
        let known: BTreeMap<Day, Flow> = store.cycle_days()?.into_iter().collect();
        let mut known = known;
        let mut whole = true;
        for (table, column) in
            [("menstruation_flow_record_table", "flow"), ("intermenstrual_bleeding_record_table", "")]
        {
            whole &= self.database.rows(table, &["time", "zone_offset", column], "row_id", |row| {
                let Some(ms) = row.integer(0) else {
                    self.intake.skip(SkipReason::BadTime, table);
                    return Ok(());
                };
                let flow = match row.integer(2) {
                    _ if column.is_empty() => Flow::Spotting,
                    Some(1) => Flow::Light,
                    Some(3) => Flow::Heavy,
                    _ => Flow::Medium,
                };
                let day = Day::of(ms, minutes(row.integer(1)).unwrap_or_else(|| self.intake.offset(ms)));
                let new = !known.contains_key(&day);
                if new {
                    store.enter_cycle_day(day, flow, "")?;
                    known.insert(day, flow);
                }
                self.intake.batch.entered(new);
                Ok(())
            })?;
        }
        let columns = ["app_info_id", "device_info_id", "start_time", "end_time", "start_zone_offset"];
        whole &= self.database.rows("menstruation_period_record_table", &columns, "row_id", |row| {
            let source = self.source(row.integer(0), row.integer(1))?;
            self.event(source, "menstruation_period", row.integer(2), row.integer(3), row.integer(4), "")
        })?;
        Ok(whole)
    }

    fn event(
        &mut self,
        source: SourceId,
        kind: &str,
        from: Option<i64>,
        to: Option<i64>,
        zone_s: Option<i64>,
        label: &str,
    ) -> Result<(), Stop> {
        let Some(start_ms) = from else {
            self.intake.skip(SkipReason::BadTime, kind);
            return Ok(());
        };
        let event = Event {
            kind: kind.to_owned(),
            start_ms,
            end_ms: to.unwrap_or(start_ms).max(start_ms),
            offset_min: minutes(zone_s).unwrap_or_else(|| self.intake.offset(start_ms)),
            label: label.to_owned(),
            ..Event::default()
        };
        Ok(self.intake.batch.event(source, event)?)
    }

    fn events(&mut self) -> Result<bool, Stop> {
        let mut whole = true;
        for (table, kind, column, words) in tables::EVENTS {
            let columns = ["app_info_id", "device_info_id", "time", "zone_offset", column];
            whole &= self.database.rows(table, &columns, "row_id", |row| {
                let source = self.source(row.integer(0), row.integer(1))?;
                let label = row.integer(4).and_then(|n| words.get(usize::try_from(n).ok()?)).copied();
                self.event(source, kind, row.integer(2), None, row.integer(3), label.unwrap_or_default())
            })?;
        }
        for (table, metric, column) in [
            ("mindfulness_session_record_table", Metric::MindfulSession, ""),
            ("activity_intensity_record_table", Metric::ExerciseTime, ""),
        ] {
            let columns =
                ["app_info_id", "device_info_id", "start_time", "end_time", "start_zone_offset", column];
            whole &= self.database.rows(table, &columns, "row_id", |row| {
                let source = self.source(row.integer(0), row.integer(1))?;
                let Some(span) = row.integer(2).zip(row.integer(3)) else {
                    self.intake.skip(SkipReason::BadTime, metric.id());
                    return Ok(());
                };
                let seconds = span.1.saturating_sub(span.0) as f64 / 1000.0;
                let value = if metric == Metric::ExerciseTime { seconds } else { 1.0 };
                Ok(self.intake.over(metric, source, span, value, minutes(row.integer(4)))?)
            })?;
        }
        Ok(whole)
    }

    /// Counts records of tables that this version does not know.
    fn rest(&mut self) {
        let known: Vec<&str> = (tables::INSTANT.iter().chain(tables::INTERVAL).map(|t| t.0))
            .chain(tables::SERIES.iter().flat_map(|t| [t.0, t.1]))
            .chain(tables::EVENTS.iter().map(|t| t.0))
            .chain([
                tables::MEALS,
                "sleep_session_record_table",
                "exercise_session_record_table",
                "menstruation_flow_record_table",
                "menstruation_period_record_table",
                "intermenstrual_bleeding_record_table",
                "mindfulness_session_record_table",
                "activity_intensity_record_table",
            ])
            .collect();
        let unknown: Vec<String> = self
            .database
            .tables()
            .filter(|t| !known.contains(t) && !tables::is_bookkeeping(t))
            .map(str::to_owned)
            .collect();
        for table in unknown {
            let n = self.database.count(&table);
            self.intake.batch.skip_many(SkipReason::UnknownType, &table, n);
        }
    }
}

fn minutes(seconds: Option<i64>) -> Option<i16> {
    seconds.filter(|s| s.abs() <= 18 * 3600).map(|s| (s / 60) as i16)
}

fn stage_of(number: i64) -> Option<SleepStage> {
    Some(match number {
        1 | 7 => SleepStage::Awake,
        2 => SleepStage::Asleep,
        3 => SleepStage::OutOfBed,
        4 => SleepStage::Light,
        5 => SleepStage::Deep,
        6 => SleepStage::Rem,
        _ => return None,
    })
}

fn point_of(row: &Fields<'_, '_>) -> Option<RoutePoint> {
    let (latitude, longitude) = (row.number(1)?, row.number(2)?);
    let given = |i| row.number(i).filter(|v: &f64| v.abs() > NOTHING).unwrap_or(f64::NAN);
    (latitude.abs() <= 90.0 && longitude.abs() <= 180.0).then_some(RoutePoint {
        time_ms: row.integer(0)?,
        latitude,
        longitude,
        altitude: given(3),
        speed: f64::NAN,
        accuracy: given(4),
    })
}

/// `total_carbohydrate` as `totalCarbohydrate`.
fn camel(column: &str) -> String {
    let mut out = String::new();
    for (i, word) in column.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if i > 0 => out.extend(first.to_uppercase()),
            Some(first) => out.push(first),
            None => {}
        }
        out.push_str(letters.as_str());
    }
    out
}
