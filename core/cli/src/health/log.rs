//! `cuba health log`: a line of plain words into entries.

use std::io::{BufRead as _, Write as _};

use clap::Args;
use cuba_health::log::mood::Mood;
use cuba_health::log::quick::{Clause, Doubt, Item, parse};
use cuba_health::store::{Batch, Event, NewSource, Sample, SourceId, SourceKind, Store};
use cuba_report::Language;
use cuba_report::measure::Measure;
use jiff::Timestamp;
use serde::Serialize;

use super::open::Place;
use super::{answer, time};
use crate::exit::{Code, Failure, Outcome};
use crate::screen;

/// Key of the source that holds what is entered by hand.
const BY_HAND: &str = "cuba.by_hand";

#[derive(Debug, Args)]
#[command(after_help = "\
English, Spanish, French and Portuguese, mixed or not; clauses are separated by commas. What is not understood stays a \
note in your own words. Where two readings are possible Cuba asks back; where it cannot ask, nothing is stored, the \
questions are printed and the exit code is 4.")]
pub(super) struct LogArgs {
    /// What to note, such as "slept badly, 2 coffees, 80.5 kg"
    text: String,
    /// When it was [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

#[derive(Serialize)]
struct Logged<'a> {
    stored: bool,
    clauses: &'a [Clause],
    questions: Vec<Question>,
}

#[derive(Serialize)]
struct Question {
    text: String,
    doubt: Doubt,
    #[serde(rename = "question")]
    wording: &'static str,
}

pub(super) fn run(place: &Place, args: &LogArgs) -> Outcome {
    let at = args.at.as_deref().map_or(Ok(place.setting.now), |t| time::moment(place, t))?;
    let mut clauses = parse(&args.text);
    if clauses.is_empty() {
        return Err(Failure::new(Code::BadInput, "there is nothing to note"));
    }
    let questions = |clauses: &[Clause]| -> Vec<Question> {
        clauses
            .iter()
            .filter_map(|c| {
                let doubt = *c.reading.as_ref().err()?;
                Some(Question { text: c.text.clone(), doubt, wording: question(doubt, place.language()) })
            })
            .collect()
    };
    if screen::is_interactive() && !place.json {
        clauses = ask(clauses, place.language())?;
    }
    let open = questions(&clauses);
    if !open.is_empty() {
        let logged = Logged { stored: false, clauses: &clauses, questions: open };
        answer(place, &logged, |out| {
            logged.questions.iter().try_for_each(|q| writeln!(out, "{}: {}", q.text, q.wording))
        })?;
        return Err(Failure::new(Code::BadInput, place.language().words().log.ask_again));
    }
    store(place, &place.store()?, &clauses, at)?;
    let logged = Logged { stored: true, clauses: &clauses, questions: Vec::new() };
    answer(place, &logged, |out| {
        for clause in &clauses {
            let said: Vec<String> =
                clause.reading.iter().flatten().map(|i| said(i, &clause.text, place.language())).collect();
            writeln!(out, "{}: {}", place.language().words().log.stored, said.join(", "))?;
        }
        Ok(())
    })
}

fn question(doubt: Doubt, language: Language) -> &'static str {
    let words = &language.words().log;
    match doubt {
        Doubt::WhatIsIt => words.what_is_it,
        Doubt::HowMuch => words.how_much,
        Doubt::WhichNumber => words.which_number,
        Doubt::TooMuchAtOnce => words.too_much_at_once,
    }
}

/// Asks about each unsure clause; an answer replaces it (an empty one keeps the words as a note).
fn ask(clauses: Vec<Clause>, language: Language) -> Result<Vec<Clause>, Failure> {
    let mut out = Vec::new();
    for clause in clauses {
        let mut pending = clause;
        while let Err(doubt) = pending.reading {
            let mut err = std::io::stderr().lock();
            write!(err, "{}: {}\n> ", pending.text, question(doubt, language))?;
            err.flush()?;
            let mut line = String::new();
            if std::io::stdin().lock().read_line(&mut line)? == 0 {
                return Err(Failure::cancelled());
            }
            let line = line.trim();
            if line.is_empty() {
                pending.reading = Ok(vec![Item::Note]);
                break;
            }
            let mut answers = parse(line);
            // "weight" answers "80 what?": the number is in the question.
            let only_notes = answers.iter().all(|c| c.reading == Ok(vec![Item::Note]));
            if only_notes || answers.iter().any(|c| c.reading.is_err()) {
                answers = parse(&format!("{} {line}", pending.text));
            }
            if answers.is_empty() {
                continue;
            }
            pending = answers.remove(0);
            out.extend(answers.into_iter().filter(|c| c.reading.is_ok()));
        }
        out.push(pending);
    }
    Ok(out)
}

/// Everything or nothing: the moods come last, after the batch is through.
fn store(place: &Place, store: &Store, clauses: &[Clause], at: Timestamp) -> Outcome {
    let (start_ms, offset_min) = (at.as_millisecond(), time::offset(place, at));
    let mut batch = store.batch();
    let hand = by_hand(&mut batch)?;
    let mut moods: Option<Mood> = None;
    for clause in clauses {
        for item in clause.reading.iter().flatten() {
            let event = |kind: &str, value: f64, text: &str| Event {
                kind: kind.to_owned(),
                start_ms,
                end_ms: start_ms,
                offset_min,
                value,
                label: String::new(),
                text: text.to_owned(),
            };
            match item {
                Item::Value { metric, value } => {
                    batch.sample(*metric, hand, Sample::at(start_ms, *value, offset_min))?;
                }
                Item::Event { kind, value } => batch.event(hand, event(kind, *value, &clause.text))?,
                Item::Note => batch.event(hand, event("note", 0.0, &clause.text))?,
                Item::Mood { valence, label } => {
                    let mood = moods.get_or_insert_with(|| Mood {
                        start_ms,
                        offset_min,
                        whole_day: false,
                        valence: 0.0,
                        labels: Vec::new(),
                        about: Vec::new(),
                        note: String::new(),
                    });
                    // Several words at one moment: their mean, all of them kept.
                    let n = mood.labels.len() as f64;
                    mood.valence = (mood.valence * n + valence) / (n + 1.0);
                    mood.labels.push((*label).to_owned());
                }
            }
        }
    }
    batch.finish()?;
    moods.map_or(Ok(()), |mood| Ok(store.enter_mood(&mood)?))
}

fn by_hand(batch: &mut Batch<'_>) -> Result<SourceId, Failure> {
    Ok(batch.source(&NewSource::new(BY_HAND, "By hand", SourceKind::Manual))?)
}

fn said(item: &Item, text: &str, language: Language) -> String {
    let words = language.words();
    match item {
        Item::Value { metric, value } => {
            let measure = Measure::Metric(*metric);
            format!("{} {}", measure.name(language), measure.show(language, *value))
        }
        Item::Event { kind, value } => {
            format!("{} {}", words.event(kind), language.number(*value, usize::from(value.fract() != 0.0)))
        }
        Item::Mood { label, valence } => format!("{label} ({})", language.difference(*valence, 1)),
        Item::Note => format!("{} \u{201c}{text}\u{201d}", words.log.note),
    }
}
