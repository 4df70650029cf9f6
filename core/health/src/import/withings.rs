//! Withings' export: tables of measurements, nights and activities, and `raw_*` tables of every device's series.
//!
//! A row of a `raw_` table is a start with lists of lengths and values: `2026-06-01T08:00:00+02:00,"[60,60]","[62,64]"`.

use std::collections::BTreeSet;

use super::csv::{order_in, put};
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
                || (name == "sleep.csv" && head_has(input, m, "Snoring (s)"))
        }) || lone(input).is_some()
    },
    import: |input, batch, context| {
        let one = lone(input).map(|name| input.as_member(&name));
        read(one.as_ref().unwrap_or(input), &mut Intake::new(batch, context))
    },
};

/// One table by itself, under the name it has in the export.
fn lone(input: &Input) -> Option<String> {
    if !input.members().is_empty() {
        return None;
    }
    let header = super::csv::header(input)?;
    let starts =
        |at: usize, words: &[&str]| header.get(at).is_some_and(|h| words.iter().any(|w| h.starts_with(w)));
    let any = |word: &str| header.iter().any(|h| h.starts_with(word));
    let name = input.name();
    if header.len() == 3 && starts(0, &["start"]) && starts(1, &["duration"]) && starts(2, &["value"]) {
        return (name.starts_with("raw_") && has_extension(name, "csv")).then(|| name.to_owned());
    }
    let fat = COLUMNS.iter().find(|c| c.0 == Kept::Fat).map_or(&[][..], |c| c.1);
    let weight = COLUMNS.iter().find(|c| c.0 == Kept::As(Metric::Weight)).map_or(&[][..], |c| c.1);
    Some(match () {
        () if starts(1, weight) && starts(2, fat) => "weight.csv".to_owned(),
        () if header.len() <= 5 && starts(2, &["Syst", "Sist"]) && starts(3, &["Diast"]) => {
            "bp.csv".to_owned()
        }
        () if header.get(2).is_some_and(|h| h.ends_with("(s)")) && starts(4, &["rem", "REM"]) => {
            "sleep.csv".to_owned()
        }
        () if any("from (manual)") && any("GPS") => "activities.csv".to_owned(),
        () => return None,
    })
}

fn head_has(input: &Input, member: &Member, word: &str) -> bool {
    String::from_utf8_lossy(&input.member_head(member, 512)).contains(word)
}

