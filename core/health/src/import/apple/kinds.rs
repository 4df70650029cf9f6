//! What each type of Apple's records becomes, and the conversion of its units.

use std::collections::HashMap;

use super::text::{decimal, snake};
use crate::metric::{Metric, SleepStage, Unit};
use crate::store::SkipReason;

/// What becomes of a type of record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// A number with a unit.
    Quantity(Metric),
    /// A stage of sleep.
    Sleep,
    /// An hour with or without standing.
    StandHour,
    /// A time of mindfulness.
    Mindful,
    /// How heavy a bleeding was.
    Flow,
    /// A happening of this kind; its value is a label.
    Event(String),
    /// Known and left out, or not known.
    Skip(SkipReason),
}

/// A type as it was met in the file, with the unit it was last written in.
pub(super) struct Kind {
    /// Name without its prefix, for the report.
    pub(super) name: String,
    pub(super) target: Target,
    unit: Vec<u8>,
    conversion: Conversion,
}

#[derive(Clone, Debug)]
enum Conversion {
    /// No unit was seen yet.
    Unseen,
    /// Times ten to a power: exact in decimal.
    Shift(i32),
    Other(Unit, String),
    Unknown,
}

impl Kind {
    pub(super) fn of(raw: &[u8]) -> Self {
        let full = String::from_utf8_lossy(raw);
        let name =
            ["HKQuantityTypeIdentifier", "HKCategoryTypeIdentifier", "HKCorrelationTypeIdentifier", "HK"]
                .iter()
                .find_map(|p| full.strip_prefix(p))
                .unwrap_or(&full)
                .to_owned();
        let target = target(&full, &name);
        Self { name, target, unit: Vec::new(), conversion: Conversion::Unseen }
    }

    /// A value in the metric's unit.
    #[inline]
    pub(super) fn value(&mut self, metric: Metric, raw: &[u8], unit: &[u8]) -> Result<f64, SkipReason> {
        if unit != self.unit.as_slice() || matches!(self.conversion, Conversion::Unseen) {
            self.conversion = conversion(metric.info().unit, unit);
            self.unit.clear();
            self.unit.extend_from_slice(unit);
        }
        match &self.conversion {
            Conversion::Shift(shift) => decimal(raw, *shift).ok_or(SkipReason::BadValue),
            Conversion::Other(unit, from) => {
                let value = decimal(raw, 0).ok_or(SkipReason::BadValue)?;
                unit.convert(value, from).ok_or(SkipReason::UnknownUnit)
            }
            Conversion::Unseen | Conversion::Unknown => Err(SkipReason::UnknownUnit),
        }
    }
}

fn conversion(to: Unit, from: &[u8]) -> Conversion {
    let Ok(from) = std::str::from_utf8(from) else { return Conversion::Unknown };
    // HealthKit's percent is a share of one.
    let from = if from == "%" { "fraction" } else { from };
    let (Some(one), Some(two)) = (to.convert(1.0, from), to.convert(2.0, from)) else {
        return match (to, from) {
            (Unit::None | Unit::Count, "count" | "" | "count/hr") => Conversion::Shift(0),
            _ => Conversion::Unknown,
        };
    };
    for (shift, power) in (-6..=6).map(|s| (s, 10f64.powi(s))) {
        if one.to_bits() == power.to_bits() && two.to_bits() == (2.0 * power).to_bits() {
            return Conversion::Shift(shift);
        }
    }
    Conversion::Other(to, from.to_owned())
}

/// A value in a metric's unit, for the few numbers outside records (totals of workouts, "1234 cm").
pub(super) fn convert(metric: Metric, raw: &[u8], unit: &[u8]) -> Option<f64> {
    let mut kind =
        Kind { name: String::new(), target: Target::Sleep, unit: Vec::new(), conversion: Conversion::Unseen };
    kind.value(metric, raw, unit).ok()
}

/// Names of symptoms that are spelled differently from what people log themselves.
const SAME_AS_LOGGED: [(&str, &str); 4] = [
    ("Coughing", "symptom.cough"),
    ("AbdominalCramps", "symptom.cramps"),
    ("LowerBackPain", "symptom.back_pain"),
    ("RapidPoundingOrFlutteringHeartbeat", "symptom.fluttering_heartbeat"),
];

