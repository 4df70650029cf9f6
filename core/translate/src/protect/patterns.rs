//! What protected spans look like.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Span, SpanKind, free};

/// One alternation, so that the text is read once; at one place the first alternative wins.
static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<file>[A-Za-z0-9][A-Za-z0-9_-]*\.(?:txt|pdf|docx?|xlsx?|pptx?|odt|png|jpe?g|gif|svg|mp[34]|zip|gz|tar|csv|json|xml|ya?ml|toml|html?|css|js|ts|py|rs|cpp|java|kt|swift|sh|md|exe|apk|ini|cfg|conf|log|srt|vtt|epub|gguf|bin)",
        r"|(?P<code>`[^`\n]+`|[A-Za-z_][A-Za-z0-9_.]*\(\)|[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+|--[a-z][a-z0-9-]+)",
        r"|(?P<tag></?[A-Za-z][A-Za-z0-9:-]*(?:\s[^<>]{0,400})?/?>|<!--[^\n]*?-->|&(?:[A-Za-z]{2,8}|\#[0-9]{1,6}|\#x[0-9A-Fa-f]{1,6});)",
        r"|(?P<url>(?:https?|ftp|file|ssh|git|ws|wss)://[^\s<>\x22«»]+|(?:mailto|tel|sms|magnet|bitcoin|geo|data):[^\s<>\x22«»]+|www\.[^\s<>\x22«»]+)",
        r"|(?P<email>[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)",
        r"|(?P<domain>[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.(?:com|org|net|edu|gov|io|dev|app|info|eu)(?:/[^\s<>\x22«»]*)?)",
        r"|(?P<path>[A-Za-z]:\\[^\s\x22<>|]*|\\\\[^\s\x22<>|]+|(?:~|\.{1,2})?/[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]*)*))",
        r"|(?P<placeholder>\$?\{\{[^{}\s]{1,60}\}\}|\$?\{[^{}\s]{0,60}\}|%\([A-Za-z_][A-Za-z0-9_]*\)[a-z]|%[0-9]+\$[-+0\#]*[0-9]*(?:\.[0-9]+)?(?:ll|hh|[hlzjt])?[sdiufeEgGxXcp@]|%[-+0\#]*[0-9]*(?:\.[0-9]+)?(?:ll|hh|[hlzjt])?[sdiufeEgGxXcp@])",
        r"|(?P<mention>@[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*)",
        r"|(?P<hashtag>\#[\p{L}\p{N}_]+)",
        r"|(?P<emoji>\p{RI}\p{RI}|[0-9\#*]\x{FE0F}?\x{20E3}|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic})\x{FE0F}?\p{Emoji_Modifier}?(?:\x{200D}(?:\p{Emoji_Presentation}|\p{Extended_Pictographic})\x{FE0F}?\p{Emoji_Modifier}?)*|[:;]-?[()DPp]|<3)",
        r"|(?P<rule>_{2,}|-{4,}|={4,}|~{4,}|\*{4,}|\.{5,})",
        r"|(?P<token>[\p{L}\p{Nd}]+(?:-[\p{L}\p{Nd}]+)*)",
        r"|(?P<number>\p{Nd})",
    ))
    .expect("the pattern is constant and a test compiles it")
});

/// The body of a number, matched where a digit begins.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:\p{Nd}{1,3}(?:[\u{A0}\u{202F} ]\p{Nd}{3})+(?:[.,]\p{Nd}+)?|\p{Nd}+(?:[.,:/'’–-]\p{Nd}+)*)",
    )
    .expect("the pattern is constant and a test compiles it")
});

/// Degrees behind a number. An ordinal (`5º`) has no space and no letter.
static DEGREES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[ \u{A0}\u{202F}]?°(?:[CFK]\b)?|[ \u{A0}\u{202F}]?º[ \u{A0}]?[CF]\b)")
        .expect("the pattern is constant and a test compiles it")
});

/// The half of the day behind a time: `9 a.m.`, `9 p. m.`, `9 AM`. Models drop its first letter.
static HALF_OF_DAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^[ \u{A0}\u{202F}]?(?:[ap]\.[ \u{A0}\u{202F}]?m\.|[AP]\.[ \u{A0}\u{202F}]?M\.|(?:am|pm|AM|PM)\b)",
    )
    .expect("the pattern is constant and a test compiles it")
});

