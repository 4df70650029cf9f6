//! A file, an archive or a folder as importers see it, with the limits that hold for all.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::HealthError;

/// Bytes of a file that are looked at to tell what it is.
const HEAD: usize = 8 * 1024;
/// Members of an archive or folder: a full Garmin export has some ten thousand.
const MAX_MEMBERS: usize = 100_000;
/// Real exports pack 10 to 40 times; deflate's limit is 1032. Looked at from [`RATIO_FROM`] on.
const MAX_RATIO: u64 = 250;
const RATIO_FROM: u64 = 64 << 20;
/// Unpacked bytes of one member; the largest export known is 4 GB.
const MAX_UNPACKED: u64 = 64 << 30;
/// A member that is read whole: a nested archive, a FIT file, a JSON day.
pub(crate) const MAX_IN_MEMORY: u64 = 64 << 20;

/// Random access to bytes; clones share the file and have their own place.
#[derive(Clone, Debug)]
pub(crate) struct Bytes {
    data: Data,
    at: u64,
    end: u64,
}

#[derive(Clone, Debug)]
enum Data {
    File(Arc<File>),
    Memory(Arc<[u8]>),
}

impl Bytes {
    fn part(&self, from: u64, len: u64) -> Self {
        let end = from.saturating_add(len).min(self.end);
        Self { data: self.data.clone(), at: from, end }
    }
}

impl Read for Bytes {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = self.end.saturating_sub(self.at).min(buf.len() as u64) as usize;
        let Some(buf) = buf.get_mut(..room).filter(|b| !b.is_empty()) else { return Ok(0) };
        let n = match &self.data {
            Data::File(file) => read_at(file, buf, self.at)?,
            Data::Memory(bytes) => {
                let rest = usize::try_from(self.at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
                let n = rest.len().min(buf.len());
                for (to, from) in buf.iter_mut().zip(rest) {
                    *to = *from;
                }
                n
            }
        };
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, at)
}

#[cfg(windows)]
fn read_at(file: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, at)
}

impl Seek for Bytes {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        let (base, by) = match pos {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (self.end, by),
            SeekFrom::Current(by) => (self.at, by),
        };
        self.at = base
            .checked_add_signed(by)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.at)
    }
}

/// A file in an archive or folder.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Path within, with `/`.
    pub(crate) name: String,
    /// Unpacked size as the archive declares it.
    pub(crate) size: u64,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Disk(PathBuf),
    /// The input itself, dressed as a member.
    Whole,
    Zip {
        packed: u64,
        crc: u32,
        deflated: bool,
        start: u64,
    },
    /// Encrypted, or packed in a way that no exporter uses.
    Unreadable(&'static str),
}

impl AsRef<str> for Member {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

impl Member {
    /// Name without folders.
    pub(crate) fn base_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

/// A file, an archive or a folder to be imported.
///
/// ```
/// use cuba_health::import::Input;
/// let input = Input::in_memory("notes.txt", b"hello".to_vec())?;
/// assert_eq!((input.name(), input.size()), ("notes.txt", 5));
/// # Ok::<(), cuba_health::HealthError>(())
/// ```
#[derive(Debug)]
pub struct Input {
    name: String,
    path: Option<PathBuf>,
    /// None for a folder.
    bytes: Option<Bytes>,
    members: Vec<Member>,
    head: Vec<u8>,
    size: u64,
}

impl Input {
    /// Opens a file or folder; a zip's list of members is read, nothing is unpacked.
    pub fn open(path: &Path) -> Result<Self, HealthError> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        if std::fs::metadata(path)?.is_dir() {
            let mut members = Vec::new();
            list_folder(path, "", &mut members)?;
            members.sort_by(|a, b| a.name.cmp(&b.name));
            let size = members.iter().map(|m| m.size).sum();
            return Ok(Self {
                name,
                path: Some(path.to_owned()),
                bytes: None,
                members,
                head: Vec::new(),
                size,
            });
        }
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Self::new(name, Some(path.to_owned()), Data::File(Arc::new(file)), size)
    }

