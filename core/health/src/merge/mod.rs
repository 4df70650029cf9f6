//! One truth from several sources, with the reason for it.
//!
//! Phone and watch both count the same walk; adding them up doubles it, and taking the larger day loses the hour when
//! only the other one was worn. So sources are merged where they overlap in time, in the user's order: a lower source
//! counts only where no higher one has data. What "has data" means differs by metric ([`Overlap`]).
//!
//! Pure functions over samples: no database, no clock. Times are compared in UTC, so that clock changes and travel
//! cannot double or lose an hour.

mod sleep;

pub use sleep::{SleepDay, SleepSession, StageSpan, merge_sleep};

use serde::Serialize;

use crate::metric::{Kind, Metric, Overlap};
use crate::store::{Sample, SourceId};

/// The samples of one source, sorted by start.
#[derive(Clone, Debug)]
pub struct SourceSamples {
    /// Whose they are.
    pub source: SourceId,
    /// Sorted by start.
    pub samples: Vec<Sample>,
}

/// A sample, or the piece of it that no preferred source covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Whose sample it is.
    pub source: SourceId,
    /// The whole sample.
    pub sample: Sample,
    /// Start of the piece.
    pub start_ms: i64,
    /// End of the piece.
    pub end_ms: i64,
    /// Value of the piece: a cumulative sample's value in proportion to the time that is left of it.
    pub value: f64,
}

/// Why something does not count: `winner` had data, `loser` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reason {
    /// From, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// To.
    pub end_ms: i64,
    /// Number of the source that counts.
    #[serde(serialize_with = "number")]
    pub winner: SourceId,
    /// Number of the source that does not.
    #[serde(serialize_with = "number")]
    pub loser: SourceId,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn number<S: serde::Serializer>(source: &SourceId, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_u16(source.number())
}

/// What counts, and why the rest does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// Sorted by start of the piece.
    pub parts: Vec<Part>,
    /// Sorted by start.
    pub reasons: Vec<Reason>,
}

impl Merged {
    /// The reasons that touch a moment.
    pub fn why(&self, ms: i64) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(move |r| r.start_ms <= ms && ms <= r.end_ms)
    }
}

/// Merges sources, which come in order of preference.
///
/// ```
/// use cuba_health::merge::{SourceSamples, merge};
/// use cuba_health::metric::Metric;
/// # use cuba_health::store::*;
/// # let dir = tempfile::tempdir().unwrap();
/// # let keys = cuba_vault::KeyFile::new(dir.path().join("kek"));
/// # let options = cuba_vault::OpenOptions::at(jiff::Timestamp::UNIX_EPOCH);
/// # let store = Store::open(&dir.path().join("db"), &keys, &options)?;
/// # let mut batch = store.batch();
/// # let watch = batch.source(&NewSource::new("w", "Watch", SourceKind::Watch))?;
/// # let phone = batch.source(&NewSource::new("p", "Phone", SourceKind::Phone))?;
/// let minute = 60_000;
/// let merged = merge(Metric::Steps, &[
///     SourceSamples { source: watch, samples: vec![Sample::over(0, 10 * minute, 1000.0, 0)] },
///     SourceSamples { source: phone, samples: vec![Sample::over(5 * minute, 15 * minute, 800.0, 0)] },
/// ]);
/// assert_eq!(merged.parts.iter().map(|p| p.value).sum::<f64>(), 1400.0);
/// assert_eq!((merged.reasons[0].start_ms, merged.reasons[0].end_ms), (5 * minute, 10 * minute));
/// # Ok::<(), cuba_health::HealthError>(())
/// ```
pub fn merge(metric: Metric, sources: &[SourceSamples]) -> Merged {
    let mut merged = match metric.info().overlap {
        Overlap::Span => merge_spans(metric, sources),
        Overlap::Reach(reach) => merge_readings(sources, reach),
        Overlap::Echo(window) => merge_entries(sources, window),
    };
    merged.parts.sort_by_key(|p| (p.start_ms, p.end_ms, p.source));
    merged.reasons = join_reasons(merged.reasons, metric);
    merged
}

/// Time that is spoken for: disjoint, sorted, each with its source.
#[derive(Default)]
struct Covered(Vec<(i64, i64, SourceId)>);

impl Covered {
    /// The stretches that overlap `start..end`, in order. `from` remembers the place between calls with rising starts.
    fn over(&self, start: i64, end: i64, from: &mut usize) -> &[(i64, i64, SourceId)] {
        while self.0.get(*from).is_some_and(|c| c.1 <= start) {
            *from += 1;
        }
        let rest = self.0.get(*from..).unwrap_or_default();
        let len = rest.iter().take_while(|c| c.0 < end).count();
        rest.get(..len).unwrap_or_default()
    }

    /// The stretch that holds a moment (ends included when `closed`).
    fn at(&self, ms: i64, closed: bool) -> Option<SourceId> {
        let i = self.0.partition_point(|c| if closed { c.1 < ms } else { c.1 <= ms });
        self.0.get(i).filter(|c| c.0 <= ms).map(|c| c.2)
    }

