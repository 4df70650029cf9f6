//! Sleep stages of a finished night from its heart rate, with or without motion.
//!
//! A gradient-boosted forest (one-against-rest trees, soft-max) over [`super::features`] gives each epoch's probabilities; the prior of the
//! training nights is half taken back (square root) so that deep sleep and wake are not drowned by light sleep; a forward-backward pass
//! over the usual stage changes (emissions to the power 0.4, because neighbouring epochs share their context) gives the stage.
//!
//! Fitted on 21 nights of 21 healthy adults of the Walch 2019 set (subjects are listed in `models/sleep/README.md`); chosen settings, not
//! fitted per night: 160 rounds, 8 leaves, rate 0.025, prior and smoothing powers above. Motion was not in that set: where motion is given it
//! enters as a likelihood ratio from published figures, see [`Motion`].

use super::features::{self, EPOCH_S, FEATURES, HEART_FEATURES};
use crate::files::HeartRate;
use serde::Serialize;
use std::sync::OnceLock;

/// A stage of sleep in four classes; light is N1 and N2, deep is N3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Awake.
    Wake,
    /// N1 or N2.
    Light,
    /// N3.
    Deep,
    /// REM.
    Rem,
}

/// All stages in the order of the model's classes.
pub const STAGES: [Stage; 4] = [Stage::Wake, Stage::Light, Stage::Deep, Stage::Rem];

impl Stage {
    /// The three-class name: wake, non-REM, REM.
    #[must_use]
    pub fn three(self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Light | Self::Deep => "nrem",
            Self::Rem => "rem",
        }
    }

    /// The two-class view.
    #[must_use]
    pub fn asleep(self) -> bool {
        self != Self::Wake
    }
}

/// One 30-second epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StagedEpoch {
    /// Number from the start of the night, from 0.
    pub epoch: usize,
    /// The decision after smoothing over the night; `None` without readings nearby.
    pub stage: Option<Stage>,
    /// Probability of wake in this epoch (before smoothing: the better ranking).
    pub p_wake: f64,
    /// Probability of light sleep.
    pub p_light: f64,
    /// Probability of deep sleep.
    pub p_deep: f64,
    /// Probability of REM.
    pub p_rem: f64,
}

/// Sleep/wake scored from motion, one entry a 30-second epoch, and how far to trust it.
#[derive(Debug, Clone, Copy)]
pub struct Motion<'a> {
    /// `Some(true)` = still enough for sleep.
    pub asleep: &'a [Option<bool>],
    /// Share of sleep epochs that motion scores as sleep. Published, not fitted here: 0.95.
    pub sensitivity: f64,
    /// Share of wake epochs that motion scores as wake. Published, not fitted here: 0.5.
    pub specificity: f64,
}

impl<'a> Motion<'a> {
    /// With the usual figures of wrist actigraphy against polysomnography (sensitivity 0.95, wake specificity 0.5).
    #[must_use]
    pub fn actigraphy(asleep: &'a [Option<bool>]) -> Self {
        Self { asleep, sensitivity: 0.95, specificity: 0.5 }
    }
}

/// Why a night cannot be staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// No readings in the night, or under 20 minutes of them.
    #[error("fewer than 20 minutes of heart-rate readings in the night: wear the device all night")]
    TooLittle,
    /// Readings over more than a day.
    #[error("the night is longer than 24 hours: give one night at a time")]
    TooLong,
    /// A weights file that is not one.
    #[error("the weights of the sleep model are damaged")]
    Weights,
}

/// Which weights to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Heart rate alone.
    Without,
    /// Also the hours since the start, when the start is known to be bedtime. Laboratory nights start at fixed hours, so this flatters a little.
    SinceBedtime,
}

#[derive(Debug, Clone, Copy)]
struct Split {
    feature: usize,
    threshold: f32,
    left: i8,
    right: i8,
}

#[derive(Debug, Clone)]
struct Tree {
    splits: Vec<Split>,
    leaves: Vec<f32>,
}

