//! Google Fit: `All Data` with a file for each stream of points, and `Sessions`.
//!
//! A type has many streams: what each device wrote, and what the service made of all of them. The service's own sum
//! (`estimated_steps`, else `merge_...`) is taken where there is one, and the streams it is made of are left out.

use std::collections::BTreeMap;

use super::super::intake::Intake;
use super::super::json::{self, Value, field, text};
use super::super::table::Table;
use super::super::when::{self, Order};
use super::super::{Input, Member, Stop};
use super::told;
use crate::metric::{Metric, SleepStage};
use crate::store::{DAY_MS, SkipReason, SourceKind, Workout};

pub(super) fn is_sign(name: &str) -> bool {
    (name.contains("Fit/All Data/") || name.contains("Fit/Sessions/") || name.contains("All Sessions/"))
        && name.to_lowercase().ends_with(".json")
        || name.contains("Fit/Daily activity metrics/")
        || base(name).starts_with("derived_com.google.")
        || base(name).starts_with("raw_com.google.")
}

/// One file by itself, under the name it has in an export.
pub(super) fn lone(input: &Input) -> Option<String> {
    let head = String::from_utf8_lossy(input.head());
    let has = |sign: &str| head.contains(sign);
    if !head.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        return None;
    }
    if has("\"fitnessActivity\"") && has("\"startTime\"") {
        return Some("Fit/Sessions/session.json".to_owned());
    }
    let stream =
        has("\"Data Points\"") && (has("\"fitValue\"") || has("\"Data Source\"") || is_sign(input.name()));
    stream.then(|| format!("Fit/All Data/{}", base(input.name())))
}

/// Whether a file is a session: the folder's name is in the user's language.
fn is_session(input: &Input, member: &Member) -> bool {
    member.name.contains("Sessions/")
        || memchr::memmem::find(&input.member_head(member, 512), b"\"fitnessActivity\"").is_some()
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Types of points: name, metric, unit, which value.
const TYPES: &[(&str, Metric, &str, usize)] = &[
    ("com.google.step_count.delta", Metric::Steps, "count", 0),
    ("com.google.distance.delta", Metric::Distance, "m", 0),
    ("com.google.calories.expended", Metric::TotalEnergy, "kcal", 0),
    ("com.google.active_minutes", Metric::ExerciseTime, "min", 0),
    ("com.google.heart_rate.bpm", Metric::HeartRate, "bpm", 0),
    ("com.google.weight", Metric::Weight, "kg", 0),
    ("com.google.height", Metric::Height, "m", 0),
    ("com.google.body.fat.percentage", Metric::BodyFat, "%", 0),
    ("com.google.oxygen_saturation", Metric::OxygenSaturation, "%", 0),
    ("com.google.blood_pressure", Metric::BloodPressureSystolic, "mmHg", 0),
    ("com.google.blood_pressure", Metric::BloodPressureDiastolic, "mmHg", 1),
    ("com.google.blood_glucose", Metric::BloodGlucose, "mmol/L", 0),
    ("com.google.body.temperature", Metric::BodyTemperature, "°C", 0),
    ("com.google.hydration", Metric::Water, "L", 0),
    ("com.google.speed", Metric::Speed, "m/s", 0),
    ("com.google.power.sample", Metric::CyclingPower, "W", 0),
    ("com.google.cycling.pedaling.cadence", Metric::CyclingCadence, "/min", 0),
    ("com.google.respiratory_rate", Metric::RespiratoryRate, "/min", 0),
];

const SLEEP: &str = "com.google.sleep.segment";

/// A stream's id, `derived:com.google.heart_rate.bpm:com.google.android.gms:merge_heart_rate_bpm`: from the beginning
/// of the file, since names are cut off in the archive.
fn id_of(input: &Input, member: &Member) -> String {
    let head = input.member_head(member, 1024);
    let head = String::from_utf8_lossy(&head);
    let named = head.split_once("\"Data Source\"").and_then(|(_, rest)| rest.split('"').nth(1));
    named
        .filter(|id| id.contains(':'))
        .map_or_else(|| base(&member.name).replacen('_', ":", 1), str::to_owned)
}

/// How well a stream stands for its type.
fn rank(id: &str) -> u8 {
    if id.contains("estimated_steps") {
        3
    } else if id.starts_with("derived") && id.contains("merge_") {
        2
    } else {
        u8::from(id.starts_with("derived"))
    }
}

/// The type of an id.
fn type_of(id: &str) -> Option<&'static str> {
    let rest = id.split_once(':').map_or(id, |i| i.1);
    let named = rest.split(':').next().unwrap_or(rest);
    let types = || TYPES.iter().map(|t| t.0).chain([SLEEP]);
    // Of a file's name only the beginning is known.
    types().find(|t| *t == named).or_else(|| {
        types().filter(|t| rest.strip_prefix(t).is_some_and(|r| r.starts_with('_'))).max_by_key(|t| t.len())
    })
}

