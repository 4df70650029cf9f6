//! The card as a FHIR R4 document: an International Patient Summary, HL7 FHIR IPS 2.0.1.
//!
//! The three sections that the guide requires are always there. A list that says "none known" becomes an entry with
//! the guide's own code for that; one that says nothing has an `emptyReason`. Words of the person stand as text: this
//! program does not guess codes. <https://hl7.org/fhir/uv/ips/STU2.0.1>

#![allow(clippy::needless_pass_by_value, reason = "a value that becomes part of a resource is handed over")]

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{BloodType, Card, Entry, Known, Sex};
use crate::drawing::escape;
use crate::{ReportError, Setting};

const PROFILE: &str = "http://hl7.org/fhir/uv/ips/StructureDefinition/";
const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";
const UCUM: &str = "http://unitsofmeasure.org";
const TERMS: &str = "http://terminology.hl7.org/CodeSystem/";
const ABSENT: &str = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips";

/// Makes the same UUIDs from the same seed.
struct Names<'a>(&'a [u8]);

impl Names<'_> {
    /// A name-based UUID (the form of version 5, with SHA-256 in the place of SHA-1).
    fn uuid(&self, name: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(name.as_bytes());
        let digest = hash.finalize();
        let mut n = [0u8; 16];
        n.copy_from_slice(digest.get(..16).expect("a digest has 32 bytes"));
        n[6] = (n[6] & 0x0f) | 0x50;
        n[8] = (n[8] & 0x3f) | 0x80;
        let hex: String = n.iter().map(|b| format!("{b:02x}")).collect();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }

    fn url(&self, name: &str) -> String {
        format!("urn:uuid:{}", self.uuid(name))
    }
}

struct Writer<'a> {
    setting: &'a Setting,
    names: Names<'a>,
    /// When the person said all this.
    stated: String,
    entries: Vec<Value>,
}

impl Writer<'_> {
    fn patient(&self) -> Value {
        json!({ "reference": self.names.url("patient") })
    }

    fn narrative(&self, inner: &str) -> Value {
        let code = self.setting.language.code();
        json!({
            "status": "generated",
            "div": format!(
                "<div xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"{code}\" xml:lang=\"{code}\">{inner}</div>"
            ),
        })
    }

    /// Adds a resource under its name and returns the reference to it.
    fn add(&mut self, name: &str, profile: Option<&str>, said: &str, mut resource: Value) -> Value {
        if let Some(fields) = resource.as_object_mut() {
            fields.insert("id".to_owned(), self.names.uuid(name).into());
            fields.insert("text".to_owned(), self.narrative(&format!("<p>{}</p>", escape(said))));
            if let Some(profile) = profile {
                fields.insert("meta".to_owned(), json!({ "profile": [format!("{PROFILE}{profile}")] }));
            }
        }
        self.entries.push(json!({ "fullUrl": self.names.url(name), "resource": resource }));
        json!({ "reference": self.names.url(name) })
    }
}

fn coded(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": display }] })
}

