//! Samsung Health: `com.samsung.shealth.*.csv`, each with a line about itself before the header, and fine series in
//! JSON files beside them that a row names.
//!
//! Times are UTC; the offset of the place is in a column of its own. Rows end with one separator too many. A column's
//! name carries the type in front in some tables and not in others, so only its last word counts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::csv::put;
use super::input::MemberReader;
use super::intake::Intake;
use super::json::{self, field};
use super::table::Table;
use super::takeout::{each_member, has_extension, told};
use super::when::{self, Order};
use super::{Format, Importer, Input, Member, Stop};
use crate::metric::{Kind, Metric, SleepStage};
use crate::store::{DAY_MS, Day, RoutePoint, SkipReason, SourceId, SourceKind, Workout};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::Samsung,
    recognises: |input| input.members().iter().any(is_table) || lone(input).is_some(),
    import: |input, batch, context| {
        let one = lone(input).map(|name| input.as_member(&name));
        read(one.as_ref().unwrap_or(input), &mut Intake::new(batch, context))
    },
};

/// One table by itself: its first line names it, or else its file does.
fn lone(input: &Input) -> Option<String> {
    let head = input.head();
    if !input.members().is_empty() || head.is_empty() || head.contains(&0) {
        return None;
    }
    let text = String::from_utf8_lossy(head);
    let line = text.trim_start_matches('\u{feff}').lines().next()?;
    let name = line.split([',', ';']).next()?;
    let named =
        |name: &str| name.starts_with("com.samsung.shealth.") || name.starts_with("com.samsung.health.");
    if is_about(line) && named(name) {
        return Some(format!("{name}.csv"));
    }
    let base = input.name();
    (named(base) && has_extension(base, "csv") && line.contains("start_time")).then(|| base.to_owned())
}

/// Whether a first line is about the table and not its header: `com.samsung.health.weight,6312004,4`.
fn is_about(line: &str) -> bool {
    let mut fields = line.split([',', ';']);
    let named = fields.next().is_some_and(|f| f.starts_with("com.samsung."));
    named && fields.next().is_some_and(|f| !f.is_empty() && f.trim().bytes().all(|b| b.is_ascii_digit()))
}

/// A table without the line about itself.
fn open(input: &Input, member: &Member) -> Result<Table<MemberReader>, Stop> {
    let head = input.member_head(member, 1024);
    let text = String::from_utf8_lossy(&head);
    let about = is_about(text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default());
    Ok(Table::open(input.open_member(member)?, usize::from(about))?)
}

fn is_table(member: &Member) -> bool {
    let name = member.base_name();
    (name.starts_with("com.samsung.shealth.") || name.starts_with("com.samsung.health."))
        && has_extension(name, "csv")
}

