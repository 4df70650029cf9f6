//! Apple Health: `export.zip`, its unpacked folder, or `export.xml` alone.
//!
//! The XML is a list of records by type, millions of them, read once from front to back with [`super::xml`]. What makes
//! real exports hard, and what is done:
//!
//! - the DTD is invalid and bytes that XML forbids occur: the scanner does not mind;
//! - up to eight exact copies of a record, and members of correlations again at the top: the store drops doubles;
//! - a workout's totals are children (`WorkoutStatistics`), in old exports attributes: both are read;
//! - routes are GPX files beside the XML, electrocardiograms are CSV files with localised heads;
//! - beats lie inside records of heart rate variability: they become RR intervals;
//! - all times are written in the zone of the export; where a record says in which zone it was lived
//!   (`HKTimeZone`), that zone's offset decides on which day it lies;
//! - names of files are localised: the XML is known by its root, a CSV by its shape.
//!
//! Left out and counted: sums that follow from records (`ActivitySummary`), clinical documents, personal data (`Me`)
//! and goals.

mod beats;
mod ecg;
mod kinds;
mod record;
mod route;
mod sources;
#[cfg(test)]
mod tests;
mod text;
mod workout;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek as _, SeekFrom};

use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::xml::{Node, Xml};
use super::{Context, Format, Importer, Input, Member, Stop};
use crate::HealthError;
use crate::store::{Batch, Event, NewSource, Recording, RoutePoint, SkipReason, SourceKind, Workout};
use record::Reader;

pub(super) const IMPORTER: Importer = Importer { format: Format::Apple, recognises, import };

/// XML between two checkpoints: a third of a second on a computer, some seconds on a small phone. Tests have small
/// files and want to see several.
const CHECKPOINT_EVERY: u64 = if cfg!(test) { 256 << 10 } else { 64 << 20 };
/// Tags between two reports of progress.
const PROGRESS_EVERY: u32 = if cfg!(test) { 256 } else { 8192 };

fn is_export(head: &[u8]) -> bool {
    let head = head.get(..1024).unwrap_or(head);
    memmem::find(head, b"<HealthData").or_else(|| memmem::find(head, b"<!DOCTYPE HealthData")).is_some()
}

fn recognises(input: &Input) -> bool {
    is_export(input.head()) || export_xml(input).is_some()
}

/// The largest XML member that is an export: its name is localised.
fn export_xml(input: &Input) -> Option<&Member> {
    let mut candidates: Vec<&Member> = input
        .members()
        .iter()
        .filter(|m| {
            m.name.get(m.name.len().saturating_sub(4)..).is_some_and(|e| e.eq_ignore_ascii_case(".xml"))
        })
        .collect();
    candidates.sort_by_key(|m| std::cmp::Reverse(m.size));
    candidates.into_iter().take(16).find(|m| is_export(&input.member_head(m, 1024)))
}

/// Where an interrupted import goes on.
#[derive(Default, Serialize, Deserialize)]
struct Place {
    /// Offset in the XML, between two records.
    at: u64,
    /// Routes that workouts before it have taken.
    routes: BTreeSet<String>,
}

/// The archive or folder, and for a lone `export.xml` the folders beside it.
struct Files<'a> {
    main: &'a Input,
    beside: Vec<Input>,
}

impl<'a> Files<'a> {
    fn of(main: &'a Input) -> Self {
        let folder = main.path().filter(|_| main.members().is_empty()).and_then(|p| p.parent());
        let beside = folder.map_or_else(Vec::new, |folder| {
            let names = ["workout-routes", "electrocardiograms"];
            names.iter().filter_map(|n| Input::open(&folder.join(n)).ok()).collect()
        });
        Self { main, beside }
    }

    fn all(&self) -> impl Iterator<Item = (&Input, &Member)> {
        std::iter::once(self.main).chain(&self.beside).flat_map(|i| i.members().iter().map(move |m| (i, m)))
    }

    fn ending(&self, ending: &str) -> BTreeMap<String, (&Input, &Member)> {
        self.all()
            .filter(|(_, m)| m.name.to_ascii_lowercase().ends_with(ending))
            .map(|(i, m)| (m.base_name().to_owned(), (i, m)))
            .collect()
    }
}

/// Remembers what kind of end the stream had: a damaged archive is not a failing disk.
struct Guarded<R> {
    inner: R,
    damaged: Option<String>,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buf) {
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput
                ) =>
            {
                self.damaged = Some(e.to_string());
                Ok(0)
            }
            other => other,
        }
    }
}

fn import(input: &Input, batch: &mut Batch<'_>, context: &mut Context<'_>) -> Result<(), Stop> {
    let files = Files::of(input);
    let mut place: Place =
        context.resume_at().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let from = place.at;
    let stream: Box<dyn Read> = if is_export(input.head()) {
        let mut bytes = input.reader()?;
        bytes.seek(SeekFrom::Start(from))?;
        Box::new(bytes)
    } else {
        let member = export_xml(input).ok_or(HealthError::Unrecognised)?;
        let mut stream = input.open_member(member)?;
        skip(&mut stream, from, context)?;
        Box::new(stream)
    };
    let mut xml = Xml::new(Guarded { inner: stream, damaged: None }).starting_at(from);
    records(&mut xml, &files, batch, context, &mut place)?;
    rest(&files, batch, context, &place)
}

