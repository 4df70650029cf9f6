//! A store with four months of an invented person, the same on every machine.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::pedantic,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::sync::Arc;

use cuba_health::log::habit::{Entry, Goal, Habit};
use cuba_health::log::medication::{Dose, DoseState, Medication, Plan};
use cuba_health::log::mood::Mood;
use cuba_health::log::reminder::Schedule;
use cuba_health::metric::{Metric, SleepStage};
use cuba_health::store::{Day, Event, NewSource, Sample, SourceKind, Store, Workout};
use cuba_report::{Language, Setting};
use cuba_signals::stats::Rng;
use cuba_vault::{KeyFile, OpenOptions, Vault};
use jiff::tz::TimeZone;

pub const DAYS: i32 = 120;
const MINUTE: i64 = 60_000;

pub struct Person {
    pub dir: tempfile::TempDir,
    pub store: Store,
    pub setting: Setting,
}

impl Person {
    pub fn today(&self) -> Day {
        self.setting.today()
    }

    pub fn speaking(&self, language: Language) -> Setting {
        Setting { language, ..self.setting.clone() }
    }
}

/// With nothing recorded.
pub fn empty() -> Person {
    let dir = tempfile::tempdir().unwrap();
    let now = "2026-11-22T19:30:00Z".parse().unwrap();
    let schemas = [cuba_health::store::SCHEMA, cuba_report::card::SCHEMA];
    let keys = KeyFile::new(dir.path().join("kek"));
    let vault = Vault::open(&dir.path().join("cuba.db"), &keys, &schemas, &OpenOptions::at(now)).unwrap();
    let setting = Setting { now, zone: TimeZone::get("Europe/Madrid").unwrap(), language: Language::En };
    Person { dir, store: Store::in_vault(Arc::new(vault)), setting }
}

