//! The fuzz targets of these formats on stable Rust: sound files, then the same with random damage. Longer runs:
//! `cargo +nightly fuzz run fit` (or `database`, `export`, `table`). `CUBA_FUZZ_ROUNDS` sets the number of rounds.

#[path = "../../fuzz/formats.rs"]
mod formats;

use crate::{databases, exports, fit, texts};

fn storm(target: fn(&[u8]), sound: &[u8], rounds: usize) {
    target(sound);
    target(b"");
    let rounds = std::env::var("CUBA_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(rounds);
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut below = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n.max(1) as u64) as usize
    };
    for _ in 0..rounds {
        let mut bytes = sound.to_vec();
        for _ in 0..1 + below(6) {
            let at = below(bytes.len());
            match below(5) {
                0 => bytes[at] ^= 1 << below(8),
                1 => bytes[at] = b"\0\xff9-,;\"[]{}<>:."[below(15)],
                2 => {
                    let end = (at + 1 + below(9)).min(bytes.len());
                    bytes[at..end].fill(if below(2) == 0 { b'9' } else { 0xff });
                }
                3 => {
                    let end = (at + below(60)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
                _ if bytes.len() > 8 => {
                    let end = (at + below(20)).min(bytes.len());
                    bytes.drain(at..end);
                }
                _ => {}
            }
            if bytes.is_empty() {
                break;
            }
        }
        target(&bytes);
    }
}

#[test]
fn fit_messages() {
    let file = fit::activity().finish();
    storm(formats::fit, &file[14..file.len() - 2], 150);
}

#[test]
fn databases() {
    storm(formats::database, &databases::database(&databases::loop_sql()), 40);
    storm(formats::database, &databases::database(&databases::gadgetbridge_sql()), 15);
    storm(formats::database, &databases::database(&crate::variants::open_scale_new()), 20);
    storm(formats::database, &databases::database(&crate::variants::open_scale_old()), 20);
}

#[test]
fn tables_and_tracks() {
    for text in [texts::gpx(), texts::tcx(), "Date,Weight (lb),Steps\n2026-06-01 08:00,176,400\n".to_owned()]
    {
        storm(formats::table, text.as_bytes(), 40);
    }
}

#[test]
fn members_of_exports() {
    // In the order of the target's list of names.
    let fitbit = exports::fitbit();
    for (which, member) in [(0u8, 0), (1, 7), (2, 6), (3, 8), (4, 12)] {
        storm(formats::export, &[&[which], fitbit[member].1.as_slice()].concat(), 15);
    }
    for (which, files, member) in [
        (5u8, exports::google_fit(), 4),
        (6, exports::google_fit(), 8),
        (7, exports::garmin(), 1),
        (8, exports::garmin(), 2),
        (9, exports::garmin(), 3),
        (10, exports::samsung(), 0),
        (11, exports::samsung(), 4),
        (12, exports::withings(), 3),
        (13, exports::withings(), 5),
        (14, exports::oura(), 1),
        (15, exports::oura(), 4),
    ] {
        storm(formats::export, &[&[which], files[member].1.as_slice()].concat(), 15);
        storm(formats::export, &[&[which | 0x80], files[member].1.as_slice()].concat(), 15);
    }
    for (which, text) in crate::variants::SEEDS {
        storm(formats::export, &[&[*which], text.as_bytes()].concat(), 15);
        storm(formats::export, &[&[which | 0x80], text.as_bytes()].concat(), 15);
    }
}

/// Seeds for `cargo +nightly fuzz run NAME`: the sound files of these tests.
#[test]
#[ignore = "writes fuzz/corpus: cargo test -p cuba-health --test formats write_corpora -- --ignored"]
fn write_corpora() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let write = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(folder.join(target)).unwrap();
        std::fs::write(folder.join(target).join(name), bytes).unwrap();
    };
    let file = fit::activity().finish();
    write("fit", "activity", &file[14..file.len() - 2]);
    for (name, sql) in [
        ("loop", databases::loop_sql()),
        ("gadgetbridge", databases::gadgetbridge_sql()),
        ("openscale", crate::variants::open_scale_new()),
        ("openscale-old", crate::variants::open_scale_old()),
    ] {
        write("database", name, &databases::database(&sql));
    }
    for (name, text) in [
        ("gpx", texts::gpx()),
        ("tcx", texts::tcx()),
        ("table", "Date,Weight (lb),Steps\n2026-06-01 08:00,176,400\n".to_owned()),
        ("spreadsheet", "sep=;\nDatum;Uhrzeit;Gewicht (kg)\n31.03.2026;07:05;80,5\n".to_owned()),
    ] {
        write("table", name, text.as_bytes());
    }
    for (which, text) in crate::variants::SEEDS {
        for which in [*which, which | 0x80] {
            write("export", &format!("seed-{which}"), &[&[which], text.as_bytes()].concat());
        }
    }
    for (which, fixture) in [
        (0u8, exports::fitbit()),
        (5, exports::google_fit()),
        (7, exports::garmin()),
        (10, exports::samsung()),
        (12, exports::withings()),
        (14, exports::oura()),
    ] {
        for (i, (name, bytes)) in fixture.iter().enumerate() {
            write(
                "export",
                &format!("own-{which}-{i}-{}", name.rsplit('/').next().unwrap()),
                &[&[which], bytes.as_slice()].concat(),
            );
            write("any_file", name.rsplit('/').next().unwrap(), bytes);
        }
    }
    let apple = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apple/export.zip");
    write("any_file", "export.zip", &std::fs::read(&apple).unwrap());
    let mut archive = zip::ZipArchive::new(std::fs::File::open(apple).unwrap()).unwrap();
    for i in 0..archive.len() {
        let mut bytes = Vec::new();
        let mut member = archive.by_index(i).unwrap();
        let name = member.name().unwrap().rsplit('/').next().unwrap().to_owned();
        std::io::Read::read_to_end(&mut member, &mut bytes).unwrap();
        let target = match name.rsplit('.').next() {
            Some("gpx") => "gpx_route",
            Some("csv") => "ecg",
            _ => "xml",
        };
        let end = bytes.len().min(6000);
        write(target, &name, &bytes[..end]);
        write("xml", &format!("end-{name}"), &bytes[bytes.len() - end..]);
        write("any_file", &format!("begin-{name}"), &bytes[..end]);
    }
}
