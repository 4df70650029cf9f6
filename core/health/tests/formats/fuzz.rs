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
    }
}