/// Unit symbols and day halves that may touch a number without making it a name (`5kg`, `3pm`).
pub(super) const ATTACHED: &[&str] = &[
    "mg", "µg", "μg", "mcg", "kg", "g", "ml", "l", "dl", "cl", "km", "m", "cm", "mm", "nm", "kb", "mb", "gb",
    "tb", "hz", "khz", "mhz", "ghz", "w", "kw", "kwh", "v", "mv", "a", "ma", "mmhg", "bpm", "h", "min", "ms",
    "am", "pm", "c", "f", "k", "x", "ui", "iu", "mph", "kmh",
];

pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    icu(text, spans);
    let taken = spans.clone();
    let mut at = 0;
    while let Some(found) = PATTERN.captures_at(text, at) {
        let whole = found.get(0).map_or(text.len()..text.len(), |m| m.range());
        if let Some(hole) = taken.iter().find(|s| s.range.start < whole.end && whole.start < s.range.end) {
            at = hole.range.end.max(at + 1);
            while !text.is_char_boundary(at) {
                at += 1;
            }
            continue;
        }
        let (end, span) = judge(text, &found, whole.clone());
        at = end.max(whole.start + 1);
        while !text.is_char_boundary(at) {
            at += 1;
        }
        if let Some(span) = span
            && free(&taken, &span.range)
        {
            spans.push(span);
        }
        if at >= text.len() {
            break;
        }
    }
}

/// Decides about one match: where to read on, and the span if it is one.
fn judge(text: &str, found: &regex::Captures<'_>, range: Range<usize>) -> (usize, Option<Span>) {
    let before = text.get(..range.start).and_then(|t| t.chars().next_back());
    let after = text.get(range.end..).and_then(|t| t.chars().next());
    let word_before = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let word_after = after.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let group = |name: &str| found.name(name).is_some();
    let span = |kind, end| (end, Some(Span { range: range.start..end, kind }));
    let skip = || (range.end, None);
    if group("code") {
        let ok = text.get(range.clone()).is_some_and(|t| t.starts_with('`') || t.starts_with('-'));
        return if ok || !(word_before || word_after) { span(SpanKind::Code, range.end) } else { skip() };
    }
    if group("tag") {
        return span(SpanKind::Tag, range.end);
    }
    if group("url") {
        let end = trim_url(text, &range);
        return if word_before || end <= range.start + 4 { skip() } else { span(SpanKind::Url, end) };
    }
    if group("email") {
        return if word_before { skip() } else { span(SpanKind::Email, range.end) };
    }
    if group("domain") {
        let end = trim_url(text, &range);
        let word_after = text.get(end..).and_then(|t| t.chars().next()).is_some_and(char::is_alphanumeric);
        return if word_before || word_after { skip() } else { span(SpanKind::Url, end) };
    }
    if group("path") || group("file") {
        let end = range.start
            + text.get(range.clone()).unwrap_or_default().trim_end_matches(['.', ',', ';', ':']).len();
        let edge = before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '"' | '\'' | '«' | '“'));
        let file =
            text.get(range.clone()).is_some_and(|t| t.chars().next().is_some_and(char::is_alphanumeric));
        let ok = (edge || (file && !word_before))
            && !text.get(end..).is_some_and(|t| t.starts_with(char::is_alphanumeric));
        return if ok && end > range.start + 1 { span(SpanKind::Path, end) } else { (range.start + 1, None) };
    }
    if group("placeholder") {
        let percent = text.get(range.clone()).is_some_and(|t| t.starts_with('%'));
        let ok = !percent || (!word_after && !before.is_some_and(char::is_numeric));
        return if ok { span(SpanKind::Placeholder, range.end) } else { (range.start + 1, None) };
    }
    if group("mention") || group("hashtag") {
        let kind = if group("mention") { SpanKind::Mention } else { SpanKind::Hashtag };
        let letters = text.get(range.clone()).is_some_and(|t| t.chars().any(char::is_alphabetic));
        return if letters && !word_before { span(kind, range.end) } else { (range.start + 1, None) };
    }
    if group("emoji") {
        let smiley = text.get(range.clone()).is_some_and(|t| t.starts_with([':', ';', '<']));
        let alone = before.is_none_or(char::is_whitespace)
            && after.is_none_or(|c| c.is_whitespace() || c.is_ascii_punctuation());
        return if !smiley || alone { span(SpanKind::Emoji, range.end) } else { (range.start + 1, None) };
    }
    if group("rule") {
        return span(SpanKind::Rule, range.end);
    }
    word_or_number(text, range)
}

