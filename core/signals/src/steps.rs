//! Steps from raw acceleration, for phones and watches without a step counter.
//!
//! Peak method of Gu et al. 2017 ("Robust step detection from different waist-worn sensor positions"), with the constants of the Verisense
//! implementation: magnitude at 15 Hz (low-passed at 4 Hz first), peaks over 1.2 g that are highest within 3 samples, steps 5 to 15 samples apart (1 to 3 a
//! second), similar to the peak two before (left and left), at least 4 in a row, over a signal that varies.

use crate::dsp::{Biquad, filtfilt, resample_linear};
use crate::files::Acceleration;
use crate::stats::sd;

const HZ: f64 = 15.0;
const MIN_G: f64 = 1.2;
const SIMILAR_G: f64 = 0.5;
const PERIOD: std::ops::RangeInclusive<usize> = 5..=15;
const IN_A_ROW: usize = 4;
const MIN_VARIANCE: f64 = 0.001;

/// Times of steps in seconds. Holes of over a second between samples end a walk.
///
/// ```
/// use cuba_signals::{files::Acceleration, steps::steps};
/// let walk: Vec<Acceleration> = (0..1500)
///     .map(|i| f64::from(i) / 50.0)
///     .map(|t| Acceleration { seconds: t, x: 0.0, y: 0.0, z: 1.0 + 0.4 * libm::sin(std::f64::consts::TAU * 1.8 * t) })
///     .collect();
/// assert!((steps(&walk).len() as f64 - 54.0).abs() <= 3.0);
/// ```
#[must_use]
pub fn steps(samples: &[Acceleration]) -> Vec<f64> {
    let mut rising: Vec<&Acceleration> = Vec::with_capacity(samples.len());
    let mut out = Vec::new();
    for s in samples.iter().filter(|s| [s.seconds, s.x, s.y, s.z].iter().all(|v| v.is_finite())) {
        if let Some(last) = rising.last() {
            if s.seconds - last.seconds > 1.0 {
                walk(&rising, &mut out);
                rising.clear();
            } else if s.seconds <= last.seconds {
                continue;
            }
        }
        rising.push(s);
    }
    walk(&rising, &mut out);
    out
}

fn walk(samples: &[&Acceleration], out: &mut Vec<f64>) {
    let Some(first) = samples.first() else { return };
    let t: Vec<f64> = samples.iter().map(|s| s.seconds).collect();
    let g: Vec<f64> = samples.iter().map(|s| (s.x * s.x + s.y * s.y + s.z * s.z).sqrt()).collect();
    // Vibration over 4 Hz would fold into the band of steps when only every 15th of a second is kept.
    let smooth = filtfilt(&[Biquad::low_pass(4.0, 4.0 * HZ)], &resample_linear(&t, &g, 4.0 * HZ), 60);
    let m: Vec<f64> = smooth.into_iter().step_by(4).collect();
    let peaks: Vec<usize> = (0..m.len())
        .filter(|&i| {
            let around = &m[i.saturating_sub(3)..(i + 4).min(m.len())];
            // Of equal neighbours the first is the peak.
            m[i] > MIN_G && around.iter().all(|v| *v <= m[i]) && (i == 0 || m[i - 1] < m[i])
        })
        .collect();
    let mut run: Vec<usize> = Vec::new();
    let flush = |run: &mut Vec<usize>, out: &mut Vec<f64>| {
        if run.len() > IN_A_ROW && sd(&m[run[0]..=run[run.len() - 1]], 1).powi(2) > MIN_VARIANCE {
            out.extend(run.iter().map(|&i| first.seconds + i as f64 / HZ));
        }
        run.clear();
    };
    for &p in &peaks {
        let fits = run.last().is_none_or(|&l| PERIOD.contains(&(p - l)))
            && (run.len() < 2 || (m[p] - m[run[run.len() - 2]]).abs() < SIMILAR_G);
        if !fits {
            flush(&mut run, out);
        }
        run.push(p);
    }
    flush(&mut run, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    fn shake(hz: f64, depth: f64, seconds: f64, noise: f64) -> Vec<Acceleration> {
        let mut r = Rng::new(4);
        (0..(seconds * 40.0) as usize)
            .map(|i| i as f64 / 40.0)
            .map(|t| {
                let z = 1.0 + depth * (std::f64::consts::TAU * hz * t).sin() + noise * r.normal();
                Acceleration { seconds: t, x: 0.05 * r.normal(), y: 0.0, z }
            })
            .collect()
    }

    #[test]
    fn walks_are_counted_and_stillness_is_not() {
        for hz in [1.4, 1.8, 2.3] {
            let n = steps(&shake(hz, 0.5, 60.0, 0.05)).len() as f64;
            assert!((n - 60.0 * hz).abs() <= 0.08 * 60.0 * hz, "{hz}: {n}");
        }
        assert!(steps(&shake(1.8, 0.02, 60.0, 0.02)).is_empty());
        assert!(steps(&shake(7.0, 0.5, 60.0, 0.05)).len() < 20);
        assert!(steps(&[]).is_empty());
    }
}
