//! Sealed backups: the whole database in one file that opens on another device.
//!
//! Layout (little-endian), version 1:
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..8 | `CUBABAK` and 0 |
//! | 8..10 | format version |
//! | 10 | secret: 1 passphrase, 2 recovery key |
//! | 11 | 0 |
//! | 12..24 | Argon2id memory (KiB), passes, lanes; zeros for a recovery key |
//! | 24..40 | salt |
//! | 40..48 | time of the backup, Unix seconds |
//! | 48..56 | length of the database in bytes |
//! | 56..60 | chunk length in bytes |
//! | 60.. | chunks, each followed by its 16-byte tag |
//!
//! The chunks hold one stream: the 32-byte key and 16-byte salt of the enclosed database, then that database, itself
//! encrypted under that key, which is made for this backup alone (a lost backup opens no live database). Each chunk is
//! sealed by ChaCha20-Poly1305 (fast on the old ARM cores that have no AES) with the header as associated data and the
//! nonce `0^7 | chunk number (32-bit big-endian) | 1 if last`, the STREAM construction: chunks cannot be dropped,
//! swapped or appended. The stream's key is HKDF-SHA256 of the derived passphrase or recovery key with the salt.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use zeroize::Zeroizing;

use crate::files::{COMPANIONS, FileLock, LockKind, create_parent, create_private, sync_folder, with_suffix};
use crate::key::fill_random;
use crate::pool::{PAGE_BYTES, Role, connect};
use crate::schema;
use crate::seal::{self, PassphraseCost};
use crate::vault::{before_restore, empty_log, move_aside, verify_connection};
use crate::wrapped::WrappedKey;
use crate::{DatabaseKey, KeyStore, OpenOptions, RecoveryKey, Schema, SetAside, Vault, VaultError};

const MAGIC: &[u8; 8] = b"CUBABAK\0";
const FORMAT: u16 = 1;
const HEADER_LEN: usize = 60;
const KEY_LEN: usize = 48;
const TAG_LEN: usize = 16;
const CHUNK: usize = 64 * 1024;

/// What opens a backup.
#[derive(Debug)]
pub enum BackupSecret<'a> {
    /// Chosen by the user; stretched by Argon2id.
    Passphrase(&'a str),
    /// Random, on paper.
    RecoveryKey(&'a RecoveryKey),
}

/// What a backup's header says, readable without its secret and not yet proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupInfo {
    /// When it was made, by the maker's clock.
    pub created: Timestamp,
    /// Size of the database inside, bytes.
    pub database_bytes: u64,
    /// Whether a passphrase opens it (else a recovery key).
    pub by_passphrase: bool,
}

