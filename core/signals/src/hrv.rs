//! Heart-rate variability, one named definition for each figure.
//!
//! Time domain and geometry follow the Task Force of ESC/NASPE (1996). Where programs differ, the choice is written at the field.

use crate::dsp::{CubicSpline, Window, welch};
use crate::rr::{RrError, check};
use crate::stats::{line_fit, mean, sd};
use serde::Serialize;

/// Time-domain figures of intervals in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TimeDomain {
    /// Number of intervals.
    pub count: usize,
    /// Mean interval.
    pub mean_nn_ms: f64,
    /// Shortest interval.
    pub min_nn_ms: f64,
    /// Longest interval.
    pub max_nn_ms: f64,
    /// Mean of the rates of single beats (as pyHRV); 60000 / mean interval is a little lower.
    pub mean_hr_bpm: f64,
    /// Sample standard deviation of the rates of single beats.
    pub sd_hr_bpm: f64,
    /// Standard deviation of intervals, n - 1.
    pub sdnn_ms: f64,
    /// Mean of the SDNN of whole 5-minute parts; NaN when there is none.
    pub sdnn_index_ms: f64,
    /// Standard deviation of the means of whole 5-minute parts; NaN with fewer than two.
    pub sdann_ms: f64,
    /// Root mean square of successive differences.
    pub rmssd_ms: f64,
    /// Standard deviation of signed successive differences, n - 1.
    pub sdsd_ms: f64,
    /// Standard deviation of absolute successive differences, n - 1 (what pyHRV calls SDSD).
    pub sd_abs_diff_ms: f64,
    /// Mean absolute successive difference.
    pub mean_abs_diff_ms: f64,
    /// Successive differences over 50 ms.
    pub nn50: usize,
    /// `nn50` in percent of the differences (n - 1).
    pub pnn50: f64,
    /// Successive differences over 20 ms.
    pub nn20: usize,
    /// `nn20` in percent of the differences (n - 1).
    pub pnn20: f64,
    /// Count over the fullest bin of width 7.8125 ms (1/128 s), bins from zero.
    pub triangular_index: f64,
}

/// Computes [`TimeDomain`]; needs three intervals.
///
/// ```
/// let t = cuba_signals::hrv::time_domain(&[800.0, 820.0, 790.0, 860.0]).unwrap();
/// assert!((t.rmssd_ms - (6200.0_f64 / 3.0).sqrt()).abs() < 1e-9);
/// ```
pub fn time_domain(nn: &[f64]) -> Result<TimeDomain, RrError> {
    check(nn, 3)?;
    let diff: Vec<f64> = nn.windows(2).map(|w| w[1] - w[0]).collect();
    let absolute: Vec<f64> = diff.iter().map(|d| d.abs()).collect();
    let rates: Vec<f64> = nn.iter().map(|v| 60_000.0 / v).collect();
    let over = |ms: f64| absolute.iter().filter(|d| **d > ms).count();
    let parts = five_minute_parts(nn);
    let percent = |k: usize| 100.0 * k as f64 / diff.len() as f64;
    Ok(TimeDomain {
        count: nn.len(),
        mean_nn_ms: mean(nn),
        min_nn_ms: nn.iter().copied().fold(f64::MAX, f64::min),
        max_nn_ms: nn.iter().copied().fold(f64::MIN, f64::max),
        mean_hr_bpm: mean(&rates),
        sd_hr_bpm: sd(&rates, 1),
        sdnn_ms: sd(nn, 1),
        sdnn_index_ms: mean(&parts.iter().map(|p| sd(p, 1)).collect::<Vec<_>>()),
        sdann_ms: sd(&parts.iter().map(|p| mean(p)).collect::<Vec<_>>(), 1),
        rmssd_ms: mean(&diff.iter().map(|d| d * d).collect::<Vec<_>>()).sqrt(),
        sdsd_ms: sd(&diff, 1),
        sd_abs_diff_ms: sd(&absolute, 1),
        mean_abs_diff_ms: mean(&absolute),
        nn50: over(50.0),
        pnn50: percent(over(50.0)),
        nn20: over(20.0),
        pnn20: percent(over(20.0)),
        triangular_index: triangular_index(nn),
    })
}

