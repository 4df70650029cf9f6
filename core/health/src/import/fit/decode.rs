//! The FIT file layer: header, definitions, data messages, checksum.
//!
//! Own code and not the `fitparser` crate: that one builds a vector of boxed values with names and units for every
//! message and carries the whole profile in code; an importer needs some forty fields, and must go on after a
//! truncated end. Source: Garmin's FIT protocol (flexible and interoperable data transfer), D00001275.

use std::io::{self, ErrorKind, Read};

/// Why reading stopped before the end.
#[derive(Debug)]
pub(super) enum FitFault {
    /// Not a FIT file, or a damaged one; a sentence fragment.
    Format(&'static str),
    /// The file ends within its data: what came before is good.
    Truncated,
    /// The file cannot be read.
    Io(io::Error),
}

impl From<io::Error> for FitFault {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::UnexpectedEof { Self::Truncated } else { Self::Io(error) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Field {
    number: u8,
    size: u8,
    base: u8,
}

#[derive(Clone, Debug, Default)]
struct Definition {
    global: u16,
    big_endian: bool,
    fields: Vec<Field>,
    size: usize,
    developer_size: usize,
}

/// A data message. One value is reused for all messages of a file.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// Number of the message in the profile.
    pub(super) global: u16,
    /// Moment of the message in seconds of the FIT epoch: its own, or one reckoned from a compressed header.
    pub(super) timestamp: Option<u32>,
    fields: Vec<(Field, usize)>,
    big_endian: bool,
    data: Vec<u8>,
}

/// Field number of the time stamp in every message.
const TIMESTAMP: u8 = 253;

impl Message {
    /// First value of a field as a number without scale; `None` when it is absent or marked invalid.
    pub(super) fn number(&self, field: u8) -> Option<f64> {
        self.numbers(field).next().flatten()
    }

    /// As [`Self::number`], divided by `scale`.
    pub(super) fn scaled(&self, field: u8, scale: f64) -> Option<f64> {
        self.number(field).map(|v| v / scale)
    }

    /// A whole number.
    pub(super) fn integer(&self, field: u8) -> Option<u32> {
        self.number(field).filter(|v| *v >= 0.0 && *v <= f64::from(u32::MAX)).map(|v| v as u32)
    }

    /// Every value of an array field; invalid ones are `None`.
    pub(super) fn numbers(&self, field: u8) -> impl Iterator<Item = Option<f64>> + '_ {
        let found = self.fields.iter().find(|f| f.0.number == field);
        let (base, bytes) = found.map_or((0, &[][..]), |(f, at)| {
            (f.base, self.data.get(*at..at + usize::from(f.size)).unwrap_or_default())
        });
        let width = width(base);
        bytes.chunks_exact(width).map(move |b| value(base, self.big_endian, b))
    }

    /// The bytes of a field.
    pub(super) fn bytes(&self, field: u8) -> &[u8] {
        let found = self.fields.iter().find(|f| f.0.number == field);
        found.map_or(&[], |(f, at)| self.data.get(*at..at + usize::from(f.size)).unwrap_or_default())
    }

