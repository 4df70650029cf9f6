//! cuba-nmt

#[doc(hidden)]
pub mod kernel;