impl Tree {
    fn value(&self, x: &[f64]) -> f64 {
        let mut at = 0_i8;
        // A well-formed tree is left after at most as many steps as it has splits.
        for _ in 0..=self.splits.len() {
            let next = match self.splits.get(at as usize) {
                Some(s) if x[s.feature] as f32 <= s.threshold => s.left,
                Some(s) => s.right,
                None => -1,
            };
            if next < 0 {
                return f64::from(self.leaves.get((-1 - next) as usize).copied().unwrap_or(0.0));
            }
            at = next;
        }
        0.0
    }
}

/// The trained forest with the prior and stage changes of its training nights.
#[derive(Debug, Clone)]
pub struct Model {
    features: usize,
    prior: [f64; 4],
    change: [[f64; 4]; 4],
    trees: Vec<Tree>,
}

/// First bytes of a weights file.
pub const MAGIC: &[u8; 8] = b"CUBASLP1";
const PRIOR_POWER: f64 = 0.5;
const EMISSION_POWER: f64 = 0.4;

impl Model {
    /// The weights that come with the crate.
    ///
    /// # Panics
    /// Never: the bytes are part of the program and a test reads them.
    #[must_use]
    pub fn shipped(clock: Clock) -> &'static Self {
        static WITHOUT: OnceLock<Model> = OnceLock::new();
        static WITH: OnceLock<Model> = OnceLock::new();
        let (cell, bytes): (_, &[u8]) = match clock {
            Clock::Without => (&WITHOUT, include_bytes!("../../../../models/sleep/heart.gbm")),
            Clock::SinceBedtime => (&WITH, include_bytes!("../../../../models/sleep/heart-clock.gbm")),
        };
        cell.get_or_init(|| Self::from_bytes(bytes).expect("committed weights are read by a test"))
    }

    /// Reads a weights file: [`MAGIC`], features (u8), 4 priors and 16 stage changes (f32), number of trees (u16), then for each tree
    /// its number of splits (u8), the splits (feature u8, threshold f32, left i8, right i8; a negative child `c` is leaf `-1-c`) and one
    /// f32 more leaves than splits. Little-endian; tree `i` speaks for class `i % 4`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StageError> {
        let mut r = Reader(bytes);
        if r.take(8)? != MAGIC {
            return Err(StageError::Weights);
        }
        let features = r.u8()? as usize;
        if features != HEART_FEATURES && features != FEATURES {
            return Err(StageError::Weights);
        }
        let (mut prior, mut change) = ([0.0; 4], [[0.0; 4]; 4]);
        for p in prior.iter_mut().chain(change.iter_mut().flatten()) {
            *p = f64::from(r.f32()?);
            if !(*p > 0.0 && *p <= 1.0) {
                return Err(StageError::Weights);
            }
        }
        let count = usize::from(r.u8()?) | usize::from(r.u8()?) << 8;
        let trees = (0..count).map(|_| r.tree(features)).collect::<Result<Vec<_>, _>>()?;
        if r.0.is_empty() { Ok(Self { features, prior, change, trees }) } else { Err(StageError::Weights) }
    }

    /// Probabilities of wake, light, deep, REM for one row of features, with half of the training prior taken back.
    #[must_use]
    pub fn probabilities(&self, row: &[f64; FEATURES]) -> [f64; 4] {
        let mut score = self.prior.map(libm::log);
        for (i, t) in self.trees.iter().enumerate() {
            score[i % 4] += t.value(&row[..self.features]);
        }
        let top = score.iter().copied().fold(f64::MIN, f64::max);
        let mut p = [0.0; 4];
        for k in 0..4 {
            p[k] = libm::exp(score[k] - top) / libm::pow(self.prior[k], PRIOR_POWER);
        }
        normalised(p)
    }

    /// Stages a whole night from `start_s` on.
    pub fn stage(
        &self,
        hr: &[HeartRate],
        start_s: f64,
        epochs: usize,
        motion: Option<Motion<'_>>,
    ) -> Result<Vec<StagedEpoch>, StageError> {
        if epochs > 2880 {
            return Err(StageError::TooLong);
        }
        let night = features::night(hr, start_s, epochs).ok_or(StageError::TooLittle)?;
        let mut p: Vec<[f64; 4]> = night.rows.iter().map(|r| self.probabilities(r)).collect();
        if let Some(m) = motion {
            for (p, still) in p.iter_mut().zip(m.asleep) {
                p[0] *= match still {
                    Some(true) => (1.0 - m.specificity) / m.sensitivity,
                    Some(false) => m.specificity / (1.0 - m.sensitivity),
                    None => 1.0,
                };
                *p = normalised(*p);
            }
        }
        let smooth = self.smooth(&p);
        Ok((0..epochs)
            .map(|e| {
                let best = (0..4).max_by(|&a, &b| smooth[e][a].total_cmp(&smooth[e][b])).unwrap_or(1);
                let [p_wake, p_light, p_deep, p_rem] = p[e];
                StagedEpoch {
                    epoch: e,
                    stage: night.covered[e].then(|| STAGES[best]),
                    p_wake,
                    p_light,
                    p_deep,
                    p_rem,
                }
            })
            .collect())
    }

    /// Forward-backward over the night.
    fn smooth(&self, p: &[[f64; 4]]) -> Vec<[f64; 4]> {
        let like: Vec<[f64; 4]> =
            p.iter().map(|q| q.map(|v| libm::pow(v.max(1e-6), EMISSION_POWER))).collect();
        let mut forward: Vec<[f64; 4]> = Vec::with_capacity(p.len());
        for (i, l) in like.iter().enumerate() {
            let mut f = [0.25; 4];
            if let Some(prev) = i.checked_sub(1).map(|k| forward[k]) {
                for (k, f) in f.iter_mut().enumerate() {
                    *f = (0..4).map(|j| prev[j] * self.change[j][k]).sum();
                }
            }
            for k in 0..4 {
                f[k] *= l[k];
            }
            forward.push(normalised(f));
        }
        let mut back = [1.0; 4];
        for i in (0..p.len()).rev() {
            for k in 0..4 {
                forward[i][k] *= back[k];
            }
            forward[i] = normalised(forward[i]);
            let mut b = [0.0; 4];
            for (j, b) in b.iter_mut().enumerate() {
                *b = (0..4).map(|k| self.change[j][k] * like[i][k] * back[k]).sum();
            }
            back = normalised(b);
        }
        forward
    }
}

