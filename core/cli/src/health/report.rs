//! `cuba health trends`, `insights` and `report`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use cuba_report::{compare, doctor};

use super::open::Place;
use super::{answer, time, write_whole};
use crate::exit::Outcome;
use crate::screen;

#[derive(Debug, Args)]
pub(super) struct DayArgs {
    /// Look at the time up to this day
    #[arg(long, value_name = "DAY", default_value = "today")]
    to: String,
}

pub(super) fn trends(place: &Place, args: &DayArgs) -> Outcome {
    let to = time::day(place, &args.to)?;
    let store = place.store()?;
    let trends = compare::trends(&store, to, place.language())?;
    answer(place, &trends, |out| {
        writeln!(out, "{}", trends.sentence)?;
        trends.followed.iter().try_for_each(|f| writeln!(out, "  {}", f.sentence))
    })
}

pub(super) fn insights(place: &Place, args: &DayArgs) -> Outcome {
    let to = time::day(place, &args.to)?;
    let store = place.store()?;
    let told = compare::insights(&store, to, place.language())?;
    answer(place, &told, |out| {
        writeln!(out, "{}", told.tested)?;
        told.sentences.iter().try_for_each(|s| writeln!(out, "  {s}"))
    })
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("form").required(true).multiple(true).args(["html", "pdf"])))]
#[command(
    after_help = "The report holds health data in the clear: keep the file as you would keep the paper."
)]
pub(super) struct ReportArgs {
    /// Write one HTML file that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a PDF
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// First day [default: 90 days before the last]
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Last day [default: today]
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
}

pub(super) fn report(place: &Place, args: &ReportArgs) -> Outcome {
    let (from, to) = time::span(place, args.from.as_deref(), args.to.as_deref(), 90)?;
    let store = place.store()?;
    let report = doctor::report(&store, from, to, &place.setting)?;
    let mut files = Vec::new();
    if let Some(path) = &args.html {
        write_whole(path, |out| Ok(out.write_all(report.html().as_bytes())?))?;
        files.push(path.display().to_string());
    }
    if let Some(path) = &args.pdf {
        write_whole(path, |out| Ok(out.write_all(&report.pdf())?))?;
        files.push(path.display().to_string());
    }
    let done = serde_json::json!({ "from": from.date(), "to": to.date(), "files": files });
    if place.json {
        return super::print_json(&done);
    }
    screen::note(format_args!(
        "the report of {} to {} is in {}",
        from.date(),
        to.date(),
        files.join(" and ")
    ));
    Ok(())
}
