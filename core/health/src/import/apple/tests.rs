//! The importer on a generated export (`scripts/gen-apple-export --mb 1.6 --seed 7`) and on damaged ones.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;

use cuba_vault::{KeyFile, OpenOptions};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::{Imported, Input, Options, Progress, import, import_input};
use crate::HealthError;
use crate::log::cycle::Flow;
use crate::metric::{Metric, SleepStage};
use crate::store::{Bucket, Day, SkipReason, Store};

const EXPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/apple/export.zip");
const CENSUS: &str = include_str!("../../../tests/fixtures/apple/export.json");

struct Home {
    store: Store,
    dir: tempfile::TempDir,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions::at("2026-11-23T01:08:30Z".parse().unwrap());
    let store =
        Store::open(&dir.path().join("cuba.db"), &KeyFile::new(dir.path().join("kek")), &options).unwrap();
    Home { store, dir }
}

/// Imports until `stop_after` reports of progress were given.
fn run(store: &Store, input: &Input, stop_after: usize) -> Result<Imported, HealthError> {
    let mut reports = 0;
    let mut last = 0;
    let mut progress = |p: Progress| {
        assert!(p.done_bytes <= p.total_bytes);
        assert!(p.done_bytes >= last || p.done_bytes == 0);
        last = p.done_bytes;
        reports += 1;
        if reports > stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let imported = import_input(
        store,
        input,
        &mut Options { zone: &TimeZone::UTC, now_ms: 0, progress: &mut progress },
    )?;
    assert!(imported.report.balances(), "{:?}", imported.report);
    Ok(imported)
}

fn run_path(store: &Store, path: &Path) -> Result<Imported, HealthError> {
    let mut progress = |_: Progress| ControlFlow::Continue(());
    import(store, path, &mut Options { zone: &TimeZone::UTC, now_ms: 0, progress: &mut progress })
}

/// Everything in a store, as text.
fn content(store: &Store) -> String {
    let mut out = Vec::new();
    crate::store::export(store, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn fixture() -> Input {
    Input::open(Path::new(EXPORT)).unwrap()
}

fn member(name: &str) -> Vec<u8> {
    let input = fixture();
    let member = input.members().iter().find(|m| m.name.contains(name)).unwrap();
    input.read_member(member, 1 << 24).unwrap()
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn document(body: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\"?>\n<HealthData locale=\"en\">\n{body}\n</HealthData>").into_bytes()
}

fn heart_rate(minute: u32, value: u32) -> String {
    let time = format!("2024-01-01 08:{minute:02}:00 +0100");
    format!(
        "<Record type=\"HKQuantityTypeIdentifierHeartRate\" sourceName=\"W\" unit=\"count/min\" startDate=\"{time}\" endDate=\"{time}\" value=\"{value}\"/>\n"
    )
}

#[test]
fn what_goes_in_comes_out_counted() {
    let home = home();
    let imported = run_path(&home.store, Path::new(EXPORT)).unwrap();
    let census: serde_json::Value = serde_json::from_str(CENSUS).unwrap();
    let of = |name: &str| census["elements"][name].as_u64().unwrap();
    let elements = [
        "Record",
        "InstantaneousBeatsPerMinute",
        "Correlation",
        "Workout",
        "WorkoutEvent",
        "ActivitySummary",
        "ClinicalRecord",
        "Audiogram",
        "Me",
        "ECG",
    ];
    let report = &imported.report;
    assert_eq!(report.read, elements.iter().map(|e| of(e)).sum::<u64>());
    assert_eq!(report.duplicates, census["copies"].as_u64().unwrap());
    assert_eq!((imported.files.len(), imported.files[0].incomplete.as_deref()), (1, None));
    insta::assert_json_snapshot!(imported);

    let before = content(&home.store);
    let again = run_path(&home.store, Path::new(EXPORT)).unwrap().report;
    assert_eq!((again.stored, again.read), (0, report.read));
    assert_eq!(again.skipped, report.skipped);
    assert_eq!(content(&home.store), before);
}

#[test]
fn every_kind_of_data_arrives() {
    let home = home();
    run_path(&home.store, Path::new(EXPORT)).unwrap();
    let store = &home.store;
    let all = |metric: Metric| -> Vec<(i64, f64)> {
        let sources = store.priority(metric).unwrap();
        let mut out = Vec::new();
        for source in sources {
            let samples = store.samples(metric, source, Day(0), Day(30_000)).unwrap();
            out.extend(samples.iter().map(|s| (s.start_ms, s.value)));
        }
        out
    };
    assert!(all(Metric::HeartRate).iter().all(|s| (48.0..150.0).contains(&s.1)));
    let beats = all(Metric::RrInterval);
    assert!(beats.len() > 500 && beats.iter().all(|s| (780.0..1230.0).contains(&s.1)), "{}", beats.len());
    assert!(all(Metric::OxygenSaturation).iter().all(|s| (90.0..=99.0).contains(&s.1)));
    assert!(all(Metric::Weight).iter().all(|s| (68.0..84.0).contains(&s.1)));
    assert!(all(Metric::DistanceCycling).iter().all(|s| (16.0..322.0).contains(&s.1)));
    assert_eq!(all(Metric::BloodPressureSystolic).len(), all(Metric::BloodPressureDiastolic).len());
    assert!(all(Metric::SleepStage).iter().any(|s| SleepStage::from_value(s.1) == Some(SleepStage::Rem)));
    assert!(!store.sleep(Day(0), Day(30_000)).unwrap().is_empty());

    let workouts = store.workouts(0, i64::MAX).unwrap();
    assert_eq!(workouts.len(), 3);
    let values: std::collections::BTreeMap<_, _> = workouts[0].2.values.iter().cloned().collect();
    // Of the statistics, not of the activity inside, and the total of old exports where there is none.
    assert!(values["heart_rate.mean"] > 100.0 && (2000.0..11_000.0).contains(&values["distance.sum"]));
    assert_eq!((values["elevation_gained.sum"], values["physical_effort.mean"]), (42.15, 6.1));
    let route = store.route(workouts[0].0).unwrap();
    assert!(route.len() > 1000 && route.iter().all(|p| (52.0..53.0).contains(&p.latitude)));
    assert!(route[0].time_ms >= workouts[0].2.start_ms && route[0].accuracy > 1.9);
    let ecg = store.recordings(0, i64::MAX).unwrap();
    assert_eq!((ecg.len(), ecg[0].1.values.len(), ecg[0].1.hertz), (1, 512 * 30, 512.0));
    let events = store.events(None, 0, i64::MAX).unwrap();
    let kinds: std::collections::BTreeSet<&str> = events.iter().map(|e| e.1.kind.as_str()).collect();
    assert!(kinds.contains("handwashing") && kinds.contains("workout.segment"), "{kinds:?}");
    let sources = store.sources().unwrap();
    assert!(sources.iter().any(|s| s.name == "Anna\u{2019}s Apple Watch" && s.kind.name() == "watch"));
    assert!(sources.iter().any(|s| s.name == "Fit & Food"));
}

#[test]
fn archive_folder_and_lone_file_are_the_same() {
    let whole = home();
    run_path(&whole.store, Path::new(EXPORT)).unwrap();
    let wanted = content(&whole.store);

    // Localised, as an unpacked folder, and the XML alone with its folders beside it.
    let localised = home();
    let (xml, gpx, ecg) = (member("export.xml"), member("route_"), member("ecg_"));
    let route =
        fixture().members().iter().find(|m| m.name.contains("route_")).unwrap().base_name().to_owned();
    let zip = zipped(&[
        ("apple_health_export/export_cda.xml", b"<ClinicalDocument/>"),
        ("apple_health_export/\u{5bfc}\u{51fa}.xml", &xml),
        (&format!("apple_health_export/workout-routes/{route}"), &gpx),
        ("apple_health_export/electrocardiograms/\u{5fc3}\u{7535}\u{56fe}.csv", &ecg),
    ]);
    run(&localised.store, &Input::in_memory("\u{5bfc}\u{51fa}.zip", zip).unwrap(), usize::MAX).unwrap();
    assert_eq!(content(&localised.store), wanted);

    let folder = localised.dir.path().join("apple_health_export");
    for sub in ["workout-routes", "electrocardiograms"] {
        std::fs::create_dir_all(folder.join(sub)).unwrap();
    }
    std::fs::write(folder.join("Export.xml"), &xml).unwrap();
    std::fs::write(folder.join("workout-routes").join(&route), &gpx).unwrap();
    std::fs::write(folder.join("electrocardiograms/ekg.csv"), &ecg).unwrap();
    for path in [folder.clone(), folder.join("Export.xml")] {
        let home = home();
        run_path(&home.store, &path).unwrap();
        assert_eq!(content(&home.store), wanted);
    }
}

#[test]
fn a_cancelled_import_goes_on_where_it_stopped() {
    let whole = home();
    let all = run(&whole.store, &fixture(), usize::MAX).unwrap().report;
    let home = home();
    let mut resumed = 0;
    for round in 1.. {
        let part = run(&home.store, &fixture(), 20 + 3 * round).unwrap();
        resumed += usize::from(part.files[0].resumed);
        if !part.cancelled {
            // The rest alone was read.
            assert!(part.report.read < all.read / 2, "{} of {}", part.report.read, all.read);
            break;
        }
        assert!(round < 100, "it makes no headway");
    }
    assert!(resumed >= 2, "{resumed}");
    assert_eq!(content(&home.store), content(&whole.store));
    // Done: the next import is one of a whole file again.
    let again = run(&home.store, &fixture(), usize::MAX).unwrap();
    assert!(!again.files[0].resumed);
    assert_eq!((again.report.stored, again.report.read), (0, all.read));
}

#[test]
fn a_file_that_ends_early_gives_what_it_has() {
    let xml = member("export.xml");
    for cut in [xml.len() / 3, xml.len() / 2 + 7, xml.len() - 5] {
        let home = home();
        let input = Input::in_memory("export.xml", xml[..cut].to_vec()).unwrap();
        let imported = run(&home.store, &input, usize::MAX).unwrap();
        assert!(imported.files[0].incomplete.as_deref().unwrap().contains("ends early"));
        assert!(imported.report.stored > 500);
        // The whole file adds the rest.
        let rest =
            run(&home.store, &Input::in_memory("export.xml", xml.clone()).unwrap(), usize::MAX).unwrap();
        assert_eq!(rest.files[0].incomplete, None);
        let whole = self::home();
        run(&whole.store, &Input::in_memory("export.xml", xml.clone()).unwrap(), usize::MAX).unwrap();
        assert_eq!(content(&home.store), content(&whole.store));
    }
}

#[test]
fn damaged_archives_say_so() {
    let zip = std::fs::read(EXPORT).unwrap();
    let cut = Input::in_memory("export.zip", zip[..zip.len() / 2].to_vec());
    assert!(matches!(cut, Err(HealthError::BrokenFile { .. })), "{cut:?}");

    // A wrong byte in the middle of the XML: the checksum or the stream says so, what came before is stored.
    let mut wrong = zip.clone();
    wrong[60_000] ^= 0x55;
    let home = home();
    let imported = run(&home.store, &Input::in_memory("export.zip", wrong).unwrap(), usize::MAX).unwrap();
    assert!(imported.files[0].incomplete.is_some());
    assert!(imported.report.stored > 0);
}

#[test]
fn other_files_are_refused_with_a_reason() {
    let home = home();
    for bytes in [
        b"hello".to_vec(),
        Vec::new(),
        b"<ClinicalDocument/>".to_vec(),
        zipped(&[("a.txt", b"hello"), ("b/export.xml", b"<html/>")]),
        zipped(&[]),
    ] {
        let end = run(&home.store, &Input::in_memory("export.zip", bytes).unwrap(), usize::MAX);
        assert!(matches!(end, Err(HealthError::Unrecognised)), "{end:?}");
    }
}

#[test]
fn bombs_are_not_opened() {
    let mut zeros = document("").clone();
    zeros.resize(100 << 20, b' ');
    let bomb = zipped(&[("apple_health_export/export.xml", &zeros)]);
    assert!(bomb.len() < 200_000);
    let refused = Input::in_memory("export.zip", bomb.clone());
    assert!(matches!(refused, Err(HealthError::BrokenFile { .. })), "{refused:?}");

    // One that declares less than it holds is stopped on the way.
    let mut liar = bomb;
    let size = (zeros.len() as u32).to_le_bytes();
    let small = (1u32 << 20).to_le_bytes();
    let at: Vec<usize> = (0..liar.len() - 4).filter(|&i| liar[i..i + 4] == size).collect();
    assert!(!at.is_empty());
    for i in at {
        liar[i..i + 4].copy_from_slice(&small);
    }
    let home = home();
    let imported = run(&home.store, &Input::in_memory("export.zip", liar).unwrap(), usize::MAX).unwrap();
    assert!(imported.files[0].incomplete.as_deref().unwrap().contains("more than it declares"));
}

#[test]
fn nul_bytes_and_broken_tags_cost_only_themselves() {
    let body = format!(
        "{}\0\0\x0b{}<Record type=\"HKQuantityTypeIdentifierHeartRate\" unit=\"cou{}{}<Workout startDate=\"x\"/>",
        heart_rate(1, 60),
        heart_rate(2, 61),
        heart_rate(3, 62),
        heart_rate(4, 63).replace("value=\"63\"", "value=\"63\0\""),
    );
    let home = home();
    let input = Input::in_memory("export.xml", document(&body)).unwrap();
    let report = run(&home.store, &input, usize::MAX).unwrap().report;
    assert_eq!(report.stored, 3);
    assert_eq!(report.skipped[&SkipReason::Broken]["XML"], 1);
    assert_eq!(report.skipped[&SkipReason::BadValue]["HeartRate"], 1);
    assert_eq!(report.skipped[&SkipReason::BadTime]["Workout"], 1);
}

#[test]
fn a_record_lies_on_the_day_it_was_lived() {
    let body = r#"<Record type="HKCategoryTypeIdentifierSleepAnalysis" sourceName="W" startDate="2024-05-01 14:00:00 +0200" endDate="2024-05-01 15:00:00 +0200" value="HKCategoryValueSleepAnalysisAsleepCore">
        <MetadataEntry key="HKTimeZone" value="America/Los_Angeles"/></Record>
        <Record type="HKCategoryTypeIdentifierMenstrualFlow" sourceName="W" startDate="2024-05-02 03:00:00 +0200" endDate="2024-05-02 03:00:00 +0200" value="HKCategoryValueMenstrualFlowHeavy"/>
        <Record type="HKCategoryTypeIdentifierHeadache" sourceName="W" startDate="2024-05-02 03:00:00 +0200" endDate="2024-05-02 04:00:00 +0200" value="HKCategoryValueSeveritySevere"/>
        <Correlation type="HKCorrelationTypeIdentifierFood" sourceName="W" startDate="2024-05-02 08:00:00 +0200" endDate="2024-05-02 08:00:00 +0200">
        <MetadataEntry key="HKFoodType" value="Bread &amp; jam"/>
        <Record type="HKQuantityTypeIdentifierDietarySugar" unit="g" sourceName="W" startDate="2024-05-02 08:00:00 +0200" endDate="2024-05-02 08:00:00 +0200" value="9"/></Correlation>"#;
    let home = home();
    let input = Input::in_memory("export.xml", document(body)).unwrap();
    let report = run(&home.store, &input, usize::MAX).unwrap().report;
    assert_eq!((report.read, report.stored), (5, 5));
    let day = Day::from_date(jiff::civil::date(2024, 5, 1));
    let hours = home.store.chart(Metric::SleepStage, day, day, Bucket::Hour).unwrap();
    assert_eq!(hours[0].hour, Some(5));
    assert_eq!(home.store.cycle_days().unwrap(), [(day.plus(1), Flow::Heavy)]);
    let events = home.store.events(None, 0, i64::MAX).unwrap();
    let short: Vec<_> = events
        .iter()
        .map(|e| (e.1.kind.as_str(), e.1.value, e.1.label.as_str(), e.1.text.as_str()))
        .collect();
    assert_eq!(
        short,
        [
            ("cycle.flow", 4.0, "", ""),
            ("symptom.headache", 3.0, "severe", ""),
            ("food", 1.0, "", "Bread & jam")
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happens to the bytes: an end, counts that add up, and no panic.
    #[test]
    fn damaged_bytes_do_no_harm(changes in proptest::collection::vec((0usize..40_000, any::<u8>()), 1..30), cut in 1000usize..40_000) {
        static XML: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        static HOME: std::sync::OnceLock<Home> = std::sync::OnceLock::new();
        let mut xml = XML.get_or_init(|| {
            let all = member("export.xml");
            // The last part has something of everything.
            [&all[..6000], &all[all.len() - 36_000..]].concat()
        }).clone();
        for (at, byte) in changes {
            if let Some(b) = xml.get_mut(at) {
                *b = byte;
            }
        }
        xml.truncate(cut.max(2000));
        let home = HOME.get_or_init(home);
        if let Ok(input) = Input::in_memory("export.xml", xml) {
            let _ = run(&home.store, &input, usize::MAX);
        }
    }
}
