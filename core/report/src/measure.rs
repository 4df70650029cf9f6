//! A figure of a day: a metric's daily value, or one that is made from the night.

use std::fmt;
use std::str::FromStr;

use cuba_health::metric::{Kind, Metric, Unit, UnknownMetric};
use cuba_health::store::{Bucket, Day, Rollup, Store};
use serde::{Serialize, Serializer};

use crate::night::Night;
use crate::{Language, ReportError};

/// What can be charted, compared and followed by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// A metric: sum of the day, or mean of its readings.
    Metric(Metric),
    /// Time asleep in all sessions that end on the day, minutes.
    Asleep,
    /// Efficiency of the main sleep, percent.
    Efficiency,
    /// Median heart rate of the main sleep, per minute.
    NightHeartRate,
}

/// How a stored value is shown: factor, unit, decimals.
struct Shown {
    factor: f64,
    unit: &'static str,
    decimals: usize,
}

impl Measure {
    /// Name on the command line and in JSON: the metric's id, or `sleep`, `sleep_efficiency`, `night_heart_rate`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Metric(m) => m.id(),
            Self::Asleep => "sleep",
            Self::Efficiency => "sleep_efficiency",
            Self::NightHeartRate => "night_heart_rate",
        }
    }

    /// Name in a language.
    pub fn name(self, language: Language) -> String {
        let words = language.words();
        match self {
            Self::Metric(m) => words.metric(m),
            Self::Asleep => words.sleep.asleep.to_owned(),
            Self::Efficiency => words.sleep.efficiency.to_owned(),
            Self::NightHeartRate => words.sleep.night_heart_rate.to_owned(),
        }
    }

    /// Whether a day's value is a sum over the day.
    pub fn adds_up(self) -> bool {
        match self {
            Self::Metric(m) => m.info().kind != Kind::Discrete,
            Self::Asleep => true,
            Self::Efficiency | Self::NightHeartRate => false,
        }
    }

    /// Whether it is made of nights.
    pub fn of_night(self) -> bool {
        !matches!(self, Self::Metric(_))
    }

    fn shown(self) -> Shown {
        let of = |factor, unit, decimals| Shown { factor, unit, decimals };
        let metric = match self {
            Self::Metric(m) => m,
            Self::Asleep => return of(1.0, "min", 0),
            Self::Efficiency => return of(1.0, "%", 0),
            Self::NightHeartRate => return of(1.0, "/min", 1),
        };
        let info = metric.info();
        if info.kind == Kind::Interval {
            return of(1.0 / 60.0, "min", 0);
        }
        match info.unit {
            Unit::Metre if info.kind == Kind::Cumulative && metric != Metric::ElevationGained => {
                of(0.001, "km", 2)
            }
            Unit::Metre if info.plausible.1 <= 10.0 => of(100.0, "cm", 0),
            Unit::Second => of(1.0 / 60.0, "min", 0),
            Unit::Count => of(1.0, "", 0),
            Unit::Kilocalorie | Unit::KilocaloriePerDay | Unit::Millilitre | Unit::Watt => {
                of(1.0, info.unit.symbol(), 0)
            }
            Unit::PerMinute | Unit::Millisecond | Unit::MillimetreOfMercury | Unit::Decibel => {
                of(1.0, info.unit.symbol(), 0)
            }
            Unit::None if info.plausible.1 <= 10.0 => of(1.0, "", 2),
            Unit::None => of(1.0, "", 0),
            Unit::MetrePerSecond => of(1.0, info.unit.symbol(), 2),
            other => of(1.0, other.symbol(), 1),
        }
    }

    /// A value in the unit that people read.
    pub fn scaled(self, value: f64) -> f64 {
        value * self.shown().factor
    }

    /// That unit's symbol; empty for counts.
    pub fn unit(self) -> &'static str {
        self.shown().unit
    }

    /// Decimals that are worth showing.
    pub fn decimals(self) -> usize {
        self.shown().decimals
    }

    /// A value with its unit, in a language: `62 /min`, `7 h 24 min`, `4,21 km`.
    pub fn show(self, language: Language, value: f64) -> String {
        self.show_as(language, value, false)
    }

    /// The same with a sign, for differences.
    pub fn show_difference(self, language: Language, value: f64) -> String {
        self.show_as(language, value, true)
    }

    fn show_as(self, language: Language, value: f64, sign: bool) -> String {
        let Shown { factor, unit, decimals } = self.shown();
        let value = value * factor;
        if unit == "min" && self.adds_up() && !sign {
            return language.minutes(value);
        }
        // A difference is often smaller than what is worth showing of the value itself.
        let decimals = match (sign, decimals) {
            (true, 0) if value.abs() < 10.0 && unit != "min" => 1,
            (true, 1) if value.abs() < 1.0 => 2,
            _ => decimals,
        };
        let number =
            if sign { language.difference(value, decimals) } else { language.number(value, decimals) };
        if unit.is_empty() { number } else { format!("{number}\u{a0}{unit}") }
    }

    /// The value of a rollup of one day.
    pub fn of_rollup(self, rollup: &Rollup) -> Option<f64> {
        if self.adds_up() { (rollup.count > 0).then_some(rollup.sum) } else { rollup.mean() }
    }

    /// One value a day of `from..=to`, `None` where nothing was recorded. `nights` must cover the same days for the
    /// measures of the night.
    pub fn daily(
        self,
        store: &Store,
        from: Day,
        to: Day,
        nights: &[Night],
    ) -> Result<Vec<Option<f64>>, ReportError> {
        let mut out = vec![None; (i64::from(to.0) - i64::from(from.0) + 1).max(0) as usize];
        let mut put = |day: Day, value: Option<f64>| {
            if let Some(slot) = usize::try_from(day.0 - from.0).ok().and_then(|i| out.get_mut(i)) {
                *slot = value;
            }
        };
        match self {
            Self::Metric(Metric::Mood) => {
                for (day, value) in moods(store, from, to)? {
                    put(day, Some(value));
                }
            }
            Self::Metric(metric) => {
                for point in store.chart(metric, from, to, Bucket::Day)? {
                    put(point.day, self.of_rollup(&point.rollup));
                }
            }
            _ => {
                for night in nights {
                    put(night.day, self.of_one_night(night));
                }
            }
        }
        Ok(out)
    }

    /// The value of one night, for the measures that are made of nights.
    pub fn of_one_night(self, night: &Night) -> Option<f64> {
        match self {
            Self::Metric(_) => None,
            Self::Asleep => Some(night.figures.asleep_min + night.naps_min),
            Self::Efficiency => Some(night.figures.efficiency).filter(|_| night.knows_wake),
            Self::NightHeartRate => night.heart_rate,
        }
    }
}

