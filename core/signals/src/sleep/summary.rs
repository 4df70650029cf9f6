//! A night in figures, and a score that shows its parts.

use super::features::EPOCH_S;
use super::stage::Stage;
use serde::Serialize;

/// The classic figures of a night, minutes unless named otherwise. Epochs without a stage count as time in bed only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NightSummary {
    /// From the first to the last epoch.
    pub in_bed_min: f64,
    /// All sleep epochs.
    pub asleep_min: f64,
    /// Asleep over in bed, percent.
    pub efficiency: f64,
    /// From the first epoch to the first sleep epoch; `None` when there is no sleep.
    pub latency_min: Option<f64>,
    /// Wake after sleep onset, up to the last sleep epoch.
    pub waso_min: f64,
    /// Wake stretches of a minute or more between sleep.
    pub awakenings: usize,
    /// From sleep onset to the first REM epoch.
    pub rem_latency_min: Option<f64>,
    /// Light sleep.
    pub light_min: f64,
    /// Deep sleep.
    pub deep_min: f64,
    /// REM sleep.
    pub rem_min: f64,
}

/// Summarises a hypnogram of 30-second epochs.
///
/// ```
/// use cuba_signals::sleep::{stage::Stage, summary::summarise};
/// let mut night = vec![Some(Stage::Wake); 20];
/// night.extend(vec![Some(Stage::Light); 900]);
/// let s = summarise(&night);
/// assert_eq!((s.latency_min, s.asleep_min), (Some(10.0), 450.0));
/// ```
#[must_use]
pub fn summarise(night: &[Option<Stage>]) -> NightSummary {
    let minutes = |n: usize| n as f64 * EPOCH_S / 60.0;
    let count = |s: Stage| minutes(night.iter().filter(|e| **e == Some(s)).count());
    let asleep = |e: &Option<Stage>| e.is_some_and(Stage::asleep);
    let onset = night.iter().position(asleep);
    let end = night.iter().rposition(asleep);
    let inside = match (onset, end) {
        (Some(a), Some(b)) => &night[a..=b],
        _ => &[],
    };
    let (mut awakenings, mut run) = (0, 0);
    for e in inside {
        if *e == Some(Stage::Wake) {
            run += 1;
            // Counted once, when the stretch reaches a minute.
            awakenings += usize::from(run == 2);
        } else {
            run = 0;
        }
    }
    let asleep_min = minutes(night.iter().filter(|e| asleep(e)).count());
    NightSummary {
        in_bed_min: minutes(night.len()),
        asleep_min,
        efficiency: if night.is_empty() { 0.0 } else { 100.0 * asleep_min / minutes(night.len()) },
        latency_min: onset.map(minutes),
        waso_min: minutes(inside.iter().filter(|e| **e == Some(Stage::Wake)).count()),
        awakenings,
        rem_latency_min: inside.iter().position(|e| *e == Some(Stage::Rem)).map(minutes),
        light_min: count(Stage::Light),
        deep_min: count(Stage::Deep),
        rem_min: count(Stage::Rem),
    }
}

/// One part of the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScorePart {
    /// What is rated.
    pub name: &'static str,
    /// The night's value in the part's own unit.
    pub value: f64,
    /// Points reached.
    pub points: f64,
    /// Points possible.
    pub of: f64,
}

/// A score of 0 to 100 with everything it is made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SleepScore {
    /// Points reached in percent of those possible.
    pub score: f64,
    /// The parts; those without data are absent and do not count.
    pub parts: Vec<ScorePart>,
}