    /// A text field up to its end mark.
    pub(super) fn text(&self, field: u8) -> Option<String> {
        let bytes = self.bytes(field);
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        let text = String::from_utf8_lossy(bytes.get(..end)?);
        let text: String = text.trim().chars().filter(|c| !c.is_control()).take(80).collect();
        (!text.is_empty()).then_some(text)
    }
}

fn width(base: u8) -> usize {
    match base & 0x1F {
        3 | 4 | 11 => 2,
        5 | 6 | 8 | 12 => 4,
        9 | 14 | 15 | 16 => 8,
        _ => 1,
    }
}

fn value(base: u8, big_endian: bool, bytes: &[u8]) -> Option<f64> {
    let mut raw = [0u8; 8];
    // Little-endian in the low bytes, whatever the file's order.
    for (to, from) in raw.iter_mut().zip(0..bytes.len()) {
        let at = if big_endian { bytes.len() - 1 - from } else { from };
        *to = *bytes.get(at)?;
    }
    let n = u64::from_le_bytes(raw);
    let number = match base & 0x1F {
        1 => f64::from(n as u8 as i8),
        3 => f64::from(n as u16 as i16),
        5 => f64::from(n as u32 as i32),
        8 => f64::from(f32::from_bits(n as u32)),
        9 => f64::from_bits(n),
        14 => n as i64 as f64,
        _ => n as f64,
    };
    let invalid = match base & 0x1F {
        1 => n == 0x7F,
        3 => n == 0x7FFF,
        5 => n == 0x7FFF_FFFF,
        14 => n == 0x7FFF_FFFF_FFFF_FFFF,
        10..=12 | 16 => n == 0,
        8 | 9 => !number.is_finite(),
        4 => n == 0xFFFF,
        6 => n == 0xFFFF_FFFF,
        15 => n == u64::MAX,
        7 => true,
        _ => n == 0xFF,
    };
    (!invalid).then_some(number)
}

/// Reads the messages of a FIT file one after the other; files joined end to end are read as one.
pub(super) struct Decoder<R> {
    input: R,
    crc: u16,
    /// Bytes of data left in this part before its checksum.
    left: u64,
    open_ended: bool,
    definitions: [Option<Definition>; 16],
    last_timestamp: u32,
    parts: u32,
    position: u64,
}

impl<R: Read> Decoder<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            crc: 0,
            left: 0,
            open_ended: false,
            definitions: Default::default(),
            last_timestamp: 0,
            parts: 0,
            position: 0,
        }
    }

    /// Which of the joined files the last message came from, from 1.
    pub(super) fn part(&self) -> u32 {
        self.parts
    }

    /// Bytes of data read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Fills `message` with the next data message; `false` at the end.
    pub(super) fn next(&mut self, message: &mut Message) -> Result<bool, FitFault> {
        loop {
            if self.left == 0 && !self.next_part()? {
                return Ok(false);
            }
            let mut header = [0u8];
            if let Err(fault) = self.take(&mut header) {
                // A recorder that lost power leaves a length of zero in the header: the end of the file is the end.
                if self.open_ended && matches!(fault, FitFault::Truncated) {
                    return Ok(false);
                }
                return Err(fault);
            }
            let [header] = header;
            if header & 0x80 != 0 {
                let offset = u32::from(header & 0x1F);
                let before = self.last_timestamp & 0x1F;
                let since = offset.wrapping_sub(before) & 0x1F;
                self.last_timestamp = self.last_timestamp.wrapping_add(since);
                self.data(usize::from((header >> 5) & 3), message)?;
                message.timestamp = (self.last_timestamp > 0x1F).then_some(self.last_timestamp);
                return Ok(true);
            }
            if header & 0x40 != 0 {
                self.definition(usize::from(header & 0x0F), header & 0x20 != 0)?;
                continue;
            }
            self.data(usize::from(header & 0x0F), message)?;
            message.timestamp = message.integer(TIMESTAMP);
            if let Some(t) = message.timestamp {
                self.last_timestamp = t;
            }
            return Ok(true);
        }
    }

    fn data(&mut self, local: usize, message: &mut Message) -> Result<(), FitFault> {
        let definition = self.definitions.get_mut(local).and_then(Option::take);
        let definition = definition
            .ok_or(FitFault::Format("a message comes before its definition; the file is damaged"))?;
        message.global = definition.global;
        message.big_endian = definition.big_endian;
        message.data.resize(definition.size + definition.developer_size, 0);
        let mut data = std::mem::take(&mut message.data);
        let read = self.take(&mut data);
        message.data = data;
        message.fields.clear();
        let mut at = 0;
        for field in &definition.fields {
            message.fields.push((*field, at));
            at += usize::from(field.size);
        }
        if let Some(slot) = self.definitions.get_mut(local) {
            *slot = Some(definition);
        }
        read
    }

    fn definition(&mut self, local: usize, developer: bool) -> Result<(), FitFault> {
        let mut head = [0u8; 5];
        self.take(&mut head)?;
        let [_, order, g0, g1, count] = head;
        let big_endian = order == 1;
        let global = if big_endian { u16::from_be_bytes([g0, g1]) } else { u16::from_le_bytes([g0, g1]) };
        let mut made = Definition { global, big_endian, ..Definition::default() };
        for _ in 0..count {
            let mut field = [0u8; 3];
            self.take(&mut field)?;
            let [number, size, base] = field;
            // A field shorter than its type is read as bytes, as the protocol asks.
            let base = if usize::from(size) % width(base) == 0 { base } else { 0x0D };
            made.fields.push(Field { number, size, base });
            made.size += usize::from(size);
        }
        if developer {
            let mut count = [0u8];
            self.take(&mut count)?;
            for _ in 0..count[0] {
                let mut field = [0u8; 3];
                self.take(&mut field)?;
                made.developer_size += usize::from(field[1]);
            }
        }
        if let Some(slot) = self.definitions.get_mut(local) {
            *slot = Some(made);
        }
        Ok(())
    }

    /// Ends the part before (checksum) and begins the next; `false` when there is none.
    fn next_part(&mut self) -> Result<bool, FitFault> {
        if self.parts > 0 {
            let expected = self.crc;
            let mut stored = [0u8; 2];
            self.input.read_exact(&mut stored)?;
            if u16::from_le_bytes(stored) != expected {
                return Err(FitFault::Format(
                    "the checksum does not match; copy the file from the device again",
                ));
            }
        }
        self.crc = 0;
        let mut size = [0u8];
        match self.input.read(&mut size) {
            Ok(0) if self.parts > 0 => return Ok(false),
            Ok(0) => return Err(FitFault::Format("the file is empty")),
            Ok(_) => self.crc = crc(self.crc, &size),
            Err(e) => return Err(FitFault::Io(e)),
        }
        let [size] = size;
        if size != 12 && size != 14 {
            // Some devices pad the end with zeros.
            if self.parts > 0 {
                return Ok(false);
            }
            return Err(FitFault::Format("this is not a FIT file"));
        }
        let mut rest = [0u8; 13];
        let rest = rest.get_mut(..usize::from(size) - 1).expect("a header has 12 or 14 bytes");
        self.input.read_exact(rest)?;
        self.crc = crc(self.crc, rest);
        let [_, _, _, d0, d1, d2, d3, b'.', b'F', b'I', b'T', ..] = *rest else {
            if self.parts > 0 {
                return Ok(false);
            }
            return Err(FitFault::Format("this is not a FIT file"));
        };
        self.left = u64::from(u32::from_le_bytes([d0, d1, d2, d3]));
        self.open_ended = self.left == 0;
        if self.open_ended {
            self.left = u64::MAX;
        }
        self.parts += 1;
        self.definitions = Default::default();
        self.last_timestamp = 0;
        Ok(true)
    }

    fn take(&mut self, into: &mut [u8]) -> Result<(), FitFault> {
        let wanted = into.len() as u64;
        if wanted > self.left {
            return Err(FitFault::Format("a message runs over the end of its file; the file is damaged"));
        }
        self.input.read_exact(into)?;
        self.left -= wanted;
        self.position += wanted;
        self.crc = crc(self.crc, into);
        Ok(())
    }
}

/// The checksum of the protocol: CRC-16/ARC, a half byte at a time.
fn crc(mut crc: u16, bytes: &[u8]) -> u16 {
    const TABLE: [u16; 16] = [
        0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401,
        0x5000, 0x9C01, 0x8801, 0x4400,
    ];
    let step = |crc: u16, nibble: u8| {
        let at = usize::from((crc ^ u16::from(nibble)) & 0xF);
        (crc >> 4) ^ TABLE.get(at).copied().unwrap_or(0)
    };
    for byte in bytes {
        crc = step(crc, byte & 0xF);
        crc = step(crc, byte >> 4);
    }
    crc
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_crc_16_arc() {
        assert_eq!(super::crc(0, b"123456789"), 0xBB3D);
    }
}
