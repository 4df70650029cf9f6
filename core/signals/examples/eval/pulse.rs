//! Camera pulse against the chest strap worn at the same time (Welltory set).

use cuba_signals::{files, pulse, stats};
use std::path::Path;

pub(crate) struct Camera {
    pub(crate) subjects: usize,
    pub(crate) refused: usize,
    pub(crate) mae: f64,
    pub(crate) max: f64,
    pub(crate) rmssd_answered: usize,
    pub(crate) rmssd_median: f64,
    /// Seconds until the stream shows its first number, slowest subject.
    pub(crate) first_number: f64,
    /// Subjects with a first number within 10 seconds.
    pub(crate) prompt: usize,
    /// Mean error of the stream's live numbers against the whole recording's true rate.
    pub(crate) live_mae: f64,
}

pub(crate) fn run(data: &Path) -> Camera {
    let mut dirs: Vec<_> = std::fs::read_dir(data.join("ppg-welltory"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    dirs.sort();
    let (mut errors, mut rmssd_errors, mut live, mut slowest) = (Vec::new(), Vec::new(), Vec::new(), 0.0_f64);
    let mut prompt = 0;
    for d in &dirs {
        let frames = files::rgb(&std::fs::read_to_string(d.join("PPG.csv")).unwrap()).unwrap();
        let rr = files::rr(&std::fs::read_to_string(d.join("RR.txt")).unwrap()).unwrap();
        let truth = 60_000.0 / stats::mean(&rr);
        let rmssd =
            (rr.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum::<f64>() / (rr.len() - 1) as f64).sqrt();
        let name = d.file_name().unwrap().to_string_lossy().to_string();
        match pulse::measure(&frames) {
            Ok(p) => {
                errors.push((p.bpm - truth).abs());
                if let Some(v) = p.rmssd_ms {
                    rmssd_errors.push((v - rmssd).abs());
                }
                println!(
                    "  {name} {:?} {:.1} bpm (strap {truth:.1}), quality {:.2}, RMSSD {} ms (strap {rmssd:.1})",
                    p.channel,
                    p.bpm,
                    p.quality,
                    p.rmssd_ms.map_or("-".into(), |v| format!("{v:.1}"))
                );
            }
            Err(e) => println!("  {name} refused: {e}"),
        }
        let (mut stream, mut first) = (pulse::PulseStream::new(), None);
        for f in &frames {
            if let Some(pulse::LiveReading::Beating { seconds, bpm, .. }) = stream.push(*f) {
                first.get_or_insert(seconds);
                live.push((bpm - truth).abs());
            }
        }
        println!("    first live number after {}", first.map_or("never".into(), |s| format!("{s:.1} s")));
        let first = first.unwrap_or(f64::INFINITY);
        prompt += usize::from(first <= 10.0);
        slowest = slowest.max(first);
    }
    Camera {
        subjects: dirs.len(),
        refused: dirs.len() - errors.len(),
        mae: stats::mean(&errors),
        max: errors.iter().copied().fold(0.0, f64::max),
        rmssd_answered: rmssd_errors.len(),
        rmssd_median: stats::median(&rmssd_errors),
        first_number: slowest,
        prompt,
        live_mae: stats::mean(&live),
    }
}
