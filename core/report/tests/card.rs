//! The emergency card: kept, printed, carried as a code, handed over as FHIR.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod common;

use std::collections::BTreeSet;

use common::{empty, pdf_text};
use cuba_report::card::{self, BloodType, Card, Contact, Entry, Known, Sex, fhir};
use cuba_report::{Language, ReportError};
use serde_json::Value;

fn entry(name: &str, note: &str) -> Entry {
    Entry { name: name.into(), note: note.into() }
}

fn ana() -> Card {
    Card {
        name: "Ana María Ñandú".into(),
        birth_date: Some(jiff::civil::date(1980, 5, 17)),
        sex: Some(Sex::Female),
        blood_type: Some(BloodType::ONegative),
        height_cm: Some(168.0),
        weight_kg: Some(61.5),
        allergies: Known {
            none_known: false,
            entries: vec![entry("Penicilina", "erupción"), entry("Bees & <wasps>", "")],
        },
        conditions: Known { none_known: true, entries: Vec::new() },
        medications: Known { none_known: false, entries: vec![entry("Ibersán 20 mg", "1 al día")] },
        contacts: vec![Contact {
            name: "Luis".into(),
            relation: "hermano".into(),
            phone: "+34 600 000 000".into(),
        }],
        doctor: Some(Contact {
            name: "Dra. Pérez".into(),
            relation: String::new(),
            phone: "+34 910 000 000".into(),
        }),
        languages: vec!["es".into(), "English".into()],
        organ_donor: Some(true),
        notes: "Lentillas".into(),
        updated: None,
    }
}

/// The elements that a resource of each type must have, by FHIR R4 and the profiles of IPS 2.0.1.
fn required(kind: &str) -> &'static [&'static str] {
    match kind {
        "Composition" => &["status", "type", "subject", "date", "author", "title", "section", "text"],
        "Patient" => &["name", "text"],
        "Practitioner" => &["name", "text"],
        "MedicationStatement" => {
            &["status", "medicationCodeableConcept", "subject", "effectiveDateTime", "text"]
        }
        "AllergyIntolerance" => &["clinicalStatus", "code", "patient", "text"],
        "Condition" => &["clinicalStatus", "category", "code", "subject", "text"],
        "Observation" => &["status", "category", "code", "subject", "effectiveDateTime", "performer", "text"],
        other => panic!("unexpected resource {other}"),
    }
}

fn references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("reference").and_then(Value::as_str) {
                out.push(reference.to_owned());
            }
            fields.values().for_each(|v| references(v, out));
        }
        Value::Array(list) => list.iter().for_each(|v| references(v, out)),
        _ => {}
    }
}

fn empties(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) if fields.is_empty() => out.push(path.to_owned()),
        Value::Array(list) if list.is_empty() => out.push(path.to_owned()),
        Value::String(text) if text.trim().is_empty() => out.push(path.to_owned()),
        Value::Null => out.push(path.to_owned()),
        Value::Object(fields) => fields.iter().for_each(|(k, v)| empties(v, &format!("{path}.{k}"), out)),
        Value::Array(list) => list.iter().for_each(|v| empties(v, path, out)),
        _ => {}
    }
}

/// The rules of the document that do not need a terminology server.
fn check(bundle: &Value) {
    assert_eq!(bundle["resourceType"], "Bundle");
    assert_eq!(bundle["type"], "document");
    assert!(bundle["identifier"]["system"].is_string() && bundle["identifier"]["value"].is_string());
    assert!(bundle["timestamp"].is_string());
    let entries = bundle["entry"].as_array().unwrap();
    assert_eq!(entries[0]["resource"]["resourceType"], "Composition");
    let count = |kind: &str| entries.iter().filter(|e| e["resource"]["resourceType"] == kind).count();
    assert_eq!((count("Composition"), count("Patient")), (1, 1));
    let mut urls = BTreeSet::new();
    for e in entries {
        let (url, resource) = (e["fullUrl"].as_str().unwrap(), &e["resource"]);
        assert!(urls.insert(url.to_owned()), "{url} twice");
        assert_eq!(url, format!("urn:uuid:{}", resource["id"].as_str().unwrap()));
        let kind = resource["resourceType"].as_str().unwrap();
        for field in required(kind) {
            assert!(!resource[field].is_null(), "{kind}.{field}");
        }
        let div = resource["text"]["div"].as_str().unwrap();
        assert!(div.starts_with("<div xmlns=\"http://www.w3.org/1999/xhtml\"") && div.ends_with("</div>"));
        assert!(!div.contains("<wasps>"), "text of the person is escaped");
    }
    let mut wanted = Vec::new();
    references(bundle, &mut wanted);
    assert!(wanted.iter().all(|r| urls.contains(r)), "every reference leads to an entry");
    // A document holds what can be reached from its composition, and nothing else.
    let reached: BTreeSet<&String> = wanted.iter().collect();
    assert!(urls.iter().filter(|u| entries[0]["fullUrl"] != **u).all(|u| reached.contains(u)));
    let patient = &entries.iter().find(|e| e["resource"]["resourceType"] == "Patient").unwrap()["resource"];
    assert!(
        patient["birthDate"].is_string() || patient["_birthDate"]["extension"][0]["valueCode"] == "unknown"
    );
    let sections = entries[0]["resource"]["section"].as_array().unwrap();
    for code in ["10160-0", "48765-2", "11450-4"] {
        let section = sections.iter().find(|s| s["code"]["coding"][0]["code"] == code).unwrap();
        assert_eq!(section["code"]["coding"][0]["system"], "http://loinc.org");
        assert!(section["title"].is_string() && section["text"]["div"].is_string());
        // ips-comp-1 of the guide.
        assert!(
            section["entry"][0]["reference"].is_string()
                ^ section["emptyReason"]["coding"][0]["code"].is_string()
        );
    }
    let mut nothing = Vec::new();
    empties(bundle, "Bundle", &mut nothing);
    assert_eq!(nothing, Vec::<String>::new(), "FHIR has no empty elements");
}

