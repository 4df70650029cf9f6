//! Sleep or wake for each epoch from activity counts, by the published formulas. None was fitted here.
//!
//! Counts of different devices differ in scale by an order of magnitude: a formula speaks only of devices like the one it was made on. The
//! names below say which.

use serde::Serialize;

/// A published scoring formula.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Method {
    /// Cole, Kripke et al. 1992 for 30-second counts of an AMI Motionlogger, weights as restated by te Lindert & Van Someren 2013:
    /// 0.001 * (106, 54, 58, 76, 230, 74, 67), four epochs back to two ahead; sleep below 1.
    ColeKripke30,
    /// Sadeh, Sharkey & Carskadon 1994 for 60-second counts: 7.601 - 0.065 mean(11) - 1.08 NAT - 0.056 SD(6) - 0.703 ln(count + 1), NAT = epochs of the
    /// eleven with 50 <= count < 100 (the paper's ">= 50"), SD over the epoch and the five before, counts capped at 300; sleep from 0 up.
    Sadeh,
    /// Oakley 1997 (Actiwatch): the epoch plus its neighbours up to two minutes, weights 1/25, 1/5, 1 (2 at 30 s, 4 at 15 s) and back; wake above
    /// `threshold` (20 sensitive, 40 medium, 80 low).
    Oakley {
        /// Wake threshold in weighted counts.
        threshold: f64,
    },
}

/// Why counts cannot be scored.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CountsError {
    /// Nothing to score.
    #[error("no counts")]
    Empty,
    /// The formula is not made for this epoch length.
    #[error("epochs of {0} s: this formula needs 15, 30 or 60 s (Cole-Kripke 30 s, Sadeh 60 s)")]
    Epoch(f64),
}

/// One entry an epoch: `Some(true)` for sleep, `Some(false)` for wake, `None` where the device left a gap.
pub type SleepWake = Vec<Option<bool>>;

/// Scores counts of epochs `epoch_s` seconds long. Beyond the ends counts are taken as 0.
///
/// ```
/// use cuba_signals::sleep::counts::{Method, score};
/// let mut counts = vec![300.0; 20];
/// counts.extend(vec![0.0; 40]);
/// let s = score(&counts, 30.0, Method::Oakley { threshold: 40.0 }).unwrap();
/// assert_eq!((s[5], s[50]), (Some(false), Some(true)));
/// ```
pub fn score(counts: &[f64], epoch_s: f64, method: Method) -> Result<SleepWake, CountsError> {
    if counts.is_empty() {
        return Err(CountsError::Empty);
    }
    let clean: Vec<f64> = counts.iter().map(|c| if c.is_finite() { c.max(0.0) } else { 0.0 }).collect();
    let is = |s: f64| (epoch_s - s).abs() < 0.5;
    let asleep: Vec<bool> = match method {
        Method::ColeKripke30 if is(30.0) => {
            const W: [f64; 7] = [106.0, 54.0, 58.0, 76.0, 230.0, 74.0, 67.0];
            weighted(&clean, &W, 4).into_iter().map(|d| 0.001 * d < 1.0).collect()
        }
        Method::Sadeh if is(60.0) => sadeh(&clean),
        Method::Oakley { threshold } => {
            let kernel: &[f64] = if is(60.0) {
                &[0.04, 0.2, 1.0, 0.2, 0.04]
            } else if is(30.0) {
                &[0.04, 0.04, 0.2, 0.2, 2.0, 0.2, 0.2, 0.04, 0.04]
            } else if is(15.0) {
                &[0.04, 0.04, 0.04, 0.04, 0.2, 0.2, 0.2, 0.2, 4.0, 0.2, 0.2, 0.2, 0.2, 0.04, 0.04, 0.04, 0.04]
            } else {
                return Err(CountsError::Epoch(epoch_s));
            };
            weighted(&clean, kernel, kernel.len() / 2).into_iter().map(|d| d <= threshold).collect()
        }
        _ => return Err(CountsError::Epoch(epoch_s)),
    };
    Ok(asleep.into_iter().zip(counts).map(|(s, c)| c.is_finite().then_some(s)).collect())
}

/// Sum of the epochs around each one; `back` of the weights lie before it.
fn weighted(x: &[f64], w: &[f64], back: usize) -> Vec<f64> {
    (0..x.len())
        .map(|i| {
            w.iter().enumerate().filter_map(|(k, w)| x.get((i + k).checked_sub(back)?).map(|v| w * v)).sum()
        })
        .collect()
}

fn sadeh(x: &[f64]) -> Vec<bool> {
    let capped: Vec<f64> = x.iter().map(|v| v.min(300.0)).collect();
    let at = |i: i64| if i < 0 { 0.0 } else { capped.get(i as usize).copied().unwrap_or(0.0) };
    (0..capped.len() as i64)
        .map(|i| {
            let eleven: Vec<f64> = (i - 5..=i + 5).map(at).collect();
            let six: Vec<f64> = (i - 5..=i).map(at).collect();
            let nat = eleven.iter().filter(|v| (50.0..100.0).contains(*v)).count() as f64;
            let ps = 7.601
                - 0.065 * crate::stats::mean(&eleven)
                - 1.08 * nat
                - 0.056 * crate::stats::sd(&six, 1)
                - 0.703 * libm::log(at(i) + 1.0);
            ps >= 0.0
        })
        .collect()
}

