//! Habits: any frequency, skip days, streaks and strength.
//!
//! Strength is exponential smoothing of the days kept, with a memory that fits the frequency, as published by the Loop
//! Habit Tracker: `m = 0.5^(sqrt(f) / 13)`, `s = s m + v (1 - m)`, where `f` is repetitions a day and `v` is how far
//! the day (or the last period) met the goal. One missed day costs a strong habit little: no chain to break.

use std::collections::BTreeMap;

use cuba_vault::rusqlite::{OptionalExtension as _, Row, named_params};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::reminder::Schedule;
use crate::HealthError;
use crate::store::{Day, Store};

/// What counts as keeping the habit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Done or not.
    YesNo,
    /// At least so much in a period.
    AtLeast(f64),
    /// At most so much in a period.
    AtMost(f64),
}

/// A habit.
#[derive(Clone, Debug, PartialEq)]
pub struct Habit {
    /// Stable name, chosen by the caller (random, or from an imported file).
    pub key: String,
    /// What the user reads.
    pub name: String,
    /// The question of the reminder, or nothing.
    pub question: String,
    /// What counts.
    pub goal: Goal,
    /// Unit of a measured habit: `pages`.
    pub unit: String,
    /// So many times (measured habits: once) ...
    pub times: u32,
    /// ... in so many days.
    pub days: u32,
    /// When to remind, if at all.
    pub reminder: Option<Schedule>,
    /// Out of sight.
    pub archived: bool,
    /// Place in the list.
    pub position: i64,
}

impl Habit {
    /// A daily yes-or-no habit.
    pub fn daily(key: &str, name: &str) -> Self {
        Self {
            key: key.to_owned(),
            name: name.to_owned(),
            question: String::new(),
            goal: Goal::YesNo,
            unit: String::new(),
            times: 1,
            days: 1,
            reminder: None,
            archived: false,
            position: 0,
        }
    }
}

/// What was entered for a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry {
    /// Kept (yes-or-no habits).
    Done,
    /// Not kept, said so. A day without entry counts the same.
    Missed,
    /// Left out on purpose (ill, travelling): changes neither strength nor streak.
    Skipped,
    /// Amount of a measured habit.
    Amount(f64),
}

/// Entries by day.
pub type Entries = BTreeMap<Day, Entry>;

/// Strength from 0 to 1 on each day of `from..=to`, oldest first.
///
/// ```
/// use cuba_health::log::habit::{Entry, Habit, strength};
/// use cuba_health::store::Day;
/// let entries = (0..20).map(|d| (Day(d), Entry::Done)).collect();
/// let daily = strength(&Habit::daily("h", "Read"), &entries, Day(0), Day(19));
/// assert!((daily[19] - 0.655747).abs() < 1e-6);
/// ```
pub fn strength(habit: &Habit, entries: &Entries, from: Day, to: Day) -> Vec<f64> {
    let (mut times, mut days) = (f64::from(habit.times.max(1)), habit.days.max(1) as usize);
    let memory = 0.5f64.powf((times / days as f64).sqrt() / 13.0);
    let measured = !matches!(habit.goal, Goal::YesNo);
    // "Three times a week" is judged over two weeks: the third day may slip over Sunday.
    if !measured && times < days as f64 {
        (times, days) = (times * 2.0, days * 2);
    }
    let mut strength = if matches!(habit.goal, Goal::AtMost(_)) { 1.0 } else { 0.0 };
    let mut window: Vec<f64> = Vec::new();
    let mut out = Vec::new();
    for day in from.0..=to.0 {
        let entry = entries.get(&Day(day)).copied();
        window.push(amount(habit, entry));
        let recent: f64 = window.iter().rev().take(days).sum();
        if entry != Some(Entry::Skipped) {
            let value = match habit.goal {
                Goal::YesNo => (recent / times).min(1.0),
                Goal::AtLeast(target) if target > 0.0 => (recent / target).min(1.0),
                Goal::AtLeast(_) => 1.0,
                Goal::AtMost(target) if target > 0.0 => (1.0 - (recent - target) / target).clamp(0.0, 1.0),
                Goal::AtMost(_) => f64::from(u8::from(recent <= 0.0)),
            };
            strength = strength * memory + value * (1.0 - memory);
        }
        out.push(strength);
    }
    out
}

