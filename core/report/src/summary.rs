//! What a day, week, month or year held, as data and in words.

use std::collections::BTreeMap;

use cuba_health::log::habit::{Entry, Goal, strength};
use cuba_health::log::medication::{DoseState, open_doses};
use cuba_health::metric::{Kind, Metric};
use cuba_health::store::{Bucket, Day, Rollup, Store};
use cuba_signals::heart::NightLevel;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

use crate::measure::Measure;
use crate::night::{self, Night, REGULARITY_DAYS};
use crate::words::fill;
use crate::{Language, ReportError, Setting};

/// A stretch of local days that people speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Period {
    Day,
    Week,
    Month,
    Year,
}

impl Period {
    /// First and last day of the period that holds `day`; weeks begin on Monday.
    ///
    /// ```
    /// use cuba_health::store::Day;
    /// use cuba_report::summary::Period;
    /// let day = Day::from_date(jiff::civil::date(2026, 2, 18));
    /// let (from, to) = Period::Month.around(day);
    /// assert_eq!((from.date().to_string(), to.date().to_string()), ("2026-02-01".into(), "2026-02-28".into()));
    /// ```
    pub fn around(self, day: Day) -> (Day, Day) {
        let date = day.date();
        match self {
            Self::Day => (day, day),
            Self::Week => {
                let monday = day.plus(1 - i32::from(date.weekday().to_monday_one_offset()));
                (monday, monday.plus(6))
            }
            Self::Month => (Day::from_date(date.first_of_month()), Day::from_date(date.last_of_month())),
            Self::Year => (Day::from_date(date.first_of_year()), Day::from_date(date.last_of_year())),
        }
    }

    /// The period before the one that begins on `from`.
    pub fn before(self, from: Day) -> (Day, Day) {
        self.around(from.plus(-1))
    }
}

/// One metric over the period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricSummary {
    /// Which.
    pub metric: Measure,
    /// Its name in the summary's language.
    pub name: String,
    /// Unit of all values here: the stored one.
    pub unit: &'static str,
    /// Days with data.
    pub days: usize,
    /// Samples.
    pub samples: u64,
    /// Sum of the period, for what adds up.
    pub total: Option<f64>,
    /// Mean of the daily values.
    pub average: f64,
    /// Least value (of what adds up: least day).
    pub low: f64,
    /// Greatest value.
    pub high: f64,
    /// Mean of the daily values of the period before.
    pub before: Option<f64>,
}

/// The nights of the period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SleepSummary {
    /// Nights recorded.
    pub nights: usize,
    /// Mean time asleep a night with naps, minutes.
    pub asleep_min: f64,
    /// The same of the period before.
    pub before_min: Option<f64>,
    /// Mean efficiency, percent, of nights that say when the person was awake.
    pub efficiency: Option<f64>,
    /// Mean local time of going to bed, `23:10`.
    pub bedtime: String,
    /// Mean local time of waking up.
    pub wake_up: String,
    /// Mean of nights with stages, minutes.
    pub light_min: Option<f64>,
    /// Mean of nights with stages, minutes.
    pub deep_min: Option<f64>,
    /// Mean of nights with stages, minutes.
    pub rem_min: Option<f64>,
    /// Mean over nights of the night's median heart rate.
    pub heart_rate: Option<f64>,
    /// Sleep Regularity Index of the four weeks to the period's end.
    pub regularity: Option<f64>,
    /// Hours that free days are later.
    pub social_jet_lag_h: Option<f64>,
    /// Mean score, 0 to 100.
    pub score: f64,
    /// How much above the usual the night heart rate was at the end of a run of two or more nights, per minute.
    pub unusual_run_bpm: Option<f64>,
}

/// A habit over the period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HabitSummary {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Days entered as done, or with an amount.
    pub kept: usize,
    /// Days left out on purpose.
    pub skipped: usize,
    /// Days of the period up to today.
    pub days: usize,
    /// Strength at the end, 0 to 1.
    pub strength: f64,
}

/// A medication over the period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MedicationSummary {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Doses entered as taken.
    pub taken: usize,
    /// Doses entered as left out.
    pub skipped: usize,
    /// Due times without an entry.
    pub open: usize,
    /// Local day on which the stock runs out.
    pub runs_out: Option<Date>,
}

