//! Any table of a person's own: which column is which metric is told by a [`Mapping`], or guessed from the header.

use serde::{Deserialize, Serialize};

use super::intake::Intake;
use super::table::{Table, plain};
use super::when::{self, Order, When};
use super::{Format, Imported, Importer, Input, Options, Stop};
use crate::HealthError;
use crate::metric::{Kind, Metric, Unit};
use crate::store::{SkipReason, SourceKind, Store};

pub(super) const IMPORTER: Importer = Importer {
    format: Format::Csv,
    recognises: |input| header(input).is_some_and(|h| Mapping::guess(&h).is_some()),
    import: |input, batch, context| {
        let mapping = header(input).and_then(|h| Mapping::guess(&h));
        let mapping = mapping.ok_or(HealthError::Unrecognised)?;
        read(input, &mapping, &mut Intake::new(batch, context))
    },
};

/// Which columns of a table hold what.
///
/// As text: `time=Date+Time; weight=Weight:lb; heart_rate=Pulse`, each metric's id with the name of its column and,
/// where the column is in another unit than the metric's, that unit. `end=` names the column of an end, `source=` what
/// the user reads, `dates=day` or `dates=month` the order of dates such as 03/04/2026.
///
/// ```
/// use cuba_health::import::Mapping;
/// let mapping = Mapping::parse("time=Datum+Zeit; weight=Gewicht:lb")?;
/// assert_eq!(mapping.time, ["Datum", "Zeit"]);
/// assert_eq!(mapping.columns[0].unit.as_deref(), Some("lb"));
/// # Ok::<(), cuba_health::HealthError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Name of the source; the file's own name when empty.
    #[serde(default)]
    pub source: String,
    /// Column of the time, or of the date and of the time.
    pub time: Vec<String>,
    /// Column of the end of a span.
    #[serde(default)]
    pub end: Option<String>,
    /// Whether the day comes first in dates such as 03/04/2026; found from the dates when not given.
    #[serde(default)]
    pub day_first: Option<bool>,
    /// The metrics.
    pub columns: Vec<MappedColumn>,
}

/// A column with a metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedColumn {
    /// Its name in the header.
    pub column: String,
    /// What it holds.
    pub metric: Metric,
    /// Its unit, if it is not the metric's.
    #[serde(default)]
    pub unit: Option<String>,
}

/// Names of a time column, in the languages of spreadsheets.
const TIMES: &[&str] = &[
    "datetime",
    "timestamp",
    "time",
    "date",
    "day",
    "start",
    "starttime",
    "startdate",
    "startdatetime",
    "datum",
    "zeit",
    "uhrzeit",
    "fecha",
    "hora",
    "data",
    "heure",
    "measuredat",
    "recordedat",
    "localtime",
    "dateandtime",
    "fechahora",
    "datetimelocal",
    "created",
    "createdat",
    "epoch",
    "unixtime",
];
const ENDS: &[&str] = &["end", "endtime", "enddate", "stop", "stoptime", "finish", "ende", "fin", "fim"];

