//! Medication: what is due when, what was taken, and how long the stock lasts.
//!
//! A reminder's notebook: it never says how much of anything to take.

use cuba_vault::rusqlite::{Row, named_params};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::reminder::Schedule;
use crate::HealthError;
use crate::store::{Day, Store, offset_in};

/// A medication as the user entered it.
#[derive(Clone, Debug, PartialEq)]
pub struct Medication {
    /// Stable name, chosen by the caller.
    pub key: String,
    /// What the user reads.
    pub name: String,
    /// Unit of amounts: `tablet`, `mL`.
    pub unit: String,
    /// When and how much.
    pub plan: Plan,
    /// First local day.
    pub first_day: Day,
    /// Last local day, if it ends.
    pub last_day: Option<Day>,
    /// What is left, if counted.
    pub stock: Option<f64>,
    /// Out of sight.
    pub archived: bool,
}

/// When a medication is due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Due times; `None` for "when needed".
    pub schedule: Option<Schedule>,
    /// Amount at each time, as the user entered it.
    pub amount: f64,
}

/// What was done about a due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoseState {
    /// Taken.
    Taken,
    /// Left out on purpose.
    Skipped,
    /// Put off; `at` is when to remind again.
    Snoozed,
}

impl DoseState {
    fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Skipped => "skipped",
            Self::Snoozed => "snoozed",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "taken" => Self::Taken,
            "snoozed" => Self::Snoozed,
            _ => Self::Skipped,
        }
    }
}

/// An entry about one due time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dose {
    /// The due time it answers; for "when needed" the time itself.
    pub due: Timestamp,
    /// What was done.
    pub state: DoseState,
    /// When (snoozed: until when).
    pub at: Timestamp,
    /// How much; 0 unless taken.
    pub amount: f64,
}

impl Medication {
    /// Due times after `after` up to `until`, within the medication's days.
    pub fn due(&self, after: Timestamp, until: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        let Some(schedule) = &self.plan.schedule else { return Vec::new() };
        let mut due = schedule.due(after, until, zone);
        due.retain(|t| {
            let ms = t.as_millisecond();
            let day = Day::of(ms, offset_in(zone, ms));
            self.first_day <= day && self.last_day.is_none_or(|last| day <= last)
        });
        due
    }

    /// The local day on which the stock runs out if every dose is taken, looking at most a year ahead.
    pub fn runs_out(&self, now: Timestamp, zone: &TimeZone) -> Option<Day> {
        let mut left = self.stock?;
        let year = now.checked_add(jiff::SignedDuration::from_hours(366 * 24)).ok()?;
        for due in self.due(now, year, zone) {
            if left < self.plan.amount {
                let ms = due.as_millisecond();
                return Some(Day::of(ms, offset_in(zone, ms)));
            }
            left -= self.plan.amount;
        }
        None
    }
}

/// Due times without an answer, oldest first: the missed ones, and those snoozed to a time that has come.
pub fn open_doses(
    medication: &Medication,
    doses: &[Dose],
    since: Timestamp,
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<Timestamp> {
    medication
        .due(since, now, zone)
        .into_iter()
        .filter(|due| match doses.iter().find(|d| d.due == *due) {
            None => true,
            Some(dose) => dose.state == DoseState::Snoozed && dose.at <= now,
        })
        .collect()
}

fn medication_of(r: &Row<'_>) -> Result<Medication, cuba_vault::rusqlite::Error> {
    let plan: String = r.get("plan")?;
    Ok(Medication {
        key: r.get("key")?,
        name: r.get("name")?,
        unit: r.get("unit")?,
        plan: serde_json::from_str(&plan).unwrap_or(Plan { schedule: None, amount: 0.0 }),
        first_day: Day(r.get("first_day")?),
        last_day: r.get::<_, Option<i32>>("last_day")?.map(Day),
        stock: r.get("stock")?,
        archived: r.get("archived")?,
    })
}

impl Store {
    /// Saves a medication under its key.
    pub fn save_medication(&self, m: &Medication) -> Result<(), HealthError> {
        if !(m.plan.amount.is_finite() && m.plan.amount >= 0.0) || m.stock.is_some_and(|s| !s.is_finite()) {
            return Err(HealthError::invalid("an amount is a number that is not negative"));
        }
        self.vault.write(|tx| {
            tx.execute(
                "INSERT INTO medication (key, name, unit, plan, first_day, last_day, stock, archived)
                 VALUES (:key, :name, :unit, :plan, :first, :last, :stock, :archived)
                 ON CONFLICT (key) DO UPDATE SET name = :name, unit = :unit, plan = :plan, first_day = :first,
                 last_day = :last, stock = :stock, archived = :archived",
                named_params! {
                    ":key": m.key, ":name": m.name, ":unit": m.unit,
                    ":plan": serde_json::json!(m.plan).to_string(), ":first": m.first_day.0,
                    ":last": m.last_day.map(|d| d.0), ":stock": m.stock, ":archived": m.archived,
                },
            )?;
            Ok(())
        })
    }

    /// All medications by name, archived ones too.
    pub fn medications(&self) -> Result<Vec<Medication>, HealthError> {
        self.vault.read(|tx| {
            let mut statement = tx.prepare_cached("SELECT * FROM medication ORDER BY name, key")?;
            let rows = statement.query_map([], medication_of)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Enters what was done about a due time; entering it again corrects it. The stock follows.
    pub fn enter_dose(&self, medication: &str, dose: &Dose, zone: &TimeZone) -> Result<(), HealthError> {
        let amount = if dose.state == DoseState::Taken { dose.amount } else { 0.0 };
        let at = dose.at.as_millisecond();
        self.vault.write(|tx| {
            let due = dose.due.as_millisecond();
            let before: f64 = tx.query_row(
                "SELECT ifnull(sum(amount), 0) FROM dose WHERE medication = ?1 AND due_ms = ?2",
                (medication, due),
                |r| r.get(0),
            )?;
            let known = tx.execute(
                "UPDATE medication SET stock = max(stock + ?2 - ?3, 0) WHERE key = ?1",
                (medication, before, amount),
            )?;
            if known == 0 {
                return Err(HealthError::NotFound { what: "medication" });
            }
            tx.execute(
                "INSERT INTO dose (medication, due_ms, state, at_ms, offset_min, amount)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (medication, due_ms) DO UPDATE SET state = excluded.state, at_ms = excluded.at_ms,
                 offset_min = excluded.offset_min, amount = excluded.amount",
                (medication, due, dose.state.name(), at, offset_in(zone, at), amount),
            )?;
            Ok(())
        })
    }

    /// Entries about due times in `since..=until`, oldest first.
    pub fn doses(
        &self,
        medication: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Dose>, HealthError> {
        let moment = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
        self.vault.read(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT due_ms, state, at_ms, amount FROM dose
                 WHERE medication = ?1 AND due_ms BETWEEN ?2 AND ?3 ORDER BY due_ms",
            )?;
            let rows =
                statement.query_map((medication, since.as_millisecond(), until.as_millisecond()), |r| {
                    let state: String = r.get(1)?;
                    Ok(Dose {
                        due: moment(r.get(0)?),
                        state: DoseState::parse(&state),
                        at: moment(r.get(2)?),
                        amount: r.get(3)?,
                    })
                })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
