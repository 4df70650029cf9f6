//! cuba-translate
