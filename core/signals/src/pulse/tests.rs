//! Synthetic fingers with a known truth, and everything that must be refused.

use super::*;
use crate::stats::{Rng, sd};
use proptest::prelude::*;

/// Beat times with respiratory arrhythmia and a little noise, seconds.
fn beat_times(bpm: f64, seconds: f64, rng: &mut Rng) -> Vec<f64> {
    let (mut t, mut out) = (0.3, Vec::new());
    while t < seconds + 2.0 {
        out.push(t);
        let sway = 1.0 + 0.05 * (std::f64::consts::TAU * 0.22 * t).sin() + 0.015 * rng.normal();
        t += 60.0 / bpm * sway;
    }
    out
}

/// Light through a finger: every beat dims it by a fast upstroke and a slow decay with a dicrotic bump.
fn light(t: f64, beats: &[f64]) -> f64 {
    beats
        .iter()
        .filter(|b| (-0.5..1.5).contains(&(t - **b)))
        .map(|b| {
            let d = t - b;
            (-(d / 0.09).powi(2)).exp()
                + 0.45 * (-((d - 0.16) / 0.13).powi(2)).exp()
                + 0.2 * (-((d - 0.38) / 0.12).powi(2)).exp()
        })
        .sum()
}

struct Finger {
    bpm: f64,
    fps: f64,
    jitter_s: f64,
    noise: f64,
    seconds: f64,
}

fn record(f: &Finger, seed: u64) -> (Vec<Frame>, Vec<f64>) {
    let mut rng = Rng::new(seed);
    let beats = beat_times(f.bpm, f.seconds, &mut rng);
    let mut drift = 0.0;
    let frames = (0..(f.seconds * f.fps) as usize)
        .map(|i| {
            let taken = i as f64 / f.fps;
            drift += 0.02 * rng.normal();
            let v = light(taken, &beats);
            let stamp = taken + f.jitter_s * rng.uniform();
            Frame {
                time_ms: (stamp * 1000.0).round(),
                r: 235.0 - 1.2 * v + drift + f.noise * rng.normal(),
                g: 40.0 - 2.0 * v + 2.0 * drift + f.noise * rng.normal(),
                b: 12.0 + 0.1 * rng.normal(),
            }
        })
        .collect();
    let rr = beats.windows(2).filter(|w| w[1] < f.seconds).map(|w| (w[1] - w[0]) * 1000.0).collect();
    (frames, rr)
}

#[test]
fn known_fingers_are_measured() {
    let mut worst = 0.0_f64;
    for (k, (bpm, fps, jitter_s)) in [
        (48.0, 30.0, 0.0),
        (62.0, 25.0, 0.010),
        (75.0, 30.0, 0.015),
        (98.0, 60.0, 0.006),
        (135.0, 30.0, 0.010),
        (168.0, 30.0, 0.0),
    ]
    .into_iter()
    .enumerate()
    {
        let (frames, rr) = record(&Finger { bpm, fps, jitter_s, noise: 0.15, seconds: 60.0 }, k as u64);
        let p = measure(&frames).unwrap();
        let truth = 60_000.0 / mean(&rr);
        worst = worst.max((p.bpm - truth).abs());
        assert!((p.bpm - truth).abs() < 1.0, "{bpm}: {} not {truth}", p.bpm);
        let d: Vec<f64> = rr.windows(2).map(|w| w[1] - w[0]).collect();
        let true_rmssd = mean(&d.iter().map(|v| v * v).collect::<Vec<_>>()).sqrt();
        let got = p.rmssd_ms.unwrap();
        assert!((got - true_rmssd).abs() < 12.0, "{bpm}: rmssd {got} not {true_rmssd}");
        if let Some(b) = p.breaths_per_minute {
            assert!((b - 13.2).abs() < 1.5, "{bpm}: breaths {b}");
        }
    }
    assert!(worst > 0.0);
}

#[test]
fn breathing_is_found_in_a_clean_minute() {
    let (frames, _) = record(&Finger { bpm: 66.0, fps: 30.0, jitter_s: 0.0, noise: 0.05, seconds: 90.0 }, 11);
    // RR and the height of the beats both sway at 0.22 Hz in the model only through RR: one sign alone must not give a number.
    let p = measure(&frames).unwrap();
    assert!(p.breaths_per_minute.is_none_or(|b| (b - 13.2).abs() < 1.5));
    let mut rng = Rng::new(12);
    let beats = beat_times(66.0, 90.0, &mut rng);
    let swaying: Vec<Frame> = (0..2700)
        .map(|i| f64::from(i) / 30.0)
        .map(|t| {
            let sway = (std::f64::consts::TAU * 0.22 * t).sin();
            Frame {
                time_ms: t * 1000.0,
                r: 230.0 - (1.2 + 0.2 * sway) * light(t, &beats) + 0.8 * sway,
                g: 5.0,
                b: 2.0,
            }
        })
        .collect();
    let b = measure(&swaying).unwrap().breaths_per_minute.unwrap();
    assert!((b - 13.2).abs() < 1.0, "{b}");
}

#[test]
fn a_short_disturbance_costs_beats_not_truth() {
    let (mut frames, rr) =
        record(&Finger { bpm: 70.0, fps: 30.0, jitter_s: 0.005, noise: 0.1, seconds: 60.0 }, 5);
    let mut rng = Rng::new(6);
    for f in &mut frames[700..800] {
        f.r += 4.0 * rng.normal();
        f.g += 4.0 * rng.normal();
    }
    let p = measure(&frames).unwrap();
    assert!((p.bpm - 60_000.0 / mean(&rr)).abs() < 1.5);
    assert!(p.rr.iter().any(|i| !i.trusted));
}

