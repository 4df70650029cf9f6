//! Nights: stored stages and heart rate into the figures of [`cuba_signals`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use cuba_health::merge::{Part, Reason, SleepDay, SleepSession, StageSpan};
use cuba_health::metric::{Metric, SleepStage};
use cuba_health::store::{Day, SourceId, Store};
use cuba_signals::files::HeartRate;
use cuba_signals::heart::{JudgedNight, judge_nights, lowest_five_minutes, resting_asleep};
use cuba_signals::sleep::features::EPOCH_S;
use cuba_signals::sleep::stage::Stage;
use cuba_signals::sleep::summary::{
    NightSummary, SleepScore, regularity_index, score, social_jet_lag, summarise,
};

use crate::ReportError;

/// Days before a night over which its regularity is reckoned.
pub const REGULARITY_DAYS: i32 = 28;
/// Epochs of regularity: five minutes.
const PER_DAY: usize = 288;
const MINUTE_MS: i64 = 60_000;

/// The sleep that ends on a day: the main session in figures, and the rest as naps.
#[derive(Clone, Debug, PartialEq)]
pub struct Night {
    /// Local day of waking up.
    pub day: Day,
    /// Who recorded the main sleep.
    pub source: SourceId,
    /// Start of the main sleep, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// Its end.
    pub end_ms: i64,
    /// Local time minus UTC at its end, minutes.
    pub offset_min: i16,
    /// Its stages.
    pub stages: Vec<StageSpan>,
    /// Whether light, deep and REM sleep are told apart.
    pub staged: bool,
    /// Whether being awake in bed was recorded: without it efficiency and waking mean nothing.
    pub knows_wake: bool,
    /// The classic figures of the main sleep.
    pub figures: NightSummary,
    /// Sleep outside the main session, minutes.
    pub naps_min: f64,
    /// Median heart rate of the main sleep without minutes with steps.
    pub heart_rate: Option<f64>,
    /// Lowest mean over five minutes of the main sleep.
    pub lowest_heart_rate: Option<f64>,
    /// Why other sources' sessions do not count.
    pub reasons: Vec<Reason>,
    asleep: Vec<(i64, i64)>,
}

impl Night {
    /// Time asleep with naps, minutes.
    pub fn total_min(&self) -> f64 {
        self.figures.asleep_min + self.naps_min
    }

    fn local(&self, ms: i64) -> i64 {
        ms + i64::from(self.offset_min) * MINUTE_MS
    }

    /// Local minute of the day of the start, from noon to noon so that bedtimes before and after midnight average:
    /// 22:30 is 1350, 00:30 is 1470.
    pub fn bedtime_min(&self) -> f64 {
        let minute = (self.local(self.start_ms) / MINUTE_MS).rem_euclid(1440) as f64;
        if minute < 720.0 { minute + 1440.0 } else { minute }
    }

    /// Local minute of the day of the end.
    pub fn wake_min(&self) -> f64 {
        (self.local(self.end_ms) / MINUTE_MS).rem_euclid(1440) as f64
    }
}

/// Nights whose day of waking up is in `from..=to`, with or without their heart rate (which reads all readings of
/// each night: about a millisecond a night at a reading a minute).
///
/// ```no_run
/// # fn f(store: &cuba_health::store::Store) -> Result<(), cuba_report::ReportError> {
/// use cuba_health::store::Day;
/// let day = Day::from_date(jiff::civil::date(2026, 11, 23));
/// for night in cuba_report::night::nights(store, day, day, true)? {
///     println!("{:.0} minutes asleep", night.total_min());
/// }
/// # Ok(()) }
/// ```
pub fn nights(store: &Store, from: Day, to: Day, with_heart: bool) -> Result<Vec<Night>, ReportError> {
    let mut out: Vec<Night> = store.sleep(from, to)?.iter().filter_map(night_of).collect();
    if with_heart {
        let mut readings = Readings::default();
        for night in &mut out {
            readings.read_for(store, night)?;
        }
    }
    Ok(out)
}

fn night_of(day: &SleepDay) -> Option<Night> {
    let main = day.sessions.get(day.main)?;
    let epochs = epochs(main);
    let has = |wanted: fn(SleepStage) -> bool| main.stages.iter().any(|s| wanted(s.stage));
    let staged = has(|s| matches!(s, SleepStage::Light | SleepStage::Deep | SleepStage::Rem));
    let naps = day.sessions.iter().enumerate().filter(|(i, _)| *i != day.main);
    let in_bed_longer =
        main.end_ms - main.start_ms > main.stages.iter().map(|s| s.end_ms - s.start_ms).sum::<i64>();
    Some(Night {
        day: day.day,
        source: main.source,
        start_ms: main.start_ms,
        end_ms: main.end_ms,
        offset_min: main.offset_min,
        stages: main.stages.clone(),
        staged,
        knows_wake: in_bed_longer || has(|s| matches!(s, SleepStage::Awake | SleepStage::OutOfBed)),
        figures: summarise(&epochs),
        naps_min: naps.map(|(_, s)| s.asleep_ms() as f64 / 60_000.0).sum(),
        heart_rate: None,
        lowest_heart_rate: None,
        reasons: day.reasons.clone(),
        asleep: day
            .sessions
            .iter()
            .flat_map(|s| s.stages.iter().filter(|x| x.stage.is_asleep()).map(|x| (x.start_ms, x.end_ms)))
            .collect(),
    })
}

