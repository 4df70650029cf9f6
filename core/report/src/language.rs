//! The four languages of everything printed: numbers, dates, and the table of words of each.

use std::str::FromStr;

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use crate::words::{Words, en, es, fr, pt};

/// A language that reports can be made in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Language {
    #[default]
    En,
    Es,
    Fr,
    Pt,
}

impl Language {
    /// All four.
    pub const ALL: [Self; 4] = [Self::En, Self::Es, Self::Fr, Self::Pt];

    /// ISO 639-1 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::Fr => "fr",
            Self::Pt => "pt",
        }
    }

    /// The language of a locale such as `pt_BR.UTF-8`; `None` for one that is not among the four.
    ///
    /// ```
    /// use cuba_report::Language;
    /// assert_eq!(Language::of_locale("pt_BR.UTF-8"), Some(Language::Pt));
    /// assert_eq!(Language::of_locale("C"), None);
    /// ```
    pub fn of_locale(locale: &str) -> Option<Self> {
        let code: String = locale.chars().take_while(char::is_ascii_alphabetic).collect();
        code.to_ascii_lowercase().parse().ok()
    }

    /// The words of this language.
    pub fn words(self) -> &'static Words {
        match self {
            Self::En => &en::WORDS,
            Self::Es => &es::WORDS,
            Self::Fr => &fr::WORDS,
            Self::Pt => &pt::WORDS,
        }
    }

    /// A number with so many decimals and grouped thousands. Rounds half away from zero on every machine alike.
    ///
    /// ```
    /// use cuba_report::Language;
    /// assert_eq!(Language::En.number(12345.67, 1), "12,345.7");
    /// assert_eq!(Language::Pt.number(12345.67, 1), "12.345,7");
    /// ```
    pub fn number(self, value: f64, decimals: usize) -> String {
        let (point, group) = match self {
            Self::En => ('.', ','),
            Self::Es | Self::Fr => (',', '\u{a0}'),
            Self::Pt => (',', '.'),
        };
        let plain = format!("{:.decimals$}", value.abs());
        let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
        // Four digits stay together where the language groups from five on.
        let grouped = whole.len() > if self == Self::Es { 4 } else { 3 };
        let mut out = String::new();
        if value < 0.0 && plain.chars().any(|c| c.is_ascii_digit() && c != '0') {
            out.push('\u{2212}');
        }
        for (i, c) in whole.chars().enumerate() {
            if i > 0 && grouped && (whole.len() - i).is_multiple_of(3) {
                out.push(group);
            }
            out.push(c);
        }
        if !part.is_empty() {
            out.push(point);
            out.push_str(part);
        }
        out
    }

    /// A number with its sign, for differences.
    pub fn difference(self, value: f64, decimals: usize) -> String {
        let text = self.number(value, decimals);
        if value > 0.0 && text.chars().any(|c| ('1'..='9').contains(&c)) { format!("+{text}") } else { text }
    }

    /// A name and what stands for it, with the language's own space before the colon.
    ///
    /// ```
    /// use cuba_report::Language;
    /// assert_eq!(Language::Es.labelled("Peso", "70 kg"), "Peso: 70 kg");
    /// assert_eq!(Language::Fr.labelled("Poids", "70 kg"), "Poids\u{a0}: 70 kg");
    /// ```
    pub fn labelled(self, name: &str, value: &str) -> String {
        let space = if self == Self::Fr { "\u{a0}" } else { "" };
        format!("{name}{space}: {value}")
    }

    /// `7 h 24 min`.
    pub fn minutes(self, minutes: f64) -> String {
        let whole = minutes.abs().round() as i64;
        let sign = if minutes < 0.0 && whole > 0 { "\u{2212}" } else { "" };
        match (whole / 60, whole % 60) {
            (0, m) => format!("{sign}{m}\u{a0}min"),
            (h, 0) => format!("{sign}{h}\u{a0}h"),
            (h, m) => format!("{sign}{h}\u{a0}h\u{a0}{m}\u{a0}min"),
        }
    }

    /// `23 November 2026`.
    pub fn date(self, date: Date) -> String {
        let month = self.month(date);
        let (day, year) = (date.day(), date.year());
        match self {
            Self::En => format!("{day} {month} {year}"),
            Self::Es | Self::Pt => format!("{day} de {month} de {year}"),
            Self::Fr if day == 1 => format!("1er {month} {year}"),
            Self::Fr => format!("{day} {month} {year}"),
        }
    }

    /// `23 Nov`.
    pub fn short_date(self, date: Date) -> String {
        format!("{} {}", date.day(), self.short_month(date))
    }

    /// `November`, in the case that the language uses inside a sentence.
    pub fn month(self, date: Date) -> &'static str {
        nth(&self.words().months, date.month())
    }

    /// `Nov`.
    pub fn short_month(self, date: Date) -> &'static str {
        nth(&self.words().short_months, date.month())
    }

    /// `Monday`.
    pub fn weekday(self, date: Date) -> &'static str {
        nth(&self.words().weekdays, date.weekday().to_monday_one_offset())
    }

    /// `23:05`.
    pub fn time(self, time: Time) -> String {
        format!("{:02}:{:02}", time.hour(), time.minute())
    }

    /// `1–23 November 2026` said plainly: two dates, or one.
    pub fn dates(self, from: Date, to: Date) -> String {
        if from == to { self.date(from) } else { format!("{} \u{2013} {}", self.date(from), self.date(to)) }
    }
}

fn nth(list: &[&'static str], one_based: i8) -> &'static str {
    usize::try_from(one_based - 1).ok().and_then(|i| list.get(i)).copied().unwrap_or("")
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        Self::ALL.into_iter().find(|l| l.code() == text).ok_or(UnknownLanguage)
    }
}

/// The text names none of the four languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reports are made in en, es, fr and pt")]
pub struct UnknownLanguage;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_written_as_the_language_does() {
        let day = jiff::civil::date(2026, 3, 1);
        let write = |l: Language| {
            format!(
                "{} | {} | {} | {}",
                l.number(-1234.5, 1),
                l.number(12345.0, 0),
                l.date(day),
                l.short_date(day)
            )
        };
        let all: Vec<String> = Language::ALL.into_iter().map(write).collect();
        assert_eq!(
            all,
            [
                "\u{2212}1,234.5 | 12,345 | 1 March 2026 | 1 Mar",
                "\u{2212}1234,5 | 12\u{a0}345 | 1 de marzo de 2026 | 1 mar",
                "\u{2212}1\u{a0}234,5 | 12\u{a0}345 | 1er mars 2026 | 1 mars",
                "\u{2212}1.234,5 | 12.345 | 1 de março de 2026 | 1 mar",
            ]
        );
        assert_eq!(Language::En.number(-0.04, 1), "0.0");
        assert_eq!(Language::En.difference(0.04, 1), "0.0");
        assert_eq!(Language::Fr.minutes(444.4), "7\u{a0}h\u{a0}24\u{a0}min");
    }
}
