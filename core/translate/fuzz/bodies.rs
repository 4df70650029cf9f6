//! What each target does with its bytes. Shared by cargo-fuzz (`fuzz_targets/`) and by the smoke test on stable Rust
//! (`tests/fuzz_smoke.rs`). None may panic, and the invariants must hold for any text.

use std::sync::Arc;

use cuba_translate::engine::{Batch, Direction, Engine, EngineError, EngineKind, Hypothesis};
use cuba_translate::protect::mask::{Family, cut, mask, opaque};
use cuba_translate::protect::{intact, numbers, scan};
use cuba_translate::segment::{PieceKind, segment};
use cuba_translate::{Cancel, Engines, LanguageCode, Quiet, Settings, TextRequest, Translator};

const LANGUAGES: [&str; 9] = ["en", "es", "fr", "de", "ja", "ar", "el", "th", "ka"];

fn language(byte: u8) -> LanguageCode {
    LANGUAGES
        .get(usize::from(byte) % LANGUAGES.len())
        .and_then(|c| c.parse().ok())
        .unwrap_or(LanguageCode::ENGLISH)
}

/// The first byte chooses, the rest is text.
fn split(bytes: &[u8]) -> (u8, String) {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    (*first, String::from_utf8_lossy(rest).into_owned())
}

/// Pieces joined are the text.
pub fn segment_text(bytes: &[u8]) {
    let (choice, text) = split(bytes);
    let pieces = segment(&text, &language(choice));
    assert_eq!(pieces.iter().map(|p| p.text).collect::<String>(), text);
    assert!(pieces.iter().all(|p| p.kind == PieceKind::Gap || p.text.trim() == p.text));
}

/// Spans are disjoint; masks and cuts are undone; repair never breaks a text that was whole.
pub fn protect(bytes: &[u8]) {
    let (choice, text) = split(bytes);
    let spans = scan(&text, &[]);
    assert!(spans.windows(2).all(|pair| matches!(pair, [a, b] if a.range.end <= b.range.start)));
    let hidden = opaque(&text, &[]);
    for family in [Family::Numbers, Family::Letters] {
        let masked = mask(&text, &hidden, family);
        if let Some(back) = masked.restore(&masked.text) {
            assert_eq!(back, text);
        }
    }
    assert_eq!(cut(&text, &spans).iter().map(|p| p.1).collect::<String>(), text);
    assert!(intact(&text, &text, &[]));
    let reversed: String = text.chars().rev().collect();
    let _ = numbers::repair(&text, &reversed, &language(choice), &[]);
    let _ = numbers::localise(&text, &language(choice), &LanguageCode::ENGLISH);
}

/// The whole path with an engine that garbles: spans stay intact.
pub fn pipeline(bytes: &[u8]) {
    let (choice, text) = split(bytes);
    let translator = Translator::new(Engines::new().with(Arc::new(Garbling(choice))));
    let to: LanguageCode = "es".parse().unwrap_or(LanguageCode::ENGLISH);
    let request =
        TextRequest::new(&text, to).from_language(LanguageCode::ENGLISH).with_settings(Settings::default());
    let Ok(result) = translator.translate(&request, &Cancel::new(), &mut Quiet) else { return };
    for segment in &result.segments {
        assert!(intact(&segment.source, &segment.target, &[]), "{segment:?}");
        assert!(!segment.target.is_empty());
    }
}

struct Garbling(u8);

impl Engine for Garbling {
    fn id(&self) -> &'static str {
        "nmt:garbling"
    }
    fn kind(&self) -> EngineKind {
        if self.0 & 1 == 0 { EngineKind::Nmt } else { EngineKind::Llm }
    }
    fn directions(&self) -> Vec<Direction> {
        "es".parse().map(|es| Direction::new(LanguageCode::ENGLISH, es)).into_iter().collect()
    }
    fn resident_bytes(&self) -> u64 {
        0
    }
    fn translate(&self, batch: &Batch<'_>, _: &Cancel) -> Result<Vec<Hypothesis>, EngineError> {
        let garble = |text: &str| match (self.0 >> 1) % 5 {
            0 => text.to_owned(),
            1 => text.chars().rev().collect(),
            2 => format!("{text} {text}"),
            3 => text.chars().filter(|c| !c.is_numeric()).collect(),
            _ => text.replace(' ', "7").replace('.', ","),
        };
        Ok(batch
            .sentences
            .iter()
            .map(|s| Hypothesis { text: garble(&s.text), ..Hypothesis::default() })
            .collect())
    }
}
