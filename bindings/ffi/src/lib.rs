//! The one door through which Kotlin, Swift and Python reach Cuba: `Cuba.open(config, platform)` and what hangs from it.
//!
//! [`Cuba`] gives [`Translate`], [`Packs`] and [`Health`]; each method is a line or two over the core. Requests and views
//! are immutable records. Long work returns a task: it runs on a thread of its own, can be cancelled, ends when it is
//! dropped, and reports to a listener, the present state first and then at most ten times a second. What the platform
//! owns (key store, clock, memory and power, speech, notifications) comes in as traits that the app implements.
//!
//! It must not decide anything: no language, unit, merging rule or retry lives here. It must not open a connection, block
//! inside an `async` function, let a panic through, or put text of the user or a health value into an error.
//!
//! Why this way. A screen wants whole states, not events: a listener that is slow, throws or comes late misses nothing
//! and holds up nobody. One error type names only what a screen treats differently. Cargo features cut the library: a
//! health app carries no translation, a translation app no database.
//!
//! ```
//! # #[cfg(feature = "health")] {
//! use cuba_ffi::{Config, Cuba, Platform};
//! let dir = tempfile::tempdir().unwrap();
//! let cuba = Cuba::open(Config::at(dir.path().to_str().unwrap()), Platform::default()).unwrap();
//! assert!(cuba.health().metrics().iter().any(|metric| metric.id == "heart_rate"));
//! # }
//! ```

#![allow(clippy::needless_pass_by_value, reason = "what crosses the border crosses it by value")]

mod cuba;
mod error;
#[cfg(feature = "health")]
mod health;
#[cfg(feature = "packs")]
mod packs;
mod platform;
mod task;
#[cfg(feature = "translate")]
mod translate;

pub use cuba::{Config, Cuba, version};
pub use error::CubaError;
#[cfg(feature = "health")]
pub use health::*;
#[cfg(feature = "packs")]
pub use packs::*;
pub use platform::{
    Clock, Device, KeyStore, NotificationRequest, Notifications, Platform, PlatformError, Power, Speech,
};
pub use task::{ListenerError, ProgressListener, ProgressState, Stage};
#[cfg(feature = "translate")]
pub use translate::*;

uniffi::setup_scaffolding!();
