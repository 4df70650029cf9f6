//! Sleep from raw acceleration of a wrist: how steadily the arm lies.
//!
//! van Hees et al. 2015 (sleep within a window): no change of the arm's angle by more than 5 degrees for at least 5 minutes. van Hees et al. 2018
//! ("HDCZA", the window itself): where the 5-minute running median of angle changes stays low for long. Angles need no calibration
//! beyond the sensor's g, and no count scale.

use super::window::{SleepWindow, Source, longest_block};
use crate::files::Acceleration;
use crate::stats::{median, quantile, rolling_median};

/// Step of the angle series, seconds.
pub const STEP_S: f64 = 5.0;

/// Angle of the arm against the horizontal in degrees, one value for each 5 s from the first sample; `None` where samples are missing.
#[must_use]
pub fn arm_angles(samples: &[Acceleration]) -> Vec<Option<f64>> {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Vec::new() };
    let n = (((last.seconds - first.seconds) / STEP_S).floor() as usize + 1).min(7 * 86_400 / 5);
    let mut cells: Vec<[Vec<f64>; 3]> = vec![[Vec::new(), Vec::new(), Vec::new()]; n];
    for s in samples {
        if let Some(c) = cells.get_mut(((s.seconds - first.seconds) / STEP_S) as usize) {
            c[0].push(s.x);
            c[1].push(s.y);
            c[2].push(s.z);
        }
    }
    cells
        .iter()
        .map(|c| {
            let (x, y, z) = (median(&c[0]), median(&c[1]), median(&c[2]));
            let flat = (x * x + y * y).sqrt();
            (x.is_finite() && flat + z.abs() > 0.0).then(|| libm::atan2(z, flat).to_degrees())
        })
        .collect()
}

/// Sleep (`true`) or wake for each 30-second epoch: lies in a stretch of at least 5 minutes in which no step of the angle passes 5 degrees.
#[must_use]
pub fn sustained_inactivity(samples: &[Acceleration]) -> Vec<Option<bool>> {
    let angles = arm_angles(samples);
    let (mut still, mut start) = (vec![false; angles.len()], 0);
    for i in 0..=angles.len() {
        let moved = i == 0
            || i == angles.len()
            || !matches!((angles[i - 1], angles[i]), (Some(a), Some(b)) if (a - b).abs() <= 5.0);
        if moved {
            if (i - start) as f64 * STEP_S >= 300.0 {
                still[start..i].fill(true);
            }
            start = i;
        }
    }
    let per_epoch = (super::features::EPOCH_S / STEP_S) as usize;
    angles
        .chunks(per_epoch)
        .zip(still.chunks(per_epoch))
        .map(|(a, s)| a.iter().any(Option::is_some).then(|| s.iter().filter(|x| **x).count() * 2 > s.len()))
        .collect()
}

/// The sleep period window (HDCZA): 5-minute running median of the angle's changes under 15 times its 10th percentile (kept between 0.13 and
/// 0.5 degrees), stretches over 30 minutes, joined over gaps under 60 minutes, the longest. `None` without such a stretch of 2 hours.
#[must_use]
pub fn window(samples: &[Acceleration]) -> Option<SleepWindow> {
    let start = samples.first()?.seconds;
    let angles = arm_angles(samples);
    // A hole counts as movement: an arm that is not measured is not seen asleep.
    let change: Vec<f64> = angles
        .windows(2)
        .map(|w| match (w[0], w[1]) {
            (Some(a), Some(b)) => (b - a).abs(),
            _ => 90.0,
        })
        .collect();
    let calm = rolling_median(&change, 30);
    let threshold = (quantile(&calm, 0.1) * 15.0).clamp(0.13, 0.5);
    let below: Vec<bool> = calm.iter().map(|c| *c < threshold).collect();
    longest_block(&below, STEP_S, 1800.0, 3600.0, 7200.0).map(|(a, b)| SleepWindow {
        start_s: start + a as f64 * STEP_S,
        end_s: start + b as f64 * STEP_S,
        source: Source::Motion,
    })
}
