//! The same measurement while frames arrive: a number or a reason once a second.

use super::{Frame, NotMeasurable, Pulse, measure};
use serde::Serialize;

/// What the screen shows after a frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LiveReading {
    /// Collecting; no number yet.
    Starting {
        /// Seconds of good signal so far.
        seconds: f64,
    },
    /// A heart rate over the last seconds.
    Beating {
        /// Seconds of good signal so far.
        seconds: f64,
        /// Beats a minute over the last 12 seconds.
        bpm: f64,
        /// 0..=1.
        quality: f64,
    },
    /// Nothing measurable in the last seconds, and why.
    Trouble {
        /// Stable word, as [`NotMeasurable::code`].
        code: &'static str,
        /// What to do.
        reason: String,
    },
}

/// Takes frames one by one. Holds at most two minutes of frames (230 kB at 60 fps).
///
/// ```
/// use cuba_signals::pulse::{Frame, LiveReading, PulseStream};
/// let mut stream = PulseStream::new();
/// let mut first = None;
/// for i in 0..600 {
///     let t = f64::from(i) / 30.0;
///     let v = -libm::exp(4.0 * libm::cos(std::f64::consts::TAU * t)) / 50.0;
///     if let Some(LiveReading::Beating { bpm, .. }) = stream.push(Frame { time_ms: t * 1000.0, r: 230.0 + v, g: 9.0, b: 2.0 }) {
///         first.get_or_insert((t, bpm));
///     }
/// }
/// let (at, bpm) = first.unwrap();
/// assert!(at < 10.0 && (bpm - 60.0).abs() < 1.5);
/// ```
#[derive(Debug, Clone, Default)]
pub struct PulseStream {
    frames: Vec<Frame>,
    next_report_ms: Option<f64>,
}

const LIVE_MS: f64 = 12_000.0;
const KEEP_MS: f64 = 120_000.0;

impl PulseStream {
    /// An empty stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a frame; about once a second returns a reading. After a clock jump the recording starts afresh.
    pub fn push(&mut self, frame: Frame) -> Option<LiveReading> {
        if !frame.time_ms.is_finite() {
            return Some(trouble(NotMeasurable::NotNumbers));
        }
        if let Some(last) = self.frames.last() {
            let step = frame.time_ms - last.time_ms;
            if !(-100.0..=1000.0).contains(&step) {
                *self = Self { frames: vec![frame], next_report_ms: Some(frame.time_ms + 1000.0) };
                return Some(trouble(NotMeasurable::ClockJump));
            }
        }
        self.frames.push(frame);
        let old = self.frames.partition_point(|f| f.time_ms < frame.time_ms - KEEP_MS);
        // Cutting in blocks keeps the cost of a frame constant.
        if old > 1000 {
            self.frames.drain(..old);
        }
        let due = *self.next_report_ms.get_or_insert(frame.time_ms + 1000.0);
        if frame.time_ms < due {
            return None;
        }
        self.next_report_ms = Some(frame.time_ms + 1000.0);
        Some(self.reading(frame.time_ms))
    }

    fn reading(&self, now_ms: f64) -> LiveReading {
        let from = self.frames.partition_point(|f| f.time_ms < now_ms - LIVE_MS);
        let recent = self.frames.get(from..).unwrap_or_default();
        let seconds = (now_ms - self.frames.first().map_or(now_ms, |f| f.time_ms)) / 1000.0;
        match measure(recent) {
            Ok(p) => LiveReading::Beating { seconds, bpm: p.bpm, quality: p.quality },
            Err(NotMeasurable::TooShort(_)) if seconds < super::gates::MIN_SECONDS + 1.0 => {
                LiveReading::Starting { seconds }
            }
            Err(why) => trouble(why),
        }
    }

    /// The result over everything recorded (the last two minutes at most).
    pub fn finish(self) -> Result<Pulse, NotMeasurable> {
        measure(&self.frames)
    }
}

fn trouble(why: NotMeasurable) -> LiveReading {
    LiveReading::Trouble { code: why.code(), reason: why.to_string() }
}
