//! Fitbit: `heart_rate-2026-06-01.json` and the like, and the CSV files that Takeout adds.
//!
//! Times of the minute series (heart rate, steps, distance, energy, floors) and of exercises are UTC, without saying
//! so; those of sleep and weight are local. Weight is in pounds except for accounts that never were: the body mass
//! index beside it tells. Distance is in centimetres, height climbed in ten feet a floor.

use super::super::csv::put;
use super::super::intake::Intake;
use super::super::json::{self, Value, field, text};
use super::super::table::{Table, plain};
use super::super::when::{self, Order, When};
use super::super::{Input, Member, Stop};
use super::{has_extension, told};
use crate::HealthError;
use crate::metric::{Kind, Metric, SleepStage};
use crate::store::{SkipReason, SourceId, SourceKind, Workout};
use jiff::tz::TimeZone;

/// Names of files that only Fitbit writes.
pub(super) fn is_sign(name: &str) -> bool {
    name.contains("Global Export Data/")
        || name.contains("Google Health/")
        || name.contains("Fitbit/")
        || name.contains("Physical Activity_GoogleData/")
        || name.contains("Health Fitness Data_GoogleData/")
        || (["heart_rate-", "sleep-", "steps-", "resting_heart_rate-"]
            .iter()
            .any(|p| base(name).starts_with(p))
            && has_extension(name, "json"))
}

