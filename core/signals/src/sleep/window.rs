//! When somebody slept, without a diary.

use crate::files::HeartRate;
use crate::stats::{median, quantile, rolling_median};
use serde::Serialize;

/// Where a window comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Raw acceleration of a wrist.
    Motion,
    /// Heart rate.
    HeartRate,
    /// Pauses in the use of the phone.
    PhoneUse,
}

/// A period of rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SleepWindow {
    /// Start in the input's seconds.
    pub start_s: f64,
    /// End in the input's seconds.
    pub end_s: f64,
    /// What it was seen in.
    pub source: Source,
}

/// Longest stretch of `true`: stretches under `min_block_s` are dropped, gaps under `max_gap_s` joined; `None` under `min_total_s`.
pub(super) fn longest_block(
    x: &[bool],
    step_s: f64,
    min_block_s: f64,
    max_gap_s: f64,
    min_total_s: f64,
) -> Option<(usize, usize)> {
    let (mut blocks, mut start): (Vec<(usize, usize)>, Option<usize>) = (Vec::new(), None);
    for i in 0..=x.len() {
        match (x.get(i).copied().unwrap_or(false), start) {
            (true, None) => start = Some(i),
            (false, Some(s)) => {
                start = None;
                if (i - s) as f64 * step_s >= min_block_s {
                    match blocks.last_mut() {
                        Some(last) if (s - last.1) as f64 * step_s < max_gap_s => last.1 = i,
                        _ => blocks.push((s, i)),
                    }
                }
            }
            _ => {}
        }
    }
    // The earlier of two equal blocks wins, so that the answer does not depend on how maxima are searched.
    blocks.into_iter().rev().max_by_key(|b| b.1 - b.0).filter(|b| (b.1 - b.0) as f64 * step_s >= min_total_s)
}

/// The main rest in up to a day and a half of heart rates: 5-minute medians, smoothed over half an hour, below a level 35 % of the way from the
/// lowest to the usual waking rate; joined over gaps under 90 minutes, at least 3 hours. After the idea of Perez-Pozuelo et al. 2020
/// (rest is the long low stretch of the day's heart rate); the constants are this project's and were not fitted.
///
/// `None` when under half the time is covered or the day has no low stretch (a night alone has no waking rate to compare with).
#[must_use]
pub fn from_heart_rate(hr: &[HeartRate]) -> Option<SleepWindow> {
    const STEP_S: f64 = 300.0;
    let (first, last) = (hr.first()?.seconds, hr.last()?.seconds);
    let n = ((last - first) / STEP_S) as usize + 1;
    if !(12..=12 * 24 * 8).contains(&n) {
        return None;
    }
    let mut cells = vec![Vec::new(); n];
    for h in hr.iter().filter(|h| (25.0..=240.0).contains(&h.bpm)) {
        cells[((h.seconds - first) / STEP_S) as usize].push(h.bpm);
    }
    let known: Vec<f64> = cells.iter().filter(|c| !c.is_empty()).map(|c| median(c)).collect();
    if known.len() * 2 < n {
        return None;
    }
    let (low, high) = (quantile(&known, 0.05), quantile(&known, 0.75));
    // Under 8 bpm between rest and day nothing can be told apart.
    if high - low < 8.0 {
        return None;
    }
    let mut held = low;
    let series: Vec<f64> = cells
        .iter()
        .map(|c| {
            if !c.is_empty() {
                held = median(c);
            }
            held
        })
        .collect();
    let limit = low + 0.5 * (high - low);
    let below: Vec<bool> = rolling_median(&series, 3).iter().map(|v| *v < limit).collect();
    longest_block(&below, STEP_S, 1800.0, 5400.0, 10_800.0).map(|(a, b)| SleepWindow {
        start_s: first + a as f64 * STEP_S,
        end_s: first + b as f64 * STEP_S,
        source: Source::HeartRate,
    })
}

/// The main rest between uses of the phone (`start_s`, `end_s` of each use, in order): the longest pause of at least 3 hours, where
/// uses under 3 minutes (a look at the clock) between two pauses of an hour or more do not end it.
///
/// ```
/// use cuba_signals::sleep::window::from_phone_use;
/// let h = 3600.0;
/// let w = from_phone_use(&[(20.0 * h, 20.2 * h), (23.0 * h, 23.5 * h), (27.0 * h, 27.01 * h), (31.0 * h, 31.3 * h)]).unwrap();
/// assert_eq!((w.start_s, w.end_s), (23.5 * h, 31.0 * h));
/// ```
#[must_use]
pub fn from_phone_use(uses: &[(f64, f64)]) -> Option<SleepWindow> {
    let mut sorted: Vec<(f64, f64)> =
        uses.iter().copied().filter(|u| u.0.is_finite() && u.1 >= u.0).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut joined: Vec<(f64, f64)> = Vec::new();
    for u in sorted {
        match joined.last_mut() {
            // Uses within ten minutes of each other are one.
            Some(last) if u.0 - last.1 < 600.0 => last.1 = last.1.max(u.1),
            _ => joined.push(u),
        }
    }
    let glance = |i: usize| {
        i > 0
            && i + 1 < joined.len()
            && joined[i].1 - joined[i].0 < 180.0
            && joined[i].0 - joined[i - 1].1 >= 3600.0
            && joined[i + 1].0 - joined[i].1 >= 3600.0
    };
    let kept: Vec<(f64, f64)> = (0..joined.len()).filter(|&i| !glance(i)).map(|i| joined[i]).collect();
    kept.windows(2)
        .map(|w| (w[0].1, w[1].0))
        .max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))
        .filter(|g| g.1 - g.0 >= 10_800.0)
        .map(|(start_s, end_s)| SleepWindow { start_s, end_s, source: Source::PhoneUse })
}
