//! `cuba health sources` and `priority`.

use clap::Args;
use cuba_health::metric::Metric;
use cuba_health::store::{Source, SourceId, SourceKind, Store};
use serde::Serialize;

use super::answer;
use super::open::Place;
use crate::exit::{Code, Failure, Outcome};

#[derive(Debug, Args)]
#[command(after_help = "\
Names one metric or none (all), then sources from the most to the least preferred. Sources left out come after, by \
their kind. Without sources the present order is shown.")]
pub(super) struct PriorityArgs {
    /// A metric's id (optional), then sources by number, name or key
    #[arg(value_name = "METRIC|SOURCE")]
    names: Vec<String>,
    /// Go back to the order by kind
    #[arg(long)]
    reset: bool,
}

#[derive(Serialize)]
struct Row {
    number: u16,
    key: String,
    name: String,
    kind: SourceKind,
    metrics: Vec<MetricRow>,
}

#[derive(Serialize)]
struct MetricRow {
    metric: Metric,
    /// Place among the metric's sources, from 1.
    preference: usize,
}

pub(super) fn list(place: &Place) -> Outcome {
    let store = place.store()?;
    let series = store.series()?;
    let rows: Vec<Row> = store
        .sources()?
        .into_iter()
        .map(|s| Row {
            number: s.id.number(),
            metrics: series
                .iter()
                .filter_map(|(metric, sources)| {
                    let place = sources.iter().position(|x| *x == s.id)?;
                    Some(MetricRow { metric: *metric, preference: place + 1 })
                })
                .collect(),
            key: s.key,
            name: s.name,
            kind: s.kind,
        })
        .collect();
    answer(place, &rows, |out| {
        if rows.is_empty() {
            return writeln!(out, "{}", super::show::nothing_yet(place));
        }
        for r in &rows {
            let metrics: Vec<String> = r
                .metrics
                .iter()
                .map(|m| {
                    if m.preference > 1 {
                        format!("{} ({}.)", m.metric, m.preference)
                    } else {
                        m.metric.to_string()
                    }
                })
                .collect();
            writeln!(out, "{:>3}  {} [{}]  {}", r.number, r.name, r.kind.name(), r.key)?;
            writeln!(out, "     {}", if metrics.is_empty() { "-".to_owned() } else { metrics.join(", ") })?;
        }
        Ok(())
    })
}

#[derive(Serialize)]
struct Order {
    metric: Option<Metric>,
    sources: Vec<OrderedSource>,
}

#[derive(Serialize)]
struct OrderedSource {
    number: u16,
    key: String,
    name: String,
}

pub(super) fn priority(place: &Place, args: &PriorityArgs) -> Outcome {
    let store = place.store()?;
    let metric = args.names.first().and_then(|n| n.parse::<Metric>().ok());
    let names = args.names.get(usize::from(metric.is_some())..).unwrap_or_default();
    let all = store.sources()?;
    if !names.is_empty() || args.reset {
        let order = if args.reset {
            Vec::new()
        } else {
            names.iter().map(|n| source(&all, n)).collect::<Result<Vec<SourceId>, Failure>>()?
        };
        store.set_priority(metric, &order)?;
    }
    show(place, &store, metric, &all)
}

fn show(place: &Place, store: &Store, metric: Option<Metric>, all: &[Source]) -> Outcome {
    // The order for all is that of a metric that has none of its own; heart rate stands for them.
    let ids = store.priority(metric.unwrap_or(Metric::HeartRate))?;
    let sources = ids
        .iter()
        .filter_map(|id| all.iter().find(|s| s.id == *id))
        .map(|s| OrderedSource { number: s.id.number(), key: s.key.clone(), name: s.name.clone() })
        .collect();
    let order = Order { metric, sources };
    answer(place, &order, |out| {
        for (i, s) in order.sources.iter().enumerate() {
            writeln!(out, "{:>3}. {} (source {})", i + 1, s.name, s.number)?;
        }
        Ok(())
    })
}

/// A source by its number, key or name.
pub(super) fn source(all: &[Source], text: &str) -> Result<SourceId, Failure> {
    let number = text.parse::<u16>().ok();
    let folded = text.to_lowercase();
    let mut found = all.iter().filter(|s| Some(s.id.number()) == number || s.key == text);
    let named = || all.iter().filter(|s| s.name.to_lowercase() == folded);
    let one = found.next().or_else(|| named().next().filter(|_| named().count() == 1));
    one.map(|s| s.id).ok_or_else(|| {
        Failure::new(Code::BadInput, format_args!("`{text}` is neither a metric nor a source"))
            .hint("`cuba health sources` lists both")
    })
}
