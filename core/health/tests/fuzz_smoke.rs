//! The fuzz targets on stable Rust: sound files, then the same with random damage. Longer runs: `cargo +nightly fuzz run
//! xml` (or `gpx_route`, `ecg`, `any_file`) in this folder. `CUBA_FUZZ_ROUNDS` sets the number of damaged files.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code: it ends at the first surprise"
)]

#[path = "../fuzz/bodies.rs"]
mod bodies;

use std::io::Read as _;

const EXPORT: &[u8] = include_bytes!("fixtures/apple/export.zip");

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

/// Damages a file in one of the ways files get damaged.
fn damage(random: &mut Random, sound: &[u8]) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..1 + random.below(5) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 if random.below(3) == 0 => bytes.truncate(at),
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = b"<>\"='/&;\0\x0b-.,:0\xff"[random.below(16)],
            3 => {
                let end = (at + 1 + random.below(9)).min(bytes.len());
                bytes[at..end].fill(b'9');
            }
            4 => {
                let from = random.below(bytes.len());
                let copy = bytes[from..(from + random.below(400)).min(bytes.len())].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => {
                let end = (at + random.below(300)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

fn rounds(default: usize) -> usize {
    std::env::var("CUBA_FUZZ_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// The first and last bytes of a member of the export.
fn member(name: &str, first: usize, last: usize) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(EXPORT)).unwrap();
    let at = (0..zip.len()).find(|&i| zip.by_index(i).unwrap().name().unwrap().contains(name)).unwrap();
    let mut all = Vec::new();
    zip.by_index(at).unwrap().read_to_end(&mut all).unwrap();
    [&all[..first.min(all.len())], &all[all.len() - last.min(all.len())..]].concat()
}

fn storm(target: fn(&[u8]), sound: &[u8], rounds: usize) {
    target(sound);
    target(b"");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..rounds {
        target(&damage(&mut random, sound));
    }
}

#[test]
fn xml() {
    storm(bodies::xml, &member("export.xml", 4000, 12_000), rounds(2000));
}

#[test]
fn gpx_route() {
    storm(bodies::gpx_route, &member("route_", 4000, 2000), rounds(2000));
}

#[test]
fn ecg() {
    storm(bodies::ecg, &member("ecg_", 1500, 500), rounds(2000));
}

#[test]
fn any_file() {
    storm(bodies::any_file, &member("export.xml", 3000, 9000), rounds(40));
    storm(bodies::any_file, EXPORT, rounds(6));
}
