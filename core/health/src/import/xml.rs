//! A streaming scanner for XML that other programs wrote, some of it broken.
//!
//! It yields tags with raw attributes (and raw text where that is wanted) out of one window, without building names,
//! namespaces or a tree: a large Apple export is 7 million tags, and the general reader takes as long for them as the
//! whole import may. It checks no nesting and reads no DTD, both on purpose: Apple's DTD has been invalid for years.
//! Bytes that XML forbids (NUL, vertical tab) pass through. A tag that is not closed ends at the next `<` and is
//! reported as broken.
//!
//! A test holds it to `quick-xml` on well-formed documents.

use std::borrow::Cow;
use std::io::{self, Read};

use memchr::{memchr, memchr2, memmem};

/// Window at the start; most of it is moved only once per refill.
const WINDOW: usize = 256 * 1024;
/// A longer tag or text is broken.
const MAX_NODE: usize = 1 << 20;

/// Where an attribute lies in the window: name and value, from and to.
#[derive(Clone, Copy, Debug)]
struct Span {
    name: (u32, u32),
    value: (u32, u32),
}

/// One piece of a document; bytes are as in the file.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    /// `<name a="b">` or `<name a="b"/>`.
    Open(Tag<'a>),
    /// `</name>`.
    Close(&'a [u8]),
    /// Text between tags, with entities as they are; only from [`Xml::with_text`]. Long text comes in parts.
    Text(&'a [u8]),
    /// The content of a CDATA section; only from [`Xml::with_text`].
    Cdata(&'a [u8]),
    /// A tag that breaks off.
    Broken,
}

/// An opening tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tag<'a> {
    /// Its name with its prefix.
    pub(crate) name: &'a [u8],
    /// Whether it closes itself.
    pub(crate) empty: bool,
    window: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Tag<'a> {
    /// Names and raw values in order.
    #[inline]
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let window = self.window;
        self.spans.iter().map(move |s| (slice(window, s.name), slice(window, s.value)))
    }

    /// The raw value of one attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.attributes().find(|a| a.0 == name.as_bytes()).map(|a| a.1)
    }
}

fn slice(window: &[u8], at: (u32, u32)) -> &[u8] {
    window.get(at.0 as usize..at.1 as usize).unwrap_or_default()
}

/// The scanner over a stream.
pub(crate) struct Xml<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// Place in the file of the buffer's first byte.
    base: u64,
    finished: bool,
    text: bool,
    spans: Vec<Span>,
}

/// What lies at the front of the window.
enum Found {
    Open { name: (u32, u32), empty: bool, len: usize },
    Close { name: (u32, u32), len: usize },
    Text { len: usize },
    Cdata { len: usize },
    Skip { len: usize },
    Broken { len: usize },
    More,
}

