//! Resting and night heart rate, and nights that are unusual for this person. Two definitions of "resting" live here under two
//! names and must never be mixed in one series.

use crate::files::HeartRate;
use crate::stats::{mean, median};
use serde::Serialize;

/// "Resting, asleep": median of the readings in the sleep window during minutes without steps. `None` with under 30 readings.
#[must_use]
pub fn resting_asleep(hr: &[HeartRate], start_s: f64, end_s: f64, step_minutes_s: &[f64]) -> Option<f64> {
    let walking = |t: f64| step_minutes_s.iter().any(|m| (*m..m + 60.0).contains(&t));
    let v: Vec<f64> = hr
        .iter()
        .filter(|h| {
            (start_s..end_s).contains(&h.seconds) && (25.0..=240.0).contains(&h.bpm) && !walking(h.seconds)
        })
        .map(|h| h.bpm)
        .collect();
    (v.len() >= 30).then(|| median(&v))
}

/// "Lowest five minutes": smallest mean over any 5 minutes that hold readings in at least 4 of them. `None` without such minutes.
///
/// ```
/// use cuba_signals::{files::HeartRate, heart::lowest_five_minutes};
/// let hr: Vec<HeartRate> =
///     (0..60).map(|m| HeartRate { seconds: f64::from(m) * 60.0, bpm: if (20..30).contains(&m) { 50.0 } else { 70.0 } }).collect();
/// assert_eq!(lowest_five_minutes(&hr), Some(50.0));
/// ```
#[must_use]
pub fn lowest_five_minutes(hr: &[HeartRate]) -> Option<f64> {
    let mut minutes = std::collections::BTreeMap::<i64, Vec<f64>>::new();
    for h in hr.iter().filter(|h| h.seconds.is_finite() && (25.0..=240.0).contains(&h.bpm)) {
        minutes.entry((h.seconds / 60.0).floor() as i64).or_default().push(h.bpm);
    }
    let means: std::collections::BTreeMap<i64, f64> = minutes.iter().map(|(m, v)| (*m, mean(v))).collect();
    means
        .keys()
        .filter_map(|m| {
            let five: Vec<f64> = means.range(*m..m + 5).map(|(_, v)| *v).collect();
            (five.len() >= 4).then(|| mean(&five))
        })
        .min_by(f64::total_cmp)
}

/// How a night compares with the nights before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NightLevel {
    /// No reading, or fewer than [`MIN_NIGHTS`] nights before.
    Unknown,
    /// Within the usual.
    Usual,
    /// [`RISE_BPM`] or more above the usual, for one night.
    Higher,
    /// The same for at least two nights running.
    UnusualRun,
}

/// One judged night.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct JudgedNight {
    /// The level.
    pub level: NightLevel,
    /// Difference from the usual (median of all earlier nights), bpm.
    pub above_usual: Option<f64>,
    /// Nights running at or above the rise, this one included.
    pub run: usize,
}

/// Rise over the usual that counts (`NightSignal`: 4 bpm).
pub const RISE_BPM: f64 = 4.0;
/// Nights needed before one is judged.
pub const MIN_NIGHTS: usize = 7;

/// Judges each night's heart rate against the median of the nights before it: the rule of `NightSignal` (Alavi et al., Nat Med 2022) of 4 bpm or more on two
/// consecutive nights, worded as wellness. A night without a reading ends a run.
///
/// ```
/// use cuba_signals::heart::{NightLevel, judge_nights};
/// let mut nights = vec![Some(58.0); 10];
/// nights.extend([Some(63.0), Some(64.0)]);
/// let j = judge_nights(&nights);
/// assert_eq!((j[10].level, j[11].level), (NightLevel::Higher, NightLevel::UnusualRun));
/// ```
#[must_use]
pub fn judge_nights(nights: &[Option<f64>]) -> Vec<JudgedNight> {
    let (mut before, mut run) = (Vec::new(), 0);
    nights
        .iter()
        .map(|night| {
            let Some(bpm) = night.filter(|v| v.is_finite()) else {
                run = 0;
                return JudgedNight { level: NightLevel::Unknown, above_usual: None, run };
            };
            let above = (before.len() >= MIN_NIGHTS).then(|| bpm - median(&before));
            before.push(bpm);
            run = if above.is_some_and(|a| a >= RISE_BPM) { run + 1 } else { 0 };
            let level = match (above, run) {
                (None, _) => NightLevel::Unknown,
                (_, 0) => NightLevel::Usual,
                (_, 1) => NightLevel::Higher,
                _ => NightLevel::UnusualRun,
            };
            JudgedNight { level, above_usual: above, run }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use NightLevel::{Higher, Unknown, Usual};

    #[test]
    fn runs_break_and_young_series_are_not_judged() {
        let mut n = vec![Some(60.0); 7];
        n.extend([Some(64.0), None, Some(64.0), Some(60.0), Some(63.9)]);
        let j = judge_nights(&n);
        assert!(j[..7].iter().all(|x| x.level == NightLevel::Unknown));
        let levels: Vec<NightLevel> = j[7..].iter().map(|x| x.level).collect();
        assert_eq!(levels, [Higher, Unknown, Higher, Usual, Usual]);
    }

    #[test]
    fn resting_leaves_out_walking_minutes() {
        let hr: Vec<HeartRate> = (0..120)
            .map(|i| HeartRate { seconds: f64::from(i) * 30.0, bpm: if i < 50 { 90.0 } else { 55.0 } })
            .collect();
        let steps: Vec<f64> = (0..25).map(|m| f64::from(m) * 60.0).collect();
        assert_eq!(resting_asleep(&hr, 0.0, 3600.0, &steps), Some(55.0));
        assert_eq!(resting_asleep(&hr, 0.0, 300.0, &[]), None);
        assert_eq!(lowest_five_minutes(&[]), None);
    }
}
