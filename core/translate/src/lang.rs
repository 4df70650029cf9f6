//! Language codes (a subset of BCP 47) and the names languages have in their own language.

use std::fmt;
use std::str::FromStr;

/// Longest code kept: `zzz-Zzzz-999`.
const MAX: usize = 12;

/// A language: `es`, `pt-BR`, `zh-Hant`. Two or three letters, then optionally a script and a region.
///
/// Parsing is lenient about case and underscores and maps withdrawn codes to today's, so `iw`, `IW` and `he` are one.
///
/// ```
/// use cuba_translate::LanguageCode;
/// let code: LanguageCode = "PT_br".parse().unwrap();
/// assert_eq!(code.as_str(), "pt-BR");
/// assert_eq!(code.base(), "pt");
/// assert_eq!(code.own_name(), Some("Português"));
/// assert!("Spanish!".parse::<LanguageCode>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanguageCode {
    bytes: [u8; MAX],
    len: u8,
}

/// The text is no language code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a language code: use the form es, pt-BR or zh-Hant")]
pub struct BadLanguageCode;

impl LanguageCode {
    /// Parses a code; the same as `str::parse`.
    pub fn parse(text: &str) -> Result<Self, BadLanguageCode> {
        let mut parts = text.trim().split(['-', '_']);
        let base = parts.next().unwrap_or_default().to_ascii_lowercase();
        if !(2..=3).contains(&base.len()) || !base.bytes().all(|b| b.is_ascii_lowercase()) {
            return Err(BadLanguageCode);
        }
        let mut code = String::from(canonical_base(&base));
        let (mut script, mut region) = (false, false);
        for part in parts {
            let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
            code.push('-');
            match part.len() {
                4 if letters && !script && !region => {
                    let mut chars = part.chars();
                    code.extend(chars.next().map(|c| c.to_ascii_uppercase()));
                    code.extend(chars.map(|c| c.to_ascii_lowercase()));
                    script = true;
                }
                2 if letters && !region => {
                    code.push_str(&part.to_ascii_uppercase());
                    region = true;
                }
                3 if part.bytes().all(|b| b.is_ascii_digit()) && !region => {
                    code.push_str(part);
                    region = true;
                }
                _ => return Err(BadLanguageCode),
            }
        }
        let mut bytes = [0; MAX];
        bytes.get_mut(..code.len()).ok_or(BadLanguageCode)?.copy_from_slice(code.as_bytes());
        Ok(Self { bytes, len: code.len() as u8 })
    }

    /// English, the usual pivot.
    pub const ENGLISH: Self = Self { bytes: *b"en\0\0\0\0\0\0\0\0\0\0", len: 2 };

    /// The canonical text: `pt-BR`.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The language without script and region: `pt`.
    pub fn base(&self) -> &str {
        self.as_str().split('-').next().unwrap_or_default()
    }

    /// The code without script and region.
    #[must_use]
    pub fn without_region(&self) -> Self {
        let len = self.base().len();
        let mut bytes = [0; MAX];
        for (to, from) in bytes.iter_mut().zip(self.bytes.iter().take(len)) {
            *to = *from;
        }
        Self { bytes, len: len as u8 }
    }

    /// The name in the language itself, capitalised for a list: `Español`. `None` for a language Cuba has no name for.
    pub fn own_name(&self) -> Option<&'static str> {
        self.entry().map(|e| e.1)
    }

    /// The English name, as prompts need it: `Spanish`.
    pub fn english_name(&self) -> Option<&'static str> {
        self.entry().map(|e| e.2)
    }

    /// True if the language is written from right to left.
    pub fn is_rtl(&self) -> bool {
        matches!(self.base(), "ar" | "fa" | "he" | "ur" | "yi" | "ps" | "sd" | "ug")
    }

    /// True if the language writes without spaces between words.
    pub fn is_spaceless(&self) -> bool {
        matches!(self.base(), "zh" | "ja" | "th" | "lo" | "km" | "my")
    }

    /// True if a text in `self` will do where `other` is asked for: equal, or one of them names no region.
    pub fn matches(&self, other: &Self) -> bool {
        self == other
            || (self.base() == other.base()
                && (self.as_str() == self.base()
                    || other.as_str() == other.base()
                    || self.script() == other.script()))
    }

    fn script(&self) -> &str {
        match self.as_str() {
            "zh-TW" | "zh-HK" | "zh-MO" => "Hant",
            code => code.split('-').nth(1).filter(|p| p.len() == 4).unwrap_or_default(),
        }
    }

    fn entry(&self) -> Option<&'static (&'static str, &'static str, &'static str)> {
        let find =
            |code: &str| NAMES.binary_search_by(|entry| entry.0.cmp(code)).ok().and_then(|i| NAMES.get(i));
        find(self.as_str()).or_else(|| find(self.base()))
    }

    /// Every language Cuba has a name for, in the order of their codes.
    pub fn known() -> impl Iterator<Item = Self> {
        NAMES.iter().filter_map(|entry| Self::parse(entry.0).ok())
    }
}

fn canonical_base(base: &str) -> &str {
    match base {
        "iw" => "he",
        "in" => "id",
        "ji" => "yi",
        // The macro-language stands for its common written form in every model collection.
        "no" => "nb",
        "eng" => "en",
        "spa" => "es",
        "fra" | "fre" => "fr",
        "por" => "pt",
        "ita" => "it",
        "deu" | "ger" => "de",
        other => other,
    }
}

