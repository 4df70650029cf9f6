//! Oura: the tables of its export and of its trends page, and the JSON of its interface.
//!
//! A night's stages are a text of one digit for each five minutes: 1 deep, 2 light, 3 REM, 4 awake.

use super::csv::{header, put};
use super::intake::Intake;
use super::json::{self, Value, field, text};
use super::table::{Table, plain};
use super::takeout::{each_member, has_extension, told};
use super::when::{self, Order, When};
use super::{Format, Importer, Input, Member, Stop};
use crate::HealthError;
use crate::metric::{Metric, SleepStage};
use crate::store::{SkipReason, SourceId, SourceKind, Workout};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::Oura,
    recognises,
    import: |input, batch, context| {
        let mut intake = Intake::new(batch, context);
        if input.members().is_empty() {
            return read(input.reader()?, is_json(input.head()), &mut intake);
        }
        let mut members: Vec<&Member> = input.members().iter().collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        each_member(input, &members, &mut intake, &mut |member, intake| {
            let head = input.member_head(member, 64);
            if !has_extension(&member.name, "csv") && !has_extension(&member.name, "json") {
                return Ok(false);
            }
            read(input.open_member(member)?, is_json(&head), intake)?;
            Ok(true)
        })
    },
};

fn is_json(head: &[u8]) -> bool {
    matches!(head.iter().find(|b| !b.is_ascii_whitespace()), Some(b'{' | b'['))
}

/// Columns that only Oura's tables have.
const SIGNS: &[&str] = &[
    "readinessscore",
    "temperaturedeviationc",
    "temperaturedeviation",
    "averagehrv",
    "sleepphase5min",
    "lowestrestingheartrate",
    "readinesscontributors",
    "sleepalgorithmversion",
    "hypnogram5min",
    "averagerestingheartrate",
];

fn is_sign(names: &[String]) -> bool {
    names.iter().any(|n| SIGNS.contains(&plain(n).as_str()))
}

fn recognises(input: &Input) -> bool {
    if input.members().is_empty() {
        if is_json(input.head()) {
            let head = String::from_utf8_lossy(input.head());
            return ["sleep_phase_5_min", "hypnogram_5min", "\"bedtime_start\"", "readiness_score_delta"]
                .iter()
                .any(|s| head.contains(s));
        }
        return header(input).is_some_and(|h| is_sign(&h));
    }
    input.members().iter().any(|m| {
        m.name.to_lowercase().split('/').any(|part| part.starts_with("oura"))
            || (matches!(m.base_name(), "sleepmodel.csv" | "dailyreadiness.csv" | "dailysleep.csv"))
    })
}

fn source(intake: &mut Intake<'_, '_, '_>) -> Result<SourceId, HealthError> {
    intake.source("oura", "Oura ring", SourceKind::Ring)
}

fn read(reader: impl std::io::Read, is_json: bool, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    if is_json {
        let keys = [
            "sleep",
            "sleep_periods",
            "heartrate",
            "heart_rate",
            "activity",
            "daily_activity",
            "workout",
            "daily_spo2",
            "readiness",
            "daily_readiness",
            "data",
        ];
        let whole = json::each(reader, &keys, &mut |key, element, place| {
            element_of(key, element, intake)?;
            intake.progress(place)
        })?;
        told(whole, intake);
        return Ok(());
    }
    table(Table::open(reader, 0)?, intake)
}

fn at(text: &str, intake: &Intake<'_, '_, '_>) -> Option<When> {
    when::parse(text, Order::MonthFirst, intake.context.zone)
}

/// Columns of the daily tables: name, metric, unit.
const DAILY: &[(&str, Metric, &str)] = &[
    ("steps", Metric::Steps, "count"),
    ("activityburn", Metric::ActiveEnergy, "kcal"),
    ("activecalories", Metric::ActiveEnergy, "kcal"),
    ("calactive", Metric::ActiveEnergy, "kcal"),
    ("sleepscore", Metric::SleepScore, ""),
    ("lowestrestingheartrate", Metric::RestingHeartRate, "bpm"),
    ("averagehrv", Metric::HrvRmssd, "ms"),
    ("respiratoryrate", Metric::RespiratoryRate, "/min"),
    ("temperaturedeviationc", Metric::SkinTemperatureDelta, "K"),
    ("temperaturedeviation", Metric::SkinTemperatureDelta, "K"),
];

