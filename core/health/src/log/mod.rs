//! What people enter by hand.
