//! The layouts.

use cuba_health::metric::SleepStage;
use cuba_health::store::Day;

use super::frame::{Frame, HEIGHT, WIDTH, title};
use super::{Calendar, Hypnogram, Kept, Series, Step};
use crate::Language;
use crate::compare::Band;
use crate::drawing::{Anchor, Drawing, Ink, Shape};

/// Days that a point of a series stands for.
fn length(step: Step, day: jiff::civil::Date) -> f64 {
    match step {
        Step::Hour | Step::Day => 1.0,
        Step::Week => 7.0,
        Step::Month => f64::from(day.days_in_month()),
    }
}

/// What the picture says to those who cannot see it.
fn described(s: &Series, language: Language) -> String {
    let span = language.dates(s.from, s.to);
    let (low, high) =
        s.points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.low), h.max(p.high)));
    let number = |v: f64| language.number(v, s.decimals);
    format!("{}, {span}: {} \u{2013} {} {}", s.title, number(low), number(high), s.unit).trim_end().to_owned()
}

fn slot(s: &Series, frame: &Frame) -> f64 {
    let days = s.points.first().map_or(1.0, |p| length(s.step, p.day));
    let width = frame.x(days) - frame.x(0.0);
    if s.step == Step::Hour { width / 24.0 } else { width }
}

pub(super) fn bars(s: &Series, language: Language) -> Drawing {
    let mut out = Drawing::new(WIDTH, HEIGHT, described(s, language));
    let frame = Frame::draw(&mut out, s, s.points.iter().map(|p| p.value), true, language);
    let width = (slot(s, &frame) * 0.72).clamp(0.8, 34.0);
    for p in &s.points {
        let (x, y) = (frame.middle(p.day, p.hour, length(s.step, p.day)), frame.y(p.value));
        out.rect(x - width / 2.0, y, width, Frame::floor() - y, Ink::Accent);
    }
    out
}

pub(super) fn range(s: &Series, language: Language) -> Drawing {
    let mut out = Drawing::new(WIDTH, HEIGHT, described(s, language));
    let values = s.points.iter().flat_map(|p| [p.low, p.high]);
    let frame = Frame::draw(&mut out, s, values, false, language);
    let width = (slot(s, &frame) * 0.6).clamp(0.8, 16.0);
    for p in &s.points {
        let x = frame.middle(p.day, p.hour, length(s.step, p.day));
        let (top, bottom) = (frame.y(p.high), frame.y(p.low));
        out.rect(x - width / 2.0, top, width, (bottom - top).max(1.0), Ink::Soft);
        let y = frame.y(p.value);
        out.rect(x - width / 2.0, y - 1.0, width, 2.0, Ink::Accent);
    }
    out
}

pub(super) fn line(
    s: &Series,
    band: Option<Band>,
    fitted: Option<(f64, f64)>,
    language: Language,
) -> Drawing {
    let mut out = Drawing::new(WIDTH, HEIGHT, described(s, language));
    let mut values: Vec<f64> = s.points.iter().map(|p| p.value).collect();
    values.extend(band.iter().flat_map(|b| [b.low, b.high]));
    let frame = Frame::draw(&mut out, s, values.into_iter(), false, language);
    let (left, right) = Frame::sides();
    if let Some(b) = band {
        let (top, bottom) = (frame.y(b.high), frame.y(b.low));
        // Under the grid and the line.
        out.shapes.insert(
            0,
            Shape::Rect { x: left, y: top, width: right - left, height: bottom - top, ink: Ink::Band },
        );
        out.line(vec![(left, frame.y(b.middle)), (right, frame.y(b.middle))], Ink::Soft, 1.0);
    }
    let at = |p: &super::Point| (frame.middle(p.day, p.hour, length(s.step, p.day)), frame.y(p.value));
    // A gap of more than a week is a gap: no line is drawn over what nobody measured.
    let far = |a: &super::Point, b: &super::Point| {
        let gap = f64::from(Day::from_date(b.day).0 - Day::from_date(a.day).0);
        gap > 7.0_f64.max(2.0 * length(s.step, a.day))
    };
    for run in s.points.chunk_by(|a, b| !far(a, b)) {
        out.line(run.iter().map(at).collect(), Ink::Accent, 1.6);
    }
    if s.points.len() <= 100 {
        for p in &s.points {
            let (x, y) = at(p);
            out.dot(x, y, 2.0, Ink::Accent);
        }
    }
    if let Some((first, last)) = fitted {
        out.line(vec![(left, frame.y(first)), (right, frame.y(last))], Ink::Warm, 1.6);
    }
    out
}

const ROWS: [(SleepStage, Ink); 4] = [
    (SleepStage::Awake, Ink::Awake),
    (SleepStage::Rem, Ink::Rem),
    (SleepStage::Light, Ink::Light),
    (SleepStage::Deep, Ink::Deep),
];

