//! `cuba train` on a real (tiny) model: a new version beside the old one, adopted only when asked.

#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

mod common;

use std::fmt::Write as _;

use common::Home;

fn memory(home: &Home, lines: usize) -> String {
    let things = ["pump", "valve", "tank", "door", "lamp", "wheel", "screw", "pipe", "hose", "belt"];
    let cosas = [
        "la bomba",
        "la válvula",
        "el tanque",
        "la puerta",
        "la lámpara",
        "la rueda",
        "el tornillo",
        "el tubo",
        "la manguera",
        "la correa",
    ];
    let verbs = [
        ("Open", "Abra"),
        ("Close", "Cierre"),
        ("Clean", "Limpie"),
        ("Check", "Revise"),
        ("Remove", "Retire"),
    ];
    let mut text = String::new();
    for i in 0..lines {
        let (thing, (verb, verbo)) = (i % 10, verbs[i / 10 % 5]);
        let (the, twice) = if i < 50 { ("the", "") } else { ("both sides of the", " por ambos lados") };
        writeln!(text, "{verb} {the} {}.\t{verbo} {}{twice}.", things[thing], cosas[thing]).unwrap();
    }
    let path = home.path().with_file_name("memory.tsv");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_pack_learns_and_nothing_changes_until_the_new_version_is_chosen() {
    let home = Home::with_model();
    let file = memory(&home, 100);
    let sentences: String =
        ["Open", "Close", "Clean", "Check"].map(|verb| format!("{verb} the valve.\n")).concat();
    let translate = || home.cuba(&["translate", "--from", "en", "--to", "es"], sentences.as_bytes()).out;
    let before = translate();
    let done =
        home.cuba(&["train", "--from-memory", &file, "--pair", "en-es", "--passes", "100", "--json"], b"");
    assert_eq!(done.code, 0, "{}", done.err);
    let report: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&report["learnt_from"], &report["kept_back"]), (&80.into(), &20.into()));
    assert!(report["own_chrf_after"].as_f64() > report["own_chrf_before"].as_f64(), "{report}");
    assert_eq!(report["in_use"], false);
    assert_eq!(translate(), before);

    let pack = report["pack"].as_str().unwrap();
    assert!(pack.ends_with("+own.1"), "{pack}");
    assert_eq!(home.cuba(&["packs", "use", pack], b"").code, 0);
    assert_ne!(translate(), before);
    assert_eq!(home.cuba(&["packs", "verify"], b"").code, 0);
}

#[test]
fn what_cannot_be_learnt_from_says_why() {
    let home = Home::with_model();
    let few = memory(&home, 10);
    let cases: [(&[&str], i32, &str); 4] = [
        (&["--from-memory", &few, "--pair", "en-es"], 4, "too few"),
        (&["--from-memory", &few, "--pair", "spanish"], 4, "en-es"),
        (&["--from-memory", &few, "--pair", "en-fr"], 3, "en-fr"),
        (&["--from-memory", "/nonexistent", "--pair", "en-es"], 1, "No such file"),
    ];
    for (args, code, wanted) in cases {
        let done = home.cuba(&[&["train"][..], args].concat(), b"");
        assert_eq!(done.code, code, "{args:?}: {}", done.err);
        assert!(done.err.contains(wanted), "{args:?}: {}", done.err);
    }
}

#[test]
fn the_packs_that_come_along_can_be_taught_before_anything_was_translated() {
    let home = Home::empty();
    let few = home.path().with_file_name("few.tsv");
    std::fs::write(&few, "Good morning.\tBuenos días.\n").unwrap();
    let mut command = home.command(&["train", "--from-memory", few.to_str().unwrap(), "--pair", "en-es"]);
    command.env("CUBA_STARTER_PACKS", concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/starter"));
    let done = common::run(command, b"");
    assert!(done.code == 4 && done.err.contains("too few"), "{}", done.err);
}
