//! Checks a GBNF grammar before llama.cpp parses it.
//!
//! llama.cpp prints a grammar it cannot parse to standard error, text and all, and `{5,2}` makes it loop; this check
//! accepts a subset of what it accepts (no token names but `<[id]>`), with an error that names the line instead.

use std::collections::BTreeSet;

use crate::LlmError;

const MAX_BYTES: usize = 256 * 1024;
const MAX_DEPTH: usize = 64;
/// llama.cpp's own limit for repetitions and for the rules they multiply to.
const MAX_REPEAT: u64 = 2000;

/// Whether `grammar` is one that a [`crate::Request`] may carry.
///
/// ```
/// assert!(cuba_llm::gbnf::check("root ::= \"yes\" | \"no\"").is_ok());
/// let error = cuba_llm::gbnf::check("root ::= answer").unwrap_err();
/// assert!(error.to_string().contains("answer"));
/// ```
///
/// # Errors
/// [`LlmError::Request`] with the line and what is wrong there.
pub fn check(grammar: &str) -> Result<(), LlmError> {
    if grammar.len() > MAX_BYTES || grammar.contains('\0') {
        return Err(LlmError::Request("the grammar is larger than 256 kB or contains a zero byte".into()));
    }
    let mut p = Parser {
        text: grammar.as_bytes(),
        at: 0,
        defined: BTreeSet::new(),
        used: BTreeSet::new(),
        symbols: 0,
    };
    p.grammar().map_err(|what| {
        let line = 1 + p.text.iter().take(p.at).filter(|b| **b == b'\n').count();
        LlmError::Request(format!("the grammar is wrong in line {line}: {what}"))
    })?;
    if let Some(name) = p.used.difference(&p.defined).next() {
        return Err(LlmError::Request(format!("the grammar uses the rule {name} but does not define it")));
    }
    if !p.defined.contains("root") {
        return Err(LlmError::Request("the grammar has no rule named root".into()));
    }
    Ok(())
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    defined: BTreeSet<String>,
    used: BTreeSet<String>,
    /// Rules llama.cpp would have made so far, for its limit on multiplied repetitions.
    symbols: u64,
}

