//! The engines that this home's packs make, and fetching the pack that a pair lacks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cuba_packs::{
    Device as _, FolderSource, Hints, InstallOptions, Kind, PackRef, Quiet, Source as _, Store, ThisDevice,
};
use cuba_translate::installed::{self, EngineSettings};
use cuba_translate::{Engines, LanguageCode, Route, TranslateError};

use crate::args::{EngineChoice, TranslateArgs};
use crate::exit::{Code, Failure, Outcome};
use crate::packs::{self, Shelf, ShelfArgs};
use crate::screen;

/// Language models that translate, best first, with the memory below which the next one is taken.
/// FLORES en-es chrF of the first two: 49 and 34 (docs/accuracy.md).
const TRANSLATING_MODELS: [(&str, u64); 2] = [("qwen2.5-coder-1.5b", 3 << 30), ("gemma-3-270m", 0)];

/// Which engines a command wants.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    settings: EngineSettings,
}

impl From<&TranslateArgs> for Wanted {
    fn from(args: &TranslateArgs) -> Self {
        let threads = args.threads.map(usize::from);
        Self {
            settings: EngineSettings { threads, beam: args.beam.map(usize::from), only: args.pack.clone() },
        }
    }
}

/// The packs under a home, with the starter packs that came along installed once.
pub(crate) fn store(home: &Path) -> Result<Arc<Store>, Failure> {
    let store = packs::open(home)?;
    if let Some(folder) = std::env::var_os("CUBA_STARTER_PACKS").map(PathBuf::from) {
        install_starters(&store, &folder)?;
    }
    Ok(Arc::new(store))
}

/// Copies bundled packs into the store: from then on they are packs like any other. A starter pack that was removed
/// comes back only with a new version, so that `cuba packs remove` means what it says.
fn install_starters(store: &Store, folder: &Path) -> Outcome {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| path.join("manifest.json").is_file());
    folders.sort();
    for path in folders {
        let source = FolderSource::open(&path, &Hints::default())?;
        let about = &source.offer().about;
        let mark = store.root().join("starters").join(format!("{}@{}", about.id, about.version));
        if mark.exists() || !store.is_writable() {
            continue;
        }
        store.install(&source, &InstallOptions::default(), &Quiet)?;
        std::fs::create_dir_all(store.root().join("starters"))?;
        std::fs::write(&mark, b"")?;
    }
    Ok(())
}

/// Lazy engines over what is installed: nothing is loaded.
pub(crate) fn installed(store: &Arc<Store>, wanted: &Wanted) -> Result<Engines, Failure> {
    Ok(installed::engines(store, &wanted.settings)?)
}

/// Checks files and memory of a route before any text is read, so that a damaged pack is named by its own exit code.
pub(crate) fn check(store: &Store, route: &Route) -> Outcome {
    let legs = match route {
        Route::Same => vec![],
        Route::Direct(leg) => vec![leg],
        Route::Pivot(first, second) => vec![first, second],
    };
    for leg in legs {
        installed::check(store, &*leg.engine)?;
    }
    Ok(())
}

/// Fetches what `missing` lacks: translation models from a registry where one is known, else a language model.
pub(crate) fn fetch_for(
    store: &Store,
    args: &TranslateArgs,
    missing: TranslateError,
    cancel: &AtomicBool,
) -> Outcome {
    let TranslateError::NoRoute { from, to, .. } = missing else { return Err(missing.into()) };
    let shelf = Shelf::open(store, &ShelfArgs::from_environment())?;
    let wanted = match translation_packs(&shelf, from, to) {
        Some(packs) if args.engine != EngineChoice::Llm => packs,
        _ if args.engine == EngineChoice::Nmt => return Err(missing.into()),
        _ if !cfg!(feature = "llm") => {
            return Err(Failure::from(missing).hint(
                "this build has no language-model engine; `scripts/cuba translate` builds one, \
                 or build with --features llm",
            ));
        }
        _ => vec![language_model(args.pack.as_deref())],
    };
    for pack in wanted {
        screen::note(format_args!("{from}-{to} needs the pack {pack}; fetching it"));
        packs::get(store, &shelf, &pack, args.accept_licence, cancel)?;
    }
    Ok(())
}

/// The neural packs that lead from one language to the other: one, or two through English.
fn translation_packs(shelf: &Shelf, from: LanguageCode, to: LanguageCode) -> Option<Vec<PackRef>> {
    let find = |from: LanguageCode, to: LanguageCode| {
        let serves = |d: &cuba_packs::Direction| d.from == from.as_str() && d.to == to.as_str();
        let mut offers = shelf.offers().filter(|offer| offer.about.kind == Kind::Nmt);
        let offer = offers.find(|offer| offer.about.directions.iter().any(serves))?;
        Some(PackRef { id: offer.about.id.clone(), version: Some(offer.about.version.clone()) })
    };
    let english = LanguageCode::ENGLISH;
    find(from, to).map(|pack| vec![pack]).or_else(|| Some(vec![find(from, english)?, find(english, to)?]))
}

/// The best translating language model that this device has the memory for.
fn language_model(asked: Option<&str>) -> PackRef {
    let available = ThisDevice.memory_available().unwrap_or(u64::MAX);
    let named = TRANSLATING_MODELS.iter().find(|(id, _)| asked.is_some_and(|asked| id.contains(asked)));
    let fits = || TRANSLATING_MODELS.iter().find(|(_, memory)| available >= *memory);
    let id = named.or_else(fits).map_or("gemma-3-270m", |(id, _)| *id);
    PackRef { id: id.to_owned(), version: None }
}

impl From<TranslateError> for Failure {
    fn from(error: TranslateError) -> Self {
        let code = match &error {
            TranslateError::NoRoute { .. } => Code::Missing,
            TranslateError::LanguageUnsure { .. } => Code::BadInput,
            TranslateError::Damaged { .. } => Code::Damaged,
            TranslateError::Memory { .. } => Code::NoRoom,
            _ => Code::Failed,
        };
        let failure = Self::new(code, &error);
        match error {
            TranslateError::NoRoute { .. } => failure.hint(
                "`cuba packs list --available` shows packs to fetch; `cuba translate --get` fetches one",
            ),
            _ => failure,
        }
    }
}
