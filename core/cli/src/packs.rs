//! `cuba packs`: what is installed, what can be had, and the way between.

mod progress;
mod shelf;
mod show;

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Subcommand};
use cuba_packs::{
    Catalogue, Direction, FolderSource, Hints, InstallOptions, Installed, Kind, Licence, ListedSource, Offer,
    PackError, PackRef, Quiet, RecipeSource, Role, Source, Store, ThisDevice, Web, WebSettings, ZipSource,
    bytes,
};

use crate::exit::{Code, Failure, Outcome};
use crate::{interrupt, screen};
use progress::Bar;
pub(crate) use shelf::{Shelf, ShelfArgs};

#[derive(Debug, Args)]
pub(crate) struct PacksArgs {
    #[command(subcommand)]
    command: PacksCommand,
}

#[derive(Debug, Subcommand)]
enum PacksCommand {
    /// List installed packs, or with --available those that can be fetched
    List {
        /// List what can be fetched, not what is installed
        #[arg(long)]
        available: bool,
        #[command(flatten)]
        shelf: ShelfArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a pack's files, licence, needs and published scores
    Info {
        /// A pack: id or id@version
        pack: PackRef,
        #[command(flatten)]
        shelf: ShelfArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch and install packs; asking again after an interruption goes on from there
    Get {
        /// Packs: id or id@version
        #[arg(required = true)]
        packs: Vec<PackRef>,
        #[command(flatten)]
        shelf: ShelfArgs,
        /// Accept the licences of these packs without being asked
        #[arg(long)]
        accept_licence: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Install from files you have: a .cubapack, a folder, a .gguf
    #[command(after_help = ADD_HELP)]
    Add(AddArgs),
    /// Read every byte of installed packs and say which files are damaged
    Verify {
        /// Packs: id or id@version [default: all]
        packs: Vec<PackRef>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove packs, or what an interrupted `get` left, and every file that no other pack uses
    Remove {
        /// Packs: id (the version in use) or id@version
        #[arg(required = true)]
        packs: Vec<PackRef>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a pack to one file, to hand it on without a network
    Export {
        /// A pack: id or id@version
        pack: PackRef,
        /// The file to write [default: <id>-<version>.cubapack here]
        file: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Choose which installed version an id means
    Use {
        /// id@version
        pack: PackRef,
    },
}

const ADD_HELP: &str = "\
What can be added:
  X.cubapack   a pack in one file, as `cuba packs export` writes it
  a folder     with manifest.json; or with the files of one translation model as Firefox, Bergamot and translateLocally
               name them (model*.bin, vocab*.spm or srcvocab*.spm and trgvocab*.spm, lex*.bin; each also .gz or .zst)
  a recipe     a folder with recipe.json: what does not lie in it is fetched, and made smaller where it says so
  X.gguf       a language model";

#[derive(Debug, Args)]
struct AddArgs {
    /// The file or folder
    path: PathBuf,
    /// Name for the pack, where the files do not say it
    #[arg(long)]
    id: Option<String>,
    /// Language the model reads, where the files do not say it
    #[arg(long, requires = "to", value_name = "LANG")]
    from: Option<String>,
    /// Language the model writes, where the files do not say it
    #[arg(long, requires = "from", value_name = "LANG")]
    to: Option<String>,
    /// Licence you have the files under (an SPDX identifier)
    #[arg(long)]
    licence: Option<String>,
    /// Accept the licence of the pack without being asked
    #[arg(long)]
    accept_licence: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(home: &Path, args: &PacksArgs) -> Outcome {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    interrupt::on_interrupt(move || flag.store(true, Ordering::Relaxed))?;
    let store = crate::engines::store(home)?;
    match &args.command {
        PacksCommand::List { available: false, json, .. } => show::installed(&store, *json),
        PacksCommand::List { shelf, json, .. } => {
            show::available(&store, &Shelf::open(&store, shelf)?, *json)
        }
        PacksCommand::Info { pack, shelf, json } => show::info(&store, pack, shelf, *json),
        PacksCommand::Get { packs, shelf, accept_licence, json } => {
            let shelf = Shelf::open(&store, shelf)?;
            for pack in packs {
                let installed = get(&store, &shelf, pack, *accept_licence, &cancel)?;
                show::done(&installed, *json)?;
            }
            Ok(())
        }
        PacksCommand::Add(args) => add(&store, args, &cancel),
        PacksCommand::Verify { packs, json } => verify(&store, packs, *json, &cancel),
        PacksCommand::Remove { packs, json } => remove(&store, packs, *json),
        PacksCommand::Export { pack, file, json } => export(&store, pack, file.as_deref(), *json, &cancel),
        PacksCommand::Use { pack } => Ok(store.use_version(pack)?),
    }
}

/// The packs under a home.
pub(crate) fn open(home: &Path) -> Result<Store, Failure> {
    Ok(Store::open(home, Arc::new(ThisDevice))?)
}

/// Fetches one pack from the shelf: size and licence are shown first, and progress on a terminal.
pub(crate) fn get(
    store: &Store,
    shelf: &Shelf,
    pack: &PackRef,
    accept: bool,
    cancel: &AtomicBool,
) -> Result<Installed, Failure> {
    let offer = shelf.find(pack).ok_or_else(|| {
        let known = "`cuba packs list --available` shows what can be fetched";
        let more = "; for Mozilla's translation models give their registry with --registry";
        Failure::new(Code::Missing, format_args!("no catalogue lists the pack {pack}"))
            .hint(format_args!("{known}{}", if shelf.has_registry() { "" } else { more }))
    })?;
    let source =
        ListedSource::new(offer.clone()).with_web(Web::new(WebSettings::default())).with_pip(shelf.pip());
    install(store, &source, accept, cancel)
}

fn install(
    store: &Store,
    source: &dyn Source,
    accept: bool,
    cancel: &AtomicBool,
) -> Result<Installed, Failure> {
    let offer = source.offer();
    let known =
        store.info(&PackRef { id: offer.about.id.clone(), version: Some(offer.about.version.clone()) });
    let accepted_before = known.is_ok_and(|known| known.licence_accepted);
    let accept_licence = accepted_before || licence_accepted(offer, accept)?;
    let bar = Bar::new(cancel);
    let result = store.install(source, &InstallOptions { accept_licence, keep_current: false }, &bar);
    bar.finish();
    Ok(result?)
}

/// Shows the terms; asks where they must be accepted and somebody is there to ask.
fn licence_accepted(offer: &Offer, accept: bool) -> Result<bool, Failure> {
    let Licence { must_accept, url, text, .. } = &offer.about.licence;
    let title = offer.about.licence.title();
    let link = url.as_ref().map(|url| format!(" ({url})")).unwrap_or_default();
    screen::note(format_args!("{}: {}, {title}{link}", offer.about.reference(), bytes(offer.size())));
    if !must_accept || accept {
        return Ok(true);
    }
    let mut err = anstream::stderr();
    writeln!(
        err,
        "\n{title}{link}\n\n{}\n",
        text.as_deref().unwrap_or("Read the terms at the address above.")
    )?;
    if screen::is_interactive() {
        write!(err, "Do you accept these terms? [y/N] ")?;
        err.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(true);
        }
    }
    Ok(false)
}

fn add(store: &Store, args: &AddArgs, cancel: &AtomicBool) -> Outcome {
    let direction = match (&args.from, &args.to) {
        (Some(from), Some(to)) => Some(Direction { from: from.clone(), to: to.clone() }),
        _ => None,
    };
    let hints = Hints { id: args.id.clone(), direction, licence: args.licence.clone() };
    let is_gguf = args.path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
    let source: Box<dyn Source> = if args.path.is_file() && !is_gguf {
        let source = ZipSource::open(&args.path)?;
        tell_origin(source.offer());
        Box::new(source)
    } else if RecipeSource::is_recipe(&args.path) {
        Box::new(recipe(store, &args.path)?)
    } else {
        let bar = Bar::new(cancel);
        let source = FolderSource::open_watched(&args.path, &hints, &bar);
        bar.finish();
        Box::new(source?)
    };
    let installed = install(store, &*source, args.accept_licence, cancel)?;
    show::done(&installed, args.json)
}

/// A recipe, with the installed language models that it may be made of instead of fetching them again.
fn recipe(store: &Store, folder: &Path) -> Result<RecipeSource, Failure> {
    let pip = Shelf::open(store, &ShelfArgs::from_environment())?.pip();
    let source = RecipeSource::open(folder, |offer| {
        ListedSource::new(offer).with_web(Web::new(WebSettings::default())).with_pip(pip)
    })?;
    let models = store.list()?.packs.into_iter().filter(|pack| pack.manifest.about.kind == Kind::Llm);
    Ok(models.fold(source, |source, pack| {
        let about = &pack.manifest.about;
        let loaded =
            store.load(&PackRef { id: about.id.clone(), version: Some(about.version.clone()) }, &Quiet);
        match loaded.as_ref().map(|loaded| loaded.path(&Role::Model)) {
            Ok(Ok(path)) => source.with_base(path),
            // It is fetched, then.
            _ => source,
        }
    }))
}

/// A pack file vouches for itself only; say so unless the built-in catalogue lists the same content.
fn tell_origin(offer: &Offer) {
    let built_in = Catalogue::built_in();
    let pack = PackRef { id: offer.about.id.clone(), version: Some(offer.about.version.clone()) };
    let same = |listed: &&Offer| {
        let hashes = |offer: &Offer| {
            offer.files.iter().map(|file| (file.path.clone(), file.sha256)).collect::<Vec<_>>()
        };
        hashes(listed) == hashes(offer)
    };
    match built_in.find(&pack).filter(same) {
        Some(_) => screen::note(format_args!("{pack} is the same as in Cuba's own catalogue")),
        None => {
            screen::note(format_args!("{pack} is in no catalogue: it is as good as whoever gave it to you"));
        }
    }
}

fn verify(store: &Store, packs: &[PackRef], json: bool, cancel: &AtomicBool) -> Outcome {
    let mut faults = Vec::new();
    let packs = if packs.is_empty() {
        let listing = store.list()?;
        faults.extend(listing.damaged.iter().map(ToString::to_string));
        listing.packs.iter().map(|pack| show::reference(&pack.manifest.about)).collect()
    } else {
        packs.to_vec()
    };
    let bar = Bar::new(cancel);
    for pack in &packs {
        faults.extend(store.verify(pack, &bar)?.iter().map(ToString::to_string));
    }
    bar.finish();
    show::verified(&packs, &faults, json)?;
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Code::Damaged, format_args!("{} damaged", faults.len()))
        .hint("install the pack again: what is damaged is fetched anew, the rest is kept"))
}

fn remove(store: &Store, packs: &[PackRef], json: bool) -> Outcome {
    for pack in packs {
        let unfinished = store.unfinished()?;
        let left: u64 =
            unfinished.iter().filter(|left| left.pack.id == pack.id).map(|left| left.arrived).sum();
        store.discard(pack)?;
        let freed = match store.remove(pack) {
            Err(PackError::NotFound { .. }) if left > 0 => 0,
            other => other?,
        };
        show::removed(pack, freed + left, json)?;
    }
    Ok(())
}

fn export(store: &Store, pack: &PackRef, file: Option<&Path>, json: bool, cancel: &AtomicBool) -> Outcome {
    let about = store.info(pack)?.manifest.about;
    let file =
        file.map_or_else(|| format!("{}-{}.cubapack", about.id, about.version).into(), Path::to_path_buf);
    let bar = Bar::new(cancel);
    let written = store.export(pack, &file, &bar);
    bar.finish();
    written?;
    show::exported(pack, &file, json)
}

impl From<PackError> for Failure {
    fn from(error: PackError) -> Self {
        let code = match &error {
            PackError::Cancelled => return Self::cancelled(),
            PackError::NotFound { .. } => Code::Missing,
            PackError::NotEnoughSpace { .. } | PackError::NotEnoughMemory { .. } => Code::NoRoom,
            PackError::Corrupt { .. } | PackError::Untrusted { .. } => Code::Damaged,
            _ => Code::Failed,
        };
        let failure = Self::new(code, &error);
        match &error {
            PackError::Licence { .. } => {
                failure.hint("if you accept the terms, run this again with --accept-licence")
            }
            PackError::NotFound { .. } => failure.hint("`cuba packs list` shows what is installed"),
            PackError::NotEnoughSpace { .. } => {
                failure.hint("`cuba packs remove` frees space; CUBA_HOME or --home chooses another disk")
            }
            _ => failure,
        }
    }
}
