//! Time stamps and numbers as Apple writes them, read by hand: there are three in every record.

/// A moment: milliseconds since 1970 UTC and the offset it was written with, minutes.
pub(super) type Moment = (i64, i16);

/// `2023-01-01 08:00:00 +0100`.
#[inline]
pub(super) fn moment(raw: &[u8]) -> Option<Moment> {
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b' ',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
        b' ',
        sign,
        oh1,
        oh2,
        om1,
        om2,
    ] = raw
    else {
        return None;
    };
    let two = |a: u8, b: u8| -> Option<i64> {
        let (a, b) = (a.wrapping_sub(b'0'), b.wrapping_sub(b'0'));
        (a < 10 && b < 10).then(|| i64::from(a * 10 + b))
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(i1, i2)?, two(s1, s2)?);
    let offset = two(oh1, oh2)? * 60 + two(om1, om2)?;
    let offset = match sign {
        b'+' => offset,
        b'-' => -offset,
        _ => return None,
    };
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    // A leap second is written as 60.
    if hour > 23 || minute > 59 || second > 60 || offset.abs() > 18 * 60 {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(((seconds - offset * 60) * 1000, offset as i16))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, years counted from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Ten to these powers are exact.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// A decimal number times ten to `shift`, rounded once. `None` for anything else, and for what is not finite.
///
/// Up to 15 digits and 22 places both parts are exact floats and their quotient is rounded right (Clinger 1990);
/// longer ones take the standard way.
#[inline]
pub(super) fn decimal(raw: &[u8], shift: i32) -> Option<f64> {
    let (negative, digits) = match raw {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (mut mantissa, mut count, mut places, mut point) = (0u64, 0u32, 0i32, false);
    for &b in digits {
        let digit = b.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            count += u32::from(mantissa != 0);
            places += i32::from(point);
        } else if b == b'.' && !point {
            point = true;
        } else {
            return slow_decimal(raw, shift);
        }
    }
    let power = shift - places;
    if count > 15 || digits.len() < 1 + usize::from(point) {
        return slow_decimal(raw, shift);
    }
    let Some(&scale) = POWERS.get(power.unsigned_abs() as usize) else { return slow_decimal(raw, shift) };
    let value = mantissa as f64;
    // Times a power the product may exceed 2^53 and is then rounded once, as it must be.
    let value = if power < 0 { value / scale } else { value * scale };
    Some(if negative { -value } else { value })
}

#[cold]
fn slow_decimal(raw: &[u8], shift: i32) -> Option<f64> {
    let text = std::str::from_utf8(raw).ok()?.trim();
    let value: f64 = if shift == 0 {
        text.parse().ok()?
    } else {
        match text.split_once(['e', 'E']) {
            Some((digits, power)) => {
                format!("{digits}e{}", power.parse::<i32>().ok()?.checked_add(shift)?).parse().ok()?
            }
            None => format!("{text}e{shift}").parse().ok()?,
        }
    };
    value.is_finite().then_some(value)
}

/// Milliseconds after midnight of a time of day in any of the ways Apple's formatter has: `7:46:29.93 AM`,
/// `19:46:29,93`, `下午7:46:29.93`. With a twelve-hour clock both halves of the day are possible; the caller knows
/// which fits.
pub(super) fn time_of_day(text: &str) -> Option<(i64, bool)> {
    let mut numbers = [0i64; 4];
    let (mut field, mut digits_in_field, mut places) = (0usize, 0, 0);
    for c in text.chars() {
        // Digits of other scripts (Arabic, Devanagari) come in blocks of ten from zero.
        if let Some(digit) = digit_of(c) {
            if places < 3 || field < 3 {
                let slot = numbers.get_mut(field)?;
                *slot = slot.checked_mul(10)?.checked_add(i64::from(digit))?;
            }
            digits_in_field += 1;
            places += i32::from(field == 3);
        } else if digits_in_field > 0 && field < 3 && matches!(c, ':' | '.' | ',' | '٫') {
            field += 1;
            digits_in_field = 0;
        } else if digits_in_field > 0 && field >= 2 {
            break;
        }
    }
    let [hour, minute, second, fraction] = numbers;
    if field < 2 || hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    let fraction = fraction * 10i64.pow(3 - places.clamp(0, 3) as u32);
    let twelve = (1..=12).contains(&hour);
    Some((((hour * 60 + minute) * 60 + second) * 1000 + fraction, twelve))
}

fn digit_of(c: char) -> Option<u32> {
    const ZEROS: [char; 5] = ['0', '٠', '۰', '०', '০'];
    ZEROS.iter().find_map(|&zero| (c as u32).checked_sub(zero as u32).filter(|d| *d < 10))
}

/// `HKCategoryValueSleepAnalysis` style suffixes in small letters: `AsleepREM` is `asleep_rem`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    let mut last_small = false;
    for (c, next) in name.chars().zip(name.chars().skip(1).map(Some).chain([None])) {
        let boundary = c.is_ascii_uppercase() && (last_small || next.is_some_and(|n| n.is_ascii_lowercase()));
        if boundary && !out.is_empty() {
            out.push('_');
        }
        last_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments() {
        assert_eq!(moment(b"1970-01-01 01:00:00 +0100"), Some((0, 60)));
        assert_eq!(moment(b"2024-02-29 23:59:59 -0330"), Some((1_709_263_799_000, -210)));
        for bad in [
            "2023-02-29 00:00:00 +0000",
            "2023-13-01 00:00:00 +0000",
            "2023-01-01 24:00:00 +0000",
            "2023-01-01 00:00:00 0000",
            "2023-01-01T00:00:00 +0000",
            "",
        ] {
            assert_eq!(moment(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn times_of_day() {
        assert_eq!(time_of_day("7:46:29.93 AM"), Some((27_989_930, true)));
        assert_eq!(time_of_day("19:46:29,93"), Some((71_189_930, false)));
        assert_eq!(time_of_day("7:46:29.93\u{202f}PM"), Some((27_989_930, true)));
        assert_eq!(time_of_day("下午7:46:29.93"), Some((27_989_930, true)));
        assert_eq!(time_of_day("٧:٤٦:٢٩٫٩٣ م"), Some((27_989_930, true)));
        assert_eq!(time_of_day("noon"), None);
    }

    #[test]
    fn names() {
        assert_eq!(snake("AsleepREM"), "asleep_rem");
        assert_eq!(snake("HighIntensityIntervalTraining"), "high_intensity_interval_training");
        assert_eq!(snake("AppleStandHour"), "apple_stand_hour");
    }

    proptest! {
        #[test]
        fn moments_agree_with_jiff(seconds in -2_208_988_800i64..7_258_118_400, minutes in -18i64 * 60..=18 * 60) {
            let offset = jiff::tz::Offset::from_seconds((minutes * 60) as i32).unwrap();
            let civil = offset.to_datetime(jiff::Timestamp::from_second(seconds).unwrap());
            let (sign, m) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
            let text = format!("{} {sign}{:02}{:02}", civil.strftime("%Y-%m-%d %H:%M:%S"), m / 60, m % 60);
            prop_assert_eq!(moment(text.as_bytes()), Some((seconds * 1000, minutes as i16)));
        }

        #[test]
        fn decimals_are_the_nearest_floats(text in "-?[0-9]{1,18}(\\.[0-9]{0,20})?", shift in -6i32..7) {
            let exact: f64 = format!("{text}e{shift}").parse().unwrap();
            prop_assert_eq!(decimal(text.as_bytes(), shift).map(f64::to_bits), Some(exact.to_bits()), "{}", text);
        }

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..40), text in ".{0,20}") {
            let _ = (moment(&bytes), decimal(&bytes, 3), time_of_day(&text), snake(&text));
        }
    }
}
