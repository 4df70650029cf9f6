//! What `HealthKit` and Health Connect call each metric, both ways.

use super::Metric;

/// `HealthKit` identifiers without their `HK...TypeIdentifier` prefix; Health Connect `Record` or `Record.field`.
#[rustfmt::skip]
const NAMES: &[(Metric, &[&str], &[&str])] = &[
    (Metric::HeartRate, &["HeartRate"], &["HeartRateRecord"]),
    (Metric::RestingHeartRate, &["RestingHeartRate"], &["RestingHeartRateRecord"]),
    (Metric::WalkingHeartRate, &["WalkingHeartRateAverage"], &[]),
    (Metric::HrvRmssd, &[], &["HeartRateVariabilityRmssdRecord"]),
    (Metric::HrvSdnn, &["HeartRateVariabilitySDNN"], &[]),
    (Metric::HeartRateRecovery, &["HeartRateRecoveryOneMinute"], &[]),
    (Metric::AtrialFibrillationBurden, &["AtrialFibrillationBurden"], &[]),
    (Metric::OxygenSaturation, &["OxygenSaturation"], &["OxygenSaturationRecord"]),
    (Metric::RespiratoryRate, &["RespiratoryRate"], &["RespiratoryRateRecord"]),
    (Metric::BloodPressureSystolic, &["BloodPressureSystolic"], &["BloodPressureRecord.systolic"]),
    (Metric::BloodPressureDiastolic, &["BloodPressureDiastolic"], &["BloodPressureRecord.diastolic"]),
    (Metric::BloodGlucose, &["BloodGlucose"], &["BloodGlucoseRecord"]),
    (Metric::PerfusionIndex, &["PeripheralPerfusionIndex"], &[]),
    (Metric::Vo2Max, &["VO2Max"], &["Vo2MaxRecord"]),
    (Metric::BodyTemperature, &["BodyTemperature"], &["BodyTemperatureRecord"]),
    (Metric::BasalBodyTemperature, &["BasalBodyTemperature"], &["BasalBodyTemperatureRecord"]),
    (Metric::WristTemperature, &["AppleSleepingWristTemperature"], &[]),
    (Metric::SkinTemperature, &[], &["SkinTemperatureRecord.baseline"]),
    (Metric::SkinTemperatureDelta, &[], &["SkinTemperatureRecord.deltas"]),
    (Metric::WaterTemperature, &["WaterTemperature"], &[]),
    (Metric::Weight, &["BodyMass"], &["WeightRecord"]),
    (Metric::BodyMassIndex, &["BodyMassIndex"], &[]),
    (Metric::BodyFat, &["BodyFatPercentage"], &["BodyFatRecord"]),
    (Metric::LeanMass, &["LeanBodyMass"], &["LeanBodyMassRecord"]),
    (Metric::BoneMass, &[], &["BoneMassRecord"]),
    (Metric::BodyWater, &[], &["BodyWaterMassRecord"]),
    (Metric::Height, &["Height"], &["HeightRecord"]),
    (Metric::WaistCircumference, &["WaistCircumference"], &[]),
    (Metric::BasalMetabolicRate, &[], &["BasalMetabolicRateRecord"]),
    (Metric::ElectrodermalActivity, &["ElectrodermalActivity"], &[]),
    (Metric::Steps, &["StepCount"], &["StepsRecord"]),
    (Metric::Distance, &["DistanceWalkingRunning"], &["DistanceRecord"]),
    (Metric::DistanceCycling, &["DistanceCycling"], &[]),
    (Metric::DistanceSwimming, &["DistanceSwimming"], &[]),
    (Metric::DistanceWheelchair, &["DistanceWheelchair"], &[]),
    (Metric::DistanceSnow, &["DistanceDownhillSnowSports"], &[]),
    (Metric::Floors, &["FlightsClimbed"], &["FloorsClimbedRecord"]),
    (Metric::ElevationGained, &[], &["ElevationGainedRecord"]),
    (Metric::ActiveEnergy, &["ActiveEnergyBurned"], &["ActiveCaloriesBurnedRecord"]),
    (Metric::BasalEnergy, &["BasalEnergyBurned"], &[]),
    (Metric::TotalEnergy, &[], &["TotalCaloriesBurnedRecord"]),
    (Metric::ExerciseTime, &["AppleExerciseTime"], &["ActivityIntensityRecord"]),
    (Metric::StandTime, &["AppleStandTime"], &[]),
    (Metric::MoveTime, &["AppleMoveTime"], &[]),
    (Metric::StandHour, &["AppleStandHour"], &[]),
    (Metric::WheelchairPushes, &["PushCount"], &["WheelchairPushesRecord"]),
    (Metric::SwimmingStrokes, &["SwimmingStrokeCount"], &[]),
    (Metric::Speed, &[], &["SpeedRecord"]),
    (Metric::WalkingSpeed, &["WalkingSpeed"], &[]),
    (Metric::RunningSpeed, &["RunningSpeed"], &[]),
    (Metric::CyclingSpeed, &["CyclingSpeed"], &[]),
    (Metric::StepLength, &["WalkingStepLength"], &[]),
    (Metric::WalkingAsymmetry, &["WalkingAsymmetryPercentage"], &[]),
    (Metric::WalkingDoubleSupport, &["WalkingDoubleSupportPercentage"], &[]),
    (Metric::WalkingSteadiness, &["AppleWalkingSteadiness"], &[]),
    (Metric::StairAscentSpeed, &["StairAscentSpeed"], &[]),
    (Metric::StairDescentSpeed, &["StairDescentSpeed"], &[]),
    (Metric::SixMinuteWalk, &["SixMinuteWalkTestDistance"], &[]),
    (Metric::StrideLength, &["RunningStrideLength"], &[]),
    (Metric::VerticalOscillation, &["RunningVerticalOscillation"], &[]),
    (Metric::GroundContact, &["RunningGroundContactTime"], &[]),
    (Metric::RunningPower, &["RunningPower"], &[]),
    (Metric::CyclingPower, &["CyclingPower"], &["PowerRecord"]),
    (Metric::CyclingCadence, &["CyclingCadence"], &["CyclingPedalingCadenceRecord"]),
    (Metric::StepCadence, &[], &["StepsCadenceRecord"]),
    (Metric::PhysicalEffort, &["PhysicalEffort"], &[]),
    (Metric::Falls, &["NumberOfTimesFallen"], &[]),
    (Metric::DiveDepth, &["UnderwaterDepth"], &[]),
    (Metric::SleepStage, &["SleepAnalysis"], &["SleepSessionRecord"]),
    (Metric::MindfulSession, &["MindfulSession"], &["MindfulnessSessionRecord"]),
    (Metric::BreathingDisturbances, &["AppleSleepingBreathingDisturbances"], &[]),
    (Metric::EnvironmentalNoise, &["EnvironmentalAudioExposure"], &[]),
    (Metric::HeadphoneNoise, &["HeadphoneAudioExposure"], &[]),
    (Metric::Daylight, &["TimeInDaylight"], &[]),
    (Metric::UvExposure, &["UVExposure"], &[]),
    (Metric::Water, &["DietaryWater"], &["HydrationRecord"]),
    (Metric::Caffeine, &["DietaryCaffeine"], &["NutritionRecord.caffeine"]),
    (Metric::Alcohol, &["NumberOfAlcoholicBeverages"], &[]),
    (Metric::BloodAlcohol, &["BloodAlcoholContent"], &[]),
    (Metric::Insulin, &["InsulinDelivery"], &[]),
    (Metric::InhalerUse, &["InhalerUsage"], &[]),
    (Metric::EnergyEaten, &["DietaryEnergyConsumed"], &["NutritionRecord.energy"]),
    (Metric::Carbohydrates, &["DietaryCarbohydrates"], &["NutritionRecord.totalCarbohydrate"]),
    (Metric::Protein, &["DietaryProtein"], &["NutritionRecord.protein"]),
    (Metric::Fat, &["DietaryFatTotal"], &["NutritionRecord.totalFat"]),
    (Metric::FatSaturated, &["DietaryFatSaturated"], &["NutritionRecord.saturatedFat"]),
    (Metric::FatMonounsaturated, &["DietaryFatMonounsaturated"], &["NutritionRecord.monounsaturatedFat"]),
    (Metric::FatPolyunsaturated, &["DietaryFatPolyunsaturated"], &["NutritionRecord.polyunsaturatedFat"]),
    (Metric::FatTrans, &[], &["NutritionRecord.transFat"]),
    (Metric::Cholesterol, &["DietaryCholesterol"], &["NutritionRecord.cholesterol"]),
    (Metric::Fibre, &["DietaryFiber"], &["NutritionRecord.dietaryFiber"]),
    (Metric::Sugar, &["DietarySugar"], &["NutritionRecord.sugar"]),
    (Metric::Sodium, &["DietarySodium"], &["NutritionRecord.sodium"]),
    (Metric::Potassium, &["DietaryPotassium"], &["NutritionRecord.potassium"]),
    (Metric::Calcium, &["DietaryCalcium"], &["NutritionRecord.calcium"]),
    (Metric::Iron, &["DietaryIron"], &["NutritionRecord.iron"]),
    (Metric::Magnesium, &["DietaryMagnesium"], &["NutritionRecord.magnesium"]),
    (Metric::Phosphorus, &["DietaryPhosphorus"], &["NutritionRecord.phosphorus"]),
    (Metric::Zinc, &["DietaryZinc"], &["NutritionRecord.zinc"]),
    (Metric::Copper, &["DietaryCopper"], &["NutritionRecord.copper"]),
    (Metric::Manganese, &["DietaryManganese"], &["NutritionRecord.manganese"]),
    (Metric::Chloride, &["DietaryChloride"], &["NutritionRecord.chloride"]),
    (Metric::Selenium, &["DietarySelenium"], &["NutritionRecord.selenium"]),
    (Metric::Chromium, &["DietaryChromium"], &["NutritionRecord.chromium"]),
    (Metric::Molybdenum, &["DietaryMolybdenum"], &["NutritionRecord.molybdenum"]),
    (Metric::Iodine, &["DietaryIodine"], &["NutritionRecord.iodine"]),
    (Metric::VitaminA, &["DietaryVitaminA"], &["NutritionRecord.vitaminA"]),
    (Metric::VitaminB6, &["DietaryVitaminB6"], &["NutritionRecord.vitaminB6"]),
    (Metric::VitaminB12, &["DietaryVitaminB12"], &["NutritionRecord.vitaminB12"]),
    (Metric::VitaminC, &["DietaryVitaminC"], &["NutritionRecord.vitaminC"]),
    (Metric::VitaminD, &["DietaryVitaminD"], &["NutritionRecord.vitaminD"]),
    (Metric::VitaminE, &["DietaryVitaminE"], &["NutritionRecord.vitaminE"]),
    (Metric::VitaminK, &["DietaryVitaminK"], &["NutritionRecord.vitaminK"]),
    (Metric::Thiamin, &["DietaryThiamin"], &["NutritionRecord.thiamin"]),
    (Metric::Riboflavin, &["DietaryRiboflavin"], &["NutritionRecord.riboflavin"]),
    (Metric::Niacin, &["DietaryNiacin"], &["NutritionRecord.niacin"]),
    (Metric::Folate, &["DietaryFolate"], &["NutritionRecord.folate"]),
    (Metric::Biotin, &["DietaryBiotin"], &["NutritionRecord.biotin"]),
    (Metric::PantothenicAcid, &["DietaryPantothenicAcid"], &["NutritionRecord.pantothenicAcid"]),
    (Metric::ForcedVitalCapacity, &["ForcedVitalCapacity"], &[]),
    (Metric::ForcedExpiratoryVolume, &["ForcedExpiratoryVolume1"], &[]),
    (Metric::PeakExpiratoryFlow, &["PeakExpiratoryFlowRate"], &[]),
];

