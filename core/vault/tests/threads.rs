//! Vaults opened and closed by many threads of a process that does nothing else.
//!
//! A file of its own: the fault it looks for shows only while no other vault is open in the process.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;

use common::{Home, NOTES_V2};

#[test]
fn many_threads_open_and_close_at_once() {
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..200 {
                    let home = Home::new();
                    drop(home.open(&[NOTES_V2]).unwrap());
                }
            });
        }
    });
}
