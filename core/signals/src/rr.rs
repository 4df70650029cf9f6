//! RR intervals: finding and repairing beats that are no normal heartbeat.
//!
//! Method: Lipponen & Tarvainen, "A robust algorithm for heart rate variability time series artefact correction using novel beat
//! classification", J Med Eng Technol 43(3), 2019: differences of successive intervals and distances from a running median are scaled by
//! thresholds that follow the series itself (quartile deviation over 91 beats, alpha 5.2); beats are classed as ectopic, missed, extra,
//! long or short. Repair moves a misplaced beat midway between its neighbours, adds missed beats, drops extra ones; once, as in the paper
//! (repeating it smooths true variability away: MIT-BIH record 100 would fall from 36.1 to 32.1 ms RMSSD).

use crate::stats::{mean, quantile_sorted, rolling_median};
use serde::Serialize;

const ALPHA: f64 = 5.2;
const C1: f64 = 0.13;
const C2: f64 = 0.17;
const HALF_WINDOW: usize = 45;
const HALF_MEDIAN: usize = 5;

/// What was found, in beats of the series in which it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Findings {
    /// Early beats with a compensating pause.
    pub ectopic: usize,
    /// Beats the sensor did not see.
    pub missed: usize,
    /// Beats that are none.
    pub extra: usize,
    /// Intervals too long or too short without a fitting neighbour.
    pub long_short: usize,
}

impl Findings {
    /// All together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.ectopic + self.missed + self.extra + self.long_short
    }
}

/// A repaired series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Corrected {
    /// Intervals in milliseconds after repair.
    pub rr_ms: Vec<f64>,
    /// What the first pass found.
    pub findings: Findings,
    /// `findings.total()` as a share of the beats; above about 0.05 HRV figures are doubtful.
    pub share: f64,
}

/// Why a series of intervals cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RrError {
    /// Fewer intervals than the figure needs.
    #[error("{have} intervals, at least {needed} are needed: record longer")]
    TooFew {
        /// Number given.
        have: usize,
        /// Number needed.
        needed: usize,
    },
    /// An interval is NaN, infinite, or not between 100 ms and 10 s.
    #[error("interval {0} is not a heartbeat (100 ms to 10 s): check the unit, milliseconds are expected")]
    NotAnInterval(usize),
}

/// Checks what every figure below relies on.
pub fn check(rr_ms: &[f64], needed: usize) -> Result<(), RrError> {
    if let Some(i) = rr_ms.iter().position(|v| !(100.0..=10_000.0).contains(v)) {
        return Err(RrError::NotAnInterval(i + 1));
    }
    if rr_ms.len() < needed { Err(RrError::TooFew { have: rr_ms.len(), needed }) } else { Ok(()) }
}

