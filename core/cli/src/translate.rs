//! `cuba translate`.

use std::io::{IsTerminal as _, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use cuba_translate::engine::EngineChoice as Choice;
use cuba_translate::{
    Cancel, Completion, Confidence, Engines, Event, LanguageCode, LineTranslation, Reason, Settings,
    TextRequest, TextTranslation, TranslateError, Translator,
};

use crate::args::TranslateArgs;
use crate::engines::{self, Wanted};
use crate::exit::{Failure, Outcome};
use crate::lines::Lines;
use crate::record::Record;
use crate::{interrupt, screen};

pub(crate) fn run(home: &Path, args: &TranslateArgs) -> Outcome {
    let to = args.to;
    let choice = args.engine.into();
    let wanted = Wanted::from(args);
    let store = engines::store(home)?;
    let mut engines = engines::installed(&store, &wanted)?;
    let cancel = Cancel::new();
    let flag = cancel.clone();
    interrupt::on_interrupt(move || flag.cancel())?;
    if let Some(missing) = missing_route(&engines, args.from, to, choice) {
        if !args.get || args.plan {
            return Err(missing.into());
        }
        engines::fetch_for(&store, args, missing, cancel.flag())?;
        engines = engines::installed(&store, &wanted)?;
        if let Some(missing) = missing_route(&engines, args.from, to, choice) {
            return Err(missing.into());
        }
    }
    if args.plan {
        return plan(&engines, args, choice);
    }
    if let Some(from) = args.from {
        engines::check(&store, &engines.route(&from, &to, choice)?)?;
    }
    let settings = Settings { engine: choice, ..Settings::default() };
    let translator = Translator::new(engines);
    match &args.text {
        Some(text) => text_argument(&translator, text, args, settings, &cancel),
        None => standard_input(&translator, args, &settings, &cancel),
    }
}

/// What is missing for the request, as far as that shows before any text is read: with an unknown source language,
/// that nothing at all leads to the target.
fn missing_route(
    engines: &Engines,
    from: Option<LanguageCode>,
    to: LanguageCode,
    choice: Choice,
) -> Option<TranslateError> {
    match from {
        Some(from) => engines.route(&from, &to, choice).err(),
        None if engines.sources_for(&to, choice).len() > 1 => None,
        // Only the target itself is "reachable": name the likeliest pair in the message.
        None => Some(TranslateError::NoRoute { from: likely_source(to), to, choice }),
    }
}

/// The language a text for `to` is most likely in when nothing else is known.
fn likely_source(to: LanguageCode) -> LanguageCode {
    if to.base() == "en" { "es".parse().unwrap_or(LanguageCode::ENGLISH) } else { LanguageCode::ENGLISH }
}

fn plan(engines: &Engines, args: &TranslateArgs, choice: Choice) -> Outcome {
    let sources = match args.from {
        Some(from) => vec![from],
        None => engines.sources_for(&args.to, choice),
    };
    let mut out = std::io::stdout().lock();
    for from in sources {
        if from.matches(&args.to) {
            continue;
        }
        let route = engines.route(&from, &args.to, choice)?;
        let via = route.via().map(|v| format!(" through {v}")).unwrap_or_default();
        writeln!(out, "{from}-{}: {}{via}", args.to, route.engine_id())?;
    }
    Ok(())
}

fn text_argument(
    translator: &Translator,
    text: &str,
    args: &TranslateArgs,
    settings: Settings,
    cancel: &Cancel,
) -> Outcome {
    let mut request = TextRequest::new(text, args.to).with_settings(settings);
    request.from = args.from;
    // On a terminal the text grows sentence by sentence; into a pipe it goes whole, so that a failure leaves nothing.
    let stream = !args.json && std::io::stdout().is_terminal();
    let mut failed = None;
    let result = translator.translate(&request, cancel, &mut |event: Event<'_>| {
        if let (true, Event::Translated { segment, before, .. }) = (stream, event) {
            let mut out = std::io::stdout().lock();
            if let Err(error) = write!(out, "{before}{}", segment.target).and_then(|()| out.flush()) {
                failed = Some(error);
                cancel.cancel();
            }
        }
    });
    let done = result?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &Record::of_text(&done, text)).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else if stream {
        writeln!(out)?;
        doubts(&done);
    } else {
        writeln!(out, "{}", done.text)?;
    }
    ended(done.completion)
}

/// On a terminal, says why a translation deserves a second look.
fn doubts(done: &TextTranslation) {
    if done.confidence < Confidence::High {
        let reasons: Vec<&str> = done.reasons.iter().map(|r| Reason::as_str(*r)).collect();
        let line = format!("confidence {}: {}", done.confidence.as_str(), reasons.join(", "));
        let _ = writeln!(anstream::stderr(), "{}", screen::dim(&line));
    }
}

fn standard_input(
    translator: &Translator,
    args: &TranslateArgs,
    settings: &Settings,
    cancel: &Cancel,
) -> Outcome {
    if std::io::stdin().is_terminal() {
        return conversation(translator, args, settings, cancel);
    }
    let mut lines = Lines::from_stdin(cancel.clone());
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut failed = None;
    let summary = translator.translate_lines(
        args.from,
        args.to,
        settings,
        &mut lines,
        |line| match write_line(&mut out, &line, args.json) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        },
        cancel,
    );
    // Whatever happened, the finished lines belong to the user.
    let flushed = out.flush();
    if let Some(error) = failed {
        return Err(error.into());
    }
    let summary = summary?;
    flushed?;
    if let Some(failure) = lines.failure() {
        return Err(failure);
    }
    // A Ctrl-C while input was awaited ends the lines like their end would.
    ended(if cancel.is_cancelled() { Completion::Cancelled } else { summary.completion })
}

/// Somebody types: each line is answered before the next one is read.
fn conversation(
    translator: &Translator,
    args: &TranslateArgs,
    settings: &Settings,
    cancel: &Cancel,
) -> Outcome {
    screen::note("type a line to translate it; Ctrl-D ends");
    let mut lines = Lines::from_stdin(cancel.clone());
    for line in lines.by_ref() {
        text_argument(translator, &line, args, settings.clone(), cancel)?;
    }
    lines.failure().map_or(Ok(()), Err)
}

fn write_line(out: &mut impl std::io::Write, line: &LineTranslation, json: bool) -> std::io::Result<()> {
    if json {
        serde_json::to_writer(&mut *out, &Record::of_line(line))?;
        writeln!(out)
    } else {
        writeln!(out, "{}", line.text)
    }
}

fn ended(completion: Completion) -> Outcome {
    match completion {
        Completion::Complete => Ok(()),
        Completion::Cancelled => Err(Failure::cancelled()),
    }
}
