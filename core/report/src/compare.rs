//! Trends and insights: daily figures of the store through the tests of [`cuba_signals`].

use cuba_health::log::habit::{Entry, Goal};
use cuba_health::metric::Metric;
use cuba_health::store::{DAY_MS, Day, Store};
use cuba_signals::insights::{DailySeries, FALSE_DISCOVERY, Insight, Insights, find};
use cuba_signals::stats::quantile_sorted;
use cuba_signals::trend::{Trend, trend};
use jiff::civil::Date;
use serde::Serialize;

use crate::measure::Measure;
use crate::night::nights;
use crate::words::fill;
use crate::{Language, ReportError};

/// Days over which a trend is looked for, and days before them that make its baseline band.
pub const TREND_DAYS: i32 = 90;
/// Most recent days that insights look at: a year holds every season once.
pub const INSIGHT_DAYS: i32 = 365;

/// What is followed, where there is data of it.
const FOLLOWED: [Measure; 16] = [
    Measure::Asleep,
    Measure::Efficiency,
    Measure::NightHeartRate,
    Measure::Metric(Metric::RestingHeartRate),
    Measure::Metric(Metric::HrvRmssd),
    Measure::Metric(Metric::HrvSdnn),
    Measure::Metric(Metric::OxygenSaturation),
    Measure::Metric(Metric::RespiratoryRate),
    Measure::Metric(Metric::BloodPressureSystolic),
    Measure::Metric(Metric::BloodPressureDiastolic),
    Measure::Metric(Metric::Vo2Max),
    Measure::Metric(Metric::Weight),
    Measure::Metric(Metric::Steps),
    Measure::Metric(Metric::ActiveEnergy),
    Measure::Metric(Metric::WalkingSpeed),
    Measure::Metric(Metric::Mood),
];

/// Outcomes of insights: things a person cannot simply do.
const OUTCOMES: [Measure; 8] = [
    Measure::Asleep,
    Measure::Efficiency,
    Measure::NightHeartRate,
    Measure::Metric(Metric::RestingHeartRate),
    Measure::Metric(Metric::HrvRmssd),
    Measure::Metric(Metric::HrvSdnn),
    Measure::Metric(Metric::Mood),
    Measure::Metric(Metric::Weight),
];

/// Metrics that are things a person does.
const DONE: [Metric; 4] = [Metric::Caffeine, Metric::Alcohol, Metric::Tobacco, Metric::Steps];

/// Where the middle four fifths of the earlier days lay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Tenth percentile.
    pub low: f64,
    /// Median.
    pub middle: f64,
    /// Ninetieth percentile.
    pub high: f64,
}

/// The band of some days, with at least two weeks of them.
pub fn band(days: &[Option<f64>]) -> Option<Band> {
    let mut known: Vec<f64> = days.iter().flatten().copied().filter(|v| v.is_finite()).collect();
    if known.len() < 14 {
        return None;
    }
    known.sort_by(f64::total_cmp);
    let at = |q: f64| quantile_sorted(&known, q);
    Some(Band { low: at(0.1), middle: at(0.5), high: at(0.9) })
}

/// One followed measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FollowedTrend {
    /// Which.
    pub measure: Measure,
    /// Its name in the asked language.
    pub name: String,
    /// Unit of slope and band: that of [`Measure::daily`].
    pub unit: &'static str,
    /// First day of `daily`.
    pub from: Date,
    /// The days that were tested.
    pub daily: Vec<Option<f64>>,
    /// The trend; `None` with too few days.
    pub trend: Option<Trend>,
    /// Whether it passes the test among all that were tested.
    pub clear: bool,
    /// Baseline: the days before.
    pub baseline: Option<Band>,
    /// The same in a sentence.
    pub sentence: String,
}

/// Trends of everything that is followed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trends {
    /// Those with data, tested or not.
    pub followed: Vec<FollowedTrend>,
    /// How many had enough days to be tested.
    pub tested: usize,
    /// How many of them are clear.
    pub clear: usize,
    /// The count in a sentence.
    pub sentence: String,
}

