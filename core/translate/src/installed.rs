//! Engines made of installed packs: the bridge from the pack store to the pipeline.
//!
//! The pipeline itself knows no packs. Whoever has a store (the command, an app) asks here for [`Engines`]: one lazy
//! engine a pack, so that looking at what is installed loads nothing, and a translation loads only what it needs, after
//! the store has checked the files and the memory.

use std::sync::Arc;

use cuba_packs::{About, Installed, Kind, Loaded, PackError, PackRef, Quiet, Role, Store};

use crate::engine::{Direction, Engine, EngineError, EngineKind, Lazy};
use crate::{Engines, LanguageCode};

/// How engines are to be made, and of which packs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineSettings {
    /// Threads of each engine; `None` for as many as the device has fast cores.
    pub threads: Option<usize>,
    /// Beam width of an engine's first try, 1 for greedy; `None` for what the pack asks for (`beam` among the extras of
    /// its manifest), and greedy where it does not say.
    pub beam: Option<usize>,
    /// Only packs whose id is or contains this translate; other translation packs still review what a language model wrote.
    pub only: Option<String>,
}

/// One lazy engine for each pack in use that can translate and that this build has an engine for.
///
/// Of two packs for one direction the larger comes first: starter packs step back behind fetched ones. A damaged
/// record hides only its own pack; [`Store::list`] names it.
pub fn engines(store: &Arc<Store>, settings: &EngineSettings) -> Result<Engines, PackError> {
    let mut packs = store.list()?.packs;
    packs.retain(|pack| pack.current);
    packs.sort_by_key(|pack| std::cmp::Reverse(pack.manifest.size()));
    let mut engines = Engines::new();
    let wanted =
        |pack: &Installed| settings.only.as_ref().is_none_or(|only| pack.manifest.about.id.contains(only));
    for pack in &packs {
        let opposite = opposite(&packs, &pack.manifest.about);
        let wanted = wanted(pack);
        // A beam that was asked for is meant for what translates.
        let own = EngineSettings { beam: settings.beam.filter(|_| wanted), ..settings.clone() };
        let Some(engine) = engine(store, pack, opposite, &own) else { continue };
        if wanted {
            engines.add(engine);
        } else if engine.kind() == EngineKind::Nmt {
            engines.add_reviewer(engine);
        }
    }
    Ok(engines)
}

/// Checks what a pack needs before its engine is asked: files in order, memory enough. The engine would find the same,
/// but in the middle of a translation.
pub fn check(store: &Store, engine: &dyn Engine) -> Result<(), PackError> {
    let id = engine.id().split_once(':').map_or(engine.id(), |(_, id)| id);
    store.load(&PackRef { id: id.to_owned(), version: None }, &Quiet).map(|_| ())
}

fn engine(
    store: &Arc<Store>,
    pack: &Installed,
    opposite: Option<&Installed>,
    settings: &EngineSettings,
) -> Option<Arc<dyn Engine>> {
    let about = &pack.manifest.about;
    let parse = |tag: &str| tag.parse::<LanguageCode>().ok();
    let named = about.directions.iter();
    let named = named.filter_map(|d| Some(Direction::new(parse(&d.from)?, parse(&d.to)?))).collect();
    let (kind, directions) = match &about.kind {
        Kind::Nmt if cfg!(feature = "nmt") => (EngineKind::Nmt, named),
        // A model made for some directions names them.
        #[cfg(feature = "llm")]
        Kind::Llm if !about.directions.is_empty() => (EngineKind::Llm, named),
        #[cfg(feature = "llm")]
        Kind::Llm => (EngineKind::Llm, crate::engine::llm::directions(&about.id)),
        _ => return None,
    };
    let directions: Vec<Direction> = directions;
    if directions.is_empty() {
        return None;
    }
    let id = format!("{}:{}", kind.as_str(), about.id);
    let reference = reference_of(about);
    let (store, settings, name, served) = (store.clone(), settings.clone(), id.clone(), directions.clone());
    let opposite = opposite.map(|o| reference_of(&o.manifest.about));
    Some(Arc::new(Lazy::new(id, kind, directions, move || {
        let loaded = store.load(&reference, &Quiet).map_err(unusable)?;
        // It only helps: what is wrong with it is said when it is itself used.
        let opposite = opposite.as_ref().and_then(|opposite| store.load(opposite, &Quiet).ok());
        open(&name, kind, &served, &loaded, opposite.as_ref(), &settings)
    })))
}

fn reference_of(about: &About) -> PackRef {
    PackRef { id: about.id.clone(), version: Some(about.version.clone()) }
}

/// The pack whose lexicon lists the words of `about`'s target language: one of the opposite direction.
fn opposite<'a>(packs: &'a [Installed], about: &About) -> Option<&'a Installed> {
    let direction = about.directions.first()?;
    packs.iter().find(|other| {
        let manifest = &other.manifest;
        manifest.files.iter().any(|file| file.role == Role::Lexicon)
            && manifest.about.directions.iter().any(|d| d.from == direction.to && d.to == direction.from)
    })
}

