//! Widths and codes of Helvetica, the typeface that every PDF reader has.
//!
//! Reports are written in Windows-1252 (the PDF's `WinAnsiEncoding`), which holds every letter of English, Spanish,
//! French and Portuguese. A name in another script keeps its letters in the HTML report; here its accents are taken off
//! where that gives a Latin letter, and what is left becomes `?`.

use unicode_normalization::UnicodeNormalization as _;

/// Advance widths of U+0020 to U+007E in thousandths of the size, from Adobe's font metrics for Helvetica.
const REGULAR: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The same for Helvetica-Bold.
const BOLD: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278,
    556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584,
    556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556,
    333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

/// Windows-1252 codes 0x80 to 0x9F; NUL where there is none.
const HIGH: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// The Windows-1252 code of a character, if it has one.
fn code(c: char) -> Option<u8> {
    let n = u32::from(c);
    match n {
        0x20..=0x7e | 0xa0..=0xff => u8::try_from(n).ok(),
        _ if c != '\0' => HIGH.iter().position(|h| *h == c).and_then(|i| u8::try_from(0x80 + i).ok()),
        _ => None,
    }
}

/// Characters that have a plain equivalent in the encoding.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{2212}' | '\u{2010}' | '\u{2011}' => "-",
        '\u{202f}' | '\u{2009}' | '\t' | '\n' => " ",
        'ł' => "l",
        'Ł' => "L",
        'đ' => "d",
        'Đ' => "D",
        'ı' => "i",
        '≥' => ">=",
        '≤' => "<=",
        _ => return None,
    })
}

/// Text in Windows-1252.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.nfc() {
        if let Some(code) = code(c) {
            out.push(code);
        } else if let Some(text) = plain(c) {
            out.extend_from_slice(text.as_bytes());
        } else {
            let base = std::iter::once(c).nfd().next().and_then(code);
            out.push(base.unwrap_or(b'?'));
        }
    }
    out
}

/// Width of a text at a size, points.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let sum: u32 = encode(text).iter().map(|b| u32::from(advance(*b, bold))).sum();
    f64::from(sum) / 1000.0 * size
}

fn advance(byte: u8, bold: bool) -> u16 {
    let table = if bold { &BOLD } else { &REGULAR };
    let ascii = |b: u8| b.checked_sub(0x20).and_then(|i| table.get(usize::from(i))).copied();
    if let Some(width) = ascii(byte) {
        return width;
    }
    let c = match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or('\0'),
        _ => char::from(byte),
    };
    match c {
        '\u{a0}' => 278,
        '…' | '—' | '™' | 'Œ' | '‰' => 1000,
        'Æ' => 1000,
        'œ' => 944,
        'æ' => 889,
        '°' => 400,
        '·' | '•' => {
            if c == '·' {
                278
            } else {
                350
            }
        }
        '²' | '³' | '¹' | '¡' | '´' | '¨' | '¯' | '¸' | 'ˆ' | '˜' | '\u{ad}' | '‹' | '›' => 333,
        'ª' => 370,
        'º' => 365,
        '±' | '×' | '÷' | '¬' => 584,
        '¿' => 611,
        '‘' | '’' | '‚' => {
            if bold {
                278
            } else {
                222
            }
        }
        '“' | '”' | '„' => {
            if bold {
                500
            } else {
                333
            }
        }
        '©' | '®' => 737,
        // A letter with an accent is as wide as the letter, but for the narrow i.
        'ì'..='ï' => 278,
        _ => std::iter::once(c)
            .nfd()
            .next()
            .and_then(|base| u8::try_from(u32::from(base)).ok())
            .and_then(ascii)
            .unwrap_or(556),
    }
}

/// Breaks a text into lines that fit a width. A word that is longer than a line is cut.
pub(crate) fn wrap(text: &str, size: f64, bold: bool, max: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split([' ', '\n']).filter(|w| !w.is_empty()) {
        let Some(line) = lines.last_mut() else { break };
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&joined, size, bold) <= max {
            *line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(String::new());
        }
        for c in word.chars() {
            let Some(line) = lines.last_mut() else { break };
            if !line.is_empty() && width(&format!("{line}{c}"), size, bold) > max {
                lines.push(c.to_string());
            } else {
                line.push(c);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letters_of_the_four_languages_have_their_codes() {
        let letters = "áéíóúüñ¿¡ÁÉÍÓÚÜÑ àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ ãõâêôáàçÃÕ €–—’“”°²·";
        assert!(!encode(letters).contains(&b'?'));
        assert_eq!(encode("œ€ñ"), [0x9c, 0x80, 0xf1]);
        // Another script does not break the page, and half of it is still readable.
        assert_eq!(encode("Zażółć Ω"), b"Zaz\xf3lc ?");
    }

    #[test]
    fn lines_fit_and_keep_every_word() {
        let text = "Une phrase assez longue pour être coupée, avecunmotbeaucouptroplongpouruneligne.";
        let lines = wrap(text, 10.0, false, 90.0);
        assert!(lines.len() > 3);
        assert!(lines.iter().all(|l| width(l, 10.0, false) <= 90.0));
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert!((width("Hello", 10.0, false) - 22.78).abs() < 0.01);
    }
}