/// Trends over the [`TREND_DAYS`] that end with `to`.
pub fn trends(store: &Store, to: Day, language: Language) -> Result<Trends, ReportError> {
    let from = to.plus(1 - TREND_DAYS);
    let all_nights = nights(store, from.plus(-TREND_DAYS), to, true)?;
    let mut followed = Vec::new();
    for measure in FOLLOWED {
        let daily = measure.daily(store, from, to, &all_nights)?;
        if daily.iter().flatten().next().is_none() {
            continue;
        }
        let earlier = measure.daily(store, from.plus(-TREND_DAYS), from.plus(-1), &all_nights)?;
        followed.push(FollowedTrend {
            measure,
            name: measure.name(language),
            unit: unit_of(measure),
            from: from.date(),
            trend: trend(&daily),
            daily,
            clear: false,
            baseline: band(&earlier),
            sentence: String::new(),
        });
    }
    let mut order: Vec<(f64, usize)> =
        followed.iter().enumerate().filter_map(|(i, f)| f.trend.map(|t| (t.p, i))).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let tested = order.len();
    let passed = (1..=tested)
        .rev()
        .find(|k| order.get(k - 1).is_some_and(|o| o.0 <= FALSE_DISCOVERY * *k as f64 / tested as f64))
        .unwrap_or(0);
    for (_, i) in order.iter().take(passed) {
        if let Some(f) = followed.get_mut(*i) {
            f.clear = true;
        }
    }
    for f in &mut followed {
        f.sentence = trend_sentence(f, language);
    }
    let sentence = fill(
        language.words().compare.trends_tested,
        &[("tested", &tested.to_string()), ("clear", &passed.to_string())],
    );
    Ok(Trends { followed, tested, clear: passed, sentence })
}

fn unit_of(measure: Measure) -> &'static str {
    match measure {
        Measure::Metric(m) => m.info().unit.symbol(),
        other => other.unit(),
    }
}

fn trend_sentence(f: &FollowedTrend, language: Language) -> String {
    let words = &language.words().compare;
    let Some(t) = f.trend else { return language.labelled(&f.name, words.not_enough_days) };
    if !f.clear {
        return language.labelled(&f.name, words.trend_unclear);
    }
    let show = |v: f64| f.measure.show_difference(language, v);
    fill(
        words.trend_line,
        &[
            ("name", &f.name),
            ("slope", &show(t.per_week)),
            ("low", &show(t.low)),
            ("high", &show(t.high)),
            ("days", &t.days.to_string()),
        ],
    )
}

/// Insights with their sentences.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// The tests' own result: found, tested, left out.
    #[serde(flatten)]
    pub insights: Insights,
    /// One sentence each, in the same order.
    pub sentences: Vec<String>,
    /// How much was tried, in a sentence.
    pub tested: String,
}

/// Which habits go along with which outcomes over the [`INSIGHT_DAYS`] that end with `to`.
///
/// The night that follows a day counts to that day (the store keeps it under the day of waking up), so that "the same
/// day or the night after it" is what the words say.
pub fn insights(store: &Store, to: Day, language: Language) -> Result<Told, ReportError> {
    // The last night follows yesterday; today's has not been slept.
    let to = to.plus(-1);
    let from = to.plus(1 - INSIGHT_DAYS);
    let (habits, outcomes) = (habit_series(store, from, to, language)?, outcome_series(store, from, to)?);
    let first_weekday = usize::try_from(from.date().weekday().to_monday_zero_offset()).unwrap_or(0);
    let found = find(&habits, &outcomes, first_weekday);
    let words = &language.words().compare;
    let tested = if found.pairs_tested == 0 {
        words.insights_too_little.to_owned()
    } else {
        let (n, k) = (found.pairs_tested.to_string(), found.found.len().to_string());
        let text = fill(words.insights_tested, &[("tested", &n), ("found", &k)]);
        if found.found.is_empty() { format!("{text} {}", words.insights_none) } else { text }
    };
    let sentences = found.found.iter().map(|i| insight_sentence(i, &habits, language)).collect();
    Ok(Told { insights: found, sentences, tested })
}

