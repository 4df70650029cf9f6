//! Constraints on one translation: phrases it must hold, phrases it must not, and how it begins.

use crate::vocab::{PieceKind, Vocab};

/// Constraints, as tokens and text of the target side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) prefix: Vec<u32>,
    pub(crate) forced: Vec<Phrase>,
    pub(crate) forbidden: Vec<String>,
}

/// One forced phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase {
    tokens: Vec<u32>,
    /// Ends in a letter of a script with spaces: a letter right behind it would make it another word.
    ends_open: bool,
}

/// How far one hypothesis is with its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Phrases that stand in the text, one bit each.
    met: Vec<bool>,
    /// Phrases begun by the last tokens, and how many of their tokens stand.
    begun: Vec<(usize, usize)>,
    /// The last token ended a phrase that is open at its end.
    open: bool,
    /// The end of the text, long enough to recognise every forbidden phrase. Bytes, as a token may be half a character.
    tail: Vec<u8>,
}

impl Standing {
    /// Whether every forced phrase stands.
    pub(crate) fn is_complete(&self) -> bool {
        self.met.iter().all(|&met| met)
    }
}

impl Phrase {
    /// `None` for a phrase without tokens, and for one with characters that the vocabulary cannot write.
    pub(crate) fn new(vocab: &Vocab, phrase: &str) -> Option<Self> {
        let spaceless = phrase.chars().next().is_some_and(is_spaceless);
        let tokens = if spaceless { vocab.ids_inside(phrase) } else { vocab.ids(phrase) };
        let ends_open = phrase.trim_end().chars().next_back().is_some_and(is_word);
        (!tokens.is_empty() && !tokens.contains(&vocab.unk())).then_some(Self { tokens, ends_open })
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether these tokens are read as just this phrase.
    pub(crate) fn spells(&self, vocab: &Vocab, phrase: &str) -> bool {
        vocab.decode(&self.tokens).trim() == phrase.trim()
    }
}

impl Rules {
    pub(crate) fn is_free(&self) -> bool {
        self.prefix.is_empty() && self.forced.is_empty() && self.forbidden.is_empty()
    }

    /// Tokens of all forced phrases.
    pub(crate) fn total(&self) -> usize {
        self.forced.iter().map(Phrase::len).sum()
    }

    /// Before the first token.
    pub(crate) fn start(&self) -> Standing {
        Standing { met: vec![false; self.forced.len()], ..Standing::default() }
    }

    /// Tokens of forced phrases that stand so far.
    pub(crate) fn count(&self, standing: &Standing) -> usize {
        let met = self.forced.iter().zip(&standing.met).filter(|(_, met)| **met);
        let begun = standing.begun.iter().map(|b| b.1).max().unwrap_or(0);
        met.map(|(phrase, _)| phrase.len()).sum::<usize>() + begun
    }

    /// Tokens it takes at most to make every forced phrase stand, should the ones begun break off.
    pub(crate) fn missing(&self, standing: &Standing) -> usize {
        let unmet = self.forced.iter().zip(&standing.met).filter(|(_, met)| !**met);
        unmet.map(|(phrase, _)| phrase.len()).sum()
    }

