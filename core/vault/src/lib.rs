//! cuba-vault