/// Passes over what is stored already.
fn skip(stream: &mut impl Read, bytes: u64, context: &mut Context<'_>) -> Result<(), Stop> {
    let mut buffer = vec![0; 64 * 1024];
    let mut done = 0;
    while done < bytes {
        let want = usize::try_from(bytes - done).unwrap_or(usize::MAX).min(buffer.len());
        let n = stream.read(buffer.get_mut(..want).unwrap_or_default())?;
        if n == 0 {
            break;
        }
        done += n as u64;
        context.progress(done)?;
    }
    Ok(())
}

fn records(
    xml: &mut Xml<Guarded<Box<dyn Read>>>,
    files: &Files<'_>,
    batch: &mut Batch<'_>,
    context: &mut Context<'_>,
    place: &mut Place,
) -> Result<(), Stop> {
    let routes = files.ending(".gpx");
    let mut reader = Reader::default();
    let mut ended = false;
    let mut since = 0;
    let mut next_mark = place.at + CHECKPOINT_EVERY;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(tag) => {
                reader.open(&tag, batch)?;
                if tag.empty {
                    let name = tag.name;
                    finish(&mut reader, name, &routes, batch, place)?;
                }
            }
            Node::Close(b"HealthData") => ended = true,
            Node::Close(name) => finish(&mut reader, name, &routes, batch, place)?,
            Node::Broken => batch.skip(SkipReason::Broken, "XML"),
            Node::Text(_) | Node::Cdata(_) => {}
        }
        since += 1;
        if since >= PROGRESS_EVERY {
            since = 0;
            let done = xml.place();
            context.progress(done)?;
            if done >= next_mark && reader.is_between_records() {
                next_mark = done + CHECKPOINT_EVERY;
                place.at = done;
                let text = serde_json::to_string(place).unwrap_or_default();
                context.checkpoint(batch, &text)?;
            }
        }
    }
    if !ended && !reader.is_between_records() {
        batch.skip(SkipReason::Broken, "XML");
    }
    // A wrong checksum shows after the last tag.
    match xml.reader().damaged.take() {
        Some(reason) => context.incomplete(format!("{reason}; export it again to get the rest")),
        None if !ended => context.incomplete("the file ends early; export it again to get the rest"),
        None => {}
    }
    Ok(())
}

/// Ends an element; a workout is stored with its route.
fn finish(
    reader: &mut Reader,
    name: &[u8],
    routes: &BTreeMap<String, (&Input, &Member)>,
    batch: &mut Batch<'_>,
    place: &mut Place,
) -> Result<(), Stop> {
    let Some(draft) = reader.close(name, batch)? else { return Ok(()) };
    let mut points = Vec::new();
    for file in &draft.routes {
        if let Some((input, member)) = routes.get(file) {
            points.extend(route_points(input, member));
            place.routes.insert(file.clone());
        }
    }
    let (source, workout) = draft.finish();
    Ok(batch.workout(source, workout, points)?)
}

fn route_points(input: &Input, member: &Member) -> Vec<RoutePoint> {
    input.open_member(member).map(route::points).unwrap_or_default()
}

/// Electrocardiograms, and routes that no workout names.
fn rest(
    files: &Files<'_>,
    batch: &mut Batch<'_>,
    context: &mut Context<'_>,
    place: &Place,
) -> Result<(), Stop> {
    for (input, member) in files.ending(".csv").into_values() {
        context.progress(u64::MAX)?;
        match input.open_member(member).ok().and_then(ecg::read) {
            Some((recording, device)) => {
                let name = if device.is_empty() { "ECG" } else { device.as_str() };
                let key = format!("apple:watch:ecg:{name}");
                let source = batch.source(&NewSource::new(&key, name, SourceKind::Watch))?;
                batch.recording(source, recording)?;
            }
            None => batch.skip(SkipReason::UnknownType, "CSV file"),
        }
    }
    for (name, (input, member)) in files.ending(".gpx") {
        if place.routes.contains(&name) {
            continue;
        }
        context.progress(u64::MAX)?;
        let points = route_points(input, member);
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            batch.skip(SkipReason::Broken, "GPX file");
            continue;
        };
        let workout = Workout {
            kind: "route".to_owned(),
            start_ms: first.time_ms,
            end_ms: last.time_ms.max(first.time_ms),
            offset_min: crate::store::offset_in(context.zone, first.time_ms),
            ..Workout::default()
        };
        let source =
            batch.source(&NewSource::new("apple:app:Apple Health", "Apple Health", SourceKind::App))?;
        batch.workout(source, workout, points)?;
    }
    Ok(())
}

/// For fuzzing: the points of a GPX file.
pub(super) fn route_points_of(reader: impl Read) -> Vec<RoutePoint> {
    route::points(reader)
}

/// For fuzzing: the recording of a CSV.
pub(super) fn ecg_of(reader: impl Read) -> Option<Recording> {
    ecg::read(reader).map(|(recording, _)| recording)
}

/// An event without an end of its own.
fn moment_event(kind: &str, at: text::Moment, end_ms: i64) -> Event {
    Event {
        kind: kind.to_owned(),
        start_ms: at.0,
        end_ms: end_ms.max(at.0),
        offset_min: at.1,
        ..Event::default()
    }
}
