//! Model packs: what they are, where they come from, and a store that never holds half of one.
//!
//! A **pack** is a [`Manifest`] and its files: a translation model with its vocabularies, a language model, a speech model.
//! A [`Source`] has one to give: a folder or single file ([`FolderSource`], [`ZipSource`]), or an offer of a [`Catalogue`] or
//! registry ([`ListedSource`]) that comes over HTTPS or in Python wheels. The [`Store`] installs from any of them, whole or
//! not at all, and gives engines the paths of files that are what their manifest says.
//!
//! # Border
//!
//! This crate knows files, hashes and licences. It must not know engines (what a model means), user text, or settings; it
//! takes its root directory, its [`Device`] and its trusted keys from the caller, and opens a connection only inside
//! [`Store::install`] and [`Web::read`], for an address the caller chose.
//!
//! # Why this way
//!
//! * Content is named by sha256, so trust is a matter of the hash and never of the way: a pack from a friend's phone is as
//!   good as one from its maker. Equal files of two packs are kept once.
//! * Every change is a rename after a sync. There is no repair mode, because there is no state to repair: a process killed at
//!   any instant leaves the old state or the new one, and the next open sweeps what was on its way.
//! * A load costs a `stat` a file (see `Blobs`), because a 30-euro phone hashes 250 MB in several seconds.
//! * Space and memory are asked of the device before, and refused with both numbers.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use cuba_packs::{FolderSource, Hints, InstallOptions, Quiet, Role, Store, ThisDevice, ZipSource};
//!
//! # fn main() -> Result<(), cuba_packs::PackError> {
//! # let dir = tempfile::tempdir().unwrap();
//! # let folder = dir.path().join("enes");
//! # std::fs::create_dir(&folder).unwrap();
//! # for name in ["model.enes.intgemm.alphas.bin", "vocab.enes.spm", "lex.50.50.enes.s2t.bin"] {
//! #     std::fs::write(folder.join(name), name).unwrap();
//! # }
//! let store = Store::open(dir.path().join("home"), Arc::new(ThisDevice))?;
//! // Files the user has ...
//! store.install(&FolderSource::open(&folder, &Hints::default())?, &InstallOptions::default(), &Quiet)?;
//! let pack = store.load(&"en-es".parse().unwrap(), &Quiet)?;
//! let weights = pack.path(&Role::Model)?;
//! # assert!(weights.is_file());
//! // ... handed on in one file.
//! let file = dir.path().join("en-es.cubapack");
//! store.export(&"en-es".parse().unwrap(), &file, &Quiet)?;
//! let other = Store::open(dir.path().join("other"), Arc::new(ThisDevice))?;
//! other.install(&ZipSource::open(&file)?, &InstallOptions::default(), &Quiet)?;
//! # Ok(())
//! # }
//! ```

mod blobs;
mod catalogue;
mod detect;
mod device;
mod digest;
mod error;
mod export;
mod files;
mod home;
mod install;
mod manifest;
mod offer;
mod registry;
mod source;
mod staged;
mod store;
mod trim;
mod watch;

pub use catalogue::{Catalogue, MAX_CATALOGUE_BYTES, TrustedKey, sign_catalogue};
pub use detect::Hints;
pub use device::{Device, ThisDevice};
pub use digest::{Digest, NotADigest};
pub use error::{PackError, bytes};
pub use home::default_home;
pub use install::InstallOptions;
pub use manifest::{
    About, Direction, Kind, Licence, MAX_FILE_BYTES, MAX_FILES, MAX_MANIFEST_BYTES, Manifest, Needs,
    PackFile, Role, SCHEMA, compare_versions,
};
pub use offer::{
    Base, Compression, Offer, OfferedFile, Origin, UNKNOWN_FILE_ALLOWANCE, UNKNOWN_FILE_LIMIT, WheelPart,
};
pub use registry::{DeviceClass, MAX_REGISTRY_BYTES, RegistryOptions, read_registry};
#[cfg(feature = "wheels")]
pub use source::Pip;
pub use source::{FolderSource, ListedSource, RecipeSource, Source, ZipSource};
#[cfg(feature = "https")]
pub use source::{Web, WebSettings};
pub use staged::Staged;
pub use store::{Installed, Listing, Loaded, PackRef, Store, Unfinished};
pub use watch::{Progress, Quiet, Step, Watch};
