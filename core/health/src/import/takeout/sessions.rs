//! Nights and exercises of Fitbit's newer tables: `UserSleeps`, `UserSleepStages`, `UserExercises`.
//!
//! Times are UTC with the place's offset in a column of its own. The older JSON files hold the same nights in local
//! time without an offset: they are another source, and merging counts each night once.

use std::collections::BTreeSet;
use std::io::Read;

use jiff::tz::TimeZone;

use super::super::intake::Intake;
use super::super::table::Table;
use super::super::when::{self, Order};
use super::super::{Input, Member, Stop};
use crate::metric::SleepStage;
use crate::store::{SkipReason, SourceKind, Workout};

const STAGES: &str = "UserSleepStages_";

/// Nights of a table that are kept in mind: a century.
const MAX_NIGHTS: usize = 100_000;

/// A moment of a column in UTC.
fn utc<R: Read>(table: &Table<R>, column: Option<usize>) -> Option<i64> {
    when::parse(table.text(column), Order::MonthFirst, &TimeZone::UTC).map(|w| w.ms)
}

/// `+05:30`, in minutes.
fn offset<R: Read>(table: &Table<R>, column: Option<usize>) -> Option<i16> {
    let text = table.text(column);
    let at = when::parse(&format!("2000-01-01T00:00:00{text}"), Order::MonthFirst, &TimeZone::UTC)?;
    (!text.is_empty()).then_some(at.offset)
}

pub(super) fn file(input: &Input, member: &Member, intake: &mut Intake<'_, '_, '_>) -> Result<bool, Stop> {
    let mut table = Table::open(input.open_member(member)?, 0)?;
    let name = member.base_name();
    if name.starts_with(STAGES) {
        stages(&mut table, intake)?;
    } else if name.starts_with("UserSleeps_") {
        let staged = staged(input)?;
        nights(&mut table, &staged, intake)?;
    } else if name.starts_with("UserExercises_") {
        exercises(&mut table, intake)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// The nights that have stages.
fn staged(input: &Input) -> Result<BTreeSet<String>, Stop> {
    let mut out = BTreeSet::new();
    for member in input.members().iter().filter(|m| m.base_name().starts_with(STAGES)) {
        let mut table = Table::open(input.open_member(member)?, 0)?;
        let id = table.column(&["sleep_id"]);
        while table.next()? && out.len() < MAX_NIGHTS {
            out.insert(table.text(id).to_owned());
        }
    }
    Ok(out)
}

fn stages<R: Read>(table: &mut Table<R>, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let source = intake.source("fitbit:nights", "Fitbit sleep", SourceKind::Watch)?;
    let (kind, zone) = (table.column(&["sleep_stage_type"]), table.column(&["start_utc_offset"]));
    let (from, to) = (table.column(&["sleep_stage_start"]), table.column(&["sleep_stage_end"]));
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let stage = match table.text(kind).to_ascii_uppercase().as_str() {
            "AWAKE" | "WAKE" => Some(SleepStage::Awake),
            "LIGHT" => Some(SleepStage::Light),
            "DEEP" => Some(SleepStage::Deep),
            "REM" => Some(SleepStage::Rem),
            "ASLEEP" | "RESTLESS" => Some(SleepStage::Asleep),
            _ => None,
        };
        match (utc(table, from).zip(utc(table, to)), stage) {
            (Some(span), Some(stage)) => intake.stage(source, span, stage, offset(table, zone))?,
            (None, _) => intake.skip(SkipReason::BadTime, "sleep stage"),
            _ => intake.skip(SkipReason::BadValue, "sleep stage"),
        }
        intake.progress(table.position())?;
    }
    Ok(())
}

fn nights<R: Read>(
    table: &mut Table<R>,
    staged: &BTreeSet<String>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let source = intake.source("fitbit:nights", "Fitbit sleep", SourceKind::Watch)?;
    let (id, zone) = (table.column(&["sleep_id"]), table.column(&["start_utc_offset"]));
    let (from, to) = (table.column(&["sleep_start"]), table.column(&["sleep_end"]));
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        match utc(table, from).zip(utc(table, to)) {
            _ if staged.contains(table.text(id)) => intake.batch.merged(),
            Some(span) => intake.stage(source, span, SleepStage::Asleep, offset(table, zone))?,
            None => intake.skip(SkipReason::BadTime, "sleep"),
        }
    }
    Ok(())
}

fn exercises<R: Read>(table: &mut Table<R>, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let source = intake.source("fitbit", "Fitbit", SourceKind::Watch)?;
    // Those that the older JSON of the same export has already.
    intake.batch.flush()?;
    let known = intake.batch.store().workouts(i64::MIN, i64::MAX)?;
    let known: BTreeSet<i64> = known.iter().filter(|w| w.1 == source).map(|w| w.2.start_ms).collect();
    let column = |name: &str| table.column(&[name]);
    let (from, to, zone) = (column("exercise_start"), column("exercise_end"), column("utc_offset"));
    let title = column("activity_name");
    let values = [
        ("distance.sum", column("tracker_total_distance_mm"), 0.001),
        ("steps.sum", column("tracker_total_steps"), 1.0),
        ("active_energy.sum", column("tracker_total_calories"), 1.0),
        ("heart_rate.mean", column("tracker_avg_heart_rate"), 1.0),
        ("heart_rate.max", column("tracker_peak_heart_rate"), 1.0),
    ];
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let Some((start_ms, end_ms)) = utc(table, from).zip(utc(table, to)) else {
            intake.skip(SkipReason::BadTime, "exercise");
            continue;
        };
        if known.range(start_ms.saturating_sub(60_000)..=start_ms.saturating_add(60_000)).next().is_some() {
            intake.batch.merged();
            continue;
        }
        let value = |(name, column, factor): &(&str, Option<usize>, f64)| {
            let value = table.number(*column).filter(|v| *v > 0.0)? * factor;
            Some(((*name).to_owned(), (value * 1000.0).round() / 1000.0))
        };
        let title = table.text(title).chars().take(200).collect::<String>();
        let workout = Workout {
            kind: super::fitbit::workout_kind(&title),
            start_ms,
            end_ms: end_ms.max(start_ms),
            offset_min: offset(table, zone).unwrap_or_else(|| intake.offset(start_ms)),
            values: values.iter().filter_map(value).collect(),
            title,
        };
        intake.batch.workout(source, workout, Vec::new())?;
    }
    Ok(())
}
