//! The store against slow obvious models, and what it must never do.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod common;

use std::collections::BTreeMap;

use common::{Home, charts, open, slow_rollups};
use cuba_health::metric::Metric;
use cuba_health::store::{
    Bucket, DAY_MS, Day, Event, NewSource, Recording, RoutePoint, Sample, Scope, SkipReason, SourceKind,
    Workout,
};
use proptest::prelude::*;

const T0: i64 = 1_700_000_000_000;

#[derive(Clone, Debug)]
enum Change {
    Insert(Vec<Sample>),
    Reinsert(proptest::sample::Index),
    Remove(proptest::sample::Index),
    Alter(proptest::sample::Index, f64),
    DeleteDays(i32, i32),
}

fn sample() -> impl Strategy<Value = Sample> {
    // Four days around a midnight, two offsets: samples move between local days.
    (0i64..4 * 24 * 60, 3000i64..20_000, prop_oneof![Just(60i16), Just(120i16), Just(-300i16)])
        .prop_map(|(m, v, offset)| Sample::at(T0 + m * 60_000, v as f64 / 100.0, offset))
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => proptest::collection::vec(sample(), 1..80).prop_map(Change::Insert),
        1 => any::<proptest::sample::Index>().prop_map(Change::Reinsert),
        1 => any::<proptest::sample::Index>().prop_map(Change::Remove),
        1 => (any::<proptest::sample::Index>(), 3000i64..20_000).prop_map(|(i, v)| Change::Alter(i, v as f64 / 100.0)),
        1 => (0i32..5, 0i32..3).prop_map(|(a, n)| Change::DeleteDays(a, a + n)),
    ]
}

