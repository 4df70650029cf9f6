//! A backup of Loop Habit Tracker: an `SQLite` database of habits and their days.
//!
//! Days are stored as midnight UTC, whatever the phone's zone. A habit that is known already keeps what the user made
//! of it since; only days that have no entry are added.

use std::collections::BTreeMap;

use jiff::civil::{Time, Weekday};

use super::intake::Intake;
use super::sqlite::{Database, Fields, is_sqlite};
use super::{Format, Importer, Input, Stop};
use crate::log::habit::{Entry, Goal, Habit};
use crate::log::reminder::Schedule;
use crate::store::{DAY_MS, Day, SkipReason};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::LoopHabits,
    recognises: |input: &Input| {
        is_sqlite(input.head())
            && Database::open(input).is_ok_and(|d| d.has("habits", "freq_num") && d.has_table("repetitions"))
    },
    import: |input, batch, context| read(&Database::open(input)?, &mut Intake::new(batch, context)),
};

/// Values of a day: of yes-or-no habits, and 3 of measured ones too (they are in thousandths otherwise).
const NO: i64 = 0;
const YES_AUTO: i64 = 1;
const YES: i64 = 2;
const SKIP: i64 = 3;

/// Columns of a habit, in the order that [`habit_of`] reads them.
const COLUMNS: &[&str] = &[
    "id",
    "uuid",
    "name",
    "question",
    "description",
    "type",
    "target_type",
    "target_value",
    "unit",
    "freq_num",
    "freq_den",
    "archived",
    "position",
    "reminder_hour",
    "reminder_min",
    "reminder_days",
];

fn read(database: &Database, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let store = intake.batch.store().clone();
    let known: Vec<String> = store.habits()?.into_iter().map(|h| h.key).collect();
    let mut habits: BTreeMap<i64, (String, bool)> = BTreeMap::new();
    let mut whole = database.rows("habits", COLUMNS, "id", |row| {
        let Some(id) = row.integer(0) else {
            intake.skip(SkipReason::BadValue, "habit");
            return Ok(());
        };
        let habit = habit_of(id, row, database.has("habits", "question"));
        let (key, measured) = (habit.key.clone(), habit.goal != Goal::YesNo);
        let new = !known.contains(&key);
        if new {
            store.save_habit(&habit)?;
        }
        intake.batch.entered(new);
        habits.insert(id, (key, measured));
        Ok(())
    })?;
    for (id, (key, measured)) in &habits {
        let mut entries = Vec::new();
        let value = if database.has("repetitions", "value") { "value" } else { "2" };
        let notes = if database.has("repetitions", "notes") { "notes" } else { "NULL" };
        let sql = format!(
            "SELECT timestamp, {value}, {notes} FROM repetitions WHERE habit = ?1 ORDER BY timestamp"
        );
        whole &= database.query(&sql, &[*id], |row| {
            let (Some(ms), Some(value)) = (row.integer(0), row.integer(1)) else {
                intake.skip(SkipReason::BadTime, "repetition");
                return Ok(());
            };
            let day = Day(ms.div_euclid(DAY_MS).clamp(-1_000_000, 1_000_000) as i32);
            let entry = match (measured, value) {
                (_, SKIP) => Entry::Skipped,
                (true, v) if v >= 0 => Entry::Amount(v as f64 / 1000.0),
                (false, YES) => Entry::Done,
                (false, NO) => Entry::Missed,
                // Worked out by the app from the other days.
                (false, YES_AUTO) => {
                    intake.batch.merged();
                    return Ok(());
                }
                _ => {
                    intake.skip(SkipReason::BadValue, "repetition");
                    return Ok(());
                }
            };
            entries.push((day, entry, short(row.text(2))));
            Ok(())
        })?;
        for new in store.add_habit_entries(key, &entries)? {
            intake.batch.entered(new);
        }
        intake.progress(0)?;
    }
    // Days of habits that were deleted.
    let orphans = "SELECT count(*) FROM repetitions WHERE habit NOT IN (SELECT id FROM habits)";
    whole &= database.query(orphans, &[], |row| {
        let n = row.integer(0).unwrap_or(0).max(0) as u64;
        intake.batch.skip_many(SkipReason::NotHealthData, "repetition", n);
        Ok(())
    })?;
    if !whole {
        intake.skip(SkipReason::Broken, "database");
        intake.context.incomplete("a table of the backup is damaged; what could be read is stored");
    }
    Ok(())
}

fn habit_of(id: i64, row: &Fields<'_, '_>, has_question: bool) -> Habit {
    let key = format!("loop:{}", row.text(1).map_or_else(|| id.to_string(), str::to_owned));
    let measured = row.integer(5) == Some(1);
    let target = row.number(7).unwrap_or(0.0);
    let count = |i, most: i64| row.integer(i).unwrap_or(1).clamp(1, most) as u32;
    let days = count(10, 366);
    Habit {
        key,
        name: short(row.text(2)),
        // Before version 22 the question was called description.
        question: short(row.text(3).or(row.text(4).filter(|_| !has_question))),
        goal: match (measured, row.integer(6)) {
            (false, _) => Goal::YesNo,
            (true, Some(1)) => Goal::AtMost(target),
            (true, _) => Goal::AtLeast(target),
        },
        unit: short(row.text(8)),
        times: if measured { 1 } else { count(9, 366).min(days) },
        days,
        reminder: reminder(row.integer(13), row.integer(14), row.integer(15)),
        archived: row.integer(11).unwrap_or(0) != 0,
        position: row.integer(12).unwrap_or(id),
    }
}

fn short(text: Option<&str>) -> String {
    text.unwrap_or_default().chars().take(2000).collect()
}

/// Days are bits from Saturday on.
fn reminder(hour: Option<i64>, minute: Option<i64>, days: Option<i64>) -> Option<Schedule> {
    let time = Time::new(i8::try_from(hour?).ok()?, i8::try_from(minute?).ok()?, 0, 0).ok()?;
    let bits = days.unwrap_or(127);
    let week = [
        Weekday::Saturday,
        Weekday::Sunday,
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
    ];
    if bits & 127 == 127 || bits <= 0 {
        return Some(Schedule::daily(time));
    }
    let days: Vec<Weekday> =
        week.into_iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, d)| d).collect();
    Some(Schedule::weekdays(time, &days))
}
