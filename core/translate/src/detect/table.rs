//! The weights of character n-grams: reading the committed table and scoring with it.
//!
//! Layout, little-endian: `CUBALID1`, number of languages `L` (u32), number of n-grams `N` (u32), scale (f32), `L`
//! codes of 8 bytes, `N` sorted FNV-1a hashes (u32), `N` rows of `L` weights (i8). A text scores, for each language,
//! the sum of the weights of its n-grams times the scale, divided by the square root of how many were found.

use super::script::{Script, writes};
use crate::LanguageCode;

static TABLE: &[u8] = include_bytes!("table.bin");
const MAGIC: &[u8] = b"CUBALID1";
const HEADER: usize = 20;
const CODE: usize = 8;
/// Longest n-gram in characters.
const LONGEST: usize = 5;
/// Longest word that is looked at, in bytes.
const LONGEST_WORD: usize = 96;

/// The language whose data stands for another that has none of its own.
pub(super) fn stand_in(base: &str) -> &str {
    match base {
        "nn" => "nb",
        "bs" | "hbs" => "hr",
        "ms" => "id",
        other => other,
    }
}

struct Table {
    languages: Vec<LanguageCode>,
    hashes: &'static [u8],
    rows: &'static [u8],
    scale: f32,
}

fn word(at: usize) -> [u8; 4] {
    TABLE.get(at..at + 4).and_then(|b| b.try_into().ok()).unwrap_or_default()
}

fn load() -> Option<Table> {
    if !TABLE.starts_with(MAGIC) {
        return None;
    }
    let languages = u32::from_le_bytes(word(8)) as usize;
    let grams = u32::from_le_bytes(word(12)) as usize;
    let codes = TABLE.get(HEADER..HEADER + languages * CODE)?;
    let hashes_at = HEADER + languages * CODE;
    let hashes = TABLE.get(hashes_at..hashes_at + grams * 4)?;
    let rows = TABLE.get(hashes_at + grams * 4..hashes_at + grams * (4 + languages))?;
    let languages = codes
        .chunks_exact(CODE)
        .filter_map(|code| LanguageCode::parse(std::str::from_utf8(code).ok()?.trim_end_matches('\0')).ok())
        .collect();
    Some(Table { languages, hashes, rows, scale: f32::from_le_bytes(word(16)) })
}

impl Table {
    fn row(&self, hash: u32) -> Option<&'static [u8]> {
        let count = self.hashes.len() / 4;
        let at = |i: usize| {
            self.hashes
                .get(i * 4..i * 4 + 4)
                .and_then(|b| b.try_into().ok())
                .map_or(u32::MAX, u32::from_le_bytes)
        };
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = usize::midpoint(low, high);
            if at(middle) < hash {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let width = self.languages.len();
        (low < count && at(low) == hash).then(|| self.rows.get(low * width..(low + 1) * width)).flatten()
    }
}

/// Scores of every language in the table that is written in `script`.
pub(super) fn scores(text: &str, script: Script) -> Vec<(LanguageCode, f32)> {
    static LOADED: std::sync::LazyLock<Option<Table>> = std::sync::LazyLock::new(load);
    let Some(table) = LOADED.as_ref() else { return Vec::new() };
    let mut sums = vec![0_i32; table.languages.len()];
    let mut found = 0_u32;
    let lower = text.to_lowercase().replace('’', "'");
    for word in lower.split(|c: char| !(c.is_alphabetic() || c == '\'' || is_mark(c))) {
        let word = word.trim_matches('\'');
        // A wall of letters is no word.
        if word.is_empty() || word.len() > LONGEST_WORD {
            continue;
        }
        let padded: Vec<char> =
            std::iter::once('_').chain(word.chars()).chain(std::iter::once('_')).collect();
        for length in 1..=LONGEST {
            for gram in padded.windows(length).filter(|g| *g != ['_']) {
                if let Some(row) = table.row(fnv(gram)) {
                    found += 1;
                    for (sum, weight) in sums.iter_mut().zip(row) {
                        *sum += i32::from(weight.cast_signed());
                    }
                }
            }
        }
    }
    let factor = table.scale / (found.max(1) as f32).sqrt();
    let scored = table.languages.iter().zip(sums).map(|(l, sum)| (*l, sum as f32 * factor));
    scored.filter(|(l, _)| writes(l, script)).collect()
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}')
}

/// FNV-1a over the UTF-8 bytes.
fn fnv(gram: &[char]) -> u32 {
    let mut hash = 0x811C_9DC5_u32;
    let mut buffer = [0; 4];
    for c in gram {
        for byte in c.encode_utf8(&mut buffer).bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    hash
}