/// Common names of metrics beside their ids, by letters and digits.
#[rustfmt::skip]
const NAMES: &[(Metric, &[&str])] = &[
    (Metric::HeartRate, &["hr", "heartrate", "bpm", "pulse", "puls", "pulso", "herzfrequenz", "frecuenciacardiaca", "frequencecardiaque", "frequenciacardiaca", "pulserate", "pouls"]),
    (Metric::RestingHeartRate, &["restingheartrate", "restinghr", "rhr", "ruhepuls"]),
    (Metric::HrvRmssd, &["rmssd", "hrvrmssd", "hrv"]),
    (Metric::HrvSdnn, &["sdnn", "hrvsdnn"]),
    (Metric::RrInterval, &["rr", "rrinterval", "rri", "ibi"]),
    (Metric::OxygenSaturation, &["spo2", "oxygensaturation", "bloodoxygen", "sauerstoff"]),
    (Metric::RespiratoryRate, &["respiratoryrate", "respirationrate", "breathingrate", "respiration"]),
    (Metric::BloodPressureSystolic, &["systolic", "sys", "systolisch", "sistolica", "systolique", "bpsystolic", "systolicbloodpressure"]),
    (Metric::BloodPressureDiastolic, &["diastolic", "dia", "diastolisch", "diastolica", "diastolique", "bpdiastolic", "diastolicbloodpressure"]),
    (Metric::BloodGlucose, &["glucose", "bloodglucose", "bloodsugar", "glucosa", "glycemie", "glicose", "blutzucker"]),
    (Metric::BodyTemperature, &["temperature", "bodytemperature", "temp", "temperatur", "temperatura"]),
    (Metric::Weight, &["weight", "bodyweight", "gewicht", "peso", "poids", "mass"]),
    (Metric::BodyFat, &["bodyfat", "bodyfatpercentage", "fatpercentage", "fatpercent", "fat", "korperfett", "grasacorporal", "massegrasse", "gordura"]),
    (Metric::BodyMassIndex, &["bmi", "imc", "bodymassindex"]),
    (Metric::MuscleMass, &["musclemass", "muskelmasse"]),
    (Metric::BoneMass, &["bonemass", "knochenmasse"]),
    (Metric::LeanMass, &["leanmass", "leanbodymass", "lbm"]),
    (Metric::VisceralFat, &["visceralfat"]),
    (Metric::Height, &["height", "altura", "taille", "grosse"]),
    (Metric::WaistCircumference, &["waist", "waistcircumference", "taillenumfang", "cintura"]),
    (Metric::Steps, &["steps", "stepcount", "totalsteps", "schritte", "pasos", "pas", "passos"]),
    (Metric::Distance, &["distance", "distanz", "distancia"]),
    (Metric::Floors, &["floors", "flights", "floorsclimbed"]),
    (Metric::ActiveEnergy, &["activecalories", "activeenergy", "caloriesburned"]),
    (Metric::EnergyEaten, &["calorieseaten", "energyeaten", "calorieintake"]),
    (Metric::Vo2Max, &["vo2max"]),
    (Metric::Water, &["waterintake", "water", "hydration"]),
    (Metric::Caffeine, &["caffeine", "cafeina", "koffein"]),
    (Metric::Alcohol, &["alcohol", "drinks"]),
    (Metric::Stress, &["stress", "stresslevel"]),
];