/// Things that were counted: workouts, symptoms, drinks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counted {
    /// Kind as stored.
    pub kind: String,
    /// Its name in the summary's language.
    pub name: String,
    /// How often (workouts, symptoms), or how many (drinks).
    pub count: f64,
    /// Time of workouts, minutes.
    pub minutes: f64,
}

/// The whole summary.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Which kind of period.
    pub period: Period,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Metrics with data, in the registry's order.
    pub metrics: Vec<MetricSummary>,
    /// Nights, if any.
    pub sleep: Option<SleepSummary>,
    /// Workouts by kind.
    pub workouts: Vec<Counted>,
    /// Symptoms, drinks and other events by kind.
    pub events: Vec<Counted>,
    /// Habits that are not archived.
    pub habits: Vec<HabitSummary>,
    /// Medications that are not archived.
    pub medications: Vec<MedicationSummary>,
    /// The same in sentences.
    pub sentences: Vec<String>,
}

/// Summarises the period around `day`.
pub fn summarise(store: &Store, period: Period, day: Day, setting: &Setting) -> Result<Summary, ReportError> {
    let (from, to) = period.around(day);
    between(store, period, from, to, setting)
}

/// Summarises `from..=to`, compared with as many days before; `period` says how that is worded.
pub fn between(
    store: &Store,
    period: Period,
    from: Day,
    to: Day,
    setting: &Setting,
) -> Result<Summary, ReportError> {
    let before = if period.around(from) == (from, to) {
        period.before(from)
    } else {
        (from.plus(from.0 - to.0 - 1), from.plus(-1))
    };
    let (start_ms, end_ms) = (setting.start_of(from), setting.start_of(to.plus(1)));
    let mut summary = Summary {
        period,
        from: from.date(),
        to: to.date(),
        metrics: metrics(store, (from, to), before, setting.language)?,
        sleep: sleep(store, (from, to), before)?,
        workouts: workouts(store, start_ms, end_ms, setting.language)?,
        events: events(store, start_ms, end_ms, setting.language)?,
        habits: habits(store, from, to.min(setting.today()))?,
        medications: medications(store, start_ms, end_ms, setting)?,
        sentences: Vec::new(),
    };
    summary.sentences = sentences(&summary, setting.language);
    Ok(summary)
}

fn metrics(
    store: &Store,
    (from, to): (Day, Day),
    before: (Day, Day),
    language: Language,
) -> Result<Vec<MetricSummary>, ReportError> {
    let mut out = Vec::new();
    for (metric, _) in store.series()? {
        // Nights have a section of their own; beats are too fine to be read.
        if matches!(metric, Metric::SleepStage | Metric::RrInterval | Metric::Mood) {
            continue;
        }
        let measure = Measure::Metric(metric);
        let points = store.chart(metric, from, to, Bucket::Day)?;
        let daily: Vec<f64> = points.iter().filter_map(|p| measure.of_rollup(&p.rollup)).collect();
        let Some(average) = mean(&daily) else { continue };
        let all = points.iter().fold(Rollup::EMPTY, |all, p| all.and(p.rollup));
        let (low, high) = if measure.adds_up() {
            daily.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)))
        } else {
            (all.min, all.max)
        };
        let earlier = store.chart(metric, before.0, before.1, Bucket::Day)?;
        let earlier: Vec<f64> = earlier.iter().filter_map(|p| measure.of_rollup(&p.rollup)).collect();
        let interval = metric.info().kind == Kind::Interval;
        out.push(MetricSummary {
            metric: measure,
            name: measure.name(language),
            unit: if interval { "s" } else { metric.info().unit.symbol() },
            days: daily.len(),
            samples: all.count,
            total: measure.adds_up().then_some(all.sum),
            average,
            low,
            high,
            before: mean(&earlier),
        });
    }
    out.extend(mood(store, (from, to), before, language)?);
    Ok(out)
}

/// Mood comes from two places, samples and the log.
fn mood(
    store: &Store,
    (from, to): (Day, Day),
    before: (Day, Day),
    language: Language,
) -> Result<Option<MetricSummary>, ReportError> {
    let measure = Measure::Metric(Metric::Mood);
    let daily: Vec<f64> = measure.daily(store, from, to, &[])?.into_iter().flatten().collect();
    let earlier: Vec<f64> = measure.daily(store, before.0, before.1, &[])?.into_iter().flatten().collect();
    Ok(mean(&daily).map(|average| MetricSummary {
        metric: measure,
        name: measure.name(language),
        unit: "",
        days: daily.len(),
        samples: daily.len() as u64,
        total: None,
        average,
        low: daily.iter().copied().fold(f64::INFINITY, f64::min),
        high: daily.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        before: mean(&earlier),
    }))
}

