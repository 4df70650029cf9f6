//! Tables of text: CSV with any usual separator, quotes and encoding, a row at a time.
//!
//! Own code and not the `csv` crate: that one's memory grows with a quote that is never closed, and it knows neither
//! UTF-16 (spreadsheets) nor the separator.

use std::io::{self, BufReader, Read};

/// Longest row. A longer one is cut; a quote that is never closed ends here.
const MAX_ROW: usize = 1 << 20;
/// More columns than any export has.
const MAX_COLUMNS: usize = 2000;

/// A table being read.
pub(super) struct Table<R> {
    input: Text<R>,
    separator: u8,
    header: Vec<String>,
    row: Vec<u8>,
    ends: Vec<usize>,
    rows: u64,
}

/// Names of columns are compared by letters and digits alone.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl<R: Read> Table<R> {
    /// Reads the header; `skip` rows before it are passed over.
    pub(super) fn open(input: R, skip: usize) -> io::Result<Self> {
        let mut input = Text::new(input)?;
        for _ in 0..skip {
            while let Some(byte) = input.next()? {
                if byte == b'\n' {
                    break;
                }
            }
        }
        let separator = input.guess_separator()?;
        let mut table =
            Self { input, separator, header: Vec::new(), row: Vec::new(), ends: Vec::new(), rows: 0 };
        if let Some(named) = table.input.named_separator()? {
            table.separator = named;
        }
        // Lines before a header are empty in some exports.
        while table.next()? {
            if (0..table.ends.len()).any(|i| !table.get(i).trim().is_empty()) {
                break;
            }
        }
        table.header = (0..table.ends.len()).map(|i| table.get(i).trim().to_owned()).collect();
        table.rows = 0;
        Ok(table)
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Whether a comma is free to stand before decimals.
    pub(super) fn decimal_comma(&self) -> bool {
        self.separator != b','
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.input.position
    }

    /// The first column with one of these names, compared by letters and digits.
    pub(super) fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.header.iter().position(|h| plain(h) == plain(name)))
    }

    /// Moves on to the next row; `false` at the end.
    pub(super) fn next(&mut self) -> io::Result<bool> {
        self.row.clear();
        self.ends.clear();
        let (mut quoted, mut at_start, mut any) = (false, true, false);
        loop {
            let Some(byte) = self.input.next()? else {
                if !any {
                    return Ok(false);
                }
                break;
            };
            any = true;
            match byte {
                b'"' if quoted => {
                    if self.input.peek()? == Some(b'"') {
                        self.input.next()?;
                        self.push(b'"');
                    } else {
                        quoted = false;
                    }
                }
                b'"' if at_start => quoted = true,
                b'\n' if !quoted => break,
                b'\r' if !quoted => {
                    if self.input.peek()? != Some(b'\n') {
                        break;
                    }
                }
                b if b == self.separator && !quoted => {
                    self.end_field();
                    at_start = true;
                    continue;
                }
                b => {
                    self.push(b);
                    if self.row.len() >= MAX_ROW && quoted {
                        quoted = false;
                    }
                }
            }
            at_start = at_start && byte == b' ';
        }
        self.end_field();
        self.rows += 1;
        if std::str::from_utf8(&self.row).is_err() {
            self.decode();
        }
        Ok(true)
    }

    /// Old spreadsheets write Windows-1252: every byte that is no UTF-8 is a letter of that.
    fn decode(&mut self) {
        let mut from = 0;
        let mut row = Vec::with_capacity(self.row.len() * 2);
        for end in &mut self.ends {
            let field = self.row.get(from..*end).unwrap_or_default();
            from = *end;
            for chunk in field.utf8_chunks() {
                row.extend(chunk.valid().bytes());
                let letters: String = chunk.invalid().iter().map(|b| windows_1252(*b)).collect();
                row.extend(letters.bytes());
            }
            *end = row.len();
        }
        self.row = row;
    }

    fn push(&mut self, byte: u8) {
        if self.row.len() < MAX_ROW {
            self.row.push(byte);
        }
    }

    fn end_field(&mut self) {
        if self.ends.len() < MAX_COLUMNS {
            self.ends.push(self.row.len());
        }
    }

    /// A field of the row; nothing for a missing one.
    pub(super) fn get(&self, column: usize) -> &str {
        let from = column.checked_sub(1).map_or(Some(0), |c| self.ends.get(c).copied());
        let range = from.zip(self.ends.get(column).copied());
        let bytes = range.and_then(|(a, b)| self.row.get(a..b)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// A field by an optional column.
    pub(super) fn text(&self, column: Option<usize>) -> &str {
        column.map_or("", |c| self.get(c).trim())
    }

    /// A field as a number; decimal commas are read where the separator is none.
    pub(super) fn number(&self, column: Option<usize>) -> Option<f64> {
        number(self.text(column), self.decimal_comma())
    }

    /// Whether nothing stands in the row.
    pub(super) fn is_blank(&self) -> bool {
        self.row.iter().all(u8::is_ascii_whitespace)
    }
}

/// The letters that differ from Latin-1 are quotes, dashes and the like.
fn windows_1252(byte: u8) -> char {
    match byte {
        0x80 => '\u{20ac}',
        0x91 | 0x92 => '\u{2019}',
        0x93 | 0x94 => '"',
        0x96 | 0x97 => '\u{2013}',
        other => char::from(other),
    }
}

/// A number as people write it: `1,234.5`, `1.234,5` and `80,5` where the comma may be decimal.
pub(super) fn number(text: &str, decimal_comma: bool) -> Option<f64> {
    let text = text.trim();
    // Thousands may stand apart, other numbers may not.
    let mut groups = text.split(' ').skip(1);
    if groups.any(|g| g.split(['.', ',']).next().is_none_or(|g| g.len() != 3)) {
        return None;
    }
    let mut clean = String::new();
    let (last_comma, last_dot) = (text.rfind(','), text.rfind('.'));
    let comma_is_decimal = match (last_comma, last_dot) {
        (Some(comma), Some(dot)) => comma > dot,
        (Some(comma), None) => decimal_comma || (text.matches(',').count() == 1 && text.len() - comma != 4),
        _ => false,
    };
    for c in text.chars() {
        match c {
            '0'..='9' | '-' | '+' | 'e' | 'E' => clean.push(c),
            '.' if !comma_is_decimal => clean.push('.'),
            ',' if comma_is_decimal => clean.push('.'),
            '.' | ',' | ' ' | '\u{a0}' | '\u{202f}' | '\'' => {}
            '\u{2212}' => clean.push('-'),
            _ => return None,
        }
    }
    clean.parse().ok().filter(|v: &f64| v.is_finite())
}

/// Bytes as UTF-8, whatever the file's encoding.
struct Text<R> {
    input: BufReader<R>,
    peeked: Vec<u8>,
    wide: Option<bool>,
    position: u64,
}

impl<R: Read> Text<R> {
    fn new(input: R) -> io::Result<Self> {
        let mut text = Self {
            input: BufReader::with_capacity(1 << 16, input),
            peeked: Vec::new(),
            wide: None,
            position: 0,
        };
        let mut head = Vec::new();
        (&mut text.input).take(3).read_to_end(&mut head)?;
        match head.as_slice() {
            [0xEF, 0xBB, 0xBF] => {}
            [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] => {
                let little = head.first() == Some(&0xFF);
                text.wide = Some(little);
                // The third byte is the first half of a character.
                if let [first] = rest {
                    let mut second = [0];
                    if text.input.read(&mut second)? == 1 {
                        text.decode([*first, second[0]]);
                    }
                }
            }
            _ => text.peeked = head.into_iter().rev().collect(),
        }
        Ok(text)
    }

    fn decode(&mut self, pair: [u8; 2]) {
        let unit = if self.wide == Some(true) { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) };
        let c = char::from_u32(u32::from(unit)).unwrap_or('\u{fffd}');
        let mut buffer = [0; 4];
        self.peeked.extend(c.encode_utf8(&mut buffer).bytes().rev());
    }

    fn next(&mut self) -> io::Result<Option<u8>> {
        if let Some(byte) = self.peeked.pop() {
            self.position += 1;
            return Ok(Some(byte));
        }
        let mut bytes = [0u8; 2];
        let wanted = if self.wide.is_some() { 2 } else { 1 };
        let into = bytes.get_mut(..wanted).unwrap_or_default();
        if let Err(error) = self.input.read_exact(into) {
            return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
        }
        if self.wide.is_some() {
            self.decode(bytes);
            return self.next();
        }
        self.position += 1;
        Ok(bytes.first().copied())
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        let byte = self.next()?;
        if let Some(byte) = byte {
            self.peeked.push(byte);
            self.position -= 1;
        }
        Ok(byte)
    }

    /// The separator that a first line `sep=;` names, as spreadsheets write it; the line is then passed over.
    fn named_separator(&mut self) -> io::Result<Option<u8>> {
        let mut line = Vec::new();
        while line.len() < 8 {
            let Some(byte) = self.next()? else { break };
            line.push(byte);
            if byte == b'\n' {
                break;
            }
        }
        if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator, b'\n' | b'\r', ..] = line.as_slice() {
            return Ok(Some(*separator));
        }
        self.position -= line.len() as u64;
        self.peeked.extend(line.into_iter().rev());
        Ok(None)
    }

    /// The separator that occurs most in the first line, outside quotes.
    fn guess_separator(&mut self) -> io::Result<u8> {
        let mut line = Vec::new();
        let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
        let mut quoted = false;
        while let Some(byte) = self.next()? {
            line.push(byte);
            if byte == b'"' {
                quoted = !quoted;
            }
            if (byte == b'\n' && !quoted) || line.len() > 64 * 1024 {
                break;
            }
            if !quoted {
                counts.iter_mut().filter(|c| c.0 == byte).for_each(|c| c.1 += 1);
            }
        }
        self.position -= line.len() as u64;
        self.peeked.extend(line.into_iter().rev());
        Ok(counts.iter().rev().max_by_key(|c| c.1).filter(|c| c.1 > 0).map_or(b',', |c| c.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
        let mut table = Table::open(bytes, 0).unwrap();
        let mut out = vec![table.header().to_vec()];
        while table.next().unwrap() {
            out.push((0..table.ends.len()).map(|i| table.get(i).to_owned()).collect());
        }
        out
    }

    #[test]
    fn separators_quotes_and_line_ends() {
        let expected = [vec!["a", "b"], vec!["1", "x, \"y\"\nz"], vec!["2", ""]];
        for text in ["a,b\n1,\"x, \"\"y\"\"\nz\"\n2,\n", "a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n2,"] {
            assert_eq!(rows(text.as_bytes()), expected);
        }
        assert_eq!(rows(b"\xEF\xBB\xBFa;b\n80,5;c\r3;4"), [["a", "b"], ["80,5", "c"], ["3", "4"]]);
        let wide: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain("é\tb\n1\t2\n".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(rows(&wide), [["é", "b"], ["1", "2"]]);
    }

    #[test]
    fn what_spreadsheets_do_to_tables() {
        assert_eq!(rows(b"sep=;\r\na;b\r\n1,5;2\r\n"), [["a", "b"], ["1,5", "2"]]);
        assert_eq!(rows(b"sep=,\na,b;c\n"), [["a", "b;c"]]);
        // Windows-1252, also beside what happens to be UTF-8.
        assert_eq!(
            rows(b"K\xF6rper;\xC3\xA9t\xE9\n1;\x80\n"),
            [["K\u{f6}rper", "\u{e9}t\u{e9}"], ["1", "\u{20ac}"]]
        );
        assert_eq!(rows(b"se\n1\n"), [["se"], ["1"]]);
    }

    #[test]
    fn numbers_as_people_write_them() {
        for (text, comma, value) in [
            ("80.5", false, 80.5),
            ("80,5", true, 80.5),
            ("1,234.5", false, 1234.5),
            ("1.234,5", true, 1234.5),
            ("1,234", false, 1234.0),
            ("12,34", false, 12.34),
            ("-0,5", true, -0.5),
            ("1\u{a0}234", true, 1234.0),
            ("9 000", true, 9000.0),
            ("12 345,5", true, 12345.5),
        ] {
            assert_eq!(number(text, comma), Some(value), "{text}");
        }
        assert_eq!(number("12 kg", false), None);
        assert_eq!(number("120 80", false), None);
        assert_eq!(number("", false), None);
    }

    #[test]
    fn an_open_quote_ends_somewhere() {
        let mut bytes = b"a,b\n\"".to_vec();
        bytes.resize(5 << 20, b'x');
        bytes.extend(b"\n1,2\n");
        assert_eq!(rows(&bytes).last().unwrap(), &["1", "2"]);
    }
}
