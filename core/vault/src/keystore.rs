//! Where the database's key rests when the program does not run.

use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::files::{Existing, write_atomic};
use crate::key::fill_random;
use crate::seal::{self, PassphraseCost};
use crate::wrapped::WrappedKey;
use crate::{DatabaseKey, VaultError};

/// Wraps and unwraps the 32 bytes that open a database.
///
/// Phones implement it over the FFI with Android's Keystore and Apple's Keychain, whose keys never leave their chip;
/// [`wrap_with`] is the sealing for stores that only keep bytes.
pub trait KeyStore: Send + Sync {
    /// Short name written into the wrapped key's file, so that it is opened the same way again: `file`, `passphrase`.
    fn kind(&self) -> String;
    /// One English phrase for `cuba status`: what protects the key and from whom.
    fn describe(&self) -> String;
    /// Seals the secret, creating the wrapping key if there is none yet.
    fn wrap(&self, secret: &[u8; 32]) -> Result<Vec<u8>, VaultError>;
    /// Opens a sealed secret.
    ///
    /// # Errors
    /// [`VaultError::KeyMissing`] when the wrapping key is gone, [`VaultError::KeyWrong`] when it does not fit.
    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError>;
    /// Deletes the wrapping key, once [`rewrap`] has given the secret to another key store. Nothing to do for those
    /// that keep none.
    fn forget(&self) -> Result<(), VaultError> {
        Ok(())
    }
}

/// Seals a database key with a 32-byte wrapping key by AES-256-GCM, for key stores that keep bytes.
pub fn wrap_with(wrapping_key: &[u8; 32], secret: &[u8; 32]) -> Result<Vec<u8>, VaultError> {
    seal::wrap(wrapping_key, secret, CONTEXT)
}

/// Opens what [`wrap_with`] sealed.
pub fn unwrap_with(wrapping_key: &[u8; 32], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    seal::unwrap(wrapping_key, wrapped, CONTEXT)
}

const CONTEXT: &[u8] = b"cuba-vault database key 1";

/// The desktop's default: the wrapping key in a file that only its owner may read (mode 0600).
///
/// It protects a copied or lost database file, a cloud folder, another user of the machine; not from someone who can
/// read all of the owner's files. For that use [`Passphrase`].
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// A key file at `path`; created with its folder when first needed.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn read(&self) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(VaultError::KeyMissing),
            Err(e) => return Err(e.into()),
        };
        self.tighten();
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| VaultError::damaged("the key file"))?;
        Ok(Zeroizing::new(key))
    }

    /// A key file copied about may have become readable by others; it is closed again without asking.
    fn tighten(&self) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let open = fs::metadata(&self.path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0);
            if open && fs::set_permissions(&self.path, fs::Permissions::from_mode(0o600)).is_err() {
                tracing::warn!("others may read the key file and its mode cannot be changed");
            }
        }
    }
}

impl KeyStore for KeyFile {
    fn kind(&self) -> String {
        "file".to_owned()
    }

    fn describe(&self) -> String {
        "key file readable by its owner only".to_owned()
    }

    fn wrap(&self, secret: &[u8; 32]) -> Result<Vec<u8>, VaultError> {
        let key = match self.read() {
            Err(VaultError::KeyMissing) => {
                let mut fresh = Zeroizing::new([0; 32]);
                fill_random(fresh.as_mut_slice())?;
                write_atomic(&self.path, fresh.as_slice(), Existing::Keep)?;
                // Read back: another process may have been first.
                self.read()?
            }
            other => other?,
        };
        wrap_with(&key, secret)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        unwrap_with(&*self.read()?, wrapped)
    }

    fn forget(&self) -> Result<(), VaultError> {
        match fs::remove_file(&self.path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
            _ => Ok(()),
        }
    }
}

/// The wrapping key is derived from a passphrase by Argon2id (19 MiB, two passes): nothing on disk opens the database.
pub struct Passphrase {
    passphrase: Zeroizing<String>,
}

