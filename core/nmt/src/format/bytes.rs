//! The bytes of a file, mapped or owned, and a cursor that never reads past them.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{Error, Fault, damaged, io};

/// Bytes of one file. A mapped file costs no anonymous memory: the kernel may drop its pages at any time and read
/// them again, which is what keeps a 30 MB model usable on a phone with 2 GB.
#[derive(Debug)]
pub(crate) enum Bytes {
    /// Mapped read-only and private.
    Mapped(Mmap),
    /// Owned, for models that come from memory (tests, fuzzing, assets inside an archive).
    Owned(Vec<u8>),
}

impl Bytes {
    /// Maps `path` read-only. An empty file gives an empty slice (mapping nothing is an error on some systems).
    pub(crate) fn map(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|e| io(path, e))?;
        let meta = file.metadata().map_err(|e| io(path, e))?;
        if meta.is_dir() {
            return Err(io(path, std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        }
        if meta.len() == 0 {
            return Ok(Self::Owned(Vec::new()));
        }
        // SAFETY: the mapping is read-only and private. Another process that truncates the file while it is mapped
        // would make reads fault; pack files are written once under their final name and never in place, and the
        // same assumption holds for every program that maps its weights.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(&file) }.map_err(|e| io(path, e))?;
        Ok(Self::Mapped(map))
    }

    /// All bytes.
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// Little-endian reader over foreign bytes: each step is checked, none panics.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes not yet read.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// The next `len` bytes and where they lie in the whole.
    pub(crate) fn take(&mut self, len: usize, what: &str) -> Result<(&'a [u8], Range<usize>), Fault> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len());
        let (Some(end), Some(slice)) = (end, end.and_then(|end| self.bytes.get(self.at..end))) else {
            return Err(damaged(format!(
                "{what} needs {len} bytes at {}, but the file ends at {}",
                self.at,
                self.bytes.len()
            )));
        };
        let range = self.at..end;
        self.at = end;
        Ok((slice, range))
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], Fault> {
        let (slice, _) = self.take(N, what)?;
        Ok(slice.try_into().expect("take gives exactly N bytes"))
    }

    pub(crate) fn u64(&mut self, what: &str) -> Result<u64, Fault> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A `u64` that must fit the address space.
    pub(crate) fn size(&mut self, what: &str) -> Result<usize, Fault> {
        let value = self.u64(what)?;
        usize::try_from(value)
            .map_err(|_| damaged(format!("{what} is {value}, more than this device can hold")))
    }

    pub(crate) fn i32(&mut self, what: &str) -> Result<i32, Fault> {
        self.array(what).map(i32::from_le_bytes)
    }
}

/// `f32` values from little-endian bytes; a length that is no multiple of 4 drops the rest.
pub(crate) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("chunks of 4")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_what_it_lacks() {
        let mut cursor = Cursor::new(&[1, 0, 0]);
        let Err(Fault::Damaged(why)) = cursor.u64("the version") else { panic!("must fail") };
        assert_eq!(why, "the version needs 8 bytes at 0, but the file ends at 3");
        assert_eq!(cursor.left(), 3);
        assert!(cursor.take(usize::MAX, "x").is_err());
    }
}
