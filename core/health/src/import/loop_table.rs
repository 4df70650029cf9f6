//! Loop Habit Tracker's tables: `Habits.csv`, a folder for each habit with its `Checkmarks.csv`, and one
//! `Checkmarks.csv` of all habits.
//!
//! The tables know no ids, so a habit is known by its name: one that came from a backup of the app is taken up. Days
//! that the user entered since stay as they are. Scores are worked out from the days and are not read.

use std::collections::BTreeMap;
use std::io::Read;

use super::intake::Intake;
use super::table::{Table, plain};
use super::takeout::told;
use super::when::{self, Order};
use super::{Format, Importer, Input, Member, Stop};
use crate::log::habit::{Entry, Goal, Habit};
use crate::store::{Day, SkipReason, Store};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::LoopHabits,
    recognises: |input| lone(input).is_some() || is_bundle(input),
    import: |input, batch, context| {
        let one = lone(input);
        read(one.as_ref().unwrap_or(input), &mut Intake::new(batch, context))
    },
};

const ALL: &str = "Checkmarks.csv";

fn is_bundle(input: &Input) -> bool {
    input.members().iter().filter(|m| m.base_name() == "Habits.csv").any(|m| {
        let header =
            Table::open(input.member_head(m, 2048).as_slice(), 0).map(|t| plain(&t.header().join(" ")));
        header.is_ok_and(|h| h.contains("name") && h.contains("description"))
    })
}

/// The table of all habits by itself: the days and then a column for each habit, with a separator too many.
fn lone(input: &Input) -> Option<Input> {
    if !input.members().is_empty() || !input.name().starts_with("Checkmarks") {
        return None;
    }
    let mut table = Table::open(input.head(), 0).ok()?;
    let ends_open = table.header().len() > 2 && table.header().last().is_some_and(String::is_empty);
    if !ends_open || plain(table.header().first()?) != "date" || !table.next().ok()? {
        return None;
    }
    let known = table.get(1).is_empty() || Mark::of(table.get(1)).is_some();
    known.then(|| input.as_member(ALL))
}

/// What the app writes for a day.
enum Mark {
    Unknown,
    /// Worked out by the app from the other days.
    Auto,
    No,
    Yes,
    Skip,
    /// In thousandths.
    Amount(f64),
}

impl Mark {
    /// Numbers up to version 2.1, words since; amounts are numbers always.
    fn of(text: &str) -> Option<Self> {
        Some(match text.trim() {
            "UNKNOWN" | "-1" => Self::Unknown,
            "NO" | "0" => Self::No,
            "YES_AUTO" | "1" => Self::Auto,
            "YES_MANUAL" | "2" => Self::Yes,
            "SKIP" | "3" => Self::Skip,
            other => Self::Amount(other.parse().ok().filter(|v: &f64| v.is_finite() && *v >= 0.0)?),
        })
    }

    fn entry(&self, measured: bool) -> Option<Entry> {
        Some(match (self, measured) {
            (Self::Skip, _) => Entry::Skipped,
            (Self::Amount(v), _) => Entry::Amount(v / 1000.0),
            (Self::No, true) => Entry::Amount(0.0),
            (Self::Auto, true) => Entry::Amount(0.001),
            (Self::Yes, true) => Entry::Amount(0.002),
            (Self::No, false) => Entry::Missed,
            (Self::Yes, false) => Entry::Done,
            (Self::Auto, false) | (Self::Unknown, _) => return None,
        })
    }
}

fn read(input: &Input, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let store = intake.batch.store().clone();
    let mut habits: BTreeMap<String, Habit> = BTreeMap::new();
    for habit in store.habits()? {
        // Of two habits of one name the one from this app.
        if habit.key.starts_with("loop:") || !habits.contains_key(&habit.name) {
            habits.insert(habit.name.clone(), habit);
        }
    }
    for member in input.members().iter().filter(|m| m.base_name() == "Habits.csv") {
        let mut table = Table::open(input.open_member(member)?, 0)?;
        while table.next()? {
            if let Some(habit) = habit_of(&table) {
                let new = !habits.contains_key(&habit.name);
                if new {
                    store.save_habit(&habit)?;
                    habits.insert(habit.name.clone(), habit);
                }
                intake.batch.entered(new);
            }
        }
    }
    let own: Vec<&Member> =
        input.members().iter().filter(|m| m.base_name() == ALL && folder(m).is_some()).collect();
    for member in &own {
        days_of_one(input, member, &store, &habits, intake)?;
    }
    // The table of all holds the same days without their notes.
    let all = input.members().iter().find(|m| m.base_name() == ALL && folder(m).is_none());
    if let Some(member) = all.filter(|_| own.is_empty()) {
        days_of_all(input, member, &store, &mut habits, intake)?;
    }
    Ok(())
}

/// `Wake up` of `Loop/002 Wake up/Checkmarks.csv`; nothing for the table of all.
fn folder(member: &Member) -> Option<&str> {
    let folder = member.name.rsplit('/').nth(1)?;
    let (number, name) = folder.split_once(' ').unwrap_or((folder, ""));
    (number.len() >= 3 && number.bytes().all(|b| b.is_ascii_digit())).then_some(name)
}

