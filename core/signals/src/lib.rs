//! Heart, sleep and habit signals as pure functions: numbers in, numbers or a reason out.
//!
//! Border: this crate must not read clocks, files, stores or settings, must not draw random numbers that were not seeded by the
//! caller, and must not word anything as a diagnosis. It knows no user and keeps nothing between calls.
//!
//! Why a crate of its own: every figure here is checked against published data and other programs; without a store behind it
//! the checks run in seconds, on any machine, and give the same digits on every CPU.
#![allow(
    clippy::indexing_slicing,
    reason = "numeric kernels: every index is bounded by a loop over the same slice; the parser of foreign files denies it again"
)]
#![deny(missing_docs)]

pub mod commands;
pub mod dsp;
pub mod ecg;
pub mod files;
pub mod fitness;
pub mod heart;
pub mod hrv;
pub mod insights;
pub mod pulse;
pub mod rr;
pub mod sleep;
pub mod stats;
pub mod steps;
pub mod trend;
