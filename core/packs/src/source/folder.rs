//! A folder: an unpacked pack with its `manifest.json`, or a model in one of the layouts that are recognised; or one `.gguf`.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::unpack::unpack;
use super::{MANIFEST_NAME, Source};
use crate::detect::{self, Found, Hints};
use crate::error::PackError;
use crate::files;
use crate::manifest::{MAX_MANIFEST_BYTES, Manifest};
use crate::offer::{Compression, Offer, OfferedFile};
use crate::staged::Staged;
use crate::watch::{Quiet, Watch};

/// Files the user has, in a folder or a single `.gguf`.
#[derive(Debug)]
pub struct FolderSource {
    offer: Offer,
    /// In the order of `offer.files`.
    paths: Vec<(PathBuf, Option<Compression>)>,
}

impl FolderSource {
    /// Opens a folder with a `manifest.json` (its files beside it, under the manifest's paths), a folder in the layout of
    /// Firefox, Bergamot or translateLocally, or a `.gguf` file. The latter are hashed now, to pin what is installed.
    pub fn open(path: impl AsRef<Path>, hints: &Hints) -> Result<Self, PackError> {
        Self::open_watched(path, hints, &Quiet)
    }

    /// As [`FolderSource::open`], with progress and cancel for the hashing.
    pub fn open_watched(path: impl AsRef<Path>, hints: &Hints, watch: &dyn Watch) -> Result<Self, PackError> {
        let path = path.as_ref();
        if path.is_file() {
            return Ok(Self::of_detected(detect::language_model(path, hints, watch)?));
        }
        if !path.is_dir() {
            return Err(PackError::not_found(path.display().to_string()));
        }
        let manifest_path = path.join(MANIFEST_NAME);
        if !manifest_path.is_file() {
            return Ok(Self::of_detected(detect::detect(path, hints, watch)?));
        }
        let manifest = Manifest::parse(&files::read_limited(&manifest_path, MAX_MANIFEST_BYTES)?)?;
        let paths = manifest.files.iter().map(|file| (path.join(&file.path), None)).collect();
        Ok(Self { offer: Offer::from(&manifest), paths })
    }

    fn of_detected((manifest, found): (Manifest, Vec<Found>)) -> Self {
        let paths = found.into_iter().map(|file| (file.path, file.compression)).collect();
        Self { offer: Offer::from(&manifest), paths }
    }
}

impl Source for FolderSource {
    fn offer(&self) -> &Offer {
        &self.offer
    }

    fn fetch(&self, wanted: &OfferedFile, into: &mut Staged<'_>) -> Result<(), PackError> {
        let index = self.offer.files.iter().position(|file| file == wanted);
        let (path, compression) =
            index.and_then(|index| self.paths.get(index)).expect("the store asks for offered files");
        into.truncate(0)?;
        let file = File::open(path).map_err(|error| PackError::read(path, error))?;
        unpack(BufReader::new(file), *compression, &path.display().to_string(), into)
    }
}
