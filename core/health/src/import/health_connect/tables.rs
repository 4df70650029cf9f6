//! Which table and column of the database holds which metric, in which unit.
//!
//! Names as in the record helpers of the Health Connect module of Android (AOSP `packages/modules/HealthFitness`);
//! stored units are those of its `units` classes: calories, grams, metres, watts, litres.

use crate::metric::Metric;

/// Readings at a moment: table, possible names of the column, metric, unit.
pub(super) const INSTANT: &[(&str, &[&str], Metric, &str)] = &[
    ("resting_heart_rate_record_table", &["beats_per_minute"], Metric::RestingHeartRate, "bpm"),
    ("heart_rate_variability_rmssd_record_table", &["heart_rate_variability_millis"], Metric::HrvRmssd, "ms"),
    ("oxygen_saturation_record_table", &["percentage"], Metric::OxygenSaturation, "%"),
    ("respiratory_rate_record_table", &["rate"], Metric::RespiratoryRate, "/min"),
    ("blood_pressure_record_table", &["systolic"], Metric::BloodPressureSystolic, "mmHg"),
    ("blood_pressure_record_table", &["diastolic"], Metric::BloodPressureDiastolic, "mmHg"),
    ("blood_glucose_record_table", &["level"], Metric::BloodGlucose, "mmol/L"),
    ("vo2_max_record_table", &["vo2_milliliters_per_minute_kilogram"], Metric::Vo2Max, "mL/(kg·min)"),
    ("body_temperature_record_table", &["temperature"], Metric::BodyTemperature, "°C"),
    (
        "basal_body_temperature_record_table",
        &["temperature", "body_temperature"],
        Metric::BasalBodyTemperature,
        "°C",
    ),
    ("weight_record_table", &["weight"], Metric::Weight, "g"),
    ("height_record_table", &["height"], Metric::Height, "m"),
    ("body_fat_record_table", &["percentage"], Metric::BodyFat, "%"),
    ("lean_body_mass_record_table", &["mass", "lean_body_mass"], Metric::LeanMass, "g"),
    ("bone_mass_record_table", &["mass", "bone_mass"], Metric::BoneMass, "g"),
    ("body_water_mass_record_table", &["body_water_mass", "mass"], Metric::BodyWater, "g"),
    ("basal_metabolic_rate_record_table", &["basal_metabolic_rate"], Metric::BasalMetabolicRate, "W"),
];

/// Amounts over a span.
pub(super) const INTERVAL: &[(&str, &[&str], Metric, &str)] = &[
    ("steps_record_table", &["count"], Metric::Steps, "count"),
    ("distance_record_table", &["distance"], Metric::Distance, "m"),
    ("floors_climbed_record_table", &["floors"], Metric::Floors, "count"),
    ("elevation_gained_record_table", &["elevation"], Metric::ElevationGained, "m"),
    (
        "active_calories_burned_record_table",
        &["energy", "active_calories_burned"],
        Metric::ActiveEnergy,
        "cal",
    ),
    ("total_calories_burned_record_table", &["energy"], Metric::TotalEnergy, "cal"),
    ("wheelchair_pushes_record_table", &["count"], Metric::WheelchairPushes, "count"),
    ("hydration_record_table", &["volume"], Metric::Water, "L"),
];

/// Series: parent (which has the app and the zone), child, column, metric.
pub(super) const SERIES: &[(&str, &str, &str, Metric)] = &[
    ("heart_rate_record_table", "heart_rate_record_series_table", "beats_per_minute", Metric::HeartRate),
    ("speedrecordtable", "speed_record_table", "speed", Metric::Speed),
    ("powerrecordtable", "power_record_table", "power", Metric::CyclingPower),
    ("stepscadencerecordtable", "steps_cadence_record_table", "rate", Metric::StepCadence),
    (
        "cyclingpedalingcadencerecordtable",
        "cycling_pedaling_cadence_record_table",
        "revolutions_per_minute",
        Metric::CyclingCadence,
    ),
    ("skin_temperature_record_table", "skin_temperature_delta_table", "delta", Metric::SkinTemperatureDelta),
];

/// Columns of meals that are not called as the metric is; the others are found by their `NutritionRecord` name.
pub(super) const MEALS: &str = "nutrition_record_table";

/// Things that happened, kept as events: table, kind, column of the label, its words by number.
pub(super) const EVENTS: &[(&str, &str, &str, &[&str])] = &[
    (
        "ovulation_test_record_table",
        "ovulation_test",
        "result",
        &["inconclusive", "positive", "high", "negative"],
    ),
    (
        "cervical_mucus_record_table",
        "cervical_mucus",
        "appearance",
        &["", "dry", "sticky", "creamy", "watery", "egg_white", "unusual"],
    ),
    ("sexual_activity_record_table", "sexual_activity", "protection_used", &["", "protected", "unprotected"]),
];

/// Tables about the database itself.
pub(super) fn is_bookkeeping(table: &str) -> bool {
    !table.ends_with("_record_table") || table == "planned_exercise_session_record_table"
}

/// Kinds of workouts by number. These are the platform's numbers, which are not those of the Jetpack library.
const WORKOUTS: [&str; 62] = [
    "other",
    "badminton",
    "baseball",
    "basketball",
    "cycling",
    "indoor_cycling",
    "boot_camp",
    "boxing",
    "calisthenics",
    "cricket",
    "dance",
    "exercise_class",
    "fencing",
    "american_football",
    "australian_football",
    "disc_sports",
    "golf",
    "breathing",
    "gymnastics",
    "handball",
    "high_intensity_interval_training",
    "hiking",
    "ice_hockey",
    "ice_skating",
    "martial_arts",
    "paddling",
    "paragliding",
    "pilates",
    "racquetball",
    "climbing",
    "roller_hockey",
    "rowing",
    "rugby",
    "running",
    "treadmill_running",
    "sailing",
    "diving",
    "skating",
    "skiing",
    "snowboarding",
    "snowshoeing",
    "soccer",
    "softball",
    "squash",
    "stair_climbing",
    "strength_training",
    "stretching",
    "surfing",
    "open_water_swimming",
    "pool_swimming",
    "table_tennis",
    "tennis",
    "volleyball",
    "walking",
    "water_polo",
    "weightlifting",
    "wheelchair",
    "yoga",
    "other",
    "stair_climbing_machine",
    "elliptical",
    "indoor_rowing",
];

pub(super) fn workout(number: i64) -> String {
    let name = usize::try_from(number).ok().and_then(|n| WORKOUTS.get(n));
    name.map_or_else(|| format!("health_connect_{number}"), |n| (*n).to_owned())
}
