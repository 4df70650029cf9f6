//! An electrocardiogram: a CSV with a localised head, then one voltage a line.
//!
//! The head's names are in the phone's language, their order is not: name, date of birth, time, classification,
//! symptoms, software, device, rate, then lead and unit. The person's name and birth are not taken.

use std::io::{BufRead, BufReader, Read};

use super::text::{decimal, moment};
use crate::store::Recording;

/// Values of the longest recording kept: half an hour at 512 a second; Apple's are 30 seconds.
const MAX_VALUES: usize = 1 << 20;
const MAX_LINE: u64 = 4096;

/// The recording and its device, or `None` when the file is none.
pub(super) fn read(reader: impl Read) -> Option<(Recording, String)> {
    let mut lines = BufReader::new(reader);
    let mut head: Vec<String> = Vec::new();
    let mut values = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).ok()? == 0 {
            break;
        }
        let text = line.trim_ascii();
        if let Some(value) = voltage(text) {
            if values.len() >= MAX_VALUES {
                break;
            }
            values.push(value);
        } else if values.is_empty() && head.len() < 40 {
            head.push(second_cell(&String::from_utf8_lossy(text)));
        } else if !text.is_empty() {
            // Text after the values: a second lead, or damage.
            break;
        }
    }
    let time_at = head.iter().position(|cell| moment(cell.as_bytes()).is_some())?;
    let (start_ms, offset_min) = moment(head.get(time_at)?.as_bytes())?;
    let cell = |i: usize| head.get(time_at + i).map(|c| c.trim()).unwrap_or_default();
    let hertz = head.iter().skip(time_at + 1).find_map(|c| rate(c))?;
    let unit = head.iter().rev().map(|c| c.trim()).find(|c| c.ends_with('V') && c.chars().count() <= 3);
    if values.is_empty() {
        return None;
    }
    let recording = Recording {
        kind: "ecg".to_owned(),
        start_ms,
        offset_min,
        hertz,
        unit: unit.unwrap_or("µV").to_owned(),
        label: cell(1).chars().take(80).collect(),
        values,
    };
    Some((recording, cell(4).chars().take(40).collect()))
}

/// A line that is one number, with a point or a comma.
fn voltage(text: &[u8]) -> Option<f64> {
    let text = text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text);
    if text.is_empty()
        || text.len() > 30
        || !text.iter().all(|b| matches!(b, b'0'..=b'9' | b'-' | b'.' | b','))
    {
        return None;
    }
    if !text.contains(&b',') {
        return decimal(text, 0);
    }
    let mut dotted = [0u8; 30];
    for (to, from) in dotted.iter_mut().zip(text) {
        *to = if *from == b',' { b'.' } else { *from };
    }
    decimal(dotted.get(..text.len())?, 0)
}

/// `512 hertz`, in any language: a number, a space, a word.
fn rate(cell: &str) -> Option<f64> {
    let (number, word) = cell.trim().split_once([' ', '\u{a0}', '\u{202f}'])?;
    let hertz: f64 = number.replace(',', ".").parse().ok()?;
    ((10.0..=10_000.0).contains(&hertz) && word.chars().all(char::is_alphabetic)).then_some(hertz)
}

/// What follows the first separator, without quotes.
fn second_cell(line: &str) -> String {
    let cell = line.split_once([',', ';']).map_or("", |c| c.1);
    cell.trim().trim_end_matches([',', ';']).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_and_german() {
        let english = "Name,Anna\nDate of Birth,\"Jan 1, 1990\"\nRecorded Date,2023-01-01 08:00:00 +0100\nClassification,Sinus Rhythm\n\
            Symptoms,\nSoftware Version,1.90\nDevice,\"Watch6,2\"\nSample Rate,512 hertz\n\n\nLead,Lead I\nUnit,\u{b5}V\n\n1.5\n-20.25\n3\n";
        let (ecg, device) = read(english.as_bytes()).unwrap();
        assert_eq!((ecg.start_ms, ecg.offset_min, ecg.hertz), (1_672_556_400_000, 60, 512.0));
        assert_eq!(
            (ecg.label.as_str(), ecg.unit.as_str(), device.as_str()),
            ("Sinus Rhythm", "\u{b5}V", "Watch6,2")
        );
        assert_eq!(ecg.values, [1.5, -20.25, 3.0]);
        assert!(!format!("{ecg:?}{device}").contains("Anna"));

        let german = "Name;Anna\nGeburtsdatum;1. Jan. 1990\nAufgezeichnet am;2023-01-01 08:00:00 +0100\nKlassifizierung;Sinusrhythmus\n\
            Symptome;\nSoftwareversion;1.90\nGer\u{e4}t;Watch6,2\nMessrate;512\u{a0}Hertz\n\nAbleitung;Ableitung I\nEinheit;\u{b5}V\n\n1,5\n\"-20,25\"\n3\n";
        let (ecg, device) = read(german.as_bytes()).unwrap();
        assert_eq!((ecg.hertz, ecg.label.as_str(), device.as_str()), (512.0, "Sinusrhythmus", "Watch6,2"));
        assert_eq!(ecg.values, [1.5, -20.25, 3.0]);
    }

    #[test]
    fn other_tables_are_none() {
        assert!(read(b"date,weight\n2023-01-01,80\n".as_slice()).is_none());
        assert!(read(b"\x00\xff\n1\n2\n".as_slice()).is_none());
    }
}