fn key(s: &Sample) -> (i64, i64, u64) {
    (s.start_ms, s.end_ms, s.value.to_bits())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// After any inserts, updates and deletions, samples and every rollup are those of the plain list of samples.
    #[test]
    fn rollups_are_exact_after_every_change(changes in proptest::collection::vec(change(), 1..8)) {
        let home = Home::new();
        let source = home.source("watch", SourceKind::Watch);
        let mut model: BTreeMap<(i64, i64, u64), Sample> = BTreeMap::new();
        for change in changes {
            match change {
                Change::Insert(samples) => {
                    let report = home.insert(Metric::HeartRate, source, &samples);
                    let before = model.len();
                    for s in &samples {
                        model.entry(key(s)).or_insert(*s);
                    }
                    prop_assert_eq!(report.stored as usize, model.len() - before);
                }
                Change::Reinsert(i) => {
                    let again: Vec<Sample> = model.values().copied().skip(i.index(model.len() + 1)).collect();
                    prop_assert_eq!(home.insert(Metric::HeartRate, source, &again).stored, 0);
                }
                Change::Remove(i) if !model.is_empty() => {
                    let s = *model.values().nth(i.index(model.len())).unwrap();
                    home.store.edit_day(Metric::HeartRate, source, s.day(), |d| d.retain(|x| key(x) != key(&s))).unwrap();
                    model.remove(&key(&s));
                }
                Change::Alter(i, value) if !model.is_empty() => {
                    let s = *model.values().nth(i.index(model.len())).unwrap();
                    let new = Sample { value, ..s };
                    if !model.contains_key(&key(&new)) {
                        home.store.edit_day(Metric::HeartRate, source, s.day(), |d| {
                            d.iter_mut().filter(|x| key(x) == key(&s)).for_each(|x| x.value = value);
                        }).unwrap();
                        model.remove(&key(&s));
                        model.insert(key(&new), new);
                    }
                }
                Change::DeleteDays(a, b) => {
                    let first = Day::of(T0, 0).0;
                    let (from, to) = (Day(first + a), Day(first + b));
                    let scope = Scope { from: Some(from), to: Some(to), ..Scope::default() };
                    let deleted = home.store.delete(scope).unwrap().samples as usize;
                    let before = model.len();
                    model.retain(|_, s| s.day() < from || s.day() > to);
                    prop_assert_eq!(deleted, before - model.len());
                }
                _ => {}
            }
            let all: Vec<Sample> = model.values().copied().collect();
            let mut got = home.store.samples(Metric::HeartRate, source, Day(-100_000), Day(100_000)).unwrap();
            got.sort_by_key(key);
            prop_assert_eq!(&got, &all);
            let expected = slow_rollups(&all);
            let charts = charts(&home.store, Metric::HeartRate);
            let mut seen = 0;
            for p in charts[0].iter().chain(&charts[1]) {
                prop_assert_eq!(expected.get(&(p.day, p.hour)), Some(&p.rollup));
                seen += 1;
            }
            prop_assert_eq!(seen, expected.len());
            for chart in &charts[2..] {
                prop_assert_eq!(chart.iter().map(|p| p.rollup.count).sum::<u64>() as usize, all.len());
            }
        }
        home.store.vault().verify().unwrap();
    }

    /// Merged days equal the merge of all samples, whichever order the sources came in and whatever was deleted.
    #[test]
    fn merged_days_follow_their_sources(
        watch in proptest::collection::vec((0i64..2000, 1i64..90, 1u32..500), 0..40),
        phone in proptest::collection::vec((0i64..2000, 1i64..90, 1u32..500), 0..40),
        phone_first in any::<bool>(),
        delete_watch in any::<bool>(),
    ) {
        let home = Home::new();
        let ids = [home.source("watch", SourceKind::Watch), home.source("phone", SourceKind::Phone)];
        let minute = 60_000;
        let lists: Vec<Vec<Sample>> = [watch, phone].iter().map(|rows| {
            let mut list: Vec<Sample> = rows.iter().map(|&(t, len, v)| Sample::over(T0 + t * minute, T0 + (t + len) * minute, f64::from(v), 60)).collect();
            list.sort_by_key(key);
            list.dedup_by_key(|s| key(s));
            list
        }).collect();
        for i in if phone_first { [1, 0] } else { [0, 1] } {
            home.insert(Metric::Steps, ids[i], &lists[i]);
        }
        let mut kept = lists.clone();
        if delete_watch {
            home.store.delete(Scope { source: Some(ids[0]), from: Some(Day::of(T0, 60)), ..Scope::default() }).unwrap();
            kept[0].clear();
        }
        let sources: Vec<_> = ids.iter().zip(&kept).map(|(&source, samples)| cuba_health::merge::SourceSamples { source, samples: samples.clone() }).collect();
        let merged = cuba_health::merge::merge(Metric::Steps, &sources);
        let mut expected: BTreeMap<Day, f64> = BTreeMap::new();
        for p in &merged.parts {
            *expected.entry(p.sample.day()).or_default() += p.value;
        }
        let chart = home.store.chart(Metric::Steps, Day(0), Day(100_000), Bucket::Day).unwrap();
        prop_assert_eq!(chart.len(), expected.len());
        for p in &chart {
            prop_assert!((p.rollup.sum - expected[&p.day]).abs() < 1e-6, "{:?} {}", p, expected[&p.day]);
            let day = home.store.merged_day(Metric::Steps, p.day).unwrap();
            prop_assert!((day.parts.iter().map(|x| x.value).sum::<f64>() - p.rollup.sum).abs() < 1e-6);
        }
        let hours: f64 = home.store.chart(Metric::Steps, Day(0), Day(100_000), Bucket::Hour).unwrap().iter().map(|p| p.rollup.sum).sum();
        prop_assert!((hours - expected.values().sum::<f64>()).abs() < 1e-6);
    }
}

