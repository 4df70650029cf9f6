//! The emergency card: what somebody who helps should know at once.
//!
//! Entered by the person, kept in the encrypted database, shown only when asked for. It is printed ([`html`], [`pdf`]),
//! carried as a QR code ([`qr_svg`]) and handed over as an International Patient Summary ([`fhir::bundle`]).
//!
//! A list says one of three things: nothing was stated, none is known, or these. The difference matters to a helper, so
//! every form of the card shows it.

pub mod fhir;
mod paper;

pub use paper::{html, pdf, qr_svg, qr_text};

use cuba_health::store::Store;
use cuba_vault::Schema;
use cuba_vault::rusqlite::OptionalExtension as _;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::ReportError;

/// The card's table, for programs that open a vault of several features.
pub const SCHEMA: Schema = Schema { name: "card", migrations: &[include_str!("schema/001_card.sql")] };

/// Longest text of a field; a card is not a file.
const MAX_CHARS: usize = 500;
/// Most entries of a list.
const MAX_ENTRIES: usize = 50;

/// A list that can also say "none known".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known<T> {
    /// The person said that there is none. Only meant when `entries` is empty.
    #[serde(default)]
    pub none_known: bool,
    /// The entries.
    #[serde(default = "Vec::new")]
    pub entries: Vec<T>,
}

impl<T> Known<T> {
    /// Whether anything was said.
    pub fn is_stated(&self) -> bool {
        self.none_known || !self.entries.is_empty()
    }
}

/// An allergy, a condition or a medication, in the person's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub name: String,
    /// Reaction, dose or remark.
    #[serde(default)]
    pub note: String,
}

/// Somebody to call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Name.
    pub name: String,
    /// Who that is: `mother`.
    #[serde(default)]
    pub relation: String,
    /// Telephone number.
    #[serde(default)]
    pub phone: String,
}

/// As registered, for those who treat by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Sex {
    Female,
    Male,
    Other,
}

/// ABO and rhesus group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BloodType {
    #[serde(rename = "O-")]
    ONegative,
    #[serde(rename = "O+")]
    OPositive,
    #[serde(rename = "A-")]
    ANegative,
    #[serde(rename = "A+")]
    APositive,
    #[serde(rename = "B-")]
    BNegative,
    #[serde(rename = "B+")]
    BPositive,
    #[serde(rename = "AB-")]
    AbNegative,
    #[serde(rename = "AB+")]
    AbPositive,
}

impl BloodType {
    /// All eight.
    pub const ALL: [Self; 8] = [
        Self::ONegative,
        Self::OPositive,
        Self::ANegative,
        Self::APositive,
        Self::BNegative,
        Self::BPositive,
        Self::AbNegative,
        Self::AbPositive,
    ];

    /// As it is written: `AB+`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ONegative => "O-",
            Self::OPositive => "O+",
            Self::ANegative => "A-",
            Self::APositive => "A+",
            Self::BNegative => "B-",
            Self::BPositive => "B+",
            Self::AbNegative => "AB-",
            Self::AbPositive => "AB+",
        }
    }
}

impl std::str::FromStr for BloodType {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, ReportError> {
        Self::ALL
            .into_iter()
            .find(|b| b.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| ReportError::invalid("a blood type is written as O-, A+ or AB+"))
    }
}

/// The card. Everything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// Name.
    pub name: String,
    /// Date of birth.
    pub birth_date: Option<Date>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Blood type.
    pub blood_type: Option<BloodType>,
    /// Height, centimetres.
    pub height_cm: Option<f64>,
    /// Weight, kilograms.
    pub weight_kg: Option<f64>,
    /// Allergies.
    pub allergies: Known<Entry>,
    /// Health conditions.
    pub conditions: Known<Entry>,
    /// Medications.
    pub medications: Known<Entry>,
    /// Whom to call.
    pub contacts: Vec<Contact>,
    /// The doctor who knows the person.
    pub doctor: Option<Contact>,
    /// Languages, as the person names them.
    pub languages: Vec<String>,
    /// Whether the person wants to give organs.
    pub organ_donor: Option<bool>,
    /// Anything else.
    pub notes: String,
    /// When the card was last changed; set by [`save`].
    pub updated: Option<Timestamp>,
}

impl Card {
    /// Whether nothing was entered.
    pub fn is_empty(&self) -> bool {
        Self { updated: None, ..self.clone() } == Self::default()
    }

    fn check(&self) -> Result<(), ReportError> {
        let lists = [&self.allergies, &self.conditions, &self.medications];
        let entries = lists.iter().flat_map(|l| &l.entries);
        let contacts = self.contacts.iter().chain(&self.doctor);
        let texts = entries
            .flat_map(|e| [&e.name, &e.note])
            .chain(contacts.flat_map(|c| [&c.name, &c.relation, &c.phone]))
            .chain(&self.languages)
            .chain([&self.name]);
        if texts.clone().any(|t| t.chars().count() > MAX_CHARS) || self.notes.chars().count() > 4 * MAX_CHARS
        {
            return Err(ReportError::invalid(
                "a text of the card is too long; a card holds what must be read at once",
            ));
        }
        if lists.iter().any(|l| l.entries.iter().any(|e| e.name.trim().is_empty())) {
            return Err(ReportError::invalid("an entry of the card has no name"));
        }
        if lists.iter().any(|l| l.entries.len() > MAX_ENTRIES) || self.contacts.len() > MAX_ENTRIES {
            return Err(ReportError::invalid("a list of the card is too long"));
        }
        let sensible =
            |v: Option<f64>, range: std::ops::RangeInclusive<f64>| v.is_none_or(|v| range.contains(&v));
        if !sensible(self.height_cm, 20.0..=280.0) || !sensible(self.weight_kg, 0.2..=700.0) {
            return Err(ReportError::invalid("height is given in centimetres and weight in kilograms"));
        }
        Ok(())
    }
}

/// The stored card; an empty one if there is none. The vault must have been opened with [`SCHEMA`].
pub fn load(store: &Store) -> Result<Card, ReportError> {
    store.vault().read(|tx| {
        let row: Option<(String, i64)> = tx
            .query_row("SELECT content, updated_ms FROM emergency_card WHERE id = 1", [], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })
            .optional()?;
        let Some((content, updated_ms)) = row else { return Ok(Card::default()) };
        let card: Card = serde_json::from_str(&content)
            .map_err(|_| ReportError::invalid("the stored card cannot be read; restore a backup"))?;
        Ok(Card { updated: Timestamp::from_millisecond(updated_ms).ok(), ..card })
    })
}

/// Stores the card.
pub fn save(store: &Store, card: &Card, now: Timestamp) -> Result<Card, ReportError> {
    card.check()?;
    let card = Card { updated: Timestamp::from_millisecond(now.as_millisecond()).ok(), ..card.clone() };
    let content = serde_json::json!(Card { updated: None, ..card.clone() }).to_string();
    store.vault().write(|tx| {
        tx.execute(
            "INSERT INTO emergency_card (id, content, updated_ms) VALUES (1, ?1, ?2)
             ON CONFLICT (id) DO UPDATE SET content = excluded.content, updated_ms = excluded.updated_ms",
            (&content, now.as_millisecond()),
        )?;
        Ok::<_, ReportError>(())
    })?;
    Ok(card)
}

/// Deletes the card for good.
pub fn delete(store: &Store) -> Result<(), ReportError> {
    store.vault().write_erasing(|tx| Ok::<_, ReportError>(tx.execute("DELETE FROM emergency_card", [])?))?;
    Ok(())
}