fn is_stream(name: &str) -> bool {
    name.to_lowercase().ends_with(".json")
        && (name.contains("All Data/")
            || base(name).starts_with("derived_com")
            || base(name).starts_with("raw_com"))
}

/// Which streams are taken.
pub(super) struct Plan {
    best: BTreeMap<&'static str, u8>,
}

impl Plan {
    pub(super) fn of(input: &Input) -> Self {
        let mut best = BTreeMap::new();
        for member in input.members().iter().filter(|m| is_stream(&m.name)) {
            let id = id_of(input, member);
            if let Some(kind) = type_of(&id) {
                let entry = best.entry(kind).or_insert(0);
                *entry = rank(&id).max(*entry);
            }
        }
        Self { best }
    }

    /// Reads a file if it is one of Google Fit's.
    pub(super) fn file(
        &self,
        input: &Input,
        member: &Member,
        intake: &mut Intake<'_, '_, '_>,
    ) -> Result<bool, Stop> {
        let name = &member.name;
        if !name.to_lowercase().ends_with(".json") {
            return if self.best.is_empty() { daily(input, member, intake) } else { Ok(false) };
        }
        if !is_stream(name) && is_session(input, member) {
            let whole = json::each(input.open_member(member)?, &[], &mut |_, session, _| {
                session_of(session, intake)
            })?;
            told(whole, intake);
            return Ok(true);
        }
        if !is_stream(name) {
            return Ok(false);
        }
        let id = id_of(input, member);
        let Some(kind) = type_of(&id) else {
            intake.skip(SkipReason::UnknownType, stream(&id));
            return Ok(true);
        };
        let best = self.best.get(kind).copied().unwrap_or(0);
        if best >= 2 && rank(&id) < best {
            intake.skip(SkipReason::NotHealthData, "stream that another sums up");
            return Ok(true);
        }
        let whole = json::each(input.open_member(member)?, &["Data Points"], &mut |_, point, place| {
            point_of(kind, point, intake)?;
            intake.progress(place)
        })?;
        told(whole, intake);
        Ok(true)
    }
}

/// Columns of the daily tables, which hold quarters of an hour: for exports without the streams themselves.
const DAILY: &[(&str, Metric, &str)] = &[
    ("step count", Metric::Steps, "count"),
    ("distance (m)", Metric::Distance, "m"),
    ("calories (kcal)", Metric::TotalEnergy, "kcal"),
    ("average heart rate (bpm)", Metric::HeartRate, "bpm"),
    ("average weight (kg)", Metric::Weight, "kg"),
];

/// `Daily activity metrics/2026-06-01.csv`: start and end of each quarter of an hour with its sums. The table of all
/// days holds the sums again.
fn daily(input: &Input, member: &Member, intake: &mut Intake<'_, '_, '_>) -> Result<bool, Stop> {
    let Some(day) = base(&member.name).strip_suffix(".csv").filter(|d| d.len() == 10) else {
        return Ok(false);
    };
    let mut table = Table::open(input.open_member(member)?, 0)?;
    let (Some(from), Some(to)) = (table.column(&["Start time"]), table.column(&["End time"])) else {
        return Ok(false);
    };
    let columns: Vec<(usize, Metric, &str)> =
        DAILY.iter().filter_map(|d| table.column(&[d.0]).map(|c| (c, d.1, d.2))).collect();
    let source = intake.source("google_fit:daily", "Google Fit", SourceKind::Phone)?;
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let at = |column: usize, intake: &Intake<'_, '_, '_>| {
            when::parse(
                &format!("{day}T{}", table.get(column).trim()),
                Order::MonthFirst,
                intake.context.zone,
            )
        };
        let (Some(start), Some(end)) = (at(from, intake), at(to, intake)) else {
            intake.skip(SkipReason::BadTime, "quarter of an hour");
            continue;
        };
        // The last one ends at 00:00 of the next day.
        let end_ms = if end.ms < start.ms { end.ms + DAY_MS } else { end.ms };
        let before = intake.read();
        for (column, metric, unit) in &columns {
            let value = table.number(Some(*column)).filter(|v| *v > 0.0);
            let Some(value) = value.and_then(|v| metric.info().unit.convert(v, unit)) else { continue };
            if metric.info().kind == crate::metric::Kind::Cumulative {
                intake.over(*metric, source, (start.ms, end_ms), value, Some(start.offset))?;
            } else {
                intake.at(*metric, source, start.ms, round6(value), Some(start.offset))?;
            }
        }
        if intake.read() == before {
            // Nothing happened in it.
            intake.batch.merged();
        }
        intake.progress(table.position())?;
    }
    Ok(true)
}

