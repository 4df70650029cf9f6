//! Keys, the encrypted database and sealed backups.
//!
//! A [`Vault`] is one `SQLCipher` file that every feature shares: each registers a [`Schema`] and owns its tables.
//! The file is encrypted with a random 32-byte key that exists only wrapped by a [`KeyStore`] (the platform's on a
//! phone, a key file, passphrase or the desktop's keyring elsewhere). [`backup`] seals the whole file into one portable
//! file under a passphrase or a [`RecoveryKey`], and [`restore`] puts it back.
//!
//! It must not know what the tables mean, read the clock (the caller passes the time), touch the network, or let a key,
//! a value or a file name reach an error's `Display`.
//!
//! Why this way: page encryption covers full-text search, indexes, the write-ahead log and all metadata at a measured
//! cost of 6-8 %, where sealing columns by hand would leave the shape of a life readable. A raw key skips a slow
//! key derivation at every opening. A damaged file is moved aside and reported, never deleted: half a health log that
//! an expert can salvage is worth more than a tidy empty one.
//!
//! ```
//! use cuba_vault::{KeyFile, OpenOptions, Schema, Vault, VaultError};
//!
//! const NOTES: Schema = Schema {
//!     name: "notes",
//!     migrations: &["CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL) STRICT"],
//! };
//! let dir = tempfile::tempdir().unwrap();
//! let keys = KeyFile::new(dir.path().join("keys/vault.kek"));
//! let vault = Vault::open(&dir.path().join("cuba.db"), &keys, &[NOTES], &OpenOptions::at(jiff::Timestamp::UNIX_EPOCH))?;
//! vault.write(|tx| {
//!     tx.execute("INSERT INTO note (text) VALUES (?1)", ["slept well"])?;
//!     Ok::<_, VaultError>(())
//! })?;
//! let n: i64 = vault.read(|tx| Ok::<_, VaultError>(tx.query_row("SELECT count(*) FROM note", [], |r| r.get(0))?))?;
//! assert_eq!(n, 1);
//! # Ok::<(), VaultError>(())
//! ```

pub use rusqlite;
pub use zeroize::Zeroizing;

mod backup;
mod error;
mod files;
mod key;
mod keystore;
mod pool;
mod schema;
mod seal;
mod vault;
mod wrapped;

pub use backup::{BackupInfo, BackupSecret, Progress, backup, inspect_backup, restore};
pub use error::VaultError;
pub use key::{DatabaseKey, RecoveryKey};
#[cfg(feature = "os-keyring")]
pub use keystore::OsKeyring;
pub use keystore::{KeyFile, KeyStore, Passphrase, rewrap, unwrap_with, wrap_with};
pub use schema::Schema;
pub use vault::{OpenOptions, SetAside, Vault, erase};
pub use wrapped::key_protection;