fn table<R: std::io::Read>(mut table: Table<R>, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let source = source(intake)?;
    let column = |names: &[&str]| table.column(names);
    let time = column(&["timestamp", "date", "day"]);
    let bpm = column(&["bpm"]);
    let (start, end) = (column(&["bedtime_start", "Bedtime Start"]), column(&["bedtime_end", "Bedtime End"]));
    let phases = column(&["sleep_phase_5_min", "hypnogram_5min"]);
    let spo2 = column(&["spo2_percentage"]);
    let daily: Vec<(usize, Metric, &str)> = table
        .header()
        .iter()
        .enumerate()
        .filter_map(|(i, h)| DAILY.iter().find(|d| d.0 == plain(h)).map(|d| (i, d.1, d.2)))
        .collect();
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let before = intake.read();
        let when = at(table.text(time), intake);
        if let (Some(bpm), Some(when)) = (table.number(bpm), when) {
            intake.at(Metric::HeartRate, source, when.ms, bpm, Some(when.offset))?;
        }
        if let (Some(from), Some(to)) = (at(table.text(start), intake), at(table.text(end), intake)) {
            night(table.text(phases), from, to, source, intake)?;
        }
        if let (Some(value), Some(when)) = (average(table.text(spo2)), when) {
            put(Metric::OxygenSaturation, source, when, None, value, intake)?;
        }
        for (column, metric, unit) in &daily {
            let value = table.number(Some(*column)).and_then(|v| metric.info().unit.convert(v, unit));
            if let (Some(value), Some(when)) = (value, when) {
                put(*metric, source, when, None, value, intake)?;
            }
        }
        if intake.read() == before {
            let reason = if when.is_none() { SkipReason::BadTime } else { SkipReason::UnknownType };
            intake.skip(reason, "row");
        }
        intake.progress(table.position())?;
    }
    Ok(())
}

/// A number, or the mean in `{"average": 97.1}`.
fn average(text: &str) -> Option<f64> {
    let value: Value = serde_json::from_str(text).ok()?;
    json::number(&value).or_else(|| field(&value, "average")).filter(|v| *v > 0.0)
}

fn night(
    phases: &str,
    from: When,
    to: When,
    source: SourceId,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    const EPOCH: i64 = 300_000;
    let stages: Vec<Option<SleepStage>> = phases
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|d| match d {
            b'1' => Some(SleepStage::Deep),
            b'2' => Some(SleepStage::Light),
            b'3' => Some(SleepStage::Rem),
            b'4' => Some(SleepStage::Awake),
            _ => None,
        })
        .collect();
    if stages.is_empty() {
        return Ok(intake.stage(source, (from.ms, to.ms), SleepStage::Asleep, Some(from.offset))?);
    }
    let mut begun: Option<(i64, SleepStage)> = None;
    for (i, stage) in stages.iter().chain([&None]).enumerate() {
        let ms = (from.ms + i as i64 * EPOCH).min(to.ms.max(from.ms));
        if begun.map(|b| b.1) == *stage {
            continue;
        }
        if let Some((start, stage)) = begun.take()
            && start < ms
        {
            intake.stage(source, (start, ms), stage, Some(from.offset))?;
        }
        begun = stage.map(|s| (ms, s));
    }
    Ok(())
}

