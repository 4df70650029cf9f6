//! Our BLEU and chrF against values of sacreBLEU (`tests/golden/metrics.py` makes them).
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use cuba_translate::metrics::{bleu, chrf};

#[test]
fn equal_to_sacrebleu() {
    let text = include_str!("golden/metrics.tsv");
    let rows: Vec<(&str, &str)> = text.lines().map(|l| l.split_once('\t').unwrap()).collect();
    let mut sets: Vec<Vec<(&str, &str)>> = rows.iter().map(|r| vec![*r]).collect();
    sets.extend([
        rows.clone(),
        rows[..4].to_vec(),
        rows[4..8].to_vec(),
        rows.iter().step_by(2).copied().collect(),
    ]);
    let golden: Vec<&str> = include_str!("golden/metrics.golden").lines().collect();
    assert_eq!(sets.len(), golden.len());
    for (set, want) in sets.iter().zip(golden) {
        let hypotheses: Vec<&str> = set.iter().map(|r| r.0).collect();
        let references: Vec<&str> = set.iter().map(|r| r.1).collect();
        let got = (bleu(&hypotheses, &references).unwrap(), chrf(&hypotheses, &references).unwrap());
        let want: Vec<f64> = want.split('\t').map(|v| v.parse().unwrap()).collect();
        assert!((got.0 - want[0]).abs() < 1e-8, "BLEU {} and not {} for {set:?}", got.0, want[0]);
        assert!((got.1 - want[1]).abs() < 1e-8, "chrF {} and not {} for {set:?}", got.1, want[1]);
    }
    assert_eq!(bleu(&["a"], &["a", "b"]), None);
    assert_eq!(chrf(&["a"], &[] as &[&str]), None);
}
