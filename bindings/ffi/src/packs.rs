//! Model packs: what is installed, adding, checking, handing on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cuba_packs::{
    Catalogue, FolderSource, Hints, InstallOptions, Installed, Offer, PackError, PackRef, Progress, Source,
    Store, Watch, ZipSource,
};

use crate::cuba::Shared;
use crate::platform::AppDevice;
use crate::task::{Board, Lane, progress, task};
use crate::{CubaError, ProgressListener, ProgressState};

/// One direction of translation, as BCP 47 tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, uniffi::Record)]
pub struct Direction {
    /// Language of the text that is read.
    pub from: String,
    /// Language of the text that is written.
    pub to: String,
}

/// Terms of a pack.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TermsView {
    /// Name for people.
    pub title: String,
    /// Where the full text is.
    pub url: Option<String>,
    /// The text, or the notice that has to be shown.
    pub text: Option<String>,
    /// They have to be accepted, not only shown.
    pub must_accept: bool,
}

/// A pack, installed or on offer.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PackView {
    /// Its name: `en-es`.
    pub id: String,
    /// Its version.
    pub version: String,
    /// `nmt`, `llm`, `speech`.
    pub kind: String,
    /// Name for people; may be empty.
    pub name: String,
    /// What it translates; empty where it is no translation model.
    pub directions: Vec<Direction>,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes of memory to run it, mapped files included.
    pub memory: u64,
    /// Its terms.
    pub terms: TermsView,
    /// This version is the one in use; `false` for an offer.
    pub in_use: bool,
}

/// What is installed.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PacksView {
    /// Readable packs, by id and version.
    pub packs: Vec<PackView>,
    /// Records that cannot be read, each in words; installing the pack again mends it.
    pub damaged: Vec<String>,
    /// `false` where the directory may only be read.
    pub writable: bool,
}

/// A pack to be added from files.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct AddPackRequest {
    /// A pack file (`.cubapack`), a folder with a model, or a GGUF file.
    pub path: String,
    /// The direction, where files do not say it themselves.
    #[uniffi(default = None)]
    pub direction: Option<Direction>,
    /// The terms were shown and accepted.
    #[uniffi(default = false)]
    pub accept_terms: bool,
}

/// What checking a pack found.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct VerifyView {
    /// One line for each file that is not what it should be; empty for a sound pack.
    pub faults: Vec<String>,
}

task!(
    /// Installing a pack.
    PackTask -> PackView
);
task!(
    /// Reading every byte of a pack.
    VerifyTask -> VerifyView
);
task!(
    /// Writing a pack to one file; gives the file's path.
    ExportTask -> String
);

/// The pack store.
#[derive(uniffi::Object)]
pub struct Packs {
    shared: Arc<Shared>,
    store: Arc<Store>,
    lane: Arc<Lane>,
    /// Counts changes, so that engines are made anew after one.
    changes: Arc<AtomicU64>,
}

impl Packs {
    pub(crate) fn open(shared: &Arc<Shared>) -> Result<Arc<Self>, CubaError> {
        let device = Arc::new(AppDevice(shared.platform.device.clone()));
        Ok(Arc::new(Self {
            shared: shared.clone(),
            store: Arc::new(Store::open(&shared.home, device)?),
            // One at a time: two installs would only share the disk's speed.
            lane: Lane::new(1),
            changes: Arc::default(),
        }))
    }

    #[cfg(feature = "translate")]
    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    #[cfg(feature = "translate")]
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(crate) fn shut_down(&self) {
        self.lane.cancel_all();
    }

    fn install(
        &self,
        listener: Option<Arc<dyn ProgressListener>>,
        accept_licence: bool,
        source: impl FnOnce(&Watcher<'_>) -> Result<Box<dyn Source>, PackError> + Send + 'static,
    ) -> Arc<PackTask> {
        let (shared, store, changes) = (self.shared.clone(), self.store.clone(), self.changes.clone());
        PackTask::of(self.lane.start(progress(listener), move |cancel, board| {
            shared.open()?;
            let watch = Watcher { cancel, board };
            let source = source(&watch)?;
            let options = InstallOptions { accept_licence, keep_current: false };
            let installed = store.install(&*source, &options, &watch)?;
            changes.fetch_add(1, Ordering::Release);
            Ok(view(&installed))
        }))
    }
}

#[uniffi::export]
impl Packs {
    /// What is installed. Reads no model.
    pub fn list(&self) -> Result<PacksView, CubaError> {
        self.shared.open()?;
        let listing = self.store.list()?;
        Ok(PacksView {
            packs: listing.packs.iter().map(view).collect(),
            damaged: listing.damaged.iter().map(ToString::to_string).collect(),
            writable: self.store.is_writable(),
        })
    }

