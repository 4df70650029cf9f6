//! The metrics themselves, one row each.

use super::{Kind, MetricInfo, Overlap, Unit};

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal $id:literal $unit:ident $kind:ident $overlap:expr, $low:literal $high:literal;)+) => {
        /// What is measured; the name holds the definition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Metric {
            $($(#[doc = $doc])+ $name,)+
        }

        pub(super) const TABLE: &[MetricInfo] = &[
            $(MetricInfo {
                metric: Metric::$name,
                code: $code,
                id: $id,
                unit: Unit::$unit,
                kind: Kind::$kind,
                overlap: $overlap,
                plausible: ($low, $high),
            },)+
        ];
    };
}

use Overlap::{Echo, Reach, Span};

#[rustfmt::skip]
metrics! {
    /// Heart rate at a moment.
    HeartRate = 1 "heart_rate" PerMinute Discrete Reach(300_000), 10.0 350.0;
    /// Time from one heart beat to the next, stamped at the later one.
    RrInterval = 2 "rr_interval" Millisecond Discrete Reach(60_000), 150.0 6000.0;
    /// Resting heart rate as the source defines it.
    RestingHeartRate = 3 "resting_heart_rate" PerMinute Discrete Echo(60_000), 20.0 200.0;
    /// Mean heart rate while walking, by the source.
    WalkingHeartRate = 4 "walking_heart_rate" PerMinute Discrete Echo(60_000), 20.0 250.0;
    /// Heart rate variability: root mean square of successive differences.
    HrvRmssd = 5 "hrv_rmssd" Millisecond Discrete Reach(60_000), 0.0 1000.0;
    /// Heart rate variability: standard deviation of normal intervals.
    HrvSdnn = 6 "hrv_sdnn" Millisecond Discrete Reach(60_000), 0.0 1000.0;
    /// Fall of the heart rate in the minute after effort.
    HeartRateRecovery = 7 "heart_rate_recovery" PerMinute Discrete Echo(60_000), -50.0 200.0;
    /// Share of time the source saw an irregular rhythm; kept as recorded.
    AtrialFibrillationBurden = 8 "atrial_fibrillation_burden" Percent Discrete Echo(60_000), 0.0 100.0;
    /// Oxygen saturation of the blood.
    OxygenSaturation = 9 "oxygen_saturation" Percent Discrete Reach(300_000), 30.0 100.0;
    /// Breaths a minute.
    RespiratoryRate = 10 "respiratory_rate" PerMinute Discrete Reach(300_000), 2.0 120.0;
    /// Upper blood pressure; paired with the lower by time and source.
    BloodPressureSystolic = 11 "blood_pressure_systolic" MillimetreOfMercury Discrete Echo(60_000), 30.0 350.0;
    /// Lower blood pressure.
    BloodPressureDiastolic = 12 "blood_pressure_diastolic" MillimetreOfMercury Discrete Echo(60_000), 10.0 250.0;
    /// Glucose in the blood.
    BloodGlucose = 13 "blood_glucose" MillimolePerLitre Discrete Reach(300_000), 0.3 80.0;
    /// Peripheral perfusion index.
    PerfusionIndex = 14 "perfusion_index" Percent Discrete Reach(300_000), 0.0 100.0;
    /// Cardio fitness as the source estimates it.
    Vo2Max = 15 "vo2_max" MillilitrePerKilogramMinute Discrete Echo(60_000), 5.0 120.0;
    /// Body temperature.
    BodyTemperature = 20 "body_temperature" Celsius Discrete Echo(60_000), 25.0 46.0;
    /// Body temperature on waking.
    BasalBodyTemperature = 21 "basal_body_temperature" Celsius Discrete Echo(60_000), 25.0 46.0;
    /// Temperature of the wrist asleep.
    WristTemperature = 22 "wrist_temperature" Celsius Discrete Reach(300_000), 10.0 46.0;
    /// Temperature of the skin.
    SkinTemperature = 23 "skin_temperature" Celsius Discrete Reach(300_000), 5.0 46.0;
    /// Skin temperature against its baseline.
    SkinTemperatureDelta = 24 "skin_temperature_delta" Kelvin Discrete Reach(300_000), -20.0 20.0;
    /// Temperature of the water swum or dived in.
    WaterTemperature = 25 "water_temperature" Celsius Discrete Reach(60_000), -5.0 50.0;
    /// Body weight.
    Weight = 30 "weight" Kilogram Discrete Echo(60_000), 0.2 700.0;
    /// Body mass index as recorded.
    BodyMassIndex = 31 "body_mass_index" KilogramPerSquareMetre Discrete Echo(60_000), 4.0 200.0;
    /// Share of fat in the body.
    BodyFat = 32 "body_fat" Percent Discrete Echo(60_000), 1.0 90.0;
    /// Body weight without fat.
    LeanMass = 33 "lean_mass" Kilogram Discrete Echo(60_000), 0.2 400.0;
    /// Mass of the muscles.
    MuscleMass = 34 "muscle_mass" Kilogram Discrete Echo(60_000), 0.2 300.0;
    /// Mass of the bones.
    BoneMass = 35 "bone_mass" Kilogram Discrete Echo(60_000), 0.1 30.0;
    /// Mass of the water in the body.
    BodyWater = 36 "body_water" Kilogram Discrete Echo(60_000), 0.1 300.0;
    /// Visceral fat rating of a scale.
    VisceralFat = 37 "visceral_fat" None Discrete Echo(60_000), 0.0 60.0;
    /// Height of the body.
    Height = 38 "height" Metre Discrete Echo(60_000), 0.2 3.0;
    /// Waist.
    WaistCircumference = 39 "waist_circumference" Metre Discrete Echo(60_000), 0.2 4.0;
    /// Energy at rest in a day.
    BasalMetabolicRate = 40 "basal_metabolic_rate" KilocaloriePerDay Discrete Echo(60_000), 200.0 10_000.0;
    /// Conductance of the skin.
    ElectrodermalActivity = 41 "electrodermal_activity" Microsiemens Discrete Reach(300_000), 0.0 1000.0;
    /// Steps.
    Steps = 50 "steps" Count Cumulative Span, 0.0 200_000.0;
    /// Distance on foot (Health Connect: any movement).
    Distance = 51 "distance" Metre Cumulative Span, 0.0 1_000_000.0;
    /// Distance on a bicycle.
    DistanceCycling = 52 "distance_cycling" Metre Cumulative Span, 0.0 2_000_000.0;
    /// Distance swum.
    DistanceSwimming = 53 "distance_swimming" Metre Cumulative Span, 0.0 200_000.0;
    /// Distance in a wheelchair.
    DistanceWheelchair = 54 "distance_wheelchair" Metre Cumulative Span, 0.0 1_000_000.0;
    /// Distance on skis or a snowboard.
    DistanceSnow = 55 "distance_snow" Metre Cumulative Span, 0.0 1_000_000.0;
    /// Floors climbed.
    Floors = 56 "floors" Count Cumulative Span, 0.0 5000.0;
    /// Height climbed.
    ElevationGained = 57 "elevation_gained" Metre Cumulative Span, 0.0 30_000.0;
    /// Energy of movement.
    ActiveEnergy = 58 "active_energy" Kilocalorie Cumulative Span, 0.0 30_000.0;
    /// Energy at rest.
    BasalEnergy = 59 "basal_energy" Kilocalorie Cumulative Span, 0.0 20_000.0;
    /// Energy of movement and rest together.
    TotalEnergy = 60 "total_energy" Kilocalorie Cumulative Span, 0.0 40_000.0;
    /// Time of brisk movement.
    ExerciseTime = 61 "exercise_time" Second Cumulative Span, 0.0 172_800.0;
    /// Time standing.
    StandTime = 62 "stand_time" Second Cumulative Span, 0.0 172_800.0;
    /// Time moving.
    MoveTime = 63 "move_time" Second Cumulative Span, 0.0 172_800.0;
    /// An hour with a minute of standing (1) or without (0).
    StandHour = 64 "stand_hour" None Interval Span, 0.0 1.0;
    /// Pushes of a wheelchair.
    WheelchairPushes = 65 "wheelchair_pushes" Count Cumulative Span, 0.0 200_000.0;
    /// Strokes swum.
    SwimmingStrokes = 66 "swimming_strokes" Count Cumulative Span, 0.0 200_000.0;
    /// Speed over ground.
    Speed = 67 "speed" MetrePerSecond Discrete Reach(60_000), 0.0 150.0;
    /// Speed of walking.
    WalkingSpeed = 68 "walking_speed" MetrePerSecond Discrete Reach(60_000), 0.0 6.0;
    /// Speed of running.
    RunningSpeed = 69 "running_speed" MetrePerSecond Discrete Reach(60_000), 0.0 15.0;
    /// Speed of cycling.
    CyclingSpeed = 70 "cycling_speed" MetrePerSecond Discrete Reach(60_000), 0.0 50.0;
    /// Length of a walking step.
    StepLength = 71 "step_length" Metre Discrete Reach(60_000), 0.0 3.0;
    /// Share of steps with one foot faster than the other.
    WalkingAsymmetry = 72 "walking_asymmetry" Percent Discrete Reach(60_000), 0.0 100.0;
    /// Share of a walk with both feet on the ground.
    WalkingDoubleSupport = 73 "walking_double_support" Percent Discrete Reach(60_000), 0.0 100.0;
    /// Steadiness of the gait, by the source.
    WalkingSteadiness = 74 "walking_steadiness" Percent Discrete Echo(60_000), 0.0 100.0;
    /// Vertical speed up stairs.
    StairAscentSpeed = 75 "stair_ascent_speed" MetrePerSecond Discrete Reach(60_000), 0.0 5.0;
    /// Vertical speed down stairs.
    StairDescentSpeed = 76 "stair_descent_speed" MetrePerSecond Discrete Reach(60_000), 0.0 5.0;
    /// Distance walked in six minutes, estimated.
    SixMinuteWalk = 77 "six_minute_walk" Metre Discrete Echo(60_000), 0.0 1500.0;
    /// Length of a running stride.
    StrideLength = 78 "stride_length" Metre Discrete Reach(60_000), 0.0 5.0;
    /// Bounce of a running step.
    VerticalOscillation = 79 "vertical_oscillation" Metre Discrete Reach(60_000), 0.0 0.5;
    /// Time of a foot on the ground in running.
    GroundContact = 80 "ground_contact" Millisecond Discrete Reach(60_000), 50.0 1000.0;
    /// Power of running.
    RunningPower = 81 "running_power" Watt Discrete Reach(60_000), 0.0 2000.0;
    /// Power of cycling.
    CyclingPower = 82 "cycling_power" Watt Discrete Reach(60_000), 0.0 3000.0;
    /// Turns of the pedals a minute.
    CyclingCadence = 83 "cycling_cadence" PerMinute Discrete Reach(60_000), 0.0 300.0;
    /// Steps a minute.
    StepCadence = 84 "step_cadence" PerMinute Discrete Reach(60_000), 0.0 400.0;
    /// Effort, about metabolic equivalents.
    PhysicalEffort = 85 "physical_effort" KilocaloriePerKilogramHour Discrete Reach(300_000), 0.0 40.0;
    /// Falls.
    Falls = 86 "falls" Count Cumulative Echo(60_000), 0.0 1000.0;
    /// Depth under water.
    DiveDepth = 87 "dive_depth" Metre Discrete Reach(60_000), 0.0 350.0;
    /// Movement counts of an actigraph; the scale is the device's own.
    ActivityCount = 88 "activity_count" None Discrete Reach(60_000), 0.0 1_000_000.0;
    /// A stage of sleep; values as in [`super::SleepStage`].
    SleepStage = 100 "sleep_stage" None Interval Span, 0.0 6.0;
    /// A mindful session.
    MindfulSession = 101 "mindful_session" None Interval Span, 0.0 1.0;
    /// Breathing disturbances asleep, as recorded.
    BreathingDisturbances = 102 "breathing_disturbances" Count Discrete Echo(60_000), 0.0 500.0;
    /// Loudness around.
    EnvironmentalNoise = 103 "environmental_noise" Decibel Discrete Reach(300_000), 0.0 160.0;
    /// Loudness in headphones.
    HeadphoneNoise = 104 "headphone_noise" Decibel Discrete Reach(300_000), 0.0 160.0;
    /// Time in daylight.
    Daylight = 105 "daylight" Second Cumulative Span, 0.0 172_800.0;
    /// UV index.
    UvExposure = 106 "uv_exposure" None Discrete Reach(300_000), 0.0 30.0;
    /// Stress score of a device, 0 to 100.
    Stress = 107 "stress" None Discrete Reach(300_000), 0.0 100.0;
    /// Energy score of a device, 0 to 100.
    BodyEnergy = 108 "body_energy" None Discrete Reach(300_000), 0.0 100.0;
    /// Sleep score of a device, 0 to 100.
    SleepScore = 109 "sleep_score" None Discrete Echo(60_000), 0.0 100.0;
    /// Light around.
    Light = 110 "light" Lux Discrete Reach(60_000), 0.0 200_000.0;
    /// Water drunk.
    Water = 120 "water" Millilitre Cumulative Echo(60_000), 0.0 20_000.0;
    /// Caffeine taken.
    Caffeine = 121 "caffeine" Milligram Cumulative Echo(60_000), 0.0 20_000.0;
    /// Standard drinks.
    Alcohol = 122 "alcohol" Count Cumulative Echo(60_000), 0.0 100.0;
    /// Alcohol in the blood.
    BloodAlcohol = 123 "blood_alcohol" Percent Discrete Echo(60_000), 0.0 5.0;
    /// Cigarettes or the like.
    Tobacco = 124 "tobacco" Count Cumulative Echo(60_000), 0.0 500.0;
    /// Insulin delivered, as recorded.
    Insulin = 125 "insulin" InternationalUnit Cumulative Echo(60_000), 0.0 1000.0;
    /// Puffs of an inhaler.
    InhalerUse = 126 "inhaler_use" Count Cumulative Echo(60_000), 0.0 100.0;
    /// Energy eaten.
    EnergyEaten = 130 "energy_eaten" Kilocalorie Cumulative Echo(60_000), 0.0 50_000.0;
    /// Carbohydrates eaten.
    Carbohydrates = 131 "carbohydrates" Gram Cumulative Echo(60_000), 0.0 10_000.0;
    /// Protein eaten.
    Protein = 132 "protein" Gram Cumulative Echo(60_000), 0.0 10_000.0;
    /// Fat eaten.
    Fat = 133 "fat" Gram Cumulative Echo(60_000), 0.0 10_000.0;
    /// Fat saturated eaten.
    FatSaturated = 134 "fat_saturated" Gram Cumulative Echo(60_000), 0.0 10_000.0;
    /// Fat monounsaturated eaten.
    FatMonounsaturated = 135 "fat_monounsaturated" Gram Cumulative Echo(60_000), 0.0 10_000.0;
    /// Fat polyunsaturated eaten.
    FatPolyunsaturated = 136 "fat_polyunsaturated" Gram Cumulative Echo(60_000), 0.0 10_000.0;
    /// Fat trans eaten.
    FatTrans = 137 "fat_trans" Gram Cumulative Echo(60_000), 0.0 10_000.0;
    /// Cholesterol eaten.
    Cholesterol = 138 "cholesterol" Milligram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Fibre eaten.
    Fibre = 139 "fibre" Gram Cumulative Echo(60_000), 0.0 10_000.0;
    /// Sugar eaten.
    Sugar = 140 "sugar" Gram Cumulative Echo(60_000), 0.0 10_000.0;
    /// Sodium eaten.
    Sodium = 141 "sodium" Milligram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Potassium eaten.
    Potassium = 142 "potassium" Milligram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Calcium eaten.
    Calcium = 143 "calcium" Milligram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Iron eaten.
    Iron = 144 "iron" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Magnesium eaten.
    Magnesium = 145 "magnesium" Milligram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Phosphorus eaten.
    Phosphorus = 146 "phosphorus" Milligram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Zinc eaten.
    Zinc = 147 "zinc" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Copper eaten.
    Copper = 148 "copper" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Manganese eaten.
    Manganese = 149 "manganese" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Chloride eaten.
    Chloride = 150 "chloride" Milligram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Selenium eaten.
    Selenium = 151 "selenium" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Chromium eaten.
    Chromium = 152 "chromium" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Molybdenum eaten.
    Molybdenum = 153 "molybdenum" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Iodine eaten.
    Iodine = 154 "iodine" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Vitamin a eaten.
    VitaminA = 155 "vitamin_a" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Vitamin b6 eaten.
    VitaminB6 = 156 "vitamin_b6" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Vitamin b12 eaten.
    VitaminB12 = 157 "vitamin_b12" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Vitamin c eaten.
    VitaminC = 158 "vitamin_c" Milligram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Vitamin d eaten.
    VitaminD = 159 "vitamin_d" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Vitamin e eaten.
    VitaminE = 160 "vitamin_e" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Vitamin k eaten.
    VitaminK = 161 "vitamin_k" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Thiamin eaten.
    Thiamin = 162 "thiamin" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Riboflavin eaten.
    Riboflavin = 163 "riboflavin" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Niacin eaten.
    Niacin = 164 "niacin" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Folate eaten.
    Folate = 165 "folate" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Biotin eaten.
    Biotin = 166 "biotin" Microgram Cumulative Echo(60_000), 0.0 1_000_000.0;
    /// Pantothenic acid eaten.
    PantothenicAcid = 167 "pantothenic_acid" Milligram Cumulative Echo(60_000), 0.0 100_000.0;
    /// Forced vital capacity.
    ForcedVitalCapacity = 180 "forced_vital_capacity" Litre Discrete Echo(60_000), 0.0 15.0;
    /// Forced expiratory volume in one second.
    ForcedExpiratoryVolume = 181 "forced_expiratory_volume" Litre Discrete Echo(60_000), 0.0 15.0;
    /// Peak expiratory flow.
    PeakExpiratoryFlow = 182 "peak_expiratory_flow" LitrePerMinute Discrete Echo(60_000), 0.0 1200.0;
    /// Valence of a mood from -1 (very unpleasant) to 1 (very pleasant); its labels are in the mood log.
    Mood = 190 "mood" None Discrete Echo(60_000), -1.0 1.0;
}
