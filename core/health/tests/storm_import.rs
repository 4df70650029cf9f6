//! kill -9 at random moments of an Apple import: what was there stays, the import started again goes on, and the store
//! ends as that of an import nobody disturbed. `CUBA_STORM=100` for the long storm, `CUBA_STORM_SEED` for another one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg(unix)]

mod common;

use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{charts, open, slow_rollups};
use cuba_health::HealthError;
use cuba_health::import::{Options, import};
use cuba_health::metric::Metric;
use cuba_health::store::{Day, Sample, Store, export};

/// Days of the export: about 190 KB each. A checkpoint is written every 64 MB.
const DAYS: u32 = 800;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// An export as a phone writes it, type by type: pulse with copies, steps of two sources, nights, beats, workouts.
fn write_export(path: &Path) {
    const Q: &str = "HKQuantityTypeIdentifier";
    let mut out = BufWriter::new(std::fs::File::create(path).unwrap());
    let first: jiff::civil::Date = "2021-01-01".parse().unwrap();
    let days: Vec<String> =
        (0..DAYS).map(|d| first.checked_add(jiff::Span::new().days(d)).unwrap().to_string()).collect();
    let clock = |s: u32| format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
    let device = "device=\"&lt;&lt;HKDevice: 0x280000000&gt;, name:Apple Watch, model:Watch&gt;\"";
    let mut put = |text: String| out.write_all(text.as_bytes()).unwrap();
    put("<?xml version=\"1.0\"?>\n<!DOCTYPE HealthData [\n<!ELEMENT Broken (]>\n<HealthData locale=\"en_GB\">\n".to_owned());
    for (n, day) in days.iter().enumerate() {
        for i in 0..360 {
            let at = format!("{day} {} +0100", clock(i * 240));
            let bpm = 50 + (i * 7 + n as u32) % 80;
            let record = format!(
                " <Record type=\"{Q}HeartRate\" sourceName=\"My Watch\" sourceVersion=\"9\" {device} unit=\"count/min\" creationDate=\"{at}\" startDate=\"{at}\" endDate=\"{at}\" value=\"{bpm}\">\n  <MetadataEntry key=\"HKMetadataKeyHeartRateMotionContext\" value=\"0\"/>\n </Record>\n"
            );
            put(record.clone());
            if i % 97 == 0 {
                put(record);
            }
        }
    }
    for day in &days {
        for i in 0..100 {
            let source = if i % 3 == 0 { "My Phone" } else { "My Watch" };
            let (a, b) = (clock(25_000 + i * 300), clock(25_000 + i * 300 + 250));
            put(format!(
                " <Record type=\"{Q}StepCount\" sourceName=\"{source}\" unit=\"count\" startDate=\"{day} {a} +0100\" endDate=\"{day} {b} +0100\" value=\"{}\"/>\n",
                i + 1
            ));
        }
        for (i, stage) in ["Core", "Deep", "Core", "REM"].iter().enumerate() {
            let (a, b) = (clock(i as u32 * 3600), clock(i as u32 * 3600 + 3600));
            put(format!(
                " <Record type=\"HKCategoryTypeIdentifierSleepAnalysis\" sourceName=\"My Watch\" startDate=\"{day} {a} +0100\" endDate=\"{day} {b} +0100\" value=\"HKCategoryValueSleepAnalysisAsleep{stage}\"/>\n"
            ));
        }
    }
    for (n, day) in days.iter().enumerate() {
        put(format!(
            " <Record type=\"{Q}HeartRateVariabilitySDNN\" sourceName=\"My Watch\" unit=\"ms\" startDate=\"{day} 06:00:00 +0100\" endDate=\"{day} 06:01:00 +0100\" value=\"{}.5\">\n  <HeartRateVariabilityMetadataList>\n",
            30 + n % 40
        ));
        for i in 0..60 {
            put(format!(
                "   <InstantaneousBeatsPerMinute bpm=\"{}\" time=\"6:00:{i:02}.25 AM\"/>\n",
                58 + i % 5
            ));
        }
        put("  </HeartRateVariabilityMetadataList>\n </Record>\n".to_owned());
        put(format!(
            " <Workout workoutActivityType=\"HKWorkoutActivityTypeRunning\" duration=\"30\" durationUnit=\"min\" sourceName=\"My Watch\" startDate=\"{day} 18:00:00 +0100\" endDate=\"{day} 18:30:00 +0100\">\n  <WorkoutStatistics type=\"{Q}DistanceWalkingRunning\" sum=\"5.{}\" unit=\"km\"/>\n </Workout>\n",
            n % 10
        ));
    }
    put("</HealthData>\n".to_owned());
    out.flush().unwrap();
}

/// Samples and workouts that a second reader sees now.
fn stored(store: &Store) -> i64 {
    store
        .vault()
        .read(|tx| {
            Ok::<_, HealthError>(tx.query_row(
                "SELECT (SELECT coalesce(sum(n), 0) FROM day_rollup WHERE source <> 0) + (SELECT count(*) FROM workout)",
                [],
                |r| r.get(0),
            )?)
        })
        .unwrap()
}

