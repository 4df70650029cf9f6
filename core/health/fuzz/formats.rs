//! What the targets of the formats beside Apple's do with their bytes: each is dressed as a file that reaches the
//! parser in question. None may panic; every error is fine; counts must add up.

#![allow(unreachable_pub, reason = "shared with the targets of cargo-fuzz")]

use std::io::Write as _;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use cuba_health::import::{Input, Options, Progress, import_input};
use cuba_health::store::Store;
use cuba_vault::{KeyFile, OpenOptions};

fn import(name: &str, bytes: Vec<u8>) {
    static HOME: OnceLock<(tempfile::TempDir, Store)> = OnceLock::new();
    let (_, store) = HOME.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let keys = KeyFile::new(dir.path().join("kek"));
        let options = OpenOptions::at(jiff::Timestamp::UNIX_EPOCH);
        let store = Store::open(&dir.path().join("cuba.db"), &keys, &options).expect("a new store");
        (dir, store)
    });
    let Ok(input) = Input::in_memory(name, bytes) else { return };
    let mut progress = |_: Progress| ControlFlow::Continue(());
    let mut options = Options { zone: &jiff::tz::TimeZone::UTC, now_ms: 0, progress: &mut progress };
    if let Ok(imported) = import_input(store, &input, &mut options) {
        assert!(imported.report.balances());
    }
}

/// The messages of a FIT file, with a header and a checksum that are right.
pub fn fit(bytes: &[u8]) {
    let mut file = vec![12, 0x20, 0x54, 0x08];
    file.extend((bytes.len() as u32).to_le_bytes());
    file.extend(b".FIT");
    file.extend(bytes);
    let crc = file.iter().fold(0u16, |crc, b| {
        (0..8).fold(crc ^ u16::from(*b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xA001 } else { c >> 1 })
    });
    file.extend(crc.to_le_bytes());
    import("x.fit", file);
}

/// A database of another app.
pub fn database(bytes: &[u8]) {
    import("x.db", bytes.to_vec());
}

/// A table of a person's own, and a track: the first bytes tell.
pub fn table(bytes: &[u8]) {
    import("x.csv", bytes.to_vec());
}

/// A member of a service's export; the first byte says which, and its highest bit whether it comes alone.
pub fn export(bytes: &[u8]) {
    const NAMES: [&str; 32] = [
        "Takeout/Fitbit/Global Export Data/heart_rate-2026-06-01.json",
        "Takeout/Fitbit/Global Export Data/sleep-2026-06-01.json",
        "Takeout/Fitbit/Global Export Data/weight-2026-06-01.json",
        "Takeout/Fitbit/Global Export Data/exercise-0.json",
        "Takeout/Fitbit/Sleep Score/sleep_score.csv",
        "Takeout/Fit/All Data/derived_com.google.heart_rate.bpm_x.json",
        "Takeout/Fit/Sessions/x.json",
        "DI_CONNECT/x_sleepData.json",
        "DI_CONNECT/UDSFile_x.json",
        "DI_CONNECT/x_summarizedActivities.json",
        "com.samsung.shealth.tracker.heart_rate.1.csv",
        "com.samsung.health.sleep_stage.1.csv",
        "raw_tracker_hr.csv",
        "raw_bed_sleep-state.csv",
        "oura/sleepmodel.csv",
        "oura/api.json",
        "Takeout/Google Health/Health Fitness Data_GoogleData/UserSleepStages_2026-06-01.csv",
        "Takeout/Google Health/Health Fitness Data_GoogleData/UserSleeps_2026-06-01.csv",
        "Takeout/Google Health/Health Fitness Data_GoogleData/UserExercises_2026-06-01.csv",
        "Takeout/Google Health/Physical Activity_GoogleData/heart_rate_2026-06-01.csv",
        "Takeout/Fit/Daily activity metrics/2026-06-01.csv",
        "DI_CONNECT/x_healthStatusData.json",
        "DI_CONNECT/BloodPressureFile_x.json",
        "DI_CONNECT/HydrationLogFile_x.json",
        "com.samsung.shealth.step_daily_trend.1.csv",
        "com.samsung.shealth.exercise.1.csv",
        "weight.csv",
        "sleep.csv",
        "oura/workout.csv",
        "Habits.csv",
        "001 A/Checkmarks.csv",
        "Checkmarks.csv",
    ];
    let Some((first, rest)) = bytes.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()];
    if first & 0x80 != 0 {
        return import(name.rsplit('/').next().unwrap_or(name), rest.to_vec());
    }
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.start_file(name, options).expect("a file in memory");
    writer.write_all(rest).expect("a file in memory");
    import("export.zip", writer.finish().expect("a file in memory").into_inner());
}
