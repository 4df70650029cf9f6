//! Importers of every format but Apple's, fed with files that generators here write from each format's description.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::new_without_default,
    clippy::explicit_counter_loop,
    clippy::range_plus_one,
    reason = "test code: it ends at the first surprise"
)]

mod databases;
mod exports;
mod fit;
mod fuzz;
mod texts;
mod variants;

use std::fmt::Write as _;
use std::ops::ControlFlow;

use cuba_health::HealthError;
use cuba_health::import::{Imported, Input, Options, import_input};
use cuba_health::store::{Day, Store};
use cuba_vault::{KeyFile, OpenOptions};
use jiff::tz::TimeZone;

pub struct Home {
    pub dir: tempfile::TempDir,
    pub store: Store,
}

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = OpenOptions::at("2026-11-23T01:08:30Z".parse().unwrap());
        let store = Store::open(&dir.path().join("cuba.db"), &KeyFile::new(dir.path().join("kek")), &options)
            .unwrap();
        Self { dir, store }
    }

    pub fn import(&self, input: &Input) -> Result<Imported, HealthError> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now_ms = "2026-11-23T01:08:30Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let mut options = Options { zone: &zone, now_ms, progress: &mut |_| ControlFlow::Continue(()) };
        import_input(&self.store, input, &mut options)
    }

    /// Imports twice: the counts balance, and the second time stores nothing and changes nothing.
    pub fn import_twice(&self, input: &Input) -> String {
        let first = self.import(input).unwrap();
        assert!(first.report.balances(), "{first:?}");
        let (report, stored) = (report(&first), self.dump());
        let second = self.import(input).unwrap();
        assert!(second.report.balances(), "{second:?}");
        assert_eq!(second.report.stored, 0, "{second:?}");
        assert_eq!(self.dump(), stored);
        format!("{report}\n{stored}")
    }

    /// Everything stored, as text: each series with its count, sum, first and last samples; records in full.
    pub fn dump(&self) -> String {
        let mut out = String::new();
        let sources = self.store.sources().unwrap();
        let name = |id| sources.iter().find(|s| s.id == id).unwrap();
        for s in &sources {
            writeln!(out, "source {} | {} | {}", s.key, s.name, s.kind.name()).unwrap();
        }
        for (metric, ids) in self.store.series().unwrap() {
            for id in ids {
                let samples = self.store.samples(metric, id, Day(-100_000), Day(100_000)).unwrap();
                let sum: f64 = samples.iter().map(|s| s.value).sum();
                writeln!(out, "{metric} | {} | n {} sum {:.3}", name(id).key, samples.len(), sum).unwrap();
                let shown = 12;
                for (i, s) in samples.iter().enumerate() {
                    if i >= shown && i + 2 < samples.len() {
                        continue;
                    }
                    writeln!(
                        out,
                        "  {} +{} ms {} {}",
                        moment(s.start_ms, s.offset_min),
                        s.end_ms - s.start_ms,
                        s.value,
                        metric.info().unit
                    )
                    .unwrap();
                }
            }
        }
        for (id, source, w) in self.store.workouts(i64::MIN, i64::MAX).unwrap() {
            let start = moment(w.start_ms, w.offset_min);
            writeln!(
                out,
                "workout {} | {} | {start} {} s | {:?}",
                name(source).key,
                w.kind,
                (w.end_ms - w.start_ms) as f64 / 1000.0,
                w.title
            )
            .unwrap();
            for (name, value) in &w.values {
                writeln!(out, "  {name} {value}").unwrap();
            }
            let route = self.store.route(id).unwrap();
            if let (Some(a), Some(z)) = (route.first(), route.last()) {
                writeln!(out, "  route {} points\n    {a:?}\n    {z:?}", route.len()).unwrap();
            }
        }
        for (source, e) in self.store.events(None, i64::MIN, i64::MAX).unwrap() {
            let start = moment(e.start_ms, e.offset_min);
            writeln!(
                out,
                "event {} | {} | {start} +{} ms | {} {:?} {:?}",
                name(source).key,
                e.kind,
                e.end_ms - e.start_ms,
                e.value,
                e.label,
                e.text
            )
            .unwrap();
        }
        for (source, r) in self.store.recordings(i64::MIN, i64::MAX).unwrap() {
            writeln!(
                out,
                "recording {} | {} | {} | {} Hz {} values",
                name(source).key,
                r.kind,
                moment(r.start_ms, r.offset_min),
                r.hertz,
                r.values.len()
            )
            .unwrap();
        }
        for h in self.store.habits().unwrap() {
            writeln!(out, "{h:?}").unwrap();
            for (day, entry) in self.store.habit_entries(&h).unwrap() {
                writeln!(out, "  {} {entry:?}", day.date()).unwrap();
            }
        }
        for (day, flow) in self.store.cycle_days().unwrap() {
            writeln!(out, "cycle {} {flow:?}", day.date()).unwrap();
        }
        for m in self.store.moods(i64::MIN, i64::MAX).unwrap() {
            writeln!(out, "{m:?}").unwrap();
        }
        out
    }
}

pub fn moment(ms: i64, offset_min: i16) -> String {
    let local = jiff::Timestamp::from_millisecond(ms + i64::from(offset_min) * 60_000).unwrap();
    let sign = if offset_min < 0 { '-' } else { '+' };
    let o = offset_min.unsigned_abs();
    format!("{}{sign}{:02}:{:02}", local.to_string().trim_end_matches('Z'), o / 60, o % 60)
}

/// The whole report as text.
pub fn report(done: &Imported) -> String {
    let mut out = String::new();
    for f in &done.files {
        let r = &f.report;
        writeln!(
            out,
            "{} ({}): read {} stored {} duplicates {} merged {}",
            f.name, f.format, r.read, r.stored, r.duplicates, r.merged
        )
        .unwrap();
        for (reason, kinds) in &r.skipped {
            for (kind, n) in kinds {
                writeln!(out, "  skipped {n} {kind}: {reason:?}").unwrap();
            }
        }
        if let Some(reason) = &f.incomplete {
            writeln!(out, "  incomplete: {reason}").unwrap();
        }
    }
    for (name, why) in &done.left_out {
        writeln!(out, "left out {name}: {why}").unwrap();
    }
    out
}