fn run(store: &Store, file: &Path, told: &mut dyn FnMut()) -> cuba_health::import::Imported {
    let mut progress = |_| {
        told();
        ControlFlow::Continue(())
    };
    let mut options = Options { zone: &jiff::tz::TimeZone::UTC, now_ms: 0, progress: &mut progress };
    import(store, file, &mut options).unwrap()
}

fn lossless(store: &Store) -> Vec<u8> {
    let mut out = Vec::new();
    export(store, &mut out).unwrap();
    out
}

fn pulse(store: &Store) -> Vec<Sample> {
    let Some(watch) = store.sources().unwrap().into_iter().find(|s| s.name == "My Watch") else {
        return Vec::new();
    };
    store.samples(Metric::HeartRate, watch.id, Day(0), Day(100_000)).unwrap()
}

#[test]
fn an_import_killed_at_any_moment_goes_on_and_ends_the_same() {
    let (kills, mut random) = (number("CUBA_STORM", 5), number("CUBA_STORM_SEED", 1) * 2 + 1);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("export.xml");
    write_export(&file);
    let undisturbed = dir.path().join("undisturbed");
    std::fs::create_dir(&undisturbed).unwrap();
    let (reference, all, took) = {
        let store = open(&undisturbed);
        let begun = Instant::now();
        let report = run(&store, &file, &mut || {}).report;
        assert!(report.balances() && report.stored > 300_000, "{report:?}");
        (lossless(&store), pulse(&store), begun.elapsed())
    };
    let (mut killed, mut finished, mut resumed, mut checked) = (0, 0, 0, 0i64);
    while killed < kills || finished == 0 {
        let home = dir.path().join(format!("home-{finished}"));
        std::fs::create_dir(&home).unwrap();
        let (mut before, mut tries) = (0i64, 0);
        loop {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "child_imports", "--ignored", "--nocapture"])
                .env("HEALTH_DIR", &home)
                .env("HEALTH_FILE", &file)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Of ever more of a whole import, on a machine that may have become slower: some hit its start, some its
            // end, and now and then it gets there.
            let span = took.as_micros() as u64 * (3 + tries) / 10;
            let wait = Duration::from_micros(10_000 + (random >> 33) % span.max(50_000));
            tries += 1;
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            if killed < kills {
                std::thread::sleep(wait);
                child.kill().unwrap();
            }
            let mut done = false;
            for line in lines.map(Result::unwrap) {
                if let Some(n) = line.strip_prefix("stored ").and_then(|n| n.parse().ok()) {
                    before = before.max(n);
                }
                resumed += u64::from(line == "resumed true");
                done |= line.starts_with("resumed");
            }
            let status = child.wait().unwrap();
            let store = open(&home);
            assert_eq!(store.vault().set_aside(), None, "kill {killed}");
            let now = stored(&store);
            assert!(now >= before, "kill {killed}: {before} reported as stored, {now} there");
            (before, checked) = (now, checked.max(now));
            let samples = pulse(&store);
            assert!(
                samples.iter().all(|s| all.contains_sorted(s)),
                "kill {killed}: a sample that no file has"
            );
            let expected = slow_rollups(&samples);
            for p in charts(&store, Metric::HeartRate).iter().take(2).flatten() {
                assert_eq!(expected.get(&(p.day, p.hour)), Some(&p.rollup), "kill {killed}");
            }
            if done {
                store.vault().verify().unwrap();
                assert!(
                    lossless(&store) == reference,
                    "kill {killed}: not the store of an undisturbed import"
                );
                finished += 1;
                break;
            }
            assert!(!status.success() && killed < kills, "the import failed");
            killed += 1;
        }
        std::fs::remove_dir_all(&home).unwrap();
    }
    println!(
        "{killed} kills during {finished} imports of {} MB, {resumed} of them ended by going on from a checkpoint; none lost or doubled a sample",
        std::fs::metadata(&file).unwrap().len() >> 20
    );
    assert!(checked > 0);
}

trait Sorted {
    fn contains_sorted(&self, sample: &Sample) -> bool;
}

impl Sorted for Vec<Sample> {
    fn contains_sorted(&self, sample: &Sample) -> bool {
        self.binary_search_by_key(&sample.start_ms, |s| s.start_ms).is_ok_and(|i| self[i] == *sample)
    }
}

#[test]
#[ignore = "run by an_import_killed_at_any_moment_goes_on_and_ends_the_same"]
fn child_imports() {
    let path = |name: &str| std::path::PathBuf::from(std::env::var(name).unwrap());
    let store = open(&path("HEALTH_DIR"));
    let mut last = -1;
    let done = run(&store, &path("HEALTH_FILE"), &mut || {
        let now = stored(&store);
        if now != last {
            last = now;
            let mut out = std::io::stdout();
            writeln!(out, "stored {now}").unwrap();
            out.flush().unwrap();
        }
    });
    println!("stored {}", stored(&store));
    println!("resumed {}", done.files[0].resumed);
}
