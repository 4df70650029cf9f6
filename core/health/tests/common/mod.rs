//! Shared by the integration tests: a store in a temporary folder.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::new_without_default)]

use std::collections::BTreeMap;

use cuba_health::metric::Metric;
use cuba_health::store::{Bucket, ChartPoint, Day, NewSource, Rollup, Sample, SourceId, SourceKind, Store};
use cuba_vault::{KeyFile, OpenOptions};

pub struct Home {
    pub dir: tempfile::TempDir,
    pub store: Store,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        Self { dir, store }
    }

    pub fn source(&self, key: &str, kind: SourceKind) -> SourceId {
        self.store.batch().source(&NewSource::new(key, key, kind)).unwrap()
    }

    pub fn insert(
        &self,
        metric: Metric,
        source: SourceId,
        samples: &[Sample],
    ) -> cuba_health::store::ImportReport {
        let mut batch = self.store.batch();
        for s in samples {
            batch.sample(metric, source, *s).unwrap();
        }
        let report = batch.finish().unwrap();
        assert!(report.balances(), "{report:?}");
        report
    }
}

pub fn open(dir: &std::path::Path) -> Store {
    let options = OpenOptions::at("2026-11-23T01:08:30Z".parse().unwrap());
    Store::open(&dir.join("cuba.db"), &KeyFile::new(dir.join("keys/kek")), &options).unwrap()
}

/// Charts over everything, of every bucket, as one value to compare.
pub fn charts(store: &Store, metric: Metric) -> Vec<Vec<ChartPoint>> {
    let (from, to) = (Day(-100_000), Day(100_000));
    [Bucket::Hour, Bucket::Day, Bucket::Week, Bucket::Month]
        .into_iter()
        .map(|b| store.chart(metric, from, to, b).unwrap())
        .collect()
}

/// Rollups the slow way: every sample, straight into its local day and hour.
pub fn slow_rollups(samples: &[Sample]) -> BTreeMap<(Day, Option<u8>), Rollup> {
    let mut out: BTreeMap<(Day, Option<u8>), (i128, Rollup)> = BTreeMap::new();
    for s in samples {
        let local = s.start_ms + i64::from(s.offset_min) * 60_000;
        let day = Day(local.div_euclid(86_400_000) as i32);
        let hour = (local.rem_euclid(86_400_000) / 3_600_000) as u8;
        for key in [(day, None), (day, Some(hour))] {
            let e = out.entry(key).or_insert((0, Rollup::EMPTY));
            // Test values have at most two decimals: sums of hundredths are exact.
            e.0 += (s.value * 100.0).round() as i128;
            e.1.count += 1;
            e.1.min = e.1.min.min(s.value);
            e.1.max = e.1.max.max(s.value);
        }
    }
    out.into_iter().map(|(k, (sum, r))| (k, Rollup { sum: sum as f64 / 100.0, ..r })).collect()
}
