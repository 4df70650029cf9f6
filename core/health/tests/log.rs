//! Habits, medication, cycle, mood and reminders in the store, and in its export.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod common;

use common::Home;
use cuba_health::log::cycle::Flow;
use cuba_health::log::habit::{Entry, Goal, Habit};
use cuba_health::log::medication::{Dose, DoseState, Medication, Plan, open_doses};
use cuba_health::log::mood::Mood;
use cuba_health::log::reminder::{Days, ReminderCheck, Schedule};
use cuba_health::store::Day;
use jiff::Timestamp;
use jiff::civil::time;
use jiff::tz::TimeZone;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn fill(home: &Home) {
    let store = &home.store;
    let read =
        Habit { reminder: Some(Schedule::daily(time(21, 30, 0, 0))), ..Habit::daily("read", "Read 📖") };
    store.save_habit(&read).unwrap();
    let water = Habit { goal: Goal::AtLeast(2000.5), unit: "mL".into(), ..Habit::daily("water", "Drink") };
    store.save_habit(&water).unwrap();
    store.enter_habit("read", Day(20_000), Some(Entry::Done), "").unwrap();
    store.enter_habit("read", Day(20_001), Some(Entry::Skipped), "ill").unwrap();
    store.enter_habit("water", Day(20_000), Some(Entry::Amount(1500.0)), "").unwrap();
    let pill = Medication {
        key: "pill".into(),
        name: "Iron".into(),
        unit: "tablet".into(),
        plan: Plan {
            schedule: Some(Schedule { times: vec![time(8, 0, 0, 0), time(20, 0, 0, 0)], days: Days::Daily }),
            amount: 1.0,
        },
        first_day: Day(20_000),
        last_day: None,
        stock: Some(5.0),
        archived: false,
    };
    store.save_medication(&pill).unwrap();
    store.enter_cycle_day(Day(20_000), Flow::Medium, "first day").unwrap();
    let mood = Mood {
        start_ms: 1,
        offset_min: 60,
        whole_day: true,
        valence: -0.25,
        labels: vec!["calm".into()],
        about: vec!["work".into()],
        note: "fine, \"really\"".into(),
    };
    store.enter_mood(&mood).unwrap();
}

#[test]
fn what_was_entered_is_there_and_goes_with_the_export() {
    let (home, other) = (Home::new(), Home::new());
    fill(&home);
    let mut out = Vec::new();
    cuba_health::store::export(&home.store, &mut out).unwrap();
    cuba_health::store::import(&other.store, &mut out.as_slice()).unwrap();
    let (a, b) = (&home.store, &other.store);
    assert_eq!(a.habits().unwrap(), b.habits().unwrap());
    for habit in a.habits().unwrap() {
        assert_eq!(a.habit_entries(&habit).unwrap(), b.habit_entries(&habit).unwrap());
    }
    assert_eq!(a.habits().unwrap().len(), 2);
    assert_eq!(a.medications().unwrap(), b.medications().unwrap());
    assert_eq!(a.moods(0, 10).unwrap(), b.moods(0, 10).unwrap());
    assert_eq!(a.cycle_days().unwrap(), b.cycle_days().unwrap());
    assert_eq!(b.cycle_note(Day(20_000)).unwrap().as_deref(), Some("first day"));
    let mut again = Vec::new();
    cuba_health::store::export(b, &mut again).unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), String::from_utf8(out).unwrap());
}

#[test]
fn doses_stock_and_open_ones() {
    let home = Home::new();
    fill(&home);
    let store = &home.store;
    let zone = TimeZone::get("Europe/Lisbon").unwrap();
    let pill = || store.medications().unwrap().remove(0);
    // 2024-10-04 is day 20 000.
    let (from, noon) = (at("2024-10-04T00:00:00Z"), at("2024-10-05T12:00:00Z"));
    let due = pill().due(from, noon, &zone);
    assert_eq!(due.len(), 3);
    assert_eq!(pill().runs_out(from, &zone), Some(Day(20_002)));
    let dose = |due: Timestamp, state, at: Timestamp| Dose { due, state, at, amount: 1.0 };
    store.enter_dose("pill", &dose(due[0], DoseState::Taken, due[0]), &zone).unwrap();
    store.enter_dose("pill", &dose(due[0], DoseState::Taken, due[0]), &zone).unwrap();
    assert_eq!(pill().stock, Some(4.0));
    store.enter_dose("pill", &dose(due[0], DoseState::Skipped, due[0]), &zone).unwrap();
    assert_eq!(pill().stock, Some(5.0));
    store.enter_dose("pill", &dose(due[1], DoseState::Snoozed, at("2024-10-05T11:00:00Z")), &zone).unwrap();
    let doses = store.doses("pill", from, noon).unwrap();
    assert_eq!(open_doses(&pill(), &doses, from, at("2024-10-05T10:00:00Z"), &zone), [due[2]]);
    assert_eq!(open_doses(&pill(), &doses, from, noon, &zone), [due[1], due[2]]);
    assert!(store.enter_dose("nothing", &dose(due[0], DoseState::Taken, due[0]), &zone).is_err());
}

#[test]
fn silent_reminders_are_noticed() {
    let home = Home::new();
    let store = &home.store;
    let due: Vec<Timestamp> = (1..=4).map(|d| at(&format!("2026-11-0{d}T08:00:00Z"))).collect();
    for d in &due {
        store.reminder_planned("habit:read", *d).unwrap();
    }
    store.reminder_fired("habit:read", due[0], at("2026-11-01T08:00:20Z")).unwrap();
    store.reminder_fired("habit:read", due[1], at("2026-11-02T09:10:00Z")).unwrap();
    let check = store.check_reminders(due[0], at("2026-11-04T08:00:30Z"), 60_000).unwrap();
    assert_eq!(check, ReminderCheck { due: 3, on_time: 1, late: 1, silent: 1 });
}

#[test]
fn bad_entries_are_refused_and_deleted_habits_are_gone() {
    let home = Home::new();
    fill(&home);
    let store = &home.store;
    assert!(store.enter_habit("nothing", Day(1), Some(Entry::Done), "").is_err());
    assert!(store.save_habit(&Habit { times: 0, ..Habit::daily("x", "x") }).is_err());
    store.enter_habit("read", Day(20_000), None, "").unwrap();
    let read = store.habit("read").unwrap();
    assert_eq!(store.habit_entries(&read).unwrap().len(), 1);
    store.delete_habit("read").unwrap();
    assert_eq!(store.habit_entries(&read).unwrap().len(), 0);
    assert!(store.delete_habit("read").is_err());
    store.delete_mood(1).unwrap();
    assert_eq!(store.moods(0, 10).unwrap(), []);
}
