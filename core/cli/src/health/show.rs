//! Looking at what is stored: overview, `summary`, `chart`, `why`, `sleep`.

use std::io::Write;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use cuba_health::merge::{Part, Reason};
use cuba_health::metric::Metric;
use cuba_health::store::{Day, Source, SourceId, Store};
use cuba_report::chart::{self, Chart};
use cuba_report::measure::Measure;
use cuba_report::night::{Night, REGULARITY_DAYS, night_score, nights};
use cuba_report::summary::{Period, Summary, summarise};
use cuba_signals::sleep::summary::{NightSummary, SleepScore};
use serde::Serialize;

use super::open::Place;
use super::{answer, terminal, time, write_whole};
use crate::exit::{Code, Failure, Outcome};
use crate::screen;

/// What to do when there is nothing yet.
pub(super) fn nothing_yet(place: &Place) -> String {
    format!(
        "{}\nBring an export of another app in with `cuba health import FILE`,\n\
         or begin by hand: `cuba health log \"slept well, 2 coffees, 80.5 kg\"`",
        place.language().words().report.nothing_yet
    )
}

#[derive(Serialize)]
struct Overview {
    metrics: Vec<Recorded>,
    habits: usize,
    medications: usize,
}

#[derive(Serialize)]
struct Recorded {
    metric: Metric,
    sources: usize,
    from: Option<jiff::civil::Date>,
    to: Option<jiff::civil::Date>,
}

/// `cuba health` alone.
pub(super) fn overview(place: &Place) -> Outcome {
    let store = place.store()?;
    let recorded = |(metric, sources): (Metric, Vec<SourceId>)| {
        let span = store.span(metric)?;
        Ok(Recorded {
            metric,
            sources: sources.len(),
            from: span.map(|s| s.0.date()),
            to: span.map(|s| s.1.date()),
        })
    };
    let metrics = store.series()?.into_iter().map(recorded).collect::<Result<Vec<_>, Failure>>()?;
    let all = Overview { metrics, habits: store.habits()?.len(), medications: store.medications()?.len() };
    answer(place, &all, |out| {
        if all.metrics.is_empty() && all.habits + all.medications == 0 {
            return writeln!(out, "{}", nothing_yet(place));
        }
        for r in &all.metrics {
            let (Some(from), Some(to)) = (r.from, r.to) else { continue };
            writeln!(out, "{:<28} {from} to {to}, sources: {}", r.metric.id(), r.sources)?;
        }
        writeln!(out, "{:<28} {}", "habits", all.habits)?;
        writeln!(out, "{:<28} {}", "medications", all.medications)
    })
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("period").args(["week", "month", "year"])))]
pub(super) struct SummaryArgs {
    /// A day of the period, as 2026-11-23, today or yesterday
    #[arg(long, value_name = "DAY", default_value = "today")]
    day: String,
    /// The week from Monday
    #[arg(long)]
    week: bool,
    /// The calendar month
    #[arg(long)]
    month: bool,
    /// The calendar year
    #[arg(long)]
    year: bool,
}

pub(super) fn summary(place: &Place, args: &SummaryArgs) -> Outcome {
    let period = match (args.week, args.month, args.year) {
        (true, _, _) => Period::Week,
        (_, true, _) => Period::Month,
        (_, _, true) => Period::Year,
        _ => Period::Day,
    };
    let day = time::day(place, &args.day)?;
    let store = place.store()?;
    let summary = summarise(&store, period, day, &place.setting)?;
    answer(place, &summary, |out| summary_words(out, place, &store, &summary))
}

fn summary_words(out: &mut dyn Write, place: &Place, store: &Store, s: &Summary) -> std::io::Result<()> {
    let language = place.language();
    let words = &language.words().report;
    writeln!(out, "{}", language.dates(s.from, s.to))?;
    let empty = s.metrics.is_empty() && s.sleep.is_none() && s.habits.is_empty() && s.medications.is_empty();
    if empty && store.series().is_ok_and(|all| all.is_empty()) {
        return writeln!(out, "{}", nothing_yet(place));
    }
    for line in &s.sentences {
        writeln!(out, "  {line}")?;
    }
    for h in &s.habits {
        let strength = language.number(h.strength * 100.0, 0);
        writeln!(out, "  {}: {} {}/{}, {} {strength} %", h.name, words.kept, h.kept, h.days, words.strength)?;
    }
    for m in &s.medications {
        let counts = format!(
            "{} {}, {} {}, {} {}",
            words.taken, m.taken, words.skipped, m.skipped, words.open, m.open
        );
        writeln!(out, "  {}: {counts}", m.name)?;
    }
    Ok(())
}

