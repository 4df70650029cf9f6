//! The open database: one writer, a few readers.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::files::{COMPANIONS, FileLock, LockKind, create_parent, sync_folder, with_suffix};
use crate::pool::{Role, connect, use_wal};
use crate::schema::{self, Schema};
use crate::wrapped::WrappedKey;
use crate::{DatabaseKey, KeyStore, VaultError};

/// How a vault is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The caller's clock; names a damaged file that is moved aside.
    pub now: Timestamp,
    /// How long to wait for another process before [`VaultError::Busy`]. Five seconds by default: longer than any
    /// transaction of ours, shorter than a user's patience.
    pub patience: Duration,
}

impl OpenOptions {
    /// Defaults at the time `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now, patience: Duration::from_secs(5) }
    }
}

/// A damaged database that was moved out of the way; it can still be read with the same key by a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is now (`NAME.damaged-20261123T010830Z`), with its `-wal` beside it if there was one.
    pub moved_to: PathBuf,
    /// Which check failed.
    pub reason: String,
}

/// An open, encrypted database. See the [crate] for an example.
///
/// Reads run beside each other and beside the one write; a write waits for the write before it. All of it may be used
/// from any thread.
#[derive(Debug)]
pub struct Vault {
    // Declared before the lock, hence closed before it is released.
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    path: PathBuf,
    key: DatabaseKey,
    patience: Duration,
    protection: String,
    set_aside: Option<SetAside>,
    _lock: FileLock,
}

/// Beside a database that is being made. A kill in that moment leaves an empty file, which is then no damage.
const UNBORN: &str = ".new";

/// Readers kept open between uses; each holds its own page cache.
const IDLE_READERS: usize = 2;

impl Vault {
    /// Opens the database at `path`, creating key and file when neither exists, and upgrades its schemas.
    ///
    /// A damaged file is moved aside, a fresh one is started and [`Vault::set_aside`] tells: the user decides between
    /// repair and the last backup. Any other error leaves the file as it was.
    pub fn open(
        path: &Path,
        keys: &dyn KeyStore,
        schemas: &[Schema],
        options: &OpenOptions,
    ) -> Result<Self, VaultError> {
        create_parent(path)?;
        let mut set_aside = None;
        let mut looked_at_damage = false;
        loop {
            let lock = FileLock::acquire(path, LockKind::Shared, options.patience)?;
            finish_interrupted_restore(path)?;
            let (key, key_existed) = WrappedKey::obtain(path, keys)?;
            let unborn = with_suffix(path, UNBORN);
            if !path.exists() {
                fs::File::create(&unborn)?;
            }
            let emptied = key_existed && is_emptied(path) && !unborn.exists();
            let opened = if emptied && !looked_at_damage {
                drop(lock);
                Err(VaultError::damaged("the file is empty"))
            } else {
                connect_writer(path, &key, schemas, options.patience).map(|writer| (writer, lock))
            };
            match opened {
                Err(VaultError::Damaged { reason }) if !looked_at_damage => {
                    looked_at_damage = true;
                    set_aside = set_damaged_aside(path, &key, reason, emptied, options)?;
                }
                Err(other) => return Err(other),
                Ok((writer, lock)) => {
                    let _ = fs::remove_file(&unborn);
                    return Ok(Self {
                        writer: Mutex::new(writer),
                        readers: Mutex::new(Vec::new()),
                        path: path.to_owned(),
                        key,
                        patience: options.patience,
                        protection: keys.describe(),
                        set_aside,
                        _lock: lock,
                    });
                }
            }
        }
    }

    /// The damaged predecessor, if opening had to move one aside. Tell the user.
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }

    /// What protects the key, in words ([`KeyStore::describe`]).
    pub fn protection(&self) -> &str {
        &self.protection
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `f` on a consistent snapshot. Other reads and the writer go on meanwhile.
    ///
    /// # Errors
    /// Those of `f`; [`VaultError::Busy`] when another process blocks the file; [`VaultError::Damaged`].
    pub fn read<T, E: From<VaultError>>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut conn = self.reader()?;
        let result = {
            let tx =
                conn.transaction_with_behavior(TransactionBehavior::Deferred).map_err(VaultError::from)?;
            f(&tx)
        };
        let mut idle = guard(&self.readers);
        if idle.len() < IDLE_READERS {
            idle.push(conn);
        }
        result
    }

    /// Runs `f` in a transaction: committed and on disk when this returns `Ok`, undone when `f` fails or panics.
    pub fn write<T, E: From<VaultError>>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut conn = guard(&self.writer);
        // Immediate: a read that later turns into a write could find itself outrun and fail half-way.
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(VaultError::from)?;
        let value = f(&tx)?;
        tx.commit().map_err(VaultError::from)?;
        Ok(value)
    }

    /// Like [`Vault::write`] for deletions that must leave no trace: freed pages are overwritten, and the write-ahead
    /// log that still holds the old ones is emptied.
    ///
    /// # Errors
    /// [`VaultError::Busy`] after the commit when a reader still needs the log; call [`Vault::compact`] later.
    pub fn write_erasing<T, E: From<VaultError>>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let switch = |on: &str| {
            let conn = guard(&self.writer);
            conn.query_row(&format!("PRAGMA secure_delete = {on}"), [], |_| Ok(())).map_err(VaultError::from)
        };
        switch("ON")?;
        let result = self.write(f);
        switch("OFF")?;
        let value = result?;
        guard(&self.readers).clear();
        empty_log(&guard(&self.writer))?;
        Ok(value)
    }

    /// Rewrites the file without its free pages and empties the log. Needs as much free space as the database.
    pub fn compact(&self) -> Result<(), VaultError> {
        guard(&self.readers).clear();
        let conn = guard(&self.writer);
        conn.execute_batch("VACUUM")?;
        empty_log(&conn)
    }

    /// Reads every page and checks its code and the indexes; seconds for a large file.
    ///
    /// # Errors
    /// [`VaultError::Damaged`].
    pub fn verify(&self) -> Result<(), VaultError> {
        let conn = self.reader()?;
        verify_connection(&conn)
    }

    pub(crate) fn reader(&self) -> Result<Connection, VaultError> {
        match guard(&self.readers).pop() {
            Some(conn) => Ok(conn),
            None => connect(&self.path, &self.key, self.patience, Role::Reader),
        }
    }
}

