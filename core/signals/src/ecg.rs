//! R peaks of an electrocardiogram, for imports that carry the raw trace.
//!
//! Method: two moving averages over the squared 8-20 Hz band (Elgendi, Jonkman & De Boer 2010): one as long as a QRS complex, one as long as
//! a beat; where the short one rises above the long one lies a complex, its largest deflection in the trace is the R peak.

use crate::dsp::{band_pass, parabola};
use crate::stats::{mean, median, rolling_median};

/// Finds R peaks; returns their times in seconds, below one sample by a parabola. Empty for under two seconds, NaN, flat traces or rates
/// under 100 samples a second. Either polarity is found.
///
/// ```
/// let fs = 250.0;
/// let trace: Vec<f64> = (0..2450).map(|i| { let d = (f64::from(i) / fs) % 0.8 - 0.4; libm::exp(-d * d / 0.0003) }).collect();
/// let r = cuba_signals::ecg::r_peaks(&trace, fs);
/// assert_eq!(r.len(), 12);
/// assert!((r[1] - r[0] - 0.8).abs() < 0.002);
/// ```
#[must_use]
pub fn r_peaks(trace: &[f64], fs: f64) -> Vec<f64> {
    if !(100.0..=10_000.0).contains(&fs)
        || (trace.len() as f64) < 2.0 * fs
        || trace.iter().any(|v| !v.is_finite())
    {
        return Vec::new();
    }
    let band = band_pass(trace, 8.0, 20.0, fs);
    let energy: Vec<f64> = band.iter().map(|v| v * v).collect();
    let short = moving_mean(&energy, (0.1 * fs) as usize);
    let long = moving_mean(&energy, (0.6 * fs) as usize);
    let floor = 0.08 * mean(&energy);
    let at_least = (0.06 * fs) as usize;
    let (mut out, mut start): (Vec<(f64, f64)>, Option<usize>) = (Vec::new(), None);
    for i in 0..=trace.len() {
        let inside = i < trace.len() && short[i] > long[i] + floor;
        match (inside, start) {
            (true, None) => start = Some(i),
            (false, Some(s)) => {
                start = None;
                if i - s >= at_least {
                    push_peak(&mut out, &band, s, i, fs);
                }
            }
            _ => {}
        }
    }
    let height = median(&out.iter().map(|p| p.1).collect::<Vec<_>>());
    // A tenth of the usual complex is muscle noise or a T wave.
    out.iter().filter(|p| p.1 > 0.1 * height).map(|p| p.0).collect()
}

fn push_peak(out: &mut Vec<(f64, f64)>, band: &[f64], from: usize, to: usize, fs: f64) {
    let Some(top) = (from..to).max_by(|&a, &b| band[a].abs().total_cmp(&band[b].abs())) else { return };
    if top == 0 || top + 1 >= band.len() {
        return;
    }
    let (shift, height) = parabola(band[top - 1].abs(), band[top].abs(), band[top + 1].abs());
    let at = (top as f64 + shift) / fs;
    match out.last_mut() {
        // Two complexes within 250 ms are one: the higher stays.
        Some(last) if at - last.0 < 0.25 => {
            if height > last.1 {
                *last = (at, height);
            }
        }
        _ => out.push((at, height)),
    }
}

/// Centred moving mean of `width` samples.
fn moving_mean(x: &[f64], width: usize) -> Vec<f64> {
    let mut sum = vec![0.0; x.len() + 1];
    for (i, v) in x.iter().enumerate() {
        sum[i + 1] = sum[i] + v;
    }
    let half = width / 2;
    (0..x.len())
        .map(|i| {
            let (lo, hi) = (i.saturating_sub(half), (i + half + 1).min(x.len()));
            (sum[hi] - sum[lo]) / (hi - lo) as f64
        })
        .collect()
}

/// Heart rate over time from R peaks: (seconds, bpm), smoothed by a running median of five.
#[must_use]
pub fn rate_series(peaks_s: &[f64]) -> Vec<(f64, f64)> {
    let rates: Vec<f64> = peaks_s.windows(2).map(|w| 60.0 / (w[1] - w[0])).collect();
    peaks_s.iter().skip(1).copied().zip(rolling_median(&rates, 2)).collect()
}
