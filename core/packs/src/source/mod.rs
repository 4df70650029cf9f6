//! Where packs come from. The store does not care: it checks what it is given.

mod folder;
#[cfg(feature = "https")]
mod https;
mod listed;
mod recipe;
pub(crate) mod unpack;
#[cfg(feature = "wheels")]
mod wheels;
mod zip;

pub use folder::FolderSource;
#[cfg(feature = "https")]
pub use https::{Web, WebSettings};
pub use listed::ListedSource;
pub use recipe::RecipeSource;
#[cfg(feature = "wheels")]
pub use wheels::Pip;
pub use zip::ZipSource;
pub(crate) use zip::{FILES_PREFIX, MANIFEST_NAME};

use crate::error::PackError;
use crate::offer::{Offer, OfferedFile};
use crate::staged::Staged;

/// Something a pack can be installed from: a folder, a pack file, wheels, the web, or what an app brings (a peer phone).
///
/// A source need not be trusted: sizes are enforced while it writes and sha256 is checked after.
pub trait Source: Send + Sync {
    /// The pack it has.
    fn offer(&self) -> &Offer;

    /// `true` where [`Source::fetch`] can go on from what an interrupted run left, so that it is worth keeping.
    fn resumable(&self) -> bool {
        false
    }

    /// Bytes that fetching needs on the disk for a while, besides the files themselves.
    fn scratch_bytes(&self) -> u64 {
        0
    }

    /// Writes the content of `file` into `into`, which may hold the beginning of it from an interrupted run.
    fn fetch(&self, file: &OfferedFile, into: &mut Staged<'_>) -> Result<(), PackError>;
}
