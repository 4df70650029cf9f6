//! The card on paper: HTML, PDF, and a QR code of its text.

use qrcodegen::{QrCode, QrCodeEcc};

use super::{Card, Contact, Entry, Known, Sex};
use crate::drawing::{Drawing, Ink};
use crate::page::{Block, Document};
use crate::{ReportError, Setting};

fn list(known: &Known<Entry>, setting: &Setting) -> String {
    let words = &setting.language.words().card;
    if known.entries.is_empty() {
        return (if known.none_known { words.none_known } else { words.not_stated }).to_owned();
    }
    let entry =
        |e: &Entry| if e.note.is_empty() { e.name.clone() } else { format!("{} ({})", e.name, e.note) };
    known.entries.iter().map(entry).collect::<Vec<_>>().join("; ")
}

fn contact(c: &Contact) -> String {
    let relation = if c.relation.is_empty() { String::new() } else { format!(" ({})", c.relation) };
    let phone = if c.phone.is_empty() { String::new() } else { format!(", {}", c.phone) };
    format!("{}{relation}{phone}", c.name)
}

/// Names and values.
type Facts = Vec<(String, String)>;

/// Names and values in the order in which a helper reads; the second part is what is less urgent.
fn facts(card: &Card, setting: &Setting) -> (Facts, Facts) {
    let language = setting.language;
    let words = &language.words().card;
    let mut first = Vec::new();
    let mut then = Vec::new();
    let add = |to: &mut Facts, name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            to.push((name.to_owned(), value));
        }
    };
    add(&mut first, language.words().report.name, Some(card.name.clone()));
    add(&mut first, words.birth_date, card.birth_date.map(|d| language.date(d)));
    add(&mut first, words.blood_type, card.blood_type.map(|b| b.name().to_owned()));
    add(&mut first, words.allergies, Some(list(&card.allergies, setting)));
    add(&mut first, words.medications, Some(list(&card.medications, setting)));
    add(&mut first, words.conditions, Some(list(&card.conditions, setting)));
    for c in &card.contacts {
        add(&mut first, words.contacts, Some(contact(c)));
    }
    let sex = card.sex.map(|s| match s {
        Sex::Female => words.female,
        Sex::Male => words.male,
        Sex::Other => words.other,
    });
    add(&mut then, words.sex, sex.map(str::to_owned));
    add(&mut then, words.height, card.height_cm.map(|v| format!("{} cm", language.number(v, 0))));
    add(&mut then, words.weight, card.weight_kg.map(|v| format!("{} kg", language.number(v, 1))));
    add(&mut then, words.doctor, card.doctor.as_ref().map(contact));
    add(&mut then, words.languages, Some(card.languages.join(", ")));
    let donor = card.organ_donor.map(|yes| if yes { words.yes } else { words.no });
    add(&mut then, words.organ_donor, donor.map(str::to_owned));
    add(&mut then, words.notes, Some(card.notes.clone()));
    (first, then)
}

fn document(card: &Card, setting: &Setting) -> Document {
    let words = &setting.language.words().card;
    let (first, then) = facts(card, setting);
    let made = setting.now.to_zoned(setting.zone.clone());
    let updated = card.updated.unwrap_or(setting.now).to_zoned(setting.zone.clone()).date();
    let mut blocks = if card.is_empty() {
        vec![Block::Paragraph(words.empty.to_owned())]
    } else {
        vec![Block::Boxed(first), Block::Facts(then)]
    };
    if let Ok(qr) = qr_drawing(card, setting) {
        blocks.push(Block::Figure(qr));
    }
    blocks.push(Block::Note(words.by_the_person.to_owned()));
    Document {
        title: words.title.to_owned(),
        language: setting.language,
        made,
        foot: format!("{} {}", words.updated, setting.language.date(updated)),
        blocks,
    }
}

/// The card as a page to print.
pub fn html(card: &Card, setting: &Setting) -> String {
    document(card, setting).html()
}

/// The card as PDF.
pub fn pdf(card: &Card, setting: &Setting) -> Vec<u8> {
    document(card, setting).pdf()
}

/// The text that the QR code carries: plain lines that any scanner shows without a network.
pub fn qr_text(card: &Card, setting: &Setting) -> String {
    let words = &setting.language.words().card;
    let (first, then) = facts(card, setting);
    let lines = first.iter().chain(&then).map(|(name, value)| setting.language.labelled(name, value));
    std::iter::once(words.title.to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

/// The QR code as SVG.
///
/// # Errors
/// [`ReportError::Invalid`] when the card says more than a code can hold (about 2,900 letters).
pub fn qr_svg(card: &Card, setting: &Setting) -> Result<String, ReportError> {
    Ok(qr_drawing(card, setting)?.svg())
}

fn qr_drawing(card: &Card, setting: &Setting) -> Result<Drawing, ReportError> {
    // The library raises the correction as far as the same size allows.
    let code = QrCode::encode_text(&qr_text(card, setting), QrCodeEcc::Low)
        .map_err(|_| ReportError::invalid("the card says more than a QR code can hold; shorten its notes"))?;
    let (modules, quiet) = (code.size(), 4);
    let side = f64::from(modules + 2 * quiet);
    // At least half a millimetre a module on paper, which phone cameras resolve.
    let scale = (180.0 / side).max(1.6);
    let mut out = Drawing::new(side * scale, side * scale, setting.language.words().card.title);
    out.rect(0.0, 0.0, side * scale, side * scale, Ink::Paper);
    for y in 0..modules {
        let mut x = 0;
        while x < modules {
            let run = (x..modules).take_while(|x| code.get_module(*x, y)).count() as i32;
            if run > 0 {
                let at = |n: i32| f64::from(n + quiet) * scale;
                out.rect(at(x), at(y), f64::from(run) * scale, scale, Ink::Text);
            }
            x += run.max(1);
        }
    }
    Ok(out)
}
