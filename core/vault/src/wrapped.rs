//! The file `NAME.key` beside a database: its key, wrapped.
//!
//! `CUBAKEY` and a version byte, the key store's kind (length byte, UTF-8), the 16-byte salt of the database file, the
//! wrapped secret (16-bit little-endian length, bytes).

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{Existing, with_suffix, write_atomic};
use crate::{DatabaseKey, KeyStore, VaultError};

const MAGIC: &[u8; 8] = b"CUBAKEY\x01";

pub(crate) struct WrappedKey {
    kind: String,
    salt: [u8; 16],
    blob: Vec<u8>,
}

/// How the key of the database at `path` is protected (the [`KeyStore::kind`]), or `None` when there is no key yet.
/// Asks for nothing and opens nothing, so that a program knows beforehand whether to ask for a passphrase.
pub fn key_protection(path: &Path) -> Result<Option<String>, VaultError> {
    Ok(WrappedKey::load(path)?.map(|w| w.kind))
}

impl WrappedKey {
    pub(crate) fn path(database: &Path) -> PathBuf {
        with_suffix(database, ".key")
    }

    pub(crate) fn load(database: &Path) -> Result<Option<Self>, VaultError> {
        match fs::read(Self::path(database)) {
            Ok(bytes) => Self::parse(&bytes).map(Some).ok_or_else(|| VaultError::damaged("the wrapped key")),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Returns whether the file was written (`false`: one existed and was kept).
    pub(crate) fn store(&self, database: &Path, existing: Existing) -> Result<bool, VaultError> {
        let mut bytes = MAGIC.to_vec();
        let kind_len = u8::try_from(self.kind.len())
            .map_err(|_| VaultError::other("the key store's name is too long"))?;
        let blob_len =
            u16::try_from(self.blob.len()).map_err(|_| VaultError::other("the wrapped key is too long"))?;
        bytes.push(kind_len);
        bytes.extend_from_slice(self.kind.as_bytes());
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(&blob_len.to_le_bytes());
        bytes.extend_from_slice(&self.blob);
        write_atomic(&Self::path(database), &bytes, existing)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (&kind_len, rest) = rest.split_first()?;
        let (kind, rest) = rest.split_at_checked(usize::from(kind_len))?;
        let (salt, rest) = rest.split_first_chunk::<16>()?;
        let (blob_len, blob) = rest.split_first_chunk::<2>()?;
        (blob.len() == usize::from(u16::from_le_bytes(*blob_len))).then_some(())?;
        Some(Self { kind: String::from_utf8(kind.to_vec()).ok()?, salt: *salt, blob: blob.to_vec() })
    }

    pub(crate) fn seal(key: &DatabaseKey, keys: &dyn KeyStore) -> Result<Self, VaultError> {
        Ok(Self { kind: keys.kind(), salt: key.salt, blob: keys.wrap(&key.secret)? })
    }

    pub(crate) fn open(&self, keys: &dyn KeyStore) -> Result<DatabaseKey, VaultError> {
        if self.kind != keys.kind() {
            return Err(VaultError::KeyProtectedBy { kind: self.kind.clone() });
        }
        Ok(DatabaseKey { secret: keys.unwrap(&self.blob)?, salt: self.salt })
    }

    /// The key of `database`; a fresh one when neither key nor database exists. The flag says whether it existed.
    pub(crate) fn obtain(database: &Path, keys: &dyn KeyStore) -> Result<(DatabaseKey, bool), VaultError> {
        if let Some(wrapped) = Self::load(database)? {
            return Ok((wrapped.open(keys)?, true));
        }
        if fs::metadata(database).is_ok_and(|m| m.len() > 0) {
            return Err(VaultError::KeyMissing);
        }
        // On disk and synced before the database exists: no page is ever written under a key that a crash could lose.
        Self::seal(&DatabaseKey::generate()?, keys)?.store(database, Existing::Keep)?;
        // Read back: of two processes starting at once, the first one's key counts.
        let wrapped = Self::load(database)?.ok_or(VaultError::KeyMissing)?;
        Ok((wrapped.open(keys)?, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = WrappedKey::parse(&bytes);
            let with_magic = [MAGIC.as_slice(), &bytes].concat();
            let _ = WrappedKey::parse(&with_magic);
        }
    }
}