/// Tables: name, column, metric, unit, and the field of the fine series that a row may name.
const TABLES: &[(&str, &[&str], Metric, &str, &str)] = &[
    ("tracker.heart_rate", &["heart_rate"], Metric::HeartRate, "bpm", "heart_rate"),
    ("tracker.pedometer_step_count", &["count"], Metric::Steps, "count", ""),
    ("tracker.oxygen_saturation", &["spo2"], Metric::OxygenSaturation, "%", "spo2"),
    ("tracker.floors_climbed", &["floor"], Metric::Floors, "count", ""),
    ("floors_climbed", &["floor"], Metric::Floors, "count", ""),
    ("stress", &["score"], Metric::Stress, "", "score"),
    ("hrv", &["rmssd"], Metric::HrvRmssd, "ms", "rmssd"),
    ("hrv", &["sdnn"], Metric::HrvSdnn, "ms", "sdnn"),
    ("respiratory_rate", &["average"], Metric::RespiratoryRate, "/min", "respiratory_rate"),
    ("skin_temperature", &["temperature"], Metric::SkinTemperature, "°C", "mean"),
    ("weight", &["weight"], Metric::Weight, "kg", ""),
    ("weight", &["body_fat"], Metric::BodyFat, "%", ""),
    ("weight", &["muscle_mass", "skeletal_muscle_mass"], Metric::MuscleMass, "kg", ""),
    ("weight", &["fat_free_mass"], Metric::LeanMass, "kg", ""),
    ("weight", &["vfa_level"], Metric::VisceralFat, "", ""),
    ("weight", &["total_body_water"], Metric::BodyWater, "kg", ""),
    ("weight", &["basal_metabolic_rate"], Metric::BasalMetabolicRate, "kcal/d", ""),
    ("height", &["height"], Metric::Height, "cm", ""),
    ("blood_pressure", &["systolic"], Metric::BloodPressureSystolic, "mmHg", ""),
    ("blood_pressure", &["diastolic"], Metric::BloodPressureDiastolic, "mmHg", ""),
    ("blood_pressure", &["pulse"], Metric::HeartRate, "bpm", ""),
    ("blood_glucose", &["glucose"], Metric::BloodGlucose, "mmol/L", ""),
    ("body_temperature", &["temperature"], Metric::BodyTemperature, "°C", ""),
    ("water_intake", &["amount"], Metric::Water, "ml", ""),
    ("caffeine_intake", &["amount"], Metric::Caffeine, "mg", ""),
    ("nutrition", &["calorie"], Metric::EnergyEaten, "kcal", ""),
    ("nutrition", &["carbohydrate"], Metric::Carbohydrates, "g", ""),
    ("nutrition", &["protein"], Metric::Protein, "g", ""),
    ("nutrition", &["total_fat"], Metric::Fat, "g", ""),
    ("nutrition", &["saturated_fat"], Metric::FatSaturated, "g", ""),
    ("nutrition", &["dietary_fiber"], Metric::Fibre, "g", ""),
    ("nutrition", &["sugar"], Metric::Sugar, "g", ""),
    ("nutrition", &["sodium"], Metric::Sodium, "mg", ""),
    ("nutrition", &["cholesterol"], Metric::Cholesterol, "mg", ""),
];

/// `tracker.heart_rate` of `com.samsung.shealth.tracker.heart_rate.20260601123456.csv`.
fn type_of(name: &str) -> &str {
    let rest = name.strip_prefix("com.samsung.shealth.").or(name.strip_prefix("com.samsung.health."));
    let rest = rest.unwrap_or(name).trim_end_matches(".csv");
    match rest.rsplit_once('.') {
        Some((kind, stamp)) if stamp.bytes().all(|b| b.is_ascii_digit()) => kind,
        _ => rest,
    }
}

fn read(input: &Input, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let mut members: Vec<&Member> = input.members().iter().filter(|m| is_table(m)).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    let series: BTreeMap<&str, &Member> = input
        .members()
        .iter()
        .filter(|m| has_extension(&m.name, "json"))
        .map(|m| (m.base_name(), m))
        .collect();
    let devices = devices(input, &members)?;
    let staged = staged(input, &members)?;
    let stepped = stepped(input, &members)?;
    each_member(&members, intake, &mut |member, intake| {
        let kind = type_of(member.base_name()).to_owned();
        let mut table = open(input, member)?;
        let columns = Columns::of(&table);
        let found: Vec<_> = TABLES.iter().filter(|t| t.0 == kind).collect();
        while table.next()? {
            if table.is_blank() {
                continue;
            }
            let row = columns.row(&table, &devices, intake)?;
            match kind.as_str() {
                "sleep_stage" => sleep_stage(&table, &columns, &row, intake)?,
                "sleep" => night(&table, &columns, &row, &staged, intake)?,
                "step_daily_trend" => day_of_steps(&table, &columns, &stepped, intake)?,
                "exercise" => exercise(input, &table, &columns, &row, &series, intake)?,
                _ if found.is_empty() => intake.skip(unknown(&kind), &kind),
                _ => readings(input, &table, &columns, &row, &found, &series, intake)?,
            }
            intake.progress(table.position())?;
        }
        Ok(true)
    })
}

/// Nights or days that are kept in mind: a century and more.
const MAX_KEPT: usize = 200_000;