/// The document.
///
/// `seed` decides the identifiers: another document of the same person needs another seed, the same seed gives the
/// same bytes. The time comes from `setting`.
///
/// # Errors
/// [`ReportError::Invalid`] without a name, which the guide requires.
pub fn bundle(card: &Card, setting: &Setting, seed: &[u8]) -> Result<Value, ReportError> {
    if card.name.trim().is_empty() {
        return Err(ReportError::invalid(
            "the card has no name, which a patient summary must have; fill it in first",
        ));
    }
    let time = |t: Timestamp| t.to_zoned(setting.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let now = time(setting.now);
    let stated = time(card.updated.unwrap_or(setting.now));
    let mut w = Writer { setting, names: Names(seed), stated, entries: Vec::new() };
    let words = &setting.language.words().card;

    patient(&mut w, card);
    let mut sections = vec![
        section(&mut w, &List::MEDICATIONS, words.medications, &card.medications),
        section(&mut w, &List::ALLERGIES, words.allergies, &card.allergies),
        section(&mut w, &List::PROBLEMS, words.conditions, &card.conditions),
    ];
    sections.extend(results(&mut w, card));
    sections.extend(vital_signs(&mut w, card));

    let composition = json!({
        "resourceType": "Composition",
        "id": w.names.uuid("composition"),
        "meta": { "profile": [format!("{PROFILE}Composition-uv-ips")] },
        "language": setting.language.code(),
        "text": w.narrative(&format!("<h1>{}</h1><p>{}</p>", escape(words.summary_title), escape(words.by_the_person))),
        "identifier": { "system": "urn:ietf:rfc:3986", "value": w.names.url("document") },
        "status": "final",
        "type": coded(LOINC, "60591-5", "Patient summary Document"),
        "subject": w.patient(),
        "date": now,
        "author": [w.patient()],
        "title": words.summary_title,
        "confidentiality": "N",
        "attester": [{ "mode": "personal", "time": now, "party": w.patient() }],
        "section": sections,
    });
    let mut entries = vec![json!({ "fullUrl": w.names.url("composition"), "resource": composition })];
    entries.append(&mut w.entries);
    Ok(json!({
        "resourceType": "Bundle",
        "id": w.names.uuid("bundle"),
        "meta": { "profile": [format!("{PROFILE}Bundle-uv-ips")] },
        "language": setting.language.code(),
        "identifier": { "system": "urn:ietf:rfc:3986", "value": w.names.url("document") },
        "type": "document",
        "timestamp": now,
        "entry": entries,
    }))
}

fn patient(w: &mut Writer<'_>, card: &Card) {
    let mut patient = json!({
        "resourceType": "Patient",
        "active": true,
        "name": [human_name(&card.name)],
    });
    let practitioner = card.doctor.as_ref().filter(|d| !d.name.trim().is_empty()).map(|doctor| {
        let mut resource = json!({ "resourceType": "Practitioner", "name": [human_name(&doctor.name)] });
        set(&mut resource, "telecom", telephone(&doctor.phone));
        (doctor.name.clone(), resource)
    });
    match card.birth_date {
        Some(date) => set(&mut patient, "birthDate", Some(date.to_string().into())),
        None => {
            let absent = json!({ "extension": [{
                "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown",
            }] });
            set(&mut patient, "_birthDate", Some(absent));
        }
    }
    let gender = card.sex.map(|s| match s {
        Sex::Female => "female",
        Sex::Male => "male",
        Sex::Other => "other",
    });
    set(&mut patient, "gender", gender.map(Value::from));
    let contacts: Vec<Value> = card
        .contacts
        .iter()
        .filter(|c| !c.name.trim().is_empty())
        .map(|c| {
            let mut relation = coded(&format!("{TERMS}v2-0131"), "C", "Emergency Contact");
            set(&mut relation, "text", (!c.relation.is_empty()).then(|| c.relation.clone().into()));
            let mut contact = json!({ "relationship": [relation], "name": { "text": c.name } });
            set(&mut contact, "telecom", telephone(&c.phone));
            contact
        })
        .collect();
    set(&mut patient, "contact", (!contacts.is_empty()).then(|| contacts.into()));
    // Only what is a language tag: the element's binding takes nothing else.
    let tags: Vec<Value> = card
        .languages
        .iter()
        .filter(|l| matches!(l.len(), 2 | 3) && l.bytes().all(|b| b.is_ascii_lowercase()))
        .map(|l| json!({ "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": l }] } }))
        .collect();
    set(&mut patient, "communication", (!tags.is_empty()).then(|| tags.into()));
    if practitioner.is_some() {
        let reference = json!([{ "reference": w.names.url("practitioner") }]);
        set(&mut patient, "generalPractitioner", Some(reference));
    }
    let born = card.birth_date.map_or_else(String::new, |d| format!(", {d}"));
    w.add("patient", Some("Patient-uv-ips"), &format!("{}{born}", card.name), patient);
    if let Some((name, resource)) = practitioner {
        w.add("practitioner", Some("Practitioner-uv-ips"), &name, resource);
    }
}