fn amount(habit: &Habit, entry: Option<Entry>) -> f64 {
    match (entry, habit.goal) {
        (Some(Entry::Done), _) => 1.0,
        (Some(Entry::Amount(v)), Goal::YesNo) => f64::from(u8::from(v > 0.0)),
        (Some(Entry::Amount(v)), _) => v,
        _ => 0.0,
    }
}

/// A run of kept days, first and last.
pub type Streak = (Day, Day);

/// Runs of days on which the habit was kept, oldest first. A habit of so many times a week is kept on every day of a
/// week's stretch that holds that many; skipped days neither break nor begin a run.
pub fn streaks(habit: &Habit, entries: &Entries, from: Day, to: Day) -> Vec<Streak> {
    let kept = kept_days(habit, entries, from, to);
    let mut out: Vec<Streak> = Vec::new();
    let mut open = false;
    for (day, kept) in kept {
        let skipped = entries.get(&day) == Some(&Entry::Skipped);
        if kept {
            match out.last_mut() {
                Some(last) if open => last.1 = day,
                _ => out.push((day, day)),
            }
            open = true;
        } else if !skipped {
            open = false;
        }
    }
    out
}

fn kept_days(habit: &Habit, entries: &Entries, from: Day, to: Day) -> Vec<(Day, bool)> {
    let (times, days) = (habit.times.max(1) as usize, habit.days.max(1) as i32);
    let list: Vec<Day> = (from.0..=to.0).map(Day).collect();
    match habit.goal {
        Goal::YesNo => {
            let done: Vec<Day> =
                list.iter().copied().filter(|d| amount(habit, entries.get(d).copied()) > 0.0).collect();
            let mut kept: BTreeMap<Day, bool> = list.iter().map(|d| (*d, false)).collect();
            for day in &done {
                kept.insert(*day, true);
            }
            if times < days as usize {
                // Each group of `times` repetitions within `days` keeps all days between its first and last, and the
                // days after the last until the next one is due.
                for group in done.windows(times) {
                    let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
                    if last.0 - first.0 < days {
                        for d in first.0..(first.0 + days).min(to.0 + 1) {
                            kept.insert(Day(d), true);
                        }
                    }
                }
            }
            kept.into_iter().collect()
        }
        Goal::AtLeast(target) | Goal::AtMost(target) => {
            let least = matches!(habit.goal, Goal::AtLeast(_));
            list.into_iter()
                .map(|day| {
                    let sum: f64 = (day.0 - days + 1..=day.0)
                        .map(|d| amount(habit, entries.get(&Day(d)).copied()))
                        .sum();
                    // A limit is kept only on days that say something; silence is not abstinence.
                    let said = entries.contains_key(&day);
                    (day, if least { sum >= target } else { said && sum <= target })
                })
                .collect()
        }
    }
}

/// A habit as it stands on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The habit.
    pub habit: Habit,
    /// Entered as done on that day; a measured habit: its goal was met.
    pub done: bool,
    /// Strength on that day, 0 to 1.
    pub strength: f64,
}

/// Strength needs the days before: a year is more than the memory of any frequency.
const MEMORY_DAYS: i32 = 365;

impl Standing {
    /// Judges by the entries.
    pub fn of(habit: Habit, entries: &Entries, day: Day) -> Self {
        let strength = strength(&habit, entries, day.plus(-MEMORY_DAYS), day).last().copied().unwrap_or(0.0);
        let done = match habit.goal {
            Goal::YesNo => amount(&habit, entries.get(&day).copied()) > 0.0,
            _ => kept_days(&habit, entries, day, day).last().is_some_and(|(_, kept)| *kept),
        };
        Self { habit, done, strength }
    }
}