/// Rows from awake to deep; sleep of unknown stage stands over the light and deep rows.
pub(super) fn hypnogram(h: &Hypnogram, language: Language) -> Drawing {
    let words = &language.words().sleep;
    let height = 170.0;
    let minutes = |stage: SleepStage| -> f64 {
        h.bars.iter().filter(|b| b.stage == stage).map(|b| b.to_min - b.from_min).sum()
    };
    let names = [words.awake, words.rem, words.light, words.deep];
    let said: Vec<String> = ROWS
        .iter()
        .zip(names)
        .filter(|((stage, _), _)| minutes(*stage) > 0.0)
        .map(|((stage, _), name)| format!("{name} {}", language.minutes(minutes(*stage))))
        .collect();
    let mut out = Drawing::new(WIDTH, height, language.labelled(&h.title, &said.join(", ")));
    title(&mut out, &h.title, "");
    let (left, right, top, row) = (76.0, WIDTH - 12.0, 30.0, 28.0);
    let x = |minute: f64| left + (right - left) * minute / h.minutes.max(1.0);
    for (i, name) in names.iter().enumerate() {
        let y = top + row * i as f64;
        out.text((left - 8.0, y + row / 2.0 + 3.5), 10.0, Anchor::End, Ink::Faint, *name);
        out.line(vec![(left, y + row / 2.0), (right, y + row / 2.0)], Ink::Grid, 0.8);
    }
    for bar in &h.bars {
        let (place, ink, tall) = match ROWS.iter().position(|r| r.0 == bar.stage) {
            Some(i) => (i as f64, ROWS.get(i).map_or(Ink::Light, |r| r.1), 1.0),
            None if bar.stage == SleepStage::Asleep => (2.0, Ink::Soft, 2.0),
            None => (0.0, Ink::Awake, 1.0),
        };
        let width = (x(bar.to_min) - x(bar.from_min)).max(0.5);
        out.rect(x(bar.from_min), top + row * place + 4.0, width, row * tall - 8.0, ink);
    }
    let first = (60 - h.start_minute % 60) % 60;
    let every = if h.minutes > 660.0 { 2 } else { 1 };
    for (n, minute) in
        (0..).map(|i| (i, f64::from(first) + 60.0 * f64::from(i))).take_while(|m| m.1 <= h.minutes)
    {
        if n % every == 0 {
            let hour = (h.start_minute + minute as u32) / 60 % 24;
            out.text((x(minute), height - 10.0), 10.0, Anchor::Middle, Ink::Faint, format!("{hour:02}:00"));
        }
    }
    out
}

/// Weeks as columns, Monday on top.
pub(super) fn calendar(c: &Calendar, language: Language) -> Drawing {
    let first = Day::from_date(c.from);
    let offset = i32::from(c.from.weekday().to_monday_zero_offset());
    let weeks = (c.days.len() as i32 + offset + 6) / 7;
    let (left, top) = (40.0, 38.0);
    let cell = ((WIDTH - left - 12.0) / f64::from(weeks.max(1))).clamp(4.0, 15.0);
    let height = top + cell * 7.0 + 8.0;
    let kept = c.days.iter().filter(|d| **d == Kept::Kept).count();
    let described =
        language.labelled(&c.title, &format!("{} {kept}/{}", language.words().report.kept, c.days.len()));
    let mut out = Drawing::new(WIDTH, height, described);
    title(&mut out, &c.title, "");
    for row in [0, 2, 4, 6] {
        let name: String = language.weekday(Day(row + 4).date()).chars().take(3).collect();
        let y = top + cell * (f64::from(row) + 0.5) + 3.0;
        out.text((left - 6.0, y), 8.5, Anchor::End, Ink::Faint, name);
    }
    for (i, state) in c.days.iter().enumerate() {
        let place = i as i32 + offset;
        let (x, y) = (left + cell * f64::from(place / 7), top + cell * f64::from(place % 7));
        let date = first.plus(i as i32).date();
        if date.day() == 1 {
            out.text((x, top - 5.0), 8.5, Anchor::Start, Ink::Faint, language.short_month(date));
        }
        let side = cell * 0.84;
        let ink = match state {
            Kept::Kept => Ink::Accent,
            Kept::Partly => Ink::Soft,
            Kept::Missed | Kept::Unknown | Kept::Skipped => Ink::Grid,
        };
        out.rect(x, y, side, side, ink);
        match state {
            Kept::Skipped => out.line(vec![(x, y + side), (x + side, y)], Ink::Faint, 1.0),
            Kept::Missed => out.rect(x + side * 0.3, y + side * 0.3, side * 0.4, side * 0.4, Ink::Paper),
            _ => {}
        }
    }
    out
}
