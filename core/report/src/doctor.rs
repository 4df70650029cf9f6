//! The report to take along: a period in figures and charts, as HTML and PDF.

use cuba_health::metric::Metric;
use cuba_health::store::{Bucket, Day, Store};

use crate::card::Card;
use crate::chart::{self, Chart};
use crate::compare::{Told, Trends, insights, trends};
use crate::measure::Measure;
use crate::night::{Night, nights};
use crate::page::{Block, Document};
use crate::summary::{MetricSummary, Period, Summary, between};
use crate::{Language, ReportError, Setting, card};

/// A finished report, to be written as often as wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Report(Document);

impl Report {
    /// One HTML file that needs nothing else.
    pub fn html(&self) -> String {
        self.0.html()
    }

    /// A PDF of A4 pages.
    pub fn pdf(&self) -> Vec<u8> {
        self.0.pdf()
    }
}

/// Groups of metrics that have a chapter, with what is charted in it.
const HEART: [Measure; 6] = [
    Measure::Metric(Metric::HeartRate),
    Measure::NightHeartRate,
    Measure::Metric(Metric::RestingHeartRate),
    Measure::Metric(Metric::HrvRmssd),
    Measure::Metric(Metric::HrvSdnn),
    Measure::Metric(Metric::OxygenSaturation),
];
const ACTIVITY: [Measure; 3] = [
    Measure::Metric(Metric::Steps),
    Measure::Metric(Metric::ExerciseTime),
    Measure::Metric(Metric::ActiveEnergy),
];
const BODY: [Measure; 4] = [
    Measure::Metric(Metric::Weight),
    Measure::Metric(Metric::BodyFat),
    Measure::Metric(Metric::BloodGlucose),
    Measure::Metric(Metric::BodyTemperature),
];

/// Makes the report of the days `from..=to`. Name and date of birth come from the emergency card, if they are there.
///
/// At the floor a report of 90 days with a reading of the heart rate a minute takes seconds: reckon it off the screen's
/// thread.
pub fn report(store: &Store, from: Day, to: Day, setting: &Setting) -> Result<Report, ReportError> {
    let language = setting.language;
    let words = language.words();
    let summary = between(store, Period::Month, from, to, setting)?;
    let all_nights = nights(store, from, to, true)?;
    let (trends, told) = (trends(store, to, language)?, insights(store, to, language)?);
    let mut blocks = vec![Block::Facts(head(store, &card::load(store)?, from, to, setting)?)];
    blocks.push(Block::Note(words.report.about.to_owned()));
    if summary.metrics.is_empty() && summary.sleep.is_none() {
        blocks.push(Block::Paragraph(words.report.nothing.to_owned()));
    }
    blocks.extend(overview(&summary, language));
    let charts = |measures: &[Measure]| figures(store, measures, from, to, language);
    let mut heart = charts(&HEART)?;
    heart.extend(blood_pressure(store, from, to, language)?);
    chapter(&mut blocks, words.report.heart, heart);
    chapter(&mut blocks, words.sleep.title, sleep(store, &summary, &all_nights, from, to, language)?);
    let mut activity = charts(&ACTIVITY)?;
    activity.extend(workouts(&summary, language));
    chapter(&mut blocks, words.report.activity, activity);
    chapter(&mut blocks, words.report.body, charts(&BODY)?);
    chapter(&mut blocks, words.report.medication, medication(&summary, language));
    chapter(
        &mut blocks,
        words.report.habits,
        habits(store, &summary, from, to.min(setting.today()), language)?,
    );
    chapter(&mut blocks, words.report.mood_and_notes, mood(store, &summary, from, to, setting)?);
    chapter(&mut blocks, words.compare.trends, trend_blocks(&trends, language));
    chapter(&mut blocks, words.compare.insights, insight_blocks(&told));
    let methods = words.report.method_lines.iter().map(|l| (*l).to_owned()).collect();
    chapter(&mut blocks, words.report.methods, vec![Block::List(methods)]);
    Ok(Report(Document {
        title: words.report.title.to_owned(),
        language,
        made: setting.now.to_zoned(setting.zone.clone()),
        foot: format!("Cuba \u{b7} {}", language.dates(from.date(), to.date())),
        blocks,
    }))
}

fn chapter(blocks: &mut Vec<Block>, title: &str, content: Vec<Block>) {
    if !content.is_empty() {
        blocks.push(Block::Heading(title.to_owned()));
        blocks.extend(content);
    }
}