impl Mapping {
    /// Reads the short form; see the type.
    ///
    /// # Errors
    /// [`HealthError::Invalid`] when it names no time, no metric, or an unknown metric.
    pub fn parse(text: &str) -> Result<Self, HealthError> {
        let mut mapping = Self::default();
        for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| {
                HealthError::invalid("a mapping is a list of name=column, separated by ';'")
            })?;
            let value = value.trim();
            match key.trim() {
                "time" => mapping.time = value.split('+').map(|c| c.trim().to_owned()).collect(),
                "end" => mapping.end = Some(value.to_owned()),
                "source" => value.clone_into(&mut mapping.source),
                "dates" => mapping.day_first = Some(value.starts_with('d')),
                metric => {
                    let metric: Metric = metric.parse().map_err(|_| {
                        HealthError::invalid(
                            "a mapping names a metric that does not exist; see the list of metrics",
                        )
                    })?;
                    let (column, unit) = match value.rsplit_once(':') {
                        Some((column, unit)) => (column, Some(unit.trim().to_owned())),
                        None => (value, None),
                    };
                    if let Some(unit) = &unit
                        && metric.info().unit.convert(1.0, unit).is_none()
                    {
                        return Err(HealthError::invalid(
                            "a mapping gives a unit that does not fit its metric",
                        ));
                    }
                    mapping.columns.push(MappedColumn { column: column.trim().to_owned(), metric, unit });
                }
            }
        }
        if mapping.time.is_empty() || mapping.columns.is_empty() {
            return Err(HealthError::invalid("a mapping needs time=column and at least one metric=column"));
        }
        Ok(mapping)
    }

    /// What a header most likely means; nothing when it has no time or no metric.
    pub fn guess(header: &[String]) -> Option<Self> {
        let mut mapping = Self::default();
        let find = |names: &[&str]| names.iter().find_map(|n| header.iter().find(|h| bare(h) == *n)).cloned();
        let time = find(TIMES)?;
        // A date and a time of day in two columns.
        let (is_date, is_time) = (
            ["date", "day", "datum", "fecha", "data"].contains(&plain(&time).as_str()),
            ["time", "zeit", "uhrzeit", "hora", "heure"].contains(&plain(&time).as_str()),
        );
        mapping.time = vec![time];
        if is_date {
            mapping.time.extend(find(&["time", "zeit", "uhrzeit", "hora", "heure"]));
        } else if is_time && let Some(date) = find(&["date", "day", "datum", "fecha", "data"]) {
            mapping.time.insert(0, date);
        }
        mapping.end = find(ENDS);
        for name in header {
            let (without_unit, unit) = split_unit(name);
            let name_of = bare(without_unit);
            let metric = Metric::all()
                .find(|m| plain(m.id()) == name_of)
                .or_else(|| NAMES.iter().find(|n| n.1.contains(&name_of.as_str())).map(|n| n.0));
            let Some(metric) = metric else { continue };
            let unit = unit.filter(|u| metric.info().unit.convert(1.0, u).is_some());
            if mapping.columns.iter().any(|c| c.metric == metric) {
                continue;
            }
            mapping.columns.push(MappedColumn { column: name.clone(), metric, unit });
        }
        (!mapping.columns.is_empty()).then_some(mapping)
    }
}

/// Letters and digits without accents.
fn bare(name: &str) -> String {
    let letter = |c| match c {
        '\u{e0}'..='\u{e5}' => "a",
        '\u{e7}' => "c",
        '\u{e8}'..='\u{eb}' => "e",
        '\u{ec}'..='\u{ef}' => "i",
        '\u{f1}' => "n",
        '\u{f2}'..='\u{f6}' => "o",
        '\u{f9}'..='\u{fc}' => "u",
        '\u{df}' => "ss",
        _ => "",
    };
    let mut out = String::new();
    for c in plain(name).chars() {
        match letter(c) {
            "" => out.push(c),
            plain => out.push_str(plain),
        }
    }
    out
}

/// `Weight (lb)`, `weight [lb]`, `weight_lb`: the name and the unit.
fn split_unit(name: &str) -> (&str, Option<String>) {
    if let Some((bare, rest)) = name.split_once(['(', '[']) {
        let unit = rest.trim_end_matches([')', ']', ' ']).trim();
        return (bare, Some(unit.to_owned()));
    }
    if let Some((bare, unit)) = name.rsplit_once(['_', ' ']) {
        let unit = match unit.to_lowercase().as_str() {
            "kg" => "kg",
            "lb" | "lbs" => "lb",
            "g" => "g",
            "cm" => "cm",
            "m" => "m",
            "km" => "km",
            "mi" | "miles" => "mi",
            "ml" => "ml",
            "l" => "L",
            "mg" => "mg",
            "ms" => "ms",
            "bpm" => "bpm",
            "pct" | "percent" => "%",
            "mmhg" => "mmHg",
            "kcal" => "kcal",
            "kj" => "kJ",
            "c" => "°C",
            "f" => "°F",
            "mmol" => "mmol/L",
            "mgdl" => "mg/dL",
            _ => return (name, None),
        };
        return (bare, Some(unit.to_owned()));
    }
    (name, None)
}

/// Imports a table whose columns the user named.
///
/// # Errors
/// As [`super::import`]; [`HealthError::Invalid`] when the table lacks a column that the mapping names.
pub fn import_csv(
    store: &Store,
    path: &std::path::Path,
    mapping: &Mapping,
    options: &mut Options<'_>,
) -> Result<Imported, HealthError> {
    import_csv_input(store, &Input::open(path)?, mapping, options)
}