fn kind_of(goal: Goal) -> (&'static str, f64) {
    match goal {
        Goal::YesNo => ("yes_no", 0.0),
        Goal::AtLeast(t) => ("at_least", t),
        Goal::AtMost(t) => ("at_most", t),
    }
}

fn columns(entry: Entry) -> (bool, f64) {
    match entry {
        Entry::Done => (false, 1.0),
        Entry::Missed => (false, 0.0),
        Entry::Skipped => (true, 0.0),
        Entry::Amount(v) => (false, v),
    }
}

fn habit_of(r: &Row<'_>) -> Result<Habit, cuba_vault::rusqlite::Error> {
    let (kind, target): (String, f64) = (r.get("kind")?, r.get("target")?);
    let reminder: String = r.get("reminder")?;
    Ok(Habit {
        key: r.get("key")?,
        name: r.get("name")?,
        question: r.get("question")?,
        goal: match kind.as_str() {
            "at_least" => Goal::AtLeast(target),
            "at_most" => Goal::AtMost(target),
            _ => Goal::YesNo,
        },
        unit: r.get("unit")?,
        times: r.get("times")?,
        days: r.get("days")?,
        reminder: serde_json::from_str(&reminder).ok(),
        archived: r.get("archived")?,
        position: r.get("position")?,
    })
}

impl Store {
    /// Saves a habit under its key.
    pub fn save_habit(&self, habit: &Habit) -> Result<(), HealthError> {
        if habit.times == 0 || habit.days == 0 || (habit.times > habit.days && habit.goal == Goal::YesNo) {
            return Err(HealthError::invalid("a habit is done at least once, and at most once a day"));
        }
        let (kind, target) = kind_of(habit.goal);
        let reminder = habit.reminder.as_ref().map_or_else(String::new, |r| serde_json::json!(r).to_string());
        self.vault.write(|tx| {
            tx.execute(
                "INSERT INTO habit (key, name, question, kind, target, unit, times, days, reminder, archived, position)
                 VALUES (:key, :name, :question, :kind, :target, :unit, :times, :days, :reminder, :archived, :position)
                 ON CONFLICT (key) DO UPDATE SET name = :name, question = :question, kind = :kind, target = :target,
                 unit = :unit, times = :times, days = :days, reminder = :reminder, archived = :archived,
                 position = :position",
                named_params! {
                    ":key": habit.key, ":name": habit.name, ":question": habit.question, ":kind": kind,
                    ":target": target, ":unit": habit.unit, ":times": habit.times, ":days": habit.days,
                    ":reminder": reminder, ":archived": habit.archived, ":position": habit.position,
                },
            )?;
            Ok(())
        })
    }

