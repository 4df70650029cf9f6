//! The user's translation memory: TMX, or a line a pair with a tab between.

use std::collections::BTreeSet;
use std::io::{BufRead, Read as _};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::{Pair, TrainError};

/// Larger files are refused: a memory of this size is a corpus, and belongs into the training pipeline.
const MAX_BYTES: u64 = 256 << 20;
const MAX_PAIRS: usize = 200_000;
/// A segment of more bytes is no sentence.
const MAX_SEGMENT: usize = 4_000;

/// Pairs of one direction, each once, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// Units that were left out: empty, too long, without one of the languages, or there already.
    pub left_out: usize,
}

impl Memory {
    /// Reads a file; `from` and `to` are language tags, of which the base counts (`es` takes `es-MX` too).
    ///
    /// # Errors
    /// [`TrainError::Memory`] with what is wrong, never with text of the file.
    pub fn open(path: &Path, from: &str, to: &str) -> Result<Self, TrainError> {
        let file = std::fs::File::open(path)?;
        if file.metadata()?.len() > MAX_BYTES {
            return Err(TrainError::memory("it is larger than 256 MB; give a part of it"));
        }
        Self::read(std::io::BufReader::new(file), from, to)
    }

    /// As [`Memory::open`], from a reader: TMX if it begins with `<`, else lines.
    ///
    /// ```
    /// use cuba_train::Memory;
    /// let memory = Memory::read(&b"Good morning.\tBuenos d\xc3\xadas.\n"[..], "en", "es").unwrap();
    /// assert_eq!(memory.pairs[0].target, "Buenos días.");
    /// ```
    pub fn read(mut input: impl BufRead, from: &str, to: &str) -> Result<Self, TrainError> {
        let start = input.fill_buf()?;
        if let Some(big) = [[0xFF, 0xFE], [0xFE, 0xFF]].iter().position(|mark| start.starts_with(mark)) {
            // What Windows tools write. The file is small enough to be turned as a whole.
            let mut bytes = Vec::new();
            input.take(MAX_BYTES).read_to_end(&mut bytes)?;
            let text =
                utf16(&bytes, big == 1).ok_or_else(|| TrainError::memory("it is broken UTF-16 text"))?;
            return Self::read(text.as_bytes(), from, to);
        }
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        let is_xml = start.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<');
        let mut memory = Gathering::default();
        if is_xml {
            tmx(input, base(from), base(to), &mut memory)?;
        } else {
            lines(input, &mut memory)?;
        }
        Ok(memory.memory)
    }
}

/// The text behind the byte order mark.
fn utf16(bytes: &[u8], big_endian: bool) -> Option<String> {
    let (units, []) = bytes.as_chunks::<2>() else { return None };
    let units =
        units.iter().map(|u| if big_endian { u16::from_be_bytes(*u) } else { u16::from_le_bytes(*u) });
    char::decode_utf16(units.skip(1)).collect::<Result<_, _>>().ok()
}

#[derive(Default)]
struct Gathering {
    memory: Memory,
    seen: BTreeSet<(String, String)>,
}

impl Gathering {
    fn add(&mut self, source: &str, target: &str) -> Result<(), TrainError> {
        let tidy = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (source, target) = (tidy(source), tidy(target));
        let fits = |text: &str| !text.is_empty() && text.len() <= MAX_SEGMENT;
        if !fits(&source) || !fits(&target) || !self.seen.insert((source.clone(), target.clone())) {
            self.memory.left_out += 1;
            return Ok(());
        }
        if self.memory.pairs.len() >= MAX_PAIRS {
            return Err(TrainError::memory("it holds more than 200,000 pairs; give a part of it"));
        }
        self.memory.pairs.push(Pair { source, target });
        Ok(())
    }
}

fn lines(input: impl BufRead, memory: &mut Gathering) -> Result<(), TrainError> {
    for (number, line) in input.lines().enumerate() {
        let line = line.map_err(|_| TrainError::memory(format!("line {} is not UTF-8 text", number + 1)))?;
        match line.split_once('\t') {
            Some((source, target)) => memory.add(source, target.split('\t').next().unwrap_or_default())?,
            None if line.trim().is_empty() => {}
            None => memory.memory.left_out += 1,
        }
    }
    Ok(())
}

