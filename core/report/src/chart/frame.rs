//! Axes: where a value and a day stand on the page.

use cuba_health::store::Day;
use jiff::civil::Date;

use super::Series;
use crate::Language;
use crate::drawing::{Anchor, Drawing, Ink, fit};

pub(super) const WIDTH: f64 = 640.0;
pub(super) const HEIGHT: f64 = 220.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 26.0;
const LABEL: f64 = 10.0;

/// A plotting area with its two scales.
pub(super) struct Frame {
    low: f64,
    high: f64,
    first: Day,
    days: f64,
}

/// Round values from below `low` to above `high`, about `wanted` of them.
pub(super) fn ticks(low: f64, high: f64, wanted: f64) -> Vec<f64> {
    let span = (high - low).max(1e-9);
    let raw = span / wanted;
    let magnitude = 10f64.powi(raw.log10().floor() as i32);
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .iter()
        .map(|m| m * magnitude)
        .find(|s| *s >= raw * 0.999)
        .unwrap_or(magnitude * 10.0);
    let (from, to) = ((low / step).floor() as i64, (high / step).ceil() as i64);
    (from..=to.max(from + 1)).map(|i| i as f64 * step).collect()
}

impl Frame {
    /// Draws title, grid and dates, and returns the scales. `values` decide the vertical one.
    pub(super) fn draw(
        out: &mut Drawing,
        series: &Series,
        values: impl Iterator<Item = f64>,
        from_zero: bool,
        language: Language,
    ) -> Self {
        let (mut low, mut high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if from_zero || low > high {
            low = 0.0;
            high = high.max(1.0);
        }
        if high - low < 1e-6 {
            let room = (high.abs() * 0.05).max(1.0);
            (low, high) = (low - room, high + room);
        }
        let marks = ticks(low, high, 4.0);
        let first = Day::from_date(series.from);
        let days = f64::from(Day::from_date(series.to).0 - first.0 + 1).max(1.0);
        let frame = Self {
            low: marks.first().copied().unwrap_or(low),
            high: marks.last().copied().unwrap_or(high),
            first,
            days,
        };
        title(out, &series.title, &series.unit);
        let step = marks.iter().zip(marks.iter().skip(1)).map(|(a, b)| b - a).next().unwrap_or(1.0);
        let whole = |v: f64| (v - v.round()).abs() < 1e-6;
        let decimals = (0..4).find(|d| whole(step * 10f64.powi(*d))).unwrap_or(4) as usize;
        for mark in &marks {
            let y = frame.y(*mark);
            out.line(vec![(LEFT, y), (WIDTH - RIGHT, y)], Ink::Grid, 0.8);
            let text = language.number(*mark, decimals);
            out.text((LEFT - 6.0, y + 3.5), LABEL, Anchor::End, Ink::Faint, text);
        }
        frame.dates(out, language);
        frame
    }

    fn dates(&self, out: &mut Drawing, language: Language) {
        let y = HEIGHT - BOTTOM + 15.0;
        let mut label = |x: f64, text: String| out.text((x, y), LABEL, Anchor::Middle, Ink::Faint, text);
        if self.days <= 2.0 {
            for quarter in (0..=(self.days as u32 * 4)).filter(|q| self.days < 2.0 || q % 2 == 0) {
                let x = self.x(f64::from(quarter) / 4.0);
                label(x.clamp(LEFT + 10.0, WIDTH - RIGHT - 12.0), format!("{:02}:00", quarter * 6 % 24));
            }
            return;
        }
        let mut last = f64::NEG_INFINITY;
        for offset in 0..self.days as i32 {
            let date = self.first.plus(offset).date();
            let wanted = match self.days as i32 {
                ..=14 => true,
                15..=70 => date.weekday().to_monday_one_offset() == 1,
                71..=800 => date.day() == 1,
                _ => date.day() == 1 && date.month() == 1,
            };
            let x = self.x(f64::from(offset) + 0.5);
            if wanted && x - last >= 46.0 {
                last = x;
                label(x.min(WIDTH - RIGHT - 14.0), self.date_label(date, language));
            }
        }
    }

    fn date_label(&self, date: Date, language: Language) -> String {
        match self.days as i32 {
            ..=70 => language.short_date(date),
            71..=800 if date.month() == 1 => date.year().to_string(),
            71..=800 => language.short_month(date).to_owned(),
            _ => date.year().to_string(),
        }
    }

    /// Of days since the first one.
    pub(super) fn x(&self, days: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * days / self.days
    }

    /// Of a date and how many days it stands for: its middle.
    pub(super) fn middle(&self, day: Date, hour: Option<u8>, length: f64) -> f64 {
        let since = f64::from(Day::from_date(day).0 - self.first.0);
        let x = match hour {
            Some(h) => self.x(since + (f64::from(h) + 0.5) / 24.0),
            None => self.x(since + length / 2.0),
        };
        x.clamp(LEFT + 1.0, WIDTH - RIGHT - 1.0)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share.clamp(0.0, 1.0)
    }

    /// Bottom of the plotting area.
    pub(super) fn floor() -> f64 {
        HEIGHT - BOTTOM
    }

    /// Left and right edge of the plotting area.
    pub(super) fn sides() -> (f64, f64) {
        (LEFT, WIDTH - RIGHT)
    }
}

pub(super) fn title(out: &mut Drawing, title: &str, unit: &str) {
    let title = fit(title, 12.0, WIDTH - 140.0);
    let width = crate::font::width(&title, 12.0, true);
    out.bold((8.0, 17.0), 12.0, title);
    if !unit.is_empty() {
        out.text((8.0 + width + 8.0, 17.0), LABEL, Anchor::Start, Ink::Faint, unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_enclose_the_values() {
        assert_eq!(ticks(0.0, 10_432.0, 4.0), [0.0, 5000.0, 10_000.0, 15_000.0]);
        assert_eq!(ticks(51.0, 78.0, 4.0), [50.0, 60.0, 70.0, 80.0]);
        for (low, high) in [(-0.3, 0.7), (36.4, 36.9), (0.0, 1e6)] {
            let marks = ticks(low, high, 4.0);
            assert!(marks.len() >= 2 && marks.len() <= 9, "{marks:?}");
            assert!(marks[0] <= low && marks[marks.len() - 1] >= high);
        }
    }
}
