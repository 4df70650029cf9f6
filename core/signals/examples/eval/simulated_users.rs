//! Simulated users: habits with memory and weekday patterns, outcomes with memory, weekday patterns, trends and gaps.

use cuba_signals::insights::{DailySeries, find};
use cuba_signals::stats::Rng;

/// How outcomes and habits behave.
#[derive(Clone, Copy)]
pub(crate) struct World {
    pub(crate) days: usize,
    /// AR(1) memory of outcomes.
    pub(crate) memory: f64,
    /// Effect of habit 0 on outcome 0 at lag 1, in standard deviations of the outcome.
    pub(crate) effect: f64,
}

fn habit(k: usize, days: usize, r: &mut Rng) -> DailySeries {
    let rate = 0.25 + 0.5 * r.uniform();
    let mut now = r.uniform() < rate;
    let values = (0..days)
        .map(|d| {
            now = match k % 3 {
                // a coin each day; a habit kept in streaks; a weekday habit
                0 => r.uniform() < rate,
                1 => {
                    if r.uniform() < 0.7 {
                        now
                    } else {
                        r.uniform() < rate
                    }
                }
                _ => r.uniform() < if d % 7 >= 5 { 0.8 } else { 0.35 },
            };
            (r.uniform() > 0.05).then_some(f64::from(u8::from(now)))
        })
        .collect();
    DailySeries { name: format!("habit {k}"), unit: String::new(), days: values }
}

fn outcome(k: usize, w: World, cause: Option<&DailySeries>, r: &mut Rng) -> DailySeries {
    let scale = (1.0 - w.memory * w.memory).sqrt();
    let (mut state, slope, weekend) = (r.normal(), 0.5 * r.normal() / w.days as f64, 0.5 * r.normal());
    let values = (0..w.days)
        .map(|d| {
            state = w.memory * state + scale * r.normal();
            let before = d.checked_sub(1).and_then(|i| cause.and_then(|c| c.days[i])).unwrap_or(0.0);
            let v = state + slope * d as f64 + if d % 7 >= 5 { weekend } else { 0.0 } + w.effect * before;
            (r.uniform() > 0.1).then_some(v)
        })
        .collect();
    DailySeries { name: format!("outcome {k}"), unit: "sd".into(), days: values }
}

/// Share of `users` who see any insight, and share who see the planted one.
pub(crate) fn share(w: World, users: usize, seed: u64) -> (f64, f64) {
    let (mut any, mut right) = (0, 0);
    for u in 0..users {
        let mut r = Rng::new(seed.wrapping_mul(1_000_003).wrapping_add(u as u64 * 7919));
        let habits: Vec<DailySeries> = (0..6).map(|k| habit(k, w.days, &mut r)).collect();
        let outcomes: Vec<DailySeries> =
            (0..3).map(|k| outcome(k, w, (k == 0).then(|| &habits[0]), &mut r)).collect();
        let f = find(&habits, &outcomes, 0);
        any += usize::from(!f.found.is_empty());
        right += usize::from(
            f.found.iter().any(|i| i.habit == "habit 0" && i.outcome == "outcome 0" && i.lag_days == 1),
        );
    }
    (any as f64 / users as f64, right as f64 / users as f64)
}
