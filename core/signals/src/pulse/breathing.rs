//! Breathing rate from what breathing does to a pulse: it shortens and lengthens beats, makes them taller and flatter, and moves
//! the baseline. Each of the three gives a rate; the answer is their mean where they agree ("smart fusion", Karlen et al. 2013),
//! and nothing where they do not.

use super::beats::BeatTrain;
use crate::dsp::{Window, detrend_linear, resample_linear, welch};
use crate::stats::{mean, sd};

const GRID_HZ: f64 = 4.0;
/// Slowest and fastest breathing looked for, hertz (6 to 30 a minute).
const BAND_HZ: (f64, f64) = (0.1, 0.5);

/// Breaths a minute, or `None` when the recording is under 30 s or the three estimates disagree by more than 2 a minute.
#[must_use]
pub fn rate(train: &BeatTrain) -> Option<f64> {
    let first = train.beats.first()?.0;
    let last = train.beats.last()?.0;
    if last - first < 30.0 {
        return None;
    }
    let trusted: Vec<(f64, f64)> =
        train.intervals.iter().filter(|i| i.trusted).map(|i| (i.at_s, i.ms)).collect();
    let heights: Vec<(f64, f64)> = train.beats.iter().map(|b| (b.0, b.1)).collect();
    let levels: Vec<(f64, f64)> = train.beats.iter().map(|b| (b.0, b.2)).collect();
    let rates: Vec<f64> = [trusted, heights, levels].iter().filter_map(|s| spectral_peak(s)).collect();
    // The pair that agrees best decides; a third that agrees too is averaged in.
    let mut best: Option<(f64, Vec<f64>)> = None;
    for (i, a) in rates.iter().enumerate() {
        for b in rates.iter().skip(i + 1) {
            let middle = f64::midpoint(*a, *b);
            let near: Vec<f64> = rates.iter().copied().filter(|r| (r - middle).abs() <= 2.0).collect();
            let spread = (a - b).abs();
            if spread <= 2.0 && best.as_ref().is_none_or(|(s, _)| spread < *s) {
                best = Some((spread, near));
            }
        }
    }
    best.map(|(_, near)| mean(&near))
}

/// Rate of the strongest oscillation of an unevenly sampled series; `None` unless it holds a third of the band's power.
fn spectral_peak(series: &[(f64, f64)]) -> Option<f64> {
    let (t, x): (Vec<f64>, Vec<f64>) = series.iter().copied().unzip();
    if t.len() < 20 {
        return None;
    }
    let even = detrend_linear(&resample_linear(&t, &x, GRID_HZ));
    let spread = sd(&even, 0);
    if !spread.is_finite() || spread <= 0.0 {
        return None;
    }
    let clipped: Vec<f64> = even.iter().map(|v| v.clamp(-3.0 * spread, 3.0 * spread)).collect();
    let (f, p) = welch(&clipped, GRID_HZ, Window::Hann, (32.0 * GRID_HZ) as usize, 1024);
    let inside = |hz: f64| (BAND_HZ.0..=BAND_HZ.1).contains(&hz);
    let total: f64 = f.iter().zip(&p).filter(|(hz, _)| inside(**hz)).map(|(_, p)| p).sum();
    let (top, _) = f.iter().zip(&p).filter(|(hz, _)| inside(**hz)).max_by(|a, b| a.1.total_cmp(b.1))?;
    let near: f64 =
        f.iter().zip(&p).filter(|(hz, _)| inside(**hz) && (**hz - top).abs() < 0.04).map(|(_, p)| p).sum();
    // A maximum on the band's edge is the flank of something else.
    let edge = *top < BAND_HZ.0 + 0.005 || *top > BAND_HZ.1 - 0.005;
    (!edge && near > total / 3.0).then_some(top * 60.0)
}
