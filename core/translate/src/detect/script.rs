//! Scripts, and the languages that a script alone decides.

use crate::LanguageCode;

/// A script, as far as languages are told apart by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Hebrew,
    Devanagari,
    Bengali,
    Gujarati,
    Tamil,
    Telugu,
    Kannada,
    Malayalam,
    Thai,
    Georgian,
    Armenian,
    Hangul,
    /// Han with or without kana.
    Han,
}

impl Script {
    pub(super) fn needs_table(self) -> bool {
        matches!(self, Self::Latin | Self::Cyrillic)
    }
}

fn script_of(c: char) -> Option<Script> {
    Some(match c {
        'a'..='z' | 'A'..='Z' | 'ª' | 'º' | 'À'..='ɏ' | 'Ḁ'..='ỿ' => Script::Latin,
        '\u{0400}'..='\u{052F}' => Script::Cyrillic,
        '\u{0370}'..='\u{03FF}' | '\u{1F00}'..='\u{1FFF}' => Script::Greek,
        '\u{0600}'..='\u{06FF}'
        | '\u{0750}'..='\u{077F}'
        | '\u{FB50}'..='\u{FDFF}'
        | '\u{FE70}'..='\u{FEFC}' => Script::Arabic,
        '\u{0590}'..='\u{05FF}' => Script::Hebrew,
        '\u{0900}'..='\u{097F}' => Script::Devanagari,
        '\u{0980}'..='\u{09FF}' => Script::Bengali,
        '\u{0A80}'..='\u{0AFF}' => Script::Gujarati,
        '\u{0B80}'..='\u{0BFF}' => Script::Tamil,
        '\u{0C00}'..='\u{0C7F}' => Script::Telugu,
        '\u{0C80}'..='\u{0CFF}' => Script::Kannada,
        '\u{0D00}'..='\u{0D7F}' => Script::Malayalam,
        '\u{0E00}'..='\u{0E7F}' => Script::Thai,
        '\u{10A0}'..='\u{10FF}' => Script::Georgian,
        '\u{0530}'..='\u{058F}' => Script::Armenian,
        '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{AC00}'..='\u{D7AF}' => Script::Hangul,
        '\u{3040}'..='\u{30FF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}' => Script::Han,
        _ => return None,
    })
}

/// The script most letters are in. A Han character counts for three letters: it carries as much.
pub(super) fn dominant(text: &str) -> Option<Script> {
    let mut counts: std::collections::BTreeMap<Script, usize> = std::collections::BTreeMap::new();
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        if let Some(script) = script_of(c) {
            *counts.entry(script).or_default() += if script == Script::Han { 3 } else { 1 };
        }
    }
    counts.into_iter().rev().max_by_key(|(_, n)| *n).map(|(s, _)| s)
}

/// True if the language is written in the script.
pub(super) fn writes(language: &LanguageCode, script: Script) -> bool {
    let cyrillic = matches!(language.base(), "ru" | "uk" | "be" | "bg" | "mk")
        || (language.base() == "sr" && !language.as_str().contains("Latn"));
    match script {
        Script::Cyrillic => cyrillic,
        Script::Latin => !cyrillic || language.base() == "sr",
        _ => true,
    }
}

/// Log-scores of the languages of a script that needs no table.
pub(super) fn scores(text: &str, script: Script) -> Vec<(LanguageCode, f32)> {
    let has = |set: &str| text.chars().filter(|c| set.contains(*c)).count() as f32;
    let list: Vec<(&str, f32)> = match script {
        Script::Greek => vec![("el", 0.0)],
        Script::Hebrew => vec![("he", 0.0)],
        Script::Thai => vec![("th", 0.0)],
        Script::Georgian => vec![("ka", 0.0)],
        Script::Armenian => vec![("hy", 0.0)],
        Script::Hangul => vec![("ko", 0.0)],
        Script::Bengali => vec![("bn", 0.0)],
        Script::Gujarati => vec![("gu", 0.0)],
        Script::Tamil => vec![("ta", 0.0)],
        Script::Telugu => vec![("te", 0.0)],
        Script::Kannada => vec![("kn", 0.0)],
        Script::Malayalam => vec![("ml", 0.0)],
        Script::Devanagari => vec![("hi", 1.5), ("mr", has("ळ") * 2.0)],
        Script::Arabic => {
            let (persian, urdu) = (has("پچژگکی"), has("ٹڈڑںےہھ"));
            let arabic = has("ةىيكأإؤئ");
            vec![("ar", 1.0 + arabic), ("fa", persian * 2.0), ("ur", persian + urdu * 3.0)]
        }
        Script::Han => {
            let kana = text.chars().filter(|c| matches!(c, '\u{3040}'..='\u{30FF}')).count() as f32;
            let traditional = has("這個們來說會國學時對經過還麼沒樣點見問開關長門東車書話買賣體點電腦");
            let simplified = has("这个们来说会国学时对经过还么没样点见问开关长门东车书话买卖体电脑");
            vec![("zh", 2.0 + simplified), ("zh-Hant", 1.0 + traditional * 1.5), ("ja", kana * 3.0)]
        }
        Script::Latin | Script::Cyrillic => Vec::new(),
    };
    list.into_iter().filter_map(|(code, score)| Some((LanguageCode::parse(code).ok()?, score))).collect()
}
