//! What the `cuba health` commands on files return: one serialisable value each, errors as in the modules they stand on.

use crate::files::{CountsFile, FileError, HeartRate};
use crate::sleep::counts::{CountsError, Method, score, webster};
use crate::sleep::stage::{Clock, Model, Motion, Stage, StageError, StagedEpoch, span};
use crate::sleep::{features::EPOCH_S, motion, summary};
use crate::{hrv, pulse, rr};
use serde::Serialize;

/// Result of a camera recording: a number or a reason, never both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PulseReport {
    /// Beats a minute, `null` when not measurable.
    pub bpm: Option<f64>,
    /// 0..=1; 0 when not measurable.
    pub quality: f64,
    /// RMSSD in milliseconds, `null` when not reliable.
    pub rmssd_ms: Option<f64>,
    /// Why there is no RMSSD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmssd_reason: Option<&'static str>,
    /// Breaths a minute.
    pub breaths_per_minute: Option<f64>,
    /// Why there is no heart rate, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same as a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Everything else of a good recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<pulse::Pulse>,
}

/// `pulse --rgb`.
///
/// ```
/// let report = cuba_signals::commands::pulse(&[]);
/// assert!(report.bpm.is_none() && report.code == Some("too_short"));
/// ```
#[must_use]
pub fn pulse(frames: &[pulse::Frame]) -> PulseReport {
    match pulse::measure(frames) {
        Ok(p) => PulseReport {
            bpm: Some(p.bpm),
            quality: p.quality,
            rmssd_ms: p.rmssd_ms,
            rmssd_reason: p.rmssd_reason,
            breaths_per_minute: p.breaths_per_minute,
            reason: None,
            code: None,
            details: Some(p),
        },
        Err(why) => PulseReport {
            bpm: None,
            quality: 0.0,
            rmssd_ms: None,
            rmssd_reason: None,
            breaths_per_minute: None,
            reason: Some(why.to_string()),
            code: Some(why.code()),
            details: None,
        },
    }
}

/// Result of a series of RR intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HrvReport {
    /// Figures of the intervals as given.
    pub raw: hrv::TimeDomain,
    /// What was found wrong.
    pub artefacts: rr::Findings,
    /// Artefacts as a share of beats.
    pub artefact_share: f64,
    /// Figures after correction; the ones to show.
    pub corrected: hrv::TimeDomain,
    /// Poincare after correction.
    pub poincare: hrv::Poincare,
    /// DFA alpha 1 after correction, with 64 intervals.
    pub dfa_alpha1: Option<f64>,
    /// Sample entropy after correction, with 100 intervals.
    pub sample_entropy: Option<f64>,
    /// Band powers after correction, with 2 minutes.
    pub welch: Option<hrv::Bands>,
    /// The same by the other definition.
    pub lomb_scargle: Option<hrv::Bands>,
}

/// `hrv --rr`.
pub fn hrv(rr_ms: &[f64]) -> Result<HrvReport, rr::RrError> {
    let raw = hrv::time_domain(rr_ms)?;
    let fixed = rr::correct(rr_ms)?;
    let nn = &fixed.rr_ms;
    Ok(HrvReport {
        raw,
        artefacts: fixed.findings,
        artefact_share: fixed.share,
        corrected: hrv::time_domain(nn)?,
        poincare: hrv::poincare(nn)?,
        dfa_alpha1: hrv::dfa_alpha1(nn).ok(),
        sample_entropy: hrv::sample_entropy(nn).ok(),
        welch: hrv::bands(nn, hrv::Spectrum::Welch).ok(),
        lomb_scargle: hrv::bands(nn, hrv::Spectrum::LombScargle).ok(),
    })
}

/// A staged night.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageReport {
    /// Second of the file at which epoch 0 starts.
    pub start_s: f64,
    /// Whether the hours since the start were used.
    pub clock: bool,
    /// Whether motion was used.
    pub motion: bool,
    /// The epochs.
    pub epochs: Vec<StagedEpoch>,
    /// The night in figures.
    pub summary: summary::NightSummary,
}