fn noise_frames(kind: usize, seconds: f64, rng: &mut Rng) -> Vec<Frame> {
    let n = (seconds * 30.0) as usize;
    let white: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
    let walk: Vec<f64> = white
        .iter()
        .scan(0.0, |s, v| {
            *s += v;
            Some(*s)
        })
        .collect();
    let band = crate::dsp::band_pass(&white, 0.6, 3.0, 30.0);
    let shaped = match kind {
        0 => white,
        1 => walk,
        _ => band,
    };
    let scale = sd(&shaped, 1).max(1e-9);
    shaped
        .iter()
        .enumerate()
        .map(|(i, v)| Frame {
            time_ms: i as f64 * 1000.0 / 30.0,
            r: 220.0 + v / scale,
            g: 40.0 + rng.normal(),
            b: 9.0 + rng.normal(),
        })
        .collect()
}

#[test]
fn noise_is_refused() {
    let mut rng = Rng::new(99);
    let (mut answered, mut tried) = (0, 0);
    for kind in 0..3 {
        for seconds in [10.0, 20.0, 60.0] {
            for _ in 0..40 {
                tried += 1;
                answered += usize::from(measure(&noise_frames(kind, seconds, &mut rng)).is_ok());
            }
        }
    }
    assert!(answered * 100 <= tried, "{answered} of {tried} noise recordings were answered");
}

#[test]
fn bad_recordings_are_refused_with_their_reason() {
    let (good, _) = record(&Finger { bpm: 70.0, fps: 30.0, jitter_s: 0.0, noise: 0.1, seconds: 40.0 }, 1);
    let code = |f: &[Frame]| measure(f).unwrap_err().code();
    assert_eq!(code(&[]), "too_short");
    assert_eq!(code(&good[..1]), "too_short");
    assert_eq!(code(&good[..150]), "too_short");
    let slow: Vec<Frame> = good.iter().step_by(3).copied().collect();
    assert_eq!(code(&slow), "slow_camera");
    let mut f = good.clone();
    f[300].r = f64::NAN;
    assert_eq!(code(&f), "not_numbers");
    let mut f = good.clone();
    f[300..].iter_mut().for_each(|x| x.time_ms -= 5000.0);
    assert_eq!(code(&f), "clock_jump");
    let mut f = good.clone();
    f[300..].iter_mut().for_each(|x| x.time_ms += 60_000.0);
    assert_eq!(code(&f), "clock_jump");
    let mut f = good.clone();
    f[400..800].iter_mut().for_each(|x| (x.r, x.g, x.b) = (90.0, 100.0, 110.0));
    assert_eq!(code(&f), "finger_lifted");
    let dark: Vec<Frame> = good.iter().map(|x| Frame { r: 0.0, g: 0.0, b: 0.0, ..*x }).collect();
    assert_eq!(code(&dark), "no_finger");
    let still: Vec<Frame> = good.iter().map(|x| Frame { r: 255.0, g: 40.0, b: 0.0, ..*x }).collect();
    assert_eq!(code(&still), "no_pulsation");
    let frozen: Vec<Frame> = good.iter().map(|x| Frame { time_ms: 5.0, ..*x }).collect();
    assert_eq!(code(&frozen), "clock_jump");
}

#[test]
fn the_stream_answers_within_ten_seconds_and_says_why_it_stops() {
    let (frames, rr) =
        record(&Finger { bpm: 72.0, fps: 30.0, jitter_s: 0.008, noise: 0.1, seconds: 30.0 }, 4);
    let mut s = PulseStream::new();
    let mut first = None;
    for f in &frames {
        if let Some(LiveReading::Beating { seconds, bpm, .. }) = s.push(*f) {
            first.get_or_insert((seconds, bpm));
        }
    }
    let (at, bpm) = first.unwrap();
    assert!(at <= 10.0 && (bpm - 60_000.0 / mean(&rr)).abs() < 4.0, "{at} {bpm}");
    let mut lifted = None;
    for i in 0..450 {
        let t = 30_000.0 + f64::from(i) * 33.3;
        if let Some(LiveReading::Trouble { code, .. }) =
            s.push(Frame { time_ms: t, r: 80.0, g: 90.0, b: 95.0 })
        {
            lifted = Some(code);
        }
    }
    assert!(matches!(lifted, Some("finger_lifted" | "no_finger")), "{lifted:?}");
    let jump = s.push(Frame { time_ms: 10.0, r: 200.0, g: 30.0, b: 9.0 });
    assert!(matches!(jump, Some(LiveReading::Trouble { code: "clock_jump", .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_frames_give_a_plausible_number_or_a_reason(
        values in proptest::collection::vec((0.0..60.0_f64, -300.0..300.0_f64, any::<f32>()), 0..700)
    ) {
        let mut t = 0.0;
        let frames: Vec<Frame> = values.iter().map(|(dt, r, g)| { t += dt; Frame { time_ms: t, r: *r, g: f64::from(*g), b: 1.0 } }).collect();
        if let Ok(p) = measure(&frames) {
            prop_assert!((30.0..=220.0).contains(&p.bpm) && (0.0..=1.0).contains(&p.quality));
        }
    }
}
