//! Habit and outcome, honestly: which of a user's habits go along with which of their outcomes, with a measured share of false alarms.
//!
//! For each pair of habit and outcome: weekday means and a straight trend are taken out of both; the correlation is looked at for each lag
//! (habit today, outcome today, tomorrow, ...); the largest, in units of its own noise, is compared with what the same two series give
//! when one is shifted in a circle (and once more with time reversed), which keeps the memory of both series but breaks their tie. The
//! tail of that distribution beyond its resolution is continued as that of a Gaussian (Knijnenburg et al. 2009). Benjamini-Hochberg
//! goes over all pairs, told or not. Nothing here ever says "causes".
//!
//! Why circular shifts: sleep, mood and heart rate resemble their yesterday, so tests that take days as independent find something for
//! nearly every user. `cargo run --release -p cuba-signals --example insight_simulation` reproduces the false-alarm rate and the power.

use crate::stats::{line_fit, mean, quantile_sorted, sd};
use serde::Serialize;

/// Share of false insights aimed at by Benjamini-Hochberg. The simulation says what that gives in practice.
pub const FALSE_DISCOVERY: f64 = 0.1;
/// Fewest days with both values known.
pub const MIN_DAYS: usize = 28;
/// Fewest days with and fewest days without the habit.
pub const MIN_ARM: usize = 8;
/// Lags looked at, days from habit to outcome.
pub const LAGS: usize = 3;

/// One value a day, `None` where nothing was recorded. A yes/no habit is 1 and 0.
#[derive(Debug, Clone, PartialEq)]
pub struct DailySeries {
    /// Name, given back in the insight.
    pub name: String,
    /// Unit of the values ("min", "bpm"; empty for yes/no).
    pub unit: String,
    /// Values in order of days.
    pub days: Vec<Option<f64>>,
}

/// A tie between a habit and an outcome that chance would rarely make.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Insight {
    /// Habit's name.
    pub habit: String,
    /// Outcome's name.
    pub outcome: String,
    /// Days from habit to outcome.
    pub lag_days: usize,
    /// How much higher the outcome is on days with the habit (yes/no), or per usual swing (one standard deviation) of the habit, in the outcome's unit,
    /// weekday and trend taken out, pulled towards 0 by its own uncertainty.
    pub effect: f64,
    /// Lower end of the 95 % interval, widened for the choice among lags.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Unit of the effect.
    pub unit: String,
    /// Days compared.
    pub days: usize,
    /// Days with the habit (above its mean, for amounts).
    pub days_with: usize,
    /// Chance of such a tie without any, for this pair.
    pub p: f64,
}

/// What was found and how much was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Insights {
    /// Insights, strongest first; often none.
    pub found: Vec<Insight>,
    /// Pairs with enough data, all of which were tested.
    pub pairs_tested: usize,
    /// Pairs left out for lack of data.
    pub pairs_skipped: usize,
}

/// Tests all pairs. `first_weekday` (0..=6) is the weekday of day 0; any fixed numbering will do.
///
/// ```
/// use cuba_signals::insights::{DailySeries, find};
/// let mut dice = cuba_signals::stats::Rng::new(1);
/// let walk: Vec<bool> = (0..120).map(|_| dice.uniform() < 0.4).collect();
/// let habit = DailySeries { name: "walk".into(), unit: String::new(), days: walk.iter().map(|w| Some(f64::from(*w))).collect() };
/// let sleep = DailySeries {
///     name: "sleep".into(),
///     unit: "min".into(),
///     days: (0..120).map(|d| Some(430.0 + 30.0 * f64::from(walk[d]) + 15.0 * dice.normal())).collect(),
/// };
/// let r = find(&[habit], &[sleep], 0);
/// assert_eq!((r.pairs_tested, r.found[0].lag_days), (1, 0));
/// assert!(r.found[0].low < 30.0 && 30.0 < r.found[0].high);
/// ```
#[must_use]
pub fn find(habits: &[DailySeries], outcomes: &[DailySeries], first_weekday: usize) -> Insights {
    let (mut tested, mut skipped) = (Vec::new(), 0);
    for h in habits {
        for o in outcomes {
            match test_pair(h, o, first_weekday) {
                Some(i) => tested.push(i),
                None => skipped += 1,
            }
        }
    }
    tested.sort_by(|a, b| a.p.total_cmp(&b.p));
    let m = tested.len();
    let passed =
        (1..=m).rev().find(|&k| tested[k - 1].p <= FALSE_DISCOVERY * k as f64 / m as f64).unwrap_or(0);
    tested.truncate(passed);
    // An interval that reaches 0 is no insight, whatever the p-value says.
    tested.retain(|i| i.low * i.high > 0.0);
    Insights { found: tested, pairs_tested: m, pairs_skipped: skipped }
}

