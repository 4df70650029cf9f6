//! Elements of the export as they open and close.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use super::super::xml::{Tag, unescape};
use super::beats::{Beat, MAX_BEATS, intervals};
use super::kinds::{Kinds, Target, event_value, flow, sleep_stage};
use super::moment_event;
use super::sources::Sources;
use super::text::{Moment, moment};
use super::workout::{self, Draft};
use crate::HealthError;
use crate::log::cycle::Flow;
use crate::metric::Metric;
use crate::store::{Batch, Event, Sample, SkipReason, SourceId, offset_in};

/// A record that waits for its end: its children may say in which zone it was lived.
struct Pending {
    what: What,
    source: SourceId,
    start: Moment,
    end_ms: i64,
    beats: Vec<Beat>,
    zone: Option<i16>,
}

enum What {
    Sample(Metric, f64),
    Event(Event),
    Flow(Flow),
    /// Counted already.
    Nothing,
}

/// A correlation that is open: its members are records of their own.
struct Correlation {
    food: bool,
    source: SourceId,
    start: Moment,
    end_ms: i64,
    name: String,
}

/// What is open at a place of the file, and what was learned on the way there.
#[derive(Default)]
pub(super) struct Reader {
    kinds: Kinds,
    sources: Sources,
    zones: HashMap<Vec<u8>, Option<TimeZone>>,
    pending: Option<Pending>,
    correlation: Option<Correlation>,
    workout: Option<Box<Draft>>,
    /// An element that is not known, or not taken: what is in it is not counted.
    skipped: Option<Vec<u8>>,
}

impl Reader {
    /// Whether an import may go on from here.
    pub(super) fn is_between_records(&self) -> bool {
        self.pending.is_none()
            && self.correlation.is_none()
            && self.workout.is_none()
            && self.skipped.is_none()
    }

    /// An element begins.
    #[inline]
    pub(super) fn open(&mut self, tag: &Tag<'_>, batch: &mut Batch<'_>) -> Result<(), HealthError> {
        match tag.name {
            b"Record" => self.record(tag, batch),
            b"MetadataEntry" => {
                self.metadata(tag);
                Ok(())
            }
            b"InstantaneousBeatsPerMinute" => {
                self.beat(tag);
                Ok(())
            }
            _ => self.other(tag, batch),
        }
    }

    fn other(&mut self, tag: &Tag<'_>, batch: &mut Batch<'_>) -> Result<(), HealthError> {
        match tag.name {
            b"HealthData" | b"HeartRateVariabilityMetadataList" => {}
            b"Workout" => self.open_workout(tag, batch)?,
            b"Correlation" => self.open_correlation(tag, batch)?,
            b"WorkoutStatistics" => {
                if let Some(draft) = &mut self.workout {
                    draft.statistics(tag);
                }
            }
            b"WorkoutActivity" => {
                if let Some(draft) = self.workout.as_mut().filter(|_| !tag.empty) {
                    draft.in_activity = true;
                }
            }
            b"WorkoutRoute" => {
                if let Some(draft) = self.workout.as_mut().filter(|_| !tag.empty) {
                    draft.in_route = true;
                }
            }
            b"FileReference" => {
                let path = unescape(tag.get("path").unwrap_or_default());
                if let Some(draft) = self.workout.as_mut().filter(|d| d.routes.len() < 100) {
                    draft.routes.push(path.rsplit('/').next().unwrap_or_default().to_owned());
                }
            }
            b"WorkoutEvent" => self.workout_event(tag, batch)?,
            name => {
                // What is inside an element that is not taken belongs to it.
                if self.skipped.is_none() && self.pending.is_none() && self.workout.is_none() {
                    let known =
                        [&b"ActivitySummary"[..], b"ClinicalRecord", b"Me", b"ExportDate"].contains(&name);
                    let reason = if known { SkipReason::NotHealthData } else { SkipReason::UnknownType };
                    // The date of the export is no record.
                    if name != b"ExportDate" {
                        batch.skip(reason, &unescape(name));
                    }
                    if !tag.empty {
                        self.skipped = Some(name.to_vec());
                    }
                }
            }
        }
        Ok(())
    }

