//! FIT files: activities, heart-rate variability, all-day monitoring, sleep, scales.
//!
//! A file is read twice: once for its checksum and for what devices write last (the sport, the local time), then for
//! its samples. A file that ends too early gives everything before the break and one record counted as broken; one
//! whose checksum does not match is refused whole, since any number in it may be wrong.
//!
//! Totals of a workout (distance, steps, energy) stay with the workout. As samples they would count twice, because
//! watches write the same steps into their monitoring files.

mod decode;
mod monitoring;
mod outline;
mod profile;
mod readings;

use std::io::{BufReader, Read, Seek, SeekFrom};

use decode::{Decoder, FitFault, Message};
use outline::{Part, millis};

use super::intake::Intake;
use super::{Format, Importer, Stop};
use crate::HealthError;
use crate::metric::Metric;
use crate::store::{RoutePoint, SkipReason, SourceId};

/// Points of a route kept in memory: a week at one a second, 30 MB.
const MAX_POINTS: usize = 600_000;

impl From<FitFault> for HealthError {
    fn from(fault: FitFault) -> Self {
        match fault {
            FitFault::Format(reason) => Self::broken(reason),
            FitFault::Truncated => Self::broken("the file ends too early; copy it from the device again"),
            FitFault::Io(error) => Self::Io(error),
        }
    }
}

pub(super) const IMPORTER: Importer = Importer {
    format: Format::Fit,
    recognises: |input| is_fit(input.head()),
    import: |input, batch, context| read(&mut input.reader()?, &mut Intake::new(batch, context)),
};

/// Whether the first bytes are those of a FIT file.
pub(super) fn is_fit(head: &[u8]) -> bool {
    matches!(head, [12 | 14, _, _, _, _, _, _, _, b'.', b'F', b'I', b'T', ..])
}

/// Imports one FIT file.
pub(super) fn read(input: &mut (impl Read + Seek), intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let outline =
        outline::outline(BufReader::with_capacity(1 << 16, &mut *input)).map_err(HealthError::from)?;
    input.seek(SeekFrom::Start(0))?;
    let mut decoder = Decoder::new(BufReader::with_capacity(1 << 16, input));
    let mut message = Message::default();
    let mut reading: Option<(u32, Reading<'_>)> = None;
    loop {
        match decoder.next(&mut message) {
            Ok(true) => {}
            Ok(false) => break,
            Err(FitFault::Truncated) if outline.truncated => break,
            Err(fault) => return Err(HealthError::from(fault).into()),
        }
        let number = decoder.part();
        if reading.as_ref().is_none_or(|r| r.0 != number) {
            if let Some((_, done)) = reading.take() {
                done.finish(intake)?;
            }
            let part = number.checked_sub(1).and_then(|n| outline.parts.get(n as usize));
            let Some(part) = part else { break };
            reading = Some((number, Reading::new(part, intake)?));
        }
        if let Some((_, reading)) = &mut reading {
            reading.take(&message, intake)?;
            intake.progress(decoder.position())?;
        }
    }
    if let Some((_, done)) = reading {
        done.finish(intake)?;
    }
    if outline.truncated {
        intake.skip(SkipReason::Broken, "fit");
        intake.context.incomplete("the file ends early; everything before the break is stored");
    }
    Ok(())
}

/// The second reading of one part.
struct Reading<'p> {
    part: &'p Part,
    source: SourceId,
    clock: u32,
    monitoring: monitoring::Totals,
    beats: readings::BeatClock,
    events: readings::EventClock,
    sleep: Option<(u32, u32)>,
    routes: Vec<Vec<RoutePoint>>,
    points: usize,
}

impl<'p> Reading<'p> {
    fn new(part: &'p Part, intake: &mut Intake<'_, '_, '_>) -> Result<Self, HealthError> {
        let (key, name, kind) = part.device();
        let source = intake.source(&key, &name, kind)?;
        Ok(Self {
            part,
            source,
            clock: 0,
            monitoring: monitoring::Totals::default(),
            beats: readings::BeatClock::default(),
            events: readings::EventClock::default(),
            sleep: None,
            routes: vec![Vec::new(); part.sessions.len()],
            points: 0,
        })
    }

    fn take(&mut self, m: &Message, intake: &mut Intake<'_, '_, '_>) -> Result<(), HealthError> {
        let before = intake.read();
        if let Some(t) = m.timestamp {
            self.clock = t;
        }
        match m.global {
            // Sessions are stored at the end, with their routes.
            18 => return Ok(()),
            20 => self.record(m, intake)?,
            55 => self.monitoring(m, intake)?,
            78 => self.rr(m, intake)?,
            103 => self.monitoring_info(m, intake)?,
            132 => self.hr(m, intake)?,
            21 if m.integer(0) == Some(74) && m.integer(1) == Some(1) => {
                self.end_stage(m.timestamp, intake)?;
            }
            275 => self.sleep_level(m, intake)?,
            _ => self.single(m, intake)?,
        }
        if intake.read() == before {
            let name = profile::message(m.global);
            match m.global {
                // Parts of a workout, of the day's running totals, and of a night.
                19 | 20 | 34 | 55 | 275 | 312 | 313 | 370 => intake.batch.merged(),
                g if profile::is_settings(g) => intake.skip(SkipReason::NotHealthData, &name),
                30
                | 51
                | 78
                | 132
                | 211
                | 227
                | 229
                | 269
                | 290
                | 297
                | 304..=308
                | 314
                | 346
                | 371
                | 372
                | 398
                | 412 => {
                    intake.skip(SkipReason::BadValue, &name);
                }
                _ => intake.skip(SkipReason::UnknownType, &name),
            }
        }
        Ok(())
    }