#[derive(Debug, Args)]
pub(super) struct ChartArgs {
    /// A metric's id, or sleep, sleep_efficiency, night_heart_rate
    #[arg(value_name = "METRIC")]
    measure: String,
    /// First day [default: 30 days before the last]
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Last day [default: today]
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Write the chart as SVG into a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// A metric by its id; a near one is named when there is none.
pub(super) fn metric(text: &str) -> Result<Metric, Failure> {
    text.parse().map_err(|_| unknown_metric(text))
}

fn unknown_metric(text: &str) -> Failure {
    let failure = Failure::new(Code::BadInput, format_args!("there is no metric `{text}`"));
    let near: Vec<&str> =
        Metric::all().map(Metric::id).filter(|id| id.contains(text) || text.contains(id)).take(6).collect();
    match near.as_slice() {
        [] => failure.hint("`cuba health` lists those that have data"),
        _ => failure.hint(format_args!("perhaps {}", near.join(", "))),
    }
}

pub(super) fn chart(place: &Place, args: &ChartArgs) -> Outcome {
    let measure: Measure = args.measure.parse().map_err(|_| unknown_metric(&args.measure))?;
    let (from, to) = time::span(place, args.from.as_deref(), args.to.as_deref(), 30)?;
    let store = place.store()?;
    let chart = chart::of(&store, measure, from, to, place.language())?;
    if let Some(path) = &args.svg {
        let svg = chart.draw(place.language()).svg();
        write_whole(path, |out| Ok(out.write_all(svg.as_bytes())?))?;
        if !place.json {
            screen::note(format_args!("the chart is in {}", path.display()));
            return Ok(());
        }
    }
    answer(place, &chart, |out| write!(out, "{}", terminal::draw(&chart, place.language())))
}

#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// A metric's id; sleep_stage for nights
    metric: String,
    /// A time (09:20, 2026-11-23T09:20, with or without an offset) or a day
    time: String,
}

#[derive(Serialize)]
struct Why {
    metric: Metric,
    day: jiff::civil::Date,
    /// What counts at the time (of a day: nothing is listed).
    values: Vec<Value>,
    /// Who beat whom, and when.
    reasons: Vec<Beaten>,
}

#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the name in the JSON")]
struct Value {
    start: String,
    end: String,
    value: f64,
    unit: &'static str,
    source: String,
}

#[derive(Serialize)]
struct Beaten {
    start: String,
    end: String,
    winner: String,
    loser: String,
    sentence: String,
}

pub(super) fn why(place: &Place, args: &WhyArgs) -> Outcome {
    let metric = metric(&args.metric)?;
    let (day, at) = match time::day(place, &args.time) {
        Ok(day) => (day, None),
        Err(_) => {
            let at = time::moment(place, &args.time)?;
            (Day::of(at.as_millisecond(), time::offset(place, at)), Some(at.as_millisecond()))
        }
    };
    let store = place.store()?;
    let names = store.sources()?;
    let mut values = Vec::new();
    let mut reasons = Vec::new();
    if metric == Metric::SleepStage {
        for night in store.sleep(day, day)? {
            reasons.extend(night.reasons);
        }
        // The night that ends on the next day may hold this evening.
        if at.is_some() {
            store.sleep(day.plus(1), day.plus(1))?.into_iter().for_each(|n| reasons.extend(n.reasons));
        }
    }
    // A sample belongs to the day it starts on; one from before midnight may reach into this day.
    for d in [day.plus(-1), day] {
        let merged = store.merged_day(metric, d)?;
        let holds =
            |p: &&Part| at.is_some_and(|t| p.start_ms <= t && (t < p.end_ms || t - p.start_ms < 60_000));
        values.extend(merged.parts.iter().filter(holds).map(|p| value(place, &names, metric, p)));
        if metric != Metric::SleepStage && (d == day || at.is_some()) {
            reasons.extend(merged.reasons);
        }
    }
    reasons.sort_unstable();
    reasons.dedup();
    reasons.retain(|r| at.is_none_or(|t| r.start_ms <= t && t <= r.end_ms));
    let why = Why {
        metric,
        day: day.date(),
        values,
        reasons: reasons.iter().map(|r| beaten(place, &names, r)).collect(),
    };
    answer(place, &why, |out| why_words(out, &why, at.is_some()))
}

fn why_words(out: &mut dyn Write, why: &Why, at_a_time: bool) -> std::io::Result<()> {
    for v in &why.values {
        writeln!(out, "{} {} {} from {} ({} to {})", why.metric, v.value, v.unit, v.source, v.start, v.end)?;
    }
    if at_a_time && why.values.is_empty() {
        writeln!(out, "nothing was recorded at that time")?;
    }
    for r in &why.reasons {
        writeln!(out, "{}", r.sentence)?;
    }
    if why.reasons.is_empty() && !(at_a_time && why.values.is_empty()) {
        writeln!(out, "no other source had data then: nothing had to be decided")?;
    }
    Ok(())
}

fn name(names: &[Source], id: SourceId) -> String {
    names.iter().find(|s| s.id == id).map_or_else(|| id.number().to_string(), |s| s.name.clone())
}

fn value(place: &Place, names: &[Source], metric: Metric, p: &Part) -> Value {
    Value {
        start: time::local(place, p.start_ms),
        end: time::local(place, p.end_ms),
        value: p.value,
        unit: metric.info().unit.symbol(),
        source: name(names, p.source),
    }
}

