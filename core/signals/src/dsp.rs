//! Filters, resampling, autocorrelation and spectra, written so that the same samples give the same numbers on every CPU:
//! `libm` instead of the system's mathematics, and the FFT without its per-CPU SIMD paths.

use crate::stats::mean;
use rustfft::{FftPlanner, num_complex::Complex};
use std::f64::consts::PI;

/// One second-order filter section (`a0` = 1).
#[derive(Debug, Clone, Copy)]
pub struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    /// Second-order Butterworth low-pass at `hz` for `fs` samples a second.
    #[must_use]
    pub fn low_pass(hz: f64, fs: f64) -> Self {
        let k = libm::tan(PI * hz / fs);
        let n = 1.0 / (1.0 + std::f64::consts::SQRT_2 * k + k * k);
        Self {
            b: [k * k * n, 2.0 * k * k * n, k * k * n],
            a: [2.0 * (k * k - 1.0) * n, (1.0 - std::f64::consts::SQRT_2 * k + k * k) * n],
        }
    }

    /// Second-order Butterworth high-pass at `hz` for `fs` samples a second.
    #[must_use]
    pub fn high_pass(hz: f64, fs: f64) -> Self {
        let k = libm::tan(PI * hz / fs);
        let n = 1.0 / (1.0 + std::f64::consts::SQRT_2 * k + k * k);
        Self {
            b: [n, -2.0 * n, n],
            a: [2.0 * (k * k - 1.0) * n, (1.0 - std::f64::consts::SQRT_2 * k + k * k) * n],
        }
    }

    /// Filters in place, starting from the steady state of the first sample.
    fn run(&self, x: &mut [f64]) {
        let Some(&first) = x.first() else { return };
        let gain = (self.b[0] + self.b[1] + self.b[2]) / (1.0 + self.a[0] + self.a[1]);
        let y0 = first * gain;
        let (mut x1, mut x2, mut y1, mut y2) = (first, first, y0, y0);
        for v in x.iter_mut() {
            let y = self.b[0] * *v + self.b[1] * x1 + self.b[2] * x2 - self.a[0] * y1 - self.a[1] * y2;
            (x2, x1, y2, y1) = (x1, *v, y1, y);
            *v = y;
        }
    }
}

/// Zero-phase filtering: forward and backward through all sections, with an odd reflection of `pad` samples at both ends.
#[must_use]
pub fn filtfilt(sections: &[Biquad], x: &[f64], pad: usize) -> Vec<f64> {
    let n = x.len();
    if n < 2 {
        return x.to_vec();
    }
    let pad = pad.min(n - 1);
    let mut e = Vec::with_capacity(n + 2 * pad);
    e.extend((1..=pad).rev().map(|i| 2.0 * x[0] - x[i]));
    e.extend_from_slice(x);
    e.extend((1..=pad).map(|i| 2.0 * x[n - 1] - x[n - 1 - i]));
    for _ in 0..2 {
        for s in sections {
            s.run(&mut e);
        }
        e.reverse();
    }
    e[pad..pad + n].to_vec()
}

/// Zero-phase band-pass between `lo` and `hi` hertz.
#[must_use]
pub fn band_pass(x: &[f64], lo: f64, hi: f64, fs: f64) -> Vec<f64> {
    filtfilt(&[Biquad::high_pass(lo, fs), Biquad::low_pass(hi, fs)], x, (3.0 * fs) as usize)
}

/// Removes the least-squares line.
#[must_use]
pub fn detrend_linear(x: &[f64]) -> Vec<f64> {
    let t: Vec<f64> = (0..x.len()).map(|i| i as f64).collect();
    let (a, b) = crate::stats::line_fit(&t, x);
    x.iter().enumerate().map(|(i, v)| v - a - b * i as f64).collect()
}

/// Linear interpolation of `(t, x)` (strictly rising `t`) at regular times `start + k/fs` up to the last `t`.
#[must_use]
pub fn resample_linear(t: &[f64], x: &[f64], fs: f64) -> Vec<f64> {
    let (Some(&t0), Some(&t1)) = (t.first(), t.last()) else { return Vec::new() };
    let n = ((t1 - t0) * fs).floor().max(0.0) as usize + 1;
    let mut j = 0;
    (0..n)
        .map(|k| {
            let at = t0 + k as f64 / fs;
            while j + 2 < t.len() && t[j + 1] <= at {
                j += 1;
            }
            let Some(&next) = t.get(j + 1) else { return x[j] };
            let f = ((at - t[j]) / (next - t[j])).clamp(0.0, 1.0);
            x[j] + f * (x[j + 1] - x[j])
        })
        .collect()
}

/// A cubic spline through all points, third derivative continuous at the second and last-but-one knot ("not-a-knot").
#[derive(Debug, Clone)]
pub struct CubicSpline {
    t: Vec<f64>,
    y: Vec<f64>,
    slope: Vec<f64>,
}