fn head(
    store: &Store,
    card: &Card,
    from: Day,
    to: Day,
    setting: &Setting,
) -> Result<Vec<(String, String)>, ReportError> {
    let language = setting.language;
    let words = &language.words().report;
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push((name.to_owned(), value));
        }
    };
    add(words.name, card.name.clone());
    add(words.born, card.birth_date.map_or_else(String::new, |d| language.date(d)));
    add(words.period, language.dates(from.date(), to.date()));
    add(words.made, language.date(setting.today().date()));
    let used: Vec<_> = store.series()?.into_iter().flat_map(|s| s.1).collect();
    let names: Vec<String> =
        store.sources()?.into_iter().filter(|s| used.contains(&s.id)).map(|s| s.name).collect();
    add(words.sources, names.join(", "));
    Ok(facts)
}

fn overview(summary: &Summary, language: Language) -> Vec<Block> {
    if summary.metrics.is_empty() {
        return Vec::new();
    }
    let words = &language.words().report;
    let head =
        [words.measure, words.average, words.range, words.days, words.before].map(str::to_owned).to_vec();
    let row = |m: &MetricSummary| {
        let show = |v: f64| m.metric.show(language, v);
        let daily = if m.total.is_some() { format!(" {}", words.a_day) } else { String::new() };
        vec![
            m.name.clone(),
            format!("{}{daily}", show(m.average)),
            if m.samples > 1 { format!("{} \u{2013} {}", show(m.low), show(m.high)) } else { String::new() },
            m.days.to_string(),
            m.before.map_or_else(|| "\u{2013}".to_owned(), show),
        ]
    };
    let rows = summary.metrics.iter().map(row).collect();
    vec![Block::Heading(words.overview.to_owned()), Block::Table { head, rows }]
}