#[rustfmt::skip]
const SYMPTOMS: &[&str] = &[
    "Acne", "AppetiteChanges", "BladderIncontinence", "Bloating", "BreastPain", "ChestTightnessOrPain", "Chills",
    "Constipation", "Diarrhea", "Dizziness", "DrySkin", "Fainting", "Fatigue", "Fever", "GeneralizedBodyAche",
    "HairLoss", "Headache", "Heartburn", "HotFlashes", "LossOfSmell", "LossOfTaste", "MemoryLapse", "MoodChanges",
    "Nausea", "NightSweats", "PelvicPain", "RunnyNose", "ShortnessOfBreath", "SinusCongestion", "SkippedHeartbeat",
    "SleepChanges", "SoreThroat", "VaginalDryness", "Vomiting", "Wheezing",
];

#[rustfmt::skip]
const EVENTS: &[(&str, &str)] = &[
    ("HighHeartRateEvent", "notice.high_heart_rate"),
    ("LowHeartRateEvent", "notice.low_heart_rate"),
    ("IrregularHeartRhythmEvent", "notice.irregular_rhythm"),
    ("LowCardioFitnessEvent", "notice.low_cardio_fitness"),
    ("AppleWalkingSteadinessEvent", "notice.walking_steadiness"),
    ("SleepApneaEvent", "notice.breathing_in_sleep"),
    ("AudioExposureEvent", "notice.environmental_noise"),
    ("EnvironmentalAudioExposureEvent", "notice.environmental_noise"),
    ("HeadphoneAudioExposureEvent", "notice.headphone_noise"),
    ("HandwashingEvent", "handwashing"),
    ("ToothbrushingEvent", "toothbrushing"),
    ("IntermenstrualBleeding", "cycle.spotting"),
    ("PersistentIntermenstrualBleeding", "notice.spotting"),
    ("IrregularMenstrualCycles", "notice.irregular_cycles"),
    ("InfrequentMenstrualCycles", "notice.infrequent_cycles"),
    ("ProlongedMenstrualPeriods", "notice.long_periods"),
    ("CervicalMucusQuality", "cycle.cervical_mucus"),
    ("OvulationTestResult", "cycle.ovulation_test"),
    ("ProgesteroneTestResult", "cycle.progesterone_test"),
    ("PregnancyTestResult", "cycle.pregnancy_test"),
    ("Pregnancy", "cycle.pregnancy"),
    ("Lactation", "cycle.lactation"),
    ("Contraceptive", "cycle.contraceptive"),
    ("SexualActivity", "sexual_activity"),
];

fn target(full: &str, name: &str) -> Target {
    match name {
        "SleepAnalysis" => return Target::Sleep,
        "AppleStandHour" => return Target::StandHour,
        "MindfulSession" => return Target::Mindful,
        "MenstrualFlow" | "BleedingDuringPregnancy" | "BleedingAfterPregnancy" => return Target::Flow,
        // Goals and settings.
        "DataTypeSleepDurationGoal" => return Target::Skip(SkipReason::NotHealthData),
        _ => {}
    }
    if let Some((_, kind)) = EVENTS.iter().chain(&SAME_AS_LOGGED).find(|e| e.0 == name) {
        return Target::Event((*kind).to_owned());
    }
    if SYMPTOMS.contains(&name) {
        return Target::Event(format!("symptom.{}", snake(name)));
    }
    match Metric::from_healthkit(full) {
        Some(metric) => Target::Quantity(metric),
        None => Target::Skip(SkipReason::UnknownType),
    }
}

/// Types met so far; files keep to one type for a long time.
#[derive(Default)]
pub(super) struct Kinds {
    known: HashMap<Vec<u8>, usize>,
    met: Vec<Kind>,
    last: (Vec<u8>, usize),
}

/// A hostile file may hold a million type names.
const MAX_KINDS: usize = 2000;

impl Kinds {
    #[inline]
    pub(super) fn get(&mut self, raw: &[u8]) -> Option<&mut Kind> {
        if self.last.0 != raw || self.met.is_empty() {
            let index = match self.known.get(raw) {
                Some(index) => *index,
                None if self.met.len() >= MAX_KINDS || raw.len() > 200 => return None,
                None => {
                    self.met.push(Kind::of(raw));
                    self.known.insert(raw.to_vec(), self.met.len() - 1);
                    self.met.len() - 1
                }
            };
            self.last.0.clear();
            self.last.0.extend_from_slice(raw);
            self.last.1 = index;
        }
        self.met.get_mut(self.last.1)
    }
}