    /// Takes bytes that are in memory.
    pub fn in_memory(name: &str, bytes: Vec<u8>) -> Result<Self, HealthError> {
        let size = bytes.len() as u64;
        Self::new(name.to_owned(), None, Data::Memory(bytes.into()), size)
    }

    fn new(name: String, path: Option<PathBuf>, data: Data, size: u64) -> Result<Self, HealthError> {
        let bytes = Bytes { data, at: 0, end: size };
        let mut head = Vec::new();
        bytes.clone().take(HEAD as u64).read_to_end(&mut head)?;
        // A single packed file (workouts out of an archive): read whole.
        if head.starts_with(&[0x1f, 0x8b, 8]) {
            let damaged = |_| HealthError::broken("the packed file is damaged; copy it again");
            let mut unpacked = Vec::new();
            let decoder = flate2::read::GzDecoder::new(BufReader::new(bytes));
            decoder.take(MAX_IN_MEMORY + 1).read_to_end(&mut unpacked).map_err(damaged)?;
            if unpacked.len() as u64 > MAX_IN_MEMORY {
                return Err(bomb());
            }
            let name = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
            if unpacked.starts_with(&[0x1f, 0x8b]) {
                return Err(HealthError::Unrecognised);
            }
            return Self::in_memory(&name, unpacked);
        }
        let members = if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            list_zip(&bytes, size)?
        } else {
            Vec::new()
        };
        Ok(Self { name, path, bytes: Some(bytes), members, head, size })
    }

    /// The file as the one member `name` of an export, for formats whose files also come alone.
    pub(crate) fn as_member(&self, name: &str) -> Self {
        let member = Member { name: name.to_owned(), size: self.size, place: Place::Whole };
        Self {
            name: self.name.clone(),
            path: None,
            bytes: self.bytes.clone(),
            members: vec![member],
            head: Vec::new(),
            size: self.size,
        }
    }

    /// Folders, archives and databases at the top, with a slash behind the name of a folder.
    pub(crate) fn entries(&self) -> BTreeSet<&str> {
        let single = |name: &&str| {
            let extension = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
            ["zip", "db", "sqlite", "sqlite3", "gz", "fit", "xml"].contains(&extension.as_str())
        };
        let names = self.members.iter().map(|m| m.name.as_str());
        names
            .filter_map(|name| match name.find('/') {
                Some(end) => name.get(..=end),
                None => Some(name).filter(single),
            })
            .collect()
    }

    /// What lies under one of [`Self::entries`], as an input of its own.
    pub(crate) fn entry(&self, entry: &str) -> Result<Self, HealthError> {
        let Some(folder) = entry.strip_suffix('/') else {
            let member = self.member(entry).ok_or(HealthError::Unrecognised)?;
            return self.nested(member);
        };
        let under = |m: &Member| Some(Member { name: m.name.strip_prefix(entry)?.to_owned(), ..m.clone() });
        let members = self.members.iter().filter_map(under).collect();
        Ok(self.part(folder.to_owned(), self.path.as_ref().map(|p| p.join(folder)), members))
    }

    /// The input without some of its [`Self::entries`].
    pub(crate) fn without(&self, entries: &[String]) -> Self {
        let left = |m: &&Member| {
            !entries
                .iter()
                .any(|e| if e.ends_with('/') { m.name.starts_with(e.as_str()) } else { m.name == *e })
        };
        let members = self.members.iter().filter(left).cloned().collect();
        self.part(self.name.clone(), self.path.clone(), members)
    }

    fn part(&self, name: String, path: Option<PathBuf>, members: Vec<Member>) -> Self {
        let size = members.iter().map(|m| m.size).sum();
        Self { name, path, bytes: self.bytes.clone(), members, head: Vec::new(), size }
    }

    /// Name without folders.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Size of the file in bytes; of a folder, of all files in it.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// First bytes (8 KB at most); empty for a folder.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Files of a zip or folder; empty for any other file.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Where the file is, unless it is in memory (out of an archive).
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Sum of the unpacked sizes of the members, or the file's size.
    pub(crate) fn unpacked_size(&self) -> u64 {
        if self.members.is_empty() {
            self.size
        } else {
            self.members.iter().fold(0, |n, m| n.saturating_add(m.size))
        }
    }