impl CubicSpline {
    /// Needs at least four points with strictly rising `t`; otherwise `None`.
    #[must_use]
    pub fn new(t: &[f64], y: &[f64]) -> Option<Self> {
        let n = t.len();
        if n < 4 || y.len() != n || t.windows(2).any(|w| w[1] <= w[0]) {
            return None;
        }
        let h: Vec<f64> = t.windows(2).map(|w| w[1] - w[0]).collect();
        let d: Vec<f64> = (0..n - 1).map(|i| (y[i + 1] - y[i]) / h[i]).collect();
        // Tridiagonal system for the slopes; first and last row carry the not-a-knot condition.
        let (mut lower, mut diag, mut upper, mut rhs) =
            (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        for i in 1..n - 1 {
            lower[i] = h[i];
            diag[i] = 2.0 * (h[i - 1] + h[i]);
            upper[i] = h[i - 1];
            rhs[i] = 3.0 * (h[i] * d[i - 1] + h[i - 1] * d[i]);
        }
        let s0 = h[0] + h[1];
        diag[0] = h[1];
        upper[0] = s0;
        rhs[0] = ((h[0] + 2.0 * s0) * h[1] * d[0] + h[0] * h[0] * d[1]) / s0;
        let (ha, hb) = (h[n - 2], h[n - 3]);
        let s1 = ha + hb;
        diag[n - 1] = hb;
        lower[n - 1] = s1;
        rhs[n - 1] = (ha * ha * d[n - 3] + (2.0 * s1 + ha) * hb * d[n - 2]) / s1;
        for i in 1..n {
            let w = lower[i] / diag[i - 1];
            diag[i] -= w * upper[i - 1];
            rhs[i] -= w * rhs[i - 1];
        }
        let mut slope = vec![0.0; n];
        slope[n - 1] = rhs[n - 1] / diag[n - 1];
        for i in (0..n - 1).rev() {
            slope[i] = (rhs[i] - upper[i] * slope[i + 1]) / diag[i];
        }
        Some(Self { t: t.to_vec(), y: y.to_vec(), slope })
    }

    /// The spline's value at `x` (the end pieces continue outside).
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        let i = self.t.partition_point(|&t| t <= x).clamp(1, self.t.len() - 1) - 1;
        let h = self.t[i + 1] - self.t[i];
        let s = (x - self.t[i]) / h;
        let (s2, s3) = (s * s, s * s * s);
        (2.0 * s3 - 3.0 * s2 + 1.0) * self.y[i]
            + (s3 - 2.0 * s2 + s) * h * self.slope[i]
            + (3.0 * s2 - 2.0 * s3) * self.y[i + 1]
            + (s3 - s2) * h * self.slope[i + 1]
    }
}

/// Normalised autocorrelation at `lag` samples: each half is scaled by its own energy, so that 1 means "repeats exactly".
#[must_use]
pub fn autocorrelation(x: &[f64], lag: usize) -> f64 {
    if lag >= x.len() {
        return 0.0;
    }
    let (a, b) = (&x[..x.len() - lag], &x[lag..]);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (p, q) in a.iter().zip(b) {
        ab += p * q;
        aa += p * p;
        bb += q * q;
    }
    if aa > 0.0 && bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}

/// Offset (-0.5..=0.5) and height of the parabola through three neighbouring samples with the middle one highest.
#[must_use]
pub fn parabola(left: f64, mid: f64, right: f64) -> (f64, f64) {
    let den = left - 2.0 * mid + right;
    if den >= 0.0 {
        return (0.0, mid);
    }
    let d = (0.5 * (left - right) / den).clamp(-0.5, 0.5);
    (d, mid - 0.25 * (left - right) * d)
}

/// Local maxima at least `min_height` high and `distance` samples apart; the higher one wins. Indices rise.
#[must_use]
pub fn find_peaks(x: &[f64], min_height: f64, distance: usize) -> Vec<usize> {
    let mut cand: Vec<usize> = (1..x.len().saturating_sub(1))
        .filter(|&i| x[i] >= min_height && x[i] > x[i - 1] && x[i] >= x[i + 1])
        .collect();
    cand.sort_by(|&a, &b| x[b].total_cmp(&x[a]).then(a.cmp(&b)));
    let mut blocked = vec![false; x.len()];
    let mut out = Vec::new();
    for i in cand {
        if blocked[i] {
            continue;
        }
        let (lo, hi) = (i.saturating_sub(distance.saturating_sub(1)), (i + distance).min(x.len()));
        blocked[lo..hi].fill(true);
        out.push(i);
    }
    out.sort_unstable();
    out
}