fn sleep(
    store: &Store,
    (from, to): (Day, Day),
    before: (Day, Day),
) -> Result<Option<SleepSummary>, ReportError> {
    let with_heart = to.0 - from.0 <= 31;
    let lead = REGULARITY_DAYS + 14;
    let all = night::nights(store, from.plus(-lead), to, with_heart)?;
    let own: Vec<&Night> = all.iter().filter(|n| n.day >= from).collect();
    if own.is_empty() {
        return Ok(None);
    }
    let earlier = night::nights(store, before.0, before.1, false)?;
    let over = |f: &dyn Fn(&Night) -> Option<f64>| mean(&own.iter().filter_map(|n| f(n)).collect::<Vec<_>>());
    let staged = |f: fn(&Night) -> f64| over(&|n| n.staged.then(|| f(n)));
    let scores: Vec<f64> = own.iter().map(|n| night::night_score(n, &all).score).collect();
    let own_nights: Vec<Night> = own.iter().map(|n| (*n).clone()).collect();
    Ok(Some(SleepSummary {
        nights: own.len(),
        asleep_min: over(&|n| Some(n.total_min())).unwrap_or(0.0),
        before_min: mean(&earlier.iter().map(Night::total_min).collect::<Vec<_>>()),
        efficiency: over(&|n| Measure::Efficiency.of_one_night(n)),
        bedtime: clock(over(&|n| Some(n.bedtime_min()))),
        wake_up: clock(over(&|n| Some(n.wake_min()))),
        light_min: staged(|n| n.figures.light_min),
        deep_min: staged(|n| n.figures.deep_min),
        rem_min: staged(|n| n.figures.rem_min),
        heart_rate: over(&|n| n.heart_rate),
        regularity: night::regularity(&all, own.last().map_or(to, |n| n.day)),
        social_jet_lag_h: night::jet_lag(&own_nights),
        score: mean(&scores).unwrap_or(0.0),
        unusual_run_bpm: night::judged(&all)
            .last()
            .filter(|(day, j)| *day >= from && j.level == NightLevel::UnusualRun)
            .and_then(|(_, j)| j.above_usual),
    }))
}

fn workouts(
    store: &Store,
    from_ms: i64,
    to_ms: i64,
    language: Language,
) -> Result<Vec<Counted>, ReportError> {
    let mut kinds: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for (_, _, w) in store.workouts(from_ms, to_ms)? {
        let entry = kinds.entry(w.kind).or_default();
        *entry = (entry.0 + 1.0, entry.1 + (w.end_ms - w.start_ms) as f64 / 60_000.0);
    }
    Ok(counted(kinds, language))
}

fn events(store: &Store, from_ms: i64, to_ms: i64, language: Language) -> Result<Vec<Counted>, ReportError> {
    let mut kinds: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for (_, e) in store.events(None, from_ms, to_ms)? {
        if e.kind == "note" {
            continue;
        }
        // "No coffee" is an entry of nothing; a symptom counts once whatever its severity.
        let amount = match e.kind.split('.').next() {
            Some("symptom" | "sleep") => f64::from(u8::from(e.value > 0.0)),
            _ => e.value,
        };
        kinds.entry(e.kind).or_default().0 += amount;
    }
    kinds.retain(|_, v| v.0 > 0.0);
    Ok(counted(kinds, language))
}

fn counted(kinds: BTreeMap<String, (f64, f64)>, language: Language) -> Vec<Counted> {
    kinds
        .into_iter()
        .map(|(kind, (count, minutes))| Counted { name: language.words().event(&kind), kind, count, minutes })
        .collect()
}