/// As the app names folders.
fn folder_name(name: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '-');
    name.chars().filter(plain).take(100).collect::<String>().trim().to_owned()
}

fn habit_of<R: Read>(table: &Table<R>) -> Option<Habit> {
    let text = |name: &str| -> String { table.text(table.column(&[name])).chars().take(2000).collect() };
    let number = |names: &[&str]| table.number(table.column(names));
    let name = text("Name");
    if name.is_empty() {
        return None;
    }
    let measured = text("Type").starts_with("NUM");
    let target = number(&["Target Value"]).unwrap_or(0.0);
    let count = |names: &[&str]| number(names).map_or(1, |n| n.clamp(1.0, 366.0) as u32);
    let days = count(&["FrequencyDenominator", "Interval"]);
    Some(Habit {
        key: format!("loop:{name}"),
        question: if text("Question").is_empty() { text("Description") } else { text("Question") },
        goal: match (measured, text("Target Type").as_str()) {
            (false, _) => Goal::YesNo,
            (true, "AT_MOST") => Goal::AtMost(target),
            (true, _) => Goal::AtLeast(target),
        },
        unit: text("Unit"),
        times: if measured { 1 } else { count(&["FrequencyNumerator", "NumRepetitions"]).min(days) },
        days,
        reminder: None,
        archived: text("Archived?").eq_ignore_ascii_case("true"),
        position: number(&["Position"]).map_or(0, |n| n as i64),
        name,
    })
}

fn day_of(text: &str) -> Option<Day> {
    when::parse(text, Order::MonthFirst, &jiff::tz::TimeZone::UTC)?.day.map(Day::from_date)
}

/// Counts a mark, or gives what it enters.
fn taken(
    mark: Option<&Mark>,
    day: Option<Day>,
    habit: &Habit,
    intake: &mut Intake<'_, '_, '_>,
) -> Option<(Day, Entry)> {
    match (day, mark) {
        (None, _) => intake.skip(SkipReason::BadTime, "repetition"),
        (_, None) => intake.skip(SkipReason::BadValue, "repetition"),
        (Some(day), Some(mark)) => match mark.entry(habit.goal != Goal::YesNo) {
            Some(entry) => return Some((day, entry)),
            None => intake.batch.merged(),
        },
    }
    None
}

fn days_of_one(
    input: &Input,
    member: &Member,
    store: &Store,
    habits: &BTreeMap<String, Habit>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let name = folder(member).unwrap_or_default();
    let Some(habit) = habits.get(name).or_else(|| habits.values().find(|h| folder_name(&h.name) == name))
    else {
        intake.skip(SkipReason::UnknownType, "Checkmarks.csv without its habit");
        return Ok(());
    };
    let mut table = Table::open(input.open_member(member)?, 0)?;
    let notes = table.column(&["Notes"]);
    let mut entries = Vec::new();
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let mark = Mark::of(table.get(1));
        if let Some((day, entry)) = taken(mark.as_ref(), day_of(table.get(0)), habit, intake) {
            entries.push((day, entry, table.text(notes).chars().take(2000).collect()));
        }
        intake.progress(table.position())?;
    }
    for new in store.add_habit_entries(&habit.key, &entries)? {
        intake.batch.entered(new);
    }
    Ok(())
}

fn days_of_all(
    input: &Input,
    member: &Member,
    store: &Store,
    habits: &mut BTreeMap<String, Habit>,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let mut table = Table::open(input.open_member(member)?, 0)?;
    let names: Vec<String> = table.header().iter().skip(1).filter(|n| !n.is_empty()).cloned().collect();
    let mut entries: BTreeMap<String, Vec<(Day, Entry, String)>> = BTreeMap::new();
    for (i, name) in names.iter().enumerate() {
        if !habits.contains_key(name) {
            let habit = Habit {
                key: format!("loop:{name}"),
                name: name.clone(),
                question: String::new(),
                goal: Goal::YesNo,
                unit: String::new(),
                times: 1,
                days: 1,
                reminder: None,
                archived: false,
                position: i as i64,
            };
            store.save_habit(&habit)?;
            intake.batch.entered(true);
            habits.insert(name.clone(), habit);
        }
    }
    let mut rows = 0u32;
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        rows += 1;
        // A century of days; what is longer is no table of days.
        if rows > 40_000 {
            told(false, intake);
            break;
        }
        let day = day_of(table.get(0));
        for (i, name) in names.iter().enumerate() {
            let Some(habit) = habits.get(name).filter(|_| !table.get(i + 1).is_empty()) else { continue };
            let mark = Mark::of(table.get(i + 1));
            if let Some((day, entry)) = taken(mark.as_ref(), day, habit, intake) {
                entries.entry(habit.key.clone()).or_default().push((day, entry, String::new()));
            }
        }
        intake.progress(table.position())?;
    }
    for (key, entries) in entries {
        for new in store.add_habit_entries(&key, &entries)? {
            intake.batch.entered(new);
        }
    }
    Ok(())
}
