//! Nights from stage samples of several sources.
//!
//! Unlike steps, a night is not cut into pieces of different devices: their stages do not fit together. The preferred
//! source that saw the session keeps it whole. A session belongs to the local day of waking up, whatever the clock
//! says: this holds for shift workers, naps and travellers without a rule about hours.

use serde::Serialize;

use super::{Reason, SourceSamples};
use crate::metric::SleepStage;
use crate::store::{Day, Sample, SourceId};

/// Longest time out of sleep within one session. Longer ones make two.
const MAX_GAP_MS: i64 = 60 * 60_000;

/// A stretch of one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StageSpan {
    /// Start, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// End.
    pub end_ms: i64,
    /// The stage.
    pub stage: SleepStage,
}

/// A night or a nap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SleepSession {
    /// Who recorded it.
    pub source: SourceId,
    /// First sample, in bed or asleep.
    pub start_ms: i64,
    /// Last sample: out of bed or awake.
    pub end_ms: i64,
    /// Offset of local time from UTC at the end, minutes: decides the day.
    pub offset_min: i16,
    /// Stages without overlap, in order; in-bed time is not among them.
    pub stages: Vec<StageSpan>,
}

impl SleepSession {
    /// Local day of waking up.
    pub fn day(&self) -> Day {
        // A night that ends at midnight sharp belongs to the day that ends.
        Day::of((self.end_ms - 1).max(self.start_ms), self.offset_min)
    }

    /// Time asleep, milliseconds.
    pub fn asleep_ms(&self) -> i64 {
        self.stages.iter().filter(|s| s.stage.is_asleep()).map(|s| s.end_ms - s.start_ms).sum()
    }

    /// Time of one stage, milliseconds.
    pub fn stage_ms(&self, stage: SleepStage) -> i64 {
        self.stages.iter().filter(|s| s.stage == stage).map(|s| s.end_ms - s.start_ms).sum()
    }

    /// Which of two sources knows more: stages before sleep as a whole before mere time in bed.
    fn detail(&self) -> u8 {
        if self
            .stages
            .iter()
            .any(|s| matches!(s.stage, SleepStage::Light | SleepStage::Deep | SleepStage::Rem))
        {
            2
        } else {
            u8::from(self.stages.iter().any(|s| s.stage.is_asleep()))
        }
    }
}

/// The sleep of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SleepDay {
    /// Local day of waking up.
    pub day: Day,
    /// Sessions in order; `main` is the index of the longest sleep, the others are naps or parts of a broken night.
    pub sessions: Vec<SleepSession>,
    /// Index of the main sleep.
    pub main: usize,
    /// Why other sources' sessions do not count.
    pub reasons: Vec<Reason>,
}

/// Sessions of all sources, which come in order of preference, by day of waking up.
pub fn merge_sleep(sources: &[SourceSamples]) -> Vec<SleepDay> {
    let mut candidates: Vec<(usize, SleepSession)> = Vec::new();
    for (rank, s) in sources.iter().enumerate() {
        candidates.extend(sessions_of(s).into_iter().map(|session| (rank, session)));
    }
    // A phone's bare time in bed does not beat a watch's stages, even where the user prefers the phone for the rest.
    candidates.sort_by_key(|(rank, s)| (s.detail() == 0, *rank, s.start_ms));
    let mut kept: Vec<SleepSession> = Vec::new();
    let mut reasons: Vec<(Day, Reason)> = Vec::new();
    for (_, session) in candidates {
        let beaten = kept.iter().find(|k| k.start_ms < session.end_ms && session.start_ms < k.end_ms);
        if let Some(winner) = beaten {
            let reason = Reason {
                start_ms: session.start_ms,
                end_ms: session.end_ms,
                winner: winner.source,
                loser: session.source,
            };
            reasons.push((winner.day(), reason));
        } else {
            kept.push(session);
        }
    }
    kept.sort_by_key(|s| (s.day(), s.start_ms));
    let mut days: Vec<SleepDay> = Vec::new();
    for session in kept {
        let day = session.day();
        match days.last_mut() {
            Some(last) if last.day == day => last.sessions.push(session),
            _ => days.push(SleepDay { day, sessions: vec![session], main: 0, reasons: Vec::new() }),
        }
    }
    for day in &mut days {
        let length = |s: &SleepSession| (s.asleep_ms(), s.end_ms - s.start_ms);
        // The earliest of equally long ones.
        day.main = day
            .sessions
            .iter()
            .enumerate()
            .max_by_key(|(i, s)| (length(s), std::cmp::Reverse(*i)))
            .map_or(0, |(i, _)| i);
        day.reasons = reasons.iter().filter(|r| r.0 == day.day).map(|r| r.1).collect();
        day.reasons.sort_unstable();
    }
    days
}