/// The nights that have stages of their own.
fn staged(input: &Input, members: &[&Member]) -> Result<BTreeSet<String>, Stop> {
    let mut out = BTreeSet::new();
    for member in members.iter().filter(|m| type_of(m.base_name()) == "sleep_stage") {
        let mut table = open(input, member)?;
        let columns = Columns::of(&table);
        while table.next()? && out.len() < MAX_KEPT {
            out.insert(columns.text(&table, "sleep_id").to_owned());
        }
    }
    Ok(out)
}

/// The days, in UTC, near which there are steps by the minute.
fn stepped(input: &Input, members: &[&Member]) -> Result<BTreeSet<i64>, Stop> {
    let mut out = BTreeSet::new();
    if !members.iter().any(|m| type_of(m.base_name()) == "step_daily_trend") {
        return Ok(out);
    }
    for member in members.iter().filter(|m| type_of(m.base_name()) == "tracker.pedometer_step_count") {
        let mut table = open(input, member)?;
        let columns = Columns::of(&table);
        while table.next()? && out.len() < MAX_KEPT {
            if let Some(ms) = columns.utc(&table, "start_time") {
                let local =
                    ms + i64::from(offset_of(columns.text(&table, "time_offset")).unwrap_or(0)) * 60_000;
                out.insert(local.div_euclid(DAY_MS));
            }
        }
    }
    Ok(out)
}

/// The sum of a day over all devices, for days that have nothing finer: phones keep minutes only so long.
fn day_of_steps<R: std::io::Read>(
    table: &Table<R>,
    columns: &Columns,
    stepped: &BTreeSet<i64>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    // A row for each device beside one for all of them.
    if columns.number(table, "source_type").is_some_and(|s| s as i64 != -2) {
        intake.batch.merged();
        return Ok(());
    }
    let Some(midnight) = columns.utc(table, "day_time") else {
        intake.skip(SkipReason::BadTime, "step_daily_trend");
        return Ok(());
    };
    if stepped.contains(&midnight.div_euclid(DAY_MS)) {
        intake.batch.merged();
        return Ok(());
    }
    // The day's date is written as its midnight in UTC.
    let date = Day(midnight.div_euclid(DAY_MS) as i32).date();
    let Some(day) = when::parse(&date.to_string(), Order::MonthFirst, intake.context.zone) else {
        return Ok(());
    };
    let source = intake.source("samsung:daily", "Samsung Health (by day)", SourceKind::App)?;
    let before = intake.read();
    for (name, metric) in
        [("count", Metric::Steps), ("distance", Metric::Distance), ("calorie", Metric::ActiveEnergy)]
    {
        if let Some(value) = columns.number(table, name).filter(|v| *v > 0.0) {
            put(metric, source, day, None, value, intake)?;
        }
    }
    if intake.read() == before {
        intake.batch.merged();
    }
    Ok(())
}

/// Names and kinds of devices by their id.
type Devices = BTreeMap<String, (String, SourceKind)>;

fn devices(input: &Input, members: &[&Member]) -> Result<Devices, Stop> {
    let mut out = Devices::new();
    let Some(member) = members.iter().find(|m| type_of(m.base_name()) == "device_profile") else {
        return Ok(out);
    };
    let mut table = open(input, member)?;
    let columns = Columns::of(&table);
    while table.next()? && out.len() < 1000 {
        let name = [columns.text(&table, "name"), columns.text(&table, "model")];
        let Some(name) = name.into_iter().find(|n| !n.is_empty()) else { continue };
        let kind = match columns.number(&table, "device_group").map(|g| g as i64) {
            Some(360_001) => SourceKind::Phone,
            Some(360_003) => SourceKind::Watch,
            _ => SourceKind::Unknown,
        };
        out.insert(columns.text(&table, "deviceuuid").to_owned(), (name.to_owned(), kind));
    }
    Ok(out)
}

/// Daily sums, goals and what the app only shows.
fn unknown(kind: &str) -> SkipReason {
    let shown = [
        "summary",
        "goal",
        "device_profile",
        "insight",
        "badge",
        "preferences",
        "reward",
        "device",
        "trend",
        "best_records",
        "score",
    ];
    if shown.iter().any(|w| kind.contains(w)) { SkipReason::NotHealthData } else { SkipReason::UnknownType }
}

