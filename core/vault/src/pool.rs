//! Opening connections: every setting with its reason.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use crate::{DatabaseKey, VaultError};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Writer,
    Reader,
}

/// Per connection. Our values of a few kilobytes (packed days) are read in key order; 2 MB keeps the inner pages of a
/// 30 MB file and is what a 2 GB phone can spare three times.
const CACHE_KIB: i32 = 2048;

/// Bytes of a page; part of the file format. Packed days of one to three kilobytes leave a quarter of a 4096-byte page
/// empty (1.47 bytes a heart-rate sample instead of 1.2); pages of 16384 would double what each small write costs.
pub(crate) const PAGE_BYTES: u32 = 8192;

/// `SQLCipher` counts its connections and takes its machinery down with the last one, also while another thread is just
/// setting up, which then fails (`tests/threads.rs`). One connection to nothing, made under a lock and never closed,
/// keeps it up for the life of the process.
static KEPT: Mutex<Option<Connection>> = Mutex::new(None);

fn keep_cipher_up() -> Result<(), VaultError> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.is_none() {
        let conn = Connection::open_in_memory()?;
        conn.execute_batch("PRAGMA cipher_log_level = NONE; PRAGMA key = 'kept';")?;
        *kept = Some(conn);
    }
    Ok(())
}

/// Opens and unlocks the file, creating it if absent, and reads its first page to prove that the key fits.
///
/// # Errors
/// [`VaultError::KeyWrong`] for a file made with another key, [`VaultError::Damaged`] when our own file does not read.
pub(crate) fn connect(
    path: &Path,
    key: &DatabaseKey,
    patience: Duration,
    role: Role,
) -> Result<Connection, VaultError> {
    // No shared cache, no URI names; the mutex is ours (each connection is used by one thread at a time).
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    keep_cipher_up()?;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(patience)?;
    match configure(&conn, key, role) {
        Ok(()) => Ok(conn),
        Err(VaultError::Damaged { .. }) if starts_with_other_salt(path, key) => Err(VaultError::KeyWrong),
        Err(VaultError::Damaged { .. }) => Err(VaultError::damaged("its first page does not read")),
        Err(other) => Err(other),
    }
}

fn configure(conn: &Connection, key: &DatabaseKey, role: Role) -> Result<(), VaultError> {
    // SQLCipher would write its own lines to stderr; our errors say it better.
    conn.execute_batch("PRAGMA cipher_log_level = NONE;")?;
    conn.execute_batch(&key.pragma("PRAGMA key = "))?;
    conn.execute_batch(&format!("PRAGMA cipher_page_size = {PAGE_BYTES};"))?;
    // - temp_store 2: temporary tables stay in memory; Android has no temporary folder, and a spilled sort would be
    //   plaintext on disk.
    // - foreign_keys: off by default in SQLite, per connection.
    // - synchronous FULL: a commit that was acknowledged survives a power cut, not only a crash. Writes come in large
    //   transactions, so that one fsync each is not felt.
    // - trusted_schema, cell_size_check: a hostile restored file gets no functions and is checked as it is read.
    // - cipher_memory_security stays off: it wipes and locks every page buffer, which costs more than all the
    //   encryption, while SQLCipher always wipes its own keys.
    conn.execute_batch(&format!(
        "PRAGMA temp_store = 2;
         PRAGMA foreign_keys = ON;
         PRAGMA synchronous = FULL;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA cache_size = -{CACHE_KIB};"
    ))?;
    if role == Role::Reader {
        conn.execute_batch("PRAGMA query_only = ON;")?;
    }
    conn.set_prepared_statement_cache_capacity(64);
    // Reads the first page: proof that the key fits.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get::<_, i64>(0))?;
    Ok(())
}

/// Switches to the write-ahead log: readers never wait for the writer, and a commit is one sequential write.
/// The mode is a property of the file; for an existing one this changes nothing.
///
/// Where several processes create one vault at once, `SQLite` does not wait for the others here but says busy straight away, lest
/// two wait for each other: so this asks again until `patience` is over (a last try may wait as long again).
pub(crate) fn use_wal(conn: &Connection, patience: Duration) -> Result<(), VaultError> {
    let started = Instant::now();
    let mode: String = loop {
        match conn.query_row("PRAGMA journal_mode = WAL", [], |r| r.get(0)).map_err(VaultError::from) {
            Err(VaultError::Busy) if started.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(20));
            }
            outcome => break outcome?,
        }
    };
    if mode != "wal" {
        // Some network folders cannot share memory. SQLite then keeps its rollback journal: slower, as safe.
        tracing::warn!(mode, "no write-ahead log here");
    }
    // After a large import the log shrinks back instead of keeping its peak on a 16 GB phone.
    conn.execute_batch("PRAGMA journal_size_limit = 8388608;")?;
    Ok(())
}

/// A `SQLCipher` file begins with its salt, and ours is known from the wrapped key.
fn starts_with_other_salt(path: &Path, key: &DatabaseKey) -> bool {
    let mut start = [0; 16];
    File::open(path).and_then(|mut f| f.read_exact(&mut start)).is_ok_and(|()| start != key.salt)
}
