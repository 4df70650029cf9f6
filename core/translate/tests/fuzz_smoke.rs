//! The bodies of the fuzz targets on stable Rust: some thousand random and mutated inputs, the same every time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, unreachable_pub)]

#[path = "../fuzz/bodies.rs"]
mod bodies;

const SEEDS: [&str; 6] = [
    "0Mr. Smith paid 1,000.50 on 2024-05-01 at https://a.example/x_(y)?z=1! \"Why?\" — {name} %1$s <b>B12</b> 😀\n- 3) x",
    "1{n, plural, one {# file} other {# files}} {{a}} ${b} `c d` my_call() --flag @me #tag me@x.example 👩‍👩‍👧🇪🇸1️⃣",
    "2今日は。3.5元！مرحبا؟ १२ ٣٫٥ გამარჯობა. Ωx; \u{202e}\u{feff}\u{0}\t\r\n\u{2028}",
    "3STOP NOW. U.S. p.m. EE. UU. 10 000 10\u{a0}000 1e5 v1.2.3 C:\\a\\b.txt /usr/x ~/y ../z and/or",
    "4((((«“¿¡....!!!???…。。、,,;;::--__**``{{}}<<>>&&%%@@##",
    "5 long long long, word; word: word word word",
];

/// A small generator: the test needs variety, not randomness.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

fn run(body: fn(&[u8]), rounds: usize) {
    let mut lcg = Lcg(42);
    for round in 0..rounds {
        let mut bytes = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        for _ in 0..lcg.next(12) {
            if bytes.is_empty() {
                break;
            }
            let at = lcg.next(bytes.len());
            match lcg.next(5) {
                0 => bytes[at] = lcg.next(256) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at + 1),
                3 => {
                    let other = SEEDS[lcg.next(SEEDS.len())].as_bytes();
                    let from = lcg.next(other.len());
                    let piece = &other[from..(from + 12).min(other.len())];
                    bytes.splice(at..at, piece.iter().copied());
                }
                _ => {
                    let copy = bytes[at..].to_vec();
                    bytes.extend(copy);
                }
            }
        }
        bytes.truncate(4_000);
        body(&bytes);
    }
}

#[test]
fn segmentation() {
    run(bodies::segment_text, 3_000);
}

#[test]
fn protection() {
    run(bodies::protect, 1_500);
}

#[test]
fn whole_path() {
    run(bodies::pipeline, 600);
}