    /// The file's own bytes from its start, as a stream that can seek.
    pub(crate) fn reader(&self) -> Result<Bytes, HealthError> {
        self.bytes.clone().ok_or_else(|| HealthError::invalid("a folder is not a file"))
    }

    /// The member of this path within the archive or folder.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.name == name)
    }

    /// A member as a stream; its checksum and the limits are checked on the way.
    pub(crate) fn open_member(&self, member: &Member) -> Result<MemberReader, HealthError> {
        let inner = match &member.place {
            Place::Unreadable(reason) => return Err(HealthError::broken(*reason)),
            Place::Whole => Inner::Plain(self.reader()?),
            Place::Disk(path) => {
                let file = File::open(path)?;
                let end = file.metadata()?.len();
                Inner::Plain(Bytes { data: Data::File(Arc::new(file)), at: 0, end })
            }
            &Place::Zip { packed, deflated, start, .. } => {
                let part = self.reader()?.part(start, packed);
                if deflated {
                    let buffer = vec![0; 64 * 1024];
                    Inner::Deflated(Box::new(flate2::read::DeflateDecoder::new_with_buf(part, buffer)))
                } else {
                    Inner::Plain(part)
                }
            }
        };
        let (packed, crc) = match member.place {
            Place::Zip { packed, crc, .. } => (packed, Some((crc, crc32fast::Hasher::new()))),
            _ => (member.size, None),
        };
        Ok(MemberReader { inner, size: member.size, packed, done: 0, crc })
    }

    /// The first bytes of a member, or nothing when it cannot be read.
    pub(crate) fn member_head(&self, member: &Member, len: usize) -> Vec<u8> {
        let mut head = Vec::new();
        if let Ok(reader) = self.open_member(member) {
            // A damaged member shows when it is read for good.
            let _ = reader.take(len as u64).read_to_end(&mut head);
        }
        head
    }

    /// A whole member.
    ///
    /// # Errors
    /// When it is larger than `cap` bytes, or damaged.
    pub(crate) fn read_member(&self, member: &Member, cap: u64) -> Result<Vec<u8>, HealthError> {
        read_capped(self.open_member(member)?, member.size, cap)
    }

    /// A member as an input of its own: on disk if it lies there, else in memory.
    pub(crate) fn nested(&self, member: &Member) -> Result<Self, HealthError> {
        match &member.place {
            Place::Disk(path) => Self::open(path),
            Place::Whole => {
                let bytes = self.reader()?;
                Self::new(member.base_name().to_owned(), self.path.clone(), bytes.data, self.size)
            }
            _ => Self::in_memory(member.base_name(), self.read_member(member, MAX_IN_MEMORY)?),
        }
    }

    /// Names this content, for going on with an interrupted import: size, both ends and the list of members, which
    /// holds every checksum of a zip.
    pub(crate) fn fingerprint(&self) -> Result<String, HealthError> {
        let mut hash = Sha256::new();
        hash.update(self.size.to_le_bytes());
        hash.update(&self.head);
        if let Some(bytes) = &self.bytes {
            let mut tail = Vec::new();
            let from = self.size.saturating_sub(HEAD as u64);
            bytes.part(from, HEAD as u64).read_to_end(&mut tail)?;
            hash.update(&tail);
        }
        for member in &self.members {
            hash.update(member.name.as_bytes());
            hash.update(member.size.to_le_bytes());
            if let Place::Zip { crc, .. } = member.place {
                hash.update(crc.to_le_bytes());
            }
        }
        let hash = hash.finalize();
        Ok(hash.iter().take(16).fold("file:".to_owned(), |mut name, byte| {
            use std::fmt::Write as _;
            let _ = write!(name, "{byte:02x}");
            name
        }))
    }
}

fn read_capped(reader: impl Read, declared: u64, cap: u64) -> Result<Vec<u8>, HealthError> {
    if declared > cap {
        return Err(HealthError::broken(format!(
            "a file that is read whole is larger than {} MB",
            cap >> 20
        )));
    }
    let mut out = Vec::new();
    reader.take(cap + 1).read_to_end(&mut out)?;
    if out.len() as u64 > cap {
        return Err(HealthError::broken(format!(
            "a file that is read whole is larger than {} MB",
            cap >> 20
        )));
    }
    Ok(out)
}