#[test]
fn priority_decides_and_can_be_changed() {
    let home = Home::new();
    let (watch, phone) = (home.source("watch", SourceKind::Watch), home.source("phone", SourceKind::Phone));
    home.insert(Metric::Steps, phone, &[Sample::over(T0, T0 + 600_000, 800.0, 0)]);
    home.insert(Metric::Steps, watch, &[Sample::over(T0, T0 + 600_000, 1000.0, 0)]);
    let day = Day::of(T0, 0);
    let sum = || home.store.chart(Metric::Steps, day, day, Bucket::Day).unwrap()[0].rollup.sum;
    assert_eq!(sum(), 1000.0);
    home.store.set_priority(Some(Metric::Steps), &[phone]).unwrap();
    assert_eq!(sum(), 800.0);
    assert_eq!(home.store.priority(Metric::Steps).unwrap(), [phone, watch]);
    assert_eq!(home.store.priority(Metric::Distance).unwrap(), [watch, phone]);
    home.store.set_priority(Some(Metric::Steps), &[]).unwrap();
    assert_eq!(sum(), 1000.0);
    let merged = home.store.merged_day(Metric::Steps, day).unwrap();
    let why: Vec<_> = merged.why(T0 + 1000).collect();
    assert_eq!((why[0].winner, why[0].loser), (watch, phone));
    assert_eq!(home.store.series().unwrap(), [(Metric::Steps, vec![watch, phone])]);
}

#[test]
fn a_neighbouring_day_of_another_source_counts_over_midnight() {
    let home = Home::new();
    let (watch, phone) = (home.source("watch", SourceKind::Watch), home.source("phone", SourceKind::Phone));
    let midnight = i64::from(Day::of(T0, 0).0) * DAY_MS + DAY_MS;
    home.insert(Metric::Steps, phone, &[Sample::over(midnight, midnight + 1_200_000, 600.0, 0)]);
    home.insert(Metric::Steps, watch, &[Sample::over(midnight - 600_000, midnight + 600_000, 900.0, 0)]);
    let chart = home.store.chart(Metric::Steps, Day(0), Day(100_000), Bucket::Day).unwrap();
    assert_eq!(chart.iter().map(|p| p.rollup.sum).collect::<Vec<_>>(), [900.0, 300.0]);
}

#[test]
fn an_export_in_another_zone_adds_nothing() {
    let home = Home::new();
    let watch = home.source("watch", SourceKind::Watch);
    let berlin: Vec<Sample> =
        (0..3000).map(|i| Sample::at(T0 + i * 60_000, 60.0 + (i % 50) as f64, 60)).collect();
    let tokyo: Vec<Sample> = berlin.iter().map(|s| Sample { offset_min: 540, ..*s }).collect();
    assert_eq!(home.insert(Metric::HeartRate, watch, &berlin).stored, 3000);
    let again = home.insert(Metric::HeartRate, watch, &tokyo);
    assert_eq!((again.stored, again.duplicates), (0, 3000));
}

#[test]
fn broken_samples_are_counted_not_stored() {
    let home = Home::new();
    let watch = home.source("watch", SourceKind::Watch);
    let mut batch = home.store.batch();
    let good = Sample::at(T0, 60.0, 60);
    for s in [
        good,
        Sample { value: f64::NAN, ..good },
        Sample { value: f64::INFINITY, ..good },
        Sample { value: 9999.0, ..good },
        Sample { end_ms: T0 - 1, ..good },
        Sample { start_ms: i64::MIN, ..good },
        Sample { end_ms: i64::MAX, ..good },
        Sample { end_ms: T0 + 30 * 3_600_000, ..good },
        Sample { offset_min: 2000, ..good },
        good,
    ] {
        batch.sample(Metric::HeartRate, watch, s).unwrap();
    }
    batch.skip(SkipReason::UnknownType, "HKDataTypeSleepDurationGoal");
    batch.merged();
    let report = batch.finish().unwrap();
    assert!(report.balances());
    insta::assert_json_snapshot!(report);
}

#[test]
fn a_checkpoint_is_stored_with_its_samples() {
    let home = Home::new();
    let watch = home.source("watch", SourceKind::Watch);
    let mut batch = home.store.batch();
    batch.sample(Metric::HeartRate, watch, Sample::at(T0, 60.0, 60)).unwrap();
    batch.checkpoint("export.xml", "12345").unwrap();
    batch.sample(Metric::HeartRate, watch, Sample::at(T0 + 1000, 61.0, 60)).unwrap();
    drop(batch);
    let store = &home.store;
    assert_eq!(store.import_mark("export.xml").unwrap().as_deref(), Some("12345"));
    let day = Day::of(T0, 60);
    assert_eq!(store.samples(Metric::HeartRate, watch, day, day).unwrap().len(), 1);
}

