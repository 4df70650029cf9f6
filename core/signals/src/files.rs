//! Readers of the small text files the `cuba health` commands take: camera frames, RR intervals, heart rates, motion, counts.
//!
//! They accept what people really have (a header or none; comma, semicolon, tab or spaces; CRLF; a byte-order mark; extra columns) and
//! answer everything else with an error that names the line and column, never the value in it.
#![deny(clippy::indexing_slicing)]

use crate::pulse::Frame;

/// Why a file cannot be read. Holds positions and column names only, no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Nothing but blank lines.
    #[error("the file is empty")]
    Empty,
    /// Larger than the limit of [`MAX_BYTES`].
    #[error("the file is larger than 64 MB: split it by day")]
    TooLarge,
    /// A cell is not a number.
    #[error("line {line}, column {column}: not a number")]
    NotANumber {
        /// Line in the file, from 1.
        line: usize,
        /// Column in the line, from 1.
        column: usize,
    },
    /// A line ends early.
    #[error("line {line}: {needed} columns are needed")]
    TooFewColumns {
        /// Line in the file, from 1.
        line: usize,
        /// How many the format has.
        needed: usize,
    },
    /// The header lacks a column.
    #[error("no column named {0}")]
    NoColumn(&'static str),
}

/// Largest text accepted.
pub const MAX_BYTES: usize = 64 << 20;

/// A heart-rate reading: seconds on any zero, beats a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeartRate {
    /// Seconds.
    pub seconds: f64,
    /// Beats a minute.
    pub bpm: f64,
}

/// One sample of raw acceleration in g.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Acceleration {
    /// Seconds.
    pub seconds: f64,
    /// Left-right.
    pub x: f64,
    /// Up-down.
    pub y: f64,
    /// Through the watch or phone.
    pub z: f64,
}

/// Activity counts of an actigraph.
#[derive(Debug, Clone, PartialEq)]
pub struct CountsFile {
    /// Activity in each epoch; NaN where the device left a gap.
    pub counts: Vec<f64>,
    /// Epoch length found in the file's times, seconds.
    pub epoch_s: Option<f64>,
    /// The device's own sleep/wake column, as written (an Actiwatch writes 1 for wake), where there is one.
    pub device: Option<Vec<f64>>,
}

struct Table<'a> {
    header: Option<Vec<String>>,
    rows: Vec<(usize, Vec<&'a str>)>,
}

fn cells(line: &str) -> Vec<&str> {
    let by = |c: char| line.split(c).map(|s| s.trim().trim_matches('"')).collect::<Vec<_>>();
    if line.contains(',') {
        by(',')
    } else if line.contains(';') {
        by(';')
    } else if line.contains('\t') {
        by('\t')
    } else {
        line.split_whitespace().collect()
    }
}

fn table(text: &str) -> Result<Table<'_>, FileError> {
    if text.len() > MAX_BYTES {
        return Err(FileError::TooLarge);
    }
    let mut lines = text
        .trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .map(|(i, l)| (i + 1, l.trim()))
        .filter(|(_, l)| !l.is_empty() && !l.starts_with('#'))
        .peekable();
    let first = lines.peek().ok_or(FileError::Empty)?;
    let is_header = cells(first.1).first().is_none_or(|c| c.parse::<f64>().is_err());
    let header = is_header
        .then(|| lines.next().map(|(_, l)| cells(l).iter().map(|c| c.to_lowercase()).collect()))
        .flatten();
    let rows: Vec<_> = lines.map(|(n, l)| (n, cells(l))).collect();
    if rows.is_empty() { Err(FileError::Empty) } else { Ok(Table { header, rows }) }
}

impl Table<'_> {
    /// Position of the first header name that is in `names`; `default` without a header.
    fn column(&self, names: &[&str], default: usize) -> Option<usize> {
        match &self.header {
            None => Some(default),
            Some(h) => h.iter().position(|c| names.contains(&c.as_str())),
        }
    }

    fn numbers<const N: usize>(&self, columns: [usize; N]) -> Result<Vec<(usize, [f64; N])>, FileError> {
        let needed = columns.iter().max().map_or(0, |m| m + 1);
        self.rows
            .iter()
            .map(|(line, row)| {
                let mut out = [0.0; N];
                for (o, c) in out.iter_mut().zip(columns) {
                    let cell = row.get(c).ok_or(FileError::TooFewColumns { line: *line, needed })?;
                    *o = cell.parse().map_err(|_| FileError::NotANumber { line: *line, column: c + 1 })?;
                }
                Ok((*line, out))
            })
            .collect()
    }
}

