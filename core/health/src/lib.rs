//! Cuba Health: what a body does and a person notes, stored small, merged with reasons.
//!
//! [`metric`] says what each number means; [`store`] keeps samples as packed days inside the encrypted database of
//! [`cuba_vault`], with exact rollups; [`merge`] decides between sources that measured the same thing and can say why;
//! [`log`] holds what people enter by hand: habits, medication, cycle, mood and quick notes; [`import`] streams other
//! apps' and devices' files into the store.
//!
//! It must not read the clock or the system's time zone (both are passed in), touch the network, judge health, or let
//! a health value reach a log line or an error's `Display`. Signal processing is another crate's work.
//!
//! Why packed days: ten years of heart rate are five million rows. As rows they take 21 bytes each and a year's chart
//! reads half a million of them; as one compressed block a day they take about one byte, and a year's chart reads 365
//! rollups.

pub mod import;
pub mod log;
pub mod merge;
pub mod metric;
pub mod store;

mod error;

pub use error::HealthError;