/// The whole name as text, and its last word as family name: readers that show only the parts show something.
fn human_name(name: &str) -> Value {
    let mut given: Vec<&str> = name.split_whitespace().collect();
    let family = given.pop().unwrap_or(name);
    let mut out = json!({ "text": name.trim(), "family": family });
    set(&mut out, "given", (!given.is_empty()).then(|| json!(given)));
    out
}

fn telephone(number: &str) -> Option<Value> {
    (!number.trim().is_empty()).then(|| json!([{ "system": "phone", "value": number.trim() }]))
}

fn set(to: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(fields), Some(value)) = (to.as_object_mut(), value) {
        fields.insert(name.to_owned(), value);
    }
}

/// Makes a resource of a list from its code and the entry.
type Make = fn(&Writer<'_>, Value, &Entry) -> Value;

/// What makes a required section.
struct List {
    name: &'static str,
    code: &'static str,
    display: &'static str,
    none_code: &'static str,
    none_display: &'static str,
    resource: Make,
    profile: &'static str,
}

impl List {
    const MEDICATIONS: Self = Self {
        name: "medication",
        code: "10160-0",
        display: "History of Medication use Narrative",
        none_code: "no-known-medications",
        none_display: "No known medications",
        resource: medication,
        profile: "MedicationStatement-uv-ips",
    };
    const ALLERGIES: Self = Self {
        name: "allergy",
        code: "48765-2",
        display: "Allergies and adverse reactions Document",
        none_code: "no-known-allergies",
        none_display: "No known allergies",
        resource: allergy,
        profile: "AllergyIntolerance-uv-ips",
    };
    const PROBLEMS: Self = Self {
        name: "problem",
        code: "11450-4",
        display: "Problem list - Reported",
        none_code: "no-known-problems",
        none_display: "No known problems",
        resource: condition,
        profile: "Condition-uv-ips",
    };
}

fn medication(w: &Writer<'_>, code: Value, e: &Entry) -> Value {
    let mut out = json!({
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationCodeableConcept": code,
        "subject": w.patient(),
        "effectiveDateTime": w.stated,
    });
    set(&mut out, "dosage", (!e.note.is_empty()).then(|| json!([{ "text": e.note }])));
    out
}

fn allergy(w: &Writer<'_>, code: Value, e: &Entry) -> Value {
    let mut out = json!({
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": coded(&format!("{TERMS}allergyintolerance-clinical"), "active", "Active"),
        "code": code,
        "patient": w.patient(),
    });
    set(
        &mut out,
        "reaction",
        (!e.note.is_empty()).then(|| json!([{ "manifestation": [{ "text": e.note }] }])),
    );
    out
}

fn condition(w: &Writer<'_>, code: Value, e: &Entry) -> Value {
    let category = coded(&format!("{TERMS}condition-category"), "problem-list-item", "Problem List Item");
    let mut out = json!({
        "resourceType": "Condition",
        "clinicalStatus": coded(&format!("{TERMS}condition-clinical"), "active", "Active"),
        "category": [category],
        "code": code,
        "subject": w.patient(),
    });
    set(&mut out, "note", (!e.note.is_empty()).then(|| json!([{ "text": e.note }])));
    out
}

fn section(w: &mut Writer<'_>, list: &List, title: &str, known: &Known<Entry>) -> Value {
    let words = &w.setting.language.words().card;
    let mut out = json!({ "title": title, "code": coded(LOINC, list.code, list.display) });
    if known.entries.is_empty() && !known.none_known {
        set(&mut out, "text", Some(w.narrative(&format!("<p>{}</p>", escape(words.not_stated)))));
        let reason = coded(&format!("{TERMS}list-empty-reason"), "unavailable", "Unavailable");
        set(&mut out, "emptyReason", Some(reason));
        return out;
    }
    let mut said = Vec::new();
    let mut references = Vec::new();
    if known.entries.is_empty() {
        let resource =
            (list.resource)(w, coded(ABSENT, list.none_code, list.none_display), &Entry::default());
        references.push(w.add(
            &format!("{}-none", list.name),
            Some(list.profile),
            words.none_known,
            resource,
        ));
        said.push(words.none_known.to_owned());
    }
    for (i, entry) in known.entries.iter().enumerate() {
        let text = if entry.note.is_empty() {
            entry.name.clone()
        } else {
            w.setting.language.labelled(&entry.name, &entry.note)
        };
        let resource = (list.resource)(w, json!({ "text": entry.name }), entry);
        references.push(w.add(&format!("{}-{i}", list.name), Some(list.profile), &text, resource));
        said.push(text);
    }
    let items: String = said.iter().map(|s| format!("<li>{}</li>", escape(s))).collect();
    set(&mut out, "text", Some(w.narrative(&format!("<ul>{items}</ul>"))));
    set(&mut out, "entry", Some(references.into()));
    out
}

/// SNOMED CT findings of the blood groups.
fn blood_group(blood: BloodType) -> (&'static str, &'static str) {
    match blood {
        BloodType::OPositive => ("278147001", "Blood group O Rh(D) positive"),
        BloodType::ONegative => ("278148006", "Blood group O Rh(D) negative"),
        BloodType::APositive => ("278149003", "Blood group A Rh(D) positive"),
        BloodType::BPositive => ("278150003", "Blood group B Rh(D) positive"),
        BloodType::AbPositive => ("278151004", "Blood group AB Rh(D) positive"),
        BloodType::ANegative => ("278152006", "Blood group A Rh(D) negative"),
        BloodType::BNegative => ("278153001", "Blood group B Rh(D) negative"),
        BloodType::AbNegative => ("278154007", "Blood group AB Rh(D) negative"),
    }
}

fn observation(w: &Writer<'_>, category: &str, display: &str, code: Value) -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "category": [coded(&format!("{TERMS}observation-category"), category, display)],
        "code": code,
        "subject": w.patient(),
        "effectiveDateTime": w.stated,
        "performer": [w.patient()],
    })
}

