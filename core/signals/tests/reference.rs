//! Figures against independent programs on a made series: numpy 2.4, scipy 1.17 (`welch`, `lombscargle`, not-a-knot `interp1d`), nolds 0.5
//! (sample entropy) and `NeuroKit2` 0.2.13 (artefact correction, one pass) computed the values below from `data/nn_intervals.txt`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use cuba_signals::{files, hrv, rr};

fn series() -> Vec<f64> {
    files::rr(include_str!("data/nn_intervals.txt")).unwrap()
}

fn close(name: &str, ours: f64, theirs: f64, relative: f64) {
    assert!((ours - theirs).abs() <= relative * theirs.abs(), "{name}: {ours} not {theirs}");
}

#[test]
fn time_domain_and_poincare_agree_to_a_millionth() {
    let t = hrv::time_domain(&series()).unwrap();
    let p = hrv::poincare(&series()).unwrap();
    for (name, ours, theirs) in [
        ("SDNN", t.sdnn_ms, 33.807_055_794_311_836),
        ("RMSSD", t.rmssd_ms, 25.397_629_697_908_354),
        ("SDSD", t.sdsd_ms, 25.427_969_169_009_764),
        ("pNN50", t.pnn50, 2.625_298_329_355_608_5),
        ("pNN20", t.pnn20, 47.971_360_381_861_57),
        ("SD1", p.sd1_ms, 17.958_820_421_246_635),
        ("SD2", p.sd2_ms, 44.303_879_796_425_82),
    ] {
        assert!((ours - theirs).abs() < 1e-6, "{name}: {ours} not {theirs}");
    }
}

#[test]
fn spectra_and_nonlinear_figures_agree() {
    let nn = series();
    let w = hrv::bands(&nn, hrv::Spectrum::Welch).unwrap();
    close("Welch LF", w.lf_ms2, 683.985_411_134_723_6, 1e-9);
    close("Welch HF", w.hf_ms2, 265.017_875_354_580_1, 1e-9);
    let l = hrv::bands(&nn, hrv::Spectrum::LombScargle).unwrap();
    close("Lomb-Scargle LF", l.lf_ms2, 661.657_946_019_715_7, 1e-9);
    close("Lomb-Scargle HF", l.hf_ms2, 266.288_759_446_934_8, 1e-9);
    close("DFA alpha 1", hrv::dfa_alpha1(&nn).unwrap(), 1.147_836_229_843_763_8, 1e-9);
    close("sample entropy", hrv::sample_entropy(&nn).unwrap(), 1.859_620_012_630_666_6, 1e-9);
}

#[test]
fn artefact_correction_agrees_with_neurokit() {
    let mut nn = series();
    for i in [50, 180, 300] {
        nn[i] -= 260.0;
        nn[i + 1] += 260.0;
    }
    let lost = nn.remove(221);
    nn[220] += lost;
    let fixed = rr::correct(&nn).unwrap();
    let found =
        (fixed.findings.ectopic, fixed.findings.missed, fixed.findings.extra, fixed.findings.long_short);
    assert_eq!((found, fixed.rr_ms.len()), ((3, 1, 0, 3), 420));
    close("RMSSD", hrv::time_domain(&fixed.rr_ms).unwrap().rmssd_ms, 32.699_575_174_413_38, 1e-3);
}
