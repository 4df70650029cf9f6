//! Sleep: when, how long, how regular, which stages -- from motion, counts, heart rate or mere phone use.

pub mod counts;
pub mod features;
pub mod motion;
pub mod stage;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod window;
