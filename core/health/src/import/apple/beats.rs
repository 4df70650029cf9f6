//! Beats inside a record of heart rate variability, as RR intervals.

use super::text::{Moment, decimal, time_of_day};
use crate::store::Sample;

/// A record holds a minute of beats; a hostile one does not fill the memory.
pub(super) const MAX_BEATS: usize = 20_000;

/// One `InstantaneousBeatsPerMinute`: beats a minute over the interval that ends here, and the time of day in
/// milliseconds, with whether its hour may be of a twelve-hour clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    bpm: f64,
    time_of_day: i64,
    twelve: bool,
}

impl Beat {
    pub(super) fn of(bpm: &[u8], time: &str) -> Option<Self> {
        let bpm = decimal(bpm, 0).filter(|b| (10.0..=400.0).contains(b))?;
        let (time_of_day, twelve) = time_of_day(time)?;
        Some(Self { bpm, time_of_day, twelve })
    }
}

const DAY: i64 = 86_400_000;
/// Clocks of the world differ by quarters of an hour.
const QUARTER: i64 = 900_000;

/// The intervals in order. Times of day become moments by the record's start and end; where the clock has twelve
/// hours, the half of the day that lies in the record is taken. Beats of a journey are written in the clock of the place
/// of the export and not of the record: a first beat that is quarters of an hour off the record tells by how much.
///
/// Apple writes times to a hundredth of a second and the rate as a whole number. Where both agree, the difference of
/// the times is the interval, since it is the more exact of the two; where they do not, beats are missing in between
/// and the rate gives the interval.
pub(super) fn intervals(beats: &[Beat], start: Moment, end_ms: i64) -> Vec<Sample> {
    let (start_ms, offset) = start;
    let mut midnight =
        (start_ms + i64::from(offset) * 60_000).div_euclid(DAY) * DAY - i64::from(offset) * 60_000;
    let within = start_ms - 60_000..=end_ms + 60_000;
    let mut out = Vec::with_capacity(beats.len());
    let mut last: Option<i64> = None;
    for beat in beats {
        let expected = last.unwrap_or(start_ms);
        let half = if beat.twelve { DAY / 2 } else { DAY };
        // An hour of 12 is the first of its half.
        let time = if beat.twelve { beat.time_of_day % half } else { beat.time_of_day };
        // Half a period around what is expected: the record's own time, later the beat before.
        let n = (expected - midnight - time + half / 2).div_euclid(half);
        let mut at = midnight + time + n * half;
        if !within.contains(&at) {
            let nearest = [n - 1, n, n + 1].map(|n| midnight + time + n * half);
            at = nearest.into_iter().min_by_key(|at| (at - start_ms).abs()).unwrap_or(at);
            let clocks = ((start_ms - at) as f64 / QUARTER as f64).round() as i64 * QUARTER;
            if last.is_none() && within.contains(&(at + clocks)) {
                at += clocks;
                midnight += clocks;
            }
        }
        let by_rate = (60_000.0 / beat.bpm).round();
        let interval = match last {
            Some(last) => {
                let between = (at - last) as f64;
                // Rounding of the rate to one beat a minute and of two times to 10 ms.
                let slack = 60_000.0 / (beat.bpm * beat.bpm) + 10.0;
                if (between - 60_000.0 / beat.bpm).abs() <= slack { between } else { by_rate }
            }
            None => by_rate,
        };
        out.push(Sample::at(at, interval, offset));
        last = Some(at);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[(&str, &str)], start: &str, end: &str) -> Vec<(i64, f64)> {
        let beats: Vec<Beat> = rows.iter().filter_map(|r| Beat::of(r.0.as_bytes(), r.1)).collect();
        let start = super::super::text::moment(start.as_bytes()).unwrap();
        let end = super::super::text::moment(end.as_bytes()).unwrap().0;
        intervals(&beats, start, end).iter().map(|s| (s.start_ms - start.0, s.value)).collect()
    }

    #[test]
    fn beats_become_intervals() {
        let rows = [
            ("66", "3:06:13.26\u{202f}PM"),
            ("69", "3:06:14.13\u{202f}PM"),
            ("67", "3:06:15.03\u{202f}PM"),
            ("70", "3:06:18.00\u{202f}PM"),
        ];
        assert_eq!(
            read(&rows, "2023-01-01 15:06:12 +0100", "2023-01-01 15:07:12 +0100"),
            [(1260, 909.0), (2130, 870.0), (3030, 900.0), (6000, 857.0)]
        );
    }

    #[test]
    fn a_clock_of_another_place_is_set() {
        let rows = [("95", "6:14:48.94 PM"), ("94", "6:14:49.58 PM")];
        assert_eq!(
            read(&rows, "2017-11-22 19:14:47 -0400", "2017-11-22 19:15:52 -0400"),
            [(1940, 632.0), (2580, 640.0)]
        );
        let rows = [("60", "00:59:59,50"), ("60", "01:00:00,50")];
        assert_eq!(
            read(&rows, "2023-01-01 18:29:58 -0100", "2023-01-01 18:30:58 -0100"),
            [(1500, 1000.0), (2500, 1000.0)]
        );
    }

    #[test]
    fn midnight_lies_between_beats() {
        let rows = [("60", "11:59:59.50 PM"), ("60", "12:00:00.50 AM")];
        assert_eq!(
            read(&rows, "2023-01-01 23:59:58 -0500", "2023-01-02 00:00:58 -0500"),
            [(1500, 1000.0), (2500, 1000.0)]
        );
        let rows = [("60", "23:59:59,50"), ("60", "00:00:00,50")];
        assert_eq!(
            read(&rows, "2023-01-01 23:59:58 +0530", "2023-01-02 00:00:58 +0530"),
            [(1500, 1000.0), (2500, 1000.0)]
        );
    }
}
