//! Cardio fitness without a test, and training load. Both are estimates of populations; the error is part of the result.

use serde::Serialize;

/// Which coefficients of the published equations apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// Equations for men.
    Male,
    /// Equations for women.
    Female,
}

/// An estimate of maximal oxygen uptake.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Vo2Max {
    /// mL/kg/min.
    pub estimate: f64,
    /// Standard error of the published equation: two people in three lie within.
    pub standard_error: f64,
    /// Lower end of the range that holds 95 % of people.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Non-exercise estimate of Nes et al. 2011 (HUNT, 4,637 Norwegian adults; R2 0.59 men, 0.57 women): age in years, body-mass index, resting heart
/// rate awake, and the activity index (0 to 45: frequency x duration x intensity of the paper's questions). `None` outside 18-90 years,
/// 15-60 kg/m2, 30-120 bpm.
///
/// ```
/// use cuba_signals::fitness::{Sex, vo2max};
/// let v = vo2max(Sex::Male, 40.0, 25.0, 60.0, 20.0).unwrap();
/// assert!((v.estimate - 50.765).abs() < 1e-9 && v.high - v.low > 20.0);
/// ```
#[must_use]
pub fn vo2max(sex: Sex, age: f64, bmi: f64, resting_bpm: f64, activity_index: f64) -> Option<Vo2Max> {
    let sane = (18.0..=90.0).contains(&age)
        && (15.0..=60.0).contains(&bmi)
        && (30.0..=120.0).contains(&resting_bpm)
        && (0.0..=45.0).contains(&activity_index);
    let (k, standard_error) = match sex {
        Sex::Male => ([92.05, 0.327, 0.933, 0.167, 0.257], 5.8),
        Sex::Female => ([70.77, 0.244, 0.749, 0.107, 0.213], 5.1),
    };
    let estimate = k[0] - k[1] * age - k[2] * bmi - k[3] * resting_bpm + k[4] * activity_index;
    sane.then_some(Vo2Max {
        estimate,
        standard_error,
        low: estimate - 1.96 * standard_error,
        high: estimate + 1.96 * standard_error,
    })
}

/// Expected highest heart rate by age, 208 - 0.7 age (Tanaka et al. 2001; one person in three is more than 10 bpm off).
#[must_use]
pub fn expected_max_bpm(age: f64) -> f64 {
    208.0 - 0.7 * age
}

/// Training impulse of one session (Banister 1991): minutes times heart-rate reserve, weighted exponentially. `minutes_bpm` holds (minutes, mean bpm)
/// of its parts; parts below rest count nothing, parts above the maximum as the maximum.
///
/// ```
/// use cuba_signals::fitness::{Sex, training_impulse};
/// let easy = training_impulse(&[(60.0, 110.0)], 60.0, 190.0, Sex::Female).unwrap();
/// let hard = training_impulse(&[(60.0, 160.0)], 60.0, 190.0, Sex::Female).unwrap();
/// assert!(hard > 2.0 * easy);
/// ```
#[must_use]
pub fn training_impulse(minutes_bpm: &[(f64, f64)], resting_bpm: f64, max_bpm: f64, sex: Sex) -> Option<f64> {
    if max_bpm.is_nan()
        || resting_bpm.is_nan()
        || max_bpm - resting_bpm <= 20.0
        || minutes_bpm.iter().any(|p| !p.0.is_finite() || !p.1.is_finite() || p.0 < 0.0)
    {
        return None;
    }
    let (a, b) = match sex {
        Sex::Male => (0.64, 1.92),
        Sex::Female => (0.86, 1.67),
    };
    Some(
        minutes_bpm
            .iter()
            .map(|(min, bpm)| {
                let r = ((bpm - resting_bpm) / (max_bpm - resting_bpm)).clamp(0.0, 1.0);
                min * r * a * libm::exp(b * r)
            })
            .sum(),
    )
}

/// Load of a day: recent and long-standing training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Load {
    /// Exponential mean over 7 days.
    pub recent: f64,
    /// Exponential mean over 42 days.
    pub usual: f64,
    /// `recent / usual`; `None` in the first 28 days, when the long mean has not settled.
    pub ratio: Option<f64>,
}

/// Exponentially weighted load for each day of daily impulses (a day without training is 0).
#[must_use]
pub fn training_load(daily: &[f64]) -> Vec<Load> {
    let (mut recent, mut usual) = (0.0, 0.0);
    daily
        .iter()
        .enumerate()
        .map(|(i, d)| {
            let d = if d.is_finite() { d.max(0.0) } else { 0.0 };
            recent += (d - recent) / 7.0;
            usual += (d - usual) / 42.0;
            // The means start at 0; dividing by what they have seen so far takes the start out.
            let seen = |days: f64| 1.0 - libm::pow(1.0 - 1.0 / days, (i + 1) as f64);
            let (r, u) = (recent / seen(7.0), usual / seen(42.0));
            Load { recent: r, usual: u, ratio: (i >= 27 && u > 0.0).then(|| r / u) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_equations_by_hand() {
        let w = vo2max(Sex::Female, 30.0, 22.0, 65.0, 10.0).unwrap();
        assert!((w.estimate - (70.77 - 7.32 - 16.478 - 6.955 + 2.13)).abs() < 1e-9);
        assert!(vo2max(Sex::Male, 40.0, f64::NAN, 60.0, 10.0).is_none());
        assert!(training_impulse(&[(10.0, 150.0)], 60.0, 70.0, Sex::Male).is_none());
        let t = training_impulse(&[(30.0, 125.0)], 60.0, 190.0, Sex::Male).unwrap();
        assert!((t - 30.0 * 0.5 * 0.64 * 0.96_f64.exp()).abs() < 1e-9);
    }

    #[test]
    fn constant_training_has_ratio_one() {
        let l = training_load(&[50.0; 60]);
        assert!((l[59].ratio.unwrap() - 1.0).abs() < 1e-9 && l[10].ratio.is_none());
        let mut more = vec![50.0; 60];
        more.extend([150.0; 7]);
        assert!(training_load(&more)[66].ratio.unwrap() > 1.4);
    }
}
