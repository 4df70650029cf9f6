//! A `.cubapack`: a pack in one file, for an SD card, a share sheet or another phone.
//!
//! A zip of `manifest.json` and `files/<path>`. Cuba writes it stored and 64-byte aligned (weights do not compress, and a
//! stored member can be mapped where it lies); it also reads deflated ones, so that any zip tool can make a pack.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Mutex;

use zip::ZipArchive;

use super::Source;
use crate::error::PackError;
use crate::manifest::{MAX_FILES, MAX_MANIFEST_BYTES, Manifest};
use crate::offer::{Offer, OfferedFile};
use crate::staged::Staged;
use crate::watch::Step;

/// Name of the manifest, in a pack file and in a folder.
pub(crate) const MANIFEST_NAME: &str = "manifest.json";
/// What the names of a pack's files begin with in a pack file.
pub(crate) const FILES_PREFIX: &str = "files/";
/// Directory entries that zip tools add count too.
const MAX_ENTRIES: u16 = 4 * MAX_FILES as u16;

trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// A pack in one file.
pub struct ZipSource {
    name: String,
    offer: Offer,
    archive: Mutex<ZipArchive<Box<dyn ReadSeek>>>,
}

impl ZipSource {
    /// Opens a pack file and checks its directory against its manifest; the content is checked as it is installed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, PackError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| PackError::read(path, error))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(PackError::not_found(format!("a pack file at {}", path.display())));
        }
        Self::read(BufReader::new(file), &path.display().to_string())
    }

    /// As [`ZipSource::open`], from anything that can be read and sought; `name` is for errors.
    pub fn read(mut reader: impl Read + Seek + Send + 'static, name: &str) -> Result<Self, PackError> {
        let broken = |reason: String| PackError::corrupt(name, reason);
        let entries = count_entries(&mut reader).map_err(broken)?;
        let reader: Box<dyn ReadSeek> = Box::new(reader);
        let mut archive = ZipArchive::new(reader).map_err(|error| broken(error.to_string()))?;
        // The reader keeps the last of several members with one name, so a count that differs means a duplicate.
        if archive.len() != usize::from(entries) {
            return Err(broken("it names a file twice".into()));
        }
        let manifest = Manifest::parse(&read_manifest(&mut archive).map_err(broken)?)?;
        check_entries(&mut archive, &manifest).map_err(broken)?;
        Ok(Self { name: name.to_owned(), offer: Offer::from(&manifest), archive: Mutex::new(archive) })
    }
}

/// The number of entries that the end record states. Checked before the directory is read into memory. A pack file has no
/// comment, so the record is the last 22 bytes, and there is but one way to read the file (APPNOTE 4.3.16).
fn count_entries(reader: &mut (impl Read + Seek)) -> Result<u16, String> {
    let mut end = [0_u8; 22];
    let read = reader.seek(SeekFrom::End(-22)).and_then(|_| reader.read_exact(&mut end));
    let count = u16::from_le_bytes([end[10], end[11]]);
    if read.is_err() || !end.starts_with(b"PK\x05\x06") || end[20..] != [0, 0] {
        return Err("it is not a pack file, or its end is missing (an interrupted copy?)".into());
    }
    if count > MAX_ENTRIES {
        return Err(format!("it lists {count} files, more than {MAX_ENTRIES}"));
    }
    Ok(count)
}

fn read_manifest(archive: &mut ZipArchive<Box<dyn ReadSeek>>) -> Result<Vec<u8>, String> {
    let member = archive.by_name(MANIFEST_NAME).map_err(|_| format!("it has no readable {MANIFEST_NAME}"))?;
    let mut json = Vec::new();
    let read = member.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut json);
    read.map_err(|error| format!("its {MANIFEST_NAME} is damaged: {error}"))?;
    Ok(json)
}

/// Every file of the manifest is there with its size, and nothing else is.
fn check_entries(archive: &mut ZipArchive<Box<dyn ReadSeek>>, manifest: &Manifest) -> Result<(), String> {
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(|error| error.to_string())?;
        let name = member.name().map_err(|error| error.to_string())?.into_owned();
        if name == MANIFEST_NAME || (member.is_dir() && member.size() == 0) {
            continue;
        }
        let listed = name.strip_prefix(FILES_PREFIX);
        let listed = listed.and_then(|path| manifest.files.iter().find(|file| file.path == path));
        let Some(file) = listed else {
            return Err(format!("it holds {name:?}, which its manifest does not list"));
        };
        if member.encrypted() || member.is_symlink() {
            return Err(format!("{name:?} is encrypted or a link"));
        }
        if member.size() != file.size {
            return Err(format!("{name:?} has {} bytes instead of {}", member.size(), file.size));
        }
    }
    let missing =
        manifest.files.iter().find(|file| archive.index_for_name(&member_name(&file.path)).is_none());
    missing.map_or(Ok(()), |file| Err(format!("{:?} is missing", file.path)))
}

fn member_name(path: &str) -> String {
    format!("{FILES_PREFIX}{path}")
}

impl Source for ZipSource {
    fn offer(&self) -> &Offer {
        &self.offer
    }

    fn fetch(&self, wanted: &OfferedFile, into: &mut Staged<'_>) -> Result<(), PackError> {
        let broken = |reason: String| PackError::corrupt(&self.name, format!("{}: {reason}", wanted.path));
        into.truncate(0)?;
        let mut archive = self.archive.lock().map_err(|_| broken("an earlier read of it failed".into()))?;
        let mut member =
            archive.by_name(&member_name(&wanted.path)).map_err(|error| broken(error.to_string()))?;
        into.append_from(&mut member, Step::Copy, &|error| broken(error.to_string()))
    }
}

impl std::fmt::Debug for ZipSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ZipSource").field("name", &self.name).finish_non_exhaustive()
    }
}
