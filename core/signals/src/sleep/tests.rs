//! Made nights with a known answer.

use super::*;
use crate::files::{Acceleration, HeartRate};
use crate::stats::Rng;
use proptest::prelude::*;
use stage::Stage;

/// A day of 5-s acceleration: restless arm, then still from hour 10 to 18 with a turn every 50 minutes.
fn wrist_day() -> Vec<Acceleration> {
    let mut r = Rng::new(8);
    let mut tilt = 0.0_f64;
    (0..17_280 * 2)
        .map(|i| {
            let seconds = f64::from(i) * 2.5;
            let h = seconds / 3600.0;
            let asleep = (10.0..18.0).contains(&h);
            if !asleep || i % 1200 == 0 {
                tilt = 70.0 * (2.0 * r.uniform() - 1.0);
            }
            let wobble = 0.05 * r.normal();
            let a = (tilt + wobble).to_radians();
            Acceleration { seconds, x: a.cos(), y: 0.0, z: a.sin() }
        })
        .collect()
}

#[test]
fn the_window_is_seen_in_motion_heart_rate_and_phone_pauses() {
    let w = motion::window(&wrist_day()).unwrap();
    assert!((w.start_s / 3600.0 - 10.0).abs() < 0.3 && (w.end_s / 3600.0 - 18.0).abs() < 0.3, "{w:?}");
    let still = motion::sustained_inactivity(&wrist_day());
    let share =
        |a: usize, b: usize| still[a..b].iter().filter(|s| **s == Some(true)).count() as f64 / (b - a) as f64;
    assert!(share(1230, 2130) > 0.9 && share(100, 1100) < 0.05);
    let mut r = Rng::new(2);
    let hr: Vec<HeartRate> = (0..288 * 5)
        .map(|i| {
            let h = f64::from(i) / 60.0;
            HeartRate {
                seconds: f64::from(i) * 60.0,
                bpm: if (9.0..16.5).contains(&h) { 55.0 } else { 78.0 } + 4.0 * r.normal(),
            }
        })
        .collect();
    let w = window::from_heart_rate(&hr).unwrap();
    assert!((w.start_s / 3600.0 - 9.0).abs() < 0.4 && (w.end_s / 3600.0 - 16.5).abs() < 0.4, "{w:?}");
    assert!(window::from_heart_rate(&hr[700..720]).is_none());
    assert!(window::from_phone_use(&[(0.0, 10.0)]).is_none());
}

#[test]
fn summary_score_regularity() {
    use Stage::{Deep, Light, Rem, Wake};
    let mut night = Vec::new();
    for (s, n) in [
        (Wake, 30),
        (Light, 200),
        (Deep, 150),
        (Wake, 10),
        (Light, 300),
        (Rem, 200),
        (Wake, 1),
        (Light, 60),
        (Wake, 9),
    ] {
        night.extend(vec![Some(s); n]);
    }
    let s = summary::summarise(&night);
    assert_eq!(
        (s.latency_min, s.waso_min, s.awakenings, s.rem_latency_min),
        (Some(15.0), 5.5, 1, Some(330.0))
    );
    assert_eq!((s.asleep_min, s.in_bed_min, s.deep_min), (455.0, 480.0, 75.0));
    let score = summary::score(&s, Some(85.0));
    assert!((score.score - 100.0).abs() < 1e-9 && score.parts.len() == 4);
    let short = summary::score(&summary::NightSummary { asleep_min: 330.0, ..s.clone() }, None);
    assert!((short.score - 100.0 * 55.0 / 80.0).abs() < 1e-9, "{}", short.score);
    let empty = summary::summarise(&[]);
    assert!(summary::score(&empty, None).score < 1.0);

    let day: Vec<Option<bool>> = (0..288).map(|i| Some(i < 96)).collect();
    assert_eq!(summary::regularity_index(&day.repeat(7), 288), Some(100.0));
    let mut flip = day.repeat(7);
    flip.iter_mut().skip(288).step_by(2).for_each(|s| *s = None);
    assert!(summary::regularity_index(&flip[..288 * 4], 288).is_none());
    let mut r = Rng::new(1);
    let random: Vec<Option<bool>> = (0..288 * 60).map(|_| Some(r.uniform() < 0.5)).collect();
    assert!(summary::regularity_index(&random, 288).unwrap().abs() < 3.0);
    assert!(
        (summary::social_jet_lag(&[(23.5, false), (23.5, false), (23.5, false), (0.5, true), (0.5, true)])
            .unwrap()
            - 1.0)
            .abs()
            < 1e-9
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_input_is_survived(raw in proptest::collection::vec((0.0..1e6_f64, -4.0..4.0_f64, 20.0..250.0_f64), 0..200)) {
        let mut sorted = raw.clone();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let acc: Vec<Acceleration> = sorted.iter().map(|(s, x, b)| Acceleration { seconds: *s, x: *x, y: 0.1, z: b / 100.0 }).collect();
        let hr: Vec<HeartRate> = sorted.iter().map(|(s, _, b)| HeartRate { seconds: *s, bpm: *b }).collect();
        let _ = (motion::window(&acc), motion::sustained_inactivity(&acc), window::from_heart_rate(&hr));
        if let Some((start, epochs)) = stage::span(&hr) {
            let _ = stage::Model::shipped(stage::Clock::Without).stage(&hr, start, epochs, None);
        }
        let _ = window::from_phone_use(&sorted.iter().map(|(s, x, _)| (*s, s + x)).collect::<Vec<_>>());
    }
}