type Checked<T> = Result<T, String>;

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    fn expect(&mut self, byte: u8) -> Checked<()> {
        if self.eat(byte) { Ok(()) } else { Err(format!("expected '{}'", char::from(byte))) }
    }

    fn space(&mut self, newlines: bool) {
        while let Some(b) = self.peek() {
            match b {
                b' ' | b'\t' => self.at += 1,
                b'\r' | b'\n' if newlines => self.at += 1,
                b'#' => {
                    while self.peek().is_some_and(|b| b != b'\n' && b != b'\r') {
                        self.at += 1;
                    }
                }
                _ => break,
            }
        }
    }

    fn name(&mut self) -> Checked<String> {
        let start = self.at;
        while self.peek().is_some_and(is_word) {
            self.at += 1;
        }
        match self.text.get(start..self.at) {
            Some(name) if !name.is_empty() => Ok(String::from_utf8_lossy(name).into_owned()),
            _ => Err("expected the name of a rule (letters, digits, -)".into()),
        }
    }

    fn number(&mut self) -> Checked<u64> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        let digits =
            self.text.get(start..self.at).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or_default();
        if digits.len() > 9 {
            return Err("a number is too large".into());
        }
        digits.parse().map_err(|_| "expected a number".into())
    }

    fn grammar(&mut self) -> Checked<()> {
        self.space(true);
        while self.peek().is_some() {
            let name = self.name()?;
            self.space(false);
            for b in b"::=" {
                self.expect(*b)?;
            }
            self.space(true);
            self.symbols += 1;
            self.alternates(0)?;
            self.defined.insert(name);
            if !matches!(self.peek(), None | Some(b'\r' | b'\n')) {
                return Err("expected the end of the rule; group lines with ( )".into());
            }
            self.space(true);
        }
        Ok(())
    }

    fn alternates(&mut self, depth: usize) -> Checked<()> {
        if depth > MAX_DEPTH {
            return Err(format!("groups are nested more than {MAX_DEPTH} deep"));
        }
        self.sequence(depth)?;
        while self.eat(b'|') {
            self.space(true);
            self.sequence(depth)?;
        }
        Ok(())
    }

    fn sequence(&mut self, depth: usize) -> Checked<()> {
        // Rules that the item before a repetition stands for; `None` when there is no item.
        let mut weight: Option<u64> = None;
        while let Some(b) = self.peek() {
            match b {
                b'"' => {
                    self.at += 1;
                    while !self.eat(b'"') {
                        self.character()?;
                    }
                    weight = Some(1);
                }
                b'[' => {
                    self.class()?;
                    weight = Some(1);
                }
                b'<' | b'!' => {
                    self.eat(b'!');
                    self.expect(b'<')?;
                    self.expect(b'[')?;
                    self.number()?;
                    self.expect(b']')?;
                    self.expect(b'>')?;
                    weight = Some(1);
                }
                b'.' => {
                    self.at += 1;
                    weight = Some(1);
                }
                b'(' => {
                    self.at += 1;
                    self.space(true);
                    let before = self.symbols;
                    self.symbols += 1;
                    self.alternates(depth + 1)?;
                    self.expect(b')')?;
                    weight = Some((self.symbols - before).max(1));
                }
                b'*' | b'+' | b'?' | b'{' => weight = Some(self.repetition(weight, depth > 0)?),
                b if is_word(b) => {
                    let name = self.name()?;
                    self.used.insert(name);
                    weight = Some(1);
                }
                _ => break,
            }
            self.space(depth > 0);
        }
        Ok(())
    }

    fn repetition(&mut self, weight: Option<u64>, newlines: bool) -> Checked<u64> {
        let weight = weight.ok_or("a repetition has nothing to repeat")?;
        let kind = self.peek();
        self.at += 1;
        let (min, max) = match kind {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            _ => {
                self.space(newlines);
                let min = self.number()?;
                self.space(newlines);
                let max = if self.eat(b',') {
                    self.space(newlines);
                    if self.peek().is_some_and(|b| b.is_ascii_digit()) { Some(self.number()?) } else { None }
                } else {
                    Some(min)
                };
                self.space(newlines);
                self.expect(b'}')?;
                (min, max)
            }
        };
        if max.is_some_and(|m| m < min) {
            return Err("a repetition ends before it begins".into());
        }
        let times = max.unwrap_or(min).max(1);
        let total = weight.saturating_mul(times);
        if total > MAX_REPEAT {
            return Err(format!("repetitions multiply to {total}, more than {MAX_REPEAT}"));
        }
        self.symbols += max.map_or(1, |m| m - min);
        Ok(total)
    }

    fn class(&mut self) -> Checked<()> {
        self.expect(b'[')?;
        self.eat(b'^');
        let mut any = false;
        while !self.eat(b']') {
            self.character()?;
            any = true;
            if self.peek() == Some(b'-') && self.text.get(self.at + 1) != Some(&b']') {
                self.at += 1;
                self.character()?;
            }
        }
        if any { Ok(()) } else { Err("a character class is empty".into()) }
    }

    fn character(&mut self) -> Checked<()> {
        let b = self.peek().ok_or("the text ends inside quotes or brackets")?;
        self.at += 1;
        if b != b'\\' {
            return Ok(());
        }
        let escape = self.peek().ok_or("the text ends inside an escape")?;
        self.at += 1;
        let digits = match escape {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            b't' | b'r' | b'n' | b'\\' | b'"' | b'[' | b']' | b'-' => 0,
            _ => return Err("unknown escape".into()),
        };
        for _ in 0..digits {
            if !self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
                return Err(format!("expected {digits} hexadecimal digits"));
            }
            self.at += 1;
        }
        Ok(())
    }
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_grammars() {
        for g in [
            "root ::= \"a\"",
            "# comment\nroot ::= item (\",\" item)*\nitem ::= [a-z]+ | [^\\]x-]{2,5}\n",
            "root ::=\n  \"x\" |\n  \"y\"\n",
            "root ::= (\n \"a\"\n | b\n)\nb ::= . \"\\u00e9\" <[12]>",
            "root ::= [0-9]{3} \"-\" [0-9]{4}\r\n",
            "root ::= ",
        ] {
            assert!(check(g).is_ok(), "{g}: {:?}", check(g));
        }
    }

    #[test]
    fn wrong_grammars_name_the_line() {
        for (g, part) in [
            ("", "root"),
            ("x ::= \"a\"", "root"),
            ("root ::= missing", "missing"),
            ("root ::= \"a", "line 1"),
            ("root ::= \"a\"\nb ::= (\"x\"", "line 2"),
            ("root ::= [a-z]{5,2}", "before it begins"),
            ("root ::= \"a\"{100}{100}", "multiply"),
            ("root ::= (\"a\"? \"b\"? \"c\"?){900}", "multiply"),
            ("root ::= *", "nothing"),
            ("root ::= \"\\q\"", "escape"),
            ("root ::= <|im_end|>", "expected '['"),
            ("root = \"a\"", "':'"),
            ("root ::= \"a\" )", "end of the rule"),
        ] {
            let e = check(g).unwrap_err().to_string();
            assert!(e.contains(part), "{g}: {e}");
        }
        assert!(check(&format!("root ::= {}\"a\"{}", "(".repeat(100), ")".repeat(100))).is_err());
    }
}
