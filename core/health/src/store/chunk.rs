//! A packed day: all samples of one metric and source that start on one local day.
//!
//! Layout, version 1: version byte, count (varint), decimals (255: plain floats), then the columns start, length,
//! offset, value. Starts are milliseconds after the first start of the day, which the database row holds.

use super::column::{
    as_decimals, decode_floats, decode_ints, encode_floats, encode_ints, push_varint, take_varint, unscale,
};
use super::rollup::{DayRollup, pack_hours};
use super::sample::Sample;
use crate::metric::Metric;

const VERSION: u8 = 1;
const PLAIN_FLOATS: u8 = 255;
/// Over 100 samples a second all day long: a count beyond is damage, not data, and must not reserve memory.
pub(crate) const MAX_COUNT: u64 = 10_000_000;
/// With fewer samples the hours are added up when asked for; storing them would cost more than the samples.
const HOURS_FROM: usize = 48;

/// Reused between days, so that a long import does not allocate for each.
#[derive(Default)]
pub(crate) struct Scratch {
    ints: Vec<i64>,
    floats: Vec<f64>,
    scaled: Vec<i64>,
}

/// A day ready to be written.
pub(crate) struct Packed {
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) hours: Option<Vec<u8>>,
    pub(crate) data: Vec<u8>,
    pub(crate) rollup: DayRollup,
}

/// Packs samples, which are sorted by start and not empty.
pub(crate) fn pack(metric: Metric, samples: &[Sample], scratch: &mut Scratch) -> Packed {
    let first_ms = samples.first().map_or(0, |s| s.start_ms);
    let last_ms = samples.iter().map(|s| s.end_ms).max().unwrap_or(first_ms);
    let Scratch { ints, floats, scaled } = scratch;
    let mut data = Vec::with_capacity(16 + samples.len() * 3);
    data.push(VERSION);
    push_varint(&mut data, samples.len() as u64);

    floats.clear();
    floats.extend(samples.iter().map(|s| s.value));
    let decimals = as_decimals(floats, scaled);
    data.push(decimals.map_or(PLAIN_FLOATS, |d| d as u8));

    let mut column = |data: &mut Vec<u8>, ascending, f: &dyn Fn(&Sample) -> i64| {
        ints.clear();
        ints.extend(samples.iter().map(f));
        encode_ints(data, ints, ascending);
    };
    column(&mut data, true, &|s| s.start_ms - first_ms);
    column(&mut data, false, &|s| s.end_ms - s.start_ms);
    column(&mut data, false, &|s| i64::from(s.offset_min));
    match decimals {
        Some(_) => encode_ints(&mut data, scaled, false),
        None => encode_floats(&mut data, floats),
    }
    let rollup = DayRollup::of(metric, samples, scaled, decimals);
    let hour_decimals = if metric.info().kind == crate::metric::Kind::Interval { None } else { decimals };
    let hours = (samples.len() >= HOURS_FROM).then(|| pack_hours(&rollup.hours, hour_decimals));
    Packed { first_ms, last_ms, hours, data, rollup }
}

/// Appends the samples of a packed day to `out`; `None` if the bytes are damaged.
pub(crate) fn unpack(
    first_ms: i64,
    mut data: &[u8],
    scratch: &mut Scratch,
    out: &mut Vec<Sample>,
) -> Option<()> {
    let input = &mut data;
    let (&[version], rest) = input.split_first_chunk::<1>()?;
    *input = rest;
    let count = take_varint(input)?;
    (version == VERSION && count <= MAX_COUNT).then_some(())?;
    let n = usize::try_from(count).ok()?;
    let (&decimals, rest) = input.split_first()?;
    *input = rest;
    let Scratch { ints, floats, .. } = scratch;
    decode_ints(input, n, ints)?;
    let from = out.len();
    out.extend(ints.iter().map(|&t| Sample::at(first_ms.wrapping_add(t), 0.0, 0)));
    decode_ints(input, n, ints)?;
    for (s, &length) in out.iter_mut().skip(from).zip(ints.iter()) {
        s.end_ms = s.start_ms.checked_add(length)?;
    }
    decode_ints(input, n, ints)?;
    for (s, &offset) in out.iter_mut().skip(from).zip(ints.iter()) {
        s.offset_min = i16::try_from(offset).ok()?;
    }
    if decimals == PLAIN_FLOATS {
        decode_floats(input, n, floats)?;
        for (s, &v) in out.iter_mut().skip(from).zip(floats.iter()) {
            s.value = v;
        }
    } else {
        decode_ints(input, n, ints)?;
        let decimals = u32::from(decimals).min(18);
        for (s, &v) in out.iter_mut().skip(from).zip(ints.iter()) {
            s.value = unscale(v, decimals);
        }
    }
    input.is_empty().then_some(())
}

/// The rollup of samples that are already unpacked.
pub(crate) fn rollup_of(metric: Metric, samples: &[Sample], scratch: &mut Scratch) -> DayRollup {
    scratch.floats.clear();
    scratch.floats.extend(samples.iter().map(|s| s.value));
    let decimals = as_decimals(&scratch.floats, &mut scratch.scaled);
    DayRollup::of(metric, samples, &scratch.scaled, decimals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rollup::unpack_hours;
    use proptest::prelude::*;

    fn samples() -> impl Strategy<Value = Vec<Sample>> {
        let value = prop_oneof![
            (300i64..2000).prop_map(|v| v as f64 / 10.0),
            (40i64..200).prop_map(|v| v as f64),
            0.0..1000.0f64
        ];
        proptest::collection::vec(
            (0i64..86_400, 0i64..4000, value, prop_oneof![Just(60i16), Just(120i16)]),
            1..150,
        )
        .prop_map(|rows| {
            let mut out: Vec<Sample> = rows
                .into_iter()
                .map(|(t, len, v, o)| {
                    Sample::over(1_700_000_000_000 + t * 1000, 1_700_000_000_000 + t * 1000 + len, v, o)
                })
                .collect();
            out.sort_by_key(Sample::order_key);
            out
        })
    }

    proptest! {
        #[test]
        fn a_day_comes_back_with_its_hours(samples in samples()) {
            let mut scratch = Scratch::default();
            let packed = pack(Metric::HeartRate, &samples, &mut scratch);
            let mut out = Vec::new();
            prop_assert_eq!(unpack(packed.first_ms, &packed.data, &mut scratch, &mut out), Some(()));
            prop_assert_eq!(&out, &samples);
            if let Some(hours) = packed.hours {
                prop_assert_eq!(unpack_hours(&hours).unwrap(), packed.rollup.hours);
            }
        }

        #[test]
        fn any_bytes_unpack_or_are_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), start in any::<i64>()) {
            let _ = unpack(start, &bytes, &mut Scratch::default(), &mut Vec::new());
            if let Some(b) = bytes.first_mut() {
                *b = VERSION;
            }
            let _ = unpack(start, &bytes, &mut Scratch::default(), &mut Vec::new());
            let _ = unpack_hours(&bytes);
        }
    }
}