impl FromStr for LanguageCode {
    type Err = BadLanguageCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for LanguageCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for LanguageCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Code, own name, English name; sorted by code.
const NAMES: &[(&str, &str, &str)] = &[
    ("af", "Afrikaans", "Afrikaans"),
    ("ar", "العربية", "Arabic"),
    ("az", "Azərbaycan dili", "Azerbaijani"),
    ("be", "Беларуская", "Belarusian"),
    ("bg", "Български", "Bulgarian"),
    ("bn", "বাংলা", "Bengali"),
    ("bs", "Bosanski", "Bosnian"),
    ("ca", "Català", "Catalan"),
    ("cs", "Čeština", "Czech"),
    ("cy", "Cymraeg", "Welsh"),
    ("da", "Dansk", "Danish"),
    ("de", "Deutsch", "German"),
    ("el", "Ελληνικά", "Greek"),
    ("en", "English", "English"),
    ("eo", "Esperanto", "Esperanto"),
    ("es", "Español", "Spanish"),
    ("et", "Eesti", "Estonian"),
    ("eu", "Euskara", "Basque"),
    ("fa", "فارسی", "Persian"),
    ("fi", "Suomi", "Finnish"),
    ("fr", "Français", "French"),
    ("ga", "Gaeilge", "Irish"),
    ("gl", "Galego", "Galician"),
    ("gu", "ગુજરાતી", "Gujarati"),
    ("hbs", "Srpskohrvatski", "Serbo-Croatian"),
    ("he", "עברית", "Hebrew"),
    ("hi", "हिन्दी", "Hindi"),
    ("hr", "Hrvatski", "Croatian"),
    ("ht", "Kreyòl ayisyen", "Haitian Creole"),
    ("hu", "Magyar", "Hungarian"),
    ("hy", "Հայերեն", "Armenian"),
    ("id", "Bahasa Indonesia", "Indonesian"),
    ("is", "Íslenska", "Icelandic"),
    ("it", "Italiano", "Italian"),
    ("ja", "日本語", "Japanese"),
    ("ka", "ქართული", "Georgian"),
    ("kn", "ಕನ್ನಡ", "Kannada"),
    ("ko", "한국어", "Korean"),
    ("lt", "Lietuvių", "Lithuanian"),
    ("lv", "Latviešu", "Latvian"),
    ("mk", "Македонски", "Macedonian"),
    ("ml", "മലയാളം", "Malayalam"),
    ("mr", "मराठी", "Marathi"),
    ("ms", "Bahasa Melayu", "Malay"),
    ("nb", "Norsk bokmål", "Norwegian Bokmål"),
    ("nl", "Nederlands", "Dutch"),
    ("nn", "Norsk nynorsk", "Norwegian Nynorsk"),
    ("pl", "Polski", "Polish"),
    ("pt", "Português", "Portuguese"),
    ("ro", "Română", "Romanian"),
    ("ru", "Русский", "Russian"),
    ("sk", "Slovenčina", "Slovak"),
    ("sl", "Slovenščina", "Slovenian"),
    ("sq", "Shqip", "Albanian"),
    ("sr", "Српски", "Serbian"),
    ("sv", "Svenska", "Swedish"),
    ("sw", "Kiswahili", "Swahili"),
    ("ta", "தமிழ்", "Tamil"),
    ("te", "తెలుగు", "Telugu"),
    ("th", "ไทย", "Thai"),
    ("tr", "Türkçe", "Turkish"),
    ("uk", "Українська", "Ukrainian"),
    ("ur", "اردو", "Urdu"),
    ("vi", "Tiếng Việt", "Vietnamese"),
    ("zh", "中文", "Chinese"),
    ("zh-Hant", "繁體中文", "Traditional Chinese"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_parse_to_themselves() {
        for pair in NAMES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].0, pair[1].0);
        }
        for entry in NAMES {
            assert_eq!(LanguageCode::parse(entry.0).unwrap().as_str(), entry.0);
        }
    }

    #[test]
    fn lenient_parsing_strict_result() {
        for (given, want) in
            [("es", "es"), (" ES ", "es"), ("zh_hant", "zh-Hant"), ("es-419", "es-419"), ("iw", "he")]
        {
            assert_eq!(LanguageCode::parse(given).unwrap().as_str(), want);
        }
        for bad in ["", "e", "español", "en-", "en-x-y", "en--US", "1n", "en-US-US", "zh-Hant-TW-Hant"] {
            assert_eq!(LanguageCode::parse(bad), Err(BadLanguageCode), "{bad}");
        }
    }

    #[test]
    fn regions_match_loosely_scripts_do_not() {
        let code = |s: &str| LanguageCode::parse(s).unwrap();
        assert!(code("es-MX").matches(&code("es")));
        assert!(code("pt-PT").matches(&code("pt-BR")));
        assert!(!code("zh-TW").matches(&code("zh-Hans")));
        assert!(code("zh-TW").matches(&code("zh-Hant")));
        assert_eq!(code("zh-Hant-TW").without_region().as_str(), "zh");
    }
}