    /// An element ends; a workout is handed back.
    #[inline]
    pub(super) fn close(
        &mut self,
        name: &[u8],
        batch: &mut Batch<'_>,
    ) -> Result<Option<Box<Draft>>, HealthError> {
        match name {
            b"Record" => {
                if let Some(pending) = self.pending.take() {
                    store(pending, batch)?;
                }
            }
            b"Workout" => return Ok(self.workout.take()),
            b"WorkoutActivity" => {
                if let Some(draft) = &mut self.workout {
                    draft.in_activity = false;
                }
            }
            b"WorkoutRoute" => {
                if let Some(draft) = &mut self.workout {
                    draft.in_route = false;
                }
            }
            b"Correlation" => {
                if let Some(c) = self.correlation.take() {
                    close_correlation(c, batch)?;
                }
            }
            _ => {
                if self.skipped.as_deref() == Some(name) {
                    self.skipped = None;
                }
            }
        }
        Ok(None)
    }

    #[inline]
    fn record(&mut self, tag: &Tag<'_>, batch: &mut Batch<'_>) -> Result<(), HealthError> {
        let [mut kind, mut name, mut device, mut unit, mut value, mut start, mut end] = [&b""[..]; 7];
        for (attribute, raw) in tag.attributes() {
            match attribute {
                b"type" => kind = raw,
                b"sourceName" => name = raw,
                b"device" => device = raw,
                b"unit" => unit = raw,
                b"value" => value = raw,
                b"startDate" => start = raw,
                b"endDate" => end = raw,
                _ => {}
            }
        }
        // One that was not closed ends where the next begins.
        if let Some(pending) = self.pending.take() {
            store(pending, batch)?;
        }
        let open = |what, source, start, end_ms| Pending {
            what,
            source,
            start,
            end_ms,
            beats: Vec::new(),
            zone: None,
        };
        let Some(kind) = self.kinds.get(kind) else {
            batch.skip(SkipReason::UnknownType, "others");
            return Ok(());
        };
        let refused = |reason| (reason, kind.name.clone());
        let (reason, kind_name) = 'refused: {
            if let Target::Skip(reason) = kind.target {
                break 'refused refused(reason);
            }
            let Some(start_at) = moment(start) else { break 'refused refused(SkipReason::BadTime) };
            let Some(end_at) = (if end == start { Some(start_at) } else { moment(end) }) else {
                break 'refused refused(SkipReason::BadTime);
            };
            let end_ms = end_at.0;
            let what = match &kind.target {
                Target::Quantity(metric) => {
                    let metric = *metric;
                    match kind.value(metric, value, unit) {
                        Ok(value) => What::Sample(metric, value),
                        Err(reason) => break 'refused (reason, kind.name.clone()),
                    }
                }
                Target::Sleep => match sleep_stage(value) {
                    Some(stage) => What::Sample(Metric::SleepStage, stage.value()),
                    None => break 'refused refused(SkipReason::BadValue),
                },
                Target::StandHour => match value {
                    b"HKCategoryValueAppleStandHourStood" => What::Sample(Metric::StandHour, 1.0),
                    b"HKCategoryValueAppleStandHourIdle" => What::Sample(Metric::StandHour, 0.0),
                    _ => break 'refused refused(SkipReason::BadValue),
                },
                Target::Mindful => What::Sample(Metric::MindfulSession, 1.0),
                Target::Flow => match flow(value) {
                    Some(flow) => What::Flow(flow),
                    None => break 'refused refused(SkipReason::BadValue),
                },
                Target::Event(event) => {
                    let (value, label) = event_value(event, value);
                    What::Event(Event { value, label, ..moment_event(event, start_at, end_ms) })
                }
                Target::Skip(reason) => break 'refused refused(*reason),
            };
            let source = self.sources.get(batch, name, device)?;
            if let (true, What::Sample(metric, value)) = (tag.empty, &what) {
                return batch.sample(*metric, source, Sample::over(start_at.0, end_ms, *value, start_at.1));
            }
            self.pending = Some(open(what, source, start_at, end_ms));
            return Ok(());
        };
        batch.skip(reason, &kind_name);
        if !tag.empty {
            // Its children are not counted as elements of their own.
            let source = self.sources.get(batch, name, device)?;
            self.pending = Some(open(What::Nothing, source, (0, 0), 0));
        }
        Ok(())
    }

