//! Days and times as people write them on a command line.

use cuba_health::store::Day;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};

use super::open::Place;
use crate::exit::{Code, Failure};

/// `2026-11-23`, `today`, `yesterday`.
pub(super) fn day(place: &Place, text: &str) -> Result<Day, Failure> {
    match text {
        "today" => Ok(place.today()),
        "yesterday" => Ok(place.today().plus(-1)),
        // A date is only that: jiff would also take the date out of a date with a time.
        _ => {
            text.parse::<Date>().ok().filter(|d| d.to_string() == text).map(Day::from_date).ok_or_else(|| {
                Failure::new(Code::BadInput, format_args!("`{text}` is no day"))
                    .hint("days are written as 2026-11-23, today or yesterday")
            })
        }
    }
}

/// The days from and to, where each may be left out: `length` days up to today.
pub(super) fn span(
    place: &Place,
    from: Option<&str>,
    to: Option<&str>,
    length: i32,
) -> Result<(Day, Day), Failure> {
    let to = to.map(|t| day(place, t)).transpose()?;
    let from = from.map(|f| day(place, f)).transpose()?;
    let last = to.unwrap_or_else(|| place.today());
    let first = from.unwrap_or_else(|| last.plus(1 - length));
    if first > last {
        return Err(Failure::new(Code::BadInput, "the first day is after the last one"));
    }
    Ok((first, last))
}

/// `2026-11-23T09:20+01:00`, `2026-11-23T09:20` in the person's zone, or `09:20` of today.
pub(super) fn moment(place: &Place, text: &str) -> Result<Timestamp, Failure> {
    let bad = || {
        Failure::new(Code::BadInput, format_args!("`{text}` is no time"))
            .hint("times are written as 09:20, 2026-11-23T09:20 or 2026-11-23T09:20+01:00")
    };
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let local = match (text.parse::<DateTime>(), text.parse::<Time>()) {
        (Ok(local), _) if !text.contains('Z') && text.len() > 10 => local,
        (_, Ok(time)) if text.len() <= 8 => place.today().date().to_datetime(time),
        _ => return Err(bad()),
    };
    local.to_zoned(place.setting.zone.clone()).map(|z| z.timestamp()).map_err(|_| bad())
}

/// `09:20`.
pub(super) fn clock(text: &str) -> Result<Time, Failure> {
    text.parse::<Time>().map_err(|_| {
        Failure::new(Code::BadInput, format_args!("`{text}` is no time of day")).hint("write it as 09:20")
    })
}

/// A moment as local time, `2026-11-23 09:20`.
pub(super) fn local(place: &Place, ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| String::new(),
        |t| t.to_zoned(place.setting.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// Local minutes from UTC at a moment.
pub(super) fn offset(place: &Place, moment: Timestamp) -> i16 {
    cuba_health::store::offset_in(&place.setting.zone, moment.as_millisecond())
}
