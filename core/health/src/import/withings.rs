//! Withings' export: tables of measurements, nights and activities, and `raw_*` tables of every device's series.
//!
//! A row of a `raw_` table is a start with lists of lengths and values: `2026-06-01T08:00:00+02:00,"[60,60]","[62,64]"`.

use super::intake::Intake;
use super::table::Table;
use super::takeout::{each_member, has_extension};
use super::when::{self, Order, When};
use super::{Format, Importer, Input, Member, Stop};
use crate::metric::{Kind, Metric, SleepStage};
use crate::store::{SkipReason, SourceId, SourceKind, Workout};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::Withings,
    recognises: |input| {
        input.members().iter().any(|m| {
            let name = m.base_name();
            (name.starts_with("raw_") && has_extension(name, "csv") && name.matches('_').count() >= 2)
                || (name == "weight.csv" && head_has(input, m, "Fat mass"))
                || (name == "bp.csv" && head_has(input, m, "Systolic"))
        })
    },
    import: |input, batch, context| read(input, &mut Intake::new(batch, context)),
};

fn head_has(input: &Input, member: &Member, word: &str) -> bool {
    String::from_utf8_lossy(&input.member_head(member, 512)).contains(word)
}

fn read(input: &Input, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let mut members: Vec<&Member> =
        input.members().iter().filter(|m| has_extension(&m.name, "csv")).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    let raw_sleep = members.iter().any(|m| m.base_name().contains("sleep-state"));
    each_member(input, &members, intake, &mut |member, intake| {
        let name = member.base_name().to_owned();
        let table = Table::open(input.open_member(member)?, 0)?;
        match name.as_str() {
            "weight.csv" | "bp.csv" | "height.csv" | "body_temperature.csv" | "spo2.csv" => {
                measurements(table, &name, intake)?;
            }
            "sleep.csv" => nights(table, raw_sleep, intake)?,
            "activities.csv" => activities(table, intake)?,
            _ if name.starts_with("raw_") => raw(table, &name, intake)?,
            _ => return counted(table, &name, intake),
        }
        Ok(true)
    })
}

/// Tables that sum up the raw ones, and those about the account.
fn counted<R: std::io::Read>(
    mut table: Table<R>,
    name: &str,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<bool, Stop> {
    let kind = name.trim_end_matches(".csv").to_owned();
    let reason =
        if kind.starts_with("aggregates_") { SkipReason::NotHealthData } else { SkipReason::UnknownType };
    while table.next()? {
        if !table.is_blank() {
            intake.skip(reason, &kind);
        }
        intake.progress(table.position())?;
    }
    Ok(false)
}

fn at(text: &str, intake: &Intake<'_, '_, '_>) -> Option<When> {
    when::parse(text, Order::MonthFirst, intake.context.zone)
}

/// Columns by the beginning of their name, with the unit in brackets.
const COLUMNS: &[(&str, Metric)] = &[
    ("Weight", Metric::Weight),
    ("Bone mass", Metric::BoneMass),
    ("Muscle mass", Metric::MuscleMass),
    ("Hydration", Metric::BodyWater),
    ("Height", Metric::Height),
    ("Heart rate", Metric::HeartRate),
    ("Systolic", Metric::BloodPressureSystolic),
    ("Diastolic", Metric::BloodPressureDiastolic),
    ("Temperature", Metric::BodyTemperature),
    ("SpO2", Metric::OxygenSaturation),
];

fn measurements<R: std::io::Read>(
    mut table: Table<R>,
    name: &str,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let source = match name {
        "weight.csv" => intake.source("withings:scale", "Withings scale", SourceKind::Scale)?,
        "bp.csv" => intake.source(
            "withings:blood_pressure",
            "Withings blood pressure monitor",
            SourceKind::Unknown,
        )?,
        _ => intake.source("withings", "Withings", SourceKind::Unknown)?,
    };
    let columns: Vec<(usize, Metric, String)> = table
        .header()
        .iter()
        .enumerate()
        .filter_map(|(i, h)| {
            let metric = COLUMNS.iter().find(|c| h.starts_with(c.0))?.1;
            let unit = h.split_once('(').map(|u| u.1.trim_end_matches([')', ' ']).to_owned());
            Some((i, metric, unit.unwrap_or_else(|| metric.info().unit.symbol().to_owned())))
        })
        .collect();
    let find = |start: &str| table.header().iter().position(|h| h.starts_with(start));
    let (fat, weight) = (find("Fat mass"), find("Weight"));
    let date = table.column(&["Date"]).unwrap_or(0);
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let Some(time) = at(table.get(date), intake) else {
            intake.skip(SkipReason::BadTime, "row");
            continue;
        };
        let before = intake.read();
        for (column, metric, unit) in &columns {
            let text = table.get(*column).trim();
            if text.is_empty() {
                continue;
            }
            match table.number(Some(*column)).and_then(|v| metric.info().unit.convert(v, unit)) {
                Some(value) => intake.at(*metric, source, time.ms, value, Some(time.offset))?,
                None => intake.skip(SkipReason::BadValue, metric.id()),
            }
        }
        // The mass of fat is kept as its share.
        if let (Some(fat), Some(weight)) = (table.number(fat), table.number(weight).filter(|w| *w > 0.0)) {
            let share = (fat / weight * 1e5).round() / 1e3;
            intake.at(Metric::BodyFat, source, time.ms, share, Some(time.offset))?;
        }
        if intake.read() == before {
            intake.skip(SkipReason::BadValue, "row");
        }
    }
    Ok(())
}

