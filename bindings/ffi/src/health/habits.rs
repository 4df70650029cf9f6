//! Habits and their reminders.

use cuba_health::log::habit::{Entry, Habit, Standing};
use cuba_health::log::reminder::{Days, Schedule};
use jiff::Span;
use jiff::civil::Time;

use super::{Health, day};
use crate::{CubaError, NotificationRequest};

/// A yes-or-no habit to be saved.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct HabitRequest {
    /// Stable name, chosen by the app.
    pub key: String,
    /// What the user reads.
    pub name: String,
    /// So many times ...
    #[uniffi(default = 1)]
    pub times: u32,
    /// ... in so many days.
    #[uniffi(default = 1)]
    pub days: u32,
    /// Local time of the reminder (`21:30`).
    #[uniffi(default = None)]
    pub remind_at: Option<String>,
    /// The question of the reminder.
    #[uniffi(default = "")]
    pub question: String,
}

/// A habit on a day.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct HabitView {
    /// Stable name.
    pub key: String,
    /// What the user reads.
    pub name: String,
    /// Entered as done on that day; a measured habit: its goal was met.
    pub done: bool,
    /// Strength on that day, 0 to 1.
    pub strength: f64,
}

impl From<Standing> for HabitView {
    fn from(standing: Standing) -> Self {
        let Standing { habit, done, strength } = standing;
        Self { key: habit.key, name: habit.name, done, strength }
    }
}

#[uniffi::export]
impl Health {
    /// Saves a habit; one of the same key is replaced.
    pub fn save_habit(&self, request: HabitRequest) -> Result<(), CubaError> {
        let time = |text: &String| {
            text.parse::<Time>().map_err(|_| CubaError::bad_input("a time of day is written like 21:30"))
        };
        let reminder = request.remind_at.as_ref().map(time).transpose()?;
        Ok(self.store()?.save_habit(&Habit {
            question: request.question,
            times: request.times.max(1),
            days: request.days.max(1),
            reminder: reminder.map(|time| Schedule { times: vec![time], days: Days::Daily }),
            ..Habit::daily(&request.key, &request.name)
        })?)
    }

    /// Marks a habit as kept or not on a day.
    pub fn mark_habit(&self, key: String, day_text: String, done: bool) -> Result<(), CubaError> {
        Ok(self.store()?.enter_habit(&key, day(&day_text)?, done.then_some(Entry::Done), "")?)
    }

    /// Every habit in use, as it stands on a day.
    pub fn habits(&self, day_text: String) -> Result<Vec<HabitView>, CubaError> {
        Ok(self.store()?.habits_on(day(&day_text)?)?.into_iter().map(HabitView::from).collect())
    }

    /// Plans the notifications that are due in the next hours, and gives their number. To be called at each start and
    /// once a day: the system forgets them when the device restarts.
    pub fn plan_reminders(&self, hours: u32) -> Result<u32, CubaError> {
        let platform = &self.shared.platform;
        let none = || CubaError::bad_input("this app brings no notifications");
        let notifications = platform.notifications.as_ref().ok_or_else(none)?;
        let (store, now, zone) = (self.store()?, platform.now(), platform.zone());
        let until = now
            .checked_add(Span::new().hours(hours.min(24 * 62)))
            .map_err(|_| CubaError::bad_input("that is too far away"))?;
        let reminders = store.habit_reminders(now, until, &zone)?;
        for (habit, due) in &reminders {
            let what = format!("habit:{}", habit.key);
            notifications
                .schedule(NotificationRequest {
                    id: format!("{what}@{}", due.as_millisecond()),
                    at_ms: due.as_millisecond(),
                    title: habit.name.clone(),
                    body: habit.question.clone(),
                })
                .map_err(|error| CubaError::other(error.to_string()))?;
            store.reminder_planned(&what, *due)?;
        }
        Ok(reminders.len() as u32)
    }
}
