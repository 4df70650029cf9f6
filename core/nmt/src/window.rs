//! Cutting text that is too long for one pass into windows, at the best place there is. Nothing is ever dropped.

use std::ops::Range;

use crate::vocab::Token;

/// How good a place is to cut behind a text that ends like this.
fn quality(before: &str, after: &str) -> u8 {
    let mut ends = before.chars().rev().skip_while(|c| c.is_whitespace());
    let last = ends.next().unwrap_or(' ');
    let spaced = after.starts_with(char::is_whitespace) || before.ends_with(char::is_whitespace);
    match last {
        '。' | '！' | '？' | '।' | '۔' | '؟' => 4,
        '.' | '!' | '?' | '…' if spaced => 4,
        ';' | ':' | '؛' if spaced => 3,
        '；' | '：' | '，' | '、' => 3,
        ',' | '،' | ')' | ']' | '»' | '”' | '–' | '—' if spaced => 2,
        _ if spaced => 1,
        _ => 0,
    }
}

/// Byte ranges of `text` with at most `most` tokens each. They follow each other, and together are the whole text.
pub(crate) fn windows(text: &str, tokens: &[Token], most: usize) -> Vec<Range<usize>> {
    let mut windows = Vec::new();
    let (mut first, mut start) = (0, 0);
    while tokens.len() - first > most {
        // Cuts in the first third would make a tail of crumbs.
        let candidates = (first + most / 3).max(first + 1)..=first + most;
        let place = |cut: usize| tokens.get(cut).map_or(text.len(), |token| token.range.start);
        let rate = |cut: usize| {
            let at = place(cut);
            let (Some(before), Some(after)) = (text.get(start..at), text.get(at..)) else { return None };
            // Tokens of one character (its bytes) share a place: a cut there would be in the middle of it.
            let whole = cut.checked_sub(1).and_then(|i| tokens.get(i)).is_none_or(|t| t.range.end <= at);
            (at > start && whole).then(|| quality(before, after))
        };
        let best = candidates.rev().filter_map(|cut| rate(cut).map(|quality| (quality, cut)));
        // Of equal places the latest: `max_by_key` keeps the last of equals, and the order is falling.
        let best = best.reduce(|best, other| if other.0 > best.0 { other } else { best });
        let Some((_, cut)) = best else {
            // One character of more tokens than a window holds: take it whole.
            break;
        };
        windows.push(start..place(cut));
        (first, start) = (cut, place(cut));
    }
    windows.push(start..text.len());
    windows
}

#[cfg(test)]
mod tests {
    #![allow(clippy::string_slice, clippy::single_range_in_vec_init)]

    use super::*;
    use proptest::prelude::*;

    /// Tokens of one word each, with the space before it.
    fn words(text: &str) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::new();
        let mut start = 0;
        for (at, c) in text.char_indices() {
            if c == ' ' && at > start {
                tokens.push(Token { id: 0, range: start..at });
                start = at;
            }
        }
        if start < text.len() {
            tokens.push(Token { id: 0, range: start..text.len() });
        }
        tokens
    }

    #[test]
    fn sentences_are_better_places_than_commas_and_spaces() {
        let text = "one two three. four five, six seven eight nine ten";
        let cut: Vec<&str> = windows(text, &words(text), 6).into_iter().map(|r| &text[r]).collect();
        assert_eq!(cut, ["one two three.", " four five,", " six seven eight nine ten"]);
        assert_eq!(windows(text, &words(text), 20), [0..text.len()]);
        assert_eq!(windows("", &[], 20), [0..0]);
    }

    proptest! {
        #[test]
        fn windows_are_the_whole_text(text in "[a-c ,.é]{0,200}", most in 2usize..20) {
            let tokens = words(&text);
            let cut = windows(&text, &tokens, most);
            prop_assert_eq!(cut.iter().map(|r| &text[r.clone()]).collect::<String>(), text.clone());
            for window in cut {
                let inside = tokens.iter().filter(|t| window.contains(&t.range.start)).count();
                prop_assert!(inside <= most);
            }
        }
    }
}