/// The score, by this project's own plain rule (no part is hidden, none was fitted):
/// - duration, 50 points: all from 7 to 9 hours, falling in a straight line to 0 at 4 and at 12 hours (adults, consensus of AASM/SRS 2015);
/// - efficiency, 20 points: 0 at 65 %, all from 85 %;
/// - time to fall asleep, 10 points: all up to 20 minutes, 0 from 60;
/// - regularity, 20 points: Sleep Regularity Index from 40 (0) to 85 (all), when known.
///
/// Stages do not count: staging from heart rate is not sure enough to rate a person by it.
#[must_use]
pub fn score(night: &NightSummary, regularity: Option<f64>) -> SleepScore {
    let ramp = |v: f64, zero: f64, full: f64| ((v - zero) / (full - zero)).clamp(0.0, 1.0);
    let hours = night.asleep_min / 60.0;
    let duration = ramp(hours, 4.0, 7.0).min(ramp(hours, 12.0, 9.0));
    let mut parts = vec![
        ScorePart { name: "duration", value: hours, points: 50.0 * duration, of: 50.0 },
        ScorePart {
            name: "efficiency",
            value: night.efficiency,
            points: 20.0 * ramp(night.efficiency, 65.0, 85.0),
            of: 20.0,
        },
    ];
    if let Some(l) = night.latency_min {
        parts.push(ScorePart {
            name: "falling_asleep",
            value: l,
            points: 10.0 * ramp(l, 60.0, 20.0),
            of: 10.0,
        });
    }
    if let Some(r) = regularity {
        parts.push(ScorePart { name: "regularity", value: r, points: 20.0 * ramp(r, 40.0, 85.0), of: 20.0 });
    }
    let (got, of) = parts.iter().fold((0.0, 0.0), |(g, o), p| (g + p.points, o + p.of));
    SleepScore { score: 100.0 * got / of, parts }
}

/// Sleep Regularity Index on the scale -100 to 100 (Phillips et al. 2017): 200 times the share of epochs whose state equals that 24 hours later, minus
/// 100; random sleep gives 0, the same every day 100. (Some papers print 0 to 100; those are not these.)
///
/// `states` holds whole local days of `per_day` epochs, so the caller decides what a day of 23 or 25 hours means (leave the missing hour `None`,
/// drop the doubled one). `None` with under 5 days' worth of comparable epochs.
#[must_use]
pub fn regularity_index(states: &[Option<bool>], per_day: usize) -> Option<f64> {
    if per_day == 0 {
        return None;
    }
    let pairs: Vec<bool> =
        states.iter().zip(states.iter().skip(per_day)).filter_map(|(a, b)| Some((*a)? == (*b)?)).collect();
    if pairs.len() < 5 * per_day {
        return None;
    }
    Some(200.0 * pairs.iter().filter(|p| **p).count() as f64 / pairs.len() as f64 - 100.0)
}

/// Social jet lag in hours (Wittmann et al. 2006): mid-sleep of free days minus that of work days, the short way around the clock; positive when
/// free days are later. `nights` are (mid-sleep as local hour 0..24, free day). `None` with under 2 free or 3 work nights.
///
/// ```
/// use cuba_signals::sleep::summary::social_jet_lag;
/// let nights = [(3.0, false), (2.8, false), (3.2, false), (4.5, true), (4.5, true)];
/// assert!((social_jet_lag(&nights).unwrap() - 1.5).abs() < 1e-9);
/// ```
#[must_use]
pub fn social_jet_lag(nights: &[(f64, bool)]) -> Option<f64> {
    let middle = |free: bool, needed: usize| {
        let h: Vec<f64> = nights.iter().filter(|n| n.1 == free && n.0.is_finite()).map(|n| n.0).collect();
        (h.len() >= needed).then(|| clock_mean(&h))
    };
    let late = middle(true, 2)? - middle(false, 3)?;
    Some((late + 36.0).rem_euclid(24.0) - 12.0)
}

/// Mean of hours on a 24-hour dial.
fn clock_mean(hours: &[f64]) -> f64 {
    let turn = std::f64::consts::TAU / 24.0;
    let (s, c) =
        hours.iter().fold((0.0, 0.0), |(s, c), h| (s + libm::sin(h * turn), c + libm::cos(h * turn)));
    (libm::atan2(s, c) / turn).rem_euclid(24.0)
}