    /// After one more token.
    pub(crate) fn advance(&self, vocab: &Vocab, standing: &Standing, token: u32) -> Standing {
        let mut next = standing.clone();
        next.open = false;
        next.begun.clear();
        let unmet = self.forced.iter().enumerate().filter(|(i, _)| standing.met.get(*i) == Some(&false));
        let continued = standing.begun.iter().copied();
        for (i, done) in continued.chain(unmet.map(|(i, _)| (i, 0))) {
            let expected = self.forced.get(i).and_then(|phrase| phrase.tokens.get(done));
            if expected == Some(&token) && !next.begun.contains(&(i, done + 1)) {
                next.begun.push((i, done + 1));
            }
        }
        let whole = |&&(i, done): &&(usize, usize)| self.forced.get(i).is_some_and(|p| p.len() == done);
        let complete = next.begun.iter().filter(whole).max_by_key(|b| b.1).map(|b| b.0);
        if let Some(i) = complete {
            if let Some(met) = next.met.get_mut(i) {
                *met = true;
            }
            next.open = self.forced.get(i).is_some_and(|p| p.ends_open);
            next.begun.clear();
        }
        if !self.forbidden.is_empty() {
            next.tail.extend(surface(vocab, token));
            let keep = self.forbidden.iter().map(String::len).max().unwrap_or(0) + 8;
            let mut cut = next.tail.len().saturating_sub(keep);
            // Not into a character: its other bytes would stand for a letter that is not there.
            while next.tail.get(cut).is_some_and(|b| b & 0xc0 == 0x80) {
                cut += 1;
            }
            next.tail.drain(..cut);
        }
        next
    }

    /// Tokens that bring the rules forward. `hurry`: only those that no token can be lost with.
    pub(crate) fn wanted(&self, standing: &Standing, step: usize, hurry: bool) -> Vec<u32> {
        if let Some(&token) = self.prefix.get(step) {
            return vec![token];
        }
        let furthest = standing.begun.iter().map(|b| b.1).max().unwrap_or(0);
        let next = |&(i, done): &(usize, usize)| self.forced.get(i).and_then(|p| p.tokens.get(done)).copied();
        let begun = standing.begun.iter().filter(|b| !hurry || b.1 == furthest);
        let mut wanted: Vec<u32> = begun.filter_map(next).collect();
        if wanted.is_empty() {
            let unmet = self.forced.iter().zip(&standing.met).filter(|(_, met)| !**met);
            wanted = unmet.filter_map(|(phrase, _)| phrase.tokens.first().copied()).collect();
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// Whether a token may follow.
    pub(crate) fn allows(&self, vocab: &Vocab, standing: &Standing, token: u32) -> bool {
        if token == vocab.eos() {
            return standing.is_complete();
        }
        if standing.open && continues_word(vocab, token) {
            return false;
        }
        if self.forbidden.is_empty() {
            return true;
        }
        let whole = match std::str::from_utf8(&standing.tail) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let mut bytes = standing.tail.clone();
        bytes.extend(surface(vocab, token));
        let text = String::from_utf8_lossy(&bytes);
        self.forbidden.iter().all(|phrase| !stands_at_end(&text, whole, phrase))
    }
}

/// The bytes a token adds to the text, with its space.
fn surface(vocab: &Vocab, token: u32) -> Vec<u8> {
    match vocab.kind(token) {
        PieceKind::Normal | PieceKind::UserDefined => {
            vocab.piece(token).replace(crate::vocab::SPACE, " ").into_bytes()
        }
        PieceKind::Byte => vocab.byte(token).into_iter().collect(),
        PieceKind::Unknown | PieceKind::Control | PieceKind::Unused => Vec::new(),
    }
}

fn continues_word(vocab: &Vocab, token: u32) -> bool {
    match vocab.kind(token) {
        PieceKind::Byte => vocab.byte(token).is_some_and(|b| b >= 0x80 || is_word(char::from(b))),
        PieceKind::Normal | PieceKind::UserDefined => vocab.piece(token).chars().next().is_some_and(is_word),
        _ => false,
    }
}

/// Whether `phrase` stands in `text` as whole words and ends behind byte `old`.
fn stands_at_end(text: &str, old: usize, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let end = at + phrase.len();
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(end..).and_then(|t| t.chars().next());
        let starts_inside = before.is_some_and(is_word) && phrase.chars().next().is_some_and(is_word);
        let goes_on = after.is_some_and(is_word) && phrase.chars().next_back().is_some_and(is_word);
        end > old && !starts_inside && !goes_on
    })
}

/// A letter or digit of a script that puts spaces between words.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !is_spaceless(c)
}

