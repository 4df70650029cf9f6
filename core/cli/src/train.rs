//! `cuba train`: an installed pack goes on learning from the user's own translations.
//!
//! The result is a new version of the pack beside the old one, with what it gained and what it lost measured on sentences
//! that it did not learn from; nothing changes for `cuba translate` until that version is chosen.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use cuba_nmt::format::Container;
use cuba_nmt::vocab::Vocab;
use cuba_nmt::{Model, ModelFiles};
use cuba_packs::{
    Digest, Direction, FolderSource, Hints, InstallOptions, Loaded, Manifest, PackRef, Quiet, Role, Store,
};
use cuba_train::{Comparison, Learned, Memory, Network, Pair, Settings, TrainError, compare, learn};
use cuba_translate::prompt::bank;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::exit::{Code, Failure, Outcome};
use crate::{engines, interrupt, screen};

/// Pairs kept back to measure with: a tenth, within these bounds.
const KEPT_BACK: std::ops::RangeInclusive<usize> = 20..=200;

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Your translations: a TMX file, or lines of source, a tab and target
    #[arg(long, value_name = "FILE")]
    from_memory: PathBuf,
    /// The direction to teach, such as en-es
    #[arg(long, value_name = "FROM-TO")]
    pair: String,
    /// The pack to start from [default: the one installed for the pair]
    #[arg(long, value_name = "ID")]
    pack: Option<PackRef>,
    /// Pairs of everyday sentences to measure what is lost [default: a small built-in set]
    #[arg(long, value_name = "FILE")]
    general: Option<PathBuf>,
    /// Times that every pair is seen
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100))]
    passes: u16,
    /// Use the new version from now on, if it gained more than it lost
    #[arg(long = "use")]
    adopt: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is printed at the end.
#[derive(Debug, Serialize)]
struct Report {
    pack: String,
    learnt_from: usize,
    kept_back: usize,
    left_out: usize,
    own_chrf_before: f64,
    own_chrf_after: f64,
    general_chrf_before: f64,
    general_chrf_after: f64,
    in_use: bool,
}

pub(crate) fn run(home: &Path, args: &TrainArgs) -> Outcome {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    interrupt::on_interrupt(move || flag.store(true, Ordering::Relaxed))?;
    let direction = direction(&args.pair)?;
    let store = engines::store(home)?;
    let wanted = args.pack.clone().unwrap_or_else(|| args.pair.parse().expect("every text names a pack"));
    let base = store.load(&wanted, &Quiet)?;
    if !base.manifest.about.directions.contains(&direction) {
        return Err(Failure::new(Code::BadInput, format_args!("{wanted} does not translate {}", args.pair)));
    }
    let memory = Memory::open(&args.from_memory, &direction.from, &direction.to)?;
    let (own, kept) = split(&memory.pairs)?;
    let general = general(args, &direction)?;

    let folder = home.join("training").join(&base.manifest.about.id);
    std::fs::create_dir_all(&folder)?;
    let state = folder.join("state.safetensors");
    let settings = Settings { passes: usize::from(args.passes), ..Settings::default() };
    let model = base.path(&Role::Model)?;
    let name = model.display().to_string();
    let container = Container::from_bytes(std::fs::read(model)?, &name).map_err(TrainError::from)?;
    let vocab = Vocab::open(base.path(&Role::Vocab)?).map_err(TrainError::from)?;
    let mut network = Network::of(&container, &name)?;
    let bar = bar();
    let ended = learn(&mut network, &vocab, &own, &settings, &state, &mut |p| {
        bar.set_length(p.total as u64);
        bar.set_position(p.done as u64);
        !stop.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    if ended? == Learned::Cancelled {
        return Err(Failure::cancelled().hint("what was learnt is kept: the same command goes on from there"));
    }
    let taught = folder.join("pack");
    let bytes = network.export(&container)?;
    drop((network, container));
    let (comparison, manifest) = write(&base, &taught, &bytes, &kept, &general, |comparison, about| {
        about.version = next_version(&store, &about.id, &about.version)?;
        about.source = format!("{}; taught on this device from {} pairs", about.source, own.len());
        about.extra.insert(
            "taught".into(),
            serde_json::json!({ "own": comparison.own, "general": comparison.general }),
        );
        Ok(())
    })?;
    let options = InstallOptions { accept_licence: true, keep_current: true };
    store.install(&FolderSource::open(&taught, &Hints::default())?, &options, &Quiet)?;
    std::fs::remove_dir_all(&taught)?;
    let reference = manifest.reference();
    let in_use = args.adopt && comparison.is_a_gain();
    if in_use {
        store.use_version(&reference.parse().expect("every text names a pack"))?;
    }
    print(
        args.json,
        &Report {
            pack: reference,
            learnt_from: own.len(),
            kept_back: kept.len(),
            left_out: memory.left_out,
            own_chrf_before: comparison.own[0],
            own_chrf_after: comparison.own[1],
            general_chrf_before: comparison.general[0],
            general_chrf_after: comparison.general[1],
            in_use,
        },
    )
}

fn direction(pair: &str) -> Result<Direction, Failure> {
    match pair.split_once('-') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => {
            Ok(Direction { from: from.to_owned(), to: to.to_owned() })
        }
        _ => Err(Failure::new(Code::BadInput, "a pair is two languages, such as en-es")),
    }
}

/// Pairs to learn from and pairs to measure with: every n-th one, so that the whole file is measured.
fn split(pairs: &[Pair]) -> Result<(Vec<Pair>, Vec<Pair>), Failure> {
    let kept = (pairs.len() / 10).clamp(*KEPT_BACK.start(), *KEPT_BACK.end());
    if pairs.len() < 2 * KEPT_BACK.start() {
        return Err(TrainError::TooFew { found: pairs.len(), needed: 2 * KEPT_BACK.start() }.into());
    }
    let every = pairs.len() / kept;
    let is_kept = |i: usize| i % every == every - 1 && i / every < kept;
    let part = |wanted: bool| {
        pairs.iter().enumerate().filter(|(i, _)| is_kept(*i) == wanted).map(|(_, p)| p.clone()).collect()
    };
    Ok((part(false), part(true)))
}

fn general(args: &TrainArgs, direction: &Direction) -> Result<Vec<Pair>, Failure> {
    if let Some(path) = &args.general {
        return Ok(Memory::open(path, &direction.from, &direction.to)?.pairs);
    }
    let bad = |_| Failure::new(Code::BadInput, format_args!("{} is not a pair of languages", args.pair));
    let wanted = cuba_translate::engine::Direction::new(
        direction.from.parse().map_err(bad)?,
        direction.to.parse().map_err(bad)?,
    );
    let pairs = bank::examples(wanted, "", usize::MAX, 0);
    if pairs.is_empty() {
        return Err(Failure::new(Code::BadInput, "there is no built-in general set for this pair")
            .hint("give one with --general FILE"));
    }
    Ok(pairs.into_iter().map(|(s, t)| Pair { source: s.to_owned(), target: t.to_owned() }).collect())
}

/// Lays the taught pack into `folder`, measures it and writes its manifest.
fn write(
    base: &Loaded,
    folder: &Path,
    model: &[u8],
    own: &[Pair],
    general: &[Pair],
    about: impl FnOnce(&Comparison, &mut cuba_packs::About) -> Result<(), Failure>,
) -> Result<(Comparison, Manifest), Failure> {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder)?;
    let mut manifest = base.manifest.clone();
    let mut taught = None;
    for (file, (_, path)) in manifest.files.iter_mut().zip(base.files()) {
        let to = folder.join(&file.path);
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        if file.role == Role::Model {
            std::fs::write(&to, model)?;
            (file.size, file.sha256) = (model.len() as u64, Digest::of(model));
            taught = Some(to);
        } else {
            std::fs::copy(path, &to)?;
        }
    }
    let taught = taught.ok_or_else(|| Failure::new(Code::Damaged, "the pack has no model"))?;
    let open = |model: &Path| -> Result<Model, Failure> {
        Ok(Model::open(&ModelFiles::shared(model, base.path(&Role::Vocab)?)).map_err(TrainError::from)?)
    };
    let comparison = compare(&open(base.path(&Role::Model)?)?, &open(&taught)?, own, general)?;
    about(&comparison, &mut manifest.about)?;
    std::fs::write(folder.join("manifest.json"), manifest.to_json())?;
    Ok((comparison, manifest))
}

