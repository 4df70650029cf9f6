//! Writing an installed pack to one file.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::digest::Hasher;
use crate::error::PackError;
use crate::files;
use crate::manifest::{Manifest, PackFile};
use crate::source::{FILES_PREFIX, MANIFEST_NAME};
use crate::staged::CHUNK;
use crate::store::{PackRef, Store};
use crate::watch::{Progress, Step, Watch};

/// What a zip of this many files needs beyond their content, generously.
const OVERHEAD: u64 = 1 << 20;

impl Store {
    /// Writes a pack to a `.cubapack` file. The same pack gives the same bytes, anywhere. Every file is hashed on the way: a
    /// damaged pack is not passed on. `destination` appears whole or not at all, and a file that is there is replaced.
    pub fn export(&self, pack: &PackRef, destination: &Path, watch: &dyn Watch) -> Result<(), PackError> {
        let manifest = self.info(pack)?.manifest;
        let directory = match destination.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let free = self
            .device
            .disk_free(directory)
            .map_err(|error| PackError::io("asking about", directory, error))?;
        let needed = manifest.size().saturating_add(OVERHEAD);
        if free < needed {
            return Err(PackError::NotEnoughSpace { needed, free });
        }
        let temporary = files::temporary_name(destination);
        let written = self.write_pack(&manifest, &temporary, watch).and_then(|()| {
            fs::rename(&temporary, destination).map_err(|error| PackError::io("writing", destination, error))
        });
        if let Err(error) = written {
            let _ = fs::remove_file(&temporary);
            return Err(match error {
                PackError::NotEnoughSpace { .. } => {
                    PackError::NotEnoughSpace { needed, free: self.device.disk_free(directory).unwrap_or(0) }
                }
                other => other,
            });
        }
        files::sync_directory(directory)
    }

    fn write_pack(&self, manifest: &Manifest, path: &PathBuf, watch: &dyn Watch) -> Result<(), PackError> {
        let failed = |error| PackError::io("writing", path, error);
        let file = File::create(path).map_err(failed)?;
        let mut zip = ZipWriter::new(BufWriter::with_capacity(CHUNK, file));
        // No clock, no permissions of this machine: equal packs are equal files. Aligned, so that a stored member can be
        // mapped with the alignment that vector loads like.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .with_alignment(64);
        start(&mut zip, MANIFEST_NAME, options).map_err(failed)?;
        zip.write_all(&manifest.to_json()).map_err(failed)?;
        let mut done = 0;
        for file in &manifest.files {
            let name = format!("{FILES_PREFIX}{}", file.path);
            start(&mut zip, &name, options.large_file(file.size >= u64::from(u32::MAX))).map_err(failed)?;
            self.copy_into(&mut zip, file, path, (done, manifest.size()), watch)?;
            done += file.size;
        }
        let buffered = zip.finish().map_err(|error| failed(error.into()))?;
        let file = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)
    }

    fn copy_into(
        &self,
        zip: &mut impl Write,
        file: &PackFile,
        destination: &Path,
        (before, total): (u64, u64),
        watch: &dyn Watch,
    ) -> Result<(), PackError> {
        let path = self.trusted(file)?;
        let failed = |error| PackError::read(&path, error);
        let mut reader = BufReader::new(File::open(&path).map_err(failed)?);
        let mut hash = Hasher::new();
        let mut buffer = vec![0_u8; CHUNK];
        let mut done = 0;
        loop {
            if watch.cancelled() {
                return Err(PackError::Cancelled);
            }
            watch.progress(Progress { step: Step::Export, file: &file.path, done: before + done, total });
            let n = reader.read(&mut buffer).map_err(failed)?;
            let bytes = buffer.get(..n).unwrap_or_default();
            if n == 0 {
                break;
            }
            hash.update(bytes);
            done += n as u64;
            zip.write_all(bytes).map_err(|error| PackError::io("writing", destination, error))?;
        }
        if hash.digest() != file.sha256 {
            return Err(PackError::corrupt(&file.path, "its sha256 is not the one in the manifest"));
        }
        Ok(())
    }
}

fn start<W: Write + std::io::Seek>(
    zip: &mut ZipWriter<W>,
    name: &str,
    options: SimpleFileOptions,
) -> std::io::Result<()> {
    zip.start_file(name, options).map_err(Into::into)
}
