//! When to remind, in the person's own time zone, and whether the system really did.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::HealthError;
use crate::store::Store;

/// Local times on some days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Times of day. A time that the clock skips in spring comes later by the length of the gap; a doubled one is the
    /// first of the two.
    pub times: Vec<Time>,
    /// Which days.
    pub days: Days,
}

/// Days of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// Every day.
    Daily,
    /// Some weekdays, 1 Monday to 7 Sunday.
    Weekdays(Vec<i8>),
    /// Every n days from a date.
    Every {
        /// Distance in days.
        days: u32,
        /// First day.
        from: Date,
    },
    /// So many days on, then so many off, from a date.
    OnOff {
        /// Days on.
        on: u32,
        /// Days off.
        off: u32,
        /// First day on.
        from: Date,
    },
}

impl Days {
    /// Whether a date is one of them.
    pub fn contains(&self, date: Date) -> bool {
        let since = |from: Date| i64::from((date - from).get_days());
        match self {
            Self::Daily => true,
            Self::Weekdays(list) => list.contains(&date.weekday().to_monday_one_offset()),
            Self::Every { days, from } => since(*from) >= 0 && since(*from) % i64::from((*days).max(1)) == 0,
            Self::OnOff { on, off, from } => {
                let period = i64::from(on + off).max(1);
                since(*from) >= 0 && since(*from) % period < i64::from(*on)
            }
        }
    }
}

impl Schedule {
    /// Every day at one time.
    pub fn daily(time: Time) -> Self {
        Self { times: vec![time], days: Days::Daily }
    }

    /// On some weekdays at one time.
    pub fn weekdays(time: Time, days: &[Weekday]) -> Self {
        let days = days.iter().map(|d| d.to_monday_one_offset()).collect();
        Self { times: vec![time], days: Days::Weekdays(days) }
    }

    /// Due moments after `after` up to and including `until`, in order.
    ///
    /// ```
    /// use cuba_health::log::reminder::Schedule;
    /// use jiff::{civil::time, tz::TimeZone};
    /// let berlin = TimeZone::get("Europe/Berlin").unwrap();
    /// // 02:30 does not exist on 29 March 2026: the reminder comes at 03:30.
    /// let due = Schedule::daily(time(2, 30, 0, 0)).due(
    ///     "2026-03-28T12:00:00Z".parse().unwrap(), "2026-03-29T12:00:00Z".parse().unwrap(), &berlin);
    /// assert_eq!(due[0].to_string(), "2026-03-29T01:30:00Z");
    /// ```
    pub fn due(&self, after: Timestamp, until: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        let mut out = Vec::new();
        let mut date = after.to_zoned(zone.clone()).date().yesterday().unwrap_or(Date::MIN);
        let last = until.to_zoned(zone.clone()).date();
        while date <= last {
            if self.days.contains(date) {
                for time in &self.times {
                    if let Ok(moment) = date.to_datetime(*time).to_zoned(zone.clone()) {
                        let moment = moment.timestamp();
                        if moment > after && moment <= until {
                            out.push(moment);
                        }
                    }
                }
            }
            match date.checked_add(1.day()) {
                Ok(next) => date = next,
                Err(_) => break,
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The next due moment after `now`, within two years.
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        // A month at a time: nearly always the first one has it.
        let mut from = now;
        for _ in 0..25 {
            let until = from.checked_add((30 * 24).hours()).ok()?;
            if let Some(first) = self.due(from, until, zone).first() {
                return Some(*first);
            }
            from = until;
        }
        None
    }
}

/// What became of the last reminders, for the self-check "did the last reminder fire?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReminderCheck {
    /// Reminders that were due.
    pub due: u64,
    /// Those that came within the tolerance.
    pub on_time: u64,
    /// Those that came late.
    pub late: u64,
    /// Those that never came: the system held them back. Show how to lift its battery restrictions.
    pub silent: u64,
}

impl Store {
    /// Notes that a reminder was handed to the system for `due`. `what` is `habit:KEY` or `medication:KEY`.
    pub fn reminder_planned(&self, what: &str, due: Timestamp) -> Result<(), HealthError> {
        self.vault.write(|tx| {
            tx.execute(
                "INSERT OR IGNORE INTO reminder (what, due_ms) VALUES (?1, ?2)",
                (what, due.as_millisecond()),
            )?;
            Ok(())
        })
    }

    /// Notes that the system delivered it.
    pub fn reminder_fired(&self, what: &str, due: Timestamp, at: Timestamp) -> Result<(), HealthError> {
        self.vault.write(|tx| {
            tx.execute(
                "INSERT INTO reminder (what, due_ms, fired_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (what, due_ms) DO UPDATE SET fired_ms = min(ifnull(fired_ms, ?3), ?3)",
                (what, due.as_millisecond(), at.as_millisecond()),
            )?;
            Ok(())
        })
    }

    /// How the reminders that were due in `since..now` fared; `tolerance_ms` is what still counts as on time.
    pub fn check_reminders(
        &self,
        since: Timestamp,
        now: Timestamp,
        tolerance_ms: i64,
    ) -> Result<ReminderCheck, HealthError> {
        self.vault.read(|tx| {
            // One that is due but still within its tolerance is not judged yet.
            let row = tx.query_row(
                "SELECT count(*), ifnull(sum(fired_ms - due_ms <= ?3), 0), ifnull(sum(fired_ms - due_ms > ?3), 0)
                 FROM reminder WHERE due_ms >= ?1 AND (due_ms + ?3 <= ?2 OR fired_ms IS NOT NULL) AND due_ms <= ?2",
                (since.as_millisecond(), now.as_millisecond(), tolerance_ms),
                |r| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, r.get::<_, i64>(2)?)),
            )?;
            let (due, on_time, late) = (row.0 as u64, row.1 as u64, row.2 as u64);
            Ok(ReminderCheck { due, on_time, late, silent: due - on_time - late })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn due(schedule: &Schedule, zone: &str, from: &str, to: &str) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        schedule
            .due(from.parse().unwrap(), to.parse().unwrap(), &zone)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn clock_changes_and_patterns() {
        let eight = Schedule::daily(time(8, 0, 0, 0));
        assert_eq!(
            due(&eight, "America/New_York", "2026-10-31T00:00:00Z", "2026-11-02T00:00:00Z"),
            ["2026-10-31T12:00:00Z", "2026-11-01T13:00:00Z"]
        );
        // The doubled 01:30 of that night rings once.
        let night = Schedule::daily(time(1, 30, 0, 0));
        assert_eq!(
            due(&night, "America/New_York", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
            ["2026-11-01T05:30:00Z"]
        );
        let pill = Schedule {
            times: vec![time(20, 0, 0, 0)],
            days: Days::OnOff { on: 21, off: 7, from: date(2026, 1, 1) },
        };
        assert_eq!(due(&pill, "UTC", "2026-01-01T00:00:00Z", "2026-01-29T23:00:00Z").len(), 22);
        let weekly = Schedule::weekdays(time(9, 0, 0, 0), &[Weekday::Monday, Weekday::Thursday]);
        assert_eq!(
            due(&weekly, "Asia/Kolkata", "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z"),
            ["2026-11-23T03:30:00Z", "2026-11-26T03:30:00Z"]
        );
        let json = serde_json::to_string(&weekly).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), weekly);
        insta::assert_snapshot!(json);
        let never = Schedule { times: vec![], days: Days::Daily };
        assert_eq!(never.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC), None);
    }
}