/// Mean valence of each day, from imported samples and the mood log together.
fn moods(store: &Store, from: Day, to: Day) -> Result<Vec<(Day, f64)>, ReportError> {
    let mut days: std::collections::BTreeMap<Day, (f64, f64)> = std::collections::BTreeMap::new();
    let mut add = |day: Day, sum: f64, count: f64| {
        let entry = days.entry(day).or_insert((0.0, 0.0));
        *entry = (entry.0 + sum, entry.1 + count);
    };
    for point in store.chart(Metric::Mood, from, to, Bucket::Day)? {
        add(point.day, point.rollup.sum, point.rollup.count as f64);
    }
    let ms = |day: Day| i64::from(day.0) * cuba_health::store::DAY_MS;
    // A day earlier and later: local days begin up to 18 hours from those of UTC.
    for mood in store.moods(ms(from.plus(-1)), ms(to.plus(2)))? {
        let day = Day::of(mood.start_ms, mood.offset_min);
        if from <= day && day <= to {
            add(day, mood.valence, 1.0);
        }
    }
    Ok(days.into_iter().map(|(day, (sum, count))| (day, sum / count.max(1.0))).collect())
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Measure {
    type Err = UnknownMetric;

    /// Stages of sleep are charted as time asleep.
    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        Ok(match text {
            "sleep" | "sleep_stage" => Self::Asleep,
            "sleep_efficiency" => Self::Efficiency,
            "night_heart_rate" => Self::NightHeartRate,
            _ => Self::Metric(text.parse()?),
        })
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_in_units_that_people_use() {
        let show = |m: Metric, v: f64| Measure::Metric(m).show(Language::Fr, v).replace('\u{a0}', " ");
        assert_eq!(show(Metric::Distance, 4212.0), "4,21 km");
        assert_eq!(show(Metric::ExerciseTime, 4500.0), "1 h 15 min");
        assert_eq!(show(Metric::Height, 1.72), "172 cm");
        assert_eq!(show(Metric::Steps, 10432.0), "10 432");
        assert_eq!(show(Metric::Weight, 80.5), "80,5 kg");
        assert_eq!(Measure::Asleep.show(Language::En, 444.0), "7\u{a0}h\u{a0}24\u{a0}min");
        assert_eq!(Measure::Asleep.show_difference(Language::En, -24.0), "\u{2212}24\u{a0}min");
        assert_eq!("sleep".parse(), Ok(Measure::Asleep));
        assert_eq!("steps".parse(), Ok(Measure::Metric(Metric::Steps)));
    }
}
