//! Cycle: days of bleeding, past cycles, and honest windows for the next ones.
//!
//! A calendar cannot know the day of ovulation and this module does not name one. It says between which days the next
//! bleeding is likely, wider for irregular cycles, and says nothing before three cycles are known. Never for
//! contraception.

use cuba_vault::rusqlite::OptionalExtension as _;

use crate::HealthError;
use crate::store::{Day, Store};

/// How heavy the bleeding was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Flow {
    None = 0,
    Spotting = 1,
    Light = 2,
    Medium = 3,
    Heavy = 4,
}

impl Flow {
    fn of(code: i64) -> Self {
        match code {
            1 => Self::Spotting,
            2 => Self::Light,
            3 => Self::Medium,
            4.. => Self::Heavy,
            _ => Self::None,
        }
    }
}

/// Days without bleeding that may lie within one period.
const GAP_DAYS: i32 = 2;
/// Shorter or longer cycles are missed entries or pauses, and are left out of the average.
const PLAUSIBLE: std::ops::RangeInclusive<i32> = 15..=60;
/// Cycles that must be known before anything is predicted.
const CYCLES_NEEDED: usize = 3;
/// Older cycles say little about the next.
const CYCLES_USED: usize = 12;

/// First days of the periods, oldest first. Spotting alone begins none.
pub fn period_starts(days: &[(Day, Flow)]) -> Vec<Day> {
    let mut out = Vec::new();
    let mut last: Option<Day> = None;
    for &(day, flow) in days.iter().filter(|d| d.1 >= Flow::Light) {
        if last.is_none_or(|l| day.0 - l.0 > GAP_DAYS + 1) {
            out.push(day);
        }
        last = Some(day);
        debug_assert!(flow >= Flow::Light);
    }
    out
}

/// Between which days a period is likely to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First likely day.
    pub from: Day,
    /// Middle of the window.
    pub likely: Day,
    /// Last likely day.
    pub to: Day,
    /// From how many cycles this was reckoned.
    pub cycles: usize,
}

/// Windows of the next three periods, or nothing before three whole cycles are known.
///
/// Middle is the median cycle; half the width is what covered nine of ten past cycles, at least two days, and grows
/// with each period ahead.
pub fn next_periods(starts: &[Day]) -> Vec<Window> {
    let mut lengths: Vec<i32> = starts
        .iter()
        .zip(starts.iter().skip(1))
        .map(|(a, b)| b.0 - a.0)
        .filter(|l| PLAUSIBLE.contains(l))
        .collect();
    let cycles = lengths.len().min(CYCLES_USED);
    let mut lengths = lengths.split_off(lengths.len() - cycles);
    let (Some(last), true) = (starts.last(), cycles >= CYCLES_NEEDED) else { return Vec::new() };
    lengths.sort_unstable();
    let middle = lengths.get(cycles / 2).copied().unwrap_or(28);
    let mut off: Vec<i32> = lengths.iter().map(|l| (l - middle).abs()).collect();
    off.sort_unstable();
    let nine_of_ten = off.get((cycles * 9).div_ceil(10).max(1) - 1).copied().unwrap_or(0);
    (1..=3)
        .map(|n| {
            let likely = last.plus(middle * n);
            // Independent cycles: the error grows with the root of their number.
            let half = (f64::from(nine_of_ten.max(2)) * f64::from(n).sqrt()).ceil() as i32;
            Window { from: likely.plus(-half), likely, to: likely.plus(half), cycles }
        })
        .collect()
}

impl Store {
    /// Enters a day; [`Flow::None`] without a note clears it.
    pub fn enter_cycle_day(&self, day: Day, flow: Flow, note: &str) -> Result<(), HealthError> {
        self.vault.write(|tx| {
            if flow == Flow::None && note.is_empty() {
                tx.execute("DELETE FROM cycle_day WHERE day = ?1", [day.0])?;
            } else {
                tx.execute(
                    "INSERT INTO cycle_day (day, flow, note) VALUES (?1, ?2, ?3)
                     ON CONFLICT (day) DO UPDATE SET flow = excluded.flow, note = excluded.note",
                    (day.0, flow as i64, note),
                )?;
            }
            Ok(())
        })
    }

    /// Entered days, oldest first.
    pub fn cycle_days(&self) -> Result<Vec<(Day, Flow)>, HealthError> {
        self.vault.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT day, flow FROM cycle_day ORDER BY day")?;
            let rows = statement.query_map([], |r| Ok((Day(r.get(0)?), Flow::of(r.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The note of a day, if there is one.
    pub fn cycle_note(&self, day: Day) -> Result<Option<String>, HealthError> {
        self.vault.read(|tx| {
            Ok(tx.query_row("SELECT note FROM cycle_day WHERE day = ?1", [day.0], |r| r.get(0)).optional()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_after_a_pause_and_spotting_begins_none() {
        let days: Vec<(Day, Flow)> =
            [(1, 2), (2, 4), (4, 2), (12, 1), (29, 3), (30, 2)].map(|(d, f)| (Day(d), Flow::of(f))).into();
        assert_eq!(period_starts(&days), [Day(1), Day(29)]);
    }

    #[test]
    fn windows_are_honest() {
        let starts = |lengths: &[i32]| {
            lengths.iter().fold(vec![Day(0)], |mut v, l| {
                v.push(Day(v[v.len() - 1].0 + l));
                v
            })
        };
        assert_eq!(next_periods(&starts(&[28, 28])), []);
        let regular = next_periods(&starts(&[28, 29, 28, 27]));
        assert_eq!((regular[0].likely, regular[0].from, regular[0].to), (Day(140), Day(138), Day(142)));
        let irregular = next_periods(&starts(&[25, 35, 28, 31, 24]));
        assert!(irregular[0].to.0 - irregular[0].from.0 >= 12);
        assert!(irregular[2].to.0 - irregular[2].from.0 > irregular[0].to.0 - irregular[0].from.0);
        // A year without entries is no cycle of a year.
        assert_eq!(next_periods(&starts(&[28, 28, 28, 365]))[0].cycles, 3);
    }
}