/// Camera frames: columns `time_ms,r,g,b` (or `time,R,G,B` in milliseconds as in the Welltory set; `time_s`/`seconds` in seconds).
/// NaN cells are kept: the measurement refuses them with its own reason.
///
/// ```
/// let frames = cuba_signals::files::rgb("time,R,G,B\n0,252.6,0.0,0.01\n39,252.5,0.0,0.01\n").unwrap();
/// assert_eq!(frames.len(), 2);
/// let error = cuba_signals::files::rgb("time_ms,r,g,b\n0,x,1,1\n").unwrap_err();
/// assert_eq!(error.to_string(), "line 2, column 2: not a number");
/// ```
pub fn rgb(text: &str) -> Result<Vec<Frame>, FileError> {
    let t = table(text)?;
    let seconds = t.header.is_some() && t.column(&["time_s", "seconds", "t_s"], 9).is_some();
    let time = t
        .column(&["time_ms", "time", "t", "ms", "timestamp", "timestamp_ms", "time_s", "seconds", "t_s"], 0)
        .ok_or(FileError::NoColumn("time_ms"))?;
    let r = t.column(&["r", "red"], 1).ok_or(FileError::NoColumn("r"))?;
    let g = t.column(&["g", "green"], 2).ok_or(FileError::NoColumn("g"))?;
    let b = t.column(&["b", "blue"], 3).ok_or(FileError::NoColumn("b"))?;
    let scale = if seconds { 1000.0 } else { 1.0 };
    Ok(t.numbers([time, r, g, b])?
        .into_iter()
        .map(|(_, [time, r, g, b])| Frame { time_ms: time * scale, r, g, b })
        .collect())
}

/// RR intervals in milliseconds: any number a line, in milliseconds or (when the median is under 10) seconds.
///
/// ```
/// assert_eq!(cuba_signals::files::rr("0.8\n0.75\n").unwrap(), vec![800.0, 750.0]);
/// ```
pub fn rr(text: &str) -> Result<Vec<f64>, FileError> {
    let t = table(text)?;
    let mut out = Vec::new();
    for (line, row) in &t.rows {
        for (i, cell) in row.iter().enumerate().filter(|(_, c)| !c.is_empty()) {
            out.push(cell.parse::<f64>().map_err(|_| FileError::NotANumber { line: *line, column: i + 1 })?);
        }
    }
    if out.is_empty() {
        return Err(FileError::Empty);
    }
    if crate::stats::median(&out) < 10.0 {
        for v in &mut out {
            *v *= 1000.0;
        }
    }
    Ok(out)
}

/// Heart rates: columns `seconds,bpm`; put in order of time. Readings that are not numbers are dropped.
///
/// ```
/// let hr = cuba_signals::files::heart_rate("seconds,bpm\n0,61\n5,60\n").unwrap();
/// assert_eq!(hr[1].bpm, 60.0);
/// ```
pub fn heart_rate(text: &str) -> Result<Vec<HeartRate>, FileError> {
    let t = table(text)?;
    let s = t.column(&["seconds", "time_s", "time", "t"], 0).ok_or(FileError::NoColumn("seconds"))?;
    let b = t.column(&["bpm", "hr", "heart_rate", "heartrate"], 1).ok_or(FileError::NoColumn("bpm"))?;
    Ok(in_order(t.numbers([s, b])?).into_iter().map(|[seconds, bpm]| HeartRate { seconds, bpm }).collect())
}

/// Raw acceleration: columns `seconds,x,y,z` in g; put in order of time.
///
/// ```
/// assert_eq!(cuba_signals::files::acceleration("0 0 0 1\n0.02 0 0 1\n").unwrap().len(), 2);
/// ```
pub fn acceleration(text: &str) -> Result<Vec<Acceleration>, FileError> {
    let t = table(text)?;
    let s = t.column(&["seconds", "time_s", "time", "t"], 0).ok_or(FileError::NoColumn("seconds"))?;
    let x = t.column(&["x"], 1).ok_or(FileError::NoColumn("x"))?;
    let y = t.column(&["y"], 2).ok_or(FileError::NoColumn("y"))?;
    let z = t.column(&["z"], 3).ok_or(FileError::NoColumn("z"))?;
    Ok(in_order(t.numbers([s, x, y, z])?)
        .into_iter()
        .map(|[seconds, x, y, z]| Acceleration { seconds, x, y, z })
        .collect())
}

/// Rows in order of time (real exports hold late arrivals), without those that are not finite.
fn in_order<const N: usize>(rows: Vec<(usize, [f64; N])>) -> Vec<[f64; N]> {
    let mut rows: Vec<[f64; N]> =
        rows.into_iter().map(|(_, r)| r).filter(|r| r.iter().all(|x| x.is_finite())).collect();
    rows.sort_by(|a, b| a.iter().zip(b).next().map_or(std::cmp::Ordering::Equal, |(x, y)| x.total_cmp(y)));
    rows
}