/// `1.0.0` becomes `1.0.0+own.1`, and so on.
fn next_version(store: &Store, id: &str, version: &str) -> Result<String, Failure> {
    let stem = version.split("+own.").next().unwrap_or(version);
    let number = |pack: &cuba_packs::Installed| {
        let about = &pack.manifest.about;
        let (before, number) = about.version.split_once("+own.")?;
        (about.id == id && before == stem).then(|| number.parse::<u32>().ok()).flatten()
    };
    let last = store.list()?.packs.iter().filter_map(number).max().unwrap_or(0);
    Ok(format!("{stem}+own.{}", last + 1))
}

fn bar() -> ProgressBar {
    if !screen::is_interactive() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("learning {bar:30} {pos}/{len} steps, {eta} left")
        .expect("the template is fixed and was tried");
    ProgressBar::new(0).with_style(style)
}

fn print(json: bool, report: &Report) -> Outcome {
    use std::io::Write as _;
    let mut out = anstream::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, report).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    let Report { pack, learnt_from, kept_back, left_out, .. } = report;
    writeln!(
        out,
        "{pack}: learnt from {learnt_from} pairs, measured on {kept_back} others ({left_out} left out)"
    )?;
    writeln!(out, "chrF            before  after")?;
    writeln!(out, "your sentences  {:6.1} {:6.1}", report.own_chrf_before, report.own_chrf_after)?;
    writeln!(out, "general         {:6.1} {:6.1}", report.general_chrf_before, report.general_chrf_after)?;
    if report.in_use {
        writeln!(out, "it is in use now; the version before is kept")?;
    } else {
        writeln!(
            out,
            "it is installed and not in use: `cuba packs use {pack}` adopts it, `cuba packs remove {pack}` drops it"
        )?;
    }
    Ok(())
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        let code = match &error {
            TrainError::Memory { .. } | TrainError::TooFew { .. } | TrainError::Architecture => {
                Code::BadInput
            }
            TrainError::Model(_) => Code::Damaged,
            TrainError::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => Code::NoRoom,
            _ => Code::Failed,
        };
        Self::new(code, &error)
    }
}
