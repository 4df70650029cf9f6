//! openScale's database: until version 2 a table with a column for each kind of value, since then a row for each.
//!
//! Values are in the unit that the row of its kind names; until version 2 in kilograms, per cent and centimetres. One
//! database may hold several people: the one with most measurements is taken, the others are counted.

use std::collections::BTreeMap;

use super::intake::Intake;
use super::openscale_table::{kind_of, share_of};
use super::sqlite::{Database, is_sqlite};
use super::{Format, Importer, Stop};
use crate::metric::Metric;
use crate::store::{Event, SkipReason, SourceId, SourceKind};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::OpenScale,
    recognises: |input| {
        is_sqlite(input.head())
            && Database::open(input)
                .is_ok_and(|d| d.has("scalemeasurements", "datetime") || d.has("measurementvalue", "typeid"))
    },
    import: |input, batch, context| {
        let database = Database::open(input)?;
        let mut intake = Intake::new(batch, context);
        let whole = if database.has_table("measurementvalue") {
            rows(&database, &mut intake)?
        } else {
            columns(&database, &mut intake)?
        };
        if !whole {
            intake.skip(SkipReason::Broken, "database");
            intake.context.incomplete("a table of the database is damaged; what could be read is stored");
        }
        Ok(())
    },
};

/// One weighing: values by the app's name of their kind with their unit, and the user's words.
#[derive(Default)]
struct Weighing {
    ms: i64,
    values: Vec<(String, f64, String)>,
    comment: String,
}

fn store(weighing: &Weighing, source: SourceId, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let before = intake.read();
    let kilograms = |unit: &str| match unit {
        "LB" => "lb",
        "ST" => "st",
        _ => "kg",
    };
    let weight = weighing.values.iter().find(|v| v.0 == "weight");
    let weight = weight.and_then(|(_, v, unit)| Metric::Weight.info().unit.convert(*v, kilograms(unit)));
    for (name, value, unit) in &weighing.values {
        // The app writes 0 for what was not measured.
        if *value <= 0.0 {
            continue;
        }
        let taken = match (kind_of(name), share_of(name)) {
            (Some((metric, usual)), _) => {
                let unit = match unit.as_str() {
                    "KG" | "LB" | "ST" => kilograms(unit),
                    "CM" => "cm",
                    "INCH" => "in",
                    _ => usual,
                };
                metric.info().unit.convert(*value, unit).map(|v| (metric, v))
            }
            (None, Some(metric)) if matches!(unit.as_str(), "KG" | "LB" | "ST") => {
                metric.info().unit.convert(*value, kilograms(unit)).map(|v| (metric, v))
            }
            (None, Some(metric)) => weight.map(|w| (metric, (value * w).round() / 100.0)),
            (None, None) => continue,
        };
        match taken {
            Some((metric, value)) => intake.at(metric, source, weighing.ms, value, None)?,
            None => intake.skip(SkipReason::BadValue, name),
        }
    }
    if !weighing.comment.is_empty() {
        let event = Event {
            kind: "note".to_owned(),
            start_ms: weighing.ms,
            end_ms: weighing.ms,
            offset_min: intake.offset(weighing.ms),
            text: weighing.comment.chars().take(2000).collect(),
            ..Event::default()
        };
        intake.batch.event(source, event)?;
    }
    if intake.read() == before {
        intake.skip(SkipReason::BadValue, "measurement");
    }
    intake.progress(0)
}

/// The person with most measurements; the others' are counted as not ours.
fn person(database: &Database, sql: &str, intake: &mut Intake<'_, '_, '_>) -> Result<i64, Stop> {
    let mut counts = Vec::new();
    database.query(sql, &[], |row| {
        counts.push((row.integer(1).unwrap_or(0), row.integer(0).unwrap_or(0)));
        Ok(())
    })?;
    let most = counts.iter().max_by_key(|c| (c.0, std::cmp::Reverse(c.1))).copied().unwrap_or_default();
    for (n, _) in counts.iter().filter(|c| **c != most) {
        intake.batch.skip_many(
            SkipReason::NotHealthData,
            "measurement of another person",
            (*n).max(0) as u64,
        );
    }
    Ok(most.1)
}

