//! The first of two readings of a FIT file: its checksum, and what is only said at its end.
//!
//! The sport and the local time stand in messages that devices write last, but every sample before needs them.

use std::io::Read;

use super::decode::{Decoder, FitFault, Message};
use super::profile;
use crate::store::{SourceKind, Workout};

/// Seconds from 1970 to the FIT epoch, 1989-12-31.
const FIT_EPOCH: i64 = 631_065_600;
/// Smaller times count from when the device was switched on.
const FIRST_DATE: u32 = 0x1000_0000;
/// More than any real file; a hostile one stays small in memory.
const MAX_PARTS: usize = 4096;
const MAX_SESSIONS: usize = 1000;

/// Milliseconds since 1970 of a FIT time.
pub(super) fn millis(fit: u32) -> Option<i64> {
    (fit >= FIRST_DATE).then(|| (i64::from(fit) + FIT_EPOCH) * 1000)
}

/// One of the files joined in a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Maker and product of the recording device.
    pub(super) maker: u32,
    pub(super) product: u32,
    pub(super) serial: u32,
    pub(super) name: Option<String>,
    /// Local time minus UTC in minutes, where the file says it.
    pub(super) offset_min: Option<i16>,
    pub(super) sport: Option<(u32, u32, Option<String>)>,
    pub(super) sessions: Vec<Session>,
    /// First and last moment of `record` messages.
    pub(super) records: Option<(u32, u32)>,
    /// Whether other messages hold the heart rate of every moment.
    pub(super) monitoring: bool,
}

/// A session of an activity.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) sport: u32,
    pub(super) workout: Workout,
}

impl Part {
    /// Stable key, name and kind of the device.
    pub(super) fn device(&self) -> (String, String, SourceKind) {
        let maker = profile::maker(self.maker);
        let key = format!("fit:{}:{}:{}", self.maker, self.product, self.serial);
        let name = match (&self.name, maker) {
            (Some(name), Some(maker)) if !name.to_lowercase().starts_with(&maker.to_lowercase()) => {
                format!("{maker} {name}")
            }
            (Some(name), _) => name.clone(),
            (None, Some(maker)) => match profile::product(self.maker, self.product) {
                Some(product) => format!("{maker} {product}"),
                None => format!("{maker} {}", self.product),
            },
            (None, None) => format!("FIT device {}-{}", self.maker, self.product),
        };
        let lower = name.to_lowercase();
        let kind = if matches!(self.maker, 260 | 265) {
            SourceKind::App
        } else if lower.contains("index") {
            SourceKind::Scale
        } else if lower.contains("vivofit") || lower.contains("vivosmart") {
            SourceKind::Band
        } else if lower.contains("hrm") {
            SourceKind::Strap
        } else {
            SourceKind::Watch
        };
        (key, name, kind)
    }

    /// The sport at a moment: of the session, else of the file.
    pub(super) fn sport_at(&self, fit: u32) -> u32 {
        self.sessions
            .iter()
            .find(|s| s.from <= fit && fit <= s.to)
            .map(|s| s.sport)
            .or(self.sport.as_ref().map(|s| s.0))
            .unwrap_or(0)
    }
}

/// What the first reading found.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) parts: Vec<Part>,
    /// The file ends within its data.
    pub(super) truncated: bool,
}

/// Reads a file once through.
pub(super) fn outline(input: impl Read) -> Result<Outline, FitFault> {
    let mut decoder = Decoder::new(input);
    let mut message = Message::default();
    let mut out = Outline::default();
    loop {
        match decoder.next(&mut message) {
            Ok(true) => {}
            Ok(false) => break,
            Err(FitFault::Truncated) if !out.parts.is_empty() => {
                out.truncated = true;
                break;
            }
            Err(FitFault::Truncated) => {
                return Err(FitFault::Format(
                    "the file ends before its first message; copy it from the device again",
                ));
            }
            Err(fault) => return Err(fault),
        }
        let part = usize::try_from(decoder.part()).unwrap_or(usize::MAX);
        if part > MAX_PARTS {
            return Err(FitFault::Format("too many files are joined in this one"));
        }
        while out.parts.len() < part {
            out.parts.push(Part::default());
        }
        if let Some(part) = out.parts.last_mut() {
            note(part, &message);
        }
    }
    for part in &mut out.parts {
        mend(part);
    }
    Ok(out)
}

