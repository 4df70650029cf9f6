//! GPX tracks and TCX workouts, streamed: a point at a time, one route in memory.

use super::intake::Intake;
use super::when::{self, Order};
use super::xml::{Node, Xml, unescape};
use super::{Format, Importer, Input, Stop};
use crate::metric::Metric;
use crate::store::{RoutePoint, SkipReason, SourceKind, Workout};

pub(super) const GPX: Importer = Importer {
    format: Format::Gpx,
    recognises: |input| root_is(input, "gpx"),
    import: |input, batch, context| read(input, &mut Intake::new(batch, context)),
};

pub(super) const TCX: Importer = Importer {
    format: Format::Tcx,
    recognises: |input| root_is(input, "TrainingCenterDatabase"),
    import: |input, batch, context| read(input, &mut Intake::new(batch, context)),
};

/// Points of a route kept in memory: a week at one a second, 30 MB.
const MAX_POINTS: usize = 600_000;
/// Text of an element that matters is short.
const MAX_TEXT: usize = 4096;
/// A pause longer than this is not walked at the mean of its ends.
const MAX_STEP_MS: i64 = 3_600_000;

fn root_is(input: &Input, name: &str) -> bool {
    let mut xml = Xml::new(input.head());
    while let Ok(Some(node)) = xml.next() {
        match node {
            Node::Open(tag) => return local(tag.name) == name.as_bytes(),
            Node::Broken => return false,
            _ => {}
        }
    }
    false
}

/// A name without its prefix.
fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|b| *b == b':').next().unwrap_or(name)
}

/// The device of a TCX file, which stands behind the points that are its; nothing for GPX.
fn device_of(input: &Input) -> Result<String, Stop> {
    let mut xml = Xml::with_text(input.reader()?);
    let (mut in_creator, mut in_name) = (false, false);
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(tag) if local(tag.name) == b"gpx" => break,
            Node::Open(tag) => {
                in_creator |= local(tag.name) == b"Creator";
                in_name = in_creator && local(tag.name) == b"Name";
            }
            Node::Text(text) if in_name => return Ok(unescape(text).trim().chars().take(80).collect()),
            Node::Close(name) if local(name) == b"Creator" => in_creator = false,
            _ => {}
        }
    }
    Ok(String::new())
}

/// What is known of a point until its element closes.
#[derive(Default)]
struct Point {
    latitude: Option<f64>,
    longitude: Option<f64>,
    time: Option<(i64, i16)>,
    bad_time: bool,
    altitude: Option<f64>,
    distance: Option<f64>,
    heart_rate: Option<f64>,
    cadence: Option<f64>,
    power: Option<f64>,
    speed: Option<f64>,
}

/// A track or an activity until it closes.
#[derive(Default)]
struct Track {
    kind: String,
    title: String,
    points: Vec<RoutePoint>,
    span: Option<(i64, i64)>,
    offset: i16,
    metres: f64,
    climbed: f64,
    told_metres: f64,
    energy: f64,
    seconds: f64,
    heart: (f64, f64, f64),
    /// Untimed points: a planned route, not a workout.
    untimed: u64,
}

struct Reading<'i, 'a, 'b, 'c> {
    intake: &'i mut Intake<'a, 'b, 'c>,
    creator: String,
    path: Vec<Vec<u8>>,
    text: String,
    track: Option<Track>,
    point: Option<Point>,
}

fn read(input: &Input, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let creator = device_of(input)?;
    let mut xml = Xml::with_text(input.reader()?);
    let mut reading =
        Reading { intake, creator, path: Vec::new(), text: String::new(), track: None, point: None };
    let mut broken = false;
    loop {
        let place = xml.place();
        let Some(node) = xml.next()? else { break };
        match node {
            Node::Open(tag) => {
                let attribute = |name: &str| tag.get(name).map(|v| unescape(v).into_owned());
                reading.open(local(tag.name), &attribute);
                if tag.empty {
                    reading.close(local(tag.name))?;
                }
            }
            Node::Close(name) => reading.close(local(name))?,
            Node::Text(bytes) => {
                if reading.text.len() < MAX_TEXT {
                    reading.text.push_str(&unescape(bytes));
                }
            }
            Node::Cdata(bytes) => {
                if reading.text.len() < MAX_TEXT {
                    reading.text.push_str(&String::from_utf8_lossy(bytes));
                }
            }
            Node::Broken => {
                broken = true;
                reading.intake.skip(SkipReason::Broken, "element");
            }
        }
        reading.intake.progress(place)?;
    }
    let unfinished = reading.track.is_some();
    // A file that breaks off: the points so far are a workout.
    reading.end_track()?;
    if broken || unfinished {
        reading.intake.context.incomplete("the file ends early or is damaged; what could be read is stored");
    }
    Ok(())
}