fn read(input: &Input, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let mut members: Vec<&Member> =
        input.members().iter().filter(|m| has_extension(&m.name, "csv")).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    let raw_sleep = staged(input, &members)?;
    let names: BTreeSet<String> = members.iter().map(|m| m.base_name().to_owned()).collect();
    each_member(&members, intake, &mut |member, intake| {
        let name = member.base_name().to_owned();
        let table = Table::open(input.open_member(member)?, 0)?;
        match name.as_str() {
            "weight.csv" | "bp.csv" | "height.csv" | "body_temperature.csv" | "spo2.csv" => {
                let mut peek = Table::open(input.open_member(member)?, 0)?;
                let usual = if table.decimal_comma() { Order::DayFirst } else { Order::MonthFirst };
                let order = order_in(&mut peek, 0)?.unwrap_or(usual);
                measurements(table, &name, order, intake)?;
            }
            "sleep.csv" => nights(table, &raw_sleep, intake)?,
            "activities.csv" => activities(table, intake)?,
            _ if name.starts_with("raw_") => raw(table, &name, intake)?,
            _ if name.starts_with("aggregates_") => return aggregates(table, &name, &names, intake),
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

/// Sums of days, taken where the export has no series of the same: accounts without the device's own.
fn aggregates<R: std::io::Read>(
    mut table: Table<R>,
    name: &str,
    names: &BTreeSet<String>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<bool, Stop> {
    let kind = name.trim_start_matches("aggregates_").trim_end_matches(".csv");
    let (metric, series) = match kind {
        "steps" => (Metric::Steps, "_steps.csv"),
        "distance" => (Metric::Distance, "_distance.csv"),
        "elevation" => (Metric::ElevationGained, "_elevation.csv"),
        "calories_earned" => (Metric::ActiveEnergy, "_calories-earned.csv"),
        _ => return counted(table, name, intake),
    };
    if names.iter().any(|n| n.starts_with("raw_") && n.ends_with(series)) {
        return counted(table, name, intake);
    }
    let source = intake.source("withings:daily", "Withings (by day)", SourceKind::App)?;
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        match (at(table.get(0), intake), table.number(Some(1))) {
            (Some(day), Some(v)) if v > 0.0 => put(metric, source, day, None, v, intake)?,
            (Some(_), Some(_)) => intake.batch.merged(),
            (None, _) => intake.skip(SkipReason::BadTime, kind),
            _ => intake.skip(SkipReason::BadValue, kind),
        }
        intake.progress(table.position())?;
    }
    Ok(true)
}

/// What a column of measurements is kept as.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    As(Metric),
    /// The mass of fat is kept as its share of the weight.
    Fat,
}

/// Columns by the beginning of their name in the languages of the export, with the unit in brackets.
#[rustfmt::skip]
const COLUMNS: &[(Kept, &[&str])] = &[
    (Kept::As(Metric::Weight), &["Weight", "Gewicht", "Peso", "Poids"]),
    (Kept::Fat, &["Fat mass", "Fettmasse", "Fett", "Masa grasa", "Masse grasse", "Masse graisseuse", "Massa gorda", "Massa grassa", "Vetmassa"]),
    (Kept::As(Metric::BoneMass), &["Bone mass", "Knochenmasse", "Masa \u{f3}sea", "Masse osseuse", "Massa \u{f3}ssea", "Massa ossea", "Botmassa"]),
    (Kept::As(Metric::MuscleMass), &["Muscle mass", "Muskelmasse", "Masa muscular", "Masse musculaire", "Massa muscular", "Massa muscolare", "Spiermassa"]),
    (Kept::As(Metric::BodyWater), &["Hydration", "Hydratation", "Hydrierung", "Wasser", "Hidrataci\u{f3}n", "Hidrata\u{e7}\u{e3}o", "Idratazione", "Hydratatie"]),
    (Kept::As(Metric::Height), &["Height", "Gr\u{f6}\u{df}e", "Altura", "Taille", "Altezza", "Lengte"]),
    (Kept::As(Metric::HeartRate), &["Heart rate", "Herzfrequenz", "Frecuencia card", "Fr\u{e9}quence card", "Frequ\u{ea}ncia card", "Frequenza card", "Hartslag"]),
    (Kept::As(Metric::BloodPressureSystolic), &["Syst", "Sist"]),
    (Kept::As(Metric::BloodPressureDiastolic), &["Diast"]),
    (Kept::As(Metric::BodyTemperature), &["Temperatur", "Body temperature", "Temp\u{e9}rature", "Temp"]),
    (Kept::As(Metric::OxygenSaturation), &["SpO2"]),
];

/// What stands where in tables whose header is in another language still: the order of columns is the same in all.
fn by_place(name: &str) -> &'static [Kept] {
    use Kept::{As, Fat};
    match name {
        "weight.csv" => {
            &[As(Metric::Weight), Fat, As(Metric::BoneMass), As(Metric::MuscleMass), As(Metric::BodyWater)]
        }
        "bp.csv" => {
            &[As(Metric::HeartRate), As(Metric::BloodPressureSystolic), As(Metric::BloodPressureDiastolic)]
        }
        "height.csv" => &[As(Metric::Height)],
        "body_temperature.csv" => &[As(Metric::BodyTemperature)],
        "spo2.csv" => &[As(Metric::OxygenSaturation)],
        _ => &[],
    }
}

fn measurements<R: std::io::Read>(
    mut table: Table<R>,
    name: &str,
    order: Order,
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
    let kept = |h: &str| COLUMNS.iter().find(|c| c.1.iter().any(|w| h.starts_with(w))).map(|c| c.0);
    let unknown = !table.header().iter().any(|h| kept(h).is_some());
    let mut columns: Vec<(usize, Metric, String)> = Vec::new();
    let mut fat = None;
    for (i, h) in table.header().iter().enumerate() {
        let by_place = i.checked_sub(1).and_then(|i| by_place(name).get(i)).copied();
        let unit = h.split_once('(').map(|u| u.1.trim_end_matches([')', ' ']).to_owned());
        match kept(h).or(by_place.filter(|_| unknown)) {
            Some(Kept::As(metric)) if !columns.iter().any(|c| c.1 == metric) => {
                let unit = unit.unwrap_or_else(|| metric.info().unit.symbol().to_owned());
                columns.push((i, metric, unit));
            }
            // Some versions write the share and not the mass.
            Some(Kept::Fat) if unit.as_deref() == Some("%") => {
                columns.push((i, Metric::BodyFat, "%".to_owned()));
            }
            Some(Kept::Fat) => fat = Some(i),
            _ => {}
        }
    }
    let weight = columns.iter().find(|c| c.1 == Metric::Weight).map(|c| c.0);
    let date = 0;
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let Some(time) = when::parse(table.get(date), order, intake.context.zone) else {
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

/// Stretches with stages of their own, by the hour they begin in.
fn staged(input: &Input, members: &[&Member]) -> Result<BTreeSet<i64>, Stop> {
    const MAX_HOURS: usize = 500_000;
    let mut out = BTreeSet::new();
    for member in members.iter().filter(|m| m.base_name().contains("sleep-state")) {
        let mut table = Table::open(input.open_member(member)?, 0)?;
        while table.next()? && out.len() < MAX_HOURS {
            let start = when::parse(table.get(0), Order::MonthFirst, &jiff::tz::TimeZone::UTC);
            out.extend(start.map(|w| w.ms.div_euclid(HOUR_MS)));
        }
    }
    Ok(out)
}

const HOUR_MS: i64 = 3_600_000;

/// Nights have only how long each stage was; where the raw tables have the stages themselves, those are taken. Names
/// of columns are in the user's language, their order is not.
fn nights<R: std::io::Read>(
    mut table: Table<R>,
    staged: &BTreeSet<i64>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let source = intake.source("withings:sleep", "Withings sleep", SourceKind::Unknown)?;
    let (from, to) = (table.column(&["from"]).or(Some(0)), table.column(&["to"]).or(Some(1)));
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        match (at(table.text(from), intake), at(table.text(to), intake)) {
            (Some(from), Some(to)) => {
                let hours = from.ms.div_euclid(HOUR_MS)..=to.ms.max(from.ms).div_euclid(HOUR_MS);
                if staged.range(hours).next().is_some() {
                    intake.batch.merged();
                } else {
                    intake.stage(source, (from.ms, to.ms), SleepStage::Asleep, Some(from.offset))?;
                }
            }
            _ => intake.skip(SkipReason::BadTime, "sleep"),
        }
    }
    Ok(())
}

fn activities<R: std::io::Read>(mut table: Table<R>, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let source = intake.source("withings:activities", "Withings", SourceKind::Watch)?;
    // Names of columns are in the user's language, their order is not.
    let (from, to) = (table.column(&["from"]).or(Some(0)), table.column(&["to"]).or(Some(1)));
    let (kind, data) = (table.column(&["Activity type"]).or(Some(5)), table.column(&["Data"]).or(Some(6)));
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