/// One file by itself, under the name it has in an export: told by its content, and where several kinds look alike
/// (steps, distance, energy) by its name too.
pub(super) fn lone(input: &Input) -> Option<String> {
    let head = String::from_utf8_lossy(input.head().get(..4096).unwrap_or(input.head())).into_owned();
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let name = base(input.name());
    if head.starts_with('[') || head.starts_with('{') {
        let has = |sign: &str| head.contains(sign);
        if has("\"dateTime\"") && has("\"bpm\"") {
            return Some("heart_rate-.json".to_owned());
        }
        if has("\"dateOfSleep\"") && has("\"logId\"") {
            return Some("sleep-.json".to_owned());
        }
        if has("\"activityName\"") && has("\"logId\"") {
            return Some("exercise-0.json".to_owned());
        }
        if has("\"logId\"") && has("\"weight\"") {
            return Some("weight-.json".to_owned());
        }
        if has("emographicVO2Max\"") || has("\"runVO2Max\"") {
            return Some("run_vo2_max-.json".to_owned());
        }
        if has("\"dateTime\"") && has("\"error\"") && has("\"date\"") {
            return Some("resting_heart_rate-.json".to_owned());
        }
        let known = has("\"dateTime\"") && has("\"value\"") && KNOWN.contains(&kind(name));
        return known.then(|| format!("{}-.json", kind(name)));
    }
    let header = super::super::csv::header(input)?;
    let has = |column: &str| header.iter().any(|h| plain(h) == plain(column));
    let table = table_of(name).filter(|t| has(t.time) && has(t.column));
    // Without its own name a table is told by columns that no other has.
    let table = table.or_else(|| TABLES.iter().find(|t| t.telling && has(t.time) && has(t.column)));
    match table {
        Some(t) if t.column == "rmssd" && !has("coverage") => None,
        Some(t) if has("data source") || t.telling || t.name.contains(' ') => Some(format!("{}.csv", t.name)),
        _ if has("sleep_stage_type") => Some("UserSleepStages_.csv".to_owned()),
        _ if has("sleep_id") && has("sleep_start") => Some("UserSleeps_.csv".to_owned()),
        _ if has("exercise_start") && has("activity_name") => Some("UserExercises_.csv".to_owned()),
        _ => None,
    }
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// `heart_rate` of `heart_rate-2026-06-01.json`.
fn kind(name: &str) -> &str {
    let stem = base(name).rsplit_once('.').map_or(base(name), |s| s.0);
    let end = stem.find(|c: char| c.is_ascii_digit()).unwrap_or(stem.len());
    stem.get(..end).unwrap_or(stem).trim_end_matches(['-', '_', ' '])
}

const MINUTE: i64 = 60_000;

/// Reads a file if it is one of Fitbit's.
pub(super) fn file(input: &Input, member: &Member, intake: &mut Intake<'_, '_, '_>) -> Result<bool, Stop> {
    let name = &member.name;
    // Megabytes of the service's own bookkeeping are not even opened.
    let ours = name.contains("Fitbit") || is_sign(name) || !name.contains("Fit/");
    if !ours || name.contains("Google Fit") {
        return Ok(false);
    }
    if has_extension(name, "json") {
        return json_file(input, member, intake);
    }
    if has_extension(name, "csv") {
        return csv_file(input, member, intake);
    }
    Ok(false)
}

fn source(intake: &mut Intake<'_, '_, '_>) -> Result<SourceId, HealthError> {
    intake.source("fitbit", "Fitbit", SourceKind::Watch)
}

/// Kinds of files that are read.
const KNOWN: &[&str] = &[
    "heart_rate",
    "steps",
    "distance",
    "calories",
    "altitude",
    "resting_heart_rate",
    "weight",
    "sleep",
    "exercise",
    "demographic_vo2_max",
    "run_vo2_max",
];
/// Kinds of files that only Fitbit has and that hold nothing to store.
const COUNTED: &[&str] = &[
    "time_in_heart_rate_zones",
    "sedentary_minutes",
    "lightly_active_minutes",
    "moderately_active_minutes",
    "very_active_minutes",
    "water_logs",
    "food_logs",
    "swim_lengths_data",
    "badge",
    "height",
    "menstrual_health_settings",
];

fn json_file(input: &Input, member: &Member, intake: &mut Intake<'_, '_, '_>) -> Result<bool, Stop> {
    let kind = kind(&member.name).to_owned();
    if !KNOWN.contains(&kind.as_str()) {
        if !COUNTED.contains(&kind.as_str()) && !member.name.contains("Global Export Data/") {
            return Ok(false);
        }
        let whole = json::each(input.open_member(member)?, &[], &mut |_, _, _| {
            intake.skip(SkipReason::UnknownType, &kind);
            Ok(())
        })?;
        told(whole, intake);
        return Ok(true);
    }
    let source = source(intake)?;
    let whole = json::each(input.open_member(member)?, &[], &mut |_, element, place| {
        entry(&kind, element, source, intake)?;
        intake.progress(place)
    })?;
    told(whole, intake);
    Ok(true)
}

fn utc(element: &Value, name: &str) -> Option<When> {
    when::parse(text(element, name)?, Order::MonthFirst, &TimeZone::UTC)
}

fn entry(kind: &str, element: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let value = element.get("value").unwrap_or(&Value::Null);
    let zone = intake.context.zone;
    match kind {
        "heart_rate" => {
            let (at, rate) = (utc(element, "dateTime"), field(value, "bpm"));
            match (at, rate) {
                (Some(at), Some(rate)) => intake.at(Metric::HeartRate, source, at.ms, rate, None)?,
                (None, _) => intake.skip(SkipReason::BadTime, kind),
                _ => intake.skip(SkipReason::BadValue, kind),
            }
        }
        "steps" | "distance" | "calories" | "altitude" => {
            let (metric, factor) = match kind {
                "steps" => (Metric::Steps, 1.0),
                "distance" => (Metric::Distance, 0.01),
                "calories" => (Metric::TotalEnergy, 1.0),
                _ => (Metric::Floors, 0.1),
            };
            // Minutes of energy are in local time, all others in UTC.
            let at = if kind == "calories" {
                text(element, "dateTime").and_then(|t| when::parse(t, Order::MonthFirst, zone))
            } else {
                utc(element, "dateTime")
            };
            match (at, json::number(value)) {
                // A minute without movement.
                (Some(_), Some(0.0)) => intake.batch.merged(),
                (Some(at), Some(v)) => {
                    let value = (v * factor * 1e6).round() / 1e6;
                    intake.over(metric, source, (at.ms, at.ms + MINUTE), value, None)?;
                }
                (None, _) => intake.skip(SkipReason::BadTime, kind),
                _ => intake.skip(SkipReason::BadValue, kind),
            }
        }
        "resting_heart_rate" | "demographic_vo2_max" | "run_vo2_max" => {
            let (metric, rate) = if kind == "resting_heart_rate" {
                (Metric::RestingHeartRate, field(value, "value"))
            } else {
                let run = field(value, "runVO2Max");
                (
                    Metric::Vo2Max,
                    field(value, "filteredDemographicVO2Max").or(field(value, "demographicVO2Max")).or(run),
                )
            };
            let day = text(value, "date").or(text(element, "dateTime"));
            let day = day.and_then(|d| when::parse(d, Order::MonthFirst, zone));
            match (day, rate) {
                (Some(day), Some(rate)) if rate > 0.0 => {
                    intake.at(
                        metric,
                        source,
                        day.ms + 12 * 60 * MINUTE,
                        (rate * 100.0).round() / 100.0,
                        None,
                    )?;
                }
                (None, _) => intake.skip(SkipReason::BadTime, kind),
                _ => intake.skip(SkipReason::BadValue, kind),
            }
        }
        "weight" => weight(element, source, intake)?,
        "sleep" => sleep(element, source, intake)?,
        _ => exercise(element, source, intake)?,
    }
    Ok(())
}

fn weight(element: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let at = format!(
        "{} {}",
        text(element, "date").unwrap_or_default(),
        text(element, "time").unwrap_or_default()
    );
    let at = when::parse(&at, Order::MonthFirst, intake.context.zone);
    let (Some(at), Some(weight)) = (at, field(element, "weight")) else {
        intake.skip(if at.is_none() { SkipReason::BadTime } else { SkipReason::BadValue }, "weight");
        return Ok(());
    };
    let bmi = field(element, "bmi").filter(|b| *b > 0.0);
    let kilograms = pounds_or_kilograms(weight, bmi);
    intake.at(Metric::Weight, source, at.ms, kilograms, Some(at.offset))?;
    for (metric, value) in
        [(Metric::BodyMassIndex, bmi), (Metric::BodyFat, field(element, "fat").filter(|f| *f > 0.0))]
    {
        if let Some(value) = value {
            intake.at(metric, source, at.ms, (value * 1000.0).round() / 1000.0, Some(at.offset))?;
        }
    }
    Ok(())
}

/// Pounds, unless the body mass index makes them a body of less than 1.3 m that would be a usual one in kilograms.
fn pounds_or_kilograms(weight: f64, bmi: Option<f64>) -> f64 {
    let pounds = Metric::Weight.info().unit.convert(weight, "lb").unwrap_or(weight);
    let height = |kg: f64| bmi.map(|b| (kg / b).sqrt());
    match (height(pounds), height(weight)) {
        (Some(small), Some(usual)) if small < 1.3 && (1.3..2.3).contains(&usual) => weight,
        _ => pounds,
    }
}

fn sleep(element: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let zone = intake.context.zone;
    let at = |v: &Value, name: &str| when::parse(text(v, name)?, Order::MonthFirst, zone);
    let levels = element.get("levels");
    let list = |name: &str| {
        levels.and_then(|l| l.get(name)).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
    };
    let segment = |v: &Value| {
        let from = at(v, "dateTime")?;
        let length = (field(v, "seconds")? * 1000.0) as i64;
        (length > 0).then_some((from.ms, from.ms + length, stage(text(v, "level")?)?))
    };
    // Wakes of up to three minutes lie on top of the stages; a night has some dozens.
    let short: Vec<_> = list("shortData").iter().filter_map(segment).take(2000).collect();
    let before = intake.read();
    for entry in list("data") {
        let Some((from, to, stage)) = segment(entry) else {
            intake.skip(SkipReason::BadValue, "sleep");
            continue;
        };
        let mut at = from;
        for &(wake, woke, _) in short.iter().filter(|s| s.0 < to && s.1 > from) {
            if wake > at {
                intake.stage(source, (at, wake), stage, None)?;
            }
            at = at.max(woke);
        }
        if at < to {
            intake.stage(source, (at, to), stage, None)?;
        }
    }
    if intake.read() > before {
        for (from, to, stage) in short {
            intake.stage(source, (from, to), stage, None)?;
        }
        intake.batch.merged();
        return Ok(());
    }
    match (at(element, "startTime"), at(element, "endTime")) {
        (Some(from), Some(to)) => {
            intake.stage(source, (from.ms, to.ms), SleepStage::Asleep, Some(from.offset))?;
        }
        _ => intake.skip(SkipReason::BadTime, "sleep"),
    }
    Ok(())
}

fn stage(level: &str) -> Option<SleepStage> {
    Some(match level {
        "wake" | "awake" => SleepStage::Awake,
        "light" => SleepStage::Light,
        "deep" => SleepStage::Deep,
        "rem" => SleepStage::Rem,
        "asleep" | "restless" => SleepStage::Asleep,
        _ => return None,
    })
}

fn exercise(element: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let length =
        field(element, "duration").or(field(element, "activeDuration")).filter(|d| *d >= 0.0 && *d < 1e9);
    let (Some(start), Some(length)) = (utc(element, "startTime"), length) else {
        intake.skip(SkipReason::BadTime, "exercise");
        return Ok(());
    };
    let name = text(element, "activityName").unwrap_or_default();
    let metres = match text(element, "distanceUnit").unwrap_or("Kilometer") {
        "Mile" => "mi",
        "Meter" | "Metre" => "m",
        "Yard" => "yd",
        _ => "km",
    };
    let distance = field(element, "distance").and_then(|d| Metric::Distance.info().unit.convert(d, metres));
    let mut values = Vec::new();
    for (name, value) in [
        ("distance.sum", distance),
        ("steps.sum", field(element, "steps")),
        ("active_energy.sum", field(element, "calories")),
        ("heart_rate.mean", field(element, "averageHeartRate")),
        ("move_time.sum", field(element, "activeDuration").map(|ms| ms / 1000.0)),
    ] {
        values.extend(value.filter(|v| *v > 0.0).map(|v| (name.to_owned(), v)));
    }
    let workout = Workout {
        kind: workout_kind(name),
        start_ms: start.ms,
        end_ms: start.ms + length as i64,
        offset_min: intake.offset(start.ms),
        title: name.to_owned(),
        values,
    };
    Ok(intake.batch.workout(source, workout, Vec::new())?)
}

pub(super) fn workout_kind(name: &str) -> String {
    match name.to_lowercase().as_str() {
        "run" => "running".to_owned(),
        "treadmill" => "treadmill_running".to_owned(),
        "walk" => "walking".to_owned(),
        "bike" | "outdoor bike" => "cycling".to_owned(),
        "spinning" => "indoor_cycling".to_owned(),
        "swim" => "swimming".to_owned(),
        "hike" => "hiking".to_owned(),
        "weights" => "strength_training".to_owned(),
        "" => "other".to_owned(),
        name => name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).take(40).collect(),
    }
}