/// Sleeps half an hour longer after days with a walk, and weighs a little less each week.
pub fn person() -> Person {
    let p = empty();
    let mut dice = Rng::new(7);
    let today = p.today();
    let first = today.plus(1 - DAYS);
    let mut walk = Habit::daily("walk", "Evening walk <30 min>");
    walk.position = 0;
    let water = Habit {
        goal: Goal::AtLeast(2000.0),
        unit: "mL".into(),
        position: 1,
        ..Habit::daily("water", "Water")
    };
    p.store.save_habit(&walk).unwrap();
    p.store.save_habit(&water).unwrap();
    let mut batch = p.store.batch();
    let watch = batch.source(&NewSource::new("watch", "Reloj de Ana", SourceKind::Watch)).unwrap();
    let phone = batch.source(&NewSource::new("phone", "Phone", SourceKind::Phone)).unwrap();
    let scale = batch.source(&NewSource::new("scale", "Scale", SourceKind::Scale)).unwrap();
    let mut walked_before = false;
    for n in 0..DAYS {
        let day = first.plus(n);
        let midnight = p.setting.start_of(day);
        let offset = cuba_health::store::offset_in(&p.setting.zone, midnight + 12 * 60 * MINUTE);
        let walked = dice.uniform() < 0.45;
        // The night that ends this morning.
        let bed = midnight - (40.0 + 25.0 * dice.normal()) as i64 * MINUTE;
        let asleep = (420.0 + if walked_before { 30.0 } else { 0.0 } + 15.0 * dice.normal()) as i64;
        let mut at = bed;
        let mut put = |stage: SleepStage, minutes: i64| {
            let end = at + minutes * MINUTE;
            batch.sample(Metric::SleepStage, watch, Sample::over(at, end, stage.value(), offset)).unwrap();
            at = end;
        };
        put(SleepStage::Awake, 12);
        for cycle in 0..5 {
            put(SleepStage::Light, asleep / 10);
            put(SleepStage::Deep, if cycle < 3 { 25 } else { 8 });
            put(SleepStage::Rem, 10 + 5 * cycle);
            put(SleepStage::Light, (asleep / 10 - 38 + if cycle < 3 { 0 } else { 17 }).max(5));
        }
        put(SleepStage::Awake, 5);
        let wake = at;
        let mut t = bed;
        while t < midnight + 22 * 60 * MINUTE {
            let base = if t < wake { 56.0 } else { 74.0 };
            let bpm = (base + 4.0 * dice.normal()).round();
            batch.sample(Metric::HeartRate, watch, Sample::at(t, bpm, offset)).unwrap();
            t += 5 * MINUTE;
        }
        for hour in 8..21 {
            let start = midnight + hour * 60 * MINUTE;
            let steps =
                (500.0 + 250.0 * dice.uniform() + if walked && hour == 19 { 3500.0 } else { 0.0 }).round();
            batch
                .sample(Metric::Steps, watch, Sample::over(start, start + 30 * MINUTE, steps, offset))
                .unwrap();
            // The phone sees the same half hour and one more before it.
            let span = Sample::over(start - 15 * MINUTE, start + 15 * MINUTE, (steps * 0.8).round(), offset);
            batch.sample(Metric::Steps, phone, span).unwrap();
        }
        if n % 3 == 0 {
            let weight = ((82.0 - 0.02 * f64::from(n) + 0.25 * dice.normal()) * 10.0).round() / 10.0;
            batch.sample(Metric::Weight, scale, Sample::at(midnight + 450 * MINUTE, weight, offset)).unwrap();
        }
        if n % 4 == 0 {
            for (metric, base) in
                [(Metric::BloodPressureSystolic, 122.0), (Metric::BloodPressureDiastolic, 78.0)]
            {
                let value = (base + 5.0 * dice.normal()).round();
                batch.sample(metric, watch, Sample::at(midnight + 480 * MINUTE, value, offset)).unwrap();
            }
        }
        if n % 9 == 2 {
            let start_ms = midnight + 18 * 60 * MINUTE;
            let run = Workout {
                kind: "running".into(),
                start_ms,
                end_ms: start_ms + 42 * MINUTE,
                offset_min: offset,
                ..Workout::default()
            };
            batch.workout(watch, run, Vec::new()).unwrap();
        }
        if n % 11 == 5 {
            let start_ms = midnight + 15 * 60 * MINUTE;
            let event = |kind: &str, text: &str| Event {
                kind: kind.into(),
                start_ms,
                end_ms: start_ms,
                offset_min: offset,
                value: 1.0,
                text: text.into(),
                ..Event::default()
            };
            batch.event(phone, event("symptom.headache", "")).unwrap();
            batch.event(phone, event("note", "día largo en el trabajo")).unwrap();
        }
        let entry = if n % 17 == 3 {
            Entry::Skipped
        } else if walked {
            Entry::Done
        } else {
            Entry::Missed
        };
        p.store.enter_habit("walk", day, Some(entry), "").unwrap();
        p.store
            .enter_habit("water", day, Some(Entry::Amount(1500.0 + 250.0 * f64::from(n % 5))), "")
            .unwrap();
        walked_before = walked && entry == Entry::Done;
    }
    assert!(batch.finish().unwrap().balances());
    medication_and_mood(&p, first);
    p
}

fn medication_and_mood(p: &Person, first: Day) {
    let eight = jiff::civil::time(8, 0, 0, 0);
    let tablet = Medication {
        key: "ibersan".into(),
        name: "Ibersán 20 mg".into(),
        unit: "tablet".into(),
        plan: Plan { schedule: Some(Schedule::daily(eight)), amount: 1.0 },
        first_day: first,
        last_day: None,
        stock: Some(100.0),
        archived: false,
    };
    p.store.save_medication(&tablet).unwrap();
    let since = jiff::Timestamp::from_millisecond(p.setting.start_of(first)).unwrap();
    for (i, due) in tablet.due(since, p.setting.now, &p.setting.zone).into_iter().enumerate() {
        let state = match i % 10 {
            3 => DoseState::Skipped,
            7 => continue,
            _ => DoseState::Taken,
        };
        p.store.enter_dose("ibersan", &Dose { due, state, at: due, amount: 1.0 }, &p.setting.zone).unwrap();
    }
    for n in (0..DAYS).step_by(2) {
        let start_ms = p.setting.start_of(first.plus(n)) + 20 * 60 * MINUTE;
        let mood = Mood {
            start_ms,
            offset_min: 60,
            whole_day: true,
            valence: f64::from(n % 7 - 2) / 10.0,
            labels: vec!["calm".into()],
            about: Vec::new(),
            note: String::new(),
        };
        p.store.enter_mood(&mood).unwrap();
    }
}

