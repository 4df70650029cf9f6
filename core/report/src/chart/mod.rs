//! Charts as data for the apps and as pictures: lines, ranges, bars, hypnograms, habit calendars, trends with their
//! baseline band.

mod draw;
mod frame;

use cuba_health::log::habit::{Entries, Entry, Goal, Habit};
use cuba_health::metric::SleepStage;
use cuba_health::store::{Bucket, Day, Store};
use jiff::civil::Date;
use serde::Serialize;

use crate::compare::{Band, FollowedTrend};
use crate::drawing::Drawing;
use crate::measure::Measure;
use crate::night::{Night, nights};
use crate::{Language, ReportError};

/// How fine a series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Step {
    Hour,
    Day,
    Week,
    Month,
}

/// One point. What adds up has its sum as all three; of weeks and months it is the mean of the days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Its day; first day of the week or month.
    pub day: Date,
    /// Local hour, for hours.
    pub hour: Option<u8>,
    /// Least.
    pub low: f64,
    /// Mean.
    pub value: f64,
    /// Greatest.
    pub high: f64,
}

/// A measure over time, in units that people read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// What it is.
    pub measure: Measure,
    /// Its name.
    pub title: String,
    /// Unit; empty for counts.
    pub unit: String,
    /// Decimals worth showing.
    pub decimals: usize,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// How fine.
    pub step: Step,
    /// In order; what was not recorded is not there.
    pub points: Vec<Point>,
}

/// A stretch of a hypnogram, minutes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StageBar {
    /// From.
    pub from_min: f64,
    /// To.
    pub to_min: f64,
    /// Which stage.
    pub stage: SleepStage,
}

/// A night's stages over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hypnogram {
    /// Its title.
    pub title: String,
    /// Day of waking up.
    pub day: Date,
    /// Local minute of the day at the start.
    pub start_minute: u32,
    /// Length, minutes.
    pub minutes: f64,
    /// Stages in order.
    pub bars: Vec<StageBar>,
}

/// A day of a habit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kept {
    Kept,
    Partly,
    Missed,
    Skipped,
    Unknown,
}

/// A habit by days, drawn in weeks from Monday.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calendar {
    /// The habit's name.
    pub title: String,
    /// First day of `days`.
    pub from: Date,
    /// One state a day.
    pub days: Vec<Kept>,
}

/// Any chart.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Chart {
    /// Points joined by a line.
    Line(Series),
    /// From least to greatest, with the mean.
    Range(Series),
    /// Amounts.
    Bars(Series),
    /// A line with the band of earlier days, and the slope where it is clear.
    Trend {
        /// The days.
        series: Series,
        /// Band of the days before, in the series' unit.
        baseline: Option<Band>,
        /// First and last value of the fitted line, in the series' unit, if the trend is clear.
        fitted: Option<(f64, f64)>,
    },
    /// A night.
    Hypnogram(Hypnogram),
    /// A habit.
    Calendar(Calendar),
}

impl Chart {
    /// The picture.
    pub fn draw(&self, language: Language) -> Drawing {
        match self {
            Self::Line(s) => draw::line(s, None, None, language),
            Self::Range(s) => draw::range(s, language),
            Self::Bars(s) => draw::bars(s, language),
            Self::Trend { series, baseline, fitted } => draw::line(series, *baseline, *fitted, language),
            Self::Hypnogram(h) => draw::hypnogram(h, language),
            Self::Calendar(c) => draw::calendar(c, language),
        }
    }

    /// The series, of the charts that have one.
    pub fn series(&self) -> Option<&Series> {
        match self {
            Self::Line(s) | Self::Range(s) | Self::Bars(s) | Self::Trend { series: s, .. } => Some(s),
            Self::Hypnogram(_) | Self::Calendar(_) => None,
        }
    }
}

