//! Pulse from a phone camera: a fingertip over the lens, the mean red, green and blue of every frame, real timestamps.
//!
//! Path: check the clock and the finger ([`frames`]) -> undo delivery jitter of the timestamps -> resample to 120 Hz ->
//! zero-phase 0.5-4 Hz band-pass -> choose the channel whose beats agree best with their own template -> beats at the steepest
//! systolic upstroke, timed below one frame by a parabola ([`beats`]) -> heart rate, RR, RMSSD, breathing -- or the reason why not.
//!
//! Why so: the upstroke is the sharpest part of a camera pulse wave, so its time is the least disturbed by noise; a template of
//! the recording's own median beat needs no training data; autocorrelation gives an independent rate that the beats must agree with.
//!
//! Gates (all in one place, [`gates`]) were set on simulated noise and looked at on 12 of the 21 Welltory subjects
//! (01-04, 08-11, 15-18); nothing was fitted to a subject's true value.

pub mod beats;
pub mod breathing;
pub mod frames;
mod stream;
#[cfg(test)]
mod tests;

pub use stream::{LiveReading, PulseStream};

use crate::stats::{mean, median};
use beats::BeatTrain;
use serde::Serialize;

/// The thresholds of the quality gate, each with its reason.
pub mod gates {
    /// Shortest recording that gets a heart rate, seconds: eight beats at 60 bpm.
    pub const MIN_SECONDS: f64 = 8.0;
    /// Fewest frames a second: at 10 fps an upstroke falls between two frames.
    pub const MIN_FPS: f64 = 20.0;
    /// Median autocorrelation height below which nothing repeats (simulated noise: see `noise_is_refused`).
    pub const MIN_REPEAT: f64 = 0.35;
    /// Autocorrelation height at which the rate stands without trusted beats...
    pub const CLEAR_REPEAT: f64 = 0.55;
    /// ...if this share of at least five windows lies within 10 % of their median.
    pub const CLEAR_AGREEMENT: f64 = 0.7;
    /// Share of the recording's time covered by trusted beats that a heart rate needs.
    pub const MIN_TRUSTED: f64 = 0.5;
    /// Largest disagreement between beats and autocorrelation, as a share of the rate.
    pub const MAX_DISAGREEMENT: f64 = 0.12;
    /// Share of successive RR pairs that must be trusted before RMSSD is shown.
    pub const RMSSD_MIN_PAIRS: f64 = 0.6;
    /// Fewest trusted successive pairs for RMSSD.
    pub const RMSSD_MIN_COUNT: usize = 25;
}

/// One camera frame: time since the start in milliseconds and the frame's mean colour (any scale, red is what counts).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Milliseconds on any steady clock.
    pub time_ms: f64,
    /// Mean red.
    pub r: f64,
    /// Mean green.
    pub g: f64,
    /// Mean blue.
    pub b: f64,
}

/// A colour channel of the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Red: strongest light through a finger, sometimes saturated.
    Red,
    /// Green: deepest pulse where the phone does not cut it to zero.
    Green,
    /// Blue.
    Blue,
}

/// Why a recording gives no number. The text says what to do; `code` is stable for apps and files.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NotMeasurable {
    /// No or too few frames.
    #[error("only {0:.1} seconds of recording: keep the finger still for at least 10 seconds")]
    TooShort(f64),
    /// A time or colour is NaN or infinite.
    #[error("the recording holds values that are not numbers: record again")]
    NotNumbers,
    /// Time runs backwards or leaps.
    #[error("the clock of the recording jumps: close other apps and record again")]
    ClockJump,
    /// Frame rate below [`gates::MIN_FPS`].
    #[error(
        "only {0:.0} pictures a second, at least 20 are needed: close other apps or use a brighter place"
    )]
    SlowCamera(f64),
    /// The picture is not that of a lit finger.
    #[error("no finger on the lens: cover camera and flash fully with the fingertip")]
    NoFinger,
    /// The finger left the lens for too long.
    #[error("the finger left the lens: keep it still and record again")]
    FingerLifted,
    /// No channel changes at all.
    #[error("the picture does not change: press more lightly, or the camera is saturated")]
    NoPulsation,
    /// Changes, but without a steady beat.
    #[error("no steady beat in the signal: hold still, press lightly, warm cold hands")]
    Noisy,
}

impl NotMeasurable {
    /// A stable word for files and apps.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort(_) => "too_short",
            Self::NotNumbers => "not_numbers",
            Self::ClockJump => "clock_jump",
            Self::SlowCamera(_) => "slow_camera",
            Self::NoFinger => "no_finger",
            Self::FingerLifted => "finger_lifted",
            Self::NoPulsation => "no_pulsation",
            Self::Noisy => "noisy",
        }
    }
}