/// What the time of a table's row means.
#[derive(Clone, Copy, PartialEq)]
enum Clock {
    Utc,
    Local,
    /// A day, written as its midnight or noon in UTC: the date counts, not the moment.
    Day,
}

struct TableOf {
    /// Beginning of the file's name.
    name: &'static str,
    time: &'static str,
    column: &'static str,
    metric: Metric,
    unit: &'static str,
    clock: Clock,
    /// Whether the columns alone tell the table.
    telling: bool,
}

const fn of(
    name: &'static str,
    (time, clock): (&'static str, Clock),
    column: &'static str,
    metric: Metric,
    unit: &'static str,
    telling: bool,
) -> TableOf {
    TableOf { name, time, column, metric, unit, clock, telling }
}

const UTC: (&str, Clock) = ("timestamp", Clock::Utc);
const DAY: (&str, Clock) = ("timestamp", Clock::Day);
const LOCAL: (&str, Clock) = ("timestamp", Clock::Local);

/// Tables of Takeout. The newer ones hold again what the JSON files hold, with the device named: they are sources of
/// their own, and merging counts each minute once.
#[rustfmt::skip]
const TABLES: &[TableOf] = &[
    of("Heart Rate Variability Details", LOCAL, "rmssd", Metric::HrvRmssd, "ms", true),
    of("Daily Heart Rate Variability Summary", DAY, "rmssd", Metric::HrvRmssd, "ms", false),
    of("Minute SpO2", UTC, "value", Metric::OxygenSaturation, "%", false),
    of("Daily SpO2", DAY, "average_value", Metric::OxygenSaturation, "%", false),
    of("Daily Respiratory Rate Summary", DAY, "daily_respiratory_rate", Metric::RespiratoryRate, "/min", true),
    of("sleep_score", UTC, "overall_score", Metric::SleepScore, "", true),
    of("Stress Score", ("DATE", Clock::Local), "STRESS_SCORE", Metric::Stress, "", true),
    of("Device Temperature", ("recorded_time", Clock::Local), "temperature", Metric::SkinTemperatureDelta, "K", false),
    of("Computed Temperature", ("sleep_end", Clock::Local), "nightly_temperature", Metric::SkinTemperature, "\u{b0}C", true),
    of("heart_rate_variability", UTC, "root mean square of successive differences milliseconds", Metric::HrvRmssd, "ms", true),
    of("daily_heart_rate_variability", DAY, "average heart rate variability milliseconds", Metric::HrvRmssd, "ms", true),
    of("heart_rate", UTC, "beats per minute", Metric::HeartRate, "bpm", false),
    of("resting_heart_rate", UTC, "beats per minute", Metric::RestingHeartRate, "bpm", false),
    of("daily_resting_heart_rate", DAY, "beats per minute", Metric::RestingHeartRate, "bpm", false),
    of("steps", UTC, "steps", Metric::Steps, "count", false),
    of("distance", UTC, "distance", Metric::Distance, "m", false),
    of("floors", UTC, "floors", Metric::Floors, "count", false),
    of("weight", UTC, "weight grams", Metric::Weight, "g", true),
    of("body_temperature", UTC, "temperature celsius", Metric::SkinTemperature, "\u{b0}C", true),
    of("body_fat", UTC, "body fat percentage", Metric::BodyFat, "%", true),
    of("body_fat", UTC, "fat percentage", Metric::BodyFat, "%", true),
    of("height", UTC, "height millimeters", Metric::Height, "mm", true),
    of("calories", UTC, "calories", Metric::TotalEnergy, "kcal", false),
    of("active_energy_burned", UTC, "Kilocalories", Metric::ActiveEnergy, "kcal", false),
    of("daily_respiratory_rate", DAY, "breaths per minute", Metric::RespiratoryRate, "/min", true),
    of("oxygen_saturation", UTC, "oxygen saturation percentage", Metric::OxygenSaturation, "%", true),
    of("daily_oxygen_saturation", DAY, "average percentage", Metric::OxygenSaturation, "%", true),
    of("demographic_vo2max", DAY, "demographic vo2max", Metric::Vo2Max, "mL/(kg\u{b7}min)", true),
];

/// The longest of the names that fit.
fn table_of(name: &str) -> Option<&'static TableOf> {
    let name = base(name);
    let fits = |t: &&TableOf| {
        plain(kind(name)) == plain(t.name) || (t.name.contains(' ') && name.starts_with(t.name))
    };
    TABLES.iter().find(fits)
}

