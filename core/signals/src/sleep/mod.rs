//! Sleep.

pub mod features;
