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
            let scored = input.name().to_lowercase().starts_with("dailysleep");
            return read(input.reader()?, is_json(input.head()), scored, &mut intake);
        }
        let mut members: Vec<&Member> = input.members().iter().collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        each_member(&members, &mut intake, &mut |member, intake| {
            let head = input.member_head(member, 64);
            if !has_extension(&member.name, "csv") && !has_extension(&member.name, "json") {
                return Ok(false);
            }
            // What the account pays is no health data.
            if member.name.contains("Subscriptions/") {
                return Ok(false);
            }
            let scored = member.base_name().eq_ignore_ascii_case("dailysleep.csv");
            read(input.open_member(member)?, is_json(&head), scored, intake)?;
            Ok(true)
        })
    },
};

fn is_json(head: &[u8]) -> bool {
    let first = head.iter().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF));
    matches!(first, Some(b'{' | b'['))
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
    "spo2percentage",
    "lowestheartrate",
    "bedtimestart",
    "breathingdisturbanceindex",
];

/// Names of the account's tables; the first four are nobody else's.
const TABLES: [&str; 7] = [
    "sleepmodel.csv",
    "dailyreadiness.csv",
    "dailysleep.csv",
    "dailyspo2.csv",
    "dailyactivity.csv",
    "workout.csv",
    "vo2max.csv",
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
        return header(input).is_some_and(|h| {
            let names: Vec<String> = h.iter().map(|n| plain(n)).collect();
            let named = TABLES.contains(&input.name().to_lowercase().as_str());
            is_sign(&h)
                || names == ["timestamp", "bpm", "source"]
                || names == ["timestamp", "skintemp"]
                || (named && names.iter().any(|n| n == "day"))
        });
    }
    input.members().iter().any(|m| {
        m.name.to_lowercase().split('/').any(|part| part.starts_with("oura"))
            || TABLES.get(..4).is_some_and(|t| t.contains(&m.base_name().to_lowercase().as_str()))
    })
}

fn source(intake: &mut Intake<'_, '_, '_>) -> Result<SourceId, HealthError> {
    intake.source("oura", "Oura ring", SourceKind::Ring)
}

/// `scored`: a column `score` is that of the night.
fn read(
    reader: impl std::io::Read,
    is_json: bool,
    scored: bool,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
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
    table(Table::open(reader, 0)?, scored, intake)
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
    ("vo2max", Metric::Vo2Max, "mL/(kg\u{b7}min)"),
    ("temperaturedeviationc", Metric::SkinTemperatureDelta, "K"),
    ("temperaturedeviation", Metric::SkinTemperatureDelta, "K"),
];

/// Columns of a table of nights: name, metric.
const NIGHTLY: &[(&str, Metric)] =
    &[("average_breath", Metric::RespiratoryRate), ("lowest_heart_rate", Metric::RestingHeartRate)];

