//! `cuba health med`. A notebook of reminders: it never says how much of anything to take.

use clap::{Args, Subcommand};
use cuba_health::log::medication::{Dose, DoseState, Medication, Plan, open_doses};
use cuba_health::log::reminder::{Days, Schedule};
use cuba_health::store::Store;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

use super::open::Place;
use super::{answer, habit, time};
use crate::exit::{Code, Failure, Outcome};

/// How far back an open dose is still the one that is meant.
const OPEN_HOURS: i64 = 24;
/// How early a dose may be entered.
const EARLY_HOURS: i64 = 4;

#[derive(Debug, Args)]
pub(super) struct MedicationArgs {
    #[command(subcommand)]
    command: MedicationCommand,
}

#[derive(Debug, Subcommand)]
enum MedicationCommand {
    /// Add a medication with its times
    Add(AddArgs),
    /// Show all with what is due next and how long the stock lasts
    List {
        /// Archived ones too
        #[arg(long)]
        all: bool,
    },
    /// Enter a dose as taken
    Taken {
        /// Name or key
        medication: String,
        /// How much [default: as planned]
        #[arg(long)]
        amount: Option<f64>,
        #[command(flatten)]
        of: Of,
    },
    /// Enter a dose as left out
    Skipped {
        /// Name or key
        medication: String,
        #[command(flatten)]
        of: Of,
    },
    /// Put a reminder off
    Snooze {
        /// Name or key
        medication: String,
        /// For so many minutes
        #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(i64).range(1..=1440))]
        minutes: i64,
        #[command(flatten)]
        of: Of,
    },
    /// Say how much is left; -1 stops counting
    Stock {
        /// Name or key
        medication: String,
        /// How much
        #[arg(allow_negative_numbers = true)]
        left: f64,
    },
    /// Put it out of sight, or back with --undo
    Archive {
        /// Name or key
        medication: String,
        /// Bring it back
        #[arg(long)]
        undo: bool,
    },
}

#[derive(Debug, Args)]
struct Of {
    /// The due time that is answered [default: the one that is open, else now]
    #[arg(long, value_name = "TIME")]
    due: Option<String>,
}

#[derive(Debug, Args)]
struct AddArgs {
    /// What you read
    name: String,
    /// Times of day, comma-separated; without them it is for when needed
    #[arg(long, value_delimiter = ',', value_name = "HH:MM")]
    at: Vec<String>,
    /// Weekdays, comma-separated, 1 Monday to 7 Sunday [default: every day]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(i8).range(1..=7), conflicts_with = "every")]
    weekdays: Vec<i8>,
    /// Every so many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=366))]
    every: Option<u32>,
    /// How much each time, as you were told
    #[arg(long, default_value_t = 1.0)]
    amount: f64,
    /// Unit of the amount
    #[arg(long, default_value = "")]
    unit: String,
    /// First day [default: today]
    #[arg(long, default_value = "today", value_name = "DAY")]
    from: String,
    /// Last day
    #[arg(long, value_name = "DAY")]
    until: Option<String>,
    /// How much is there
    #[arg(long)]
    stock: Option<f64>,
}

#[derive(Serialize)]
struct Row {
    key: String,
    name: String,
    unit: String,
    plan: Plan,
    archived: bool,
    stock: Option<f64>,
    /// Day on which the stock runs out if every dose is taken.
    runs_out: Option<jiff::civil::Date>,
    /// Due times of the last day without an answer.
    open: Vec<String>,
    /// The next due time.
    next: Option<String>,
    /// Answers of the last day: due time and state.
    answered: Vec<(String, DoseState)>,
}

pub(super) fn run(place: &Place, args: &MedicationArgs) -> Outcome {
    let store = place.store()?;
    let now = place.setting.now;
    let saved = |m: Medication| -> Outcome {
        store.save_medication(&m)?;
        show(place, &store, vec![m])
    };
    match &args.command {
        MedicationCommand::Add(add) => saved(begin(place, &store, add)?),
        MedicationCommand::List { all } => {
            let list = store.medications()?.into_iter().filter(|m| *all || !m.archived).collect();
            show(place, &store, list)
        }
        MedicationCommand::Taken { medication, amount, of } => {
            let m = named(&store, medication)?;
            let amount = amount.unwrap_or(m.plan.amount);
            if !(amount.is_finite() && amount >= 0.0) {
                return Err(Failure::new(Code::BadInput, "an amount is a number that is not negative"));
            }
            enter(place, &store, &m, of, |due| Dose { due, state: DoseState::Taken, at: now, amount })
        }
        MedicationCommand::Skipped { medication, of } => {
            let m = named(&store, medication)?;
            enter(place, &store, &m, of, |due| Dose { due, state: DoseState::Skipped, at: now, amount: 0.0 })
        }
        MedicationCommand::Snooze { medication, minutes, of } => {
            let m = named(&store, medication)?;
            let at = now.checked_add(minutes.minutes()).unwrap_or(now);
            enter(place, &store, &m, of, |due| Dose { due, state: DoseState::Snoozed, at, amount: 0.0 })
        }
        MedicationCommand::Stock { medication, left } => {
            let stock = (*left >= 0.0).then_some(*left);
            saved(Medication { stock, ..named(&store, medication)? })
        }
        MedicationCommand::Archive { medication, undo } => {
            saved(Medication { archived: !undo, ..named(&store, medication)? })
        }
    }
}