impl Passphrase {
    /// Takes the passphrase; it is wiped from memory when this is dropped.
    pub fn new(passphrase: impl Into<String>) -> Self {
        Self { passphrase: Zeroizing::new(passphrase.into()) }
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

impl KeyStore for Passphrase {
    fn kind(&self) -> String {
        "passphrase".to_owned()
    }

    fn describe(&self) -> String {
        "passphrase (Argon2id), asked for at each start".to_owned()
    }

    fn wrap(&self, secret: &[u8; 32]) -> Result<Vec<u8>, VaultError> {
        let cost = PassphraseCost::STANDARD;
        let mut salt = [0; 16];
        fill_random(&mut salt)?;
        let kek = seal::derive(&self.passphrase, &salt, cost)?;
        let mut blob = Vec::with_capacity(28 + 60);
        for number in [cost.memory_kib, cost.passes, cost.lanes] {
            blob.extend_from_slice(&number.to_le_bytes());
        }
        blob.extend_from_slice(&salt);
        blob.extend_from_slice(&wrap_with(&kek, secret)?);
        Ok(blob)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let short = || VaultError::damaged("the wrapped key");
        let (memory, rest) = wrapped.split_first_chunk::<4>().ok_or_else(short)?;
        let (passes, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let (lanes, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let (salt, sealed) = rest.split_first_chunk::<16>().ok_or_else(short)?;
        let cost = PassphraseCost {
            memory_kib: u32::from_le_bytes(*memory),
            passes: u32::from_le_bytes(*passes),
            lanes: u32::from_le_bytes(*lanes),
        };
        unwrap_with(&*seal::derive(&self.passphrase, salt, cost)?, sealed)
    }
}

/// The wrapping key rests in the desktop's own secret store (Secret Service, Keychain, Credential Manager).
#[cfg(feature = "os-keyring")]
#[derive(Debug, Clone)]
pub struct OsKeyring {
    account: String,
}

#[cfg(feature = "os-keyring")]
impl OsKeyring {
    /// `account` names the entry, so that several data folders can live side by side.
    pub fn new(account: impl Into<String>) -> Self {
        Self { account: account.into() }
    }

    fn entry(&self) -> Result<keyring::Entry, VaultError> {
        keyring::Entry::new("cuba", &self.account).map_err(|e| unavailable(&e))
    }

    fn read(&self) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let bytes = match self.entry()?.get_secret() {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(keyring::Error::NoEntry) => return Err(VaultError::KeyMissing),
            Err(e) => return Err(unavailable(&e)),
        };
        let key: [u8; 32] =
            bytes.as_slice().try_into().map_err(|_| VaultError::damaged("the keyring's entry"))?;
        Ok(Zeroizing::new(key))
    }
}

#[cfg(feature = "os-keyring")]
fn unavailable(error: &keyring::Error) -> VaultError {
    VaultError::KeyStoreUnavailable { reason: error.to_string() }
}

#[cfg(feature = "os-keyring")]
impl KeyStore for OsKeyring {
    fn kind(&self) -> String {
        "keyring".to_owned()
    }

    fn describe(&self) -> String {
        "the desktop's keyring, open while you are logged in".to_owned()
    }

    fn wrap(&self, secret: &[u8; 32]) -> Result<Vec<u8>, VaultError> {
        let key = match self.read() {
            Err(VaultError::KeyMissing) => {
                let mut fresh = Zeroizing::new([0; 32]);
                fill_random(fresh.as_mut_slice())?;
                self.entry()?.set_secret(fresh.as_slice()).map_err(|e| unavailable(&e))?;
                fresh
            }
            other => other?,
        };
        wrap_with(&key, secret)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        unwrap_with(&*self.read()?, wrapped)
    }

    fn forget(&self) -> Result<(), VaultError> {
        match self.entry()?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(e) => Err(unavailable(&e)),
        }
    }
}

/// Protects the key of the database at `path` in another way, for example from a key file to a passphrase.
/// The database itself is not rewritten. A crash leaves the old protection or the new one.
pub fn rewrap(path: &Path, from: &dyn KeyStore, to: &dyn KeyStore) -> Result<(), VaultError> {
    let key: DatabaseKey = WrappedKey::load(path)?.ok_or(VaultError::KeyMissing)?.open(from)?;
    WrappedKey::seal(&key, to)?.store(path, Existing::Replace)?;
    Ok(())
}