/// A stage of sleep by Apple's name.
pub(super) fn sleep_stage(raw: &[u8]) -> Option<SleepStage> {
    Some(match raw.strip_prefix(b"HKCategoryValueSleepAnalysis")? {
        b"InBed" => SleepStage::InBed,
        b"Awake" => SleepStage::Awake,
        b"Asleep" | b"AsleepUnspecified" => SleepStage::Asleep,
        b"AsleepCore" => SleepStage::Light,
        b"AsleepDeep" => SleepStage::Deep,
        b"AsleepREM" => SleepStage::Rem,
        _ => return None,
    })
}

/// Names that values repeat: `HKCategoryValueOvulationTestResultPositive`.
const REPEATED: [&str; 12] = [
    "AppleWalkingSteadinessEvent",
    "AppetiteChanges",
    "CervicalMucusQuality",
    "Contraceptive",
    "LowCardioFitnessEvent",
    "OvulationTestResult",
    "PregnancyTestResult",
    "ProgesteroneTestResult",
    "Severity",
    "Presence",
    "EnvironmentalAudioExposureEvent",
    "HeadphoneAudioExposureEvent",
];

/// Value and label of an event: severities count from 0 (not there) to 3, everything else is 1 with its label.
pub(super) fn event_value(kind: &str, raw: &[u8]) -> (f64, String) {
    let text = String::from_utf8_lossy(raw);
    let Some(suffix) = text.strip_prefix("HKCategoryValue") else {
        return (1.0, snake(text.chars().take(60).collect::<String>().as_str()));
    };
    let short = REPEATED.iter().find_map(|n| suffix.strip_prefix(n)).unwrap_or(suffix);
    let label = snake(&short.chars().take(60).collect::<String>());
    let value = match (label.as_str(), kind.starts_with("symptom.")) {
        ("not_present", _) => 0.0,
        ("moderate", true) => 2.0,
        ("severe", true) => 3.0,
        _ => 1.0,
    };
    (value, if label == "not_applicable" { String::new() } else { label })
}

/// Heaviness of a bleeding by Apple's name.
pub(super) fn flow(raw: &[u8]) -> Option<crate::log::cycle::Flow> {
    use crate::log::cycle::Flow;
    let rest = raw
        .strip_prefix(b"HKCategoryValueMenstrualFlow")
        .or_else(|| raw.strip_prefix(b"HKCategoryValueVaginalBleeding"))?;
    Some(match rest {
        b"None" => Flow::None,
        b"Light" => Flow::Light,
        b"Medium" | b"Unspecified" => Flow::Medium,
        b"Heavy" => Flow::Heavy,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_convert_without_noise() {
        for (name, raw, unit, expected) in [
            ("HKQuantityTypeIdentifierDistanceWalkingRunning", "0.57", "km", 570.0),
            ("HKQuantityTypeIdentifierDistanceWalkingRunning", "1", "mi", 1609.344),
            ("HKQuantityTypeIdentifierOxygenSaturation", "0.97", "%", 97.0),
            ("HKQuantityTypeIdentifierHeight", "178", "cm", 1.78),
            ("HKQuantityTypeIdentifierHeight", "6", "ft", 1.8288),
            ("HKQuantityTypeIdentifierBodyTemperature", "98.6", "degF", 37.0),
            ("HKQuantityTypeIdentifierDietaryWater", "8", "fl_oz_us", 236.588_236_5),
            ("HKQuantityTypeIdentifierDietaryEnergyConsumed", "2092", "kJ", 500.0),
            ("HKQuantityTypeIdentifierActiveEnergyBurned", "0.123", "Cal", 0.123),
            ("HKQuantityTypeIdentifierBloodGlucose", "5.5", "mmol<180.1558800000541>/L", 5.5),
            ("HKQuantityTypeIdentifierAppleExerciseTime", "1", "min", 60.0),
            ("HKQuantityTypeIdentifierWalkingSpeed", "3.6", "km/hr", 1.0),
            ("HKQuantityTypeIdentifierVO2Max", "41.2", "mL/min·kg", 41.2),
        ] {
            let mut kind = Kind::of(name.as_bytes());
            let Target::Quantity(metric) = kind.target else { panic!("{name}") };
            assert_eq!(kind.value(metric, raw.as_bytes(), unit.as_bytes()), Ok(expected), "{name} {unit}");
        }
    }

    #[test]
    fn values_have_short_labels() {
        assert_eq!(
            event_value("symptom.fever", b"HKCategoryValueSeverityModerate"),
            (2.0, "moderate".into())
        );
        assert_eq!(event_value("handwashing", b"HKCategoryValueNotApplicable"), (1.0, String::new()));
        assert_eq!(
            event_value("cycle.ovulation_test", b"HKCategoryValueOvulationTestResultPositive"),
            (1.0, "positive".into())
        );
    }
}