impl StageReport {
    /// The table `epoch,stage,p_wake,p_light,p_deep,p_rem`; a stage without readings is `unknown`.
    #[must_use]
    pub fn csv(&self) -> String {
        use std::fmt::Write;
        let mut out = String::from("epoch,stage,p_wake,p_light,p_deep,p_rem");
        for e in &self.epochs {
            let name = match e.stage {
                Some(Stage::Wake) => "wake",
                Some(Stage::Light) => "light",
                Some(Stage::Deep) => "deep",
                Some(Stage::Rem) => "rem",
                None => "unknown",
            };
            // Writing to a String cannot fail.
            let _ = write!(
                out,
                "\n{},{name},{:.4},{:.4},{:.4},{:.4}",
                e.epoch, e.p_wake, e.p_light, e.p_deep, e.p_rem
            );
        }
        out
    }
}

/// Why staging a file fails.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StageFileError {
    /// The night.
    #[error(transparent)]
    Night(#[from] StageError),
    /// The motion file.
    #[error("motion file: {0}")]
    Motion(#[from] FileError),
}

/// `stage --hr`: `motion` is the text of a file of raw acceleration (`seconds,x,y,z` on the same clock); `bedtime_known` says that the start of the
/// file is bedtime, which lets the model use the hours since.
pub fn stage(
    hr: &[HeartRate],
    motion: Option<&str>,
    bedtime_known: bool,
) -> Result<StageReport, StageFileError> {
    let (start_s, epochs) = span(hr).ok_or(StageError::TooLittle)?;
    let clock = if bedtime_known { Clock::SinceBedtime } else { Clock::Without };
    let moved = motion.map(|text| moved_epochs(text, start_s, epochs)).transpose()?;
    let staged =
        Model::shipped(clock).stage(hr, start_s, epochs, moved.as_deref().map(Motion::actigraphy))?;
    let stages: Vec<Option<Stage>> = staged.iter().map(|e| e.stage).collect();
    Ok(StageReport {
        start_s,
        clock: bedtime_known,
        motion: moved.is_some(),
        summary: summary::summarise(&stages),
        epochs: staged,
    })
}

fn moved_epochs(text: &str, start_s: f64, epochs: usize) -> Result<Vec<Option<bool>>, FileError> {
    let samples = crate::files::acceleration(text)?;
    let first = samples.first().map_or(start_s, |s| s.seconds);
    let scored = motion::sustained_inactivity(&samples);
    Ok((0..epochs)
        .map(|e| {
            let at = ((start_s - first) / EPOCH_S).round() as i64 + e as i64;
            usize::try_from(at).ok().and_then(|i| scored.get(i).copied().flatten())
        })
        .collect())
}

/// Scored counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SleepWakeReport {
    /// Epoch length, seconds.
    pub epoch_s: f64,
    /// Formula whose result `asleep` holds: Oakley with threshold 40 (Actiwatch counts).
    pub method: Method,
    /// 1 asleep, 0 awake, `null` for a gap, one an epoch.
    pub asleep: Vec<Option<u8>>,
    /// The same after Webster's rescoring.
    pub rescored: Vec<Option<u8>>,
    /// Cole-Kripke (30 s) or Sadeh (60 s) beside it, where the epoch length fits; made for Motionlogger counts.
    pub other: Option<Vec<Option<u8>>>,
    /// Share of epochs equal to the device's own column, where the file has one (1 = wake there).
    pub device_agreement: Option<f64>,
}

/// `sleepwake --counts`; `epoch_s` overrides what the file's times say, and is needed for a bare list (60 s is assumed).
pub fn sleep_wake(f: &CountsFile, epoch_s: Option<f64>) -> Result<SleepWakeReport, CountsError> {
    let epoch_s = epoch_s.or(f.epoch_s).unwrap_or(60.0);
    let method = Method::Oakley { threshold: 40.0 };
    let asleep = score(&f.counts, epoch_s, method)?;
    let other =
        [Method::ColeKripke30, Method::Sadeh].into_iter().find_map(|m| score(&f.counts, epoch_s, m).ok());
    let digits = |s: &[Option<bool>]| s.iter().map(|v| v.map(u8::from)).collect::<Vec<_>>();
    let device_agreement = f.device.as_ref().map(|d| {
        let both: Vec<bool> = asleep
            .iter()
            .zip(d)
            .filter(|(_, d)| d.is_finite())
            .filter_map(|(a, d)| a.map(|a| a == (*d == 0.0)))
            .collect();
        both.iter().filter(|b| **b).count() as f64 / both.len().max(1) as f64
    });
    Ok(SleepWakeReport {
        epoch_s,
        method,
        rescored: digits(&webster(&asleep, epoch_s)),
        asleep: digits(&asleep),
        other: other.map(|o| digits(&o)),
        device_agreement,
    })
}