    /// What the built-in catalogue knows; opens no connection.
    pub fn offers(&self) -> Vec<PackView> {
        Catalogue::built_in().offers.iter().map(offered).collect()
    }

    /// Installs a pack from files, whole or not at all.
    pub fn add(&self, request: AddPackRequest, listener: Option<Arc<dyn ProgressListener>>) -> Arc<PackTask> {
        let accept = request.accept_terms;
        self.install(listener, accept, move |watch| {
            let path = Path::new(&request.path);
            let is_gguf = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
            if path.is_file() && !is_gguf {
                return Ok(Box::new(ZipSource::open(path)?));
            }
            let direction = request.direction.map(|d| cuba_packs::Direction { from: d.from, to: d.to });
            let hints = Hints { direction, ..Hints::default() };
            Ok(Box::new(FolderSource::open_watched(path, &hints, watch)?))
        })
    }

    /// Reads and hashes every file of a pack (`id` or `id@version`).
    pub fn verify(&self, pack: String, listener: Option<Arc<dyn ProgressListener>>) -> Arc<VerifyTask> {
        let (shared, store) = (self.shared.clone(), self.store.clone());
        VerifyTask::of(self.lane.start(progress(listener), move |cancel, board| {
            shared.open()?;
            let faults = store.verify(&named(&pack), &Watcher { cancel, board })?;
            Ok(VerifyView { faults: faults.iter().map(ToString::to_string).collect() })
        }))
    }

    /// Writes a pack to one file that another phone can add. An older file of that name is replaced at the end.
    pub fn export(
        &self,
        pack: String,
        file: String,
        listener: Option<Arc<dyn ProgressListener>>,
    ) -> Arc<ExportTask> {
        let (shared, store) = (self.shared.clone(), self.store.clone());
        ExportTask::of(self.lane.start(progress(listener), move |cancel, board| {
            shared.open()?;
            store.export(&named(&pack), Path::new(&file), &Watcher { cancel, board })?;
            Ok(file)
        }))
    }

    /// Removes a pack and gives the bytes freed. A translation that is running keeps its files until it is done.
    pub fn remove(&self, pack: String) -> Result<u64, CubaError> {
        self.shared.open()?;
        let freed = self.store.remove(&named(&pack))?;
        self.changes.fetch_add(1, Ordering::Release);
        Ok(freed)
    }
}

fn named(pack: &str) -> PackRef {
    pack.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
}

fn view(installed: &Installed) -> PackView {
    let manifest = &installed.manifest;
    PackView { in_use: installed.current, ..about(&manifest.about, manifest.size()) }
}

fn offered(offer: &Offer) -> PackView {
    about(&offer.about, offer.size())
}

fn about(about: &cuba_packs::About, bytes: u64) -> PackView {
    let directions = about.directions.iter();
    PackView {
        id: about.id.clone(),
        version: about.version.clone(),
        kind: about.kind.as_str().to_owned(),
        name: about.name.clone(),
        directions: directions.map(|d| Direction { from: d.from.clone(), to: d.to.clone() }).collect(),
        bytes,
        memory: about.needs.ram,
        terms: TermsView {
            title: about.licence.title().to_owned(),
            url: about.licence.url.clone(),
            text: about.licence.text.clone(),
            must_accept: about.licence.must_accept,
        },
        in_use: false,
    }
}

/// A task's flag and board, as the store wants them.
struct Watcher<'a> {
    cancel: &'a AtomicBool,
    board: &'a Board<ProgressState>,
}

impl Watch for Watcher<'_> {
    fn progress(&self, now: Progress<'_>) {
        self.board.update(|state| (state.done, state.total) = (now.done, now.total));
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}
