//! Garmin Connect's export: FIT files in zips within the zip, and JSON of what the service made of them.
//!
//! The FIT files are read first, since they hold every beat and step; of the JSON come nights, daily sums, weights and
//! workouts that no file of the export has. Daily sums are another source, so that merging lets the watch win.

use std::collections::BTreeSet;

use super::csv::put;
use super::fit;
use super::intake::Intake;
use super::json::{self, Value, field, text};
use super::takeout::{each_member, has_extension, told};
use super::when::{self, Order, When};
use super::{Format, Importer, Input, Member, Stop};
use crate::HealthError;
use crate::metric::{Metric, SleepStage};
use crate::store::{SkipReason, SourceId, SourceKind, Workout};
use jiff::tz::TimeZone;

pub(super) const IMPORTER: Importer = Importer {
    format: Format::Garmin,
    recognises: |input| {
        input.members().iter().any(|m| {
            m.name.contains("DI_CONNECT/")
                || m.name.contains("DI-Connect-")
                || [
                    "_sleepData.json",
                    "_summarizedActivities.json",
                    "_healthStatusData.json",
                    "_userBioMetrics.json",
                ]
                .iter()
                .any(|end| m.base_name().ends_with(end))
                || (m.base_name().starts_with("UDSFile_") && has_extension(m.base_name(), "json"))
        }) || lone(input).is_some()
    },
    import: |input, batch, context| {
        let one = lone(input).map(|name| input.as_member(name));
        read(one.as_ref().unwrap_or(input), &mut Intake::new(batch, context))
    },
};

/// One JSON file of the export by itself, told by names of fields that only Garmin uses: the name it has there.
fn lone(input: &Input) -> Option<&'static str> {
    let head = input.head();
    let first = head.iter().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF));
    if !input.members().is_empty() || !matches!(first, Some(b'[' | b'{')) {
        return None;
    }
    let has = |sign: &str| memchr::memmem::find(head, sign.as_bytes()).is_some();
    // The first fields of the first record are in the head; which come first differs.
    Some(match () {
        () if has("\"sleepStartTimestampGMT\"") || has("\"sleepWindowConfirmationType\"") => {
            "x_sleepData.json"
        }
        () if has("\"summarizedActivitiesExport\"") => "x_summarizedActivities.json",
        () if has("\"wellnessStartTimeGmt\"") || (has("\"calendarDate\"") && has("\"totalSteps\"")) => {
            "UDSFile_x.json"
        }
        () if has("\"vo2MaxValue\"") && has("\"sport\"") => "MetricsMaxMetData_x.json",
        () if has("\"calendarDate\"") && has("\"metrics\"") && has("\"type\"") => "x_healthStatusData.json",
        () if has("\"valueInML\"") && has("\"hydrationSource\"") => "HydrationLogFile_x.json",
        () if has("\"bloodPressure\"") && has("\"metaData\"") => "BloodPressureFile_x.json",
        () if has("\"metaData\"") && has("\"calendarDate\"") => "x_userBioMetrics.json",
        () => return None,
    })
}

fn read(input: &Input, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let mut members: Vec<&Member> = input.members().iter().collect();
    // Uploaded files before the JSON; names keep the order of time.
    let later = |m: &Member| m.name.to_lowercase().ends_with(".json");
    members.sort_by(|a, b| (later(a), &a.name).cmp(&(later(b), &b.name)));
    // The order is not that of names, which checkpoints need: two runs.
    let (first, second): (Vec<&Member>, Vec<&Member>) = members.into_iter().partition(|m| !later(m));
    let json_begun = intake.context.resume_at().is_some_and(|at| at.to_lowercase().ends_with(".json"));
    if !json_begun {
        each_member(&first, intake, &mut |member, intake| files(input, member, intake, 0))?;
    }
    each_member(&second, intake, &mut |member, intake| json_file(input, member, intake))
}

/// FIT files, as they are or in archives.
fn files(input: &Input, member: &Member, intake: &mut Intake<'_, '_, '_>, depth: u8) -> Result<bool, Stop> {
    let head = input.member_head(member, 16);
    let is_zip = head.starts_with(b"PK\x03\x04");
    if !is_zip && !fit::is_fit(&head) {
        return Ok(false);
    }
    let result = (|| -> Result<(), Stop> {
        let nested = input.nested(member)?;
        if !is_zip {
            return fit::read(&mut nested.reader()?, intake);
        }
        if depth < 2 {
            let mut members: Vec<&Member> = nested.members().iter().collect();
            members.sort_by(|a, b| a.name.cmp(&b.name));
            for member in members {
                files(&nested, member, intake, depth + 1)?;
            }
        }
        Ok(())
    })();
    match result {
        // One damaged file among ten thousand is counted and told, the others are read.
        Err(Stop::Failed(HealthError::BrokenFile { .. })) => {
            told(false, intake);
            Ok(true)
        }
        other => other.map(|()| true),
    }
}