    #[inline]
    fn metadata(&mut self, tag: &Tag<'_>) {
        let (key, value) = (tag.get("key").unwrap_or_default(), tag.get("value").unwrap_or_default());
        if let Some(pending) = &mut self.pending {
            if key == b"HKTimeZone" && value.len() < 64 && self.zones.len() < 1000 {
                let zone =
                    self.zones.entry(value.to_vec()).or_insert_with(|| TimeZone::get(&unescape(value)).ok());
                pending.zone = zone.as_ref().map(|z| offset_in(z, pending.start.0));
            }
        } else if let Some(draft) = &mut self.workout {
            draft.metadata(key, value);
        } else if let Some(correlation) = self.correlation.as_mut().filter(|_| key == b"HKFoodType") {
            correlation.name = unescape(value).chars().filter(|c| !c.is_control()).take(200).collect();
        }
    }

    #[inline]
    fn beat(&mut self, tag: &Tag<'_>) {
        let Some(pending) = self.pending.as_mut().filter(|p| p.beats.len() < MAX_BEATS) else { return };
        let time = unescape(tag.get("time").unwrap_or_default());
        pending.beats.extend(Beat::of(tag.get("bpm").unwrap_or_default(), &time));
    }

    fn open_workout(&mut self, tag: &Tag<'_>, batch: &mut Batch<'_>) -> Result<(), HealthError> {
        let times = tag.get("startDate").and_then(moment).zip(tag.get("endDate").and_then(moment));
        let Some((start, end)) = times.filter(|(s, e)| e.0 >= s.0) else {
            batch.skip(SkipReason::BadTime, "Workout");
            return Ok(());
        };
        let name = tag.get("sourceName").unwrap_or_default();
        let source = self.sources.get(batch, name, tag.get("device").unwrap_or_default())?;
        self.workout = Some(Box::new(Draft::of(tag, source, start, end.0)));
        Ok(())
    }

    fn workout_event(&mut self, tag: &Tag<'_>, batch: &mut Batch<'_>) -> Result<(), HealthError> {
        let Some(draft) = &self.workout else { return Ok(()) };
        if let Some((kind, at, end_ms)) = workout::event(tag) {
            return batch.event(draft.source, moment_event(&kind, at, end_ms));
        }
        batch.skip(SkipReason::BadTime, "WorkoutEvent");
        Ok(())
    }

    fn open_correlation(&mut self, tag: &Tag<'_>, batch: &mut Batch<'_>) -> Result<(), HealthError> {
        let times = tag.get("startDate").and_then(moment).zip(tag.get("endDate").and_then(moment));
        let Some((start, end)) = times else {
            batch.skip(SkipReason::BadTime, "Correlation");
            return Ok(());
        };
        let name = tag.get("sourceName").unwrap_or_default();
        let source = self.sources.get(batch, name, tag.get("device").unwrap_or_default())?;
        let food = tag.get("type") == Some(b"HKCorrelationTypeIdentifierFood");
        self.correlation = Some(Correlation { food, source, start, end_ms: end.0, name: String::new() });
        Ok(())
    }
}

/// The members of a correlation were counted as records; it adds only a meal's name.
fn close_correlation(c: Correlation, batch: &mut Batch<'_>) -> Result<(), HealthError> {
    if c.food && !c.name.is_empty() {
        let event = Event { value: 1.0, text: c.name, ..moment_event("food", c.start, c.end_ms) };
        return batch.event(c.source, event);
    }
    batch.merged();
    Ok(())
}

fn store(pending: Pending, batch: &mut Batch<'_>) -> Result<(), HealthError> {
    let Pending { what, source, start, end_ms, beats, zone } = pending;
    let offset = zone.unwrap_or(start.1);
    match what {
        What::Sample(metric, value) => {
            batch.sample(metric, source, Sample::over(start.0, end_ms, value, offset))?;
            // The written offset tells the beats' times of day, the lived one their day.
            for beat in intervals(&beats, start, end_ms) {
                batch.sample(Metric::RrInterval, source, Sample { offset_min: offset, ..beat })?;
            }
        }
        What::Event(event) => batch.event(source, Event { offset_min: offset, ..event })?,
        What::Flow(flow) => {
            let event = Event {
                value: f64::from(flow as u8),
                ..moment_event("cycle.flow", (start.0, offset), end_ms)
            };
            batch.flow(source, event, flow)?;
        }
        What::Nothing => {}
    }
    Ok(())
}