/// The chart that suits a measure over the days `from..=to`: hours up to two days, days up to about two months, weeks
/// up to two years, months beyond.
///
/// # Errors
/// [`ReportError::NoData`] when nothing was recorded.
///
/// ```no_run
/// # fn f(store: &cuba_health::store::Store) -> Result<(), cuba_report::ReportError> {
/// use cuba_health::store::Day;
/// use cuba_report::{Language, chart, measure::Measure};
/// let to = Day::from_date(jiff::civil::date(2026, 11, 23));
/// let chart = chart::of(store, Measure::Asleep, to.plus(-29), to, Language::En)?;
/// std::fs::write("sleep.svg", chart.draw(Language::En).svg()).unwrap();
/// # Ok(()) }
/// ```
pub fn of(
    store: &Store,
    measure: Measure,
    from: Day,
    to: Day,
    language: Language,
) -> Result<Chart, ReportError> {
    let length = to.0 - from.0 + 1;
    let step = match length {
        ..=2 if !measure.of_night() => Step::Hour,
        ..=62 => Step::Day,
        63..=731 => Step::Week,
        _ => Step::Month,
    };
    let points =
        if measure.of_night() || matches!(measure, Measure::Metric(cuba_health::metric::Metric::Mood)) {
            let with_heart = measure == Measure::NightHeartRate;
            let nights = if measure.of_night() { nights(store, from, to, with_heart)? } else { Vec::new() };
            let daily = measure.daily(store, from, to, &nights)?;
            let days = (from.0..).map(Day).zip(daily).filter_map(|(d, v)| v.map(|v| (d, [v; 3])));
            grouped(measure, step, days)
        } else {
            stored(store, measure, from, to, step)?
        };
    if points.is_empty() {
        return Err(ReportError::NoData { what: measure.id().to_owned() });
    }
    let several = points.iter().any(|p| p.high > p.low);
    let series = Series {
        measure,
        title: measure.name(language),
        unit: unit(measure, step, language),
        decimals: measure.decimals(),
        from: from.date(),
        to: to.date(),
        step,
        points,
    };
    Ok(match (measure.adds_up(), several) {
        (true, _) => Chart::Bars(series),
        (false, true) => Chart::Range(series),
        (false, false) => Chart::Line(series),
    })
}

fn unit(measure: Measure, step: Step, language: Language) -> String {
    let unit = measure.unit();
    if !measure.adds_up() || matches!(step, Step::Hour | Step::Day) {
        return unit.to_owned();
    }
    format!("{unit} {}", language.words().report.a_day).trim().to_owned()
}

fn stored(
    store: &Store,
    measure: Measure,
    from: Day,
    to: Day,
    step: Step,
) -> Result<Vec<Point>, ReportError> {
    let Measure::Metric(metric) = measure else { return Ok(Vec::new()) };
    if step == Step::Hour {
        let points = store.chart(metric, from, to, Bucket::Hour)?;
        return Ok(points
            .iter()
            .filter_map(|p| Some(point(measure, p.day, p.hour, values(measure, &p.rollup)?)))
            .collect());
    }
    let days = store.chart(metric, from, to, Bucket::Day)?;
    let days = days.iter().filter_map(|p| Some((p.day, values(measure, &p.rollup)?)));
    Ok(grouped(measure, step, days))
}

fn values(measure: Measure, r: &cuba_health::store::Rollup) -> Option<[f64; 3]> {
    let value = measure.of_rollup(r)?;
    Some(if measure.adds_up() { [value; 3] } else { [r.min, value, r.max] })
}

fn point(measure: Measure, day: Day, hour: Option<u8>, [low, value, high]: [f64; 3]) -> Point {
    let scaled = |v: f64| measure.scaled(v);
    Point { day: day.date(), hour, low: scaled(low), value: scaled(value), high: scaled(high) }
}

