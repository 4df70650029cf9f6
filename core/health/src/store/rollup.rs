//! Sums of a day or an hour, and how a packed day keeps its hours.

use super::column::{push_signed, push_varint, take_signed, take_varint, unscale};
use super::sample::Sample;
use crate::metric::{Kind, Metric};

/// Count, sum, least and greatest of the samples that start in an hour, a day or any longer time.
///
/// For [`Kind::Interval`] metrics `sum` is the time of all spans in seconds. Sums of values with up to four decimals
/// are exact: they are added as whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rollup {
    /// Number of samples.
    pub count: u64,
    /// Sum of values (interval metrics: seconds).
    pub sum: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

impl Rollup {
    /// Of no samples; `min` and `max` are then infinite.
    pub const EMPTY: Self = Self { count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    /// Mean of the values, if there is one.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

/// Adds samples up: exactly while they are decimals, with compensated floats otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Adder {
    count: u64,
    whole: i64,
    float: f64,
    lost: f64,
    min: f64,
    max: f64,
}

impl Adder {
    pub(crate) const EMPTY: Self =
        Self { count: 0, whole: 0, float: 0.0, lost: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    fn add_whole(&mut self, scaled: i64, value: f64) {
        self.note(value);
        self.whole = self.whole.saturating_add(scaled);
    }

    /// Neumaier's compensated sum.
    pub(crate) fn add_float(&mut self, amount: f64, value: f64) {
        self.note(value);
        let total = self.float + amount;
        self.lost += if self.float.abs() >= amount.abs() {
            (self.float - total) + amount
        } else {
            (amount - total) + self.float
        };
        self.float = total;
    }

    fn note(&mut self, value: f64) {
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    pub(crate) fn rollup(&self, decimals: Option<u32>) -> Rollup {
        let sum = decimals.map_or(self.float + self.lost, |d| unscale(self.whole, d));
        Rollup { count: self.count, sum, min: self.min, max: self.max }
    }
}

/// Rollups of one day: the whole and its 24 local hours.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DayRollup {
    pub(crate) day: Rollup,
    pub(crate) hours: Vec<(u8, Rollup)>,
}

impl DayRollup {
    /// Of a packed day's samples; `scaled` are their values as whole numbers of `10^-decimals` where that is exact.
    pub(crate) fn of(metric: Metric, samples: &[Sample], scaled: &[i64], decimals: Option<u32>) -> Self {
        let interval = metric.info().kind == Kind::Interval;
        // Time is whole milliseconds: three decimals of a second.
        let decimals = if interval { Some(3) } else { decimals };
        let mut hours = [Adder::EMPTY; 24];
        let mut day = Adder::EMPTY;
        for (i, s) in samples.iter().enumerate() {
            let hour = hours.get_mut(usize::from(s.hour())).expect("an hour is below 24");
            for adder in [&mut day, hour] {
                if interval {
                    adder.add_whole(s.end_ms - s.start_ms, s.value);
                } else if decimals.is_some() {
                    adder.add_whole(scaled.get(i).copied().unwrap_or(0), s.value);
                } else {
                    adder.add_float(s.value, s.value);
                }
            }
        }
        Self::from_adders(&day, &hours, decimals)
    }

    pub(crate) fn from_adders(day: &Adder, hours: &[Adder; 24], decimals: Option<u32>) -> Self {
        let hours =
            (0u8..).zip(hours).filter(|(_, a)| a.count > 0).map(|(h, a)| (h, a.rollup(decimals))).collect();
        Self { day: day.rollup(decimals), hours }
    }
}

/// Hours as bytes: each its number and count, then sum, least and greatest as whole numbers of `10^-decimals` when
/// they are (a byte or two each), else as floats.
pub(crate) fn pack_hours(hours: &[(u8, Rollup)], decimals: Option<u32>) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + hours.len() * 8);
    out.push(decimals.map_or(255, |d| d as u8));
    for (hour, r) in hours {
        out.push(*hour);
        push_varint(&mut out, r.count);
        for v in [r.sum, r.min, r.max] {
            match decimals {
                Some(d) => push_signed(&mut out, (v * 10f64.powi(d as i32)).round() as i64),
                None => out.extend_from_slice(&v.to_le_bytes()),
            }
        }
    }
    out
}

pub(crate) fn unpack_hours(mut input: &[u8]) -> Option<Vec<(u8, Rollup)>> {
    let (&decimals, rest) = input.split_first()?;
    input = rest;
    let mut out = Vec::with_capacity(24);
    while let Some((&hour, rest)) = input.split_first() {
        input = rest;
        let count = take_varint(&mut input)?;
        let mut next = || {
            if decimals == 255 {
                let (bytes, rest) = input.split_first_chunk::<8>()?;
                input = rest;
                Some(f64::from_le_bytes(*bytes))
            } else {
                Some(unscale(take_signed(&mut input)?, u32::from(decimals).min(18)))
            }
        };
        out.push((hour, Rollup { count, sum: next()?, min: next()?, max: next()? }));
    }
    Some(out)
}