fn normalised(p: [f64; 4]) -> [f64; 4] {
    let sum: f64 = p.iter().sum();
    p.map(|v| v / sum.max(1e-300))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], StageError> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(StageError::Weights)?;
        self.0 = rest;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, StageError> {
        self.take(1).map(|b| b[0])
    }

    fn f32(&mut self) -> Result<f32, StageError> {
        let b = self.take(4)?;
        let v = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        if v.is_finite() { Ok(v) } else { Err(StageError::Weights) }
    }

    fn tree(&mut self, features: usize) -> Result<Tree, StageError> {
        let n = self.u8()?;
        let child = |b: u8| -> Result<i8, StageError> {
            let c = b as i8;
            let ok = if c < 0 { (-1 - i16::from(c)) <= i16::from(n) } else { (c as u8) < n };
            if ok { Ok(c) } else { Err(StageError::Weights) }
        };
        let mut splits = Vec::with_capacity(n as usize);
        for _ in 0..n {
            let feature = self.u8()? as usize;
            let threshold = self.f32()?;
            let (left, right) = (child(self.u8()?)?, child(self.u8()?)?);
            if feature >= features {
                return Err(StageError::Weights);
            }
            splits.push(Split { feature, threshold, left, right });
        }
        let leaves = (0..=n).map(|_| self.f32()).collect::<Result<_, _>>()?;
        Ok(Tree { splits, leaves })
    }
}

