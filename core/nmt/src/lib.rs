//! cuba-nmt