fn note(part: &mut Part, m: &Message) {
    match m.global {
        // file_id
        0 => {
            part.maker = m.integer(1).unwrap_or(part.maker);
            part.product = m.integer(2).unwrap_or(part.product);
            part.serial = m.integer(3).unwrap_or(part.serial);
            part.name = m.text(8).or(part.name.take());
        }
        // device_info of the device that wrote the file
        23 if m.integer(0).unwrap_or(0) == 0 => {
            if part.maker == 0 {
                part.maker = m.integer(2).unwrap_or(0);
                part.product = m.integer(4).unwrap_or(0);
                part.serial = m.integer(3).unwrap_or(0);
            }
            part.name = part.name.take().or_else(|| m.text(27));
        }
        12 => part.sport = Some((m.integer(0).unwrap_or(0), m.integer(1).unwrap_or(0), m.text(3))),
        18 if part.sessions.len() < MAX_SESSIONS => part.sessions.extend(session(m)),
        20 => {
            if let Some(t) = m.timestamp.filter(|t| *t >= FIRST_DATE) {
                let (from, to) = part.records.unwrap_or((t, t));
                part.records = Some((from.min(t), to.max(t)));
            }
        }
        // activity: local time at the end; monitoring_info: local time at the beginning
        34 => note_offset(part, m.timestamp, m.integer(5)),
        103 => note_offset(part, m.timestamp, m.integer(0)),
        55 => part.monitoring = true,
        _ => {}
    }
}

fn note_offset(part: &mut Part, utc: Option<u32>, local: Option<u32>) {
    let (Some(utc), Some(local)) = (utc, local) else { return };
    if utc < FIRST_DATE || local < FIRST_DATE {
        return;
    }
    // Clocks set a few seconds apart: zones are whole quarters of an hour.
    let quarters = ((i64::from(local) - i64::from(utc)) as f64 / 900.0).round();
    if quarters.abs() <= 18.0 * 4.0 {
        part.offset_min = part.offset_min.or(Some((quarters * 15.0) as i16));
    }
}

fn session(m: &Message) -> Option<Session> {
    let from = m.integer(2).or(m.timestamp)?;
    let elapsed = m.scaled(7, 1000.0);
    let to = elapsed.map_or(m.timestamp.unwrap_or(from), |s| from.saturating_add(s.ceil() as u32));
    let start_ms = millis(from)?;
    let end_ms = elapsed.map_or(millis(to)?, |s| start_ms + (s * 1000.0).round() as i64);
    let sport = m.integer(5).unwrap_or(0);
    let mut workout = Workout {
        kind: profile::sport(sport, m.integer(6).unwrap_or(0)),
        start_ms,
        end_ms: end_ms.max(start_ms),
        title: m.text(110).unwrap_or_default(),
        ..Workout::default()
    };
    let running = matches!(sport, 1 | 11 | 17);
    let steps = if running { 2.0 } else { 1.0 };
    let cadence = if running { "step_cadence" } else { "cycling_cadence" };
    let power = if running { "running_power" } else { "cycling_power" };
    let values = [
        ("move_time.sum", m.scaled(8, 1000.0)),
        ("distance.sum", m.scaled(9, 100.0)),
        ("steps.sum", m.number(10).filter(|_| running).map(|c| c * 2.0)),
        ("active_energy.sum", m.number(11).filter(|v| *v > 0.0)),
        ("speed.mean", m.scaled(124, 1000.0).or(m.scaled(14, 1000.0))),
        ("speed.max", m.scaled(125, 1000.0).or(m.scaled(15, 1000.0))),
        ("heart_rate.mean", m.number(16)),
        ("heart_rate.max", m.number(17)),
        ("heart_rate.min", m.number(64)),
        ("", m.number(18).map(|c| c * steps)),
        ("elevation_gained.sum", m.number(22)),
    ];
    for (name, value) in values {
        let Some(value) = value else { continue };
        let name = if name.is_empty() { format!("{cadence}.mean") } else { name.to_owned() };
        workout.values.push((name, value));
    }
    workout.values.extend(m.number(20).map(|v| (format!("{power}.mean"), v)));
    workout.values.extend(m.number(21).map(|v| (format!("{power}.max"), v)));
    Some(Session { from, to, sport, workout })
}

/// An activity without its end (an empty battery) still was one: its session is made from its records.
fn mend(part: &mut Part) {
    if part.sessions.is_empty()
        && let Some((from, to)) = part.records
        && let (Some(start_ms), Some(end_ms)) = (millis(from), millis(to))
        && end_ms > start_ms
    {
        let (sport, sub, title) = part.sport.clone().unwrap_or_default();
        let workout = Workout {
            kind: profile::sport(sport, sub),
            start_ms,
            end_ms,
            title: title.unwrap_or_default(),
            ..Workout::default()
        };
        part.sessions.push(Session { from, to, sport, workout });
    }
    for session in &mut part.sessions {
        if session.workout.kind == "other"
            && let Some((sport, sub, _)) = &part.sport
        {
            session.workout.kind = profile::sport(*sport, *sub);
            session.sport = *sport;
        }
    }
}
