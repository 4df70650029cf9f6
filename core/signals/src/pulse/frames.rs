//! From raw frames to three clean channels on a believable clock -- or a refusal.

use super::{Channel, Frame, NotMeasurable, gates};
use crate::stats::{median, pearson, sd};

/// Frames on each side of the local line of [`undo_delivery_jitter`].
const HALF: usize = 4;

/// Frames that passed the checks: one finger, one steady clock.
#[derive(Debug, Clone)]
pub struct CleanFrames {
    /// Capture times, seconds since the first frame of the recording, strictly rising.
    pub times_s: Vec<f64>,
    /// Frames a second.
    pub fps: f64,
    colours: [Vec<f64>; 3],
}

impl CleanFrames {
    /// The values of one channel, one a frame.
    #[must_use]
    pub fn channel(&self, c: Channel) -> &[f64] {
        match c {
            Channel::Red => &self.colours[0],
            Channel::Green => &self.colours[1],
            Channel::Blue => &self.colours[2],
        }
    }

    /// Seconds covered.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.times_s.last().copied().unwrap_or(0.0) - self.times_s.first().copied().unwrap_or(0.0)
    }
}

/// Checks numbers, clock, frame rate and finger, and repairs delivery jitter.
pub fn prepare(input: &[Frame]) -> Result<CleanFrames, NotMeasurable> {
    if input.iter().any(|f| ![f.time_ms, f.r, f.g, f.b].iter().all(|v| v.is_finite() && v.abs() < 1e15)) {
        return Err(NotMeasurable::NotNumbers);
    }
    let kept = steady_clock(input)?;
    let kept = finger_only(&kept)?;
    let start = input.first().map_or(0.0, |f| f.time_ms);
    let times: Vec<f64> = kept.iter().map(|f| (f.time_ms - start) / 1000.0).collect();
    let seconds = times.last().unwrap_or(&0.0) - times.first().unwrap_or(&0.0);
    if seconds < gates::MIN_SECONDS {
        return Err(NotMeasurable::TooShort(seconds));
    }
    let fps = (times.len() - 1) as f64 / seconds;
    if fps < gates::MIN_FPS {
        return Err(NotMeasurable::SlowCamera(fps));
    }
    let times_s = undo_delivery_jitter(&times);
    let colours = [
        kept.iter().map(|f| f.r).collect(),
        kept.iter().map(|f| f.g).collect(),
        kept.iter().map(|f| f.b).collect(),
    ];
    Ok(CleanFrames { times_s, fps, colours })
}

/// Drops doubled frames; refuses a clock that runs backwards or leaps more than a second.
fn steady_clock(input: &[Frame]) -> Result<Vec<Frame>, NotMeasurable> {
    let mut kept: Vec<Frame> = Vec::with_capacity(input.len());
    let mut dropped = 0_usize;
    for f in input {
        let Some(last) = kept.last() else {
            kept.push(*f);
            continue;
        };
        let step = f.time_ms - last.time_ms;
        if !(-100.0..=1000.0).contains(&step) {
            return Err(NotMeasurable::ClockJump);
        }
        if step > 0.0 {
            kept.push(*f);
        } else {
            dropped += 1;
        }
    }
    if dropped * 10 > input.len() {
        return Err(NotMeasurable::ClockJump);
    }
    Ok(kept)
}

/// The longest run of whole seconds in which the picture is that of a lit finger: red leads and keeps its level.
fn finger_only(frames: &[Frame]) -> Result<Vec<Frame>, NotMeasurable> {
    let Some(first) = frames.first() else { return Err(NotMeasurable::TooShort(0.0)) };
    let second = |f: &Frame| ((f.time_ms - first.time_ms) / 1000.0) as usize;
    let red_leads = |f: &Frame| f.r > 0.0 && f.r > 1.05 * f.g.max(f.b);
    let reds: Vec<f64> = frames.iter().filter(|f| red_leads(f)).map(|f| f.r).collect();
    if reds.len() * 5 < frames.len() {
        return Err(NotMeasurable::NoFinger);
    }
    let level = median(&reds);
    let seconds = frames.last().map_or(0, second) + 1;
    let mut bad = vec![0_usize; seconds];
    let mut all = vec![0_usize; seconds];
    for f in frames {
        let s = second(f);
        all[s] += 1;
        if !red_leads(f) || (f.r - level).abs() > 0.3 * level {
            bad[s] += 1;
        }
    }
    // Two stray frames a second (an exposure flash) are no lifted finger.
    let present: Vec<bool> = bad.iter().zip(&all).map(|(b, a)| *b <= 2 && *a > 0).collect();
    let lifted = present.iter().filter(|p| !**p).count();
    if lifted * 5 > seconds {
        return Err(NotMeasurable::FingerLifted);
    }
    let (mut best, mut start) = (0..0, 0);
    for i in 0..=seconds {
        if !present.get(i).copied().unwrap_or(false) {
            if i - start > best.len() {
                best = start..i;
            }
            start = i + 1;
        }
    }
    Ok(frames.iter().filter(|f| best.contains(&second(f))).copied().collect())
}

/// Phones often stamp a frame when it is delivered, not when it was taken. Such stamps betray themselves: after a late frame the
/// next step is short, so neighbouring steps correlate near -0.5. Then each time is replaced by a local line through the
/// nine frames around it; honest clocks (steps uncorrelated, or jitter under 4 ms) are left alone.
#[must_use]
pub fn undo_delivery_jitter(times_s: &[f64]) -> Vec<f64> {
    let steps: Vec<f64> = times_s.windows(2).map(|w| w[1] - w[0]).collect();
    if steps.len() < 60 {
        return times_s.to_vec();
    }
    let echo = pearson(&steps[..steps.len() - 1], &steps[1..]);
    if echo > -0.3 || sd(&steps, 1) < 0.004 {
        return times_s.to_vec();
    }
    let n = times_s.len();
    let mut out = Vec::with_capacity(n);
    let mut last = f64::NEG_INFINITY;
    for i in 0..n {
        let (lo, hi) = (i.saturating_sub(HALF), (i + HALF + 1).min(n));
        let index: Vec<f64> = (lo..hi).map(|k| k as f64 - i as f64).collect();
        let (at, _) = crate::stats::line_fit(&index, &times_s[lo..hi]);
        last = at.max(last + 1e-4);
        out.push(last);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    #[test]
    fn delivery_jitter_shrinks_and_an_honest_clock_stays() {
        let mut rng = Rng::new(3);
        let truth: Vec<f64> = (0..900).map(|i| f64::from(i) / 30.0).collect();
        let late: Vec<f64> = truth.iter().map(|t| t + 0.012 * rng.uniform()).collect();
        let fixed = undo_delivery_jitter(&late);
        let error = |x: &[f64]| sd(&x.iter().zip(&truth).map(|(a, b)| a - b).collect::<Vec<_>>(), 1);
        assert!(error(&fixed) < 0.5 * error(&late), "{} {}", error(&fixed), error(&late));
        assert_eq!(undo_delivery_jitter(&truth), truth);
    }
}
