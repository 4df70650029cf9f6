//! What the gadgets' numbers mean: stages of sleep by family, workouts, kinds of devices.

use super::{Device, MINUTE};
use crate::metric::SleepStage;
use crate::store::SourceKind;

/// A stretch of sleep grown minute by minute.
#[derive(Default)]
pub(super) struct Sleep(pub(super) Option<(i64, i64, SleepStage)>);

impl Sleep {
    /// Adds a minute; returns a stretch that ended.
    pub(super) fn add(&mut self, ms: i64, stage: Option<SleepStage>) -> Option<(i64, i64, SleepStage)> {
        if let (Some((_, to, before)), Some(stage)) = (&mut self.0, stage)
            && *before == stage
            && ms <= *to + MINUTE
        {
            *to = ms + MINUTE;
            return None;
        }
        std::mem::replace(&mut self.0, stage.map(|s| (ms, ms + MINUTE, s)))
    }
}

/// What the numbers of a table of stages mean.
pub(super) fn stage_codes(table: &str) -> Option<&'static [(i64, SleepStage)]> {
    Some(match table {
        "xiaomi_sleep_stage_sample" => &[
            (2, SleepStage::Deep),
            (3, SleepStage::Light),
            (4, SleepStage::Rem),
            (5, SleepStage::Awake),
            (1, SleepStage::Awake),
        ],
        "garmin_sleep_stage_sample" => {
            &[(1, SleepStage::Awake), (2, SleepStage::Light), (3, SleepStage::Deep), (4, SleepStage::Rem)]
        }
        "huawei_sleep_stage_sample" => &[
            (1, SleepStage::Light),
            (2, SleepStage::Rem),
            (3, SleepStage::Deep),
            (4, SleepStage::Awake),
            (5, SleepStage::Asleep),
        ],
        "colmi_sleep_stage_sample" => {
            &[(2, SleepStage::Light), (3, SleepStage::Deep), (4, SleepStage::Rem), (5, SleepStage::Awake)]
        }
        "cmf_sleep_stage_sample" => {
            &[(1, SleepStage::Deep), (2, SleepStage::Light), (3, SleepStage::Rem), (4, SleepStage::Awake)]
        }
        _ => return None,
    })
}

pub(super) fn kind_of(name: &str) -> SourceKind {
    let name = name.to_lowercase();
    let has = |word: &str| name.contains(word);
    if has("band") || has("charge") || has("vivosmart") {
        SourceKind::Band
    } else if has("ring") || name.starts_with("r0") {
        SourceKind::Ring
    } else if has("scale") {
        SourceKind::Scale
    } else if has("strap") || has("h10") || has("hrm") {
        SourceKind::Strap
    } else {
        SourceKind::Watch
    }
}

pub(super) fn stage_of(
    table: &str,
    device: &Device,
    kind: i64,
    kind_before: &mut i64,
    deep: Option<f64>,
    rem: Option<f64>,
) -> Option<SleepStage> {
    match table {
        "mi_band_activity_sample" if device.first_miband => match kind {
            4 => Some(SleepStage::Deep),
            5 => Some(SleepStage::Light),
            _ => None,
        },
        "mi_band_activity_sample" => {
            // The low half byte is the kind; 0 says that it did not change.
            let mut kind = kind & 0xF;
            if kind == 0 {
                kind = *kind_before;
            }
            *kind_before = kind;
            match kind {
                9 => Some(SleepStage::Light),
                11 => Some(SleepStage::Deep),
                _ => None,
            }
        }
        "huami_extended_activity_sample" if kind == 120 => {
            // Shares of the minute; the thresholds are those by which Gadgetbridge draws the night.
            let share = |v: Option<f64>| v.map_or(0, |v| v as i64 & 127);
            Some(match (share(rem), share(deep)) {
                (56.., _) => SleepStage::Rem,
                (_, 43..) => SleepStage::Deep,
                _ => SleepStage::Light,
            })
        }
        "huawei_activity_sample" => match kind {
            6 => Some(SleepStage::Light),
            7 => Some(SleepStage::Deep),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn workout_kind(code: i64) -> String {
    let name = match code {
        0 | 1 | 512 => "other",
        16 => "running",
        32 => "walking",
        64 => "swimming",
        128 => "cycling",
        256 => "treadmill_running",
        1024 => "open_water_swimming",
        2048 => "indoor_cycling",
        4096 => "elliptical",
        8192 => "jump_rope",
        16_384 => "yoga",
        32_768 => "soccer",
        65_536 => "indoor_rowing",
        131_072 => "cricket",
        262_144 => "basketball",
        524_288 => "table_tennis",
        1_048_576 => "badminton",
        2_097_152 => "strength_training",
        4_194_304 => "hiking",
        8_388_608 => "climbing",
        n => return format!("gadgetbridge_{n}"),
    };
    name.to_owned()
}

/// Totals out of a summary: `{"distanceMeters": {"value": 1200, "unit": "meters"}}`.
pub(super) fn summary(json: &str) -> Vec<(String, f64)> {
    let Ok(data) = serde_json::from_str::<serde_json::Value>(json) else { return Vec::new() };
    [
        ("distanceMeters", "distance.sum"),
        ("steps", "steps.sum"),
        ("stepCount", "steps.sum"),
        ("caloriesBurnt", "active_energy.sum"),
        ("averageHR", "heart_rate.mean"),
        ("maxHR", "heart_rate.max"),
        ("minHR", "heart_rate.min"),
        ("activeSeconds", "move_time.sum"),
        ("ascentMeters", "elevation_gained.sum"),
    ]
    .into_iter()
    .filter_map(|(field, name)| {
        let entry = data.get(field)?;
        let value = entry.get("value").unwrap_or(entry).as_f64()?;
        (value > 0.0).then(|| (name.to_owned(), value))
    })
    .collect()
}
