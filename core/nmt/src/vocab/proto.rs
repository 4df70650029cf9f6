//! The `.spm` file: a protobuf `ModelProto` (google/sentencepiece `src/sentencepiece_model.proto`), read and written
//! by hand because a handful of fields is all there is.

use crate::error::{Fault, damaged};

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// A piece of text.
    Normal,
    /// Stands for text that no piece covers.
    Unknown,
    /// `<s>`, `</s>` and the like: never text.
    Control,
    /// Always one token, whatever its score.
    UserDefined,
    /// Kept for its number only.
    Unused,
    /// `<0x41>`: one byte.
    Byte,
}

/// How text is cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// The best path by the sum of log-probabilities.
    Unigram,
    /// Merges in the order of their scores.
    Bpe,
}

/// The fields of a `ModelProto` that matter to encoding and decoding.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "the switches of the file, one by one")]
pub struct SpmFile {
    /// Piece, score, kind; the place in the list is the number of the token.
    pub pieces: Vec<(String, f32, PieceKind)>,
    /// `trainer_spec.model_type`.
    pub algorithm: Algorithm,
    /// `trainer_spec.byte_fallback`.
    pub byte_fallback: bool,
    /// `trainer_spec.eos_piece`.
    pub eos_piece: String,
    /// `trainer_spec.unk_surface`: what an unknown token looks like when decoded.
    pub unk_surface: String,
    /// `normalizer_spec.precompiled_charsmap`: a trie of replacements, run as it is.
    pub charsmap: Vec<u8>,
    /// `normalizer_spec.add_dummy_prefix`.
    pub add_dummy_prefix: bool,
    /// `normalizer_spec.remove_extra_whitespaces`.
    pub remove_extra_whitespaces: bool,
    /// `normalizer_spec.escape_whitespaces`.
    pub escape_whitespaces: bool,
    /// `trainer_spec.treat_whitespace_as_suffix`: refused when read.
    pub whitespace_suffix: bool,
}

impl Default for SpmFile {
    /// The defaults of the protobuf definition.
    fn default() -> Self {
        Self {
            pieces: Vec::new(),
            algorithm: Algorithm::Unigram,
            byte_fallback: false,
            eos_piece: "</s>".into(),
            unk_surface: " \u{2047} ".into(),
            charsmap: Vec::new(),
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
            escape_whitespaces: true,
            whitespace_suffix: false,
        }
    }
}

impl SpmFile {
    /// Reads a `.spm` file.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut file = Self::default();
        let mut reader = Reader { bytes, at: 0 };
        while let Some(field) = reader.next()? {
            match (field.number, field.value) {
                (1, Value::Bytes(message)) => file.pieces.push(piece(message, file.pieces.len())?),
                (2, Value::Bytes(message)) => file.trainer(message)?,
                (3, Value::Bytes(message)) => file.normalizer(message)?,
                _ => {}
            }
        }
        Ok(file)
    }

    fn trainer(&mut self, message: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader { bytes: message, at: 0 };
        while let Some(field) = reader.next()? {
            match (field.number, field.value) {
                (3, Value::Number(1)) => self.algorithm = Algorithm::Unigram,
                (3, Value::Number(2)) => self.algorithm = Algorithm::Bpe,
                (3, Value::Number(other)) => {
                    return Err(Fault::Unsupported(format!(
                        "its model_type is {other}; unigram and BPE are known"
                    )));
                }
                (24, Value::Number(on)) => self.whitespace_suffix = on != 0,
                (35, Value::Number(on)) => self.byte_fallback = on != 0,
                (44, Value::Bytes(text)) => self.unk_surface = utf8(text, "unk_surface")?,
                (47, Value::Bytes(text)) => self.eos_piece = utf8(text, "eos_piece")?,
                _ => {}
            }
        }
        Ok(())
    }

    fn normalizer(&mut self, message: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader { bytes: message, at: 0 };
        while let Some(field) = reader.next()? {
            match (field.number, field.value) {
                (2, Value::Bytes(map)) => self.charsmap = map.to_vec(),
                (3, Value::Number(on)) => self.add_dummy_prefix = on != 0,
                (4, Value::Number(on)) => self.remove_extra_whitespaces = on != 0,
                (5, Value::Number(on)) => self.escape_whitespaces = on != 0,
                _ => {}
            }
        }
        Ok(())
    }

    /// The bytes of a `.spm` file with these pieces and switches, which SentencePiece itself reads too.
    ///
    /// ```
    /// use cuba_nmt::vocab::{PieceKind, SpmFile, Vocab};
    /// let mut file = SpmFile::default();
    /// file.pieces = vec![
    ///     ("</s>".into(), 0.0, PieceKind::Control),
    ///     ("<unk>".into(), 0.0, PieceKind::Unknown),
    ///     ("\u{2581}hola".into(), -1.0, PieceKind::Normal),
    /// ];
    /// let vocab = Vocab::from_bytes(&file.write(), "tiny.spm").unwrap();
    /// assert_eq!(vocab.len(), 3);
    /// ```
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (text, score, kind) in &self.pieces {
            let mut message = Vec::new();
            put_bytes(&mut message, 1, text.as_bytes());
            put_varint(&mut message, (2 << 3) | 5);
            message.extend(score.to_le_bytes());
            put_number(&mut message, 3, kind.code());
            put_bytes(&mut out, 1, &message);
        }
        let mut trainer = Vec::new();
        put_number(&mut trainer, 3, if self.algorithm == Algorithm::Bpe { 2 } else { 1 });
        put_number(&mut trainer, 35, u64::from(self.byte_fallback));
        for (field, kind) in [(40, PieceKind::Unknown), (42, PieceKind::Control)] {
            let id = self
                .pieces
                .iter()
                .position(|(text, _, k)| *k == kind && (field == 40 || *text == self.eos_piece));
            put_number(&mut trainer, field, id.unwrap_or_default() as u64);
        }
        put_number(&mut trainer, 41, (-1i64).cast_unsigned());
        put_bytes(&mut trainer, 44, self.unk_surface.as_bytes());
        put_bytes(&mut trainer, 47, self.eos_piece.as_bytes());
        put_bytes(&mut out, 2, &trainer);
        let mut normalizer = Vec::new();
        put_bytes(&mut normalizer, 1, b"user_defined");
        put_bytes(&mut normalizer, 2, &self.charsmap);
        put_number(&mut normalizer, 3, u64::from(self.add_dummy_prefix));
        put_number(&mut normalizer, 4, u64::from(self.remove_extra_whitespaces));
        put_number(&mut normalizer, 5, u64::from(self.escape_whitespaces));
        put_bytes(&mut out, 3, &normalizer);
        out
    }
}