fn begin(place: &Place, store: &Store, add: &AddArgs) -> Result<Medication, Failure> {
    let known = store.medications()?;
    let first_day = time::day(place, &add.from)?;
    let times = add.at.iter().map(|t| time::clock(t)).collect::<Result<Vec<_>, _>>()?;
    let days = match (add.every, add.weekdays.is_empty()) {
        (Some(days), _) => Days::Every { days, from: first_day.date() },
        (None, false) => Days::Weekdays(add.weekdays.clone()),
        (None, true) => Days::Daily,
    };
    Ok(Medication {
        key: habit::key(&add.name, known.iter().map(|m| m.key.as_str()))?,
        name: add.name.clone(),
        unit: add.unit.clone(),
        plan: Plan { schedule: (!times.is_empty()).then_some(Schedule { times, days }), amount: add.amount },
        first_day,
        last_day: add.until.as_deref().map(|d| time::day(place, d)).transpose()?,
        stock: add.stock,
        archived: false,
    })
}

fn named(store: &Store, name: &str) -> Result<Medication, Failure> {
    let all = store.medications()?;
    let folded = name.to_lowercase();
    let by_key = all.iter().find(|m| m.key == name);
    let mut by_name = all.iter().filter(|m| m.name.to_lowercase() == folded);
    by_key.or_else(|| by_name.next()).cloned().ok_or_else(|| {
        Failure::new(Code::BadInput, format_args!("there is no medication `{name}`"))
            .hint("`cuba health med list --all` shows them; `cuba health med add NAME --at 08:00` adds one")
    })
}

fn hours(place: &Place, by: i64) -> Timestamp {
    place.setting.now.checked_add(by.hours()).unwrap_or(place.setting.now)
}

/// The due time that an entry answers.
fn due(place: &Place, store: &Store, m: &Medication, of: &Of) -> Result<Timestamp, Failure> {
    let now = place.setting.now;
    if let Some(text) = &of.due {
        return time::moment(place, text);
    }
    let (since, zone) = (hours(place, -OPEN_HOURS), &place.setting.zone);
    let doses = store.doses(&m.key, since, hours(place, EARLY_HOURS))?;
    // The one that was snoozed is still the one that is meant, also before its time has come again.
    let waiting = m
        .due(since, now, zone)
        .into_iter()
        .rev()
        .find(|t| doses.iter().find(|d| d.due == *t).is_none_or(|d| d.state == DoseState::Snoozed));
    let early = || {
        let unanswered = |t: &Timestamp| !doses.iter().any(|d| d.due == *t && d.state != DoseState::Snoozed);
        m.due(now, hours(place, EARLY_HOURS), zone).into_iter().find(unanswered)
    };
    Ok(waiting.or_else(early).unwrap_or(now))
}

fn enter(
    place: &Place,
    store: &Store,
    m: &Medication,
    of: &Of,
    dose: impl FnOnce(Timestamp) -> Dose,
) -> Outcome {
    store.enter_dose(&m.key, &dose(due(place, store, m, of)?), &place.setting.zone)?;
    show(place, store, vec![named(store, &m.key)?])
}

fn show(place: &Place, store: &Store, list: Vec<Medication>) -> Outcome {
    let (now, zone) = (place.setting.now, &place.setting.zone);
    let since = hours(place, -OPEN_HOURS);
    let local = |t: Timestamp| time::local(place, t.as_millisecond());
    let mut rows = Vec::new();
    for m in list {
        let doses = store.doses(&m.key, since, hours(place, EARLY_HOURS))?;
        rows.push(Row {
            runs_out: m.runs_out(now, zone).map(cuba_health::store::Day::date),
            open: open_doses(&m, &doses, since, now, zone).into_iter().map(local).collect(),
            next: m.plan.schedule.as_ref().and_then(|s| s.next(now, zone)).map(local),
            answered: doses.iter().map(|d| (local(d.due), d.state)).collect(),
            key: m.key,
            name: m.name,
            unit: m.unit,
            plan: m.plan,
            archived: m.archived,
            stock: m.stock,
        });
    }
    answer(place, &rows, |out| {
        if rows.is_empty() {
            return writeln!(out, "no medication yet: `cuba health med add NAME --at 08:00,20:00`");
        }
        for r in &rows {
            let amount = format!("{} {}", r.plan.amount, r.unit);
            let next = r.next.as_deref().unwrap_or("when needed");
            write!(out, "{:<24} {}, next: {next}", r.name, amount.trim_end())?;
            if !r.open.is_empty() {
                write!(out, ", no entry yet for {}", r.open.join(", "))?;
            }
            if let Some(stock) = r.stock {
                write!(out, ", left: {stock}")?;
            }
            if let Some(day) = r.runs_out {
                write!(out, " (until {day})")?;
            }
            writeln!(out)?;
        }
        Ok(())
    })
}