/// Scripts written without spaces: Thai, Lao, Burmese, Khmer, Japanese, Chinese.
fn is_spaceless(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::SpmFile;

    const WORDS: [&str; 8] =
        ["\u{2581}a", "\u{2581}b", "c", "\u{2581}bc", ",", "\u{2581}a,", "猫", "\u{2581}"];

    fn vocab() -> Vocab {
        let mut pieces =
            vec![("</s>".to_owned(), 0.0, PieceKind::Control), ("<unk>".into(), 0.0, PieceKind::Unknown)];
        pieces
            .extend(WORDS.iter().map(|w| ((*w).to_owned(), -1.0 - w.len() as f32 / 8.0, PieceKind::Normal)));
        Vocab::from_bytes(&SpmFile { pieces, ..SpmFile::default() }.write(), "v").unwrap()
    }

    fn id(vocab: &Vocab, piece: &str) -> u32 {
        (0..vocab.len() as u32).find(|&id| vocab.piece(id) == piece).unwrap()
    }

    fn rules(vocab: &Vocab, forced: &[&str], forbidden: &[&str]) -> Rules {
        Rules {
            prefix: Vec::new(),
            forced: forced.iter().map(|p| Phrase::new(vocab, p).unwrap()).collect(),
            forbidden: forbidden.iter().map(|p| (*p).to_owned()).collect(),
        }
    }

    #[test]
    fn phrases_that_begin_alike_are_told_apart() {
        let v = vocab();
        let rules = rules(&v, &["a b", "a a"], &[]);
        let (a, b) = (id(&v, "\u{2581}a"), id(&v, "\u{2581}b"));
        let s = rules.advance(&v, &rules.start(), a);
        assert_eq!((rules.count(&s), rules.wanted(&s, 1, false)), (1, vec![a, b]));
        let s = rules.advance(&v, &s, a);
        assert_eq!((rules.count(&s), s.is_complete()), (2, false));
        assert!(!rules.allows(&v, &s, v.eos()));
        let s = rules.advance(&v, &rules.advance(&v, &s, a), b);
        assert!(s.is_complete() && rules.count(&s) == 4 && rules.allows(&v, &s, v.eos()));
    }

    #[test]
    fn a_broken_phrase_begins_again() {
        let v = vocab();
        let rules = rules(&v, &["a b"], &[]);
        let (a, comma, b) = (id(&v, "\u{2581}a"), id(&v, ","), id(&v, "\u{2581}b"));
        let s = rules.advance(&v, &rules.advance(&v, &rules.start(), a), comma);
        assert_eq!((rules.count(&s), rules.wanted(&s, 2, true)), (0, vec![a]));
        let s = rules.advance(&v, &rules.advance(&v, &s, a), b);
        assert!(s.is_complete());
        assert!(!rules.allows(&v, &s, id(&v, "c")), "a letter behind it would change the word");
        assert!(rules.allows(&v, &s, comma) && rules.allows(&v, &s, a) && rules.allows(&v, &s, id(&v, "猫")));
    }

    #[test]
    fn forbidden_words_are_seen_in_any_cut() {
        let v = vocab();
        let rules = rules(&v, &[], &["bc"]);
        let s = rules.start();
        assert!(!rules.allows(&v, &s, id(&v, "\u{2581}bc")));
        let s = rules.advance(&v, &s, id(&v, "\u{2581}b"));
        assert!(!rules.allows(&v, &s, id(&v, "c")));
        assert!(rules.allows(&v, &s, id(&v, ",")));
        assert!(
            stands_at_end("a bc,", 3, "bc")
                && !stands_at_end("a bcd", 3, "bc")
                && !stands_at_end("abc", 2, "bc")
        );
        assert!(!stands_at_end("bc and", 4, "bc"), "what stands already cannot be forbidden again");
    }

    #[test]
    fn scripts_without_spaces_get_no_space() {
        let v = vocab();
        assert_eq!(Phrase::new(&v, "猫").unwrap().tokens, [id(&v, "猫")]);
        assert_eq!(Phrase::new(&v, "  "), None);
    }
}
