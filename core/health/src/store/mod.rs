//! The health store: samples as packed days, records as rows, and rollups that are exact after every change.
//!
//! Writing goes through a [`Batch`], reading through [`Store`]. Every sample belongs to the local day it started on, by
//! its own offset from UTC; a packed day holds those of one metric and source. Each write repacks the days it touches
//! and writes their rollups in the same transaction, so that a rollup can never disagree with its samples. Days that
//! several sources cover also have merged rollups, made by [`crate::merge`] when the batch ends.
//!
//! A stored day is at most one block: a live recorder should hand over some seconds of samples at a time, not single
//! ones.

mod batch;
pub(crate) mod chunk;
pub(crate) mod column;
mod delete;
mod export;
mod query;
mod records;
pub(crate) mod rollup;
mod sample;
mod settle;
mod sources;
mod write;

pub use batch::{Batch, ImportReport, SkipReason};
pub use delete::{Deleted, Scope};
pub(crate) use export::import_lines;
pub use export::{export, export_csv, import};
pub use query::{Bucket, ChartPoint};
pub use records::{Event, Recording, RoutePoint, Workout};
pub use rollup::Rollup;
pub use sample::{DAY_MS, Day, Sample, SourceId, offset_in};
pub use sources::{NewSource, Source, SourceKind};

use std::path::Path;
use std::sync::Arc;

use cuba_vault::{KeyStore, OpenOptions, Schema, Vault};

use crate::HealthError;
use crate::metric::Metric;

/// The health tables, for programs that open a vault of several features.
pub const SCHEMA: Schema = Schema {
    name: "health",
    migrations: &[include_str!("schema/001_init.sql"), include_str!("../log/schema/002_log.sql")],
};

/// The open health store. Cheap to clone; may be used from any thread.
///
/// ```
/// use cuba_health::metric::Metric;
/// use cuba_health::store::{Bucket, Day, NewSource, Sample, SourceKind, Store};
/// # use cuba_vault::{KeyFile, OpenOptions};
/// # let dir = tempfile::tempdir().unwrap();
/// # let (path, keys) = (dir.path().join("cuba.db"), KeyFile::new(dir.path().join("kek")));
/// let store = Store::open(&path, &keys, &OpenOptions::at(jiff::Timestamp::UNIX_EPOCH))?;
/// let mut batch = store.batch();
/// let watch = batch.source(&NewSource::new("watch", "My watch", SourceKind::Watch))?;
/// for minute in 0..60 {
///     batch.sample(Metric::HeartRate, watch, Sample::at(1_700_000_000_000 + minute * 60_000, 60.0, 60))?;
/// }
/// let report = batch.finish()?;
/// assert_eq!((report.read, report.stored), (60, 60));
///
/// let day = Day::of(1_700_000_000_000, 60);
/// let chart = store.chart(Metric::HeartRate, day, day, Bucket::Day)?;
/// assert_eq!(chart[0].rollup.mean(), Some(60.0));
/// # Ok::<(), cuba_health::HealthError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) vault: Arc<Vault>,
}

impl Store {
    /// Opens a vault that holds health data alone.
    pub fn open(path: &Path, keys: &dyn KeyStore, options: &OpenOptions) -> Result<Self, HealthError> {
        Ok(Self::in_vault(Arc::new(Vault::open(path, keys, &[SCHEMA], options)?)))
    }

    /// Uses a vault that was opened with [`SCHEMA`] among its schemas.
    pub fn in_vault(vault: Arc<Vault>) -> Self {
        Self { vault }
    }

    /// The vault beneath: backups, protection, damage.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }
}

/// Database key of a packed day.
pub(crate) fn chunk_key(metric: Metric, source: SourceId, day: Day) -> i64 {
    (i64::from(metric.code()) << 40) | (i64::from(source.0) << 24) | (i64::from(day.0) + (1 << 23))
}

/// Metric code, source and day of a database key.
pub(crate) fn split_key(key: i64) -> (u16, SourceId, Day) {
    let day = (key & 0xFF_FFFF) - (1 << 23);
    ((key >> 40) as u16, SourceId((key >> 24) as u16), Day(day as i32))
}

/// Source number of merged rollups.
pub(crate) const MERGED: SourceId = SourceId(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_split_as_they_were_made() {
        for day in [-Day::LIMIT, -1, 0, 20_000, Day::LIMIT] {
            let key = chunk_key(Metric::Mood, SourceId(65_535), Day(day));
            assert_eq!(split_key(key), (Metric::Mood.code(), SourceId(65_535), Day(day)));
        }
    }
}