/// The epochs a file of readings covers: from second 0 where readings reach back to it (or start within its first hour), else from the
/// first reading, to the last. Returns `(start_s, epochs)`.
#[must_use]
pub fn span(hr: &[HeartRate]) -> Option<(f64, usize)> {
    let (first, last) = (hr.first()?.seconds, hr.last()?.seconds);
    let start = if first <= 3600.0 && last > 0.0 { 0.0 } else { (first / EPOCH_S).floor() * EPOCH_S };
    Some((start, ((last - start) / EPOCH_S).floor() as usize + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;
    use proptest::prelude::*;

    /// Eight hours: restless wake, then calm sleep with slow waves of heart rate, then wake.
    fn night() -> Vec<HeartRate> {
        let mut rng = Rng::new(21);
        (0..5760)
            .map(|i| {
                let t = f64::from(i) * 5.0;
                let awake = !(1800.0..=27_000.0).contains(&t);
                let bpm = if awake {
                    72.0 + 6.0 * rng.normal()
                } else {
                    54.0 + 2.0 * (t / 900.0).sin() + rng.normal()
                };
                HeartRate { seconds: t, bpm }
            })
            .collect()
    }

    #[test]
    fn shipped_weights_tell_restless_wake_from_calm_sleep() {
        for clock in [Clock::Without, Clock::SinceBedtime] {
            let hr = night();
            let (start, epochs) = span(&hr).unwrap();
            let s = Model::shipped(clock).stage(&hr, start, epochs, None).unwrap();
            assert_eq!(s.len(), 960);
            let wake = |r: std::ops::Range<usize>| {
                s[r.clone()].iter().map(|e| e.p_wake).sum::<f64>() / r.len() as f64
            };
            assert!(wake(5..50) > 3.0 * wake(200..600), "{} {}", wake(5..50), wake(200..600));
            assert!(s.iter().all(|e| (e.p_wake + e.p_light + e.p_deep + e.p_rem - 1.0).abs() < 1e-9));
        }
    }

    #[test]
    fn motion_moves_the_probability_the_right_way() {
        let hr = night();
        let m = Model::shipped(Clock::Without);
        let alone = m.stage(&hr, 0.0, 960, None).unwrap();
        let restless = vec![Some(false); 960];
        let still = vec![Some(true); 960];
        let more = m.stage(&hr, 0.0, 960, Some(Motion::actigraphy(&restless))).unwrap();
        let less = m.stage(&hr, 0.0, 960, Some(Motion::actigraphy(&still))).unwrap();
        assert!((0..960).all(|i| less[i].p_wake <= alone[i].p_wake && alone[i].p_wake <= more[i].p_wake));
    }

    #[test]
    fn nights_without_readings_are_refused_and_holes_stay_open() {
        let m = Model::shipped(Clock::Without);
        assert_eq!(m.stage(&[], 0.0, 960, None).unwrap_err(), StageError::TooLittle);
        assert_eq!(m.stage(&night(), 0.0, 100_000, None).unwrap_err(), StageError::TooLong);
        let holed: Vec<HeartRate> =
            night().into_iter().filter(|h| !(9000.0..12_600.0).contains(&h.seconds)).collect();
        let s = m.stage(&holed, 0.0, 960, None).unwrap();
        assert!(s[350].stage.is_none() && s[200].stage.is_some());
    }

    proptest! {
        #[test]
        fn damaged_weights_are_refused_or_harmless(at in 0_usize..4000, value in any::<u8>(), cut in 0_usize..20_000) {
            let mut bytes = include_bytes!("../../../../models/sleep/heart.gbm").to_vec();
            if let Some(b) = bytes.get_mut(at) { *b = value; }
            bytes.truncate(cut.max(at));
            if let Ok(m) = Model::from_bytes(&bytes) {
                let _ = m.probabilities(&[0.5; FEATURES]);
            }
        }
    }
}