/// The session in 30-second epochs. Sleep of unknown stage is put down as light, which [`Night::staged`] tells.
fn epochs(session: &SleepSession) -> Vec<Option<Stage>> {
    let epoch_ms = (EPOCH_S * 1000.0) as i64;
    let count = ((session.end_ms - session.start_ms) / epoch_ms).clamp(0, 100_000);
    let mut spans = session.stages.iter().peekable();
    (0..count)
        .map(|i| {
            let middle = session.start_ms + i * epoch_ms + epoch_ms / 2;
            while spans.peek().is_some_and(|s| s.end_ms <= middle) {
                spans.next();
            }
            let stage = spans.peek().filter(|s| s.start_ms <= middle)?.stage;
            match stage {
                SleepStage::InBed => None,
                SleepStage::Awake | SleepStage::OutOfBed => Some(Stage::Wake),
                SleepStage::Asleep | SleepStage::Light => Some(Stage::Light),
                SleepStage::Deep => Some(Stage::Deep),
                SleepStage::Rem => Some(Stage::Rem),
            }
        })
        .collect()
}

/// Merged readings of the days around a night; neighbouring nights share a day.
#[derive(Default)]
struct Readings(BTreeMap<(Metric, Day), Vec<Part>>);

impl Readings {
    fn read_for(&mut self, store: &Store, night: &mut Night) -> Result<(), ReportError> {
        let first = Day::of(night.start_ms, night.offset_min);
        self.0.retain(|(_, day), _| *day >= first.plus(-1));
        let between = |p: &Part| p.end_ms >= night.start_ms && p.start_ms < night.end_ms;
        let mut heart = Vec::new();
        let mut walking = Vec::new();
        let seconds = |ms: i64| (ms - night.start_ms) as f64 / 1000.0;
        for metric in [Metric::HeartRate, Metric::Steps] {
            for day in (first.0..=night.day.0).map(Day) {
                let parts = match self.0.entry((metric, day)) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(place) => place.insert(store.merged_day(metric, day)?.parts),
                };
                for part in parts.iter().filter(|p| between(p)) {
                    if metric == Metric::HeartRate {
                        heart.push(HeartRate { seconds: seconds(part.start_ms), bpm: part.value });
                    } else if part.value > 0.0 && part.end_ms - part.start_ms <= 10 * MINUTE_MS {
                        // A longer span with a few steps does not say in which of its minutes they were.
                        let minutes = ((part.end_ms - part.start_ms) / MINUTE_MS).max(1);
                        walking.extend((0..minutes).map(|m| seconds(part.start_ms + m * MINUTE_MS)));
                    }
                }
            }
        }
        night.heart_rate = resting_asleep(&heart, 0.0, seconds(night.end_ms), &walking);
        night.lowest_heart_rate = lowest_five_minutes(&heart);
        Ok(())
    }
}

/// Sleep Regularity Index of the four weeks that end with `day`, from nights that cover them.
///
/// A local day counts from noon to noon, and only those for which a night was recorded.
pub fn regularity(nights: &[Night], day: Day) -> Option<f64> {
    let first = day.0 - REGULARITY_DAYS + 1;
    let mut states: Vec<Option<bool>> = vec![None; REGULARITY_DAYS as usize * PER_DAY];
    let used: Vec<&Night> = nights.iter().filter(|n| n.day.0 >= first && n.day <= day).collect();
    for night in &used {
        let from = (night.day.0 - first) as usize * PER_DAY;
        states.iter_mut().skip(from).take(PER_DAY).for_each(|s| *s = Some(false));
    }
    let epoch_ms = 5 * MINUTE_MS;
    let noon = i64::from(first) * cuba_health::store::DAY_MS - cuba_health::store::DAY_MS / 2;
    for night in &used {
        for (start, end) in &night.asleep {
            let index = |ms: i64| (night.local(ms) - noon + epoch_ms / 2).div_euclid(epoch_ms);
            for i in index(*start)..index(*end) {
                if let Some(slot) = usize::try_from(i).ok().and_then(|i| states.get_mut(i)) {
                    *slot = Some(true);
                }
            }
        }
    }
    regularity_index(&states, PER_DAY)
}

/// Score of a night with its parts; `nights` are the nights before it too, for regularity.
pub fn night_score(night: &Night, nights: &[Night]) -> SleepScore {
    score(&night.figures, regularity(nights, night.day))
}

/// Social jet lag of some nights, hours: Saturdays and Sundays against the other days of waking up.
pub fn jet_lag(nights: &[Night]) -> Option<f64> {
    let middles: Vec<(f64, bool)> = nights
        .iter()
        .map(|n| {
            let middle = n.local(i64::midpoint(n.start_ms, n.end_ms));
            let hour = middle.rem_euclid(cuba_health::store::DAY_MS) as f64 / 3_600_000.0;
            (hour, n.day.date().weekday().to_monday_one_offset() >= 6)
        })
        .collect();
    social_jet_lag(&middles)
}

/// Each night's heart rate against those before it. Days without a night stand between as unknown.
pub fn judged(nights: &[Night]) -> Vec<(Day, JudgedNight)> {
    let (Some(first), Some(last)) = (nights.first(), nights.last()) else { return Vec::new() };
    let mut by_day: Vec<Option<f64>> = vec![None; (last.day.0 - first.day.0 + 1).max(1) as usize];
    for night in nights {
        if let Some(slot) = usize::try_from(night.day.0 - first.day.0).ok().and_then(|i| by_day.get_mut(i)) {
            *slot = night.heart_rate;
        }
    }
    let judged = judge_nights(&by_day);
    (first.day.0..).map(Day).zip(judged).filter(|(day, _)| nights.iter().any(|n| n.day == *day)).collect()
}
