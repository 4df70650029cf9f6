//! The key of the encrypted database in the desktop's keyring, through the command.

#![cfg(all(target_os = "linux", feature = "keyring"))]
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;

use common::health::{command, health, key_file, ok};
use common::{Done, Home, run};

/// Where the session's Secret Service is asked for.
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// Runs with the bus of this session, or with one that is not there.
fn with_bus(mut command: std::process::Command, present: bool) -> Done {
    let address = present.then(|| std::env::var(BUS).ok()).flatten();
    command.env(BUS, address.unwrap_or_else(|| "unix:path=/nonexistent/bus".into()));
    run(command, b"")
}

#[test]
#[ignore = "needs a running Secret Service: docs/testing.md has the command that starts one and runs this"]
fn the_key_moves_to_the_keyring_and_back_and_the_data_stays_readable() {
    let home = Home::empty();
    let cuba = |args: &[&str]| {
        let done = with_bus(home.command(args), true);
        assert_eq!(done.code, 0, "{args:?}: {}", done.err);
        done.out
    };
    let summary = |bus| with_bus(command(&home, &["summary", "--json"]), bus);
    ok(&home, &["log", "80.5 kg"]);
    assert!(cuba(&["keys", "use", "keyring"]).starts_with("keyring: "));
    assert!(!key_file(&home).exists(), "a key file that opens nothing stays behind");
    assert!(cuba(&["status"]).contains("keyring: the desktop's keyring"));
    assert!(summary(true).out.contains("weight"));
    assert_eq!(with_bus(command(&home, &["log", "81 kg"]), true).code, 0);

    // Logged out, or another machine: said, and nothing is begun anew.
    let away = summary(false);
    assert_eq!((away.code, away.out.as_str()), (1, ""), "{}", away.err);
    assert!(away.err.contains("nothing was changed") && away.err.contains("unlock"), "{}", away.err);
    let copy = Home::empty();
    let copied = std::process::Command::new("cp").arg("-r").arg(home.path()).arg(copy.path()).status();
    assert!(copied.unwrap().success());
    let missing = with_bus(command(&copy, &["summary"]), true);
    assert_eq!(missing.code, 1, "{}", missing.err);
    assert!(missing.err.contains("keyring entry"), "{}", missing.err);

    assert!(cuba(&["keys", "use", "file"]).starts_with("file: "));
    assert!(cuba(&["status"]).contains("file: key file"));
    // From here on without any keyring.
    assert!(ok(&home, &["summary", "--json"]).contains("weight"));
    // A second time: the entry of the first is gone, a new one is made.
    cuba(&["keys", "use", "keyring"]);
    assert!(summary(true).out.contains("weight"));
    cuba(&["keys", "use", "file"]);
}

#[test]
#[ignore = "needs a running Secret Service: docs/testing.md has the command that starts one and runs this"]
fn the_keyring_may_be_chosen_before_anything_is_stored() {
    let home = Home::empty();
    let chosen = with_bus(home.command(&["keys", "use", "keyring"]), true);
    assert_eq!(chosen.code, 0, "{}", chosen.err);
    assert!(!home.path().join("keys").exists());
    assert_eq!(with_bus(command(&home, &["log", "80.5 kg"]), true).code, 0);
    assert_eq!(with_bus(home.command(&["keys", "use", "file"]), true).code, 0);
    assert!(ok(&home, &["summary", "--json"]).contains("weight"));
}

#[test]
fn without_a_keyring_the_key_stays_where_it_was() {
    let home = Home::empty();
    ok(&home, &["log", "80.5 kg"]);
    let key = std::fs::read(key_file(&home)).unwrap();
    let refused = with_bus(home.command(&["keys", "use", "keyring"]), false);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{}", refused.err);
    for words in ["nothing was changed", "unlock", "Secret Service"] {
        assert!(refused.err.contains(words), "{words}: {}", refused.err);
    }
    assert!(std::fs::read(key_file(&home)).unwrap() == key, "the key file was changed");
    assert!(health(&home, &["summary", "--json"]).out.contains("weight"));
}

#[test]
fn without_a_keyring_nothing_is_begun_in_it() {
    let home = Home::empty();
    let refused = with_bus(home.command(&["keys", "use", "keyring"]), false);
    assert_eq!(refused.code, 1, "{}", refused.err);
    let keys = home.cuba(&["keys"], b"");
    assert!(keys.out.starts_with("none yet"), "{}{}", keys.out, keys.err);
    ok(&home, &["log", "80.5 kg"]);
}
