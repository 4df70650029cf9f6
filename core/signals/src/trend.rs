//! Trends of daily values: Theil-Sen slope, and a Mann-Kendall test that knows that today resembles yesterday (Hamed & Rao 1998).

use crate::stats::{median, normal_two_sided, pearson, quantile_sorted, ranks};
use serde::Serialize;

/// Fewest known days for a trend.
pub const MIN_DAYS: usize = 28;

/// A trend over a stretch of days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Trend {
    /// Theil-Sen slope, units a week.
    pub per_week: f64,
    /// Lower end of the slope's 95 % interval, widened like the test for memory.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Two-sided p-value with the variance corrected for memory.
    pub p: f64,
    /// Kendall's S over its largest possible value, -1..=1.
    pub tau: f64,
    /// Known days.
    pub days: usize,
    /// By what factor memory widened the variance (1 = none; never below 1).
    pub inflation: f64,
}

/// The trend of daily values, or `None` with fewer than [`MIN_DAYS`] known days.
///
/// ```
/// let days: Vec<Option<f64>> = (0..60).map(|d| Some(60.0 - 0.1 * d as f64 + ((d * 37) % 5) as f64 * 0.3)).collect();
/// let t = cuba_signals::trend::trend(&days).unwrap();
/// assert!((t.per_week + 0.7).abs() < 0.1 && t.p < 0.001);
/// ```
#[must_use]
pub fn trend(days: &[Option<f64>]) -> Option<Trend> {
    let (t, x): (Vec<f64>, Vec<f64>) = days
        .iter()
        .enumerate()
        .filter_map(|(i, v)| v.filter(|v| v.is_finite()).map(|v| (i as f64, v)))
        .unzip();
    let n = x.len();
    if n < MIN_DAYS {
        return None;
    }
    let (mut s, mut slopes) = (0.0_f64, Vec::with_capacity(n * (n - 1) / 2));
    for i in 0..n {
        for j in i + 1..n {
            let d = x[j] - x[i];
            s += if d > 0.0 {
                1.0
            } else if d < 0.0 {
                -1.0
            } else {
                0.0
            };
            slopes.push(d / (t[j] - t[i]));
        }
    }
    slopes.sort_by(f64::total_cmp);
    let slope = quantile_sorted(&slopes, 0.5);
    let m = n as f64;
    let inflation = inflation(&t, &x, slope);
    let variance = (m * (m - 1.0) * (2.0 * m + 5.0) - ties(&x)) / 18.0 * inflation;
    let z = if s == 0.0 || variance <= 0.0 { 0.0 } else { (s - s.signum()) / variance.sqrt() };
    // Sen's interval: slopes at the ranks that S would reach by chance.
    let reach = 1.96 * variance.sqrt() / slopes.len() as f64 / 2.0;
    Some(Trend {
        per_week: 7.0 * slope,
        low: 7.0 * quantile_sorted(&slopes, 0.5 - reach),
        high: 7.0 * quantile_sorted(&slopes, 0.5 + reach),
        p: normal_two_sided(z),
        tau: s / slopes.len() as f64,
        days: n,
        inflation,
    })
}

fn ties(x: &[f64]) -> f64 {
    let mut s = x.to_vec();
    s.sort_by(f64::total_cmp);
    s.chunk_by(|a, b| a.total_cmp(b).is_eq())
        .map(|c| c.len() as f64)
        .map(|c| c * (c - 1.0) * (2.0 * c + 5.0))
        .sum()
}

/// Hamed & Rao's factor from the autocorrelation of the ranks of detrended values. Two departures, both to the careful side: lags are days (not
/// positions among the known days) and stop at the first that is not significant; the factor is at least 1.
fn inflation(t: &[f64], x: &[f64], slope: f64) -> f64 {
    let n = x.len() as f64;
    let level = median(x);
    let free: Vec<f64> = x.iter().zip(t).map(|(v, t)| v - level - slope * t).collect();
    let r = ranks(&free);
    let last = t.last().copied().unwrap_or(0.0) as usize;
    let mut by_day = vec![f64::NAN; last + 1];
    for (day, rank) in t.iter().zip(&r) {
        by_day[*day as usize] = *rank;
    }
    let mut sum = 0.0;
    for lag in 1..=(last / 4).max(1) {
        let (a, b): (Vec<f64>, Vec<f64>) = by_day
            .iter()
            .zip(by_day.iter().skip(lag))
            .filter(|(a, b)| a.is_finite() && b.is_finite())
            .map(|(a, b)| (*a, *b))
            .unzip();
        if a.len() < 10 {
            break;
        }
        // Detrending and short series bias autocorrelation downwards by about (1 + 4 rho) / n (Kendall 1954).
        let raw = pearson(&a, &b);
        let rho = (raw + (1.0 + 4.0 * raw) / n).min(0.95);
        if rho < 1.645 / (a.len() as f64).sqrt() {
            break;
        }
        let i = lag as f64;
        sum += (n - i) * (n - i - 1.0) * (n - i - 2.0) * rho;
    }
    (1.0 + 2.0 * sum / (n * (n - 1.0) * (n - 2.0))).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    fn memory(days: usize, phi: f64, slope: f64, seed: u64) -> Vec<Option<f64>> {
        let mut r = Rng::new(seed);
        let mut s = r.normal() / (1.0 - phi * phi).sqrt();
        (0..days)
            .map(|d| {
                s = phi * s + r.normal();
                (r.uniform() > 0.1).then_some(60.0 + s + slope * d as f64)
            })
            .collect()
    }

    #[test]
    fn memory_alone_is_rarely_a_trend() {
        for (days, phi) in [(42, 0.0), (90, 0.3), (90, 0.5)] {
            let false_alarms =
                (0..200).filter(|s| trend(&memory(days, phi, 0.0, *s)).unwrap().p < 0.05).count();
            assert!(false_alarms <= 24, "{false_alarms} of 200 at {days} days, memory {phi}");
        }
    }

    #[test]
    fn a_real_trend_is_found_inside_its_interval() {
        let found = (0..40)
            .filter(|s| {
                let t = trend(&memory(90, 0.3, 0.05, *s)).unwrap();
                t.p < 0.05 && t.low < 0.35 && 0.35 < t.high
            })
            .count();
        assert!(found >= 34, "{found} of 40");
        assert!(trend(&memory(20, 0.0, 1.0, 1)).is_none());
        let flat = trend(&vec![Some(5.0); 40]).unwrap();
        assert!(flat.p > 0.99 && flat.per_week == 0.0);
    }
}
