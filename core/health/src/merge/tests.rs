//! Merging against a slow model that looks at every tick of time for itself.

#![allow(clippy::float_cmp, reason = "values are copied, not computed")]

use proptest::prelude::*;

use super::*;

const A: SourceId = SourceId(1);

fn sources(spans: bool) -> impl Strategy<Value = Vec<SourceSamples>> {
    let one = proptest::collection::vec((0i64..120, 0i64..25, 1u32..6), 0..14);
    proptest::collection::vec(one, 1..4).prop_map(move |all| {
        all.into_iter()
            .enumerate()
            .map(|(i, rows)| {
                let mut samples: Vec<Sample> = rows
                    .into_iter()
                    .map(|(t, len, v)| {
                        Sample::over(t, if spans { t + len } else { t }, f64::from(v) * 10.0, 0)
                    })
                    .collect();
                samples.sort_by_key(|s| (s.start_ms, s.end_ms, s.value.to_bits()));
                SourceSamples { source: SourceId(i as u16 + 1), samples }
            })
            .collect()
    })
}

/// The source that owns the tick `t..t+1`: the first that has a span over it.
fn owner(sources: &[SourceSamples], t: i64) -> Option<SourceId> {
    sources.iter().find(|s| s.samples.iter().any(|x| x.start_ms <= t && t < x.end_ms)).map(|s| s.source)
}

fn rank(sources: &[SourceSamples], source: SourceId) -> usize {
    sources.iter().position(|s| s.source == source).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn spans_agree_with_the_tick_model(sources in sources(true)) {
        let merged = merge(Metric::Steps, &sources);
        let mut expected = 0.0;
        for (i, s) in sources.iter().enumerate() {
            for x in &s.samples {
                if x.start_ms == x.end_ms {
                    let beaten = owner(&sources[..i], x.start_ms).is_some();
                    expected += if beaten { 0.0 } else { x.value };
                } else {
                    let won = (x.start_ms..x.end_ms).filter(|&t| owner(&sources, t) == Some(s.source)).count();
                    expected += x.value * won as f64 / (x.end_ms - x.start_ms) as f64;
                }
            }
        }
        let got: f64 = merged.parts.iter().map(|p| p.value).sum();
        prop_assert!((got - expected).abs() < 1e-9, "{} against {}", got, expected);
        // No tick belongs to two sources, and every reason names the owner.
        for t in 0..150 {
            let mut owners: Vec<SourceId> =
                merged.parts.iter().filter(|p| p.start_ms <= t && t < p.end_ms).map(|p| p.source).collect();
            owners.dedup();
            prop_assert!(owners.len() <= 1);
            prop_assert_eq!(owners.first().copied(), owner(&sources, t));
            for r in merged.reasons.iter().filter(|r| r.start_ms <= t && t < r.end_ms) {
                prop_assert_eq!(Some(r.winner), owner(&sources, t));
                prop_assert!(rank(&sources, r.winner) < rank(&sources, r.loser));
            }
        }
    }

    #[test]
    fn readings_agree_with_the_pairwise_model(sources in sources(false)) {
        // Times in units of 10 seconds, so that reaches of five minutes meet.
        let sources: Vec<SourceSamples> = sources.into_iter().map(|s| SourceSamples {
            samples: s.samples.iter().map(|x| Sample::at(x.start_ms * 10_000, x.value, 0)).collect(),
            ..s
        }).collect();
        let merged = merge(Metric::HeartRate, &sources);
        let mut kept: Vec<(SourceId, Sample)> = Vec::new();
        for s in &sources {
            let before = kept.clone();
            for x in &s.samples {
                if !before.iter().any(|(_, k)| (k.start_ms - x.start_ms).abs() <= 150_000) {
                    kept.push((s.source, *x));
                }
            }
        }
        kept.sort_by_key(|(s, x)| (x.start_ms, *s));
        let got: Vec<(SourceId, Sample)> = merged.parts.iter().map(|p| (p.source, p.sample)).collect();
        prop_assert_eq!(got.len(), kept.len());
        prop_assert_eq!(got.iter().map(|g| (g.0, g.1.start_ms)).collect::<Vec<_>>(),
            kept.iter().map(|g| (g.0, g.1.start_ms)).collect::<Vec<_>>());
    }

    #[test]
    fn entries_never_vanish_and_never_double(sources in sources(false)) {
        let sources: Vec<SourceSamples> = sources.into_iter().map(|s| SourceSamples {
            samples: s.samples.iter().map(|x| Sample::at(x.start_ms * 20_000, x.value, 0)).collect(),
            ..s
        }).collect();
        let merged = merge(Metric::Water, &sources);
        // Of each value, at least as many entries stay as the source with the most has, and at most all of them.
        for value in [10.0, 20.0, 30.0, 40.0, 50.0] {
            let count = |s: &SourceSamples| s.samples.iter().filter(|x| x.value == value).count();
            let most = sources.iter().map(count).max().unwrap();
            let all: usize = sources.iter().map(count).sum();
            let got = merged.parts.iter().filter(|p| p.value == value).count();
            prop_assert!(most <= got && got <= all, "{} of {}..{}", got, most, all);
        }
        let total: usize = sources.iter().map(|s| s.samples.len()).sum();
        prop_assert!(merged.parts.len() <= total);
        prop_assert!(merged.parts.iter().filter(|p| p.source == A).count() == sources[0].samples.len());
    }
}

#[test]
fn a_walk_counted_twice_counts_once_with_its_reason() {
    let minute = 60_000;
    let at = |h: i64, m: i64| (h * 60 + m) * minute;
    let watch = SourceSamples {
        source: SourceId(1),
        samples: vec![
            Sample::over(at(9, 10), at(9, 20), 900.0, 0),
            Sample::over(at(9, 20), at(9, 40), 1500.0, 0),
        ],
    };
    let phone = SourceSamples {
        source: SourceId(2),
        samples: vec![
            Sample::over(at(8, 0), at(8, 10), 700.0, 0),
            Sample::over(at(9, 0), at(9, 40), 3200.0, 0),
        ],
    };
    let merged = merge(Metric::Steps, &[watch, phone]);
    insta::assert_debug_snapshot!(merged);
}