impl Reading<'_, '_, '_, '_> {
    fn open(&mut self, name: &[u8], attribute: &dyn Fn(&str) -> Option<String>) {
        self.text.clear();
        if self.path.len() < 64 {
            self.path.push(name.to_vec());
        }
        let number = |name: &str| attribute(name).and_then(|v| v.trim().parse::<f64>().ok());
        match name {
            b"gpx" => self.creator = attribute("creator").unwrap_or_default(),
            b"trk" | b"rte" => self.track = Some(Track::default()),
            b"Activity" => {
                let kind = attribute("Sport").unwrap_or_default();
                self.track = Some(Track { kind, ..Track::default() });
            }
            b"trkpt" | b"rtept" | b"Trackpoint" => {
                self.point =
                    Some(Point { latitude: number("lat"), longitude: number("lon"), ..Point::default() });
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &[u8]) -> Result<(), Stop> {
        // Elements that were left open close with their parent.
        if let Some(at) = self.path.iter().rposition(|p| p == name) {
            self.path.truncate(at);
        }
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        let number = || text.parse::<f64>().ok().filter(|v| v.is_finite());
        let parent = self.path.last().map(Vec::as_slice).unwrap_or_default();
        if matches!(name, b"trkpt" | b"rtept" | b"Trackpoint") {
            return self.end_point();
        }
        if matches!(name, b"trk" | b"rte" | b"Activity") {
            return self.end_track();
        }
        if let Some(point) = &mut self.point {
            match name {
                b"time" | b"Time" => {
                    let when = when::parse(text, Order::MonthFirst, self.intake.context.zone);
                    point.bad_time = when.is_none();
                    point.time = when.map(|w| (w.ms, w.offset));
                }
                b"ele" | b"AltitudeMeters" => point.altitude = number(),
                b"LatitudeDegrees" => point.latitude = number(),
                b"LongitudeDegrees" => point.longitude = number(),
                b"DistanceMeters" => point.distance = number(),
                b"hr" | b"heartrate" => point.heart_rate = number(),
                b"Value" if parent == b"HeartRateBpm" => point.heart_rate = number(),
                b"cad" | b"cadence" | b"Cadence" | b"RunCadence" => point.cadence = number(),
                b"power" | b"Watts" | b"PowerInWatts" => point.power = number(),
                b"speed" | b"Speed" => point.speed = number(),
                _ => {}
            }
            return Ok(());
        }
        if let Some(track) = &mut self.track {
            match name {
                b"name" if parent == b"trk" || parent == b"rte" => text.clone_into(&mut track.title),
                b"type" if parent == b"trk" || parent == b"rte" => text.clone_into(&mut track.kind),
                b"Notes" => text.clone_into(&mut track.title),
                b"DistanceMeters" if parent == b"Lap" => {
                    track.told_metres += number().unwrap_or(0.0).max(0.0);
                }
                b"Calories" if parent == b"Lap" => track.energy += number().unwrap_or(0.0).max(0.0),
                b"TotalTimeSeconds" if parent == b"Lap" => {
                    let seconds = number().unwrap_or(0.0).max(0.0);
                    track.seconds += seconds;
                }
                b"Id" if track.span.is_none() => {
                    // A workout without points still has its start.
                    if let Some(when) = when::parse(text, Order::MonthFirst, self.intake.context.zone) {
                        track.span = Some((when.ms, when.ms));
                        track.offset = self.intake.offset(when.ms);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn end_point(&mut self) -> Result<(), Stop> {
        let (Some(point), Some(track)) = (self.point.take(), &mut self.track) else { return Ok(()) };
        let Some((ms, offset)) = point.time else {
            if point.bad_time {
                self.intake.skip(SkipReason::BadTime, "point");
            } else {
                track.untimed += 1;
            }
            return Ok(());
        };
        if track.span.is_none() {
            track.offset = offset;
        }
        let (from, to) = track.span.unwrap_or((ms, ms));
        track.span = Some((from.min(ms), to.max(ms)));
        let source = source_of(&self.creator, self.intake)?;
        let before = self.intake.read();
        let on_foot = is_on_foot(&track.kind);
        if let Some(rate) = point.heart_rate.filter(|v| *v > 0.0) {
            self.intake.at(Metric::HeartRate, source, ms, rate, Some(offset))?;
            track.heart = (track.heart.0 + rate, track.heart.1 + 1.0, track.heart.2.max(rate));
        }
        if let Some(turns) = point.cadence.filter(|v| *v >= 0.0) {
            // On foot one leg is counted.
            let (metric, turns) =
                if on_foot { (Metric::StepCadence, turns * 2.0) } else { (Metric::CyclingCadence, turns) };
            self.intake.at(metric, source, ms, turns, Some(offset))?;
        }
        if let Some(watts) = point.power {
            let metric = if on_foot { Metric::RunningPower } else { Metric::CyclingPower };
            self.intake.at(metric, source, ms, watts, Some(offset))?;
        }
        if let (Some(latitude), Some(longitude)) = (point.latitude, point.longitude)
            && latitude.abs() <= 90.0
            && longitude.abs() <= 180.0
            && track.points.len() < MAX_POINTS
        {
            let nan = f64::NAN;
            let next = RoutePoint {
                time_ms: ms,
                latitude,
                longitude,
                altitude: point.altitude.unwrap_or(nan),
                speed: point.speed.unwrap_or(nan),
                accuracy: nan,
            };
            if let Some(last) = track.points.last().filter(|l| (ms - l.time_ms).abs() < MAX_STEP_MS) {
                track.metres += metres(last, &next);
                let rise = next.altitude - last.altitude;
                track.climbed += if rise > 0.0 { rise } else { 0.0 };
            }
            track.points.push(next);
        }
        if self.intake.read() == before {
            // A place and nothing else: part of the workout's route.
            self.intake.batch.merged();
        }
        Ok(())
    }

    fn end_track(&mut self) -> Result<(), Stop> {
        self.point = None;
        let Some(track) = self.track.take() else { return Ok(()) };
        self.intake.batch.skip_many(SkipReason::NotHealthData, "route without times", track.untimed);
        let Some((start_ms, mut end_ms)) = track.span else { return Ok(()) };
        if end_ms == start_ms && track.seconds > 0.0 && track.seconds < 1e7 {
            end_ms = start_ms + (track.seconds * 1000.0) as i64;
        }
        let source = source_of(&self.creator, self.intake)?;
        let round = |v: f64| (v * 10.0).round() / 10.0;
        let distance = if track.told_metres > 0.0 { track.told_metres } else { round(track.metres) };
        let mut values = Vec::new();
        for (name, value) in [
            ("distance.sum", distance),
            ("active_energy.sum", track.energy),
            ("move_time.sum", track.seconds),
            ("elevation_gained.sum", round(track.climbed)),
            ("heart_rate.mean", if track.heart.1 > 0.0 { round(track.heart.0 / track.heart.1) } else { 0.0 }),
            ("heart_rate.max", track.heart.2),
        ] {
            if value > 0.0 {
                values.push((name.to_owned(), value));
            }
        }
        let workout = Workout {
            kind: kind_of(&track.kind),
            start_ms,
            end_ms,
            offset_min: track.offset,
            title: track.title.chars().take(200).collect(),
            values,
        };
        Ok(self.intake.batch.workout(source, workout, track.points)?)
    }
}

fn source_of(
    creator: &str,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<crate::store::SourceId, crate::HealthError> {
    let name = if creator.trim().is_empty() { "GPS track" } else { creator.trim() };
    intake.source(&format!("track:{}", super::table::plain(name)), name, SourceKind::App)
}

fn is_on_foot(kind: &str) -> bool {
    let kind = kind.to_lowercase();
    ["run", "walk", "hik", "9", "10"].iter().any(|w| kind.contains(w)) && !kind.contains("cycl")
}

/// A kind as files name it: `Running`, `trail_running`, Strava's numbers.
fn kind_of(text: &str) -> String {
    let plain: String = text
        .trim()
        .to_lowercase()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .take(40)
        .collect();
    match plain.as_str() {
        "" | "other" => "other".to_owned(),
        "biking" | "bike" | "ride" | "road_biking" | "1" => "cycling".to_owned(),
        "run" | "9" => "running".to_owned(),
        "walk" | "10" => "walking".to_owned(),
        "hike" | "4" => "hiking".to_owned(),
        "swim" | "16" => "swimming".to_owned(),
        _ => plain,
    }
}

/// Distance over the globe (haversine, mean radius of the earth 6371008.8 m).
fn metres(a: &RoutePoint, b: &RoutePoint) -> f64 {
    let (p, q) = (a.latitude.to_radians(), b.latitude.to_radians());
    let (dp, dl) = (q - p, (b.longitude - a.longitude).to_radians());
    let h = (dp / 2.0).sin().powi(2) + p.cos() * q.cos() * (dl / 2.0).sin().powi(2);
    2.0 * 6_371_008.8 * h.sqrt().min(1.0).asin()
}
