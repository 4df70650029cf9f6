//! Cuba's own export, as [`crate::store::export`] writes it: lossless, a line a day and series.

use std::io::BufReader;

use super::{Format, Importer};
use crate::store::import_lines;

/// Its first line begins with this; the format's version follows.
const HEAD: &[u8] = b"{\"cuba_health\"";

pub(super) const IMPORTER: Importer = Importer {
    format: Format::CubaExport,
    recognises: |input| input.head().starts_with(HEAD),
    import: |input, batch, context| {
        import_lines(batch, &mut BufReader::new(input.reader()?), &mut |bytes| context.progress(bytes))
    },
};
