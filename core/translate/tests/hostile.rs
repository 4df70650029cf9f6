//! Whatever an engine does, protected spans come out as they went in and nothing is lost.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

mod common;

use common::{Scripted, code, translator};
use cuba_translate::engine::{EngineKind, Hypothesis};
use cuba_translate::protect::{intact, scan};
use cuba_translate::{Cancel, Quiet, Settings, TextRequest};
use proptest::prelude::*;

/// Ways to ruin a sentence. The last argument varies with the attempt.
fn ruin(way: u8, text: &str, attempt: u8) -> String {
    match (way + attempt * 3) % 14 {
        0 => String::new(),
        1 => format!("{text} {text}"),
        2 => text.chars().filter(|c| !c.is_numeric()).collect(),
        3 => text.chars().rev().collect(),
        4 => text.replace(['1', '2', '3'], "9"),
        5 => text.split_whitespace().rev().collect::<Vec<_>>().join(" "),
        6 => text.replace(' ', ""),
        7 => format!("7 {text} 7 https://evil.example 731 X7"),
        8 => text.replace(['{', '}', '<', '>', '@', '/'], " "),
        9 => "la la la la la la la la".into(),
        10 => text.to_uppercase(),
        11 => text.replace('7', "7 7").replace('.', ","),
        12 => format!("{}\n\0{}", text, "uno dos tres cuatro"),
        _ => text.into(),
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("https://a.example/c?d=(e)"),
        Just("me@x.example.org"),
        Just("{x}"),
        Just("{n, plural, one {a} other {b}}"),
        Just("%1$s"),
        Just("<b>"),
        Just("</b>"),
        Just("`code`"),
        Just("👩‍👩‍👧"),
        Just("🇪🇸"),
        Just("1,000.5"),
        Just("14:30"),
        Just("B12"),
        Just("#tag"),
        Just("@me"),
        Just("Kept Name"),
        Just("731"),
        Just("X7"),
        Just("7"),
        Just("12"),
        Just(". "),
        Just("\n"),
        Just("hello"),
        Just("the dog"),
        Just("NOT HERE"),
        Just("é"),
        Just(","),
        Just("! "),
        Just("("),
        Just("¿"),
        Just("今日は。"),
        Just("\u{202E}"),
        Just("10 000"),
    ];
    prop::collection::vec((token, prop::bool::weighted(0.7)), 0..14).prop_map(|v| {
        v.into_iter().map(|(t, space)| if space { format!("{t} ") } else { t.to_owned() }).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_survive_every_engine(text in any_text(), way in 0u8..14, llm in any::<bool>()) {
        let kind = if llm { EngineKind::Llm } else { EngineKind::Nmt };
        let engine = Scripted::new("en-es", kind, move |text, batch| Hypothesis {
            text: ruin(way, text, batch.effort.attempt),
            ..Hypothesis::default()
        });
        let (translator, _) = translator(engine);
        let keep = vec!["Kept Name".to_owned()];
        let settings = Settings { keep: keep.clone(), ..Settings::default() };
        let request = TextRequest::new(&text, code("es")).from_language(code("en")).with_settings(settings);
        let result = translator.translate(&request, &Cancel::new(), &mut Quiet).unwrap();
        let mut at = 0;
        for segment in &result.segments {
            prop_assert!(intact(&segment.source, &segment.target, &keep), "{:?} -> {:?}", segment.source, segment.target);
            prop_assert!(segment.start >= at && text[segment.start..].starts_with(&segment.source));
            prop_assert!(!segment.target.is_empty() && !segment.target.contains(['\n', '\0']));
            at = segment.start + segment.source.len();
        }
        // What stands between sentences is as before.
        let breaks = |t: &str| t.chars().filter(|c| *c == '\n').count();
        prop_assert_eq!(breaks(&text), breaks(&result.text));
        let again = translator.translate(&request, &Cancel::new(), &mut Quiet).unwrap();
        prop_assert_eq!(&again.text, &result.text);
    }

    #[test]
    fn an_engine_that_copies_gives_the_text_back(text in any_text()) {
        // Into Spanish, questions would be opened with their mark.
        let (translator, _) = translator(Scripted::nmt("en-pt", str::to_owned));
        let request = TextRequest::new(&text, code("pt")).from_language(code("en"));
        let result = translator.translate(&request, &Cancel::new(), &mut Quiet).unwrap();
        for segment in &result.segments {
            // Capitals and the final stop may change form on the way through a sentence, spans may not.
            for span in scan(&segment.source, &[]) {
                prop_assert!(segment.target.contains(span.of(&segment.source)), "{:?}", segment);
            }
            prop_assert_eq!(segment.target.to_lowercase(), segment.source.to_lowercase());
        }
    }
}
