//! Staging, one subject left out at a time: the forest is trained anew without the subject it is judged on.

use super::{boost, nights};
use cuba_signals::sleep::features::{FEATURES, HEART_FEATURES};
use cuba_signals::sleep::stage::{Model, STAGES};
use cuba_signals::stats::quantile;
use std::path::Path;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Staging {
    pub(crate) auc: f64,
    pub(crate) specificity: f64,
    pub(crate) kappa4: f64,
    pub(crate) kappa3: f64,
    pub(crate) accuracy3: f64,
    pub(crate) median_night: f64,
    pub(crate) nights: usize,
}

pub(crate) fn left_out(data: &Path, clock: bool) -> Staging {
    let nights = nights::load(&data.join("sleep-walch"));
    let (mut p, mut truth, mut said, mut per_night) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (i, night) in nights.iter().enumerate() {
        let (rows, changes) =
            nights::training_set(nights.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, n)| n));
        let bytes = boost::train(&rows, &changes, if clock { FEATURES } else { HEART_FEATURES }, 1);
        let staged =
            Model::from_bytes(&bytes).unwrap().stage(&night.hr, 0.0, night.truth.len(), None).unwrap();
        let first = truth.len();
        for (e, t) in staged.iter().zip(&night.truth) {
            if let Some(t) = t {
                p.push(1.0 - e.p_wake);
                truth.push(*t);
                // An epoch without readings counts as the commonest answer, it is not left out.
                said.push(e.stage.map_or(1, |s| STAGES.iter().position(|x| *x == s).unwrap()));
            }
        }
        per_night.push(nights::kappa(&truth[first..], &said[first..], 4));
    }
    let asleep: Vec<bool> = truth.iter().map(|t| *t != 0).collect();
    let sleeping: Vec<f64> = p.iter().zip(&asleep).filter(|(_, a)| **a).map(|(p, _)| *p).collect();
    let limit = quantile(&sleeping, 0.07);
    let waking: Vec<f64> = p.iter().zip(&asleep).filter(|(_, a)| !**a).map(|(p, _)| *p).collect();
    let three = |v: &[usize]| v.iter().map(|c| [0, 1, 1, 2][*c]).collect::<Vec<usize>>();
    let (t3, s3) = (three(&truth), three(&said));
    Staging {
        auc: nights::auc(&p, &asleep),
        specificity: waking.iter().filter(|v| **v < limit).count() as f64 / waking.len() as f64,
        kappa4: nights::kappa(&truth, &said, 4),
        kappa3: nights::kappa(&t3, &s3, 3),
        accuracy3: t3.iter().zip(&s3).filter(|(a, b)| a == b).count() as f64 / t3.len() as f64,
        median_night: cuba_signals::stats::median(&per_night),
        nights: nights.len(),
    }
}