/// Webster et al. 1982 rescoring of lone sleep after wake: after at least 4 / 10 / 15 minutes of wake the next 1 / 3 / 4 minutes of sleep become
/// wake; sleep of at most 6 / 10 minutes between at least 10 / 20 minutes of wake on both sides becomes wake. The last rule uses 20
/// minutes on both sides, as printed in the paper. Gaps end a run.
#[must_use]
pub fn webster(scored: &[Option<bool>], epoch_s: f64) -> SleepWake {
    let minutes = |m: f64| (m * 60.0 / epoch_s).round() as usize;
    let mut out = scored.to_vec();
    // Each rule looks at the scoring as it came in; otherwise one rule's wake would feed the next.
    for (wake, sleep) in [(4.0, 1.0), (10.0, 3.0), (15.0, 4.0)] {
        let mut awake = 0;
        for (i, state) in scored.iter().enumerate() {
            match state {
                Some(false) => awake += 1,
                Some(true) if awake >= minutes(wake) => {
                    for o in out.iter_mut().skip(i).take(minutes(sleep)).filter(|o| o.is_some()) {
                        *o = Some(false);
                    }
                    awake = 0;
                }
                _ => awake = 0,
            }
        }
    }
    for (sleep, around) in [(6.0, 10.0), (10.0, 20.0)] {
        let runs = runs(&out);
        for w in runs.windows(3) {
            let long = |r: &(Option<bool>, std::ops::Range<usize>)| {
                r.0 == Some(false) && r.1.len() >= minutes(around)
            };
            if w[1].0 == Some(true) && w[1].1.len() <= minutes(sleep) && long(&w[0]) && long(&w[2]) {
                out[w[1].1.clone()].fill(Some(false));
            }
        }
    }
    out
}

/// Runs of equal state.
pub(crate) fn runs(x: &[Option<bool>]) -> Vec<(Option<bool>, std::ops::Range<usize>)> {
    let mut out: Vec<(Option<bool>, std::ops::Range<usize>)> = Vec::new();
    for (i, v) in x.iter().enumerate() {
        match out.last_mut() {
            Some(last) if last.0 == *v => last.1.end = i + 1,
            _ => out.push((*v, i..i + 1)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Worked by hand from the papers' formulas.
    #[test]
    fn single_epochs_by_hand() {
        let mut c = vec![0.0; 30];
        c[15] = 22.0;
        let oakley = score(&c, 30.0, Method::Oakley { threshold: 40.0 }).unwrap();
        assert_eq!(oakley.iter().filter(|s| **s == Some(false)).count(), 1);
        c[15] = 20.0;
        assert!(
            score(&c, 30.0, Method::Oakley { threshold: 40.0 }).unwrap().iter().all(|s| *s == Some(true))
        );
        c[15] = 4.4; // 0.001 * 230 * 4.4 = 1.012
        let ck = score(&c, 30.0, Method::ColeKripke30).unwrap();
        assert_eq!(ck.iter().filter(|s| **s == Some(false)).count(), 1);
        let quiet = score(&[0.0; 20], 60.0, Method::Sadeh).unwrap();
        assert!(quiet.iter().all(|s| *s == Some(true)));
        let busy = score(&[150.0; 20], 60.0, Method::Sadeh).unwrap();
        assert!(busy[6..].iter().all(|s| *s == Some(false)));
        assert!(
            score(&[1.0], 30.0, Method::Sadeh).is_err() && score(&[], 30.0, Method::ColeKripke30).is_err()
        );
    }

    #[test]
    fn webster_takes_back_lone_sleep() {
        let mut s = vec![Some(false); 30];
        s.extend(vec![Some(true); 8]);
        s.extend(vec![Some(false); 40]);
        s.extend(vec![Some(true); 60]);
        let r = webster(&s, 30.0);
        assert!(r[..78].iter().all(|v| *v == Some(false)));
        assert_eq!(r[78..86], vec![Some(false); 8]);
        assert_eq!(r[86], Some(true));
        let gap = score(&[1.0, f64::NAN], 30.0, Method::ColeKripke30).unwrap();
        assert_eq!(gap[1], None);
    }

    proptest! {
        #[test]
        fn any_counts_are_scored_one_to_one(c in proptest::collection::vec(any::<f64>(), 1..200)) {
            for (e, m) in [(30.0, Method::ColeKripke30), (60.0, Method::Sadeh), (15.0, Method::Oakley { threshold: 40.0 })] {
                let s = score(&c, e, m).unwrap();
                prop_assert_eq!(s.len(), c.len());
                prop_assert_eq!(webster(&s, e).len(), c.len());
            }
        }
    }
}
