//! The lossless own format, and CSV.
//!
//! One JSON object a line, UTF-8. The first is `{"cuba_health":1}`; each other has one key:
//!
//! - `source`: `id`, `key`, `name`, `kind`; the id holds within the file only
//! - `priority`: `metric` (null for all), `sources` in order
//! - `samples`: one local day of one `metric` and `source`: `start` (milliseconds since 1970 UTC, each but the first as
//!   the difference from the one before), `length` in milliseconds and `offset` from UTC in minutes (one number if the
//!   same for all), `value` in the metric's unit
//! - `workout`, `event`, `recording`: `source` and the record; a workout's `route` holds
//!   `[time_ms, latitude, longitude, altitude, speed, accuracy]`, null where there is nothing
//! - `row`: a row of a log table: `table` and its `values` by column
//!
//! Rollups are not in it: they follow from the samples. Reading the file into an empty store gives an equal store.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use cuba_vault::rusqlite::types::{Value as SqlValue, ValueRef};
use cuba_vault::rusqlite::{Transaction, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chunk::{Scratch, unpack};
use super::records::route_of;
use super::{
    Batch, Event, ImportReport, NewSource, Recording, RoutePoint, Sample, SourceId, Store, Workout, split_key,
};
use crate::HealthError;
use crate::metric::Metric;

const FORMAT: u64 = 1;
/// Log tables and their columns. Fixed here, so that a file cannot name any other.
const LOG_TABLES: [(&str, &[&str]); 7] = [
    (
        "habit",
        &[
            "key", "name", "question", "kind", "target", "unit", "times", "days", "reminder", "archived",
            "position",
        ],
    ),
    ("habit_entry", &["habit", "day", "skipped", "value", "note"]),
    ("medication", &["key", "name", "unit", "plan", "first_day", "last_day", "stock", "archived"]),
    ("dose", &["medication", "due_ms", "state", "at_ms", "offset_min", "amount"]),
    ("reminder", &["what", "due_ms", "fired_ms"]),
    ("cycle_day", &["day", "flow", "note"]),
    ("mood", &["start_ms", "offset_min", "whole_day", "valence", "labels", "about", "note"]),
];

#[derive(Serialize, Deserialize)]
struct SourceLine {
    id: u16,
    key: String,
    name: String,
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct PriorityLine {
    metric: Option<Metric>,
    sources: Vec<u16>,
}

/// One number for all, or one for each.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Each {
    Same(i64),
    List(Vec<i64>),
}

impl Each {
    fn of(values: Vec<i64>) -> Self {
        match values.first() {
            Some(&first) if values.iter().all(|&v| v == first) => Self::Same(first),
            _ => Self::List(values),
        }
    }

    fn get(&self, i: usize) -> Option<i64> {
        match self {
            Self::Same(v) => Some(*v),
            Self::List(list) => list.get(i).copied(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SamplesLine {
    metric: Metric,
    source: u16,
    start: Vec<i64>,
    length: Each,
    offset: Each,
    value: Vec<f64>,
}

type RouteRow = (i64, f64, f64, Option<f64>, Option<f64>, Option<f64>);

#[derive(Serialize, Deserialize)]
struct WorkoutLine {
    source: u16,
    #[serde(flatten)]
    workout: Workout,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    route: Vec<RouteRow>,
}

#[derive(Serialize, Deserialize)]
struct Of<T> {
    source: u16,
    #[serde(flatten)]
    record: T,
}

#[derive(Serialize, Deserialize)]
struct RowLine {
    table: String,
    values: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    CubaHealth(u64),
    Source(SourceLine),
    Priority(PriorityLine),
    Samples(SamplesLine),
    Workout(WorkoutLine),
    Event(Of<Event>),
    Recording(Of<Recording>),
    Row(RowLine),
}

fn put(out: &mut impl Write, line: &Line) -> Result<(), HealthError> {
    serde_json::to_writer(&mut *out, line).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Writes the whole store in the own format, from one snapshot; memory stays flat.
pub fn export(store: &Store, out: &mut impl Write) -> Result<(), HealthError> {
    store.vault.read(|tx| {
        put(out, &Line::CubaHealth(FORMAT))?;
        for s in super::sources::all(tx)? {
            let line = SourceLine { id: s.id.0, key: s.key, name: s.name, kind: s.kind.name().to_owned() };
            put(out, &Line::Source(line))?;
        }
        export_priorities(tx, out)?;
        each_day(tx, |metric, source, samples| {
            let mut last = 0;
            let start =
                samples.iter().map(|s| s.start_ms - std::mem::replace(&mut last, s.start_ms)).collect();
            put(
                out,
                &Line::Samples(SamplesLine {
                    metric,
                    source: source.0,
                    start,
                    length: Each::of(samples.iter().map(|s| s.end_ms - s.start_ms).collect()),
                    offset: Each::of(samples.iter().map(|s| i64::from(s.offset_min)).collect()),
                    value: samples.iter().map(|s| s.value).collect(),
                }),
            )
        })?;
        export_log(tx, out)?;
        Ok::<_, HealthError>(())
    })?;
    let all = (i64::MIN, i64::MAX);
    for (id, source, workout) in store.workouts(all.0, all.1)? {
        let points = store.vault.read(|tx| route_of(tx, id))?;
        let some = |v: f64| (!v.is_nan()).then_some(v);
        let route = points
            .iter()
            .map(|p| (p.time_ms, p.latitude, p.longitude, some(p.altitude), some(p.speed), some(p.accuracy)))
            .collect();
        put(out, &Line::Workout(WorkoutLine { source: source.0, workout, route }))?;
    }
    for (source, record) in store.events(None, all.0, all.1)? {
        put(out, &Line::Event(Of { source: source.0, record }))?;
    }
    for (source, record) in store.recordings(all.0, all.1)? {
        put(out, &Line::Recording(Of { source: source.0, record }))?;
    }
    Ok(())
}

/// Calls `f` with each packed day in order of metric, source and day.
fn each_day(
    tx: &Transaction<'_>,
    mut f: impl FnMut(Metric, SourceId, &[Sample]) -> Result<(), HealthError>,
) -> Result<(), HealthError> {
    let mut statement = tx.prepare("SELECT key, first_ms, data FROM chunk ORDER BY key")?;
    let mut rows = statement.query([])?;
    let (mut scratch, mut samples) = (Scratch::default(), Vec::new());
    while let Some(row) = rows.next()? {
        let (code, source, _) = split_key(row.get(0)?);
        let Some(metric) = Metric::from_code(code) else { continue };
        let data = row.get_ref(2)?.as_blob().map_err(cuba_vault::rusqlite::Error::from)?;
        samples.clear();
        unpack(row.get(1)?, data, &mut scratch, &mut samples)
            .ok_or_else(|| HealthError::DamagedDay { metric: metric.id().to_owned() })?;
        f(metric, source, &samples)?;
    }
    Ok(())
}

fn export_priorities(tx: &Transaction<'_>, out: &mut impl Write) -> Result<(), HealthError> {
    let mut orders: BTreeMap<u16, Vec<u16>> = BTreeMap::new();
    let mut statement = tx.prepare("SELECT metric, source FROM source_priority ORDER BY metric, rank")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        orders.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    for (code, sources) in orders {
        put(out, &Line::Priority(PriorityLine { metric: Metric::from_code(code), sources }))?;
    }
    Ok(())
}

fn export_log(tx: &Transaction<'_>, out: &mut impl Write) -> Result<(), HealthError> {
    for (table, columns) in LOG_TABLES {
        let mut statement =
            tx.prepare(&format!("SELECT {} FROM {table} ORDER BY 1, 2", columns.join(", ")))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mut values = Map::new();
            for (i, column) in columns.iter().enumerate() {
                let value = match row.get_ref(i)? {
                    ValueRef::Integer(v) => v.into(),
                    ValueRef::Real(v) => v.into(),
                    ValueRef::Text(v) => String::from_utf8_lossy(v).into_owned().into(),
                    ValueRef::Null | ValueRef::Blob(_) => Value::Null,
                };
                values.insert((*column).to_owned(), value);
            }
            put(out, &Line::Row(RowLine { table: table.to_owned(), values }))?;
        }
    }
    Ok(())
}

/// Reads a file that [`export`] wrote into this store; what is there already is counted as duplicate.
///
/// # Errors
/// [`HealthError::Format`] with the line for a file that is broken or too new. What stood before that line is stored.
pub fn import(store: &Store, input: &mut impl BufRead) -> Result<ImportReport, HealthError> {
    let mut batch = store.batch();
    let end = import_lines::<HealthError>(&mut batch, input, &mut |_| Ok(()));
    let report = batch.finish()?;
    end.map(|()| report)
}

/// Hands every line to `batch`; `told` hears how many bytes are read and ends it with its error.
pub(crate) fn import_lines<E: From<HealthError>>(
    batch: &mut Batch<'_>,
    input: &mut impl BufRead,
    told: &mut dyn FnMut(u64) -> Result<(), E>,
) -> Result<(), E> {
    let mut rows = Vec::new();
    let end = take_lines(batch, input, &mut rows, told);
    import_rows(batch.store(), &mut rows)?;
    end
}

fn take_lines<E: From<HealthError>>(
    batch: &mut Batch<'_>,
    input: &mut impl BufRead,
    rows: &mut Vec<RowLine>,
    told: &mut dyn FnMut(u64) -> Result<(), E>,
) -> Result<(), E> {
    let mut ids: BTreeMap<u16, SourceId> = BTreeMap::new();
    let mut text = String::new();
    let (mut line, mut bytes) = (0u64, 0u64);
    loop {
        text.clear();
        let format = |reason: &str| HealthError::Format { line: line + 1, reason: reason.to_owned() };
        let read = input.read_line(&mut text).map_err(|e| match e.kind() {
            std::io::ErrorKind::InvalidData => format("the text is not UTF-8"),
            _ => e.into(),
        })?;
        if read == 0 {
            return if line == 0 { Err(format("the file is empty").into()) } else { Ok(()) };
        }
        // serde's own message can quote a value; ours must not.
        let parsed: Line =
            serde_json::from_str(&text).map_err(|_| format("it is not a line of this format"))?;
        match (line, &parsed) {
            (0, Line::CubaHealth(FORMAT)) => {}
            (0, Line::CubaHealth(_)) => {
                return Err(format("the file comes from a newer version; install that one").into());
            }
            (0, _) | (_, Line::CubaHealth(_)) => {
                return Err(format("it is not an export of Cuba Health").into());
            }
            _ => import_line(batch, &mut ids, rows, parsed).map_err(|e| match e {
                HealthError::Invalid { reason } => format(&reason),
                HealthError::NotFound { what } => format(&format!("there is no such {what}")),
                other => other,
            })?,
        }
        line += 1;
        bytes += read as u64;
        told(bytes)?;
    }
}

fn import_line(
    batch: &mut Batch<'_>,
    ids: &mut BTreeMap<u16, SourceId>,
    rows: &mut Vec<RowLine>,
    line: Line,
) -> Result<(), HealthError> {
    let known = |ids: &BTreeMap<u16, SourceId>, id: u16| {
        ids.get(&id).copied().ok_or(HealthError::NotFound { what: "source" })
    };
    match line {
        Line::CubaHealth(_) => {}
        Line::Source(s) => {
            let id = batch.source(&NewSource::new(&s.key, &s.name, s.kind.parse()?))?;
            ids.insert(s.id, id);
        }
        Line::Priority(p) => {
            let sources: Vec<SourceId> =
                p.sources.iter().map(|s| known(ids, *s)).collect::<Result<_, _>>()?;
            batch.store().set_priority(p.metric, &sources)?;
        }
        Line::Samples(s) => {
            let source = known(ids, s.source)?;
            if s.start.len() != s.value.len() {
                return Err(HealthError::invalid("the columns of a day have different lengths"));
            }
            let mut start_ms = 0i64;
            for (i, (step, value)) in s.start.iter().zip(&s.value).enumerate() {
                start_ms = start_ms.saturating_add(*step);
                let (length, offset) = s
                    .length
                    .get(i)
                    .zip(s.offset.get(i))
                    .ok_or_else(|| HealthError::invalid("the columns of a day have different lengths"))?;
                let offset_min =
                    i16::try_from(offset).map_err(|_| HealthError::invalid("an offset is out of range"))?;
                let end_ms = start_ms.saturating_add(length);
                batch.sample(s.metric, source, Sample { start_ms, end_ms, value: *value, offset_min })?;
            }
        }
        Line::Workout(w) => {
            let missing = |v: Option<f64>| v.unwrap_or(f64::NAN);
            let route = w
                .route
                .iter()
                .map(|&(time_ms, latitude, longitude, altitude, speed, accuracy)| RoutePoint {
                    time_ms,
                    latitude,
                    longitude,
                    altitude: missing(altitude),
                    speed: missing(speed),
                    accuracy: missing(accuracy),
                })
                .collect();
            batch.workout(known(ids, w.source)?, w.workout, route)?;
        }
        Line::Event(e) => batch.event(known(ids, e.source)?, e.record)?,
        Line::Recording(r) => batch.recording(known(ids, r.source)?, r.record)?,
        Line::Row(row) => {
            if !LOG_TABLES.iter().any(|t| t.0 == row.table) {
                return Err(HealthError::NotFound { what: "table" });
            }
            rows.push(row);
            if rows.len() >= ROWS_A_WRITE {
                import_rows(batch.store(), rows)?;
            }
        }
    }
    Ok(())
}

/// Log rows written in one transaction: each costs a sync of the disk.
const ROWS_A_WRITE: usize = 1000;

fn import_rows(store: &Store, rows: &mut Vec<RowLine>) -> Result<(), HealthError> {
    if rows.is_empty() {
        return Ok(());
    }
    store.vault.write(|tx| {
        for row in rows.drain(..) {
            let Some((table, columns)) = LOG_TABLES.iter().find(|t| t.0 == row.table) else { continue };
            let values = columns.iter().map(|c| match row.values.get(*c) {
                Some(Value::Number(n)) if n.is_i64() => SqlValue::Integer(n.as_i64().unwrap_or(0)),
                Some(Value::Number(n)) => SqlValue::Real(n.as_f64().unwrap_or(0.0)),
                Some(Value::String(s)) => SqlValue::Text(s.clone()),
                _ => SqlValue::Null,
            });
            let marks = vec!["?"; columns.len()].join(", ");
            let sql = format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({marks})", columns.join(", "));
            tx.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        }
        Ok(())
    })
}

/// Writes every sample as a line of CSV: `metric,source,start,end,value,unit`, times in RFC 3339 with the local offset.
/// For spreadsheets; [`export`] is the format that holds everything.
pub fn export_csv(store: &Store, out: &mut impl Write) -> Result<(), HealthError> {
    writeln!(out, "metric,source,start,end,value,unit")?;
    store.vault.read(|tx| {
        let names: BTreeMap<SourceId, String> =
            super::sources::all(tx)?.into_iter().map(|s| (s.id, csv_field(&s.name))).collect();
        each_day(tx, |metric, source, samples| {
            let name = names.get(&source).map_or("", String::as_str);
            for s in samples {
                let (start, end) = (local_time(s.start_ms, s.offset_min), local_time(s.end_ms, s.offset_min));
                writeln!(out, "{metric},{name},{start},{end},{},{}", s.value, metric.info().unit)?;
            }
            Ok(())
        })
    })
}

fn csv_field(text: &str) -> String {
    // A leading = + - @ would run as a formula in a spreadsheet.
    let safe = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

fn local_time(ms: i64, offset_min: i16) -> String {
    let offset = jiff::tz::Offset::from_seconds(i32::from(offset_min) * 60).unwrap_or(jiff::tz::Offset::UTC);
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| String::new(), |t| t.display_with_offset(offset).to_string())
}
