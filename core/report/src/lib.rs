//! Reports of Cuba Health: summaries in words, charts, the doctor's report and the emergency card.
//!
//! [`night`], [`measure`], [`compare`] lead stored samples to the pure functions of [`cuba_signals`]; [`summary`] says
//! what a day, week, month or year held; [`chart`] gives pictures as data for the apps and as SVG; [`doctor`] writes the
//! report as HTML and PDF; [`card`] keeps the emergency card and writes it for print, as QR and as a FHIR document. All
//! of it in English, Spanish, French and Portuguese.
//!
//! It must not read a clock, a zone or a locale (all are passed in), open a connection, refer to anything outside the
//! file it writes, store anything but the card, or word a number as a judgement about health.
//!
//! Why a crate of its own: `cuba_health` keeps data and `cuba_signals` knows no store; what joins them is the same for
//! every app, and a build that only records needs none of it. Pictures are laid out once as plain shapes
//! ([`drawing`]), so that a browser, a PDF and a phone show the same one.

#![allow(
    clippy::match_same_arms,
    clippy::single_match_else,
    reason = "tables and either-or read better with one arm a case"
)]
#![allow(
    clippy::format_collect,
    reason = "pages are small; one expression a line of markup is easier to read"
)]

pub mod card;
pub mod chart;
pub mod compare;
pub mod doctor;
pub mod drawing;
pub mod measure;
pub mod night;
pub mod summary;

mod error;
mod font;
mod language;
mod page;
mod pdf;
mod words;

pub use error::ReportError;
pub use language::{Language, UnknownLanguage};
pub use words::{Words, fill};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Where and when a report is made, and in which language: everything that a program would otherwise ask the system.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The caller's clock.
    pub now: Timestamp,
    /// The person's time zone.
    pub zone: TimeZone,
    /// Language of everything that is worded.
    pub language: Language,
}

impl Setting {
    /// Today's local date.
    pub fn today(&self) -> cuba_health::store::Day {
        cuba_health::store::Day::from_date(self.now.to_zoned(self.zone.clone()).date())
    }

    /// The first moment of a local day, milliseconds since 1970 UTC.
    pub fn start_of(&self, day: cuba_health::store::Day) -> i64 {
        day.date().to_zoned(self.zone.clone()).map_or_else(
            |_| i64::from(day.0) * cuba_health::store::DAY_MS,
            |z| z.timestamp().as_millisecond(),
        )
    }
}
