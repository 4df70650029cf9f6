//! Times as people's files write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::store::offset_in;

/// Order of the parts of a date such as 03/04/2026.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    DayFirst,
    MonthFirst,
}

/// A moment, or a whole local day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct When {
    /// Milliseconds since 1970 UTC; of a day, of its local beginning.
    pub(super) ms: i64,
    /// Local time minus UTC, minutes.
    pub(super) offset: i16,
    /// Set for a date without time.
    pub(super) day: Option<Date>,
}

impl When {
    /// The end of the day, when it is one.
    pub(super) fn day_end(&self, zone: &TimeZone) -> Option<i64> {
        local(self.day?.tomorrow().ok()?.to_datetime(Time::midnight()), zone).map(|w| w.ms)
    }
}

/// A local time in `zone`; of a doubled hour the first, a skipped one moved on.
pub(super) fn local(time: DateTime, zone: &TimeZone) -> Option<When> {
    let moment = time.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond();
    Some(When { ms: moment, offset: offset_in(zone, moment), day: None })
}

/// A count since 1970 in seconds, milliseconds, microseconds or nanoseconds; its size tells.
pub(super) fn epoch(count: f64, zone: &TimeZone) -> Option<When> {
    let ms = match count.abs() {
        c if c < 1e11 => count * 1000.0,
        c if c < 1e14 => count,
        c if c < 1e17 => count / 1000.0,
        c if c < 1e20 => count / 1e6,
        _ => return None,
    };
    let ms = ms.round() as i64;
    Some(When { ms, offset: offset_in(zone, ms), day: None })
}

/// Reads a time. An offset in the text wins over `zone`; `Z` says when, but not where: the place is `zone`.
pub(super) fn parse(text: &str, order: Order, zone: &TimeZone) -> Option<When> {
    let text = text.trim().trim_matches('"').trim();
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let only_digits = digits == text.len();
    if (only_digits && !matches!(digits, 8 | 12 | 14))
        || (!only_digits && digits > 8 && text.parse::<f64>().is_ok())
    {
        return epoch(text.parse().ok()?, zone);
    }
    let (date, rest) = date(text, order)?;
    let rest = rest.trim_start_matches(['T', 't', ' ', ',', '\u{a0}', '\u{202f}']).trim();
    let joins = ["at ", "\u{e0} ", "um ", "a las ", "\u{e0}s "];
    let rest = joins.iter().find_map(|join| rest.strip_prefix(join)).unwrap_or(rest);
    if rest.is_empty() {
        let at = local(date.to_datetime(Time::midnight()), zone)?;
        return Some(When { day: Some(date), ..at });
    }
    let (time, rest) = time(rest)?;
    let time = date.to_datetime(time);
    match offset(rest)? {
        Zone::None => local(time, zone),
        Zone::Utc => local(time, &TimeZone::UTC).map(|w| When { offset: offset_in(zone, w.ms), ..w }),
        Zone::Minutes(minutes) => {
            let utc = local(time, &TimeZone::UTC)?.ms;
            Some(When { ms: utc - i64::from(minutes) * 60_000, offset: minutes, day: None })
        }
    }
}

/// Which order the dates of a column have, as far as they tell; `None` when any would do.
pub(super) fn order_of(text: &str) -> Option<Order> {
    let mut parts = text.trim().trim_matches('"').split(['/', '.', '-']);
    let mut number = || -> Option<u32> {
        let part = parts.next()?;
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part.get(..end)?.parse().ok()
    };
    match (number()?, number()?) {
        (13..=31, 1..=12) => Some(Order::DayFirst),
        (1..=12, 13..=31) => Some(Order::MonthFirst),
        _ => None,
    }
}

fn number(text: &str, most: usize) -> Option<(u32, &str)> {
    let end = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    Some((text.get(..end)?.parse().ok()?, text.get(end..)?))
}

/// Beginnings of months in English, German, Spanish, French and Portuguese, without accents.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene"],
    &["feb", "fev"],
    &["mar", "mrz"],
    &["apr", "abr", "avr"],
    &["may", "mai"],
    &["jun", "juin"],
    &["jul", "juil"],
    &["aug", "ago", "aou"],
    &["sep", "set"],
    &["oct", "okt", "out"],
    &["nov"],
    &["dec", "dez", "dic"],
];

fn month_name(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let word: String = text
        .get(..end)?
        .to_lowercase()
        .chars()
        .map(|c| match c {
            '\u{e9}' => 'e',
            '\u{fb}' => 'u',
            '\u{e4}' => 'a',
            '\u{e7}' => 'c',
            c => c,
        })
        .collect();
    if word.len() < 3 {
        return None;
    }
    let n = MONTHS.iter().position(|names| names.iter().any(|name| word.starts_with(name)))?;
    // "3. Jun. 2026", "3 de junio de 2026".
    let rest = text.get(end..)?.trim_start_matches('.');
    Some((n as u32 + 1, rest.strip_prefix(" de ").unwrap_or(rest)))
}