/// A chart of each measure that has data.
fn figures(
    store: &Store,
    measures: &[Measure],
    from: Day,
    to: Day,
    language: Language,
) -> Result<Vec<Block>, ReportError> {
    let mut out = Vec::new();
    for measure in measures {
        match chart::of(store, *measure, from, to, language) {
            Ok(chart) => out.push(Block::Figure(chart.draw(language))),
            Err(ReportError::NoData { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(out)
}

/// Both pressures by part of the period: a week a row.
fn blood_pressure(store: &Store, from: Day, to: Day, language: Language) -> Result<Vec<Block>, ReportError> {
    let words = &language.words().report;
    let weekly = |metric| store.chart(metric, from, to, Bucket::Week);
    let (upper, lower) = (weekly(Metric::BloodPressureSystolic)?, weekly(Metric::BloodPressureDiastolic)?);
    let mut rows = Vec::new();
    for high in &upper {
        let Some(low) = lower.iter().find(|l| l.day == high.day) else { continue };
        let number = |v: Option<f64>| v.map_or_else(String::new, |v| language.number(v, 0));
        let range = |r: &cuba_health::store::Rollup| {
            format!("{} \u{2013} {}", number(Some(r.min)), number(Some(r.max)))
        };
        rows.push(vec![
            language.short_date(high.day.date()),
            format!("{}/{} mmHg", number(high.rollup.mean()), number(low.rollup.mean())),
            format!("{} / {}", range(&high.rollup), range(&low.rollup)),
            high.rollup.count.to_string(),
        ]);
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let head = [words.blood_pressure, words.average, words.range, words.readings].map(str::to_owned).to_vec();
    Ok(vec![Block::Table { head, rows }])
}

fn sleep(
    store: &Store,
    summary: &Summary,
    all: &[Night],
    from: Day,
    to: Day,
    language: Language,
) -> Result<Vec<Block>, ReportError> {
    let Some(s) = &summary.sleep else { return Ok(Vec::new()) };
    let words = &language.words().sleep;
    let mut facts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.push((name.to_owned(), value));
        }
    };
    let minutes = |m: f64| language.minutes(m);
    let number = |v: f64, d: usize| language.number(v, d);
    add(words.nights, Some(s.nights.to_string()));
    add(words.asleep, Some(minutes(s.asleep_min)));
    add(words.bedtime, Some(s.bedtime.clone()));
    add(words.wake_up, Some(s.wake_up.clone()));
    add(words.efficiency, s.efficiency.map(|v| format!("{} %", number(v, 0))));
    add(words.light, s.light_min.map(minutes));
    add(words.deep, s.deep_min.map(minutes));
    add(words.rem, s.rem_min.map(minutes));
    let beats: Vec<f64> = all.iter().filter_map(|n| n.heart_rate).collect();
    let beat = crate::summary::mean(&beats);
    add(words.night_heart_rate, beat.map(|v| Measure::NightHeartRate.show(language, v)));
    add(words.regularity, s.regularity.map(|v| number(v, 0)));
    add(words.social_jet_lag, s.social_jet_lag_h.map(|v| minutes(v * 60.0)));
    add(words.score, Some(number(s.score, 0)));
    let mut blocks = vec![Block::Facts(facts)];
    blocks.extend(figures(store, &[Measure::Asleep], from, to, language)?);
    if let Some(night) = all.iter().rev().find(|n| n.staged) {
        blocks.push(Block::Figure(chart::of_night(night, language).draw(language)));
    }
    Ok(blocks)
}

fn workouts(summary: &Summary, language: Language) -> Vec<Block> {
    if summary.workouts.is_empty() {
        return Vec::new();
    }
    let words = &language.words().report;
    let head = [words.workouts, words.times, words.time].map(str::to_owned).to_vec();
    let row = |c: &crate::summary::Counted| {
        vec![c.name.clone(), language.number(c.count, 0), language.minutes(c.minutes)]
    };
    vec![Block::Table { head, rows: summary.workouts.iter().map(row).collect() }]
}

fn medication(summary: &Summary, language: Language) -> Vec<Block> {
    if summary.medications.is_empty() {
        return Vec::new();
    }
    let words = &language.words().report;
    let head = [words.medication, words.taken, words.skipped, words.open].map(str::to_owned).to_vec();
    let rows = summary
        .medications
        .iter()
        .map(|m| vec![m.name.clone(), m.taken.to_string(), m.skipped.to_string(), m.open.to_string()])
        .collect();
    vec![Block::Table { head, rows }]
}

fn habits(
    store: &Store,
    summary: &Summary,
    from: Day,
    to: Day,
    language: Language,
) -> Result<Vec<Block>, ReportError> {
    if summary.habits.is_empty() {
        return Ok(Vec::new());
    }
    let words = &language.words().report;
    let head = [words.habits, words.kept, words.strength].map(str::to_owned).to_vec();
    let mut rows = Vec::new();
    let mut calendars = Vec::new();
    for h in &summary.habits {
        let strength = format!("{} %", language.number(h.strength * 100.0, 0));
        rows.push(vec![h.name.clone(), format!("{}/{}", h.kept, h.days), strength]);
        let habit = store.habit(&h.key)?;
        let entries = store.habit_entries(&habit)?;
        if to >= from && entries.range(from..=to).next().is_some() {
            calendars.push(Block::Figure(chart::of_habit(&habit, &entries, from, to).draw(language)));
        }
    }
    let mut blocks = vec![Block::Table { head, rows }];
    blocks.append(&mut calendars);
    Ok(blocks)
}

fn mood(
    store: &Store,
    summary: &Summary,
    from: Day,
    to: Day,
    setting: &Setting,
) -> Result<Vec<Block>, ReportError> {
    let language = setting.language;
    let words = &language.words().report;
    let mut blocks = figures(store, &[Measure::Metric(Metric::Mood)], from, to, language)?;
    if !summary.events.is_empty() {
        let head = [words.kind, words.times].map(str::to_owned).to_vec();
        let row = |c: &crate::summary::Counted| {
            vec![c.name.clone(), language.number(c.count, usize::from(c.count.fract() != 0.0))]
        };
        blocks.push(Block::Table { head, rows: summary.events.iter().map(row).collect() });
    }
    let (start, end) = (setting.start_of(from), setting.start_of(to.plus(1)));
    let notes: Vec<String> = store
        .events(Some("note"), start, end)?
        .iter()
        .map(|(_, e)| {
            language.labelled(&language.short_date(Day::of(e.start_ms, e.offset_min).date()), &e.text)
        })
        .collect();
    if !notes.is_empty() {
        blocks.push(Block::List(notes));
    }
    Ok(blocks)
}

fn trend_blocks(trends: &Trends, language: Language) -> Vec<Block> {
    if trends.followed.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Paragraph(trends.sentence.clone())];
    blocks.push(Block::List(trends.followed.iter().map(|f| f.sentence.clone()).collect()));
    let clear: Vec<Chart> =
        trends.followed.iter().filter(|f| f.clear).map(|f| chart::of_trend(f, language)).collect();
    blocks.extend(clear.iter().map(|c| Block::Figure(c.draw(language))));
    if !clear.is_empty() {
        blocks.push(Block::Note(language.words().report.baseline.to_owned()));
    }
    blocks
}

fn insight_blocks(told: &Told) -> Vec<Block> {
    let mut blocks = vec![Block::Paragraph(told.tested.clone())];
    if !told.sentences.is_empty() {
        blocks.push(Block::List(told.sentences.clone()));
    }
    blocks
}