fn habit_series(
    store: &Store,
    from: Day,
    to: Day,
    language: Language,
) -> Result<Vec<DailySeries>, ReportError> {
    let len = (to.0 - from.0 + 1).max(0) as usize;
    let mut out = Vec::new();
    for habit in store.habits()?.into_iter().filter(|h| !h.archived) {
        let entries = store.habit_entries(&habit)?;
        let Some(first) = entries.keys().next().copied() else { continue };
        let last = entries.keys().next_back().copied().unwrap_or(first);
        let days = (from.0..=to.0)
            .map(|d| match entries.get(&Day(d)) {
                Some(Entry::Done) => Some(1.0),
                Some(Entry::Missed) => Some(0.0),
                Some(Entry::Skipped) => None,
                Some(Entry::Amount(v)) => Some(*v),
                // While a yes-or-no habit is being kept, a day without an entry is a day without it; an amount that
                // was not entered is not known.
                None => (habit.goal == Goal::YesNo && first.0 <= d && d <= last.0).then_some(0.0),
            })
            .collect();
        let unit = if habit.goal == Goal::YesNo { String::new() } else { habit.unit };
        out.push(DailySeries { name: habit.name, unit, days });
    }
    for metric in DONE {
        let measure = Measure::Metric(metric);
        let mut days = measure.daily(store, from, to, &[])?;
        if metric != Metric::Steps {
            silence_is_none(&mut days);
        }
        if days.iter().flatten().next().is_some() {
            out.push(DailySeries { name: measure.name(language), unit: unit_of(measure).to_owned(), days });
        }
    }
    let ms = |day: Day| i64::from(day.0) * DAY_MS;
    let mut trained = vec![None; len];
    for (_, _, w) in store.workouts(ms(from.plus(-1)), ms(to.plus(2)))? {
        let at = usize::try_from(Day::of(w.start_ms, w.offset_min).0 - from.0).ok();
        if let Some(slot) = at.and_then(|i| trained.get_mut(i)) {
            *slot = Some(1.0);
        }
    }
    silence_is_none(&mut trained);
    if trained.iter().flatten().next().is_some() {
        out.push(DailySeries {
            name: language.words().compare.workout.to_owned(),
            unit: String::new(),
            days: trained,
        });
    }
    Ok(out)
}

/// Between the first and the last entry of what is only noted when it happens, a day without one is a day without it.
fn silence_is_none(days: &mut [Option<f64>]) {
    let (Some(first), Some(last)) =
        (days.iter().position(Option::is_some), days.iter().rposition(Option::is_some))
    else {
        return;
    };
    for slot in days.iter_mut().take(last + 1).skip(first) {
        *slot = Some(slot.unwrap_or(0.0));
    }
}

/// Outcomes under their ids; names for people are put in with the sentence.
fn outcome_series(store: &Store, from: Day, to: Day) -> Result<Vec<DailySeries>, ReportError> {
    let all_nights = nights(store, from, to.plus(1), true)?;
    let mut out = Vec::new();
    for measure in OUTCOMES {
        let shift = i32::from(measure.of_night());
        let days = measure.daily(store, from.plus(shift), to.plus(shift), &all_nights)?;
        if days.iter().flatten().next().is_some() {
            out.push(DailySeries { name: measure.id().to_owned(), unit: unit_of(measure).to_owned(), days });
        }
    }
    Ok(out)
}

fn insight_sentence(i: &Insight, habits: &[DailySeries], language: Language) -> String {
    let words = &language.words().compare;
    let yes_no = habits
        .iter()
        .find(|h| h.name == i.habit)
        .is_some_and(|h| h.days.iter().flatten().all(|v| *v == 0.0 || (*v - 1.0).abs() < 1e-9));
    let template = match (yes_no, i.effect >= 0.0) {
        (true, true) => words.with_habit_higher,
        (true, false) => words.with_habit_lower,
        (false, true) => words.more_habit_higher,
        (false, false) => words.more_habit_lower,
    };
    let Ok(outcome) = i.outcome.parse::<Measure>() else { return String::new() };
    let show = |v: f64| outcome.show_difference(language, v);
    // "12 min lower (4 to 20)": the direction is in the word, so the numbers are of the size.
    let sign = if i.effect >= 0.0 { 1.0 } else { -1.0 };
    let (near, far) = if sign > 0.0 { (i.low, i.high) } else { (-i.high, -i.low) };
    let effect = show(i.effect.abs());
    fill(
        template,
        &[
            ("habit", &i.habit),
            ("outcome", &outcome.name(language).to_lowercase()),
            ("effect", effect.trim_start_matches('+')),
            ("low", show(near).trim_start_matches('+')),
            ("high", show(far).trim_start_matches('+')),
            ("lag", words.lags.get(i.lag_days).copied().unwrap_or_default()),
            ("days", &i.days.to_string()),
            ("with", &i.days_with.to_string()),
        ],
    )
}