fn separator(text: &str) -> &str {
    text.trim_start_matches(['-', '/', '.', ' ', ','])
}

fn date(text: &str, order: Order) -> Option<(Date, &str)> {
    // A weekday in front: "Mon, 3 Jun 2026".
    let text = match text.split_once(", ") {
        Some((day, rest)) if day.chars().all(char::is_alphabetic) && month_name(day).is_none() => rest,
        _ => text,
    };
    if let Some((month, rest)) = month_name(text) {
        // Jun 3, 2026
        let (day, rest) = number(separator(rest), 2)?;
        let (year, rest) = number(separator(rest), 4)?;
        return Some((civil(year, month, day)?, rest));
    }
    let run = text.bytes().take_while(u8::is_ascii_digit).count();
    if run >= 8 {
        // 20260603 or 20260603T070000
        let (year, rest) = number(text, 4)?;
        let (month, rest) = number(rest, 2)?;
        let (day, rest) = number(rest, 2)?;
        return Some((civil(year, month, day)?, rest));
    }
    let (a, rest) = number(text, 4)?;
    let rest = separator(rest);
    let rest = rest.strip_prefix("de ").unwrap_or(rest);
    if let Some((month, rest)) = month_name(rest) {
        // 3 Jun 2026
        let (year, rest) = number(separator(rest), 4)?;
        return Some((civil(year, month, a)?, rest));
    }
    let (b, rest) = number(rest, 2)?;
    let (c, rest) = number(separator(rest), 4)?;
    let made = if run == 4 {
        civil(a, b, c)
    } else if order == Order::MonthFirst {
        civil(c, a, b)
    } else {
        civil(c, b, a)
    };
    Some((made?, rest))
}

