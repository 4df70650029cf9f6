//! The registry of metrics: what a number means before any number is stored.
//!
//! A metric's id names its definition: `hrv_rmssd` is not `hrv_sdnn`, and a temperature of the wrist is not one of the
//! body. Codes are frozen, since they are keys in every database; a new metric takes a new code.

mod names;
mod table;
mod unit;

pub use table::Metric;
pub use unit::Unit;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How values of a metric add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An amount over a span of time or at a moment; a day's value is the sum (steps, energy, water).
    Cumulative,
    /// A reading at a moment; a day's value is mean, least and greatest (heart rate, weight).
    Discrete,
    /// A state over a span, the value says which (sleep stages); a day's value is time.
    Interval,
}

/// How values of several sources that measured the same thing are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Spans: while the preferred source has data, the others do not count.
    Span,
    /// Readings of a continuous signal: a preferred reading stands for this many milliseconds around it.
    Reach(i64),
    /// Single entries: the same value within this many milliseconds is one entry that two apps passed on.
    Echo(i64),
}

/// Everything fixed about a metric.
#[derive(Clone, Copy, Debug)]
pub struct MetricInfo {
    /// Which metric this is.
    pub metric: Metric,
    /// Key in databases; frozen.
    pub code: u16,
    /// Name in exports and on the command line; frozen.
    pub id: &'static str,
    /// Unit of every stored value.
    pub unit: Unit,
    /// How values add up.
    pub kind: Kind,
    /// How sources are merged.
    pub overlap: Overlap,
    /// Values outside cannot be real and are refused at import, with a count.
    pub plausible: (f64, f64),
}

impl Metric {
    /// The registry's entry.
    ///
    /// ```
    /// use cuba_health::metric::{Kind, Metric, Unit};
    /// let info = Metric::HrvRmssd.info();
    /// assert_eq!((info.id, info.unit, info.kind), ("hrv_rmssd", Unit::Millisecond, Kind::Discrete));
    /// ```
    #[expect(clippy::missing_panics_doc, reason = "a test holds the table to the enum")]
    pub fn info(self) -> &'static MetricInfo {
        // The table is in declaration order; a test holds it to that.
        table::TABLE.get(self as usize).expect("every metric has its row")
    }

    /// Name in exports and on the command line.
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// Key in databases.
    pub fn code(self) -> u16 {
        self.info().code
    }

    /// The metric with this database key.
    pub fn from_code(code: u16) -> Option<Self> {
        table::TABLE.iter().find(|i| i.code == code).map(|i| i.metric)
    }

    /// Every metric, in the registry's order.
    pub fn all() -> impl Iterator<Item = Self> {
        table::TABLE.iter().map(|i| i.metric)
    }

    /// Whether a value can be real: finite and in the plausible range.
    pub fn accepts(self, value: f64) -> bool {
        let (low, high) = self.info().plausible;
        value.is_finite() && value >= low && value <= high
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The text is no metric's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such metric; see the list of metrics")]
pub struct UnknownMetric;

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        table::TABLE.iter().find(|i| i.id == text).map(|i| i.metric).ok_or(UnknownMetric)
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Stages of sleep as values of [`Metric::SleepStage`]; the numbers are frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SleepStage {
    /// In bed; says nothing about sleep.
    InBed = 0,
    /// Awake within the session.
    Awake = 1,
    /// Asleep, stage unknown.
    Asleep = 2,
    /// Light sleep (N1 and N2; Apple's "core").
    Light = 3,
    /// Deep sleep (N3).
    Deep = 4,
    /// REM sleep.
    Rem = 5,
    /// Out of bed within the session.
    OutOfBed = 6,
}

impl SleepStage {
    /// The value stored in a sample.
    pub fn value(self) -> f64 {
        f64::from(self as u8)
    }

    /// The stage of a stored value.
    pub fn from_value(value: f64) -> Option<Self> {
        [Self::InBed, Self::Awake, Self::Asleep, Self::Light, Self::Deep, Self::Rem, Self::OutOfBed]
            .into_iter()
            .find(|s| s.value().to_bits() == value.to_bits())
    }

    /// Asleep in any stage.
    pub fn is_asleep(self) -> bool {
        matches!(self, Self::Asleep | Self::Light | Self::Deep | Self::Rem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_registry_is_in_order_and_without_doubles() {
        let mut codes = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for (i, info) in table::TABLE.iter().enumerate() {
            assert_eq!(info.metric as usize, i, "{}", info.id);
            assert!(codes.insert(info.code), "code {} twice", info.code);
            assert!(ids.insert(info.id), "id {} twice", info.id);
            assert!(info.code > 0);
            assert!(info.plausible.0 < info.plausible.1, "{}", info.id);
            assert_eq!(info.id.parse(), Ok(info.metric));
            assert_eq!(Metric::from_code(info.code), Some(info.metric));
        }
    }

    /// The whole registry as text: a changed code, unit or meaning shows here before it ruins a database.
    #[test]
    fn the_registry_is_frozen() {
        use std::fmt::Write as _;
        let mut text = String::new();
        for i in table::TABLE {
            let (low, high) = i.plausible;
            let (hk, hc) = (i.metric.healthkit().join(" "), i.metric.health_connect().join(" "));
            writeln!(
                text,
                "{} {} {} {:?} {:?} {low}..{high} | {hk} | {hc}",
                i.code, i.id, i.unit, i.kind, i.overlap
            )
            .unwrap();
        }
        insta::assert_snapshot!(text);
    }
}
