//! What can go wrong while a pack learns.

/// One variant for each thing a screen would do differently. `Display` never carries a sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The translation memory cannot be read as what it is said to be.
    #[error("the translation memory cannot be used: {reason}")]
    Memory {
        /// A sentence fragment without user data.
        reason: String,
    },
    /// Too little to learn from and to measure with.
    #[error(
        "{found} usable pairs are too few: at least {needed} are needed to learn and to measure what it brought"
    )]
    TooFew {
        /// Pairs that can be used.
        found: usize,
        /// Pairs that are needed.
        needed: usize,
    },
    /// The pack's model is of an architecture that cannot learn here.
    #[error(
        "this pack cannot learn: only packs of Cuba's own architecture (a student with an SSRU decoder) can"
    )]
    Architecture,
    /// The model or its vocabulary.
    #[error(transparent)]
    Model(#[from] cuba_nmt::Error),
    /// Arithmetic went wrong: too little memory, or weights that are no numbers.
    #[error("training failed: {0}")]
    Arithmetic(#[from] candle_core::Error),
    /// Reading or writing failed.
    #[error("a file cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
}

impl TrainError {
    pub(crate) fn memory(reason: impl Into<String>) -> Self {
        Self::Memory { reason: reason.into() }
    }
}
