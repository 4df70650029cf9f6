//! Speed and memory of the Apple importer: `cargo run --release -p cuba-health --example bench_import -- FILE [events]`.
//!
//! Imports FILE (`export.zip` or `export.xml`) into a new encrypted store on one thread. With `events` it does nothing
//! but read the XML's events with quick-xml: the limit of a general reader. The last line is JSON; the speed counts
//! processor time, since a busy machine says little in wall-clock time.
#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use cuba_health::import::{Options, Progress, import};
use cuba_health::store::Store;
use cuba_vault::{KeyFile, OpenOptions};

/// Processor time of this process, seconds.
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

/// Counts events and attributes, and nothing else.
fn read_events(reader: impl BufRead) -> (u64, u64) {
    let mut reader = quick_xml::Reader::from_reader(reader);
    let (mut buffer, mut events, mut attributes) = (Vec::new(), 0, 0);
    loop {
        use quick_xml::events::Event;
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break,
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                events += 1;
                attributes += tag.attributes().with_checks(false).flatten().count() as u64;
            }
            Ok(_) => events += 1,
            // It does not read Apple's own broken DTD.
            Err(_) if events == 0 => {}
            Err(e) => panic!("{e}"),
        }
        buffer.clear();
    }
    (events, attributes)
}

fn main() {
    let path = std::env::args().nth(1).unwrap();
    let path = Path::new(&path);
    let (started, cpu) = (Instant::now(), cpu_s());
    if std::env::args().nth(2).as_deref() == Some("events") {
        let (events, _) = if path.extension().is_some_and(|e| e == "zip") {
            let mut archive = zip::ZipArchive::new(BufReader::new(File::open(path).unwrap())).unwrap();
            let at = (0..archive.len()).max_by_key(|&i| archive.by_index_raw(i).unwrap().size()).unwrap();
            read_events(BufReader::with_capacity(256 * 1024, archive.by_index(at).unwrap()))
        } else {
            read_events(BufReader::with_capacity(256 * 1024, File::open(path).unwrap()))
        };
        println!(
            "{{\"reader\":\"quick-xml events\",\"events\":{events},\"cpu_s\":{:.2},\"wall_s\":{:.2},\"rss_mb\":{:.1}}}",
            cpu_s() - cpu,
            started.elapsed().as_secs_f64(),
            rss_mb()
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions::at(jiff::Timestamp::UNIX_EPOCH);
    let store =
        Store::open(&dir.path().join("cuba.db"), &KeyFile::new(dir.path().join("kek")), &options).unwrap();
    let mut go_on = |_: Progress| ControlFlow::Continue(());
    let mut options = Options { zone: &jiff::tz::TimeZone::UTC, now_ms: 0, progress: &mut go_on };
    let imported = import(&store, path, &mut options).unwrap();
    assert!(imported.report.balances());
    let (cpu, wall) = (cpu_s() - cpu, started.elapsed().as_secs_f64());
    let rss = rss_mb();
    store.vault().compact().unwrap();
    let database_mb = std::fs::metadata(dir.path().join("cuba.db")).unwrap().len() as f64 / 1e6;
    let r = &imported.report;
    for (reason, kinds) in &r.skipped {
        println!("skipped, {reason:?}: {kinds:?}");
    }
    println!(
        "{{\"reader\":\"cuba\",\"read\":{},\"stored\":{},\"duplicates\":{},\"merged\":{},\"skipped\":{},\
         \"cpu_s\":{cpu:.2},\"wall_s\":{wall:.2},\"rss_mb\":{rss:.1},\"database_mb\":{database_mb:.1}}}",
        r.read,
        r.stored,
        r.duplicates,
        r.merged,
        r.skipped_total(),
    );
}