/// Destroys the database: its wrapped key first, which alone makes every copy unreadable, then all files beside it,
/// also those set aside. The key store keeps its own key, which opens nothing any more.
///
/// # Errors
/// [`VaultError::Busy`] while a vault is open.
pub fn erase(path: &Path) -> Result<(), VaultError> {
    let lock = FileLock::acquire(path, LockKind::Exclusive, Duration::ZERO)?;
    let remove = |file: &Path| match fs::remove_file(file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(VaultError::from(e)),
        _ => Ok(()),
    };
    remove(&WrappedKey::path(path))?;
    sync_folder(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let lock_name = format!("{name}.lock");
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let ours = file == name || file.strip_prefix(&name).is_some_and(|rest| rest.starts_with(['-', '.']));
        if ours && file != lock_name {
            remove(&entry.path())?;
        }
    }
    sync_folder(path);
    drop(lock);
    Ok(())
}

/// A panic inside a closure has rolled its transaction back; the connection itself is sound.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn empty_log(conn: &Connection) -> Result<(), VaultError> {
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0))?;
    if busy == 0 { Ok(()) } else { Err(VaultError::Busy) }
}

pub(crate) fn verify_connection(conn: &Connection) -> Result<(), VaultError> {
    // Each page carries a keyed code; a row here is a page whose code does not match.
    let bad: Option<String> = {
        let mut statement = conn.prepare("PRAGMA cipher_integrity_check")?;
        let mut rows = statement.query([])?;
        rows.next()?.map(|r| r.get(0)).transpose()?
    };
    if bad.is_some() {
        return Err(VaultError::damaged("a page does not match its code"));
    }
    let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(VaultError::damaged("its tables do not fit together")) }
}

fn is_emptied(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.len() == 0)
}

/// Looks again with nobody else at the file before moving it: another process may have moved it, or, if it is empty
/// beside an old key (cut to nothing by a crash of the disk), may be creating it just now. `None` then.
fn set_damaged_aside(
    path: &Path,
    key: &DatabaseKey,
    reason: String,
    emptied: bool,
    options: &OpenOptions,
) -> Result<Option<SetAside>, VaultError> {
    let patience = if emptied { Duration::ZERO } else { options.patience };
    let _lock = match FileLock::acquire(path, LockKind::Exclusive, patience) {
        Err(VaultError::Busy) if emptied => return Ok(None),
        lock => lock?,
    };
    let still_damaged = is_emptied(path)
        || match connect(path, key, options.patience, Role::Reader).and_then(|c| verify_connection(&c)) {
            Ok(()) => false,
            Err(VaultError::Damaged { .. }) => true,
            Err(other) => return Err(other),
        };
    still_damaged.then(|| move_aside(path, reason, options.now)).transpose()
}

fn connect_writer(
    path: &Path,
    key: &DatabaseKey,
    schemas: &[Schema],
    patience: Duration,
) -> Result<Connection, VaultError> {
    let mut writer = connect(path, key, patience, Role::Writer)?;
    schema::check(&writer, schemas)?;
    use_wal(&writer, patience)?;
    schema::migrate(&mut writer, schemas)?;
    Ok(writer)
}

/// Renames the database and its companions; existing names are never overwritten.
pub(crate) fn move_aside(path: &Path, reason: String, now: Timestamp) -> Result<SetAside, VaultError> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    let mut suffix = format!(".damaged-{stamp}");
    let mut n = 1;
    while with_suffix(path, &suffix).exists() {
        n += 1;
        suffix = format!(".damaged-{stamp}-{n}");
    }
    let moved_to = with_suffix(path, &suffix);
    for companion in COMPANIONS {
        let from = with_suffix(path, companion);
        if from.exists() {
            // The log must keep fitting its database: NAME.damaged-T and NAME.damaged-T-wal.
            fs::rename(&from, with_suffix(&moved_to, companion))?;
        }
    }
    sync_folder(path);
    Ok(SetAside { moved_to, reason })
}

/// Where [`crate::restore`] keeps the old database until the new one is proven.
pub(crate) fn before_restore(path: &Path) -> PathBuf {
    with_suffix(path, ".before-restore")
}

/// A restore that died between its two renames left no database: the old one comes back.
fn finish_interrupted_restore(path: &Path) -> Result<(), VaultError> {
    let old = before_restore(path);
    if !path.exists() && old.exists() {
        fs::rename(&old, path)?;
        sync_folder(path);
    }
    Ok(())
}