/// Columns by their last word.
struct Columns {
    names: BTreeMap<String, usize>,
}

#[derive(Clone, Copy)]
struct RowTime {
    from: Option<i64>,
    to: Option<i64>,
    offset: Option<i16>,
    source: SourceId,
}

impl Columns {
    fn of<R: std::io::Read>(table: &Table<R>) -> Self {
        let mut names = BTreeMap::new();
        for (i, name) in table.header().iter().enumerate() {
            let last = name.rsplit('.').next().unwrap_or(name);
            names.entry(last.to_owned()).or_insert(i);
        }
        Self { names }
    }

    fn text<'t, R: std::io::Read>(&self, table: &'t Table<R>, name: &str) -> &'t str {
        table.text(self.names.get(name).copied())
    }

    fn number<R: std::io::Read>(&self, table: &Table<R>, name: &str) -> Option<f64> {
        table.number(self.names.get(name).copied())
    }

    /// A time, text or milliseconds.
    fn utc<R: std::io::Read>(&self, table: &Table<R>, name: &str) -> Option<i64> {
        when::parse(self.text(table, name), Order::MonthFirst, &TimeZone::UTC).map(|w| w.ms)
    }

    fn row<R: std::io::Read>(
        &self,
        table: &Table<R>,
        devices: &Devices,
        intake: &mut Intake<'_, '_, '_>,
    ) -> Result<RowTime, Stop> {
        let utc = |name: &str| self.utc(table, name);
        let device = self.text(table, "deviceuuid");
        // Another app that wrote into Samsung Health measured in its own way.
        let app = self.text(table, "pkg_name");
        let own = app.is_empty() || app.contains("shealth") || app.starts_with("com.samsung.");
        let source = match devices.get(device) {
            _ if !own => intake.source(&format!("samsung:{app}"), app, SourceKind::App)?,
            _ if device.is_empty() => intake.source("samsung", "Samsung Health", SourceKind::App)?,
            Some((name, kind)) => intake.source(&format!("samsung:{device}"), name, *kind)?,
            None => {
                let name = format!("Samsung Health ({})", device.get(..4).unwrap_or(device));
                intake.source(&format!("samsung:{device}"), &name, SourceKind::Unknown)?
            }
        };
        let offset = offset_of(self.text(table, "time_offset"));
        Ok(RowTime { from: utc("start_time").or(utc("day_time")), to: utc("end_time"), offset, source })
    }
}

/// `UTC+0200`; milliseconds in older exports.
fn offset_of(text: &str) -> Option<i16> {
    if let Ok(ms) = text.parse::<i64>() {
        return i16::try_from(ms / 60_000).ok().filter(|m| m.abs() <= 18 * 60);
    }
    let rest = text.strip_prefix("UTC")?;
    if rest.is_empty() {
        return Some(0);
    }
    let (sign, digits) = match rest.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    let n: i16 = digits.parse().ok().filter(|n| *n <= 1800)?;
    Some(sign * (n / 100 * 60 + n % 100))
}

