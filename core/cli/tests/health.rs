//! `cuba health` on the store, by the real binary in a home of its own.

#![cfg(all(unix, feature = "health"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::health::{command, database, health, key_file, ok, read};
use common::{Home, run};
use serde_json::{Value, json};

/// A Cuba export of a week: steps of a watch and of a phone that overlap, a weight a day, one night.
fn export_file(home: &Home) -> PathBuf {
    let mut text = String::from("{\"cuba_health\":1}\n");
    for (id, key, name, kind) in [(1, "w", "My watch", "watch"), (2, "p", "My phone", "phone")] {
        let _ = writeln!(text, r#"{{"source":{{"id":{id},"key":"{key}","name":"{name}","kind":"{kind}"}}}}"#);
    }
    let hour = 3_600_000i64;
    // 16 November 2026, midnight in Madrid.
    let first = 1_794_783_600_000i64;
    for day in 0..7 {
        let midnight = first + day * 24 * hour;
        let mut samples = |metric: &str, source: i64, start: i64, length: i64, value: &str| {
            let _ = writeln!(
                text,
                r#"{{"samples":{{"metric":"{metric}","source":{source},"start":[{start}],"length":{length},"offset":60,"value":[{value}]}}}}"#
            );
        };
        samples("steps", 1, midnight + 9 * hour, hour, &format!("{}", 4000 + 100 * day));
        samples("steps", 2, midnight + 9 * hour + hour / 2, hour, "3000");
        samples("weight", 2, midnight + 7 * hour, 0, &format!("8{day}.5"));
        samples("heart_rate", 1, midnight + 12 * hour, 0, "61");
    }
    let night = first + 6 * 24 * hour - hour;
    let stages = [(1, 10), (3, 120), (4, 60), (5, 90), (3, 180), (1, 5)];
    let mut at = night;
    let (mut starts, mut lengths, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (stage, minutes) in stages {
        starts.push((at - starts.iter().sum::<i64>()).to_string().parse::<i64>().unwrap());
        lengths.push(minutes * 60_000);
        values.push(stage);
        at += minutes * 60_000;
    }
    // Those before midnight are another local day, hence another line.
    let days: Vec<(usize, usize)> = vec![(0, 2), (2, 6)];
    for (from, to) in days {
        let absolute: i64 = starts[..=from].iter().sum();
        let rest: Vec<String> = starts[from + 1..to].iter().map(ToString::to_string).collect();
        let start = std::iter::once(absolute.to_string()).chain(rest).collect::<Vec<_>>().join(",");
        let list = |v: &[i64]| v.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let _ = writeln!(
            text,
            r#"{{"samples":{{"metric":"sleep_stage","source":1,"start":[{start}],"length":[{}],"offset":60,"value":[{}]}}}}"#,
            list(&lengths[from..to]),
            list(&values[from..to])
        );
    }
    std::fs::create_dir_all(home.path()).unwrap();
    let path = home.path().join("week.jsonl");
    std::fs::write(&path, text).unwrap();
    path
}

fn with_week() -> Home {
    let home = Home::empty();
    let file = export_file(&home);
    let report = read(&home, &["import", file.to_str().unwrap()]);
    assert_eq!((report["read"].as_u64(), report["stored"].as_u64()), (Some(34), Some(34)), "{report}");
    home
}

fn snapshot(bytes: &Path) -> Vec<u8> {
    std::fs::read(bytes).unwrap()
}

#[test]
fn an_empty_store_says_what_to_do() {
    let home = Home::empty();
    for args in [&[][..], &["summary"], &["sources"], &["sleep"]] {
        let said = ok(&home, args);
        assert!(said.contains("cuba health import"), "{args:?}: {said}");
    }
    let summary = read(&home, &["summary", "--week"]);
    assert_eq!(summary["metrics"].as_array().unwrap().len(), 0);
    let chart = health(&home, &["chart", "steps"]);
    assert_eq!(chart.code, 4);
    assert!(chart.err.contains("no data of steps"), "{}", chart.err);
    assert!(health(&home, &["chart", "step"]).err.contains("perhaps steps"));
}

#[test]
fn import_summary_chart_why_and_priority() {
    let home = with_week();
    let again = read(&home, &["import", home.path().join("week.jsonl").to_str().unwrap()]);
    assert_eq!((again["stored"].as_u64(), again["duplicates"].as_u64()), (Some(0), Some(34)));

    let week = read(&home, &["summary", "--week", "--lang", "en"]);
    let steps = week["metrics"].as_array().unwrap().iter().find(|m| m["metric"] == "steps").unwrap().clone();
    // Of the phone's hour the half that the watch did not see counts: 1500 a day.
    assert_eq!(steps["total"], 7.0 * 5500.0 + 100.0 * 21.0);
    assert_eq!(week["sleep"]["nights"], 1);
    assert!(ok(&home, &["summary", "--week", "--lang", "fr"]).contains("Pas"));

    let svg = home.path().join("steps.svg");
    ok(&home, &["chart", "steps", "--from", "2026-11-16", "--svg", svg.to_str().unwrap()]);
    assert!(std::fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    assert!(ok(&home, &["chart", "weight", "--from", "2026-11-16"]).contains('█'));
    assert_eq!(read(&home, &["chart", "steps", "--from", "2026-11-16"])["kind"], "bars");

    let why = read(&home, &["why", "steps", "2026-11-18T09:40"]);
    assert_eq!(why["reasons"][0]["sentence"], "My watch beat My phone 2026-11-18 09:30-10:00");
    assert_eq!(why["values"][0]["source"], "My watch");
    ok(&home, &["priority", "steps", "My phone", "My watch"]);
    let why = read(&home, &["why", "steps", "2026-11-18T09:40"]);
    assert_eq!(why["reasons"][0]["winner"], "My phone");
    let order = read(&home, &["priority", "steps", "--reset"]);
    assert_eq!(order["sources"][0]["name"], "My watch");
    assert_eq!(health(&home, &["priority", "steps", "Nobody"]).code, 4);
    assert_eq!(health(&home, &["why", "steps", "yesterdayish"]).code, 4);

    let night = read(&home, &["sleep"]);
    assert_eq!(
        (night["day"].as_str(), night["figures"]["asleep_min"].as_f64()),
        (Some("2026-11-22"), Some(450.0))
    );
    assert!(ok(&home, &["sleep", "--lang", "es"]).contains("Profundo"));
    assert_eq!(health(&home, &["sleep", "--night", "2026-11-20"]).code, 4);
    assert!(ok(&home, &["sources"]).contains("My watch"));
}

#[test]
fn notes_in_four_languages_and_questions() {
    let home = Home::empty();
    for (lang, text) in [
        ("en", "slept badly, 2 coffees, 80.5 kg"),
        ("es", "dormí mal, dos cafés y 80,5 kg"),
        ("fr", "mal dormi, 2 cafés et 80,5 kg"),
        ("pt", "dormi mal, dois cafés e 80,5 kg"),
    ] {
        let at = format!("2026-11-22T0{}:00", 5 + lang.len() + usize::from(lang.as_bytes()[0] % 2));
        let logged = read(&home, &["log", text, "--lang", lang, "--at", &at]);
        assert_eq!((&logged["stored"], logged["clauses"].as_array().unwrap().len()), (&json!(true), 3));
    }
    ok(&home, &["log", "feliz, dor de cabeça, met an old friend"]);
    let day = read(&home, &["summary", "--lang", "en"]);
    let of = |kind: &str| {
        day["events"].as_array().unwrap().iter().find(|e| e["kind"] == kind).map(|e| e["count"].clone())
    };
    assert_eq!(of("symptom.headache"), Some(json!(1.0)));
    assert!(of("drink.coffee").unwrap().as_f64().unwrap() >= 2.0);
    assert!(day["metrics"].as_array().unwrap().iter().any(|m| m["metric"] == "mood"));

    // Where it cannot ask it stores nothing, says what it would ask, and ends with 4.
    let before = read(&home, &["summary"]);
    let unsure = health(&home, &["log", "slept well, 300", "--lang", "es"]);
    assert_eq!(unsure.code, 4);
    assert!(unsure.out.contains("300: ¿De qué es el número?"), "{}", unsure.out);
    assert_eq!(read(&home, &["summary"]), before);
    assert!(!unsure.err.contains("300"), "an error carries no value: {}", unsure.err);
}

#[test]
fn habits_and_medication() {
    let home = Home::empty();
    ok(&home, &["habit", "add", "Read a book"]);
    ok(&home, &["habit", "add", "Water", "--at-least", "2000", "--unit", "mL"]);
    for day in 16..=22 {
        ok(&home, &["habit", "done", "read a book", "--day", &format!("2026-11-{day}")]);
    }
    ok(&home, &["habit", "skip", "Read a book", "--day", "2026-11-15"]);
    ok(&home, &["habit", "done", "Water", "2500"]);
    let list = read(&home, &["habit", "list"]);
    assert_eq!((list[0]["streak"].as_i64(), list[0]["today"].as_str()), (Some(7), Some("done")));
    assert_eq!(list[1]["today"], "2500 mL");
    assert_eq!(health(&home, &["habit", "done", "Fly"]).code, 4);
    assert_eq!(health(&home, &["habit", "remove", "Water"]).code, 4, "nothing is deleted without a yes");
    ok(&home, &["habit", "remove", "Water", "--yes"]);
    assert_eq!(read(&home, &["habit", "list"]).as_array().unwrap().len(), 1);

    ok(&home, &["med", "add", "Tablet", "--at", "08:00,20:00", "--stock", "10", "--from", "2026-11-20"]);
    let row = read(&home, &["med", "list"])[0].clone();
    assert_eq!(row["open"], json!(["2026-11-22 08:00", "2026-11-22 20:00"]));
    ok(&home, &["med", "snooze", "tablet", "--minutes", "30"]);
    let taken = read(&home, &["med", "taken", "Tablet"])[0].clone();
    assert_eq!(
        (&taken["stock"], &taken["open"]),
        (&json!(9.0), &json!(["2026-11-22 08:00"])),
        "the snoozed one was meant"
    );
    let skipped = read(&home, &["med", "skipped", "Tablet"])[0].clone();
    assert_eq!(skipped["answered"], json!([["2026-11-22 08:00", "skipped"], ["2026-11-22 20:00", "taken"]]));
    assert_eq!(skipped["open"], json!([]));
    assert_eq!(read(&home, &["med", "stock", "Tablet", "30"])[0]["stock"], 30.0);
    assert_eq!(health(&home, &["med", "add", "X", "--at", "25:00"]).code, 4);
}

#[test]
fn backup_restore_export_and_erase() {
    let home = with_week();
    ok(&home, &["card", "set", "--name", "Ana", "--allergy", "Bees: swelling", "--condition", "none"]);
    let before = read(&home, &["summary", "--week"]);
    let (backup, export, csv) =
        (home.path().join("cuba.backup"), home.path().join("out.jsonl"), home.path().join("out.csv"));
    ok(&home, &["backup", backup.to_str().unwrap()]);
    ok(&home, &["export", export.to_str().unwrap()]);
    ok(&home, &["export", "--csv", csv.to_str().unwrap()]);
    assert!(std::fs::read_to_string(&csv).unwrap().contains("steps,My watch,2026-11-16T09:00:00+01:00"));

    assert_eq!(health(&home, &["erase", "--metric", "weight"]).code, 4, "asks first");
    assert_eq!(read(&home, &["erase", "--metric", "weight", "--yes"])["samples"], 7);
    assert_eq!(read(&home, &["erase", "--source", "My phone", "--to", "2026-11-17", "--yes"])["samples"], 2);
    assert_ne!(read(&home, &["summary", "--week"]), before);

    let file = backup.to_str().unwrap();
    let mut wrong = command(&home, &["restore", file, "--yes"]);
    wrong.env("CUBA_BACKUP_PASSPHRASE", "wrong");
    let untouched = snapshot(&database(&home));
    let refused = run(wrong, b"");
    assert_eq!(refused.code, 4);
    assert!(refused.err.contains("nothing here was changed"), "{}", refused.err);
    assert_eq!(snapshot(&database(&home)), untouched);
    ok(&home, &["restore", file, "--yes"]);
    assert_eq!(read(&home, &["summary", "--week"]), before);

    let elsewhere = Home::empty();
    ok(&elsewhere, &["restore", file]);
    assert_eq!(read(&elsewhere, &["summary", "--week"]), before);
    assert_eq!(read(&elsewhere, &["card", "show"])["name"], "Ana");
    let third = Home::empty();
    ok(&third, &["import", export.to_str().unwrap()]);
    assert_eq!(read(&third, &["summary", "--week"]), before);
    ok(&third, &["export", home.path().join("again.jsonl").to_str().unwrap()]);
    assert_eq!(snapshot(&home.path().join("again.jsonl")), snapshot(&export), "lossless");

    assert_eq!(health(&home, &["erase", "--all"]).code, 4);
    ok(&home, &["erase", "--all", "--yes"]);
    assert!(!database(&home).exists());
    assert!(ok(&home, &[]).contains("cuba health import"));
}

#[test]
fn report_card_trends_and_insights() {
    let home = with_week();
    let file = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    ok(
        &home,
        &[
            "report",
            "--lang",
            "pt",
            "--html",
            &file("r.html"),
            "--pdf",
            &file("r.pdf"),
            "--from",
            "2026-11-16",
        ],
    );
    let html = std::fs::read_to_string(file("r.html")).unwrap();
    assert!(html.contains("lang=\"pt\"") && html.contains("Resumo de saúde") && html.contains("<svg"));
    assert!(std::fs::read(file("r.pdf")).unwrap().starts_with(b"%PDF-"));
    assert_eq!(health(&home, &["report"]).code, 2, "the form must be chosen");

    assert!(ok(&home, &["card"]).contains("card set"));
    ok(
        &home,
        &[
            "card",
            "set",
            "--name",
            "Ana Pérez",
            "--birth-date",
            "1980-05-17",
            "--blood-type",
            "O-",
            "--allergy",
            "Bees: swelling",
            "--condition",
            "none",
            "--contact",
            "Luis, brother, +34 600 000 000",
        ],
    );
    ok(
        &home,
        &[
            "card",
            "--html",
            &file("c.html"),
            "--pdf",
            &file("c.pdf"),
            "--qr",
            &file("c.svg"),
            "--fhir",
            &file("c.json"),
        ],
    );
    let bundle: Value = serde_json::from_slice(&std::fs::read(file("c.json")).unwrap()).unwrap();
    assert_eq!(
        (&bundle["type"], &bundle["entry"][0]["resource"]["resourceType"]),
        (&"document".into(), &"Composition".into())
    );
    let card = read(&home, &["card", "show"]);
    assert_eq!(
        (&card["conditions"]["none_known"], &card["allergies"]["entries"][0]["note"]),
        (&true.into(), &"swelling".into())
    );
    assert_eq!(health(&home, &["card", "set", "--height", "1.7"]).code, 4);

    assert_eq!(read(&home, &["trends"])["tested"], 0);
    let insights = read(&home, &["insights"]);
    assert_eq!(insights["pairs_tested"], 0);
    assert!(ok(&home, &["insights", "--lang", "es"]).contains("31 días"));
}

#[test]
fn faults_are_said_and_harm_nothing() {
    let home = with_week();
    let db = database(&home);
    let key = key_file(&home);
    let (bytes, secret) = (snapshot(&db), snapshot(&key));

    std::fs::write(&key, [7u8; 32]).unwrap();
    let wrong = health(&home, &["summary"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("does not open"), "{}", wrong.err);
    assert_eq!(snapshot(&db), bytes);
    std::fs::remove_file(&key).unwrap();
    let missing = health(&home, &["summary"]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("key of the database is missing"), "{}", missing.err);
    assert_eq!(snapshot(&db), bytes);
    std::fs::write(&key, &secret).unwrap();

    let junk = home.path().join("junk.bin");
    std::fs::write(&junk, b"\x00\x01nothing that anybody exports").unwrap();
    let refused = health(&home, &["import", junk.to_str().unwrap()]);
    assert_eq!(refused.code, 4);
    assert!(refused.err.contains("junk.bin"), "{}", refused.err);
    assert_eq!(health(&home, &["import", "/nonexistent.zip"]).code, 4);

    std::fs::write(&db, &bytes[..bytes.len() / 2]).unwrap();
    let cut = health(&home, &["summary"]);
    assert_eq!(cut.code, 6, "{}", cut.err);
    assert!(cut.err.contains("nothing was deleted") && cut.err.contains("restore"), "{}", cut.err);
    let aside: Vec<PathBuf> = std::fs::read_dir(db.parent().unwrap())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.to_string_lossy().contains("damaged") && p.extension().is_none_or(|e| e != "key"))
        .collect();
    assert!(aside.iter().any(|p| snapshot(p) == bytes[..bytes.len() / 2]), "{aside:?}");
    assert_eq!(health(&home, &["--zone", "Mars/Base", "summary"]).code, 2, "one zone only");
}

#[test]
fn two_processes_write_at_once() {
    let home = Home::empty();
    ok(&home, &["log", "70 kg", "--at", "2026-11-01T08:00"]);
    let children: Vec<_> = (0..4)
        .map(|n| {
            let at = format!("2026-11-0{}T08:00", n + 2);
            let text = format!("7{n}.5 kg");
            command(&home, &["log", &text, "--at", &at])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let month = read(&home, &["summary", "--month"]);
    assert_eq!(month["metrics"][0]["days"], 5);
}

#[test]
fn a_start_of_the_night_is_read() {
    let home = Home::empty();
    std::fs::create_dir_all(home.path()).unwrap();
    let file = home.path().join("hr.csv");
    let mut text = String::from("seconds,bpm\n");
    for i in 0..720 {
        let _ = writeln!(text, "{},{}", i * 30, 58 + (i * 7) % 9);
    }
    std::fs::write(&file, text).unwrap();
    let hr = file.to_str().unwrap();
    let night = read(&home, &["stage", "--hr", hr, "--start", "2026-11-21T23:10"]);
    assert_eq!((&night["start"], &night["clock"]), (&json!("2026-11-21T23:10:00+01:00"), &json!(true)));
    assert_eq!(read(&home, &["stage", "--hr", hr])["clock"], false);
    let bad = health(&home, &["stage", "--hr", hr, "--start", "bedtime"]);
    assert_eq!(bad.code, 4);
    assert!(bad.err.contains("is no time"), "{}", bad.err);
}

#[test]
fn the_key_is_kept_where_its_owner_wants_it() {
    let home = Home::empty();
    let file = key_file(&home);
    let keys = |args: &[&str], present: Option<&str>, next: Option<&str>| {
        let mut command = home.command(&[&["keys"], args].concat());
        command.env_remove("CUBA_PASSPHRASE");
        present.map(|p| command.env("CUBA_PASSPHRASE", p));
        next.map(|p| command.env("CUBA_NEW_PASSPHRASE", p));
        run(command, b"")
    };
    assert!(keys(&[], None, None).out.starts_with("none yet"));
    ok(&home, &["log", "80.5 kg"]);
    assert!(keys(&[], None, None).out.starts_with("file: "));
    assert!(file.exists());

    let done = keys(&["use", "passphrase", "--json"], None, Some("one"));
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(serde_json::from_str::<Value>(&done.out).unwrap()["kept_by"], "passphrase");
    assert!(!file.exists(), "a key file that opens nothing stays behind");
    let with = |passphrase: &str| {
        let mut command = command(&home, &["summary", "--json"]);
        command.env("CUBA_PASSPHRASE", passphrase);
        run(command, b"")
    };
    assert!(with("one").out.contains("weight"));
    let wrong = with("two");
    assert!(wrong.code == 1 && wrong.err.contains("does not open"), "{}", wrong.err);
    let unasked = health(&home, &["summary"]);
    assert!(unasked.code == 4 && unasked.err.contains("CUBA_PASSPHRASE"), "{}", unasked.err);

    // A wrong passphrase changes nothing, the right one gives the key back to a file.
    assert_eq!(keys(&["use", "file"], Some("two"), None).code, 1);
    assert!(!file.exists() || with("one").code == 0);
    assert_eq!(keys(&["use", "passphrase"], Some("one"), Some("three")).code, 0);
    assert_eq!(with("one").code, 1);
    assert_eq!(keys(&["use", "file"], Some("three"), None).code, 0);
    assert!(ok(&home, &["summary", "--json"]).contains("weight"));
}

#[test]
fn a_passphrase_may_be_chosen_before_anything_is_stored() {
    let home = Home::empty();
    let mut choose = home.command(&["keys", "use", "passphrase"]);
    choose.env("CUBA_NEW_PASSPHRASE", "one");
    assert_eq!(run(choose, b"").code, 0);
    assert!(!home.path().join("keys").exists());
    let mut log = command(&home, &["log", "80.5 kg"]);
    log.env("CUBA_PASSPHRASE", "one");
    assert_eq!(run(log, b"").code, 0);
}
