//! Translates a sentence: `cargo run -p cuba-ffi --example translate HOME MODEL_FOLDER`. Everything stays on this machine.

#![allow(clippy::print_stdout, reason = "an example shows what it finds")]

use std::error::Error;
use std::sync::Arc;

use cuba_packs::{FolderSource, Hints, InstallOptions, Quiet, Store, ThisDevice};
use cuba_translate::{Cancel, Event, TextRequest, Translator, installed};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (home, model) = args.next().zip(args.next()).ok_or("name a home directory and a model's folder")?;
    let store = Arc::new(Store::open(&home, Arc::new(ThisDevice))?);
    if store.list()?.packs.is_empty() {
        let direction = Some(cuba_packs::Direction { from: "en".into(), to: "es".into() });
        let source = FolderSource::open(&model, &Hints { direction, ..Hints::default() })?;
        store.install(&source, &InstallOptions::default(), &Quiet)?;
    }
    let translator = Translator::new(installed::engines(&store, &installed::EngineSettings::default())?);
    let request = TextRequest::new("Good morning. Where is the hospital?", "es".parse()?);
    let done = translator.translate(&request, &Cancel::new(), &mut |event: Event<'_>| {
        if let Event::Translated { index, of, segment, .. } = event {
            println!("{}/{of} {}", index + 1, segment.target);
        }
    })?;
    println!("{} ({} confidence, {})", done.text, done.confidence.as_str(), done.engine);
    Ok(())
}
