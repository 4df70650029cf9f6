#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use proptest::prelude::*;

use super::*;

fn sentences<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let pieces = segment(text, &language.parse().unwrap());
    assert_eq!(pieces.iter().map(|p| p.text).collect::<String>(), text);
    pieces.iter().filter(|p| p.kind != PieceKind::Gap).map(|p| p.text).collect()
}

/// Sentences joined with a bar; whatever stays outside is not shown.
#[track_caller]
fn check(language: &str, text: &str, want: &str) {
    assert_eq!(sentences(text, language).join("|"), want);
}

#[test]
fn titles_initials_decimals_and_acronyms_do_not_end_a_sentence() {
    check(
        "en",
        "Mr. Smith met Dr. J. R. Brown. They paid $3.50. Fine!",
        "Mr. Smith met Dr. J. R. Brown.|They paid $3.50.|Fine!",
    );
    check("en", "See No. 5 on p. 12. No. Never.", "See No. 5 on p. 12.|No.|Never.");
    check(
        "en",
        "The U.S. President left at 5 p.m. Bring water.",
        "The U.S. President left at 5 p.m.|Bring water.",
    );
    check("en", "It is in the U.S. The law is old.", "It is in the U.S.|The law is old.");
    check(
        "en",
        "Use e.g. Linux, i.e. Debian. Visit example.com. Then ask me@example.org.",
        "Use e.g. Linux, i.e. Debian.|Visit example.com.|Then ask me@example.org.",
    );
    check(
        "es",
        "El Sr. García vive en la pág. 3. ¿Quién? ¡Él!",
        "El Sr. García vive en la pág. 3.|¿Quién?|¡Él!",
    );
    check("es", "Los EE. UU. ganaron. Vino D. Juan.", "Los EE. UU. ganaron.|Vino D. Juan.");
    check(
        "fr",
        "M. Dupont a dit : « Oui. » Puis Mme Roy est partie.",
        "M. Dupont a dit : « Oui. »|Puis Mme Roy est partie.",
    );
    check("de", "Am 3. Mai kam Dr. Weiß z.B. nicht. Warum?", "Am 3. Mai kam Dr. Weiß z.B. nicht.|Warum?");
    check(
        "en",
        "It was built in 1999. Since then... well, it stands.",
        "It was built in 1999.|Since then... well, it stands.",
    );
}

#[test]
fn marks_with_quotes_brackets_and_runs() {
    check(
        "en",
        "\"Stop!\" he said. (He left.) \"Why?\" She wept.",
        "\"Stop!\" he said.|(He left.)|\"Why?\"|She wept.",
    );
    check("en", "What?! No... Really?? Yes!!!", "What?!|No...|Really??|Yes!!!");
    check("en", "Perfect! Thank you.", "Perfect!|Thank you.");
    check("en", "Yahoo! is a name.", "Yahoo! is a name.");
}

#[test]
fn scripts_without_capitals() {
    check("ja", "今日は雨です。傘を持って！行こう", "今日は雨です。|傘を持って！|行こう");
    check("zh", "他说:“好。”然后走了。3.5元。", "他说:“好。”|然后走了。|3.5元。");
    check("ar", "مرحبا. كيف حالك؟ أنا بخير.", "مرحبا.|كيف حالك؟|أنا بخير.");
    check("he", "שלום. מה שלומך? טוב.", "שלום.|מה שלומך?|טוב.");
    check("hi", "वह घर गया। क्यों? पता नहीं।", "वह घर गया।|क्यों?|पता नहीं।");
    check("ka", "გამარჯობა. როგორ ხარ? კარგად.", "გამარჯობა.|როგორ ხარ?|კარგად.");
    check("el", "Τι κάνεις; Καλά.", "Τι κάνεις;|Καλά.");
    check("th", "สวัสดีครับ ผมชื่อทอม", "สวัสดีครับ ผมชื่อทอม");
}

