//! cuba-packs
