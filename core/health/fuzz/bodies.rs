//! What each target does with its bytes. Shared by cargo-fuzz (`fuzz_targets/`) and by the smoke test on stable Rust
//! (`tests/fuzz_smoke.rs`). None may panic; every error is fine.

#![allow(unreachable_pub, reason = "shared with the targets of cargo-fuzz")]

use std::ops::ControlFlow;
use std::sync::OnceLock;

use cuba_health::import::{Input, Options, Progress, fuzzing, import_input};
use cuba_health::store::Store;
use cuba_vault::{KeyFile, OpenOptions};

/// The XML scanner: it ends, and its places go forward.
pub fn xml(bytes: &[u8]) {
    fuzzing::scan_xml(bytes);
}

/// A GPX route of a workout; points have places on the earth.
pub fn gpx_route(bytes: &[u8]) {
    for point in fuzzing::gpx_route(bytes) {
        assert!(point.latitude.abs() <= 90.0 && point.longitude.abs() <= 180.0);
    }
}

/// An electrocardiogram; values are numbers.
pub fn ecg(bytes: &[u8]) {
    if let Some(recording) = fuzzing::ecg(bytes) {
        assert!(recording.hertz > 0.0 && recording.values.iter().all(|v| v.is_finite()));
    }
}

/// Any file of any format, archives too; counts must add up.
pub fn any_file(bytes: &[u8]) {
    static HOME: OnceLock<(tempfile::TempDir, Store)> = OnceLock::new();
    let (_, store) = HOME.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let keys = KeyFile::new(dir.path().join("kek"));
        let options = OpenOptions::at(jiff::Timestamp::UNIX_EPOCH);
        let store = Store::open(&dir.path().join("cuba.db"), &keys, &options).expect("a new store");
        (dir, store)
    });
    let Ok(input) = Input::in_memory("file", bytes.to_vec()) else { return };
    let mut progress = |_: Progress| ControlFlow::Continue(());
    let mut options = Options { zone: &jiff::tz::TimeZone::UTC, now_ms: 0, progress: &mut progress };
    if let Ok(imported) = import_input(store, &input, &mut options) {
        assert!(imported.report.balances());
    }
}
