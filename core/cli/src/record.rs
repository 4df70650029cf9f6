//! The JSON objects of `cuba translate --json`: one a line.

use cuba_translate::{LineTranslation, Reason, TextTranslation, Timings};
use serde::Serialize;

/// One translated text or line.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'a> {
    source: &'a str,
    target: &'a str,
    from: String,
    to: String,
    engine: String,
    confidence: &'static str,
    reasons: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pivot: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_prob: Option<f32>,
    timings: Milliseconds,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    segments: Vec<SegmentRecord<'a>>,
}

/// Times in milliseconds.
#[derive(Debug, Serialize)]
struct Milliseconds {
    #[serde(skip_serializing_if = "Option::is_none")]
    detect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<f64>,
    total: f64,
}

#[derive(Debug, Serialize)]
struct SegmentRecord<'a> {
    source: &'a str,
    target: &'a str,
    confidence: &'static str,
    reasons: Vec<&'static str>,
}

impl<'a> Record<'a> {
    pub(crate) fn of_text(done: &'a TextTranslation, source: &'a str) -> Self {
        let Timings { detect, engine, total, .. } = done.timings;
        Self {
            source,
            target: &done.text,
            from: done.from.to_string(),
            to: done.to.to_string(),
            engine: done.engine.clone(),
            confidence: done.confidence.as_str(),
            reasons: names(&done.reasons),
            pivot: None,
            log_prob: None,
            timings: Milliseconds {
                detect: done.detection.is_some().then(|| milliseconds(detect)),
                engine: Some(milliseconds(engine)),
                total: milliseconds(total),
            },
            segments: done
                .segments
                .iter()
                .map(|s| SegmentRecord {
                    source: &s.source,
                    target: &s.target,
                    confidence: s.confidence.as_str(),
                    reasons: names(&s.reasons),
                })
                .collect(),
        }
    }

    pub(crate) fn of_line(line: &'a LineTranslation) -> Self {
        Self {
            source: &line.source,
            target: &line.text,
            from: line.from.to_string(),
            to: line.to.to_string(),
            engine: line.engine.to_string(),
            confidence: line.confidence.as_str(),
            reasons: names(&line.reasons),
            pivot: line.pivot.as_deref(),
            log_prob: line.log_prob,
            timings: Milliseconds { detect: None, engine: None, total: milliseconds(line.time) },
            segments: Vec::new(),
        }
    }
}

fn names(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|r| Reason::as_str(*r)).collect()
}

fn milliseconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
