//! A workout while its children are read.

use std::collections::BTreeMap;

use super::super::xml::{Tag, unescape};
use super::kinds::convert;
use super::text::{Moment, moment, snake};
use crate::metric::{Kind, Metric};
use crate::store::{SourceId, Workout};

/// A real workout has some dozens of values.
const MAX_VALUES: usize = 500;

/// A workout and what is known of it so far.
pub(super) struct Draft {
    pub(super) source: SourceId,
    pub(super) workout: Workout,
    values: BTreeMap<String, f64>,
    /// Totals of old exports, used where no statistics say the same.
    totals: Vec<(String, f64)>,
    /// Names of the route's files.
    pub(super) routes: Vec<String>,
    /// Within the part of a workout of several activities, whose sums are not the whole's.
    pub(super) in_activity: bool,
    pub(super) in_route: bool,
}

impl Draft {
    /// From the tag of a workout with valid times.
    pub(super) fn of(tag: &Tag<'_>, source: SourceId, start: Moment, end_ms: i64) -> Self {
        let activity = unescape(tag.get("workoutActivityType").unwrap_or_default());
        let kind = snake(activity.strip_prefix("HKWorkoutActivityType").unwrap_or(&activity));
        let mut totals = Vec::new();
        let distance = match kind.as_str() {
            "cycling" | "hand_cycling" => Metric::DistanceCycling,
            "swimming" => Metric::DistanceSwimming,
            "downhill_skiing" | "snowboarding" => Metric::DistanceSnow,
            "wheelchair_walk_pace" | "wheelchair_run_pace" => Metric::DistanceWheelchair,
            _ => Metric::Distance,
        };
        for (value, unit, metric) in [
            ("totalDistance", "totalDistanceUnit", distance),
            ("totalEnergyBurned", "totalEnergyBurnedUnit", Metric::ActiveEnergy),
            ("totalFlightsClimbed", "totalFlightsClimbedUnit", Metric::Floors),
            ("totalSwimmingStrokeCount", "totalSwimmingStrokeCountUnit", Metric::SwimmingStrokes),
        ] {
            let unit = tag.get(unit).unwrap_or(b"count");
            let total = tag.get(value).and_then(|raw| convert(metric, raw, unit));
            // Old exports write 0 for what was not measured.
            totals.extend(total.filter(|t| *t > 0.0).map(|t| (format!("{}.sum", metric.id()), t)));
        }
        let workout = Workout {
            kind: kind.chars().take(60).collect(),
            start_ms: start.0,
            end_ms,
            offset_min: start.1,
            ..Workout::default()
        };
        Self {
            source,
            workout,
            values: BTreeMap::new(),
            totals,
            routes: Vec::new(),
            in_activity: false,
            in_route: false,
        }
    }

    /// A `WorkoutStatistics` child.
    pub(super) fn statistics(&mut self, tag: &Tag<'_>) {
        if self.in_activity || self.values.len() >= MAX_VALUES {
            return;
        }
        let name = unescape(tag.get("type").unwrap_or_default());
        let Some(metric) = Metric::from_healthkit(&name) else { return };
        let unit = tag.get("unit").unwrap_or_default();
        for (attribute, statistic) in
            [("sum", "sum"), ("average", "mean"), ("minimum", "min"), ("maximum", "max")]
        {
            // A sum of readings means nothing.
            if statistic == "sum" && metric.info().kind != Kind::Cumulative {
                continue;
            }
            if let Some(value) = tag.get(attribute).and_then(|raw| convert(metric, raw, unit)) {
                self.values.insert(format!("{}.{statistic}", metric.id()), value);
            }
        }
    }

    /// A `MetadataEntry` of the workout itself.
    pub(super) fn metadata(&mut self, key: &[u8], value: &[u8]) {
        if self.in_activity || self.in_route {
            return;
        }
        let quantity = |metric: Metric| {
            let gap = value.iter().position(|&b| b == b' ')?;
            convert(metric, value.get(..gap)?, value.get(gap + 1..)?)
        };
        let (name, number) = match key {
            b"HKElevationAscended" => ("elevation_gained.sum", quantity(Metric::ElevationGained)),
            b"HKAverageMETs" => ("physical_effort.mean", quantity(Metric::PhysicalEffort)),
            b"HKWorkoutBrandName" => {
                self.workout.title = unescape(value).chars().filter(|c| !c.is_control()).take(120).collect();
                return;
            }
            _ => return,
        };
        if let Some(number) = number {
            self.values.insert(name.to_owned(), number);
        }
    }

    /// The finished workout.
    pub(super) fn finish(mut self) -> (SourceId, Workout) {
        for (name, total) in self.totals {
            self.values.entry(name).or_insert(total);
        }
        self.workout.values = self.values.into_iter().collect();
        (self.source, self.workout)
    }
}

/// Kind, start and length of a `WorkoutEvent`: `workout.pause`.
pub(super) fn event(tag: &Tag<'_>) -> Option<(String, Moment, i64)> {
    let at = moment(tag.get("date")?)?;
    let name = unescape(tag.get("type")?);
    let name = name.strip_prefix("HKWorkoutEventType").unwrap_or(&name);
    let kind = format!("workout.{}", snake(&name.chars().take(40).collect::<String>()));
    let minutes = convert(
        Metric::ExerciseTime,
        tag.get("duration").unwrap_or(b"0"),
        tag.get("durationUnit").unwrap_or(b"min"),
    );
    let length = minutes.filter(|s| (0.0..=90_000.0).contains(s)).unwrap_or(0.0);
    Some((kind, at, at.0 + (length * 1000.0).round() as i64))
}