fn rows(database: &Database, intake: &mut Intake<'_, '_, '_>) -> Result<bool, Stop> {
    let count = "SELECT \"userId\", count(*) FROM \"Measurement\" GROUP BY 1 ORDER BY 1 LIMIT 1000";
    let person = person(database, count, intake)?;
    let mut kinds: BTreeMap<i64, (String, String)> = BTreeMap::new();
    let mut whole = database.rows("measurementtype", &["id", "key", "unit"], "id", |row| {
        let plain = super::table::plain(row.text(1).unwrap_or_default());
        kinds.insert(row.integer(0).unwrap_or(-1), (plain, row.text(2).unwrap_or_default().to_owned()));
        Ok(())
    })?;
    let source = intake.source("openscale", "openScale", SourceKind::Scale)?;
    let sql =
        "SELECT m.id, m.timestamp, v.\"typeId\", coalesce(v.\"floatValue\", v.\"intValue\"), v.\"textValue\"
               FROM \"Measurement\" m LEFT JOIN \"MeasurementValue\" v ON v.\"measurementId\" = m.id
               WHERE m.\"userId\" = ?1 ORDER BY m.id";
    let mut open: Option<(i64, Weighing)> = None;
    whole &= database.query(sql, &[person], |row| {
        let (id, ms) = (row.integer(0).unwrap_or(0), row.integer(1).unwrap_or(0));
        if open.as_ref().is_none_or(|o| o.0 != id)
            && let Some((_, done)) = open.replace((id, Weighing { ms, ..Weighing::default() }))
        {
            store(&done, source, intake)?;
        }
        let Some((_, weighing)) = &mut open else { return Ok(()) };
        let Some((name, unit)) = row.integer(2).and_then(|t| kinds.get(&t)) else { return Ok(()) };
        if name == "comment" {
            row.text(4).unwrap_or_default().clone_into(&mut weighing.comment);
        } else if let Some(value) = row.number(3).filter(|_| weighing.values.len() < 200) {
            weighing.values.push((name.clone(), value, unit.clone()));
        }
        Ok(())
    })?;
    if let Some((_, done)) = open {
        store(&done, source, intake)?;
    }
    Ok(whole)
}

fn columns(database: &Database, intake: &mut Intake<'_, '_, '_>) -> Result<bool, Stop> {
    let has_user = database.has("scalemeasurements", "userid");
    let person = if has_user {
        let count = "SELECT \"userId\", count(*) FROM \"scaleMeasurements\" GROUP BY 1 ORDER BY 1 LIMIT 1000";
        person(database, count, intake)?
    } else {
        0
    };
    let source = intake.source("openscale", "openScale", SourceKind::Scale)?;
    let names: Vec<String> = database
        .columns("scalemeasurements")
        .filter(|c| kind_of(c).is_some() || share_of(c).is_some())
        .map(str::to_owned)
        .collect();
    let mut columns = vec!["datetime", "comment", "enabled", "userid"];
    columns.extend(names.iter().map(String::as_str));
    database.rows("scalemeasurements", &columns, "datetime", |row| {
        if has_user && row.integer(3) != Some(person) {
            return Ok(());
        }
        let Some(ms) = row.integer(0) else {
            intake.skip(SkipReason::BadTime, "measurement");
            return Ok(());
        };
        // Deleted by the user.
        if row.integer(2) == Some(0) {
            intake.skip(SkipReason::NotHealthData, "deleted measurement");
            return Ok(());
        }
        let values = names.iter().enumerate();
        let values =
            values.filter_map(|(i, n)| Some((n.clone(), row.number(i + 4)?, String::new()))).collect();
        let weighing = Weighing { ms, values, comment: row.text(1).unwrap_or_default().to_owned() };
        store(&weighing, source, intake)
    })
}
