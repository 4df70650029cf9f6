//! Beats of one channel: band-pass, rate by autocorrelation, upstroke peaks, template check.

use super::Interval;
use crate::dsp::{autocorrelation, band_pass, find_peaks, gradient, parabola, resample_linear};
use crate::stats::{median, pearson, quantile, robust_sd};

/// Samples a second of the regular grid all beat timing happens on.
pub const GRID_HZ: f64 = 120.0;
const SLOWEST_BPM: f64 = 34.0;
const FASTEST_BPM: f64 = 210.0;

/// Rate and strength of repetition in one window.
#[derive(Debug, Clone, Copy)]
pub struct RatePeak {
    /// Beats a minute.
    pub bpm: f64,
    /// Height of the autocorrelation peak, 1 = repeats exactly.
    pub height: f64,
}

/// Everything known about one channel.
#[derive(Debug, Clone)]
pub struct BeatTrain {
    /// Windowed rates (10-s windows every 2 s; one window when the recording is shorter).
    pub rates: Vec<RatePeak>,
    /// Beat-to-beat intervals in order.
    pub intervals: Vec<Interval>,
    /// Share of the time covered by trusted intervals.
    pub trusted: f64,
    /// Median correlation of beats with their template.
    pub likeness: f64,
    /// Beats as (time in s, upstroke height, baseline level): what breathing modulates.
    pub beats: Vec<(f64, f64, f64)>,
}

impl BeatTrain {
    /// Channel score and public quality figure, 0..=1.
    #[must_use]
    pub fn score(&self) -> f64 {
        (self.trusted * self.likeness).clamp(0.0, 1.0)
    }
}

/// Analyses one channel; `None` when it does not vary or no rate can be found. Light falls when blood flows in, so the sign is turned.
#[must_use]
pub fn analyse(times_s: &[f64], values: &[f64]) -> Option<BeatTrain> {
    let raw: Vec<f64> = resample_linear(times_s, values, GRID_HZ).iter().map(|v| -v).collect();
    let start = *times_s.first()?;
    let level = median(values).abs();
    if robust_sd(&raw) <= 1e-7 * level.max(1e-9) {
        return None;
    }
    let wave = band_pass(&raw, 0.5, 4.0, GRID_HZ);
    let rates = windowed_rates(&wave);
    let period_s = 60.0 / median(&rates.iter().map(|r| r.bpm).collect::<Vec<_>>());
    if !period_s.is_finite() {
        return None;
    }
    let slope = clipped_slope(&wave);
    let found = upstrokes(&slope, period_s);
    let judged = judge(&slope, &found, period_s);
    let beats: Vec<(f64, f64, f64)> =
        judged.iter().map(|b| (start + b.at / GRID_HZ, b.height, baseline(&raw, b.at, period_s))).collect();
    let intervals = intervals(&judged, start);
    let covered: f64 = intervals.iter().filter(|i| i.trusted).map(|i| i.ms / 1000.0).sum();
    let seconds = times_s.last()? - start;
    let likeness = median(&judged.iter().map(|b| b.likeness).collect::<Vec<_>>());
    // Half a beat is lost at each end without fault.
    let trusted = (covered / (seconds - period_s).max(1.0)).min(1.0);
    Some(BeatTrain {
        rates,
        intervals,
        trusted,
        likeness: if likeness.is_finite() { likeness } else { 0.0 },
        beats,
    })
}

fn windowed_rates(wave: &[f64]) -> Vec<RatePeak> {
    let size = ((10.0 * GRID_HZ) as usize).min(wave.len());
    let step = (2.0 * GRID_HZ) as usize;
    let mut out = Vec::new();
    let mut i = 0;
    while i + size <= wave.len() && size > 0 {
        if let Some(p) = rate_of(&wave[i..i + size]) {
            out.push(p);
        }
        i += step;
    }
    out
}

