//! ECG and RR data with reference values: MIT-BIH record 100 and the pyHRV sample.

use cuba_signals::{ecg, hrv, rr};
use std::path::Path;

/// First channel of a two-channel WFDB record in format 212, in units of the converter.
pub(crate) fn signal_212(path: &Path) -> Vec<f64> {
    let sign = |v: i32| f64::from(if v > 2047 { v - 4096 } else { v });
    std::fs::read(path)
        .unwrap()
        .chunks_exact(3)
        .map(|b| sign(i32::from(b[0]) | (i32::from(b[1]) & 0x0f) << 8))
        .collect()
}

/// Sample numbers of beats in a WFDB annotation file (codes of the MIT format).
pub(crate) fn beats(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap();
    let words: Vec<u16> = bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    let (mut at, mut i, mut out) = (0_i64, 0, Vec::new());
    while i < words.len() {
        let (code, value) = (words[i] >> 10, i64::from(words[i] & 0x3ff));
        i += 1;
        match code {
            0 if value == 0 => break,
            // SKIP: the next two words hold a long interval, high word first.
            59 => {
                at += i64::from((u32::from(words[i]) << 16 | u32::from(words[i + 1])).cast_signed());
                i += 2;
            }
            60..=62 => {}
            63 => i += ((value + 1) / 2) as usize,
            _ => {
                at += value;
                // Beat codes: 1-13, 25, 30, 34, 35, 38, 41 (all others are rhythm and noise marks).
                if matches!(code, 1..=13 | 25 | 30 | 34 | 35 | 38 | 41) {
                    out.push(at as f64);
                }
            }
        }
    }
    out
}

/// 64-bit numbers of a version 1 .npy file.
pub(crate) fn npy(path: &Path) -> Vec<f64> {
    let b = std::fs::read(path).unwrap();
    let start = 10 + usize::from(u16::from_le_bytes([b[8], b[9]]));
    let integers = String::from_utf8_lossy(&b[10..start]).contains("i8");
    b[start..]
        .chunks_exact(8)
        .map(|c| {
            let c: [u8; 8] = c.try_into().unwrap();
            if integers { i64::from_le_bytes(c) as f64 } else { f64::from_le_bytes(c) }
        })
        .collect()
}

pub(crate) struct Ecg {
    pub(crate) beats: usize,
    pub(crate) raw: f64,
    pub(crate) corrected: f64,
    pub(crate) sdnn_corrected: f64,
    pub(crate) findings: rr::Findings,
    pub(crate) sensitivity: f64,
    pub(crate) predictivity: f64,
}

pub(crate) fn mit_bih(data: &Path) -> Ecg {
    const FS: f64 = 360.0;
    let dir = data.join("ecg-mitbih");
    let truth: Vec<f64> = beats(&dir.join("100.atr")).iter().map(|s| s / FS).collect();
    let found = ecg::r_peaks(&signal_212(&dir.join("100.dat")), FS);
    let near = |list: &[f64], t: f64| list.iter().any(|x| (x - t).abs() < 0.075);
    let intervals: Vec<f64> = truth.windows(2).map(|w| (w[1] - w[0]) * 1000.0).collect();
    let fixed = rr::correct(&intervals).unwrap();
    let after = hrv::time_domain(&fixed.rr_ms).unwrap();
    Ecg {
        beats: truth.len(),
        raw: hrv::time_domain(&intervals).unwrap().rmssd_ms,
        corrected: after.rmssd_ms,
        sdnn_corrected: after.sdnn_ms,
        findings: fixed.findings,
        sensitivity: truth.iter().filter(|t| near(&found, **t)).count() as f64 / truth.len() as f64,
        predictivity: found.iter().filter(|t| near(&truth, **t)).count() as f64 / found.len() as f64,
    }
}

pub(crate) struct Hrv {
    /// Largest difference to pyHRV 0.5's time domain (full digits), milliseconds or percent.
    pub(crate) worst: f64,
    /// Largest difference to the printed report, which has three decimals.
    pub(crate) worst_printed: f64,
    pub(crate) welch: f64,
    pub(crate) lomb: f64,
    pub(crate) dfa: f64,
    pub(crate) entropy: f64,
}

pub(crate) fn pyhrv(data: &Path) -> Hrv {
    let nn = npy(&data.join("hrv-pyhrv/SampleNNISeriesLong.npy"));
    let t = hrv::time_domain(&nn).unwrap();
    let p = hrv::poincare(&nn).unwrap();
    // pyHRV 0.5.0 on the same file, all digits (pyHRV 0.5.0 functions of the same names).
    let full = [
        (t.sdnn_ms, 85.357_210_212_307_24),
        (t.rmssd_ms, 60.523_479_806_961_08),
        (t.sd_abs_diff_ms, 43.390_927_017_622_33),
        (t.sdnn_index_ms, 82.554_960_712_365_31),
        (t.sdann_ms, 21.466_413_034_591_742),
        (t.mean_hr_bpm, 78.989_957_297_498_25),
        (t.sd_hr_bpm, 8.304_904_615_967_68),
        (t.pnn50, 28.571_428_571_428_57),
        (t.pnn20, 64.232_329_703_182_48),
    ];
    let printed = [
        (t.mean_nn_ms, 768.438),
        (t.min_nn_ms, 562.0),
        (t.max_nn_ms, 1188.0),
        (t.mean_abs_diff_ms, 42.199),
        (t.sdnn_ms, 85.357),
        (t.rmssd_ms, 60.523),
        (t.pnn50, 28.571),
        (t.pnn20, 64.232),
        (p.sd1_ms, 42.797),
        (p.sd2_ms, 112.837),
        (p.area_ms2, 15_170.898),
    ];
    let worst = |v: &[(f64, f64)]| v.iter().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    Hrv {
        worst: worst(&full),
        worst_printed: worst(&printed),
        welch: hrv::bands(&nn, hrv::Spectrum::Welch).unwrap().lf_hf,
        lomb: hrv::bands(&nn, hrv::Spectrum::LombScargle).unwrap().lf_hf,
        dfa: hrv::dfa_alpha1(&nn).unwrap(),
        entropy: hrv::sample_entropy(&nn).unwrap(),
    }
}