fn element_of(key: &str, element: &Value, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let source = source(intake)?;
    let before = intake.read();
    let time = |name: &str| text(element, name).and_then(|t| at(t, intake));
    let (start, end) = (time("bedtime_start"), time("bedtime_end"));
    let moment = time("timestamp");
    let day = time("day").or(time("summary_date")).or(time("date"));
    if let (Some(from), Some(to)) = (start, end) {
        let phases = text(element, "sleep_phase_5_min").or(text(element, "hypnogram_5min"));
        night(phases.unwrap_or_default(), from, to, source, intake)?;
        for (name, metric) in [("heart_rate", Metric::HeartRate), ("hrv", Metric::HrvRmssd)] {
            series(element.get(name), from, metric, source, intake)?;
        }
        for (name, metric) in [("hr_5min", Metric::HeartRate), ("rmssd_5min", Metric::HrvRmssd)] {
            five_minutes(element.get(name), from, metric, source, intake)?;
        }
        for (name, metric) in [
            ("average_breath", Metric::RespiratoryRate),
            ("breath_average", Metric::RespiratoryRate),
            ("lowest_heart_rate", Metric::RestingHeartRate),
            ("hr_lowest", Metric::RestingHeartRate),
        ] {
            if let Some(value) = field(element, name).filter(|v| *v > 0.0) {
                intake.at(metric, source, to.ms, value, Some(to.offset))?;
            }
        }
    } else if let (Some(at), Some(bpm)) = (moment, field(element, "bpm")) {
        intake.at(Metric::HeartRate, source, at.ms, bpm, None)?;
    } else if let (Some(from), Some(to)) = (time("start_datetime"), time("end_datetime")) {
        let mut values = Vec::new();
        for (field_name, name) in [("distance", "distance.sum"), ("calories", "active_energy.sum")] {
            values.extend(field(element, field_name).filter(|v| *v > 0.0).map(|v| (name.to_owned(), v)));
        }
        let workout = Workout {
            kind: text(element, "activity").unwrap_or("other").to_lowercase(),
            start_ms: from.ms,
            end_ms: to.ms.max(from.ms),
            offset_min: from.offset,
            title: text(element, "label").unwrap_or_default().chars().take(200).collect(),
            values,
        };
        intake.batch.workout(source, workout, Vec::new())?;
    } else if let Some(day) = day {
        for (name, metric) in [
            ("steps", Metric::Steps),
            ("active_calories", Metric::ActiveEnergy),
            ("cal_active", Metric::ActiveEnergy),
            ("temperature_deviation", Metric::SkinTemperatureDelta),
        ] {
            if let Some(value) = field(element, name) {
                put(metric, source, day, None, value, intake)?;
            }
        }
        let spo2 =
            element.get("spo2_percentage").and_then(|v| json::number(v).or_else(|| field(v, "average")));
        if let Some(value) = spo2.filter(|v| *v > 0.0) {
            put(Metric::OxygenSaturation, source, day, None, value, intake)?;
        }
    }
    if intake.read() == before {
        intake.skip(SkipReason::UnknownType, if key.is_empty() { "element" } else { key });
    }
    Ok(())
}

/// `{"interval": 300, "items": [62, null, 60], "timestamp": "..."}`.
fn series(
    value: Option<&Value>,
    from: When,
    metric: Metric,
    source: SourceId,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let Some(value) = value else { return Ok(()) };
    let start = text(value, "timestamp").and_then(|t| at(t, intake)).unwrap_or(from);
    let step = field(value, "interval").filter(|s| (1.0..=86_400.0).contains(s)).unwrap_or(300.0);
    for (i, item) in value.get("items").and_then(Value::as_array).into_iter().flatten().enumerate() {
        if let Some(reading) = json::number(item).filter(|v| *v > 0.0) {
            intake.at(
                metric,
                source,
                start.ms + (i as f64 * step * 1000.0) as i64,
                reading,
                Some(from.offset),
            )?;
        }
    }
    Ok(())
}

fn five_minutes(
    value: Option<&Value>,
    from: When,
    metric: Metric,
    source: SourceId,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    for (i, item) in value.and_then(Value::as_array).into_iter().flatten().enumerate() {
        if let Some(reading) = json::number(item).filter(|v| *v > 0.0) {
            intake.at(metric, source, from.ms + i as i64 * 300_000, reading, Some(from.offset))?;
        }
    }
    Ok(())
}
