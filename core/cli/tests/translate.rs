//! `cuba translate` as people and scripts use it, with a real (tiny) model.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod common;

use common::Home;

const TRANSLATE: &[&str] = &["translate", "--from", "en", "--to", "es"];

fn json_lines(out: &str) -> Vec<serde_json::Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn lines_come_back_in_order_and_empty_lines_stay_empty() {
    let home = Home::with_model();
    let done = home.cuba(TRANSLATE, b"Good morning.\n\nGood night.\n\n\nGood morning.\n");
    assert_eq!(done.code, 0, "{}", done.err);
    let lines: Vec<&str> = done.out.split('\n').collect();
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert_eq!((lines[1], lines[3], lines[4]), ("", "", ""));
    assert!(!lines[0].is_empty() && lines[0] == lines[5]);
}

#[test]
fn a_text_and_the_same_line_from_standard_input_agree() {
    let home = Home::with_model();
    let text = home.cuba(&[TRANSLATE, &["Good morning."]].concat(), b"");
    let line = home.cuba(TRANSLATE, b"Good morning.");
    assert_eq!((text.code, line.code), (0, 0), "{} {}", text.err, line.err);
    assert_eq!(text.out, line.out);
}

#[test]
fn json_has_one_object_a_line() {
    let home = Home::with_model();
    let done = home.cuba(&[TRANSLATE, &["--json"]].concat(), "Good morning.\n\n2 tablets.\n".as_bytes());
    assert_eq!(done.code, 0, "{}", done.err);
    let records = json_lines(&done.out);
    assert_eq!(records.len(), 3);
    for record in &records {
        for key in ["source", "target", "engine", "confidence", "reasons", "timings"] {
            assert!(record.get(key).is_some(), "{key} in {record}");
        }
    }
    assert_eq!(records[0]["engine"], "nmt:en-es");
    assert_eq!(records[1]["target"], "");
    assert!(records[2]["target"].as_str().unwrap().contains('2'), "{}", records[2]);
}

#[test]
fn awkward_input_is_answered_line_for_line() {
    let home = Home::with_model();
    let long = format!("{}\n", "word ".repeat(200_000));
    let cases: &[(&str, &[u8])] = &[
        ("nothing", b""),
        ("blank lines", b"\n\n"),
        ("carriage returns", b"Good morning.\r\nGood night.\r\n"),
        ("a zero byte", b"Good\0 morning.\n"),
        ("right-to-left marks", "\u{200f}Good morning\u{200e}.\u{202e}\n".as_bytes()),
        ("emoji alone", "\u{1f600}\u{1f469}\u{200d}\u{1f467}\n".as_bytes()),
        ("no line break at the end", b"Good morning."),
        ("a line of a megabyte", long.as_bytes()),
    ];
    for (name, input) in cases {
        let done = home.cuba(TRANSLATE, input);
        assert_eq!(done.code, 0, "{name}: {}", done.err);
        let wanted =
            input.split(|b| *b == b'\n').count() - usize::from(input.is_empty() || input.ends_with(b"\n"));
        assert_eq!(done.out.matches('\n').count(), wanted, "{name}");
        if *name == "a line of a megabyte" {
            assert!(done.out.split_whitespace().count() > 1000, "a long line is not cut off");
        }
    }
    let emoji = home.cuba(TRANSLATE, "\u{1f600}\n".as_bytes());
    assert_eq!(emoji.out, "\u{1f600}\n");
}

#[test]
fn input_that_is_not_utf8_is_named_by_line_and_what_came_before_is_kept() {
    let home = Home::with_model();
    let done = home.cuba(TRANSLATE, b"Good morning.\nCaf\xe9\nGood night.\n");
    assert_eq!(done.code, 4);
    assert_eq!(done.out.lines().count(), 1);
    assert!(done.err.contains("line 2") && done.err.contains("iconv"), "{}", done.err);
    assert!(!done.err.contains("Caf"), "no text of the user in messages: {}", done.err);
}

#[test]
fn a_pair_that_is_not_installed_says_what_to_fetch() {
    let home = Home::with_model();
    let done = home.cuba(&["translate", "--from", "en", "--to", "fr", "Good morning."], b"");
    assert_eq!(done.code, 3);
    assert!(done.err.contains("en-fr") && done.err.contains("packs"), "{}", done.err);
    let nothing = Home::empty().cuba(&["translate", "--to", "es", "Good morning."], b"");
    assert_eq!(nothing.code, 3, "{}", nothing.err);
    let plan = home.cuba(&["translate", "--from", "en", "--to", "es", "--plan"], b"");
    assert_eq!((plan.code, plan.out.as_str()), (0, "en-es: nmt:en-es\n"), "{}", plan.err);
}

#[test]
fn the_language_is_found_or_asked_for() {
    let home = Home::with_model();
    let found = home.cuba(&["translate", "--to", "es", "--json", "Where is the nearest hospital?"], b"");
    assert_eq!(found.code, 0, "{}", found.err);
    assert_eq!(json_lines(&found.out)[0]["from"], "en");
    let same = home.cuba(&["translate", "--to", "es", "¿Dónde está el hospital más cercano?"], b"");
    assert_eq!((same.code, same.out.as_str()), (0, "¿Dónde está el hospital más cercano?\n"), "{}", same.err);
}

#[test]
fn threads_and_repetition_do_not_change_the_output() {
    let home = Home::with_model();
    let lines: Vec<String> = (0..300).map(|i| format!("Good morning, number {i} is here.")).collect();
    let text = lines.join("\n");
    let one = home.cuba(&[TRANSLATE, &["--threads", "1"]].concat(), text.as_bytes());
    let two = home.cuba(&[TRANSLATE, &["--threads", "2"]].concat(), text.as_bytes());
    assert_eq!((one.code, one.out.lines().count()), (0, 300), "{}", one.err);
    assert_eq!(one.out, two.out);
}

#[test]
fn wrong_arguments_end_with_two() {
    let home = Home::empty();
    for args in [
        &["translate"][..],
        &["translate", "--to", "Spanish!", "x"],
        &["translate", "--to", "es", "--beam", "9", "x"],
    ] {
        assert_eq!(home.cuba(args, b"").code, 2, "{args:?}");
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    let home = Home::empty();
    for shell in ["bash", "zsh", "fish"] {
        let done = home.cuba(&["completions", shell], b"");
        assert!(done.code == 0 && done.out.contains("translate"), "{shell}: {}", done.err);
    }
    let dir = tempfile::tempdir().unwrap();
    let done = home.cuba(&["man", dir.path().to_str().unwrap()], b"");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(std::fs::read_to_string(dir.path().join("cuba.1")).unwrap().contains("Exit codes"));
    assert!(dir.path().join("cuba-translate.1").is_file());
}