/// Takes weekday means and a straight trend out; unknown days stay unknown.
fn residual(days: &[Option<f64>], first_weekday: usize) -> Vec<f64> {
    let mut out: Vec<f64> = days.iter().map(|d| d.filter(|v| v.is_finite()).unwrap_or(f64::NAN)).collect();
    for _ in 0..2 {
        let (t, v): (Vec<f64>, Vec<f64>) =
            out.iter().enumerate().filter(|(_, v)| v.is_finite()).map(|(i, v)| (i as f64, *v)).unzip();
        let (a, b) = line_fit(&t, &v);
        for (i, v) in out.iter_mut().enumerate() {
            *v -= a + b * i as f64;
        }
        for w in 0..7 {
            let same = |i: usize| (i + first_weekday) % 7 == w;
            let m = mean(
                &out.iter()
                    .enumerate()
                    .filter(|(i, v)| same(*i) && v.is_finite())
                    .map(|(_, v)| *v)
                    .collect::<Vec<_>>(),
            );
            if m.is_finite() {
                out.iter_mut().enumerate().filter(|(i, _)| same(*i)).for_each(|(_, v)| *v -= m);
            }
        }
    }
    out
}

/// Correlation of `x[i]` with `y[(i + shift) mod n]` over days where both are known; with `lag` the last days do not wrap.
fn shifted_correlation(x: &[f64], y: &[f64], shift: usize) -> f64 {
    let n = x.len();
    let (mut k, mut sx, mut sy, mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (i, a) in x.iter().copied().enumerate() {
        let j = i + shift;
        let b = y[if j >= n { j - n } else { j }];
        if a.is_finite() && b.is_finite() {
            k += 1.0;
            sx += a;
            sy += b;
            xx += a * a;
            yy += b * b;
            xy += a * b;
        }
    }
    let (vx, vy) = (xx - sx * sx / k, yy - sy * sy / k);
    if k < 4.0 || vx <= 1e-12 || vy <= 1e-12 { 0.0 } else { (xy - sx * sy / k) / (vx * vy).sqrt() }
}

fn test_pair(h: &DailySeries, o: &DailySeries, first_weekday: usize) -> Option<Insight> {
    let n = h.days.len().min(o.days.len());
    let known: Vec<f64> = h.days.iter().take(n).flatten().copied().collect();
    let middle = mean(&known);
    let with = |v: f64| v > middle;
    if n < MIN_DAYS + LAGS {
        return None;
    }
    for lag in 0..LAGS {
        let both: Vec<f64> =
            (0..n - lag).filter(|&i| o.days[i + lag].is_some()).filter_map(|i| h.days[i]).collect();
        let arm = both.iter().filter(|v| with(**v)).count();
        if both.len() < MIN_DAYS || arm < MIN_ARM || both.len() - arm < MIN_ARM {
            return None;
        }
    }
    let x = residual(h.days.get(..n)?, first_weekday);
    let y = residual(o.days.get(..n)?, first_weekday);
    let fluctuations = null_correlations(&x, &y);
    let noise = sd(&fluctuations, 0);
    if !noise.is_finite() || noise <= 1e-9 {
        return None;
    }
    let observed: Vec<f64> = (0..LAGS).map(|l| shifted_correlation(&x, &y, l)).collect();
    let lag_days = (0..LAGS).max_by(|&a, &b| observed[a].abs().total_cmp(&observed[b].abs()))?;
    let r = observed[lag_days];
    let p = tail_probability(r.abs() / noise, &null_maxima(&fluctuations, noise));
    let pairs: Vec<(f64, f64)> = (0..n - lag_days)
        .map(|i| (x[i], y[i + lag_days]))
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .collect();
    let (px, py): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let yes_no = known.iter().all(|v| v.abs() < 1e-9 || (v - 1.0).abs() < 1e-9);
    let per_unit = sd(&py, 0) / sd(&px, 0) * if yes_no { 1.0 } else { sd(&known, 0) };
    let (raw, error) = (r * per_unit, noise * per_unit);
    // James-Stein: the part of the effect that is likely noise goes.
    let shrink = (1.0 - (noise / r) * (noise / r)).max(0.0);
    Some(Insight {
        habit: h.name.clone(),
        outcome: o.name.clone(),
        lag_days,
        effect: raw * shrink,
        // 2.39 standard errors: 95 % over three lags.
        low: raw - 2.39 * error,
        high: raw + 2.39 * error,
        unit: o.unit.clone(),
        days: pairs.len(),
        days_with: (0..n - lag_days)
            .filter(|&i| o.days[i + lag_days].is_some() && h.days[i].is_some_and(with))
            .count(),
        p,
    })
}

/// Correlations under every circular shift away from the lags looked at, forward and with the habit reversed in time.
fn null_correlations(x: &[f64], y: &[f64]) -> Vec<f64> {
    let n = x.len();
    // A shift within a week of the real alignment still carries part of a real tie.
    let guard = LAGS + 4;
    let reversed: Vec<f64> = x.iter().rev().copied().collect();
    let mut out: Vec<f64> = (guard..n - guard).map(|s| shifted_correlation(x, y, s)).collect();
    out.extend((0..n).map(|s| shifted_correlation(&reversed, y, s)));
    out
}

/// Largest of [`LAGS`] neighbouring shifts, in units of the noise: what "best lag" gives without any tie.
fn null_maxima(fluctuations: &[f64], noise: f64) -> Vec<f64> {
    let mut m: Vec<f64> =
        fluctuations.windows(LAGS).map(|w| w.iter().fold(0.0_f64, |a, v| a.max(v.abs())) / noise).collect();
    m.sort_by(f64::total_cmp);
    m
}

/// Share of null maxima at or above `t`; in the upper fifth, where counts are few, the squares' excess is taken as exponential.
fn tail_probability(t: f64, maxima: &[f64]) -> f64 {
    let count = maxima.iter().filter(|m| **m >= t).count();
    let share = (count + 1) as f64 / (maxima.len() + 1) as f64;
    let knee = quantile_sorted(maxima, 0.8);
    if t <= knee {
        return share;
    }
    let excess: Vec<f64> =
        maxima.iter().filter(|m| **m > knee).map(|m| (m * m - knee * knee) / 2.0).collect();
    // A Gaussian tail has mean excess of at most 1 in these units; smaller estimates come from too few shifts, so none is believed.
    let scale = mean(&excess).max(1.0);
    0.2 * libm::exp(-((t * t - knee * knee) / 2.0) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;
    use proptest::prelude::*;

    fn series(name: &str, days: Vec<Option<f64>>) -> DailySeries {
        DailySeries { name: name.into(), unit: "min".into(), days }
    }

    #[test]
    fn a_real_tie_is_found_at_its_lag_and_its_interval_holds_the_truth() {
        let mut hits = 0;
        for seed in 0..20 {
            let mut r = Rng::new(seed);
            let habit: Vec<f64> = (0..120).map(|_| f64::from(u8::from(r.uniform() < 0.4))).collect();
            let mut memory = 0.0;
            let outcome = (0..120)
                .map(|d| {
                    memory = 0.5 * memory + r.normal();
                    Some(400.0 + 10.0 * memory + if d > 0 { 20.0 * habit[d - 1] } else { 0.0 })
                })
                .collect();
            let f = find(
                &[series("tea", habit.iter().map(|h| Some(*h)).collect())],
                &[series("sleep", outcome)],
                2,
            );
            if let Some(i) = f.found.first() {
                hits += usize::from(i.lag_days == 1 && i.low < 20.0 && 20.0 < i.high && i.effect > 0.0);
            }
        }
        assert!(hits >= 16, "{hits} of 20");
    }

    #[test]
    fn a_shared_weekday_is_no_insight_and_thin_data_is_not_tested() {
        let weekend = |d: usize| f64::from(u8::from(d % 7 >= 5));
        let told = (0..60)
            .filter(|seed| {
                let mut r = Rng::new(*seed);
                let habit = (0..120)
                    .map(|d| Some(if r.uniform() < 0.1 { 1.0 - weekend(d) } else { weekend(d) }))
                    .collect();
                let outcome = (0..120).map(|d| Some(50.0 * weekend(d) + 10.0 * r.normal())).collect();
                !find(&[series("bar", habit)], &[series("sleep", outcome)], 0).found.is_empty()
            })
            .count();
        // One pair at 10 %: 6 expected, 11 is the 97.5th percentile of chance. Without taking weekdays out it would be all 60.
        assert!(told <= 11, "{told} of 60");
        let rare = (0..120).map(|d| Some(f64::from(u8::from(d % 40 == 0)))).collect();
        let any = (0..120).map(|d| Some(f64::from(d))).collect();
        let f = find(&[series("rare", rare)], &[series("x", any)], 0);
        assert_eq!((f.pairs_tested, f.pairs_skipped), (0, 1));
        assert_eq!(find(&[], &[], 0).pairs_tested, 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_series_give_sound_figures(a in proptest::collection::vec(proptest::option::of(-1e6..1e6_f64), 0..90), b in proptest::collection::vec(proptest::option::of(any::<f64>()), 0..90)) {
            for i in find(&[series("a", a)], &[series("b", b)], 3).found {
                prop_assert!(i.p > 0.0 && i.p <= 1.0 && i.low <= i.high);
            }
        }
    }
}
