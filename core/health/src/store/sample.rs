//! A sample: one measured value with its time and the local time it was lived in.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// A measured value.
///
/// `offset_min` is the local time's offset from UTC at the sample, in minutes east. It is stored because only it says
/// on which day of the person's life the sample lies: a traveller's Tuesday is not found from UTC alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Start, milliseconds since 1970 UTC.
    pub start_ms: i64,
    /// End; equal to the start for a reading at a moment.
    pub end_ms: i64,
    /// Value in the metric's unit.
    pub value: f64,
    /// Local time minus UTC, minutes.
    pub offset_min: i16,
}

impl Sample {
    /// A reading at a moment.
    ///
    /// ```
    /// use cuba_health::store::{Day, Sample};
    /// let late = Sample::at(1_700_000_000_000, 62.0, 120);
    /// assert_eq!(late.day(), Day::of(1_700_000_000_000, 120));
    /// ```
    pub fn at(start_ms: i64, value: f64, offset_min: i16) -> Self {
        Self { start_ms, end_ms: start_ms, value, offset_min }
    }

    /// An amount or state over a span.
    pub fn over(start_ms: i64, end_ms: i64, value: f64, offset_min: i16) -> Self {
        Self { start_ms, end_ms, value, offset_min }
    }

    /// Local day of the start.
    pub fn day(&self) -> Day {
        Day::of(self.start_ms, self.offset_min)
    }

    /// Local hour of the start, 0 to 23.
    pub fn hour(&self) -> u8 {
        (local_ms(self.start_ms, self.offset_min).rem_euclid(DAY_MS) / 3_600_000) as u8
    }

    pub(crate) fn order_key(&self) -> (i64, i64, u64) {
        (self.start_ms, self.end_ms, self.value.to_bits())
    }
}

fn local_ms(ms: i64, offset_min: i16) -> i64 {
    ms.saturating_add(i64::from(offset_min) * 60_000)
}

/// Offset of `zone` from UTC at a moment, minutes: for files that give UTC and nothing else.
pub fn offset_in(zone: &TimeZone, ms: i64) -> i16 {
    Timestamp::from_millisecond(ms).map_or(0, |t| (zone.to_offset(t).seconds() / 60) as i16)
}

/// A local calendar day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// Earliest and latest day that a database key can hold; about the years -20 000 to 24 000.
    pub(crate) const LIMIT: i32 = 8_000_000;

    /// The local day of a moment.
    pub fn of(ms: i64, offset_min: i16) -> Self {
        Self(
            local_ms(ms, offset_min).div_euclid(DAY_MS).clamp(-i64::from(Self::LIMIT), i64::from(Self::LIMIT))
                as i32,
        )
    }

    /// The day of a calendar date.
    ///
    /// ```
    /// use cuba_health::store::Day;
    /// let date = jiff::civil::date(2026, 11, 23);
    /// assert_eq!(Day::from_date(date).date(), date);
    /// ```
    pub fn from_date(date: Date) -> Self {
        let epoch = jiff::civil::date(1970, 1, 1);
        Self((date - epoch).get_days())
    }

    /// The calendar date.
    pub fn date(self) -> Date {
        let epoch = jiff::civil::date(1970, 1, 1);
        epoch.checked_add(jiff::Span::new().days(self.0)).unwrap_or(if self.0 < 0 {
            Date::MIN
        } else {
            Date::MAX
        })
    }

    /// The day `n` days later (or earlier).
    #[must_use]
    pub fn plus(self, n: i32) -> Self {
        Self(self.0.saturating_add(n).clamp(-Self::LIMIT, Self::LIMIT))
    }
}

/// A source as stored: a device or an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub(crate) u16);

impl SourceId {
    /// The number in the database.
    pub fn number(self) -> u16 {
        self.0
    }
}