/// Groups one source's samples into sessions and makes their stages disjoint.
fn sessions_of(s: &SourceSamples) -> Vec<SleepSession> {
    let mut out: Vec<(SleepSession, Vec<Sample>)> = Vec::new();
    for x in s.samples.iter().filter(|x| x.end_ms > x.start_ms) {
        match out.last_mut() {
            Some((session, samples)) if x.start_ms - session.end_ms <= MAX_GAP_MS => {
                if x.end_ms > session.end_ms {
                    session.end_ms = x.end_ms;
                    session.offset_min = x.offset_min;
                }
                samples.push(*x);
            }
            _ => {
                let session = SleepSession {
                    source: s.source,
                    start_ms: x.start_ms,
                    end_ms: x.end_ms,
                    offset_min: x.offset_min,
                    stages: Vec::new(),
                };
                out.push((session, vec![*x]));
            }
        }
    }
    out.into_iter()
        .map(|(mut session, samples)| {
            session.stages = disjoint_stages(&samples);
            session
        })
        .collect()
}

/// Partial uploads of one night overlap (23:00-00:05, then 23:00-01:18). At every moment the sample that knows most
/// counts: a stage before plain sleep, then the longer sample, then the later one.
fn disjoint_stages(samples: &[Sample]) -> Vec<StageSpan> {
    let known: Vec<(StageSpan, (bool, i64, i64))> = samples
        .iter()
        .filter_map(|x| {
            let stage = SleepStage::from_value(x.value).filter(|s| *s != SleepStage::InBed)?;
            let span = StageSpan { start_ms: x.start_ms, end_ms: x.end_ms, stage };
            Some((span, (stage != SleepStage::Asleep, x.end_ms - x.start_ms, x.start_ms)))
        })
        .collect();
    let mut edges: Vec<i64> = known.iter().flat_map(|k| [k.0.start_ms, k.0.end_ms]).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut out: Vec<StageSpan> = Vec::new();
    for (&start, &end) in edges.iter().zip(edges.iter().skip(1)) {
        let best = known.iter().filter(|k| k.0.start_ms <= start && end <= k.0.end_ms).max_by_key(|k| k.1);
        let Some((span, _)) = best else { continue };
        match out.last_mut() {
            Some(last) if last.end_ms == start && last.stage == span.stage => last.end_ms = end,
            _ => out.push(StageSpan { start_ms: start, end_ms: end, stage: span.stage }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> (i64, i16) {
        let z: jiff::Zoned = text.parse().unwrap();
        (z.timestamp().as_millisecond(), (z.offset().seconds() / 60) as i16)
    }

    fn span(start: &str, end: &str, stage: SleepStage) -> Sample {
        let ((a, offset), (b, _)) = (ms(start), ms(end));
        Sample::over(a, b, stage.value(), offset)
    }

    fn source(n: u16, samples: Vec<Sample>) -> SourceSamples {
        SourceSamples { source: SourceId(n), samples }
    }

    #[test]
    fn overlapping_partial_uploads_are_one_night() {
        use SleepStage::{Asleep, Deep, Light};
        let night = source(
            1,
            vec![
                span("2026-03-01T23:00[UTC]", "2026-03-02T00:05[UTC]", Asleep),
                span("2026-03-01T23:00[UTC]", "2026-03-02T01:18[UTC]", Asleep),
                span("2026-03-01T23:30[UTC]", "2026-03-02T00:00[UTC]", Deep),
                span("2026-03-02T00:00[UTC]", "2026-03-02T00:05[UTC]", Light),
                span("2026-03-02T00:00[UTC]", "2026-03-02T06:00[UTC]", Light),
            ],
        );
        let days = merge_sleep(&[night]);
        assert_eq!(days.len(), 1);
        assert_eq!(days[0].day.date().to_string(), "2026-03-02");
        let session = &days[0].sessions[0];
        assert_eq!(session.asleep_ms(), 7 * 3_600_000);
        assert_eq!(session.stages.iter().map(|s| s.stage).collect::<Vec<_>>(), [Asleep, Deep, Light]);
    }

    #[test]
    fn night_shift_naps_clock_change_and_travel() {
        use SleepStage::Asleep;
        // Sleep after a night shift, by day; a nap in the evening; the night when Berlin's clocks go back (an hour
        // longer than they show); a flight from Tokyo over the date line to Honolulu.
        let person = source(
            1,
            vec![
                span("2026-10-23T08:00[Europe/Berlin]", "2026-10-23T15:30[Europe/Berlin]", Asleep),
                span("2026-10-23T21:00[Europe/Berlin]", "2026-10-23T21:25[Europe/Berlin]", Asleep),
                span("2026-10-24T23:00[Europe/Berlin]", "2026-10-25T07:00[Europe/Berlin]", Asleep),
                span("2026-10-30T23:00[Asia/Tokyo]", "2026-10-31T03:00[Asia/Tokyo]", Asleep),
                span("2026-10-30T22:00[Pacific/Honolulu]", "2026-10-31T06:00[Pacific/Honolulu]", Asleep),
            ],
        );
        let days = merge_sleep(&[person]);
        let table: Vec<(String, Vec<i64>, usize)> = days
            .iter()
            .map(|d| {
                (
                    d.day.date().to_string(),
                    d.sessions.iter().map(|s| s.asleep_ms() / 60_000).collect(),
                    d.main,
                )
            })
            .collect();
        assert_eq!(
            table,
            [
                ("2026-10-23".to_owned(), vec![450, 25], 0),
                ("2026-10-25".to_owned(), vec![540], 0),
                ("2026-10-31".to_owned(), vec![240, 480], 1),
            ]
        );
    }

    #[test]
    fn the_preferred_source_keeps_the_night_and_bare_bed_time_never_wins() {
        use SleepStage::{Asleep, InBed, Light, Rem};
        let phone = source(2, vec![span("2026-03-01T22:00[UTC]", "2026-03-02T08:00[UTC]", InBed)]);
        let watch = source(
            1,
            vec![
                span("2026-03-01T23:00[UTC]", "2026-03-02T02:00[UTC]", Light),
                span("2026-03-02T02:00[UTC]", "2026-03-02T06:00[UTC]", Rem),
            ],
        );
        let ring = source(
            3,
            vec![
                span("2026-03-01T23:10[UTC]", "2026-03-02T06:10[UTC]", Asleep),
                span("2026-03-02T14:00[UTC]", "2026-03-02T14:30[UTC]", Asleep),
            ],
        );
        let days = merge_sleep(&[phone, watch, ring]);
        assert_eq!(days.len(), 1);
        let sources: Vec<u16> = days[0].sessions.iter().map(|s| s.source.number()).collect();
        assert_eq!(sources, [1, 3]);
        let reasons: Vec<(u16, u16)> =
            days[0].reasons.iter().map(|r| (r.winner.number(), r.loser.number())).collect();
        assert_eq!(reasons, [(1, 2), (1, 3)]);
    }
}