#[allow(clippy::too_many_arguments, reason = "one row with all that belongs to it")]
fn readings<R: std::io::Read>(
    input: &Input,
    table: &Table<R>,
    columns: &Columns,
    row: &RowTime,
    found: &[&(&str, &[&str], Metric, &str, &str)],
    series: &BTreeMap<&str, &Member>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let binning = [columns.text(table, "binning_data"), columns.text(table, "binning")];
    let binning = binning.into_iter().find(|b| !b.is_empty()).unwrap_or_default();
    // Some versions write the path and not the name.
    let binning = binning.rsplit('/').next().unwrap_or(binning);
    if let Some(member) = series.get(binning).filter(|_| !binning.is_empty()) {
        let fields: Vec<(&str, Metric)> =
            found.iter().filter(|t| !t.4.is_empty()).map(|t| (t.4, t.2)).collect();
        let before = intake.read();
        let whole = json::each(input.open_member(member)?, &[], &mut |_, entry, _| {
            let at = field(entry, "start_time").and_then(|ms| when::epoch(ms, &TimeZone::UTC));
            for (name, metric) in &fields {
                match (at, field(entry, name).filter(|v| *v > 0.0)) {
                    (Some(at), Some(value)) => intake.at(*metric, row.source, at.ms, value, row.offset)?,
                    (None, _) => intake.skip(SkipReason::BadTime, metric.id()),
                    _ => intake.skip(SkipReason::BadValue, metric.id()),
                }
            }
            Ok(())
        })?;
        told(whole, intake);
        if intake.read() > before {
            // The row itself is the mean of its series.
            intake.batch.merged();
            return Ok(());
        }
    }
    let mut any = false;
    for (_, names, metric, unit, _) in found {
        let text = names.iter().map(|n| columns.text(table, n)).find(|t| !t.is_empty());
        if text.is_none() {
            continue;
        }
        any = true;
        let value = names.iter().find_map(|n| columns.number(table, n));
        let value = value.filter(|v| *v > 0.0).and_then(|v| metric.info().unit.convert(v, unit));
        match (row.from, value) {
            (None, _) => intake.skip(SkipReason::BadTime, metric.id()),
            (_, None) => intake.skip(SkipReason::BadValue, metric.id()),
            (Some(from), Some(value)) if metric.info().kind == Kind::Cumulative => {
                intake.over(*metric, row.source, (from, row.to.unwrap_or(from)), value, row.offset)?;
            }
            (Some(from), Some(value)) => intake.at(*metric, row.source, from, value, row.offset)?,
        }
    }
    // Steps have their way and energy beside them.
    if found.iter().any(|t| t.2 == Metric::Steps) {
        for (name, metric) in [("distance", Metric::Distance), ("calorie", Metric::ActiveEnergy)] {
            if let (Some(from), Some(value)) = (row.from, columns.number(table, name).filter(|v| *v > 0.0)) {
                intake.over(metric, row.source, (from, row.to.unwrap_or(from)), value, row.offset)?;
            }
        }
    }
    if !any {
        intake.skip(SkipReason::BadValue, found.first().map_or("row", |t| t.0));
    }
    Ok(())
}

fn sleep_stage<R: std::io::Read>(
    table: &Table<R>,
    columns: &Columns,
    row: &RowTime,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let stage = match columns.number(table, "stage").map(|s| s as i64) {
        Some(40_001) => Some(SleepStage::Awake),
        Some(40_002) => Some(SleepStage::Light),
        Some(40_003) => Some(SleepStage::Deep),
        Some(40_004) => Some(SleepStage::Rem),
        _ => None,
    };
    match (row.from.zip(row.to), stage) {
        (Some(span), Some(stage)) => intake.stage(row.source, span, stage, row.offset)?,
        (None, _) => intake.skip(SkipReason::BadTime, "sleep_stage"),
        _ => intake.skip(SkipReason::BadValue, "sleep_stage"),
    }
    Ok(())
}

fn night<R: std::io::Read>(
    table: &Table<R>,
    columns: &Columns,
    row: &RowTime,
    staged: &BTreeSet<String>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let Some(span) = row.from.zip(row.to) else {
        intake.skip(SkipReason::BadTime, "sleep");
        return Ok(());
    };
    if let Some(score) = columns.number(table, "sleep_score").filter(|s| *s > 0.0) {
        intake.at(Metric::SleepScore, row.source, span.1, score, row.offset)?;
    }
    let id = columns.text(table, "datauuid");
    if staged.contains(id) || (id.is_empty() && !staged.is_empty()) {
        intake.batch.merged();
        return Ok(());
    }
    Ok(intake.stage(row.source, span, SleepStage::Asleep, row.offset)?)
}