/// Parts of at most five minutes; an interval that would pass the limit opens the next part. The last, incomplete part is left out.
fn five_minute_parts(nn: &[f64]) -> Vec<&[f64]> {
    let (mut out, mut start, mut sum) = (Vec::new(), 0, 0.0);
    for (i, v) in nn.iter().enumerate() {
        if sum + v > 300_000.0 {
            out.push(&nn[start..i]);
            (start, sum) = (i, 0.0);
        }
        sum += v;
    }
    out
}

fn triangular_index(nn: &[f64]) -> f64 {
    const BIN_MS: f64 = 7.8125;
    let mut bins = std::collections::BTreeMap::new();
    for v in nn {
        *bins.entry((v / BIN_MS) as u32).or_insert(0_usize) += 1;
    }
    nn.len() as f64 / bins.values().copied().max().unwrap_or(1) as f64
}

/// The Poincare plot's ellipse: spread across and along the line of identity (population standard deviations).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Poincare {
    /// Across: beat-to-beat changes.
    pub sd1_ms: f64,
    /// Along: slow changes.
    pub sd2_ms: f64,
    /// Area of the ellipse.
    pub area_ms2: f64,
}

/// Computes [`Poincare`]; needs three intervals.
pub fn poincare(nn: &[f64]) -> Result<Poincare, RrError> {
    check(nn, 3)?;
    let half = std::f64::consts::FRAC_1_SQRT_2;
    let (across, along): (Vec<f64>, Vec<f64>) =
        nn.windows(2).map(|w| ((w[0] - w[1]) * half, (w[0] + w[1]) * half)).unzip();
    let (sd1_ms, sd2_ms) = (sd(&across, 0), sd(&along, 0));
    Ok(Poincare { sd1_ms, sd2_ms, area_ms2: std::f64::consts::PI * sd1_ms * sd2_ms })
}

/// Detrended fluctuation analysis, short-term exponent alpha 1 (Peng et al. 1995): boxes of 4 to 16 beats without overlap, linear detrend,
/// root of the mean square over all boxes, slope of log F against log n by least squares. Needs 64 intervals.
pub fn dfa_alpha1(nn: &[f64]) -> Result<f64, RrError> {
    check(nn, 64)?;
    let m = mean(nn);
    let walk: Vec<f64> = nn
        .iter()
        .scan(0.0, |s, v| {
            *s += v - m;
            Some(*s)
        })
        .collect();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for n in 4..=16_usize {
        let t: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let squares: Vec<f64> = walk
            .chunks_exact(n)
            .map(|c| {
                let (a, b) = line_fit(&t, c);
                c.iter().zip(&t).map(|(v, t)| (v - a - b * t) * (v - a - b * t)).sum::<f64>() / n as f64
            })
            .collect();
        let f = mean(&squares).sqrt();
        if f > 0.0 {
            x.push(libm::log(n as f64));
            y.push(libm::log(f));
        }
    }
    Ok(if x.len() < 4 { f64::NAN } else { line_fit(&x, &y).1 })
}

/// Longest series for [`sample_entropy`]: the work grows with the square (5,000 beats: 12.5 million comparisons).
pub const SAMPLE_ENTROPY_MAX: usize = 5000;

/// Sample entropy (Richman & Moorman 2000), m = 2, tolerance 0.2 times the sample standard deviation, maximum norm, no self-matches. Uses the
/// first [`SAMPLE_ENTROPY_MAX`] intervals; NaN when nothing matches. Needs 100 intervals.
pub fn sample_entropy(nn: &[f64]) -> Result<f64, RrError> {
    check(nn, 100)?;
    let x = &nn[..nn.len().min(SAMPLE_ENTROPY_MAX)];
    let r = 0.2 * sd(x, 1);
    let (mut two, mut three) = (0_u64, 0_u64);
    for i in 0..x.len() - 2 {
        for j in i + 1..x.len() - 2 {
            if (x[i] - x[j]).abs() <= r && (x[i + 1] - x[j + 1]).abs() <= r {
                two += 1;
                three += u64::from((x[i + 2] - x[j + 2]).abs() <= r);
            }
        }
    }
    Ok(if three == 0 { f64::NAN } else { -libm::log(three as f64 / two as f64) })
}