fn json_file(input: &Input, member: &Member, intake: &mut Intake<'_, '_, '_>) -> Result<bool, Stop> {
    let name = member.base_name().to_owned();
    if name.contains("summarizedActivities") {
        return activities(input, member, intake);
    }
    let kinds: [(&str, Reader); 7] = [
        ("sleepData", night),
        ("UDSFile", day),
        ("MetricsMaxMetData", vo2_max),
        ("userBioMetrics", weight),
        ("healthStatusData", status),
        ("HydrationLogFile", hydration),
        ("BloodPressureFile", blood_pressure),
    ];
    let Some((_, take)) = kinds.into_iter().find(|k| name.contains(k.0)) else {
        if name.to_lowercase().ends_with(".json") {
            intake.skip(SkipReason::UnknownType, member.name.rsplit('/').nth(1).unwrap_or("json"));
        }
        return Ok(false);
    };
    let source = intake.source("garmin_connect", "Garmin Connect", SourceKind::App)?;
    let whole = json::each(input.open_member(member)?, &[], &mut |_, element, place| {
        take(element, source, intake)?;
        intake.progress(place)
    })?;
    told(whole, intake);
    Ok(true)
}

type Reader = fn(&Value, SourceId, &mut Intake<'_, '_, '_>) -> Result<(), Stop>;

/// A time in UTC: text, milliseconds, or a list of year, month, day, hour, minute, second.
fn utc(value: &Value, name: &str) -> Option<When> {
    match value.get(name)? {
        Value::String(text) => when::parse(text, Order::MonthFirst, &TimeZone::UTC),
        Value::Array(parts) => listed(parts, &TimeZone::UTC),
        other => when::epoch(json::number(other)?, &TimeZone::UTC),
    }
}

/// `[2026, 6, 1, 7, 5, 30, 806000000]`, as Java writes a local time.
fn listed(parts: &[Value], zone: &TimeZone) -> Option<When> {
    let part = |i: usize| parts.get(i).and_then(Value::as_i64);
    let date = format!("{:04}-{:02}-{:02}", part(0)?, part(1)?, part(2)?);
    let Some(hour) = part(3) else { return when::parse(&date, Order::MonthFirst, zone) };
    let (minute, second) = (part(4).unwrap_or(0), part(5).unwrap_or(0));
    when::parse(&format!("{date}T{hour:02}:{minute:02}:{second:02}"), Order::MonthFirst, zone)
}

/// A calendar date: `2026-06-01`, or `{"date": "Jun 1, 2026 12:00:00 AM"}` in older exports.
fn date(value: &Value, zone: &TimeZone) -> Option<When> {
    let entry = value.get("calendarDate")?;
    if let Value::Array(parts) = entry {
        return listed(parts, zone);
    }
    let text = entry.as_str().or_else(|| text(entry, "date"))?;
    let text = text.split(" 12:00:00 AM").next()?;
    let text = text.split('T').next()?;
    when::parse(text, Order::MonthFirst, zone)
}

/// Garmin's JSON has no hypnogram, only how long each stage was: the night is kept as asleep.
fn night(value: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let (Some(from), Some(to)) = (utc(value, "sleepStartTimestampGMT"), utc(value, "sleepEndTimestampGMT"))
    else {
        intake.skip(SkipReason::BadTime, "sleepData");
        return Ok(());
    };
    intake.stage(source, (from.ms, to.ms), SleepStage::Asleep, None)?;
    let scores = value.get("sleepScores");
    let score = scores.and_then(|s| field(s, "overallScore").or_else(|| field(s.get("overall")?, "value")));
    let oxygen = value.get("spo2SleepSummary").and_then(|s| field(s, "averageSPO2"));
    for (metric, value) in [
        (Metric::SleepScore, score),
        (Metric::RespiratoryRate, field(value, "averageRespiration")),
        (Metric::OxygenSaturation, oxygen),
    ] {
        if let Some(value) = value.filter(|v| *v > 0.0) {
            intake.at(metric, source, to.ms, value, None)?;
        }
    }
    for nap in value.get("napList").and_then(Value::as_array).into_iter().flatten() {
        let start = utc(nap, "napStartTimestampGMT").or(utc(nap, "napStartTimeGMT"));
        match start.zip(utc(nap, "napEndTimestampGMT").or(utc(nap, "napEndTimeGMT"))) {
            Some((from, to)) => intake.stage(source, (from.ms, to.ms), SleepStage::Asleep, None)?,
            None => intake.skip(SkipReason::BadTime, "nap"),
        }
    }
    Ok(())
}

fn day(value: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let zone = intake.context.zone;
    // Days of the profile alone have no date.
    if value.get("calendarDate").is_none() {
        intake.skip(SkipReason::NotHealthData, "UDSFile");
        return Ok(());
    }
    let Some((day, end)) = date(value, zone).and_then(|d| Some((d, d.day_end(zone)?))) else {
        intake.skip(SkipReason::BadTime, "UDSFile");
        return Ok(());
    };
    let before = intake.read();
    for (name, metric) in [
        ("totalSteps", Metric::Steps),
        ("totalDistanceMeters", Metric::Distance),
        ("activeKilocalories", Metric::ActiveEnergy),
        ("bmrKilocalories", Metric::BasalEnergy),
        ("floorsAscendedInMeters", Metric::ElevationGained),
    ] {
        if let Some(amount) = field(value, name).filter(|v| *v > 0.0) {
            intake.over(metric, source, (day.ms, end), amount, Some(day.offset))?;
        }
    }
    let stress = value.get("allDayStress").and_then(|s| s.get("aggregatorList")).and_then(Value::as_array);
    let stress = stress.and_then(|l| l.iter().find(|e| text(e, "type") == Some("TOTAL")));
    for (metric, reading) in [
        (
            Metric::RestingHeartRate,
            field(value, "restingHeartRate").or(field(value, "currentDayRestingHeartRate")),
        ),
        (Metric::Stress, stress.and_then(|s| field(s, "averageStressLevel"))),
    ] {
        if let Some(reading) = reading.filter(|v| *v > 0.0) {
            intake.at(metric, source, day.ms + (end - day.ms) / 2, reading, None)?;
        }
    }
    if intake.read() == before {
        intake.skip(SkipReason::BadValue, "UDSFile");
    }
    Ok(())
}

fn activities(input: &Input, member: &Member, intake: &mut Intake<'_, '_, '_>) -> Result<bool, Stop> {
    let source = intake.source("garmin_connect", "Garmin Connect", SourceKind::App)?;
    // Those that a file of the export has already, with their beats and routes.
    intake.batch.flush()?;
    let known = intake.batch.store().workouts(i64::MIN, i64::MAX)?;
    let known: BTreeSet<i64> = known.iter().filter(|w| w.1 != source).map(|w| w.2.start_ms).collect();
    let whole = json::each(input.open_member(member)?, &[], &mut |_, element, place| {
        match element.get("summarizedActivitiesExport").and_then(Value::as_array) {
            Some(list) => {
                for activity in list {
                    one_activity(activity, source, &known, intake)?;
                }
            }
            None => one_activity(element, source, &known, intake)?,
        }
        intake.progress(place)
    })?;
    told(whole, intake);
    Ok(true)
}

fn one_activity(
    value: &Value,
    source: SourceId,
    known: &BTreeSet<i64>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let start = utc(value, "beginTimestamp").or(utc(value, "startTimeGmt"));
    let length =
        field(value, "elapsedDuration").or(field(value, "duration")).filter(|d| (0.0..1e9).contains(d));
    let (Some(start), Some(length)) = (start, length) else {
        intake.skip(SkipReason::BadTime, "activity");
        return Ok(());
    };
    if known.range(start.ms.saturating_sub(60_000)..=start.ms.saturating_add(60_000)).next().is_some() {
        intake.batch.merged();
        return Ok(());
    }
    let mut values = Vec::new();
    for (name, amount) in [
        // Lengths are in centimetres, times in milliseconds.
        ("distance.sum", field(value, "distance").map(|v| v.round() / 100.0)),
        ("elevation_gained.sum", field(value, "elevationGain").map(|v| v.round() / 100.0)),
        ("move_time.sum", field(value, "duration").map(|v| v / 1000.0)),
        ("steps.sum", field(value, "steps")),
        ("heart_rate.mean", field(value, "avgHr")),
        ("heart_rate.max", field(value, "maxHr")),
    ] {
        values.extend(amount.filter(|v| *v > 0.0).map(|v| (name.to_owned(), v)));
    }
    let kind = value.get("activityType");
    let kind = kind.and_then(|k| k.as_str().or_else(|| text(k, "typeKey"))).unwrap_or("other");
    let workout = Workout {
        kind: kind.to_lowercase(),
        start_ms: start.ms,
        end_ms: start.ms + length as i64,
        offset_min: intake.offset(start.ms),
        title: text(value, "name").unwrap_or_default().chars().take(200).collect(),
        values,
    };
    Ok(intake.batch.workout(source, workout, Vec::new())?)
}

/// Means of a night beside their usual range: 0 where nothing was measured.
fn status(value: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let Some(day) = date(value, intake.context.zone) else {
        intake.skip(SkipReason::BadTime, "healthStatusData");
        return Ok(());
    };
    let before = intake.read();
    for entry in value.get("metrics").and_then(Value::as_array).into_iter().flatten() {
        let metric = match text(entry, "type") {
            Some("HRV") => Metric::HrvRmssd,
            Some("HR") => Metric::RestingHeartRate,
            Some("SPO2") => Metric::OxygenSaturation,
            Some("RESPIRATION") => Metric::RespiratoryRate,
            Some("SKIN_TEMP_C") => Metric::SkinTemperatureDelta,
            _ => continue,
        };
        match field(entry, "value").filter(|v| *v != 0.0) {
            Some(value) => put(metric, source, day, None, value, intake)?,
            None => intake.batch.merged(),
        }
    }
    if intake.read() == before {
        intake.skip(SkipReason::BadValue, "healthStatusData");
    }
    Ok(())
}

/// Water drunk; sweat that an activity is thought to have cost is no drink.
fn hydration(value: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let at = utc(value, "persistedTimestampGMT").or_else(|| date(value, intake.context.zone));
    match (at, field(value, "valueInML")) {
        (Some(at), Some(v)) if v > 0.0 => intake.at(Metric::Water, source, at.ms, v, None)?,
        (None, _) => intake.skip(SkipReason::BadTime, "HydrationLogFile"),
        _ => intake.skip(SkipReason::NotHealthData, "HydrationLogFile"),
    }
    Ok(())
}

fn blood_pressure(value: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let data = value.get("metaData").unwrap_or(value);
    let reading = value.get("bloodPressure").unwrap_or(value);
    let at = utc(reading, "measurementTimestampGMT").or_else(|| date(data, intake.context.zone));
    let Some(at) = at else {
        intake.skip(SkipReason::BadTime, "BloodPressureFile");
        return Ok(());
    };
    let before = intake.read();
    for (name, metric) in [
        ("systolic", Metric::BloodPressureSystolic),
        ("diastolic", Metric::BloodPressureDiastolic),
        ("pulse", Metric::HeartRate),
    ] {
        if let Some(value) = field(reading, name).filter(|v| *v > 0.0) {
            intake.at(metric, source, at.ms, value, None)?;
        }
    }
    if intake.read() == before {
        intake.skip(SkipReason::BadValue, "BloodPressureFile");
    }
    Ok(())
}

fn vo2_max(value: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let at = utc(value, "updateTimestamp").or_else(|| date(value, intake.context.zone));
    match (at, field(value, "vo2MaxValue")) {
        (Some(at), Some(v)) => intake.at(Metric::Vo2Max, source, at.ms, v, None)?,
        (None, _) => intake.skip(SkipReason::BadTime, "MetricsMaxMetData"),
        _ => intake.skip(SkipReason::BadValue, "MetricsMaxMetData"),
    }
    Ok(())
}

fn weight(value: &Value, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let data = value.get("metaData").unwrap_or(value);
    // Here the date has a time: that of the scale, in the place of the user.
    let moment =
        text(data, "calendarDate").and_then(|t| when::parse(t, Order::MonthFirst, intake.context.zone));
    let at = moment.or_else(|| date(data, intake.context.zone)).or_else(|| date(value, intake.context.zone));
    let entry = value.get("weight").unwrap_or(&Value::Null);
    let grams = json::number(entry).or_else(|| field(entry, "weight")).filter(|g| *g > 0.0);
    let at = utc(entry, "timestampGMT").or(at);
    match (at, grams) {
        (Some(at), Some(grams)) => intake.at(Metric::Weight, source, at.ms, grams / 1000.0, None)?,
        (None, _) => intake.skip(SkipReason::BadTime, "userBioMetrics"),
        // A change of something else of the profile.
        _ => intake.skip(SkipReason::NotHealthData, "userBioMetrics"),
    }
    Ok(())
}