/// As [`import_csv`], of a file already opened or held in memory.
pub fn import_csv_input(
    store: &Store,
    input: &Input,
    mapping: &Mapping,
    options: &mut Options<'_>,
) -> Result<Imported, HealthError> {
    super::import_one(Format::Csv, store, input, options, &|input, batch, context| {
        read(input, mapping, &mut Intake::new(batch, context))
    })
}

/// The header of a file that looks like a table.
pub(super) fn header(input: &Input) -> Option<Vec<String>> {
    let head = input.head();
    let wide = head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]);
    if head.is_empty() || (!wide && head.contains(&0)) || matches!(head.first(), Some(b'{' | b'[' | b'<')) {
        return None;
    }
    let table = Table::open(head, 0).ok()?;
    (table.header().len() > 1).then(|| table.header().to_vec())
}

struct Columns {
    time: Vec<usize>,
    end: Option<usize>,
    values: Vec<(usize, Metric, Option<String>)>,
    order: Order,
}

fn read(input: &Input, mapping: &Mapping, intake: &mut Intake<'_, '_, '_>) -> Result<(), Stop> {
    let mut table = Table::open(input.reader()?, 0)?;
    let missing = || HealthError::invalid("the table has no column of a name that the mapping gives");
    let find = |name: &str| table.column(&[name]).ok_or_else(missing);
    let mut columns = Columns {
        time: mapping.time.iter().map(|n| find(n)).collect::<Result<_, _>>()?,
        end: mapping.end.as_deref().map(find).transpose()?,
        values: Vec::new(),
        order: Order::default(),
    };
    for c in &mapping.columns {
        columns.values.push((find(&c.column)?, c.metric, c.unit.clone()));
    }
    columns.order = match mapping.day_first {
        Some(true) => Order::DayFirst,
        Some(false) => Order::MonthFirst,
        None => {
            let mut peek = Table::open(input.reader()?, 0)?;
            order_in(&mut peek, columns.time.first().copied().unwrap_or(0))?.unwrap_or_default()
        }
    };
    let name = if mapping.source.is_empty() { input.name() } else { &mapping.source };
    let source = intake.source(&format!("csv:{}", plain(name)), name, SourceKind::Unknown)?;
    while table.next()? {
        if table.is_blank() {
            continue;
        }
        row(&table, &columns, source, intake)?;
        intake.progress(table.position())?;
    }
    Ok(())
}

/// Rows looked at to find the order of dates.
const PEEK: usize = 20_000;

/// The order of dates of a column, as far as its rows tell.
pub(super) fn order_in<R: std::io::Read>(table: &mut Table<R>, column: usize) -> Result<Option<Order>, Stop> {
    for _ in 0..PEEK {
        if !table.next()? {
            break;
        }
        if let Some(order) = when::order_of(table.get(column).trim()) {
            return Ok(Some(order));
        }
    }
    Ok(None)
}

fn row<R: std::io::Read>(
    table: &Table<R>,
    columns: &Columns,
    source: crate::store::SourceId,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), Stop> {
    let text: Vec<&str> = columns.time.iter().map(|c| table.get(*c).trim()).collect();
    let zone = intake.context.zone;
    let time = when::parse(&text.join(" "), columns.order, zone);
    let end = columns.end.and_then(|c| when::parse(table.get(c), columns.order, zone));
    let mut any = false;
    for (column, metric, unit) in &columns.values {
        if table.get(*column).trim().is_empty() {
            continue;
        }
        any = true;
        let Some(time) = time else {
            intake.skip(SkipReason::BadTime, metric.id());
            continue;
        };
        let Some(value) = number(table, *column, *metric) else {
            intake.skip(SkipReason::BadValue, metric.id());
            continue;
        };
        let unit = unit.as_deref().unwrap_or_else(|| likely_unit(*metric, value));
        let Some(value) = metric.info().unit.convert(value, unit) else {
            intake.skip(SkipReason::UnknownUnit, metric.id());
            continue;
        };
        put(*metric, source, time, end, value, intake)?;
    }
    if !any {
        intake.skip(SkipReason::BadValue, "row");
    }
    Ok(())
}

