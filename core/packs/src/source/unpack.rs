//! Transparent decompression, bounded by what the file may have.

use std::io::{BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use crate::error::PackError;
use crate::offer::Compression;
use crate::staged::Staged;
use crate::watch::Step;

/// The largest window a zstd frame may ask for: what `zstd --ultra -22` uses (128 MiB) would not fit a small phone, and
/// no published model asks for more than 8 MiB.
const MAX_ZSTD_WINDOW: u64 = 32 << 20;

/// A reader of what `reader` decompresses to.
pub(crate) fn decoder<'a>(
    reader: impl BufRead + 'a,
    compression: Option<Compression>,
    name: &str,
) -> Result<Box<dyn Read + 'a>, PackError> {
    Ok(match compression {
        None => Box::new(reader),
        Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(reader)),
        Some(Compression::Zstd) => {
            let decoder = StreamingDecoder::new_with_max_window_size(reader, MAX_ZSTD_WINDOW);
            Box::new(
                decoder.map_err(|error| {
                    PackError::corrupt(name, format!("its compression is damaged: {error}"))
                })?,
            )
        }
    })
}

/// Appends what `reader` decompresses to. A bomb ends at the file's limit.
pub(crate) fn unpack(
    reader: impl BufRead,
    compression: Option<Compression>,
    name: &str,
    into: &mut Staged<'_>,
) -> Result<(), PackError> {
    let step = if compression.is_some() { Step::Unpack } else { Step::Copy };
    let damaged = |error| PackError::corrupt(name, format!("it cannot be read to its end: {error}"));
    into.append_from(&mut decoder(reader, compression, name)?, step, &damaged)
}