fn habits(store: &Store, from: Day, to: Day) -> Result<Vec<HabitSummary>, ReportError> {
    let mut out = Vec::new();
    for habit in store.habits()?.into_iter().filter(|h| !h.archived) {
        let entries = store.habit_entries(&habit)?;
        let first = entries.keys().next().copied().unwrap_or(from).min(from);
        let kept = |e: &Entry| match (e, habit.goal) {
            (Entry::Done, _) => true,
            (Entry::Amount(v), Goal::AtMost(limit)) => *v <= limit,
            (Entry::Amount(v), _) => *v > 0.0,
            _ => false,
        };
        let range = || entries.range(from..=to.max(from)).map(|e| e.1);
        out.push(HabitSummary {
            kept: range().filter(|e| kept(e)).count(),
            skipped: range().filter(|e| **e == Entry::Skipped).count(),
            days: (to.0 - from.0 + 1).max(0) as usize,
            strength: strength(&habit, &entries, first, to).last().copied().unwrap_or(0.0),
            key: habit.key,
            name: habit.name,
        });
    }
    Ok(out)
}

fn medications(
    store: &Store,
    from_ms: i64,
    to_ms: i64,
    setting: &Setting,
) -> Result<Vec<MedicationSummary>, ReportError> {
    let moment = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    // Due times are looked for after a moment: a millisecond earlier takes midnight in.
    let since = moment(from_ms).checked_sub(1.millisecond()).unwrap_or(Timestamp::MIN);
    let until = moment(to_ms).checked_sub(1.millisecond()).unwrap_or(Timestamp::MIN).min(setting.now);
    let mut out = Vec::new();
    for m in store.medications()?.into_iter().filter(|m| !m.archived) {
        let doses = store.doses(&m.key, since, until.max(since))?;
        let count = |s: DoseState| doses.iter().filter(|d| d.state == s).count();
        out.push(MedicationSummary {
            taken: count(DoseState::Taken),
            skipped: count(DoseState::Skipped),
            open: if until > since { open_doses(&m, &doses, since, until, &setting.zone).len() } else { 0 },
            runs_out: m.runs_out(setting.now, &setting.zone).map(Day::date),
            key: m.key,
            name: m.name,
        });
    }
    Ok(out)
}

fn sentences(s: &Summary, language: Language) -> Vec<String> {
    let words = language.words();
    let earlier = words.report.earlier.get(s.period as usize).copied().unwrap_or_default();
    let change = |text: Option<String>| {
        text.map_or_else(String::new, |t| {
            fill(words.report.line_change, &[("change", &t), ("earlier", earlier)])
        })
    };
    let mut out = Vec::new();
    for m in &s.metrics {
        let show = |v: f64| m.metric.show(language, v);
        let line = match m.total {
            Some(total) if s.period == Period::Day => language.labelled(&m.name, &show(total)),
            Some(total) => fill(
                words.report.line_total,
                &[("name", &m.name), ("value", &show(total)), ("daily", &show(m.average))],
            ),
            None if m.samples == 1 => language.labelled(&m.name, &show(m.average)),
            None => fill(
                words.report.line_average,
                &[
                    ("name", &m.name),
                    ("value", &show(m.average)),
                    ("low", &show(m.low)),
                    ("high", &show(m.high)),
                ],
            ),
        };
        let difference = m.before.map(|b| m.metric.show_difference(language, m.average - b));
        out.push(format!("{line}{}", change(difference)));
    }
    if let Some(sleep) = &s.sleep {
        let difference =
            sleep.before_min.map(|b| Measure::Asleep.show_difference(language, sleep.asleep_min - b));
        let asleep = language.minutes(sleep.asleep_min);
        let said = format!("{asleep}, {} \u{2013} {}{}", sleep.bedtime, sleep.wake_up, change(difference));
        out.push(language.labelled(words.sleep.title, &said));
        if let Some(bpm) = sleep.unusual_run_bpm {
            let bpm = Measure::NightHeartRate.show(language, bpm);
            out.push(fill(words.sleep.unusual_run, &[("bpm", &bpm)]));
        }
    }
    for c in &s.workouts {
        let said = format!("{} \u{d7}, {}", language.number(c.count, 0), language.minutes(c.minutes));
        out.push(language.labelled(&c.name, &said));
    }
    for c in &s.events {
        let decimals = usize::from(c.count.fract() != 0.0);
        out.push(language.labelled(&c.name, &language.number(c.count, decimals)));
    }
    if out.is_empty() {
        out.push(words.report.nothing.to_owned());
    }
    out
}

pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// `23:10` of a mean minute of the day, which may lie beyond midnight.
pub(crate) fn clock(minute: Option<f64>) -> String {
    minute.map_or_else(String::new, |m| {
        let m = (m.round() as i64).rem_euclid(1440);
        format!("{:02}:{:02}", m / 60, m % 60)
    })
}