fn csv_file(input: &Input, member: &Member, intake: &mut Intake<'_, '_, '_>) -> Result<bool, Stop> {
    let name = base(&member.name).to_owned();
    if name.starts_with("UserSleep") || name.starts_with("UserExercises") {
        return super::sessions::file(input, member, intake);
    }
    let Some(named) = table_of(&name) else { return Ok(false) };
    let mut table = Table::open(input.open_member(member)?, 0)?;
    // A table may have had another column in another year.
    let mut alike = TABLES.iter().filter(|t| t.name == named.name);
    let found = alike.find_map(|t| Some((t, table.column(&[t.time])?, table.column(&[t.column])?)));
    let Some((of, time, column)) = found else { return Ok(false) };
    let device = table.column(&["data source"]);
    // What sums up a night or a day stands behind the readings themselves.
    let base_source = if of.clock == Clock::Day {
        intake.source("fitbit:daily", "Fitbit (by day)", SourceKind::App)?
    } else {
        source(intake)?
    };
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let device = table.text(device);
        let source = if device.is_empty() || of.clock == Clock::Day {
            base_source
        } else {
            intake.source(&format!("fitbit:{}", plain(device)), device, SourceKind::Watch)?
        };
        row(&table, (time, column), of, source, intake)?;
        intake.progress(table.position())?;
    }
    Ok(true)
}