/// Prefixes of identifiers in Apple's files.
const PREFIXES: [&str; 3] = ["HKQuantityTypeIdentifier", "HKCategoryTypeIdentifier", "HKDataType"];

impl Metric {
    /// Short `HealthKit` names (`HeartRate` for `HKQuantityTypeIdentifierHeartRate`); empty when it has none.
    pub fn healthkit(self) -> &'static [&'static str] {
        NAMES.iter().find(|n| n.0 == self).map_or(&[], |n| n.1)
    }

    /// Health Connect record types, with the field where a record holds several; empty when it has none.
    pub fn health_connect(self) -> &'static [&'static str] {
        NAMES.iter().find(|n| n.0 == self).map_or(&[], |n| n.2)
    }

    /// The metric of a `HealthKit` identifier, with or without its prefix.
    ///
    /// ```
    /// use cuba_health::metric::Metric;
    /// assert_eq!(Metric::from_healthkit("HKQuantityTypeIdentifierHeartRateVariabilitySDNN"), Some(Metric::HrvSdnn));
    /// assert_eq!(Metric::from_health_connect("NutritionRecord.caffeine"), Some(Metric::Caffeine));
    /// ```
    pub fn from_healthkit(name: &str) -> Option<Self> {
        let short = PREFIXES.iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
        NAMES.iter().find(|n| n.1.contains(&short)).map(|n| n.0)
    }

    /// The metric of a Health Connect record type (`StepsRecord`) or field (`BloodPressureRecord.systolic`).
    pub fn from_health_connect(name: &str) -> Option<Self> {
        NAMES.iter().find(|n| n.2.contains(&name)).map(|n| n.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for (metric, healthkit, health_connect) in NAMES {
            for name in *healthkit {
                assert_eq!(Metric::from_healthkit(name), Some(*metric), "{name}");
            }
            for name in *health_connect {
                assert_eq!(Metric::from_health_connect(name), Some(*metric), "{name}");
            }
        }
        assert_eq!(Metric::from_healthkit("HKDataTypeSleepDurationGoal"), None);
    }
}