fn beaten(place: &Place, names: &[Source], r: &Reason) -> Beaten {
    let (start, end) = (time::local(place, r.start_ms), time::local(place, r.end_ms));
    let (winner, loser) = (name(names, r.winner), name(names, r.loser));
    // The day is said once when both ends are on it.
    let short = if start.get(..10) == end.get(..10) { end.get(11..).unwrap_or(&end) } else { &end };
    let sentence = format!("{winner} beat {loser} {start}-{short}");
    Beaten { start, end, winner, loser, sentence }
}

#[derive(Debug, Args)]
pub(super) struct SleepArgs {
    /// The night that ended on this day [default: the last one recorded]
    #[arg(long, value_name = "DAY")]
    night: Option<String>,
    /// Write the hypnogram as SVG into a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Serialize)]
struct NightShown {
    day: jiff::civil::Date,
    source: String,
    start: String,
    end: String,
    /// Whether light, deep and REM sleep are told apart.
    staged: bool,
    figures: NightSummary,
    naps_min: f64,
    heart_rate: Option<f64>,
    lowest_heart_rate: Option<f64>,
    score: SleepScore,
    hypnogram: Chart,
    reasons: Vec<Beaten>,
}

pub(super) fn sleep(place: &Place, args: &SleepArgs) -> Outcome {
    let store = place.store()?;
    let day = match &args.night {
        Some(text) => time::day(place, text)?,
        None => match nights(&store, place.today().plus(-365), place.today(), false)?.last() {
            Some(night) => night.day,
            None => place.today(),
        },
    };
    let all = nights(&store, day.plus(-REGULARITY_DAYS), day, false)?;
    let Some(night) = nights(&store, day, day, true)?.pop() else {
        if args.night.is_none() && !place.json {
            writeln!(std::io::stdout().lock(), "{}", nothing_yet(place))?;
            return Ok(());
        }
        return Err(Failure::new(
            Code::BadInput,
            format_args!("no night was recorded that ended on {}", day.date()),
        )
        .hint("a night belongs to the day of waking up"));
    };
    let language = place.language();
    let chart = chart::of_night(&night, language);
    if let Some(path) = &args.svg {
        let svg = chart.draw(language).svg();
        write_whole(path, |out| Ok(out.write_all(svg.as_bytes())?))?;
    }
    let names = store.sources()?;
    let shown = NightShown {
        day: night.day.date(),
        source: name(&names, night.source),
        start: time::local(place, night.start_ms),
        end: time::local(place, night.end_ms),
        staged: night.staged,
        figures: night.figures.clone(),
        naps_min: night.naps_min,
        heart_rate: night.heart_rate,
        lowest_heart_rate: night.lowest_heart_rate,
        score: night_score(&night, &all),
        hypnogram: chart.clone(),
        reasons: night.reasons.iter().map(|r| beaten(place, &names, r)).collect(),
    };
    answer(place, &shown, |out| night_words(out, place, &night, &shown, &chart))
}

fn night_words(
    out: &mut dyn Write,
    place: &Place,
    night: &Night,
    shown: &NightShown,
    chart: &Chart,
) -> std::io::Result<()> {
    let language = place.language();
    let words = &language.words().sleep;
    let minutes = |m: f64| language.minutes(m);
    writeln!(out, "{}, {}", words.title, language.date(shown.day))?;
    writeln!(out, "{} \u{2013} {}  {}\n", shown.start, shown.end, shown.source)?;
    writeln!(out, "{}", terminal::draw(chart, language))?;
    let figures = &night.figures;
    let mut rows =
        vec![(words.asleep, minutes(figures.asleep_min)), (words.in_bed, minutes(figures.in_bed_min))];
    if night.knows_wake {
        rows.push((words.efficiency, format!("{} %", language.number(figures.efficiency, 0))));
        rows.extend(figures.latency_min.map(|m| (words.falling_asleep, minutes(m))));
        rows.push((words.awake, minutes(figures.waso_min)));
    }
    if night.staged {
        let stages =
            [(words.light, figures.light_min), (words.deep, figures.deep_min), (words.rem, figures.rem_min)];
        rows.extend(stages.map(|(name, m)| (name, minutes(m))));
    }
    if night.naps_min > 0.0 {
        rows.push((words.naps, minutes(night.naps_min)));
    }
    let beats = |v: f64| format!("{} /min", language.number(v, 1));
    rows.extend(night.heart_rate.map(|v| (words.night_heart_rate, beats(v))));
    rows.extend(night.lowest_heart_rate.map(|v| (words.lowest_heart_rate, beats(v))));
    for (name, value) in rows {
        writeln!(out, "{name:<28} {value}")?;
    }
    let parts: Vec<String> = shown
        .score
        .parts
        .iter()
        .map(|p| {
            let name = match p.name {
                "duration" => words.duration,
                "efficiency" => words.efficiency,
                "falling_asleep" => words.falling_asleep,
                _ => words.regularity,
            };
            format!("{name} {}/{}", language.number(p.points, 0), language.number(p.of, 0))
        })
        .collect();
    writeln!(out, "{:<28} {} ({})", words.score, language.number(shown.score.score, 0), parts.join(", "))?;
    shown.reasons.iter().try_for_each(|r| writeln!(out, "{}", r.sentence))
}
