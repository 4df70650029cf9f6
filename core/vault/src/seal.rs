//! The cryptographic pieces, each a thin use of `ring` or `argon2`.

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::key::fill_random;

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// Seals 32 secret bytes with AES-256-GCM: a random nonce, then ciphertext and tag. `context` binds the blob to its use.
pub(crate) fn wrap(kek: &[u8; 32], secret: &[u8; 32], context: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut nonce = [0; NONCE_LEN];
    fill_random(&mut nonce)?;
    let mut sealed = Zeroizing::new(secret.to_vec());
    sealed.reserve_exact(TAG_LEN);
    aes(kek)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut *sealed)
        .map_err(|_| VaultError::other("the key cannot be sealed"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`wrap`] sealed.
pub(crate) fn unwrap(kek: &[u8; 32], blob: &[u8], context: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let (nonce, sealed) = blob.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::KeyWrong)?;
    let mut sealed = Zeroizing::new(sealed.to_vec());
    let opened = aes(kek)
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut sealed)
        .map_err(|_| VaultError::KeyWrong)?;
    let secret: &[u8; 32] = (&*opened).try_into().map_err(|_| VaultError::KeyWrong)?;
    Ok(Zeroizing::new(*secret))
}

fn aes(kek: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, kek).expect("AES-256 takes 32 bytes"))
}

/// Cost of turning a passphrase into a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassphraseCost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl PassphraseCost {
    /// Argon2id rather than PBKDF2: a graphics card tries PBKDF2 guesses by the million, but each Argon2 guess needs
    /// this memory. 19 MiB and two passes are OWASP's floor, and fit a phone with 2 GB.
    pub(crate) const STANDARD: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// What a file may ask for. Beyond it the file is hostile: it would only exhaust memory or time.
    fn is_sane(self) -> bool {
        (8..=256 * 1024).contains(&self.memory_kib) && (1..=16).contains(&self.passes) && self.lanes == 1
    }
}

/// Argon2id of a passphrase.
pub(crate) fn derive(
    passphrase: &str,
    salt: &[u8; 16],
    cost: PassphraseCost,
) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    if !cost.is_sane() {
        return Err(VaultError::damaged("the cost of its passphrase is out of range"));
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|_| VaultError::damaged("the cost of its passphrase is out of range"))?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .map_err(|_| VaultError::other("the passphrase cannot be turned into a key"))?;
    Ok(key)
}
