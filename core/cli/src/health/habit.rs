//! `cuba health habit`.

use clap::{Args, Subcommand};
use cuba_health::log::habit::{Entry, Goal, Habit, streaks, strength};
use cuba_health::log::reminder::Schedule;
use cuba_health::store::{Day, Store};
use serde::Serialize;

use super::open::Place;
use super::{answer, time};
use crate::exit::{Code, Failure, Outcome};

#[derive(Debug, Args)]
pub(super) struct HabitArgs {
    #[command(subcommand)]
    command: HabitCommand,
}

#[derive(Debug, Subcommand)]
enum HabitCommand {
    /// Begin a habit
    Add(AddArgs),
    /// Show all habits with strength and streak
    List {
        /// Archived ones too
        #[arg(long)]
        all: bool,
    },
    /// Enter it as done, or an amount
    Done {
        /// Name or key
        habit: String,
        /// How much, for a measured habit
        amount: Option<f64>,
        #[command(flatten)]
        on: On,
    },
    /// Enter it as not done
    Missed {
        /// Name or key
        habit: String,
        #[command(flatten)]
        on: On,
    },
    /// Leave a day out on purpose: neither strength nor streak change
    Skip {
        /// Name or key
        habit: String,
        #[command(flatten)]
        on: On,
    },
    /// Take an entry back
    Clear {
        /// Name or key
        habit: String,
        #[command(flatten)]
        on: On,
    },
    /// Put it out of sight, or back with --undo
    Archive {
        /// Name or key
        habit: String,
        /// Bring it back
        #[arg(long)]
        undo: bool,
    },
    /// Delete it with all its entries, for good
    Remove {
        /// Name or key
        habit: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
struct On {
    /// The day [default: today]
    #[arg(long, value_name = "DAY", default_value = "today")]
    day: String,
    /// A note with it
    #[arg(long, default_value = "")]
    note: String,
}

#[derive(Debug, Args)]
struct AddArgs {
    /// What you read: "Read a book"
    name: String,
    /// So many times ...
    #[arg(long, default_value_t = 1)]
    times: u32,
    /// ... in so many days
    #[arg(long, default_value_t = 1, value_name = "DAYS")]
    per: u32,
    /// A measured habit: at least so much in the days
    #[arg(long, value_name = "AMOUNT", conflicts_with = "at_most")]
    at_least: Option<f64>,
    /// A measured habit: at most so much in the days
    #[arg(long, value_name = "AMOUNT")]
    at_most: Option<f64>,
    /// Unit of the amount
    #[arg(long, default_value = "")]
    unit: String,
    /// Remind every day at this time
    #[arg(long, value_name = "HH:MM")]
    remind: Option<String>,
}

#[derive(Serialize)]
struct Row {
    key: String,
    name: String,
    goal: Goal,
    unit: String,
    times: u32,
    days: u32,
    archived: bool,
    /// 0 to 1, today.
    strength: f64,
    /// Days of the run that reaches today or yesterday.
    streak: i32,
    /// Longest run.
    best_streak: i32,
    /// What was entered for today.
    today: Option<String>,
}

pub(super) fn run(place: &Place, args: &HabitArgs) -> Outcome {
    let store = place.store()?;
    let enter = |name: &str, on: &On, entry: Option<Entry>| -> Outcome {
        let habit = named(&store, name)?;
        let entry = match (entry, habit.goal) {
            (Some(Entry::Amount(v)), Goal::YesNo) => Some(if v > 0.0 { Entry::Done } else { Entry::Missed }),
            (Some(Entry::Done), Goal::AtLeast(goal)) => Some(Entry::Amount(goal)),
            (Some(Entry::Done | Entry::Missed), Goal::AtMost(_)) => {
                return Err(Failure::new(Code::BadInput, "this habit is measured; say how much")
                    .hint("cuba health habit done NAME AMOUNT"));
            }
            (entry, _) => entry,
        };
        store.enter_habit(&habit.key, time::day(place, &on.day)?, entry, &on.note)?;
        show(place, &store, vec![habit])
    };
    match &args.command {
        HabitCommand::Add(add) => show(place, &store, vec![begin(&store, add)?]),
        HabitCommand::List { all } => {
            let habits = store.habits()?.into_iter().filter(|h| *all || !h.archived).collect();
            show(place, &store, habits)
        }
        HabitCommand::Done { habit, amount, on } => {
            enter(habit, on, Some(amount.map_or(Entry::Done, Entry::Amount)))
        }
        HabitCommand::Missed { habit, on } => enter(habit, on, Some(Entry::Missed)),
        HabitCommand::Skip { habit, on } => enter(habit, on, Some(Entry::Skipped)),
        HabitCommand::Clear { habit, on } => enter(habit, on, None),
        HabitCommand::Archive { habit, undo } => {
            let habit = Habit { archived: !undo, ..named(&store, habit)? };
            store.save_habit(&habit)?;
            show(place, &store, vec![habit])
        }
        HabitCommand::Remove { habit, yes } => {
            let habit = named(&store, habit)?;
            super::keep::confirm(*yes, "delete the habit and all its entries")?;
            store.delete_habit(&habit.key)?;
            Ok(())
        }
    }
}

fn begin(store: &Store, add: &AddArgs) -> Result<Habit, Failure> {
    let known = store.habits()?;
    let amount = add.at_least.or(add.at_most);
    if amount.is_some_and(|a| !a.is_finite() || a < 0.0) {
        return Err(Failure::new(Code::BadInput, "an amount is a number that is not negative"));
    }
    let habit = Habit {
        question: String::new(),
        goal: match (add.at_least, add.at_most) {
            (Some(v), _) => Goal::AtLeast(v),
            (_, Some(v)) => Goal::AtMost(v),
            _ => Goal::YesNo,
        },
        unit: add.unit.clone(),
        times: add.times,
        days: add.per,
        reminder: add.remind.as_deref().map(|t| time::clock(t).map(Schedule::daily)).transpose()?,
        position: known.iter().map(|h| h.position + 1).max().unwrap_or(0),
        ..Habit::daily(&key(&add.name, known.iter().map(|h| h.key.as_str()))?, &add.name)
    };
    store.save_habit(&habit)?;
    Ok(habit)
}

/// A key from a name: letters and digits, made different from those that exist.
pub(super) fn key<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Result<String, Failure> {
    let words: Vec<String> = name
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect();
    let base = words.join("-");
    if base.is_empty() {
        return Err(Failure::new(Code::BadInput, "a name has at least one letter or digit"));
    }
    let free = |candidate: &String| !known.clone().any(|k| k == candidate);
    Ok(std::iter::once(base.clone())
        .chain((2..u32::MAX).map(|n| format!("{base}-{n}")))
        .find(free)
        .expect("the numbers do not end"))
}

fn named(store: &Store, name: &str) -> Result<Habit, Failure> {
    let all = store.habits()?;
    let folded = name.to_lowercase();
    let by_key = all.iter().find(|h| h.key == name);
    let mut by_name = all.iter().filter(|h| h.name.to_lowercase() == folded);
    by_key.or_else(|| by_name.next()).cloned().ok_or_else(|| {
        Failure::new(Code::BadInput, format_args!("there is no habit `{name}`"))
            .hint("`cuba health habit list --all` shows them; `cuba health habit add NAME` begins one")
    })
}

fn show(place: &Place, store: &Store, habits: Vec<Habit>) -> Outcome {
    let today = place.today();
    let mut rows = Vec::new();
    for habit in habits {
        let entries = store.habit_entries(&habit)?;
        let first = entries.keys().next().copied().unwrap_or(today).min(today);
        let runs = streaks(&habit, &entries, first, today);
        let length = |s: &(Day, Day)| s.1.0 - s.0.0 + 1;
        rows.push(Row {
            strength: strength(&habit, &entries, first, today).last().copied().unwrap_or(0.0),
            streak: runs.last().filter(|s| s.1 >= today.plus(-1)).map_or(0, length),
            best_streak: runs.iter().map(length).max().unwrap_or(0),
            today: entries.get(&today).map(|e| match e {
                Entry::Done => "done".to_owned(),
                Entry::Missed => "missed".to_owned(),
                Entry::Skipped => "skipped".to_owned(),
                Entry::Amount(v) => format!("{v} {}", habit.unit).trim_end().to_owned(),
            }),
            key: habit.key,
            name: habit.name,
            goal: habit.goal,
            unit: habit.unit,
            times: habit.times,
            days: habit.days,
            archived: habit.archived,
        });
    }
    answer(place, &rows, |out| {
        if rows.is_empty() {
            return writeln!(out, "no habits yet: `cuba health habit add \"Read a book\"`");
        }
        for r in &rows {
            writeln!(
                out,
                "{:<24} strength {:>3.0} %, streak {} (best {}), today: {}",
                r.name,
                r.strength * 100.0,
                r.streak,
                r.best_streak,
                r.today.as_deref().unwrap_or("-")
            )?;
        }
        Ok(())
    })
}
