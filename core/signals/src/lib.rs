//! Signals of the body as pure functions.