    fn at(
        &self,
        metric: Metric,
        ms: Option<i64>,
        value: f64,
        intake: &mut Intake<'_, '_, '_>,
    ) -> Result<(), HealthError> {
        if let Some(ms) = ms {
            intake.at(metric, self.source, ms, value, self.part.offset_min)
        } else {
            intake.skip(SkipReason::BadTime, metric.id());
            Ok(())
        }
    }

    fn finish(mut self, intake: &mut Intake<'_, '_, '_>) -> Result<(), HealthError> {
        self.end_stage(None, intake)?;
        self.end_monitoring(intake)?;
        for (session, route) in self.part.sessions.iter().zip(std::mem::take(&mut self.routes)) {
            let mut workout = session.workout.clone();
            workout.offset_min = self.part.offset_min.unwrap_or_else(|| intake.offset(workout.start_ms));
            intake.batch.workout(self.source, workout, route)?;
        }
        Ok(())
    }

    /// A point of an activity.
    fn record(&mut self, m: &Message, intake: &mut Intake<'_, '_, '_>) -> Result<(), HealthError> {
        let ms = m.timestamp.and_then(millis);
        let sport = m.timestamp.map_or(0, |t| self.part.sport_at(t));
        let on_foot = matches!(sport, 1 | 11 | 17);
        let speed = m.scaled(73, 1000.0).or(m.scaled(6, 1000.0));
        let cadence = m.number(4).map(|c| c + m.scaled(53, 128.0).unwrap_or(0.0));
        let millimetres = |field, scale| m.scaled(field, scale).map(|v: f64| v / 1000.0);
        let readings = [
            (Metric::HeartRate, m.number(3).filter(|v| *v > 0.0)),
            (
                match sport {
                    1 => Metric::RunningSpeed,
                    2 => Metric::CyclingSpeed,
                    11 | 17 => Metric::WalkingSpeed,
                    _ => Metric::Speed,
                },
                speed,
            ),
            (if on_foot { Metric::RunningPower } else { Metric::CyclingPower }, m.number(7)),
            // On foot the profile counts strides of one leg.
            (Metric::StepCadence, cadence.filter(|_| on_foot).map(|c| c * 2.0)),
            (Metric::CyclingCadence, cadence.filter(|_| sport == 2)),
            (Metric::VerticalOscillation, millimetres(39, 10.0)),
            (Metric::GroundContact, m.scaled(41, 10.0).filter(|v| *v > 0.0)),
            (Metric::RespiratoryRate, m.scaled(108, 100.0).or(m.number(99)).filter(|v| *v > 0.0)),
            (Metric::BodyTemperature, m.scaled(139, 100.0).filter(|v| *v > 0.0)),
            (Metric::DiveDepth, m.scaled(92, 1000.0)),
            (Metric::Stress, m.number(116).filter(|v| *v >= 0.0)),
        ];
        for (metric, value) in readings {
            if let Some(value) = value {
                self.at(metric, ms, value, intake)?;
            }
        }
        self.point(m, ms, speed);
        Ok(())
    }

    fn point(&mut self, m: &Message, ms: Option<i64>, speed: Option<f64>) {
        let (Some(time_ms), Some(t), Some(lat), Some(lon)) = (ms, m.timestamp, m.number(0), m.number(1))
        else {
            return;
        };
        if self.points >= MAX_POINTS {
            return;
        }
        let at = self.part.sessions.iter().position(|s| s.from <= t && t <= s.to);
        let Some(route) = at.or(self.part.sessions.len().checked_sub(1)).and_then(|i| self.routes.get_mut(i))
        else {
            return;
        };
        // Semicircles: a full turn is 2^32.
        let degrees = 180.0 / 2_147_483_648.0;
        route.push(RoutePoint {
            time_ms,
            latitude: round7(lat * degrees),
            longitude: round7(lon * degrees),
            altitude: m.number(78).or(m.number(2)).map_or(f64::NAN, |a| round7(a / 5.0 - 500.0)),
            speed: speed.unwrap_or(f64::NAN),
            accuracy: m.number(31).unwrap_or(f64::NAN),
        });
        self.points += 1;
    }
}

/// A centimetre of position: finer digits are noise of the conversion and cost space.
fn round7(v: f64) -> f64 {
    (v * 1e7).round() / 1e7
}