/// How far a backup or restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes done.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Seals a consistent snapshot of the open vault into the file `to`. Reads and writes go on meanwhile. The file is
/// there whole or not at all; an older file of that name is replaced only at the end. Needs twice the database's size
/// in `to`'s folder for a moment, and 20 MB of memory.
///
/// # Errors
/// [`VaultError::Cancelled`] when `progress` breaks; [`VaultError::DiskFull`], [`VaultError::NotWritable`].
///
/// ```
/// # use cuba_vault::*;
/// # use std::ops::ControlFlow;
/// # let dir = tempfile::tempdir().unwrap();
/// # let (db, keys) = (dir.path().join("cuba.db"), KeyFile::new(dir.path().join("kek")));
/// # let options = OpenOptions::at(jiff::Timestamp::UNIX_EPOCH);
/// let vault = Vault::open(&db, &keys, &[], &options)?;
/// let file = dir.path().join("cuba.backup");
/// let secret = BackupSecret::Passphrase("correct horse");
/// backup(&vault, &file, &secret, options.now, &mut |_| ControlFlow::Continue(()))?;
///
/// let (elsewhere, other_keys) = (dir.path().join("phone/cuba.db"), KeyFile::new(dir.path().join("phone/kek")));
/// restore(&elsewhere, &other_keys, &[], &file, &secret, &options, &mut |_| ControlFlow::Continue(()))?;
/// # Ok::<(), VaultError>(())
/// ```
pub fn backup(
    vault: &Vault,
    to: &Path,
    secret: &BackupSecret<'_>,
    now: Timestamp,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<BackupInfo, VaultError> {
    create_parent(to)?;
    let (snapshot, unfinished) = (with_suffix(to, ".snapshot"), with_suffix(to, ".unfinished"));
    let _cleanup = Cleanup(vec![snapshot.clone(), unfinished.clone()]);
    remove_database(&snapshot)?;
    let key = DatabaseKey::generate()?;
    let source = vault.reader()?;
    // The open read pins the snapshot: pages written meanwhile do not restart the copy.
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
    copy_database(&source, &snapshot, &key, progress)?;
    drop(source);

    let mut plain = File::open(&snapshot)?;
    let header = Header::new(secret, now, plain.metadata()?.len())?;
    let mut out = BufWriter::new(create_private(&unfinished)?);
    header.seal(&key, secret, &mut plain, &mut out, progress)?;
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(&unfinished, to)?;
    sync_folder(to);
    header.info()
}

/// Reads a backup's header.
///
/// # Errors
/// [`VaultError::Damaged`] if this is no backup, [`VaultError::IncompatibleVersion`] if it is a newer one.
pub fn inspect_backup(file: &Path) -> Result<BackupInfo, VaultError> {
    Header::read(&mut File::open(file)?)?.info()
}

/// Replaces the database at `path` by the one in `file`, or creates it, under this device's own key. The backup is
/// opened, checked page by page and compared with `schemas` first; the present database stays until the new one is in
/// its place, and stays for good (returned as [`SetAside`]) if it was damaged or its key is lost.
///
/// # Errors
/// [`VaultError::KeyWrong`] for another passphrase, [`VaultError::Damaged`] for a broken backup,
/// [`VaultError::IncompatibleVersion`], [`VaultError::Busy`] while a vault is open at `path`. The present database is
/// untouched after each of them.
pub fn restore(
    path: &Path,
    keys: &dyn KeyStore,
    schemas: &[Schema],
    file: &Path,
    secret: &BackupSecret<'_>,
    options: &OpenOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<SetAside>, VaultError> {
    create_parent(path)?;
    let _lock = FileLock::acquire(path, LockKind::Exclusive, options.patience)?;
    let (inside, fresh) = (with_suffix(path, ".restore-in"), with_suffix(path, ".restore-out"));
    let _cleanup = Cleanup(vec![inside.clone(), fresh.clone()]);
    remove_database(&inside)?;
    remove_database(&fresh)?;

    let mut input = BufReader::new(File::open(file)?);
    let header = Header::read(&mut input)?;
    let mut out = BufWriter::new(create_private(&inside)?);
    let inside_key = header.open(secret, &mut input, &mut out, progress)?;
    out.flush()?;
    drop(out);
    let source = connect(&inside, &inside_key, options.patience, Role::Writer)?;
    schema::check(&source, schemas)?;
    verify_connection(&source)?;

    let mut set_aside = None;
    let key = match WrappedKey::obtain(path, keys) {
        Ok((key, _)) => key,
        // Nothing opens the present database any more: keep it aside and begin with a new key.
        Err(VaultError::KeyMissing) => {
            let old = move_aside(path, "its key is missing".to_owned(), options.now)?;
            let wrapped = WrappedKey::path(path);
            if wrapped.exists() {
                fs::rename(&wrapped, with_suffix(&old.moved_to, ".key"))?;
            }
            set_aside = Some(old);
            WrappedKey::obtain(path, keys)?.0
        }
        Err(other) => return Err(other),
    };
    copy_database(&source, &fresh, &key, progress)?;
    drop(source);
    File::open(&fresh)?.sync_all()?;
    let old = retire_present(path, &key, options)?;
    fs::rename(&fresh, path)?;
    sync_folder(path);
    connect(path, &key, options.patience, Role::Reader)?;
    let _ = fs::remove_file(before_restore(path));
    Ok(set_aside.or(old))
}

/// Gives the present database a second name that survives the rename over it, with its log merged in: a log left
/// beside another database would be replayed into it.
fn retire_present(
    path: &Path,
    key: &DatabaseKey,
    options: &OpenOptions,
) -> Result<Option<SetAside>, VaultError> {
    if fs::metadata(path).map_or(0, |m| m.len()) == 0 {
        return Ok(None);
    }
    let merged = connect(path, key, options.patience, Role::Writer).and_then(|conn| {
        empty_log(&conn)?;
        conn.close().map_err(|(_, e)| e.into())
    });
    match merged {
        Ok(()) => {}
        Err(VaultError::Damaged { reason }) => return move_aside(path, reason, options.now).map(Some),
        Err(VaultError::KeyWrong) => {
            return move_aside(path, "it belongs to another key".to_owned(), options.now).map(Some);
        }
        Err(other) => return Err(other),
    }
    let kept = before_restore(path);
    if fs::hard_link(path, &kept).is_err() {
        // No links on FAT: for a moment there is no database; opening finishes the move after a crash.
        fs::rename(path, &kept)?;
    }
    for companion in COMPANIONS.iter().skip(1) {
        let _ = fs::remove_file(with_suffix(path, companion));
    }
    Ok(None)
}

/// Pages copied between two looks at the cancel flag: 1 MB.
const PAGES_A_STEP: i32 = 128;

/// Copies every page into a new file under another key, which the copy's first page then begins with.
fn copy_database(
    source: &Connection,
    to: &Path,
    key: &DatabaseKey,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(), VaultError> {
    drop(create_private(to)?);
    let mut target = connect(to, key, std::time::Duration::ZERO, Role::Writer)?;
    // The copy is synced as a whole afterwards; a crash throws it away.
    target.execute_batch("PRAGMA synchronous = OFF;")?;
    {
        let copy = Backup::new(source, &mut target)?;
        loop {
            match copy.step(PAGES_A_STEP)? {
                StepResult::Done => break,
                StepResult::More => {}
                _ => return Err(VaultError::Busy),
            }
            let p = copy.progress();
            let bytes = |pages: i32| pages.max(0) as u64 * u64::from(PAGE_BYTES);
            report(progress, bytes(p.pagecount) - bytes(p.remaining), bytes(p.pagecount))?;
        }
    }
    target.close().map_err(|(_, e)| e.into())
}

fn report(
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    done: u64,
    total: u64,
) -> Result<(), VaultError> {
    match progress(Progress { done, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(VaultError::Cancelled),
    }
}

fn remove_database(path: &Path) -> Result<(), VaultError> {
    for companion in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(with_suffix(path, companion)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Removes temporary databases on every way out.
struct Cleanup(Vec<std::path::PathBuf>);

impl Drop for Cleanup {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = remove_database(path);
        }
    }
}

struct Header {
    bytes: [u8; HEADER_LEN],
    cost: PassphraseCost,
    salt: [u8; 16],
    by_passphrase: bool,
    created: i64,
    database_bytes: u64,
}

impl Header {
    fn new(secret: &BackupSecret<'_>, now: Timestamp, database_bytes: u64) -> Result<Self, VaultError> {
        let mut salt = [0; 16];
        fill_random(&mut salt)?;
        let by_passphrase = matches!(secret, BackupSecret::Passphrase(_));
        let none = PassphraseCost { memory_kib: 0, passes: 0, lanes: 0 };
        let cost = if by_passphrase { PassphraseCost::STANDARD } else { none };
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[if by_passphrase { 1 } else { 2 }, 0]);
        for number in [cost.memory_kib, cost.passes, cost.lanes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(&now.as_second().to_le_bytes());
        bytes.extend_from_slice(&database_bytes.to_le_bytes());
        bytes.extend_from_slice(&(CHUNK as u32).to_le_bytes());
        let bytes = bytes.try_into().expect("the fields above add up to the header's length");
        Ok(Self { bytes, cost, salt, by_passphrase, created: now.as_second(), database_bytes })
    }

    fn read(input: &mut impl Read) -> Result<Self, VaultError> {
        let mut bytes = [0; HEADER_LEN];
        input.read_exact(&mut bytes).map_err(|_| not_a_backup())?;
        Self::parse(bytes)
    }

    fn parse(bytes: [u8; HEADER_LEN]) -> Result<Self, VaultError> {
        fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
            let (head, tail) =
                rest.split_first_chunk::<N>().expect("the header is long enough for its fields");
            *rest = tail;
            *head
        }
        let mut rest = bytes.as_slice();
        if &take::<8>(&mut rest) != MAGIC {
            return Err(not_a_backup());
        }
        let format = u16::from_le_bytes(take(&mut rest));
        if format != FORMAT {
            return Err(VaultError::IncompatibleVersion {
                schema: "backup".to_owned(),
                found: u32::from(format),
                supported: u32::from(FORMAT),
            });
        }
        let by_passphrase = match take::<2>(&mut rest) {
            [1, 0] => true,
            [2, 0] => false,
            _ => return Err(not_a_backup()),
        };
        let cost = PassphraseCost {
            memory_kib: u32::from_le_bytes(take(&mut rest)),
            passes: u32::from_le_bytes(take(&mut rest)),
            lanes: u32::from_le_bytes(take(&mut rest)),
        };
        let salt = take(&mut rest);
        let created = i64::from_le_bytes(take(&mut rest));
        let database_bytes = u64::from_le_bytes(take(&mut rest));
        if u32::from_le_bytes(take(&mut rest)) as usize != CHUNK {
            return Err(not_a_backup());
        }
        Ok(Self { bytes, cost, salt, by_passphrase, created, database_bytes })
    }

    fn info(&self) -> Result<BackupInfo, VaultError> {
        Ok(BackupInfo {
            created: Timestamp::from_second(self.created).map_err(|_| not_a_backup())?,
            database_bytes: self.database_bytes,
            by_passphrase: self.by_passphrase,
        })
    }

    fn stream_key(&self, secret: &BackupSecret<'_>) -> Result<LessSafeKey, VaultError> {
        let input = match (secret, self.by_passphrase) {
            (BackupSecret::Passphrase(text), true) => seal::derive(text, &self.salt, self.cost)?,
            (BackupSecret::RecoveryKey(key), false) => key.0.clone(),
            (_, by_passphrase) => {
                let kind = if by_passphrase { "passphrase" } else { "recovery key" };
                return Err(VaultError::KeyProtectedBy { kind: kind.to_owned() });
            }
        };
        let pseudo_random = hkdf::Salt::new(hkdf::HKDF_SHA256, &self.salt).extract(input.as_slice());
        let mut key = Zeroizing::new([0; 32]);
        pseudo_random
            .expand(&[b"cuba backup stream 1"], &CHACHA20_POLY1305)
            .and_then(|okm| okm.fill(key.as_mut_slice()))
            .map_err(|_| VaultError::other("the backup key cannot be derived"))?;
        Ok(LessSafeKey::new(
            UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).expect("ChaCha20 takes 32 bytes"),
        ))
    }

    fn seal(
        &self,
        key: &DatabaseKey,
        secret: &BackupSecret<'_>,
        database: &mut impl Read,
        out: &mut impl Write,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<(), VaultError> {
        let stream = self.stream_key(secret)?;
        out.write_all(&self.bytes)?;
        let secrets = Zeroizing::new([key.secret.as_slice(), &key.salt].concat());
        let mut plain = secrets.chain(database);
        let mut buffer = Zeroizing::new(Vec::with_capacity(CHUNK + TAG_LEN));
        for chunk in Chunks::of(self.database_bytes)? {
            buffer.resize(chunk.len, 0);
            plain.read_exact(&mut buffer)?;
            stream
                .seal_in_place_append_tag(chunk.nonce(), Aad::from(&self.bytes), &mut *buffer)
                .map_err(|_| VaultError::other("the backup cannot be sealed"))?;
            out.write_all(&buffer)?;
            report(progress, chunk.end, chunk.total)?;
        }
        Ok(())
    }

    fn open(
        &self,
        secret: &BackupSecret<'_>,
        input: &mut impl Read,
        out: &mut impl Write,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<DatabaseKey, VaultError> {
        let stream = self.stream_key(secret)?;
        let mut key = DatabaseKey { secret: Zeroizing::new([0; 32]), salt: [0; 16] };
        let mut buffer = Zeroizing::new(Vec::with_capacity(CHUNK + TAG_LEN));
        for chunk in Chunks::of(self.database_bytes)? {
            buffer.resize(chunk.len + TAG_LEN, 0);
            input.read_exact(&mut buffer).map_err(|e| match e.kind() {
                std::io::ErrorKind::UnexpectedEof => VaultError::damaged("the backup is cut short"),
                _ => e.into(),
            })?;
            let first = chunk.number == 0;
            let plain =
                stream.open_in_place(chunk.nonce(), Aad::from(&self.bytes), &mut buffer).map_err(|_| {
                    // A wrong passphrase shows at the first chunk; later ones prove that the secret was right.
                    if first {
                        VaultError::KeyWrong
                    } else {
                        VaultError::damaged("a part of the backup was changed")
                    }
                })?;
            let mut database: &[u8] = plain;
            if first {
                let (secrets, rest) = plain
                    .split_first_chunk::<KEY_LEN>()
                    .ok_or_else(|| VaultError::damaged("the backup is too short"))?;
                let (secret, salt) = secrets.split_at(32);
                key.secret.copy_from_slice(secret);
                key.salt.copy_from_slice(salt);
                database = rest;
            }
            out.write_all(database)?;
            report(progress, chunk.end, chunk.total)?;
        }
        if input.read(&mut [0])? > 0 {
            return Err(VaultError::damaged("the backup has bytes after its end"));
        }
        Ok(key)
    }
}

fn not_a_backup() -> VaultError {
    VaultError::damaged("it is not a backup of Cuba")
}

struct Chunk {
    number: u32,
    len: usize,
    end: u64,
    total: u64,
}

impl Chunk {
    fn nonce(&self) -> Nonce {
        let mut bytes = [0; 12];
        if let Some(counter) = bytes.get_mut(7..11) {
            counter.copy_from_slice(&self.number.to_be_bytes());
        }
        if let Some(last) = bytes.last_mut() {
            *last = u8::from(self.end == self.total);
        }
        Nonce::assume_unique_for_key(bytes)
    }
}

struct Chunks;

impl Chunks {
    /// Cuts key and database into chunks; the length comes from the header, so that the last one is known.
    fn of(database_bytes: u64) -> Result<impl Iterator<Item = Chunk>, VaultError> {
        let total = database_bytes.checked_add(KEY_LEN as u64).ok_or_else(not_a_backup)?;
        let count = u32::try_from(total.div_ceil(CHUNK as u64)).map_err(|_| not_a_backup())?;
        Ok((0..count).map(move |number| {
            let start = u64::from(number) * CHUNK as u64;
            let end = (start + CHUNK as u64).min(total);
            Chunk { number, len: (end - start) as usize, end, total }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ignore(_: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn sealed(data: &[u8], key: &RecoveryKey) -> Vec<u8> {
        let secret = BackupSecret::RecoveryKey(key);
        let header = Header::new(&secret, Timestamp::UNIX_EPOCH, data.len() as u64).unwrap();
        let mut out = Vec::new();
        header
            .seal(&DatabaseKey::generate().unwrap(), &secret, &mut &data[..], &mut out, &mut ignore)
            .unwrap();
        out
    }

    fn opened(mut file: &[u8], key: &RecoveryKey) -> Result<Vec<u8>, VaultError> {
        let mut out = Vec::new();
        let header = Header::read(&mut file)?;
        header.open(&BackupSecret::RecoveryKey(key), &mut file, &mut out, &mut ignore)?;
        Ok(out)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn what_is_sealed_opens_and_no_change_goes_unseen(
            len in prop_oneof![0usize..200, CHUNK - 60..CHUNK + 60, 2 * CHUNK - 60..2 * CHUNK + 60],
            at in any::<proptest::sample::Index>(),
            bit in 0u8..8,
        ) {
            let key = RecoveryKey::generate().unwrap();
            let data: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            let mut file = sealed(&data, &key);
            prop_assert_eq!(opened(&file, &key).unwrap(), data);
            prop_assert!(opened(&file[..at.index(file.len())], &key).is_err());
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
            prop_assert!(opened(&file, &key).is_err());
        }

        #[test]
        fn any_header_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), HEADER_LEN)) {
            let mut bytes: [u8; HEADER_LEN] = bytes.try_into().unwrap();
            let _ = Header::parse(bytes);
            bytes[..12].copy_from_slice(b"CUBABAK\0\x01\0\x01\0");
            bytes[56..].copy_from_slice(&(CHUNK as u32).to_le_bytes());
            // Hostile costs are refused before any memory is taken.
            if let Ok(h) = Header::parse(bytes) && h.cost.memory_kib > 256 * 1024 {
                prop_assert!(h.stream_key(&BackupSecret::Passphrase("x")).is_err());
            }
        }
    }

    #[test]
    fn chunks_cannot_be_swapped() {
        let key = RecoveryKey::generate().unwrap();
        let mut file = sealed(&vec![0; 3 * CHUNK], &key);
        let (a, b) = (HEADER_LEN, HEADER_LEN + CHUNK + TAG_LEN);
        let first = file[a..b].to_vec();
        let second = file[b..b + CHUNK + TAG_LEN].to_vec();
        file[a..b].copy_from_slice(&second);
        file[b..b + CHUNK + TAG_LEN].copy_from_slice(&first);
        assert!(opened(&file, &key).is_err());
    }
}
