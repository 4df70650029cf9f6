//! Records that are rows of their own: workouts with routes, events, waveforms.

use cuba_vault::rusqlite::{Row, Transaction, named_params};
use serde::{Deserialize, Serialize};

use super::column::{as_decimals, decode_floats, decode_ints, encode_floats, encode_ints, unscale};
use super::{SourceId, Store};
use crate::HealthError;

/// A workout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Workout {
    /// What was done: `running`, `cycling`; the importer's lower-case name.
    pub kind: String,
    /// Start, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// End.
    pub end_ms: i64,
    /// Local time minus UTC, minutes.
    pub offset_min: i16,
    /// The user's own title, or nothing.
    #[serde(default)]
    pub title: String,
    /// Totals as `metric.statistic` (`distance.sum`, `heart_rate.mean`), in the metric's unit.
    #[serde(default)]
    pub values: Vec<(String, f64)>,
}

/// A point of a route. Missing numbers are NaN.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RoutePoint {
    /// Time, milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Metres above the sea.
    pub altitude: f64,
    /// Metres a second.
    pub speed: f64,
    /// Metres that the position may be off.
    pub accuracy: f64,
}

impl PartialEq for RoutePoint {
    /// Bit for bit, so that a missing number equals a missing one.
    fn eq(&self, other: &Self) -> bool {
        self.time_ms == other.time_ms
            && self.columns().iter().zip(other.columns()).all(|(a, b)| a.to_bits() == b.to_bits())
    }
}

impl RoutePoint {
    fn columns(&self) -> [f64; 5] {
        [self.latitude, self.longitude, self.altitude, self.speed, self.accuracy]
    }
}

/// Something that happened: a symptom, an irregular-rhythm notice, a note.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `symptom.headache`, `note`; the importer's lower-case name.
    pub kind: String,
    /// Start, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// End; equal to the start for a moment.
    pub end_ms: i64,
    /// Local time minus UTC, minutes.
    pub offset_min: i16,
    /// Severity or amount, as the kind defines it.
    #[serde(default)]
    pub value: f64,
    /// A label of a fixed set.
    #[serde(default)]
    pub label: String,
    /// The user's own words.
    #[serde(default)]
    pub text: String,
}

/// A waveform at an even rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// `ecg`, `ppg`.
    pub kind: String,
    /// Start, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// Local time minus UTC, minutes.
    pub offset_min: i16,
    /// Values a second.
    pub hertz: f64,
    /// Unit of the values: `µV`.
    pub unit: String,
    /// What the device said of it, as recorded.
    #[serde(default)]
    pub label: String,
    /// The values.
    pub values: Vec<f64>,
}

/// Returns whether it was new.
pub(crate) fn insert_workout(
    tx: &Transaction<'_>,
    source: SourceId,
    workout: &Workout,
    route: &[RoutePoint],
) -> Result<bool, HealthError> {
    let new = tx
        .prepare_cached(
            "INSERT INTO workout (source, kind, start_ms, end_ms, offset_min, title) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO NOTHING",
        )?
        .execute((source.0, &workout.kind, workout.start_ms, workout.end_ms, workout.offset_min, &workout.title))?
        > 0;
    if !new {
        return Ok(false);
    }
    let id = tx.last_insert_rowid();
    let mut statement =
        tx.prepare_cached("INSERT OR REPLACE INTO workout_value (workout, name, value) VALUES (?1, ?2, ?3)")?;
    for (name, value) in workout.values.iter().filter(|v| v.1.is_finite()) {
        statement.execute((id, name, value))?;
    }
    // Parts of about four hours at a point a second: a long ride is not one large block in memory.
    for (part, points) in route.chunks(16_384).enumerate() {
        tx.prepare_cached("INSERT INTO route (workout, part, points, data) VALUES (?1, ?2, ?3, ?4)")?
            .execute((id, part as i64, points.len() as i64, pack_route(points)))?;
    }
    Ok(true)
}