#[test]
fn structure_stays_outside() {
    check(
        "en",
        "# Title\n\n  - One thing\n  2) Another. And more\n\ta\tb\n> - [x] Done\r\n",
        "Title|One thing|Another.|And more|a|b|Done",
    );
    check("es", "—Hola —dijo. —¿Y tú?", "Hola —dijo.|—¿Y tú?");
    check("en", "1. First. Second\n12. Third", "First.|Second|Third");
    check("en", "-5 degrees today", "-5 degrees today");
    check("en", "a\0b", "a|b");
    check("en", "\u{200F}\u{202B}Hello\u{202C} \u{FEFF}", "Hello");
    assert_eq!(sentences("123 — 456 … 😀\n\n", "en"), Vec::<&str>::new());
    assert_eq!(segment("", &LanguageCode::ENGLISH), []);
}

#[test]
fn long_sentences_are_cut_at_clauses_and_lose_nothing() {
    let clause = "the patient was seen again after three weeks, and nothing had changed; ";
    let text = clause.repeat(30);
    let pieces = segment(&text, &LanguageCode::ENGLISH);
    let parts: Vec<&Piece<'_>> = pieces.iter().filter(|p| p.kind == PieceKind::Part).collect();
    assert!(parts.len() >= 4, "{}", parts.len());
    for part in parts {
        assert!(part.text.chars().count() <= MAX_CHARS && part.text.ends_with(';'), "{}", part.text);
    }
    let wall = "y".repeat(1_000_000);
    let pieces = segment(&wall, &LanguageCode::ENGLISH);
    assert!(pieces.iter().all(|p| p.text.len() <= MAX_CHARS));
    assert_eq!(pieces.iter().map(|p| p.text.len()).sum::<usize>(), wall.len());
    let chinese = "我们今天去公园,".repeat(60);
    assert!(sentences(&chinese, "zh").iter().all(|s| s.chars().count() <= MAX_CHARS_DENSE));
}

proptest! {
    #[test]
    fn pieces_joined_are_the_text(text in any_text(), language in prop::sample::select(vec!["en", "es", "fr", "de", "ja", "ar", "el", "th"])) {
        let pieces = segment(&text, &language.parse().unwrap());
        prop_assert_eq!(pieces.iter().map(|p| p.text).collect::<String>(), text.clone());
        let mut at = 0;
        for pair in pieces.windows(2) {
            prop_assert_ne!([pair[0].kind, pair[1].kind], [PieceKind::Gap; 2]);
        }
        for piece in &pieces {
            prop_assert_eq!(piece.start, at);
            at += piece.text.len();
            if piece.kind == PieceKind::Gap {
                prop_assert!(!piece.text.is_empty());
                continue;
            }
            prop_assert!(piece.text.chars().any(char::is_alphabetic));
            prop_assert_eq!(piece.text.trim(), piece.text);
            prop_assert!(!piece.text.contains(['\n', '\r', '\t', '\0']));
            prop_assert!(piece.text.chars().count() <= MAX_CHARS);
        }
    }
}

/// Text made of what splitters stumble over, mixed with anything.
fn any_text() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just(". ".to_owned()),
        Just("...".to_owned()),
        Just("?! ".to_owned()),
        Just("。".to_owned()),
        Just(" ».".to_owned()),
        Just("\r\n".to_owned()),
        Just("  - ".to_owned()),
        Just("3.5".to_owned()),
        Just("Mr. ".to_owned()),
        Just("12. ".to_owned()),
        Just("word ".to_owned()),
        Just("Ñandú ".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("👩‍👩‍👧 ".to_owned()),
        Just("(".to_owned()),
        Just("\u{202E}".to_owned()),
        Just("\0".to_owned()),
        Just("long ".repeat(120)),
        "\\PC{0,6}",
    ];
    prop::collection::vec(token, 0..24).prop_map(|v| v.concat())
}