fn open(
    id: &str,
    kind: EngineKind,
    directions: &[Direction],
    pack: &Loaded,
    opposite: Option<&Loaded>,
    settings: &EngineSettings,
) -> Result<Arc<dyn Engine>, EngineError> {
    let engine = match kind {
        EngineKind::Nmt => open_nmt(id, directions, pack, opposite, settings),
        EngineKind::Llm => open_llm(id, pack, settings),
    };
    engine.map_err(|error| named(pack, error))
}

/// The error with the pack's own names of its files: in the store they are called by their hashes.
fn named(pack: &Loaded, error: EngineError) -> EngineError {
    let name = |text: String| {
        pack.files().fold(text, |text, (file, path)| text.replace(&path.display().to_string(), &file.path))
    };
    match error {
        EngineError::Damaged(text) => EngineError::Damaged(name(text)),
        EngineError::Unusable(text) => EngineError::Unusable(name(text)),
        other => other,
    }
}

#[cfg(feature = "nmt")]
fn open_nmt(
    id: &str,
    directions: &[Direction],
    pack: &Loaded,
    opposite: Option<&Loaded>,
    settings: &EngineSettings,
) -> Result<Arc<dyn Engine>, EngineError> {
    use crate::engine::nmt::{NmtEngine, NmtSettings};
    use crate::engine::{Lexicon, Spelling};
    use cuba_nmt::ModelFiles;

    let model = pack.path(&Role::Model).map_err(unusable)?;
    let mut files = match pack.path(&Role::Vocab) {
        Ok(vocab) => ModelFiles::shared(model, vocab),
        Err(_) => ModelFiles::split(
            model,
            pack.path(&Role::SourceVocab).map_err(unusable)?,
            pack.path(&Role::TargetVocab).map_err(unusable)?,
        ),
    };
    if let Ok(shortlist) = pack.path(&Role::Shortlist) {
        files = files.with_shortlist(shortlist);
    }
    let direction =
        *directions.first().ok_or_else(|| EngineError::Unusable("the pack names no direction".into()))?;
    let threads = settings
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from).min(4));
    let about = &pack.manifest.about;
    let standard = NmtSettings::default();
    let settings = NmtSettings {
        threads,
        beam: settings.beam.or_else(|| about.extra("beam")).unwrap_or(standard.beam),
        length_penalty: about.extra("length_penalty").unwrap_or(standard.length_penalty),
    };
    let mut engine = NmtEngine::open(id, direction, &files, settings)?;
    let own = pack.path(&Role::Lexicon).ok().map(Lexicon::open).transpose()?;
    let words = opposite.and_then(|pack| pack.path(&Role::Lexicon).ok());
    let spelling = words.and_then(|path| Spelling::open(&direction.to, path, own.as_ref()).ok()).flatten();
    if let Some(spelling) = spelling {
        engine = engine.with_spelling(spelling);
    }
    if let Some(lexicon) = own {
        engine = engine.with_lexicon(lexicon);
    }
    Ok(Arc::new(engine))
}

#[cfg(not(feature = "nmt"))]
fn open_nmt(
    _: &str,
    _: &[Direction],
    _: &Loaded,
    _: Option<&Loaded>,
    _: &EngineSettings,
) -> Result<Arc<dyn Engine>, EngineError> {
    Err(EngineError::Unusable("this build has no neural engine".into()))
}

#[cfg(feature = "llm")]
fn open_llm(id: &str, pack: &Loaded, settings: &EngineSettings) -> Result<Arc<dyn Engine>, EngineError> {
    use crate::engine::llm::LlmSettings;

    let model = pack.path(&Role::Model).map_err(unusable)?;
    let adapter = pack.path(&Role::Adapter).ok();
    let about = &pack.manifest.about;
    let standard = LlmSettings::default();
    let settings = LlmSettings {
        threads: settings.threads,
        beam: settings.beam.or_else(|| about.extra("beam")).unwrap_or(standard.beam),
        length_penalty: about.extra("length_penalty").unwrap_or(standard.length_penalty),
    };
    crate::engine::llm::open(id, model, adapter, settings)
}

#[cfg(not(feature = "llm"))]
fn open_llm(_: &str, _: &Loaded, _: &EngineSettings) -> Result<Arc<dyn Engine>, EngineError> {
    Err(EngineError::Unusable("this build has no language-model engine".into()))
}

#[allow(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn unusable(error: PackError) -> EngineError {
    let reason = error.to_string();
    match error {
        PackError::Corrupt { .. } | PackError::Untrusted { .. } => EngineError::Damaged(reason),
        PackError::NotEnoughMemory { .. } => EngineError::Memory(reason),
        _ => EngineError::Unusable(reason),
    }
}