/// Returns whether it was new.
pub(crate) fn insert_event(tx: &Transaction<'_>, source: SourceId, e: &Event) -> Result<bool, HealthError> {
    Ok(tx
        .prepare_cached(
            "INSERT INTO event (source, kind, start_ms, end_ms, offset_min, value, label, text)
             VALUES (:source, :kind, :start, :end, :offset, :value, :label, :text) ON CONFLICT DO NOTHING",
        )?
        .execute(named_params! {
            ":source": source.0, ":kind": e.kind, ":start": e.start_ms, ":end": e.end_ms,
            ":offset": e.offset_min, ":value": e.value, ":label": e.label, ":text": e.text,
        })?
        > 0)
}

/// Returns whether it was new.
pub(crate) fn insert_recording(
    tx: &Transaction<'_>,
    source: SourceId,
    r: &Recording,
) -> Result<bool, HealthError> {
    let mut data = Vec::new();
    push_values(&mut data, &r.values);
    Ok(tx
        .prepare_cached(
            "INSERT INTO recording (source, kind, start_ms, offset_min, hertz, unit, label, n, data)
             VALUES (:source, :kind, :start, :offset, :hertz, :unit, :label, :n, :data) ON CONFLICT DO NOTHING",
        )?
        .execute(named_params! {
            ":source": source.0, ":kind": r.kind, ":start": r.start_ms, ":offset": r.offset_min,
            ":hertz": r.hertz, ":unit": r.unit, ":label": r.label, ":n": r.values.len() as i64, ":data": data,
        })?
        > 0)
}

impl Store {
    /// Workouts that start in `from_ms..to_ms`, with their source and database id, oldest first.
    pub fn workouts(&self, from_ms: i64, to_ms: i64) -> Result<Vec<(i64, SourceId, Workout)>, HealthError> {
        self.vault.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, source, kind, start_ms, end_ms, offset_min, title FROM workout
                 WHERE start_ms >= ?1 AND start_ms < ?2 ORDER BY start_ms, id",
            )?;
            let rows = statement.query_map((from_ms, to_ms), |r| {
                let workout = Workout {
                    kind: r.get(2)?,
                    start_ms: r.get(3)?,
                    end_ms: r.get(4)?,
                    offset_min: r.get(5)?,
                    title: r.get(6)?,
                    values: Vec::new(),
                };
                Ok((r.get(0)?, SourceId(r.get(1)?), workout))
            })?;
            let mut out: Vec<(i64, SourceId, Workout)> = rows.collect::<Result<_, _>>()?;
            let mut values =
                tx.prepare_cached("SELECT name, value FROM workout_value WHERE workout = ?1 ORDER BY name")?;
            for (id, _, workout) in &mut out {
                let rows = values.query_map([*id], |r| Ok((r.get(0)?, r.get(1)?)))?;
                workout.values = rows.collect::<Result<_, _>>()?;
            }
            Ok::<_, HealthError>(out)
        })
    }

    /// The route of a workout by its database id; empty if it has none.
    pub fn route(&self, workout: i64) -> Result<Vec<RoutePoint>, HealthError> {
        self.vault.read(|tx| route_of(tx, workout))
    }

    /// Events that start in `from_ms..to_ms`, oldest first; of one kind if it is given.
    pub fn events(
        &self,
        kind: Option<&str>,
        from_ms: i64,
        to_ms: i64,
    ) -> Result<Vec<(SourceId, Event)>, HealthError> {
        self.vault.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT source, kind, start_ms, end_ms, offset_min, value, label, text FROM event
                 WHERE start_ms >= ?1 AND start_ms < ?2 AND (?3 IS NULL OR kind = ?3) ORDER BY start_ms, id",
            )?;
            let rows = statement.query_map((from_ms, to_ms, kind), event_of)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Waveforms that start in `from_ms..to_ms`, oldest first.
    pub fn recordings(&self, from_ms: i64, to_ms: i64) -> Result<Vec<(SourceId, Recording)>, HealthError> {
        self.vault.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT source, kind, start_ms, offset_min, hertz, unit, label, n, data FROM recording
                 WHERE start_ms >= ?1 AND start_ms < ?2 ORDER BY start_ms, id",
            )?;
            let rows = statement.query_map((from_ms, to_ms), recording_of)?;
            let mut out = Vec::new();
            for row in rows {
                let (source, recording) = row?;
                let recording =
                    recording.ok_or_else(|| HealthError::DamagedDay { metric: "recording".to_owned() })?;
                out.push((source, recording));
            }
            Ok(out)
        })
    }
}

