//! `cuba health card`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use cuba_report::card::{self, BloodType, Card, Contact, Entry, Known, Sex, fhir};
use jiff::civil::Date;

use super::open::Place;
use super::{answer, keep, write_whole};
use crate::exit::{Code, Failure, Outcome};
use crate::screen;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct CardArgs {
    #[command(subcommand)]
    command: Option<CardCommand>,
    /// Write the card as a page to print
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the card as PDF
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Write a QR code of the card's text, as SVG
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
    /// Write an International Patient Summary (HL7 FHIR IPS 2.0.1, JSON)
    #[arg(long, value_name = "FILE")]
    fhir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum CardCommand {
    /// Show the card
    Show,
    /// Fill in; what is not named stays as it is
    Set(Box<SetArgs>),
    /// Delete the card for good
    Clear {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Entries are written as \"NAME\" or \"NAME: NOTE\" (a reaction, a dose). A list that is given replaces the old one; \
\"none\" says that none is known, \"\" says nothing. Contacts are \"NAME, RELATION, PHONE\".")]
struct SetArgs {
    #[arg(long)]
    name: Option<String>,
    /// As 1980-05-17
    #[arg(long, value_name = "DATE")]
    birth_date: Option<Date>,
    /// female, male or other
    #[arg(long)]
    sex: Option<String>,
    /// O-, O+, A-, A+, B-, B+, AB- or AB+
    #[arg(long, allow_hyphen_values = true)]
    blood_type: Option<BloodType>,
    #[arg(long, value_name = "CM")]
    height: Option<f64>,
    #[arg(long, value_name = "KG")]
    weight: Option<f64>,
    /// May be given several times
    #[arg(long = "allergy", value_name = "ENTRY")]
    allergies: Vec<String>,
    /// May be given several times
    #[arg(long = "condition", value_name = "ENTRY")]
    conditions: Vec<String>,
    /// May be given several times
    #[arg(long = "medication", value_name = "ENTRY")]
    medications: Vec<String>,
    /// Take the medications that are logged and not archived
    #[arg(long, conflicts_with = "medications")]
    logged_medications: bool,
    /// Whom to call; may be given several times
    #[arg(long = "contact", value_name = "CONTACT")]
    contacts: Vec<String>,
    /// The doctor who knows you
    #[arg(long, value_name = "CONTACT")]
    doctor: Option<String>,
    /// Language you speak, best as a code such as en; may be given several times
    #[arg(long = "language", value_name = "LANG")]
    languages: Vec<String>,
    #[arg(long)]
    organ_donor: Option<bool>,
    #[arg(long)]
    notes: Option<String>,
    /// Take the whole card from a JSON file, as `card show --json` prints it
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

pub(super) fn run(place: &Place, args: &CardArgs) -> Outcome {
    let store = place.store()?;
    match &args.command {
        Some(CardCommand::Set(set)) => {
            let mut card = match &set.from {
                Some(path) => serde_json::from_str(&super::files::read(path)?).map_err(|_| {
                    Failure::new(Code::BadInput, format_args!("{} is no card", path.display()))
                        .hint("it is the JSON that `cuba health card show --json` prints")
                })?,
                None => card::load(&store)?,
            };
            if set.logged_medications {
                let logged = store.medications()?.into_iter().filter(|m| !m.archived);
                let entry = |m: cuba_health::log::medication::Medication| Entry {
                    note: format!("{} {}", m.plan.amount, m.unit).trim_end().to_owned(),
                    name: m.name,
                };
                card.medications = Known { none_known: false, entries: logged.map(entry).collect() };
            }
            change(&mut card, set)?;
            show(place, &card::save(&store, &card, place.setting.now)?)
        }
        Some(CardCommand::Clear { yes }) => {
            keep::confirm(*yes, "delete the emergency card for good")?;
            Ok(card::delete(&store)?)
        }
        Some(CardCommand::Show) => show(place, &card::load(&store)?),
        None => write(place, args, &card::load(&store)?),
    }
}

fn write(place: &Place, args: &CardArgs, card: &Card) -> Outcome {
    let setting = &place.setting;
    let mut files = Vec::new();
    let mut put = |path: &Option<PathBuf>, make: &dyn Fn() -> Result<Vec<u8>, Failure>| -> Outcome {
        if let Some(path) = path {
            let bytes = make()?;
            write_whole(path, |out| Ok(out.write_all(&bytes)?))?;
            files.push(path.display().to_string());
        }
        Ok(())
    };
    put(&args.html, &|| Ok(card::html(card, setting).into_bytes()))?;
    put(&args.pdf, &|| Ok(card::pdf(card, setting)))?;
    put(&args.qr, &|| Ok(card::qr_svg(card, setting)?.into_bytes()))?;
    put(&args.fhir, &|| {
        // What is said and when: the same card at the same time is the same document.
        let seed = format!("{}{}", serde_json::json!(card), setting.now);
        let bundle = fhir::bundle(card, setting, seed.as_bytes())?;
        Ok(serde_json::to_vec_pretty(&bundle).map_err(std::io::Error::from)?)
    })?;
    if files.is_empty() {
        return show(place, card);
    }
    if place.json {
        return super::print_json(&serde_json::json!({ "files": files }));
    }
    if card.is_empty() {
        screen::note("the card is empty; fill it in with `cuba health card set --name ... --allergy ...`");
    }
    screen::note(format_args!("the card is in {}", files.join(", ")));
    Ok(())
}

fn show(place: &Place, card: &Card) -> Outcome {
    answer(place, card, |out| {
        if card.is_empty() {
            let words = &place.language().words().card;
            return writeln!(
                out,
                "{}\nFill it in with `cuba health card set --name ... --allergy ...`",
                words.empty
            );
        }
        writeln!(out, "{}", card::qr_text(card, &place.setting))
    })
}

fn change(card: &mut Card, set: &SetArgs) -> Outcome {
    if let Some(name) = &set.name {
        card.name.clone_from(name);
    }
    if let Some(notes) = &set.notes {
        card.notes.clone_from(notes);
    }
    card.birth_date = set.birth_date.or(card.birth_date);
    card.blood_type = set.blood_type.or(card.blood_type);
    card.height_cm = set.height.or(card.height_cm);
    card.weight_kg = set.weight.or(card.weight_kg);
    card.organ_donor = set.organ_donor.or(card.organ_donor);
    if let Some(sex) = &set.sex {
        card.sex = Some(match sex.as_str() {
            "female" => Sex::Female,
            "male" => Sex::Male,
            "other" => Sex::Other,
            _ => return Err(Failure::new(Code::BadInput, "sex is female, male or other")),
        });
    }
    for (given, list) in [
        (&set.allergies, &mut card.allergies),
        (&set.conditions, &mut card.conditions),
        (&set.medications, &mut card.medications),
    ] {
        if !given.is_empty() {
            *list = known(given);
        }
    }
    if !set.contacts.is_empty() {
        card.contacts = set.contacts.iter().filter(|c| !c.is_empty()).map(|c| contact(c)).collect();
    }
    if let Some(doctor) = &set.doctor {
        card.doctor = (!doctor.is_empty()).then(|| contact(doctor));
    }
    if !set.languages.is_empty() {
        card.languages = set.languages.iter().filter(|l| !l.is_empty()).cloned().collect();
    }
    Ok(())
}

fn known(given: &[String]) -> Known<Entry> {
    let said: Vec<&str> = given.iter().map(|g| g.trim()).filter(|g| !g.is_empty()).collect();
    if matches!(said.as_slice(), ["none"]) {
        return Known { none_known: true, entries: Vec::new() };
    }
    let entry = |text: &&str| match text.split_once(':') {
        Some((name, note)) => Entry { name: name.trim().to_owned(), note: note.trim().to_owned() },
        None => Entry { name: (*text).to_owned(), note: String::new() },
    };
    Known { none_known: false, entries: said.iter().map(entry).collect() }
}

fn contact(text: &str) -> Contact {
    let mut parts = text.split(',').map(|p| p.trim().to_owned());
    let (name, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    match (second, third) {
        (Some(relation), Some(phone)) => Contact { name, relation, phone },
        // With two parts the second is the number if it looks like one.
        (Some(other), None) if other.contains(|c: char| c.is_ascii_digit()) => {
            Contact { name, relation: String::new(), phone: other }
        }
        (Some(relation), None) => Contact { name, relation, phone: String::new() },
        _ => Contact { name, ..Contact::default() },
    }
}