fn row<R: std::io::Read>(
    table: &Table<R>,
    (time, column): (usize, usize),
    of: &TableOf,
    source: SourceId,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let metric = of.metric;
    let at = {
        let zone = if of.clock == Clock::Utc { &TimeZone::UTC } else { intake.context.zone };
        let text = table.get(time).trim();
        let text = if of.clock == Clock::Day { text.get(..10).unwrap_or(text) } else { text };
        when::parse(text, Order::MonthFirst, zone)
    };
    let value = table.number(Some(column)).and_then(|v| metric.info().unit.convert(v, of.unit));
    match (at, value) {
        (None, _) => intake.skip(SkipReason::BadTime, metric.id()),
        (_, None) => intake.skip(SkipReason::BadValue, metric.id()),
        // Fitbit's marks for "no reading": 0 of a score, 50 of the oxygen sensor.
        (_, Some(v)) if v == 0.0 || (metric == Metric::OxygenSaturation && v <= 50.0) => {
            intake.skip(SkipReason::BadValue, metric.id());
        }
        (Some(at), Some(v)) if metric.info().kind == Kind::Cumulative => {
            intake.over(metric, source, (at.ms, at.ms + MINUTE), v, None)?;
        }
        (Some(at), Some(v)) if of.clock == Clock::Day => put(metric, source, at, None, v, intake)?,
        (Some(at), Some(v)) => intake.at(metric, source, at.ms, v, None)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_mass_index_tells_the_unit() {
        // 80 kg and 176 lb of somebody of 1.80 m.
        assert!((pounds_or_kilograms(80.0, Some(24.7)) - 80.0).abs() < 1e-9);
        assert!((pounds_or_kilograms(176.37, Some(24.7)) - 80.0).abs() < 0.01);
        assert!((pounds_or_kilograms(176.37, None) - 80.0).abs() < 0.01);
    }

    #[test]
    fn kinds_of_files() {
        assert_eq!(kind("Takeout/Fitbit/Global Export Data/heart_rate-2026-06-01.json"), "heart_rate");
        assert_eq!(kind("exercise-0.json"), "exercise");
        assert_eq!(kind("Minute SpO2 - 2026-06-01.csv"), "Minute SpO");
        assert_eq!(kind("steps_2026-06-01.csv"), "steps");
    }
}