impl PieceKind {
    fn code(self) -> u64 {
        match self {
            Self::Normal => 1,
            Self::Unknown => 2,
            Self::Control => 3,
            Self::UserDefined => 4,
            Self::Unused => 5,
            Self::Byte => 6,
        }
    }

    fn from_code(code: u64) -> Option<Self> {
        [Self::Normal, Self::Unknown, Self::Control, Self::UserDefined, Self::Unused, Self::Byte]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

fn piece(message: &[u8], number: usize) -> Result<(String, f32, PieceKind), Fault> {
    let (mut text, mut score, mut kind) = (String::new(), 0.0, PieceKind::Normal);
    let mut reader = Reader { bytes: message, at: 0 };
    while let Some(field) = reader.next()? {
        match (field.number, field.value) {
            (1, Value::Bytes(bytes)) => text = utf8(bytes, "a piece")?,
            (2, Value::Fixed32(bits)) => score = f32::from_bits(bits),
            (3, Value::Number(code)) => {
                kind = PieceKind::from_code(code)
                    .ok_or_else(|| damaged(format!("piece {number} is of the unknown kind {code}")))?;
            }
            _ => {}
        }
    }
    if text.is_empty() {
        return Err(damaged(format!("piece {number} is empty")));
    }
    if !score.is_finite() {
        return Err(damaged(format!("piece {number} has a score that is no number")));
    }
    Ok((text, score, kind))
}

fn utf8(bytes: &[u8], what: &str) -> Result<String, Fault> {
    String::from_utf8(bytes.to_vec()).map_err(|_| damaged(format!("{what} is not UTF-8")))
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
    Fixed64,
}

struct Field<'a> {
    number: u64,
    value: Value<'a>,
}

/// Reads the fields of one protobuf message.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<Field<'a>>, Fault> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Fixed64
            }
            2 => {
                let len = self.varint()?;
                let len = usize::try_from(len).map_err(|_| cut(self.at))?;
                Value::Bytes(self.take(len)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().expect("take gives 4 bytes"))),
            other => {
                return Err(damaged(format!(
                    "it is no SentencePiece model (wire type {other} at {})",
                    self.at
                )));
            }
        };
        Ok(Some(Field { number: key >> 3, value }))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(len).ok_or_else(|| cut(self.at))?;
        let slice = self.bytes.get(self.at..end).ok_or_else(|| cut(self.at))?;
        self.at = end;
        Ok(slice)
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(|| cut(self.at))?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged(format!("it is no SentencePiece model (endless number at {})", self.at)))
    }
}

fn cut(at: usize) -> Fault {
    damaged(format!("it ends in the middle of a field at {at}"))
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_number(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 3);
    put_varint(out, value);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, (field << 3) | 2);
    put_varint(out, bytes.len() as u64);
    out.extend(bytes);
}