    /// All habits in the user's order, archived ones too.
    pub fn habits(&self) -> Result<Vec<Habit>, HealthError> {
        self.vault.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT * FROM habit ORDER BY position, key")?;
            let rows = statement.query_map([], habit_of)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The habit of a key.
    pub fn habit(&self, key: &str) -> Result<Habit, HealthError> {
        self.vault.read(|tx| {
            tx.query_row("SELECT * FROM habit WHERE key = ?1", [key], habit_of)
                .optional()?
                .ok_or(HealthError::NotFound { what: "habit" })
        })
    }

    /// Enters a day; `None` clears it.
    pub fn enter_habit(
        &self,
        key: &str,
        day: Day,
        entry: Option<Entry>,
        note: &str,
    ) -> Result<(), HealthError> {
        self.habit(key)?;
        self.vault.write(|tx| {
            let Some(entry) = entry else {
                tx.execute("DELETE FROM habit_entry WHERE habit = ?1 AND day = ?2", (key, day.0))?;
                return Ok(());
            };
            let (skipped, value) = columns(entry);
            tx.execute(
                "INSERT INTO habit_entry (habit, day, skipped, value, note) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (habit, day) DO UPDATE SET skipped = excluded.skipped, value = excluded.value,
                 note = excluded.note",
                (key, day.0, skipped, value, note),
            )?;
            Ok(())
        })
    }

    /// Enters days that have no entry yet, with their notes, in one go; says of each whether it was new.
    pub(crate) fn add_habit_entries(
        &self,
        key: &str,
        entries: &[(Day, Entry, String)],
    ) -> Result<Vec<bool>, HealthError> {
        self.vault.write(|tx| {
            let mut statement = tx.prepare_cached(
                "INSERT INTO habit_entry (habit, day, skipped, value, note) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (habit, day) DO NOTHING",
            )?;
            let mut new = Vec::with_capacity(entries.len());
            for (day, entry, note) in entries {
                let (skipped, value) = columns(*entry);
                new.push(statement.execute((key, day.0, skipped, value, note))? > 0);
            }
            Ok(new)
        })
    }

    /// Everything entered for a habit.
    pub fn habit_entries(&self, habit: &Habit) -> Result<Entries, HealthError> {
        self.vault.read(|tx| {
            let mut statement =
                tx.prepare_cached("SELECT day, skipped, value FROM habit_entry WHERE habit = ?1")?;
            let rows = statement.query_map([&habit.key], |r| {
                let (skipped, value): (bool, f64) = (r.get(1)?, r.get(2)?);
                let entry = match habit.goal {
                    _ if skipped => Entry::Skipped,
                    Goal::YesNo if value > 0.0 => Entry::Done,
                    Goal::YesNo => Entry::Missed,
                    _ => Entry::Amount(value),
                };
                Ok((Day(r.get(0)?), entry))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Every habit in use, as it stands on a day.
    pub fn habits_on(&self, day: Day) -> Result<Vec<Standing>, HealthError> {
        let in_use = self.habits()?.into_iter().filter(|habit| !habit.archived);
        let standing = |habit: Habit| {
            let entries = self.habit_entries(&habit)?;
            Ok(Standing::of(habit, &entries, day))
        };
        in_use.map(standing).collect()
    }

    /// The reminders of habits in use that come in `after..=until`, habit by habit.
    pub fn habit_reminders(
        &self,
        after: Timestamp,
        until: Timestamp,
        zone: &TimeZone,
    ) -> Result<Vec<(Habit, Timestamp)>, HealthError> {
        let mut due = Vec::new();
        for habit in self.habits()?.into_iter().filter(|habit| !habit.archived) {
            let moments = habit.reminder.as_ref().map(|schedule| schedule.due(after, until, zone));
            due.extend(moments.unwrap_or_default().into_iter().map(|moment| (habit.clone(), moment)));
        }
        Ok(due)
    }

    /// Deletes a habit with its entries for good.
    pub fn delete_habit(&self, key: &str) -> Result<(), HealthError> {
        let found = self.vault.write_erasing(|tx| {
            Ok::<_, HealthError>(tx.execute("DELETE FROM habit WHERE key = ?1", [key])?)
        })?;
        if found == 0 { Err(HealthError::NotFound { what: "habit" }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "these values must not change by a bit")]
    use super::*;

    fn done(days: impl IntoIterator<Item = i32>) -> Entries {
        days.into_iter().map(|d| (Day(d), Entry::Done)).collect()
    }

    /// Loop's published values: 20 straight days, then read backwards from the newest.
    #[test]
    fn strength_has_the_published_values() {
        let s = strength(&Habit::daily("h", "h"), &done(0..20), Day(0), Day(19));
        for (index, expected) in [(19, 0.655_747), (18, 0.636_894), (17, 0.617_008), (0, 0.051_922)] {
            assert!((s[index] - expected).abs() < 1e-6, "{} on day {index}", s[index]);
        }
    }

    #[test]
    fn half_lives_are_thirteen_and_thirty_four_days() {
        for (times, days, half) in [(1, 1, 13), (1, 7, 34)] {
            let habit = Habit { times, days, ..Habit::daily("h", "h") };
            let full = done(0..3000);
            let s = strength(&habit, &full, Day(0), Day(3200));
            // The window of a weekly habit still holds its last fortnight.
            let start = 2999 + if days == 7 { 12 } else { 0 };
            assert!((s[start] - 1.0).abs() < 1e-3);
            let ratio = s[start + half] / s[start];
            assert!((ratio - 0.5).abs() < 0.02, "{ratio} after {half} days");
        }
    }

    #[test]
    fn skipped_days_change_nothing() {
        let mut entries = done(0..10);
        entries.insert(Day(10), Entry::Skipped);
        entries.extend(done(11..13));
        let habit = Habit::daily("h", "h");
        let s = strength(&habit, &entries, Day(0), Day(12));
        assert_eq!(s[9], s[10]);
        assert_eq!(streaks(&habit, &entries, Day(0), Day(12)), [(Day(0), Day(12))]);
        entries.insert(Day(10), Entry::Missed);
        assert_eq!(streaks(&habit, &entries, Day(0), Day(12)), [(Day(0), Day(9)), (Day(11), Day(12))]);
    }

    #[test]
    fn weekly_habits_keep_their_streak_between_repetitions() {
        let habit = Habit { times: 3, days: 7, ..Habit::daily("h", "h") };
        // Monday, Wednesday, Friday for four weeks, a week off, two weeks.
        let days = (0..7).filter(|w| *w != 4).flat_map(|w| [w * 7, w * 7 + 2, w * 7 + 4]);
        let runs = streaks(&habit, &done(days), Day(0), Day(48));
        assert_eq!(runs, [(Day(0), Day(27)), (Day(35), Day(48))]);
    }

    #[test]
    fn limits_start_strong_and_amounts_add_up_over_the_period() {
        let coffee = Habit { goal: Goal::AtMost(2.0), ..Habit::daily("c", "c") };
        let entries: Entries = [(Day(0), Entry::Amount(2.0)), (Day(1), Entry::Amount(4.0))].into();
        let s = strength(&coffee, &entries, Day(0), Day(1));
        assert_eq!(s[0], 1.0);
        assert!((s[1] - 0.5f64.powf(1.0 / 13.0)).abs() < 1e-12);
        assert_eq!(streaks(&coffee, &entries, Day(0), Day(2)), [(Day(0), Day(0))]);
        let run = Habit { goal: Goal::AtLeast(20.0), days: 7, ..Habit::daily("r", "r") };
        let entries: Entries = [(Day(0), Entry::Amount(10.0)), (Day(3), Entry::Amount(10.0))].into();
        let m = 0.5f64.powf((1.0f64 / 7.0).sqrt() / 13.0);
        let s = strength(&run, &entries, Day(0), Day(3));
        assert!((s[3] - ((0.5 * (1.0 - m) * (m * m + m + 1.0)) * m + 1.0 - m)).abs() < 1e-12);
    }
    #[test]
    fn a_measured_habit_stands_by_its_goal_and_a_counted_one_by_the_day() {
        let run = Habit { goal: Goal::AtLeast(20.0), days: 7, ..Habit::daily("r", "r") };
        let entries: Entries = [(Day(0), Entry::Amount(15.0)), (Day(3), Entry::Amount(5.0))].into();
        assert!(!Standing::of(run.clone(), &entries, Day(0)).done);
        let met = Standing::of(run.clone(), &entries, Day(3));
        assert!(met.done && met.strength == *strength(&run, &entries, Day(-362), Day(3)).last().unwrap());
        let weekly = Habit { times: 2, days: 7, ..Habit::daily("w", "w") };
        assert!(Standing::of(weekly.clone(), &done([0, 3]), Day(3)).done);
        assert!(!Standing::of(weekly, &done([0, 3]), Day(2)).done, "between two repetitions nothing is done");
    }
}