/// A value; of what is counted a dot before three digits parts thousands where commas stand before decimals.
fn number<R: std::io::Read>(table: &Table<R>, column: usize, metric: Metric) -> Option<f64> {
    let text = table.get(column).trim();
    let thousands = metric.info().unit == Unit::Count
        && table.decimal_comma()
        && text.split('.').skip(1).all(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit()));
    if thousands { super::table::number(&text.replace('.', ""), true) } else { table.number(Some(column)) }
}

/// The unit of a column that names none: the metric's, except where no value of one can be a value of the other.
fn likely_unit(metric: Metric, value: f64) -> &'static str {
    match metric {
        Metric::BloodGlucose if value >= 35.0 => "mg/dL",
        Metric::BodyTemperature | Metric::BasalBodyTemperature if value >= 60.0 => "°F",
        Metric::Height if value >= 3.0 => "cm",
        m => m.info().unit.symbol(),
    }
}

/// Stores a value at a moment, over a span, or of a day: an amount of a day lies over it, a reading at its noon.
pub(super) fn put(
    metric: Metric,
    source: crate::store::SourceId,
    time: When,
    end: Option<When>,
    value: f64,
    intake: &mut Intake<'_, '_, '_>,
) -> Result<(), HealthError> {
    let zone = intake.context.zone;
    let cumulative = metric.info().kind != Kind::Discrete;
    if let Some(end) = end.filter(|_| cumulative) {
        return intake.over(metric, source, (time.ms, end.ms), value, Some(time.offset));
    }
    match time.day_end(zone) {
        Some(end) if cumulative => intake.over(metric, source, (time.ms, end), value, Some(time.offset)),
        Some(end) => {
            let noon = time.ms + (end - time.ms) / 2;
            intake.at(metric, source, noon, value, None)
        }
        None => intake.at(metric, source, time.ms, value, Some(time.offset)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(header: &str) -> Option<String> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        let m = Mapping::guess(&header)?;
        let columns: Vec<String> = m
            .columns
            .iter()
            .map(|c| format!("{}={}:{}", c.metric, c.column, c.unit.as_deref().unwrap_or("")))
            .collect();
        Some(format!("{} {}", m.time.join("+"), columns.join(" ")))
    }

    #[test]
    fn headers_are_guessed() {
        for (header, expected) in [
            ("Date,Time,Weight (lb),Note", "Date+Time weight=Weight (lb):lb"),
            ("Fecha,Hora,Peso,Pulso", "Fecha+Hora weight=Peso: heart_rate=Pulso:"),
            (
                "timestamp,heart_rate_bpm,SpO2 [%]",
                "timestamp heart_rate=heart_rate_bpm:bpm oxygen_saturation=SpO2 [%]:%",
            ),
            (
                "Datum,K\u{f6}rperfett (%),Gr\u{f6}\u{df}e",
                "Datum body_fat=K\u{f6}rperfett (%):% height=Gr\u{f6}\u{df}e:",
            ),
            ("datetime,glucose_mgdl", "datetime blood_glucose=glucose_mgdl:mg/dL"),
        ] {
            assert_eq!(guess(header).as_deref(), Some(expected));
        }
        for header in ["a,b,c", "date,amount,payee", "weight,height"] {
            assert_eq!(guess(header), None, "{header}");
        }
    }

    #[test]
    fn mappings_say_what_is_wrong() {
        for text in ["", "time=A", "weight=W", "time=A; wieght=W", "time=A; weight=W:bpm", "time"] {
            assert!(matches!(Mapping::parse(text), Err(HealthError::Invalid { .. })), "{text}");
        }
    }
}
