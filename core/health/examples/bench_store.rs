//! Size and speed of the health store: `cargo run --release -p cuba-health --example bench_store -- [YEARS]`.
//!
//! Writes YEARS of a heart rate about once a minute (irregular seconds, a day's rhythm, a slow random walk) and of
//! steps in the walking minutes of a phone and a watch, then asks for every chart. The last line is JSON.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::time::Instant;

use cuba_health::metric::Metric;
use cuba_health::store::{Bucket, DAY_MS, Day, NewSource, Sample, Scope, SourceKind, Store};
use cuba_vault::{KeyFile, OpenOptions};

struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below) as i64
    }
}

fn heart(day: i64, random: &mut Random, walk: &mut i64, out: &mut Vec<Sample>, per_day: i64) {
    out.clear();
    for i in 0..per_day {
        let second = i * 86_400 / per_day + random.next(7);
        let hour = second / 3600;
        *walk = (*walk + random.next(7) - 3).clamp(-15, 45);
        let base = if (7..23).contains(&hour) { 72 } else { 56 };
        out.push(Sample::at(day * DAY_MS + second * 1000, (base + *walk).max(40) as f64, 60));
    }
}

fn steps(day: i64, random: &mut Random, phone: bool, out: &mut Vec<Sample>) {
    out.clear();
    for minute in (8 * 60..20 * 60).step_by(2) {
        if random.next(4) == 0 {
            let start = day * DAY_MS + minute * 60_000 + if phone { 20_000 } else { 0 };
            out.push(Sample::over(
                start,
                start + 60_000 + random.next(50) * 1000,
                (20 + random.next(100)) as f64,
                60,
            ));
        }
    }
}

/// Processor time of this process, seconds: on a busy machine the wall clock says little about an insert.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15 of proc(5), counted after the name in parentheses; ticks are hundredths of a second.
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().skip(11).take(2).filter_map(|v| v.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap_or("0 0");
    line.split_whitespace().nth(1).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn main() {
    let years: i64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(10);
    let per_day: i64 = std::env::args().nth(2).and_then(|a| a.parse().ok()).unwrap_or(1440);
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions::at(jiff::Timestamp::UNIX_EPOCH);
    let store =
        Store::open(&dir.path().join("cuba.db"), &KeyFile::new(dir.path().join("kek")), &options).unwrap();
    let (first, last) = (20_000 - years * 365, 20_000);
    let mut random = Random(7);
    let mut batch = store.batch();
    let watch = batch.source(&NewSource::new("w", "Watch", SourceKind::Watch)).unwrap();
    let phone = batch.source(&NewSource::new("p", "Phone", SourceKind::Phone)).unwrap();
    let size = || {
        store.vault().compact().unwrap();
        std::fs::metadata(dir.path().join("cuba.db")).unwrap().len()
    };

    let (mut list, mut walk) = (Vec::new(), 0);
    let mut all = Vec::new();
    for day in first..last {
        heart(day, &mut random, &mut walk, &mut list, per_day);
        all.push(list.clone());
    }
    let before = rss_mb();
    let (t, cpu) = (Instant::now(), cpu_s());
    for s in all.iter().flatten() {
        batch.sample(Metric::HeartRate, watch, *s).unwrap();
    }
    let report = batch.finish().unwrap();
    let (spent, cpu) = (t.elapsed().as_secs_f64(), cpu_s() - cpu);
    let insert_rss = rss_mb() - before;
    drop(all);
    assert!(report.balances());
    let stored = report.stored;
    let (insert_rate, cpu_rate) = (report.read as f64 / spent, report.read as f64 / cpu.max(0.01));
    let heart_bytes = size() as f64 / stored as f64;
    println!(
        "heart rate: {stored} samples, {heart_bytes:.3} bytes each with rollups and index, {:.2} M samples/s in",
        insert_rate / 1e6
    );

    let t = Instant::now();
    let mut batch = store.batch();
    let mut step_samples = 0;
    for source in [watch, phone] {
        for day in first..last {
            steps(day, &mut random, source == phone, &mut list);
            step_samples += list.len();
            for s in &list {
                batch.sample(Metric::Steps, source, *s).unwrap();
            }
        }
    }
    batch.finish().unwrap();
    let steps_s = t.elapsed().as_secs_f64();
    let total_mb = size() as f64 / 1e6;
    println!(
        "steps: {step_samples} samples of two sources, stored and merged in {steps_s:.2} s; database {total_mb:.1} MB"
    );

    let (from, to) = (Day(first as i32), Day(last as i32 - 1));
    let mut worst: f64 = 0.0;
    for metric in [Metric::HeartRate, Metric::Steps] {
        for (name, start, bucket) in [
            ("day", to, Bucket::Hour),
            ("week", to.plus(-6), Bucket::Hour),
            ("month", to.plus(-30), Bucket::Hour),
            ("year", to.plus(-364), Bucket::Day),
            ("all by day", from, Bucket::Day),
            ("all by month", from, Bucket::Month),
        ] {
            let mut best = f64::MAX;
            for _ in 0..5 {
                let t = Instant::now();
                let points = store.chart(metric, start, to, bucket).unwrap();
                assert!(!points.is_empty());
                best = best.min(t.elapsed().as_secs_f64() * 1e3);
            }
            println!("chart {metric} {name}: {best:.2} ms");
            worst = worst.max(best);
        }
        let t = Instant::now();
        let samples = store.samples(metric, watch, to, to).unwrap();
        println!("samples {metric} of a day: {} in {:.2} ms", samples.len(), t.elapsed().as_secs_f64() * 1e3);
    }
    let t = Instant::now();
    let why = store.merged_day(Metric::Steps, to).unwrap().reasons.len();
    println!("why of a day: {why} reasons in {:.2} ms", t.elapsed().as_secs_f64() * 1e3);
    let t = Instant::now();
    store.delete(Scope { metric: Some(Metric::Steps), ..Scope::default() }).unwrap();
    println!("delete steps for good: {:.2} s", t.elapsed().as_secs_f64());
    println!(
        "{{\"bench\":\"store\",\"samples\":{stored},\"bytes_per_sample\":{heart_bytes:.3},\"insert_per_s\":{insert_rate:.0},\"insert_per_cpu_s\":{cpu_rate:.0},\
         \"worst_chart_ms\":{worst:.2},\"database_mb\":{total_mb:.1},\"insert_rss_mb\":{insert_rss:.1}}}"
    );
}
