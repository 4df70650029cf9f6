//! All-day monitoring: running totals since local midnight, told apart by the kind of movement.

use std::collections::BTreeMap;

use super::Reading;
use super::decode::Message;
use super::outline::millis;
use crate::HealthError;
use crate::import::intake::Intake;
use crate::metric::Metric;
use crate::store::{DAY_MS, Day};

/// An interval of monitoring is at most this long; a longer pause was spent off the wrist.
const MAX_INTERVAL_S: u32 = 15 * 60;
/// What stands this near the beginning of a file are the totals it goes on from.
const OPENING_S: u32 = 60;

/// Totals so far.
#[derive(Default)]
pub(super) struct Totals {
    /// Time and local midnight of the beginning, and whether that is midnight.
    opening: Option<u32>,
    from_midnight: bool,
    before: Option<u32>,
    last: Option<u32>,
    /// Metres per cycle by kind of movement.
    stride: BTreeMap<u32, f64>,
    /// Last total by metric and kind of movement.
    seen: BTreeMap<(Metric, u32), f64>,
    /// Totals that the file goes on from.
    carried: BTreeMap<Metric, f64>,
}

impl Reading<'_> {
    pub(super) fn monitoring_info(
        &mut self,
        m: &Message,
        intake: &mut Intake<'_, '_, '_>,
    ) -> Result<(), HealthError> {
        let totals = &mut self.monitoring;
        totals.opening = totals.opening.or(m.timestamp);
        totals.from_midnight |= m.integer(0).is_some_and(|local| local % 86_400 < OPENING_S);
        for (kind, stride) in m.numbers(1).zip(m.numbers(3)) {
            if let (Some(kind), Some(stride)) = (kind, stride) {
                totals.stride.insert(kind as u32, stride / 5000.0);
            }
        }
        if let Some(rate) = m.number(5).filter(|v| *v > 0.0) {
            self.at(Metric::BasalMetabolicRate, m.timestamp.and_then(millis), rate, intake)?;
        }
        Ok(())
    }

    pub(super) fn monitoring(
        &mut self,
        m: &Message,
        intake: &mut Intake<'_, '_, '_>,
    ) -> Result<(), HealthError> {
        let now = self.moment(m);
        let totals = &mut self.monitoring;
        totals.opening = totals.opening.or(Some(now));
        if totals.last.is_none_or(|last| last != now) {
            totals.before = totals.last;
            totals.last = Some(now);
        }
        let packed = m.bytes(24).first().copied().filter(|b| *b != 0xFF);
        let kind = m.integer(5).or(packed.map(|b| u32::from(b & 0x1F))).unwrap_or(255);
        let ms = millis(now);
        if let Some(rate) = m.number(27).filter(|v| *v > 0.0) {
            self.at(Metric::HeartRate, ms, rate, intake)?;
        }
        let cycles = m.number(3).or(m.number(9));
        let on_foot = matches!(kind, 1 | 6);
        let distance = m
            .scaled(2, 100.0)
            .or(m.number(8))
            // A total of cycles is in half cycles: on foot, in steps.
            .or(cycles.and_then(|c| self.monitoring.stride.get(&kind).map(|s| c / 2.0 * s)));
        let distance_metric = match kind {
            2 => Metric::DistanceCycling,
            5 => Metric::DistanceSwimming,
            _ => Metric::Distance,
        };
        self.total(Metric::Steps, kind, now, cycles.filter(|_| on_foot), intake)?;
        self.total(distance_metric, kind, now, distance, intake)?;
        self.total(Metric::ActiveEnergy, kind, now, m.number(19), intake)?;
        self.total(Metric::ElevationGained, kind, now, m.scaled(31, 1000.0), intake)?;
        let brisk = m.number(33).unwrap_or(0.0) + m.number(34).unwrap_or(0.0);
        if brisk > 0.0
            && let Some(ms) = ms
        {
            let seconds = brisk * 60.0;
            let span = (ms - (seconds * 1000.0) as i64, ms);
            intake.over(Metric::ExerciseTime, self.source, span, seconds, self.part.offset_min)?;
        }
        Ok(())
    }

    /// The time of a monitoring message, which may hold only its lower half or its lower byte in minutes.
    fn moment(&mut self, m: &Message) -> u32 {
        if m.timestamp.is_none() {
            if let Some(low) = m.integer(26) {
                let since = low.wrapping_sub(self.clock & 0xFFFF) & 0xFFFF;
                self.clock = self.clock.wrapping_add(since);
            } else if let Some(low) = m.integer(25) {
                let since = low.wrapping_sub((self.clock / 60) & 0xFF) & 0xFF;
                self.clock = self.clock.wrapping_add(since * 60);
            }
        }
        self.clock
    }

    /// Turns a running total into the amount since the one before.
    fn total(
        &mut self,
        metric: Metric,
        kind: u32,
        now: u32,
        total: Option<f64>,
        intake: &mut Intake<'_, '_, '_>,
    ) -> Result<(), HealthError> {
        let Some(total) = total else { return Ok(()) };
        let totals = &mut self.monitoring;
        let before = totals.seen.insert((metric, kind), total);
        let opening = totals.opening.unwrap_or(now);
        if before.is_none() && !totals.from_midnight && now.saturating_sub(opening) <= OPENING_S {
            *totals.carried.entry(metric).or_insert(0.0) += total;
            return Ok(());
        }
        // A smaller total is a new day.
        let amount = total - before.filter(|b| *b <= total).unwrap_or(0.0);
        let earliest = totals.before.unwrap_or(opening).max(now.saturating_sub(MAX_INTERVAL_S));
        if amount <= 0.0 {
            return Ok(());
        }
        let (Some(from), Some(to)) = (millis(earliest.min(now)), millis(now)) else {
            return self.at(metric, None, amount, intake);
        };
        intake.over(metric, self.source, (from, to), round(amount), self.part.offset_min)
    }

    /// A file that begins in the middle of a day goes on from totals of the files before it. What of them is not in
    /// the store yet is stored as one amount since midnight.
    pub(super) fn end_monitoring(&mut self, intake: &mut Intake<'_, '_, '_>) -> Result<(), HealthError> {
        let Some(opening) = self.monitoring.opening.and_then(millis) else { return Ok(()) };
        let carried = std::mem::take(&mut self.monitoring.carried);
        if carried.is_empty() {
            return Ok(());
        }
        intake.batch.flush()?;
        let offset = self.part.offset_min.unwrap_or_else(|| intake.offset(opening));
        let shift = i64::from(offset) * 60_000;
        let midnight = (opening + shift).div_euclid(DAY_MS) * DAY_MS - shift;
        for (metric, total) in carried {
            let day = Day::of(opening, offset);
            let stored = intake.batch.store().samples(metric, self.source, day, day)?;
            // Samples that began before the opening and end after it are this file's own.
            let known: f64 = stored.iter().filter(|s| s.end_ms <= opening).map(|s| s.value).sum();
            if total - known > 0.5 {
                intake.over(metric, self.source, (midnight, opening), round(total - known), Some(offset))?;
            }
        }
        Ok(())
    }
}

/// Hundredths: totals of metres are reckoned from cycles and carry noise.
fn round(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}