fn event_of(r: &Row<'_>) -> Result<(SourceId, Event), cuba_vault::rusqlite::Error> {
    let event = Event {
        kind: r.get(1)?,
        start_ms: r.get(2)?,
        end_ms: r.get(3)?,
        offset_min: r.get(4)?,
        value: r.get(5)?,
        label: r.get(6)?,
        text: r.get(7)?,
    };
    Ok((SourceId(r.get(0)?), event))
}

fn recording_of(r: &Row<'_>) -> Result<(SourceId, Option<Recording>), cuba_vault::rusqlite::Error> {
    let n: i64 = r.get(7)?;
    let mut data = r.get_ref(8)?.as_blob()?;
    let mut recording = Recording {
        kind: r.get(1)?,
        start_ms: r.get(2)?,
        offset_min: r.get(3)?,
        hertz: r.get(4)?,
        unit: r.get(5)?,
        label: r.get(6)?,
        values: Vec::new(),
    };
    let whole = usize::try_from(n).ok().and_then(|n| take_values(&mut data, n, &mut recording.values));
    Ok((SourceId(r.get(0)?), whole.map(|()| recording)))
}

pub(crate) fn route_of(tx: &Transaction<'_>, workout: i64) -> Result<Vec<RoutePoint>, HealthError> {
    let mut statement =
        tx.prepare_cached("SELECT points, data FROM route WHERE workout = ?1 ORDER BY part")?;
    let mut rows = statement.query([workout])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let n: i64 = row.get(0)?;
        let data = row.get_ref(1)?.as_blob().map_err(cuba_vault::rusqlite::Error::from)?;
        usize::try_from(n)
            .ok()
            .and_then(|n| unpack_route(data, n, &mut out))
            .ok_or_else(|| HealthError::DamagedDay { metric: "route".to_owned() })?;
    }
    Ok(out)
}

/// A column of floats: a byte that says how many decimals (255: plain), then the packed column.
fn push_values(out: &mut Vec<u8>, values: &[f64]) {
    // Positions have seven decimals (a centimetre); pco finds that by itself in plain floats.
    let mut scaled = Vec::new();
    if let Some(decimals) = as_decimals(values, &mut scaled) {
        out.push(decimals as u8);
        encode_ints(out, &scaled, false);
    } else {
        out.push(255);
        encode_floats(out, values);
    }
}

fn take_values(input: &mut &[u8], n: usize, out: &mut Vec<f64>) -> Option<()> {
    let (&decimals, rest) = input.split_first()?;
    *input = rest;
    if decimals == 255 {
        return decode_floats(input, n, out);
    }
    let mut ints = Vec::new();
    decode_ints(input, n, &mut ints)?;
    out.clear();
    out.extend(ints.iter().map(|&i| unscale(i, u32::from(decimals).min(18))));
    Some(())
}

fn pack_route(points: &[RoutePoint]) -> Vec<u8> {
    let mut out = Vec::with_capacity(points.len() * 8);
    let times: Vec<i64> = points.iter().map(|p| p.time_ms).collect();
    encode_ints(&mut out, &times, true);
    for column in 0..5 {
        let values: Vec<f64> = points.iter().filter_map(|p| p.columns().get(column).copied()).collect();
        push_values(&mut out, &values);
    }
    out
}

fn unpack_route(mut data: &[u8], n: usize, out: &mut Vec<RoutePoint>) -> Option<()> {
    let mut times = Vec::new();
    decode_ints(&mut data, n, &mut times)?;
    let mut columns: [Vec<f64>; 5] = Default::default();
    for column in &mut columns {
        take_values(&mut data, n, column)?;
    }
    let [lat, lon, alt, speed, accuracy] = columns;
    for (i, time_ms) in times.into_iter().enumerate() {
        out.push(RoutePoint {
            time_ms,
            latitude: *lat.get(i)?,
            longitude: *lon.get(i)?,
            altitude: *alt.get(i)?,
            speed: *speed.get(i)?,
            accuracy: *accuracy.get(i)?,
        });
    }
    Some(())
}