/// Central difference, one-sided at the ends, in units per sample.
#[must_use]
pub fn gradient(x: &[f64]) -> Vec<f64> {
    let n = x.len();
    (0..n)
        .map(|i| match i {
            _ if n < 2 => 0.0,
            0 => x[1] - x[0],
            _ if i == n - 1 => x[n - 1] - x[n - 2],
            _ => (x[i + 1] - x[i - 1]) / 2.0,
        })
        .collect()
}

/// A window for spectral estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Symmetric-in-period ("DFT-even") Hamming.
    Hamming,
    /// Symmetric-in-period ("DFT-even") Hann.
    Hann,
}

/// One-sided power spectral density by Welch's method: constant detrend, segments of `nperseg` overlapping by half, zero-padded to
/// `nfft`, density scaling (unit^2/Hz). Returns frequencies (Hz) and densities.
#[must_use]
pub fn welch(x: &[f64], fs: f64, window: Window, nperseg: usize, nfft: usize) -> (Vec<f64>, Vec<f64>) {
    let nperseg = nperseg.min(x.len());
    if nperseg < 2 {
        return (Vec::new(), Vec::new());
    }
    let nfft = nfft.max(nperseg);
    let w: Vec<f64> = (0..nperseg)
        .map(|i| {
            let c = libm::cos(2.0 * PI * i as f64 / nperseg as f64);
            match window {
                Window::Hamming => 0.54 - 0.46 * c,
                Window::Hann => 0.5 - 0.5 * c,
            }
        })
        .collect();
    let scale = 1.0 / (fs * w.iter().map(|v| v * v).sum::<f64>());
    let fft = FftPlanner::<f64>::new().plan_fft_forward(nfft);
    let half = nfft / 2 + 1;
    let mut psd = vec![0.0; half];
    let (mut start, mut segments) = (0, 0.0);
    while start + nperseg <= x.len() {
        let seg = &x[start..start + nperseg];
        let m = mean(seg);
        let mut buf = vec![Complex::new(0.0, 0.0); nfft];
        for ((b, v), k) in buf.iter_mut().zip(seg).zip(&w) {
            b.re = (v - m) * k;
        }
        fft.process(&mut buf);
        for (i, (p, c)) in psd.iter_mut().zip(&buf).enumerate() {
            let double = if i == 0 || (nfft.is_multiple_of(2) && i == half - 1) { 1.0 } else { 2.0 };
            *p += double * scale * c.norm_sqr();
        }
        segments += 1.0;
        start += nperseg - nperseg / 2;
    }
    for p in &mut psd {
        *p /= segments;
    }
    ((0..half).map(|i| i as f64 * fs / nfft as f64).collect(), psd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spline_reproduces_a_cubic() {
        let t = [0.0, 1.0, 2.5, 3.0, 4.7, 6.0];
        let f = |x: f64| 1.0 - 2.0 * x + 0.5 * x * x + 0.3 * x * x * x;
        let y: Vec<f64> = t.iter().map(|&x| f(x)).collect();
        let s = CubicSpline::new(&t, &y).unwrap();
        for x in [0.2, 1.7, 2.9, 5.5] {
            assert!((s.at(x) - f(x)).abs() < 1e-9, "{x}");
        }
        assert!(CubicSpline::new(&[0.0, 0.0, 1.0, 2.0], &[1.0; 4]).is_none());
    }

    #[test]
    fn band_pass_keeps_the_band_and_drops_the_rest() {
        let fs = 60.0;
        let sine =
            |hz: f64| -> Vec<f64> { (0..1800).map(|i| (2.0 * PI * hz * f64::from(i) / fs).sin()).collect() };
        let power = |x: &[f64]| crate::stats::sd(&x[600..1200], 0);
        assert!(power(&band_pass(&sine(1.2), 0.5, 4.0, fs)) > 0.65);
        assert!(power(&band_pass(&sine(0.05), 0.5, 4.0, fs)) < 0.01);
        assert!(power(&band_pass(&sine(15.0), 0.5, 4.0, fs)) < 0.02);
    }

    #[test]
    fn welch_integrates_to_the_variance() {
        let fs = 4.0;
        let x: Vec<f64> = (0..4000).map(|i| (2.0 * PI * 0.2 * f64::from(i) / fs).sin()).collect();
        let (f, p) = welch(&x, fs, Window::Hann, 512, 1024);
        let total: f64 = p.iter().sum::<f64>() * (f[1] - f[0]);
        assert!((total - 0.5).abs() < 0.01, "{total}");
        let top = p.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        assert!((f[top] - 0.2).abs() < 0.01);
    }

    #[test]
    fn peaks_keep_their_distance() {
        let x = [0.0, 1.0, 0.0, 3.0, 0.0, 2.0, 0.0, 0.0, 1.5, 0.0];
        assert_eq!(find_peaks(&x, 0.5, 3), vec![3, 8]);
        assert_eq!(find_peaks(&[], 0.0, 3), Vec::<usize>::new());
    }
}
