//! What a night's heart rate says about each 30-second epoch: smoothed levels, differences between time scales, local unrest, and how
//! the epoch stands within its night. All relative to the night's own median and spread, so that a resting rate of 45 and one of
//! 75 look alike; context reaches 30 minutes both ways, because staging is done when the night is over.

use crate::files::HeartRate;
use crate::stats::{mean, median, quantile, ranks, sd};

/// Epoch length of hypnograms, seconds.
pub const EPOCH_S: f64 = 30.0;
/// Step of the grid readings are averaged on, seconds.
const GRID_S: f64 = 10.0;
const PER_EPOCH: usize = 3;
/// Longest hole that is bridged by a straight line, seconds.
const BRIDGE_S: f64 = 300.0;
/// Features without the clock; the clock feature follows as the last one.
pub const HEART_FEATURES: usize = 34;
/// Number of features with the clock.
pub const FEATURES: usize = HEART_FEATURES + 1;

/// The features of one night, one row an epoch.
#[derive(Debug, Clone)]
pub struct NightFeatures {
    /// Rows of [`FEATURES`] values; the last is hours since the start (the "clock").
    pub rows: Vec<[f64; FEATURES]>,
    /// Whether the epoch had readings near enough to be judged.
    pub covered: Vec<bool>,
}

/// Computes the features of `epochs` epochs from `start_s`; `None` when under 20 minutes of the night have readings.
#[must_use]
pub fn night(hr: &[HeartRate], start_s: f64, epochs: usize) -> Option<NightFeatures> {
    let margin = (1800.0 / GRID_S) as usize;
    let n = epochs * PER_EPOCH + 2 * margin;
    let (grid, near) = grid(hr, start_s - margin as f64 * GRID_S, n);
    let covered: Vec<bool> = (0..epochs).map(|e| near[margin + e * PER_EPOCH + 1]).collect();
    let inside: Vec<f64> =
        (margin..margin + epochs * PER_EPOCH).filter(|&i| near[i]).map(|i| grid[i]).collect();
    if (inside.len() as f64) * GRID_S < 1200.0 {
        return None;
    }
    let middle = median(&inside);
    let spread = (quantile(&inside, 0.9) - quantile(&inside, 0.1)).max(4.0);
    let z: Vec<f64> = grid.iter().map(|v| ((v - middle) / spread).clamp(-4.0, 4.0)).collect();
    let smooth: Vec<Vec<f64>> =
        [20.0, 60.0, 150.0, 400.0, 1000.0].iter().map(|s| gauss(&z, s / GRID_S)).collect();
    let steps: Vec<f64> = (0..n).map(|i| if i == 0 { 0.0 } else { (grid[i] - grid[i - 1]).abs() }).collect();
    let calm: Vec<Vec<f64>> = [60.0, 180.0, 600.0].iter().map(|s| gauss(&steps, s / GRID_S)).collect();
    let level_rank = ranks(&(0..epochs).map(|e| smooth[1][margin + e * PER_EPOCH + 1]).collect::<Vec<_>>());
    let calm_rank = ranks(&(0..epochs).map(|e| calm[1][margin + e * PER_EPOCH + 1]).collect::<Vec<_>>());
    let rows = (0..epochs)
        .map(|e| {
            let c = margin + e * PER_EPOCH + 1;
            let mut f = Vec::with_capacity(FEATURES);
            for s in &smooth {
                f.push(s[c]);
            }
            for (a, b) in [(0, 2), (1, 3), (2, 4), (0, 4)] {
                f.push(smooth[a][c] - smooth[b][c]);
            }
            for half in [9, 18, 30, 90] {
                f.push(unrest(&grid[c - half..=c + half]));
            }
            for s in &calm {
                f.push(libm::log(s[c] + 0.1));
            }
            for (from, to) in [(-60, -30), (-30, -12), (-12, -3), (3, 12), (12, 30), (30, 60)] {
                f.push(mean(part(&z, c, from, to)) - smooth[0][c]);
                f.push(libm::log(mean(part(&steps, c, from, to)) + 0.1));
            }
            f.push(top(part(&z, c, -18, 19)) - smooth[1][c]);
            f.push(bottom(part(&z, c, -30, 31)) - smooth[1][c]);
            f.push(smooth[2][c + 30] - smooth[2][c - 30]);
            f.push(smooth[3][c + 120] - smooth[3][c - 120]);
            f.push(level_rank[e] / epochs as f64);
            f.push(calm_rank[e] / epochs as f64);
            f.push(e as f64 * EPOCH_S / 3600.0);
            let mut row = [0.0; FEATURES];
            row.copy_from_slice(&f);
            row
        })
        .collect();
    Some(NightFeatures { rows, covered })
}

fn part(x: &[f64], c: usize, from: i64, to: i64) -> &[f64] {
    let at = |d: i64| (c as i64 + d).clamp(0, x.len() as i64) as usize;
    &x[at(from)..at(to)]
}

fn top(x: &[f64]) -> f64 {
    x.iter().copied().fold(f64::MIN, f64::max)
}

fn bottom(x: &[f64]) -> f64 {
    x.iter().copied().fold(f64::MAX, f64::min)
}

fn unrest(x: &[f64]) -> f64 {
    libm::log(sd(x, 1) + 0.2)
}

/// Mean of the readings in each grid cell; holes up to [`BRIDGE_S`] are bridged, longer ones held and marked `false`.
fn grid(hr: &[HeartRate], from: f64, n: usize) -> (Vec<f64>, Vec<bool>) {
    let mut sum = vec![(0.0, 0.0); n];
    for r in hr.iter().filter(|r| (25.0..=240.0).contains(&r.bpm)) {
        let cell = (r.seconds - from) / GRID_S;
        if cell >= 0.0 && cell < n as f64 {
            let s = &mut sum[cell as usize];
            s.0 += r.bpm;
            s.1 += 1.0;
        }
    }
    let known: Vec<(usize, f64)> =
        sum.iter().enumerate().filter(|(_, s)| s.1 > 0.0).map(|(i, s)| (i, s.0 / s.1)).collect();
    let (mut out, mut near) = (vec![0.0; n], vec![false; n]);
    let (Some(first), Some(last)) = (known.first(), known.last()) else { return (out, near) };
    out[..first.0].fill(first.1);
    out[last.0..].fill(last.1);
    let reach = (BRIDGE_S / GRID_S / 2.0) as usize;
    near[first.0.saturating_sub(reach)..=first.0].fill(true);
    near[last.0..(last.0 + reach).min(n)].fill(true);
    for w in known.windows(2) {
        let ((i, a), (j, b)) = (w[0], w[1]);
        for k in i..=j {
            out[k] = a + (b - a) * (k - i) as f64 / (j - i) as f64;
            near[k] |= ((j - i) as f64) * GRID_S <= BRIDGE_S || k - i < reach || j - k < reach;
        }
    }
    (out, near)
}

/// Gaussian smoothing with `sigma` cells, ends held.
fn gauss(x: &[f64], sigma: f64) -> Vec<f64> {
    let reach = (3.0 * sigma).ceil() as i64;
    let kernel: Vec<f64> =
        (-reach..=reach).map(|d| libm::exp(-0.5 * (d as f64 / sigma) * (d as f64 / sigma))).collect();
    let total: f64 = kernel.iter().sum();
    let last = x.len() as i64 - 1;
    (0..x.len() as i64)
        .map(|i| {
            kernel
                .iter()
                .zip(-reach..=reach)
                .map(|(k, d)| k * x[(i + d).clamp(0, last) as usize])
                .sum::<f64>()
                / total
        })
        .collect()
}