/// A run of letters and digits: a plain word, a number, or a name with digits.
fn word_or_number(text: &str, range: Range<usize>) -> (usize, Option<Span>) {
    let run = text.get(range.clone()).unwrap_or_default();
    if !run.chars().any(char::is_numeric) {
        return (range.end, None);
    }
    if !run.starts_with(char::is_numeric) || !NUMBER.is_match(run) {
        // `covid-19` is a name; `e2` in the middle of a word is nothing.
        let name = run.chars().any(char::is_uppercase) || run.contains('-');
        let span = Span { range: range.clone(), kind: SpanKind::Token };
        if name {
            return (range.end, Some(span));
        }
        // `v1.2.3` is a version, not the number 2.3.
        let rest = text.get(range.end..).unwrap_or_default();
        let version = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        return (range.end + version, None);
    }
    let rest = text.get(range.start..).unwrap_or_default();
    let mut end = range.start + NUMBER.find(rest).map_or(1, |m| m.end());
    let tail: String =
        text.get(end..).unwrap_or_default().chars().take_while(|c| c.is_alphabetic()).collect();
    let after = text.get(end..).unwrap_or_default();
    if let Some(sign) = DEGREES.find(after) {
        return (
            end + sign.end(),
            Some(Span { range: range.start..end + sign.end(), kind: SpanKind::Measure }),
        );
    }
    if let Some(half) = HALF_OF_DAY.find(after) {
        return (
            end + half.end(),
            Some(Span { range: range.start..end + half.end(), kind: SpanKind::Number }),
        );
    }
    if tail.is_empty() {
        // A hyphen then letters: `5-year-old`. The number alone is the span.
        return (end, Some(Span { range: range.start..end, kind: SpanKind::Number }));
    }
    let lower = tail.to_lowercase();
    // 5 g is a weight, 5G a network.
    let name = matches!(tail.as_str(), "G" | "K" | "D");
    if !name && ATTACHED.contains(&lower.as_str()) {
        return (end + tail.len(), Some(Span { range: range.start..end, kind: SpanKind::Number }));
    }
    end += tail.len();
    let ordinal = matches!(
        lower.as_str(),
        "st" | "nd" | "rd" | "th" | "s" | "er" | "ère" | "re" | "e" | "ème" | "º" | "ª" | "o" | "a"
    );
    if ordinal || !tail.chars().any(char::is_uppercase) {
        return (end, None);
    }
    let more: usize = text
        .get(end..)
        .unwrap_or_default()
        .chars()
        .take_while(|c| c.is_alphanumeric())
        .map(char::len_utf8)
        .sum();
    (end + more, Some(Span { range: range.start..end + more, kind: SpanKind::Token }))
}

/// An address without the punctuation of the sentence it stands in.
fn trim_url(text: &str, range: &Range<usize>) -> usize {
    let mut url = text.get(range.clone()).unwrap_or_default();
    while let Some(last) = url.chars().next_back() {
        let unbalanced =
            |open: char, close: char| last == close && url.matches(close).count() > url.matches(open).count();
        let punctuation = matches!(
            last,
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '’' | '”' | '…' | '*' | '。' | '，' | '、'
        );
        if punctuation
            || unbalanced('(', ')')
            || unbalanced('[', ']')
            || unbalanced('{', '}')
            || matches!(last, '」' | '）')
        {
            url = url.get(..url.len() - last.len_utf8()).unwrap_or_default();
        } else {
            break;
        }
    }
    range.start + url.len()
}

/// ICU messages: balanced braces with a format name after the first comma.
fn icu(text: &str, spans: &mut Vec<Span>) {
    const LONGEST: usize = 2_000;
    let mut open_at: Option<usize> = None;
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => {
                if depth == 0 {
                    open_at = Some(at);
                }
                depth += 1;
            }
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0
                    && let Some(start) = open_at
                    && at - start < LONGEST
                    && is_icu(text.get(start + 1..at).unwrap_or_default())
                    && free(spans, &(start..at + 1))
                {
                    spans.push(Span { range: start..at + 1, kind: SpanKind::Placeholder });
                }
            }
            _ => {}
        }
    }
}

fn is_icu(inside: &str) -> bool {
    let mut parts = inside.splitn(3, ',');
    let argument = parts.next().unwrap_or_default().trim();
    let format = parts.next().map(str::trim).unwrap_or_default();
    !argument.is_empty()
        && argument.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
        && matches!(
            format,
            "plural" | "select" | "selectordinal" | "number" | "date" | "time" | "choice" | "duration"
        )
}
