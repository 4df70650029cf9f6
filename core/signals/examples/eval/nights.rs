//! The labelled nights of the Walch set and how a staging is judged.
#![allow(
    dead_code,
    reason = "shared by the trainer, which judges nothing, and the evaluation, which writes no subject list"
)]

use super::boost::Row;
use cuba_signals::{
    files::{self, HeartRate},
    sleep::features,
};
use std::path::Path;

pub(crate) struct Night {
    pub(crate) subject: String,
    pub(crate) hr: Vec<HeartRate>,
    /// 0 wake, 1 light, 2 deep, 3 REM; `None` unscored.
    pub(crate) truth: Vec<Option<usize>>,
    pub(crate) rows: Vec<Row>,
}

pub(crate) fn load(dir: &Path) -> Vec<Night> {
    let mut names: Vec<String> = std::fs::read_dir(dir.join("stages"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
        .iter()
        .map(|name| {
            let subject = name.split('_').next().unwrap().to_string();
            let text =
                std::fs::read_to_string(dir.join("hr").join(format!("{subject}_heartrate.txt"))).unwrap();
            let hr = files::heart_rate(&text).unwrap();
            let truth: Vec<Option<usize>> = std::fs::read_to_string(dir.join("stages").join(name))
                .unwrap()
                .lines()
                .map(|l| {
                    match l
                        .split([',', ' '])
                        .filter(|c| !c.is_empty())
                        .nth(1)
                        .and_then(|c| c.trim().parse::<i32>().ok())
                    {
                        Some(0) => Some(0),
                        Some(1 | 2) => Some(1),
                        Some(3 | 4) => Some(2),
                        Some(5) => Some(3),
                        _ => None,
                    }
                })
                .collect();
            let f = features::night(&hr, 0.0, truth.len()).unwrap();
            let rows = (0..truth.len())
                .filter(|&e| f.covered[e])
                .filter_map(|e| truth[e].map(|class| Row { x: f.rows[e], class }))
                .collect();
            Night { subject, hr, truth, rows }
        })
        .collect()
}

/// Everything a trainer needs from some nights.
pub(crate) fn training_set<'a>(nights: impl Iterator<Item = &'a Night>) -> (Vec<Row>, [[f64; 4]; 4]) {
    let (mut rows, mut changes) = (Vec::new(), [[0.0; 4]; 4]);
    for n in nights {
        rows.extend(n.rows.iter().cloned());
        for w in n.truth.windows(2) {
            if let (Some(a), Some(b)) = (w[0], w[1]) {
                changes[a][b] += 1.0;
            }
        }
    }
    (rows, changes)
}

/// Area under the ROC curve by ranks.
pub(crate) fn auc(scores: &[f64], positive: &[bool]) -> f64 {
    let r = cuba_signals::stats::ranks(scores);
    let n1 = positive.iter().filter(|p| **p).count() as f64;
    let n0 = positive.len() as f64 - n1;
    let sum: f64 = r.iter().zip(positive).filter(|(_, p)| **p).map(|(r, _)| r).sum();
    (sum - n1 * (n1 + 1.0) / 2.0) / (n1 * n0)
}

/// Cohen's kappa of two labellings with `k` classes.
pub(crate) fn kappa(a: &[usize], b: &[usize], k: usize) -> f64 {
    let n = a.len() as f64;
    let agree = a.iter().zip(b).filter(|(x, y)| x == y).count() as f64 / n;
    let share = |v: &[usize], c: usize| v.iter().filter(|x| **x == c).count() as f64 / n;
    let chance: f64 = (0..k).map(|c| share(a, c) * share(b, c)).sum();
    (agree - chance) / (1.0 - chance)
}