fn fill_everything(home: &Home) {
    let (watch, phone) =
        (home.source("watch", SourceKind::Watch), home.source("Ph\u{f6}ne, \"2\"", SourceKind::Phone));
    let heart: Vec<Sample> =
        (0..5000).map(|i| Sample::at(T0 + i * 61_000 + i % 7, 60.0 + (i % 50) as f64, 60)).collect();
    home.insert(Metric::HeartRate, watch, &heart);
    let energy: Vec<Sample> = (0..300)
        .map(|i| Sample::over(T0 + i * 60_000, T0 + i * 60_000 + 59_999, 0.1 + i as f64 / 3.0, -300))
        .collect();
    home.insert(Metric::ActiveEnergy, watch, &energy);
    home.insert(Metric::ActiveEnergy, phone, &energy[50..150]);
    home.store.set_priority(Some(Metric::ActiveEnergy), &[phone, watch]).unwrap();
    home.store.set_priority(None, &[watch]).unwrap();
    let mut batch = home.store.batch();
    let point = |i: i64| RoutePoint {
        time_ms: T0 + i * 1000,
        latitude: 52.5 + i as f64 * 1.3e-6,
        longitude: -13.4 - i as f64 * 0.7e-6,
        altitude: if i % 5 == 0 { f64::NAN } else { 34.25 },
        speed: 2.5 + (i % 10) as f64 / 10.0,
        accuracy: f64::NAN,
    };
    let workout = Workout {
        kind: "running".into(),
        start_ms: T0,
        end_ms: T0 + 3_600_000,
        offset_min: 60,
        title: "Morning".into(),
        values: vec![("distance.sum".into(), 10_012.25), ("heart_rate.mean".into(), 151.5)],
    };
    batch.workout(watch, workout, (0..40_000).map(point).collect()).unwrap();
    let event = Event {
        kind: "symptom.headache".into(),
        start_ms: T0,
        end_ms: T0,
        offset_min: 60,
        value: 2.0,
        label: "mild".into(),
        text: "after \u{1F642}\nlunch".into(),
    };
    batch.event(phone, event).unwrap();
    let values = (0..15_000).map(|i| f64::from(i % 512) * 0.5 - 100.0).collect();
    let ecg = Recording {
        kind: "ecg".into(),
        start_ms: T0,
        offset_min: 60,
        hertz: 512.0,
        unit: "µV".into(),
        label: "sinus".into(),
        values,
    };
    batch.recording(watch, ecg).unwrap();
    batch.finish().unwrap();
}