impl<R: Read> Xml<R> {
    /// Scans tags only.
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; WINDOW],
            at: 0,
            end: 0,
            base: 0,
            finished: false,
            text: false,
            spans: Vec::with_capacity(16),
        }
    }

    /// Also yields text.
    pub(crate) fn with_text(reader: R) -> Self {
        Self { text: true, ..Self::new(reader) }
    }

    /// Counts places from here: the reader begins in the middle of a document.
    pub(crate) fn starting_at(mut self, place: u64) -> Self {
        self.base = place;
        self
    }

    /// The stream being read.
    pub(crate) fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Place in the document right after the last node.
    pub(crate) fn place(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// Those of the reader.
    pub(crate) fn next(&mut self) -> io::Result<Option<Node<'_>>> {
        loop {
            self.spans.clear();
            let window = self.buffer.get(self.at..self.end).unwrap_or_default();
            let from = self.at;
            match find(window, &mut self.spans, self.text, self.finished) {
                Found::Open { name, empty, len } => {
                    self.at += len;
                    let window = self.buffer.get(from..self.end).unwrap_or_default();
                    let tag = Tag { name: slice(window, name), empty, window, spans: &self.spans };
                    return Ok(Some(Node::Open(tag)));
                }
                Found::Close { name, len } => {
                    self.at += len;
                    let window = self.buffer.get(from..self.end).unwrap_or_default();
                    return Ok(Some(Node::Close(slice(window, name))));
                }
                Found::Text { len } => {
                    self.at += len;
                    return Ok(Some(Node::Text(self.buffer.get(from..from + len).unwrap_or_default())));
                }
                Found::Cdata { len } => {
                    self.at += len;
                    // `<![CDATA[` and `]]>`.
                    return Ok(Some(Node::Cdata(self.buffer.get(from + 9..self.at - 3).unwrap_or_default())));
                }
                Found::Skip { len } => self.at += len,
                Found::Broken { len } => {
                    self.at += len.max(1);
                    return Ok(Some(Node::Broken));
                }
                Found::More => {
                    if self.finished {
                        let rest = self.end - self.at;
                        self.at = self.end;
                        return Ok((rest > 0).then_some(Node::Broken));
                    }
                    if self.end - self.at >= MAX_NODE {
                        // Too long for anything real: look for the next tag after it.
                        let window = self.buffer.get(self.at + 1..self.end).unwrap_or_default();
                        self.at += 1 + memchr(b'<', window).unwrap_or(window.len());
                        return Ok(Some(Node::Broken));
                    }
                    self.fill()?;
                }
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.at > 0 {
            self.buffer.copy_within(self.at..self.end, 0);
            self.base += self.at as u64;
            self.end -= self.at;
            self.at = 0;
        } else if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        while self.end < self.buffer.len() {
            match self.reader.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => {
                    self.finished = true;
                    break;
                }
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// What the window begins with. `More` asks for a longer window.
fn find(window: &[u8], spans: &mut Vec<Span>, text: bool, finished: bool) -> Found {
    let Some(open) = memchr(b'<', window) else {
        return match (window.is_empty(), text) {
            (true, _) => Found::More,
            (_, false) => Found::Skip { len: window.len() },
            // The last text of the file, or a part of a long one.
            _ if finished || window.len() >= WINDOW => Found::Text { len: window.len() },
            _ => Found::More,
        };
    };
    if open > 0 {
        return if text { Found::Text { len: open } } else { Found::Skip { len: open } };
    }
    match window.get(1) {
        None => Found::More,
        Some(b'/') => close_tag(window),
        Some(b'?') => until(window, b"?>"),
        Some(b'!') => declaration(window, text),
        Some(_) => open_tag(window, spans),
    }
}

fn until(window: &[u8], end: &[u8]) -> Found {
    memmem::find(window, end).map_or(Found::More, |i| Found::Skip { len: i + end.len() })
}

fn close_tag(window: &[u8]) -> Found {
    let body = window.get(2..).unwrap_or_default();
    match memchr2(b'>', b'<', body) {
        None => Found::More,
        Some(i) if body.get(i) == Some(&b'<') => Found::Broken { len: 2 + i },
        Some(i) => {
            let name = body.get(..i).unwrap_or_default();
            let len = name.iter().position(|&b| is_space(b)).unwrap_or(name.len());
            Found::Close { name: (2, 2 + len as u32), len: i + 3 }
        }
    }
}

/// `<!-- -->`, `<![CDATA[ ]]>`, or a DOCTYPE, whose inner declarations may be anything.
fn declaration(window: &[u8], text: bool) -> Found {
    if window.starts_with(b"<!--") {
        let body = window.get(4..).unwrap_or_default();
        return memmem::find(body, b"-->").map_or(Found::More, |i| Found::Skip { len: i + 7 });
    }
    if window.starts_with(b"<![CDATA[") {
        let body = window.get(9..).unwrap_or_default();
        return match memmem::find(body, b"]]>") {
            None => Found::More,
            Some(i) if text => Found::Cdata { len: i + 12 },
            Some(i) => Found::Skip { len: i + 12 },
        };
    }
    if window.len() < 9 {
        return Found::More;
    }
    let mut at = 2;
    let mut inner = false;
    loop {
        let Some(rest) = window.get(at..) else { return Found::More };
        if rest.starts_with(b"<!--") {
            match memmem::find(rest, b"-->") {
                Some(i) => at += i + 3,
                None => return Found::More,
            }
            continue;
        }
        match rest.first() {
            None => return Found::More,
            Some(b'[') => inner = true,
            Some(b']') => inner = false,
            Some(b'>') if !inner => return Found::Skip { len: at + 1 },
            Some(b'<') => match rest.get(1) {
                None => return Found::More,
                Some(b'!' | b'?') => {}
                // The first element: the list of declarations was never closed.
                Some(_) => return Found::Skip { len: at },
            },
            Some(_) => {}
        }
        at += 1;
    }
}

#[inline]
fn is_space(byte: u8) -> bool {
    byte <= b' '
}

#[inline]
fn open_tag(window: &[u8], spans: &mut Vec<Span>) -> Found {
    let mut at = 1;
    while let Some(&b) = window.get(at) {
        if is_space(b) || b == b'>' || b == b'/' || b == b'<' {
            break;
        }
        at += 1;
    }
    let name = (1, at as u32);
    if at == 1 && window.len() > 1 {
        return Found::Broken { len: 1 };
    }
    loop {
        while window.get(at).is_some_and(|&b| is_space(b)) {
            at += 1;
        }
        match window.get(at) {
            None => return Found::More,
            Some(b'>') => return Found::Open { name, empty: false, len: at + 1 },
            Some(b'/') => match window.get(at + 1) {
                None => return Found::More,
                Some(b'>') => return Found::Open { name, empty: true, len: at + 2 },
                Some(_) => {
                    at += 1;
                    continue;
                }
            },
            Some(b'<') => return Found::Broken { len: at },
            Some(_) => {}
        }
        let from = at;
        while let Some(&b) = window.get(at) {
            if b == b'=' || is_space(b) || b == b'>' || b == b'<' || b == b'/' {
                break;
            }
            at += 1;
        }
        let attribute = (from as u32, at as u32);
        while window.get(at).is_some_and(|&b| is_space(b)) {
            at += 1;
        }
        match window.get(at) {
            None => return Found::More,
            Some(b'=') => at += 1,
            // An attribute without a value: not XML, and harmless.
            Some(_) if from < at => continue,
            Some(_) => return Found::Broken { len: at },
        }
        while window.get(at).is_some_and(|&b| is_space(b)) {
            at += 1;
        }
        let quote = match window.get(at) {
            None => return Found::More,
            Some(&q @ (b'"' | b'\'')) => q,
            Some(_) => return broken_from(window, at),
        };
        at += 1;
        let value = window.get(at..).unwrap_or_default();
        match memchr2(quote, b'<', value) {
            None => return Found::More,
            Some(i) if value.get(i) == Some(&b'<') => return Found::Broken { len: at + i },
            Some(i) => {
                spans.push(Span { name: attribute, value: (at as u32, (at + i) as u32) });
                at += i + 1;
            }
        }
    }
}

/// The tag is nonsense from here: it ends where the next one begins.
fn broken_from(window: &[u8], at: usize) -> Found {
    let rest = window.get(at..).unwrap_or_default();
    memchr(b'<', rest).map_or(Found::More, |i| Found::Broken { len: at + i })
}

/// Text of a raw value: entities resolved, bytes that are no UTF-8 replaced.
pub(crate) fn unescape(raw: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(raw);
    if !text.contains('&') {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let resolved = after.split_once(';').filter(|(name, _)| name.len() <= 10).and_then(|(name, tail)| {
            let c = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => char::from_u32(numeric(name)?)?,
            };
            Some((c, tail))
        });
        rest = if let Some((c, tail)) = resolved {
            out.push(c);
            tail
        } else {
            out.push('&');
            after
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn numeric(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('#')?;
    match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
