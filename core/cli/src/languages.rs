//! `cuba languages`.

use std::io::Write as _;
use std::path::Path;

use cuba_translate::engine::{Direction, EngineChoice};
use cuba_translate::{Engines, LanguageCode};
use serde_json::json;

use crate::args::JsonArgs;
use crate::engines::{self, Wanted};
use crate::exit::Outcome;

pub(crate) fn run(home: &Path, args: &JsonArgs) -> Outcome {
    let engines = engines::installed(&engines::store(home)?, &Wanted::default())?;
    let mut out = std::io::stdout().lock();
    let directions = reachable(&engines);
    if args.json {
        let list: Vec<_> = directions
            .iter()
            .map(|(d, engine, via)| json!({ "from": d.from.as_str(), "to": d.to.as_str(), "engine": engine, "via": via }))
            .collect();
        writeln!(out, "{}", json!({ "directions": list }))?;
        return Ok(());
    }
    if directions.is_empty() {
        writeln!(out, "no direction is installed; `cuba packs list` shows what can be fetched")?;
    }
    for (direction, engine, via) in directions {
        let via = via.map(|v| format!(" through {v}")).unwrap_or_default();
        let name = |l: LanguageCode| l.own_name().map_or_else(|| l.to_string(), str::to_owned);
        writeln!(out, "{direction:<7}\t{} > {}\t{engine}{via}", name(direction.from), name(direction.to))?;
    }
    Ok(())
}

/// Every pair of installed languages that can be translated, with the engines and the language between.
fn reachable(engines: &Engines) -> Vec<(Direction, String, Option<String>)> {
    let mut languages: Vec<LanguageCode> =
        engines.directions().into_iter().flat_map(|d| [d.from, d.to]).collect();
    languages.sort_unstable();
    languages.dedup();
    let mut found = Vec::new();
    for from in &languages {
        for to in languages.iter().filter(|to| !to.matches(from)) {
            if let Ok(route) = engines.route(from, to, EngineChoice::Auto) {
                found.push((
                    Direction::new(*from, *to),
                    route.engine_id(),
                    route.via().map(|v| v.to_string()),
                ));
            }
        }
    }
    found
}