/// Repairs a series of RR intervals in milliseconds. Series under ten intervals are returned as they are.
///
/// ```
/// let mut rr = vec![800.0, 810.0, 790.0, 805.0].repeat(30);
/// rr[50] = 1605.0; // one beat was missed
/// let fixed = cuba_signals::rr::correct(&rr).unwrap();
/// assert_eq!(fixed.findings.missed, 1);
/// assert_eq!(fixed.rr_ms.len(), rr.len() + 1);
/// ```
pub fn correct(rr_ms: &[f64]) -> Result<Corrected, RrError> {
    check(rr_ms, 1)?;
    let mut beats = vec![0.0];
    let mut t = 0.0;
    for v in rr_ms {
        t += v;
        beats.push(t);
    }
    if rr_ms.len() < 10 {
        return Ok(Corrected { rr_ms: rr_ms.to_vec(), findings: Findings::default(), share: 0.0 });
    }
    let found = classify(&beats);
    let findings = found.count();
    let repaired = repair(&beats, &found);
    let rr = repaired.windows(2).map(|w| w[1] - w[0]).collect();
    Ok(Corrected { rr_ms: rr, findings, share: findings.total() as f64 / beats.len() as f64 })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Class {
    Normal,
    Ectopic,
    Missed,
    Extra,
    LongShort,
}

struct Classes(Vec<Class>);

impl Classes {
    fn count(&self) -> Findings {
        let n = |c: Class| self.0.iter().filter(|x| **x == c).count();
        Findings {
            ectopic: n(Class::Ectopic),
            missed: n(Class::Missed),
            extra: n(Class::Extra),
            long_short: n(Class::LongShort),
        }
    }
}

/// Thresholds: alpha times the quartile deviation of absolute values over 91 beats.
fn thresholds(x: &[f64]) -> Vec<f64> {
    let absolute: Vec<f64> = x.iter().map(|v| v.abs()).collect();
    (0..x.len())
        .map(|i| {
            let mut w = absolute[i.saturating_sub(HALF_WINDOW)..(i + HALF_WINDOW + 1).min(x.len())].to_vec();
            w.sort_by(f64::total_cmp);
            ALPHA * (quantile_sorted(&w, 0.75) - quantile_sorted(&w, 0.25)) / 2.0
        })
        .collect()
}

/// `x / threshold`, with a constant stretch (threshold 0) counting as undisturbed unless the value itself deviates.
fn scaled(x: &[f64], th: &[f64]) -> Vec<f64> {
    // Half a millisecond is the resolution of the finest clocks behind RR data; below it nothing is an artefact.
    x.iter().zip(th).map(|(v, t)| v / t.max(0.5)).collect()
}

/// One class for each beat; entry `i` speaks of the interval that ends at beat `i`.
fn classify(beats: &[f64]) -> Classes {
    let n = beats.len();
    let intervals: Vec<f64> = beats.windows(2).map(|w| w[1] - w[0]).collect();
    let mut rr = vec![mean(&intervals)];
    rr.extend(&intervals);
    let steps: Vec<f64> = rr.windows(2).map(|w| w[1] - w[0]).collect();
    let mut drr = vec![mean(&steps)];
    drr.extend(&steps);
    let drr = scaled(&drr, &thresholds(&drr));
    let medians = rolling_median(&rr, HALF_MEDIAN);
    let raw: Vec<f64> =
        rr.iter().zip(&medians).map(|(r, m)| if r < m { 2.0 * (r - m) } else { r - m }).collect();
    let th2 = thresholds(&raw);
    let mrr = scaled(&raw, &th2);
    let at = |i: i64| {
        drr[if i < 0 {
            -i
        } else if i >= n as i64 {
            2 * (n as i64 - 1) - i
        } else {
            i
        } as usize]
    };
    let mut out = vec![Class::Normal; n];
    let mut i = 0;
    while i + 2 < n {
        let d = drr[i];
        if d.abs() <= 1.0 {
            i += 1;
            continue;
        }
        let (before, after) = (at(i as i64 - 1), at(i as i64 + 1));
        let s12 = if d > 0.0 { before.max(after) } else { before.min(after) };
        if (d > 1.0 && s12 < -C1 * d - C2) || (d < -1.0 && s12 > -C1 * d + C2) {
            out[i] = Class::Ectopic;
            i += 1;
            continue;
        }
        let mut candidates = vec![i];
        if drr[i + 1].abs() < drr[i + 2].abs() {
            candidates.push(i + 1);
        }
        for j in candidates {
            let (next, second) = (at(j as i64 + 1), at(j as i64 + 2));
            let s22 = if drr[j] >= 0.0 { next.min(second) } else { next.max(second) };
            let long = drr[j] > 1.0 && s22 < -1.0;
            let short = drr[j] < -1.0 && s22 > 1.0;
            i += 1;
            if !(long || short || mrr[j].abs() > 3.0) {
                continue;
            }
            let following = rr.get(j + 1).copied().unwrap_or(f64::INFINITY);
            let th = th2[j].max(0.02 * medians[j]);
            out[j] = if short && (rr[j] + following - medians[j]).abs() < th {
                Class::Extra
            } else if long && (rr[j] / 2.0 - medians[j]).abs() < th {
                Class::Missed
            } else {
                Class::LongShort
            };
        }
    }
    Classes(out)
}

/// Applies the classes: first drop and add beats, then move the misplaced ones midway between their neighbours.
fn repair(beats: &[f64], found: &Classes) -> Vec<f64> {
    let mut kept: Vec<(f64, Class)> = Vec::with_capacity(beats.len());
    for (i, (&t, &class)) in beats.iter().zip(&found.0).enumerate() {
        match class {
            Class::Extra if i > 0 => {}
            Class::Missed if i > 1 => {
                kept.push((f64::midpoint(beats[i - 1], t), Class::Normal));
                kept.push((t, Class::Normal));
            }
            other => kept.push((t, other)),
        }
    }
    for wanted in [Class::Ectopic, Class::LongShort] {
        let old: Vec<f64> = kept.iter().map(|k| k.0).collect();
        for i in 2..kept.len().saturating_sub(1) {
            if kept[i].1 == wanted {
                kept[i].0 = f64::midpoint(old[i - 1], old[i + 1]);
            }
        }
        kept.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    kept.dedup_by(|a, b| a.0 <= b.0);
    kept.into_iter().map(|k| k.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hrv;
    use crate::stats::Rng;
    use proptest::prelude::*;

    fn calm(n: usize, seed: u64) -> Vec<f64> {
        let mut r = Rng::new(seed);
        (0..n).map(|i| 850.0 + 30.0 * (0.35 * i as f64).sin() + 8.0 * r.normal()).collect()
    }

    #[test]
    fn ectopic_missed_and_extra_beats_are_repaired() {
        let clean = calm(400, 1);
        let truth = hrv::time_domain(&clean).unwrap().rmssd_ms;
        let mut ectopic = clean.clone();
        for i in [60, 150, 290] {
            ectopic[i] -= 300.0;
            ectopic[i + 1] += 300.0;
        }
        let fixed = correct(&ectopic).unwrap();
        assert!(fixed.findings.ectopic >= 3, "{:?}", fixed.findings);
        let got = hrv::time_domain(&fixed.rr_ms).unwrap().rmssd_ms;
        let before = hrv::time_domain(&ectopic).unwrap().rmssd_ms;
        assert!(got < truth + 0.34 * (before - truth), "{before} -> {got}, truth {truth}");
        let mut missed = clean.clone();
        let second = missed.remove(200);
        missed[199] += second;
        let fixed = correct(&missed).unwrap();
        assert_eq!((fixed.findings.missed, fixed.rr_ms.len()), (1, clean.len()));
        let mut extra = clean.clone();
        extra[100] = clean[100] * 0.4;
        extra.insert(101, clean[100] * 0.6);
        let fixed = correct(&extra).unwrap();
        assert_eq!((fixed.findings.extra, fixed.rr_ms.len()), (1, clean.len()), "{:?}", fixed.findings);
    }

    #[test]
    fn clean_beats_stay_and_bad_input_is_named() {
        let clean = calm(300, 2);
        let fixed = correct(&clean).unwrap();
        assert!(fixed.share < 0.02);
        assert_eq!(correct(&[800.0, f64::NAN]).unwrap_err(), RrError::NotAnInterval(2));
        assert_eq!(correct(&[0.8; 20]).unwrap_err(), RrError::NotAnInterval(1));
        assert_eq!(correct(&[]).unwrap_err(), RrError::TooFew { have: 0, needed: 1 });
        assert_eq!(correct(&[800.0; 50]).unwrap().rr_ms, vec![800.0; 50]);
    }

    proptest! {
        #[test]
        fn time_is_kept_and_order_too(rr in proptest::collection::vec(150.0..4000.0_f64, 1..200)) {
            let fixed = correct(&rr).unwrap();
            prop_assert!(fixed.rr_ms.iter().all(|v| *v > 0.0));
            prop_assert!((fixed.rr_ms.iter().sum::<f64>() - rr.iter().sum::<f64>()).abs() < 1e-6 * rr.iter().sum::<f64>() + 8000.0);
        }
    }
}