/// The first autocorrelation peak that reaches 85 % of the highest: the highest alone may be two or three beats long.
fn rate_of(x: &[f64]) -> Option<RatePeak> {
    let (lo, hi) = ((GRID_HZ * 60.0 / FASTEST_BPM) as usize, (GRID_HZ * 60.0 / SLOWEST_BPM) as usize);
    let hi = hi.min(x.len() * 2 / 3);
    let c: Vec<f64> = (lo..=hi).map(|l| autocorrelation(x, l)).collect();
    let tops: Vec<usize> = (1..c.len().saturating_sub(1))
        .filter(|&k| c[k] > 0.0 && c[k] >= c[k - 1] && c[k] > c[k + 1])
        .collect();
    let highest = tops.iter().map(|&k| c[k]).fold(f64::NAN, f64::max);
    let k = tops.into_iter().find(|&k| c[k] >= 0.85 * highest)?;
    let (shift, height) = parabola(c[k - 1], c[k], c[k + 1]);
    Some(RatePeak { bpm: 60.0 * GRID_HZ / (lo as f64 + k as f64 + shift), height })
}

/// The slope, with single jolts (a finger that shifts) clipped so that they cannot shape thresholds or the template.
fn clipped_slope(wave: &[f64]) -> Vec<f64> {
    let s = gradient(wave);
    let limit = 2.0 * quantile(&s.iter().map(|v| v.abs()).collect::<Vec<_>>(), 0.97);
    s.iter().map(|v| v.clamp(-limit, limit)).collect()
}

fn upstrokes(slope: &[f64], period_s: f64) -> Vec<usize> {
    find_peaks(slope, 0.5 * robust_sd(slope), (0.55 * period_s * GRID_HZ) as usize)
}

struct Beat {
    /// Grid position with its sub-sample part.
    at: f64,
    height: f64,
    likeness: f64,
    good: bool,
}

/// Compares every beat with the median of all beats. A good beat has the shape (correlation over 0.8) and roughly the size.
fn judge(slope: &[f64], found: &[usize], period_s: f64) -> Vec<Beat> {
    let (before, after) = ((0.25 * period_s * GRID_HZ) as usize, (0.45 * period_s * GRID_HZ) as usize);
    let whole: Vec<usize> = found
        .iter()
        .copied()
        .filter(|&p| p > before && p + after < slope.len() && p + 1 < slope.len())
        .collect();
    let template: Vec<f64> = (0..before + after)
        .map(|k| median(&whole.iter().map(|&p| slope[p - before + k]).collect::<Vec<_>>()))
        .collect();
    let energy: f64 = template.iter().map(|v| v * v).sum();
    whole
        .iter()
        .map(|&p| {
            let seg = &slope[p - before..p + after];
            let likeness = pearson(seg, &template);
            let size = seg.iter().zip(&template).map(|(a, b)| a * b).sum::<f64>() / energy.max(1e-300);
            let (shift, height) = parabola(slope[p - 1], slope[p], slope[p + 1]);
            Beat { at: p as f64 + shift, height, likeness, good: likeness > 0.8 && size > 0.4 && size < 2.5 }
        })
        .collect()
}

/// Mean raw level over one period around the beat.
fn baseline(raw: &[f64], at: f64, period_s: f64) -> f64 {
    let half = (0.5 * period_s * GRID_HZ) as usize;
    let c = at as usize;
    crate::stats::mean(&raw[c.saturating_sub(half)..(c + half).min(raw.len())])
}

/// An interval is trusted when both beats are good and it lies within 30 % of the median of the eleven around it.
fn intervals(beats: &[Beat], start: f64) -> Vec<Interval> {
    let ms: Vec<f64> = beats.windows(2).map(|w| (w[1].at - w[0].at) / GRID_HZ * 1000.0).collect();
    let usual = crate::stats::rolling_median(&ms, 5);
    beats
        .windows(2)
        .zip(ms.iter().zip(&usual))
        .map(|(w, (ms, usual))| Interval {
            at_s: start + w[1].at / GRID_HZ,
            ms: *ms,
            trusted: w[0].good && w[1].good && (ms - usual).abs() < 0.3 * usual,
        })
        .collect()
}
