//! Units of stored values, and what foreign files call them.

use std::fmt;

/// The unit every stored value of a metric has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it; Display gives the symbol")]
pub enum Unit {
    PerMinute,
    Millisecond,
    Second,
    Percent,
    MillimetreOfMercury,
    /// Glucose: mmol/L.
    MillimolePerLitre,
    Celsius,
    /// A difference of temperatures.
    Kelvin,
    Kilogram,
    Gram,
    Milligram,
    Microgram,
    Metre,
    Count,
    Kilocalorie,
    KilocaloriePerDay,
    Millilitre,
    Litre,
    LitrePerMinute,
    MetrePerSecond,
    Watt,
    /// Oxygen uptake: mL/(kg min).
    MillilitrePerKilogramMinute,
    /// kcal/(kg h), about one metabolic equivalent.
    KilocaloriePerKilogramHour,
    Decibel,
    Microsiemens,
    InternationalUnit,
    KilogramPerSquareMetre,
    Lux,
    /// A code or a scale without unit.
    None,
}

impl Unit {
    /// Symbol in exports, charts and on the command line.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::PerMinute => "/min",
            Self::Millisecond => "ms",
            Self::Second => "s",
            Self::Percent => "%",
            Self::MillimetreOfMercury => "mmHg",
            Self::MillimolePerLitre => "mmol/L",
            Self::Celsius => "°C",
            Self::Kelvin => "K",
            Self::Kilogram => "kg",
            Self::Gram => "g",
            Self::Milligram => "mg",
            Self::Microgram => "µg",
            Self::Metre => "m",
            Self::Count => "count",
            Self::Kilocalorie => "kcal",
            Self::KilocaloriePerDay => "kcal/d",
            Self::Millilitre => "mL",
            Self::Litre => "L",
            Self::LitrePerMinute => "L/min",
            Self::MetrePerSecond => "m/s",
            Self::Watt => "W",
            Self::MillilitrePerKilogramMinute => "mL/(kg·min)",
            Self::KilocaloriePerKilogramHour => "kcal/(kg·h)",
            Self::Decibel => "dB",
            Self::Microsiemens => "µS",
            Self::InternationalUnit => "IU",
            Self::KilogramPerSquareMetre => "kg/m²",
            Self::Lux => "lx",
            Self::None => "",
        }
    }

    /// A value in the unit `from` (as `HealthKit`, Health Connect and common files write it) in this unit, or `None`
    /// when the units do not fit together. The result is rounded to 12 digits: `0.57` of one is `57 %`, not
    /// `56.99999999999999`.
    ///
    /// `HealthKit`'s `%` is a share of one and is written `fraction` here.
    ///
    /// ```
    /// use cuba_health::metric::Unit;
    /// assert_eq!(Unit::Kilogram.convert(176.37, "lb"), Some(80.0000862969));
    /// assert_eq!(Unit::Percent.convert(0.57, "fraction"), Some(57.0));
    /// assert_eq!(Unit::Celsius.convert(98.6, "degF"), Some(37.0));
    /// assert_eq!(Unit::Metre.convert(3.0, "kg"), None);
    /// ```
    pub fn convert(self, value: f64, from: &str) -> Option<f64> {
        if self == Self::Celsius && matches!(from, "degF" | "°F" | "F") {
            return Some(round_digits((value - 32.0) * 5.0 / 9.0));
        }
        if self == Self::Kelvin && matches!(from, "degF" | "°F" | "F") {
            return Some(round_digits(value * 5.0 / 9.0));
        }
        let factor = self.factor(from)?;
        #[expect(clippy::float_cmp, reason = "exactly one means: the same unit, keep the value bit for bit")]
        let same = factor == 1.0;
        Some(if same { value } else { round_digits(value * factor) })
    }

    #[expect(
        clippy::match_same_arms,
        reason = "one row a unit reads better than rows joined by their factor"
    )]
    fn factor(self, from: &str) -> Option<f64> {
        let factor = match (self, from) {
            (u, f) if u.symbol() == f => 1.0,
            (Self::PerMinute, "count/min" | "bpm" | "rpm" | "breaths/min" | "spm") => 1.0,
            (Self::PerMinute, "count/s" | "Hz") => 60.0,
            (Self::Millisecond, "s") => 1000.0,
            (Self::Second, "ms") => 0.001,
            (Self::Second, "min") => 60.0,
            (Self::Second, "hr" | "h") => 3600.0,
            (Self::Percent, "fraction") => 100.0,
            (Self::MillimetreOfMercury, "kPa") => 7.500_615_758_456_563,
            // HealthKit writes the molar mass of glucose into the unit; mg/dL over 18.0156 gives mmol/L.
            (Self::MillimolePerLitre, "mg/dL") => 1.0 / 18.015_588,
            (Self::MillimolePerLitre, f) if f.starts_with("mmol<180") && f.ends_with(">/L") => 1.0,
            (Self::Celsius | Self::Kelvin, "degC" | "C" | "°C" | "K")
                if self == Self::Kelvin || from != "K" =>
            {
                1.0
            }
            (Self::Kilogram, "g") => 0.001,
            (Self::Kilogram, "lb" | "lbs") => 0.453_592_37,
            (Self::Kilogram, "st") => 6.350_293_18,
            (Self::Kilogram, "oz") => 0.028_349_523_125,
            (Self::Gram, "kg") => 1000.0,
            (Self::Gram, "mg") => 0.001,
            (Self::Gram, "oz") => 28.349_523_125,
            (Self::Milligram, "g") => 1000.0,
            (Self::Milligram, "mcg" | "µg" | "ug") => 0.001,
            (Self::Microgram, "mcg" | "ug") => 1.0,
            (Self::Microgram, "mg") => 1000.0,
            (Self::Microgram, "g") => 1_000_000.0,
            (Self::Metre, "km") => 1000.0,
            (Self::Metre, "cm") => 0.01,
            (Self::Metre, "mm") => 0.001,
            (Self::Metre, "mi") => 1609.344,
            (Self::Metre, "yd") => 0.9144,
            (Self::Metre, "ft") => 0.3048,
            (Self::Metre, "in") => 0.0254,
            // Apple's "Cal" is the food calorie, a kilocalorie.
            (Self::Kilocalorie, "Cal") | (Self::KilocaloriePerDay, "kcal/day") => 1.0,
            (Self::Kilocalorie, "kJ") => 1.0 / 4.184,
            (Self::Kilocalorie, "cal") => 0.001,
            (Self::KilocaloriePerDay, "W") => 20.650_334,
            (Self::Millilitre, "ml") | (Self::Litre, "l") => 1.0,
            (Self::Millilitre, "L" | "l") => 1000.0,
            (Self::Millilitre, "fl_oz_us") => 29.573_529_562_5,
            (Self::Millilitre, "fl_oz_imp") => 28.413_062_5,
            (Self::Millilitre, "cup_us") => 236.588_236_5,
            (Self::Millilitre, "pt_us") => 473.176_473,
            (Self::Litre, "mL" | "ml") => 0.001,
            (Self::MetrePerSecond, "km/hr" | "km/h") => 1.0 / 3.6,
            (Self::MetrePerSecond, "mi/hr" | "mph") => 0.447_04,
            (Self::MetrePerSecond, "ft/s") => 0.3048,
            (Self::MetrePerSecond, "cm/s") => 0.01,
            (Self::MillilitrePerKilogramMinute, "mL/min·kg" | "mL/kg/min" | "ml/(kg*min)") => 1.0,
            (Self::KilocaloriePerKilogramHour, "kcal/hr·kg") => 1.0,
            (Self::Decibel, "dBASPL" | "dBHL") => 1.0,
            (Self::Microsiemens, "mcS") => 1.0,
            (Self::Microsiemens, "S") => 1_000_000.0,
            (Self::KilogramPerSquareMetre, "count" | "kg/m2") => 1.0,
            _ => return None,
        };
        Some(factor)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// Twelve significant digits: what multiplying by a factor leaves exact.
fn round_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    format!("{value:.11e}").parse().expect("a formatted number parses")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_are_clean() {
        for (unit, value, from, expected) in [
            (Unit::Kilocalorie, 418.4, "kJ", 100.0),
            (Unit::Metre, 1.0, "mi", 1609.344),
            (Unit::MillimolePerLitre, 100.0, "mg/dL", 5.550_748_607_26),
            (Unit::MillimolePerLitre, 5.5, "mmol<180.1558800000541>/L", 5.5),
            (Unit::PerMinute, 72.0, "count/min", 72.0),
            (Unit::Milligram, 0.095, "g", 95.0),
            (Unit::Celsius, 36.6, "degC", 36.6),
            (Unit::Kelvin, 0.9, "degF", 0.5),
        ] {
            assert_eq!(unit.convert(value, from), Some(expected), "{value} {from}");
        }
        assert_eq!(Unit::Celsius.convert(300.0, "K"), None);
    }
}