fn list_folder(folder: &Path, prefix: &str, members: &mut Vec<Member>) -> Result<(), HealthError> {
    // Real exports are four levels deep; a link to a parent would be without end.
    if prefix.matches('/').count() > 8 {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if kind.is_dir() {
            list_folder(&entry.path(), &format!("{name}/"), members)?;
        } else if kind.is_file() {
            let size = entry.metadata()?.len();
            members.push(Member { name, size, place: Place::Disk(entry.path()) });
        }
        if members.len() > MAX_MEMBERS {
            return Err(HealthError::broken(
                "the folder holds too many files; choose the export's own folder",
            ));
        }
    }
    Ok(())
}

fn list_zip(bytes: &Bytes, size: u64) -> Result<Vec<Member>, HealthError> {
    let damaged =
        || HealthError::broken("the zip archive is damaged or was not copied whole; export or copy it again");
    let mut archive = zip::ZipArchive::new(BufReader::new(bytes.clone())).map_err(|_| damaged())?;
    if archive.len() > MAX_MEMBERS {
        return Err(HealthError::broken("the zip archive holds too many files for an export"));
    }
    let mut members = Vec::with_capacity(archive.len());
    let (mut packed_total, mut unpacked_total) = (0u64, 0u64);
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(|_| damaged())?;
        if file.is_dir() {
            continue;
        }
        let (packed, size) = (file.compressed_size(), file.size());
        packed_total = packed_total.saturating_add(packed);
        unpacked_total = unpacked_total.saturating_add(size);
        let deflated = file.compression() == zip::CompressionMethod::Deflated;
        let place = if file.encrypted() {
            Place::Unreadable("the zip archive is protected by a password; export it without one")
        } else if !deflated && file.compression() != zip::CompressionMethod::Stored {
            Place::Unreadable("the zip archive is packed in an unknown way; use the file as it was exported")
        } else {
            let start = file.data_start().ok_or_else(damaged)?;
            Place::Zip { packed, crc: file.crc32(), deflated, start }
        };
        let name = file.name().map_err(|_| damaged())?.replace('\\', "/");
        members.push(Member { name, size, place });
    }
    // Members that lie on top of each other are how a small file claims to hold petabytes.
    if packed_total > size
        || unpacked_total > MAX_UNPACKED
        || (unpacked_total > RATIO_FROM && unpacked_total / size.max(1) > MAX_RATIO)
    {
        return Err(bomb());
    }
    Ok(members)
}

fn bomb() -> HealthError {
    HealthError::broken("the zip archive unpacks to far more than an export can hold; it was not opened")
}

/// A member being read.
pub(crate) struct MemberReader {
    inner: Inner,
    size: u64,
    packed: u64,
    done: u64,
    crc: Option<(u32, crc32fast::Hasher)>,
}

enum Inner {
    Plain(Bytes),
    Deflated(Box<flate2::read::DeflateDecoder<Bytes>>),
}

impl Read for MemberReader {
    /// Errors of kind `InvalidData` and `UnexpectedEof` mean that the archive is damaged.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let n = match &mut self.inner {
            Inner::Plain(bytes) => bytes.read(buf)?,
            Inner::Deflated(decoder) => decoder.read(buf)?,
        };
        let damaged = |reason: &'static str| io::Error::new(io::ErrorKind::InvalidData, reason);
        self.done += n as u64;
        let Some((expected, hasher)) = &mut self.crc else { return Ok(n) };
        if self.done > self.size {
            return Err(damaged("the archive holds more than it declares"));
        }
        if self.done > RATIO_FROM && self.done / self.packed.max(1) > MAX_RATIO {
            return Err(damaged("the archive unpacks to far more than an export can hold"));
        }
        hasher.update(buf.get(..n).unwrap_or_default());
        if n == 0 {
            if self.done < self.size {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends early"));
            }
            if std::mem::take(hasher).finalize() != *expected {
                return Err(damaged("the archive's checksum is wrong"));
            }
            self.crc = None;
        }
        Ok(n)
    }
}
