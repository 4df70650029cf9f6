//! Imports health data and asks about it: `cargo run -p cuba-ffi --example health HOME [EXPORT]`. The database is encrypted.

#![allow(clippy::print_stdout, reason = "an example shows what it finds")]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use cuba_health::import::{self, Options};
use cuba_health::metric::Metric;
use cuba_health::store::{Bucket, Day, NewSource, Sample, SourceKind, Store};
use cuba_vault::{KeyFile, OpenOptions};
use jiff::{Timestamp, civil::date, tz::TimeZone};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let home = PathBuf::from(args.next().ok_or("name a home directory")?);
    let keys = KeyFile::new(home.join("keys/vault.kek"));
    let store = Store::open(&home.join("vault/cuba.db"), &keys, &OpenOptions::at(Timestamp::now()))?;
    if let Some(export) = args.next() {
        let mut progress = |_| ControlFlow::Continue(());
        let now_ms = Timestamp::now().as_millisecond();
        let mut options = Options { zone: &TimeZone::system(), now_ms, progress: &mut progress };
        let report = import::import(&store, Path::new(&export), &mut options)?.report;
        println!(
            "{} of {} records stored, {} were there already",
            report.stored, report.read, report.duplicates
        );
    }
    let mut batch = store.batch();
    let strap = batch.source(&NewSource::new("strap", "Strap", SourceKind::Strap))?;
    for minute in 0..30 {
        // From 2026-11-02 08:00 UTC.
        let at = 1_793_606_400_000 + minute * 60_000;
        batch.sample(Metric::HeartRate, strap, Sample::at(at, 60.0 + (minute % 5) as f64, 60))?;
    }
    println!("{} new samples", batch.finish()?.stored);
    let (from, to) = (Day::from_date(date(2026, 11, 1)), Day::from_date(date(2026, 11, 30)));
    for point in store.chart(Metric::HeartRate, from, to, Bucket::Day)? {
        let rollup = point.rollup;
        println!("{}: from {} to {} bpm, {} samples", point.day.date(), rollup.min, rollup.max, rollup.count);
    }
    println!("{}", store.vault().protection());
    Ok(())
}
