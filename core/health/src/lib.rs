//! cuba-health
