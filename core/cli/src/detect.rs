//! `cuba detect`.

use std::io::{Read as _, Write as _};
use std::path::Path;

use cuba_translate::{Engines, LanguageCode, Translator};
use serde_json::json;

use crate::args::DetectArgs;
use crate::engines::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};

/// Detection never needs more than this much of a text, and a pipe may be endless.
const ENOUGH: u64 = 64 * 1024;

pub(crate) fn run(home: &Path, args: &DetectArgs) -> Outcome {
    let text = match &args.text {
        Some(text) => text.clone(),
        None => standard_input()?,
    };
    let among = if args.among.is_empty() { installed_languages(home)? } else { args.among.clone() };
    let found = Translator::new(Engines::new()).detect(&text, &among, &[]);
    let mut out = std::io::stdout().lock();
    if args.json {
        let ranked: Vec<_> = found
            .ranked
            .iter()
            .map(|(language, p)| json!({ "language": language.as_str(), "probability": (f64::from(*p) * 1e4).round() / 1e4 }))
            .collect();
        let language = found.language.map(|l| l.to_string());
        writeln!(out, "{}", json!({ "language": language, "ranked": ranked }))?;
        return Ok(());
    }
    if let Some(language) = found.language {
        writeln!(out, "{language}\t{}", language.own_name().unwrap_or_default())?;
    } else {
        let best: Vec<&str> = found.ranked.iter().take(3).map(|(l, _)| l.as_str()).collect();
        let perhaps = if best.is_empty() { String::new() } else { format!("\tperhaps {}", best.join(", ")) };
        writeln!(out, "unsure{perhaps}")?;
    }
    Ok(())
}

/// The languages that installed packs translate from or to; none installed means every language that detection knows.
fn installed_languages(home: &Path) -> Result<Vec<LanguageCode>, Failure> {
    let engines = engines::installed(&engines::store(home)?, &Wanted::default())?;
    let mut languages: Vec<LanguageCode> =
        engines.directions().into_iter().flat_map(|d| [d.from, d.to]).collect();
    languages.sort_unstable();
    languages.dedup();
    Ok(languages)
}

fn standard_input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(ENOUGH).read_to_end(&mut bytes)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        // The limit may have cut the last character in two; anything worse is not UTF-8.
        Err(error) if error.utf8_error().error_len().is_none() => {
            let valid = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(valid);
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        Err(_) => Err(Failure::new(Code::BadInput, "the input is not valid UTF-8")
            .hint("convert it first, for example: iconv -f latin1 -t utf-8 FILE")),
    }
}