fn base(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

/// The language of a `tuv`, as `xml:lang` (1.4) or `lang` (1.1).
fn language(tag: &BytesStart<'_>) -> Option<String> {
    tag.attributes()
        .flatten()
        .find(|a| matches!(a.key.as_ref(), "xml:lang" | "lang"))
        .map(|a| a.value.to_lowercase())
}

fn tmx(input: impl BufRead, from: &str, to: &str, memory: &mut Gathering) -> Result<(), TrainError> {
    let mut reader = Reader::from_reader(input);
    let mut buffer = Vec::new();
    let (mut source, mut target) = (None::<String>, None::<String>);
    let mut current: Option<String> = None;
    let (mut in_segment, mut inline) = (false, 0usize);
    let mut text = String::new();
    let mut units = 0usize;
    loop {
        let event = reader.read_event_into(&mut buffer);
        let broken = |_| TrainError::memory(format!("its XML is broken after unit {units}"));
        match event.map_err(broken)? {
            Event::Eof => break,
            Event::Start(tag) => match tag.local_name().as_ref() {
                "tu" => (source, target) = (None, None),
                "tuv" => current = language(&tag),
                "seg" => {
                    in_segment = true;
                    inline = 0;
                    text.clear();
                }
                // What stands inside is the original's markup (<bpt>&lt;b&gt;</bpt>), not text; <hi> alone holds text.
                "hi" => {}
                _ if in_segment => inline += 1,
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "seg" => {
                    in_segment = false;
                    let lang = current.as_deref().map(base);
                    if lang == Some(from) {
                        source = Some(std::mem::take(&mut text));
                    } else if lang == Some(to) {
                        target = Some(std::mem::take(&mut text));
                    }
                }
                "tu" => {
                    units += 1;
                    match (&source, &target) {
                        (Some(source), Some(target)) => memory.add(source, target)?,
                        _ => memory.memory.left_out += 1,
                    }
                }
                "hi" => {}
                _ if in_segment => inline = inline.saturating_sub(1),
                _ => {}
            },
            Event::Text(piece) if in_segment && inline == 0 && text.len() <= MAX_SEGMENT => {
                text.push_str(&piece);
            }
            Event::CData(piece) if in_segment && inline == 0 && text.len() <= MAX_SEGMENT => {
                text.push_str(&piece);
            }
            Event::GeneralRef(name) if in_segment && inline == 0 => {
                let resolved = name.resolve_char_ref().ok().flatten().or(match &*name {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => None,
                });
                text.extend(resolved);
            }
            _ => {}
        }
        buffer.clear();
    }
    if units == 0 {
        return Err(TrainError::memory("it is XML but holds no translation units; export it as TMX"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TMX: &str = r#"<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header/><body>
      <tu><tuv xml:lang="EN-US"><seg>Press <bpt i="1">&lt;b&gt;</bpt>Start<ept i="1">&lt;/b&gt;</ept> &amp; wait.</seg></tuv>
          <tuv xml:lang="es-MX"><seg>Pulse <hi>Inicio</hi> y espere.</seg></tuv></tu>
      <tu><tuv lang="en"><seg>Only English.</seg></tuv></tu>
      <tu><tuv lang="es"><seg> Dos   veces. </seg></tuv><tuv lang="en"><seg>Twice.</seg></tuv></tu>
      <tu><tuv lang="en"><seg>Twice.</seg></tuv><tuv lang="es"><seg>Dos veces.</seg></tuv></tu>
    </body></tmx>"#;

    #[test]
    fn tmx_gives_pairs_without_markup_each_once() {
        let memory = Memory::read(TMX.as_bytes(), "en", "es").unwrap();
        let pairs: Vec<(&str, &str)> =
            memory.pairs.iter().map(|p| (p.source.as_str(), p.target.as_str())).collect();
        assert_eq!(pairs, [("Press Start & wait.", "Pulse Inicio y espere."), ("Twice.", "Dos veces.")]);
        assert_eq!(memory.left_out, 2);
    }

    #[test]
    fn utf16_is_read_in_both_orders() {
        for (mark, bytes) in
            [([0xFF, 0xFE], u16::to_le_bytes as fn(u16) -> [u8; 2]), ([0xFE, 0xFF], u16::to_be_bytes)]
        {
            let file: Vec<u8> = mark.into_iter().chain(TMX.encode_utf16().flat_map(bytes)).collect();
            assert_eq!(
                Memory::read(file.as_slice(), "en", "es").unwrap(),
                Memory::read(TMX.as_bytes(), "en", "es").unwrap()
            );
        }
    }

    #[test]
    fn broken_files_say_what_is_wrong_and_nothing_of_their_text() {
        for (input, wanted) in [
            ("<tmx><body><tu><tuv></tu>secret", "broken"),
            ("<html>secret</html>", "no translation units"),
            ("ok\tgut\nse\u{0}cret", ""),
        ] {
            match Memory::read(input.as_bytes(), "en", "es") {
                Err(error) => assert!(
                    error.to_string().contains(wanted) && !error.to_string().contains("secret"),
                    "{error}"
                ),
                Ok(memory) => assert!(wanted.is_empty() && memory.pairs.len() == 1),
            }
        }
        let latin1 = Memory::read(&b"caf\xe9\tx\n"[..], "en", "es").unwrap_err();
        assert!(latin1.to_string().contains("line 1"), "{latin1}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), xml in any::<bool>()) {
            let mut input = if xml { b"<tmx><tu><tuv lang=\"en\"><seg>".to_vec() } else { Vec::new() };
            input.extend(bytes);
            let _ = Memory::read(input.as_slice(), "en", "es");
        }
    }
}
