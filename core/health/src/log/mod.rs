//! What people enter by hand: habits, medication, cycle, mood, and quick notes in plain words.
//!
//! The rules (strength, streaks, due times, windows, what a sentence means) are pure functions; the methods of
//! [`crate::store::Store`] beside them only load and save. Time and zone are passed in. Wording is about wellness: a
//! cycle window is "likely between", never "safe".

pub mod cycle;
pub mod habit;
pub mod medication;
pub mod mood;
pub mod quick;
pub mod reminder;