fn exported(home: &Home) -> String {
    let mut out = Vec::new();
    cuba_health::store::export(&home.store, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn an_export_imports_back_to_equality() {
    let (home, other) = (Home::new(), Home::new());
    fill_everything(&home);
    let text = exported(&home);
    let report = cuba_health::store::import(&other.store, &mut text.as_bytes()).unwrap();
    assert!(report.balances());
    assert_eq!((report.duplicates, report.skipped_total()), (0, 0));
    assert_eq!(exported(&other), text);
    for metric in [Metric::HeartRate, Metric::ActiveEnergy] {
        assert_eq!(charts(&home.store, metric), charts(&other.store, metric));
    }
    let again = cuba_health::store::import(&other.store, &mut text.as_bytes()).unwrap();
    assert_eq!((again.stored, again.duplicates), (0, report.stored));
    assert_eq!(exported(&other), text);
    let mut csv = Vec::new();
    cuba_health::store::export_csv(&home.store, &mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count(), 5000 + 300 + 100 + 1);
    insta::assert_snapshot!(csv.lines().take(4).chain(csv.lines().last()).collect::<Vec<_>>().join("\n"));
}

#[test]
fn broken_exports_are_refused_with_their_line() {
    let home = Home::new();
    for (text, line) in [
        ("", 1),
        ("{}\n", 1),
        ("{\"cuba_health\":2}\n", 1),
        ("{\"source\":{\"id\":1,\"key\":\"a\",\"name\":\"a\",\"kind\":\"watch\"}}\n", 1),
        ("{\"cuba_health\":1}\nnonsense 72 bpm\n", 2),
        (
            "{\"cuba_health\":1}\n{\"samples\":{\"metric\":\"heart_rate\",\"source\":9,\"start\":[1],\"length\":0,\"offset\":0,\"value\":[60]}}\n",
            2,
        ),
        ("{\"cuba_health\":1}\n{\"row\":{\"table\":\"sqlite_schema\",\"values\":{}}}\n", 2),
    ] {
        match cuba_health::store::import(&home.store, &mut text.as_bytes()) {
            Err(cuba_health::HealthError::Format { line: l, reason }) => {
                assert_eq!(l, line, "{text}");
                assert!(!reason.contains("72"), "{reason}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn what_stands_before_a_broken_line_of_an_export_is_kept() {
    let home = Home::new();
    let text = "{\"cuba_health\":1}\n{\"source\":{\"id\":1,\"key\":\"a\",\"name\":\"a\",\"kind\":\"watch\"}}\n\
        {\"samples\":{\"metric\":\"heart_rate\",\"source\":1,\"start\":[1700000000000],\"length\":0,\"offset\":0,\"value\":[60]}}\n\
        cut o";
    let error = cuba_health::store::import(&home.store, &mut text.as_bytes()).unwrap_err();
    assert!(matches!(error, cuba_health::HealthError::Format { line: 4, .. }), "{error}");
    let day = Day::of(1_700_000_000_000, 0);
    let chart = home.store.chart(Metric::HeartRate, day, day, Bucket::Day).unwrap();
    assert_eq!(chart.iter().map(|p| p.rollup.count).collect::<Vec<_>>(), [1]);
}

#[test]
fn deleted_means_gone() {
    let home = Home::new();
    fill_everything(&home);
    let sources = home.store.sources().unwrap();
    let size = || std::fs::metadata(home.dir.path().join("cuba.db")).unwrap().len();
    home.store.vault().compact().unwrap();
    let before = size();
    let phone = sources[1].id;
    let deleted = home.store.delete(Scope { source: Some(phone), ..Scope::default() }).unwrap();
    assert_eq!((deleted.samples, deleted.records), (100, 1));
    assert_eq!(home.store.sources().unwrap().len(), 1);
    let deleted = home.store.delete(Scope { metric: Some(Metric::HeartRate), ..Scope::default() }).unwrap();
    assert_eq!(deleted.samples, 5000);
    assert_eq!(home.store.chart(Metric::HeartRate, Day(0), Day(100_000), Bucket::Day).unwrap(), []);
    let deleted = home.store.delete(Scope::default()).unwrap();
    assert_eq!((deleted.samples, deleted.records), (300, 2));
    assert_eq!(home.store.series().unwrap(), []);
    assert!(size() < before * 3 / 4, "{} of {before}", size());
    assert_eq!(exported(&home).lines().count(), 4, "only the format, a source and its two places are left");
}

#[test]
fn two_stores_write_side_by_side() {
    let home = Home::new();
    let second = open(home.dir.path());
    let watch = home.source("watch", SourceKind::Watch);
    let mut a = home.store.batch();
    let mut b = second.batch();
    assert_eq!(b.source(&NewSource::new("watch", "watch", SourceKind::Watch)).unwrap(), watch);
    for i in 0..2000 {
        a.sample(Metric::HeartRate, watch, Sample::at(T0 + i * 2000, 60.0, 60)).unwrap();
        b.sample(Metric::HeartRate, watch, Sample::at(T0 + i * 2000 + 1000, 61.0, 60)).unwrap();
        if i % 500 == 0 {
            a.flush().unwrap();
            b.flush().unwrap();
        }
    }
    assert_eq!((a.finish().unwrap().stored, b.finish().unwrap().stored), (2000, 2000));
    let day = Day::of(T0, 60);
    assert_eq!(second.samples(Metric::HeartRate, watch, day, day.plus(1)).unwrap().len(), 4000);
}
