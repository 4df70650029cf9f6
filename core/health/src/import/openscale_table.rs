//! openScale's CSV: weights in kilograms, shares of fat, water and muscle in per cent, girths in centimetres. Version 3
//! names columns in capitals (`BODY_FAT`) and has a column of the date and one of the time.

use super::csv::header;
use super::intake::Intake;
use super::table::{Table, plain};
use super::when::{self, Order};
use super::{Format, Importer, Input, Stop};
use crate::metric::Metric;
use crate::store::{Event, SkipReason, SourceKind};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::OpenScale,
    recognises: |input| {
        header(input).is_some_and(|h| {
            let has = |name: &str| h.iter().any(|c| plain(c) == name);
            has("weight")
                && (has("datetime") || has("date"))
                && (has("lbm") || has("visceralfat") || has("caliper1") || (has("lbw") && has("muscle")))
        })
    },
    import: |input, batch, context| read(input, &mut Intake::new(batch, context)),
};

/// Kinds that are a metric as they stand, by letters and digits: name, metric, usual unit.
const KINDS: &[(&str, Metric, &str)] = &[
    ("weight", Metric::Weight, "kg"),
    ("fat", Metric::BodyFat, "%"),
    ("bodyfat", Metric::BodyFat, "%"),
    ("bone", Metric::BoneMass, "kg"),
    ("lbm", Metric::LeanMass, "kg"),
    ("lbw", Metric::LeanMass, "kg"),
    ("visceralfat", Metric::VisceralFat, ""),
    ("waist", Metric::WaistCircumference, "cm"),
    ("bmi", Metric::BodyMassIndex, "kg/m\u{b2}"),
    ("bmr", Metric::BasalMetabolicRate, "kcal/d"),
    ("heartrate", Metric::HeartRate, "bpm"),
    ("calories", Metric::EnergyEaten, "kcal"),
];
/// Kinds that are a share of the weight.
const SHARES: &[(&str, Metric)] = &[("water", Metric::BodyWater), ("muscle", Metric::MuscleMass)];

/// The metric and usual unit of a kind.
pub(super) fn kind_of(name: &str) -> Option<(Metric, &'static str)> {
    KINDS.iter().find(|k| k.0 == plain(name)).map(|k| (k.1, k.2))
}

/// The metric of a kind that is a share of the weight.
pub(super) fn share_of(name: &str) -> Option<Metric> {
    SHARES.iter().find(|s| s.0 == plain(name)).map(|s| s.1)
}

fn read(input: &Input, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let mut table = Table::open(input.reader()?, 0)?;
    let source = intake.source("openscale", "openScale", SourceKind::Scale)?;
    let time = table.column(&["dateTime", "date"]);
    let clock = table.column(&["time"]);
    let comment = table.column(&["comment"]);
    let weight = table.column(&["weight"]);
    let kinds: Vec<_> =
        table.header().iter().enumerate().filter_map(|(i, h)| kind_of(h).map(|k| (i, k))).collect();
    let shares: Vec<_> =
        table.header().iter().enumerate().filter_map(|(i, h)| share_of(h).map(|m| (i, m))).collect();
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        let text = format!("{} {}", table.text(time), table.text(clock));
        let Some(at) = when::parse(&text, Order::DayFirst, intake.context.zone) else {
            intake.skip(SkipReason::BadTime, "row");
            continue;
        };
        let before = intake.read();
        // The app writes 0 for what was not measured.
        let given = |column: usize| table.number(Some(column)).filter(|v| *v > 0.0);
        for (column, (metric, unit)) in &kinds {
            if let Some(value) = given(*column).and_then(|v| metric.info().unit.convert(v, unit)) {
                intake.at(*metric, source, at.ms, value, Some(at.offset))?;
            }
        }
        for (column, metric) in &shares {
            if let Some((share, whole)) = given(*column).zip(weight.and_then(given)) {
                let kilograms = (share * whole).round() / 100.0;
                intake.at(*metric, source, at.ms, kilograms, Some(at.offset))?;
            }
        }
        let note = table.text(comment);
        if !note.is_empty() {
            let event = Event {
                kind: "note".to_owned(),
                start_ms: at.ms,
                end_ms: at.ms,
                offset_min: at.offset,
                text: note.chars().take(2000).collect(),
                ..Event::default()
            };
            intake.batch.event(source, event)?;
        }
        if intake.read() == before {
            intake.skip(SkipReason::BadValue, "row");
        }
        intake.progress(table.position())?;
    }
    Ok(())
}