/// Which spectrum a [`Bands`] comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Spectrum {
    /// "Welch-4Hz-Hamming-300": intervals at their end times, not-a-knot cubic spline at 4 Hz, mean removed, Hamming segments of 300 samples
    /// (75 s) with half overlap when five minutes or longer, else one segment, zero-padded to 4096. As pyHRV's `welch_psd`.
    Welch,
    /// "Lomb-Scargle-classic": mean removed, classical periodogram (Scargle 1982) at the beats' own times, step 1/(2 T) with T the duration
    /// (at most 2,000 steps), density scaled so that the whole spectrum holds the variance.
    LombScargle,
}

/// Power in the classic bands. Bands include both edges.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bands {
    /// Definition used.
    pub spectrum: Spectrum,
    /// Up to 0.04 Hz, ms^2.
    pub vlf_ms2: f64,
    /// 0.04 to 0.15 Hz, ms^2.
    pub lf_ms2: f64,
    /// 0.15 to 0.4 Hz, ms^2.
    pub hf_ms2: f64,
    /// LF over HF.
    pub lf_hf: f64,
}

/// Band powers; needs two minutes of intervals, the shortest stretch in which LF can be seen.
pub fn bands(nn: &[f64], spectrum: Spectrum) -> Result<Bands, RrError> {
    check(nn, 16)?;
    let total: f64 = nn.iter().sum();
    if total < 120_000.0 {
        let needed = (120_000.0 / mean(nn)).ceil() as usize;
        return Err(RrError::TooFew { have: nn.len(), needed });
    }
    let mut t: Vec<f64> = nn
        .iter()
        .scan(0.0, |s, v| {
            *s += v / 1000.0;
            Some(*s)
        })
        .collect();
    let first = t.first().copied().unwrap_or(0.0);
    for v in &mut t {
        *v -= first;
    }
    let (f, p) = match spectrum {
        Spectrum::Welch => welch_spectrum(&t, nn),
        Spectrum::LombScargle => lomb_scargle(&t, nn),
    };
    let step = f.get(1).copied().unwrap_or(0.0) - f.first().copied().unwrap_or(0.0);
    let band = |lo: f64, hi: f64| -> f64 {
        f.iter().zip(&p).filter(|(f, _)| (lo..=hi).contains(*f)).map(|(_, p)| p).sum::<f64>() * step
    };
    let (lf_ms2, hf_ms2) = (band(0.04, 0.15), band(0.15, 0.4));
    Ok(Bands { spectrum, vlf_ms2: band(0.0, 0.04), lf_ms2, hf_ms2, lf_hf: lf_ms2 / hf_ms2 })
}

fn welch_spectrum(t: &[f64], nn: &[f64]) -> (Vec<f64>, Vec<f64>) {
    const FS: f64 = 4.0;
    let Some(spline) = CubicSpline::new(t, nn) else { return (Vec::new(), Vec::new()) };
    let end = t.last().copied().unwrap_or(0.0);
    let n = (end * FS).ceil() as usize;
    let even: Vec<f64> = (0..n).map(|i| spline.at(i as f64 / FS)).collect();
    let m = mean(&even);
    let centred: Vec<f64> = even.iter().map(|v| v - m).collect();
    welch(&centred, FS, Window::Hamming, if end < 300.0 { 4096 } else { 300 }, 4096)
}

fn lomb_scargle(t: &[f64], nn: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let m = mean(nn);
    let duration = t.last().copied().unwrap_or(1.0);
    let step = (0.5 / duration).max(0.4 / 2000.0);
    let rate = nn.len() as f64 / duration;
    let count = (0.4 / step).floor() as usize;
    (1..=count)
        .map(|k| {
            let f = k as f64 * step;
            let w = std::f64::consts::TAU * f;
            let (mut s2, mut c2) = (0.0, 0.0);
            for at in t {
                s2 += libm::sin(2.0 * w * at);
                c2 += libm::cos(2.0 * w * at);
            }
            let tau = libm::atan2(s2, c2) / (2.0 * w);
            let (mut xc, mut xs, mut cc, mut ss) = (0.0, 0.0, 0.0, 0.0);
            for (at, v) in t.iter().zip(nn) {
                let (s, c) = libm::sincos(w * (at - tau));
                xc += (v - m) * c;
                xs += (v - m) * s;
                cc += c * c;
                ss += s * s;
            }
            (f, 0.5 * (xc * xc / cc + xs * xs / ss.max(1e-12)) * 2.0 / rate)
        })
        .unzip()
}
