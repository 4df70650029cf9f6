#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use super::*;

fn codes(list: &str) -> Vec<LanguageCode> {
    list.split_whitespace().map(|c| c.parse().unwrap()).collect()
}

fn found(text: &str, among: &str) -> String {
    detect(text, &codes(among), &[]).language.map_or("?".into(), |l| l.to_string())
}

#[test]
fn short_texts_among_few() {
    for (text, among, want) in [
        ("farmacia", "en es", "es"),
        ("thanks", "en es fr", "en"),
        ("aujourd'hui", "en es fr", "fr"),
        ("amanhã", "en es pt", "pt"),
        ("Where is the station?", "en es fr pt", "en"),
        ("¿Cuánto cuesta?", "en es fr pt", "es"),
        ("Ich habe Hunger", "de en es", "de"),
        ("Guten Morgen, wie geht es Ihnen?", "de nl en", "de"),
        ("Dziękuję bardzo", "pl cs en", "pl"),
        ("Дякую, у мене все дуже добре, і в неї теж", "ru uk", "uk"),
        ("Спасибо, очень хорошо", "ru uk", "ru"),
    ] {
        assert_eq!(found(text, among), want, "{text}");
    }
}

#[test]
fn scripts_decide() {
    for (text, want) in [
        ("Καλημέρα", "el"),
        ("שלום", "he"),
        ("สวัสดี", "th"),
        ("გამარჯობა", "ka"),
        ("안녕하세요", "ko"),
        ("ありがとう", "ja"),
        ("谢谢你们", "zh"),
        ("这是我的东西", "zh"),
        ("तुम कैसे हो", "hi"),
        ("كيف حالك اليوم", "ar"),
        ("شما چطور هستید؟", "fa"),
    ] {
        assert_eq!(found(text, ""), want, "{text}");
    }
}

#[test]
fn unsure_instead_of_guessing() {
    assert_eq!(found("", "en es"), "?");
    assert_eq!(found("12:30 😀 !!!", "en es"), "?");
    assert_eq!(found("https://example.com/hola", "en es"), "?");
    // The same word in each.
    for shared in ["final", "total", "color", "doctor"] {
        assert_eq!(found(shared, "en es fr"), "?", "{shared}");
    }
    assert_eq!(found("Καλημέρα", "en es"), "?");
    assert_eq!(detect("Καλημέρα", &codes("en es"), &[]).elsewhere.unwrap().as_str(), "el");
    let german =
        detect("Ich weiß nicht, wo die Apotheke ist, aber wir fragen jemanden.", &codes("en es"), &[]);
    assert_eq!((german.language, german.elsewhere.unwrap().as_str()), (None, "de"));
}

#[test]
fn the_prior_tips_the_balance_and_never_overrules_plain_text() {
    let plain = detect("final", &codes("en es"), &[]);
    let spanish = detect("final", &codes("en es"), &codes("es"));
    let probability =
        |d: &Detection, code: &str| d.ranked.iter().find(|(l, _)| l.as_str() == code).unwrap().1;
    assert!(probability(&spanish, "es") > probability(&plain, "es"));
    assert_eq!(
        detect("Where is the station?", &codes("en es"), &codes("es")).language.unwrap().as_str(),
        "en"
    );
    // Candidates keep their own codes.
    assert_eq!(found("¿Dónde está la estación?", "en es-MX"), "es-MX");
}

#[test]
fn probabilities_add_up_and_the_table_is_whole() {
    let all = detect("hola", &[], &[]).ranked;
    assert!(all.len() >= 28, "{}", all.len());
    assert!((all.iter().map(|(_, p)| p).sum::<f32>() - 1.0).abs() < 1e-4);
}