/// Points of a route and readings of the heart in the files that an exercise names.
fn live<R: std::io::Read>(
    input: &Input,
    table: &Table<R>,
    columns: &Columns,
    row: &RowTime,
    series: &BTreeMap<&str, &Member>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<Vec<RoutePoint>, Stop> {
    const MAX_POINTS: usize = 1_000_000;
    let mut route = Vec::new();
    for name in ["live_data", "location_data"] {
        let text = columns.text(table, name);
        let Some(member) = series.get(text.rsplit('/').next().unwrap_or(text)).filter(|_| !text.is_empty())
        else {
            continue;
        };
        let whole = json::each(input.open_member(member)?, &[], &mut |_, entry, place| {
            let at = field(entry, "start_time").and_then(|ms| when::epoch(ms, &TimeZone::UTC));
            let Some(at) = at else { return Ok(()) };
            if let Some(rate) = field(entry, "heart_rate").filter(|v| *v > 0.0) {
                intake.at(Metric::HeartRate, row.source, at.ms, rate, row.offset)?;
            }
            let place_of = field(entry, "latitude").zip(field(entry, "longitude"));
            if let Some((latitude, longitude)) =
                place_of.filter(|p| p.0.abs() <= 90.0 && p.1.abs() <= 180.0 && route.len() < MAX_POINTS)
            {
                route.push(RoutePoint {
                    time_ms: at.ms,
                    latitude,
                    longitude,
                    altitude: field(entry, "altitude").unwrap_or(f64::NAN),
                    speed: field(entry, "speed").unwrap_or(f64::NAN),
                    accuracy: field(entry, "accuracy").unwrap_or(f64::NAN),
                });
            }
            intake.progress(place)
        })?;
        told(whole, intake);
    }
    Ok(route)
}

fn exercise<R: std::io::Read>(
    input: &Input,
    table: &Table<R>,
    columns: &Columns,
    row: &RowTime,
    series: &BTreeMap<&str, &Member>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let Some((start_ms, end_ms)) = row.from.zip(row.to) else {
        intake.skip(SkipReason::BadTime, "exercise");
        return Ok(());
    };
    let mut values = Vec::new();
    for (name, column, factor) in [
        ("distance.sum", "distance", 1.0),
        ("active_energy.sum", "calorie", 1.0),
        ("heart_rate.mean", "mean_heart_rate", 1.0),
        ("heart_rate.max", "max_heart_rate", 1.0),
        ("heart_rate.min", "min_heart_rate", 1.0),
        ("move_time.sum", "duration", 0.001),
    ] {
        let value = columns.number(table, column).map(|v| v * factor);
        values.extend(value.filter(|v| *v > 0.0).map(|v| (name.to_owned(), v)));
    }
    let code = columns.number(table, "exercise_type").map_or(0, |c| c as i64);
    let workout = Workout {
        kind: workout_kind(code),
        start_ms,
        end_ms: end_ms.max(start_ms),
        offset_min: row.offset.unwrap_or_else(|| intake.offset(start_ms)),
        title: columns.text(table, "title").chars().take(200).collect(),
        values,
    };
    let route = live(input, table, columns, row, series, intake)?;
    Ok(intake.batch.workout(row.source, workout, route)?)
}

fn workout_kind(code: i64) -> String {
    let name = match code {
        0 => "other",
        1001 => "walking",
        1002 => "running",
        2001 => "baseball",
        3001 => "golf",
        4003 => "soccer",
        4004 => "basketball",
        6001 => "squash",
        6002 => "tennis",
        6003 => "badminton",
        6004 => "table_tennis",
        7002 => "boxing",
        8002 => "dance",
        9001 => "pilates",
        9002 => "yoga",
        10_001 => "stretching",
        10_002 => "jump_rope",
        10_007 => "circuit_training",
        11_001 => "inline_skating",
        11_007 => "cycling",
        11_009 => "horseback_riding",
        13_001 => "hiking",
        13_002 => "climbing",
        13_003 => "backpacking",
        14_001 => "swimming",
        14_002 => "water_aerobics",
        15_001 => "step_machine",
        15_002 => "strength_training",
        15_003 => "indoor_cycling",
        15_004 => "indoor_rowing",
        15_005 => "treadmill_running",
        15_006 => "elliptical",
        n => return format!("samsung_{n}"),
    };
    name.to_owned()
}