/// The text of a PDF as a reader finds it: the table of objects is followed from the end of the file, each object must
/// stand where the table says, and the strings of the pages are decoded. The writer does not compress.
pub fn pdf_text(pdf: &[u8]) -> String {
    assert!(pdf.starts_with(b"%PDF-1."));
    let find =
        |from: usize, what: &[u8]| pdf[from..].windows(what.len()).position(|w| w == what).map(|i| from + i);
    let last = |what: &[u8]| pdf.windows(what.len()).rposition(|w| w == what).unwrap();
    let line = |from: usize| {
        let end = find(from, b"\n").unwrap();
        (std::str::from_utf8(&pdf[from..end]).unwrap().trim().to_owned(), end + 1)
    };
    let (start, _) = line(last(b"startxref") + 10);
    let (head, mut at) = line(start.parse().unwrap());
    assert_eq!(head, "xref");
    let (range, next) = line(at);
    at = next;
    let count: usize = range.split(' ').nth(1).unwrap().parse().unwrap();
    let mut text = String::new();
    for number in 0..count {
        let (entry, next) = line(at);
        at = next;
        if !entry.ends_with('n') {
            continue;
        }
        let offset: usize = entry[..10].parse().unwrap();
        assert!(pdf[offset..].starts_with(format!("{number} 0 obj").as_bytes()), "object {number}");
        let end = find(offset, b"endobj").unwrap();
        if let Some(stream) = find(offset, b"stream\n").filter(|s| *s < end) {
            strings(&pdf[stream + 7..find(stream, b"endstream").unwrap()], &mut text);
        }
    }
    text
}

/// Literal and hexadecimal strings before `Tj`, from Windows-1252.
fn strings(content: &[u8], out: &mut String) {
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let high: Vec<char> = HIGH.chars().collect();
    let mut i = 0;
    while i < content.len() {
        let mut bytes = Vec::new();
        match content[i] {
            b'(' => {
                let mut depth = 1;
                i += 1;
                while depth > 0 {
                    match content[i] {
                        b'\\' => {
                            i += 1;
                            match content[i] {
                                b'n' => bytes.push(b'\n'),
                                b'r' => bytes.push(b'\r'),
                                b't' => bytes.push(b'\t'),
                                b'0'..=b'7' => {
                                    let digits = &content[i..i + 3];
                                    bytes.push(
                                        u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 8).unwrap(),
                                    );
                                    i += 2;
                                }
                                other => bytes.push(other),
                            }
                        }
                        b'(' => {
                            depth += 1;
                            bytes.push(b'(');
                        }
                        b')' => {
                            depth -= 1;
                            if depth > 0 {
                                bytes.push(b')');
                            }
                        }
                        other => bytes.push(other),
                    }
                    i += 1;
                }
            }
            b'<' => {
                let end = i + content[i..].iter().position(|b| *b == b'>').unwrap();
                let hex = std::str::from_utf8(&content[i + 1..end]).unwrap();
                bytes.extend(
                    (0..hex.len() / 2).map(|k| u8::from_str_radix(&hex[2 * k..2 * k + 2], 16).unwrap()),
                );
                i = end + 1;
            }
            _ => {
                i += 1;
                continue;
            }
        }
        out.extend(bytes.iter().map(|b| match b {
            0x80..=0x9f => high[usize::from(b - 0x80)],
            _ => char::from(*b),
        }));
        out.push('\n');
    }
}
