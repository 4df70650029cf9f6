//! Progress out, cancel in.

use std::sync::atomic::{AtomicBool, Ordering};

/// What an operation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Fetching over a network.
    Download,
    /// Copying from a folder or a pack file.
    Copy,
    /// Decompressing.
    Unpack,
    /// Computing sha256 of what is there.
    Verify,
    /// Writing a pack file.
    Export,
}

/// How far an operation is, over all files of the pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is being done.
    pub step: Step,
    /// The file it is being done to.
    pub file: &'a str,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all, as far as known now.
    pub total: u64,
}

/// Receives progress and says whether to stop. Asked about every 256 KiB, and at least every 0.1 s during a download.
///
/// ```
/// use cuba_packs::{Progress, Watch};
/// struct Print;
/// impl Watch for Print {
///     fn progress(&self, p: Progress<'_>) {
///         println!("{} {}/{}", p.file, p.done, p.total);
///     }
/// }
/// assert!(!Print.cancelled());
/// ```
pub trait Watch: Sync {
    /// Called often; must return at once.
    fn progress(&self, _progress: Progress<'_>) {}

    /// `true` ends the operation with [`PackError::Cancelled`](crate::PackError::Cancelled).
    fn cancelled(&self) -> bool {
        false
    }
}

/// Hears nothing and never cancels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Watch for Quiet {}

/// A flag is a watch: set, it cancels.
impl Watch for AtomicBool {
    fn cancelled(&self) -> bool {
        self.load(Ordering::Relaxed)
    }
}