fn civil(year: u32, month: u32, day: u32) -> Option<Date> {
    let year = if year < 100 { year + 2000 } else { year };
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn time(text: &str) -> Option<(Time, &str)> {
    let (hour, mut rest) = number(text, 2)?;
    let (mut minute, mut second, mut nanos) = (0, 0, 0);
    let part = |rest: &str| -> Option<(u32, usize)> {
        let skip = usize::from(rest.starts_with([':', '.', 'h']));
        let (n, after) = number(rest.get(skip..)?, 2)?;
        Some((n, rest.len() - after.len()))
    };
    if let Some((n, used)) = part(rest) {
        (minute, rest) = (n, rest.get(used..)?);
        if let Some((n, used)) =
            part(rest).filter(|_| rest.starts_with(|c: char| c == ':' || c.is_ascii_digit()))
        {
            (second, rest) = (n, rest.get(used..)?);
        }
        if let Some(fraction) =
            rest.strip_prefix(['.', ',', ':']).filter(|f| f.starts_with(|c: char| c.is_ascii_digit()))
        {
            let len = fraction.bytes().take_while(u8::is_ascii_digit).count();
            for i in 0..9 {
                let digit = fraction.as_bytes().get(i).filter(|_| i < len).map_or(0, |d| d - b'0');
                nanos = nanos * 10 + i32::from(digit);
            }
            rest = fraction.get(len..)?;
        }
    }
    let mut hour = hour;
    if let Some((after_noon, behind)) = half_of_day(rest) {
        hour = hour % 12 + if after_noon { 12 } else { 0 };
        rest = behind;
    }
    // Midnight at the end of a day is not a time of that day; files that write it mean its last moment.
    if hour == 24 && minute == 0 {
        (hour, minute, second) = (23, 59, 59);
    }
    let small = |n: u32| i8::try_from(n).ok();
    Some((Time::new(small(hour)?, small(minute)?, small(second.min(59))?, nanos).ok()?, rest))
}

/// `PM`, `p. m.`, `pm.` behind a time: whether it is after noon, and what follows.
fn half_of_day(text: &str) -> Option<(bool, &str)> {
    let space = [' ', '\u{a0}', '\u{202f}'];
    let word = text.trim_start_matches(space);
    for (mark, after_noon) in [("\u{4e0a}\u{5348}", false), ("\u{4e0b}\u{5348}", true)] {
        if let Some(rest) = word.strip_prefix(mark) {
            return Some((after_noon, rest));
        }
    }
    let after_noon = match word.bytes().next()? {
        b'a' | b'A' => false,
        b'p' | b'P' => true,
        _ => return None,
    };
    let rest = word.get(1..)?.trim_start_matches('.').trim_start_matches(space);
    let rest = rest.strip_prefix(['m', 'M'])?;
    Some((after_noon, rest.trim_start_matches('.')))
}

/// What stands behind a time.
enum Zone {
    None,
    Utc,
    Minutes(i16),
}

/// The zone behind a time; nothing when the text is something else.
fn offset(text: &str) -> Option<Zone> {
    let text = text.trim();
    if matches!(text, "Z" | "z" | "UTC" | "GMT") {
        return Some(Zone::Utc);
    }
    let text = text.strip_prefix("UTC").or(text.strip_prefix("GMT")).unwrap_or(text);
    if text.is_empty() {
        return Some(Zone::None);
    }
    // A zone's name in brackets after the offset.
    let text = text.split('[').next().unwrap_or(text).trim();
    let (sign, rest) = match text.bytes().next()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let (hours, rest) = number(rest, 2)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let minutes = if rest.is_empty() { 0 } else { number(rest, 2)?.0 };
    let all = i16::try_from(hours * 60 + minutes).ok().filter(|m| *m <= 18 * 60)?;
    Some(Zone::Minutes(sign * all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, order: Order) -> Option<(String, i16)> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let when = parse(text, order, &zone)?;
        Some((jiff::Timestamp::from_millisecond(when.ms).unwrap().to_string(), when.offset))
    }

    #[test]
    fn times_of_many_files() {
        for (text, utc, offset) in [
            ("2026-06-01T08:00:00Z", "2026-06-01T08:00:00Z", 120),
            ("2026-06-01T08:00:00+00:00", "2026-06-01T08:00:00Z", 0),
            ("2026-06-01T08:00:00.250+02:00", "2026-06-01T06:00:00.25Z", 120),
            ("2026-06-01 08:00:00", "2026-06-01T06:00:00Z", 120),
            ("2026-06-01 08:00:00 -0330", "2026-06-01T11:30:00Z", -210),
            ("06/01/26 08:00:00", "2026-06-01T06:00:00Z", 120),
            ("1780300800", "2026-06-01T08:00:00Z", 120),
            ("1780300800123", "2026-06-01T08:00:00.123Z", 120),
            ("1780300800123000000", "2026-06-01T08:00:00.123Z", 120),
            ("20260601", "2026-05-31T22:00:00Z", 120),
            ("20260601080000", "2026-06-01T06:00:00Z", 120),
            ("Jun 1, 2026 8:00:00 PM", "2026-06-01T18:00:00Z", 120),
            ("1 June 2026, 20:00", "2026-06-01T18:00:00Z", 120),
            ("Mon, 1 Jun 2026 20:00:00 GMT+2", "2026-06-01T18:00:00Z", 120),
            ("1. Juni 2026 20:00", "2026-06-01T18:00:00Z", 120),
            ("3. M\u{e4}rz 2026 20:00", "2026-03-03T19:00:00Z", 60),
            ("1 de junio de 2026, 8:00:00 p. m.", "2026-06-01T18:00:00Z", 120),
            ("1 ao\u{fb}t 2026 20h00", "2026-08-01T18:00:00Z", 120),
            ("1 juin 2026 \u{e0} 20:00", "2026-06-01T18:00:00Z", 120),
            ("juil. 4, 2026 8:00 PM", "2026-07-04T18:00:00Z", 120),
            ("6/1/2026 8:00PM", "2026-06-01T18:00:00Z", 120),
            ("06/01/2026 12:05 am", "2026-05-31T22:05:00Z", 120),
            // Summer time: a skipped time moves on, of a doubled one the first.
            ("2026-03-29 02:30", "2026-03-29T01:30:00Z", 120),
            ("2026-10-25 02:30", "2026-10-25T00:30:00Z", 120),
        ] {
            assert_eq!(at(text, Order::MonthFirst), Some((utc.to_owned(), offset)), "{text}");
        }
        assert_eq!(at("03.06.2026 7:05", Order::DayFirst).unwrap().0, "2026-06-03T05:05:00Z");
        assert_eq!(at("03/06/2026", Order::DayFirst).unwrap().0, "2026-06-02T22:00:00Z");
        for wrong in
            ["", "yesterday", "2026-13-01", "12:00", "2026-06-01 25:00", "2026-06-01 08:00 nonsense", "é1"]
        {
            assert_eq!(at(wrong, Order::DayFirst), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_ends_with_its_own_length() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let day = parse("2026-10-25", Order::DayFirst, &zone).unwrap();
        assert_eq!(day.day_end(&zone).unwrap() - day.ms, 25 * 3_600_000);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_refused_or_read(text in "\\PC{0,40}") {
            at(&text, Order::DayFirst);
            order_of(&text);
        }
    }
}
