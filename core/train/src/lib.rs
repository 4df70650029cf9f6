//! A translation pack goes on learning from its user's own translations, on the user's own device.
//!
//! [`Memory`] reads what the user has (TMX, or source and target separated by a tab). [`Network`] is a starter pack's
//! model with a decoder that can learn; [`learn`] teaches it, and [`compare`] says what was gained on sentences kept back
//! and what was lost on others, before anybody adopts the result. [`Network::export`] writes it as a model that
//! `cuba-nmt` reads, so that nothing else has to know that it was ever taught.
//!
//! # Border
//!
//! It must not know packs (it takes and gives files and bytes), read the clock, or open a connection; no sentence may
//! reach a log line or an error's `Display`.
//!
//! # Why this way
//!
//! * **The decoder learns, the encoder and the embeddings stay.** What a user's domain changes is how things are said.
//!   Nothing is carried back through the encoder, which makes a step two to three times as cheap, and the memory of the
//!   optimiser is that of the decoder alone: it runs on a phone that is charging.
//! * **candle for the derivatives**, in place of our own backward pass: well kept, pure Rust, runs where Rust does. A
//!   golden file holds its gradients equal to those of the framework that trained the pack.
//! * **A checkpoint after every stretch of steps** holds weights and optimiser; batches follow from seed and step alone, so
//!   a training that was killed goes on where it was and ends in the same place.

mod batch;
mod compare;
mod error;
mod export;
mod learn;
mod memory;
mod network;

pub use batch::Pair;
pub use compare::{Comparison, compare};
pub use error::TrainError;
pub use learn::{Learned, Progress, Settings, learn};
pub use memory::Memory;
pub use network::{Network, Tokens};
