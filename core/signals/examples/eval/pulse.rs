//! Camera pulse against the chest strap worn at the same time (Welltory set).

use cuba_signals::{files, pulse, stats};
use std::path::Path;

pub(crate) fn run(data: &Path) {
    let mut dirs: Vec<_> = std::fs::read_dir(data.join("ppg-welltory")).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    dirs.sort();
    let (mut errors, mut refused, mut rmssd_errors) = (Vec::new(), 0, Vec::new());
    for d in &dirs {
        let frames = files::rgb(&std::fs::read_to_string(d.join("PPG.csv")).unwrap()).unwrap();
        let rr = files::rr(&std::fs::read_to_string(d.join("RR.txt")).unwrap()).unwrap();
        let truth = 60_000.0 / stats::mean(&rr);
        let rm = (rr.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum::<f64>() / (rr.len() - 1) as f64).sqrt();
        let name = d.file_name().unwrap().to_string_lossy().to_string();
        match pulse::measure(&frames) {
            Ok(p) => {
                errors.push((p.bpm - truth).abs());
                if let Some(v) = p.rmssd_ms {
                    rmssd_errors.push((v - rm).abs());
                }
                println!("{name} {:?} bpm {:.1} ({truth:.1}) q {:.2} rmssd {:?} ({rm:.1}) breaths {:?}", p.channel, p.bpm, p.quality, p.rmssd_ms, p.breaths_per_minute);
            }
            Err(e) => {
                refused += 1;
                println!("{name} refused {}", e.code());
            }
        }
    }
    println!(
        "MAE {:.2} max {:.2} refused {refused}; rmssd median {:.1} answered {}/{}",
        stats::mean(&errors), errors.iter().copied().fold(0.0, f64::max), stats::median(&rmssd_errors), rmssd_errors.len(), dirs.len()
    );
}