/// Days into weeks or months: means of the days, least and greatest of all.
fn grouped(measure: Measure, step: Step, days: impl Iterator<Item = (Day, [f64; 3])>) -> Vec<Point> {
    let mut out: Vec<(Day, f64, [f64; 3])> = Vec::new();
    for (day, [low, value, high]) in days {
        let start = match step {
            Step::Week => day.plus(1 - i32::from(day.date().weekday().to_monday_one_offset())),
            Step::Month => Day::from_date(day.date().first_of_month()),
            Step::Hour | Step::Day => day,
        };
        match out.last_mut() {
            Some((last, n, sums)) if *last == start => {
                *n += 1.0;
                *sums = [sums[0].min(low), sums[1] + value, sums[2].max(high)];
            }
            _ => out.push((start, 1.0, [low, value, high])),
        }
    }
    out.into_iter()
        .map(|(day, n, [low, sum, high])| {
            let mean = sum / n;
            let [low, high] = if measure.adds_up() { [mean; 2] } else { [low, high] };
            point(measure, day, None, [low, mean, high])
        })
        .collect()
}

/// The chart of a followed trend.
pub fn of_trend(followed: &FollowedTrend, language: Language) -> Chart {
    let measure = followed.measure;
    let from = Day::from_date(followed.from);
    let to = from.plus(followed.daily.len() as i32 - 1);
    let known = (from.0..).map(Day).zip(&followed.daily).filter_map(|(d, v)| v.map(|v| (d, v)));
    let series = Series {
        measure,
        title: measure.name(language),
        unit: measure.unit().to_owned(),
        decimals: measure.decimals(),
        from: followed.from,
        to: to.date(),
        step: Step::Day,
        points: known.map(|(day, v)| point(measure, day, None, [v; 3])).collect(),
    };
    let scaled = |v: f64| measure.scaled(v);
    let baseline = followed.baseline.map(|b| Band {
        low: scaled(b.low),
        middle: scaled(b.middle),
        high: scaled(b.high),
    });
    let fitted = followed.trend.filter(|_| followed.clear).map(|t| {
        // Theil-Sen's line goes through the medians of day and value.
        let mut values: Vec<f64> = followed.daily.iter().flatten().copied().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.get(values.len() / 2).copied().unwrap_or(0.0);
        let half = t.per_week / 7.0 * (followed.daily.len() as f64 - 1.0) / 2.0;
        (scaled(middle - half), scaled(middle + half))
    });
    Chart::Trend { series, baseline, fitted }
}

/// The chart of a night.
pub fn of_night(night: &Night, language: Language) -> Chart {
    let minute = |ms: i64| (ms - night.start_ms) as f64 / 60_000.0;
    Chart::Hypnogram(Hypnogram {
        title: format!("{}, {}", language.words().sleep.title, language.date(night.day.date())),
        day: night.day.date(),
        start_minute: (night.bedtime_min() as u32) % 1440,
        minutes: minute(night.end_ms),
        bars: night
            .stages
            .iter()
            .map(|s| StageBar { from_min: minute(s.start_ms), to_min: minute(s.end_ms), stage: s.stage })
            .collect(),
    })
}

/// The calendar of a habit over `from..=to`.
pub fn of_habit(habit: &Habit, entries: &Entries, from: Day, to: Day) -> Chart {
    let state = |day: i32| match (entries.get(&Day(day)), habit.goal) {
        (None, _) => Kept::Unknown,
        (Some(Entry::Skipped), _) => Kept::Skipped,
        (Some(Entry::Done), _) => Kept::Kept,
        (Some(Entry::Missed), _) => Kept::Missed,
        (Some(Entry::Amount(v)), Goal::AtLeast(goal)) if *v * f64::from(habit.days.max(1)) >= goal => {
            Kept::Kept
        }
        (Some(Entry::Amount(v)), Goal::AtMost(limit)) if *v <= limit => Kept::Kept,
        (Some(Entry::Amount(v)), Goal::AtLeast(_)) if *v > 0.0 => Kept::Partly,
        (Some(Entry::Amount(v)), Goal::YesNo) if *v > 0.0 => Kept::Kept,
        (Some(Entry::Amount(_)), _) => Kept::Missed,
    };
    Chart::Calendar(Calendar {
        title: habit.name.clone(),
        from: from.date(),
        days: (from.0..=to.0).map(state).collect(),
    })
}