    /// Adds the stretches of one source where nothing is covered yet.
    fn add(&mut self, source: SourceId, mut spans: Vec<(i64, i64)>) {
        spans.retain(|s| s.0 < s.1);
        spans.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
        for (start, end) in spans {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        let mut from = 0;
        let mut free = Vec::with_capacity(joined.len());
        for (start, end) in joined {
            free_parts(self.over(start, end, &mut from), start, end, |a, b| free.push((a, b, source)));
        }
        self.0.append(&mut free);
        self.0.sort_unstable();
    }
}

/// Calls `f` with each stretch of `start..end` that `covered` leaves free.
fn free_parts(covered: &[(i64, i64, SourceId)], start: i64, end: i64, mut f: impl FnMut(i64, i64)) {
    let mut at = start;
    for &(a, b, _) in covered {
        if a > at {
            f(at, a);
        }
        at = at.max(b);
    }
    if at < end {
        f(at, end);
    }
}

fn merge_spans(metric: Metric, sources: &[SourceSamples]) -> Merged {
    let proportional = metric.info().kind == Kind::Cumulative;
    let mut covered = Covered::default();
    let mut out = Merged::default();
    for SourceSamples { source, samples } in sources {
        let mut from = 0;
        for s in samples {
            let length = s.end_ms - s.start_ms;
            if length == 0 {
                match covered.at(s.start_ms, false) {
                    None => out.parts.push(whole(*source, s)),
                    Some(winner) => out.reasons.push(reason(s.start_ms, s.end_ms, winner, *source)),
                }
                continue;
            }
            let over = covered.over(s.start_ms, s.end_ms, &mut from);
            if over.is_empty() {
                out.parts.push(whole(*source, s));
                continue;
            }
            for &(a, b, winner) in over {
                out.reasons.push(reason(a.max(s.start_ms), b.min(s.end_ms), winner, *source));
            }
            free_parts(over, s.start_ms, s.end_ms, |start_ms, end_ms| {
                let share = if proportional { (end_ms - start_ms) as f64 / length as f64 } else { 1.0 };
                out.parts.push(Part {
                    source: *source,
                    sample: *s,
                    start_ms,
                    end_ms,
                    value: s.value * share,
                });
            });
        }
        covered.add(*source, samples.iter().map(|s| (s.start_ms, s.end_ms)).collect());
    }
    out
}

fn merge_readings(sources: &[SourceSamples], reach: i64) -> Merged {
    let mut covered = Covered::default();
    let mut out = Merged::default();
    for SourceSamples { source, samples } in sources {
        let mut reached = Vec::new();
        for s in samples {
            match covered.at(s.start_ms, true) {
                None => {
                    out.parts.push(whole(*source, s));
                    reached.push((s.start_ms - reach / 2, s.end_ms + reach / 2));
                }
                Some(winner) => out.reasons.push(reason(s.start_ms, s.end_ms, winner, *source)),
            }
        }
        covered.add(*source, reached);
    }
    out
}

fn merge_entries(sources: &[SourceSamples], window: i64) -> Merged {
    let mut out = Merged::default();
    // Each kept entry answers for one echo from each other source.
    let mut kept: Vec<(Sample, SourceId)> = Vec::new();
    for SourceSamples { source, samples } in sources {
        let mut echoed = vec![false; kept.len()];
        let before = kept.len();
        for s in samples {
            let first =
                kept.iter().take(before).position(|k| k.0.start_ms >= s.start_ms - window).unwrap_or(before);
            let echo = kept
                .iter()
                .zip(&echoed)
                .enumerate()
                .take(before)
                .skip(first)
                .take_while(|(_, (k, _))| k.0.start_ms <= s.start_ms + window)
                .find(|(_, (k, done))| !**done && k.0.value.to_bits() == s.value.to_bits())
                .map(|(i, (k, _))| (i, k.1));
            if let Some((i, winner)) = echo {
                if let Some(done) = echoed.get_mut(i) {
                    *done = true;
                }
                out.reasons.push(reason(s.start_ms, s.end_ms, winner, *source));
            } else {
                out.parts.push(whole(*source, s));
                kept.push((*s, *source));
            }
        }
        kept.sort_by_key(|k| (k.0.start_ms, k.1));
    }
    out
}

fn whole(source: SourceId, s: &Sample) -> Part {
    Part { source, sample: *s, start_ms: s.start_ms, end_ms: s.end_ms, value: s.value }
}

fn reason(start_ms: i64, end_ms: i64, winner: SourceId, loser: SourceId) -> Reason {
    Reason { start_ms, end_ms, winner, loser }
}

/// Joins reasons of the same two sources that touch, or for readings lie within their reach: one line for a walk.
fn join_reasons(mut reasons: Vec<Reason>, metric: Metric) -> Vec<Reason> {
    let gap = if let Overlap::Reach(reach) = metric.info().overlap { reach } else { 0 };
    reasons.sort_by_key(|r| (r.winner, r.loser, r.start_ms, r.end_ms));
    let mut out: Vec<Reason> = Vec::with_capacity(reasons.len());
    for r in reasons {
        match out.last_mut() {
            Some(l) if (l.winner, l.loser) == (r.winner, r.loser) && r.start_ms <= l.end_ms + gap => {
                l.end_ms = l.end_ms.max(r.end_ms);
            }
            _ => out.push(r),
        }
    }
    out.sort_unstable();
    out
}

#[cfg(test)]
mod tests;