fn results(w: &mut Writer<'_>, card: &Card) -> Option<Value> {
    let blood = card.blood_type?;
    let words = &w.setting.language.words().card;
    let (code, display) = blood_group(blood);
    let what = coded(LOINC, "882-1", "ABO and Rh group [Type] in Blood");
    let mut resource = observation(w, "laboratory", "Laboratory", what);
    let mut value = coded(SNOMED, code, display);
    set(&mut value, "text", Some(blood.name().into()));
    set(&mut resource, "valueCodeableConcept", Some(value));
    let said = w.setting.language.labelled(words.blood_type, blood.name());
    let profile = "Observation-results-laboratory-pathology-uv-ips";
    let reference = w.add("blood-type", Some(profile), &said, resource);
    Some(json!({
        "title": words.blood_type,
        "code": coded(LOINC, "30954-2", "Relevant diagnostic tests/laboratory data note"),
        "text": w.narrative(&format!("<p>{}</p>", escape(&said))),
        "entry": [reference],
    }))
}

fn vital_signs(w: &mut Writer<'_>, card: &Card) -> Option<Value> {
    let words = &w.setting.language.words().card;
    let measures = [
        ("height", card.height_cm, "8302-2", "Body height", "cm", words.height),
        ("weight", card.weight_kg, "29463-7", "Body weight", "kg", words.weight),
    ];
    let mut references = Vec::new();
    let mut lines = Vec::new();
    for (name, value, code, display, unit, label) in measures {
        let Some(value) = value else { continue };
        let mut resource = observation(w, "vital-signs", "Vital Signs", coded(LOINC, code, display));
        set(
            &mut resource,
            "valueQuantity",
            Some(json!({ "value": value, "unit": unit, "system": UCUM, "code": unit })),
        );
        let said = w.setting.language.labelled(label, &format!("{value} {unit}"));
        references.push(w.add(name, None, &said, resource));
        lines.push(format!("<li>{}</li>", escape(&said)));
    }
    if references.is_empty() {
        return None;
    }
    Some(json!({
        "title": format!("{}, {}", words.height, words.weight),
        "code": coded(LOINC, "8716-3", "Vital signs note"),
        "text": w.narrative(&format!("<ul>{}</ul>", lines.concat())),
        "entry": references,
    }))
}