/// One interval between neighbouring beats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// When its second beat fell, seconds since the first frame.
    pub at_s: f64,
    /// Its length in milliseconds.
    pub ms: f64,
    /// Both beats look like the others and the length fits its neighbours.
    pub trusted: bool,
}

/// What a good recording gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pulse {
    /// Heart rate, beats a minute.
    pub bpm: f64,
    /// 0..=1: share of the time covered by trusted beats, times how well they match their template.
    pub quality: f64,
    /// Root mean square of successive differences of trusted RR intervals, milliseconds; `None` when not reliable.
    pub rmssd_ms: Option<f64>,
    /// Why there is no RMSSD.
    pub rmssd_reason: Option<&'static str>,
    /// Breaths a minute where breathing shows in at least two of three ways.
    pub breaths_per_minute: Option<f64>,
    /// The channel used.
    pub channel: Channel,
    /// Frames a second.
    pub fps: f64,
    /// Seconds used.
    pub seconds: f64,
    /// All intervals found, with their trust.
    pub rr: Vec<Interval>,
}

/// Measures the pulse of a whole recording, or says why it cannot.
///
/// ```
/// use cuba_signals::pulse::{Frame, measure};
/// let wave = |t: f64| -libm::exp(4.0 * libm::cos(std::f64::consts::TAU * 1.2 * t)) / 50.0;
/// let frames: Vec<Frame> = (0..900)
///     .map(|i| f64::from(i) / 30.0)
///     .map(|t| Frame { time_ms: t * 1000.0, r: 230.0 + wave(t), g: 30.0 + wave(t), b: 5.0 })
///     .collect();
/// assert!((measure(&frames).unwrap().bpm - 72.0).abs() < 0.5);
/// assert_eq!(measure(&frames[..1]).unwrap_err().code(), "too_short");
/// ```
pub fn measure(input: &[Frame]) -> Result<Pulse, NotMeasurable> {
    let clean = frames::prepare(input)?;
    let best = [Channel::Red, Channel::Green, Channel::Blue]
        .into_iter()
        .filter_map(|c| beats::analyse(&clean.times_s, clean.channel(c)).map(|t| (c, t)))
        .max_by(|a, b| a.1.score().total_cmp(&b.1.score()));
    let (channel, train) = best.ok_or(NotMeasurable::NoPulsation)?;
    let bpm = heart_rate(&train)?;
    let (rmssd_ms, rmssd_reason) = rmssd(&train);
    Ok(Pulse {
        bpm,
        quality: train.score(),
        rmssd_ms,
        rmssd_reason,
        breaths_per_minute: breathing::rate(&train),
        channel,
        fps: clean.fps,
        seconds: clean.seconds(),
        rr: train.intervals,
    })
}

fn heart_rate(train: &BeatTrain) -> Result<f64, NotMeasurable> {
    let repeat = median(&train.rates.iter().map(|r| r.height).collect::<Vec<_>>());
    let steady: Vec<f64> =
        train.rates.iter().filter(|r| r.height >= gates::MIN_REPEAT).map(|r| r.bpm).collect();
    if repeat.is_nan() || repeat < gates::MIN_REPEAT || steady.is_empty() {
        return Err(NotMeasurable::Noisy);
    }
    let windowed = median(&steady);
    if train.trusted >= gates::MIN_TRUSTED {
        let trusted: Vec<f64> = train.intervals.iter().filter(|i| i.trusted).map(|i| i.ms).collect();
        let from_beats = 60_000.0 / mean(&trusted);
        if (from_beats - windowed).abs() <= gates::MAX_DISAGREEMENT * windowed {
            return Ok(from_beats);
        }
    }
    // Single beats may be too disturbed to trust while the rhythm as a whole is plain.
    let agreeing: Vec<f64> =
        steady.iter().copied().filter(|b| (b - windowed).abs() <= 0.1 * windowed).collect();
    let enough = agreeing.len() as f64 >= gates::CLEAR_AGREEMENT * train.rates.len() as f64;
    if repeat >= gates::CLEAR_REPEAT && train.rates.len() >= 5 && enough {
        return Ok(mean(&agreeing));
    }
    Err(NotMeasurable::Noisy)
}

fn rmssd(train: &BeatTrain) -> (Option<f64>, Option<&'static str>) {
    let pairs = train.intervals.windows(2);
    let total = pairs.len();
    let squares: Vec<f64> =
        pairs.filter(|p| p[0].trusted && p[1].trusted).map(|p| (p[1].ms - p[0].ms).powi(2)).collect();
    if squares.len() < gates::RMSSD_MIN_COUNT {
        return (None, Some("too few clean beats in a row: record for a minute"));
    }
    if (squares.len() as f64) < gates::RMSSD_MIN_PAIRS * total as f64 {
        return (None, Some("too many disturbed beats for a beat-to-beat figure"));
    }
    (Some(mean(&squares).sqrt()), None)
}
