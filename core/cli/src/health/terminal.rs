//! Charts in a terminal: columns of block characters.

use std::fmt::Write as _;

use cuba_health::store::Day;
use cuba_report::Language;
use cuba_report::chart::{Chart, Hypnogram, Point, Series, Step};

const ROWS: usize = 8;
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The chart as lines of text.
pub(super) fn draw(chart: &Chart, language: Language) -> String {
    match chart {
        Chart::Hypnogram(h) => hypnogram(h, language),
        _ => {
            chart.series().map_or_else(String::new, |s| columns(s, matches!(chart, Chart::Bars(_)), language))
        }
    }
}

/// Which column a point stands in.
fn place(s: &Series, p: &Point) -> usize {
    let since = i64::from(Day::from_date(p.day).0 - Day::from_date(s.from).0);
    let column = match s.step {
        Step::Hour => since * 24 + i64::from(p.hour.unwrap_or(0)),
        Step::Day => since,
        Step::Week => (since + 6) / 7,
        Step::Month => {
            i64::from(p.day.year() - s.from.year()) * 12 + i64::from(p.day.month())
                - i64::from(s.from.month())
        }
    };
    usize::try_from(column).unwrap_or(0)
}

fn columns(s: &Series, bars: bool, language: Language) -> String {
    let (mut low, mut high) =
        s.points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.low), h.max(p.high)));
    if bars {
        low = 0.0;
    }
    if high - low < 1e-9 {
        (low, high) = if bars { (0.0, high.max(1.0)) } else { (low - 1.0, high + 1.0) };
    }
    let width = s.points.iter().map(|p| place(s, p) + 1).max().unwrap_or(0);
    let level = |v: f64| ((v - low) / (high - low) * (ROWS * 8) as f64).round().clamp(0.0, (ROWS * 8) as f64);
    let mut grid = vec![vec![' '; width]; ROWS];
    for p in &s.points {
        let column = place(s, p);
        let mut set = |row: usize, c: char| {
            if let Some(cell) = grid.get_mut(ROWS - 1 - row.min(ROWS - 1)).and_then(|r| r.get_mut(column)) {
                *cell = c;
            }
        };
        if bars {
            let full = level(p.value).max(1.0) as usize;
            (0..full / 8).for_each(|row| set(row, '█'));
            if let Some(c) = (full % 8).checked_sub(1).and_then(|i| EIGHTHS.get(i)) {
                set(full / 8, *c);
            }
        } else {
            let row = |v: f64| ((level(v) / 8.0) as usize).min(ROWS - 1);
            (row(p.low)..=row(p.high)).for_each(|r| set(r, '░'));
            set(row(p.value), '█');
        }
    }
    let label = |v: f64| language.number(v, s.decimals);
    let side = label(high).chars().count().max(label(low).chars().count());
    let unit = if s.unit.is_empty() { String::new() } else { format!(" ({})", s.unit) };
    let mut out = format!("{}{unit}\n", s.title);
    for (i, row) in grid.iter().enumerate() {
        let mark = match i {
            0 => label(high),
            _ if i == ROWS - 1 => label(low),
            _ => String::new(),
        };
        let line: String = row.iter().collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{mark:>side$} │{}", line.trim_end());
    }
    let _ = writeln!(out, "{:>side$} └{}", "", "─".repeat(width));
    let _ = writeln!(out, "{:>side$}  {}", "", language.dates(s.from, s.to));
    out
}

fn hypnogram(h: &Hypnogram, language: Language) -> String {
    use cuba_health::metric::SleepStage::{Asleep, Awake, Deep, InBed, Light, OutOfBed, Rem};
    let words = &language.words().sleep;
    let width = 64usize;
    let rows = [(words.awake, 0), (words.rem, 1), (words.light, 2), (words.deep, 3)];
    let side = rows.iter().map(|r| r.0.chars().count()).max().unwrap_or(0);
    let mut grid = vec![vec![' '; width]; rows.len()];
    for bar in &h.bars {
        let at = |m: f64| (m / h.minutes.max(1.0) * width as f64).round() as usize;
        let (row, c) = match bar.stage {
            Awake | OutOfBed => (0, '█'),
            Rem => (1, '█'),
            Light => (2, '█'),
            Asleep => (2, '▒'),
            Deep => (3, '█'),
            InBed => continue,
        };
        for column in at(bar.from_min)..at(bar.to_min).max(at(bar.from_min) + 1).min(width) {
            if let Some(cell) = grid.get_mut(row).and_then(|r| r.get_mut(column)) {
                *cell = c;
            }
        }
    }
    let mut out = String::new();
    for ((name, _), row) in rows.iter().zip(&grid) {
        let line: String = row.iter().collect();
        let _ = writeln!(out, "{name:>side$} │{}", line.trim_end());
    }
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let (start, end, room) = (clock(h.start_minute), clock(h.start_minute + h.minutes as u32), width - 5);
    let _ = writeln!(out, "{:>side$}  {start:<room$}{end}", "");
    out
}
