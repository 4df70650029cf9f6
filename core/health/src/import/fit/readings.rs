//! Messages that hold readings: beats, sleep, stress, oxygen, scales.

use super::Reading;
use super::decode::Message;
use super::outline::millis;
use crate::HealthError;
use crate::import::intake::Intake;
use crate::metric::{Metric, SleepStage};
use crate::store::SkipReason;

/// Beats drift from the clock of the records by dropped intervals; past this they are set right.
const MAX_DRIFT_MS: f64 = 3000.0;

/// Where the series of beats has come to: intervals carry no time of their own.
#[derive(Default)]
pub(super) struct BeatClock {
    at_ms: Option<f64>,
}

/// Clock of `hr` messages: a time, and the count of 1/1024 s at it.
#[derive(Default)]
pub(super) struct EventClock {
    anchor: Option<(f64, u32)>,
    last: u32,
}

impl Reading<'_> {
    /// RR intervals: each is stamped at its later beat, reckoned from the records beside it.
    pub(super) fn rr(&mut self, m: &Message, intake: &mut Intake<'_, '_, '_>) -> Result<(), HealthError> {
        let Some(record) = millis(self.clock) else {
            intake.skip(SkipReason::BadTime, Metric::RrInterval.id());
            return Ok(());
        };
        let intervals: Vec<f64> = m.numbers(0).flatten().filter(|v| *v > 0.0).collect();
        let sum: f64 = intervals.iter().sum();
        let last = self.beats.at_ms;
        let mut at = last.unwrap_or(record as f64 - sum);
        if (at + sum - record as f64).abs() > MAX_DRIFT_MS {
            at = (record as f64 - sum).max(last.unwrap_or(f64::MIN));
        }
        for interval in intervals {
            at += interval;
            self.at(Metric::RrInterval, Some(at as i64), interval, intake)?;
        }
        self.beats.at_ms = Some(at);
        Ok(())
    }

    /// Heart rate that a strap stored under water and handed over later.
    pub(super) fn hr(&mut self, m: &Message, intake: &mut Intake<'_, '_, '_>) -> Result<(), HealthError> {
        let mut moments: Vec<u32> = m.numbers(9).flatten().map(|v| v as u32).collect();
        if let (Some(first), Some(ms)) = (moments.first(), m.timestamp.and_then(millis)) {
            let fraction = m.scaled(0, 32.768).unwrap_or(0.0);
            self.events = EventClock { anchor: Some((ms as f64 + fraction, *first)), last: *first };
        }
        if let Some(last) = moments.last() {
            self.events.last = *last;
        }
        // Twelve bits each, two in three bytes.
        for three in m.bytes(10).chunks_exact(3) {
            let [a, b, c] = [0, 1, 2].map(|i| u32::from(three.get(i).copied().unwrap_or(0)));
            for low in [a | ((b & 0xF) << 8), (b >> 4) | (c << 4)] {
                let since = low.wrapping_sub(self.events.last & 0xFFF) & 0xFFF;
                self.events.last = self.events.last.wrapping_add(since);
                moments.push(self.events.last);
            }
        }
        let Some((anchor_ms, anchor)) = self.events.anchor else { return Ok(()) };
        let rates: Vec<Option<f64>> = m.numbers(6).collect();
        for (moment, rate) in moments.into_iter().zip(rates) {
            let Some(rate) = rate.filter(|v| *v > 0.0) else { continue };
            let ms = anchor_ms + f64::from(moment.wrapping_sub(anchor)) / 1.024;
            self.at(Metric::HeartRate, Some(ms.round() as i64), rate, intake)?;
        }
        Ok(())
    }

    /// A stage lasts until the next one begins.
    pub(super) fn sleep_level(
        &mut self,
        m: &Message,
        intake: &mut Intake<'_, '_, '_>,
    ) -> Result<(), HealthError> {
        let Some(now) = m.timestamp else {
            intake.skip(SkipReason::BadTime, Metric::SleepStage.id());
            return Ok(());
        };
        let level = m.integer(0).unwrap_or(0);
        if let Some((_, before)) = self.sleep
            && before == level
        {
            return Ok(());
        }
        self.end_stage(Some(now), intake)?;
        self.sleep = Some((now, level));
        Ok(())
    }

    pub(super) fn end_stage(
        &mut self,
        end: Option<u32>,
        intake: &mut Intake<'_, '_, '_>,
    ) -> Result<(), HealthError> {
        let Some((from, level)) = self.sleep.take() else { return Ok(()) };
        let stage = match level {
            1 => SleepStage::Awake,
            2 => SleepStage::Light,
            3 => SleepStage::Deep,
            4 => SleepStage::Rem,
            _ => return Ok(()),
        };
        let to = end.unwrap_or_else(|| self.clock.max(from.saturating_add(60)));
        let (Some(from), Some(to)) = (millis(from), millis(to)) else {
            intake.skip(SkipReason::BadTime, Metric::SleepStage.id());
            return Ok(());
        };
        intake.stage(self.source, (from, to), stage, self.part.offset_min)
    }

    /// Messages of one or a few readings.
    pub(super) fn single(&mut self, m: &Message, intake: &mut Intake<'_, '_, '_>) -> Result<(), HealthError> {
        let positive = |field, scale| m.scaled(field, scale).filter(|v: &f64| *v > 0.0);
        let mut ms = m.timestamp.and_then(millis);
        let readings: Vec<(Metric, Option<f64>)> = match m.global {
            30 => {
                // 65534 while the scale still reckons.
                let weight = m.number(0).filter(|v| *v < 65_534.0).map(|v| v / 100.0);
                let water = m.scaled(2, 100.0).zip(weight).map(|(share, w)| hundredths(share * w / 100.0));
                vec![
                    (Metric::Weight, weight),
                    (Metric::BodyFat, positive(1, 100.0)),
                    (Metric::BodyWater, water.filter(|v| *v > 0.0)),
                    (Metric::BoneMass, positive(4, 100.0)),
                    (Metric::MuscleMass, positive(5, 100.0)),
                    (Metric::BasalMetabolicRate, positive(7, 4.0)),
                    (Metric::VisceralFat, positive(11, 1.0)),
                    (Metric::BodyMassIndex, positive(13, 10.0)),
                ]
            }
            51 => vec![
                (Metric::BloodPressureSystolic, m.number(0)),
                (Metric::BloodPressureDiastolic, m.number(1)),
                (Metric::HeartRate, positive(6, 1.0)),
            ],
            211 => vec![(Metric::RestingHeartRate, positive(1, 1.0).or(positive(0, 1.0)))],
            227 => {
                ms = m.integer(1).and_then(millis).or(ms);
                // Negative values say why there is none.
                vec![
                    (Metric::Stress, m.number(0).filter(|v| *v >= 0.0)),
                    (Metric::BodyEnergy, m.number(3).filter(|v| (0.0..=100.0).contains(v))),
                ]
            }
            229 => {
                ms = m.integer(0).and_then(millis).or(ms);
                vec![(Metric::Vo2Max, positive(2, 10.0))]
            }
            269 => vec![(Metric::OxygenSaturation, positive(0, 1.0))],
            297 => vec![(Metric::RespiratoryRate, positive(0, 100.0))],
            304..=308 | 314 => return self.series(m, intake),
            290 => {
                let start = ms.map(|ms| ms as f64 + m.number(0).unwrap_or(0.0));
                let mut at = start.unwrap_or(0.0);
                for interval in m.numbers(1).flatten().filter(|v| *v > 0.0) {
                    at += interval;
                    self.at(Metric::RrInterval, start.map(|_| at as i64), interval, intake)?;
                }
                return Ok(());
            }
            // Fourteen bits of milliseconds, then whether it is a beat to trust, then whether it is a gap instead.
            372 => {
                let mut at = ms.map(|ms| ms as f64 + m.number(0).unwrap_or(0.0));
                for packed in m.numbers(1).flatten().map(|v| v as u32) {
                    let interval = f64::from(packed & 0x3FFF);
                    at = at.map(|at| at + interval);
                    match (packed >> 15 & 1, packed >> 14 & 1) {
                        (1, _) => {}
                        (_, 1) => self.at(Metric::RrInterval, at.map(|at| at as i64), interval, intake)?,
                        _ => intake.skip(SkipReason::BadValue, "doubtful beat"),
                    }
                }
                return Ok(());
            }
            346 => vec![(Metric::SleepScore, positive(6, 1.0))],
            371 => vec![(Metric::HrvRmssd, positive(0, 128.0))],
            398 => {
                vec![(Metric::SkinTemperature, positive(4, 1.0)), (Metric::SkinTemperatureDelta, m.number(1))]
            }
            412 => {
                let (from, to) = (m.integer(0).and_then(millis), m.integer(2).and_then(millis));
                if let (Some(from), Some(to)) = (from, to) {
                    intake.stage(self.source, (from, to), SleepStage::Asleep, self.part.offset_min)?;
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        for (metric, value) in readings {
            if let Some(value) = value {
                self.at(metric, ms, hundredths(value), intake)?;
            }
        }
        Ok(())
    }

    /// High-resolution series: values spread evenly over the interval of the message.
    fn series(&mut self, m: &Message, intake: &mut Intake<'_, '_, '_>) -> Result<(), HealthError> {
        let (metric, field, scale) = match m.global {
            304 => (Metric::Steps, 1, 1.0),
            305 => (Metric::OxygenSaturation, 1, 1.0),
            306 => (Metric::Stress, 1, 1.0),
            307 => (Metric::RespiratoryRate, 1, 100.0),
            308 => (Metric::HeartRate, 2, 1.0),
            _ => (Metric::BodyEnergy, 1, 1.0),
        };
        let values: Vec<Option<f64>> = m.numbers(field).collect();
        let interval = m.number(0).filter(|v| *v > 0.0).unwrap_or(values.len() as f64);
        let step = interval * 1000.0 / values.len().max(1) as f64;
        let Some(start) = m.timestamp.and_then(millis) else { return Ok(()) };
        for (i, value) in values.into_iter().enumerate() {
            let zero_counts = matches!(metric, Metric::Stress | Metric::BodyEnergy);
            let Some(value) = value.filter(|v| *v > 0.0 || (zero_counts && *v == 0.0)) else { continue };
            let from = start + (i as f64 * step) as i64;
            if metric == Metric::Steps {
                let to = start + ((i + 1) as f64 * step) as i64;
                intake.over(metric, self.source, (from, to), value, self.part.offset_min)?;
            } else {
                self.at(metric, Some(from), hundredths(value / scale), intake)?;
            }
        }
        Ok(())
    }
}

fn hundredths(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}