/// The type in an id that this version does not know.
fn stream(id: &str) -> &str {
    id.split(':').nth(1).unwrap_or(id).split('_').next().unwrap_or("stream")
}

/// The application in an id such as `raw:com.google.weight:com.withings.wiscale2:`.
fn app(id: &str) -> &str {
    id.split(':').nth(2).filter(|a| !a.is_empty()).unwrap_or("com.google.android.gms")
}

fn point_of(kind: &str, point: &Value, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let nanos = |name: &str| {
        let value = point.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok()).map(|n| n / 1_000_000)
    };
    let (Some(from), Some(to)) = (nanos("startTimeNanos").or(nanos("endTimeNanos")), nanos("endTimeNanos"))
    else {
        intake.skip(SkipReason::BadTime, kind);
        return Ok(());
    };
    let app = app(text(point, "originDataSourceId").unwrap_or_default()).to_owned();
    let source_kind = if app == "com.google.android.gms" { SourceKind::Phone } else { SourceKind::App };
    let name = if app == "com.google.android.gms" { "Google Fit" } else { &app };
    let source = intake.source(&format!("google_fit:{app}"), name, source_kind)?;
    let values = point.get("fitValue").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let value = |i: usize| {
        let v = values.get(i)?;
        let v = v.get("value").unwrap_or(v);
        field(v, "fpVal").or(field(v, "intVal"))
    };
    if kind == SLEEP {
        let stage = match value(0).map(|v| v as i64) {
            Some(1) => SleepStage::Awake,
            Some(2) => SleepStage::Asleep,
            Some(3) => SleepStage::OutOfBed,
            Some(4) => SleepStage::Light,
            Some(5) => SleepStage::Deep,
            Some(6) => SleepStage::Rem,
            _ => {
                intake.skip(SkipReason::BadValue, kind);
                return Ok(());
            }
        };
        return Ok(intake.stage(source, (from, to), stage, None)?);
    }
    for (_, metric, unit, which) in TYPES.iter().filter(|t| t.0 == kind) {
        let Some(value) = value(*which).and_then(|v| metric.info().unit.convert(v, unit)) else {
            intake.skip(SkipReason::BadValue, kind);
            continue;
        };
        // Values come in single precision: 80.1 is written 80.0999984741211.
        let value = if metric.info().kind == crate::metric::Kind::Cumulative { value } else { round6(value) };
        if metric.info().kind == crate::metric::Kind::Cumulative {
            intake.over(*metric, source, (from, to.max(from)), value, None)?;
        } else {
            intake.at(*metric, source, to, value, None)?;
        }
    }
    Ok(())
}

/// Six digits: what single precision holds.
fn round6(v: f64) -> f64 {
    if v == 0.0 { 0.0 } else { format!("{v:.5e}").parse().unwrap_or(v) }
}

fn session_of(session: &Value, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let zone = intake.context.zone;
    let at = |name: &str| when::parse(text(session, name)?, Order::MonthFirst, zone);
    let (Some(from), Some(to)) = (at("startTime"), at("endTime")) else {
        intake.skip(SkipReason::BadTime, "session");
        return Ok(());
    };
    let activity = text(session, "fitnessActivity").unwrap_or("other").to_lowercase();
    let source = intake.source("google_fit:sessions", "Google Fit", SourceKind::App)?;
    if activity.starts_with("sleep") {
        // Its stages are in the sleep segments.
        intake.batch.merged();
        return Ok(());
    }
    let mut values = Vec::new();
    for entry in session.get("aggregate").and_then(Value::as_array).into_iter().flatten() {
        let name = match text(entry, "metricName") {
            Some("com.google.calories.expended") => "active_energy.sum",
            Some("com.google.step_count.delta") => "steps.sum",
            Some("com.google.distance.delta") => "distance.sum",
            _ => continue,
        };
        let value = field(entry, "floatValue").or(field(entry, "intValue"));
        values.extend(value.filter(|v| *v > 0.0).map(|v| (name.to_owned(), round6(v))));
    }
    let workout = Workout {
        kind: match activity.as_str() {
            "biking" => "cycling".to_owned(),
            other => other.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).take(40).collect(),
        },
        start_ms: from.ms,
        end_ms: to.ms.max(from.ms),
        offset_min: intake.offset(from.ms),
        title: text(session, "name").unwrap_or_default().to_owned(),
        values,
    };
    Ok(intake.batch.workout(source, workout, Vec::new())?)
}