/// Activity counts: one a line, or a table with a column `activity`, `counts` or `count`; `seconds` or `date` + `time` columns tell the epoch
/// length; a `sleep/wake` column is kept for comparison. Empty and NaN cells become NaN gaps.
///
/// ```
/// let f = cuba_signals::files::counts("12\n0\n0\n40\n").unwrap();
/// assert_eq!(f.counts, vec![12.0, 0.0, 0.0, 40.0]);
/// ```
pub fn counts(text: &str) -> Result<CountsFile, FileError> {
    let t = table(text)?;
    let names = ["activity", "counts", "count", "axis1", "activity counts"];
    let width = t.rows.first().map_or(0, |(_, r)| r.len());
    let a = t.column(&names, width.saturating_sub(1).min(1)).ok_or(FileError::NoColumn("counts"))?;
    let optional = |column: usize| -> Result<Vec<f64>, FileError> {
        t.rows
            .iter()
            .map(|(line, row)| match row.get(column).copied() {
                None => Err(FileError::TooFewColumns { line: *line, needed: column + 1 }),
                Some("" | "NaN" | "NA" | "nan") => Ok(f64::NAN),
                Some(c) => c.parse().map_err(|_| FileError::NotANumber { line: *line, column: column + 1 }),
            })
            .collect()
    };
    let device = match t.header.as_ref().and_then(|_| t.column(&["sleep/wake", "sleep_wake", "wake"], 0)) {
        Some(c) => Some(optional(c)?),
        None => None,
    };
    Ok(CountsFile { counts: optional(a)?, epoch_s: epoch_length(&t, a), device })
}

/// The commonest step between the first hundred times, where the file has any.
fn epoch_length(t: &Table<'_>, counts_column: usize) -> Option<f64> {
    let column = match &t.header {
        Some(_) => t.column(&["seconds", "time_s", "time"], 0)?,
        None if counts_column == 1 => 0,
        None => return None,
    };
    let times: Vec<f64> =
        t.rows.iter().take(100).filter_map(|(_, r)| clock_seconds(r.get(column)?)).collect();
    let mut steps: Vec<f64> =
        times.windows(2).filter_map(|w| Some(w.get(1)? - w.first()?)).filter(|s| *s > 0.0).collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied()
}

/// Plain seconds, or a time of day such as `12:32:30 PM`.
fn clock_seconds(cell: &str) -> Option<f64> {
    if let Ok(v) = cell.parse::<f64>() {
        return Some(v);
    }
    let (clock, half) = cell.split_once(' ').unwrap_or((cell, ""));
    let mut parts = clock.split(':').map(str::parse::<f64>);
    let (h, m, s) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next().unwrap_or(Ok(0.0)).ok()?);
    let h = match half.to_ascii_uppercase().as_str() {
        "PM" => h % 12.0 + 12.0,
        "AM" => h % 12.0,
        _ => h,
    };
    Some(h * 3600.0 + m * 60.0 + s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_actiwatch_table_and_its_faults() {
        let text = "Date,Time,Activity,White Light,Sleep/Wake\r\n2/20/2019,12:32:00 PM,91,318.16,1\r\n2/20/2019,12:32:30 PM,,0,0\r\n";
        let f = counts(text).unwrap();
        assert_eq!((f.epoch_s, f.counts[0], f.device.unwrap()[1]), (Some(30.0), 91.0, 0.0));
        assert!(f.counts[1].is_nan());
        assert_eq!(counts("").unwrap_err(), FileError::Empty);
        assert!((heart_rate("5,60\n4,61\nnan,60\n").unwrap()[0].bpm - 61.0).abs() < 1e-9);
        assert_eq!(rgb("time,R\n0,1\n").unwrap_err(), FileError::NoColumn("g"));
        assert_eq!(rgb("0,1,2\n").unwrap_err(), FileError::TooFewColumns { line: 1, needed: 4 });
        assert_eq!(rr("1203 1124 974 ").unwrap().len(), 3);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s).{0,400}") {
            let _ = (rgb(&text), rr(&text), heart_rate(&text), acceleration(&text), counts(&text));
        }

        #[test]
        fn any_table_of_odd_cells_is_read_or_refused(cells in proptest::collection::vec("[0-9.eE+-]{0,6}|nan|inf|-inf|\"|time|r|x", 0..60), width in 1_usize..6) {
            let text: String = cells.chunks(width).map(|r| r.join(",") + "\n").collect();
            if let Ok(frames) = rgb(&text) {
                let _ = crate::pulse::measure(&frames);
            }
            let _ = (rr(&text), heart_rate(&text), acceleration(&text), counts(&text));
        }
    }
}
