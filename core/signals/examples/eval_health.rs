//! Recomputes the accuracy table of the health signals beside its targets; the last line is one JSON object.
//!
//!     cargo run --release -p cuba-signals --example eval_health -- --data DIR [--users N]
//!
//! DIR holds `ppg-welltory`, `hrv-pyhrv`, `ecg-mitbih`, `sleep-walch`, `actiwatch-arcascope`. Sleep staging is cross-validated: for each subject a
//! model is trained on all others, which takes most of the time.
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a measuring tool, not the product"
)]

mod eval {
    pub(crate) mod boost;
    pub(crate) mod hearts;
    pub(crate) mod nights;
    pub(crate) mod pulse;
    pub(crate) mod simulated_users;
    pub(crate) mod sleep;
}

use cuba_signals::sleep::counts::{Method, score};
use eval::simulated_users::{World, share};
use std::path::{Path, PathBuf};

struct Table(Vec<(String, serde_json::Value, String, bool)>);

impl Table {
    fn row(&mut self, what: &str, value: f64, target: &str, holds: bool) {
        println!("{} {what:<52} {value:>10.4}   target {target}", if holds { "ok  " } else { "MISS" });
        self.0.push((what.into(), serde_json::json!((value * 1e6).round() / 1e6), target.into(), holds));
    }

    fn json(&self) -> String {
        let rows: serde_json::Map<String, serde_json::Value> = self
            .0
            .iter()
            .map(|(w, v, t, h)| (w.clone(), serde_json::json!({ "value": v, "target": t, "holds": h })))
            .collect();
        serde_json::Value::Object(rows).to_string()
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let option = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1));
    let data = option("--data").map(PathBuf::from).expect("--data DIR");
    let users: usize = option("--users").map_or(300, |v| v.parse().expect("--users N"));
    let mut t = Table(Vec::new());
    camera(&data, &mut t);
    heart(&data, &mut t);
    actiwatch(&data, &mut t);
    for days in [60, 90, 120] {
        let worst = [0.0, 0.4, 0.7]
            .iter()
            .map(|&memory| share(World { days, memory, effect: 0.0 }, users, 77 + days as u64).0)
            .fold(0.0, f64::max);
        t.row(&format!("users with a false insight, {days} days (share)"), worst, "<= 0.10", worst <= 0.10);
    }
    for (clock, name) in [(false, "heart rate only"), (true, "heart rate + clock")] {
        let s = eval::sleep::left_out(&data, clock);
        println!("Sleep, {name}: {} nights, each judged by a model that never saw its subject", s.nights);
        // The bars are for the better of the two; without the clock the figures stand beside them.
        t.row(&format!("sleep/wake AUC, {name}"), s.auc, ">= 0.84", s.auc >= 0.84);
        t.row(
            &format!("wake specificity at 93 % sensitivity, {name}"),
            s.specificity,
            ">= 0.52",
            s.specificity >= 0.52,
        );
        t.row(&format!("4-class kappa, {name}"), s.kappa4, ">= 0.39", s.kappa4 >= 0.39);
        println!(
            "     3-class accuracy {:.3}, kappa {:.3}; 4-class kappa of the median night {:.3}",
            s.accuracy3, s.kappa3, s.median_night
        );
    }
    println!("{}", t.json());
}

fn camera(data: &Path, t: &mut Table) {
    println!("Camera pulse:");
    let c = eval::pulse::run(data);
    t.row("camera heart rate, mean absolute error (bpm)", c.mae, "<= 1.0", c.mae <= 1.0);
    t.row("camera heart rate, largest error (bpm)", c.max, "<= 3", c.max <= 3.0);
    let refused = c.refused as f64 / c.subjects as f64;
    t.row("camera heart rate, refused (share)", refused, "<= 0.10", refused <= 0.10);
    t.row("camera RMSSD, median error (ms)", c.rmssd_median, "<= 15", c.rmssd_median <= 15.0);
    let answered = c.rmssd_answered as f64 / c.subjects as f64;
    t.row("camera RMSSD, answered (share)", answered, ">= 0.60", answered >= 0.6);
    let prompt = c.prompt as f64 / c.subjects as f64;
    println!(
        "     first live number within 10 s: {:.0} % of recordings; before, the stream says why not",
        100.0 * prompt
    );
    println!("     slowest first number {:.1} s", c.first_number);
    println!(
        "     live numbers (12-s windows), mean distance to the recording's mean rate: {:.2} bpm",
        c.live_mae
    );
}

fn heart(data: &Path, t: &mut Table) {
    let h = eval::hearts::pyhrv(data);
    t.row("HRV time domain, largest difference to pyHRV", h.worst, "<= 1e-6", h.worst <= 1e-6);
    t.row(
        "HRV report, largest difference (3 decimals)",
        h.worst_printed,
        "<= 5e-4",
        h.worst_printed <= 5.1e-4,
    );
    t.row("LF/HF Welch-4Hz-Hamming-300 (pyHRV 1.785)", h.welch, "1.785", (h.welch - 1.785).abs() < 1e-3);
    println!(
        "     LF/HF Lomb-Scargle-classic {:.3}, DFA a1 {:.3} (pyHRV 1.197), sample entropy {:.3} (pyHRV 1.250)",
        h.lomb, h.dfa, h.entropy
    );
    let e = eval::hearts::mit_bih(data);
    t.row("MIT-BIH 100 RMSSD as recorded (ms)", e.raw, "63.2", (e.raw - 63.2).abs() < 0.1);
    t.row(
        "MIT-BIH 100 RMSSD after correction (ms)",
        e.corrected,
        "36.1 +- 1",
        (e.corrected - 36.1).abs() <= 1.0,
    );
    println!("     {} beats, SDNN after {:.2}, {:?}", e.beats, e.sdnn_corrected, e.findings);
    t.row("R peaks, sensitivity", e.sensitivity, ">= 0.999", e.sensitivity >= 0.999);
    t.row("R peaks, positive predictivity", e.predictivity, ">= 0.999", e.predictivity >= 0.999);
}

fn actiwatch(data: &Path, t: &mut Table) {
    let text = std::fs::read_to_string(data.join("actiwatch-arcascope/sample_actiwatch.csv")).unwrap();
    let f = cuba_signals::files::counts(&text).unwrap();
    let ours = score(&f.counts, f.epoch_s.unwrap(), Method::Oakley { threshold: 40.0 }).unwrap();
    let device = f.device.unwrap();
    // The device writes 1 for wake.
    let both: Vec<bool> = ours
        .iter()
        .zip(&device)
        .filter(|(_, d)| d.is_finite())
        .filter_map(|(o, d)| o.map(|o| o == (*d == 0.0)))
        .collect();
    let share = both.iter().filter(|b| **b).count() as f64 / both.len() as f64;
    t.row("Actiwatch column, epoch agreement (Oakley 40)", share, ">= 0.98", share >= 0.98);
}