/// The columns of a table that are read.
struct Columns {
    moment: Option<usize>,
    day: Option<usize>,
    bpm: Option<usize>,
    skin: Option<usize>,
    bedtime: (Option<usize>, Option<usize>),
    phases: Option<usize>,
    kind: Option<usize>,
    series: [(Option<usize>, Metric); 2],
    nightly: Vec<(usize, Metric)>,
    spo2: Option<usize>,
    daily: Vec<(usize, Metric, &'static str)>,
    exercise: (Option<usize>, Option<usize>),
}

impl Columns {
    fn of<R: std::io::Read>(table: &Table<R>, scored: bool) -> Self {
        let column = |names: &[&str]| table.column(names);
        let bedtime = (column(&["bedtime_start", "Bedtime Start"]), column(&["bedtime_end", "Bedtime End"]));
        let daily = |(i, h): (usize, &String)| {
            let name = plain(h);
            let found = DAILY.iter().find(|d| d.0 == name).map(|d| (i, d.1, d.2));
            found.or((scored && name == "score").then_some((i, Metric::SleepScore, "")))
        };
        Self {
            moment: column(&["timestamp"]),
            // Days have a moment too: their midnight in UTC, which is no local day.
            day: column(&["day", "date", "timestamp"]),
            bpm: column(&["bpm"]),
            skin: column(&["skin_temp"]),
            bedtime,
            phases: column(&["sleep_phase_5_min", "hypnogram_5min"]),
            kind: column(&["type"]),
            series: [(column(&["heart_rate"]), Metric::HeartRate), (column(&["hrv"]), Metric::HrvRmssd)],
            nightly: NIGHTLY.iter().filter_map(|n| Some((column(&[n.0])?, n.1))).collect(),
            spo2: column(&["spo2_percentage"]),
            // The trends page has nights and days in one table; a table of nights alone has no sums of days.
            daily: table.header().iter().enumerate().filter_map(daily).collect(),
            exercise: (column(&["start_datetime"]), column(&["end_datetime"])),
        }
    }
}

fn table<R: std::io::Read>(
    mut table: Table<R>,
    scored: bool,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let source = source(intake)?;
    let columns = Columns::of(&table, scored);
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let before = intake.read();
        let moment = at(table.text(columns.moment), intake);
        let when = at(table.text(columns.day), intake).or(moment);
        if let (Some(bpm), Some(when)) = (table.number(columns.bpm), moment) {
            intake.at(Metric::HeartRate, source, when.ms, bpm, Some(when.offset))?;
        }
        if let (Some(skin), Some(when)) = (table.number(columns.skin), moment) {
            let unit = if skin >= 60.0 { "\u{b0}F" } else { "\u{b0}C" };
            let skin = Metric::SkinTemperature.info().unit.convert(skin, unit).unwrap_or(skin);
            intake.at(Metric::SkinTemperature, source, when.ms, skin, Some(when.offset))?;
        }
        night_row(&table, &columns, source, intake)?;
        exercise_row(&table, &columns, source, intake)?;
        if let (Some(value), Some(when)) = (average(table.text(columns.spo2)), when) {
            put(Metric::OxygenSaturation, source, when, None, value, intake)?;
        }
        for (column, metric, unit) in &columns.daily {
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

/// A night with the series that stand as JSON in its fields.
fn night_row<R: std::io::Read>(
    table: &Table<R>,
    columns: &Columns,
    source: SourceId,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let (Some(from), Some(to)) =
        (at(table.text(columns.bedtime.0), intake), at(table.text(columns.bedtime.1), intake))
    else {
        return Ok(());
    };
    // What was first taken for sleep and then was not.
    if matches!(table.text(columns.kind), "deleted" | "rest") {
        intake.skip(SkipReason::NotHealthData, "rest");
        return Ok(());
    }
    night(table.text(columns.phases), from, to, source, intake)?;
    for (column, metric) in &columns.series {
        let value = serde_json::from_str::<Value>(table.text(*column)).ok();
        series(value.as_ref(), from, *metric, source, intake)?;
    }
    for (column, metric) in &columns.nightly {
        if let Some(value) = table.number(Some(*column)).filter(|v| *v > 0.0) {
            intake.at(*metric, source, to.ms, value, Some(to.offset))?;
        }
    }
    Ok(())
}

fn exercise_row<R: std::io::Read>(
    table: &Table<R>,
    columns: &Columns,
    source: SourceId,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let (Some(from), Some(to)) =
        (at(table.text(columns.exercise.0), intake), at(table.text(columns.exercise.1), intake))
    else {
        return Ok(());
    };
    // Breathing and rest are sessions too, without an activity.
    let kind = table.text(table.column(&["activity"])).to_lowercase();
    if kind.is_empty() {
        return Ok(());
    }
    let value = |(column, name): (&str, &str)| {
        let value = table.number(table.column(&[column])).filter(|v| *v > 0.0)?;
        Some((name.to_owned(), value))
    };
    let workout = Workout {
        kind: kind.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).take(40).collect(),
        start_ms: from.ms,
        end_ms: to.ms.max(from.ms),
        offset_min: from.offset,
        title: table.text(table.column(&["label"])).chars().take(200).collect(),
        values: [("distance", "distance.sum"), ("calories", "active_energy.sum")]
            .into_iter()
            .filter_map(value)
            .collect(),
    };
    Ok(intake.batch.workout(source, workout, Vec::new())?)
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
    if matches!(text(element, "type"), Some("deleted" | "rest")) && start.is_some() {
        intake.skip(SkipReason::NotHealthData, "rest");
        return Ok(());
    }
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
