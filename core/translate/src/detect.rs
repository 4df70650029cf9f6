//! Language identification.

use crate::LanguageCode;

/// What is known about a text's language.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The language, or `None` when the text does not show it clearly enough.
    pub language: Option<LanguageCode>,
    /// The candidates with their probabilities, likeliest first; empty if the text has no letters.
    pub ranked: Vec<(LanguageCode, f32)>,
}