fn device(name: &str, intake: &mut Intake<'_, '_, '_>) -> Result<SourceId, crate::HealthError> {
    let device = name.trim_start_matches("raw_").split('_').next().unwrap_or("device");
    let kind = match device {
        "tracker" | "hr" | "spo2" => SourceKind::Watch,
        "location" => SourceKind::Phone,
        _ => SourceKind::Unknown,
    };
    intake.source(&format!("withings:{device}"), &format!("Withings {device}"), kind)
}

/// Series by the end of the table's name.
const RAW: &[(&str, Metric, f64)] = &[
    ("_steps.csv", Metric::Steps, 1.0),
    ("_distance.csv", Metric::Distance, 1.0),
    ("_elevation.csv", Metric::ElevationGained, 1.0),
    ("_calories-earned.csv", Metric::ActiveEnergy, 1.0),
    ("_hr.csv", Metric::HeartRate, 1.0),
    ("_respiratory-rate.csv", Metric::RespiratoryRate, 1.0),
    ("_spo2.csv", Metric::OxygenSaturation, 1.0),
    ("_rmssd.csv", Metric::HrvRmssd, 1.0),
    ("_sdnn_1.csv", Metric::HrvSdnn, 1.0),
    ("_core-body-temperature.csv", Metric::BodyTemperature, 1.0),
    ("_skin-temperature.csv", Metric::SkinTemperature, 1.0),
];

fn raw<R: std::io::Read>(
    mut table: Table<R>,
    name: &str,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let stages = name.ends_with("_sleep-state.csv");
    let found = RAW.iter().find(|r| name.ends_with(r.0));
    if found.is_none() && !stages {
        counted(table, name, intake)?;
        return Ok(());
    }
    let source = device(name, intake)?;
    let column = |names: &[&str], otherwise: usize| table.column(names).unwrap_or(otherwise);
    let (start, length, value) =
        (column(&["start"], 0), column(&["duration", "durations"], 1), column(&["value", "values"], 2));
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let Some(time) = at(table.get(start), intake) else {
            intake.skip(SkipReason::BadTime, "row");
            continue;
        };
        let mut from = time.ms;
        let lengths: Vec<Option<f64>> = list(table.get(length));
        let values: Vec<Option<f64>> = list(table.get(value));
        for (length, value) in lengths.iter().zip(&values) {
            let seconds = length.filter(|l| (0.0..=90_000.0).contains(l)).unwrap_or(0.0);
            let to = from + (seconds * 1000.0) as i64;
            match (value, found) {
                (Some(v), Some((_, metric, factor))) if metric.info().kind == Kind::Cumulative => {
                    if *v > 0.0 {
                        intake.over(*metric, source, (from, to), v * factor, Some(time.offset))?;
                    } else {
                        intake.batch.merged();
                    }
                }
                (Some(v), Some((_, metric, factor))) => {
                    intake.at(*metric, source, from, v * factor, Some(time.offset))?;
                }
                (Some(v), None) => match stage(*v) {
                    Some(stage) => intake.stage(source, (from, to), stage, Some(time.offset))?,
                    None => intake.skip(SkipReason::BadValue, "sleep-state"),
                },
                (None, _) => intake.skip(SkipReason::BadValue, "value"),
            }
            from = to;
        }
        if lengths.len() != values.len() || lengths.is_empty() {
            intake.skip(SkipReason::BadValue, "list");
        }
        intake.progress(table.position())?;
    }
    Ok(())
}

fn stage(code: f64) -> Option<SleepStage> {
    Some(match code as i64 {
        0 => SleepStage::Awake,
        1 => SleepStage::Light,
        2 => SleepStage::Deep,
        3 => SleepStage::Rem,
        _ => return None,
    })
}

fn list(text: &str) -> Vec<Option<f64>> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|v| v.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect()
}

/// Nights have only how long each stage was; the raw tables have the stages themselves.
fn nights<R: std::io::Read>(
    mut table: Table<R>,
    raw_sleep: bool,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let source = intake.source("withings:sleep", "Withings sleep", SourceKind::Unknown)?;
    let (from, to) = (table.column(&["from"]), table.column(&["to"]));
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        match (at(table.text(from), intake), at(table.text(to), intake)) {
            _ if raw_sleep => intake.batch.merged(),
            (Some(from), Some(to)) => {
                intake.stage(source, (from.ms, to.ms), SleepStage::Asleep, Some(from.offset))?;
            }
            _ => intake.skip(SkipReason::BadTime, "sleep"),
        }
    }
    Ok(())
}

fn activities<R: std::io::Read>(mut table: Table<R>, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let source = intake.source("withings:activities", "Withings", SourceKind::Watch)?;
    let (from, to) = (table.column(&["from"]), table.column(&["to"]));
    let (kind, data) = (table.column(&["Activity type"]), table.column(&["Data"]));
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let (Some(start), Some(end)) = (at(table.text(from), intake), at(table.text(to), intake)) else {
            intake.skip(SkipReason::BadTime, "activity");
            continue;
        };
        let mut values = Vec::new();
        if let Ok(data) = serde_json::from_str::<serde_json::Value>(table.text(data)) {
            for (field, name) in [
                ("steps", "steps.sum"),
                ("distance", "distance.sum"),
                ("calories", "active_energy.sum"),
                ("hr_average", "heart_rate.mean"),
                ("hr_max", "heart_rate.max"),
                ("elevation", "elevation_gained.sum"),
            ] {
                values.extend(
                    super::json::field(&data, field).filter(|v| *v > 0.0).map(|v| (name.to_owned(), v)),
                );
            }
        }
        let kind: String = table.text(kind).to_lowercase();
        let workout = Workout {
            kind: kind.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).take(40).collect(),
            start_ms: start.ms,
            end_ms: end.ms.max(start.ms),
            offset_min: start.offset,
            title: String::new(),
            values,
        };
        intake.batch.workout(source, workout, Vec::new())?;
    }
    Ok(())
}