#[test]
fn a_patient_summary_that_the_definitions_accept() {
    let p = empty();
    let full = fhir::bundle(&ana(), &p.speaking(Language::Es), b"seed").unwrap();
    check(&full);
    insta::assert_json_snapshot!(full);
    assert_eq!(full, fhir::bundle(&ana(), &p.speaking(Language::Es), b"seed").unwrap());
    assert_ne!(full["identifier"], fhir::bundle(&ana(), &p.setting, b"other").unwrap()["identifier"]);
    let bare = Card { name: "Li".into(), ..Card::default() };
    let bare = fhir::bundle(&bare, &p.setting, b"seed").unwrap();
    check(&bare);
    assert_eq!(bare["entry"].as_array().unwrap().len(), 2);
    let nameless = fhir::bundle(&Card::default(), &p.setting, b"seed");
    assert!(matches!(nameless, Err(ReportError::Invalid { .. })));
}

#[test]
fn none_known_and_not_stated_are_different_things() {
    let p = empty();
    let card = ana();
    let text = card::qr_text(&card, &p.setting);
    assert!(text.contains("Health conditions: none known"));
    let unsaid = Card { conditions: Known::default(), ..card };
    assert!(card::qr_text(&unsaid, &p.setting).contains("Health conditions: not stated"));
    let bundle = fhir::bundle(&ana(), &p.setting, b"s").unwrap().to_string();
    assert!(bundle.contains("no-known-problems"));
    let bundle = fhir::bundle(&unsaid, &p.setting, b"s").unwrap().to_string();
    assert!(!bundle.contains("no-known-problems") && bundle.contains("unavailable"));
}

#[test]
fn the_card_is_kept_and_deleted() {
    let p = empty();
    assert!(card::load(&p.store).unwrap().is_empty());
    let saved = card::save(&p.store, &ana(), p.setting.now).unwrap();
    assert_eq!(saved.updated, Some(p.setting.now));
    assert_eq!(card::load(&p.store).unwrap(), saved);
    let wrong = Card { height_cm: Some(1.68), ..ana() };
    assert!(matches!(card::save(&p.store, &wrong, p.setting.now), Err(ReportError::Invalid { .. })));
    assert_eq!(card::load(&p.store).unwrap(), saved, "what was there stays");
    card::delete(&p.store).unwrap();
    assert!(card::load(&p.store).unwrap().is_empty());
}

#[test]
fn paper_and_code() {
    let p = empty();
    let setting = p.speaking(Language::Fr);
    insta::assert_snapshot!("card_html", card::html(&ana(), &setting));
    let text = pdf_text(&card::pdf(&ana(), &setting));
    for wanted in ["Carte d'urgence", "Ana María Ñandú", "O-", "Penicilina (erupción)", "+34 600 000 000"]
    {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let long = Card {
        notes: "x".repeat(1990),
        conditions: Known { none_known: false, entries: vec![entry(&"y".repeat(499), &"z".repeat(499))] },
        ..ana()
    };
    assert!(matches!(card::qr_svg(&long, &setting), Err(ReportError::Invalid { .. })));
    // Paper holds more than a code: it is printed without one.
    assert!(card::html(&long, &setting).contains(&"x".repeat(1990)));
}
